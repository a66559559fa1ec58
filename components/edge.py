"""The dual-stack edge: distribution, certificate, proxies and records around an IPv4-only API."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Self, cast

import pulumi

from components import lookups, places, settings
from components.arguments import DualStackEdgeArgs
from components.certificate import Certificate
from components.departure import Departure, departure, group_of_proxies, hold
from components.distribution import PassThroughDistribution
from components.facts import ALIAS_TTL_SECONDS, CLOUDFRONT_ZONE_ID
from components.kill_switch import after_it_looked, drain_check
from components.last_deployment import last_deployment
from components.proxy.plan import Node, node_ids, plan
from components.proxy_address import Address
from components.proxy_dns import ProxyDns
from components.settings import Settings
from components.weighted_dns import TrafficRecord, WeightedDns, hold_negative_answers

if TYPE_CHECKING:
    from components.origin_lock import OriginLockComponent

LATE: Final = (
    "Both paths have weight and the old one has no proxies: resolvers keep its empty AAAA answer "
    "for the zone's negative TTL, 900 seconds unless the zone's SOA record was changed, but "
    "CloudFront's for 60. So fewer IPv6 clients are on cdn than the weights say. Set "
    f"{settings.NAMESPACE}:dns.negativeTtlSeconds to 60 to have them follow."
)
"""What the user reads while two paths share the answers.

Source: RFC 2308 section 5; Route 53 Developer Guide, 'The start of authority (SOA) record'."""


JUMP: Final = (
    "All weight moves from one path to the other. Each record changes by itself, so for some "
    "seconds both paths have the same weight, 0 or 100, which Route 53 takes as equal shares."
)
"""What the user reads before everybody moves at once.

