"""What an edge that was deployed before stands on, without asking those who made it.

A weight has to be changeable while DigitalOcean, CloudFront or the load balancers' API do not
answer. So what they answered the last time counts until they answer again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from components.facts import CLOUDFRONT_ZONE_ID
from components.last_deployment import DropletKind, LastDeployment, RecordId
from components.load_balancer_names import zone_id_of
from components.lookups.model import LoadBalancerTarget
from components.lookups.records import ZoneRecord
from components.settings import Settings


@dataclass(frozen=True)
class Standing:
    """What stands of an edge; nothing before its first deployment."""

    load_balancer: LoadBalancerTarget | None = None
    """The load balancer that `direct` leads to, or, while no record of the stack leads to one, that
    the last deployment was given. None: there was none, or its name does not tell its zone."""
    droplets: frozenset[DropletKind] = frozenset()
    """What kinds of droplets its proxies are."""


def standing_edge(
    settings: Settings,
    last: LastDeployment,
    leaving: Sequence[str],
    records: Iterable[ZoneRecord],
) -> Standing:
    """Return what stands of an edge.

    The zone says where `direct` leads; where the stack has no record of it, the last outputs do, as
    long as the distribution is there that has the load balancer for its origin. Route 53 keeps
    names in lower case, and a load balancer's may have capitals; so the name is taken from the last
    outputs where they mean the same, or the distribution and the droplets, which have that name
    too, would be changed.

    Args:
        settings: The settings.
        last: What the state has.
        leaving: The names that leave.
        records: The records of the names of the edge, also of those that leave.
    """
    names = (*settings.hostnames, *leaving)
    member = {"weighted": "direct", "simple": ""}.get(settings.dns.records)
    own = {RecordId(name, "A", member) for name in names if member is not None}
    if last.readable:
        own &= last.records
    direct = next(
        (
            record
            for record in records
            if record.id in own and record.alias_of and record.alias_zone_id != CLOUDFRONT_ZONE_ID
        ),
        None,
    )
    if direct is None:
        name = str(last.outputs.get("loadBalancer") or "") if last.distribution_domain_name else ""
        zone_id = zone_id_of(name.lower())
        return Standing(LoadBalancerTarget(name, zone_id) if zone_id else None, last.droplets)
    spelled = (
        record["target"]
        for record in last.outputs.get("records") or ()
        if record["target"].lower() == direct.alias_of.lower()
    )
    name = next(spelled, direct.alias_of)
    return Standing(LoadBalancerTarget(name, direct.alias_zone_id), last.droplets)
