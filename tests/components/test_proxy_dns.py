"""`ProxyDns`: one record for each proxy, its health, and what answers when none is healthy."""

from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_aws as aws
import pytest

from components.lookups import AliasTarget
from components.proxy_dns import ProxyDns
from components.proxy_pool import Address
from components.settings import Proxies, Traffic
from components.weighted_dns import WeightedDns

if TYPE_CHECKING:
    from support.recording import MockEngine

LOAD_BALANCER = AliasTarget("lb.eu-central-1.elb.amazonaws.com", "Z215JYRZR1TBD5")
GROUP = "_proxy.api.example.com"


async def hook(_: pulumi.ResourceHookArgs) -> None:
    pytest.fail("the mock engine calls no hook")


HOOK = pulumi.ResourceHookBinding(before_create=[hook])


def make(engine: "MockEngine", leaving: str = "", **options: Any) -> None:
    """Make the records of a pool of two, and the traffic records that lead to them."""

    def program() -> None:
        serving = aws.route53.Zone("serving", name="ready.example")
        addresses = [
            Address(node, pulumi.Output.from_input(ip), serving, HOOK, leaving=node == leaving)
            for node, ip in (("fra1-1", "2001:db8::1"), ("ams3-1", "2001:db8::2"))
        ]
        proxies = ProxyDns(
            "proxies",
            {
                "hostname": "api.example.com",
                "group": GROUP,
                "zone_id": "Z0EXAMPLE",
                "addresses": addresses,
                "pool": Proxies(regions=("fra1", "ams3")).model_copy(update=options),
                "load_balancer": LOAD_BALANCER,
            },
        )
        WeightedDns(
            "dns",
            {
                "hostnames": ["api.example.com", "api2.example.com"],
                "zone_id": "Z0EXAMPLE",
                "traffic": Traffic(direct=100, cdn=0),
                "load_balancer": LOAD_BALANCER,
                "distribution": AliasTarget("d111111abcdef8.cloudfront.net", "Z2FDTNDATAQYW2"),
                "proxies": proxies,
                "cdn_depends_on": [],
            },
        )

    engine.run(program)


def test_each_proxy_has_a_record_of_its_own_with_equal_weight_and_a_health_check(
    engine: "MockEngine",
) -> None:
    make(engine)
    for node, ip in (("fra1-1", "2001:db8::1"), ("ams3-1", "2001:db8::2")):
        assert engine.registered[f"proxies-{node}"].inputs == {
            "zoneId": "Z0EXAMPLE",
            "name": GROUP,
            "type": "AAAA",
            "ttl": 60,
            "setIdentifier": node,
            "weightedRoutingPolicies": [{"weight": 1}],
            "records": [ip],
            "healthCheckId": f"proxies-{node}-health-id",
        }


def test_without_a_path_a_proxy_is_healthy_when_it_accepts_at_its_own_address(
    engine: "MockEngine",
) -> None:
    make(engine)
    assert engine.registered["proxies-fra1-1-health"].inputs == {
        "type": "TCP",
        "ipAddress": "2001:db8::1",
        "port": 443,
        "requestInterval": 10,
        "failureThreshold": 3,
        "tags": {"Name": f"{GROUP} fra1-1"},
    }


def test_with_a_path_a_proxy_is_healthy_when_the_api_answers_through_it(
    engine: "MockEngine",
) -> None:
    make(engine, health_check_path="/healthz", ports=(80, 443))
    assert engine.registered["proxies-ams3-1-health"].inputs == {
        "type": "HTTPS",
        "ipAddress": "2001:db8::2",
        "port": 443,
        "fqdn": "api.example.com",
        "enableSni": True,
        "resourcePath": "/healthz",
        "requestInterval": 10,
        "failureThreshold": 3,
        "tags": {"Name": f"{GROUP} ams3-1"},
    }


def test_a_pool_that_does_not_serve_443_is_checked_at_its_first_port(engine: "MockEngine") -> None:
    make(engine, ports=(8443, 9443))
    assert engine.registered["proxies-fra1-1-health"].inputs["port"] == 8443


def test_when_all_proxies_fail_the_group_answers_with_nothing_by_default(
    engine: "MockEngine",
) -> None:
    make(engine)
    assert engine.registered["proxies-none"].inputs == {
        "zoneId": "Z0EXAMPLE",
        "name": GROUP,
        "type": "AAAA",
        "setIdentifier": "none",
        "weightedRoutingPolicies": [{"weight": 0}],
        "aliases": [
            {
                "name": LOAD_BALANCER.name,
                "zoneId": LOAD_BALANCER.zone_id,
                "evaluateTargetHealth": False,
            }
        ],
    }


@pytest.mark.parametrize(
    ("when_all_fail", "evaluated", "empty_answer"),
    [pytest.param("ipv4", False, True), pytest.param("cdn", True, False)],
)
def test_ipv6_users_go_to_cdn_when_all_proxies_fail_only_where_that_was_chosen(
    engine: "MockEngine", when_all_fail: str, evaluated: bool, empty_answer: bool
) -> None:
    make(engine, when_all_fail=when_all_fail)
    for hostname in ("api.example.com", "api2.example.com"):
        direct = engine.registered[f"dns-{hostname}-aaaa-direct"].inputs
        assert direct["aliases"] == [
            {"name": GROUP, "zoneId": "Z0EXAMPLE", "evaluateTargetHealth": evaluated}
        ]
        assert direct["weightedRoutingPolicies"] == [{"weight": 100}]
    assert ("proxies-none" in engine.registered) is empty_answer


def test_a_records_lead_to_the_load_balancer_as_before(engine: "MockEngine") -> None:
    make(engine)
    assert engine.registered["dns-api.example.com-a-direct"].inputs["aliases"] == [
        {
            "name": LOAD_BALANCER.name,
            "zoneId": LOAD_BALANCER.zone_id,
            "evaluateTargetHealth": False,
        }
    ]


def test_users_are_sent_to_an_address_only_when_a_proxy_serves_there(engine: "MockEngine") -> None:
    make(engine)
    assert engine.registered["proxies-fra1-1-health"].depends_on == {"serving"}
    assert engine.registered["proxies-fra1-1"].depends_on == {"proxies-fra1-1-health", "serving"}
    assert engine.registered["dns-api.example.com-aaaa-direct"].depends_on == {
        "proxies-fra1-1",
        "proxies-ams3-1",
        "proxies-none",
    }


def test_a_record_is_made_when_its_address_is_served(engine: "MockEngine") -> None:
    make(engine)
    assert len(engine.registered["proxies-fra1-1"].before_create) == 1
    assert engine.registered["proxies-none"].before_create == ()


def test_a_proxy_that_leaves_has_no_weight_and_all_else_it_had(engine: "MockEngine") -> None:
    make(engine)
    before = engine.registered["proxies-ams3-1"].inputs
    make(engine, leaving="ams3-1")
    assert engine.registered["proxies-ams3-1"].inputs == {
        **before,
        "weightedRoutingPolicies": [{"weight": 0}],
    }
    assert engine.registered["proxies-fra1-1"].inputs["weightedRoutingPolicies"] == [{"weight": 1}]


def test_the_group_s_name_is_one_that_no_host_can_have(engine: "MockEngine") -> None:
    make(engine)
    assert "_" in GROUP
    names = {
        item.inputs["name"]
        for item in engine.of_type("aws:route53/record:Record")
        if item.name.startswith("proxies-")
    }
    assert names == {GROUP}
