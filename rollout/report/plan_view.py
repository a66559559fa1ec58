"""The view of a plan: what its page says, from simulate's figures alone."""

from collections.abc import Iterator, Sequence
from typing import Final

from rollout.report import plan_texts
from rollout.report.document import PlanReport
from rollout.report.view import Fact, PageView, Plot, Row, RowGroup, Section, Table, single_rows
from rollout.report.words import (
    FAMILY_NAMES,
    count,
    count_band,
    count_range,
    duration,
    full_traffic,
    percent,
    percent_band,
    points,
    sentence,
    times,
    traffic_range,
    weight,
)
from rollout.simulate.figures import FamilyFigures, Foretelling, Moment, RestRange, StepFigures

NOTHING: Final = "nothing"
NEVER: Final = "never"
STEP: Final = "Step: weight"


def view_of_plan(report: PlanReport) -> PageView:
    """Return what the page of a plan says."""
    figures = report.figures
    last = figures.steps[-1]
    return PageView(
        title="Plan of a shift" + (f": {report.stack}" if report.stack else ""),
        subtitle=(
            f"Weight of cdn from {figures.before} to {last.weight} in "
            f"{_steps(len(figures.steps))}, at {count(figures.requests_per_second)} requests a "
            "second."
        ),
        facts=tuple(_facts(figures)),
        faults=tuple(map(sentence, figures.past_bounds)),
        warnings=tuple(map(sentence, (*figures.warnings, *short_holds(figures)))),
        sections=(
            _schedule(figures),
            _shares(figures),
            _exposure(figures),
            _detection(figures),
            _rest(figures),
            _assumptions(figures),
        ),
        closing=(
            f"Worked out by dualstack report --plan, from resolvers' and clients' habits; nothing "
            f"was measured. The same call has the same figures (seed {figures.seed}). "
            "How to read them: docs/report.md."
        ),
    )


# ---- at a glance --------------------------------------------------------------------------------


def _facts(figures: Foretelling) -> Iterator[Fact]:
    first, last = figures.steps[0], figures.steps[-1]
    ends = last.begins_seconds + last.hold_seconds
    yield Fact(
        "It takes",
        duration(ends),
        f"{_steps(len(figures.steps))}, without the time that people and hours add.",
    )
    met = first.families[0].distinct_clients_so_far
    yield Fact(
        "Clients that the first step reaches",
        percent(met),
        f"Of all clients, although its weight is {weight(first.weight)}: each refresh of a cache "
        "draws anew.",
    )
    ratio = first.families[0].detectable_ratio
    yield Fact(
        "The first step finds errors from",
        NOTHING if ratio is None else times(ratio),
        "Of direct's errors, over all clients, nine times in ten.",
    )
    yield Fact(
        "One answer can carry",
        f"{count(first.largest_refresh)} requests",
        f"The largest cache has {percent(figures.largest_cache)} of the requests, and one refresh "
        "leads all of them to cdn, at any weight.",
    )
    passes = [
        (each.pass_seconds, step, each)
        for step in figures.steps
        for each in step.families
        if each.pass_seconds is not None
    ]
    if passes:
        seconds, step, each = max(passes, key=lambda item: item[0])
        yield Fact(
            "The slowest pass takes",
            duration(seconds),
            f"At step {step.number}, for {_whose(each)}, where nothing differs.",
        )
    rest = last.families[0].after_rollback
    yield Fact(
        f"After a rollback from {weight(last.weight)}",
        count_range(rest.low_requests, rest.high_requests),
        "Requests that cdn still gets, over what is assumed of resolvers and clients.",
    )


def short_holds(figures: Foretelling) -> Iterator[str]:
    """Yield which holds end before a pass can, each with what to do."""
    for step in figures.steps:
        late = [
            each
            for each in step.families
            if each.pass_seconds is not None and each.pass_seconds > step.hold_seconds
        ]
        if late:
            slowest = max(late, key=lambda each: each.pass_seconds or 0)
            yield (
                f"the hold of step {step.number} is {duration(step.hold_seconds)}; a pass takes "
                f"{duration(slowest.pass_seconds or 0)} for {_whose(slowest)} at this rate. Hold "
                "it longer, or give it a larger weight."
            )


