"""`DualStackEdge`: what it composes, what it says about it, and what it does not begin."""

import logging
from typing import NoReturn

import pulumi
import pulumi_aws as aws
import pulumi_digitalocean as digitalocean
import pytest

from components.arguments import DnsArgs, DualStackEdgeArgs, TrafficArgs
from components.edge import EXCHANGE, JUMP, LATE, DualStackEdge
from components.lookups import OriginError
from components.proxy.nginx import ProxyError
from components.settings import SettingsError, parse
from support.recording import MockEngine

ARGS: DualStackEdgeArgs = {
    "hostnames": ["api.example.com"],
    "zone": "example.com",
    "origin": {"load_balancer": "api", "kind": "application"},
}
LOAD_BALANCER = "api-application.eu-central-1.elb.amazonaws.com"
DISTRIBUTION = "d111111abcdef8.cloudfront.net"
CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/0a1b2c3d"


WEIGHTED = [f"{family}-{path}" for path in ("direct", "cdn") for family in ("a", "aaaa")]


@pytest.mark.parametrize(
    ("dns", "records"),
    [
        pytest.param({}, WEIGHTED, id="by default"),
        pytest.param({"records": "weighted"}, WEIGHTED, id="weighted"),
        pytest.param({"records": "simple"}, ["a", "aaaa"], id="simple"),
        pytest.param({"records": "none"}, [], id="none"),
    ],
)
def test_everything_has_a_stable_name_and_a_parent(
    engine: MockEngine, dns: DnsArgs, records: list[str]
) -> None:
    engine.run(lambda: DualStackEdge("edge", {**ARGS, "dns": dns}))
    assert {name: (item.type, item.parent) for name, item in engine.registered.items()} == {
        "edge": ("dualstack:index:DualStackEdge", "stack"),
        "edge-tls": ("dualstack:index:Certificate", "edge"),
        "edge-tls-us-east-1": ("pulumi:providers:aws", "edge-tls"),
        "edge-tls-certificate": ("aws:acm/certificate:Certificate", "edge-tls"),
        "edge-tls-validation-api.example.com": ("aws:route53/record:Record", "edge-tls"),
        "edge-tls-validation": (
            "aws:acm/certificateValidation:CertificateValidation",
            "edge-tls",
        ),
        "edge-cdn": ("dualstack:index:PassThroughDistribution", "edge"),
        "edge-cdn-distribution": ("aws:cloudfront/distribution:Distribution", "edge-cdn"),
        "edge-dns": ("dualstack:index:WeightedDns", "edge"),
        **{
            f"edge-dns-api.example.com-{record}": ("aws:route53/record:Record", "edge-dns")
            for record in records
        },
    }


def test_the_outputs_are_the_public_ones(engine: MockEngine) -> None:
    engine.run(lambda: DualStackEdge("edge", {**ARGS, "traffic": {"direct": 90, "cdn": 10}}))
    assert engine.outputs["edge"] == {
        "hostnames": ["api.example.com"],
        "distributionId": "E2QWRUHAPOMQZL",
        "distributionDomainName": DISTRIBUTION,
        "certificateArn": CERTIFICATE,
        "proxyAddresses": [],
        "traffic": {"direct": 90, "cdn": 10},
        "records": [
            {
                "name": "api.example.com",
                "type": family,
                "setIdentifier": path,
                "weight": weight,
                "target": target,
            }
            for path, weight, target in (
                ("direct", 90, LOAD_BALANCER),
                ("cdn", 10, DISTRIBUTION),
            )
            for family in ("A", "AAAA")
        ],
        "loadBalancer": LOAD_BALANCER,
        "originSecrets": [],
    }


def test_deploying_moves_no_user_by_default(engine: MockEngine) -> None:
    engine.run(lambda: DualStackEdge("edge", ARGS))
    assert engine.outputs["edge"]["traffic"] == {"direct": 100, "cdn": 0}


@pytest.mark.parametrize(
    ("args", "protected"),
    [
        pytest.param(
            ARGS,
            {
                "edge-cdn",
                "edge-cdn-distribution",
                "edge-dns",
                "edge-dns-api.example.com-a-direct",
                "edge-dns-api.example.com-aaaa-direct",
                "edge-dns-api.example.com-a-cdn",
                "edge-dns-api.example.com-aaaa-cdn",
            },
            id="by default",
        ),
        pytest.param({**ARGS, "protect": False}, set[str](), id="not on request"),
    ],
)
def test_what_carries_users_is_protected(
    engine: MockEngine, args: DualStackEdgeArgs, protected: set[str]
) -> None:
    engine.run(lambda: DualStackEdge("edge", args))
    assert {name for name, item in engine.registered.items() if item.protect} == protected


