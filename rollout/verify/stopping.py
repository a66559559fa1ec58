"""What ends a run early: SIGINT, SIGTERM, SIGHUP, and the time limit.

The usual way is an exception out of the signal handler. It loses the report wherever it comes at a
bad moment: in a lookup that cannot be cancelled, in a library that swallows it, in the report that
is just being written. So no handler raises anything here. The work is done in a thread of its own;
the main thread waits for it or for a signal, and then tells what there is, whatever the work is
stuck in.
"""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from threading import Event, Thread
from types import FrameType, TracebackType
from typing import Any, Final, Self

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C; what service managers, containers and CI send; and the end of a terminal."""

LOOK_SECONDS: Final = 0.1
"""How often the main thread looks for a signal: one given to another thread does not wake it."""

GRACE_SECONDS: Final = 1.0
"""How long checks may take to end once they are cancelled."""

REPORT_SECONDS: Final = 5.0
"""How long a report may take to be written before a further signal gives it up, as where nobody
reads the pipe that it goes to."""

MOST_SECONDS: Final = 86_400.0
"""The longest time limit, a day."""


class StopSignals:
    """Signals and the time limit, as a reason to stop; while it is entered they end nothing."""

    def __init__(
        self, time_limit_seconds: float | None = None, *, report_seconds: float = REPORT_SECONDS
    ) -> None:
        """Wait for signals, and for the end of a time limit that begins on entering.

        Args:
            time_limit_seconds: The time limit; None: there is none.
            report_seconds: How long a report may take before a further signal gives it up.
        """
        self.reason = ""
        """Why to stop, as `interrupted by SIGTERM`; empty: nothing says so."""
        self._limit = time_limit_seconds
        self._report_seconds = report_seconds
        self._count = 0
        self._before: dict[int, Any] = {}
        self._writing_since: float | None = None
        self._give_up: Callable[[], None] | None = None

    def __enter__(self) -> Self:
        """Take the signals over. `nohup` has SIGHUP ignored, and that stays."""
        for number in SIGNALS:
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._note)
        if self._limit is not None:
            self._before[signal.SIGALRM] = signal.signal(signal.SIGALRM, self._note)
            signal.setitimer(signal.ITIMER_REAL, self._limit)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the signals back."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def wait(self, ended: Event) -> bool:
        """Wait until the work has ended or a signal came; return whether the work has ended."""
        while not ended.wait(LOOK_SECONDS):
            if self.reason:
                return False
        return True

    def wait_again(self, ended: Event) -> None:
        """Give cancelled work a moment to end; none once another signal comes."""
        count, until = self._count, time.monotonic() + GRACE_SECONDS
        while not ended.wait(LOOK_SECONDS):
            if self._count > count or time.monotonic() > until:
                return

    def writing(self, give_up: Callable[[], None]) -> None:
        """Note that the report is being written.

        Signals no longer count, unless it takes long.

        Args:
            give_up: Ends the process.
        """
        self._writing_since, self._give_up = time.monotonic(), give_up

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if self._writing_since is not None:
            if self._give_up and time.monotonic() - self._writing_since > self._report_seconds:
                self._give_up()
            return
        self._count += 1
        if number == signal.SIGALRM:
            self.reason = self.reason or f"time limit of {self._limit:g} s reached"
        else:
            self.reason = self.reason or f"interrupted by {signal.Signals(number).name}"


def end_process(thread: Thread, code: int) -> None:
    """End the process at once if a thread is stuck in something, as a lookup; else return.

    Python waits for such threads at its end, for as long as they take.
    """
    thread.join(LOOK_SECONDS)
    if thread.is_alive():
        end_at_once(code)


def end_at_once(code: int) -> None:
    """End the process without waiting for anything."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)
