"""What the lab's name servers answer: the zones of Route 53, and the DNS that leads to them.

**A zone within a zone.** gdnsd refuses to serve a zone and one inside it. Here there always are
such: the root, and everything. So zones are put on levels by how many others they are inside of;
each level has a gdnsd of its own, and the front asks the one that has the deepest zone. Since that
follows no delegation, a hosted zone inside another is served only if the other one's NS records
lead to it.

Nothing here is signed: the lab has a root of its own.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from fractions import Fraction
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

from sandbox.lab.deployed import DeployedZone
from sandbox.lab.dns.answers import (
    EMPTY,
    FAMILIES,
    Key,
    Leads,
    PossibleAnswer,
    Shares,
    canonical,
    possible_answers,
    unsupported_records,
)
from sandbox.lab.dns.zone_files import (
    DEFAULT_TTL_SECONDS,
    MOST_MEMBERS,
    Level,
    deviating_ttls,
    is_drawn,
    level,
)

ROOT_SERVER: Final = "a.root-servers.net"
"""Name of the lab's one name server, as far as no zone names another."""

NAT64_DISCOVERY: Final = ("ipv4only.arpa", ("192.0.0.170", "192.0.0.171"))
"""The name whose AAAA records, made up by a DNS64 resolver, tell its prefix. Source: RFC 7050."""

_AMAZON_SOA: Final = "awsdns-hostmaster.amazon.com. 1 7200 900 1209600"
_AMAZON_SOA_TTL: Final = 900
_AMAZON_SOA_MINIMUM: Final = 86_400
"""What Route 53 gives a new zone. Source: Route 53 Developer Guide, 'The start of authority (SOA)
record'."""


class ServedZone(BaseModel):
    """A zone that is served."""

    model_config = ConfigDict(frozen=True)

    level: int
    """Which level serves it."""
    soa: str
    """What its SOA record says, as in a master file."""
    negative_ttl_seconds: int
    """How long a negative answer lives, which is the TTL of the SOA record that comes with it.
    Source: RFC 2308 section 3."""


class ServedNames(BaseModel):
    """Everything the name servers of the lab answer."""

    model_config = ConfigDict(frozen=True)

    levels: tuple[Level, ...]
    """By how many zones the zones are inside of; the first has the root."""
    zones: dict[str, ServedZone]
    """Every zone, by its name; the root's is empty."""
    ttls: dict[str, dict[str, int]]
    """Where an answer has another TTL than its name in gdnsd: by name and type (`name TYPE`) the
    TTL of each answer, by its values, sorted and joined by spaces."""


class NameServersConfig(BaseModel):
    """Configuration of the name servers."""

    model_config = ConfigDict(frozen=True)

    addresses: tuple[str, ...]
    """Addresses it listens on."""
    folder: Path
    """Folder for the files of gdnsd."""
    names: ServedNames
    """What is answered."""


def served_names(
    zones: Sequence[DeployedZone], leads: Leads, health: Mapping[str, bool], servers: Sequence[str]
) -> ServedNames:
    """Return all that the name servers answer.

    Of several zones of one name, the first that resolvers are led to is served. A zone inside
    another is served only if that one delegates to it. `unsupported_names` has the others.

    Args:
        zones: The zones of Route 53.
        leads: Addresses of each load balancer's and distribution's name.
        health: Health of the checks by id; one that is missing is healthy.
        servers: Addresses of the name servers, which every name server's name has.
    """
    hosted = _hosted(zones)
    answered = {
        name: _complete(
            name,
            possible_answers(zone, leads, health),
            soa_ttl_seconds=_AMAZON_SOA_TTL,
            minimum_seconds=_AMAZON_SOA_MINIMUM,
        )
        for name, zone in hosted.items()
    }
    for name, records in _infrastructure(answered, leads, servers).items():
        answered[name] = _complete(name, records)
    answered[""] = _complete("", _root(answered))
    levels: dict[int, dict[str, dict[Key, Shares]]] = defaultdict(dict)
    for name, records in answered.items():
        depth = sum(1 for other in answered if other != name and is_inside(name, other))
        levels[depth][name] = records
    return ServedNames(
        levels=tuple(level(levels[depth]) for depth in sorted(levels)),
        zones={
            name: _served_zone(name, records, number)
            for number, depth in enumerate(sorted(levels))
            for name, records in sorted(levels[depth].items())
        },
        ttls={
            f"{name} {kind}": ttls
            for records in answered.values()
            for (name, kind), shares in sorted(records.items())
            if kind in FAMILIES and (ttls := deviating_ttls(records, name, shares))
        },
    )


def unsupported_names(zones: Sequence[DeployedZone]) -> list[str]:
    """Name what is in the zones and is not served, each with the reason."""
    hosted = _hosted(zones)
    unserved: list[str] = []
    for zone in zones:
        served = hosted.get(canonical(zone.name))
        if served is None:
            unserved.append(
                f"zone {zone.id}, {zone.name}, is inside another hosted zone, which does not have "
                "NS records for it that are among its own; nobody is led to it, nor in the lab"
            )
            continue
        if served is not zone:
            unserved.append(
                f"zone {zone.id} has the name of another, {zone.name}; the lab serves one"
            )
            continue
        unserved += unsupported_records(zone)
        groups = possible_answers(zone, {}, {})
        unserved += [
            f"records {name} {kind} of zone {zone.name} {reason}"
            for (name, kind), shares in sorted(groups.items())
            if (reason := _unservable(kind, shares))
        ]
    return unserved


