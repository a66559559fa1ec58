"""A command that waits for another says so."""

import threading
from pathlib import Path

import pytest

from sandbox import locks
from sandbox.locks import held


def test_a_wait_is_told_of_and_none_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "_UNNOTICED_SECONDS", 0)
    told, path = threading.Event(), tmp_path / "lock"
    lines: list[str] = []

    def say(line: str) -> None:
        lines.append(line)
        told.set()

    def wait() -> None:
        with held(path, "makes the engine", say):
            lines.append("in")

    with held(path, "makes the engine", say):
        assert lines == []
        other = threading.Thread(target=wait)
        other.start()
        assert told.wait(timeout=60)
        assert lines == [f"Another command makes the engine; waiting until it is through ({path})"]
    other.join(timeout=60)
    assert lines[1:] == ["in"]
