"""`DualStackEdge`: what it composes, what it says about it, and what it does not begin."""

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws
import pytest

from components.arguments import DualStackEdgeArgs
from components.edge import DualStackEdge
from components.origin import OriginError

if TYPE_CHECKING:
    from support.recording import Engine

ARGS: DualStackEdgeArgs = {
    "hostnames": ["api.example.com"],
    "zone": "example.com",
    "origin": {"load_balancer": "api", "kind": "application"},
}
LOAD_BALANCER = "api-application.eu-central-1.elb.amazonaws.com"
DISTRIBUTION = "d111111abcdef8.cloudfront.net"
CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/0a1b2c3d"


def test_everything_has_a_stable_name_and_a_parent(engine: "Engine") -> None:
    engine.run(lambda: DualStackEdge("edge", ARGS))
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
        "edge-dns-api.example.com-a-direct": ("aws:route53/record:Record", "edge-dns"),
        "edge-dns-api.example.com-aaaa-direct": ("aws:route53/record:Record", "edge-dns"),
        "edge-dns-api.example.com-a-cdn": ("aws:route53/record:Record", "edge-dns"),
        "edge-dns-api.example.com-aaaa-cdn": ("aws:route53/record:Record", "edge-dns"),
    }


def test_the_outputs_are_the_public_ones(engine: "Engine") -> None:
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
        "originSecrets": [],
    }


def test_deploying_moves_no_user_by_default(engine: "Engine") -> None:
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
    engine: "Engine", args: DualStackEdgeArgs, protected: set[str]
) -> None:
    engine.run(lambda: DualStackEdge("edge", args))
    assert {name for name, item in engine.registered.items() if item.protect} == protected


def test_no_answer_leads_to_the_distribution_before_it_and_the_certificate_are_ready(
    engine: "Engine",
) -> None:
    engine.run(lambda: DualStackEdge("edge", ARGS))
    assert engine.registered["edge-dns-api.example.com-aaaa-cdn"].depends_on >= {
        "edge-cdn-distribution",
        "edge-tls-validation",
    }


def test_several_edges_live_in_one_program(engine: "Engine") -> None:
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


def test_a_certificate_that_is_given_is_used_and_none_requested(engine: "Engine") -> None:
    given = "arn:aws:acm:us-east-1:123456789012:certificate/given"
    engine.run(lambda: DualStackEdge("edge", {**ARGS, "certificate_arn": given}))
    assert engine.outputs["edge"]["certificateArn"] == given
    assert not [item for item in engine.registered.values() if ":acm/" in item.type]


@pytest.mark.parametrize("listed", [True, False], ids=["a list", "a mapping"])
def test_an_edge_with_its_own_provider_looks_up_and_creates_through_it(
    engine: "Engine", listed: bool
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


def test_an_edge_that_cannot_stand_registers_nothing(engine: "Engine") -> None:
    engine.account.zones.clear()
    with pytest.raises(OriginError):
        engine.run(lambda: DualStackEdge("edge", ARGS))
    assert engine.registered == {}
