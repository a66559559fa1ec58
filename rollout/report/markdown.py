"""A page as Markdown: the same sections, sentences and tables; of a plot, what it shows."""

import re
from collections.abc import Iterator

from rollout.report.view import PageView, Section, Table


def as_markdown(view: PageView) -> str:
    """Return a page as Markdown."""
    return "\n".join(_lines(view))


def _lines(view: PageView) -> Iterator[str]:
    yield f"# {_text(view.title)}\n"
    yield f"{_text(view.subtitle)}\n"
    yield from (
        f"- **{_text(each.name)}: {_text(each.value)}.** {_text(each.meaning)}"
        for each in view.facts
    )
    yield ""
    for heading, texts in (("Past a bound", view.faults), ("Know beforehand", view.warnings)):
        if texts:
            yield f"## {heading}\n"
            yield from (f"- {_text(each)}" for each in texts)
            yield ""
    for section in view.sections:
        yield from _section(section)
    yield f"{_text(view.closing)}\n"


def _section(section: Section) -> Iterator[str]:
    yield f"## {_text(section.heading)}\n"
    for paragraph in section.paragraphs:
        yield f"{_text(paragraph)}\n"
    for table in section.tables:
        yield from _table(table)


def _table(table: Table) -> Iterator[str]:
    yield f"**{_text(table.caption)}**\n"
    grouped = any(group.header for group in table.groups)
    columns = ("Step", *table.columns) if grouped else table.columns
    yield _row(columns)
    yield _row(["---"] * len(columns))
    for group in table.groups:
        for row in group.rows:
            yield _row([*([group.header] if grouped else []), row.header, *row.cells])
    yield ""


def _row(cells: "list[str] | tuple[str, ...]") -> str:
    return f"| {' | '.join(map(_text, cells))} |"


def _text(words: str) -> str:
    """Return words on one line, without what Markdown or a table would read as its own."""
    return re.sub(r"([\\`*_|<>\[\]])", r"\\\1", " ".join(words.split()))
