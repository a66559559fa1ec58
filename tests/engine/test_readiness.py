"""An address moves to a droplet that serves, with the real engine, in a network of the test's own.

The droplets of the sandbox are entries in an account, at addresses for documentation. In a network
namespace those addresses can lead nowhere, to a machine that refuses, or to one that serves.
"""

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from sandbox.clouds import background
from support.engine import CLOUDS, Deployments, Stack, holders
from support.namespaces import own_network

READY_SECONDS: Final = 5
CHANGED: Final = {"regions": ["fra1", "ams3"], "connections": 4000, "readySeconds": READY_SECONDS}


@pytest.fixture
def network() -> Iterator[None]:
    with own_network():
        yield


@pytest.fixture
def clouds(
    network: None, deployments: Deployments, tmp_path: Path
) -> Iterator[tuple[background.Cloud, background.Cloud]]:
    del network
    home = tmp_path / "clouds"
    yield deployments.start(home)
    for name in CLOUDS:
        background.stop(name, home)


@pytest.fixture
def droplets(clouds: tuple[background.Cloud, background.Cloud]) -> background.Cloud:
    return clouds[1]


@pytest.fixture
def stack(
    clouds: tuple[background.Cloud, background.Cloud], deployments: Deployments, tmp_path: Path
) -> Stack:
    """The stack, deployed, and after that changed in a way that replaces its droplets."""
    stack = deployments.copy("whole", *clouds, tmp_path)
    stack.configure(proxy=CHANGED)
    return stack


def lead_the_cloud_s_addresses_here(network: str = "2001:db8:d0::/47") -> None:
    """Make connections to droplets and reserved addresses end at this machine.

    Args:
        network: Which of them. Droplets are in 2001:db8:d0::/48, reserved addresses in the next.
    """
    subprocess.run(["ip", "-6", "route", "add", "local", network, "dev", "lo"], check=True)


def test_a_droplet_that_does_not_serve_stops_the_deployment_and_its_address_stays(
    stack: Stack, droplets: background.Cloud
) -> None:
    before = holders(droplets)
    lead_the_cloud_s_addresses_here()
    printed = stack.up().refused()
    assert "The addresses that did not move yet were left where they are" in printed
    assert "is not serving port 443; a droplet that answers there" in printed
    assert "Traceback" not in printed
    assert holders(droplets) == before
    with socket.create_server(("::", 443), family=socket.AF_INET6):
        stack.up().must()
    after = holders(droplets)
    assert after.keys() == before.keys()
    assert not set(after.values()) & set(before.values())


def test_a_machine_without_ipv6_leaves_the_address_unless_it_is_told_to_wait_unseen(
    stack: Stack, droplets: background.Cloud
) -> None:
    before = holders(droplets)
    printed = stack.up().refused()
    assert "is not testable from this machine, which has no IPv6" in printed
    assert "Traceback" not in printed
    assert holders(droplets) == before
    stack.configure(proxy={**CHANGED, "whenUntestable": "wait"})
    waited = stack.up().must()
    assert "nobody knows whether proxy fra1-1 serves at 2001:db8:" in waited
    assert not set(holders(droplets).values()) & set(before.values())


def droplets_in_state(stack: Stack) -> list[str]:
    """Return the droplets that the stack has, those that wait for their end among them."""
    kind = "digitalocean:index/droplet:Droplet"
    return [resource["urn"] for resource in stack.resources() if resource["type"] == kind]


def test_the_last_address_that_moves_is_served_before_the_old_droplet_goes(
    stack: Stack, droplets: background.Cloud
) -> None:
    before = holders(droplets)
    lead_the_cloud_s_addresses_here("2001:db8:d0::/48")
    # Not a route that would say at once that there is no way, as on a machine without IPv6.
    subprocess.run(["ip", "-6", "route", "add", "2001:db8:d1::/48", "dev", "lo"], check=True)
    stack.wrap("import components.proxy_pool\ncomponents.proxy_pool.MOVE_SECONDS = 2")
    stack.configure(proxy={"regions": ["fra1", "ams3"], "readySeconds": READY_SECONDS})
    last = next(urn for urn in droplets_in_state(stack) if urn.endswith("ams3-1"))
    with socket.create_server(("::", 443), family=socket.AF_INET6):
        printed = stack.pulumi("up", "--yes", "--skip-preview", "--replace", last).refused()
        assert "Proxy ams3-1 at 2001:db8:d1:" in printed
        assert "is not serving port 443" in printed
        assert "Traceback" not in printed
        assert len(droplets_in_state(stack)) == 3
        stack.up().must()
    after = holders(droplets)
    assert len(droplets_in_state(stack)) == 2
    assert len(after.items() & before.items()) == 1
