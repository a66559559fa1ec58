"""The report, for people, for programs and for CI.

Evidence holds what other people's servers answered. So control characters are replaced before it
reaches a terminal or an XML file: they could repaint the one and make the other unreadable.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rollout.probe.model import EdgeTarget, Family, Path, Verdict, Way
from rollout.probe.ways import PLACES
from rollout.verify.run import COULD_NOT_TELL, FAILED, PASSED, CheckTimes, GroupResult, verdict

VERDICTS: Final[Mapping[int, Verdict]] = {
    PASSED: "pass",
    FAILED: "fail",
    COULD_NOT_TELL: "unknown",
}

STYLES: Final[Mapping[Verdict, str]] = {"pass": "green", "fail": "bold red", "unknown": "yellow"}

WORST_FIRST: Final[tuple[Verdict, ...]] = ("fail", "unknown", "pass")

WORDS: Final[Mapping[Verdict, str]] = {"pass": "pass", "fail": "FAIL", "unknown": "unknown"}

JUNIT_TIME: Final = "%Y-%m-%dT%H:%M:%S"
"""How JUnit writes a time, which is UTC here: its schemas allow no zone and no fractions."""

MOST_NAMES: Final = 6
"""Checks that are named where the same was seen in many; the table has them all."""


class Model(BaseModel):
    """A part of the JSON report."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, use_attribute_docstrings=True, frozen=True
    )


class TargetModel(Model):
    """What was verified."""

    hostnames: tuple[str, ...]
    """Names of the API."""
    direct: str
    """DNS name of the load balancer."""
    cdn: str
    """DNS name of the distribution."""
    proxy_addresses: tuple[str, ...]
    """IPv6 addresses of the proxies; empty: the direct path has no IPv6."""
    weights: tuple[int, int] | None
    """Declared weights of direct and cdn; null where the paths were named by hand."""
    distribution_id: str
    """Id of the distribution; empty where it is not known."""


class WayModel(Model):
    """A way that the checks went."""

    path: Path
    """Which path it is."""
    family: Family
    """Which family the address is of."""
    hostname: str
    """The name it was asked for."""
    address: str
    """The address that was connected to."""
    by_name: bool
    """Whether only the hostname's own answer held the address, and not that of the path's name."""


class ResultModel(Model):
    """What one check found on one way."""

    group: str
    """Name of the check as `--only` takes it."""
    check: str
    """Name of what was checked; one check may look at many things."""
    verdict: Verdict
    """`unknown`: it could not be told. That never counts as a pass."""
    evidence: str
    """What was seen."""
    hostname: str
    """The name it is about; empty where it is about all."""
    path: Path | None
    """The path it is about; null where it is about neither."""
    family: Family | None
    """The family it is about; null where it is about neither."""
    accepted: tuple[str, ...]
    """The documented differences that were seen and let pass."""
    remedy: str
    """What to do about it; empty where that is not known."""
    seconds: float
    """Time since the result before it of the same check, or since that check began."""


class CheckModel(Model):
    """When a check ran; all of them run side by side."""

    name: str
    """Name of the check as `--only` takes it."""
    started: datetime
    """When it began, UTC."""
    seconds: float
    """How long it took, or had taken when the run ended early."""
    completed: bool
    """Whether it is through."""


class NotAskedModel(Model):
    """A request of the user's that was not sent."""

    request: str
    """Which one."""
    reason: str
    """Why not."""


class Report(Model):
    """What `dualstack verify --json` prints."""

    verdict: Verdict
    """Of the whole: `fail` if anything failed, else `unknown` if anything could not be told."""
    exit_code: Annotated[int, Field(ge=0, le=3)]
    """0 pass, 1 fail, 3 unknown; a run that was interrupted is 1 or 3."""
    interrupted: bool
    """Whether it was ended before all checks were through."""
    stopped_by: str
    """What ended it then, as `interrupted by SIGTERM` or `time limit of 60 s reached`."""
    started: datetime
    """When it began, UTC."""
    seconds: float
    """How long it took."""
    target: TargetModel
    """What was verified."""
    ways: tuple[WayModel, ...]
    """The ways that the checks went; those that could not be used are among the results."""
    counts: dict[Verdict, int]
    """Number of results by verdict."""
    accepted: dict[str, int]
    """How often each documented difference was seen and let pass, by its name."""
    results: tuple[ResultModel, ...]
    """All results."""
    checks: tuple[CheckModel, ...]
    """When each check ran."""
    not_asked: tuple[NotAskedModel, ...]
    """The user's requests that were not sent."""