def _hosted(zones: Sequence[DeployedZone]) -> dict[str, DeployedZone]:
    """Return the zones that are served by their names: those that resolvers are led to.

    Who leads to a zone that is inside no other is not known, and it is taken to be so.
    """
    named: dict[str, list[DeployedZone]] = defaultdict(list)
    for zone in zones:
        named[canonical(zone.name)].append(zone)
    hosted: dict[str, DeployedZone] = {}
    for name in sorted(named, key=lambda name: name.count(".")):
        around = [other for other in hosted if is_inside(name, other)]
        able = named[name]
        if around:
            led_to = _name_servers(hosted[max(around, key=len)], name)
            able = [zone for zone in able if led_to and led_to <= _name_servers(zone, name)]
        if able:
            hosted[name] = able[0]
    return hosted


def _name_servers(zone: DeployedZone, name: str) -> set[str]:
    """Return the names of the servers that a zone's NS records of a name tell."""
    shares = possible_answers(zone, {}, {}).get((name, "NS"), {})
    return {canonical(server) for answer in shares for server in answer.values}


def is_inside(name: str, zone: str) -> bool:
    """Return whether a name is in a zone."""
    return zone in ("", name) or name.endswith(f".{zone}")


def _unservable(kind: str, shares: Shares) -> str | None:
    if kind not in FAMILIES and len(shares) > 1:
        return "are weighted; the lab serves weighted A and AAAA records"
    most = max(len(shares), *(len(answer.values) for answer in shares))
    if is_drawn(shares) and most > MOST_MEMBERS:
        return f"have {most} members or addresses; gdnsd serves {MOST_MEMBERS}"
    return None


def _complete(
    name: str,
    records: dict[Key, Shares],
    *,
    soa_ttl_seconds: int = DEFAULT_TTL_SECONDS,
    minimum_seconds: int = DEFAULT_TTL_SECONDS,
) -> dict[Key, Shares]:
    """Leave out what cannot be served, and see to it that the zone has an SOA and an NS record."""
    served = {key: shares for key, shares in records.items() if not _unservable(key[1], shares)}
    soa = f"{ROOT_SERVER}. {_AMAZON_SOA} {minimum_seconds}"
    if not _values(served, (name, "SOA")):
        served[name, "SOA"] = {PossibleAnswer((soa,), soa_ttl_seconds): Fraction(1)}
    if not _values(served, (name, "NS")):
        served[name, "NS"] = _always(f"{ROOT_SERVER}.")
    return served


def _always(*values: str) -> Shares:
    return {PossibleAnswer(values, DEFAULT_TTL_SECONDS) if values else EMPTY: Fraction(1)}


def _values(records: Mapping[Key, Shares], key: Key) -> tuple[str, ...]:
    return next(iter(records.get(key, {EMPTY: Fraction(1)}))).values


def _infrastructure(
    hosted: Mapping[str, Mapping[Key, Shares]], leads: Leads, servers: Sequence[str]
) -> dict[str, dict[Key, Shares]]:
    """Return zones with the names outside Route 53 that something in the lab looks up."""
    addresses_of: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}
    for name, addresses in leads.items():
        addresses_of[canonical(name)] = addresses
        if name.endswith(".amazonaws.com"):
            addresses_of[canonical(f"dualstack.{name}")] = addresses
    own = (_of_version(servers, 4), _of_version(servers, 6))
    addresses_of[ROOT_SERVER] = own
    for zone, records in hosted.items():
        addresses_of |= {canonical(server): own for server in _values(records, (zone, "NS"))}
    addresses_of[NAT64_DISCOVERY[0]] = (NAT64_DISCOVERY[1], ())
    zones: dict[str, dict[Key, Shares]] = defaultdict(dict)
    for name, addresses in addresses_of.items():
        if any(is_inside(name, zone) for zone in hosted):
            continue  # its own zone says what it is
        parent = ".".join(name.split(".")[-2:])
        for kind, values in zip(FAMILIES, addresses, strict=True):
            if values:
                zones[parent][name, kind] = _always(*(str(ip_address(value)) for value in values))
    return zones


def _of_version(addresses: Sequence[str], version: int) -> tuple[str, ...]:
    return tuple(text for text in addresses if ip_address(text).version == version)


def _root(zones: Mapping[str, object]) -> dict[Key, Shares]:
    """Return the root zone: a name for each zone below it, so that the names between them exist.

    The front never asks the root about a name in another zone, so no client sees these. But a
    resolver asks for `com` before it asks for `example.com`, and believes 'no such name'.

    Source: RFC 8020; RFC 9156 section 2.3.
    """
    return {(zone, "TXT"): _always('"a zone of its own"') for zone in zones}


def _served_zone(name: str, records: Mapping[Key, Shares], level: int) -> ServedZone:
    answer = next(iter(records[name, "SOA"]))
    (soa,) = answer.values
    return ServedZone(
        level=level,
        soa=soa,
        negative_ttl_seconds=min(answer.ttl_seconds, int(soa.rsplit(" ", 1)[1])),
    )
