"""A program that one host of the lab runs, as a value.

What renders one is pure; the lab compares the programs that should run with those that do, writes
the files that changed, and starts, reloads or ends programs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Program:
    """One program on one host."""

    name: str
    """What it is called in the lab; no two on one host have the same name."""
    host: str
    """Name of the host whose network it lives in."""
    command: tuple[str, ...]
    """The command that runs it in the foreground until SIGTERM, its path in full. One that differs
    from the running one is started anew."""
    files: Mapping[Path, str] = field(default_factory=dict[Path, str])
    """Text of each file it reads, by its path; written before it starts."""
    reload: tuple[str, ...] | None = None
    """The command that makes it take changed files without an interruption; None: SIGHUP does."""
    ready: tuple[str, ...] = ()
    """A command that ends with 0 once it serves what its files say now, so after a change not
    before that was taken over; none: it does as soon as it runs."""
    report: Path | None = None
    """A file with what is wrong with it although it is ready, a line each; missing: nothing."""
