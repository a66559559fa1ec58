"""All plots of a plan, each for a wide page and for a narrow one."""

from collections.abc import Callable, Mapping
from typing import Final

from matplotlib.figure import Figure

from rollout.report.plots.by_step import draw_detection, draw_exposure, draw_rest
from rollout.report.plots.drawing import NARROW, WIDE, Size, style, svg_of
from rollout.report.plots.over_time import draw_shares
from rollout.report.plots.tornado import draw_tornado
from rollout.report.view import PlotName
from rollout.simulate.figures import Foretelling

_DRAW: Final[Mapping[PlotName, Callable[[Foretelling, Size], Figure]]] = {
    "shares": draw_shares,
    "exposure": draw_exposure,
    "detection": draw_detection,
    "rest": draw_rest,
    "tornado": draw_tornado,
}


def draw(figures: Foretelling, name: PlotName) -> Mapping[str, str]:
    """Return a plot as SVG, by the name of the page's size: `wide`, `narrow`."""
    drawings: dict[str, str] = {}
    for size in (WIDE, NARROW):
        with style(size):
            drawings[size.name] = svg_of(_DRAW[name](figures, size), f"{name}-{size.name}")
    return drawings
