"""Which family wins where a client tries both, on each path and by name."""

import statistics
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import replace
from ipaddress import IPv6Address
from typing import Final

from rollout.probe import nat64
from rollout.probe.model import Family, Result, TroubleError, Verdict, Way
from rollout.probe.sockets import Connector, Sockets, is_doubtful, lacks
from rollout.verify.address_groups import by_path, milliseconds, no_route
from rollout.verify.check import Check, CheckContext

ATTEMPT_DELAY_SECONDS: Final = 0.25
"""How long a client waits for IPv6 before it tries IPv4 too. Source: RFC 8305 section 5; curl waits
200 ms, Chrome and Firefox 300 ms."""

_TRIES: Final = 3
"""Connections; the median of their times counts, because one lost packet costs a second."""


def race_check(connector: Connector) -> Check:
    """Return the check.

    Args:
        connector: Opens connections.
    """

    async def race(context: CheckContext) -> AsyncIterator[Result]:
        """Yield who wins a race of the two families, on each path and by name."""
        groups = by_path(context)
        for group, ways in groups.items():
            ipv4 = groups.get(replace(group, family="IPv4"))
            if group.family == "IPv6" and ipv4:
                result = await _race(connector, ipv4, ways)
                yield replace(result, hostname=group.hostname, path=group.path)
        for hostname in context.target.hostnames:
            try:
                ipv4, ipv6 = await _published(context, hostname)
            except TroubleError as trouble:
                yield Result("reach-race-by-name", "unknown", str(trouble), hostname)
                continue
            if ipv4 and ipv6:
                result = await _race(connector, ipv4, ipv6)
                yield replace(result, check="reach-race-by-name", hostname=hostname)

    return Check("reach-race", race)


def winner(ipv4_seconds: float, ipv6_seconds: float) -> Family:
    """Return which family wins: IPv6 starts, IPv4 follows after the attempt delay.

    Source: RFC 8305 section 5.
    """
    return "IPv6" if ipv6_seconds <= ATTEMPT_DELAY_SECONDS + ipv4_seconds else "IPv4"


async def _published(context: CheckContext, hostname: str) -> tuple[list[Way], list[Way]]:
    """Return the addresses that this network's resolver answers, without those DNS64 made up."""
    made_up = nat64.prefixes((await context.dns_client.ask(nat64.WELL_KNOWN_NAME, "AAAA")).values)
    ipv4 = await context.dns_client.ask(hostname, "A")
    ipv6 = await context.dns_client.ask(hostname, "AAAA")

    def ways(family: Family, addresses: Iterable[str]) -> list[Way]:
        return [
            Way("direct", family, hostname, address, context.target.port, by_name=True)
            for address in addresses
        ]

    true_ones = (
        value
        for value in ipv6.values
        if not any(IPv6Address(value) in prefix for prefix in made_up)
    )
    return ways("IPv4", ipv4.values), ways("IPv6", true_ones)


async def _race(connector: Connector, ipv4: Sequence[Way], ipv6: Sequence[Way]) -> Result:
    check = "reach-race"
    for way in (ipv4[0], ipv6[0]):
        if lacks(connector, way.address):
            return Result(check, "unknown", no_route(way.family))
    steps: list[str] = []
    verdict: Verdict = "pass"
    accepted: tuple[str, ...] = ()
    remedy = ""
    four, four_fault = await _time(connector, ipv4[0])
    steps.append(f"IPv4 {ipv4[0].address} {four_fault or milliseconds(four)}")
    for way in ipv6:
        six, six_fault = await _time(connector, way)
        if six_fault:
            verdict = "fail"
            remedy = f"Mend {way.address}, or take it out of DNS: clients of both families wait."
            steps.append(
                f"IPv6 {way.address} {six_fault}: published and broken, which is worse than no "
                "IPv6 at all"
            )
            continue
        steps.append(f"IPv6 {way.address} {milliseconds(six)}")
        if not four_fault:
            first = winner(four, six)
            steps.append(f"{first} wins with a delay of {milliseconds(ATTEMPT_DELAY_SECONDS)}")
            accepted = accepted if first == "IPv6" else ("ipv6-loses-the-race",)
    if four_fault:
        verdict = "fail"
    elif verdict == "fail" and is_doubtful(connector, ipv6[0].address):
        verdict, remedy = "unknown", ""
        steps.append("this machine's own address leads nowhere beyond its site")
    return Result(check, verdict, "; ".join(steps), accepted=accepted, remedy=remedy)


async def _time(connector: Connector, way: Way) -> tuple[float, str]:
    """Return the usual time a connection takes, or what is wrong."""
    times: list[float] = []
    for _ in range(_TRIES):
        try:
            times.append(await connector.connect(way.address, way.port))
        except TroubleError as trouble:
            return 0, f"{trouble} ({trouble.kind})"
    return statistics.median(times), ""


CHECKS: Final[tuple[Check, ...]] = (race_check(Sockets()),)
