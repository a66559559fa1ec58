"""Large bodies of a table of ways: what is refused, cut or altered is found with its limit."""

import asyncio
import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace

from rollout.probe.model import HttpAnswer, HttpRequest, Result, TroubleError, Way
from rollout.verify.checks.sizes import body_of, sizes
from support.fake_edge import CDN4, DIRECT4, OPTIONS, FakeWire, surroundings

LADDER = (5_000, 1_000, 1)


def echoed(way: Way, request: HttpRequest, received: bytes) -> HttpAnswer:
    """Return the answer of an echo to what it received."""
    echo: dict[str, object] = {
        "id": f"{way.path}-{id(request)}",
        "method": request.method,
        "target": request.target,
        "protocol": "HTTP/1.1",
        "scheme": "https",
        "headers": [],
        "body": {"length": len(received), "sha256": hashlib.sha256(received).hexdigest()},
    }
    return HttpAnswer(200, (), json.dumps(echo).encode(), "HTTP/1.1", 0.1)


def sent(request: HttpRequest) -> bytes:
    return request.body if isinstance(request.body, bytes) else b"".join(request.body or ())


def asked_for(request: HttpRequest) -> int:
    return int(request.target.partition("size=")[2].partition(";")[0] or 0)


def answered(way: Way, request: HttpRequest) -> HttpAnswer:
    answer = echoed(way, request, sent(request))
    size = asked_for(request)
    if not size:
        return answer
    header = base64.urlsafe_b64encode(answer.body).decode().rstrip("=")
    body = bytes(number % 251 for number in range(size))
    return replace(answer, headers=(("X-Echo", header),), body=body)


Cdn = Callable[[HttpRequest], HttpAnswer]


def found(
    cdn: Cdn, *, largest: int = 20_000, direct: Cdn | None = None
) -> dict[tuple[str, str], Result]:
    def answer(way: Way, request: HttpRequest) -> HttpAnswer:
        if way.path == "cdn":
            return cdn(request)
        return direct(request) if direct else answered(way, request)

    around = surroundings(FakeWire(answer), ways=(DIRECT4, CDN4))
    around = replace(around, options=replace(OPTIONS, echo="/echo", largest_bytes=largest))

    async def run() -> list[Result]:
        return [each async for each in sizes(around, smaller=LADDER)]

    return {(str(each.path), each.check): each for each in asyncio.run(run())}


LINES = ("size-upload", "size-upload-chunked", "size-download")


def test_what_is_alike_names_its_limit() -> None:
    results = found(lambda request: answered(CDN4, request))
    assert {each.verdict for each in results.values()} == {"pass"}
    assert results["cdn", "size-upload"].evidence == (
        "bodies of up to 20,000 bytes were seen alike; more was not tried"
    )


def limited(most: int) -> Cdn:
    def answer(request: HttpRequest) -> HttpAnswer:
        if max(len(sent(request)), asked_for(request)) > most:
            return HttpAnswer(413, (), b"", "HTTP/1.1", 0.1)
        return answered(CDN4, request)

    return answer


def test_a_way_with_a_limit_is_found_and_the_limit_named() -> None:
    results = found(limited(4_000))
    for line in LINES:
        assert results["cdn", line].verdict == "fail"
        assert "it is answered 413" in results["cdn", line].evidence
        assert "Here they do up to 1,000 bytes" in results["cdn", line].evidence


def test_what_direct_refuses_itself_is_no_fault_elsewhere() -> None:
    results = found(limited(6_000), direct=limited(6_000))
    for line in LINES:
        assert results["cdn", line].verdict == "pass"
        assert "direct over IPv4 itself gives up by 20,000 bytes" in results["cdn", line].evidence


def cut(request: HttpRequest) -> HttpAnswer:
    answer = answered(CDN4, request)
    if asked_for(request):
        return replace(answer, body=answer.body[:-1])
    return echoed(CDN4, request, sent(request)[:-1])


def altered(request: HttpRequest) -> HttpAnswer:
    answer = answered(CDN4, request)
    if asked_for(request):
        return replace(answer, body=b"x" + answer.body[1:])
    return echoed(CDN4, request, b"x" + sent(request)[1:])


def test_what_is_cut_or_altered_is_found() -> None:
    for cdn, words in ((cut, "19,999 bytes were"), (altered, "other bytes were")):
        results = found(cdn)
        for line in LINES:
            assert results["cdn", line].verdict == "fail"
            assert words in results["cdn", line].evidence


def test_a_way_that_is_silent_is_a_fail() -> None:
    def reset(request: HttpRequest) -> HttpAnswer:
        if max(len(sent(request)), asked_for(request)) > 1:
            raise TroubleError("reset", "the connection ended")
        return answered(CDN4, request)

    results = found(reset)
    assert {results["cdn", line].verdict for line in LINES} == {"fail"}


def test_an_echo_that_has_no_size_proves_nothing_of_answers() -> None:
    def refused(request: HttpRequest) -> HttpAnswer:
        if asked_for(request):
            return HttpAnswer(400, (), b'{"id": "1", "error": "no"}', "HTTP/1.1", 0.1)
        return answered(DIRECT4, request)

    results = found(refused, direct=refused)
    assert results["cdn", "size-download"].verdict == "unknown"
    assert results["cdn", "size-upload"].verdict == "pass"


def test_nothing_is_tried_where_the_user_wants_nothing_large() -> None:
    results = found(lambda request: answered(CDN4, request), largest=0)
    assert {each.verdict for each in results.values()} == {"unknown"}
    assert all(each.evidence.startswith("Not asked: ") for each in results.values())


def test_bodies_have_their_size_and_do_not_compress() -> None:
    assert len(body_of(1_000_001)) == 1_000_001
    assert len(set(body_of(10_000))) == 256
