"""gdnsd's configuration and zone files: the zones of Route 53, and the DNS they hang in.

**One member, all its addresses.** gdnsd's plugin `weighted` draws one group of addresses by weight
and then, within the group, returns each address with the odds of its weight to the group's largest.
A group's weight is the sum of its addresses'. So an answer with several addresses is a group whose
addresses have equal weights, and weights are chosen such that the sums have the ratios of the
shares. gdnsd takes weights below 2^20: shares that need larger ones are rounded, by less than a
millionth.

**The empty answer.** gdnsd cannot answer a share of the questions with nothing. An empty answer is
an address that nobody has: `NOTHING`. The front takes it out (`sandbox.lab.dns.authority`).

**One TTL.** gdnsd has one TTL for all answers of a name, of both families. Where Route 53 has
several, `Plan.ttls` tells them, and the front sets them.

**A zone within a zone.** gdnsd refuses to serve a zone and one inside it. Here there always are
such: the root, and everything. So zones are put on levels by how many others they are inside of;
each level has a gdnsd of its own, and the front asks the one that has the deepest zone. Since that
follows no delegation, a hosted zone inside another is served only if the other one's NS records
lead to it.

Nothing here is signed: the lab has a root of its own.

Source: gdnsd-plugin-weighted(8), 'THE GROUPED SINGLE CASE' and 'LIMITS'; gdnsd.zonefile(5), 'DYNA';
gdnsd.config(5).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from ipaddress import ip_address
from math import gcd, lcm
from pathlib import Path
from typing import Final

import dns.rdata
import dns.rdataclass
from pydantic import BaseModel, ConfigDict

from sandbox.lab.deployed import Zone
from sandbox.lab.dns.answers import (
    EMPTY,
    Answer,
    Key,
    Leads,
    Shares,
    canonical,
    possible_answers,
    unsupported_records,
)

NOTHING: Final = {"A": "192.0.0.8", "AAAA": "100::"}
"""Addresses that stand for an empty answer. The first is the dummy address of RFC 7600, the second
one that packets are discarded for (RFC 6666); neither can be anybody's."""

MOST_WEIGHT: Final = 2**20 - 1
"""The largest weight of one address. Source: gdnsd-plugin-weighted(8), 'LIMITS'."""

MOST_MEMBERS: Final = 64
"""Answers of one name and type, and addresses of one of them. Source: as above."""

ROOT_SERVER: Final = "a.root-servers.net"
"""Name of the lab's one name server, as far as no zone names another."""

INFRASTRUCTURE_TTL_SECONDS: Final = 60
"""TTL of everything outside Route 53, also of the answer that there is no such name: a name that is
not there yet can be there a moment later in the lab."""

NAT64_DISCOVERY: Final = ("ipv4only.arpa", ("192.0.0.170", "192.0.0.171"))
"""The name whose AAAA records, made up by a DNS64 resolver, tell its prefix. Source: RFC 7050."""

_FAMILIES: Final = ("A", "AAAA")
_AMAZON_SOA: Final = "awsdns-hostmaster.amazon.com. 1 7200 900 1209600"
_AMAZON_SOA_TTL: Final = 900
_AMAZON_SOA_MINIMUM: Final = 86_400
"""What Route 53 gives a new zone. Source: Route 53 Developer Guide, 'The start of authority (SOA)
record'."""


class Level(BaseModel):
    """What one gdnsd serves: zones none of which is inside another."""

    model_config = ConfigDict(frozen=True)

    plugins: str
    """The `plugins` part of its `config`."""
    zones: dict[str, str]
    """Text of each file in its folder `zones`, by the file's name."""


class Authority(BaseModel):
    """A zone, as the front knows it."""

    model_config = ConfigDict(frozen=True)

    level: int
    """Which level serves it."""
    soa: str
    """What its SOA record says, as in a master file."""
    negative_ttl_seconds: int
    """How long a negative answer lives, which is the TTL of the SOA record that comes with it.
    Source: RFC 2308 section 3."""


