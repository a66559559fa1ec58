"""The report for people: what passed in a few lines, what did not by its cause.

On a terminal sentences are wrapped between words. Nothing else is: evidence is to be copied, and a
file that somebody searches has it in one line.
"""

import contextlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import ip_address
from typing import Final

from rich.console import Console
from rich.text import Text

from rollout.probe.model import Verdict
from rollout.probe.ways import PLACES
from rollout.tables import table_lines, wrapped
from rollout.verify.report import WORDS, Report, ResultModel, plain, where

STYLES: Final[Mapping[Verdict, str]] = {"pass": "green", "fail": "bold red", "unknown": "yellow"}

WORST_FIRST: Final[tuple[Verdict, ...]] = ("fail", "unknown", "pass")

MOST_NAMES: Final = 6
"""Checks, places and observations of one cause that are named without `--all`."""

HEADER: Final = ("check", *(f"{path} {family}" for path, family in PLACES), "edge")
"""The last column is for what is about neither path, such as the zone."""

_MORE: Final = "with --all"


def show(report: Report, console: Console, *, whole: bool = False) -> None:
    """Print a report: the table, what differs by its cause, and what was accepted.

    Args:
        report: The report.
        console: Where to; a file gets every line whole.
        whole: Whether each check has a line, and each observation is told.
    """
    width = console.width if console.is_terminal else None
    for line in lines(report, width, whole=whole):
        console.print(line, soft_wrap=True)


def lines(report: Report, width: int | None, *, whole: bool = False) -> Iterator[Text]:
    """Yield the lines of a report.

    Args:
        report: The report.
        width: Columns of the terminal; None: a file.
        whole: Whether each check has a line, and each observation is told.
    """
    yield from _table(report.results, width, whole=whole)
    for cause in _causes(report.results):
        yield from _told(cause, width, whole=whole)
    if report.accepted:
        yield Text("\nDocumented differences that were seen and accepted:")
        for name, count in report.accepted.items():
            yield Text(f"  {plain(name)} ({count})")
    if report.not_asked:
        yield Text("\nNot asked:")
        for request in report.not_asked:
            yield from wrapped(
                f"{plain(request.request)}: {plain(request.reason)}", width, indent="  "
            )
    counts = ", ".join(f"{report.counts[kind]} {WORDS[kind]}" for kind in WORDS)
    end = f"; {report.stopped_by}" if report.stopped_by else ""
    verdict = Text.assemble("\n", (WORDS[report.verdict], STYLES[report.verdict]))
    yield verdict.append(f": {counts}, in {report.seconds:.1f} s{end}")


# ---- the table ----------------------------------------------------------------------------------


def _table(results: Sequence[ResultModel], width: int | None, *, whole: bool) -> Iterator[Text]:
    """Yield a line for each group of checks, and one for each check of it that did not pass."""
    groups: dict[str, dict[str, list[ResultModel]]] = {}
    for result in results:
        groups.setdefault(result.group, {}).setdefault(result.check, []).append(result)
    rows: list[list[Text]] = []
    hidden = 0
    for group, checks in groups.items():
        if list(checks) == [group]:
            rows.append([Text(plain(group)), *_cells(checks[group])])
            continue
        told = {check: each for check, each in checks.items() if whole or not _passed(each)}
        hidden += len(checks) - len(told)
        summary = [] if told else [each for passed in checks.values() for each in passed]
        rows.append([Text(plain(group), "" if summary else "bold"), *_cells(summary)])
        rows += [[Text(f"  {plain(check)}"), *_cells(each)] for check, each in told.items()]
    yield from table_lines(HEADER, rows, width, _expendable(rows))
    if hidden:
        text = f"{hidden} checks that passed are not listed; {_MORE}, each is."
        yield from wrapped(text, width, "dim")


def _passed(results: Iterable[ResultModel]) -> bool:
    return all(result.verdict == "pass" for result in results)


