"""The user's own requests, and what differs in the answers."""

import asyncio
import gzip
import itertools
import json
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.probe.model import HttpAnswer, HttpRequest, Result, TroubleError, Way
from rollout.requests.catalogue import Catalogue, CatalogueEntry, IgnoreRule, ignore_rule
from rollout.verify.answer_differences import AnswerDifference, differences
from rollout.verify.checks import opaque
from support.fake_edge import (
    CDN4,
    CDN6,
    DIRECT4,
    DIRECT6,
    HOSTNAME,
    TARGET,
    WAYS,
    FakeWire,
    answer,
    surroundings,
)

JSON = "application/json"


def as_json(value: Any, status: int = 200, **headers: str) -> HttpAnswer:
    return answer(status, json.dumps(value).encode(), Content_Type=JSON, **headers)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        pytest.param(answer(), answer(), [], id="the same"),
        pytest.param(
            answer(200),
            answer(404),
            [AnswerDifference("status", "", "200", "404")],
            id="another status",
        ),
        pytest.param(
            answer(Vary="a", X_A="1"),
            answer(vary="a"),
            [AnswerDifference("header", "x-a", '"1"', "nothing")],
            id="a header that is lost, and one in another case",
        ),
        pytest.param(
            answer(Date="Mon", Age="3", Via="x", Content_Length="0", Upgrade="h2c"),
            answer(Date="Tue", X_Cache="Miss", X_Amz_Cf_Id="a", Transfer_Encoding="chunked"),
            [],
            id="headers that are never compared",
        ),
        pytest.param(
            answer(Set_Cookie="session=secret1"),
            answer(Set_Cookie="session=secret22"),
            [
                AnswerDifference(
                    "header", "set-cookie", "[secret, 15 characters]", "[secret, 16 characters]"
                )
            ],
            id="a cookie, of which nothing shows",
        ),
        pytest.param(
            as_json({"a": [1, {"b/c": 2.0}], "d": True}),
            as_json({"d": 1, "a": [1, {"b/c": 2}]}),
            [
                AnswerDifference("json", "/a/1/b~1c", "2.0", "2"),
                AnswerDifference("json", "/d", "true", "1"),
            ],
            id="JSON in another order, a number and a boolean that were changed",
        ),
        pytest.param(
            as_json({"a": [1, 2], "b": None}),
            as_json({"a": [1], "c": None}),
            [
                AnswerDifference("json", "/a", "2 entries", "1 entries"),
                AnswerDifference("json", "/b", "null", "nothing"),
                AnswerDifference("json", "/c", "nothing", "null"),
            ],
            id="JSON with entries that came and went",
        ),
        pytest.param(
            answer(200, b"a"),
            answer(200, b""),
            [AnswerDifference("body", "", '1 bytes "a"', "nothing")],
            id="a body that is gone",
        ),
        pytest.param(
            answer(200, b"{", Content_Type=JSON),
            answer(200, b"{}", Content_Type=JSON),
            [AnswerDifference("body", "", '1 bytes "{"', '2 bytes "{}"')],
            id="JSON that is none is compared as it is",
        ),
        pytest.param(
            answer(200, gzip.compress(b"same", mtime=1), Content_Encoding="gzip"),
            answer(200, gzip.compress(b"same", 1, mtime=2), Content_Encoding="gzip"),
            [],
            id="the same body, compressed twice",
        ),
        pytest.param(
            answer(200, gzip.compress(b"same")[:-4], Content_Encoding="gzip"),
            answer(200, gzip.compress(b"same"), Content_Encoding="gzip"),
            ["body"],
            id="a compressed body that was cut",
        ),
    ],
)
def test_two_answers_differ_in(first: HttpAnswer, second: HttpAnswer, expected: list[Any]) -> None:
    seen = differences(first, second)
    assert ([item.kind for item in seen] if expected == ["body"] else seen) == expected


def test_json_that_is_nested_too_deeply_to_follow_is_compared_as_it_is() -> None:
    first, second = (
        answer(200, b'{"a":' * depth + b"1" + b"}" * depth, Content_Type=JSON)
        for depth in (900, 899)
    )
    assert [item.kind for item in differences(first, second)] == ["body"]


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)


@given(first=JSON_VALUES, second=JSON_VALUES)
def test_json_differs_exactly_where_it_is_not_the_same_text_in_one_order(
    first: Any, second: Any
) -> None:
    forwards = differences(as_json(first), as_json(second))
    one, other = (json.dumps(value, sort_keys=True) for value in (first, second))
    assert (forwards == []) == (one == other)
    backwards = differences(as_json(second), as_json(first))
    assert {item.where for item in backwards} == {item.where for item in forwards}


