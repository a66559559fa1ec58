"""A stack's state in memory: an edge without records, or with those that were taken over.

It differs from the real one: it asks no provider, so it takes over whatever it is told. The real
engine is used in tests/engine.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

BALANCER = "api-1.us-east-1.elb.amazonaws.com"
DISTRIBUTION = "d1.cloudfront.net"
GROUP = "_proxy.api.example.com"
PROXY = "2001:db8:d1::2"
AWS = "urn:pulumi:prod::dualstack-edge::pulumi:providers:aws::default"
_EDGE = "dualstack:index:DualStackEdge"
_DNS = f"{_EDGE}$dualstack:index:WeightedDns"
_PROXIES = f"{_EDGE}$dualstack:index:ProxyDns"
_CDN = f"{_EDGE}$dualstack:index:PassThroughDistribution"
_RECORD = "aws:route53/record:Record"


def urn(types: str, name: str) -> str:
    return f"urn:pulumi:prod::dualstack-edge::{types}::{name}"


def resource(types: str, name: str, above: str = "", **more: Any) -> dict[str, Any]:
    """Return a resource below another one."""
    type_ = types.rpartition("$")[2]
    return {"urn": urn(types, name), "type": type_, "parent": above, "protect": True, **more}


DNS = urn(_DNS, "edge-dns")


def edge(
    hostnames: Sequence[str], *, proxies: bool = False, fails_over: bool = False
) -> list[dict[str, Any]]:
    """Return the resources of an edge that declares no records yet."""
    top, group = urn(_EDGE, "edge"), urn(_PROXIES, "edge-proxy-dns")
    outputs = {
        "domainName": DISTRIBUTION,
        "aliases": list(hostnames),
        "origins": [{"domainName": BALANCER}],
    }
    listed = [
        resource(_EDGE, "edge", "urn:stack"),
        resource(_CDN, "edge-cdn", top),
        resource(
            f"{_CDN}$aws:cloudfront/distribution:Distribution",
            "edge-cdn-distribution",
            urn(_CDN, "edge-cdn"),
            id="E1",
            provider=f"{AWS}::1234",
            outputs=outputs,
        ),
        resource(_DNS, "edge-dns", top),
    ]
    if proxies:
        record = {"name": GROUP, "type": "AAAA", "records": [PROXY]}
        names = ["fra1-1"] if fails_over else ["fra1-1", "none"]
        listed.append(resource(_PROXIES, "edge-proxy-dns", top, outputs={"group": GROUP}))
        listed += [
            resource(
                f"{_PROXIES}${_RECORD}",
                f"edge-proxy-dns-{name}",
                group,
                outputs=record if name != "none" else {"name": GROUP, "type": "AAAA"},
            )
            for name in names
        ]
    return listed


class SmallState:
    """A state, changed as `pulumi import` and `pulumi state delete` change it."""

    def __init__(self, resources: Sequence[Mapping[str, Any]]) -> None:
        self.resources = [dict(each) for each in resources]

    def export(self) -> str:
        return json.dumps({"deployment": {"resources": self.resources}})

    def take_over(self, resources: Mapping[str, Any], *, protect: bool) -> None:
        table = resources["nameTable"]
        assert table["aws"] == AWS
        for each in resources["resources"]:
            assert table[each["parent"]] == DNS
            assert each["name"] not in self.records()
            zone, name, *_ = each["id"].split("_", 2)
            assert zone == "Z1"
            self.resources.append(
                resource(
                    f"{_DNS}${_RECORD}",
                    each["name"],
                    DNS,
                    id=each["id"],
                    protect=protect,
                    outputs={"name": name},
                )
            )

    def forget(self, urn: str) -> None:
        assert urn in {each["urn"] for each in self.resources}
        self.resources = [each for each in self.resources if each["urn"] != urn]

    def records(self) -> dict[str, str]:
        """Return the ids of the hostnames' records by the names of their resources."""
        return {
            each["urn"].rpartition("::")[2]: each["id"]
            for each in self.resources
            if each["parent"] == DNS
        }
