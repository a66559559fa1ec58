"""Edges and APIs that keep answers to the user's own requests, each in a way of its own."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from rollout.probe.model import HttpAnswer, HttpRequest, Way
from rollout.requests.catalogue import CatalogueEntry, ignore_rule
from rollout.verify.own_requests.cache_signs import says_kept
from support.fake_edge import CDN4, DIRECT4
from support.own_apis import (
    Api,
    Cache,
    Run,
    as_json,
    dice,
    everywhere,
    on_cdn,
    own_run,
    plain_api,
    still_api,
    wild_api,
)

USER = CatalogueEntry(
    "GET /orders", HttpRequest("GET", "/orders", (("Authorization", "Bearer verysecret"),))
)


def _path(_: Way, request: HttpRequest) -> Any:
    return request.target.partition("?")[0]


def _per_node(way: Way, request: HttpRequest) -> Any:
    return way.address, request.target


def _per_user(_: Way, request: HttpRequest) -> Any:
    return request.target, request.headers


def _anonymous_only(_: Way, request: HttpRequest) -> Any:
    """Keep nothing of a user's, as caches do that follow RFC 9111."""
    return None if request.headers else request.target


def _edges_own(number: int) -> tuple[tuple[str, str], ...]:
    return (("X-Request-Id", f"edge{number}"),)


Edge = Callable[[Way, HttpRequest, float], HttpAnswer | None]


def seldom(api: Api, uses: int) -> Edge:
    """Keep, on each node, what is asked for so often, as nginx does with proxy_cache_min_uses."""
    asked: Counter[Any] = Counter()
    cache = Cache(api, key=_per_node)

    def edge(way: Way, request: HttpRequest, at: float) -> HttpAnswer:
        key = _per_node(way, request)
        asked[key] += 1
        return cache(way, request, at) if asked[key] >= uses else api(request, at)

    return edge


def whoever_asks_next(api: Api, key: Callable[[Way, HttpRequest], Any]) -> Edge:
    """Answer with what is there and ask the origin meanwhile, as stale-while-revalidate allows."""
    kept: dict[Any, HttpAnswer] = {}

    def edge(way: Way, request: HttpRequest, at: float) -> HttpAnswer:
        earlier = kept.get(key(way, request))
        kept[key(way, request)] = new = api(request, at)
        return earlier or new

    return edge


def side_by_side(api: Api, number: int) -> Edge:
    """Be several caches behind one address, any of which answers."""
    draw = dice(1)
    caches = [Cache(api) for _ in range(number)]

    def edge(way: Way, request: HttpRequest, at: float) -> HttpAnswer:
        return draw.choice(caches)(way, request, at)

    return edge


def now_and_then(api: Api, share: float) -> Edge:
    """Pass the other requests on."""
    draw = dice(1)
    cache = Cache(api)
    return lambda way, request, at: cache(way, request, at) if draw.random() < share else None


def bodies_alone(api: Api) -> Edge:
    """Ask each time whether the body is still right, and believe that it is."""
    cache = Cache(api, key=_path)

    def edge(way: Way, request: HttpRequest, at: float) -> HttpAnswer:
        return replace(api(request, at), body=cache(way, request, at).body)

    return edge


CACHES: dict[str, Callable[[Api], Edge]] = {
    "by URL, and says nothing": Cache,
    "by path": lambda api: Cache(api, key=_path),
    "on each node": lambda api: Cache(api, key=_per_node),
    "for each user": lambda api: Cache(api, key=_per_user),
    "of nobody's requests only": lambda api: Cache(api, key=_anonymous_only),
    "for a second": lambda api: Cache(api, 1.0),
    "with a request id of its own": lambda api: Cache(api, own=_edges_own),
    "from the third request on": lambda api: seldom(api, 3),
    "from the seventh request on": lambda api: seldom(api, 7),
    "for whoever asks next": lambda api: whoever_asks_next(api, lambda _, request: request.target),
    "for whoever asks a node next, by path": lambda api: whoever_asks_next(
        api, lambda way, request: (way.address, _path(way, request))
    ),
    "beside three others": lambda api: side_by_side(api, 4),
    "beside seven others": lambda api: side_by_side(api, 8),
    "half of the time": lambda api: now_and_then(api, 0.5),
    "a third of the time": lambda api: now_and_then(api, 0.33),
    "of bodies alone": bodies_alone,
}


