"""What takes long on direct may take as long everywhere: on loopback, in tenths of seconds."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from rollout.probe.http import HttpWire
from rollout.probe.model import EdgeTarget, HttpAnswer, HttpRequest, Result, Way
from rollout.verify.check import CheckContext, VerifyOptions
from rollout.verify.checks.slow import FORMS, slow
from support.fake_edge import NoDnsQueries
from support.lab_origin import LoopbackOrigin, origin_on_loopback, own_loopback_address

NAME = "api.example.com"
EVERY_FORM = {form.check for form in FORMS}


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackOrigin]:
    with origin_on_loopback(tmp_path_factory.mktemp("origin"), NAME, kind="network") as served:
        yield served


@asynccontextmanager
async def relaying(
    origin: LoopbackOrigin, silence_seconds: float, *, closes: bool = True
) -> AsyncGenerator[Way]:
    """Pass bytes on, and give up a connection that carries nothing for some time.

    Args:
        origin: Where to.
        silence_seconds: For how long it may carry nothing.
        closes: Whether the connection is closed then; else it just passes nothing on any more.
    """

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(origin.address, origin.https)
        loop = asyncio.get_running_loop()
        last = loop.time()
        dead = False

        async def copy(one: asyncio.StreamReader, other: asyncio.StreamWriter) -> None:
            nonlocal last
            while data := await one.read(65536):
                last = loop.time()
                if not dead:
                    other.write(data)
            other.close()

        async def watch() -> None:
            nonlocal dead
            while (left := last + silence_seconds - loop.time()) > 0:  # noqa: ASYNC110 - of a clock
                await asyncio.sleep(left)
            dead = True
            if closes:
                for each in (writer, back):
                    each.transport.abort()

        tasks = [
            asyncio.ensure_future(each)
            for each in (copy(reader, back), copy(there, writer), watch())
        ]
        await asyncio.gather(*tasks[:2], return_exceptions=True)
        tasks[2].cancel()

    address = own_loopback_address()
    server = await asyncio.start_server(serve, address, 0)
    try:
        yield Way("cdn", "IPv4", NAME, address, server.sockets[0].getsockname()[1])
    finally:
        server.close()


def verified(
    origin: LoopbackOrigin,
    *,
    slowest: float = 0.8,
    cdn_seconds: float = 60.0,
    direct_seconds: float = 60.0,
    closes: bool = True,
    wire_type: type[HttpWire] = HttpWire,
) -> dict[str, dict[str, Result]]:
    """Return the results by path and check, where each way gives up after some silence."""

    async def run() -> list[Result]:
        async with (
            relaying(origin, cdn_seconds, closes=closes) as cdn,
            relaying(origin, direct_seconds) as direct,
        ):
            wire = wire_type(rate=1000, concurrency=4, ca=origin.ca)
            ways = (replace(direct, path="direct"), cdn)
            options = replace(OPTIONS, slowest_seconds=slowest)
            context = CheckContext(
                EdgeTarget((NAME,), "lb", "cf"), ways, options, wire, NoDnsQueries()
            )
            return [each async for each in slow(context, shorter=(0.4, 0.1))]

    results: dict[str, dict[str, Result]] = {"direct": {}, "cdn": {}}
    for each in asyncio.run(run()):
        results[str(each.path)][each.check] = each
    return results


OPTIONS = VerifyOptions("/echo", False, 1000, 4, 0, 0.1, account=False)


def of(results: Mapping[str, Result], verdict: str) -> set[str]:
    return {name for name, each in results.items() if each.verdict == verdict}


def test_what_is_seen_alike_names_its_limit(origin: LoopbackOrigin) -> None:
    results = verified(origin)
    for path in ("direct", "cdn"):
        assert of(results[path], "pass") == EVERY_FORM, results[path]
    evidence = results["cdn"]["slow-first-byte"].evidence
    assert evidence == "answers that begin after up to 0.8 s were seen alike; more was not tried"


def test_a_way_that_gives_up_earlier_is_found_in_each_form_with_its_limit(
    origin: LoopbackOrigin,
) -> None:
    results = verified(origin, cdn_seconds=0.25)
    assert of(results["direct"], "pass") == EVERY_FORM
    assert of(results["cdn"], "fail") == EVERY_FORM - {"idle-connection"}
    for check in of(results["cdn"], "fail"):
        assert "Here they do up to 0.1 s" in results["cdn"][check].evidence
    assert "origin.readTimeoutSeconds" in results["cdn"]["slow-first-byte"].remedy
    # HTTP lets a server end a connection on which nothing is said.
    assert results["cdn"]["idle-connection"].accepted == ("idle-connection-ended",)


def test_a_connection_that_is_dead_without_being_closed_is_found(origin: LoopbackOrigin) -> None:
    results = verified(origin, cdn_seconds=0.25, closes=False)
    assert "idle-connection" in of(results["cdn"], "fail")


def test_what_direct_itself_gives_up_is_no_fault_elsewhere(origin: LoopbackOrigin) -> None:
    results = verified(origin, direct_seconds=0.6)
    assert of(results["cdn"], "pass") == EVERY_FORM
    evidence = results["cdn"]["slow-stream"].evidence
    assert evidence == (
        "answers with a gap of up to 0.4 s were seen alike; direct over IPv4 itself gives up "
        "by 0.8 s"
    )


class NoWaiting(HttpWire):
    """An API whose echo knows no directive that waits."""

    async def send(self, way: Way, request: HttpRequest) -> HttpAnswer:
        if "delay" in request.target or "interval" in request.target:
            return HttpAnswer(
                400, (), b'{"id": "1", "error": "no such directive"}', "HTTP/1.1", 0.1
            )
        return await super().send(way, request)


def test_an_echo_that_does_not_wait_proves_nothing(origin: LoopbackOrigin) -> None:
    results = verified(origin, wire_type=NoWaiting)
    for path in ("direct", "cdn"):
        assert of(results[path], "unknown") == {"slow-first-byte", "slow-stream"}
        assert "the echo does not wait" in results[path]["slow-stream"].evidence


def test_nothing_is_tried_where_the_user_wants_no_wait(origin: LoopbackOrigin) -> None:
    results = verified(origin, slowest=0)
    assert of(results["cdn"], "unknown") == EVERY_FORM
    assert results["cdn"]["slow-stream"].evidence.startswith("Not asked: --slowest is 0")
