"""The real engine, the program as it stands, and clouds on loopback.

Each test gets the account as seeded, and a stack in a folder of its own: the program's entry is
copied there, the components it imports are the checkout's.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox.clouds import background
from sandbox.engine import find
from sandbox.engine.find import Engine
from support.engine import Deployments, Sandbox, Stack, client, control, new_stack

if TYPE_CHECKING:
    from types_boto3_cloudfront import CloudFrontClient
    from types_boto3_route53 import Route53Client


@pytest.fixture(scope="session")
def engine() -> Engine:
    return find.find(print)


@pytest.fixture(scope="session")
def deployments(shared_folder: Path, engine: Engine) -> Deployments:
    return Deployments(shared_folder / "deployments", engine)


@pytest.fixture(scope="session")
def cloud(
    tmp_path_factory: pytest.TempPathFactory,
    deployments: Deployments,  # noqa: ARG001 - it says where snapshots are kept
) -> Iterator[background.Cloud]:
    home = tmp_path_factory.mktemp("cloud")
    yield background.start("aws", home)
    background.stop("aws", home)


@pytest.fixture(scope="session")
def other_cloud(
    tmp_path_factory: pytest.TempPathFactory,
    deployments: Deployments,  # noqa: ARG001 - the same
) -> Iterator[background.Cloud]:
    home = tmp_path_factory.mktemp("other-cloud")
    yield background.start("digitalocean", home)
    background.stop("digitalocean", home)


@pytest.fixture
def account(cloud: background.Cloud) -> background.Cloud:
    """The AWS account as seeded, with distributions that deploy at once."""
    control(cloud, "POST", "reset")
    control(cloud, "PUT", "settings", {"deploy_seconds": 0.1})
    return cloud


@pytest.fixture
def droplets(other_cloud: background.Cloud) -> background.Cloud:
    """The DigitalOcean account as seeded, with droplets that boot at once."""
    control(other_cloud, "POST", "reset")
    control(other_cloud, "PUT", "settings", {"action_seconds": 0.1})
    return other_cloud


@pytest.fixture
def route53(account: background.Cloud) -> "Route53Client":
    return client(account, "route53")


@pytest.fixture
def cloudfront(account: background.Cloud) -> "CloudFrontClient":
    return client(account, "cloudfront")


@pytest.fixture
def whole(
    account: background.Cloud, droplets: background.Cloud, engine: Engine, tmp_path: Path
) -> Stack:
    """The sandbox's stack with all it has, not yet deployed."""
    return new_stack(account, droplets, engine, tmp_path)


@pytest.fixture
def stack(whole: Stack) -> Stack:
    """The sandbox's stack without its proxies, not yet deployed."""
    whole.configure(proxy=None)
    return whole


@pytest.fixture
def deployed(
    account: background.Cloud,
    droplets: background.Cloud,
    deployments: Deployments,
    tmp_path: Path,
) -> Stack:
    """The sandbox's stack without its proxies, deployed."""
    return deployments.copy("without-proxies", account, droplets, tmp_path)


@pytest.fixture
def deployed_whole(
    account: background.Cloud,
    droplets: background.Cloud,
    deployments: Deployments,
    tmp_path: Path,
) -> Stack:
    """The sandbox's stack with all it has, deployed."""
    return deployments.copy("whole", account, droplets, tmp_path)


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    sandbox = Sandbox(tmp_path / "sandbox")
    yield sandbox
    sandbox.run("down")
