"""What all rooms' tests share: pages that are made from the code."""

from collections.abc import Callable
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[1] / "docs"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that `make docs` uses."""
    parser.addoption(
        "--write-docs", action="store_true", help="write the pages in docs/ instead of checking"
    )


@pytest.fixture
def check_page(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Return a function that compares a page of docs/ with what it should say, or writes it."""

    def check(name: str, text: str) -> None:
        page = DOCS / name
        if request.config.getoption("--write-docs"):
            page.write_text(text)
        assert page.read_text() == text, f"docs/{name} is out of date; write it with: make docs"

    return check
