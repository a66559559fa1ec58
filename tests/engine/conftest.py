"""The real engine, the program as it stands, and clouds on loopback.

Each test gets the account as seeded, and a stack in a folder of its own: the program's entry is
copied there, the components it imports are the checkout's.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox.clouds import background
from sandbox.engine.find import Engine
from support.engine import CLOUDS, Deployments, Sandbox, Stack, client, control, new_stack

if TYPE_CHECKING:
    from types_boto3_cloudfront import CloudFrontClient
    from types_boto3_route53 import Route53Client


@pytest.fixture(scope="session")
def clouds(
    tmp_path_factory: pytest.TempPathFactory, deployments: Deployments
) -> Iterator[tuple[background.Cloud, background.Cloud]]:
    home = tmp_path_factory.mktemp("clouds")
    yield deployments.start(home)
    for name in CLOUDS:
        background.stop(name, home)


@pytest.fixture
def account(clouds: tuple[background.Cloud, background.Cloud]) -> background.Cloud:
    """The AWS account as seeded, with distributions that deploy at once."""
    cloud, _ = clouds
    control(cloud, "POST", "reset")
    control(cloud, "PUT", "settings", {"deploy_seconds": 0.1})
    return cloud


@pytest.fixture
def droplets(clouds: tuple[background.Cloud, background.Cloud]) -> background.Cloud:
    """The DigitalOcean account as seeded, with droplets that boot at once."""
    _, cloud = clouds
    control(cloud, "POST", "reset")
    control(cloud, "PUT", "settings", {"action_seconds": 0.1})
    return cloud


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
def half_on_cdn(
    account: background.Cloud,
    droplets: background.Cloud,
    deployments: Deployments,
    tmp_path: Path,
) -> Stack:
    """The sandbox's stack with all it has, deployed at 50/50; answers live for `TTL_SECONDS`."""
    return deployments.copy("half-on-cdn", account, droplets, tmp_path)


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    sandbox = Sandbox(tmp_path / "sandbox")
    yield sandbox
    sandbox.run("down")
