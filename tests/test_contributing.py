"""CONTRIBUTING.md: the examples are carried out as they are printed, in a copy of the checkout."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

CHECKOUT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = (CHECKOUT / "CONTRIBUTING.md").read_text()
COPIED: Final = (
    *("components", "policies", "rollout", "sandbox", "tests", "docs", "pyproject.toml"),
    *("README.md", "LICENSE"),
)
BLOCK: Final = re.compile(
    r"(?:`(?P<path>[^`\n]+)`:\n\n)?```(?P<kind>python|diff|console)\n(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
"""A block of code; the line before it ends with the file that it is about."""


@dataclass(frozen=True)
class Block:
    """A block of an example: a new file, lines to change in one, or commands."""

    path: str | None
    kind: str
    text: str


def blocks(heading: str) -> list[Block]:
    """Return the blocks below a heading."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return [Block(match["path"], match["kind"], match["text"]) for match in BLOCK.finditer(section)]


def commands(block: Block) -> Iterator[str]:
    """Yield the commands of a block; what they print stands between them."""
    for line in block.text.splitlines():
        if line.startswith("$ "):
            yield line.removeprefix("$ ")


def changed(text: str, diff: str) -> str:
    """Return a text with the changes of a diff, each hunk at the one place where it fits."""
    for hunk in re.split(r"^@@.*\n", diff, flags=re.MULTILINE):
        lines = hunk.splitlines(keepends=True)
        before = "".join(line[1:] for line in lines if not line.startswith("+"))
        after = "".join(line[1:] for line in lines if not line.startswith("-"))
        if lines:
            assert text.count(before) == 1, f"{text.count(before)} places have:\n{before}"
            text = text.replace(before, after)
    return text


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in COPIED:
        path = CHECKOUT / name
        if path.is_dir():
            shutil.copytree(
                path, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", ".*")
            )
        else:
            shutil.copy(path, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize(
    "heading",
    ["Add a rule", "Add a check of `verify`", "Add a refusal of the local AWS"],
)
def test_an_example_works_as_it_is_printed(heading: str, copy: Path) -> None:
    written: list[str] = []
    ran: list[str] = []
    for block in blocks(heading):
        match block:
            case Block(path=str(path), kind="python"):
                assert not (copy / path).exists()
                (copy / path).write_text(block.text)
                written.append(path)
            case Block(path=str(path), kind="diff"):
                file = copy / path
                file.write_text(changed(file.read_text(), block.text))
                written.append(path)
            case Block(path=None, kind="console"):
                for command in commands(block):
                    run(copy, command)
                    ran.append(command)
            case _:
                pytest.fail(f"a {block.kind} block says not what it is of:\n{block.text}")
    assert any(command.startswith(".venv/bin/python -m pytest ") for command in ran)
    ruff = Path(sys.executable).with_name("ruff")
    for check in (["format", "--check"], ["check"]):
        run(copy, " ".join([str(ruff), *check, "--no-cache", *written]))


def run(folder: Path, command: str) -> None:
    """Run a command as a contributor does, in the copy; this environment's checkout is another."""
    done = subprocess.run(
        ["bash", "-euc", command.replace(".venv/bin/python", sys.executable)],
        cwd=folder,
        # A pytest removes what others left where it keeps its own folders, and two get into each
        # other's way.
        env={**os.environ, "PYTHONPATH": str(folder), "PYTEST_DEBUG_TEMPROOT": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_every_file_that_the_page_names_is_there_or_made_by_it() -> None:
    made = {block.path for block in map_blocks() if block.kind == "python"}
    named = set(
        re.findall(r"`((?:components|policies|rollout|sandbox|tests|docs)/[\w./-]*)`", PAGE)
    )
    missing = {name for name in named - made if not (CHECKOUT / name).exists()}
    assert missing == {"rollout/shift/gates/"}  # its room comes with `dualstack shift`


def map_blocks() -> list[Block]:
    """Return all blocks of the page."""
    return [Block(match["path"], match["kind"], match["text"]) for match in BLOCK.finditer(PAGE)]
