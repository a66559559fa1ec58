"""What an edge that was deployed before stands on, without asking those who made it.

A weight has to be changeable while DigitalOcean, CloudFront or the load balancers' API do not
answer. So what they answered the last time counts until they answer again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from components.last_deployment import DropletKind, LastDeployment, RecordId
from components.lookups.model import LoadBalancerTarget
from components.lookups.records import ZoneRecord


@dataclass(frozen=True)
class Standing:
    """What stands of an edge; nothing before its first deployment."""

    load_balancer: LoadBalancerTarget | None = None
    """The load balancer that `direct` leads to. None: no record of the stack leads to one, so this
    is a first deployment."""
    droplets: frozenset[DropletKind] = frozenset()
    """What kinds of droplets its proxies are."""


def standing_edge(
    last: LastDeployment, hostnames: Sequence[str], records: Iterable[ZoneRecord]
) -> Standing:
    """Return what stands of an edge.

    The zone says where `direct` leads. Route 53 keeps names in lower case, and a load balancer's
    may have capitals; so the name is taken from the last outputs where they mean the same, or the
    distribution and the droplets, which have that name too, would be changed.

    Args:
        last: What the state has.
        hostnames: The names of the edge, also those that leave.
        records: The records of those names.
    """
    own = {RecordId(name, "A", "direct") for name in hostnames}
    if last.readable:
        own &= last.records
    direct = next((record for record in records if record.id in own and record.alias_of), None)
    if direct is None:
        return Standing(None, last.droplets)
    names = (
        record["target"]
        for record in last.outputs.get("records") or ()
        if record["target"].lower() == direct.alias_of.lower()
    )
    name = next(names, direct.alias_of)
    return Standing(LoadBalancerTarget(name, direct.alias_zone_id), last.droplets)
