"""The benchmark of the lab and of `dualstack verify` runs, in its short form and the shared lab."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from support.engine import CHECKOUT

if TYPE_CHECKING:
    from support.scene import Scene


def test_its_short_form_ends_with_its_tables(
    open_scene: "Scene", monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @contextmanager
    def shared(*_: object) -> Generator["Scene"]:
        yield open_scene

    monkeypatch.setattr(sys, "path", [str(CHECKOUT / "benchmarks"), *sys.path])
    benchmark = import_module("verification")
    monkeypatch.setattr(benchmark, "prepared", shared)
    monkeypatch.setattr(benchmark, "opened", shared)
    monkeypatch.setattr(sys, "argv", ["verification.py", "--short"])
    benchmark.main()
    printed = capsys.readouterr().out
    rows = ("a lab of", "dualstack verify, all of it", "found")
    assert [row for row in rows if row not in printed] == []
