"""`WeightedDns`: twins in both families, always of the same weights, never `cdn` alone."""

from typing import TYPE_CHECKING, Any, Literal

import pulumi
import pulumi_aws as aws
import pytest

from components.lookups import AliasTarget, ZoneRecord
from components.proxy_dns import ProxyDns
from components.proxy_pool import Address
from components.settings import Proxies, Traffic
from components.weighted_dns import WeightedDns, WeightedDnsArgs

if TYPE_CHECKING:
    from support.recording import MockEngine

ARGS: WeightedDnsArgs = {
    "hostnames": ["api.example.com", "example.com"],
    "zone_id": "Z0EXAMPLE",
    "traffic": Traffic(direct=90, cdn=10),
    "load_balancer": AliasTarget("lb.eu-central-1.elb.amazonaws.com", "Z215JYRZR1TBD5"),
    "distribution": AliasTarget("d111111abcdef8.cloudfront.net", "Z2FDTNDATAQYW2"),
    "cdn_depends_on": [],
}
PLACES = [
    (hostname, family, path)
    for hostname in ARGS["hostnames"]
    for family in ("A", "AAAA")
    for path in ("direct", "cdn")
]


def name_of(hostname: str, family: str, path: str) -> str:
    return f"dns-{hostname}-{family.lower()}-{path}"


@pytest.mark.parametrize(
    "traffic",
    [Traffic(direct=100, cdn=0), Traffic(direct=90, cdn=10), Traffic(direct=0, cdn=100)],
    ids=["direct only", "shared", "cdn only"],
)
def test_each_hostname_has_twins_with_equal_weights_in_both_families(
    engine: "MockEngine", traffic: Traffic
) -> None:
    engine.run(lambda: WeightedDns("dns", {**ARGS, "traffic": traffic}))
    targets = {"direct": ARGS["load_balancer"], "cdn": ARGS["distribution"]}
    expected: dict[str, Any] = {
        name_of(hostname, family, path): {
            "zoneId": "Z0EXAMPLE",
            "name": hostname,
            "type": family,
            "setIdentifier": path,
            "weightedRoutingPolicies": [{"weight": getattr(traffic, path)}],
            "aliases": [
                {
                    "name": targets[path].name,
                    "zoneId": targets[path].zone_id,
                    "evaluateTargetHealth": False,
                }
            ],
        }
        for hostname, family, path in PLACES
    }
    made = {item.name: item.inputs for item in engine.of_type("aws:route53/record:Record")}
    assert made == expected


def test_a_cdn_record_is_never_alone_and_never_early(engine: "MockEngine") -> None:
    def program() -> None:
        ready = aws.route53.Zone("ready", name="ready.example")
        WeightedDns("dns", {**ARGS, "cdn_depends_on": [ready]})

    engine.run(program)
    waits = {item.name: item.depends_on for item in engine.of_type("aws:route53/record:Record")}
    assert waits == {
        name_of(hostname, family, path): (
            {name_of(hostname, "A", "direct"), name_of(hostname, "AAAA", "direct"), "ready"}
            if path == "cdn"
            else set()
        )
        for hostname, family, path in PLACES
    }


GROUP = "_proxy.api.example.com"


