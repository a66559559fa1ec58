"""Checks side by side, and what their results come to."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.probe.model import Result, Verdict
from rollout.verify.check import Check, CheckContext
from rollout.verify.checks import CHECKS
from rollout.verify.run import (
    COULD_NOT_TELL,
    FAILED,
    PASSED,
    Findings,
    interrupted,
    run,
    verdict,
)
from support.fake_edge import Watching, surroundings

GOOD, BROKEN, ENDLESS = "good-check", "broken-check", "endless-check"


def of(*verdicts: Verdict) -> list[Result]:
    return [Result("a", each, "seen") for each in verdicts]


@pytest.mark.parametrize(
    ("results", "code"),
    [
        pytest.param(of("pass", "pass"), PASSED, id="all pass"),
        pytest.param(of("pass", "fail", "unknown"), FAILED, id="a fail outweighs what is unknown"),
        pytest.param(of("pass", "unknown"), COULD_NOT_TELL, id="unknown is no pass"),
        pytest.param([], COULD_NOT_TELL, id="nothing is no pass"),
    ],
)
def test_results_come_to_an_exit_code(results: list[Result], code: int) -> None:
    assert verdict(results) == code


@given(st.lists(st.sampled_from(["pass", "fail", "unknown"])))
def test_only_passes_pass(verdicts: list[Verdict]) -> None:
    assert (verdict(of(*verdicts)) == PASSED) == (set(verdicts) == {"pass"})
    assert (verdict(of(*verdicts)) == FAILED) == ("fail" in verdicts)


async def _good(_context: CheckContext) -> AsyncIterator[Result]:
    yield Result("good", "pass", "seen")
    await asyncio.sleep(0)
    yield Result("good", "pass", "seen again")


async def _broken(_context: CheckContext) -> AsyncIterator[Result]:
    yield Result("broken", "pass", "seen before it broke")
    raise KeyError("no such thing\nand more")


async def _endless(_context: CheckContext) -> AsyncIterator[Result]:
    yield Result("endless", "fail", "seen before it hung")
    await asyncio.Event().wait()


GOOD_CHECK = Check(GOOD, _good)
BROKEN_CHECK = Check(BROKEN, _broken)
ENDLESS_CHECK = Check(ENDLESS, _endless)


def carried_out(checks: Sequence[Check]) -> tuple[Findings, Watching]:
    findings, watching = Findings(), Watching()
    asyncio.run(run(surroundings(), checks, findings, watching))
    return findings, watching


def results_of(findings: Findings) -> list[tuple[str, Result]]:
    return [(item.group, item.result) for item in findings.results]


async def _timed(_context: CheckContext) -> AsyncIterator[Result]:
    await asyncio.sleep(0.06)
    yield Result("timed", "pass", "after a while")
    await asyncio.sleep(0.03)
    yield Result("timed", "pass", "a little later")
    await asyncio.sleep(0.03)


def test_the_times_of_results_add_up_to_no_more_than_their_checks_took() -> None:
    findings, _ = carried_out([Check("timed", _timed), GOOD_CHECK])
    first, second = [item.seconds for item in findings.results if item.group == "timed"]
    times = findings.times["timed"]
    assert times.ended is not None
    assert first > 0.05
    assert second > 0.02
    assert first + second + 0.02 < times.ended - times.began
    assert times.completed


def test_after_the_report_is_made_nothing_comes_any_more() -> None:
    findings, watching = Findings(), Watching()
    findings.begin(GOOD)
    findings.close()
    findings.add(GOOD, Result("good", "pass", "too late"), watching)
    findings.end(GOOD, watching)
    assert (findings.results, watching.updates) == ([], [])
    assert not findings.times[GOOD].completed


def test_every_check_has_a_name_of_its_own_that_begins_with_its_family() -> None:
    names = [check.name for check in CHECKS]
    assert len(set(names)) == len(names)
    families = {
        "dns",
        "reach",
        "ports",
        "echo",
        "framing",
        "slow",
        "sizes",
        "paths",
        "cache",
        "hazards",
    }
    assert {name.partition("-")[0] for name in names} == families


def test_results_are_kept_and_told_as_they_come() -> None:
    findings, watching = carried_out([GOOD_CHECK])
    good = (GOOD, Result("good", "pass", "seen"))
    again = (GOOD, Result("good", "pass", "seen again"))
    assert (results_of(findings), findings.pending) == ([good, again], [])
    assert watching.updates == [good, again, (GOOD, None)]


def test_a_check_that_breaks_could_not_tell_and_stops_no_other() -> None:
    findings, _ = carried_out([BROKEN_CHECK, GOOD_CHECK])
    assert (GOOD, Result("good", "pass", "seen again")) in results_of(findings)
    assert (
        BROKEN,
        Result(
            BROKEN,
            "unknown",
            "the check itself broke (KeyError: 'no such thing\\nand more')",
            remedy="This is a bug of the check, not of the edge; please report it.",
        ),
    ) in results_of(findings)
    assert (BROKEN, Result("broken", "pass", "seen before it broke")) in results_of(findings)
    assert verdict(item.result for item in findings.results) == COULD_NOT_TELL


def test_an_interrupted_run_keeps_what_it_found_and_names_what_it_did_not() -> None:
    findings, watching = Findings(), Watching()

    async def scenario() -> None:
        task = asyncio.create_task(
            run(surroundings(), [GOOD_CHECK, ENDLESS_CHECK], findings, watching)
        )
        while len(findings.results) < 3:  # noqa: ASYNC110 - the check that hangs sets no event
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(scenario())
    assert (ENDLESS, Result("endless", "fail", "seen before it hung")) in results_of(findings)
    assert interrupted(findings, "interrupted by SIGHUP") == Result(
        "run", "unknown", f"interrupted by SIGHUP; not through: {ENDLESS}"
    )
