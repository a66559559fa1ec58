"""What README.md shows is what the commands print; of the lab, see tests/lab/test_docs.py."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.engine import CHECKOUT, Sandbox
from support.shown import README, assert_in_order, shown


def test_the_two_commands_are_shown() -> None:
    assert shown(README, "make up")
    assert shown(README, "make test") == []


def test_make_up_prints_what_is_shown(sandbox: Sandbox) -> None:
    up = sandbox.run("up")
    assert up.returncode == 0
    wanted = shown(README, "make up")
    table = wanted.index("output value")
    assert_in_order(wanted[:table], up.stderr)
    assert_in_order(wanted[table:], up.stdout)
    assert_in_order(shown(README, "pulumi preview"), sandbox.shell("pulumi preview"))


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
