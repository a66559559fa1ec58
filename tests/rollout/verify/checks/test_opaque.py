"""The user's own requests: which are sent where, and what the lines of the report say.

What is odd in answers, and what proves a cache, is tested in `tests/rollout/verify/own_requests`.
"""

import asyncio
from dataclasses import replace

import pytest

from rollout.probe.model import HttpAnswer, HttpRequest, TroubleError, Way
from rollout.requests.catalogue import Catalogue, CatalogueEntry, IgnoreRule, ignore_rule
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
from support.own_apis import (
    ORDERS,
    altering,
    as_json,
    everywhere,
    on_cdn,
    own_run,
    silence,
    still_api,
)


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


def test_the_same_answer_everywhere_passes() -> None:
    assert own_run(lambda _way, _request, _at: answer(404, b"none")).line("answers") == {
        "direct IPv4": ("pass", "404, the measure"),
        "direct IPv6": ("pass", "404, as direct over IPv4"),
        "cdn IPv4": ("pass", "404, as direct over IPv4"),
        "cdn IPv6": ("pass", "404, as direct over IPv4"),
    }


def test_what_one_way_alters_fails_there_with_both_values() -> None:
    def speak(way: Way, _: HttpRequest, at: float) -> HttpAnswer:
        return as_json({"open": way != CDN6}, at, X_Kind="a" if way != CDN6 else "b")

    lines = own_run(speak).line("answers")
    verdict, evidence = lines["cdn IPv6"]
    assert verdict == "fail"
    assert evidence == (
        'header:x-kind expected "a", came "b"; json:/open expected true, came false '
        "(from 2001:db8:cf:1::1)"
    )
    assert lines["cdn IPv4"][0] == "pass"


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
    own: dict[str, str], came: str, altered: Way, verdict: str
) -> None:
    def speak(way: Way, _: HttpRequest, __: float) -> HttpAnswer:
        return answer(Server=came) if way == altered else answer(**own)  # type: ignore[arg-type]

    assert own_run(speak).line("answers")[f"{altered.path} {altered.family}"][0] == verdict


def test_what_is_ignored_does_not_count() -> None:
    def speak(way: Way, _: HttpRequest, at: float) -> HttpAnswer:
        return as_json({"at": {"node": way.address}}, at, X_Node=way.address)

    assert own_run(speak).line("answers")["cdn IPv4"][0] == "fail"
    entry = replace(ORDERS, ignore=(ignore_rule("json:/at"),))
    run = own_run(speak, entry, ignore=(ignore_rule("header:X-Node"),))
    assert {verdict for verdict, _ in run.line("answers").values()} == {"pass"}


def test_what_changes_by_itself_is_named_and_its_value_is_not_compared() -> None:
    count = iter(range(1000))

    def speak(_way: Way, _request: HttpRequest, at: float) -> HttpAnswer:
        number = next(count)
        return as_json({"id": number, "kind": "order"}, at, X_Request_Id=str(number))

    note = (
        "; changes from answer to answer, so its kind is compared and not its value: "
        "header:x-request-id, json:/id"
    )
    assert own_run(speak).line("answers") == {
        "direct IPv4": ("pass", f"200, the measure{note}"),
        "direct IPv6": ("pass", f"200, as direct over IPv4{note}"),
        "cdn IPv4": ("pass", f"200, as direct over IPv4{note}"),
        "cdn IPv6": ("pass", f"200, as direct over IPv4{note}"),
    }


def test_an_unstable_status_cannot_tell() -> None:
    count = iter(range(1000))
    run = own_run(lambda _way, _request, _at: answer(200 if next(count) % 4 else 503))
    assert run.exit_code == 3
    for verdict, evidence in run.line("answers").values():
        assert verdict == "unknown"
        assert evidence.startswith("the API itself answers now 503, now 200")


def test_without_the_measure_nothing_can_be_told() -> None:
    refuse = silence("refused", "nobody listens")
    assert own_run(refuse).line("answers") == {
        "direct IPv4": (
            "unknown",
            "nothing to compare with: 198.18.0.1 (direct): refused: nobody listens",
        )
    }
    assert own_run(refuse, ways=(DIRECT6, CDN4)).line("answers") == {
        "None None": ("unknown", "nothing to compare with: direct over IPv4 cannot be used")
    }


