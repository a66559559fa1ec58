"""Which ways lead to the API from this machine.

A way is an address. Where each comes from:

- direct, IPv4: what the load balancer's name answers
- direct, IPv6: the proxies, without proxies what the load balancer's name answers; mostly that is
  nothing, so that way does not exist, and that is no fault
- cdn, either family: what the distribution's name answers
- by name: what each hostname answers to whoever asks, which should be an address of the above

A machine behind DNS64 is told AAAA records that nobody published: its resolver makes them from A
records (RFC 6147). Taken at face value they would prove IPv6 where there is none. So the prefix
they are made with is discovered first (RFC 7050), and an address inside it, or inside the well-
known one, is not one of IPv6.

CloudFront may answer no AAAA where it thinks that IPv4 serves better, and a resolver may keep that.
So that the distribution has none counts only where its own name servers say so too.

Whether an address answers is for the checks to say, each of which goes the ways itself: one that
leads nowhere is no pass in any of them.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Final

from rollout.probe import nat64
from rollout.probe.authority import find_authority
from rollout.probe.model import (
    Family,
    Names,
    Path,
    Request,
    Result,
    Target,
    TroubleError,
    Verdict,
    Way,
    Wire,
)

KINDS: Final[dict[Family, str]] = {"IPv4": "A", "IPv6": "AAAA"}

PLACES: Final[tuple[tuple[Path, Family], ...]] = (
    ("direct", "IPv4"),
    ("direct", "IPv6"),
    ("cdn", "IPv4"),
    ("cdn", "IPv6"),
)


@dataclass(frozen=True)
class Found:
    """The ways, and what was found on the way to them."""

    ways: tuple[Way, ...]
    """Every way there is, each address once for each hostname."""
    results: tuple[Result, ...]
    """A result for each place of each hostname, and for each hostname by its name."""


@dataclass(frozen=True)
class _Addresses:
    """What a name was answered with, or why that is nothing to go on."""

    values: tuple[str, ...]
    trouble: str = ""
    empty: bool = False
    """Whether the answer was that there are none."""


@dataclass(frozen=True)
class _Means:
    """What is asked, and how."""

    names: Names
    wire: Wire
    synthesized: Callable[[str], bool]
    """Whether an IPv6 address was made by this machine's DNS64."""


async def find(target: Target, names: Names, wire: Wire) -> Found:
    """Find every way there is.

    Args:
        target: What is verified.
        names: Asks the resolver of this machine.
        wire: Asks an address that belongs to neither path whose it is.
    """
    means = _Means(names, wire, await _dns64(names))
    # What else the load balancer has does not count where the direct path's records are proxies.
    looked_up = [
        place for place in PLACES if place != ("direct", "IPv6") or not target.proxy_addresses
    ]
    answers = await asyncio.gather(
        *(
            _resolve(means, target.direct if path == "direct" else target.cdn, family)
            for path, family in looked_up
        )
    )
    known: dict[tuple[Path, Family], _Addresses] = {
        ("direct", "IPv6"): _Addresses(target.proxy_addresses)
    }
    known.update(zip(looked_up, answers, strict=True))
    if known["cdn", "IPv6"].empty:
        known["cdn", "IPv6"] = await _at_the_authority(means, target.cdn)
    ways = [
        Way(path, family, hostname, address, target.port)
        for hostname in target.hostnames
        for path, family in PLACES
        for address in known[path, family].values
    ]
    results = [
        _place(target, hostname, place, known[place])
        for hostname in target.hostnames
        for place in PLACES
    ]
    by_name = await asyncio.gather(
        *(
            _by_name(target, hostname, family, known, means)
            for hostname in target.hostnames
            for family in KINDS
        )
    )
    for more, result in by_name:
        ways += more
        results.append(result)
    return Found(tuple(ways), tuple(results))


async def _dns64(names: Names) -> Callable[[str], bool]:
    """Return what tells whether an IPv6 address was made by this machine's DNS64."""
    prefixes = [nat64.WELL_KNOWN_PREFIX]
    try:
        answer = await names.ask(nat64.WELL_KNOWN_NAME, "AAAA")
    except TroubleError:
        pass
    else:
        prefixes += nat64.prefixes(answer.values)
    return lambda address: any(IPv6Address(address) in prefix for prefix in prefixes)


async def _resolve(means: _Means, name: str, family: Family) -> _Addresses:
    kind = KINDS[family]
    try:
        answer = await means.names.ask(name, kind)
    except TroubleError as trouble:
        return _Addresses((), f"{name} does not resolve: {trouble}")
    if answer.code != "NOERROR":
        return _Addresses((), f"{name} does not resolve: its {kind} is answered {answer.code}")
    published = [
        value for value in answer.values if family == "IPv4" or not means.synthesized(value)
    ]
    return _Addresses(tuple(dict.fromkeys(published)), empty=not published)


