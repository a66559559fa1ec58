"""What all rooms' tests share."""

import gc
import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, settings
from hypothesis.database import DirectoryBasedExampleDatabase

from sandbox.clouds.background import OWNER_VARIABLE
from sandbox.engine import find
from sandbox.engine.find import Engine
from support import forks, signals
from support.cost import Costs
from support.engine import Deployments

TESTS = Path(__file__).resolve().parent
DOCS = TESTS.parent / "docs"
OTHERS = ("engine", "lab", "sandbox")
"""Folders of tests that are not of a room whose coverage is measured."""
TAKES_LONG = (TESTS / "lab", TESTS / "engine")
"""Folders of tests that take minutes a file."""

# One profile everywhere, instead of one with a deadline and another that repeats its examples:
# no deadline, because what is slow is the machine; new examples each time; and an example that
# fails is printed, kept in .hypothesis and tried first the next time.
settings.register_profile(
    "everywhere",
    deadline=None,
    derandomize=False,
    print_blob=True,
    database=DirectoryBasedExampleDatabase(DOCS.parent / ".hypothesis" / "examples"),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("everywhere")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of `make docs` and of docs/benchmarks.md."""
    parser.addoption(
        "--write-docs", action="store_true", help="write the pages in docs/ instead of checking"
    )
    parser.addoption(
        "--cost", type=int, metavar="N", help="show what the tests cost, and the N slowest"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Let every cloud that a test starts end with this process, even if it is killed.

    The Pythons that tests start, by the hundred, keep what they compile, whatever was set.
    """
    signals.restore()
    os.environ[OWNER_VARIABLE] = str(os.getpid())
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    config.addinivalue_line("markers", "root: only root may do what the test does")
    if slowest := config.getoption("--cost"):
        config.pluginmanager.register(Costs(slowest))


def pytest_unconfigure() -> None:
    """End what the tests' stacks started their Pythons with."""
    forks.end()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return how many tests run beside each other: more than half of their time they wait."""
    return (os.cpu_count() or 1) + 3


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Look for no garbage while the tests are collected, nor afterwards among what was.

    All of it stays until the end, and looking at it takes a quarter of the time of each worker.

    The first worker collects alone, so that on a fresh clone the others find every module compiled:
    compiling takes as long as all the rest, and they would each do it.
    """
    gc.disable()
    try:
        with _alone_if_first(session.config):
            return (yield)
    finally:
        gc.freeze()
        gc.enable()


@contextmanager
def _alone_if_first(config: pytest.Config) -> Generator[None]:
    """Let the first of several workers do what follows alone, and the others afterwards."""
    if not hasattr(config, "workerinput"):
        yield
        return
    done = Path(str(config.getoption("basetemp"))).parent / "collected"
    with FileLock(f"{done}.lock") as lock:
        if done.exists():
            lock.release()
        yield
        done.touch()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what only root may do where somebody else runs the tests; CI skips nothing.

    Coverage is that of three rooms, so the others' tests run without it, twice as quick. So do
    tests that draw their examples: what they reach by chance, the next run may not.

    The order of the files is random, but those that take long come first: a worker that begins with
    one of them last is waited for by the others. The lab's come before the engine's, so that the
    labs that several files share can be closed early: an open one costs, though nobody uses it.
    """
    for item in items:
        of_others = item.path.is_relative_to(TESTS) and (
            item.path.relative_to(TESTS).parts[0] in OTHERS
        )
        if of_others or item.get_closest_marker("hypothesis"):
            item.add_marker("no_cover")
    # Sorting keeps the order of what is equal.
    items.sort(key=lambda item: [item.path.parent != folder for folder in TAKES_LONG])
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


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that is the same for all of pytest's workers."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


@pytest.fixture(scope="session")
def engine() -> Engine:
    return find.find(print)


@pytest.fixture(scope="session")
def deployments(shared_folder: Path, engine: Engine) -> Deployments:
    return Deployments(shared_folder / "deployments", engine)
