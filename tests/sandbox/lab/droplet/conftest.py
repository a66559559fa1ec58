"""Places to boot droplets in."""

import runpy
from collections.abc import Iterator
from pathlib import Path

import pulumi.runtime
import pytest

from support.droplet import Site, laid_out
from support.recording import MockEngine

EXAMPLES = Path(__file__).resolve().parents[4] / "examples"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what boots: namespaces are made by root."""
    for item in items:
        path = item.path
        if path.parent == Path(__file__).parent and path.name in ("test_boot.py", "test_end.py"):
            item.add_marker(pytest.mark.root)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with laid_out(tmp_path) as site:
        yield site


STACKS = {"several-stacks": "staging"}
"""The stack of an example that takes no other."""


@pytest.fixture(scope="session")
def examples() -> Iterator[dict[str, list[str]]]:
    """The user data of each example's droplets."""
    engine = MockEngine()
    user_data: dict[str, list[str]] = {}
    for program in sorted(EXAMPLES.glob("*/__main__.py")):
        stack = STACKS.get(program.parent.name, "prod")
        engine.run(lambda path=str(program): runpy.run_path(path), stack=stack)
        droplets = engine.of_type("digitalocean:index/droplet:Droplet")
        user_data[program.parent.name] = [droplet.inputs["userData"] for droplet in droplets]
    yield user_data
    pulumi.runtime.set_all_config({}, [])