# ---- sections -----------------------------------------------------------------------------------


def _schedule(figures: Foretelling) -> Section:
    rows = (
        Row(
            str(step.number),
            (
                weight(step.weight),
                duration(step.begins_seconds) if step.begins_seconds else "at once",
                duration(step.hold_seconds),
                percent(step.no_cache_chance),
            ),
        )
        for step in figures.steps
    )
    moves = (
        Row(weight(100 * each.part), (duration(each.seconds),)) for each in figures.seconds_to_move
    )
    return Section(
        "schedule",
        "Schedule",
        (plan_texts.scene(figures), plan_texts.SCHEDULE),
        tables=(
            Table(
                "The steps",
                ("Step", "Weight of cdn", "Begins after", "Held for", "No cache on cdn"),
                single_rows(rows),
            ),
            Table(
                "How long requests take to follow a change of weight",
                ("Part of the requests", "Follows within"),
                single_rows(moves),
            ),
        ),
    )


def _shares(figures: Foretelling) -> Section:
    names = [FAMILY_NAMES[each.family] for each in figures.steps[0].families]
    unanswered = figures.empty_ttl_seconds is not None
    rows: list[Row] = []
    for step in figures.steps:
        cells = [percent_band(each.share) for each in step.families]
        if unanswered:
            moment = _last_moment(figures, step)
            cells.append("not told" if moment is None else percent(moment.ipv6_only_unanswered))
        rows.append(Row(_name(step), tuple(cells)))
    columns = (STEP, *names, *(["IPv6 alone: no address"] if unanswered else []))
    return Section(
        "shares",
        "Expected shares",
        (plan_texts.FAMILIES, plan_texts.SHARES, *([plan_texts.UNANSWERED] if unanswered else [])),
        plots=(
            Plot(
                "shares",
                "Expected shares over time",
                plan_texts.SHARES_CAPTION,
                plan_texts.shares(figures),
            ),
        ),
        tables=(Table("Share on cdn at the end of each hold", columns, single_rows(rows)),),
    )


def _exposure(figures: Foretelling) -> Section:
    def cells(_: StepFigures, each: FamilyFigures) -> tuple[str, ...]:
        new, so_far = percent(each.distinct_clients), percent(each.distinct_clients_so_far)
        return count_band(each.requests), new, so_far

    def with_refresh(step: StepFigures, each: FamilyFigures) -> tuple[str, ...]:
        return *cells(step, each), count(step.largest_refresh)

    columns = ("Requests on cdn", "New clients", "Clients so far")

    return Section(
        "exposure",
        "Exposure of each step",
        (plan_texts.EXPOSURE,),
        plots=(
            Plot(
                "exposure",
                "Exposure of each step",
                plan_texts.EXPOSURE_CAPTION,
                plan_texts.exposure(figures),
            ),
        ),
        tables=(
            Table(
                "Three figures of exposure, all clients",
                (STEP, *columns, "Largest refresh"),
                _of_all(figures.steps, with_refresh),
            ),
            *_by_family("Exposure by family", ("Whose", *columns), figures.steps, cells),
        ),
    )


def _detection(figures: Foretelling) -> Section:
    def cells(step: StepFigures, each: FamilyFigures) -> tuple[str, ...]:
        finds = NOTHING
        if each.detectable_ratio is not None and each.detectable_increase is not None:
            finds = f"{times(each.detectable_ratio)}, {points(each.detectable_increase)} more"
        elif each.detectable_increase is not None:
            finds = f"{points(each.detectable_increase)} more"
        if each.pass_seconds is None or each.pass_requests is None:
            return finds, NEVER, "nothing to compare"
        fits = each.pass_seconds <= step.hold_seconds
        takes = f"{duration(each.pass_seconds)}, {count(each.pass_requests)} requests"
        return finds, takes, "yes" if fits else "no: hold it longer"

    columns = ("Finds errors from", "A pass takes", "Within the hold")
    return Section(
        "detection",
        "What each step can show",
        (plan_texts.detection_lead(figures),),
        plots=(
            Plot(
                "detection",
                "What each step can show",
                plan_texts.DETECTION_CAPTION,
                plan_texts.detection(figures),
            ),
        ),
        tables=(
            Table(
                "Errors that a hold finds, and what a pass takes, all clients",
                (STEP, *columns),
                _of_all(figures.steps, cells),
            ),
            *_by_family("What can be shown by family", ("Whose", *columns), figures.steps, cells),
        ),
    )


