"""The dual-stack edge: distribution, certificate, proxies and records around an IPv4-only API."""

from collections.abc import Sequence
from typing import Final

import pulumi

from components import lookups, settings
from components.alarms import PathAlarms
from components.arguments import DualStackEdgeArgs
from components.certificate import Certificate
from components.departure import Departure, departure, hold, zone_records
from components.distribution import PassThroughDistribution
from components.facts import CLOUDFRONT_ZONE_ID
from components.origin_lock import OriginLock
from components.proxy.plan import node_ids, plan
from components.proxy_dns import ProxyDns
from components.proxy_pool import Address, ProxyPool
from components.settings import Settings
from components.weighted_dns import TrafficRecord, WeightedDns, hold_negative_answers

LATE: Final = (
    "Both paths have weight and the old one has no proxies: resolvers keep its empty AAAA answer "
    "for the zone's negative TTL, 900 seconds unless the zone's SOA record was changed, but "
    "CloudFront's for 60. So fewer IPv6 clients are on cdn than the weights say. Set "
    f"{settings.NAMESPACE}:dns.negativeTtlSeconds to 60 to have them follow."
)
"""What the user is told while two paths share the answers.

Source: RFC 2308 section 5; Route 53 Developer Guide, 'The start of authority (SOA) record'."""


