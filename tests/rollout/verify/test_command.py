"""The whole command: both paths on loopback, and what a user can do wrong."""

import json
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer.main
from rich.console import Console
from typer.testing import CliRunner

from rollout.edge import Source
from rollout.probe.http import HttpWire
from rollout.probe.model import Result
from rollout.requests.catalogue import Catalogue
from rollout.verify import checks, command
from rollout.verify.check import NOT_ASKED, Check, CheckContext, VerifyOptions
from rollout.verify.own_requests.bodies import IGNORED_HEADERS
from rollout.verify.plan import VerifyPlan, make_plan
from rollout.verify.progress import Lines, Moving
from rollout.verify.report import Report
from rollout.verify.run_thread import carry_out
from rollout.verify.settings import RequestFiles, VerifySettings
from support.fake_edge import OPTIONS, TARGET, FakeNames, FakeWire, answer
from support.loopback_edge import Edge
from support.namespaces import own_network
from support.whole_edge import WholeEdge, whole_edge

DOCS = Path(__file__).resolve().parents[3] / "docs" / "verify.md"
BY_HAND = Source(hostnames=("api.example.com",), direct="lb.example.net", cdn="d1.cloudfront.net")
QUICK = ("dns", "reach", "echo", "cache-answers", "hazards")
"""Everything but what waits for CloudFront's 10 seconds."""


AT_ONCE = 8
"""Requests under way at once: few enough for each to be answered in time on a busy machine."""


def verified(
    edge: WholeEdge,
    files: RequestFiles | None = None,
    *,
    only: Sequence[str] = QUICK,
    **options: Any,
) -> Report:
    """Verify what runs on loopback."""
    chosen: dict[str, Any] = {
        "echo": "/echo",
        "unsafe": True,
        "rate": 500,
        "concurrency": AT_ONCE,
        "dns_queries": 4096,
        "share_tolerance": 0.05,
        "account": False,
        "ca": str(edge.ca),
        "slowest_seconds": 1.0,
        "largest_bytes": 100_000,
        **options,
    }
    settings = VerifySettings(
        BY_HAND, VerifyOptions(**chosen), files or RequestFiles(), tuple(only)
    )
    plan = make_plan(settings)
    wire = HttpWire(rate=500, concurrency=AT_ONCE, ca=edge.ca)
    with Lines(Console(quiet=True)) as watch:
        return carry_out(replace(plan, target=edge.target), edge.names, wire, watch)


def evidence_of(report: Report, verdict: str) -> list[str]:
    return [
        f"{result.check} {result.path} {result.family}: {result.evidence}"
        for result in report.results
        if result.verdict == verdict
    ]


def test_an_edge_that_passes_everything_through_passes(tmp_path: Path) -> None:
    with whole_edge(tmp_path) as edge:
        report = verified(edge, only=())
    assert (evidence_of(report, "fail"), evidence_of(report, "unknown")) == ([], [])
    assert (report.verdict, report.exit_code) == ("pass", 0)
    assert [each.request for each in report.not_asked] == ["paths"]
    groups = [result.group for result in report.results]
    assert groups == sorted(
        groups, key=["ways", *(check.name for check in checks.CHECKS), "opaque"].index
    )
    assert {"ways", "dns-weights", "reach", "echo", "cache-errors-later"} < set(groups)
    assert report.accepted["via-added"] > 0
    assert {(way.path, way.family) for way in report.ways} == {
        ("direct", "IPv4"),
        ("cdn", "IPv4"),
        ("cdn", "IPv6"),
    }


def test_one_broken_thing_fails_and_is_named_with_its_path(tmp_path: Path) -> None:
    with whole_edge(tmp_path, Edge(refused=frozenset({"PUT"}))) as edge:
        report = verified(edge, only=("echo",))
    assert report.exit_code == 1
    failed = {
        (result.check, result.path, result.family)
        for result in report.results
        if result.verdict == "fail"
    }
    assert {("method-put", "cdn", "IPv4"), ("method-put", "cdn", "IPv6")} <= failed
    assert {path for _, path, _ in failed} == {"cdn"}


