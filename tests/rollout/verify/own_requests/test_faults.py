"""Edges that alter what an API answers: each kind is found, however much the API itself changes."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from rollout.probe.model import HttpAnswer, HttpRequest, TroubleError, Way
from rollout.requests.catalogue import CatalogueEntry, ignore_rule
from support.fake_edge import CDN4, CDN6, DIRECT4, DIRECT6
from support.own_apis import (
    Api,
    Serving,
    altering,
    as_json,
    dice,
    everywhere,
    on_cdn,
    own_run,
    plain_api,
    silence,
    still_api,
    wild_api,
)

Change = Callable[[HttpAnswer], HttpAnswer]


def without(name: str) -> Change:
    return lambda answer: replace(
        answer, headers=tuple(pair for pair in answer.headers if pair[0].lower() != name)
    )


def body(change: Callable[[Any], Any]) -> Change:
    def changed(answer: HttpAnswer) -> HttpAnswer:
        return replace(answer, body=json.dumps(change(json.loads(answer.body))).encode())

    return changed


def dropped(*names: str) -> Change:
    return body(lambda value: {key: each for key, each in value.items() if key not in names})


def blocked(_: HttpAnswer) -> HttpAnswer:
    return HttpAnswer(403, (("Content-Type", "text/html"),), b"<h1>Blocked</h1>", "HTTP/1.1", 0)


PLAIN: dict[str, tuple[Change, str]] = {
    "a header that changes is lost": (without("x-request-id"), "header:x-request-id expected"),
    "it refuses": (blocked, "status expected 200, came 403"),
    "a member is lost": (dropped("now"), "json:/now expected"),
    "a list is cut": (
        body(lambda b: {**b, "orders": b["orders"][:1]}),
        "json:/orders expected 2 e",
    ),
    "a list is turned round": (
        body(lambda b: {**b, "orders": b["orders"][::-1]}),
        "json:/orders/0/id expected 1, came 2",
    ),
    "a number becomes a text": (body(lambda b: {**b, "at": str(b["at"])}), "json:/at expected a n"),
    "a member is added": (body(lambda b: {**b, "ad": 1}), "json:/ad expected nothing, came 1"),
    "another server answers": (
        body(lambda b: {**b, "served": {"by": "z"}}),
        'json:/served/by expected "',
    ),
    "the type is another": (
        lambda answer: replace(
            answer,
            headers=tuple(
                (name, "text/plain" if name == "Content-Type" else value)
                for name, value in answer.headers
            ),
        ),
        'header:content-type expected "application/json", came "text/plain"',
    ),
}

WILD: dict[str, tuple[Change, str]] = {
    "a header is lost": (without("x-node"), "header:x-node"),
    "a member is lost": (dropped("at"), "json:/at"),
    "of a list in any order an entry is lost": (
        body(lambda b: {**b, "colours": b["colours"][1:]} if "colours" in b else b),
        "json:/colours expected 3 entries, came 2 entries",
    ),
    "of a list of any length all entries lose a member": (
        body(
            lambda b: (
                {**b, "items": [{"id": each["id"]} for each in b["items"]]} if "items" in b else b
            )
        ),
        "json:/items/*/score expected",
    ),
    "it refuses": (blocked, "status expected 200, came 403"),
}


def failing(serving: Serving, **more: Any) -> str:
    """Return the evidence of what fails on cdn, where nothing else does."""
    run = own_run(serving, **more)
    answers = run.line("answers")
    assert answers["direct IPv4"][0] != "fail"
    assert answers["direct IPv6"][0] != "fail"
    assert answers["cdn IPv4"][0] == "fail", answers
    assert answers["cdn IPv6"][0] == "fail"
    assert run.exit_code == 1
    return answers["cdn IPv4"][1]


@pytest.mark.parametrize(("change", "evidence"), PLAIN.values(), ids=PLAIN)
def test_what_cdn_alters_of_an_api_with_clocks_and_ids_fails(change: Change, evidence: str) -> None:
    assert evidence in failing(altering(plain_api(dice(1)), change))


@pytest.mark.parametrize(("change", "evidence"), WILD.values(), ids=WILD)
def test_what_cdn_alters_of_a_wild_api_fails(change: Change, evidence: str) -> None:
    assert evidence in failing(altering(wild_api(dice(1)), change))


def test_a_header_that_comes_and_goes_and_never_comes_on_cdn_fails() -> None:
    """On direct it is in half of the answers: only many answers can tell."""
    evidence = failing(altering(wild_api(dice(1)), without("x-debug")))
    assert 'header:x-debug expected "on", came nothing' in evidence


def test_what_the_wild_api_itself_does_is_left_out_where_it_is_ignored() -> None:
    ignore = tuple(
        map(
            ignore_rule,
            ("header:x-debug", "header:set-cookie", "json:/items", "json:/hint"),
        )
    )
    run = own_run(everywhere(wild_api(dice(1), errors=0)), ignore=ignore)
    assert run.said("fail", "unknown") == []
    changed = altering(wild_api(dice(1), errors=0), dropped("colours"))
    assert "json:/colours" in failing(changed, ignore=ignore)


def test_what_is_to_be_ignored_of_a_wild_api_is_told() -> None:
    run = own_run(everywhere(wild_api(dice(1), errors=0)))
    assert run.exit_code == 3
    remedies = {each.remedy for each in run.results if each.verdict == "unknown"}
    (remedy,) = remedies
    assert set(remedy.removeprefix("To leave it out: ").removesuffix(".").split(" --ignore ")) >= {
        "json:/items",
        "json:/hint",
    }


FOLDED = (("Set-Cookie", "a={0}; Path=/"), ("Set-Cookie", "b={0}; HttpOnly"))


@pytest.mark.parametrize("value", ["1", "changing"])
def test_cookies_that_are_folded_are_called_that(value: str) -> None:
    draw = dice(1)

    def api(_: HttpRequest, at: float) -> HttpAnswer:
        own = f"{draw.getrandbits(32):x}" if value == "changing" else value
        cookies = tuple((name, text.format(own)) for name, text in FOLDED)
        answer = as_json({}, at)
        return replace(answer, headers=(*answer.headers, *cookies))

    def fold(answer: HttpAnswer) -> HttpAnswer:
        joined = ", ".join(text for name, text in answer.headers if name == "Set-Cookie")
        kept = tuple(pair for pair in answer.headers if pair[0] != "Set-Cookie")
        return replace(answer, headers=(*kept, ("Set-Cookie", joined)))

    assert "several Set-Cookie headers came as one, of which a client reads one cookie" in failing(
        altering(api, fold)
    )
    lost = failing(altering(api, lambda answer: replace(answer, headers=answer.headers[:-1])))
    assert "came as one" not in lost


NODES = tuple(replace(CDN4, address=f"198.18.1.{number}") for number in range(1, 5))


def test_one_address_of_four_that_differs_is_found_and_named() -> None:
    def edge(way: Way, request: HttpRequest, at: float) -> HttpAnswer | None:
        return blocked(api(request, at)) if way == NODES[2] else None

    api = plain_api(dice(1))
    run = own_run(on_cdn(api, edge), ways=(DIRECT4, *NODES, CDN6))
    verdict, evidence = run.line("answers")["cdn IPv4"]
    assert (verdict, evidence.partition(";")[0]) == (
        "fail",
        "status expected 200, came 403 (from 198.18.1.3)",
    )
    assert run.line("answers")["cdn IPv6"][0] == "pass"


def test_one_address_that_keeps_answers_is_found_and_named() -> None:
    api = plain_api(dice(1))
    first = as_json({"now": "then", "at": 1, "orders": [], "served": {"by": "a"}}, 0.0)

    def edge(way: Way, request: HttpRequest, at: float) -> HttpAnswer | None:
        nonlocal first
        if way != NODES[1]:
            return None
        first = first if first.header("X-Request-Id") else api(request, at)
        return first

    run = own_run(on_cdn(api, edge), ways=(DIRECT4, *NODES))
    verdict, evidence = run.line("cache")["cdn IPv4"]
    assert verdict == "fail"
    assert "(at 198.18.1.2)" in evidence


def test_addresses_that_are_not_afforded_are_told_and_take_turns() -> None:
    entries = [CatalogueEntry(f"GET /{n}", HttpRequest("GET", f"/{n}")) for n in range(4)]
    run = own_run(everywhere(still_api()), *entries, ways=(DIRECT4, *NODES), budget=40)
    assert run.exit_code == 0
    evidence = [each.evidence for each in run.results if each.path == "cdn"]
    assert sum("sent to 1 of 4 addresses" in each for each in evidence) == 4
    assert sum("costs too much" in each for each in evidence) == 4
    assert run.requests <= 40
    rich = own_run(everywhere(still_api()), *entries, ways=(DIRECT4, *NODES))
    assert not any("addresses" in each.evidence for each in rich.results)
    assert rich.requests > 40


TROUBLES = ["refused", "reset", "tls", "certificate", "protocol", "timeout"]


@pytest.mark.parametrize("kind", TROUBLES)
def test_a_way_that_gives_no_answer_where_direct_does_fails(kind: str) -> None:
    run = own_run(on_cdn(wild_api(dice(1)), silence(kind, "so it is")))
    answers = run.line("answers")
    for place, address in (("cdn IPv4", CDN4.address), ("cdn IPv6", CDN6.address)):
        verdict, evidence = answers[place]
        assert verdict == "fail"
        assert f"no answer where direct gave one each time: {kind}: so it is (from {address})" in (
            evidence
        )
    assert run.line("cache")["cdn IPv4"] == ("unknown", "there is no answer")
    assert run.exit_code == 1


def test_a_silent_way_is_waited_for_once_as_long_as_a_request_may_take() -> None:
    entries = [
        CatalogueEntry(f"GET /{n}", HttpRequest("GET", f"/{n}", timeout_seconds=73))
        for n in range(24)
    ]
    run = own_run(on_cdn(still_api(), silence("timeout", "nothing came")), *entries)
    assert run.exit_code == 1
    assert [verdict for verdict, _ in run.line("answers GET /23").values()][2:] == ["fail"] * 2
    # Eight requests at once: the first eight prove it, the others wait for five seconds each.
    assert run.seconds < 73 + 2 * 3 * 15 + 2 * 2 * 5 + 20


def test_a_way_that_answers_late_is_waited_for() -> None:
    """It takes longer than what is silent is given, and it answers."""
    late = {"direct": 1.0, "cdn": 40.0}
    entry = CatalogueEntry("GET /", HttpRequest("GET", "/", timeout_seconds=73))
    run = own_run(everywhere(plain_api(dice(1))), entry, latency=late)
    assert run.said("fail", "unknown") == []


def test_a_way_that_this_machine_does_not_reach_cannot_tell() -> None:
    run = own_run(on_cdn(still_api(), silence("unreachable", "no route")))
    assert run.line("answers")["cdn IPv6"] == (
        "unknown",
        f"no answer where direct gave one each time: unreachable: no route (from {CDN6.address})",
    )
    assert run.exit_code == 3


def test_a_lost_answer_now_and_then_is_no_fault() -> None:
    draw = dice(1)

    def lossy(api: Api) -> Api:
        def answer(request: HttpRequest, at: float) -> HttpAnswer:
            if draw.random() < 0.05:
                raise TroubleError("reset", "the connection was ended")
            return api(request, at)

        return answer

    codes = {own_run(everywhere(lossy(still_api()))).exit_code for _ in range(20)}
    assert codes == {0, 3}


def test_an_edge_that_alters_half_of_the_answers_is_found() -> None:
    draw = dice(1)

    def edge(_way: Way, request: HttpRequest, at: float) -> HttpAnswer | None:
        return blocked(api(request, at)) if draw.random() < 0.5 else None

    api = plain_api(dice(1))
    assert own_run(on_cdn(api, edge)).exit_code == 1


def test_an_edge_that_alters_one_answer_in_many_is_untold_or_found() -> None:
    api = plain_api(dice(1))
    for seed in range(10):
        draw = dice(seed)

        def edge(_way: Way, request: HttpRequest, at: float) -> HttpAnswer | None:
            drawn = draw.random()  # noqa: B023 - it is used in this turn
            return blocked(api(request, at)) if drawn < 0.15 else None

        run = own_run(on_cdn(api, edge))
        assert run.exit_code == 0 or any(
            "status expected" in each for each in run.said("fail", "unknown")
        )


def test_a_users_answer_that_is_given_to_anybody_fails() -> None:
    """The API asks for credentials; an edge answers without any, whoever asks."""
    entry = CatalogueEntry(
        "GET /me", HttpRequest("GET", "/me", (("Authorization", "Bearer verysecret"),))
    )

    def api(request: HttpRequest, at: float) -> HttpAnswer:
        allowed = any(name == "Authorization" for name, _ in request.headers)
        return as_json({"you": "Ann"}, at) if allowed else as_json({"error": "who?"}, at, 401)

    def edge(_way: Way, _request: HttpRequest, at: float) -> HttpAnswer | None:
        return as_json({"you": "Ann"}, at)

    assert own_run(everywhere(api), entry).exit_code == 0
    run = own_run(on_cdn(api, edge), entry)
    verdict, evidence = run.line("answers")["cdn IPv4"]
    assert verdict == "fail"
    assert "without its credentials: status expected 401, came 200" in evidence


def test_a_query_string_that_is_dropped_fails() -> None:
    entry = CatalogueEntry("GET /list", HttpRequest("GET", "/list?limit=1"))

    def api(request: HttpRequest, at: float) -> HttpAnswer:
        return as_json([1] if "limit=1" in request.target else [1, 2, 3], at)

    def edge(_way: Way, request: HttpRequest, at: float) -> HttpAnswer | None:
        return api(replace(request, target="/list"), at)

    assert own_run(everywhere(api), entry).exit_code == 0
    verdict, evidence = own_run(on_cdn(api, edge), entry).line("answers")["cdn IPv4"]
    assert (verdict, evidence.partition(" (")[0]) == (
        "fail",
        "json: expected 1 entries, came 3 entries",
    )


def test_nothing_is_sent_otherwise_than_it_is_but_get_and_head() -> None:
    def api(request: HttpRequest, at: float) -> HttpAnswer:
        assert (request.target, request.headers) == ("/orders", ())
        return as_json({}, at)

    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        entry = CatalogueEntry("x", HttpRequest(method, "/orders", (), b"{}"))
        assert own_run(everywhere(api), entry).exit_code == 0


def test_direct_over_ipv6_is_held_to_direct_over_ipv4() -> None:
    api = plain_api(dice(1))

    def serve(way: Way, request: HttpRequest, at: float) -> HttpAnswer:
        answer = api(request, at)
        return without("x-number")(answer) if way == DIRECT6 else answer

    run = own_run(serve)
    assert {place: verdict for place, (verdict, _) in run.line("answers").items()} == {
        "direct IPv4": "pass",
        "direct IPv6": "fail",
        "cdn IPv4": "pass",
        "cdn IPv6": "pass",
    }


def test_one_address_of_direct_that_is_silent_is_told() -> None:
    other = replace(DIRECT4, address="198.18.0.2")

    def serve(way: Way, request: HttpRequest, at: float) -> HttpAnswer:
        if way == other:
            raise TroubleError("refused", "nobody listens")
        return still_api()(request, at)

    run = own_run(serve, ways=(DIRECT4, other, CDN4))
    assert run.exit_code == 3
    assert run.line("answers")["direct IPv4"] == (
        "unknown",
        "198.18.0.2 (direct) gave no answer where another address did: refused: nobody listens",
    )
