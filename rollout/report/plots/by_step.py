"""Exposure, what a hold can show, and what follows a rollback: a row a step, a mark a family."""

# pyright: reportUnknownMemberType=false
# matplotlib says the types of everything but what it hands on as **kwargs.

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rollout.report.plots.drawing import Ink, Size, panels
from rollout.report.plots.marks import (
    Mark,
    draw_marks,
    label_steps,
    legend_handles,
    logarithmic,
    short,
)
from rollout.simulate.figures import Foretelling


def draw_exposure(figures: Foretelling, size: Size) -> Figure:
    """Draw the requests on cdn in each hold, and the clients that have met cdn by its end."""
    figure, (requests, clients) = panels(size, 2, _heights(figures))
    draw_marks(
        requests,
        figures.steps,
        lambda each: Mark(each.requests.expected, each.requests.low, each.requests.high),
    )
    refresh = figures.steps[0].largest_refresh
    requests.axvline(refresh, color=str(Ink.TEXT), linewidth=1, linestyle=(0, (3, 2)))
    logarithmic(requests, short)
    requests.set_title("Requests on cdn")
    draw_marks(clients, figures.steps, lambda each: Mark(each.distinct_clients_so_far))
    clients.set_xlim(-0.03, 1.03)
    clients.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    clients.set_title("Clients that have met cdn")
    _finish(figure, (requests, clients), figures, size)
    return figure


def draw_detection(figures: Foretelling, size: Size) -> Figure:
    """Draw which errors each hold finds, and how long a pass takes."""
    figure, (finds, passes) = panels(size, 2, _heights(figures))
    draw_marks(finds, figures.steps, lambda each: Mark(each.detectable_ratio), "finds nothing")
    if any(each.detectable_ratio for step in figures.steps for each in step.families):
        logarithmic(finds, lambda ratio: f"{ratio:g}")
    finds.set_title("Errors found, times direct's")
    for row, step in enumerate(figures.steps):
        passes.plot(
            [30, step.hold_seconds], [row, row], color=str(Ink.BAR), linewidth=14,
            solid_capstyle="butt", zorder=1,
        )  # fmt: skip
    draw_marks(passes, figures.steps, lambda each: Mark(each.pass_seconds))
    passes.set_xscale("log")
    longest = max(
        seconds
        for step in figures.steps
        for seconds in (step.hold_seconds, *(each.pass_seconds or 0 for each in step.families))
    )
    passes.set_xlim(30, longest * 1.4)
    passes.set_xticks(*_times(longest))
    passes.set_xticks([], minor=True)
    passes.set_title("What a pass takes, in the hold")
    _finish(figure, (finds, passes), figures, size)
    return figure


def draw_rest(figures: Foretelling, size: Size) -> Figure:
    """Draw what cdn still gets after a rollback at the end of each hold."""
    wide, narrow = _heights(figures)
    figure, (axes,) = panels(size, 1, (wide, narrow + 20))
    draw_marks(
        axes,
        figures.steps,
        lambda each: Mark(
            each.after_rollback.expected_requests,
            each.after_rollback.low_requests,
            each.after_rollback.high_requests,
        ),
    )
    logarithmic(axes, short)
    axes.set_title("Requests after a rollback")
    _finish(figure, (axes,), figures, size)
    return figure


def _heights(figures: Foretelling) -> tuple[float, float]:
    """Return the heights of a figure: some space for each step."""
    rows = max(3, len(figures.steps))  # what the axis is called needs so much
    return 110 + 34 * rows, 70 + 30 * rows


def _finish(figure: Figure, grid: tuple[Axes, ...], figures: Foretelling, size: Size) -> None:
    for number, axes in enumerate(grid):
        label_steps(axes, figures.steps, first=number == 0 or not size.is_wide)
    handles = legend_handles(figures.steps[0].families)
    if len(handles) > 1:
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))


def _times(longest: float) -> tuple[list[float], list[str]]:
    """Return times that an axis up to the longest one has labels at."""
    usual = (
        (60.0, "1 min"), (600.0, "10 min"), (3_600.0, "1 h"), (21_600.0, "6 h"), (86_400.0, "1 d"),
        (604_800.0, "7 d"), (2_592_000.0, "30 d"),
    )  # fmt: skip
    labels = [(seconds, text) for seconds, text in usual if seconds <= longest * 1.2]
    while len(labels) > 5:  # noqa: PLR2004 - as many have room
        labels = labels[::2]
    return [seconds for seconds, _ in labels], [text for _, text in labels]