def make(
    target: EdgeTarget,
    ways: Iterable[Way],
    results: Sequence[GroupResult],
    not_asked: Iterable[tuple[str, str]],
    *,
    started: datetime,
    seconds: float,
    times: Iterable[CheckTimes] = (),
    stopped_by: str = "",
) -> Report:
    """Return the report on a run.

    Args:
        target: What was verified.
        ways: The ways that the checks went.
        results: Each with the name of its check, and how long it took.
        not_asked: Requests that were not sent, each with the reason.
        started: When the run began.
        seconds: How long it took.
        times: When each check ran.
        stopped_by: What ended it early; empty: it came to its end.
    """
    only_results = [item.result for item in results]
    code = verdict(only_results)
    if stopped_by and code == PASSED:
        code = COULD_NOT_TELL
    counts = Counter(result.verdict for result in only_results)
    accepted = Counter(name for result in only_results for name in result.accepted)
    return Report(
        verdict=VERDICTS[code],
        exit_code=code,
        interrupted=bool(stopped_by),
        stopped_by=stopped_by,
        started=started,
        seconds=round(seconds, 3),
        target=TargetModel(
            hostnames=target.hostnames,
            direct=target.direct,
            cdn=target.cdn,
            proxy_addresses=target.proxy_addresses,
            weights=target.weights,
            distribution_id=target.distribution_id,
        ),
        ways=tuple(_way(way) for way in ways),
        counts={kind: counts[kind] for kind in WORDS},
        accepted=dict(sorted(accepted.items())),
        results=tuple(map(_result, results)),
        checks=tuple(map(_check, times)),
        not_asked=tuple(
            NotAskedModel(request=_encodable(request), reason=_encodable(reason))
            for request, reason in not_asked
        ),
    )


def _way(way: Way) -> WayModel:
    return WayModel(
        path=way.path,
        family=way.family,
        hostname=way.hostname,
        address=way.address,
        by_name=way.by_name,
    )


def _check(times: CheckTimes) -> CheckModel:
    ended = times.latest if times.ended is None else times.ended
    return CheckModel(
        name=times.name,
        started=times.started,
        seconds=round(ended - times.began, 3),
        completed=times.completed,
    )


def _result(item: GroupResult) -> ResultModel:
    result = item.result
    return ResultModel(
        group=item.group,
        check=_encodable(result.check),
        verdict=result.verdict,
        evidence=_encodable(result.evidence),
        hostname=result.hostname,
        path=result.path,
        family=result.family,
        accepted=result.accepted,
        remedy=_encodable(result.remedy),
        seconds=round(item.seconds, 3),
    )


def _encodable(text: str) -> str:
    """Return text that every format can hold: JSON may hold half a character, UTF-8 cannot."""
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if "\ud800" <= character <= "\udfff" else character
        for character in text
    )


def as_json(report: Report) -> str:
    """Return a report as its schema describes it."""
    return report.model_dump_json(by_alias=True, indent=2)


def schema() -> str:
    """Return the JSON schema of a report, `docs/schemas/verify.json`."""
    return json.dumps(Report.model_json_schema(mode="serialization"), indent=2) + "\n"


def show(report: Report, console: Console) -> None:
    """Print a report: the table, what differs and what was accepted."""
    for part in _parts(report):
        console.print(part)


def as_junit(report: Report) -> str:
    """Return a report as JUnit XML: a fail is a failure, `unknown` is an error.

    The suites run side by side, so their times add up to more than that of the whole.
    """
    # It takes long to import, and few runs write such a file.
    from junitparser import Error, Failure, JUnitXml, TestCase, TestSuite  # noqa: PLC0415

    suites: dict[str, Any] = {}
    for result in report.results:
        case = TestCase(_plain(_where(result) or "edge"), f"{result.group}.{_plain(result.check)}")
        case.time = result.seconds
        text = f"{result.evidence}\n{result.remedy}".strip()
        if result.verdict == "fail":
            case.result = [Failure(_plain(text), "fail")]
        elif result.verdict == "unknown":
            case.result = [Error(_plain(text), "unknown")]
        else:
            case.system_out = _plain(text)
        suites.setdefault(result.group, TestSuite(result.group)).add_testcase(case)
    xml: Any = JUnitXml("dualstack verify")
    for suite in suites.values():
        xml.add_testsuite(suite)
    xml.update_statistics()
    # What junitparser sums up leaves out the time after a check's last result.
    for check in report.checks:
        if suite := suites.get(check.name):
            suite.timestamp = check.started.strftime(JUNIT_TIME)
            suite.time = check.seconds
    for suite in suites.values():
        if suite.timestamp is None:
            suite.timestamp = report.started.strftime(JUNIT_TIME)
    xml.time = report.seconds
    text: str = xml.tostring().decode()
    return text


