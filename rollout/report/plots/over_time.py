"""The expected shares over time, a panel a family."""

# pyright: reportUnknownMemberType=false
# matplotlib says the types of everything but what it hands on as **kwargs.

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rollout.report.plots.drawing import Ink, Size, panels
from rollout.report.plots.marks import INKS, chosen
from rollout.report.words import FAMILY_NAMES
from rollout.simulate.figures import Band, Family, Foretelling, Moment, StepFigures

_SHARES: Final[dict[Family, Callable[[Moment], Band]]] = {
    "all": lambda moment: moment.cdn_share,
    "ipv4": lambda moment: moment.ipv4_share,
    "ipv6": lambda moment: moment.dual_stack_share,
}

_TICKS: Final = (0, 0.01, 0.05, 0.1, 0.25, 0.5, 1)
"""Shares with a label: those of the usual steps."""


def draw_shares(figures: Foretelling, size: Size) -> Figure:
    """Draw the shares; each step is equally wide, whatever its hold."""
    families: list[Family] = [each.family for each in figures.steps[0].families]
    figure, grid = panels(size, len(families), (300, 210))
    for number, (axes, family) in enumerate(zip(grid, families, strict=True)):
        _draw_weights(axes, figures.steps)
        for row, step in enumerate(figures.steps):
            moments = moments_of(figures, step)
            places = [row + place_of(step, each.seconds) for each in moments]
            bands = [_SHARES[family](each) for each in moments]
            ink = str(INKS[family])
            axes.fill_between(
                places,
                [each.low for each in bands],
                [each.high for each in bands],
                color=ink,
                alpha=0.3,
                linewidth=0,
            )
            axes.plot(places, [each.expected for each in bands], color=ink, linewidth=2)
        axes.set_title(FAMILY_NAMES[family])
        _label(axes, figures.steps, first=number == 0 or not size.is_wide)
    return figure


def moments_of(figures: Foretelling, step: StepFigures) -> Sequence[Moment]:
    """Return the moments of a hold."""
    end = step.begins_seconds + step.hold_seconds
    return [
        each
        for each in figures.at
        if step.begins_seconds <= each.seconds
        and (each.seconds < end or (step is figures.steps[-1] and each.seconds <= end))
    ]


def place_of(step: StepFigures, seconds: float) -> float:
    """Return where in its step a moment is drawn, 0 to 1: the first minutes are stretched."""
    return float(np.sqrt((seconds - step.begins_seconds) / step.hold_seconds))


def _draw_weights(axes: Axes, steps: Sequence[StepFigures]) -> None:
    for row, step in enumerate(steps):
        axes.plot(
            [row, row + 1],
            [step.weight / 100] * 2,
            color=str(Ink.TEXT),
            linewidth=1,
            linestyle=(0, (3, 2)),
        )


def _label(axes: Axes, steps: Sequence[StepFigures], *, first: bool) -> None:
    # On a scale of roots a hundredth is seen, and a half is still about the middle.
    axes.set_yscale("function", functions=(_root, np.square))
    most = max(step.weight for step in steps) / 100
    top = min(1.0, most * 1.6)
    axes.set_ylim(0, top)
    ticks = [each for each in _TICKS if each <= top]
    axes.set_yticks(ticks, [f"{each * 100:g} %" if first else "" for each in ticks])
    axes.set_xlim(0, len(steps))
    rows = chosen(len(steps))
    axes.set_xticks([row + 0.5 for row in rows], [f"{steps[row].weight}" for row in rows])
    axes.tick_params(axis="both", length=0)
    axes.set_xticks(range(len(steps) + 1), minor=True)
    axes.grid(visible=False, axis="x")
    axes.grid(visible=True, axis="x", which="minor")
    axes.tick_params(axis="x", which="minor", length=0)
    axes.set_xlabel("weight of the step, in percent")
    if first:
        axes.set_ylabel("share on cdn")


def _root(values: object) -> object:
    return np.sqrt(np.maximum(np.asarray(values, dtype=np.float64), 0))