def test_no_answer_leads_to_the_distribution_before_it_and_the_certificate_are_ready(
    engine: MockEngine,
) -> None:
    engine.run(lambda: DualStackEdge("edge", ARGS))
    assert engine.registered["edge-dns-api.example.com-aaaa-cdn"].depends_on >= {
        "edge-cdn-distribution",
        "edge-tls-validation",
    }


def test_several_edges_live_in_one_program(engine: MockEngine) -> None:
    def program() -> None:
        DualStackEdge("edge", ARGS)
        DualStackEdge("other", {**ARGS, "hostnames": ["other.example.com"]})

    engine.run(program)
    first, second = (
        sorted(
            name.removeprefix(edge).replace(hostname, "NAME")
            for name in engine.registered
            if name.startswith(edge)
        )
        for edge, hostname in (("edge", "api.example.com"), ("other", "other.example.com"))
    )
    assert first == second
    assert len(engine.registered) == 2 * len(first)
    assert engine.outputs["other"]["hostnames"] == ["other.example.com"]


def test_a_certificate_that_is_given_is_used_and_none_requested(engine: MockEngine) -> None:
    given = "arn:aws:acm:us-east-1:123456789012:certificate/given"
    engine.run(lambda: DualStackEdge("edge", {**ARGS, "certificate_arn": given}))
    assert engine.outputs["edge"]["certificateArn"] == given
    assert not [item for item in engine.registered.values() if ":acm/" in item.type]


@pytest.mark.parametrize("listed", [True, False], ids=["a list", "a mapping"])
def test_an_edge_with_its_own_provider_looks_up_and_creates_through_it(
    engine: MockEngine, listed: bool
) -> None:
    def program() -> None:
        provider = aws.Provider("elsewhere", region="eu-west-3")
        options = (
            pulumi.ResourceOptions(providers=[provider])
            if listed
            else pulumi.ResourceOptions(providers={"aws": provider})
        )
        DualStackEdge("edge", ARGS, options)

    engine.run(program)
    assert {
        name.rpartition("::")[0].rpartition("::")[2] for name in engine.account.asked_through
    } == {"elsewhere"}
    assert engine.registered["edge-cdn-distribution"].provider == "elsewhere"
    assert engine.registered["edge-dns-api.example.com-a-cdn"].provider == "elsewhere"
    assert engine.registered["edge-tls-certificate"].provider == "edge-tls-us-east-1"


def test_settings_make_the_edge_that_their_arguments_make(engine: MockEngine) -> None:
    checked = parse(
        {
            "dualstack-edge:hostnames": '["api.example.com"]',
            "dualstack-edge:zone": "example.com",
            "dualstack-edge:origin": '{"loadBalancer": "api", "kind": "application"}',
            "aws:secretKey": "wJalrXUtnFEMI",
        },
        stack="prod",
    )

    def program() -> None:
        DualStackEdge.of_settings("edge", checked)
        DualStackEdge("twin", checked.arguments())

    engine.run(program)
    assert engine.outputs["edge"] == engine.outputs["twin"]
    keys = [engine.registered[f"{name}-tls-us-east-1"].inputs for name in ("edge", "twin")]
    assert keys[0] == keys[1]
    assert "secretKey" in keys[0]


def test_an_edge_that_cannot_stand_registers_nothing(engine: MockEngine) -> None:
    engine.account.zones.clear()
    with pytest.raises(OriginError):
        engine.run(lambda: DualStackEdge("edge", ARGS))
    assert engine.registered == {}


# ---- with proxies -------------------------------------------------------------------------------

WITH_PROXIES: DualStackEdgeArgs = {**ARGS, "proxy": {"regions": ["fra1", "ams3"]}}


def test_proxies_are_where_the_old_path_s_ipv6_leads(engine: MockEngine) -> None:
    engine.run(lambda: DualStackEdge("edge", WITH_PROXIES))
    outputs = engine.outputs["edge"]
    made = engine.registered
    assert [made[f"edge-proxy-dns-{node}"].inputs["records"] for node in ("fra1-1", "ams3-1")] == [
        [address] for address in outputs["proxyAddresses"]
    ]
    assert {
        (record["type"], record["setIdentifier"]): record["target"] for record in outputs["records"]
    } == {
        ("A", "direct"): LOAD_BALANCER,
        ("AAAA", "direct"): "_proxy.api.example.com",
        ("A", "cdn"): DISTRIBUTION,
        ("AAAA", "cdn"): DISTRIBUTION,
    }
    assert LOAD_BALANCER in made["edge-proxy-fra1-1"].inputs["userData"]


