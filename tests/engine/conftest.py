"""The real engine, the program as it stands, and a cloud on loopback.

Each test gets the account as seeded, and a stack in a folder of its own: the program's entry is
copied there, the components it imports are the checkout's.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox.clouds import background
from sandbox.clouds.aws import client_environment
from sandbox.engine import find
from sandbox.engine.find import Engine
from sandbox.engine.shell import STACK, Shell
from support.engine import Stack, client, control

if TYPE_CHECKING:
    from types_boto3_cloudfront import CloudFrontClient
    from types_boto3_route53 import Route53Client

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def engine() -> Engine:
    return find.find(print)


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[background.Cloud]:
    home = tmp_path_factory.mktemp("cloud")
    yield background.start("aws", home)
    background.stop("aws", home)


@pytest.fixture
def account(cloud: background.Cloud) -> background.Cloud:
    """The account as seeded, with distributions that deploy at once."""
    control(cloud, "POST", "reset")
    control(cloud, "PUT", "settings", {"deploy_seconds": 0.1})
    return cloud


@pytest.fixture
def route53(account: background.Cloud) -> "Route53Client":
    return client(account, "route53")


@pytest.fixture
def cloudfront(account: background.Cloud) -> "CloudFrontClient":
    return client(account, "cloudfront")


@pytest.fixture
def stack(account: background.Cloud, engine: Engine, tmp_path: Path) -> Stack:
    """The sandbox's stack, not yet deployed."""
    folder = tmp_path / "project"
    folder.mkdir()
    for name in ("__main__.py", "Pulumi.yaml", f"Pulumi.{STACK}.yaml"):
        shutil.copy(CHECKOUT / name, folder)
    for name in (".venv", "policies"):
        (folder / name).symlink_to(CHECKOUT / name)
    shell = Shell(folder, tmp_path / "home")
    shell.prepare()
    stack = Stack(folder, shell.environment(engine, client_environment(account.url)))
    stack.pulumi("stack", "init", STACK).must()
    return stack