Source: Route 53 Developer Guide, 'Values specific for weighted records', Weight."""


EXCHANGE: Final = (
    "Everybody moves from one path to the other. The A and the AAAA record of a hostname change "
    "each by itself, so for some seconds the two families are on different paths."
)
"""The same of simple records."""


LEAVES: Final = (
    "Hostname {hostname} leaves: this deployment deletes its records. Resolvers keep answers that "
    "lead to the distribution for {ttl} seconds, so it and the certificate keep the name. The next "
    "pulumi up waits for that, and then removes it there."
)
"""What the user reads of a hostname that is not in the settings any more."""


IS_LED_BY_OTHERS: Final = (
    "Hostname {hostname} is not in the settings any more, but records that are not this stack's "
    "lead it to the edge. So the distribution and the certificate keep the name. Once those "
    "records are gone, the next pulumi up waits for {ttl} seconds, and then removes it there."
)
"""The same where the stack declares none of its records."""


class DualStackEdge(pulumi.ComponentResource):
    """A second way to an API, with IPv6, beside the way its users take today.

    It creates a certificate (`<name>-tls`), a distribution (`<name>-cdn`) and the records that
    `dns.records` declares, weighted ones by default (`<name>-dns`); where asked for, proxies that
    give the old way IPv6 too (`<name>-proxy` and `<name>-proxy-dns`), a lock for the load balancer
    (`<name>-lock`), a kill switch's health check (`<name>-switch`) and alarms (`<name>-alarms`).
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
    """Every traffic record that is declared: name, type, set identifier, weight and target. A
    simple one has no weight and an empty set identifier."""
    load_balancer: pulumi.Output[str]
    """DNS name of the load balancer, the old path: where it is, whatever records there are."""
    origin_secrets: pulumi.Output[list[str]]
    """Values of the header `X-Origin-Secret` for the load balancer to accept: the one CloudFront
    sends and the next. None where there is no lock. Secret."""

    def __init__(
        self, name: str, args: DualStackEdgeArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Look up what exists, then create the edge."""
        self._settings = _checked(name, args)
        self._last = last_deployment(name)
        self._existing = lookups.look_up(self._settings, opts, self._last)
        self._served_hostnames = (*self._settings.hostnames, *self._existing.leaving)
        departs = self._departure()
        nodes = self._nodes(departs)
        super().__init__("dualstack:index:DualStackEdge", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        self._protected = pulumi.ResourceOptions(parent=self, protect=self._settings.protect)
        certificate = self._certificate(name)
        lock = self._lock(name)
        cdn = self._distribution(name, certificate, lock)
        addresses, proxies = self._proxies(name, nodes)
        dns = self._weighted_dns(name, certificate, cdn, proxies)
        self._negative_answers(name)
        self._say_jump()
        self._say_goodbye(departs, [*dns.resources, *(proxies.records if proxies else ())])
        staying = [address for address in addresses if not address.leaving]
        self._alarms(name, cdn, proxies, staying)
        self.hostnames = pulumi.Output.from_input(list(self._settings.hostnames))
        self.distribution_id = cdn.id
        self.distribution_domain_name = cdn.domain_name
        self.certificate_arn = certificate.arn
        self.proxy_addresses = pulumi.Output.all(*(address.ip for address in staying))
        self.traffic = pulumi.Output.from_input(self._settings.traffic.model_dump())
        self.records = pulumi.Output.from_input(dns.records)
        self.load_balancer = pulumi.Output.from_input(self._existing.load_balancer.name)
        # Known only when every edge location sends the current secret, so that nobody who passes
        # them on to the load balancer takes the one before away too early.
        self.origin_secrets = (
            pulumi.Output.all(lock.accepted, cdn.id).apply(lambda values: values[0])
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
                "loadBalancer": self.load_balancer,
                "originSecrets": self.origin_secrets,
            }
        )

    @classmethod
    def of_settings(
        cls, name: str, checked: Settings, opts: pulumi.ResourceOptions | None = None
    ) -> Self:
        """Create an edge of settings that were checked already, as `settings.load` returns them."""
        # What a constructor takes is published as the schema, for programs in every language.
        return cls(name, cast("DualStackEdgeArgs", checked), opts)

    def _departure(self) -> Departure:
        """Return what has to happen to proxies that the settings no longer have."""
        pool = self._settings.proxy
        return departure(
            self._served_hostnames, node_ids(pool) if pool else (), self._existing.records
        )

    def _nodes(self, departs: Departure) -> Sequence[Node]:
        """Return the proxies as they are going to be made."""
        pool = self._settings.proxy
        if pool is None:
            return []
        load_balancer = self._existing.load_balancer.name
        return plan(pool, load_balancer, self._settings.origin.kind, departs.leaving)

    def _certificate(self, name: str) -> Certificate:
        return Certificate(
            f"{name}-tls",
            {
                "hostnames": self._served_hostnames,
                "zone_id": self._existing.zone.id,
                "certificate_arn": self._settings.certificate_arn,
                "provider_arguments": self._settings.provider_arguments(),
            },
            self._child,
        )

    def _lock(self, name: str) -> "OriginLockComponent | None":
        if self._settings.origin_lock is None:
            return None
        from components.origin_lock import OriginLockComponent  # noqa: PLC0415 - few need it

        return OriginLockComponent(
            f"{name}-lock",
            {
                "lock": self._settings.origin_lock,
                "ports": self._settings.origin.ports,
                "prefix_list_id": self._existing.prefix_list_id,
            },
            self._child,
        )

    def _distribution(
        self, name: str, certificate: Certificate, lock: "OriginLockComponent | None"
    ) -> PassThroughDistribution:
        return PassThroughDistribution(
            f"{name}-cdn",
            {
                "hostnames": self._when_nobody_is_led_to_others(),
                "certificate_arn": certificate.arn,
                "origin_domain_name": self._existing.load_balancer.name,
                "origin": self._settings.origin,
                "options": self._settings.distribution,
                "secret": lock.current if lock else None,
            },
            self._protected,
        )

    def _when_nobody_is_led_to_others(self) -> pulumi.Output[list[str]]:
        """Return the hostnames of the distribution, once answers for those it drops are over."""
        served = self._served_hostnames
        dropped = [name for name in self._last.aliases if name not in served]
        over = hold(
            ALIAS_TTL_SECONDS if dropped else 0,
            f"{', '.join(dropped)} to the distribution",
            (),
            self._tell,
        )
        return over.apply(lambda _: list(served))

    def _proxies(self, name: str, nodes: Sequence[Node]) -> tuple[list[Address], ProxyDns | None]:
        """Create the proxies and their records; return where they are reached, and the records."""
        pool, hostnames = self._settings.proxy, self._settings.hostnames
        if pool is None:
            return [], None
        # DigitalOcean's SDK takes as long as all else, and only proxies need it.
        from components.proxy_pool import ProxyPool  # noqa: PLC0415

        addresses = ProxyPool(
            f"{name}-proxy",
            {
                "pool": pool,
                "nodes": nodes,
                "protect": self._settings.protect,
                "watched": self._settings.alarms is not None,
            },
            self._child,
        ).addresses
        proxies = ProxyDns(
            f"{name}-proxy-dns",
            {
                "hostname": hostnames[0],
                "group": group_of_proxies(
                    hostnames, self._existing.leaving, self._existing.records
                ),
                "zone_id": self._existing.zone.id,
                "addresses": addresses,
                "pool": pool,
                "load_balancer": self._existing.load_balancer,
            },
            self._child,
        )
        return addresses, proxies

    def _weighted_dns(
        self,
        name: str,
        certificate: Certificate,
        cdn: PassThroughDistribution,
        proxies: ProxyDns | None,
    ) -> WeightedDns:
        return WeightedDns(
            f"{name}-dns",
            {
                "hostnames": list(self._settings.hostnames),
                "zone_id": self._existing.zone.id,
                "traffic": self._settings.traffic,
                "declared": self._settings.dns.records,
                "load_balancer": self._existing.load_balancer,
                "distribution": lookups.AliasTarget(cdn.domain_name, CLOUDFRONT_ZONE_ID),
                "proxies": proxies,
                "drain_check": self._drain_check(name),
                "existing": self._existing.records,
                "cdn_depends_on": [certificate, cdn],
            },
            self._protected,
        )

    def _drain_check(self, name: str) -> pulumi.Input[str] | None:
        """Create the kill switch's health check; return the id that records may have of it."""
        switch, place = self._settings.kill_switch, places.drain_check(name).name
        if switch is None:
            return None
        check = drain_check(place, switch, self._child)
        if not self._settings.traffic.cdn:
            return check.id
        return after_it_looked(check, self._last.ids.get(place), self._tell)

    def _alarms(
        self,
        name: str,
        cdn: PassThroughDistribution,
        proxies: ProxyDns | None,
        addresses: Sequence[Address],
    ) -> None:
        if self._settings.alarms is None:
            return
        from components.alarms import PathAlarms  # noqa: PLC0415 - few need it

        PathAlarms(
            f"{name}-alarms",
            {
                "alarms": self._settings.alarms,
                "distribution_id": cdn.id,
                "load_balancer": self._existing.load_balancer.name,
                "port": self._settings.origin.ports[-1],
                "proxies": proxies.checks if proxies else [],
                "addresses": addresses,
                "provider_arguments": self._settings.provider_arguments(),
            },
            self._child,
        )

    def _say_goodbye(self, departs: Departure, records: Sequence[pulumi.Resource]) -> None:
        """Keep proxies that answers lead to for as long as those answers live; say who leaves."""
        own = {record.name for record in self._last.records}
        for hostname in self._existing.leaving:
            words = LEAVES if hostname in own or not self._last.readable else IS_LED_BY_OTHERS
            pulumi.log.warn(words.format(hostname=hostname, ttl=ALIAS_TTL_SECONDS), self)
        for node in departs.leaving:
            pulumi.log.warn(
                f"Proxy {node} leaves: no new answer leads to it. It goes on serving, because "
                "resolvers keep the old ones. The next pulumi up deletes it.",
                self,
            )
        hold(departs.hold_seconds, "to proxies which are deleted now", records, self._tell)

    def _tell(self, words: str) -> None:
        pulumi.log.info(words, self)

    def _say_jump(self) -> None:
        """Say what moving everybody at once passes through."""
        traffic, declared = self._settings.traffic, self._settings.dns.records
        mirrored = {"direct": traffic.cdn, "cdn": traffic.direct}
        jumps = traffic.whole_path is not None and declared != "none"
        if jumps and self._last.outputs.get("traffic") == mirrored:
            pulumi.log.info(JUMP if declared == "weighted" else EXCHANGE, self)

    def _negative_answers(self, name: str) -> None:
        """Set how long empty answers live, or say what comes of leaving it."""
        seconds, declared = self._settings.dns.negative_ttl_seconds, self._settings.dns.records
        traffic = self._settings.traffic
        if seconds is not None:
            zone = self._existing.zone
            soa = f"{name}-dns-soa"
            hold_negative_answers(soa, self._settings.zone, zone, seconds, self._child)
        elif self._settings.proxy is None and traffic.whole_path is None and declared == "weighted":
            pulumi.log.info(LATE, self)


def _checked(name: str, args: object) -> Settings:
    """Return settings as they are, and arguments as settings."""
    if isinstance(args, Settings):
        return args
    return settings.from_arguments(name, cast("DualStackEdgeArgs", args))
