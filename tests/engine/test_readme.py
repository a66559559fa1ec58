"""What README.md shows is what the commands print; of the lab, see tests/lab/test_docs.py."""

import re

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


@pytest.mark.parametrize(
    "link", sorted(set(re.findall(r"\]\((?!http)([^)#]+)", README.read_text())))
)
def test_every_page_that_is_linked_exists(link: str) -> None:
    assert (CHECKOUT / link).exists()
