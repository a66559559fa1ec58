"""What is deployed, as the clouds' APIs tell it: all that the lab is built from.

Plain values, so that everything the lab runs is a function of them and of nothing else.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

Fields = Mapping[str, Any]
"""A structure of an AWS API, with the member names and shapes that boto3 gives it."""

_HOSTNAME: Final = re.compile(r"(\*\.)?([a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}", re.IGNORECASE)
_LONGEST_NAME: Final = 253
"""Source: RFC 1035 section 2.3.4; underscores and wildcards, because AWS takes them."""


def is_hostname(text: str) -> bool:
    """Return whether a text can be the name of a server, as certificates and nginx take it."""
    return len(text) <= _LONGEST_NAME and _HOSTNAME.fullmatch(text) is not None


@dataclass(frozen=True)
class DeployedZone:
    """A public hosted zone."""

    id: str
    """Its id, without `/hostedzone/`."""
    name: str
    """Its name, without the final dot."""
    records: tuple[Fields, ...]
    """Its `ResourceRecordSet`s, SOA and NS too."""


@dataclass(frozen=True)
class DeployedLoadBalancer:
    """A load balancer of any kind."""

    dns_name: str
    """The name that aliases point to, in lower case, without a final dot."""
    kind: str
    """`classic`, `application` or `network`."""
    listeners: tuple[tuple[str, int], ...]
    """Protocol (`HTTP`, `HTTPS`, `TCP`, `TLS`, `SSL`) and port of each listener."""
    certificates: tuple[str, ...]
    """ARNs of its listeners' certificates."""
    scheme: str = "internet-facing"
    """`internet-facing` or `internal`."""
    address_type: str = "ipv4"
    """`ipv4`, `dualstack` or another that AWS knows."""
    open_ports: tuple[tuple[int, int], ...] | None = None
    """First and last port of each range that its security groups open to every IPv4 address for
    TCP; None: it has no security group, and all are."""


@dataclass(frozen=True)
class DeployedDistribution:
    """A CloudFront distribution."""

    id: str
    """Its id."""
    domain_name: str
    """Its own name, `….cloudfront.net`."""
    config: Fields
    """Its `DistributionConfig`."""


@dataclass(frozen=True)
class DeployedBucket:
    """A bucket of S3, as far as somebody without credentials sees it."""

    name: str
    """Its name."""
    region: str
    """Its region."""
    objects: Mapping[str, str] = field(default_factory=dict[str, str])
    """The text of each object that everybody may read, by key."""

    @property
    def host(self) -> str:
        """The name of the server that answers for it."""
        return f"{self.name}.s3.{self.region}.amazonaws.com"


@dataclass(frozen=True)
class DeployedDroplet:
    """A droplet that is active."""

    id: int
    """Its id."""
    name: str
    """Its name."""
    image: str
    """Slug of the image that it boots; empty where that has none, as a snapshot."""
    ipv4: str
    """Its public IPv4 address."""
    ipv6: str
    """Its own IPv6 address; empty where it has none."""
    ipv6_gateway: str
    """The gateway of that network; empty where it has none."""
    ipv6_prefix_length: int
    """Bits of that network's prefix; 0 where it has none."""
    reserved_ipv6: str
    """The reserved IPv6 address assigned to it; empty where there is none."""
    user_data: str
    """Its user data; empty where it has none."""
    metadata: Fields
    """What its metadata service answers as `v1.json`."""
    firewalls: tuple[Fields, ...]
    """The firewalls that apply to it, as the API gives them: `inbound_rules`, `outbound_rules`."""


@dataclass(frozen=True)
class Deployed:
    """Everything that is deployed in both clouds, at one moment."""

    zones: tuple[DeployedZone, ...] = ()
    """Hosted zones."""
    health_checks: Mapping[str, Fields] = field(default_factory=dict[str, Fields])
    """`HealthCheckConfig` by health check id."""
    load_balancers: tuple[DeployedLoadBalancer, ...] = ()
    """Load balancers of every kind, of every region that the account uses."""
    distributions: tuple[DeployedDistribution, ...] = ()
    """Distributions."""
    cache_policies: Mapping[str, Fields] = field(default_factory=dict[str, Fields])
    """`CachePolicyConfig` by id, for each one that a distribution names."""
    origin_request_policies: Mapping[str, Fields] = field(default_factory=dict[str, Fields])
    """`OriginRequestPolicyConfig` by id, for each one that a distribution names."""
    certificates: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Names that each ACM certificate covers, by ARN, issued ones only."""
    buckets: tuple[DeployedBucket, ...] = ()
    """Buckets of S3."""
    droplets: tuple[DeployedDroplet, ...] = ()
    """Active droplets."""
