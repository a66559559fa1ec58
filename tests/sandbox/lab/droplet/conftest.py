"""A place to boot droplets in."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.droplet import Site, laid_out


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with laid_out(tmp_path) as site:
        yield site