class Plan(BaseModel):
    """Everything the name servers of the lab answer."""

    model_config = ConfigDict(frozen=True)

    levels: tuple[Level, ...]
    """By how many zones the zones are inside of; the first has the root."""
    zones: dict[str, Authority]
    """Every zone, by its name; the root's is empty."""
    ttls: dict[str, dict[str, int]]
    """Where an answer has another TTL than its name in gdnsd: by name and type (`name TYPE`) the
    TTL of each answer, by its values, sorted and joined by spaces."""


class NameServersConfig(BaseModel):
    """Configuration of the name servers."""

    model_config = ConfigDict(frozen=True)

    addresses: tuple[str, ...]
    """Addresses it listens on."""
    gdnsd: str
    """Path of gdnsd."""
    setpriv: str
    """Path of setpriv, which lets gdnsd end with the front, whatever that one dies of."""
    folder: Path
    """Folder for the files of gdnsd."""
    plan: Plan
    """What is answered."""


def plan(
    zones: Sequence[Zone], leads: Leads, health: Mapping[str, bool], servers: Sequence[str]
) -> Plan:
    """Return all that the name servers answer.

    Of several zones of one name the first is served that resolvers are led to, and `unsupported`
    names the others; nor is a zone served that the one around it does not delegate to.

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
    return Plan(
        levels=tuple(_level(levels[depth]) for depth in sorted(levels)),
        zones={
            name: _authority(name, records, number)
            for number, depth in enumerate(sorted(levels))
            for name, records in sorted(levels[depth].items())
        },
        ttls={
            f"{name} {kind}": ttls
            for records in answered.values()
            for (name, kind), shares in sorted(records.items())
            if kind in _FAMILIES and (ttls := _deviating(records, name, shares))
        },
    )


def unsupported(zones: Sequence[Zone]) -> list[str]:
    """Name what is in the zones and is not served, each with the reason."""
    hosted = _hosted(zones)
    found: list[str] = []
    for zone in zones:
        served = hosted.get(canonical(zone.name))
        if served is None:
            found.append(
                f"zone {zone.id}, {zone.name}, is inside another hosted zone, which does not have "
                "NS records for it that are among its own; nobody is led to it, nor in the lab"
            )
            continue
        if served is not zone:
            found.append(f"zone {zone.id} has the name of another, {zone.name}; the lab serves one")
            continue
        found += unsupported_records(zone)
        groups = possible_answers(zone, {}, {})
        found += [
            f"records {name} {kind} of zone {zone.name} {reason}"
            for (name, kind), shares in sorted(groups.items())
            if (reason := _unservable(kind, shares))
        ]
    return found


def _hosted(zones: Sequence[Zone]) -> dict[str, Zone]:
    """Return the zones that are served by their names: those that resolvers are led to.

    Who leads to a zone that is inside no other is not known, and it is taken to be so.
    """
    named: dict[str, list[Zone]] = defaultdict(list)
    for zone in zones:
        named[canonical(zone.name)].append(zone)
    found: dict[str, Zone] = {}
    for name in sorted(named, key=lambda name: name.count(".")):
        around = [other for other in found if is_inside(name, other)]
        able = named[name]
        if around:
            led_to = _name_servers(found[max(around, key=len)], name)
            able = [zone for zone in able if led_to and led_to <= _name_servers(zone, name)]
        if able:
            found[name] = able[0]
    return found


def _name_servers(zone: Zone, name: str) -> set[str]:
    """Return the names of the servers that a zone's NS records of a name tell."""
    shares = possible_answers(zone, {}, {}).get((name, "NS"), {})
    return {canonical(server) for answer in shares for server in answer.values}


