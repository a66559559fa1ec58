"""The records behind an old path that has IPv6 proxies: one for each, and its health."""

from collections.abc import Sequence
from typing import Final, TypedDict

import pulumi
import pulumi_aws as aws

from components.facts import ALIAS_TTL_SECONDS, NO_PROXY
from components.lookups import AliasTarget
from components.proxy_address import Address
from components.settings import Proxies

CHECK_INTERVAL_SECONDS: Final = 10
CHECKS_TO_FAIL: Final = 3
"""With an interval of ten seconds, a dead proxy is out of the answers after half a minute.

Source: Route 53 Developer Guide, 'Values that you specify when you create or update health checks'.
"""


class ProxyDnsArgs(TypedDict):
    """What the proxies' records are made of."""

    hostname: str
    """Name that health checks ask the proxies for."""
    group: str
    """Name of the group."""
    zone_id: str
    """Hosted zone the records go to."""
    addresses: Sequence[Address]
    """The proxies."""
    pool: Proxies
    """The settings."""
    load_balancer: AliasTarget
    """What has no IPv6, and therefore answers AAAA with nothing."""


class ProxyDns(pulumi.ComponentResource):
    """A group of AAAA records, one for each proxy, that only healthy proxies answer from.

    Route 53 allows one address in a weighted record. So the traffic records do not hold the
    proxies' addresses but are aliases of a second name, whose records do, with equal weights.

    That name is `_proxy.` before a hostname. No host can have it, because host names have
    no underscores; so it collides with nothing, and nobody but Route 53 itself looks it up.

    **What is checked.** Each proxy at its literal address, because by name Route 53 would connect
    over IPv4. Without a path the check connects and no more: it finds a droplet that is gone, but
    nginx accepts before it connects to the load balancer, so a proxy that cannot reach it passes.
    With a path the check asks the API through the proxy, TLS handshake and all, and fails when any
    part of the way does, the API's own failures among them. A new check counts as healthy until it
    has failed.

    **When all are unhealthy.** A group none of whose records is healthy is answered as if all were:
    with dead addresses. Those are worse than none: a client behind DNS64 that gets an AAAA answer
    never gets one that is made up, and never reaches the A record. So one of two things is
    arranged. With `ipv4`, the group has a record of weight 0, an alias of the load balancer, which
    is answered empty. Route 53 uses weight 0 only when all others are unhealthy. IPv6 clients then
    do what they did before there were proxies, and an API that fails its own check does no harm
    that way. With `cdn` there is no such record, and the traffic record evaluates the health of the
    group: Route 53 answers AAAA from `cdn`, whatever its weight, also for the time of an outage of
    the API behind both.

    Source: Route 53 Developer Guide, 'How Amazon Route 53 chooses records when health checking is
    configured', 'Values specific for weighted records', 'Values that you specify when you create or
    update health checks' (IP address); RFC 6147 section 5.1.4; RFC 8552.
    """

    group: str
    """Name of the group."""
    records: list[pulumi.Resource]
    """Every record of it. Equal weights, but 0 for a proxy that leaves."""
    waiting_for_nothing: list[pulumi.Resource]
    """Those of the records that no proxy has to serve for."""
    checks: list[tuple[str, aws.route53.HealthCheck]]
    """The health check of each proxy, with its id in the pool."""
    fails_over_to_cdn: bool
    """Whether an alias of the group has to evaluate its health."""

    def __init__(
        self, name: str, args: ProxyDnsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Create the health checks and the records."""
        super().__init__("dualstack:index:ProxyDns", name, None, opts)
        self._name = name
        self._args = args
        self.group = args["group"]
        self.fails_over_to_cdn = args["pool"].when_all_fail == "cdn"
        self.records = []
        self.checks = []
        for address in args["addresses"]:
            check = self._check(address)
            self.checks.append((address.node, check))
            self._record(address, check)
        self.waiting_for_nothing = [] if self.fails_over_to_cdn else [self._empty_answer()]
        self.records += self.waiting_for_nothing
        self.register_outputs({"group": self.group})

    def _check(self, address: Address) -> aws.route53.HealthCheck:
        path = self._args["pool"].health_check_path
        over_https = path is not None
        return aws.route53.HealthCheck(
            f"{self._name}-{address.node}-health",
            type="HTTPS" if over_https else "TCP",
            ip_address=address.ip,
            port=self._args["pool"].checked_port,
            fqdn=self._args["hostname"] if over_https else None,
            enable_sni=True if over_https else None,
            resource_path=path,
            request_interval=CHECK_INTERVAL_SECONDS,
            failure_threshold=CHECKS_TO_FAIL,
            tags={"Name": f"{self.group} {address.node}"},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[address.serving]),
        )

    def _record(self, address: Address, check: aws.route53.HealthCheck) -> None:
        self.records.append(
            aws.route53.Record(
                f"{self._name}-{address.node}",
                zone_id=self._args["zone_id"],
                name=self.group,
                type="AAAA",
                # As long as the aliases' own answers live, or the weights between them and the
                # proxies would be others than were set.
                ttl=ALIAS_TTL_SECONDS,
                set_identifier=address.node,
                weighted_routing_policies=[
                    aws.route53.RecordWeightedRoutingPolicyArgs(weight=0 if address.leaving else 1)
                ],
                records=[address.ip],
                health_check_id=check.id,
                opts=pulumi.ResourceOptions(
                    parent=self, depends_on=[address.serving], hooks=address.before_users
                ),
            )
        )

    def _empty_answer(self) -> aws.route53.Record:
        target = self._args["load_balancer"]
        return aws.route53.Record(
            f"{self._name}-none",
            zone_id=self._args["zone_id"],
            name=self.group,
            type="AAAA",
            set_identifier=NO_PROXY,
            weighted_routing_policies=[aws.route53.RecordWeightedRoutingPolicyArgs(weight=0)],
            aliases=[
                aws.route53.RecordAliasArgs(
                    name=target.name, zone_id=target.zone_id, evaluate_target_health=False
                )
            ],
            opts=pulumi.ResourceOptions(parent=self),
        )
