"""Route 53's record sets, as boto3 gives them, and what they lead to."""

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.lab.deployed import DeployedZone

HOST = "api.example.com"
POOL = "_proxy.api.example.com"
LOAD_BALANCER = "api-123.us-east-1.elb.amazonaws.com"
CDN = "d111111abcdef8.cloudfront.net"
LEADS = {
    LOAD_BALANCER: (("198.18.0.1", "198.18.0.2"), ()),
    CDN: (("198.18.1.1", "198.18.1.2"), ("2001:db8:cf:1::1", "2001:db8:cf:2::1")),
}


def record(
    name: str,
    kind: str,
    values: Sequence[str],
    ttl: int = 60,
    *,
    weight: tuple[str, int] | None = None,
    check: str | None = None,
) -> dict[str, Any]:
    """Return a record with values; `weight` is its set identifier and its weight."""
    own = {"TTL": ttl, "ResourceRecords": [{"Value": value} for value in values]}
    return _set(name, kind, weight) | own | ({"HealthCheckId": check} if check else {})


def alias(
    name: str,
    kind: str,
    target: str,
    *,
    weight: tuple[str, int] | None = None,
    evaluates: bool = False,
) -> dict[str, Any]:
    """Return an alias, of another record where the target is in `example.com`."""
    zone_id = "ZEXAMPLE" if target.rstrip(".").endswith("example.com") else "ZELSEWHERE"
    own = {"HostedZoneId": zone_id, "DNSName": target, "EvaluateTargetHealth": evaluates}
    return _set(name, kind, weight) | {"AliasTarget": own}


def soa(ttl: int, minimum: int) -> dict[str, Any]:
    """Return the SOA record of `example.com`, with its TTL and its last number."""
    value = f"ns-1.awsdns-64.com. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 {minimum}"
    return record("example.com", "SOA", [value], ttl)


def zone(
    *records: Mapping[str, Any], name: str = "example.com", zone_id: str = "ZEXAMPLE"
) -> DeployedZone:
    return DeployedZone(zone_id, name, tuple(records))


def _set(name: str, kind: str, weight: tuple[str, int] | None) -> dict[str, Any]:
    weighted = {} if weight is None else {"SetIdentifier": weight[0], "Weight": weight[1]}
    return {"Name": f"{name}.", "Type": kind, **weighted}
