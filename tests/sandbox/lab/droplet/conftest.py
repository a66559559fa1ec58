"""A place to boot droplets in."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.droplet import Site, laid_out


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    if os.geteuid() != 0:
        pytest.skip("only root can boot a droplet")
    with laid_out(tmp_path) as site:
        yield site