@pytest.mark.parametrize(
    ("text", "covers", "leaves"),
    [
        (
            "header:X-Id",
            [IgnoreRule("header", "x-id")],
            [IgnoreRule("header", "x-idle"), IgnoreRule("body")],
        ),
        (
            "json:/a",
            [IgnoreRule("json", "/a"), IgnoreRule("json", "/a/0")],
            [IgnoreRule("json", "/ab")],
        ),
        ("json:", [IgnoreRule("json", ""), IgnoreRule("json", "/a")], [IgnoreRule("body")]),
        ("body", [IgnoreRule("body"), IgnoreRule("json", "/a")], [IgnoreRule("header", "x-id")]),
    ],
)
def test_an_ignore_rule_covers(
    text: str, covers: list[IgnoreRule], leaves: list[IgnoreRule]
) -> None:
    own = ignore_rule(text)
    assert [own.covers(each) for each in covers] == [True] * len(covers)
    assert [own.covers(each) for each in leaves] == [False] * len(leaves)
    assert ignore_rule(str(own)) == own


@pytest.mark.parametrize("text", ["", "header", "header:", "header:a b", "json:a", "status", "x:y"])
def test_what_is_no_ignore_rule_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"it should be header:NAME, json:/POINTER .* or body"):
        ignore_rule(text)


ORDERS = CatalogueEntry(
    "GET /orders", HttpRequest("GET", "/orders", (("Cookie", "session=verysecret"),))
)


def found_by(
    speak: Callable[[Way, int], HttpAnswer],
    *ignore: IgnoreRule,
    entry: CatalogueEntry = ORDERS,
    ways: tuple[Way, ...] = WAYS,
) -> dict[str, tuple[str, str]]:
    """Return verdict and evidence by place; `speak` gets the way and how often anyone asked."""
    count = itertools.count()
    wire = FakeWire(lambda way, _request: speak(way, next(count)))

    async def scenario() -> list[Result]:
        check = opaque.check(Catalogue((entry,)), ignore)
        return [result async for result in check.run(surroundings(wire, ways=ways))]

    results = asyncio.run(scenario())
    assert {result.check for result in results} == {f"answers {entry.name}"}
    return {
        f"{result.path} {result.family}": (result.verdict, result.evidence) for result in results
    }


def test_the_same_answer_everywhere_passes() -> None:
    assert found_by(lambda _way, _count: answer(404, b"none")) == {
        "direct IPv4": ("pass", "404, the measure"),
        "direct IPv6": ("pass", "404, as direct over IPv4"),
        "cdn IPv4": ("pass", "404, as direct over IPv4"),
        "cdn IPv6": ("pass", "404, as direct over IPv4"),
    }


def test_what_one_way_alters_fails_there_with_both_values() -> None:
    def speak(way: Way, _count: int) -> HttpAnswer:
        return as_json({"open": way != CDN6}, X_Kind="a" if way != CDN6 else "b")

    results = found_by(speak)
    verdict, evidence = results["cdn IPv6"]
    assert verdict == "fail"
    assert evidence == (
        'header:x-kind expected "a", came "b"; json:/open expected true, came false '
        "(from 2001:db8:cf:1::1)"
    )
    assert results["cdn IPv4"][0] == "pass"


@pytest.mark.parametrize(
    ("own", "came", "altered", "verdict"),
    [
        pytest.param({}, "CloudFront", CDN4, "pass", id="CloudFront names a nameless server"),
        pytest.param({}, "nginx", CDN4, "fail", id="somebody else does"),
        pytest.param({"Server": "api"}, "CloudFront", CDN4, "fail", id="a name is replaced"),
        pytest.param({}, "CloudFront", DIRECT6, "fail", id="on direct there is no CloudFront"),
    ],
)
def test_cloudfront_may_name_a_server_that_has_no_name(
    own: dict[str, Any], came: str, altered: Way, verdict: str
) -> None:
    results = found_by(lambda way, _: answer(Server=came) if way == altered else answer(**own))
    assert results[f"{altered.path} {altered.family}"][0] == verdict


def test_what_is_ignored_does_not_count() -> None:
    def speak(way: Way, _count: int) -> HttpAnswer:
        return as_json({"at": {"node": way.address}}, X_Node=way.address)

    assert found_by(speak)["cdn IPv4"][0] == "fail"
    results = found_by(
        speak,
        ignore_rule("header:X-Node"),
        entry=replace(ORDERS, ignore=(ignore_rule("json:/at"),)),
    )
    assert {verdict for verdict, _ in results.values()} == {"pass"}