def test_ipv6_users_are_sent_to_proxies_only_once_those_serve(engine: MockEngine) -> None:
    engine.run(lambda: DualStackEdge("edge", WITH_PROXIES))
    made = engine.registered
    assert "edge-proxy-ams3-1-assignment" in made["edge-proxy-dns-ams3-1"].depends_on
    assert made["edge-dns-api.example.com-aaaa-direct"].depends_on == {
        "edge-proxy-dns-fra1-1",
        "edge-proxy-dns-ams3-1",
        "edge-proxy-dns-none",
    }


def test_of_the_proxies_only_the_addresses_are_protected(engine: MockEngine) -> None:
    engine.run(lambda: DualStackEdge("edge", WITH_PROXIES))
    protected = {
        name
        for name, item in engine.registered.items()
        if item.protect and name.startswith("edge-proxy")
    }
    assert protected == {"edge-proxy-fra1-1-address", "edge-proxy-ams3-1-address"}


@pytest.mark.parametrize(
    ("args", "error"),
    [
        pytest.param(
            {**ARGS, "origin_lock": {"generation": 1}}, SettingsError, id="a lock too early"
        ),
        pytest.param({**ARGS, "proxy": {"regions": ["sfo2"]}}, OriginError, id="a closed region"),
        pytest.param(
            {**ARGS, "proxy": {"regions": ["fra1"], "ports": [*range(10_000, 10_400)]}},
            ProxyError,
            id="user data over the limit",
        ),
    ],
)
def test_an_edge_whose_extras_cannot_stand_registers_nothing_either(
    engine: MockEngine, args: DualStackEdgeArgs, error: type[Exception]
) -> None:
    with pytest.raises(error):
        engine.run(lambda: DualStackEdge("edge", args))
    assert engine.registered == {}


def test_the_proxies_regions_are_asked_for_through_the_edge_s_own_provider(
    engine: MockEngine,
) -> None:
    def program() -> None:
        provider = digitalocean.Provider("other-account")
        DualStackEdge("edge", WITH_PROXIES, pulumi.ResourceOptions(providers=[provider]))

    engine.run(program)
    assert engine.registered["edge-proxy-fra1-1"].provider == "other-account"
    assert any("::other-account::" in name for name in engine.account.asked_through)


# ---- empty answers that live too long -----------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "is_warned"),
    [
        pytest.param({"traffic": {"direct": 90, "cdn": 10}}, True, id="both paths have weight"),
        pytest.param({}, False, id="nobody is on cdn"),
        pytest.param({"traffic": {"direct": 0, "cdn": 100}}, False, id="nobody is on direct"),
        pytest.param(
            {"traffic": {"direct": 90, "cdn": 10}, "proxy": {"regions": ["fra1"]}},
            False,
            id="there are proxies",
        ),
        pytest.param(
            {"traffic": {"direct": 90, "cdn": 10}, "dns": {"negative_ttl_seconds": 60}},
            False,
            id="the zone is looked after",
        ),
        pytest.param(
            {"traffic": {"direct": 90, "cdn": 10}, "dns": {"records": "none"}},
            False,
            id="no record is declared",
        ),
    ],
)
def test_the_user_is_told_when_empty_answers_hold_ipv6_clients_back(
    engine: MockEngine, caplog: pytest.LogCaptureFixture, args: DualStackEdgeArgs, is_warned: bool
) -> None:
    caplog.set_level(logging.INFO)
    engine.run(lambda: DualStackEdge("edge", {**ARGS, **args}))
    assert (LATE in caplog.messages) is is_warned


# ---- everybody at once --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "traffic", "noted"),
    [
        pytest.param({"direct": 100, "cdn": 0}, {"direct": 0, "cdn": 100}, True, id="there"),
        pytest.param({"direct": 0, "cdn": 100}, {"direct": 100, "cdn": 0}, True, id="and back"),
        pytest.param({"direct": 99, "cdn": 1}, {"direct": 0, "cdn": 100}, False, id="by 99/1"),
        pytest.param({"direct": 1, "cdn": 99}, {"direct": 99, "cdn": 1}, False, id="not all"),
        pytest.param({"direct": 100, "cdn": 0}, {"direct": 100, "cdn": 0}, False, id="nobody"),
        pytest.param(None, {"direct": 0, "cdn": 100}, False, id="a first deployment"),
    ],
)
def test_the_user_reads_what_a_move_of_everybody_at_once_passes(
    engine: MockEngine,
    caplog: pytest.LogCaptureFixture,
    before: dict[str, int] | None,
    traffic: TrafficArgs,
    noted: bool,
) -> None:
    caplog.set_level(logging.INFO)
    if before:
        kind = "dualstack:index:DualStackEdge"
        edge = {"type": kind, "outputs": {"traffic": before}}
        engine.account.state = {f"urn:pulumi:prod::dualstack-edge::{kind}::edge": edge}
    engine.run(lambda: DualStackEdge("edge", {**ARGS, "traffic": traffic}))
    assert (JUMP in caplog.messages) is noted


