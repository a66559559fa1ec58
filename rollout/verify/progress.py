"""What is shown while checks run: a moving line on a terminal, else a line for each check."""

import contextlib
from collections import Counter
from types import TracebackType
from typing import Final, Protocol, Self

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from rollout.probe.model import Result, Verdict
from rollout.verify.run import ResultListener

WORDS: Final[tuple[Verdict, ...]] = ("pass", "fail", "unknown")


class Shown(ResultListener, Protocol):
    """Progress that is shown between entering and leaving it."""

    def __enter__(self) -> Self:
        """Begin."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End, and leave nothing behind that moves."""
        ...


class Lines:
    """One plain line for each check that has ended."""

    def __init__(self, console: Console) -> None:
        """Print to a console."""
        self._console = console
        self._counts: dict[str, Counter[Verdict]] = {}

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End."""

    def add(self, group: str, result: Result) -> None:
        """Count a result."""
        self._counts.setdefault(group, Counter())[result.verdict] += 1

    def ended(self, group: str) -> None:
        """Print how many results a check has."""
        counts = self._counts.get(group, Counter())
        summary = ", ".join(f"{counts[word]} {word}" for word in WORDS if counts[word])
        # Nothing is lost where the terminal is gone or nobody reads.
        with contextlib.suppress(OSError):
            self._console.print(f"{group}: {summary or 'nothing to check'}", highlight=False)


class Moving:
    """One line that moves: the counts so far, and the check that reported last."""

    def __init__(self, console: Console) -> None:
        """Draw on a console, which should be a terminal."""
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._task = self._progress.add_task("looking for the ways")
        self._counts: Counter[Verdict] = Counter()
        self._through = 0

    def __enter__(self) -> Self:
        """Begin."""
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End and leave nothing behind."""
        self._progress.stop()

    def add(self, group: str, result: Result) -> None:
        """Count a result."""
        self._counts[result.verdict] += 1
        self._draw(group)

    def ended(self, group: str) -> None:
        """Count a check."""
        self._through += 1
        self._draw(group)

    def _draw(self, group: str) -> None:
        summary = ", ".join(f"{self._counts[word]} {word}" for word in WORDS)
        self._progress.update(
            self._task, description=f"{summary} [{self._through} through] {group}"
        )
