"""Groups of kinds against an edge on loopback that is right, and against one for each wrong."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest

from rollout.probe.http import HttpWire
from rollout.probe.model import EdgeTarget, HttpAnswer, HttpRequest, Result, Way
from rollout.requests.groups import GROUPS
from rollout.verify.check import CheckContext, VerifyOptions
from rollout.verify.checks.echo import echo
from support.fake_edge import NoDnsQueries
from support.lab_origin import LoopbackOrigin, origin_on_loopback
from support.loopback_edge import Edge, Incoming, Outgoing, edge_on_loopback

NAME = "api.example.com"
BY_NAME = {group.name: group for group in GROUPS}


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackOrigin]:
    with origin_on_loopback(tmp_path_factory.mktemp("origin"), NAME) as served:
        yield served


class Refusing(HttpWire):
    """A wire to a direct path whose load balancer answers some requests itself."""

    refuses: Callable[[Way, HttpRequest], bool]

    async def send(self, way: Way, request: HttpRequest) -> HttpAnswer:
        if self.refuses(way, request):
            return HttpAnswer(400, (), b"Bad Request", "HTTP/1.1", 0.01)
        return await super().send(way, request)

    async def send_in_turn(
        self, way: Way, requests: Sequence[HttpRequest]
    ) -> tuple[HttpAnswer, ...]:
        return tuple([await self.send(way, each) for each in requests])


def found(
    origin: LoopbackOrigin,
    group: str,
    edge: Edge,
    *,
    refuses: Callable[[Way, HttpRequest], bool] | None = None,
    unsafe: bool = True,
) -> dict[str, Result]:
    """Return what is found of a group on direct over IPv4 and on cdn, by the path.

    Args:
        origin: The API.
        group: The group's name.
        edge: What cdn does.
        refuses: What the load balancer answers itself.
        unsafe: Whether requests that are not idempotent may be sent.
    """

    async def run() -> list[Result]:
        async with edge_on_loopback(origin, edge) as cdn:
            wire = (Refusing if refuses else HttpWire)(rate=1000, concurrency=16, ca=origin.ca)
            if refuses and isinstance(wire, Refusing):
                wire.refuses = refuses
            ways = (
                Way("direct", "IPv4", NAME, origin.address, origin.https),
                Way("direct", "IPv6", NAME, origin.address, origin.https),
                Way("cdn", "IPv4", NAME, cdn.address, cdn.port),
            )
            options = VerifyOptions("/echo", unsafe, 1000, 16, 0, 0.1, account=False)
            target = EdgeTarget((NAME,), "lb.example.net", "d1.cloudfront.net")
            context = CheckContext(target, ways, options, wire, NoDnsQueries())
            return [each async for each in echo(context, kinds=(), groups=(BY_NAME[group],))]

    results = [each for each in asyncio.run(run()) if each.check == group]
    return {f"{each.path} {each.family}": each for each in results}


DIRECT, PROXY, CDN = "direct IPv4", "direct IPv6", "cdn IPv4"


def without(*names: bytes) -> Callable[[Outgoing], Outgoing]:
    return lambda request: request.without(*names)


def as_nginx(request: Outgoing) -> Outgoing:
    """Drop the names that nginx drops by default."""
    kept = tuple(
        each
        for each in request.headers
        if each[0].replace(b"-", b"").isalnum() and b"_" not in each[0]
    )
    return replace(request, headers=kept)


def answered(change: Callable[[bytes, bytes], bytes | None]) -> Callable[[Incoming], Incoming]:
    """Return an edge's change of the headers of answers: another value, or None for none."""

    def changed(answer: Incoming) -> Incoming:
        pairs = ((name, change(name.lower(), value)) for name, value in answer.headers)
        return replace(answer, headers=tuple((n, v) for n, v in pairs if v is not None))

    return changed


def status(old: int, new: int) -> Callable[[Incoming], Incoming]:
    return lambda answer: replace(answer, status=new) if answer.status == old else answer


def https_only(name: bytes, value: bytes) -> bytes:
    """Rewrite redirects to this name, as many edges are told to."""
    wrong = b"http://" + NAME.encode() + b"/"
    return value.replace(wrong, wrong.replace(b"http", b"https")) if name == b"location" else value


