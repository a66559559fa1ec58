"""The real engine, the program as it stands, and clouds on loopback.

Each test gets the account as seeded, and a stack in a folder of its own: the program's entry is
copied there, the components it imports are the checkout's.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox.clouds import aws, background, digitalocean
from sandbox.engine import find
from sandbox.engine.find import Engine
from sandbox.engine.shell import STACK, Shell
from support.engine import CHECKOUT, Sandbox, Stack, client, control

if TYPE_CHECKING:
    from types_boto3_cloudfront import CloudFrontClient
    from types_boto3_route53 import Route53Client


@pytest.fixture(scope="session")
def engine() -> Engine:
    return find.find(print)


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[background.Cloud]:
    home = tmp_path_factory.mktemp("cloud")
    yield background.start("aws", home)
    background.stop("aws", home)


@pytest.fixture(scope="session")
def other_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[background.Cloud]:
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
    folder = tmp_path / "project"
    folder.mkdir()
    for name in ("__main__.py", "Pulumi.yaml", f"Pulumi.{STACK}.yaml"):
        shutil.copy(CHECKOUT / name, folder)
    for name in (".venv", "policies"):
        (folder / name).symlink_to(CHECKOUT / name)
    shell = Shell(folder, tmp_path / "home")
    shell.prepare()
    clouds = {
        **digitalocean.client_environment(droplets.url),
        **aws.client_environment(account.url),
    }
    stack = Stack(folder, shell.environment(engine, clouds))
    stack.pulumi("stack", "init", STACK).must()
    return stack


@pytest.fixture
def stack(whole: Stack) -> Stack:
    """The sandbox's stack without its proxies, not yet deployed."""
    whole.configure(proxy=None)
    return whole


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    sandbox = Sandbox(tmp_path / "sandbox")
    yield sandbox
    sandbox.run("down")
