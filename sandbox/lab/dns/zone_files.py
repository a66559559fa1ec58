"""Zones as gdnsd reads them: master files, and the weights of its plugin.

**One member, all its addresses.** gdnsd's plugin `weighted` draws one group of addresses by weight
and then, within the group, returns each address with the odds of its weight to the group's largest.
A group's weight is the sum of its addresses'. So an answer with several addresses is a group whose
addresses have equal weights, and weights are chosen such that the sums have the ratios of the
shares. gdnsd takes weights below 2^20: shares that need larger ones are rounded, by less than a
millionth.

**The empty answer.** gdnsd cannot answer a share of the questions with nothing. An empty answer is
an address that nobody has: `NOTHING`. The front takes it out (`sandbox.lab.dns.authority`).

**One TTL.** gdnsd has one TTL for all answers of a name, of both families. Where Route 53 has
several, `deviating_ttls` says which, and the front sets them.

Source: gdnsd-plugin-weighted(8), 'THE GROUPED SINGLE CASE' and 'LIMITS'; gdnsd.zonefile(5), 'DYNA';
gdnsd.config(5).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from fractions import Fraction
from math import gcd, lcm
from typing import Final

import dns.rdata
import dns.rdataclass
from pydantic import BaseModel, ConfigDict

from sandbox.lab.dns.answers import EMPTY, FAMILIES, Key, PossibleAnswer, Shares

NOTHING: Final = {"A": "192.0.0.8", "AAAA": "100::"}
"""Addresses that stand for an empty answer. The first is the dummy address of RFC 7600, the second
one that packets are discarded for (RFC 6666); neither can be anybody's."""

MOST_WEIGHT: Final = 2**20 - 1
"""The largest weight of one address. Source: gdnsd-plugin-weighted(8), 'LIMITS'."""

MOST_MEMBERS: Final = 64
"""Answers of one name and type, and addresses of one of them. Source: as above."""

DEFAULT_TTL_SECONDS: Final = 60
"""TTL of a name whose answers are all empty, and of everything outside Route 53, also of the answer
that there is no such name: a name that is missing can be there a moment later in the lab."""


class Level(BaseModel):
    """What one gdnsd serves: zones none of which is inside another."""

    model_config = ConfigDict(frozen=True)

    plugins: str
    """The `plugins` part of its `config`."""
    zones: dict[str, str]
    """Text of each file in its folder `zones`, by the file's name."""


def weights(shares: Shares) -> dict[PossibleAnswer, int]:
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


def level(zones: Mapping[str, Mapping[Key, Shares]]) -> Level:
    """Return what one gdnsd serves, by the names of its zones."""
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
        if name in drawn and kind in FAMILIES:
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
    if kind in {"A", "AAAA", "CAA", "CNAME", "MX", "NAPTR", "NS", "PTR", "SOA", "SRV", "TXT"}:
        return f"{kind} {value}"
    rdata = dns.rdata.from_text(dns.rdataclass.IN, kind, value)
    return f"TYPE{int(rdata.rdtype)} {rdata.to_generic().to_text()}"


def _draws(kind: str, shares: Shares) -> bool:
    return kind in FAMILIES and is_drawn(shares)


def is_drawn(shares: Shares) -> bool:
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
        merged[PossibleAnswer(answer.values, 0)] += share
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
            for kind in FAMILIES
            for answer in records.get((name, kind), {})
            if answer.values
        ),
        default=DEFAULT_TTL_SECONDS,
    )


def deviating_ttls(records: Mapping[Key, Shares], name: str, shares: Shares) -> dict[str, int]:
    """Return the TTLs of all answers of a family, if gdnsd has another for one of them."""
    drawn = any(_draws(kind, records.get((name, kind), {})) for kind in FAMILIES)
    if not drawn:
        return {}
    ttls: dict[str, int] = {}
    for answer in shares:
        if answer.values:
            values = " ".join(sorted(answer.values))
            ttls[values] = min(answer.ttl_seconds, ttls.get(values, answer.ttl_seconds))
    return ttls if set(ttls.values()) - {_ttl(records, name)} else {}