def test_what_may_not_be_sent_is_listed_and_nothing_else_suffers(tmp_path: Path) -> None:
    with whole_edge(tmp_path) as edge:
        report = verified(edge, only=("echo",), unsafe=False)
    assert report.exit_code == 0
    assert [item.request for item in report.not_asked] == ["method-post", "method-patch"]
    assert not any(NOT_ASKED in result.evidence for result in report.results)


def test_a_half_open_path_is_no_pass_and_does_not_keep_anybody_waiting(tmp_path: Path) -> None:
    with whole_edge(tmp_path, half_open=True) as edge:
        report = verified(edge, only=("reach", "cache-answers"))
    assert report.exit_code == 1
    six = [item for item in report.results if (item.path, item.family) == ("cdn", "IPv6")]
    assert {item.verdict for item in six if item.group != "ways"} == {"fail", "unknown"}
    four = [item for item in report.results if (item.path, item.family) == ("cdn", "IPv4")]
    assert {item.verdict for item in four} == {"pass"}
    assert report.seconds < 60


def test_a_certificate_that_expired_is_no_pass_and_named(tmp_path: Path) -> None:
    with whole_edge(tmp_path, expired=True) as edge:
        report = verified(edge, only=("reach-certificates", "cache-answers"))
    assert report.exit_code == 1
    assert any("the certificate expired on" in evidence for evidence in evidence_of(report, "fail"))
    assert not [
        item for item in report.results if item.group == "cache-answers" and item.verdict == "pass"
    ]


@pytest.mark.parametrize("name", ["lb.example.net", "d1.cloudfront.example.net"])
def test_a_name_that_does_not_resolve_cannot_tell(tmp_path: Path, name: str) -> None:
    with whole_edge(tmp_path) as edge:
        target = (
            replace(edge.target, direct="gone.example.net")
            if name.startswith("lb")
            else (replace(edge.target, cdn="gone.example.net"))
        )
        report = verified(replace(edge, target=target), only=("cache-answers",))
    assert report.exit_code == 3
    assert [
        evidence
        for evidence in evidence_of(report, "unknown")
        if "gone.example.net does not resolve" in evidence
    ]


def test_an_origin_that_refuses_cannot_tell(tmp_path: Path) -> None:
    with whole_edge(tmp_path) as edge:
        refusing = replace(edge, target=replace(edge.target, port=1))
        report = verified(refusing, only=("echo", "cache-answers"))
    assert report.exit_code == 3
    assert {item.verdict for item in report.results if item.group != "ways"} == {"unknown"}
    assert any("refused" in evidence for evidence in evidence_of(report, "unknown"))


REQUESTS = """\
requests:
  - path: /orders
  - path: /echo/size=1000
  - path: /echo/status=404
    method: HEAD
"""


def test_the_users_own_requests_are_compared(tmp_path: Path) -> None:
    file = tmp_path / "requests.yaml"
    file.write_text(REQUESTS)
    with whole_edge(tmp_path) as edge:
        files = RequestFiles(requests=str(file), ignore=("header:X-Echo",))
        report = verified(edge, files, only=("opaque", "hazards-own-requests"), echo=None)
    assert evidence_of(report, "fail") == []
    assert evidence_of(report, "unknown") == []
    assert report.exit_code == 0
    assert {item.check for item in report.results if item.group == "opaque"} == {
        f"{line} {request}"
        for line in ("answers", "cache")
        for request in ("GET /orders", "GET /echo/size=1000", "HEAD /echo/status=404")
    }


def test_without_anything_to_ask_it_cannot_tell(tmp_path: Path) -> None:
    with whole_edge(tmp_path) as edge:
        report = verified(edge, only=(), echo=None)
    assert evidence_of(report, "fail") == []
    assert report.exit_code == 3
    assert any(
        "nothing says what to ask" in evidence for evidence in evidence_of(report, "unknown")
    )


def plan(*own: Check) -> VerifyPlan:
    return VerifyPlan(TARGET, OPTIONS, own, Catalogue())


