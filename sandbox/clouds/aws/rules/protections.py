"""Rules of record set protections, and what they keep from being changed."""

from collections.abc import Collection, Sequence
from typing import Final

from sandbox.clouds.aws.refusal import Refusal
from sandbox.clouds.aws.rules.zone_contents import RecordChange, ZoneContents, invalid

MOST: Final = 100

Keys = Sequence[tuple[str, str]]
"""Canonical names and types."""


def _invalid(message: str) -> Refusal:
    return Refusal("InvalidResourceRecordSetProtectionBatch", message)


def record_is_not_protected(zone: ZoneContents, change: RecordChange) -> Refusal | None:
    """No record of a protected name and type is made, changed or deleted, whatever its identifier.

    Source: Route 53 API Reference, 'CreateResourceRecordSetProtections'. Its words are not public.
    """
    record = change.record
    if (record.name, record.type) not in zone.protected:
        return None
    return invalid(
        f"RRSet with DNS name {record.name}, type {record.type} cannot be changed as it is "
        "protected."
    )


def request_is_a_batch(keys: Keys) -> Refusal | None:
    """A request names 1 to 100 protections, none of them twice.

    Source: Route 53 API Reference, 'CreateResourceRecordSetProtections'.
    """
    if 1 <= len(keys) <= MOST and len(set(keys)) == len(keys):
        return None
    return _invalid(f"Expected 1 to {MOST} different protections, but found {len(keys)}.")


def protected_names_lie_in_zone(keys: Keys, zone: str) -> Refusal | None:
    """A protected name is the zone's or below it; a record need not be there, so it is reserved.

    Source: Route 53 API Reference, 'CreateResourceRecordSetProtections'.
    """
    outside = [name for name, _ in keys if name != zone and not name.endswith(f".{zone}")]
    if not outside:
        return None
    return _invalid(f"DNS name {outside[0]} is not permitted in zone {zone}")


def protection_is_new(keys: Keys, kept: Collection[tuple[str, str]]) -> Refusal | None:
    """What is protected already is not protected again.

    Source: Route 53 API Reference, 'CreateResourceRecordSetProtections', ProtectionAlreadyExists.
    """
    there = [key for key in keys if key in kept]
    if not there:
        return None
    name, kind = there[0]
    return Refusal("ProtectionAlreadyExists", f"{kind} of {name} is protected already.")


def protection_exists(keys: Keys, kept: Collection[tuple[str, str]]) -> Refusal | None:
    """Only what is protected is freed.

    Source: Route 53 API Reference, 'DeleteResourceRecordSetProtections',
    InvalidResourceRecordSetProtectionBatch.
    """
    missing = [key for key in keys if key not in kept]
    if not missing:
        return None
    name, kind = missing[0]
    return _invalid(f"{kind} of {name} is not protected.")


REQUEST_RULES: Final = (
    request_is_a_batch,
    protected_names_lie_in_zone,
    protection_is_new,
    protection_exists,
)
