"""Whether large packets get through over IPv6, as far as the address that answers.

What is small and what is large goes to the same URL, and a large answer is compared with a small
one from the same kind of URL: what hangs at one URL and not at another has nothing to do with
packets.
Behind the address begins another network path: a proxy's, or CloudFront's.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from rollout.probe.model import Result, TroubleError, Verdict, Way
from rollout.probe.sockets import Connector, Sockets, TlsExchange, lacks
from rollout.verify.address_groups import AddressGroup, by_path, no_route, worst
from rollout.verify.check import Check, CheckContext

_PADDING: Final = ("X-Verify-Padding", 8, 800)
"""Header that makes a request large, how many of them, and how long each is: 6.4 kB, several times
any Ethernet's MTU and below every documented limit (CloudFront: 20,480 bytes)."""

_SMALL_BYTES, _ANSWER_BYTES = 16, 65536
"""Sizes of the answers where the origin echoes: they try the way back."""


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


@dataclass(frozen=True)
class SizedRequests:
    """Requests that differ in nothing but a size, as they go onto the wire."""

    small: bytes
    """A small request with a small answer."""
    large: bytes
    """The same with headers that take several packets."""
    answers: tuple[bytes, bytes] | None
    """Requests for a small answer and for a large one, which the origin makes below the echo path;
    None: it does not echo."""


def sized_requests(way: Way, echo: str | None, run: str = "") -> SizedRequests:
    """Return the requests to send, all of them harmless.

    Args:
        way: Where to.
        echo: Path below which the origin echoes; None: it does not.
        run: What makes their URLs others than those of earlier runs; empty: nothing does.
    """
    query = f"?run={run}" if run else ""
    name, count, size = _PADDING
    begin = f"Host: {way.hostname}\r\nConnection: close\r\nAccept: */*\r\n"
    padding = "".join(f"{name}-{number}: {'x' * size}\r\n" for number in range(count))

    def request(target: str, more: str = "") -> bytes:
        return f"GET {target}{query} HTTP/1.1\r\n{begin}{more}\r\n".encode()

    plain = echo or "/"
    sizes = (
        (request(f"{echo}/size={_SMALL_BYTES}"), request(f"{echo}/size={_ANSWER_BYTES}"))
        if echo
        else None
    )
    return SizedRequests(request(plain), request(plain, padding), sizes)


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
    requests = sized_requests(way, context.options.echo, secrets.token_hex(4))

    async def exchange(request: bytes) -> TlsExchange | TroubleError:
        try:
            return await connector.exchange(way.address, way.port, way.hostname, request)
        except TroubleError as trouble:
            return trouble

    first = await exchange(requests.small)
    if isinstance(first, TroubleError):
        evidence = f"{way.address}: not even a small request is answered: {first}"
        if first.kind == "timeout" and not str(first).startswith("TCP"):
            evidence += ", though it connects: a black hole for large packets, or nobody behind it"
        return "unknown", evidence
    sizes = f"{len(requests.small)} bytes are answered, {len(requests.large)} bytes"
    last = await exchange(requests.large)
    if isinstance(last, TroubleError):
        if last.kind == "timeout":
            return "fail", f"{way.address}: black hole: {sizes} to the same URL hang"
        return "unknown", f"{way.address}: {len(requests.large)} bytes are not answered: {last}"
    if requests.answers is not None:
        small, large = [await exchange(each) for each in requests.answers]
        if isinstance(large, TroubleError):
            return _no_large_answer(way, small, large)
        last = large
    sent = f"{way.address}: {len(requests.large)} bytes are answered, the last with {last.received}"
    if last.path_mtu is None:
        return "unknown", f"{sent}; this system does not tell the path's MTU"
    return "pass", (
        f"{sent}; MTU {last.path_mtu} bytes from here to that address, segments of {last.segment}, "
        f"{last.retransmitted} sent again"
    )


def _no_large_answer(
    way: Way, small: TlsExchange | TroubleError, large: TroubleError
) -> tuple[Verdict, str]:
    """Say what it means that no large answer comes: a small one is made at the same kind of URL."""
    if isinstance(small, TroubleError):
        return "unknown", (
            f"{way.address}: answers of neither {_SMALL_BYTES} nor {_ANSWER_BYTES} bytes come from "
            f"below the echo path, so it is not their size: {large}"
        )
    if large.kind == "timeout":
        return "fail", (
            f"{way.address}: black hole: an answer of {_SMALL_BYTES} bytes comes, one of "
            f"{_ANSWER_BYTES} bytes hangs"
        )
    return "unknown", f"{way.address}: an answer of {_ANSWER_BYTES} bytes does not come: {large}"


CHECKS: Final[tuple[Check, ...]] = (path_mtu_check(Sockets()),)
