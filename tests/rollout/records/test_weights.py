"""Weights move as one: in one batch, and never outside the old and the new share."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.faults import WrongUseError
from rollout.records.record_sets import RecordSet, plain_name
from rollout.records.weights import MOST_ELEMENTS, Weights, move, weights_of
from support.small_route53 import SmallRoute53, weighted

API, OTHER = "api.example.com", "b.example.com"

pairs = st.integers(0, 100).map(lambda cdn: Weights(100 - cdn, cdn))


def records(*all_fields: dict[str, Any]) -> list[RecordSet]:
    return [RecordSet(fields) for fields in all_fields]


def share(held: list[dict[str, Any]], name: str, family: str) -> float:
    """Return the share of cdn among the answers, as Route 53 draws them."""
    group = {
        record["SetIdentifier"]: record["Weight"]
        for record in held
        if (plain_name(record["Name"]), record["Type"]) == (name, family)
    }
    whole = sum(group.values())
    return group["cdn"] / whole if whole else 0.5


@given(old=pairs, new=pairs, always=st.booleans())
def test_a_batch_takes_every_name_and_family_from_the_old_share_to_the_new_one(
    old: Weights, new: Weights, *, always: bool
) -> None:
    held = [*weighted(API, old.direct, old.cdn), *weighted(OTHER, old.direct, old.cdn)]
    route53 = SmallRoute53(held)
    batch = move(records(*held), (API, OTHER), new, always=always)
    if old == new:
        assert batch.changes == ()
        return
    route53.change_resource_record_sets("Z1", batch.request("a step"))
    assert set(weights_of(records(*route53.held), (API, OTHER)).values()) == {new}
    assert [{**record, "Weight": 0} for record in sorted(route53.held, key=str)] == [
        {**record, "Weight": 0}
        for record in sorted(
            [*weighted(API, new.direct, new.cdn), *weighted(OTHER, new.direct, new.cdn)], key=str
        )
    ]


@given(old=pairs, new=pairs)
def test_single_updates_in_every_order_never_leave_the_interval_between_the_shares(
    old: Weights, new: Weights
) -> None:
    low, high = sorted((old.cdn / 100, new.cdn / 100))
    for order in permutations(range(4)):
        held = weighted(API, old.direct, old.cdn)
        for index in order:  # a kill after any of them leaves what is looked at here
            held[index]["Weight"] = new.of(held[index]["SetIdentifier"])
            for family in ("A", "AAAA"):
                assert low <= share(held, API, family) <= high


def test_records_that_have_their_weight_are_left_alone() -> None:
    held = weighted(API, 99, 1)
    held[0]["Weight"], held[1]["Weight"] = 100, 0
    batch = move(records(*held), (API,), Weights(100, 0), always=True)
    assert [(change.action, change.record.type) for change in batch.changes] == [
        ("UPSERT", "AAAA"),
        ("UPSERT", "AAAA"),
    ]


def test_a_step_forward_deletes_what_was_read_before_it_creates() -> None:
    batch = move(records(*weighted(API, 99, 1)), (API,), Weights(95, 5), always=False)
    assert [change.action for change in batch.changes] == ["DELETE"] * 4 + ["CREATE"] * 4
    assert [change.record.weight for change in batch.changes[:4]] == [99, 1, 99, 1]
    assert batch.elements == batch.upserted().elements == 8


def simple(**fields: Any) -> dict[str, Any]:
    return {"Name": f"{API}.", "Type": "A", "TTL": 60, "ResourceRecords": [], **fields}


@pytest.mark.parametrize(
    ("held", "value"),
    [
        ([], "not in the zone"),
        ([simple()], "simple"),
        ([simple(SetIdentifier="one", Failover="PRIMARY")], "failover one"),
        (weighted(API, 100, 0)[:1], "weighted direct"),
        (
            [*weighted(API, 100, 0)[:2], simple(SetIdentifier="blue", Weight=1)],
            "weighted blue, weighted cdn, weighted direct",
        ),
    ],
    ids=["none", "simple", "failover", "half", "a third member"],
)
def test_what_is_no_pair_is_refused_with_every_family(
    held: list[dict[str, Any]], value: str
) -> None:
    family_4 = [record for record in held if record["Type"] == "A"]
    with pytest.raises(WrongUseError) as caught:
        move(records(*family_4), (API,), Weights(100, 0), always=True)
    assert [str(fault).partition(";")[0] for fault in caught.value.faults] == [
        f"A of {API} is {value}",
        f"AAAA of {API} is not in the zone",
    ]


def test_more_names_than_a_batch_takes_are_refused() -> None:
    names = [f"n{number}.example.com" for number in range(126)]
    held = [record for name in names for record in weighted(name, 99, 1)]
    with pytest.raises(WrongUseError, match=f"1008 records .* one batch takes {MOST_ELEMENTS}"):
        move(records(*held), names, Weights(100, 0), always=True)


def test_names_are_compared_as_dns_does() -> None:
    assert plain_name(r"\052.API.Example.COM.") == "*.api.example.com"
