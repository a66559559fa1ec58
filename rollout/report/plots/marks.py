"""Marks of families at steps: what most plots are made of."""

# pyright: reportUnknownMemberType=false
# matplotlib says the types of everything but what it hands on as **kwargs.

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

from rollout.report.plots.drawing import Ink
from rollout.report.words import FAMILY_NAMES, weight
from rollout.simulate.figures import Family, FamilyFigures, StepFigures

INKS: Final[dict[Family, Ink]] = {"all": Ink.ALL, "ipv4": Ink.IPV4, "ipv6": Ink.IPV6}
SHAPES: Final[dict[Family, str]] = {"all": "o", "ipv4": "s", "ipv6": "D"}
"""A family has a shape beside its colour, for who sees no colours."""

MOST_LABELS: Final = 8
"""Steps that have a label; of more, some have none."""

ROW: Final = 0.22
"""How far the marks of two families are apart, in steps."""


@dataclass(frozen=True)
class Mark:
    """A figure of a family at a step, with what it may be."""

    value: float | None
    """The figure; None: there is none."""
    low: float | None = None
    """One end of its band."""
    high: float | None = None
    """The other end."""


def draw_marks(
    axes: Axes,
    steps: Sequence[StepFigures],
    mark_of: Callable[[FamilyFigures], Mark],
    nothing: str = "",
) -> None:
    """Draw a row for each step, with a mark for each family.

    Args:
        axes: Where.
        steps: The steps; the first is on top.
        mark_of: Returns what is drawn of a family.
        nothing: What is written where there is no figure for any family.
    """
    for row, step in enumerate(steps):
        drawn = False
        for place, each in enumerate(step.families):
            y = row + (place - (len(step.families) - 1) / 2) * ROW
            mark = mark_of(each)
            if mark.value is None:
                continue
            drawn = True
            ink = str(INKS[each.family])
            if mark.low is not None and mark.high is not None:
                axes.plot([mark.low, mark.high], [y, y], color=ink, linewidth=2)
            axes.plot(
                [mark.value], [y], color=ink, marker=SHAPES[each.family], markersize=5, zorder=3
            )
        if not drawn and nothing:
            axes.text(
                0.03,
                row,
                nothing,
                transform=axes.get_yaxis_transform(),
                va="center",
                style="italic",
            )


def label_steps(axes: Axes, steps: Sequence[StepFigures], *, first: bool) -> None:
    """Label the rows of a plot with the weights of the steps.

    Args:
        axes: Where.
        steps: The steps.
        first: Whether no other plot with the same labels stands before it.
    """
    rows = chosen(len(steps))
    axes.set_ylim(len(steps) - 0.45, -0.55)
    axes.yaxis.set_major_locator(FixedLocator([float(row) for row in rows]))
    if first:
        axes.set_yticks(rows, [weight(steps[row].weight) for row in rows])
        axes.set_ylabel("weight of the step")
    else:
        axes.yaxis.set_major_formatter(NullFormatter())
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")


def chosen(count: int) -> list[int]:
    """Return which of some steps have a label: the first, and every few from there on."""
    return list(range(0, count, -(-count // MOST_LABELS)))


def logarithmic(axes: Axes, words: Callable[[float], str]) -> None:
    """Make the horizontal axis logarithmic, with labels in words at round numbers."""
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    axes.set_xlim(low, high)
    ticks = round_numbers(low, high)
    axes.set_xticks(ticks, [words(each) for each in ticks])
    axes.xaxis.set_minor_locator(NullLocator())


def round_numbers(low: float, high: float) -> list[float]:
    """Return up to four round numbers between two: powers of ten, or what lies between those."""
    found: list[float] = []
    for digits in ((1.0,), (1.0, 2.0, 5.0), (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 7.0)):
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        every = (digit * 10.0**power for power in powers for digit in digits)
        found = [each for each in every if low <= each <= high]
        if len(found) > 1:
            break
    return found[:: -(-len(found) // 4) or 1]


def short(number: float) -> str:
    """Return a number for an axis: `10`, `1k`, `1M`."""
    for size, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:g}{unit}"
    return f"{number:g}"


def legend_handles(families: Sequence[FamilyFigures]) -> list[Line2D]:
    """Return what a legend of the families is made of."""
    return [
        Line2D(
            [],
            [],
            color=str(INKS[each.family]),
            marker=SHAPES[each.family],
            markersize=5,
            linewidth=2,
            label=FAMILY_NAMES[each.family],
        )
        for each in families
    ]
