"""What all rooms' tests share."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.clouds.background import OWNER_VARIABLE

DOCS = Path(__file__).resolve().parents[1] / "docs"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that `make docs` uses."""
    parser.addoption(
        "--write-docs", action="store_true", help="write the pages in docs/ instead of checking"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Let every cloud that a test starts end with this process, even if it is killed."""
    os.environ[OWNER_VARIABLE] = str(os.getpid())
    config.addinivalue_line("markers", "root: only root may do what the test does")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what only root may do where somebody else runs the tests; CI skips nothing."""
    if os.geteuid() == 0 or "CI" in os.environ:
        return
    for item in items:
        if item.get_closest_marker("root"):
            item.add_marker(pytest.mark.skip(reason="only root may; run the tests as root"))


@pytest.fixture
def check_page(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Return a function that compares a page of docs/ with what it should say, or writes it."""

    def check(name: str, text: str) -> None:
        page = DOCS / name
        if request.config.getoption("--write-docs"):
            page.write_text(text)
        assert page.read_text() == text, f"docs/{name} is out of date; write it with: make docs"

    return check