@pytest.mark.parametrize("entry", [USER, replace(USER, request=HttpRequest("GET", "/orders?a=1"))])
@pytest.mark.parametrize("make", CACHES.values(), ids=CACHES)
def test_a_cache_of_the_users_own_request_fails(
    make: Callable[[Api], Edge], entry: CatalogueEntry
) -> None:
    api = plain_api(dice(1))
    run = own_run(on_cdn(api, make(api)), entry)
    lines = run.line("cache")
    assert lines["cdn IPv4"][0] == lines["cdn IPv6"][0] == "fail"
    assert re.search("stands still in |the same Date", lines["cdn IPv4"][1])
    assert lines["direct IPv4"][0] == lines["direct IPv6"][0] == "pass"
    assert run.exit_code == 1


def test_the_same_unique_header_is_proof_enough() -> None:
    """Nothing else in the answers changes, and there is no `Date`."""
    numbers = count()

    def api(_: HttpRequest, __: float) -> HttpAnswer:
        return HttpAnswer(200, (("X-Unique", str(next(numbers))),), b"", "HTTP/1.1", 0)

    assert own_run(everywhere(api)).exit_code == 0
    assert own_run(on_cdn(api, Cache(api))).line("cache")["cdn IPv4"][0] == "fail"


PAGES: dict[str, Callable[[int], HttpAnswer]] = {
    "a cookie": lambda number: HttpAnswer(
        200, (("Set-Cookie", f"session={number}; Path=/"),), b"", "HTTP/1.1", 0
    ),
    "a page": lambda number: HttpAnswer(200, (), f"<p>Hello {number}</p>".encode(), "HTTP/1.1", 0),
    "a list": lambda number: as_json([{"id": number + each} for each in range(number % 3 + 1)], 0),
    "deep inside": lambda number: as_json({"a": [{"b": {"c": [1, number]}}]}, 0),
    "an error": lambda number: as_json({"error": f"no order {number}"}, 0, 404),
}


@pytest.mark.parametrize("make", PAGES.values(), ids=PAGES)
def test_whatever_changes_on_direct_and_stands_still_on_cdn_is_the_proof(
    make: Callable[[int], HttpAnswer],
) -> None:
    numbers = count()

    def api(_: HttpRequest, __: float) -> HttpAnswer:
        return make(next(numbers))

    assert own_run(everywhere(api)).line("cache")["cdn IPv4"][0] == "pass"
    assert own_run(on_cdn(api, Cache(api))).line("cache")["cdn IPv4"][0] == "fail"


def test_it_is_told_to_whom_else_a_kept_answer_was_given() -> None:
    api = plain_api(dice(1))
    _, evidence = own_run(on_cdn(api, Cache(api, key=_path)), USER).line("cache")["cdn IPv4"]
    assert evidence.endswith(
        "(at 198.18.1.1); it was given without its credentials and with another query string as "
        "well"
    )


def test_a_cache_that_tells_is_believed_also_where_nothing_changes() -> None:
    api = still_api()
    cache = Cache(api, tells=lambda age: (("Age", f"{age:.0f}"),))
    verdict, evidence = own_run(on_cdn(api, cache)).line("cache")["cdn IPv4"]
    assert verdict == "fail"
    assert evidence.startswith("Age: ")


@pytest.mark.parametrize("uses", [2, 3, 5, 6])
def test_a_cache_that_waits_is_found_by_its_date_where_nothing_else_changes(uses: int) -> None:
    api = still_api()
    assert own_run(on_cdn(api, seldom(api, uses))).line("cache")["cdn IPv4"][0] == "fail"


def test_a_date_that_stands_still_is_proof_where_nothing_else_changes() -> None:
    def api(_: HttpRequest, at: float) -> HttpAnswer:
        return as_json({"open": True}, at)

    cache = Cache(api)
    verdict, evidence = own_run(on_cdn(api, cache)).line("cache")["cdn IPv4"]
    assert verdict == "fail"
    assert evidence.startswith("the same Date in answers more than two seconds apart, ")