def weights(shares: Shares) -> dict[Answer, int]:
    """Return the weight of each address of each answer, so that answers have their shares."""
    each = {answer: share / max(1, len(answer.values)) for answer, share in shares.items()}
    common = lcm(*(share.denominator for share in each.values()))
    whole = {answer: int(share * common) for answer, share in each.items()}
    divisor = gcd(*whole.values())
    largest = max(whole.values()) // divisor
    if largest <= MOST_WEIGHT:
        return {answer: weight // divisor for answer, weight in whole.items()}
    shrink = Fraction(MOST_WEIGHT, largest * divisor)
    return {answer: max(1, round(weight * shrink)) for answer, weight in whole.items()}


def is_inside(name: str, zone: str) -> bool:
    """Return whether a name is in a zone."""
    return zone in ("", name) or name.endswith(f".{zone}")


def _unservable(kind: str, shares: Shares) -> str | None:
    if kind not in _FAMILIES and len(shares) > 1:
        return "are weighted; the lab serves weighted A and AAAA records"
    most = max(len(shares), *(len(answer.values) for answer in shares))
    if _is_drawn(shares) and most > MOST_MEMBERS:
        return f"have {most} members or addresses; gdnsd serves {MOST_MEMBERS}"
    return None


def _complete(
    name: str,
    records: dict[Key, Shares],
    *,
    soa_ttl_seconds: int = INFRASTRUCTURE_TTL_SECONDS,
    minimum_seconds: int = INFRASTRUCTURE_TTL_SECONDS,
) -> dict[Key, Shares]:
    """Leave out what cannot be served, and see to it that the zone has an SOA and an NS record."""
    served = {key: shares for key, shares in records.items() if not _unservable(key[1], shares)}
    soa = f"{ROOT_SERVER}. {_AMAZON_SOA} {minimum_seconds}"
    if not _values(served, (name, "SOA")):
        served[name, "SOA"] = {Answer((soa,), soa_ttl_seconds): Fraction(1)}
    if not _values(served, (name, "NS")):
        served[name, "NS"] = _always(f"{ROOT_SERVER}.")
    return served


def _always(*values: str) -> Shares:
    return {Answer(values, INFRASTRUCTURE_TTL_SECONDS) if values else EMPTY: Fraction(1)}


def _values(records: Mapping[Key, Shares], key: Key) -> tuple[str, ...]:
    return next(iter(records.get(key, {EMPTY: Fraction(1)}))).values


def _infrastructure(
    hosted: Mapping[str, Mapping[Key, Shares]], leads: Leads, servers: Sequence[str]
) -> dict[str, dict[Key, Shares]]:
    """Return zones with the names outside Route 53 that something in the lab looks up."""
    found: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}
    for name, addresses in leads.items():
        found[canonical(name)] = addresses
        if name.endswith(".amazonaws.com"):
            found[canonical(f"dualstack.{name}")] = addresses
    own = (_of_version(servers, 4), _of_version(servers, 6))
    found[ROOT_SERVER] = own
    for zone, records in hosted.items():
        found |= {canonical(server): own for server in _values(records, (zone, "NS"))}
    found[NAT64_DISCOVERY[0]] = (NAT64_DISCOVERY[1], ())
    zones: dict[str, dict[Key, Shares]] = defaultdict(dict)
    for name, addresses in found.items():
        if any(is_inside(name, zone) for zone in hosted):
            continue  # its own zone says what it is
        parent = ".".join(name.split(".")[-2:])
        for kind, values in zip(_FAMILIES, addresses, strict=True):
            if values:
                zones[parent][name, kind] = _always(*(str(ip_address(value)) for value in values))
    return zones


def _of_version(addresses: Sequence[str], version: int) -> tuple[str, ...]:
    return tuple(text for text in addresses if ip_address(text).version == version)


def _root(zones: Mapping[str, object]) -> dict[Key, Shares]:
    """Return the root zone: a name for each zone below it, so that the names between them exist.

    The front never asks the root about a name in another zone, so nobody sees these. But a resolver
    asks for `com` before it asks for `example.com`, and takes 'no such name' at its word.

    Source: RFC 8020; RFC 9156 section 2.3.
    """
    return {(zone, "TXT"): _always('"a zone of its own"') for zone in zones}


def _authority(name: str, records: Mapping[Key, Shares], level: int) -> Authority:
    answer = next(iter(records[name, "SOA"]))
    (soa,) = answer.values
    return Authority(
        level=level,
        soa=soa,
        negative_ttl_seconds=min(answer.ttl_seconds, int(soa.rsplit(" ", 1)[1])),
    )


