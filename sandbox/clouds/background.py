"""A cloud as a background process: it is started, looked up later, and stopped.

The naive way is a file with a process id in it. It fails twice: the system gives the id of a dead
process to a new one, which `stop` would then kill; and two shells that start at the same moment
start two clouds. So the file also holds the moment the process was created, which no later process
of the same id shares, and a lock is held while a cloud is looked for, started or stopped.

A cloud named `aws` is whatever `python -m sandbox.clouds.aws --port 0 --ready-file F` serves. It
writes `{"url": ..., "pid": ...}` to F once it listens, and ends on SIGTERM.
"""

import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final

import psutil
from filelock import FileLock
from pydantic import BaseModel, ConfigDict, ValidationError

START_SECONDS: Final = 60.0
"""How long a cloud may take to listen; it needs about 2 on an idle machine."""

STOP_SECONDS: Final = 10.0
"""How long a cloud may take to end after SIGTERM before it is killed."""

POLL_SECONDS: Final = 0.02

LOG_TAIL_LINES: Final = 20

OWNER_VARIABLE: Final = "DUALSTACK_SANDBOX_OWNER"
"""Environment variable with the id of the process a cloud ends with; not set, it ends with none."""

OWNER_POLL_SECONDS: Final = 0.5

SNAPSHOTS_VARIABLE: Final = "DUALSTACK_SANDBOX_SNAPSHOTS"
"""Environment variable with the folder that holds a folder of snapshots for each cloud: clouds that
are started with the same one restore each other's. Not set, it is `snapshots` in their home."""


class CloudError(RuntimeError):
    """A cloud did not start; the message carries the end of its log."""


@dataclass(frozen=True)
class Cloud:
    """A cloud that runs."""

    name: str
    """Which one: the name of a module in `sandbox.clouds`."""

    url: str
    """Where it listens, e.g. `http://127.0.0.1:40213`."""

    pid: int

    log: Path
    """What it printed: a line for every request, and its faults."""


class _Note(BaseModel):
    """What is kept about a running cloud."""

    model_config = ConfigDict(frozen=True)

    url: str
    pid: int
    created: float
    """When the process was created, seconds since 1970, as the system tells it."""


def start(
    name: str, home: Path, *, start_seconds: float = START_SECONDS, python: str = sys.executable
) -> Cloud:
    """Start a cloud and wait until it answers; return the running one if there is one.

    It outlives the caller: it is given a session of its own, so neither Ctrl-C in the caller's
    terminal nor the terminal's end reaches it.

    Args:
        name: module of `sandbox.clouds` to run.
        home: folder for its files: `<name>.json` (process), `<name>.log`, `<name>.lock`.
        start_seconds: how long to wait for it to listen.
        python: the Python that runs it.

    Raises:
        CloudError: it ended early, or did not listen in time. Nothing is left running.
    """
    home.mkdir(parents=True, exist_ok=True)
    with _lock(name, home):
        running = _running(name, home)
        return running or _launch(name, home, start_seconds, python)


def find(name: str, home: Path) -> Cloud | None:
    """Return the cloud that was started with this home, or None if it does not run any more."""
    if not home.is_dir():
        return None
    with _lock(name, home):
        return _running(name, home)


def stop(name: str, home: Path) -> bool:
    """End a cloud; killed if it does not end by itself. True when there was something to stop."""
    if not home.is_dir():
        return False
    with _lock(name, home):
        process = _process(name, home)
        if process is not None:
            _end(process)
        _note_path(name, home).unlink(missing_ok=True)
        return process is not None


def _lock(name: str, home: Path) -> FileLock:
    return FileLock(home / f"{name}.lock", timeout=START_SECONDS + STOP_SECONDS)


def _note_path(name: str, home: Path) -> Path:
    return home / f"{name}.json"


def _log_path(name: str, home: Path) -> Path:
    return home / f"{name}.log"