def test_what_the_api_itself_keeps_is_its_own() -> None:
    api = plain_api(dice(1))
    own = Cache(api, 60, tells=lambda age: (("Age", f"{age + 1:.0f}"), ("X-Cache", "HIT")))

    def serve(way: Way, request: HttpRequest, at: float) -> HttpAnswer:
        return own(DIRECT4, request, at) if way else own(way, request, at)

    run = own_run(serve)
    assert run.exit_code == 0
    verdict, evidence = run.line("cache")["cdn IPv4"]
    assert verdict == "pass"
    assert evidence.endswith(
        "age, x-cache says that one was, as on direct over IPv4: that is the API's own; also with "
        "a cookie of another user and with another query string"
    )


def test_a_cdn_that_keeps_what_says_that_it_was_kept_is_found_by_what_stands_still() -> None:
    draw = dice(1)

    def api(_: HttpRequest, at: float) -> HttpAnswer:
        return as_json({"id": draw.getrandbits(64)}, at, Age="7", X_Cache="HIT")

    assert own_run(everywhere(api)).exit_code == 0
    verdict, evidence = own_run(on_cdn(api, Cache(api))).line("cache")["cdn IPv4"]
    assert verdict == "fail"
    assert evidence.startswith("json:/id stands still in 8 of 8 pairs of answers")


def _connection_api(
    more: bool, name: str, connections: int = 1
) -> Callable[[Way, HttpRequest, float], HttpAnswer]:
    """Return an API that tells the port of its client: CloudFront keeps its connections."""
    ports, numbers, draw = count(40_000), count(), dice(1)

    def serve(way: Way, _: HttpRequest, at: float) -> HttpAnswer:
        kept = 50_000 + draw.randrange(connections)
        port = next(ports) if way.path == "direct" else kept
        value = {name: port, **({"id": next(numbers)} if more else {})}
        return as_json(value, at)

    return serve


@pytest.mark.parametrize("more", [True, False])
@pytest.mark.parametrize("name", ["port", "remotePort", "peer", "client_address"])
@pytest.mark.parametrize("connections", [1, 3])
def test_what_is_about_the_connection_is_no_proof(more: bool, name: str, connections: int) -> None:
    api = _connection_api(more, name, connections)
    verdict, evidence = own_run(api).line("cache")["cdn IPv4"]
    assert verdict == "unknown"
    assert evidence.startswith(f"json:/{name} stands still here")
    ignored = own_run(_connection_api(more, name), ignore=(ignore_rule(f"json:/{name}"),))
    assert ignored.exit_code == 0


def test_what_stands_still_beside_a_new_value_of_the_body_is_no_proof() -> None:
    """Whatever it is: the body as a whole was made anew."""
    assert (
        own_run(_connection_api(more=True, name="lucky")).line("cache")["cdn IPv4"][0] == "unknown"
    )


@pytest.mark.parametrize("width", [2, 5, 20, 100])
def test_values_that_agree_by_chance_are_no_proof(width: int) -> None:
    for seed in range(8):
        draw = dice(seed)

        def api(_: HttpRequest, at: float) -> HttpAnswer:
            return as_json({"dice": draw.randrange(width)}, at)  # noqa: B023 - of this turn

        assert own_run(everywhere(api)).exit_code == 0


@pytest.mark.parametrize("step", [0.001, 0.05, 0.2, 1, 3, 60])
@pytest.mark.parametrize("cdn", [0.01, 0.05, 0.4])
def test_a_clock_is_no_proof_however_coarse_it_is(step: float, cdn: float) -> None:
    def api(_: HttpRequest, at: float) -> HttpAnswer:
        return as_json({"tick": int(at / step)}, at)

    run = own_run(everywhere(api), latency={"direct": 0.05, "cdn": cdn})
    assert run.said("fail", "unknown") == []


def test_a_wild_api_behind_a_cache_fails() -> None:
    codes: list[int] = []
    for seed in range(2):
        api = wild_api(dice(seed))
        run = own_run(on_cdn(api, Cache(api)))
        codes.append(run.exit_code)
    assert codes == [1] * 2


