"""What pages show in blocks of a console, and whether commands print it."""

import re
from pathlib import Path

from support.engine import CHECKOUT

README = CHECKOUT / "README.md"
ADOPT = CHECKOUT / "docs" / "adopt.md"
VERIFY = CHECKOUT / "docs" / "verify.md"
WALK = CHECKOUT / "docs" / "walk.md"

PASSING = [
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID"),
    (r"\b[a-z][a-z0-9]{12}\.cloudfront\.net", "NAME.cloudfront.net"),
    (r"-[0-9]{9,10}\.us-east-1", "-NUMBER.us-east-1"),
    (r"(distributionId +)[A-Z0-9]+", r"\1ID"),
    (r"\(local: .*/policies/", "(local: …/policies/"),
    # Of several addresses any may be drawn, and load balancers have theirs by their names.
    (r"\b198\.18\.0\.[0-9]+", "198.18.0.N"),
    (r"\b198\.18\.1\.[0-9]+", "198.18.1.N"),
    (r"\b2001:db8:cf:[0-9a-f]+::1", "2001:db8:cf:N::1"),
    (r"\b2001:db8:d1:[0-9a-f]+::[0-9a-f]+", "2001:db8:d1:N::2"),
    (r"\bdroplet [0-9]+ .*", "droplet NUMBER"),
    (r"\b[0-9]+(\.[0-9])? s\b", "SECONDS s"),
    # Which of two nodes is asked is drawn. None stays none: it is what the exit code is about.
    (r"\b[1-9][0-9]* (pass|FAIL|unknown|checks that passed)\b", r"MANY \1"),
    # Which of the answers that were given twice is told first.
    (r"(X-Run%3A)[0-9a-f]+ .*", r"\1RUN"),
    (r" +", " "),
]
"""What differs between two runs, and how a line is compared without it."""


def steady(line: str) -> str:
    """Return a line without what differs between two runs."""
    for pattern, word in PASSING:
        line = re.sub(pattern, word, line)
    return line.strip()


def steps(page: Path) -> list[tuple[str, list[str]]]:
    """Return each command of a page and what is shown below it, but the lines that it leaves out.

    A command goes on in lines that begin with `>`, as a shell asks for them.
    """
    steps: list[tuple[str, list[str]]] = []
    for block in re.findall(r"```console\n(.*?)```", page.read_text(), re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            first, *lines = part.splitlines()
            more = [line.removeprefix("> ") for line in lines if line.startswith("> ")]
            printed = [steady(line) for line in lines if not line.startswith("> ")]
            steps.append(
                ("\n".join([first, *more]), [line for line in printed if line not in {"", "…"}])
            )
    return steps


def commands(page: Path) -> dict[str, list[str]]:
    """Return what a page shows below each command; one that comes twice is as the last time."""
    return dict(steps(page))


def shown(page: Path, command: str) -> list[str]:
    """Return the lines that a page shows below a command."""
    lines_by_command = commands(page)
    assert command in lines_by_command, f"{page.name} does not show: $ {command}"
    return lines_by_command[command]


def assert_in_order(expected: list[str], text: str) -> None:
    """Assert that lines were printed, in this order, whatever was printed between them.

    Of a line that ends in `…` what is before that has to be.
    """
    printed = iter([steady(line) for line in text.splitlines()])
    for line in expected:
        begins = line.removesuffix("…") if line.endswith(" …") else None
        was_printed = any(
            each == line if begins is None else each.startswith(begins) for each in printed
        )
        assert was_printed, f"A line is shown that was not printed: {line!r}\n{text}"
