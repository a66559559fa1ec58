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

from rollout.probe.model import EdgeTarget, Family, Path, Verdict, Way
from rollout.verify.run import COULD_NOT_TELL, FAILED, PASSED, CheckTimes, GroupResult, verdict

VERDICTS: Final[Mapping[int, Verdict]] = {
    PASSED: "pass",
    FAILED: "fail",
    COULD_NOT_TELL: "unknown",
}

WORDS: Final[Mapping[Verdict, str]] = {"pass": "pass", "fail": "FAIL", "unknown": "unknown"}

JUNIT_TIME: Final = "%Y-%m-%dT%H:%M:%S"
"""How JUnit writes a time, which is UTC here: its schemas allow no zone and no fractions."""


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
    """Declared weights of direct and cdn; null where the paths were named by hand,
    or the stack declares no record."""
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


def as_junit(report: Report) -> str:
    """Return a report as JUnit XML: a fail is a failure, `unknown` is an error.

    The suites run side by side, so their times add up to more than that of the whole.
    """
    # It takes long to import, and few runs write such a file.
    from junitparser import Error, Failure, JUnitXml, TestCase, TestSuite  # noqa: PLC0415

    suites: dict[str, Any] = {}
    for result in report.results:
        case = TestCase(plain(where(result) or "edge"), f"{result.group}.{plain(result.check)}")
        case.time = result.seconds
        text = f"{result.evidence}\n{result.remedy}".strip()
        if result.verdict == "fail":
            case.result = [Failure(plain(text), "fail")]
        elif result.verdict == "unknown":
            case.result = [Error(plain(text), "unknown")]
        else:
            case.system_out = plain(text)
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


def where(result: ResultModel) -> str:
    """Return the hostname, path and family that a result is about."""
    return " ".join(part for part in (result.hostname, result.path, result.family) if part)


def plain(text: str) -> str:
    """Return text without control characters."""
    return "".join(
        character if character.isprintable() or character == "\n" else "\N{REPLACEMENT CHARACTER}"
        for character in text
    )