def test_where_nothing_changes_it_is_said_that_nothing_shows() -> None:
    run = own_run(everywhere(still_api()))
    assert run.exit_code == 0
    verdict, evidence = run.line("cache")["cdn IPv4"]
    assert verdict == "pass"
    assert evidence.startswith(
        "none of 8 answers says that it was kept and their Date moves on; nothing in them is "
        "another each time, so a cache that says nothing would not show"
    )


def test_where_something_changes_it_is_said_what_proves_it() -> None:
    run: Run = own_run(everywhere(plain_api(dice(1))), ways=(DIRECT4, CDN4))
    verdict, evidence = run.line("cache")["cdn IPv4"]
    assert verdict == "pass"
    assert evidence.startswith(
        "header:x-request-id, header:x-number, json:/at is another in each of 8"
    )


@pytest.mark.parametrize(
    "header",
    [
        ("Age", "12"),
        ("X-Cache", "HIT"),
        ("X-Cache", "Hit from cloudfront"),
        ("X-Cache", "RefreshHit from cloudfront"),
        ("X-Cache", "TCP_MEM_HIT from a2-16.deploy.akamaitechnologies.com (AkamaiGHost/11.0)"),
        ("X-Cache", "MISS, HIT"),
        ("X-Cache-Remote", "TCP_HIT"),
        ("X-Cache-Lookup", "HIT from squid:3128"),
        ("X-Cache-Status", "HIT"),
        ("X-Cache-Status", "STALE"),
        ("X-Cache-Status", "UPDATING"),
        ("X-Cache-Status", "REVALIDATED"),
        ("X-Proxy-Cache", "HIT"),
        ("X-Cache-Hits", "0, 3"),
        ("X-Varnish", "32770 3"),
        ("X-Varnish-Cache", "HIT"),
        ("CF-Cache-Status", "HIT"),
        ("CDN-Cache", "HIT"),
        ("X-Vercel-Cache", "STALE"),
        ("Cache-Status", "ExampleCache; hit; ttl=376"),
        ("Cache-Status", 'OriginCache; fwd=miss, "CDN Company Here"; hit'),
        ("Cache-Status", "ExampleCache; fwd=uri-miss; collapsed"),
        ("Cache-Status", "ExampleCache; fwd=stale; fwd-status=304"),
        ("Server-Timing", "cdn-cache; desc=HIT, edge; dur=1"),
        ("Via", "http/1.1 cache (ApacheTrafficServer/9.2 [uScHs f p eN:t cCHp s ])"),
        ("X-Rack-Cache", "fresh"),
        ("Warning", '110 - "Response is Stale"'),
    ],
)
def test_an_answer_says_that_it_was_kept(header: tuple[str, str]) -> None:
    assert says_kept(HttpAnswer(200, (header,), b"", "HTTP/1.1", 0.1)) == ": ".join(header)


@pytest.mark.parametrize(
    "header",
    [
        ("Age", "0"),
        ("Age", "soon"),
        ("X-Cache", "Miss from cloudfront"),
        ("X-Cache", "Error from cloudfront"),
        ("X-Cache", "LambdaGeneratedResponse from cloudfront"),
        ("X-Cache", "HIT-FOR-PASS"),
        ("X-Cache", "WHITE"),
        ("X-Cache-Status", "EXPIRED"),
        ("X-Cache-Status", "BYPASS"),
        ("X-Cache-Hits", "0"),
        ("X-Varnish", "32770"),
        ("CF-Cache-Status", "DYNAMIC"),
        ("Cache-Status", "ExampleCache; fwd=uri-miss; stored"),
        ("Cache-Status", "ExampleCache; hit=?0"),
        ("Cache-Control", "hit"),
        ("X-Cache-Key", "/hit"),
        ("X-Cache-Tags", "hit stale"),
        ("Server-Timing", "db; desc=hit"),
        ("Via", "http/1.1 cache (ApacheTrafficServer/9.2 [uScMsSf pSeN:t cCMp sS])"),
        ("X-Rack-Cache", "miss, store"),
        ("X-Best", "hit"),
    ],
)
def test_an_answer_does_not_say_that_it_was_kept(header: tuple[str, str]) -> None:
    assert says_kept(HttpAnswer(200, (header,), b"", "HTTP/1.1", 0.1)) is None
