"""What README.md shows is what the commands print."""

import re
from pathlib import Path

import pytest

from support.engine import Sandbox

README = (Path(__file__).resolve().parents[2] / "README.md").read_text()

PASSING = [
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID"),
    (r"\b[a-z][a-z0-9]{12}\.cloudfront\.net", "NAME.cloudfront.net"),
    (r"-[0-9]{9,10}\.us-east-1", "-NUMBER.us-east-1"),
    (r"(distributionId +)[A-Z0-9]+", r"\1ID"),
    (r"\(local: .*/policies/", "(local: …/policies/"),
    (r" +", " "),
]
"""What differs between two runs, and how a line is compared without it."""


def steady(line: str) -> str:
    for pattern, word in PASSING:
        line = re.sub(pattern, word, line)
    return line.strip()


def shown(command: str) -> list[str]:
    """Return the lines README.md shows below a command, without those it leaves out."""
    blocks = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
    for block in blocks:
        told = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
        for part in told:
            first, *lines = part.splitlines()
            if first == command:
                return [steady(line) for line in lines if line.strip() != "…"]
    raise AssertionError(f"README.md does not show: $ {command}")


def assert_in_order(wanted: list[str], said: str) -> None:
    printed = iter([steady(line) for line in said.splitlines()])
    for line in wanted:
        assert line in printed, f"README.md shows a line that was not printed: {line!r}\n{said}"


def test_the_two_commands_are_shown() -> None:
    assert shown("make up")
    assert shown("make test") == []


def test_make_up_prints_what_is_shown(sandbox: Sandbox) -> None:
    up = sandbox.run("up")
    assert up.returncode == 0
    wanted = shown("make up")
    table = wanted.index("output value")
    assert_in_order(wanted[:table], up.stderr)
    assert_in_order(wanted[table:], up.stdout)
    assert_in_order(shown("pulumi preview"), sandbox.shell("pulumi preview"))


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\((?!http)([^)#]+)", README))))
def test_every_page_that_is_linked_exists(link: str) -> None:
    assert (Path(__file__).resolve().parents[2] / link).exists()