def test_what_changes_by_itself_is_named_and_not_compared() -> None:
    def speak(_way: Way, count: int) -> HttpAnswer:
        return as_json({"id": count, "kind": "order"}, X_Request_Id=str(count))

    note = "; not compared because it changes from answer to answer: header:x-request-id, json:/id"
    assert found_by(speak) == {
        "direct IPv4": ("pass", f"200, the measure{note}"),
        "direct IPv6": ("pass", f"200, as direct over IPv4{note}"),
        "cdn IPv4": ("pass", f"200, as direct over IPv4{note}"),
        "cdn IPv6": ("pass", f"200, as direct over IPv4{note}"),
    }


def test_what_is_stable_beside_what_changes_is_still_compared() -> None:
    def speak(way: Way, count: int) -> HttpAnswer:
        return as_json({"id": count, "kind": "order" if way.path == "direct" else "page"})

    verdict, evidence = found_by(speak)["cdn IPv4"]
    assert (verdict, evidence.partition(" (")[0]) == (
        "fail",
        'json:/kind expected "order", came "page"',
    )


Speaks = Callable[[int], HttpAnswer]

LOST: dict[str, tuple[Speaks, Speaks, str]] = {
    "the cookie of a new session is lost": (
        lambda count: answer(Set_Cookie=f"session=n{count}; Path=/; Expires=day {count}"),
        lambda _: answer(),
        "header:set-cookie expected session; path=/, came nothing",
    ),
    "another cookie is set": (
        lambda count: answer(Set_Cookie=f"session=n{count}; HttpOnly"),
        lambda count: answer(Set_Cookie=f"other=n{count}; HttpOnly"),
        "header:set-cookie expected session; httponly, came other; httponly",
    ),
    "a changing header is empty": (
        lambda count: answer(X_Request_Id=str(count)),
        lambda _: answer(X_Request_Id=""),
        "header:x-request-id expected 1 value, came 1 value, 1 empty",
    ),
    "a changing body is empty": (
        lambda count: answer(200, f"<p>hello {count}</p>".encode()),
        lambda _: answer(),
        "body expected a body, came nothing",
    ),
    "a list of changing length is an object": (
        lambda count: as_json([1] * (count + 1)),
        lambda _: as_json({"error": "blocked"}),
        "json: expected a list, came an object",
    ),
    "a list of changing length is empty": (
        lambda count: as_json([1] * (count + 1)),
        lambda _: as_json([]),
        "json: expected a list, came a list, empty",
    ),
    "a changing text is a number": (
        lambda count: as_json({"a": [{"b/c": f"t{count}"}]}),
        lambda count: as_json({"a": [{"b/c": count}]}),
        "json:/a/0/b~1c expected a string, came a number",
    ),
    "a changing member is gone": (
        lambda count: as_json({"id": count}),
        lambda _: as_json({}),
        "json:/id expected a number, came nothing",
    ),
}


@pytest.mark.parametrize(("direct", "cdn", "expected"), LOST.values(), ids=LOST)
def test_what_changes_by_itself_still_has_to_be_there_and_of_its_kind(
    direct: Speaks, cdn: Speaks, expected: str
) -> None:
    def speak(way: Way, count: int) -> HttpAnswer:
        return cdn(count) if way.path == "cdn" else direct(count)

    verdict, evidence = found_by(speak, ways=(DIRECT4, CDN4))["cdn IPv4"]
    assert (verdict, evidence.partition(" (from")[0]) == ("fail", expected)


def test_what_comes_and_goes_on_direct_may_come_and_go_elsewhere() -> None:
    """Half of the answers have a cookie; and what is ignored has no shape either."""

    def speak(way: Way, count: int) -> HttpAnswer:
        if way == CDN6:
            return answer(X_Id="")
        return answer(X_Id=str(count), Set_Cookie="a=1") if count % 2 else answer(X_Id="-")

    results = found_by(speak, ignore_rule("header:X-Id"))
    assert {verdict for verdict, _ in results.values()} == {"pass"}


