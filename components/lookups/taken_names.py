"""Hostnames that somebody else's records are under already."""

from collections.abc import Collection, Iterable, Iterator
from typing import Final

from components.faults import Fault
from components.last_deployment import LastDeployment
from components.lookups.declared_records import Kind, state_records
from components.lookups.records import ZoneRecord
from components.settings import NAMESPACE, Settings

_IN_THE_WAY: Final = ("A", "AAAA", "CNAME")
"""Types of records that an edge's cannot be made beside: the first two have to be its own, and a
CNAME tolerates none of the others. Source: RFC 1034 section 3.6.2."""


def taken_names(
    zone_id: str,
    settings: Settings,
    records: Iterable[ZoneRecord],
    last: LastDeployment,
    left: Collection[ZoneRecord] = (),
) -> Iterator[Fault]:
    """Say which hostnames have records that are not the stack's, and how to see them.

    Only of types that the stack has no record of yet: where it has, it stands, and what others put
    beside it since must not keep a weight from being changed. Where the state could not be read,
    nobody can tell whose records they are, and no name counts as taken; nor does one where the
    stack declares no record.

    Source: Route 53 API Reference, ChangeResourceRecordSets: a simple record and weighted ones of
    one name and type exclude each other.

    Args:
        zone_id: The zone.
        settings: The settings.
        records: The records of those names.
        last: What the state has.
        left: Those of them that an earlier try of this stack made; another fault is about them.
    """
    if not last.readable or settings.dns.records == "none":
        return
    records, own = list(records), {(record.name, record.type) for record in last.records}
    for index, hostname in enumerate(settings.hostnames):
        taken = [
            record
            for record in records
            if record.name == hostname
            and record.type in _IN_THE_WAY
            and (hostname, record.type) not in own
            and record not in left
        ]
        if taken:
            yield Fault(
                f"{NAMESPACE}:hostnames[{index}]",
                f'"{hostname}", which has records already: {", ".join(map(_words, taken))}',
                "a name without records of type A, AAAA and CNAME, or with those of this stack "
                "only: Route 53 takes no weighted record beside a simple one, and a user's record "
                "is not for a deployment to delete",
                f"{_way_out(settings, last)}\n    See them with: "
                f"aws route53 list-resource-record-sets --hosted-zone-id {zone_id} --query "
                f"\"ResourceRecordSets[?Name=='{hostname}.']\"",
            )


def _way_out(settings: Settings, last: LastDeployment) -> str:
    """Return how a name gets into this stack; where others are in it already, by hand."""
    kinds: tuple[Kind, Kind] = ("weighted", "simple")
    if any(state_records(kind, settings.hostnames, last) for kind in kinds):
        return (
            "Take another name, or exchange them as docs/operating.md says in 'A name that joins a "
            "stack with users'."
        )
    release = " && dualstack release" if settings.dns.records == "simple" else ""
    return (
        "Take another name; or, to have them taken over without a gap, set dns.records to none, "
        "deploy, and then run dualstack adopt:\n"
        f"    pulumi config set --path {NAMESPACE}:dns.records none && pulumi up && "
        f"dualstack adopt{release}"
    )


def _words(record: ZoneRecord) -> str:
    return f"{record.type} {record.set_identifier}".rstrip()