def _expendable(rows: Sequence[Sequence[Text]]) -> list[int]:
    """Return which columns may be left out: empty ones, those that passed, the others."""

    def worst(column: int) -> int:
        words = {cell.plain.partition(" ")[0] for cell in (row[column] for row in rows)}
        return 2 if WORDS["fail"] in words or WORDS["unknown"] in words else int(bool(words - {""}))

    return sorted(range(len(HEADER) - 1, 0, -1), key=worst)


def _cells(results: Sequence[ResultModel]) -> list[Text]:
    """Return what a line says in each column but the first."""
    of_places = [
        [each for each in results if (each.path, each.family) == place] for place in PLACES
    ]
    rest = [each for each in results if (each.path, each.family) not in PLACES]
    return [_cell(each) for each in (*of_places, rest)]


def _cell(results: Sequence[ResultModel]) -> Text:
    """Return the worst of some results, and of how many if not all are as bad."""
    if not results:
        return Text("")
    counts = Counter(result.verdict for result in results)
    worst: Verdict = next(kind for kind in WORST_FIRST if counts[kind])
    part = "" if counts[worst] == len(results) else f" {counts[worst]}/{len(results)}"
    return Text(f"{WORDS[worst]}{part}", STYLES[worst])


# ---- what did not pass --------------------------------------------------------------------------


def _causes(results: Iterable[ResultModel]) -> Iterable[Sequence[ResultModel]]:
    """Return what did not pass by its cause, what failed before what could not be told."""
    causes: dict[str, list[ResultModel]] = {}
    for kind in ("fail", "unknown"):
        for result in (each for each in results if each.verdict == kind):
            causes.setdefault(_cause(result), []).append(result)
    return causes.values()


def _cause(result: ResultModel) -> str:
    """Return what tells the cause of a result from others.

    An address where nobody answers fails many checks, each in its own words. Everything else is
    told apart by what mends it, or else by what was seen.
    """
    clauses = [result.remedy, *(each for each in result.evidence.split(";") if "TCP: " in each)]
    addresses = (address for clause in clauses for address in _addresses(clause))
    return next(addresses, result.remedy or result.evidence)


def _addresses(text: str) -> Iterator[str]:
    """Yield the addresses that a text names."""
    for word in re.findall(r"[0-9a-f]*[:.][0-9a-f:.]+", text):
        with contextlib.suppress(ValueError):
            yield str(ip_address(word.rstrip(":.")))


def _told(results: Sequence[ResultModel], width: int | None, *, whole: bool) -> Iterator[Text]:
    """Yield one cause: which checks, where, what was seen, what to do, and what it hides."""
    kind = results[0].verdict
    own = [result for result in results if result.verdict == kind]
    head = Text.assemble("\n", (WORDS[kind], STYLES[kind]))
    yield head.append(f" {_places(own, whole=whole)}")
    seen = list(dict.fromkeys(result.evidence for result in (results if whole else own)))
    shown = seen if whole else seen[:MOST_NAMES]
    for text in shown:
        yield from wrapped(plain(text), width, indent="  ")
    if len(seen) > len(shown):
        yield Text(f"  … and {len(seen) - len(shown)} observations more, {_MORE}")
    for remedy in dict.fromkeys(result.remedy for result in results):
        yield from wrapped(plain(remedy), width, indent="  ") if remedy else ()
    if hidden := [result for result in results if result.verdict != kind]:
        text = f"Could not be told because of it: {_places(hidden, whole=whole)}"
        yield from wrapped(text, width, indent="  ")


def _places(results: Sequence[ResultModel], *, whole: bool) -> str:
    """Return the names of checks, and where they looked."""
    names = _named([result.check for result in results], ", ", whole=whole)
    places = _named([where(result) for result in results], "; ", whole=whole)
    return f"{names} ({places})" if places else names


def _named(texts: Iterable[str], between: str, *, whole: bool) -> str:
    """Return texts, each once, and no more than can be read unless all are wanted."""
    distinct = [plain(text) for text in dict.fromkeys(texts) if text]
    more = 0 if whole else len(distinct) - MOST_NAMES
    named = between.join(distinct[: MOST_NAMES if more > 0 else None])
    return f"{named} and {more} more" if more > 0 else named
