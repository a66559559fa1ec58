"""Whether what is large on direct may be as large on every other way.

nginx refuses bodies of more than 1 MiB by default, firewalls look at the first 8 to 64 KiB and
refuse the rest, gateways and functions have limits of 1, 6, 10, 16 and 20 MB. So bodies above each
of them are sent both ways, the largest first.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final

from rollout.probe.model import HttpAnswer, HttpRequest, Result, TroubleError, Way
from rollout.requests.request_kinds import COMMON, LARGE_BODY
from rollout.verify.check import NOT_ASKED, Check, CheckContext
from rollout.verify.echo_groups import is_of_the_echo
from rollout.verify.echo_host import EchoHost, open_host
from rollout.verify.exchange import ask, lanes_of, result, results_of, status_of
from rollout.verify.ladder import LadderForm, Tried, climb

KIB: Final = 1024
MIB: Final = 1024 * KIB

SMALLER_BYTES: Final = (
    *(20 * MIB + 1, 16 * MIB + 1, 10 * MIB + 1, 6 * MIB + 1, 1 * MIB + 1, 1_000_001),
    *(64 * KIB + 1, 16 * KIB + 1, 8 * KIB + 1, 1),
)
"""Sizes that are tried where a larger one fails: one byte more than each usual limit. Source: nginx
client_max_body_size 1 MiB, client_body_buffer_size 8 or 16 KiB; AWS WAF, body inspection 8 to
64 KiB; Lambda 6 MB and behind a load balancer 1 MB; API Gateway 10 MB; others in public
configurations."""

AT_ONCE: Final = 2
"""Bodies that are under way at once: each is held in memory."""

PIECE_BYTES: Final = 64 * KIB
"""A piece of a chunked body."""

SECONDS: Final = 10.0
BYTES_PER_SECOND: Final = 250_000
"""How slow a connection may be, 2 Mbit/s, beside what every answer may take."""

_BYTES: Final = ("Content-Type", "application/octet-stream")


def body_of(size: int) -> bytes:
    """Return a body of some bytes, which do not compress."""
    return (LARGE_BODY * (size // len(LARGE_BODY) + 1))[:size]


def _request(
    method: str, target: str, size: int, body: bytes | tuple[bytes, ...] | None = None
) -> HttpRequest:
    headers = COMMON if body is None else (*COMMON, _BYTES)
    seconds = SECONDS + size / BYTES_PER_SECOND
    return HttpRequest(method, target, headers, body, timeout_seconds=seconds)


class Sizes:
    """The forms of one run."""

    def __init__(self) -> None:
        """Let few bodies be under way at once."""
        self._places = asyncio.Semaphore(AT_ONCE)
        self._body = b""

    def forms(self) -> tuple[LadderForm, ...]:
        """Return every form of something large."""
        return (
            LadderForm("size-upload", "bodies of", "bytes", self._upload, _REMEDIES),
            LadderForm(
                "size-upload-chunked", "chunked bodies of", "bytes", self._chunked, _REMEDIES
            ),
            LadderForm("size-download", "answers of", "bytes", self._download, _REMEDIES),
        )

    def _of(self, size: float) -> bytes:
        if len(self._body) < size:
            self._body = body_of(int(size))
        return self._body[: int(size)]

    async def _upload(self, host: EchoHost, way: Way, size: float) -> Tried:
        body = self._of(size)
        return await self._sent(host, way, _request("PUT", host.target(), int(size), body), body)

    async def _chunked(self, host: EchoHost, way: Way, size: float) -> Tried:
        body = self._of(size)
        pieces = tuple(
            body[start : start + PIECE_BYTES] for start in range(0, len(body), PIECE_BYTES)
        )
        return await self._sent(host, way, _request("PUT", host.target(), int(size), pieces), body)

    async def _sent(self, host: EchoHost, way: Way, request: HttpRequest, body: bytes) -> Tried:
        async with self._places:
            attempt = await ask(host.context.wire, way, request)
        if attempt.received is None:
            return Tried(_reason(attempt.outcome))
        received = attempt.received.body
        if received.length != len(body):
            return Tried(f"{received.length:,} bytes were received")
        if received.sha256 != hashlib.sha256(body).hexdigest():
            return Tried("other bytes were received")
        return Tried()

    async def _download(self, host: EchoHost, way: Way, size: float) -> Tried:
        request = _request("GET", host.target(("size", str(int(size)))), int(size))
        async with self._places:
            attempt = await ask(host.context.wire, way, request)
        answer = attempt.outcome
        if isinstance(answer, TroubleError) or attempt.received is None:
            if not isinstance(answer, TroubleError) and is_of_the_echo(answer):
                return Tried(unclear="the echo does not answer with so much: see docs/echo.md")
            return Tried(_reason(answer))
        if len(answer.body) != int(size):
            return Tried(f"{len(answer.body):,} bytes were answered")
        # Byte i is i mod 251: see docs/echo.md.
        if answer.body != (bytes(range(251)) * (int(size) // 251 + 1))[: int(size)]:
            return Tried("other bytes were answered")
        return Tried()


def _reason(outcome: HttpAnswer | TroubleError) -> str:
    if isinstance(outcome, TroubleError):
        return f"{outcome.kind}: {outcome}"
    return f"it is answered {status_of(outcome)}"


_REMEDIES: Final[Mapping[str, str]] = {
    "cdn": "Take the limit out of what lies between CloudFront and the API: a web ACL, a function.",
    "direct": "Let the proxies pass bytes on without a limit.",
}


async def sizes(
    context: CheckContext, *, smaller: Sequence[int] = SMALLER_BYTES
) -> AsyncIterator[Result]:
    """Send and ask for large bodies on each lane, as large as direct over IPv4 allows."""
    path, largest = context.options.echo, context.options.largest_bytes
    if path is None:
        return
    ladder = (largest, *(each for each in smaller if each < largest))
    forms = Sizes().forms()

    async def on_hostname(hostname: str) -> list[Result]:
        lanes = lanes_of(context.ways, hostname)
        if not largest:
            reason = f"{NOT_ASKED}--largest is 0, so nothing large was tried."
            ways = [each[0] for each in lanes.values()]
            return [result(form.check, "unknown", reason, way) for form in forms for way in ways]
        host = await open_host(context, path, lanes)
        works = [climb(host, form, turn, ladder) for turn, form in enumerate(forms)]
        return [each for done in await asyncio.gather(*works) for each in done]

    hostnames = dict.fromkeys(way.hostname for way in context.ways)
    async for each in results_of([on_hostname(hostname) for hostname in hostnames]):
        yield each


CHECKS: Final[tuple[Check, ...]] = (Check("sizes", sizes, "echo"),)
"""The checks of this module."""
