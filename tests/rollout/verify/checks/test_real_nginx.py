"""Limits of a real nginx are found by name, and one that has none is not."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from rollout.probe.http import HttpWire
from rollout.probe.model import EdgeTarget, Result, Way
from rollout.requests.groups import GROUPS
from rollout.requests.request_kinds import KINDS
from rollout.verify.check import CheckContext, VerifyOptions
from rollout.verify.checks.echo import echo
from rollout.verify.checks.framing import FORMS, framing
from rollout.verify.checks.sizes import sizes
from rollout.verify.checks.slow import slow
from rollout.verify.differences import TRAILERS_REMOVED
from support.fake_edge import NoDnsQueries
from support.lab_origin import LoopbackOrigin, origin_on_loopback
from support.nginx_edge import NAME, nginx_edge

Run = Callable[[CheckContext], AsyncIterator[Result]]


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackOrigin]:
    with origin_on_loopback(tmp_path_factory.mktemp("origin"), NAME) as served:
        yield served


@pytest.fixture(scope="module")
def bytes_origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackOrigin]:
    """Return an API behind a load balancer that passes bytes on, and so hints."""
    folder = tmp_path_factory.mktemp("bytes")
    with origin_on_loopback(folder, NAME, kind="network") as served:
        yield served


def group(name: str) -> Run:
    return partial(echo, kinds=(), groups=[each for each in GROUPS if each.name == name])


def kind(name: str) -> Run:
    return partial(echo, kinds=[each for each in KINDS if each.name == name], groups=())


LARGE = partial(sizes, smaller=(1_048_577, 65_537, 8_193, 1))
SLOW = partial(slow, shorter=(1.0, 0.3))


def on_cdn(
    origin: LoopbackOrigin,
    folder: Path,
    changed: str,
    run: Run,
    *,
    slowest: float = 2.0,
    http2: bool = False,
) -> dict[str, Result]:
    """Return what is found on cdn, by its line; everything passes on direct."""

    async def collected(cdn: Way) -> list[Result]:
        wire = HttpWire(rate=1000, concurrency=16, ca=origin.ca)
        ways = (Way("direct", "IPv4", NAME, origin.address, origin.https), cdn)
        options = VerifyOptions(
            "/echo",
            True,
            1000,
            16,
            0,
            0.1,
            account=False,
            slowest_seconds=slowest,
            largest_bytes=3_000_000,
        )
        context = CheckContext(EdgeTarget((NAME,), "lb", "cf"), ways, options, wire, NoDnsQueries())
        return [each async for each in run(context)]

    with nginx_edge(origin, folder, changed, http2=http2) as cdn:
        results = asyncio.run(collected(cdn))
    assert [each for each in results if each.path == "direct" and each.verdict != "pass"] == []
    return {each.check: each for each in results if each.path == "cdn"}


def failures(results: dict[str, Result]) -> set[str]:
    return {name for name, each in results.items() if each.verdict != "pass"}


def test_an_nginx_that_has_no_limit_passes(origin: LoopbackOrigin, tmp_path: Path) -> None:
    for number, run in enumerate((LARGE, SLOW, group("headers-odd-names"))):
        folder = tmp_path / str(number)
        folder.mkdir()
        results = on_cdn(origin, folder, "", run)
        assert failures(results) - {"idle-websocket", "websocket"} == set(), results


FOUND: dict[str, tuple[str, Run, str, str]] = {
    "1 MiB": ("client_max_body_size 1m;", LARGE, "size-upload", "up to 65,537 bytes"),
    "64 KiB, chunked": (
        "client_max_body_size 64k;",
        LARGE,
        "size-upload-chunked",
        "up to 8,193 bytes",
    ),
    "underscores": (
        "underscores_in_headers off;\nignore_invalid_headers on;",
        group("headers-odd-names"),
        "headers-odd-names",
        "header all_under_scores",
    ),
    "odd characters": (
        "ignore_invalid_headers on;",
        group("headers-odd-names"),
        "headers-odd-names",
        "header X!Odd!Name",
    ),
    "long headers": (
        "client_header_buffer_size 1k;\nlarge_client_header_buffers 4 8k;",
        kind("headers-longest"),
        "headers-longest",
        "is answered 400",
    ),
    "late answers": ("proxy_read_timeout 1s;", SLOW, "slow-first-byte", "it is answered 504"),
    "gaps": ("proxy_read_timeout 1s;", SLOW, "slow-stream", "do up to 0.3 s"),
    "slow bodies": ("client_body_timeout 1s;", SLOW, "slow-upload", "Here they do up to"),
    "buffering": ("proxy_buffering on;", group("streaming-types"), "streaming-types", "at once"),
    "compression": (
        "gzip on;\ngzip_types *;\ngzip_proxied any;",
        group("types-and-codings"),
        "types-and-codings",
        "content-encoding is",
    ),
}
"""What nginx is told, the check, the line that finds it, and what its evidence says."""


@pytest.mark.parametrize("name", FOUND)
def test_a_limit_of_nginx_is_found(origin: LoopbackOrigin, tmp_path: Path, name: str) -> None:
    changed, run, line, evidence = FOUND[name]
    results = on_cdn(origin, tmp_path, changed, run)
    assert results[line].verdict == "fail", results
    assert evidence in results[line].evidence


TRAILERS: Final = (
    "trailers-sent",
    "trailers-answered",
    "trailers-answered-http2",
)


def test_an_nginx_that_makes_trailers_of_its_own_is_found_over_both_protocols(
    bytes_origin: LoopbackOrigin, tmp_path: Path
) -> None:
    run = partial(framing, forms=[each for each in FORMS if each.check in TRAILERS])
    (tmp_path / "dropped").mkdir()
    dropped = on_cdn(bytes_origin, tmp_path / "dropped", "", run, http2=True)
    assert {name: dropped[name].accepted for name in TRAILERS} == dict.fromkeys(
        TRAILERS, (TRAILERS_REMOVED,)
    )
    (tmp_path / "own").mkdir()
    own = "add_trailer X-Verify-Checksum $request_id always;"
    altered = on_cdn(bytes_origin, tmp_path / "own", own, run, http2=True)
    assert failures(altered) == {"trailers-answered", "trailers-answered-http2"}
    for name in failures(altered):
        assert "here x-verify-checksum: " in altered[name].evidence


@pytest.mark.parametrize("http2", [False, True])
def test_an_nginx_that_takes_a_hint_for_the_answer_is_found(
    bytes_origin: LoopbackOrigin, tmp_path: Path, http2: bool
) -> None:
    hints = partial(framing, forms=[each for each in FORMS if each.check.startswith("early-hints")])
    results = on_cdn(bytes_origin, tmp_path, "", hints, http2=http2)
    assert results["early-hints"].verdict == "fail"
    assert "103 comes with connection, as an answer does" in results["early-hints"].evidence
    over_http2 = results["early-hints-http2"]
    if http2:
        assert over_http2.verdict == "fail"
        assert "data before headers" in over_http2.evidence
    else:
        assert "this way does not speak it" in over_http2.evidence
