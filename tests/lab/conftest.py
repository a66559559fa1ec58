"""One lab for each file of tests; a test deploys what it is about."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.scene import Scene, opened


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with opened(tmp_path_factory.mktemp("scene")) as scene:
        yield scene


@pytest.fixture
def untouched(tmp_path: Path) -> Iterator[Scene]:
    """A lab of clouds that nothing was deployed to."""
    with opened(tmp_path) as scene:
        yield scene
