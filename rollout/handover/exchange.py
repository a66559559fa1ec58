"""The records that a stack declares, and the one batch that puts them where others serve. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from components.facts import CLOUDFRONT_ZONE_ID, FAMILIES, PATHS, Family, Path
from rollout.handover.edge_state import RECORD_TYPE, EdgeState
from rollout.records.record_sets import Batch, Change, RecordSet
from rollout.records.weights import Weights

HandoverVerb = Literal["adopt", "release"]
Declared = Literal["weighted", "none", "simple"]
"""What the setting `dns.records` may be."""

MOST_TTL_SECONDS: Final = 300
"""Above that, resolvers go on with the old answer for longer than anybody watches a step."""


@dataclass(frozen=True)
class Exchange:
    """What serves the hostnames of a stack, and what is going to."""

    verb: HandoverVerb
    """Which verb makes it."""
    stack: str
    """Name of the stack."""
    zone_id: str
    """Id of the hosted zone."""
    zone: str
    """Its name."""
    hostnames: tuple[str, ...]
    """The names."""
    batch: Batch
    """What changes in the zone; nothing where the records are there already."""
    after: tuple[RecordSet, ...]
    """All records of the hostnames that the stack has then; with `none` it has none."""
    declared_before: Declared
    """What the stack declares before."""
    declared_after: Declared
    """What it declares after."""


@dataclass(frozen=True)
class Targets:
    """What the records of an edge are aliases of."""

    edge: EdgeState
    """The edge."""
    zone_id: str
    """Id of the hostnames' zone."""
    balancer_zone_id: str
    """Hosted zone of the load balancer's name."""

    def weighted(self, hostname: str, weights: Weights) -> tuple[RecordSet, ...]:
        """Return the four records that share a hostname between the paths."""
        return tuple(
            RecordSet(
                {
                    **self._alias(hostname, family, path),
                    "SetIdentifier": path,
                    "Weight": weights.of(path),
                }
            )
            for family in FAMILIES
            for path in PATHS
        )

    def simple(self, hostname: str, path: Path) -> tuple[RecordSet, ...]:
        """Return the two records that lead everybody to one path."""
        return tuple(RecordSet(self._alias(hostname, family, path)) for family in FAMILIES)

    def _alias(self, hostname: str, family: Family, path: Path) -> dict[str, Any]:
        edge, health = self.edge, False
        if path == "cdn":
            target, zone_id = edge.distribution, CLOUDFRONT_ZONE_ID
        elif family == "AAAA" and edge.proxies:
            target, zone_id, health = edge.proxies, self.zone_id, edge.fails_over_to_cdn
        else:
            target, zone_id = edge.load_balancer, self.balancer_zone_id
        return {
            "Name": f"{hostname}.",
            "Type": family,
            "AliasTarget": {
                "HostedZoneId": zone_id,
                "DNSName": f"{target}.",
                "EvaluateTargetHealth": health,
            },
        }


def exchanging(before: Iterable[RecordSet], after: Iterable[RecordSet]) -> Batch:
    """Return the batch that makes some records of others; what is in both stays as it is.

    What is deleted is named exactly as it was read, so that Route 53 refuses the whole batch where
    somebody has changed it since.
    """
    before, after = tuple(before), tuple(after)
    old = [record.meaning for record in before]
    new = [record.meaning for record in after]
    gone = tuple(record for record in before if record.meaning not in new)
    made = tuple(record for record in after if record.meaning not in old)
    changes = (
        *(Change("DELETE", record) for record in gone),
        *(Change("CREATE", record) for record in made),
    )
    return Batch(changes, gone, made)


def same_records(one: Iterable[RecordSet], other: Iterable[RecordSet]) -> bool:
    """Return whether two lists of records say the same."""
    return not exchanging(one, other).changes


@dataclass(frozen=True)
class StateChange:
    """What has to change in a stack's state."""

    forget: tuple[str, ...]
    """URNs of records that it is not to have any more, the dependent ones first."""
    take_over: tuple[RecordSet, ...]
    """Records that it has to get."""


def state_change(
    edge: EdgeState, hostnames: Sequence[str], after: Iterable[RecordSet]
) -> StateChange:
    """Return what has to change for the state to have these records of the hostnames alone."""
    wanted = {edge.resource_of(record): record for record in after}
    there = [record for record in edge.records if record.name in hostnames]
    names = {record.resource for record in there}
    # The engine keeps resources in the order in which they depend on each other.
    return StateChange(
        tuple(record.urn for record in reversed(there) if record.resource not in wanted),
        tuple(record for resource, record in wanted.items() if resource not in names),
    )


def import_file(edge: EdgeState, zone_id: str, records: Iterable[RecordSet]) -> Mapping[str, Any]:
    """Return what `pulumi import --file` reads, for records that become part of an edge.

    Source: Pulumi docs, 'Importing resources', 'Bulk import operations'; the id is that of
    terraform-provider-aws, `internal/service/route53/record.go`.
    """
    providers = {"aws": edge.provider} if edge.provider else {}
    return {
        "nameTable": {"dns": edge.dns_urn, **providers},
        "resources": [
            {
                "type": RECORD_TYPE,
                "name": edge.resource_of(record),
                "id": import_id(zone_id, record),
                "parent": "dns",
                **({"provider": "aws"} if providers else {}),
            }
            for record in records
        ],
    }


def import_id(zone_id: str, record: RecordSet) -> str:
    """Return the id by which Pulumi's provider of AWS knows a record."""
    return "_".join(part for part in (zone_id, *record.key) if part)
