"""Whether large packets get through over IPv6."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Final

from rollout.probe.model import Result, TroubleError, Verdict, Way
from rollout.probe.sockets import Connector, Sockets, lacks
from rollout.verify.address_groups import AddressGroup, by_path, no_route, worst
from rollout.verify.check import Check, CheckContext

_PADDING: Final = ("X-Verify-Padding", 8, 800)
"""Header that makes a request large, how many of them, and how long each is: 6.4 kB, several times
any Ethernet's MTU and below every documented limit (CloudFront: 20,480 bytes)."""

_ANSWER_BYTES: Final = 65536
"""Size of the answer where the origin echoes: it tries the way back."""


def path_mtu_check(connector: Connector) -> Check:
    """Return the check.

    Args:
        connector: Opens connections.
    """

    async def path_mtu(context: CheckContext) -> AsyncIterator[Result]:
        """Yield whether large packets get through over IPv6."""
        outcomes = (
            _path_mtu(context, connector, group, ways)
            for group, ways in by_path(context).items()
            if group.family == "IPv6"
        )
        for result in await asyncio.gather(*outcomes):
            yield result

    return Check("reach-path-mtu", path_mtu)


def mtu_requests(way: Way, echo: str | None) -> tuple[bytes, bytes]:
    """Return a small request and a large one, both harmless, as they go onto the wire."""
    name, count, size = _PADDING
    begin = f"Host: {way.hostname}\r\nConnection: close\r\nAccept: */*\r\n"
    padding = "".join(f"{name}-{number}: {'x' * size}\r\n" for number in range(count))
    small = f"GET {echo or '/'} HTTP/1.1\r\n{begin}\r\n"
    target = f"{echo}/size={_ANSWER_BYTES}" if echo else "/"
    return small.encode(), f"GET {target} HTTP/1.1\r\n{begin}{padding}\r\n".encode()


async def _path_mtu(
    context: CheckContext, connector: Connector, group: AddressGroup, ways: Sequence[Way]
) -> Result:
    """Send a small request, then a large one: if only the large one hangs, there is a black hole.

    A router on a path with a smaller MTU sends an ICMPv6 message. Where a firewall drops it, large
    packets vanish and small ones pass: connections open, and then hang. (IPv6 routers never cut
    packets into fragments.) Source: RFC 8201; RFC 2923 section 2.1.
    """
    check = "reach-path-mtu"
    if lacks(connector, ways[0].address):
        return group.result(check, "unknown", no_route(group.family))
    outcomes = await asyncio.gather(*(_large(context, connector, way) for way in ways))
    verdict = worst([each for each, _ in outcomes])
    result = group.result(check, verdict, "; ".join(text for _, text in outcomes))
    if verdict == "fail":
        remedy = "Let ICMPv6 'packet too big' through the firewalls on the way, or clamp the MSS."
        result = replace(result, remedy=remedy)
    return result


async def _large(context: CheckContext, connector: Connector, way: Way) -> tuple[Verdict, str]:
    small, large = mtu_requests(way, context.options.echo)
    try:
        await connector.exchange(way.address, way.port, way.hostname, small)
    except TroubleError as trouble:
        evidence = f"{way.address}: not even a small request is answered: {trouble}"
        if trouble.kind == "timeout" and not str(trouble).startswith("TCP"):
            evidence += ", though it connects: a black hole for large packets, or nobody behind it"
        return "unknown", evidence
    try:
        exchanged = await connector.exchange(way.address, way.port, way.hostname, large)
    except TroubleError as trouble:
        if trouble.kind == "timeout":
            return "fail", (
                f"{way.address}: black hole: {len(small)} bytes are answered, {len(large)} bytes "
                "hang"
            )
        return "unknown", f"{way.address}: {len(large)} bytes are not answered: {trouble}"
    sent = f"{way.address}: {len(large)} bytes are answered with {exchanged.received}"
    if exchanged.path_mtu is None:
        return "unknown", f"{sent}; this system does not tell the path's MTU"
    return "pass", (
        f"{sent}; path MTU {exchanged.path_mtu} bytes, segments of {exchanged.segment}, "
        f"{exchanged.retransmitted} sent again"
    )


CHECKS: Final[tuple[Check, ...]] = (path_mtu_check(Sockets()),)
