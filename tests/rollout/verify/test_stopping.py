"""A run that is ended early: by a signal or the time limit, whatever it is stuck in."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from rollout.verify.report import Report
from rollout.verify.stopping import SIGNALS, StopSignals
from support import stuck_verify

SCRIPT = Path(stuck_verify.__file__)
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(SCRIPT.parents[1])}


@dataclass
class EndedRun:
    """How a run ended."""

    code: int
    seconds: float
    report: Report
    junit: ET.Element

    def evidence(self, check: str) -> list[str]:
        return [item.evidence for item in self.report.results if item.check == check]


def started(kind: str, first: str, junit: Path, limit: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), kind, first, str(junit), limit],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )


def wait_until_stuck(process: subprocess.Popen[str]) -> None:
    assert process.stderr is not None
    while (line := process.stderr.readline().strip()) != "stuck":
        assert line, "it ended before it was stuck"


def ended(
    folder: Path, kind: str, first: str, signals: Sequence[int] = (), limit: str = ""
) -> EndedRun:
    junit = folder / "verify.xml"
    with started(kind, first, junit, limit) as process:
        wait_until_stuck(process)
        began = time.monotonic()
        for number in signals:
            process.send_signal(number)
        output, _ = process.communicate(timeout=30)
        seconds = time.monotonic() - began
    return EndedRun(
        process.returncode,
        seconds,
        Report.model_validate_json(output),
        ET.fromstring(junit.read_text()),  # noqa: S314 - we wrote it
    )


@pytest.mark.parametrize("number", SIGNALS, ids=lambda each: signal.Signals(each).name)
def test_a_signal_ends_a_run_with_a_report_in_every_form(tmp_path: Path, number: int) -> None:
    run = ended(tmp_path, "waiting", "sound", [number])
    name = signal.Signals(number).name
    assert (run.code, run.report.exit_code, run.report.interrupted) == (3, 3, True)
    assert run.report.stopped_by == f"interrupted by {name}"
    assert run.evidence("sound") == ["seen before"]
    assert run.evidence("run") == [f"interrupted by {name}; not through: waiting"]
    assert {check.name: check.completed for check in run.report.checks} == {
        "ways": True,
        "sound": True,
        "waiting": False,
    }
    assert [suite.get("name") for suite in run.junit] == ["ways", "sound", "run"]
    assert run.seconds < 10


@pytest.mark.parametrize("kind", ["blocking", "thread", "stubborn"])
def test_what_cannot_be_cancelled_keeps_no_report_from_being_written(
    tmp_path: Path, kind: str
) -> None:
    run = ended(tmp_path, kind, "failing", [signal.SIGTERM])
    assert (run.code, run.report.verdict, run.report.interrupted) == (1, "fail", True)
    assert run.evidence("failing") == ["seen before"]
    assert run.evidence("run") == [f"interrupted by SIGTERM; not through: {kind}"]
    assert run.seconds < 10


def test_a_run_that_is_stuck_in_a_lookup_says_what_it_is_stuck_in(tmp_path: Path) -> None:
    run = ended(tmp_path, "names", "sound", [signal.SIGINT])
    assert run.code == 3
    assert run.evidence("run") == ["interrupted by SIGINT; not through: ways, sound"]
    assert run.seconds < 10


def test_a_run_that_still_reads_what_to_do_names_what_it_was_given(tmp_path: Path) -> None:
    run = ended(tmp_path, "reading", "sound", [signal.SIGINT])
    assert run.code == 3
    assert run.report.target.hostnames == stuck_verify.TARGET.hostnames
    assert [item.evidence for item in run.report.results] == [
        "interrupted by SIGINT; not through: reading what is to be verified"
    ]


def test_further_signals_cut_the_report_short_nowhere(tmp_path: Path) -> None:
    numbers = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGINT]
    run = ended(tmp_path, "blocking", "sound", numbers)
    assert run.code == 3
    assert run.report.stopped_by.startswith("interrupted by SIG")
    assert [suite.get("name") for suite in run.junit] == ["ways", "sound", "run"]


@pytest.mark.parametrize(("first", "code"), [("sound", 3), ("failing", 1)])
def test_the_time_limit_ends_a_run_as_a_signal_does(tmp_path: Path, first: str, code: int) -> None:
    run = ended(tmp_path, "waiting", first, limit="3")
    assert (run.code, run.report.interrupted) == (code, True)
    assert run.report.stopped_by == "time limit of 3 s reached"
    assert run.evidence("run") == ["time limit of 3 s reached; not through: waiting"]
    assert run.report.seconds < 10


@pytest.mark.parametrize(("report_seconds", "ends"), [(60.0, []), (0.0, ["ended"])])
def test_a_signal_ends_a_report_only_if_it_takes_long_to_write(
    report_seconds: float, ends: list[str]
) -> None:
    given_up: list[str] = []
    with StopSignals(report_seconds=report_seconds) as signals:
        signals.writing(lambda: given_up.append("ended"))
        time.sleep(0.01)
        signal.raise_signal(signal.SIGTERM)
    assert (given_up, signals.reason) == (ends, "")


def test_the_handlers_of_before_are_back_afterwards() -> None:
    before = [signal.getsignal(number) for number in (*SIGNALS, signal.SIGALRM)]
    with StopSignals(60):
        assert [signal.getsignal(number) for number in (*SIGNALS, signal.SIGALRM)] != before
    assert [signal.getsignal(number) for number in (*SIGNALS, signal.SIGALRM)] == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_run_that_ends_within_the_limit_is_not_interrupted(tmp_path: Path) -> None:
    junit = tmp_path / "verify.xml"
    with started("nothing", "sound", junit, "60") as process:
        output, _ = process.communicate(timeout=30)
    report = Report.model_validate_json(output)
    assert (report.interrupted, report.stopped_by) == (False, "")
    assert report.seconds < 30


def test_sighup_that_nohup_has_ignored_ends_nothing(tmp_path: Path) -> None:
    junit = tmp_path / "verify.xml"
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        process = started("waiting", "sound", junit)
    finally:
        signal.signal(signal.SIGHUP, before)
    with process:
        wait_until_stuck(process)
        process.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=30)
    assert Report.model_validate_json(output).stopped_by == "interrupted by SIGTERM"


def test_a_reader_that_is_gone_keeps_the_junit_file_from_nothing(tmp_path: Path) -> None:
    junit = tmp_path / "verify.xml"
    with started("waiting", "sound", junit) as process:
        wait_until_stuck(process)
        assert process.stdout is not None
        process.stdout.close()
        process.send_signal(signal.SIGHUP)
        assert process.wait(30) == 3
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()
    assert [suite.get("name") for suite in ET.parse(junit).getroot()] == ["ways", "sound", "run"]  # noqa: S314 - we wrote it
