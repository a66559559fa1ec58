"""Load balancers with the DNS names and hosted zone ids that AWS gives them.

moto numbers them all `<name>-1`, puts network ones under the wrong domain, classic ones always in
us-east-1, and gives all the zone id of an example. An alias to them would be refused by Route 53.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from moto.elb.models import LoadBalancer as ClassicBalancer
from moto.elb.models import elb_backends
from moto.elbv2.models import FakeLoadBalancer, elbv2_backends

from sandbox.clouds.aws import ACCOUNT

ZONE_IDS: Final = {
    # region: (application and classic, network)
    "us-east-1": ("Z35SXDOTRQ7X7K", "Z26RNL4JYFTOTI"),
    "us-east-2": ("Z3AADJGX6KTTL2", "ZLMOA37VPKANP"),
    "us-west-1": ("Z368ELLRRE2KJ0", "Z24FKFUX50B4VW"),
    "us-west-2": ("Z1H1FL5HABSF5", "Z18D5FSROUN65G"),
    "ap-northeast-1": ("Z14GRHDCWA56QT", "Z31USIVHYNEOWT"),
    "ap-southeast-2": ("Z1GM3OXH4ZPM65", "ZCT6FZBF4DROD"),
    "eu-central-1": ("Z215JYRZR1TBD5", "Z3F0SRJ5LGBH90"),
    "eu-north-1": ("Z23TAZ6LKFMNIO", "Z1UDT6IFJ4EJM"),
    "eu-west-1": ("Z32O12XQLNTSW2", "Z2IFOLAFXWLO4F"),
    "eu-west-2": ("ZHURV8PSTC4K8", "ZD4D7Y8KGAS4G"),
    "eu-west-3": ("Z3Q77PNBQS71R4", "Z1CMS0P5QUZ6D5"),
}
"""The hosted zones that load balancers live in; other regions are left as moto has them.

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
