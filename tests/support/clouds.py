"""Clouds on loopback, started quickly."""

from pathlib import Path
from threading import Lock
from typing import Final

from sandbox.clouds import background
from support import forks

_LOCK: Final = Lock()
"""Two threads would make two of the processes that fork."""


def start_cloud(name: str, home: Path) -> background.Cloud:
    """Start a cloud as `background.start` does, by a Python that has imported what it needs."""
    with _LOCK:
        python = forks.python("clouds")
    return background.start(name, home, python=str(python))
