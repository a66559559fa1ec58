"""What a page of a plan says, before anybody decides how it looks: sections, tables, sentences.

HTML and Markdown are made of the same view, so they say the same. A plot is named here, with the
text that stands for it; what is drawn is in `plots`. A page about something else brings other
sections, and is made of the same parts.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

PlotName = Literal["shares", "exposure", "detection", "rest", "tornado"]


@dataclass(frozen=True)
class Fact:
    """One figure to read at a glance."""

    name: str
    """What it is."""
    value: str
    """The figure."""
    meaning: str
    """What it tells, in a sentence."""


@dataclass(frozen=True)
class Row:
    """A row of a table."""

    header: str
    """Its first cell."""
    cells: tuple[str, ...]
    """The others."""


@dataclass(frozen=True)
class RowGroup:
    """Rows that belong together."""

    header: str
    """What they have in common; empty: they are a group of their own."""
    rows: tuple[Row, ...]
    """The rows."""


@dataclass(frozen=True)
class Table:
    """A table."""

    caption: str
    """What is in it."""
    columns: tuple[str, ...]
    """Heads of the columns, with that of the row headers first."""
    groups: tuple[RowGroup, ...]
    """The rows."""
    summary: str = ""
    """What to open it with, where it is too long for a first look; empty: it is always seen."""


@dataclass(frozen=True)
class Plot:
    """A plot, and what it shows."""

    name: PlotName
    """Which one."""
    title: str
    """What is drawn, in a few words."""
    caption: str
    """How to read it."""
    text: str
    """What it shows, for who does not see it."""


@dataclass(frozen=True)
class Section:
    """A part of the page."""

    anchor: str
    """Its name in links."""
    heading: str
    """Its heading."""
    paragraphs: tuple[str, ...]
    """How to read what follows."""
    plots: tuple[Plot, ...] = ()
    """Plots, before the tables."""
    tables: tuple[Table, ...] = ()
    """Tables."""


@dataclass(frozen=True)
class PageView:
    """A page."""

    title: str
    """Its heading."""
    subtitle: str
    """What it is about, in a sentence."""
    facts: tuple[Fact, ...]
    """What is read at a glance."""
    faults: tuple[str, ...]
    """What stands against it, each with what to do."""
    warnings: tuple[str, ...]
    """What to know before it is begun, each with what to do."""
    sections: tuple[Section, ...]
    """The rest."""
    closing: str
    """Where the figures come from."""


def single_rows(rows: Iterable[Row]) -> tuple[RowGroup, ...]:
    """Return rows that no group has."""
    return (RowGroup("", tuple(rows)),)
