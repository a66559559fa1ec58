"""The records that lead a hostname's users to the old path, to the new one, or to both."""

from collections.abc import Sequence
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components.facts import FAMILIES, Declared, Family, Path
from components.lookups import AliasTarget, HostedZone, ZoneRecord
from components.proxy_dns import ProxyDns
from components.settings import Traffic


class TrafficRecord(TypedDict):
    """One record, as the stack's outputs show it."""

    name: str
    """The hostname."""
    type: str
    """`A` or `AAAA`."""
    setIdentifier: str
    """`direct` or `cdn`; empty for a simple record."""
    weight: NotRequired[int]
    """Share of the answers, 0 to 255, of the sum over the records of this name and type. A simple
    record, which gives all of them, has none."""
    target: pulumi.Input[str]
    """DNS name the record is an alias of."""


class WeightedDnsArgs(TypedDict):
    """What the records say."""

    hostnames: Sequence[str]
    """Names that get records, in lower case without a final dot."""
    zone_id: str
    """Hosted zone the records go to."""
    traffic: Traffic
    """Weights of the two paths, the same for A and AAAA."""
    declared: NotRequired[Declared]
    """Which records there are. `simple` needs a path that has everybody. Default: `weighted`."""
    load_balancer: AliasTarget
    """Where `direct` leads."""
    distribution: AliasTarget
    """Where `cdn` leads."""
    proxies: NotRequired[ProxyDns | None]
    """Where `direct` leads IPv6 users. Default: to the load balancer, which is to nobody."""
    drain_check: NotRequired[pulumi.Input[str] | None]
    """Id of the health check that takes `cdn` out of the answers. Default: none does."""
    existing: NotRequired[Sequence[ZoneRecord]]
    """Records that the hostnames have already. Default: none."""
    cdn_depends_on: Sequence[pulumi.Resource]
    """What must be ready before an answer may lead to the distribution, even one with weight 0."""


