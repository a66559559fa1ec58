"""Has a pack that is given twice speak once.

A pack named by `PULUMI_OPTION_POLICY_PACK` and by `--policy-pack` is started twice by one engine,
where the paths are written differently, and each process would report everything. (Where they are
written alike the engine asks one process twice; the server sees that itself.) The processes know
nothing of each other, so the first that is asked to judge takes a lock, named after the engine that
started it, the pack's folder and what is set about it. Another process of the same name is silent
while the first one lives.

Being silent for nobody would let everything pass. So the name holds whatever may differ: the
engine's address, the process that started both, whether it is a preview, the settings. Where there
are no such locks, or the folder for them cannot be used, everybody speaks.
"""

import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

OLD_SECONDS = 86_400
"""After a day a lock's file is of an engine that ended long ago."""


class Claim:
    """The right to speak for a pack, held by one process until it ends."""

    def __init__(self, engine: Sequence[str], folder: Path | None = None) -> None:
        """Prepare to claim; nothing is locked yet.

        Args:
            engine: What tells one engine's use of the pack from every other one.
            folder: Where the lock's file is; by default a folder of the user's own.
        """
        self._engine = engine
        self._folder = folder or Path(tempfile.gettempdir()) / f"pulumi-packs-{_user()}"
        self._speaks: dict[str, bool] = {}
        self._locks: list[int] = []

    def holds(self, *settings: str) -> bool:
        """Say whether this process may speak; the first time, try to become the one that does."""
        name = hashlib.sha256("\0".join([*self._engine, *settings]).encode()).hexdigest()
        if name not in self._speaks:
            self._speaks[name] = self._locked(name)
        return self._speaks[name]

    def close(self) -> None:
        """Let go of what is held; the end of the process does so as well."""
        while self._locks:
            os.close(self._locks.pop())

    def _locked(self, name: str) -> bool:
        try:
            import fcntl  # noqa: PLC0415 - not on Windows, where everybody speaks
        except ImportError:
            return True
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            _sweep(self._folder)
            lock = os.open(self._folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            return True
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return False
        except OSError:
            os.close(lock)
            return True
        self._locks.append(lock)
        return True


def of_this_process() -> Claim:
    """Return the claim of a process that an engine started as `python -m pulumi.policy` does."""
    engine, *folder = sys.argv[1:3] or [""]
    return Claim([engine, *(str(Path(one).resolve()) for one in folder), str(os.getppid())])


def _user() -> str:
    return str(os.getuid()) if hasattr(os, "getuid") else "me"


def _sweep(folder: Path) -> None:
    """Remove the files of locks of long ago."""
    before = time.time() - OLD_SECONDS
    for path in folder.iterdir():
        if path.stat().st_mtime < before:
            path.unlink(missing_ok=True)