async def _at_the_authority(means: _Means, name: str) -> _Addresses:
    """Ask the name servers of a name for the AAAA that the resolver did not give."""
    try:
        authority = await find_authority(means.names, name)
        answers = [await means.names.ask(name, "AAAA", each) for each in authority.servers[:1]]
    except TroubleError as trouble:
        answers, why = [], str(trouble)
    else:
        why = f"no authority for {authority.zone} answers"
    for answer in answers:
        if answer.code != "NOERROR":
            why = f"its authority answers {answer.code}"
        else:
            return _Addresses(tuple(dict.fromkeys(answer.values)), empty=not answer.values)
    return _Addresses(
        (), f"the resolver has no AAAA for {name}, and it cannot be asked again: {why}"
    )


def _place(
    target: Target,
    hostname: str,
    place: tuple[Path, Family],
    addresses: _Addresses,
) -> Result:
    """Return what is to be said about one path over one family."""
    path, family = place

    def result(verdict: Verdict, evidence: str, remedy: str = "") -> Result:
        return Result("ways", verdict, evidence, hostname, path, family, remedy=remedy)

    if addresses.trouble:
        return result("unknown", addresses.trouble)
    if place == ("direct", "IPv6") and not addresses.values:
        return result("pass", "does not exist: no proxies, and the load balancer has IPv4 only")
    name = target.direct if path == "direct" else target.cdn
    if addresses.empty and place == ("cdn", "IPv6"):
        return result(
            "fail",
            f"expected AAAA of {name}, none came: IPv6 clients that DNS sends here cannot connect",
            "Turn IPv6 on for the distribution (isIpv6Enabled).",
        )
    if addresses.empty:
        return result("unknown", f"{name} has no {KINDS[family]}")
    return result("pass", ", ".join(addresses.values))


async def _by_name(
    target: Target,
    hostname: str,
    family: Family,
    known: Mapping[tuple[Path, Family], _Addresses],
    means: _Means,
) -> tuple[list[Way], Result]:
    """Ask for a hostname as every client does, and say whose addresses the answer holds."""
    answer = await _resolve(means, hostname, family)
    if answer.trouble:
        return [], Result("by-name", "unknown", answer.trouble, hostname, None, family)
    if answer.empty:
        return [], _empty(target, hostname, family, known["direct", "IPv6"])
    told: list[str] = []
    strangers: list[str] = []
    more: list[Way] = []
    for address in answer.values:
        owner = next((path for (path, _), group in known.items() if address in group.values), None)
        if owner:
            told.append(f"{address} ({owner})")
            continue
        # CloudFront does not answer every question with the same addresses, but it leaves marks.
        way = Way("cdn", family, hostname, address, target.port, by_name=True)
        reason = await _stranger(means.wire, way)
        if reason:
            strangers.append(reason)
        else:
            told.append(f"{address} (cdn)")
            more.append(way)
    if strangers:
        return more, Result("by-name", "unknown", "; ".join(strangers), hostname, None, family)
    return more, Result("by-name", "pass", f"answers {', '.join(told)}", hostname, None, family)


async def _stranger(wire: Wire, way: Way) -> str | None:
    """Return why an address that neither path's name answered is not one of CloudFront's.

    The lock of a certificate does not tell the paths apart, for both have one for the hostname.
    """
    try:
        answer = await wire.send(way, Request("HEAD", "/"))
    except TroubleError as trouble:
        return f"{way.address} is of neither path, and does not tell whose it is: {trouble}"
    if answer.header("x-amz-cf-id") or "cloudfront" in (answer.header("via") or "").lower():
        return None
    return f"{way.address} is of neither path, and its answers do not come through CloudFront"


def _empty(target: Target, hostname: str, family: Family, direct: _Addresses) -> Result:
    """Say what it means that a hostname is answered with no address.

    An AAAA alias to an IPv4-only load balancer is answered empty and is meant to be: it keeps the
    share of IPv6 clients that stay on the old path. Whether the records are as declared, and the
    resolver's answer not just an old one, is for the DNS checks to say.
    """
    kind = KINDS[family]
    leads_direct = target.weights is None or target.weights[0] > 0
    if family == "IPv6" and not (direct.values or direct.trouble) and leads_direct:
        return Result(
            "by-name",
            "pass",
            "no AAAA in this answer, as it should be where it leads direct: there are no proxies",
            hostname,
            None,
            family,
        )
    evidence = f"no {kind} in this answer, so nobody can be asked for by name over {family}"
    return Result("by-name", "unknown", evidence, hostname, None, family)
