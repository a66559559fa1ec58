"""LabSettings of a lab, changed by their names."""

import pytest

from sandbox.lab.lab_settings import LabSettings, changed


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("edge-nodes", "3", LabSettings(edge_nodes=3)),
        ("propagation-seconds", "0.5", LabSettings(propagation_seconds=0.5)),
        ("check-speed", "10", LabSettings(check_speed=10)),
        ("least-ttl-seconds", "60", LabSettings(least_ttl_seconds=60)),
        ("mtu.edge-1", "1280", LabSettings(mtu={"edge-1": 1280})),
        ("down", "edge-1, edge-2", LabSettings(down=("edge-1", "edge-2"))),
        ("down", "", LabSettings()),
        ("allow", "198.18.0.0/15", LabSettings(allow=("198.18.0.0/15",))),
        ("allow", "", LabSettings()),
        (
            "load-balancer-addresses.api.elb.amazonaws.com",
            "198.18.0.7",
            LabSettings(load_balancer_addresses={"api.elb.amazonaws.com": ("198.18.0.7",)}),
        ),
        ("load-balancer-addresses.api.elb.amazonaws.com", "", LabSettings()),
    ],
)
def test_a_setting_is_changed_by_its_name(name: str, value: str, expected: LabSettings) -> None:
    assert changed(LabSettings(), name, value) == expected


NAMES = (
    "allow, check-speed, down, edge-nodes, expired-certificates, least-ttl-seconds, "
    "load-balancer-addresses.NAME, mtu.NAME, propagation-seconds, proxy-protocol"
)
LIST = "it is a list of IPv4 addresses. Separate them with commas."


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("edges", "3", f"The setting is edges; there are {NAMES}. Name one of these."),
        ("mtu", "1500", f"The setting is mtu; there are {NAMES}. Name one of these."),
        ("down.edge-1", "", f"The setting is down.edge-1; there are {NAMES}. Name one of these."),
        ("edge-nodes", "many", "edge-nodes is 'many'; it is a number. Give one."),
        ("edge-nodes", "0", "edge-nodes is 0; it is 1 to 16. Set another."),
        ("propagation-seconds", "nan", "propagation-seconds is nan; it is 0 to 3600. Set another."),
        ("mtu.edge-1", "1279", "mtu.edge-1 is 1279; it is 1280 to 9000. Set another."),
        ("load-balancer-addresses.api", "::1", f"load-balancer-addresses.api has ::1; {LIST}"),
        (
            "allow",
            "everybody",
            "allow has everybody; it is a list of IPv4 networks. Separate them with commas.",
        ),
    ],
)
def test_a_setting_that_cannot_be_is_refused_with_what_can(
    name: str, value: str, message: str
) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        changed(LabSettings(), name, value)
    assert str(refused.value) == message
