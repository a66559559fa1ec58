"""From a figure of matplotlib to SVG that a page can hold: its colours, its font, no name twice.

matplotlib knows no CSS. So each colour of a drawing is one of `Ink`, which stands for a variable of
the page's style sheet and is replaced by it afterwards: light, dark and print then need one
drawing. Text stays text, in the page's font; it is measured in DejaVu Sans, which is wider than the
fonts of most systems, so what has room when it is drawn has room in the page.
"""

# pyright: reportUnknownMemberType=false
# matplotlib says the types of everything but what it hands on as **kwargs.

import re
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from io import StringIO
from typing import Final
from xml.etree import ElementTree as ET

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

_SVG: Final = "http://www.w3.org/2000/svg"
_XLINK: Final = "http://www.w3.org/1999/xlink"
_POINTS: Final = 72
"""matplotlib's SVG has so many units an inch."""


class Ink(StrEnum):
    """What a colour is for. The values are nobody's colours, and are replaced."""

    TEXT = "#0d0e01"
    """Text and axes."""
    FAINT = "#0d0e02"
    """Lines behind the data."""
    GROUND = "#0d0e03"
    """The page."""
    ALL = "#0d0e04"
    """Figures of all clients."""
    IPV4 = "#0d0e05"
    """Figures of those that follow A."""
    IPV6 = "#0d0e06"
    """Figures of those that prefer IPv6."""
    LOW = "#0d0e07"
    """One end of an assumption."""
    HIGH = "#0d0e08"
    """The other end."""
    BAR = "#0d0e09"
    """A bar behind marks."""


@dataclass(frozen=True)
class Size:
    """How large a drawing is."""

    name: str
    """Of the style sheet's class."""
    width: float
    """In CSS pixels."""
    font: float
    """Size of the text, in CSS pixels."""

    @property
    def is_wide(self) -> bool:
        """Whether plots stand beside each other."""
        return self.width > 600  # noqa: PLR2004 - two plots of 300


WIDE: Final = Size("wide", 880, 13)
NARROW: Final = Size("narrow", 340, 12)


@contextmanager
def style(size: Size) -> Generator[None]:
    """Have what is drawn look like the page, and be the same each time."""
    text, faint = str(Ink.TEXT), str(Ink.FAINT)
    with mpl.rc_context(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": "dualstack",
            "figure.facecolor": "none",
            "axes.facecolor": "none",
            "savefig.facecolor": "none",
            "font.family": "DejaVu Sans",
            "font.size": size.font,
            "axes.titlesize": size.font,
            "axes.titleweight": "bold",
            "axes.titlelocation": "left",
            "axes.labelsize": size.font,
            "xtick.labelsize": size.font,
            "ytick.labelsize": size.font,
            "legend.fontsize": size.font,
            "legend.frameon": False,
            "text.color": text,
            "axes.labelcolor": text,
            "axes.titlecolor": text,
            "axes.edgecolor": faint,
            "xtick.color": faint,
            "ytick.color": faint,
            "xtick.labelcolor": text,
            "ytick.labelcolor": text,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "axes.axisbelow": True,
            "grid.color": faint,
            "grid.linewidth": 0.6,
            "figure.constrained_layout.use": True,
            "axes.unicode_minus": False,
        }
    ):
        yield


def panels(size: Size, count: int, heights: tuple[float, float]) -> tuple[Figure, list[Axes]]:
    """Return a figure with panels, beside each other on a wide page, else below each other.

    Args:
        size: How large it is.
        count: How many panels.
        heights: Of the figure on a wide page, and of each panel on a narrow one, in CSS pixels.
    """
    wide, narrow = heights
    height = wide if size.is_wide else narrow * count
    figure = Figure(figsize=(size.width / _POINTS, height / _POINTS))
    rows, columns = (1, count) if size.is_wide else (count, 1)
    grid = figure.subplots(rows, columns, squeeze=False)
    return figure, list(grid.flat)


def svg_of(figure: Figure, name: str) -> str:
    """Return a drawing as SVG for the inside of a page.

    Args:
        figure: What is drawn.
        name: What no other drawing of the page is called.
    """
    written = StringIO()
    figure.savefig(written, format="svg", metadata={"Date": None})
    root = ET.fromstring(written.getvalue())  # noqa: S314 - written by the line above
    for metadata in root.findall(f"{{{_SVG}}}metadata"):
        root.remove(metadata)
    for parent in root.iter():
        for sheet in parent.findall(f"{{{_SVG}}}style"):
            parent.remove(sheet)  # it would be the whole page's
    _keep_names_apart(root, name)
    for element in root.iter():
        if "style" in element.attrib:
            element.set("style", _style(element.attrib["style"]))
    root.attrib = {"viewBox": root.attrib["viewBox"], "aria-hidden": "true", "focusable": "false"}
    ET.register_namespace("", _SVG)
    ET.register_namespace("xlink", _XLINK)
    return ET.tostring(root, encoding="unicode")


def _keep_names_apart(root: ET.Element, name: str) -> None:
    """Give each name that is used another one, and remove the others."""
    text = ET.tostring(root, encoding="unicode")
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', text))
    for element in root.iter():
        for key, value in list(element.attrib.items()):
            if key == "id":
                if value in used:
                    element.set(key, f"{name}-{value}")
                else:
                    del element.attrib[key]
            elif key.endswith("href"):
                element.set(key, value.replace("#", f"#{name}-"))
            else:
                element.set(key, value.replace("url(#", f"url(#{name}-"))


def _style(text: str) -> str:
    """Return a style with the page's colours and font.

    Raises:
        ValueError: A colour is none of `Ink`.
    """
    kept = (
        part.strip()
        for part in text.split(";")
        if part.strip() and not part.strip().startswith("font-family")
    )
    joined = "; ".join(kept)
    return re.sub(r"#[0-9a-f]{6}\b", lambda found: f"var(--{Ink(found[0]).name.lower()})", joined)