def _parts(report: Report) -> Iterable[RenderableType]:
    yield _table(report.results)
    differing = [result for result in report.results if result.verdict != "pass"]
    for kind in ("fail", "unknown"):
        yield from _evidence([result for result in differing if result.verdict == kind])
    if report.accepted:
        yield Text("\nDocumented differences that were seen and accepted:")
        for name, count in report.accepted.items():
            yield Text(f"  {_plain(name)} ({count})")
    if report.not_asked:
        yield Text("\nNot asked:")
        for request in report.not_asked:
            yield Text(f"  {_plain(request.request)}: {_plain(request.reason)}")
    counts = ", ".join(f"{report.counts[kind]} {WORDS[kind]}" for kind in WORDS)
    whole = Text.assemble("\n", (WORDS[report.verdict], STYLES[report.verdict]))
    end = f"; {report.stopped_by}" if report.stopped_by else ""
    yield whole.append(f": {counts}, in {report.seconds:.1f} s{end}")


def _table(results: Sequence[ResultModel]) -> Table:
    """Return a line for each thing that was checked, a column for each path and family.

    The last column is for what is about neither, such as the zone.
    """
    table = Table(box=None, pad_edge=False)
    table.add_column("check", overflow="fold")
    for path, family in PLACES:
        table.add_column(f"{path} {family}")
    table.add_column("edge")
    rows: dict[str, dict[str, list[ResultModel]]] = {}
    for result in results:
        rows.setdefault(result.group, {}).setdefault(result.check, []).append(result)
    for group, checks in rows.items():
        if list(checks) != [group]:
            table.add_row(Text(group, "bold"))
        for check, check_results in checks.items():
            cells = [
                _cell([item for item in check_results if (item.path, item.family) == place])
                for place in PLACES
            ]
            rest = [item for item in check_results if (item.path, item.family) not in PLACES]
            indent = "" if check == group else "  "
            table.add_row(Text(f"{indent}{_plain(check)}"), *cells, _cell(rest))
    return table


def _cell(results: Sequence[ResultModel]) -> Text:
    """Return the worst of some results, and of how many if not all are as bad."""
    if not results:
        return Text("")
    counts = Counter(result.verdict for result in results)
    worst: Verdict = next(kind for kind in WORST_FIRST if counts[kind])
    part = "" if counts[worst] == len(results) else f" {counts[worst]}/{len(results)}"
    return Text(f"{WORDS[worst]}{part}", STYLES[worst])


def _evidence(results: Sequence[ResultModel]) -> Iterable[RenderableType]:
    """Yield what was seen, once for all the checks and places where the same was seen."""
    places: dict[tuple[str, str, str], list[str]] = {}
    for result in results:
        where = places.setdefault((result.evidence, result.remedy, result.check), [])
        if _where(result) not in where:
            where.append(_where(result))
    checks: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for (evidence, remedy, check), where in places.items():
        checks.setdefault((evidence, remedy, tuple(where)), []).append(check)
    for (evidence, remedy, where), names in checks.items():
        places_text = "; ".join(filter(None, where))
        more = len(names) - MOST_NAMES
        named = ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
        head = f" {_plain(named)}{f' ({_plain(places_text)})' if places_text else ''}"
        kind = results[0].verdict
        yield Text.assemble("\n", (WORDS[kind], STYLES[kind]), head)
        for text in filter(None, (evidence, remedy)):
            yield Padding(Text(_plain(text)), (0, 0, 0, 2), expand=False)


def _where(result: ResultModel) -> str:
    return " ".join(part for part in (result.hostname, result.path, result.family) if part)


def _plain(text: str) -> str:
    """Return text without control characters."""
    return "".join(
        character if character.isprintable() or character == "\n" else "\N{REPLACEMENT CHARACTER}"
        for character in text
    )