@pytest.mark.parametrize("declared", ["weighted", "simple"])
@pytest.mark.parametrize(
    ("leads", "waits"),
    [
        pytest.param("lb.eu-central-1.elb.amazonaws.com", True, id="not yet"),
        pytest.param("_proxy.old.example.com", True, id="to another group"),
        pytest.param(GROUP, False, id="already"),
    ],
)
def test_ipv6_users_wait_for_the_proxies_until_they_are_led_there_and_no_weight_does(
    engine: "MockEngine", leads: str, waits: bool, declared: Literal["weighted", "simple"]
) -> None:
    traffic, member = Traffic(direct=100, cdn=0), "direct" if declared == "weighted" else ""

    def program() -> None:
        serving = aws.route53.Zone("serving", name="ready.example")
        proxies = ProxyDns(
            "proxy-dns",
            {
                "hostname": "api.example.com",
                "group": GROUP,
                "zone_id": "Z0EXAMPLE",
                "addresses": [Address("fra1-1", pulumi.Output.from_input("2001:db8::1"), serving)],
                "pool": Proxies(regions=("fra1",)),
                "load_balancer": ARGS["load_balancer"],
            },
        )
        existing = [
            ZoneRecord(hostname, "AAAA", member, 100, 0, leads) for hostname in ARGS["hostnames"]
        ]
        more: WeightedDnsArgs = {**ARGS, "declared": declared, "traffic": traffic}
        WeightedDns("dns", {**more, "proxies": proxies, "existing": existing})

    engine.run(program)
    for hostname in ARGS["hostnames"]:
        record = engine.registered[name_of(hostname, "AAAA", member).removesuffix("-")]
        # On the empty answer always: a destroy deletes what leads to the group before it.
        proxy = {"proxy-dns-fra1-1"} if waits else set[str]()
        assert record.depends_on == {"proxy-dns-none", *proxy}
        assert record.inputs["aliases"][0]["name"] == GROUP


@pytest.mark.parametrize("path", ["direct", "cdn"])
def test_simple_records_lead_everybody_to_one_path_in_both_families(
    engine: "MockEngine", path: Literal["direct", "cdn"]
) -> None:
    traffic = Traffic(direct=100, cdn=0) if path == "direct" else Traffic(direct=0, cdn=100)

    def program() -> None:
        ready = aws.route53.Zone("ready", name="ready.example")
        simple: WeightedDnsArgs = {**ARGS, "traffic": traffic, "declared": "simple"}
        WeightedDns("dns", {**simple, "cdn_depends_on": [ready]})

    engine.run(program)
    target = {"direct": ARGS["load_balancer"], "cdn": ARGS["distribution"]}[path]
    made = {item.name: item for item in engine.of_type("aws:route53/record:Record")}
    alias = {"name": target.name, "zoneId": target.zone_id, "evaluateTargetHealth": False}
    assert {name: item.inputs for name, item in made.items()} == {
        f"dns-{hostname}-{family.lower()}": {
            "zoneId": "Z0EXAMPLE",
            "name": hostname,
            "type": family,
            "aliases": [alias],
        }
        for hostname in ARGS["hostnames"]
        for family in ("A", "AAAA")
    }
    waits = {"ready"} if path == "cdn" else set[str]()
    assert all(item.depends_on == waits for item in made.values())
    assert engine.outputs["dns"]["records"] == [
        {"name": hostname, "type": family, "setIdentifier": "", "target": target.name}
        for hostname in ARGS["hostnames"]
        for family in ("A", "AAAA")
    ]


def test_where_none_is_declared_the_component_is_there_without_records(
    engine: "MockEngine",
) -> None:
    engine.run(lambda: WeightedDns("dns", {**ARGS, "declared": "none"}))
    assert engine.outputs["dns"]["records"] == []
    assert list(engine.registered) == ["dns"]


def test_the_outputs_list_every_record(engine: "MockEngine") -> None:
    engine.run(lambda: WeightedDns("dns", {**ARGS, "hostnames": ["api.example.com"]}))
    lb, cdn = "lb.eu-central-1.elb.amazonaws.com", "d111111abcdef8.cloudfront.net"
    assert engine.outputs["dns"]["records"] == [
        {
            "name": "api.example.com",
            "type": family,
            "setIdentifier": path,
            "weight": weight,
            "target": target,
        }
        for family, path, weight, target in (
            ("A", "direct", 90, lb),
            ("AAAA", "direct", 90, lb),
            ("A", "cdn", 10, cdn),
            ("AAAA", "cdn", 10, cdn),
        )
    ]