class DualStackEdge(pulumi.ComponentResource):
    """A second way to an API, with IPv6, beside the way its users take today.

    It creates a certificate (`<name>-tls`), a distribution (`<name>-cdn`) and weighted records
    (`<name>-dns`); where asked for, proxies that give the old way IPv6 too (`<name>-proxy` and
    `<name>-proxy-dns`), a lock for the load balancer (`<name>-lock`) and alarms (`<name>-alarms`).
    Several edges can live in one program. What exists already is looked up before anything is
    registered, so that an edge that cannot stand leaves nothing.

    Raises:
        SettingsError: The arguments cannot be used.
        OriginError: What has to exist already does not, or cannot be used.
        ProxyError: The proxies cannot be rendered.
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
    """IPv6 addresses of the proxies on the direct path; none where there is no proxy pool."""
    traffic: pulumi.Output[dict[str, int]]
    """Weights of the paths `direct` and `cdn`."""
    records: pulumi.Output[list[TrafficRecord]]
    """Every traffic record: name, type, set identifier, weight and target."""
    origin_secrets: pulumi.Output[list[str]]
    """Values of the header `X-Origin-Secret` for the load balancer to accept: the one CloudFront
    sends and the next. None where there is no lock. Secret."""

    def __init__(
        self, name: str, args: DualStackEdgeArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Look up what exists, then create the edge."""
        wanted = settings.from_arguments(name, args)
        found = lookups.look_up(wanted, opts)
        pool = wanted.proxy
        departs = departure(
            wanted.hostnames,
            node_ids(pool) if pool else (),
            zone_records(found.zone.id, wanted.hostnames, lookups.invoke_options(opts, "aws")),
        )
        nodes = (
            plan(pool, found.load_balancer.name, wanted.origin.kind, departs.leaving)
            if pool
            else []
        )
        super().__init__("dualstack:index:DualStackEdge", name, None, opts)
        hostnames = list(wanted.hostnames)
        child = pulumi.ResourceOptions(parent=self)
        protected = pulumi.ResourceOptions(parent=self, protect=wanted.protect)
        certificate = Certificate(
            f"{name}-tls",
            {
                "hostnames": hostnames,
                "zone_id": found.zone.id,
                "certificate_arn": wanted.certificate_arn,
                "provider_arguments": wanted.provider_arguments(),
            },
            child,
        )
        lock = self._lock(name, wanted, found)
        cdn = PassThroughDistribution(
            f"{name}-cdn",
            {
                "hostnames": hostnames,
                "certificate_arn": certificate.arn,
                "origin_domain_name": found.load_balancer.name,
                "origin": wanted.origin,
                "options": wanted.distribution,
                "secret": lock.current if lock else None,
            },
            protected,
        )
        addresses: list[Address] = []
        proxies = None
        if pool:
            addresses = ProxyPool(
                f"{name}-proxy",
                {
                    "pool": pool,
                    "nodes": nodes,
                    "protect": wanted.protect,
                    "watched": wanted.alarms is not None,
                },
                child,
            ).addresses
            proxies = ProxyDns(
                f"{name}-proxy-dns",
                {
                    "hostname": hostnames[0],
                    "zone_id": found.zone.id,
                    "addresses": addresses,
                    "pool": pool,
                    "load_balancer": found.load_balancer,
                },
                child,
            )
        dns = WeightedDns(
            f"{name}-dns",
            {
                "hostnames": hostnames,
                "zone_id": found.zone.id,
                "traffic": wanted.traffic,
                "load_balancer": found.load_balancer,
                "distribution": lookups.AliasTarget(cdn.domain_name, CLOUDFRONT_ZONE_ID),
                "proxies": proxies,
                "cdn_depends_on": [certificate, cdn],
            },
            protected,
        )
        self._negative_answers(name, wanted, found)
        self._say_goodbye(departs, [*dns.resources, *(proxies.records if proxies else ())])
        if wanted.alarms:
            PathAlarms(
                f"{name}-alarms",
                {
                    "alarms": wanted.alarms,
                    "distribution_id": cdn.id,
                    "load_balancer": found.load_balancer.name,
                    "port": wanted.origin.ports[-1],
                    "proxies": proxies.checks if proxies else [],
                    "addresses": [address for address in addresses if not address.leaving],
                    "provider_arguments": wanted.provider_arguments(),
                },
                child,
            )
        self.hostnames = pulumi.Output.from_input(hostnames)
        self.distribution_id = cdn.id
        self.distribution_domain_name = cdn.domain_name
        self.certificate_arn = certificate.arn
        self.proxy_addresses = pulumi.Output.all(
            *(address.ip for address in addresses if not address.leaving)
        )
        self.traffic = pulumi.Output.from_input(wanted.traffic.model_dump())
        self.records = pulumi.Output.from_input(dns.records)
        # Known only when every edge location sends the current secret, so that whoever passes them
        # on to the load balancer does not take the one before away too early.
        self.origin_secrets = (
            pulumi.Output.all(lock.accepted, cdn.id).apply(lambda known: known[0])
            if lock
            else pulumi.Output.from_input(list[str]())
        )
        self.register_outputs(
            {
                "hostnames": self.hostnames,
                "distributionId": self.distribution_id,
                "distributionDomainName": self.distribution_domain_name,
                "certificateArn": self.certificate_arn,
                "proxyAddresses": self.proxy_addresses,
                "traffic": self.traffic,
                "records": self.records,
                "originSecrets": self.origin_secrets,
            }
        )

    def _say_goodbye(self, departs: Departure, records: Sequence[pulumi.Resource]) -> None:
        """Keep proxies that answers lead to for as long as those answers live."""
        for node in departs.leaving:
            pulumi.log.warn(
                f"Proxy {node} leaves: no new answer leads to it. It goes on serving, because "
                "resolvers keep the old ones. The next pulumi up deletes it.",
                self,
            )
        hold(departs.hold_seconds, records, lambda words: pulumi.log.info(words, self))

    def _lock(self, name: str, wanted: Settings, found: lookups.Prerequisites) -> OriginLock | None:
        if wanted.origin_lock is None:
            return None
        return OriginLock(
            f"{name}-lock",
            {
                "lock": wanted.origin_lock,
                "ports": wanted.origin.ports,
                "prefix_list_id": found.prefix_list_id,
            },
            pulumi.ResourceOptions(parent=self),
        )

    def _negative_answers(self, name: str, wanted: Settings, found: lookups.Prerequisites) -> None:
        """Set how long empty answers live, or say what comes of leaving it."""
        seconds = wanted.dns.negative_ttl_seconds
        if seconds is not None:
            hold_negative_answers(
                f"{name}-dns-soa",
                wanted.zone,
                found.zone,
                seconds,
                pulumi.ResourceOptions(parent=self),
            )
        elif wanted.proxy is None and wanted.traffic.direct and wanted.traffic.cdn:
            pulumi.log.info(LATE, self)
