"""From a backup to the exchange that puts back what was there. Pure."""

from collections.abc import Iterator, Sequence

from components.faults import Fault
from rollout.faults import WrongUseError
from rollout.handover.backup import Backup
from rollout.handover.exchange import (
    Exchange,
    HandoverVerb,
    exchanging,
    same_records,
)
from rollout.records.record_sets import RecordSet

_TYPES = ("A", "AAAA", "CNAME")


def undoing(
    backup: Backup, verb: HandoverVerb, stack: str, zone_id: str, records: Sequence[RecordSet]
) -> Exchange:
    """Return how what a backup has is put back.

    Args:
        backup: The backup.
        verb: The verb that is to undo.
        stack: Name of the stack.
        zone_id: Id of its zone.
        records: Records of the backup's hostnames as the zone has them.

    Raises:
        WrongUseError: The zone is not as the backup's exchange made it; with every fault.
    """
    if faults := list(_of_another(backup, verb, stack, zone_id)):
        raise WrongUseError(faults)
    now = [record for record in records if record.type in _TYPES]
    before, after = backup.records_before, backup.records_after
    if not same_records(now, before):
        faults = [
            fault
            for hostname in backup.hostnames
            for fault in _changed_since(
                hostname,
                [each for each in now if each.name == hostname],
                [each for each in after if each.name == hostname],
            )
        ]
        faults += _beside_cnames(before, records)
        if faults:
            raise WrongUseError(faults)
    return Exchange(
        verb=verb,
        stack=stack,
        zone_id=zone_id,
        zone=backup.zone,
        hostnames=tuple(backup.hostnames),
        batch=exchanging(now, before),
        after=before if backup.declared_before != "none" else (),
        declared_before=backup.declared_after,
        declared_after=backup.declared_before,
    )


def _of_another(backup: Backup, verb: str, stack: str, zone_id: str) -> Iterator[Fault]:
    if backup.verb != verb:
        yield Fault(
            "The backup",
            f"one of dualstack {backup.verb}",
            f"dualstack {verb} undoes its own",
            f"Use: dualstack {backup.verb} --undo FILE",
        )
    if backup.stack.rpartition("/")[2] != stack.rpartition("/")[2]:
        yield Fault(
            "The backup",
            f"one of stack {backup.stack}",
            f"it should be of stack {stack}",
            f"Use: --stack {backup.stack}",
        )
    if backup.zone_id != zone_id:
        yield Fault(
            "The backup",
            f"one of zone {backup.zone_id} ({backup.zone})",
            f"the stack's zone is {zone_id}",
            "Give the backup of this zone, or set dualstack-edge:zone back.",
        )


def _changed_since(
    hostname: str, now: Sequence[RecordSet], after: Sequence[RecordSet]
) -> Iterator[Fault]:
    changes = exchanging(now, after).changes
    if not changes:
        return
    words = [
        f"{'with' if change.action == 'DELETE' else 'without'} {described(change.record)}"
        for change in changes
    ]
    yield Fault(
        f"{hostname} in the zone",
        "; ".join(words),
        "it has to be as it was made when the backup was written, or somebody's change would be "
        "lost",
        "Put that right first; weights with: dualstack shift abort --direct. Or write what the "
        "backup has under `before` by hand.",
    )


def _beside_cnames(before: Sequence[RecordSet], records: Sequence[RecordSet]) -> Iterator[Fault]:
    """Say which names have got records since then that may not be beside a CNAME."""
    for name in [record.name for record in before if record.type == "CNAME"]:
        others = [each.type for each in records if each.name == name and each.type not in _TYPES]
        if others:
            yield Fault(
                f"{', '.join(sorted(set(others)))} of {name}",
                "in the zone since the backup was written",
                "what it puts back is a CNAME, and a name with one has nothing else",
                "Delete that first, or leave the name as it is.",
            )


def described(record: RecordSet) -> str:
    """Return a record in words: `A direct of api.example.com, weight 100, alias of X`."""
    parts = [str(record)]
    if record.weight is not None:
        parts.append(f"weight {record.weight}")
    if record.alias_of:
        parts.append(f"alias of {record.alias_of}")
    if record.values:
        parts.append(", ".join(record.values))
    if record.ttl_seconds is not None:
        parts.append(f"TTL {record.ttl_seconds}")
    return ", ".join(parts)