@pytest.mark.parametrize(("records", "noted"), [("simple", [EXCHANGE]), ("none", [])])
def test_everybody_moves_at_once_by_simple_records_too_and_nobody_by_none(
    engine: MockEngine, caplog: pytest.LogCaptureFixture, records: str, noted: list[str]
) -> None:
    caplog.set_level(logging.INFO)
    kind = "dualstack:index:DualStackEdge"
    edge = {"type": kind, "outputs": {"traffic": {"direct": 100, "cdn": 0}}}
    engine.account.state = {f"urn:pulumi:prod::dualstack-edge::{kind}::edge": edge}
    traffic: TrafficArgs = {"direct": 0, "cdn": 100}
    args: DualStackEdgeArgs = {**ARGS, "traffic": traffic, "dns": {"records": records}}
    engine.run(lambda: DualStackEdge("edge", args))
    assert [words for words in caplog.messages if words in (JUMP, EXCHANGE)] == noted


# ---- proxies that leave -------------------------------------------------------------------------


def in_group(node: str, weight: int = 1) -> dict[str, object]:
    name = "_proxy.api.example.com."
    return {"name": name, "type": "AAAA", "setIdentifier": node, "weight": weight, "ttl": 0}


def test_a_proxy_that_answers_lead_to_is_kept_for_one_more_deployment(
    engine: MockEngine, caplog: pytest.LogCaptureFixture
) -> None:
    engine.account.records = [in_group("fra1-1"), in_group("ams3-1"), in_group("lon1-1", 0)]
    args: DualStackEdgeArgs = {**ARGS, "proxy": {"regions": ["ams3"], "ready_seconds": 0}}
    with caplog.at_level(logging.WARNING):
        engine.run(lambda: DualStackEdge("edge", args))
    nodes = {item.name for item in engine.of_type("digitalocean:index/droplet:Droplet")}
    assert nodes == {"edge-proxy-ams3-1", "edge-proxy-fra1-1"}
    weights = {
        node: engine.registered[f"edge-proxy-dns-{node}"].inputs["weightedRoutingPolicies"]
        for node in ("ams3-1", "fra1-1")
    }
    assert weights == {"ams3-1": [{"weight": 1}], "fra1-1": [{"weight": 0}]}
    assert len(engine.outputs["edge"]["proxyAddresses"]) == 1
    assert "Proxy fra1-1 leaves: no new answer leads to it." in caplog.text


def test_a_pool_that_is_removed_leaves_nothing_registered(engine: MockEngine) -> None:
    engine.account.records = [in_group("fra1-1"), in_group("ams3-1")]
    engine.run(lambda: DualStackEdge("edge", ARGS))
    assert not [name for name in engine.registered if "proxy" in name]


def test_with_alarms_each_proxy_is_asked_for_room(engine: MockEngine) -> None:
    args: DualStackEdgeArgs = {
        **ARGS,
        "proxy": {"regions": ["fra1"], "ready_seconds": 0},
        "alarms": {"topic_arn": "arn:aws:sns:us-east-1:123456789012:edge-alarms"},
    }
    engine.run(lambda: DualStackEdge("edge", args))
    address = engine.outputs["edge"]["proxyAddresses"][0]
    assert engine.registered["edge-alarms-fra1-1-room"].inputs["ipAddress"] == address
    ports = [
        rule.get("portRange")
        for rule in engine.registered["edge-proxy-firewall"].inputs["inboundRules"]
    ]
    assert ports == ["443", "8101", None]


def test_in_a_unit_test_only_its_mocks_are_asked(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def ask(*_: object) -> NoReturn:
        pytest.fail("an account was asked past the mocks")

    monkeypatch.setattr("components.lookups.account.Session", ask)
    monkeypatch.setattr("components.lookups.digitalocean.urlopen", ask)
    engine = MockEngine()
    args: DualStackEdgeArgs = {**ARGS, "proxy": {"regions": ["fra1"]}}
    engine.run(lambda: DualStackEdge("edge", args))
    assert "edge-proxy-fra1-1" in engine.registered
    assert "could not be" not in caplog.text
