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
from rollout.verify import printed, report
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


def text_of(run_report: Report, width: int | None = None, *, whole: bool = False) -> str:
    """Return a report as a terminal of a width has it, or a file."""
    file = io.StringIO()
    terminal = {"force_terminal": True, "color_system": None, "width": width}
    console = Console(
        file=file,
        emoji=False,
        markup=False,
        highlight=False,
        **({} if width is None else terminal),  # type: ignore[arg-type] - by name
    )
    printed.show(run_report, console, whole=whole)
    return file.getvalue()


def test_the_table_shows_the_worst_of_each_place_and_what_was_seen_once() -> None:
    assert (
        text_of(made(not_asked=(("POST /a", "it may change something"),)))
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

FAIL: 3 pass, 2 FAIL, 1 unknown, in 1.2 s
"""
    )


PASSED = [
    ("echo", Result(check, "pass", "same", HOSTNAME, "cdn", "IPv4")) for check in ("a", "b", "c")
]


def test_what_passed_has_one_line_a_group_and_each_check_its_own_with_all() -> None:
    lost = ("echo", Result("d", "fail", "X lost", HOSTNAME, "cdn", "IPv4"))
    assert text_of(made(PASSED)).splitlines()[:3] == [
        "check  direct IPv4  direct IPv6  cdn IPv4  cdn IPv6  edge",
        "echo                             pass",
        "3 checks that passed are not listed; with --all, each is.",
    ]
    assert text_of(made([*PASSED, lost])).splitlines()[1:4] == [
        "echo",
        "  d                              FAIL",
        "3 checks that passed are not listed; with --all, each is.",
    ]
    names = [
        line.split()[0] for line in text_of(made([*PASSED, lost]), whole=True).splitlines()[1:6]
    ]
    assert names == ["echo", "a", "b", "c", "d"]


MANY = [
    (
        "cache",
        Result(
            f"cache-{code}",
            "fail",
            f"{code} is kept",
            host,
            "cdn",
            "IPv4",
            remedy="Set the TTL to 0.",
        ),
    )
    for host in (HOSTNAME, "two.example.com")
    for code in range(400, 410)
]


def test_one_cause_is_one_entry_however_many_checks_and_hosts_it_fails() -> None:
    text = text_of(made(MANY))
    entry = text[text.index("FAIL cache-400") :]
    assert (
        entry
        == """\
FAIL cache-400, cache-401, cache-402, cache-403, cache-404, cache-405 and 4 more \
(api.example.com cdn IPv4; two.example.com cdn IPv4)
  400 is kept
  401 is kept
  402 is kept
  403 is kept
  404 is kept
  405 is kept
  … and 4 observations more, with --all
  Set the TTL to 0.

FAIL: 0 pass, 20 FAIL, 0 unknown, in 1.2 s
"""
    )
    whole = text_of(made(MANY), whole=True)
    assert all(f"  {code} is kept\n" in whole for code in range(400, 410))
    assert whole.count("\nFAIL cache") == 1


SILENT = "2001:db8:cf:2::1"
NODE_IS_DOWN = [
    ("reach", Result("connect", "fail", f"1 of 2 fail: {SILENT}: TCP: silence (timeout)", HOSTNAME,
        "cdn", "IPv6", remedy=f"See what answers at {SILENT}, and take it out of DNS.")),
    ("reach", Result("connect", "fail", "1 of 2 fail: 198.18.1.2: TCP: silence (timeout)", HOSTNAME,
        "cdn", "IPv4", remedy="See what answers at 198.18.1.2, and take it out of DNS.")),
    ("race", Result("race", "fail", f"IPv6 {SILENT} TCP: silence", HOSTNAME, "cdn",
        remedy=f"Mend {SILENT}: clients of both families wait.")),
    ("mtu", Result("mtu", "unknown", f"2001:db8:cf:1::1: 66 bytes; {SILENT}: TCP: silence",
        HOSTNAME, "cdn", "IPv6")),
    ("tls", Result("tls", "unknown", "198.18.1.2: no certificate: TCP: silence", HOSTNAME, "cdn",
        "IPv4")),
    ("tls", Result("tls", "unknown", "12:30 and 1.2.3 are no addresses", HOSTNAME, "cdn", "IPv4")),
]  # fmt: skip


def test_what_an_address_that_is_silent_fails_and_hides_is_one_entry() -> None:
    text = text_of(made(NODE_IS_DOWN))
    assert (
        text[text.index("\nFAIL connect") :]
        == f"""
FAIL connect, race (api.example.com cdn IPv6; api.example.com cdn)
  1 of 2 fail: {SILENT}: TCP: silence (timeout)
  IPv6 {SILENT} TCP: silence
  See what answers at {SILENT}, and take it out of DNS.
  Mend {SILENT}: clients of both families wait.
  Could not be told because of it: mtu (api.example.com cdn IPv6)

FAIL connect (api.example.com cdn IPv4)
  1 of 2 fail: 198.18.1.2: TCP: silence (timeout)
  See what answers at 198.18.1.2, and take it out of DNS.
  Could not be told because of it: tls (api.example.com cdn IPv4)

unknown tls (api.example.com cdn IPv4)
  12:30 and 1.2.3 are no addresses

FAIL: 0 pass, 3 FAIL, 3 unknown, in 1.2 s
"""
    )


ADDRESS = "https://api.example.com/echo/" + "a-long-name/" * 12
LONG = [
    (
        "echo",
        Result(
            "headers-of-a-name-that-is-rather-long",
            "fail",
            f"GET {ADDRESS} was answered with something else than was expected of it there",
            HOSTNAME,
            "cdn",
            "IPv4",
        ),
    ),
    ("echo", Result("b", "pass", "same", HOSTNAME, "direct", "IPv6")),
]


def test_a_file_has_evidence_in_one_line_and_nothing_behind_it() -> None:
    lines = text_of(made(LONG)).splitlines()
    assert f"  {LONG[0][1].evidence}" in lines
    assert lines == [line.rstrip() for line in lines]


@pytest.mark.parametrize("width", [60, 80, 100])
def test_a_table_fits_a_terminal_by_leaving_columns_out_and_says_which(width: int) -> None:
    text = text_of(made(LONG), width, whole=True)
    lines = text.splitlines()
    table = lines[: lines.index("")]
    assert all(len(line) <= width for line in table)
    assert "  headers-of-a-name-that-is-rather-long" in text
    assert "cdn IPv4" in table[0]
    left_out = {60: "edge, cdn IPv6, direct IPv4, direct IPv6", 80: "edge, cdn IPv6"}
    said = f"Not shown in {width} columns: {left_out.get(width)}."
    assert (said in " ".join(table)) is (width in left_out)


def test_a_terminal_has_sentences_wrapped_between_words_and_names_whole() -> None:
    lines = text_of(made(LONG), 60).splitlines()
    assert f"  {ADDRESS}" in lines
    assert all(len(line) <= 60 for line in lines if ADDRESS not in line and "FAIL head" not in line)


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
    text = text_of(made(stopped_by="time limit of 60 s reached"))
    assert text.endswith("1 unknown, in 1.2 s; time limit of 60 s reached\n")


@given(evidence=st.text())
def test_nothing_that_a_server_says_reaches_a_terminal_or_xml_as_a_command(evidence: str) -> None:
    run_report = made([("echo", Result("a", "fail", f"came \x1b]0;x\x07 {evidence}", HOSTNAME))])
    assert all(letter.isprintable() or letter == "\n" for letter in text_of(run_report))
    ET.fromstring(report.as_junit(run_report))  # noqa: S314 - we wrote it


def test_markup_in_evidence_is_only_text() -> None:
    run_report = made([("echo", Result("a", "fail", "came [bold]x[/bold] :smile:", HOSTNAME))])
    assert "  came [bold]x[/bold] :smile:" in text_of(run_report)


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
    assert "came \ufffd" in text_of(run_report)
