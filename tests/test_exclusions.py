"""What coverage leaves out: few things, each with its reason."""

import re
import tomllib
from pathlib import Path
from typing import Final

CHECKOUT: Final = Path(__file__).resolve().parents[1]
TEXT: Final = (CHECKOUT / "pyproject.toml").read_text()
COVERAGE: Final = tomllib.loads(TEXT)["tool"]["coverage"]
PRAGMA: Final = re.compile(r"#\s*pragma: no (?:cover|branch)(.*)")
REASON: Final = re.compile(r" - \w+")

MOST_PRAGMAS: Final = 0
"""Marks in the code of the three rooms; more are a decision, made here."""
MOST_PATTERNS: Final = 4
"""Files and lines that pyproject.toml leaves out."""


def test_marks_in_the_code_are_few_and_say_why() -> None:
    marks = [
        (str(file.relative_to(CHECKOUT)), match[1])
        for room in COVERAGE["run"]["source"]
        for file in sorted((CHECKOUT / room).rglob("*.py"))
        for match in PRAGMA.finditer(file.read_text())
    ]
    assert len(marks) <= MOST_PRAGMAS, marks
    assert [mark for mark in marks if not REASON.match(mark[1])] == []


def test_patterns_are_few_and_say_why() -> None:
    section = TEXT.partition("[tool.coverage.run]")[2]
    patterns = [*COVERAGE["run"]["omit"], *COVERAGE["report"]["exclude_also"]]
    assert len(patterns) <= MOST_PATTERNS
    lines = [line for line in section.splitlines() if line.startswith('  "')]
    assert len(lines) == len(patterns)
    assert [line for line in lines if not re.search(r'",\s+# \S', line)] == []


def test_branches_count() -> None:
    assert COVERAGE["run"]["branch"] is True
    assert COVERAGE["run"]["source"] == ["components", "policies", "rollout"]
