"""What the pages link to is there.

What README.md shows is what the commands print: see test_sandbox.py, and of the lab
tests/lab/test_docs.py.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.engine import CHECKOUT
from support.shown import README, shown


def test_the_two_commands_are_shown() -> None:
    assert shown(README, "make up")
    assert shown(README, "make test") == []


def links() -> Iterator[tuple[Path, str]]:
    """Yield each page and each link in it that leads to a file or a heading of the project."""
    for page in (README, CHECKOUT / "CHANGELOG.md", *(CHECKOUT / "docs").rglob("*.md")):
        for link in sorted(set(re.findall(r"\]\((?!https?:)([^)]+)\)", page.read_text()))):
            yield page, link


@pytest.mark.parametrize(
    ("page", "link"),
    [pytest.param(page, link, id=f"{page.name}→{link}") for page, link in links()],
)
def test_every_page_and_heading_that_is_linked_exists(page: Path, link: str) -> None:
    name, _, heading = link.partition("#")
    target = page.parent / name if name else page
    assert target.exists()
    if heading:
        lines = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE)
        # As GitHub makes an anchor of a heading.
        assert heading in [re.sub(r"[^\w -]", "", line.lower()).replace(" ", "-") for line in lines]