def _rest(figures: Foretelling) -> Section:
    def cells(_: StepFigures, each: FamilyFigures) -> tuple[str, ...]:
        return _requests(each.after_rollback), _traffic(each.after_rollback)

    columns = ("Requests", "Seconds of its full traffic")
    return Section(
        "rollback",
        "After a rollback",
        (plan_texts.REST,),
        plots=(
            Plot(
                "rest",
                "Requests after a rollback",
                plan_texts.REST_CAPTION,
                plan_texts.rest(figures),
            ),
        ),
        tables=(
            Table(
                "What cdn still gets after a rollback at the end of a hold, all clients",
                (STEP, *columns),
                _of_all(figures.steps, cells),
            ),
            *_by_family("After a rollback by family", ("Whose", *columns), figures.steps, cells),
        ),
    )


def _assumptions(figures: Foretelling) -> Section:
    rows = (
        Row(
            sentence(each.assumption).rstrip("."),
            (
                f"{each.low_value} to {each.high_value}",
                traffic_range(each.low_seconds, each.high_seconds),
                sentence(each.source),
            ),
        )
        for each in figures.sensitivities
    )
    return Section(
        "assumptions",
        "What is assumed, and how much it matters",
        (plan_texts.ASSUMPTIONS,),
        plots=(
            Plot(
                "tornado",
                "How much each assumption matters",
                plan_texts.TORNADO_CAPTION,
                plan_texts.tornado(figures),
            ),
        )
        if figures.sensitivities
        else (),
        tables=(
            Table(
                "Assumptions, the one that matters most first",
                ("Assumption", "Range", "Met after a rollback from the last step", "Source"),
                single_rows(rows),
            ),
        )
        if figures.sensitivities
        else (),
    )


# ---- parts --------------------------------------------------------------------------------------


def _of_all(steps: Sequence[StepFigures], cells: plan_texts.Cells) -> tuple[RowGroup, ...]:
    """Return a row for each step, of all clients."""
    return single_rows(Row(_name(step), cells(step, step.families[0])) for step in steps)


def _by_family(
    caption: str, columns: tuple[str, ...], steps: Sequence[StepFigures], cells: plan_texts.Cells
) -> tuple[Table, ...]:
    """Return a table with a row for each family at each step, where there is more than one."""
    if len(steps[0].families) < 2:  # noqa: PLR2004 - all are one family then
        return ()
    groups = tuple(
        RowGroup(
            f"Step {step.number}: weight {weight(step.weight)}",
            tuple(Row(FAMILY_NAMES[each.family], cells(step, each)) for each in step.families),
        )
        for step in steps
    )
    return (Table(caption, columns, groups, summary=caption),)


def _name(step: StepFigures) -> str:
    return f"{step.number}: {weight(step.weight)}"


def _last_moment(figures: Foretelling, step: StepFigures) -> Moment | None:
    """Return the last moment of a hold that is told of."""
    end = step.begins_seconds + step.hold_seconds
    last = step is figures.steps[-1]
    held = [
        each
        for each in figures.at
        if step.begins_seconds < each.seconds and (each.seconds < end or last)
    ]
    return held[-1] if held else None


def _requests(rest: RestRange) -> str:
    between = count_range(rest.low_requests, rest.high_requests)
    return f"{count(rest.expected_requests)} ({between})"


def _traffic(rest: RestRange) -> str:
    between = traffic_range(rest.low_seconds, rest.high_seconds)
    return f"{full_traffic(rest.expected_seconds)} ({between})"


def _whose(figures: FamilyFigures) -> str:
    return "all clients" if figures.family == "all" else FAMILY_NAMES[figures.family]


def _steps(number: int) -> str:
    return "1 step" if number == 1 else f"{number} steps"
