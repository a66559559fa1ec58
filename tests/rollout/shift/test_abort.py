"""`dualstack shift abort --direct` leads everybody back, and says what it did."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from typer.testing import CliRunner

from rollout.faults import WrongUseError
from rollout.records.weights import Weights
from rollout.records.zone import Zone
from rollout.shift import command
from rollout.shift.abort import AbortReport, Moved, abort_direct
from rollout.stack_file import find_stack_file
from support.small_route53 import SmallRoute53, refusal, weighted

NAMES = ("api.example.com", "b.example.com")
TEXT = """\
config:
  dualstack-edge:hostnames: [api.example.com, b.example.com]
  dualstack-edge:zone: example.com
  dualstack-edge:traffic: {direct: 50, cdn: 50} # half
"""


def account(direct: int = 50, cdn: int = 50) -> SmallRoute53:
    return SmallRoute53([record for name in NAMES for record in weighted(name, direct, cdn)])


def moved(folder: Path, text: str = TEXT) -> Moved:
    (folder / "Pulumi.yaml").write_text("name: dualstack-edge\n")
    (folder / "Pulumi.prod.yaml").write_text(text)
    file = find_stack_file("prod", folder)
    return Moved(file.hostnames, file.zone, file)


def abort(of: Moved, route53: SmallRoute53) -> AbortReport:
    def quick(session: Any, zone_id: str) -> Zone:
        ticks = iter(range(10_000))
        return Zone(session, zone_id, sleep=lambda _: None, clock=lambda: float(next(ticks)))

    return abort_direct(of, route53, lambda _: None, zone_of=quick)


def shares(route53: SmallRoute53) -> set[tuple[str, int]]:
    return {(record["SetIdentifier"], record["Weight"]) for record in route53.held}


def test_one_batch_leads_all_names_and_families_back_and_the_file_follows(tmp_path: Path) -> None:
    route53 = account()
    report = abort(moved(tmp_path), route53)
    assert shares(route53) == {("direct", 100), ("cdn", 0)}
    assert [len(batch["Changes"]) for batch in route53.batches] == [8]
    assert {(name.hostname, name.family, name.before, name.after) for name in report.names} == {
        (name, family, (50, 50), (100, 0)) for name in NAMES for family in ("A", "AAAA")
    }
    assert (report.change_id, report.insync, report.commit, report.warnings) == (
        "C1",
        True,
        None,
        [],
    )
    assert Path(report.file or "").read_text() == TEXT.replace("50, cdn: 50", "100, cdn: 0")


def test_where_everybody_is_back_already_only_the_file_is_written(tmp_path: Path) -> None:
    route53 = account(100, 0)
    report = abort(moved(tmp_path), route53)
    assert (route53.sent, report.change_id, report.exit_code) == (0, None, 0)
    assert find_stack_file("prod", tmp_path).weights == Weights(100, 0)


def test_names_given_by_hand_get_the_lines_to_commit() -> None:
    report = abort(Moved(NAMES, "Z1"), account())
    assert report.file is None
    assert report.commit == "config:\n  dualstack-edge:traffic:\n    direct: 100\n    cdn: 0"


def test_a_file_that_cannot_be_written_keeps_nobody_from_being_led_back(tmp_path: Path) -> None:
    text = TEXT.replace("{direct", "&t {direct") + "other: *t\n"
    route53 = account()
    report = abort(moved(tmp_path, text), route53)
    assert shares(route53) == {("direct", 100), ("cdn", 0)}
    assert report.commit is not None
    assert "still has the old weights" in report.warnings[0]
    assert (tmp_path / "Pulumi.prod.yaml").read_text() == text


def test_name_servers_that_do_not_have_it_in_time_cannot_be_told(tmp_path: Path) -> None:
    route53 = account()
    route53.pending = 10_000
    report = abort(moved(tmp_path), route53)
    assert (report.insync, report.exit_code) == (False, 3)
    assert "aws route53 get-change --id C1" in report.warnings[0]
    assert find_stack_file("prod", tmp_path).weights == Weights(100, 0)


def test_weights_that_stand_by_a_change_without_an_id_cannot_be_told(tmp_path: Path) -> None:
    route53 = account()
    route53.faults = ["timed out after", "denied", "denied"]
    report = abort(moved(tmp_path), route53)
    assert shares(route53) == {("direct", 100), ("cdn", 0)}
    assert (report.change_id, report.insync, report.exit_code) == (None, False, 3)
    assert report.warnings[0].startswith("The zone has these weights; the id of the change")
    assert find_stack_file("prod", tmp_path).weights == Weights(100, 0)


def test_a_locked_origin_is_warned_of_and_does_not_stop_it(tmp_path: Path) -> None:
    route53 = account(0, 100)
    report = abort(
        moved(tmp_path, TEXT + "  dualstack-edge:originLock: {generation: 1}\n"), route53
    )
    assert shares(route53) == {("direct", 100), ("cdn", 0)}
    assert report.warnings[0].startswith("The stack's file has an originLock")


def test_a_name_of_another_zone_is_refused_before_anything_changes() -> None:
    route53 = account()
    with pytest.raises(WrongUseError, match=r"c\.test; it has to be in zone example\.com"):
        abort(Moved((*NAMES, "c.test"), "Z1"), route53)
    assert route53.sent == 0


# ---- the command --------------------------------------------------------------------------------


def run(*words: str, stack: str | None = None) -> tuple[int, str]:
    done = CliRunner().invoke(command.app, words, env={"PULUMI_STACK": stack, "COLUMNS": "200"})
    return done.exit_code, done.output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--stack", "prod"],
            "How to abort is not given; it should be --direct, or --switch where",
        ),
        (["--direct"], "The stack is not given; it is named by --stack or PULUMI_STACK"),
        (
            ["--direct", "--zone", "Z1"],
            "--hostname is not given; --zone and --hostname go together",
        ),
        (["--direct", "--hostname", "-"], "--zone is not given"),
        (["--direct", "--hostname", "-"], '--hostname is "-"; it should be a DNS name'),
    ],
)
def test_wrong_use_says_what_to_give(words: list[str], message: str) -> None:
    code, printed = run("abort", *words)
    assert (code, message in printed) == (2, True), printed


def test_who_interrupts_the_wait_is_told_to_run_it_again_and_then_what_is_not_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(SmallRoute53):
        def get_change(self, Id: str) -> Any:  # noqa: ARG002, N803
            raise KeyboardInterrupt

    moved(tmp_path)
    monkeypatch.chdir(tmp_path)
    route53 = Interrupted(account().held)
    monkeypatch.setattr("boto3.session.Session", lambda: route53)
    code, printed = run("abort", "--direct", stack="prod")
    assert (code, shares(route53)) == (130, {("direct", 100), ("cdn", 0)})
    assert "Interrupted. Run the same command again" in printed
    code, printed = run("abort", "--direct", stack="prod")
    assert (code, len(route53.batches)) == (0, 1)
    assert "changed in the last minutes, not all name servers may have them yet." in printed


def test_what_was_done_is_printed_for_people_and_as_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved(tmp_path)
    monkeypatch.chdir(tmp_path)
    route53 = account()
    route53.pending = 0
    monkeypatch.setattr("boto3.session.Session", lambda: route53)
    code, printed = run("abort", "--direct", stack="prod")
    assert code == 0
    assert "A     api.example.com: direct 50, cdn 50 → direct 100, cdn 0" in printed
    assert "Pulumi.prod.yaml has these weights. Commit it: an older one undoes this." in printed
    code, printed = run("abort", "--direct", "--zone", "Z1", "--hostname", NAMES[0], "--json")
    assert (code, json.loads(printed)["changeId"]) == (0, None)


def test_what_route_53_refuses_or_does_not_say_has_codes_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Away(SmallRoute53):
        def get_hosted_zone(self, Id: str) -> Any:  # noqa: N803
            if Id == "Z1":
                raise ReadTimeoutError(endpoint_url=Id)
            raise refusal("AccessDenied", 403)

    monkeypatch.setattr("boto3.session.Session", lambda: Away([]))
    code, printed = run("abort", "--direct", "--zone", "Z1", "--hostname", NAMES[0])
    assert (code, printed.startswith("Read timeout")) == (3, True)
    code, printed = run("abort", "--direct", "--zone", "Z2", "--hostname", NAMES[0])
    assert (code, printed.startswith("Nothing was changed: ")) == (1, True)
    assert "AccessDenied" in printed


def test_the_schema_is_documented(check_page: Any) -> None:
    check_page("schemas/shift-abort.json", command.schema())
