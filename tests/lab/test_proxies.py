"""The proxies follow the load balancer, fail one at a time, and are replaced while they serve."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import pytest

from sandbox.lab.dns import NAME_SERVERS
from support.scene import HOSTNAME
from support.waiting import wait_until

if TYPE_CHECKING:
    from support.scene import Scene

PROXY: Final = {"regions": ["fra1", "ams3"], "readySeconds": 0}
DIRECT: Final = {"direct": 100, "cdn": 0}
FOLLOWED_SECONDS: Final = 90
"""The load balancer's name has a TTL of a minute."""


ASK: Final = f"""
import sys
import dns.message, dns.query
for _ in range(50):
    question = dns.message.make_query(sys.argv[1], "AAAA")
    for answer in dns.query.udp(question, "{NAME_SERVERS[1]}", timeout=2).answer:
        print(*answer)
"""
"""Asks for AAAA where no resolver's cache is in between."""


@pytest.fixture
def served(scene: "Scene") -> Iterator["Scene"]:
    """Two proxies that serve, and nothing out of order."""
    scene.deploy(proxy=PROXY, traffic=DIRECT)
    before = scene.lab.settings
    yield scene
    scene.lab.set(before)
    scene.lab.settle()


def ask_through(scene: "Scene", proxy: str, client: str = "ipv6-only") -> bool:
    """Say whether the API answers through one proxy."""
    done = scene.lab.run(
        client,
        *("curl", "--silent", "--max-time", "3", "--cacert", str(scene.lab.ca)),
        *("--connect-to", f"{HOSTNAME}:443:[{proxy}]:443", f"https://{HOSTNAME}/echo"),
    )
    return done.returncode == 0


def in_droplet(scene: "Scene", host: str, *words: str) -> str:
    """Return what a command inside a droplet prints, entered as docs/lab.md says."""
    first = (scene.lab.folder / "hosts" / host / f"{host}.pid").read_text()
    done = scene.lab.run(host, "nsenter", "--all", f"--target={first}", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


CONNECT: Final = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 3)"


def test_the_firewall_lets_in_what_it_says_though_the_droplet_listens_on_more(
    served: "Scene",
) -> None:
    for host in (name for name in served.lab.hosts if name.startswith("droplet-")):
        listening = in_droplet(served, host, "ss", "-Hltn").split()
        address = served.lab.hosts[host].addresses[1]
        for port, code in (("443", 0), ("22", 1)):
            assert f"[::]:{port}" in listening
            words = ("python3", "-c", CONNECT, address, port)
            assert served.lab.run("ipv6-only", *words).returncode == code


@pytest.fixture
def other_addresses(served: "Scene") -> Iterator["Scene"]:
    """The same, with a load balancer at other addresses; nobody remembers them afterwards."""
    name = next(r["target"] for r in served.stack.outputs()["records"] if r["type"] == "A")
    proxies = served.stack.outputs()["proxyAddresses"]
    assert all(ask_through(served, proxy) for proxy in proxies)
    served.lab.change(load_balancer_addresses={name: ("198.18.0.250", "198.18.0.251")})
    served.lab.settle()
    yield served
    served.lab.change(load_balancer_addresses={})
    served.forget()
    for host in (name for name in served.lab.hosts if name.startswith("droplet-")):
        in_droplet(served, host, "systemctl", "restart", "unbound", "nginx")
    wait_until(lambda: all(ask_through(served, proxy) for proxy in proxies))


def test_a_load_balancer_that_changes_its_addresses_is_followed(other_addresses: "Scene") -> None:
    proxies = other_addresses.stack.outputs()["proxyAddresses"]
    wait_until(
        lambda: all(ask_through(other_addresses, proxy) for proxy in proxies), FOLLOWED_SECONDS
    )


def test_clients_recover_from_a_dead_proxy_by_the_health_checked_records(
    served: "Scene",
) -> None:
    dead = next(name for name in served.lab.hosts if name.startswith("droplet-"))
    lost = set(served.lab.hosts[dead].addresses)
    (alive,) = set(served.stack.outputs()["proxyAddresses"]) - lost
    served.lab.change(down=(dead,), check_speed=10.0)

    def answers() -> set[str]:
        """Return what the zone's own server answers, many times."""
        return set(served.lab.run("ipv6-only", sys.executable, "-c", ASK, HOSTNAME).stdout.split())

    wait_until(lambda: answers() == {alive}, 150)
    wait_until(lambda: bool(served.ask("ipv6-only")), 70)
