"""A batch is carried out once, whatever becomes of its answers."""

from collections.abc import Sequence
from typing import Any

import pytest
from botocore.exceptions import NoCredentialsError
from hypothesis import given
from hypothesis import strategies as st

from rollout.faults import WrongUseError
from rollout.records.record_sets import Batch
from rollout.records.weights import Weights, move
from rollout.records.zone import RecordsError, UnclearError, Zone, find_zone
from support.small_route53 import FAULTS, SmallRoute53, refusal, weighted

API = "api.example.com"


class Clock:
    """Time that passes only while somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def zone(route53: SmallRoute53) -> Zone:
    clock = Clock()
    return Zone(route53, "/hostedzone/Z1", sleep=clock.sleep, clock=clock)


def step(of: Zone, weights: Weights = Weights(95, 5), *, always: bool = False) -> Batch:  # noqa: B008
    return move(of.records([API]), [API], weights, always=always)


def with_neighbours(faults: Sequence[str] = ()) -> SmallRoute53:
    """Return a zone where the name has others before and after it."""
    others = [{"Name": f"{name}.example.com.", "Type": "TXT", "TTL": 1} for name in ("a", "b", "z")]
    return SmallRoute53([*others, *weighted(API, 99, 1)], faults)


def test_only_the_records_of_the_names_are_read() -> None:
    assert {record.name for record in zone(with_neighbours()).records([API])} == {API}


@given(faults=st.lists(st.sampled_from(FAULTS), max_size=8), always=st.booleans())
def test_whatever_goes_wrong_the_batch_is_carried_out_and_nothing_else_changes(
    faults: list[str], *, always: bool
) -> None:
    route53 = with_neighbours(faults)
    of = zone(route53)
    change_id = of.submit(step(of, always=always), "a step")
    of.wait(change_id)
    assert {record.weight for record in of.records([API])} == {95, 5}
    assert len(route53.held) == 7
    assert change_id == f"C{len(route53.batches)}"
    # All that was carried out makes the same records.
    assert all(
        change["Action"] == "DELETE" or change["ResourceRecordSet"]["Weight"] in {95, 5}
        for batch in route53.batches
        for change in batch["Changes"]
    )


def test_a_throttled_batch_is_offered_again_and_carried_out_once() -> None:
    route53 = with_neighbours(["throttled", "busy", "throttled"])
    of = zone(route53)
    of.submit(step(of), "a step")
    assert (route53.sent, len(route53.batches)) == (4, 1)


def test_a_runner_that_slept_is_refused_and_changes_nothing() -> None:
    route53 = with_neighbours()
    of = zone(route53)
    batch = step(of)
    rolled_back = step(of, Weights(100, 0), always=True)
    of.submit(rolled_back, "back")
    with pytest.raises(RecordsError, match="InvalidChangeBatch"):
        of.submit(batch, "too late")
    assert {record.weight for record in of.records([API])} == {100, 0}


def test_a_rollback_acts_whatever_stands_there() -> None:
    route53 = with_neighbours()
    of = zone(route53)
    back = step(of, Weights(100, 0), always=True)
    of.submit(step(of, Weights(50, 50)), "somebody else's")
    of.submit(back, "back")
    assert {record.weight for record in of.records([API])} == {100, 0}


class Unreadable(SmallRoute53):
    """Lets nobody read it once a batch was sent, as where credentials end in between."""

    def paginate(self, HostedZoneId: str, StartRecordName: str = "") -> Any:  # noqa: N803
        if self.sent:
            raise refusal("ExpiredToken", 403)
        return super().paginate(HostedZoneId, StartRecordName)


@pytest.mark.parametrize("lost", ["timed out after", "broken after"])
@pytest.mark.parametrize("then", [["denied"], ["busy", "denied"], ["throttled"] * 200])
def test_a_refusal_after_a_lost_answer_does_not_say_that_nothing_was_done(
    lost: str, then: list[str]
) -> None:
    route53 = Unreadable(weighted(API, 99, 1), [lost, *then])
    of = zone(route53)
    with pytest.raises(UnclearError, match="it may have been carried out"):
        of.submit(step(of), "a step")
    assert {record["Weight"] for record in route53.held} == {95, 5}


def test_a_refusal_of_what_was_never_in_doubt_says_that_nothing_was_done() -> None:
    route53 = Unreadable(weighted(API, 99, 1), ["throttled", "denied"])
    of = zone(route53)
    with pytest.raises(RecordsError, match="AccessDenied") as caught:
        of.submit(step(of), "a step")
    assert type(caught.value) is RecordsError


def test_a_change_that_stands_and_is_refused_for_ever_has_no_id() -> None:
    route53 = with_neighbours(["timed out after", *["denied"] * 200])
    of = zone(route53)
    assert of.submit(step(of), "a step") == ""
    assert route53.sent == 2


def test_where_somebody_made_the_same_and_nothing_more_is_allowed_it_ends() -> None:
    route53 = with_neighbours()
    batch = step(zone(route53), Weights(100, 0), always=True)
    zone(route53).submit(batch, "somebody's")
    route53.faults = ["denied"] * 200
    assert (zone(route53).submit(batch, "the same"), route53.sent) == ("", 3)


def test_credentials_that_are_gone_are_not_waited_for() -> None:
    class Gone(SmallRoute53):
        def change_resource_record_sets(self, HostedZoneId: str, ChangeBatch: Any) -> Any:  # noqa: ARG002, N803
            self.sent += 1
            raise NoCredentialsError

    route53 = Gone(weighted(API, 99, 1))
    of = zone(route53)
    with pytest.raises(RecordsError, match="Set AWS_PROFILE"):
        of.submit(step(of), "a step")
    assert route53.sent == 1


@pytest.mark.parametrize("fault", ["throttled", "timed out before", "broken before"])
def test_what_never_answers_ends_in_time(fault: str) -> None:
    route53 = with_neighbours([fault] * 200)
    of = zone(route53)
    expected = RecordsError if fault == "throttled" else UnclearError
    with pytest.raises(RecordsError, match="for 300 seconds") as caught:
        of.submit(step(of), "a step")
    assert type(caught.value) is expected


def test_a_change_that_stays_pending_cannot_be_told() -> None:
    route53 = with_neighbours()
    route53.pending = 10_000
    of = zone(route53)
    with pytest.raises(UnclearError, match="was taken, and is PENDING after 60"):
        of.wait("C1")


def test_refused_credentials_say_what_to_do() -> None:
    class Denied(SmallRoute53):
        def list_hosted_zones_by_name(self, DNSName: str) -> Any:  # noqa: N803
            raise NoCredentialsError if DNSName == "example.com" else refusal("AccessDenied", 403)

    for name in ("example.com", "other.test"):
        with pytest.raises(RecordsError, match=r"Set AWS_PROFILE .* or: aws sso login"):
            find_zone(Denied([]), name)


def test_a_zone_is_known_by_its_id_and_by_its_name() -> None:
    route53 = with_neighbours()
    assert {find_zone(route53, text) for text in ("Z1", "/hostedzone/Z1", "Example.com.")} == {
        ("Z1", "example.com")
    }


def test_a_private_zone_or_none_is_refused() -> None:
    route53 = with_neighbours()
    with pytest.raises(WrongUseError, match=r"nothing\.test, which is none; it has to be one"):
        find_zone(route53, "nothing.test")
    route53.private = True
    with pytest.raises(WrongUseError, match="which is private"):
        find_zone(route53, "example.com")
