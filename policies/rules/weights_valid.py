"""A weighted group must be one that Route 53 takes, and whose weights mean what they say.

A weight is a whole number from 0 to 255. If all of a group are 0 they all get the same share: that
is not "off". The records of a group share one TTL, or the answers that resolvers keep longer get
more than their share. Route 53 refuses a record without routing policy beside weighted ones of the
same name and type, two records with one set identifier, and a CNAME beside records of other types,
in the middle of an update.

What no rule sees, because it judges what is to be and not what is: each record changes by itself.
Where the sum of a group's weights changes with them, the share is for a moment outside of the old
and the new one; from 90 and 10 to 9 and 1 it is half. With the same sum it stays between.

Source: Route 53 Developer Guide, "Values specific for weighted records"; Route 53 API Reference,
"ResourceRecordSet", Weight.
"""

from collections.abc import Iterator

from policies.model import UNKNOWN, Finding, Place, Rule, number, show
from policies.records import RECORD, Record, Records, record_of

REMEDY = (
    "Give each record of the group a weight from 0 to 255, at least one of them above 0, a set "
    "identifier of its own and the same TTL, and remove the record that has no weight, and the "
    "CNAME beside the others."
)
HIGHEST = 255


def check(place: Place) -> Iterator[Finding]:
    """Yield a finding for what is wrong with a record's weight, or with its group."""
    record, records = record_of(place)
    group = records.beside(record, record.type) if record.type else [record]
    members = [record for record in group if record.weighted]
    yield from _cname(record, records)
    if not record.weighted:
        if members:
            yield place.get("type").finding(
                "weighted like the other records of its name and type",
                "Remove it, or make it a member of the group with a weight and a set identifier.",
                shown=f"{show(record.type)} without a weight, beside {len(members)} weighted ones",
            )
        return
    yield from _own(record)
    if record is members[0]:
        yield from _all_zero(members)
    yield from _ttl(record, members)
    yield from _same_identifier(record, members)


def _cname(record: Record, records: Records) -> Iterator[Finding]:
    """Yield that a CNAME stands beside other records, where any of them is weighted."""
    if record.type != "CNAME" or record.name is None:
        return
    same = records.by_name[record.zone, record.name]
    others = [other for other in same if other.type not in (None, "CNAME")]
    if others and any(one.weighted for one in same):
        types = " and ".join(dict.fromkeys(str(other.type) for other in others))
        yield record.place.get("type").finding(
            "alone at its name",
            "Remove it, or the others: Route 53 refuses a CNAME beside records of other types.",
            shown=f'"CNAME" beside {types} of {show(record.name)}',
        )


def _same_identifier(record: Record, members: list[Record]) -> Iterator[Finding]:
    """Yield that a member before this one has the same identifier, or may have it."""
    own = record.identifier
    before = members[: members.index(record)]
    others = [member.identifier for member in before]
    if own.unknown and len(members) > 1:
        yield own.finding("a text that no other record of the group has", "Write it out.")
    elif not own.absent and any(other.value == own.value for other in others):
        yield own.finding(
            "a text that no other record of the group has",
            "Give each record an identifier of its own: Route 53 takes it for the same record.",
            shown=f"{show(own.value)}, as in another {record.type} record of {show(record.name)}",
        )


def _own(record: Record) -> Iterator[Finding]:
    weight = record.weight
    value = number(weight.value)
    if value is None or value % 1 != 0 or not 0 <= value <= HIGHEST:
        yield weight.finding(f"a whole number from 0 to {HIGHEST}", "Set it to one.")
    if record.identifier.absent:
        yield record.identifier.finding(
            "a text that no other record of the group has", "Name the way that the record leads."
        )


def _all_zero(members: list[Record]) -> Iterator[Finding]:
    weights = [member.weight.value for member in members]
    if all(weight == 0 or weight is UNKNOWN for weight in weights):
        yield members[0].weight.finding(
            "above 0 for at least one record of the group",
            "Raise the weight of the way that users take: where all are 0, all get the same share.",
            shown=f"0, like every known weight of the {show(members[0].type)} records of "
            f"{show(members[0].name)}",
            certain=UNKNOWN not in weights,
        )


def _ttl(record: Record, members: list[Record]) -> Iterator[Finding]:
    """Compare with the first member that has a TTL; an alias has its target's."""
    plain = [member for member in members if member.alias is None]
    if record not in plain or record is plain[0]:
        return
    ours, theirs = record.place.get("ttl"), plain[0].place.get("ttl")
    if ours.value != theirs.value or ours.unknown:
        yield ours.finding(
            f"{show(theirs.value)}, the TTL of the other records of the group",
            "Give all records of the group the same TTL, 60 seconds at most.",
            certain=not theirs.unknown,
        )


RULE = Rule(
    name="weights-valid",
    text=__doc__,
    url="https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resource-record-sets-values-weighted.html",
    severity="high",
    remedy=REMEDY,
    resource_types=RECORD,
    check=check,
    stack=True,
)
