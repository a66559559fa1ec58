"""A pass-through edge for the tests of a file."""

from collections.abc import Iterator

import pytest

from support.edge import RunningEdge, edge


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEdge]:
    """Run a pass-through edge."""
    with edge(tmp_path_factory.mktemp("edge")) as made:
        yield made


@pytest.fixture
def passing(running: RunningEdge) -> RunningEdge:
    """Return it, with an origin that does what it did at first."""
    running.origin.behave()
    return running
