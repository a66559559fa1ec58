"""The figures for people: tables that fit 80 columns, and lines of shares over time."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from rich.text import Text

from rollout.simulate.figures import Band, Foretelling, Moment, RestRange, StepFigures
from rollout.tables import table_lines, wrapped

BARS: Final = "▁▂▃▄▅▆▇█"
"""Eighths of a whole."""

COURSE: Final = 60
"""The most moments that a line of shares has."""

ROWS: Final = 14
"""The most moments that the table has where nobody asked for some."""


def lines(figures: Foretelling, width: int | None) -> Iterator[Text]:
    """Yield the figures.

    Args:
        figures: The figures.
        width: Columns of the terminal; None: a file.
    """
    yield Text(f"Population {figures.population}", "bold")
    yield from wrapped(figures.note, width)
    yield from wrapped(
        f"{figures.requests_per_second:g} requests/s; answers live {figures.ttl_seconds:g} s, "
        + (
            "and direct's AAAA is not empty"
            if figures.empty_ttl_seconds is None
            else f"direct's empty AAAA {figures.empty_ttl_seconds:g} s"
        )
        + f"; the caches vary as {figures.effective_caches:.0f} equal ones, the largest has "
        f"{figures.largest_cache:.1%}.",
        width,
    )
    moves = ", ".join(
        f"{each.part:.1%}".replace(".0%", "%") + f" after {spell(each.seconds)}"
        for each in figures.seconds_to_move
    )
    yield from wrapped(f"Requests follow a change of weight: {moves}.", width)
    yield Text()
    yield from _moments(figures.at, width)
    if len(figures.at) > 1:
        yield from _courses(figures.at)
    yield Text()
    yield from _steps(figures.steps, width)
    if figures.rollback:
        yield Text()
        yield Text(f"After a rollback at {spell(figures.rollback.at_seconds)}", "bold")
        yield from _moments(figures.rollback.moments, width)
        for each in figures.rollback.rest:
            yield from wrapped(f"Still met by {each.family}: {_rest(each.met)}.", width)
    yield Text()
    yield from _assumptions(figures, width)
    for text in (*figures.past_bounds, *figures.warnings):
        style = "bold red" if text in figures.past_bounds else "yellow"
        yield from wrapped(f"! {text[:1].upper()}{text[1:]}", width, style)


def _moments(moments: Sequence[Moment], width: int | None) -> Iterator[Text]:
    stride = -(-len(moments) // ROWS)
    chosen = [*moments[:-1:stride], moments[-1]]
    header = ("after", "weight", "on cdn", "A", "AAAA", "dual-stack", "moved", "clients met")
    rows = [
        [
            Text(cell)
            for cell in (
                spell(each.seconds),
                percent(each.weight),
                _band(each.cdn_share, percent),
                percent(each.ipv4_share.expected),
                percent(each.ipv6_share.expected),
                percent(each.dual_stack_share.expected),
                percent(each.moved_share),
                percent(each.distinct_clients),
            )
        ]
        for each in chosen
    ]
    yield from table_lines(header, rows, width, (1, 5, 6, 4, 3))


def _courses(moments: Sequence[Moment]) -> Iterator[Text]:
    """Yield a line for each family: its share at one moment after the other."""
    stride = -(-len(moments) // COURSE)
    chosen = moments[::stride]
    rows: dict[str, list[Band]] = {
        "on cdn": [each.cdn_share for each in chosen],
        "A": [each.ipv4_share for each in chosen],
        "AAAA": [each.ipv6_share for each in chosen],
        "dual-stack": [each.dual_stack_share for each in chosen],
    }
    most = max((each.expected for bands in rows.values() for each in bands), default=0) or 1
    for name, bands in rows.items():
        yield Text(f"{name:10} {''.join(bar(each.expected / most) for each in bands)}")
    yield Text(f"A full bar is {percent(most)}; from the first moment to the last.", "dim")


def _steps(steps: Sequence[StepFigures], width: int | None) -> Iterator[Text]:
    header = (
        "step", "weight", "hold", "whose", "requests on cdn", "new clients", "finds", "passes in",
    )  # fmt: skip
    rows: list[list[Text]] = []
    for step in steps:
        for number, each in enumerate(step.families):
            first = number == 0
            cells = (
                str(step.number) if first else "",
                str(step.weight) if first else "",
                spell(step.hold_seconds) if first else "",
                each.family,
                _band(each.requests, count),
                percent(each.distinct_clients),
                f"{each.detectable_ratio:.1f} times" if each.detectable_ratio else "nothing",
                spell(each.pass_seconds) if each.pass_seconds else "never",
            )
            rows.append([Text(cell) for cell in cells])
    yield from table_lines(header, rows, width, (0, 7, 6))
    last = steps[-1]
    yield from wrapped(
        f"The largest cache carries up to {count(last.largest_refresh)} requests with one answer, "
        "at any weight.",
        width,
    )
    for step in steps:
        rest = step.families[0].after_rollback
        yield from wrapped(f"After a rollback from {step.weight}: {_rest(rest)}.", width)


def _rest(rest: RestRange) -> str:
    return (
        f"{count(rest.expected_requests)} requests on cdn, {count(rest.low_requests)} to "
        f"{count(rest.high_requests)} over the tail assumptions ({spell(rest.expected_seconds)} of "
        f"all its traffic, {spell(rest.low_seconds)} to {spell(rest.high_seconds)})"
    )


def _assumptions(figures: Foretelling, width: int | None) -> Iterator[Text]:
    yield Text("What is assumed, and what it does to that", "bold")
    header = ("assumption", "range", "seconds met")
    rows = [
        [
            Text(cell)
            for cell in (
                each.assumption,
                f"{each.low_value} to {each.high_value}",
                f"{each.low_seconds:,.0f} to {each.high_seconds:,.0f}",
            )
        ]
        for each in figures.sensitivities
    ]
    yield from table_lines(header, rows, width, (1,))


def bar(share: float) -> str:
    """Return a share as one character."""
    return BARS[min(len(BARS) - 1, max(0, round(share * (len(BARS) - 1))))]


def _band(band: Band, words: Callable[[float], str]) -> str:
    return f"{words(band.expected)} ({words(band.low)} to {words(band.high)})"


def percent(share: float) -> str:
    """Return a share in percent, with as many digits as tell something."""
    value = 100 * share
    # Nobody is all while somebody is left.
    digits = 2 if 0.005 <= value < 1 or 99 < value < 99.995 else 1 if value < 99.95 else 0  # noqa: PLR2004
    return f"{value:.{digits}f} %"


def count(number: float) -> str:
    """Return a number of requests in a few characters."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g}{unit}"
    return f"{number:.3g}"


def spell(seconds: float) -> str:
    """Return a time in its best unit."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"
