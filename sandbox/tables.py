"""Tables for people, in which nothing is folded: a name that is to be copied is in one line."""

import math
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence


def table_lines(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    expendable: Sequence[str] = (),
    width: float | None = None,
) -> Iterator[str]:
    """Yield the lines of a table; where a terminal is too narrow, columns are left out.

    Args:
        columns: Their names.
        rows: The cells. Several addresses in a cell of the last column get a line each first.
        expendable: The columns that may be left out, the least important first.
        width: Columns of the terminal. Default: what it has; a file has as many as it takes.
    """
    if width is None:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else math.inf
    cells = [columns, *rows]
    wide = {name: max(map(len, column)) for name, *column in zip(columns, *cells, strict=True)}

    def fits() -> bool:
        return sum(wide.values()) + 2 * len(wide) - 2 <= width

    if not fits() and columns[-1] == "addresses":
        blank = [""] * (len(columns) - 1)
        parts = [(row, at, part) for row in cells for at, part in enumerate(row[-1].split())]
        cells = [[*(blank if at else row[:-1]), part] for row, at, part in parts]
        wide["addresses"] = max(len(row[-1]) for row in cells)
    left_out: list[str] = []
    while len(left_out) < len(expendable) and not fits():
        left_out.append(expendable[len(left_out)])
        del wide[left_out[-1]]
    for row in cells:
        named = zip(columns, row, strict=True)
        yield "  ".join(cell.ljust(wide[name]) for name, cell in named if name in wide).rstrip()
    if left_out:
        yield f"Not shown in {width} columns: {', '.join(left_out)}."
