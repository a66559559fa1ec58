"""What a report says to people, to programs and to CI."""

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from rollout.probe.model import Result
from rollout.verify import report
from rollout.verify.report import Report
from rollout.verify.run import CheckTimes, GroupResult
from support.fake_edge import CDN4, CDN6, DIRECT4, HOSTNAME, TARGET, WAYS

RESULTS = [
    ("ways", Result("ways", "pass", "198.18.0.1", HOSTNAME, "direct", "IPv4")),
    ("echo", Result("headers", "pass", "same", HOSTNAME, "direct", "IPv4", ("via",))),
    ("echo", Result("headers", "fail", "X lost", HOSTNAME, "cdn", "IPv4", remedy="Forward X.")),
    ("echo", Result("headers", "fail", "X lost", HOSTNAME, "cdn", "IPv6", remedy="Forward X.")),
    ("echo", Result("headers", "pass", "same", "two.example.com", "cdn", "IPv6", ("via", "age"))),
    ("weights", Result("shares", "unknown", "too few answers", HOSTNAME, None, "IPv6")),
]

TIMES = [
    CheckTimes("echo", datetime(2026, 1, 2, 0, 0, 1, tzinfo=UTC), 10.0, 11.0, 11.5, completed=True),
    CheckTimes("weights", datetime(2026, 1, 2, 0, 0, 2, tzinfo=UTC), 11.0, 11.25, 11.25),
]


def made(
    results: list[tuple[str, Result]] = RESULTS,
    *,
    not_asked: tuple[tuple[str, str], ...] = (),
    stopped_by: str = "",
) -> Report:
    return report.make(
        TARGET,
        WAYS,
        [GroupResult(group, result, 0.25) for group, result in results],
        not_asked,
        started=datetime(2026, 1, 2, tzinfo=UTC),
        seconds=1.23456,
        times=TIMES,
        stopped_by=stopped_by,
    )


def printed(run_report: Report) -> str:
    console = Console(file=io.StringIO(), width=120, emoji=False, highlight=False)
    report.show(run_report, console)
    assert isinstance(console.file, io.StringIO)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())


def test_the_table_shows_the_worst_of_each_place_and_what_was_seen_once() -> None:
    assert (
        printed(made(not_asked=(("POST /a", "it may change something"),)))
        == """\
check      direct IPv4  direct IPv6  cdn IPv4  cdn IPv6  edge
ways       pass
echo
  headers  pass                      FAIL      FAIL 1/2
weights
  shares                                                 unknown

FAIL headers (api.example.com cdn IPv4; api.example.com cdn IPv6)
  X lost
  Forward X.

unknown shares (api.example.com IPv6)
  too few answers

Documented differences that were seen and accepted:
  age (1)
  via (2)

Not asked:
  POST /a: it may change something

FAIL: 3 pass, 2 FAIL, 1 unknown, in 1.2 s"""
    )


def test_json_is_what_its_schema_says() -> None:
    parsed = json.loads(report.as_json(made(not_asked=(("POST /a", "it may change something"),))))
    jsonschema.validate(parsed, json.loads(report.schema()))
    assert parsed["exitCode"] == 1
    assert parsed["counts"] == {"pass": 3, "fail": 2, "unknown": 1}
    assert parsed["accepted"] == {"age": 1, "via": 2}
    assert parsed["results"][2] == {
        "group": "echo",
        "check": "headers",
        "verdict": "fail",
        "evidence": "X lost",
        "hostname": HOSTNAME,
        "path": "cdn",
        "family": "IPv4",
        "accepted": [],
        "remedy": "Forward X.",
        "seconds": 0.25,
    }
    assert parsed["checks"] == [
        {"name": "echo", "started": "2026-01-02T00:00:01Z", "seconds": 1.5, "completed": True},
        {"name": "weights", "started": "2026-01-02T00:00:02Z", "seconds": 0.25, "completed": False},
    ]
    assert parsed["ways"][0] == {
        "path": "direct",
        "family": "IPv4",
        "hostname": HOSTNAME,
        "address": DIRECT4.address,
        "byName": False,
    }