def test_a_clock_that_moves_on_during_the_questions_is_no_difference() -> None:
    """The measure agrees with itself, because it was asked twice in the same second."""
    verdict, evidence = found_by(
        lambda _way, count: answer(200, X_Second=str(count // 2)), ways=(DIRECT4, CDN4)
    )["cdn IPv4"]
    assert (verdict, evidence) == (
        "unknown",
        'differed once and not again: header:x-second expected "0", came "1"',
    )


@pytest.mark.parametrize("seed", range(64))
def test_an_api_of_several_servers_that_answer_at_random_never_fails(seed: int) -> None:
    """Which server answers is drawn again for each request, over all ways alike."""
    draw = random.Random(seed)  # noqa: S311 - nothing secret is drawn

    def speak(_way: Way, _count: int) -> HttpAnswer:
        name = draw.choice(["a", "b", "c"])
        return as_json({"node": name}, X_Backend=name)

    assert "fail" not in {verdict for verdict, _ in found_by(speak).values()}


@pytest.mark.parametrize(("last", "expected"), [(11, "unknown"), (12, "fail")])
def test_before_anything_fails_the_measure_is_asked_eight_times_more(
    last: int, expected: str
) -> None:
    """The other value comes on direct only when it is asked for the last time."""
    ways: list[Way] = []

    def speak(way: Way, _count: int) -> HttpAnswer:
        ways.append(way)
        return answer(X_Kind="b" if way == CDN4 or ways.count(DIRECT4) == last else "a")

    assert found_by(speak, ways=(DIRECT4, CDN4))["cdn IPv4"][0] == expected
    assert ways.count(DIRECT4) == 11


def test_a_status_that_direct_gives_too_when_it_is_asked_more_often_cannot_tell() -> None:
    ways: list[Way] = []

    def speak(way: Way, _count: int) -> HttpAnswer:
        ways.append(way)
        return answer(503 if way == CDN4 or ways.count(DIRECT4) > 6 else 200)

    verdict, evidence = found_by(speak, ways=(DIRECT4, CDN4))["cdn IPv4"]
    assert (verdict, evidence) == ("unknown", "the API itself answers now 200, now 503")


def test_an_unstable_status_cannot_tell() -> None:
    assert found_by(lambda _way, count: answer(200 if count % 2 else 503)) == {
        "direct IPv4": ("unknown", "the API itself answers now 503, now 200")
    }


def test_no_answer_on_a_way_cannot_tell() -> None:
    def speak(way: Way, _count: int) -> HttpAnswer:
        if way == CDN4:
            raise TroubleError("certificate", "the certificate has expired")
        return answer()

    assert found_by(speak)["cdn IPv4"] == (
        "unknown",
        "198.18.1.1 gave no answer where direct did: certificate: the certificate has expired",
    )


def test_without_the_measure_nothing_can_be_told() -> None:
    def refuse(_way: Way, _count: int) -> HttpAnswer:
        raise TroubleError("refused", "nobody listens")

    assert found_by(refuse) == {
        "direct IPv4": (
            "unknown",
            "nothing to compare with: 198.18.0.1 (direct): refused: nobody listens",
        )
    }
    assert found_by(refuse, ways=(DIRECT6, CDN4)) == {
        "None None": ("unknown", "nothing to compare with: direct over IPv4 cannot be used")
    }


def test_a_secret_that_an_answer_repeats_is_not_shown() -> None:
    def speak(way: Way, _count: int) -> HttpAnswer:
        return as_json({"you sent": f"{'x' * 55} session=verysecret at {way.path}"})

    _, evidence = found_by(speak)["cdn IPv4"]
    assert evidence == (
        'json:/you sent expected …xxxxxxx [secret] at direct", '
        'came …xxxxxxx [secret] at cdn" (from 198.18.1.1)'
    )


def test_requests_take_turns_on_the_addresses_of_a_path() -> None:
    other = replace(CDN4, address="198.18.1.2")
    wire = FakeWire(lambda _way, _request: answer())
    catalogue = Catalogue((ORDERS, replace(ORDERS, name="two")))

    async def scenario() -> None:
        check = opaque.check(catalogue, ())
        around = surroundings(wire, ways=(DIRECT4, CDN4, other))
        async for result in check.run(around):
            assert result.verdict == "pass"

    asyncio.run(scenario())
    assert {way for way, _ in wire.requests} == {DIRECT4, CDN4, other}


@pytest.mark.parametrize(
    ("catalogue", "evidence"),
    [
        (Catalogue(), "no answers were compared: nothing says what to ask"),
        (Catalogue((), (("POST /", "not now"),)), "none of the requests can be sent"),
    ],
)
def test_nothing_to_ask_is_no_pass(catalogue: Catalogue, evidence: str) -> None:
    async def scenario() -> list[tuple[str, str]]:
        check = opaque.check(catalogue, ())
        return [(result.verdict, result.evidence) async for result in check.run(surroundings())]

    assert asyncio.run(scenario()) == [("unknown", evidence)]


def test_a_request_for_one_hostname_is_not_sent_to_another() -> None:
    target = replace(TARGET, hostnames=(HOSTNAME, "two.example.com"))
    ways = (*WAYS, *(replace(way, hostname="two.example.com") for way in WAYS))
    wire = FakeWire(lambda _way, _request: answer())

    async def scenario() -> None:
        check = opaque.check(Catalogue((replace(ORDERS, hostname=HOSTNAME),)), ())
        around = surroundings(wire, ways=ways, target=target)
        assert [result.verdict async for result in check.run(around)] == ["pass"] * 4

    asyncio.run(scenario())
    assert {way.hostname for way, _ in wire.requests} == {HOSTNAME}