def test_silence_over_an_ipv6_that_leads_nowhere_cannot_tell() -> None:
    """This machine's own address is of its site only."""

    class Site(opaque.Sockets):
        def source(self, address: str) -> str | None:
            return "fd00::2" if ":" in address else "192.0.2.2"

    def speak(way: Way, _: HttpRequest) -> HttpAnswer:
        if way.path == "cdn":
            raise TroubleError("timeout", "silence")
        return answer()

    async def scenario() -> dict[str, tuple[str, str]]:
        check = opaque.check(Catalogue((ORDERS,)), (), network=Site())
        around = surroundings(FakeWire(speak))
        return {
            f"{each.path} {each.family}": (each.verdict, each.evidence)
            async for each in check.run(around)
            if each.check.startswith("answers")
        }

    lines = asyncio.run(scenario())
    assert lines["cdn IPv4"][0] == "fail"
    verdict, evidence = lines["cdn IPv6"]
    assert verdict == "unknown"
    assert "this machine's own address leads nowhere beyond its site" in evidence


def test_a_secret_that_an_answer_repeats_is_not_shown() -> None:
    entry = replace(
        ORDERS, request=HttpRequest("GET", "/orders", (("Cookie", "session=verysecret"),))
    )

    def speak(way: Way, _: HttpRequest, at: float) -> HttpAnswer:
        return as_json({"you sent": f"{'x' * 55} session=verysecret at {way.path}"}, at)

    _, evidence = own_run(speak, entry).line("answers")["cdn IPv4"]
    assert (
        'json:/you sent expected …xxxxxxx [secret] at direct", '
        'came …xxxxxxx [secret] at cdn" (from 198.18.1.1)'
    ) in evidence
    assert "verysecret" not in evidence


def test_each_address_of_a_path_gets_every_request() -> None:
    other = replace(CDN4, address="198.18.1.2")
    seen: set[tuple[str, str]] = set()

    def speak(way: Way, request: HttpRequest, at: float) -> HttpAnswer:
        seen.add((way.address, request.target))
        return still_api()(request, at)

    two = CatalogueEntry("GET /two", HttpRequest("GET", "/two"))
    assert own_run(speak, ORDERS, two, ways=(DIRECT4, CDN4, other)).exit_code == 0
    addresses = {DIRECT4.address, CDN4.address, other.address}
    assert {(address, target) for address in addresses for target in ("/orders", "/two")} <= seen


def test_a_cache_of_a_request_ends_with_one() -> None:
    kept = as_json({"id": 1}, 0.0)
    count = iter(range(1000))
    run = own_run(
        on_cdn(lambda _, at: as_json({"id": next(count)}, at), lambda _way, _request, _at: kept)
    )
    assert run.exit_code == 1
    failing = [each for each in run.results if each.check == "cache GET /orders"]
    assert [each.verdict for each in failing] == ["pass", "pass", "fail", "fail"]
    assert {each.remedy for each in failing} == {
        "",
        "Keep nothing at the edge, with CachingDisabled: rule caching-off.",
    }


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
        assert [result.verdict async for result in check.run(around)] == ["pass"] * 8

    asyncio.run(scenario())
    assert {way.hostname for way, _ in wire.requests} == {HOSTNAME}


def test_evidence_shows_a_few_differences_and_counts_the_rest() -> None:
    def speak(way: Way, _: HttpRequest, at: float) -> HttpAnswer:
        return as_json({str(number): way.path for number in range(8)}, at)

    _, evidence = own_run(speak).line("answers")["cdn IPv4"]
    assert "; 3 more (from 198.18.1.1)" in evidence


def test_what_an_edge_adds_fails_as_well() -> None:
    def add(one: HttpAnswer) -> HttpAnswer:
        return replace(one, headers=(*one.headers, ("X-Powered-By", "edge")))

    _, evidence = own_run(altering(still_api(), add)).line("answers")["cdn IPv4"]
    assert evidence.startswith('header:x-powered-by expected nothing, came "edge"')
    assert own_run(everywhere(still_api())).exit_code == 0
