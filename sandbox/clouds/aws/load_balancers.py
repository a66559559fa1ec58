"""Load balancers with the DNS names and hosted zone ids that AWS gives them.

moto numbers them all `<name>-1`, puts network ones under the wrong domain, classic ones always in
us-east-1, and gives all the zone id of an example. An alias to them would be refused by Route 53.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from moto.elb.models import FakeHealthCheck, FakeListener, elb_backends
from moto.elb.models import LoadBalancer as ClassicBalancer
from moto.elbv2.models import FakeLoadBalancer, elbv2_backends

from sandbox.clouds.aws import ACCOUNT

ZONE_IDS: Final[Mapping[str, Sequence[str]]] = json.loads(
    Path(__file__).with_name("load_balancer_zones.json").read_text()
)
"""By region: of application and classic load balancers, and of network ones; in other regions they
are left as moto has them.

Source: AWS General Reference, 'Elastic Load Balancing endpoints and quotas'.
"""

AS_AWS_NAMES_THEM: Final = re.compile(r"-(\d{9,10}\.[^.]+\.elb|[0-9a-f]{16}\.elb\.[^.]+)\.amazon")


@dataclass(frozen=True)
class MotoLoadBalancer:
    """A load balancer of any kind and region."""

    name: str
    dns_name: str
    zone_id: str
    """Of the hosted zone an alias to it must name."""


def every() -> Iterator[MotoLoadBalancer]:
    """Return all load balancers of the account."""
    for modern, _ in _modern():
        yield MotoLoadBalancer(modern.name, modern.dns_name, modern.canonical_hosted_zone_id)
    for classic, region in _classic():
        yield MotoLoadBalancer(classic.name, classic.dns_name, ZONE_IDS[region][0])


def repair() -> dict[str, str]:
    """Give every load balancer that moto made the name and zone id that AWS would.

    Returns:
        What was replaced by what, so that an answer already written can be put right.
    """
    replaced: dict[str, str] = {}
    for modern, region in _modern():
        if AS_AWS_NAMES_THEM.search(modern.dns_name):
            continue
        zone_id, network_zone_id = ZONE_IDS[region]
        example = modern.canonical_hosted_zone_id
        if modern.type == "network":
            dns_name = f"{modern.name}-{_digest(modern.arn)}.elb.{region}.amazonaws.com"
            modern.canonical_hosted_zone_id = network_zone_id
        else:
            dns_name = f"{modern.name}-{_number(modern.arn)}.{region}.elb.amazonaws.com"
            modern.canonical_hosted_zone_id = zone_id
        replaced |= {modern.dns_name: dns_name, example: modern.canonical_hosted_zone_id}
        modern.dns_name = dns_name
    for classic, region in _classic():
        if AS_AWS_NAMES_THEM.search(classic.dns_name):
            continue
        # AWS checks a port from the first; moto answers no health check until one is configured.
        listeners: list[FakeListener] = vars(classic)["listeners"]
        port = listeners[0].instance_port if listeners else 80
        vars(classic)["health_check"] = vars(classic)["health_check"] or FakeHealthCheck(
            timeout="5",
            healthy_threshold="10",
            unhealthy_threshold="2",
            interval="30",
            target=f"TCP:{port}",
        )
        number = _number(f"{region}/{classic.name}")
        dns_name = f"{classic.name}-{number}.{region}.elb.amazonaws.com"
        replaced |= {classic.dns_name: dns_name}
        classic.dns_name = dns_name
        # moto's serializer looks the field up by this name and leaves it out without it.
        vars(classic)["canonical_hosted_zone_name_id"] = ZONE_IDS[region][0]
    return replaced


def _modern() -> Iterator[tuple[FakeLoadBalancer, str]]:
    for region, backend in elbv2_backends[ACCOUNT].items():
        if region in ZONE_IDS:
            yield from ((balancer, region) for balancer in backend.load_balancers.values())


def _classic() -> Iterator[tuple[ClassicBalancer, str]]:
    for region, backend in elb_backends[ACCOUNT].items():
        if region in ZONE_IDS:
            yield from ((balancer, region) for balancer in backend.load_balancers.values())


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _number(text: str) -> int:
    return 1_000_000_000 + int(_digest(text), 16) % 1_000_000_000
