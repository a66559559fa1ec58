"""Hostnames that somebody else's records are under already."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

from components.faults import Fault
from components.last_deployment import LastDeployment
from components.lookups.records import ZoneRecord
from components.settings import NAMESPACE

_IN_THE_WAY: Final = ("A", "AAAA", "CNAME")
"""Types of records that an edge's cannot be made beside: the first two have to be its own, and a
CNAME tolerates none of the others. Source: RFC 1034 section 3.6.2."""


def taken_names(
    zone_id: str,
    hostnames: Sequence[str],
    records: Iterable[ZoneRecord],
    last: LastDeployment,
    left: Collection[ZoneRecord] = (),
) -> Iterator[Fault]:
    """Say which hostnames have records that are not the stack's, and how to see them.

    Only of types that the stack has no record of yet: where it has, it stands, and what others put
    beside it since must not keep a weight from being changed. Where the state could not be read,
    nobody can tell whose records they are, and no name counts as taken.

    Source: Route 53 API Reference, ChangeResourceRecordSets: a simple record and weighted ones of
    one name and type exclude each other.

    Args:
        zone_id: The zone.
        hostnames: The names of the edge, in order.
        records: The records of those names.
        last: What the state has.
        left: Those of them that an earlier try of this stack made; another fault is about them.
    """
    if not last.readable:
        return
    records, own = list(records), {(record.name, record.type) for record in last.records}
    for index, hostname in enumerate(hostnames):
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
                "Take another name, or exchange them as docs/operating.md says. See them with: "
                f"aws route53 list-resource-record-sets --hosted-zone-id {zone_id} --query "
                f"\"ResourceRecordSets[?Name=='{hostname}.']\"",
            )


def _words(record: ZoneRecord) -> str:
    return f"{record.type} {record.set_identifier}".rstrip()
