"""Labs of the sandbox's stack, deployed by the real engine to clouds on loopback."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.clouds import background
from sandbox.clouds.background import Cloud
from sandbox.lab.lab_settings import LabSettings
from support.engine import CLOUDS, Deployments, Sandbox, Stack, control
from support.scene import BOTH_PATHS, Scene, opened, prepared
from support.unlucky import UnluckyLab


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder: network namespaces are made by root."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.root)


@pytest.fixture(scope="package")
def clouds(
    tmp_path_factory: pytest.TempPathFactory,
    deployments: Deployments,
) -> Iterator[tuple[Cloud, Cloud]]:
    """An AWS and a DigitalOcean, as they are before anything is deployed."""
    home = tmp_path_factory.mktemp("clouds")
    account, droplets = deployments.start(home)
    control(account, "PUT", "settings", {"deploy_seconds": 0.1})
    control(droplets, "PUT", "settings", {"action_seconds": 0.1})
    yield account, droplets
    for name in CLOUDS:
        background.stop(name, home)


@pytest.fixture(scope="package")
def home(tmp_path_factory: pytest.TempPathFactory, deployments: Deployments) -> Iterator[Path]:
    """The folder of a sandbox that is up: clouds that run, and the state of what is deployed."""
    folder = tmp_path_factory.mktemp("sandbox")
    sandbox = Sandbox(folder / "home")
    deployments.copy("whole", *deployments.start(sandbox.home), folder)
    yield sandbox.home
    sandbox.run("down")


@pytest.fixture(scope="package")
def stack(
    tmp_path_factory: pytest.TempPathFactory, deployments: Deployments, clouds: tuple[Cloud, Cloud]
) -> Stack:
    """The sandbox's stack, deployed."""
    return deployments.copy("whole", *clouds, tmp_path_factory.mktemp("stack"))


@pytest.fixture(scope="package")
def shared_lab(
    tmp_path_factory: pytest.TempPathFactory,
    stack: Stack,  # noqa: ARG001 - deployed before the lab opens
    clouds: tuple[Cloud, Cloud],
) -> Iterator[UnluckyLab]:
    """A lab that several tests look at, one after the other; see `lab`."""
    folder = tmp_path_factory.mktemp("lab")
    messages: list[str] = []
    with UnluckyLab.open(clouds[0].url, clouds[1].url, folder, say=messages.append) as lab:
        lab.messages = messages
        yield lab


@pytest.fixture
def lab(shared_lab: UnluckyLab) -> Iterator[UnluckyLab]:
    """A lab of the deployed stack, with nothing set and luck."""
    shared_lab.set(LabSettings())
    shared_lab.settle()
    shared_lab.messages.clear()
    yield shared_lab
    shared_lab.refused = shared_lab.broken = False
    shared_lab.set(LabSettings())


@pytest.fixture(scope="package")
def shared_scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Clouds, a stack and a lab that the tests of several files deploy to; see `open_scene`."""
    folder = tmp_path_factory.mktemp("scene")
    with prepared(folder) as stack_and_clouds, opened(stack_and_clouds, folder) as scene:
        yield scene


@pytest.fixture(scope="module")
def open_scene(shared_scene: Scene) -> Scene:
    """A lab for the tests of a file, whose settings are those of the checkout again."""
    shared_scene.reset()
    return shared_scene


@pytest.fixture
def scene(open_scene: Scene) -> Scene:
    """A lab of what is deployed, in which no cache knows anything of the tests before."""
    open_scene.forget()
    return open_scene


@pytest.fixture(scope="module")
def edge(open_scene: Scene) -> Scene:
    """A lab of everything there is; each test mends what it breaks."""
    open_scene.deploy(**BOTH_PATHS)
    open_scene.name_one()
    return open_scene


@pytest.fixture
def untouched(tmp_path: Path) -> Iterator[Scene]:
    """A lab of clouds that nothing was deployed to."""
    with prepared(tmp_path) as stack_and_clouds, opened(stack_and_clouds, tmp_path) as scene:
        yield scene
