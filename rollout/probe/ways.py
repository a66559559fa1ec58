"""Which ways lead to the API from this machine.

A way is an address. Where each comes from:

- direct, IPv4: what the load balancer's name answers
- direct, IPv6: the proxies, without proxies what the load balancer's name answers; mostly that is
  nothing, so that way does not exist, which is no fault
- cdn, either family: what the distribution's name answers
- by name: what each hostname resolves to, which should be an address of the above

A machine behind DNS64 gets AAAA records that are not published: its resolver makes them from A
records (RFC 6147). Taken at face value they would prove IPv6 where there is none. So their prefix
is discovered first (RFC 7050). An address inside it, or inside the well-known one, is not one of
IPv6.

CloudFront may answer no AAAA where it expects IPv4 to serve better, and a resolver may keep that
answer. So a missing AAAA counts only where the distribution's own name servers confirm it.

Whether an address answers is for the checks to say: each uses the ways itself, and a way that leads
nowhere passes none of them.
"""

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Final

from rollout.probe import nat64
from rollout.probe.authority import find_authority
from rollout.probe.model import (
    DnsClient,
    EdgeTarget,
    Family,
    HttpRequest,
    Path,
    Result,
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
class WaySearch:
    """The ways, and a result for each lookup."""

    ways: tuple[Way, ...]
    """Every way there is, each address once for each hostname."""
    results: tuple[Result, ...]
    """A result for each place of each hostname, and for each hostname by its name."""


@dataclass(frozen=True)
class _Addresses:
    """The addresses of a name, or why they are of no use."""

    values: tuple[str, ...]
    trouble: str = ""
    empty: bool = False
    """Whether the answer was that there are none."""


@dataclass(frozen=True)
class _Means:
    """What resolves names and sends requests."""

    names: DnsClient
    wire: Wire
    synthesized: Callable[[str], bool]
    """Whether an IPv6 address was made by this machine's DNS64."""


async def find(target: EdgeTarget, names: DnsClient, wire: Wire) -> WaySearch:
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
    resolved: dict[tuple[Path, Family], _Addresses] = {
        ("direct", "IPv6"): _Addresses(target.proxy_addresses)
    }
    resolved.update(zip(looked_up, answers, strict=True))
    if resolved["cdn", "IPv6"].empty:
        resolved["cdn", "IPv6"] = await _at_the_authority(means, target.cdn)
    ways = [
        Way(path, family, hostname, address, target.port)
        for hostname in target.hostnames
        for path, family in PLACES
        for address in resolved[path, family].values
    ]
    results = [
        _place(target, hostname, place, resolved[place])
        for hostname in target.hostnames
        for place in PLACES
    ]
    by_name = await asyncio.gather(
        *(
            _by_name(target, hostname, family, resolved, means)
            for hostname in target.hostnames
            for family in KINDS
        )
    )
    for more, result in by_name:
        ways += more
        results.append(result)
    return WaySearch(tuple(ways), tuple(results))


async def _dns64(names: DnsClient) -> Callable[[str], bool]:
    """Return a predicate: this machine's DNS64 made an IPv6 address."""
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
    target: EdgeTarget,
    hostname: str,
    place: tuple[Path, Family],
    addresses: _Addresses,
) -> Result:
    """Return the result about one path over one family."""
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
    target: EdgeTarget,
    hostname: str,
    family: Family,
    resolved: Mapping[tuple[Path, Family], _Addresses],
    means: _Means,
) -> tuple[list[Way], Result]:
    """Resolve a hostname as every client does, and say whose its addresses are."""
    answer = await _resolve(means, hostname, family)
    if answer.trouble:
        return [], Result("by-name", "unknown", answer.trouble, hostname, None, family)
    if answer.empty:
        return [], _empty(target, hostname, family, resolved["direct", "IPv6"])
    owned: list[str] = []
    strangers: list[str] = []
    more: list[Way] = []
    for address in answer.values:
        owner = next(
            (path for (path, _), group in resolved.items() if address in group.values), None
        )
        if owner:
            owned.append(f"{address} ({owner})")
            continue
        # CloudFront does not answer every question with the same addresses, but it leaves marks.
        way = Way("cdn", family, hostname, address, target.port, by_name=True)
        reason = await _stranger(means.wire, way)
        if reason:
            strangers.append(reason)
        else:
            owned.append(f"{address} (cdn)")
            more.append(way)
    if strangers:
        return more, Result("by-name", "unknown", "; ".join(strangers), hostname, None, family)
    return more, Result("by-name", "pass", f"answers {', '.join(owned)}", hostname, None, family)


async def _stranger(wire: Wire, way: Way) -> str | None:
    """Return why an address that neither path's name answered is not one of CloudFront's.

    A certificate does not tell the paths apart: both have one for the hostname.
    """
    try:
        answer = await wire.send(way, HttpRequest("HEAD", f"/?verify={secrets.token_hex(4)}"))
    except TroubleError as trouble:
        return f"{way.address} is of neither path, and does not tell whose it is: {trouble}"
    if answer.header("x-amz-cf-id") or "cloudfront" in (answer.header("via") or "").lower():
        return None
    return f"{way.address} is of neither path, and its answers do not come through CloudFront"


def _empty(target: EdgeTarget, hostname: str, family: Family, direct: _Addresses) -> Result:
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
