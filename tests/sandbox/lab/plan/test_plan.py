"""The lab is a function of what is deployed and of what is set."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.lab.deployed import Deployed
from sandbox.lab.lab_host import LabHost
from sandbox.lab.lab_settings import LabSettings
from sandbox.lab.plan.hosts import CLIENTS, droplet_hosts
from sandbox.lab.plan.propagation import edge_delays, edge_view
from support.deployed import DEPLOYED, droplet, planned

# Names


def test_a_replaced_droplet_keeps_its_host_and_the_new_one_has_its_own_for_good() -> None:
    both = Deployed(droplets=(droplet(2), droplet(9)))
    first = droplet_hosts(Deployed(droplets=(droplet(2),)), {})
    second = droplet_hosts(both, first)
    third = droplet_hosts(Deployed(droplets=(droplet(9),)), second)
    assert [first, second, third] == [
        {2: "droplet-proxy"},
        {2: "droplet-proxy", 9: "droplet-proxy-9"},
        {9: "droplet-proxy-9"},
    ]


@given(st.lists(st.sets(st.integers(1, 6)), max_size=6))
def test_no_two_droplets_share_a_host_and_none_ever_moves(moments: list[set[int]]) -> None:
    names: dict[int, str] = {}
    for ids in moments:
        deployed = Deployed(droplets=tuple(droplet(number) for number in ids))
        after = droplet_hosts(deployed, names)
        assert set(after) == ids
        assert len(set(after.values())) == len(ids)
        assert all(after[number] == names[number] for number in ids if number in names)
        names = after


# Propagation


def test_edge_nodes_hear_of_a_change_one_after_the_other() -> None:
    assert edge_delays(LabSettings(edge_nodes=4, propagation_seconds=2)) == [0.5, 1.0, 1.5, 2.0]


@pytest.mark.parametrize(
    ("moment", "delay", "seen"),
    [
        pytest.param(100.0, 5.0, "first", id="the first is known everywhere"),
        pytest.param(204.0, 5.0, "first", id="too early"),
        pytest.param(205.0, 5.0, "second", id="just in time"),
        pytest.param(211.0, 5.0, "third", id="two changes at once"),
        pytest.param(206.0, 0.0, "third", id="no delay"),
    ],
)
def test_a_node_sees_the_last_change_that_it_has_heard_of(
    moment: float, delay: float, seen: str
) -> None:
    history = [
        (since, Deployed(certificates={name: ()}))
        for since, name in ((99.0, "first"), (200.0, "second"), (206.0, "third"))
    ]
    assert list(edge_view(history, moment, delay).certificates) == [seen]


# The whole


def test_every_host_has_its_programs_and_every_program_a_host(tmp_path: Path) -> None:
    lab_plan = planned(tmp_path, DEPLOYED)
    clients = {client.name for client in CLIENTS}
    hosts = {host.name for host in lab_plan.hosts}
    assert {program.host for program in lab_plan.programs} == hosts - clients
    assert hosts == clients | {
        "names",
        "resolver",
        "cloud-resolver",
        "checkers",
        "load-balancer",
        "edge-1",
        "edge-2",
        "droplet-proxy",
        "nat64",
    }
    keys = [(program.host, program.name) for program in lab_plan.programs]
    assert len(set(keys)) == len(keys)


def test_no_two_hosts_share_an_address(tmp_path: Path) -> None:
    lab_plan = planned(tmp_path, DEPLOYED)
    addresses = [
        address.partition("/")[0]
        for host in lab_plan.hosts
        for address in (*host.addresses, *host.routed)
    ]
    assert len(set(addresses)) == len(addresses)


def test_a_droplet_has_the_addresses_of_its_cloud_and_its_reserved_one_is_routed(
    tmp_path: Path,
) -> None:
    (host,) = (host for host in planned(tmp_path, DEPLOYED).hosts if host.name == "droplet-proxy")
    assert host == LabHost(
        name="droplet-proxy",
        role="droplet 2",
        addresses=("198.51.100.2/24", "2001:db8:d0:a::2/64"),
        gateways=("198.51.100.1", "2001:db8:d0:a::1"),
        resolvers=("198.18.3.4",),
        routed=("2001:db8:d1:a::2/128",),
    )


@pytest.mark.parametrize(
    ("host", "families"),
    [("ipv4-only", {4}), ("dual-stack", {4, 6}), ("ipv6-only", {6}), ("load-balancer", {4})],
)
def test_a_host_speaks_the_families_that_it_stands_for(
    tmp_path: Path, host: str, families: set[int]
) -> None:
    (lab_host,) = (one for one in planned(tmp_path, DEPLOYED).hosts if one.name == host)
    assert lab_host.families == families


def test_nothing_deployed_is_a_lab_too(tmp_path: Path) -> None:
    assert planned(tmp_path, Deployed(), LabSettings(edge_nodes=1)).hosts
