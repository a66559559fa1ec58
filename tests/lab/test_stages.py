"""Every client reaches the API, unaltered, in each stage of the way from one path to the other."""

from typing import TYPE_CHECKING, Any, Final

import pytest

from support.engine import client
from support.scene import CLIENTS, HOSTNAME

if TYPE_CHECKING:
    from support.scene import Scene, Verified

PROXY: Final = {"regions": ["fra1", "ams3"], "readySeconds": 0}

STAGES: Final[dict[str, dict[str, Any]]] = {
    "with the proxies, everybody on direct": {
        "proxy": PROXY,
        "traffic": {"direct": 100, "cdn": 0},
    },
    "with the proxies at 99 to 1": {"proxy": PROXY, "traffic": {"direct": 99, "cdn": 1}},
    "with the proxies, everybody on cdn": {"proxy": PROXY, "traffic": {"direct": 0, "cdn": 100}},
    "with CloudFront alone": {"proxy": None, "traffic": {"direct": 0, "cdn": 100}},
}


@pytest.mark.parametrize("stage", STAGES)
def test_every_client_reaches_the_api_and_both_paths_are_alike(scene: "Scene", stage: str) -> None:
    scene.deploy(**STAGES[stage])
    answers = {name: scene.ask(name).get("method") for name in CLIENTS}
    assert answers == dict.fromkeys(CLIENTS, "GET")
    verified = scene.verify()
    assert verified.code == 0, (
        f"{verified.evidence()}\n{verified.evidence('unknown')}\n{verified.printed}"
    )
    assert fates(verified) == {
        ("early-hints", "direct"): {"as-on-direct-ipv4"},
        ("early-hints", "cdn"): {"as-on-direct-ipv4"},
        ("early-hints-http2", "direct"): {"as-on-direct-ipv4"},
        ("early-hints-http2", "cdn"): {"as-on-direct-ipv4"},
        ("trailers-sent", "direct"): {"passed on"},
        ("trailers-sent", "cdn"): {"trailers-removed"},
        ("trailers-sent-http2", "direct"): {"passed on"},
        ("trailers-answered", "direct"): {"passed on"},
        ("trailers-answered-http2", "direct"): {"passed on"},
        ("trailers-answered-http2", "cdn"): {"trailers-removed"},
        ("trailers-answered", "cdn"): {"trailers-removed"},
    }


def fates(verified: "Verified") -> dict[tuple[str, str], set[str]]:
    """Return what became of early hints and trailers, by line and path.

    The load balancer, which reads HTTP, drops hints and passes trailers on; CloudFront drops both.
    """
    found: dict[tuple[str, str], set[str]] = {}
    for each in verified.results:
        if each["group"] == "framing":
            accepted = each["accepted"] or [each["evidence"].partition(":")[0]]
            found.setdefault((each["check"], each["path"]), set()).update(accepted)
    return found


def test_before_the_edge_an_ipv6_only_client_fails_and_one_behind_nat64_succeeds(
    untouched: "Scene",
) -> None:
    route53, balancers = (client(untouched.account, name) for name in ("route53", "elbv2"))
    balancer = balancers.describe_load_balancers()["LoadBalancers"][0]
    zone = route53.list_hosted_zones_by_name(DNSName="example.com")["HostedZones"][0]["Id"]
    record = {
        "Name": HOSTNAME,
        "Type": "A",
        "AliasTarget": {
            "HostedZoneId": balancer["CanonicalHostedZoneId"],
            "DNSName": balancer["DNSName"],
            "EvaluateTargetHealth": False,
        },
    }
    route53.change_resource_record_sets(
        HostedZoneId=zone,
        ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]},
    )
    untouched.lab.settle()
    reached = {name for name in CLIENTS if untouched.ask(name)}
    assert reached == {"ipv4-only", "dual-stack", "nat64-client"}