@pytest.mark.parametrize("kind", [Lines, Moving])
def test_progress_tells_what_is_through(kind: type[Lines] | type[Moving]) -> None:
    console = Console(record=True, width=200, force_terminal=True, file=None, stderr=True)
    with kind(console) as watch:
        watch.add("echo", Result("a", "pass", "seen"))
        watch.add("echo", Result("a", "unknown", "not seen"))
        watch.ended("echo")
    if kind is Lines:
        assert "echo: 1 pass, 1 unknown" in console.export_text()


# ---- wrong use -----------------------------------------------------------------------------------


def invoked(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(command.app, list(words))
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.output


HAND = ("--hostname", "api.example.com", "--direct", "lb.example.net", "--cdn", "d1.cloudfront.net")


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    broken = tmp_path / "requests.yaml"
    broken.write_text("requests:\n  - pth: /\n")
    code, output = invoked(
        *("--hostname", "localhost", "--direct", "lb.example.net", "--cdn", "d1.cloudfront.net"),
        *("--echo", "echo", "--rate", "0", "--concurrency", "0", "--dns-queries", "0"),
        *("--share-tolerance", "1", "--slowest", "601", "--ca", str(tmp_path / "gone.pem")),
        *("--junit", str(tmp_path / "gone" / "a.xml"), "--ignore", "nonsense", "--only", "magic"),
        *("--har", str(tmp_path / "gone.har"), "--time-limit", "0"),
        *("--proxy-source", "2001:db8::1"),
    )
    assert code == 2
    assert [line.partition(" is ")[0] for line in output.splitlines()] == [
        *(
            "--echo",
            "--rate",
            "--concurrency",
            "--dns-queries",
            "--slowest",
            "--share-tolerance",
            "--proxy-source",
            "--time-limit",
            "--ca",
        ),
        *("--junit", "--ignore", "--hostname", str(tmp_path / "gone.har"), "--only"),
    ]
    assert all(re.search(r" is .*; .*\. .", line) for line in output.splitlines())


@pytest.mark.parametrize("rate", ["inf", "nan", "-inf", "0"])
def test_a_rate_that_is_no_rate_is_wrong_use(rate: str) -> None:
    code, output = invoked(*HAND, f"--rate={rate}")
    assert code == 2
    assert output.startswith("--rate is ")
    assert "it should be a number above 0, per second" in output


def test_a_catalogue_with_a_syntax_error_is_wrong_use_with_its_place(tmp_path: Path) -> None:
    broken = tmp_path / "requests.yaml"
    broken.write_text("requests:\n  - path: [\n")
    code, output = invoked(*HAND, "--requests", str(broken))
    assert (code, output.startswith(f"{broken}:3:1 is not YAML (")) == (2, True)
    broken.write_text("requests:\n  - pth: /\n")
    code, output = invoked(*HAND, "--requests", str(broken))
    assert (code, output.count(f"{broken}:2:5 requests[0].p")) == (2, 2)


REQUESTS_NEEDED = "--requests, --openapi or --har"
NEEDED = {
    **dict.fromkeys(
        (
            *("echo", "cache-answers", "cache-methods", "cache-errors", "cache-errors-later"),
            "cache-collapsing",
        ),
        "--echo",
    ),
    **dict.fromkeys(("opaque", "hazards-own-requests", "hazards-own"), REQUESTS_NEEDED),
    **dict.fromkeys(("hazards-timeouts", "hazards-allow-lists"), "--account"),
}


@pytest.mark.parametrize("name", NEEDED)
def test_a_check_that_has_nothing_to_do_is_wrong_use(name: str) -> None:
    code, output = invoked(*HAND, "--only", name)
    assert code == 2
    assert output.rstrip().endswith(f"or what several of them begin with. It needs {NEEDED[name]}.")


def test_the_signs_of_a_cache_are_not_looked_for_in_an_api_that_echoes() -> None:
    code, output = invoked(*HAND, "--only", "cache-opaque", "--echo", "/echo")
    assert code == 2
    assert "It is for an API without --echo" in output


def planned(*only: str) -> list[str]:
    options = replace(OPTIONS, echo=None, account=False)
    made = make_plan(VerifySettings(BY_HAND, options, only=only))
    return [check.name for check in made.checks]


def test_own_requests_may_take_longer_than_the_longest_wait(tmp_path: Path) -> None:
    file = tmp_path / "requests.yaml"
    file.write_text("requests:\n  - path: /report\n")
    options = replace(OPTIONS, slowest_seconds=58.0)
    made = make_plan(VerifySettings(BY_HAND, options, RequestFiles(str(file))))
    limits = {entry.name: entry.request.timeout_seconds for entry in made.catalogue.entries}
    assert limits["GET /report"] == 73.0


def test_of_checks_that_begin_alike_those_that_have_something_to_do_are_meant() -> None:
    assert planned("cache") == ["cache-opaque"]
    assert planned("hazards") == ["hazards-origin-certificate", "hazards-aliases"]
    assert not set(planned()) & (NEEDED.keys() - {"opaque"})


async def _mute(_context: CheckContext) -> AsyncIterator[Result]:
    for result in ():
        yield result


async def _sound(_context: CheckContext) -> AsyncIterator[Result]:
    yield Result("sound", "pass", "seen")


MUTE, SOUND = "mute", "sound"
MUTE_AND_SOUND = Check(MUTE, _mute), Check(SOUND, _sound)


@pytest.mark.parametrize(
    ("only", "unknown"),
    [
        (((MUTE,),), [MUTE]),
        (((MUTE,), (SOUND,)), [MUTE]),
        (((MUTE, SOUND),), []),
        ((), []),
    ],
)
def test_what_was_asked_for_and_looked_at_nothing_is_unknown(
    only: tuple[tuple[str, ...], ...], unknown: list[str]
) -> None:
    wire = FakeWire(lambda _way, _request: answer())
    with Lines(Console(quiet=True)) as watch:
        report = carry_out(replace(plan(*MUTE_AND_SOUND), only=only), FakeNames({}), wire, watch)
    silent = [item for item in report.results if item.group == MUTE]
    assert [(item.check, item.verdict) for item in silent] == [
        (name, "unknown") for name in unknown
    ]
    assert all(item.evidence.startswith("nothing was found that ") for item in silent)


def test_every_option_has_help() -> None:
    code, output = invoked("--help")
    assert code == 0
    options = set(re.findall(r"--[a-z][a-z-]+", output))
    assert {"--outputs", "--echo", "--openapi", "--har", "--allow-unsafe", "--junit"} <= options
    page = DOCS.read_text()
    missing = [each for each in options - {"--help"} if not re.search(rf"{each}(?![\w-])", page)]
    assert missing == []


@pytest.mark.root
@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_machine_without_a_network_cannot_tell_and_says_so_in_every_form(
    tmp_path: Path, form: tuple[str, ...]
) -> None:
    junit = tmp_path / "verify.xml"
    with own_network():
        done = CliRunner().invoke(
            command.app, [*HAND, "--echo", "/echo", *form, "--junit", str(junit)]
        )
    assert done.exit_code == 3, done.output
    assert "Traceback" not in done.output
    assert "<error" in junit.read_text()
    if form:
        report = Report.model_validate(json.loads(done.stdout))
        assert (report.verdict, report.counts["fail"]) == ("unknown", 0)
    else:
        assert "0 FAIL, 16 unknown" in done.stdout


# ---- docs ----------------------------------------------------------------------------------------


def test_the_page_tells_of_every_check() -> None:
    section = DOCS.read_text().partition("## What is checked")[2].partition("\n## ")[0]
    documented = re.findall(r"^\| `([a-z0-9-]+)` \|", section, re.MULTILINE)
    assert documented == ["ways", *(check.name for check in checks.CHECKS), "opaque"]


def test_the_page_tells_of_every_option_and_of_no_other() -> None:
    documented = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", DOCS.read_text()))
    options = {name for each in typer.main.get_command(command.app).params for name in each.opts}
    assert documented == options


def test_the_page_tells_of_every_header_that_is_not_compared() -> None:
    section = (
        DOCS.read_text().partition("headers of answers are never compared")[2].partition("\n## ")[0]
    )
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| (.*) \|$", section, re.MULTILINE)
    assert rows == list(IGNORED_HEADERS.items())