WRONGS = [
    ("fields-registered", Edge(request=without(b"traceparent")), "traceparent is missing"),
    ("fields-registered", Edge(request=without(b"oscore")), "oscore is missing"),
    (
        "fields-registered",
        Edge(answer=answered(lambda name, value: None if name == b"nel" else value)),
        "answer: nel is missing",
    ),
    ("headers-odd-names", Edge(request=as_nginx), "header all_under_scores"),
    ("headers-odd-names", Edge(request=without(b"x.odd.name")), "x.odd.name is missing"),
    (
        "headers-odd-names",
        Edge(answer=answered(lambda name, value: None if b"~" in name else value)),
        "answer: x~odd~name is missing",
    ),
    (
        "cookies-attributes",
        Edge(answer=answered(lambda _, value: value.replace(b"; Partitioned", b""))),
        "cookies-set: answer: set-cookie",
    ),
    (
        "cookies-attributes",
        Edge(answer=answered(lambda _, value: value.replace(b"; Priority=High", b""))),
        "cookies-set: answer: set-cookie",
    ),
    ("cookies-attributes", Edge(request=without(b"cookie")), "cookies-sent-1: cookie is missing"),
    ("conditions", Edge(request=without(b"if-match")), "if-match is missing"),
    ("conditions", Edge(answer=status(412, 200)), "the status is 200"),
    ("conditions", Edge(request=without(b"if-unmodified-since")), "if-unmodified-since is missing"),
    (
        "cors-preflights",
        Edge(
            answer=answered(
                lambda name, value: None if name == b"access-control-allow-methods" else value
            )
        ),
        "preflight-plain: answer: access-control-allow-methods is missing",
    ),
    ("cors-preflights", Edge(refused=frozenset({"OPTIONS"})), "OPTIONS is answered 403"),
    ("status-registered", Edge(answer=status(451, 403)), "status-451: the status is 403"),
    ("status-registered", Edge(answer=status(226, 200)), "status-226: the status is 200"),
    ("status-registered", Edge(answer=status(599, 502)), "status-599: the status is 502"),
    ("redirect-locations", Edge(answer=answered(https_only)), "location is"),
    ("redirect-locations", Edge(answer=status(308, 301)), "the status is 301"),
    (
        "types-and-codings",
        Edge(answer=answered(lambda _, value: value.replace(b"; charset=utf-8", b""))),
        "content-type is",
    ),
    (
        "types-and-codings",
        Edge(request=without(b"accept-encoding")),
        "accept-encoding is missing",
    ),
    (
        "types-and-codings",
        Edge(answer=lambda answer: replace(answer, body=answer.body.replace(b"\x05\x06", b"\x05"))),
        "the body is",
    ),
    ("streaming-types", Edge(answer=lambda answer: answer), "arrived at once"),
]


@pytest.mark.parametrize(("group", "edge", "evidence"), WRONGS)
def test_each_wrong_is_found_and_the_kind_is_named(
    origin: LoopbackOrigin, group: str, edge: Edge, evidence: str
) -> None:
    results = found(origin, group, edge)
    assert results[DIRECT].verdict == "pass", results[DIRECT].evidence
    assert results[CDN].verdict == "fail", results[CDN].evidence
    assert evidence in results[CDN].evidence


def test_what_cloudfront_never_passes_on_is_accepted_on_cdn_alone(origin: LoopbackOrigin) -> None:
    group = "method-registered"
    results = found(origin, group, Edge(refused=frozenset({"PROPFIND", "REPORT"})))
    assert results[CDN].verdict == "pass"
    assert "method-refused-by-cloudfront" in results[CDN].accepted
    results = found(
        origin,
        group,
        Edge(),
        refuses=lambda way, request: way.family == "IPv6" and request.method == "PROPFIND",
    )
    assert results[PROXY].verdict == "fail"
    assert "method-propfind: PROPFIND is answered 400" in results[PROXY].evidence


def test_what_direct_refuses_itself_is_no_fault_anywhere_and_is_named(
    origin: LoopbackOrigin,
) -> None:
    for result in found(
        origin, "method-registered", Edge(), refuses=lambda _, request: request.method == "SEARCH"
    ).values():
        assert result.verdict == "pass"
        assert "direct over IPv4 itself refuses method-search" in result.evidence


def test_a_refusal_of_many_fields_at_once_is_no_pass(origin: LoopbackOrigin) -> None:
    results = found(
        origin,
        "fields-registered",
        Edge(),
        refuses=lambda _, request: any(name == "OSCORE" for name, _ in request.headers),
    )
    assert {each.verdict for each in results.values()} == {"unknown"}


def test_what_is_not_idempotent_is_left_out_unless_it_is_allowed(origin: LoopbackOrigin) -> None:
    lossy = Edge(answer=status(307, 302))
    asked = found(origin, "redirect-locations", lossy)[CDN].evidence
    assert "redirect-307" in asked
    quiet = Edge(resets=frozenset({"POST"}))
    assert found(origin, "redirect-locations", quiet, unsafe=False)[CDN].verdict == "pass"
    assert found(origin, "redirect-locations", quiet)[CDN].verdict == "fail"