def _level(zones: Mapping[str, Mapping[Key, Shares]]) -> Level:
    resources: dict[str, str] = {}
    files = {
        (zone.replace("/", "@") or "ROOT_ZONE"): "\n".join(_zone(zone, records, resources)) + "\n"
        for zone, records in sorted(zones.items())
    }
    inner = "\n".join(f"    {name} => {text}" for name, text in resources.items())
    plugins = f"plugins => {{\n  weighted => {{\n{inner}\n  }}\n}}\n" if resources else ""
    return Level(plugins=plugins, zones=files)


def _zone(zone: str, records: Mapping[Key, Shares], resources: dict[str, str]) -> Iterator[str]:
    """Yield a zone's master file; what is drawn from weights is added to the resources."""
    drawn = {name for (name, kind), shares in records.items() if _draws(kind, shares)}
    # The SOA record has to be the first.
    for (name, kind), shares in sorted(records.items(), key=lambda item: _order(zone, item[0])):
        if name in drawn and kind in _FAMILIES:
            continue
        ((answer, _),) = shares.items()
        for value in answer.values:
            yield f"{name}. {answer.ttl_seconds} {_rdata(kind, value)}"
    for name in sorted(drawn):
        resource = f"r{len(resources)}"
        resources[resource] = _resource(records, name)
        ttl = _ttl(records, name)
        yield f"{name}. {ttl}/{ttl} DYNA weighted!{resource}"


def _order(zone: str, key: Key) -> tuple[bool, Key]:
    return key != (zone, "SOA"), key


def _rdata(kind: str, value: str) -> str:
    """Return type and value, generic (RFC 3597) where gdnsd does not know the type."""
    known = {"A", "AAAA", "CAA", "CNAME", "MX", "NAPTR", "NS", "PTR", "SOA", "SRV", "TXT"}
    if kind in known:
        return f"{kind} {value}"
    rdata = dns.rdata.from_text(dns.rdataclass.IN, kind, value)
    return f"TYPE{int(rdata.rdtype)} {rdata.to_generic().to_text()}"


def _draws(kind: str, shares: Shares) -> bool:
    return kind in _FAMILIES and _is_drawn(shares)


def _is_drawn(shares: Shares) -> bool:
    """Return whether there is a choice, or an empty answer, which no master file can tell."""
    return len(shares) > 1 or EMPTY in shares


def _resource(records: Mapping[Key, Shares], name: str) -> str:
    families = [
        f"addrs_v{version} => {_members(kind, shares)}"
        for kind, version in (("A", 4), ("AAAA", 6))
        if (shares := records.get((name, kind)))
    ]
    return f"{{ {' '.join(families)} }}"


def _members(kind: str, shares: Shares) -> str:
    """Return the groups of a family: one for each answer, its addresses with equal weights."""
    merged: Shares = defaultdict(Fraction)
    for answer, share in shares.items():
        merged[Answer(answer.values, 0)] += share
    groups = [
        (answer.values or (NOTHING[kind],), weight)
        for answer, weight in sorted(weights(merged).items(), key=lambda item: item[0].values)
    ]
    return _block(
        f"m{number} => {_block(f'a{i} => [ {own}, {weight} ]' for i, own in enumerate(values))}"
        for number, (values, weight) in enumerate(groups)
    )


def _block(parts: Iterator[str]) -> str:
    return f"{{ {' '.join(parts)} }}"


def _ttl(records: Mapping[Key, Shares], name: str) -> int:
    """Return the one TTL that gdnsd has for a name: the smallest of its addresses'."""
    return min(
        (
            answer.ttl_seconds
            for kind in _FAMILIES
            for answer in records.get((name, kind), {})
            if answer.values
        ),
        default=INFRASTRUCTURE_TTL_SECONDS,
    )


def _deviating(records: Mapping[Key, Shares], name: str, shares: Shares) -> dict[str, int]:
    """Return the TTLs of all answers of a family, if gdnsd has another for one of them."""
    drawn = any(_draws(kind, records.get((name, kind), {})) for kind in _FAMILIES)
    if not drawn:
        return {}
    ttls: dict[str, int] = {}
    for answer in shares:
        if answer.values:
            values = " ".join(sorted(answer.values))
            ttls[values] = min(answer.ttl_seconds, ttls.get(values, answer.ttl_seconds))
    return ttls if set(ttls.values()) - {_ttl(records, name)} else {}
