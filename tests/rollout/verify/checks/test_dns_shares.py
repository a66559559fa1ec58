"""What sampled answers say: shares, twins, families and TTLs, decided without a network."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.probe.model import DnsAnswer, Result
from rollout.verify.checks import dns_shares as weights
from rollout.verify.checks.dns_shares import Sample, Tally
from rollout.verify.dns_answers import AddressOwners, RecordType

A = AddressOwners(frozenset({"192.0.2.1", "192.0.2.2"}), frozenset({"198.51.100.1"}), False)
NO_PROXY = AddressOwners(frozenset(), frozenset({"2001:db8::c"}), True)
PROXY = AddressOwners(frozenset({"2001:db8::d"}), frozenset({"2001:db8::c"}), False)


@pytest.mark.parametrize(
    ("owners", "values", "owner"),
    [
        (A, ("192.0.2.1",), "direct"),
        (A, ("192.0.2.1", "192.0.2.2"), "direct"),
        (A, ("198.51.100.1",), "cdn"),
        (A, ("198.51.100.1", "192.0.2.1"), "nobody"),
        (A, ("203.0.113.1",), "nobody"),
        (A, (), "empty"),
        (NO_PROXY, (), "direct"),
        (NO_PROXY, ("2001:db8::c",), "cdn"),
        (NO_PROXY, ("2001:db8::d",), "nobody"),
        (PROXY, (), "empty"),
        (PROXY, ("2001:db8::d",), "direct"),
    ],
)
def test_an_answer_is_whose_addresses_it_has(
    owners: AddressOwners, values: tuple[str, ...], owner: str
) -> None:
    assert owners.of(values) == owner


def answer(*values: str, ttl: int | None = 60) -> DnsAnswer:
    return DnsAnswer("NOERROR", values, ttl, authoritative=True)


def test_answers_are_counted_by_owner_with_their_ttls() -> None:
    answers = [
        answer("192.0.2.1"),
        answer("192.0.2.2", ttl=30),
        answer("198.51.100.1"),
        answer("203.0.113.1"),
        answer(ttl=900),
        answer(ttl=None),
    ]
    assert weights.tally(answers, A) == Tally(
        answers=6,
        direct=2,
        cdn=1,
        empty=2,
        nobody=1,
        strangers=("203.0.113.1",),
        ttls={"direct": (30, 60), "cdn": (60,)},
        empty_ttls=(900,),
    )


@given(st.lists(st.sampled_from(["192.0.2.1", "198.51.100.1", "203.0.113.1", ""])))
def test_every_answer_is_counted_once(values: list[str]) -> None:
    tally = weights.tally([answer(*([value] if value else [])) for value in values], A)
    assert tally.answers == len(values)
    assert tally.direct + tally.cdn + tally.empty + tally.nobody == len(values)


TTLS: Mapping[Any, tuple[int, ...]] = {"direct": (60,), "cdn": (60,)}


def group(direct: int, cdn: int, **changed: Any) -> Tally:
    return replace(Tally(direct + cdn, direct, cdn, ttls=TTLS), **changed)


def sample(a: Tally, aaaa: Tally, declared: tuple[int, int] | None, look: int = 5) -> Sample:
    tallies: dict[RecordType, Tally] = {"A": a, "AAAA": aaaa}
    return Sample("api.example.com", look, tallies, declared, 0.05)


def verdicts(judged: list[Result]) -> dict[str, str]:
    return {
        f"{result.check} {result.family or 'both'}": result.verdict
        for result in judged
        if result.check != "dns-ttl"
    }


def expected_verdicts(
    a_share: str, aaaa_share: str, a_twins: str, aaaa_twins: str, families: str
) -> dict[str, str]:
    return {
        "dns-shares IPv4": a_share,
        "dns-shares IPv6": aaaa_share,
        "dns-twins IPv4": a_twins,
        "dns-twins IPv6": aaaa_twins,
        "dns-families both": families,
    }


PASS, FAIL, MAYBE = "pass", "fail", "unknown"
CASES = {
    "as declared": (
        sample(group(1010, 1038), group(1030, 1018), (50, 50), 6),
        expected_verdicts(PASS, PASS, PASS, PASS, PASS),
    ),
    "one percent, of which one answer is enough to see the member": (
        sample(group(1014, 10), group(1020, 4), (99, 1)),
        expected_verdicts(PASS, PASS, PASS, PASS, PASS),
    ),
    "nothing on cdn is yet no proof": (
        sample(group(255, 1), group(256, 0), (99, 1), 3),
        expected_verdicts(PASS, PASS, PASS, MAYBE, PASS),
    ),
    "all direct": (
        sample(group(256, 0), group(256, 0), (100, 0), 3),
        expected_verdicts(PASS, PASS, PASS, PASS, PASS),
    ),
    "all cdn": (
        sample(group(0, 256), group(0, 256), (0, 255), 3),
        expected_verdicts(PASS, PASS, PASS, PASS, PASS),
    ),
    "AAAA is cdn's alone": (
        sample(group(63, 1), group(0, 64), (99, 1), 1),
        expected_verdicts(MAYBE, FAIL, PASS, FAIL, FAIL),
    ),
    "AAAA is cdn's alone where nobody should be on cdn": (
        sample(group(64, 0), group(0, 64), (100, 0), 1),
        expected_verdicts(MAYBE, FAIL, PASS, FAIL, FAIL),
    ),
    "cdn has no AAAA": (
        sample(group(32, 32), group(64, 0), (50, 50), 1),
        expected_verdicts(MAYBE, FAIL, PASS, FAIL, FAIL),
    ),
    "the members of A are swapped": (
        sample(group(200, 824), group(824, 200), (80, 20)),
        expected_verdicts(FAIL, PASS, PASS, PASS, FAIL),
    ),
    "one answer of a path with weight 0": (
        sample(group(255, 1), group(256, 0), (100, 0), 3),
        expected_verdicts(FAIL, PASS, PASS, PASS, PASS),
    ),
    "an address that is nobody's": (
        sample(group(128, 127, answers=256, nobody=1, strangers=("203.0.113.1",)),
               group(128, 128), (50, 50), 3),
        expected_verdicts(MAYBE, MAYBE, MAYBE, PASS, MAYBE),
    ),
    "addresses that are nobody's instead of those of direct": (
        sample(group(0, 32, answers=64, nobody=32, strangers=("203.0.113.1",)),
               group(30, 34), (50, 50), 1),
        expected_verdicts(MAYBE, MAYBE, MAYBE, PASS, MAYBE),
    ),
    "empty answers though there are proxies": (
        sample(group(128, 128), group(100, 128, answers=256, empty=28), (50, 50), 3),
        expected_verdicts(MAYBE, MAYBE, PASS, FAIL, MAYBE),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_sample_shows_what_is_wrong(case: str) -> None:
    given_sample, expected = CASES[case]
    assert verdicts(weights.judge(given_sample)) == expected


def one(judged: list[Result], check: str, family: str | None) -> Result:
    (result,) = [r for r in judged if r.check == check and r.family == family]
    return result


def test_an_unpaired_family_is_named_with_what_it_does() -> None:
    judged = weights.judge(sample(group(1020, 4), group(0, 1024), (99, 1)))
    assert one(judged, "dns-twins", "IPv6") == Result(
        "dns-twins",
        "fail",
        (
            "unpaired family: direct has none of 1024 AAAA answers, but some of the A answers; "
            "every IPv6 client is on cdn, whatever the A weights say"
        ),
        "api.example.com",
        None,
        "IPv6",
        (),
        (
            "Give api.example.com an AAAA record with the set identifier direct and the weight of "
            "its A twin."
        ),
    )


def test_a_distribution_without_ipv6_is_named_at_once() -> None:
    judged = weights.judge(
        replace(sample(group(64, 0), group(64, 0), (100, 0), 1), cdn_lacks_ipv6=True)
    )
    found_twins = one(judged, "dns-twins", "IPv6")
    assert (found_twins.verdict, found_twins.remedy) == (
        "fail",
        "Turn IPv6 on for the distribution (isIpv6Enabled).",
    )


def test_evidence_tells_the_interval_and_what_was_declared() -> None:
    judged = weights.judge(sample(group(0, 64), group(64, 0), (50, 50), 1))
    assert one(judged, "dns-shares", "IPv4").evidence == (
        "cdn has 100.0% of 64 A answers, so 91.1% to 100.0%; 50.0% is declared, within 5.0%"
    )


def test_a_member_of_weight_zero_cannot_be_seen_and_that_is_said() -> None:
    judged = weights.judge(sample(group(256, 0), group(256, 0), (100, 0), 3))
    assert one(judged, "dns-twins", "IPv6").evidence == (
        "direct has 256 and cdn 0 of 256 AAAA answers; cdn has weight 0, so whether it has a "
        "member cannot be seen from outside"
    )


def test_all_weights_zero_are_equal_shares() -> None:
    assert sample(group(1, 1), group(1, 1), (0, 0)).declared("cdn") == 0.5


def test_without_declared_weights_the_families_are_compared() -> None:
    unpaired = weights.judge(sample(group(512, 512), group(0, 1024), None))
    assert verdicts(unpaired) == {
        "dns-twins IPv4": "pass",
        "dns-twins IPv6": "fail",
        "dns-families both": "fail",
    }
    paired = weights.judge(sample(group(2048, 2048), group(2060, 2036), None, 7))
    assert set(verdicts(paired).values()) == {"pass"}


TTL_CASES = {
    "a minute": (group(5, 5), "pass", (), "direct 60 s; cdn 60 s"),
    "longer": (
        group(5, 5, ttls={"direct": (300,), "cdn": (60,)}),
        "fail",
        (),
        "direct 300 s; cdn 60 s; more than 60 s slows the way back",
    ),
    "different": (
        group(5, 5, ttls={"direct": (20,), "cdn": (60,)}),
        "fail",
        (),
        "direct 20 s; cdn 60 s; what is kept longer has more users than its weight says",
    ),
    "empty answers live longer, which is safe": (
        group(5, 5, ttls={"cdn": (60,)}, empty_ttls=(900,)),
        "pass",
        ("empty-answers-kept-longer",),
        (
            "cdn 60 s; empty answers 900 s; that is longer than the others, so fewer IPv6 clients "
            "are on cdn than the weight says, which is safe"
        ),
    ),
    "empty answers live as long": (
        group(5, 5, ttls={"cdn": (60,)}, empty_ttls=(60,)),
        "pass",
        (),
        "cdn 60 s; empty answers 60 s",
    ),
    "nothing": (
        group(5, 5, ttls={}),
        "unknown",
        (),
        "no AAAA answer tells how long it may be kept",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", TTL_CASES)
def test_ttls_are_judged(case: str) -> None:
    aaaa, verdict, accepted, evidence = TTL_CASES[case]
    judged = one(
        weights.judge(sample(group(5, 5), aaaa, (50, 50))),
        "dns-ttl",
        "IPv6",
    )
    assert (judged.verdict, judged.accepted, judged.evidence) == (verdict, accepted, evidence)


def test_asking_ends_when_all_is_told_or_a_stranger_is_in_the_way() -> None:
    decided, _ = CASES["as declared"]
    open_, _ = CASES["nothing on cdn is yet no proof"]
    strange, _ = CASES["an address that is nobody's"]
    assert [weights.settled(each, weights.judge(each)) for each in (decided, open_, strange)] == [
        True,
        False,
        True,
    ]


def test_what_was_decided_once_is_not_forgotten_but_a_failure_counts_at_any_look() -> None:
    def results(*verdicts: Any) -> list[Result]:
        return [Result(f"check-{n}", verdict, f"{verdict}") for n, verdict in enumerate(verdicts)]

    before = results("unknown", "pass", "pass", "fail", "pass")
    now = results("pass", "unknown", "fail", "unknown", "pass")
    assert [r.verdict for r in weights.merged(before, now)] == [
        "pass",
        "pass",
        "fail",
        "fail",
        "pass",
    ]
    assert weights.merged([], now) == now


def test_what_cannot_be_told_yet_is_told_by_the_last_look() -> None:
    looks = [[Result("check", "unknown", f"of {answers}")] for answers in (64, 128)]
    assert weights.merged(*looks) == looks[1]