def _note(name: str, home: Path) -> _Note | None:
    """Read what was noted; a missing or torn file is the same as none."""
    try:
        return _Note.model_validate_json(_note_path(name, home).read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def _process(name: str, home: Path) -> psutil.Process | None:
    """Return the noted process if it still is the one that was noted."""
    note = _note(name, home)
    if note is None:
        return None
    try:
        process = psutil.Process(note.pid)
        same = process.create_time() == note.created
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.NoSuchProcess:
        return None


def _running(name: str, home: Path) -> Cloud | None:
    note = _note(name, home)
    if note is None or _process(name, home) is None:
        return None
    return Cloud(name=name, url=note.url, pid=note.pid, log=_log_path(name, home))


def _launch(name: str, home: Path, start_seconds: float, python: str) -> Cloud:
    log, ready = _log_path(name, home), home / f"{name}.ready"
    ready.unlink(missing_ok=True)
    snapshots = Path(os.environ.get(SNAPSHOTS_VARIABLE, home / "snapshots")) / name
    process = _spawn(python, name, ready, log, snapshots)
    try:
        url = _wait_until_ready(name, process, ready, log, start_seconds)
        note = _Note(url=url, pid=process.pid, created=process.create_time())
        _write_whole(_note_path(name, home), note.model_dump_json())
    except BaseException:
        _end(process)
        raise
    finally:
        ready.unlink(missing_ok=True)
    return Cloud(name=name, url=url, pid=process.pid, log=log)


def _spawn(python: str, name: str, ready: Path, log: Path, snapshots: Path) -> psutil.Process:
    """Start the process. Not with `subprocess`, which warns of children that outlive it."""
    command = [python, "-P", "-m", f"sandbox.clouds.{name}", "--port", "0"]
    pid = os.posix_spawn(
        python,
        [*command, "--ready-file", str(ready), "--snapshots", str(snapshots)],
        {**os.environ, "PYTHONUNBUFFERED": "1"},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )
    return psutil.Process(pid)


def _wait_until_ready(
    name: str, process: psutil.Process, ready: Path, log: Path, seconds: float
) -> str:
    deadline = time.monotonic() + seconds
    while not ready.exists():
        try:
            code = process.wait(POLL_SECONDS)
        except psutil.TimeoutExpired:
            if time.monotonic() >= deadline:
                raise CloudError(
                    _failure(name, f"does not listen after {seconds:g} s", log)
                ) from None
        else:
            raise CloudError(_failure(name, f"ended with exit code {code} before it listened", log))
    return json.loads(ready.read_bytes())["url"]


def _failure(name: str, what: str, log: Path) -> str:
    tail = log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:]
    log_end = "\n".join(f"  {line}" for line in tail) or "  (nothing)"
    return f"cloud {name!r} {what}. The end of {log}:\n{log_end}"


def _end(process: psutil.Process) -> None:
    try:
        process.terminate()
        process.wait(STOP_SECONDS)
    except psutil.TimeoutExpired:
        process.kill()
        process.wait(STOP_SECONDS)
    except psutil.NoSuchProcess:
        return


def write_ready(path: Path, url: str) -> None:
    """Write down that a cloud listens, for the process that waits; called by the cloud itself.

    Args:
        path: what `--ready-file` named.
        url: where it listens.
    """
    _write_whole(path, json.dumps({"url": url, "pid": os.getpid()}))


def wait_for_end(signals: SimpleQueue[int]) -> None:
    """Return when a cloud gets a signal or its owner is gone; called by the cloud itself.

    A cloud outlives the process that starts it. One of a test run must not: the run names itself in
    `OWNER_VARIABLE`, and even when it is killed nothing is left behind.

    Args:
        signals: gets the number of a signal. Not an `Event`: one that a signal handler sets while
            this thread is inside its `wait` waits for itself forever. The queue is made for it.
    """
    owner = os.environ.get(OWNER_VARIABLE)
    while owner is None or psutil.pid_exists(int(owner)):
        try:
            signals.get(timeout=OWNER_POLL_SECONDS)
        except Empty:
            continue
        return


def _write_whole(path: Path, text: str) -> None:
    """Write a file so that a reader sees all of it or nothing, whatever happens meanwhile."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    unfinished.write_text(text)
    unfinished.replace(path)
