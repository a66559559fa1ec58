"""A terminal in which the lab is open, and others beside it."""

import os
import signal
import subprocess
import time
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread

from support.engine import CHECKOUT, DUALSTACK
from support.waiting import PATIENCE_SECONDS


class Terminal:
    """A terminal in which the lab is open."""

    def __init__(self, home: Path, *options: str) -> None:
        self.home = home
        self.lines: list[str] = []
        self._process = subprocess.Popen(
            [DUALSTACK, "sandbox", "lab", "open", *options],
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._queue: SimpleQueue[str] = SimpleQueue()
        self._reader = Thread(target=self._read)
        self._reader.start()

    def environment(self) -> dict[str, str]:
        """Return the variables of everything that is run beside it."""
        return {
            **os.environ,
            "DUALSTACK_SANDBOX_HOME": str(self.home),
            "PYTHONPATH": str(CHECKOUT),
        }

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._queue.put(line.rstrip())
        self._process.stdout.close()

    def until(self, text: str) -> str:
        """Return the line that has a text, once it is there."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                self.lines.append(self._queue.get(timeout=0.5))
            except Empty:
                assert self._process.poll() is None, self.lines
                continue
            if text in self.lines[-1]:
                return self.lines[-1]
        raise AssertionError("\n".join([f"no {text!r} in:", *self.lines]))

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a verb of the lab's in another terminal."""
        return self.dualstack("sandbox", "lab", *arguments)

    def dualstack(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run any command of ours in another terminal."""
        return subprocess.run(
            [DUALSTACK, *arguments],
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a verb of the lab's in another terminal, as the first of its process group."""
        return subprocess.Popen(
            [DUALSTACK, "sandbox", "lab", *arguments],
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )

    def interrupt(self) -> tuple[int, str]:
        """Press Ctrl-C; return the exit code and what it says last."""
        self._process.send_signal(signal.SIGINT)
        return self.ended()

    def ended(self) -> tuple[int, str]:
        """Wait until it has ended; return the exit code and what it says last."""
        code = self._process.wait(PATIENCE_SECONDS)
        self._reader.join()
        while not self._queue.empty():
            self.lines.append(self._queue.get())
        return code, self.lines[-1]
