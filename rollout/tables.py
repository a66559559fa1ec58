"""Tables for people: on a terminal they fit by leaving columns out, and nothing is ever folded.

A name that is to be copied has to be whole, in one line. A table library folds or cuts what is too
wide, which breaks exactly the names that are long. So columns are left out instead, those first
that matter least, and a line below says which.
"""

import textwrap
from collections.abc import Iterator, Sequence

from rich.text import Text

Rows = Sequence[Sequence[Text]]
GAP = 2
"""Spaces between two columns."""


def table_lines(
    header: Sequence[str], rows: Rows, width: int | None, expendable: Sequence[int]
) -> Iterator[Text]:
    """Yield the lines of a table.

    Args:
        header: The columns' names.
        rows: The cells, as many as there are columns in each row.
        width: Columns of the terminal; None: a file, which has as many as it takes.
        expendable: The columns that may be left out, by their index, the least important first.
    """
    wide = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    kept = list(range(len(header)))
    left_out: list[str] = []
    for column in expendable:
        if width is None or sum(wide[each] + GAP for each in kept) - GAP <= width:
            break
        kept.remove(column)
        left_out.append(header[column])
    for row in ([Text(name, "bold") for name in header], *rows):
        line = Text()
        for column in kept:
            line.append_text(row[column])
            line.append(" " * (wide[column] - len(row[column]) + GAP))
        line.rstrip()
        yield line
    if left_out:
        yield from wrapped(f"Not shown in {width} columns: {', '.join(left_out)}.", width, "dim")


def wrapped(text: str, width: int | None, style: str = "", indent: str = "") -> Iterator[Text]:
    """Yield the lines of a text: on a terminal wrapped between words, never within one.

    Args:
        text: The text, of one or more lines.
        width: Columns of the terminal; None: a file, where each line stays whole.
        style: How it is shown.
        indent: What each line begins with.
    """
    for line in text.split("\n"):
        parts = [line]
        if width is not None:
            room = max(width - len(indent), 1)
            parts = textwrap.wrap(line, room, break_long_words=False, break_on_hyphens=False)
        yield from (Text(f"{indent}{part}", style) for part in parts or [""])
