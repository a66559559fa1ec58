"""The network is made by commands that follow from what it is and what it should be."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.lab.lab_host import LabHost, host_script, interface, router_lines

CHECKOUT = Path(__file__).resolve().parents[3]

BOTH = LabHost("both", "a host", ("198.18.2.2/32", "2001:db8:c::2/128"))
ONLY4 = LabHost("only4", "a host", ("198.18.2.1/32",))
DROPLET = LabHost(
    "droplet",
    "a droplet",
    ("198.51.100.2/24", "2001:db8:d0:a::2/64"),
    ("198.51.100.1", "2001:db8:d0:a::1"),
    routed=("2001:db8:d1:a::2/128",),
)


def hosts(*lab_hosts: LabHost) -> dict[str, LabHost]:
    """Return hosts by name."""
    return {host.name: host for host in lab_hosts}


@pytest.mark.parametrize("host", [BOTH, ONLY4, DROPLET])
def test_a_host_that_is_as_it_should_be_is_left_alone(host: LabHost) -> None:
    assert host_script(host, host) == ""
    assert router_lines(hosts(host), hosts(host)) == []


def test_a_droplet_has_the_gateways_of_its_cloud() -> None:
    batch = host_script(None, DROPLET).partition("<<'END'\n")[2].splitlines()
    assert batch == [
        "link set eth0 mtu 1500",
        "link set eth0 up",
        "addr replace 198.51.100.2/24 dev eth0 noprefixroute",
        "addr replace 2001:db8:d0:a::2/64 dev eth0 nodad noprefixroute",
        "route replace 198.51.100.1/32 dev eth0",
        "route replace 0.0.0.0/0 via 198.51.100.1 dev eth0",
        "route replace 2001:db8:d0:a::1/128 dev eth0",
        "route replace ::/0 via 2001:db8:d0:a::1 dev eth0",
        "END",
    ]


def test_a_changed_address_replaces_the_old_one_and_its_route() -> None:
    moved = replace(ONLY4, addresses=("198.18.2.9/32",))
    assert host_script(ONLY4, moved).splitlines()[1:-1] == [
        "addr del 198.18.2.1/32 dev eth0 noprefixroute",
        "addr replace 198.18.2.9/32 dev eth0 noprefixroute",
    ]
    link = interface("only4")
    assert router_lines(hosts(ONLY4), hosts(moved)) == [
        f"route replace 198.18.2.9/32 dev {link}",
        f"route del 198.18.2.1/32 dev {link}",
    ]


def test_a_routed_address_moves_from_one_host_to_another_in_one_step() -> None:
    other = replace(DROPLET, name="other", addresses=("2001:db8:d0:a::3/64",), routed=())
    after = hosts(replace(DROPLET, routed=()), replace(other, routed=DROPLET.routed))
    assert router_lines(hosts(DROPLET, other), after) == [
        f"route replace 2001:db8:d1:a::2/128 dev {interface('other')}"
    ]


def test_what_is_routed_to_a_host_that_is_gone_is_gone_with_its_link() -> None:
    assert router_lines(hosts(ONLY4, DROPLET), hosts(ONLY4)) == []


def test_interfaces_have_names_that_the_kernel_takes() -> None:
    names = {interface(f"droplet-with-a-long-name-{number}") for number in range(100)}
    assert len(names) == 100
    assert max(map(len, names)) <= 15


@pytest.mark.root
def test_hosts_reach_each_other_through_the_router_alone(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *("unshare", "--net", "--pid", "--mount", "--fork", "--mount-proc"),
            *("--kill-child=SIGKILL", sys.executable, "-m", "support.network_walk", str(tmp_path)),
        ],
        env={
            **os.environ,
            "PATH": f"/usr/sbin:/sbin:{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join(map(str, (CHECKOUT, CHECKOUT / "tests"))),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "both families": [True] * 4,
        "IPv4 of an IPv6-only host": "",
        "IPv6 of an IPv4-only host": "",
        "neighbors of one network": True,
        "resolv.conf": "nameserver 198.18.3.2",
        "an address without a gateway": True,
        "routed to one that does not have it": False,
        "routed to the other": True,
        "a large packet": True,
        "a packet too large for a link": "From 198.18.254.1 icmp_seq=1 Frag needed and DF set "
        "(mtu = 1300)",
        "hosts": ["both", "internet", "only4", "only6"],
        "filtered": False,
        "fault": True,
        "after close": {},
    }
