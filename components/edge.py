"""The dual-stack edge: distribution, certificate and records around an IPv4-only API."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import pulumi

from components import origin as ground
from components.certificate import Certificate
from components.distribution import HOSTED_ZONE_ID, PassThroughDistribution
from components.settings import Distribution, Origin, Traffic
from components.weighted_dns import TrafficRecord, WeightedDns


class DualStackEdgeArgs(TypedDict):
    """What an edge is made of. All of it is plain: nothing waits for another resource."""

    hostnames: Sequence[str]
    """Names the edge answers, in lower case without a final dot, all in `zone`. At least one."""
    zone: str
    """Name of the public Route 53 hosted zone, which exists already."""
    origin: Origin
    """The load balancer the API is behind, which exists already, and how to talk to it."""
    traffic: NotRequired[Traffic]
    """Weights of the two paths. Default: direct 100, cdn 0, so that deploying moves no user."""
    distribution: NotRequired[Distribution]
    """Options of the distribution. Default: those of `Distribution`."""
    certificate_arn: NotRequired[str | None]
    """Certificate in us-east-1 covering all hostnames. Default: one is requested and validated."""
    protect: NotRequired[bool]
    """Whether the distribution and the traffic records refuse to be deleted or replaced. Default:
    true. The certificate does not: adding a hostname replaces it."""
    provider_arguments: NotRequired[Mapping[str, Any]]
    """Arguments of `aws.Provider` for the provider in us-east-1, but for the region."""


class DualStackEdge(pulumi.ComponentResource):
    """A second way to an API, with IPv6, beside the way its users take today.

    It creates a certificate (`<name>-tls`), a distribution (`<name>-cdn`) and weighted
    records (`<name>-dns`). Several edges can live in one program. The load balancer and the zone
    are looked up before anything is registered, so that an edge that cannot stand leaves nothing.

    Raises:
        OriginError: The load balancer or the zone cannot be used.
    """

    hostnames: pulumi.Output[list[str]]
    """Names the edge answers."""
    distribution_id: pulumi.Output[str]
    """Id of the CloudFront distribution."""
    distribution_domain_name: pulumi.Output[str]
    """Its own name, `….cloudfront.net`: a way to try the new path before DNS leads there."""
    certificate_arn: pulumi.Output[str]
    """The certificate that viewers see."""
    proxy_addresses: pulumi.Output[list[str]]
    """IPv6 addresses of the proxies on the direct path; none, for there is no proxy pool."""
    traffic: pulumi.Output[dict[str, int]]
    """Weights of the paths `direct` and `cdn`."""
    records: pulumi.Output[list[TrafficRecord]]
    """Every traffic record: name, type, set identifier, weight and target."""

    def __init__(
        self, name: str, args: DualStackEdgeArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Look up what exists, then create the edge."""
        found = ground.look_up(args["origin"], args["zone"], _invoke_options(opts))
        super().__init__("dualstack:index:DualStackEdge", name, None, opts)
        hostnames = list(args["hostnames"])
        traffic = args.get("traffic", Traffic(direct=100, cdn=0))
        protected = pulumi.ResourceOptions(parent=self, protect=args.get("protect", True))
        certificate = Certificate(
            f"{name}-tls",
            {
                "hostnames": hostnames,
                "zone_id": found.zone_id,
                "certificate_arn": args.get("certificate_arn"),
                "provider_arguments": args.get("provider_arguments", {}),
            },
            pulumi.ResourceOptions(parent=self),
        )
        cdn = PassThroughDistribution(
            f"{name}-cdn",
            {
                "hostnames": hostnames,
                "certificate_arn": certificate.arn,
                "origin_domain_name": found.load_balancer.name,
                "origin": args["origin"],
                "options": args.get("distribution", Distribution()),
            },
            protected,
        )
        dns = WeightedDns(
            f"{name}-dns",
            {
                "hostnames": hostnames,
                "zone_id": found.zone_id,
                "traffic": traffic,
                "load_balancer": found.load_balancer,
                "distribution": ground.AliasTarget(cdn.domain_name, HOSTED_ZONE_ID),
                "cdn_depends_on": [certificate, cdn],
            },
            protected,
        )
        self.hostnames = pulumi.Output.from_input(hostnames)
        self.distribution_id = cdn.id
        self.distribution_domain_name = cdn.domain_name
        self.certificate_arn = certificate.arn
        self.proxy_addresses = pulumi.Output.from_input(list[str]())
        self.traffic = pulumi.Output.from_input(traffic.model_dump())
        self.records = pulumi.Output.from_input(dns.records)
        self.register_outputs(
            {
                "hostnames": self.hostnames,
                "distributionId": self.distribution_id,
                "distributionDomainName": self.distribution_domain_name,
                "certificateArn": self.certificate_arn,
                "proxyAddresses": self.proxy_addresses,
                "traffic": self.traffic,
                "records": self.records,
            }
        )


def _invoke_options(opts: pulumi.ResourceOptions | None) -> pulumi.InvokeOptions:
    """Return what makes the look-ups use the provider that the resources will use."""
    if opts is None:
        return pulumi.InvokeOptions()
    given = opts.providers or ()
    providers = list(given.values() if isinstance(given, Mapping) else given)
    if opts.provider is not None:
        providers.append(opts.provider)
    chosen = [provider for provider in providers if provider.package == "aws"]
    return pulumi.InvokeOptions(parent=opts.parent, provider=chosen[-1] if chosen else None)