class WeightedDns(pulumi.ComponentResource):
    """Alias records of each hostname: weighted ones by default, A and AAAA, `direct` and `cdn`.

    Changing the weights updates the records in place. A hostname that has a simple record already
    is refused before: the two kinds exclude each other. Where `simple` ones are declared, a
    hostname has one A and one AAAA record, which lead where the records of the path that has
    everybody would lead, and change in place with it. Where none are declared, the component stands
    for those that `dualstack adopt` is going to put into it.

    `direct` is written in both families before `cdn` is in either, and on the way down removed
    after it. Weights only mean something within a group: a `cdn` record that was alone in its
    group, if only for a moment or because something failed in between, would get all users, also
    with weight 0.

    The AAAA alias to a load balancer without IPv6 is answered empty. That is its purpose: IPv6
    clients then use the A answer, as they did before. With proxies, it is an alias to their own
    group of records instead; see `ProxyDns`.

    Neither target's health is evaluated, except for the proxies' where the settings want it. For
    CloudFront Route 53 does not allow it. For the load balancer it would do harm: both paths end
    there, so nothing is gained by leaving one for the other, while an unhealthy load balancer would
    send everybody to a `cdn` of weight 0 (records of weight 0 are used once all others are
    unhealthy), a shift that nobody ordered, and again back. A health check of their own is what
    only the `cdn` records may have, all of them the same one: see `components/kill_switch.py`.

    Source: Route 53 Developer Guide, 'How Amazon Route 53 chooses records when health checking is
    configured' and 'Values specific for weighted alias records'.
    """

    records: list[TrafficRecord]
    """All records, by hostname, path and family."""
    resources: list[aws.route53.Record]
    """The same as the engine has them."""

    def __init__(
        self, name: str, args: WeightedDnsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Create the records."""
        super().__init__("dualstack:index:WeightedDns", name, None, opts)
        self._name = name
        self._args = args
        self.records = []
        self.resources = []
        for hostname in args["hostnames"]:
            match args.get("declared", "weighted"):
                case "weighted":
                    self._weighted(hostname)
                case "simple":
                    self._simple(hostname)
                case "none":
                    pass
        self.register_outputs({"records": self.records})

    def _weighted(self, hostname: str) -> None:
        direct = [self._direct(hostname, family, "direct") for family in FAMILIES]
        for family in FAMILIES:
            self._cdn(hostname, family, "cdn", direct)

    def _simple(self, hostname: str) -> None:
        for family in FAMILIES:
            if self._args["traffic"].whole_path == "direct":
                self._direct(hostname, family, None)
            else:
                self._cdn(hostname, family, None, ())

    def _cdn(
        self,
        hostname: str,
        family: Family,
        path: Path | None,
        after: Sequence[pulumi.Resource],
    ) -> aws.route53.Record:
        """Create a record that leads to the distribution; without a path, a simple one."""
        return self._record(
            (hostname, family, path),
            self._args["distribution"],
            depends_on=[*after, *self._args["cdn_depends_on"]],
            health_check_id=self._args.get("drain_check"),
        )

    def _direct(self, hostname: str, family: Family, path: Path | None) -> aws.route53.Record:
        """Create a record that leads to the old path; without a path, a simple one."""
        proxies = self._args.get("proxies")
        if proxies is None or family == "A":
            return self._record((hostname, family, path), self._args["load_balancer"])
        # Route 53 refuses an alias to records that are not there yet. But once it leads there, its
        # weight must not wait for a droplet that does not come to serve. From then on it depends
        # on the group's empty answer alone, which `pulumi destroy` therefore deletes after it.
        leads_there = any(
            record.id == (hostname, family, path or "") and record.alias_of == proxies.group
            for record in self._args.get("existing", ())
        )
        return self._record(
            (hostname, family, path),
            AliasTarget(proxies.group, self._args["zone_id"]),
            depends_on=proxies.waiting_for_nothing if leads_there else proxies.records,
            evaluate_target_health=proxies.fails_over_to_cdn,
        )

    def _record(
        self,
        record: tuple[str, Family, Path | None],
        target: AliasTarget,
        *,
        depends_on: Sequence[pulumi.Resource] = (),
        evaluate_target_health: bool = False,
        health_check_id: pulumi.Input[str] | None = None,
    ) -> aws.route53.Record:
        hostname, family, path = record
        name = f"{self._name}-{hostname}-{family.lower()}"
        traffic_record = TrafficRecord(
            name=hostname, type=family, setIdentifier=path or "", target=target.name
        )
        policies = None
        if path:
            name = f"{name}-{path}"
            traffic = self._args["traffic"]
            weight = traffic.direct if path == "direct" else traffic.cdn
            traffic_record["weight"] = weight
            policies = [aws.route53.RecordWeightedRoutingPolicyArgs(weight=weight)]
        self.records.append(traffic_record)
        record_resource = aws.route53.Record(
            name,
            zone_id=self._args["zone_id"],
            name=hostname,
            type=family,
            set_identifier=path,
            weighted_routing_policies=policies,
            health_check_id=health_check_id,
            aliases=[
                aws.route53.RecordAliasArgs(
                    name=target.name,
                    zone_id=target.zone_id,
                    evaluate_target_health=evaluate_target_health,
                )
            ],
            opts=pulumi.ResourceOptions(parent=self, depends_on=depends_on),
        )
        self.resources.append(record_resource)
        return record_resource


def hold_negative_answers(
    name: str, zone: str, hosted_zone: HostedZone, seconds: int, opts: pulumi.ResourceOptions
) -> aws.route53.Record:
    """Set how long resolvers keep the answer that a name has no record of a type.

    That is the smaller of the SOA record's TTL and the last number in it. Route 53 makes the record
    with the zone, so it is taken over, and it cannot be deleted, so it is left behind.

    Source: RFC 2308 section 5; Route 53 Developer Guide, 'The start of authority (SOA) record'.

    Args:
        name: Name of the resource.
        zone: Name of the zone.
        hosted_zone: Its id and name servers.
        seconds: How long.
        opts: The resource's options.
    """
    contact = "awsdns-hostmaster.amazon.com."
    server = hosted_zone.primary_name_server.removesuffix(".")
    left = pulumi.ResourceOptions(retain_on_delete=True, protect=False)
    return aws.route53.Record(
        name,
        zone_id=hosted_zone.id,
        name=zone,
        type="SOA",
        ttl=seconds,
        records=[f"{server}. {contact} 1 7200 900 1209600 {seconds}"],
        allow_overwrite=True,
        opts=pulumi.ResourceOptions.merge(opts, left),
    )
