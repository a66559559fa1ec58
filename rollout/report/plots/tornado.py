"""How much each assumption matters: a bar from one of its ends to the other."""

# pyright: reportUnknownMemberType=false
# matplotlib says the types of everything but what it hands on as **kwargs.

import textwrap
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rollout.report.plots.drawing import Ink, Size, panels
from rollout.report.words import full_traffic
from rollout.simulate.figures import Foretelling, Sensitivity

_CHARACTERS: Final = {True: 110, False: 42}
"""How many characters of a name have room in a line, on a wide page and on a narrow one."""

_BAR: Final = 18
"""Height of a bar, in CSS pixels."""
_SPACE: Final = 16
"""Between a bar and the next name."""


def draw_tornado(figures: Foretelling, size: Size) -> Figure:
    """Draw the assumptions, the widest bar on top, each below its name and its two ends."""
    bars = figures.sensitivities
    names = [textwrap.wrap(each.assumption, _CHARACTERS[size.is_wide]) for each in bars]
    line = size.font * 1.35
    heights = [len(name) * line + _BAR + _SPACE for name in names]
    total = sum(heights)
    figure, (axes,) = panels(size, 1, (total + 50, total + 50))
    y = 0.0
    for each, name, height in zip(bars, names, heights, strict=True):
        middle = y + len(name) * line + _BAR / 2 + 6
        _draw_bar(axes, each, middle)
        axes.text(
            0, y + 2, "\n".join(name), transform=axes.get_yaxis_transform(), va="top",
            linespacing=1.2, bbox={"facecolor": str(Ink.GROUND), "edgecolor": "none", "pad": 1},
        )  # fmt: skip
        y += height
    axes.set_ylim(total, 0)
    ends = [value for each in bars for value in (each.low_seconds, each.high_seconds)]
    least, most = min(ends), max(ends)
    # The values at a bar's ends have their room beside the widest one.
    room = (most - least or most or 1) * (0.1 if size.is_wide else 0.25)
    axes.set_xlim(least - room, most + room)
    axes.locator_params(axis="x", nbins=5 if size.is_wide else 3)
    axes.xaxis.set_major_formatter(lambda value, _: full_traffic(value) if value >= 0 else "")
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("seconds of full traffic on cdn after a rollback")
    return figure


def _draw_bar(axes: Axes, bar: Sensitivity, y: float) -> None:
    expected = bar.expected_seconds
    ends = ((bar.low_seconds, bar.low_value, Ink.LOW), (bar.high_seconds, bar.high_value, Ink.HIGH))
    # An end that changes nothing is on the side that the other one leaves free.
    rightmost = max(ends, key=lambda end: end[0])
    for end in ends:
        seconds, value, ink = end
        axes.barh(y, seconds - expected, height=_BAR, left=expected, color=str(ink), zorder=2)
        is_right = end is rightmost
        axes.annotate(
            value, (max(seconds, expected) if is_right else min(seconds, expected), y),
            xytext=(4 if is_right else -4, 0), textcoords="offset points",
            ha="left" if is_right else "right", va="center",
            bbox={"facecolor": str(Ink.GROUND), "edgecolor": "none", "pad": 0.5},
        )  # fmt: skip
    axes.plot(
        [expected] * 2, [y - _BAR / 2 - 3, y + _BAR / 2 + 3], color=str(Ink.TEXT), linewidth=1.5,
        zorder=3,
    )  # fmt: skip