def test_the_schema_is_in_the_docs(check_page: Callable[[str, str], None]) -> None:
    check_page("schemas/verify.json", report.schema())


@pytest.mark.parametrize(
    ("results", "stopped_by", "verdict", "code"),
    [
        (RESULTS[:2], "", "pass", 0),
        (RESULTS, "", "fail", 1),
        (RESULTS[-1:], "", "unknown", 3),
        ([], "", "unknown", 3),
        (RESULTS, "interrupted by SIGHUP", "fail", 1),
        (RESULTS[:2], "interrupted by SIGHUP", "unknown", 3),
    ],
)
def test_a_report_has_one_verdict(
    results: list[tuple[str, Result]], stopped_by: str, verdict: str, code: int
) -> None:
    run_report = made(results, stopped_by=stopped_by)
    assert (run_report.verdict, run_report.exit_code) == (verdict, code)


def test_junit_calls_a_fail_a_failure_and_what_is_unknown_an_error() -> None:
    root = ET.fromstring(report.as_junit(made()))  # noqa: S314 - we wrote it
    assert {key: root.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "6",
        "failures": "2",
        "errors": "1",
        "skipped": "0",
    }
    cases = [
        (case.get("classname"), case.get("name"), [child.tag for child in case])
        for case in root.iter("testcase")
    ]
    assert cases == [
        ("ways.ways", "api.example.com direct IPv4", ["system-out"]),
        ("echo.headers", "api.example.com direct IPv4", ["system-out"]),
        ("echo.headers", "api.example.com cdn IPv4", ["failure"]),
        ("echo.headers", "api.example.com cdn IPv6", ["failure"]),
        ("echo.headers", "two.example.com cdn IPv6", ["system-out"]),
        ("weights.shares", "api.example.com IPv6", ["error"]),
    ]


def test_junit_tells_how_long_each_result_and_each_check_took_and_when_it_began() -> None:
    root = ET.fromstring(report.as_junit(made()))  # noqa: S314 - we wrote it
    assert root.get("time") == "1.235"
    assert [
        (suite.get("name"), suite.get("timestamp"), suite.get("time"))
        for suite in root.iter("testsuite")
    ] == [
        ("ways", "2026-01-02T00:00:00", "0.25"),
        ("echo", "2026-01-02T00:00:01", "1.5"),
        ("weights", "2026-01-02T00:00:02", "0.25"),
    ]
    assert {case.get("time") for case in root.iter("testcase")} == {"0.25"}


def test_the_last_line_says_what_ended_a_run_early() -> None:
    text = printed(made(stopped_by="time limit of 60 s reached"))
    assert text.endswith("1 unknown, in 1.2 s; time limit of 60 s reached")


@given(evidence=st.text())
def test_nothing_that_a_server_says_reaches_a_terminal_or_xml_as_a_command(evidence: str) -> None:
    run_report = made([("echo", Result("a", "fail", f"came \x1b]0;x\x07 {evidence}", HOSTNAME))])
    assert all(letter.isprintable() or letter == "\n" for letter in printed(run_report))
    ET.fromstring(report.as_junit(run_report))  # noqa: S314 - we wrote it


def test_markup_in_evidence_is_only_text() -> None:
    run_report = made([("echo", Result("a", "fail", "came [bold]x[/bold] :smile:", HOSTNAME))])
    assert "  came [bold]x[/bold] :smile:" in printed(run_report)


def test_every_address_is_told_in_a_way() -> None:
    run_report = made()
    assert [way.address for way in run_report.ways[2:]] == [CDN4.address, CDN6.address]


def test_half_a_character_in_evidence_breaks_no_form_of_the_report() -> None:
    half = json.loads('"came \\ud800"')
    run_report = made(
        [("echo", Result(half, "fail", half, remedy=half))], not_asked=((half, half),)
    )
    parsed = json.loads(report.as_json(run_report))
    assert parsed["results"][0]["evidence"] == "came \ufffd"
    assert parsed["notAsked"] == [{"request": "came \ufffd", "reason": "came \ufffd"}]
    assert "came \ufffd" in report.as_junit(run_report)
    assert "came \ufffd" in printed(run_report)
