"""An exchange that is interrupted at whatever call goes on where it was, and is made once."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.handover.carrying_out import HandoverReport
from rollout.handover.pulumi_stack import StateError
from rollout.records.zone import RecordsError, UnclearError
from rollout.stack_file import find_stack_file
from support.small_edge import SmallEdge
from support.small_route53 import FAULTS, SmallRoute53, weighted
from support.small_state import BALANCER, SmallState, edge

if TYPE_CHECKING:
    from rollout.handover.exchange import HandoverVerb

API = "api.example.com"
SERVING: dict[str, Any] = {
    "Name": f"{API}.",
    "Type": "CNAME",
    "TTL": 60,
    "ResourceRecords": [{"Value": BALANCER}],
}
OTHER: dict[str, Any] = {**SERVING, "Name": "www.example.com."}
CALLS = (
    *("paginate", "change_resource_record_sets", "get_change"),
    *("export", "take_over", "forget"),
)


class KilledError(BaseException):
    """The process is gone."""


class Killing:
    """Kills at a moment: before or after one of the calls that go out."""

    def __init__(self, small: SmallEdge, moment: int) -> None:
        self._left = moment
        for owner in (small.route53, small.state):
            for name in CALLS:
                if hasattr(owner, name):
                    setattr(owner, name, self._around(getattr(owner, name)))

    def _around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def around(*words: Any, **named: Any) -> Any:
            self._pass()
            answer = call(*words, **named)
            self._pass()
            return answer

        return around

    def _pass(self) -> None:
        self._left -= 1
        if self._left == 0:
            raise KilledError


def adopted(folder: Path) -> SmallEdge:
    folder.mkdir(exist_ok=True)
    small = SmallEdge(folder, [OTHER, SERVING])
    small.run("adopt", backup=folder / "kept.json")
    return small


def summary(small: SmallEdge) -> tuple[Any, ...]:
    return small.zone(), small.file.read_text(), small.state.records()


def released(folder: Path) -> SmallEdge:
    small = adopted(folder)
    small.run("release", backup=folder / "released.json")
    return small


@dataclass(frozen=True)
class Begun:
    """A run of a verb, and what is there before."""

    verb: "HandoverVerb"
    begin: Callable[[Path], SmallEdge]
    undo: str | None = None
    """Name of the backup that it puts back."""

    def run(self, small: SmallEdge) -> HandoverReport:
        undo = small.folder / self.undo if self.undo else None
        return small.run(self.verb, undo=undo)


BEGIN: dict[str, Begun] = {
    "adopt": Begun("adopt", lambda folder: SmallEdge(folder, [OTHER, SERVING])),
    "release": Begun("release", adopted),
    "adopt --undo": Begun("adopt", adopted, "kept.json"),
    "release --undo": Begun("release", released, "released.json"),
}


@pytest.mark.parametrize("what", BEGIN)
def test_killed_at_any_call_and_run_again_it_ends_the_same(tmp_path: Path, what: str) -> None:
    def run(small: SmallEdge) -> None:
        assert BEGIN[what].run(small).exit_code == 0

    def begin(name: str) -> SmallEdge:
        folder = tmp_path / name
        folder.mkdir()
        return BEGIN[what].begin(folder)

    whole = begin("whole")
    sent_before, moment = len(whole.route53.batches), 0
    run(whole)
    for moment in itertools.count(1):
        small = begin(str(moment))
        route53, state = small.route53, small.state
        held = (route53.__dict__, state.__dict__)
        Killing(small, moment)
        try:
            run(small)
        except KilledError:
            for each in held:  # the calls of the next run are not counted
                for name in CALLS:
                    each.pop(name, None)
            run(small)
        else:
            break
        assert summary(small) == summary(whole), moment
        assert len(route53.batches) == sent_before + 1
    assert moment > 12


@settings(max_examples=25)
@given(faults=st.lists(st.sampled_from(FAULTS), max_size=6), what=st.sampled_from(list(BEGIN)))
def test_whatever_becomes_of_the_answers_it_ends_the_same(
    tmp_path_factory: pytest.TempPathFactory, faults: Sequence[str], what: str
) -> None:
    whole, small = (BEGIN[what].begin(tmp_path_factory.mktemp("stack")) for _ in range(2))
    BEGIN[what].run(whole)
    small.route53.faults = list(faults)
    assert BEGIN[what].run(small).problems == []
    assert summary(small) == summary(whole)


@pytest.mark.parametrize("what", BEGIN)
def test_somebody_who_changes_a_record_in_between_is_not_overwritten(
    tmp_path: Path, what: str
) -> None:
    small = BEGIN[what].begin(tmp_path)
    _, text, state = summary(small)
    files = set(tmp_path.glob("*.json"))

    def in_between() -> None:
        for record in small.route53.held[1:]:
            record["TTL" if "TTL" in record else "HealthCheckId"] = 30

    small.route53.in_between = in_between
    with pytest.raises(RecordsError, match="InvalidChangeBatch"):
        BEGIN[what].run(small)
    small.route53.in_between = lambda: None
    assert any(30 in record.values() for record in small.zone())
    assert summary(small)[1:] == (text, state)
    assert set(tmp_path.glob("*.json")) == files, "the backup of what was never done is gone"


@pytest.mark.parametrize("what", BEGIN)
def test_credentials_that_may_not_write_change_nothing_and_are_told_of(
    tmp_path: Path, what: str
) -> None:
    small = BEGIN[what].begin(tmp_path)
    before, files = summary(small), set(tmp_path.glob("*.json"))
    small.route53.faults = ["denied"]
    with pytest.raises(RecordsError, match="Set AWS_PROFILE to credentials that may change the"):
        BEGIN[what].run(small)
    assert (summary(small), set(tmp_path.glob("*.json"))) == (before, files)


def test_a_batch_whose_fate_nobody_knows_keeps_its_backup_and_can_be_run_again(
    tmp_path: Path,
) -> None:
    small = SmallEdge(tmp_path, [OTHER, SERVING])
    small.route53.faults = ["timed out after", *["timed out before"] * 100_000]
    reads = small.route53.paginate
    unread = iter(range(2, 10_000))

    def sometimes(*words: Any, **named: Any) -> Any:
        if next(unread) > 2:
            raise UnclearError("no answer")
        return reads(*words, **named)

    small.route53.paginate = sometimes  # type: ignore[method-assign]
    with pytest.raises(UnclearError, match="it may have been carried out"):
        small.run("adopt")
    assert len(list(tmp_path.glob("backup-*.json"))) == 1
    small.route53.faults.clear()
    small.route53.paginate = reads  # type: ignore[method-assign]
    assert small.run("adopt").exit_code == 0
    assert (len(small.state.records()), len(small.route53.batches)) == (4, 1)


def test_name_servers_that_do_not_have_it_in_time_are_told_of_and_the_rest_is_done(
    tmp_path: Path,
) -> None:
    class Slow(SmallRoute53):
        def get_change(self, Id: str) -> Any:  # noqa: N803 - boto3's name
            assert Id
            return {"ChangeInfo": {"Status": "PENDING"}}

    small = SmallEdge(tmp_path, [])
    small.route53 = Slow([OTHER, SERVING])
    report = small.run("adopt")
    assert (report.insync, report.exit_code, len(small.state.records())) == (False, 3, 4)
    assert "Not all name servers" in report.notes[-1]


def test_a_state_that_refuses_is_told_of_and_filled_by_the_next_run(tmp_path: Path) -> None:
    class Locked(SmallState):
        locked = True

        def take_over(self, resources: Any, *, protect: bool) -> None:
            if self.locked:
                raise StateError("`pulumi import` is refused: the stack is currently locked")
            super().take_over(resources, protect=protect)

    small = SmallEdge(tmp_path, [OTHER, SERVING])
    small.state = state = Locked(edge([API]))
    report = small.run("adopt")
    assert report.exit_code == 1
    assert "currently locked. Put that right and run the same command again" in report.problems[0]
    assert find_stack_file("prod", tmp_path).declared == "weighted"
    state.locked = False
    report = small.run("adopt")
    assert (report.exit_code, report.change_id, len(state.records())) == (0, None, 4)


def test_a_file_that_cannot_be_changed_alone_gets_the_lines_to_write(tmp_path: Path) -> None:
    small = SmallEdge(tmp_path, [OTHER, SERVING])
    text = small.file.read_text().replace("dns:\n", "dns: &d\n") + "other: *d\n"
    small.file.write_text(text)
    report = small.run("adopt")
    assert (report.exit_code, small.file.read_text()) == (1, text)
    assert report.commit == "config:\n  dualstack-edge:dns:\n    records: weighted"
    assert len(small.state.records()) == 4


@pytest.mark.parametrize(
    ("weights", "traffic", "message"),
    [
        ((50, 50), (50, 50), "all of it on one path"),
        ((50, 50), (100, 0), "weight 50"),
        ((100, 0), (100, 0), "it has to be as the stack declares it"),
    ],
)
def test_release_is_refused_where_users_are_on_both_paths_or_the_zone_is_another(
    tmp_path: Path, weights: tuple[int, int], traffic: tuple[int, int], message: str
) -> None:
    small = SmallEdge(tmp_path, weighted(API, *weights), traffic=traffic, declared="weighted")
    before = small.zone()
    with pytest.raises(Exception, match=message):
        small.run("release")
    assert (small.route53.sent, small.zone()) == (0, before)


def test_release_has_nothing_to_let_go_of_before_an_adoption(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="There is nothing to let go of"):
        SmallEdge(tmp_path, [OTHER, SERVING]).run("release")


def test_proxies_that_fail_over_to_cdn_are_not_let_go_to_direct(tmp_path: Path) -> None:
    resources = edge((API,), proxies=True, fails_over=True)
    small = SmallEdge(tmp_path, weighted(API, 100, 0), resources=resources, declared="weighted")
    with pytest.raises(Exception, match=r"proxy\.whenAllFail is cdn; ipv4 before plain records"):
        small.run("release")
    assert small.route53.sent == 0


def test_records_that_a_kill_switch_decides_about_are_not_let_go(tmp_path: Path) -> None:
    small = adopted(tmp_path)
    small.route53.held = [
        {**record, "HealthCheckId": "HC1"} if record.get("SetIdentifier") == "cdn" else record
        for record in small.route53.held
    ]
    before = small.zone()
    with pytest.raises(Exception, match="Remove it with: pulumi config rm dualstack-edge:killS"):
        small.run("release")
    assert small.zone() == before
