"""What Route 53 answers: shares of each possible answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.lab.dns.answers import (
    EMPTY,
    PossibleAnswer,
    canonical,
    possible_answers,
    unsupported_records,
)
from support.records import CDN, HOST, LEADS, LOAD_BALANCER, POOL, alias, record, zone

DIRECT_A = PossibleAnswer(("198.18.0.1", "198.18.0.2"), 60)
CDN_A = PossibleAnswer(("198.18.1.1", "198.18.1.2"), 60)
CDN_AAAA = PossibleAnswer(("2001:db8:cf:1::1", "2001:db8:cf:2::1"), 60)
ONE = PossibleAnswer(("2001:db8:d1:1::1",), 60)
TWO = PossibleAnswer(("2001:db8:d1:2::1",), 60)


@dataclass(frozen=True)
class Case:
    records: Sequence[Mapping[str, Any]]
    shares: Mapping[PossibleAnswer, Fraction]
    kind: str = "AAAA"
    name: str = HOST
    health: Mapping[str, bool] = field(default_factory=dict[str, bool])


def pool(*, zero: bool = False) -> list[dict[str, Any]]:
    """Two proxies, checked as `one` and `two`, and with `zero` an empty record of weight 0."""
    own = [
        record(POOL, "AAAA", ["2001:db8:d1:1::1"], weight=("one", 1), check="one"),
        record(POOL, "AAAA", ["2001:db8:d1:2::1"], weight=("two", 1), check="two"),
    ]
    return [*own, alias(POOL, "AAAA", LOAD_BALANCER, weight=("none", 0))] if zero else own


def twins(
    kind: str, direct: int, cdn: int, target: str = LOAD_BALANCER, **other: Any
) -> list[dict[str, Any]]:
    return [
        alias(HOST, kind, target, weight=("direct", direct), **other),
        alias(HOST, kind, CDN, weight=("cdn", cdn)),
    ]


CASES = {
    "weights are shares": Case(
        twins("A", 99, 1), {DIRECT_A: Fraction(99, 100), CDN_A: Fraction(1, 100)}, "A"
    ),
    "a weight of 0 is no share": Case(twins("A", 100, 0), {DIRECT_A: Fraction(1)}, "A"),
    "weights that are all 0 are equal": Case(
        twins("A", 0, 0), {DIRECT_A: Fraction(1, 2), CDN_A: Fraction(1, 2)}, "A"
    ),
    "an alias to a target without IPv6 has its share of the answers, which are empty": Case(
        twins("AAAA", 3, 1), {EMPTY: Fraction(3, 4), CDN_AAAA: Fraction(1, 4)}
    ),
    "an alias to a group splits its share": Case(
        [*twins("AAAA", 99, 1, POOL), *pool()],
        {ONE: Fraction(99, 200), TWO: Fraction(99, 200), CDN_AAAA: Fraction(1, 100)},
    ),
    "an unhealthy member leaves its share to the others of its group": Case(
        [*twins("AAAA", 99, 1, POOL), *pool()],
        {TWO: Fraction(99, 100), CDN_AAAA: Fraction(1, 100)},
        health={"one": False},
    ),
    "a group without a healthy member is answered as if all were healthy": Case(
        [*twins("AAAA", 99, 1, POOL), *pool()],
        {ONE: Fraction(99, 200), TWO: Fraction(99, 200), CDN_AAAA: Fraction(1, 100)},
        health={"one": False, "two": False},
    ),
    "a healthy member of weight 0 is used when no other is healthy": Case(
        [*twins("AAAA", 99, 1, POOL), *pool(zero=True)],
        {EMPTY: Fraction(99, 100), CDN_AAAA: Fraction(1, 100)},
        health={"one": False, "two": False},
    ),
    "a healthy member of weight 0 is not used while another is healthy": Case(
        pool(zero=True), {TWO: Fraction(1)}, name=POOL, health={"one": False}
    ),
    "an alias that evaluates a group without a healthy member leaves its share": Case(
        [*twins("AAAA", 100, 0, POOL, evaluates=True), *pool()],
        {CDN_AAAA: Fraction(1)},
        health={"one": False, "two": False},
    ),
    "an alias that evaluates a group with one healthy member stays": Case(
        [*twins("AAAA", 100, 0, POOL, evaluates=True), *pool()],
        {ONE: Fraction(1)},
        health={"two": False},
    ),
    "when all are unhealthy the weights count again, also those of 0": Case(
        [
            record(HOST, "AAAA", ["2001:db8:d1:1::1"], weight=("one", 1), check="one"),
            record(HOST, "AAAA", ["2001:db8:d1:2::1"], weight=("two", 0), check="two"),
        ],
        {ONE: Fraction(1)},
        health={"one": False, "two": False},
    ),
    "an alias to a record has that record's TTL": Case(
        [alias(HOST, "A", "old.example.com"), record("old.example.com", "A", ["192.0.2.1"], 300)],
        {PossibleAnswer(("192.0.2.1",), 300): Fraction(1)},
        "A",
    ),
    "an alias to nothing is answered empty": Case(
        [alias(HOST, "A", "gone.example.com")], {EMPTY: Fraction(1)}, "A"
    ),
    "aliases of each other are answered empty": Case(
        [alias(HOST, "A", POOL), alias(POOL, "A", HOST)], {EMPTY: Fraction(1)}, "A"
    ),
    "an alias to the dual-stack name of a load balancer is one to the load balancer": Case(
        [alias(HOST, "A", f"dualstack.{LOAD_BALANCER}.")], {DIRECT_A: Fraction(1)}, "A"
    ),
    "a simple record without health is answered": Case(
        [record(HOST, "TXT", ['"a\\040b" "c\\"d"'], 300)],
        {PossibleAnswer(('"a b" "c\\"d"',), 300): Fraction(1)},
        "TXT",
    ),
    "names in values are absolute": Case(
        [record(HOST, "CNAME", ["Target.example.net"], 300)],
        {PossibleAnswer(("Target.example.net.",), 300): Fraction(1)},
        "CNAME",
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_each_possible_answer_has_its_share(case: Case) -> None:
    answers = possible_answers(zone(*case.records), LEADS, case.health)
    assert answers[case.name, case.kind] == case.shares


def test_a_wildcard_is_found_under_its_name() -> None:
    answers = possible_answers(zone(record("\\052.Example.com", "A", ["192.0.2.1"])), LEADS, {})
    assert list(answers) == [("*.example.com", "A")]
    assert canonical("A\\100b.example.com.") == canonical("a@b.example.com")


def test_what_is_not_served_is_named_and_left_out() -> None:
    geo = record(HOST, "A", ["192.0.2.1"]) | {"GeoLocation": {"CountryCode": "*"}}
    wrong = record("wrong.example.com", "A", ["192.0.2"])
    given = zone(geo, wrong, alias("h.example.com", "HTTPS", CDN))
    assert unsupported_records(given) == [
        (
            "record api.example.com. A of zone example.com has GeoLocation; the lab serves simple "
            "and weighted records"
        ),
        (
            "record wrong.example.com. A of zone example.com has the value '192.0.2': Text input "
            "is malformed."
        ),
        (
            "record h.example.com. HTTPS of zone example.com is an alias out of the zone; the lab "
            "serves those of A and AAAA records"
        ),
    ]
    assert possible_answers(given, LEADS, {}) == {}


weights = st.integers(min_value=0, max_value=255)
members = st.lists(st.tuples(weights, st.booleans()), min_size=1, max_size=8)


def group(kind: str, of: Sequence[tuple[int, bool]], name: str = HOST) -> list[dict[str, Any]]:
    """One record for each: its number ends its address, and names its check."""
    prefix = "192.0.2." if kind == "A" else "2001:db8::"
    return [
        record(name, kind, [f"{prefix}{number}"], weight=(str(number), weight), check=str(number))
        for number, (weight, _) in enumerate(of, 1)
    ]


def health(of: Sequence[tuple[int, bool]]) -> dict[str, bool]:
    return {str(number): healthy for number, (_, healthy) in enumerate(of, 1)}


def numbers(shares: Mapping[PossibleAnswer, Fraction]) -> dict[int, Fraction]:
    return {
        int(answer.values[0].replace("::", ".").rsplit(".", 1)[1], 16): share
        for answer, share in shares.items()
    }


@given(members, members)
def test_shares_add_up_to_one_and_are_none_of_them_zero(
    outer: Sequence[tuple[int, bool]], inner: Sequence[tuple[int, bool]]
) -> None:
    records = [
        alias(HOST, "AAAA", POOL, weight=("pool", outer[0][0]), evaluates=True),
        *group("AAAA", outer)[1:],
        *group("AAAA", inner, POOL),
    ]
    shares = possible_answers(zone(*records), LEADS, health(inner))[HOST, "AAAA"]
    assert sum(shares.values()) == 1
    assert all(share > 0 for share in shares.values())


@given(members)
def test_nobody_unhealthy_is_answered_while_somebody_is_healthy(
    of: Sequence[tuple[int, bool]],
) -> None:
    shares = numbers(possible_answers(zone(*group("AAAA", of)), LEADS, health(of))[HOST, "AAAA"])
    if any(healthy for _, healthy in of):
        assert all(of[number - 1][1] for number in shares)


@given(members)
def test_a_weight_of_0_is_used_only_where_no_other_weight_is_healthy(
    of: Sequence[tuple[int, bool]],
) -> None:
    shares = numbers(possible_answers(zone(*group("AAAA", of)), LEADS, health(of))[HOST, "AAAA"])
    if any(healthy and weight for weight, healthy in of):
        assert all(of[number - 1][0] for number in shares)


@given(members)
def test_shares_of_the_healthy_are_as_their_weights(of: Sequence[tuple[int, bool]]) -> None:
    shares = numbers(possible_answers(zone(*group("AAAA", of)), LEADS, health(of))[HOST, "AAAA"])
    used = sum(of[number - 1][0] for number in shares)
    for number, share in shares.items():
        assert share == (Fraction(of[number - 1][0], used) if used else Fraction(1, len(shares)))


@given(members)
def test_twins_have_the_same_shares_in_both_families(of: Sequence[tuple[int, bool]]) -> None:
    answers = possible_answers(zone(*group("A", of), *group("AAAA", of)), LEADS, health(of))
    assert numbers(answers[HOST, "A"]) == numbers(answers[HOST, "AAAA"])


@given(weights, weights)
def test_the_share_of_the_empty_answer_is_the_weight_of_the_target_without_ipv6(
    direct: int, cdn: int
) -> None:
    answers = possible_answers(
        zone(*twins("A", direct, cdn), *twins("AAAA", direct, cdn)), LEADS, {}
    )
    assert answers[HOST, "A"].get(DIRECT_A) == answers[HOST, "AAAA"].get(EMPTY)
    assert answers[HOST, "A"].get(CDN_A) == answers[HOST, "AAAA"].get(CDN_AAAA)
