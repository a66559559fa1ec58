"""Every way to a name must be there for IPv4 and for IPv6, with the same weights.

Route 53 picks an answer among the records of one name and type, so the A records of a name are one
weighted group and its AAAA records another; HTTPS records are a third, whose address hints move
clients as well. Weights that differ send the two families different ways. The worst case looks
harmless: with an AAAA record for CloudFront alone, every IPv6 client moves at once, whatever the
weights of the A records say. The old path's AAAA record may be an alias of a load balancer without
IPv6: it is answered empty, and its clients go on over IPv4. A simple alias of a distribution needs
its twin for the same reason. A group that another name's alias leads to, such as one of IPv6
proxies, may be of one family: clients ask for the name in front of it.

Source: Route 53 Developer Guide, "Values specific for weighted alias records" and "How Amazon
Route 53 chooses records"; RFC 8305, "Happy Eyeballs Version 2".
"""

from collections.abc import Iterator

from policies.model import Finding, Place, Rule, show
from policies.records import FAMILIES, RECORD, Record, Records, record_of

REMEDY = (
    "Give each weighted A record an AAAA record of the same name, set identifier and weight, and "
    "the other way round; the AAAA record of an IPv4-only load balancer is an alias of it."
)
KINDS = (*FAMILIES, "HTTPS")
"""The types whose groups have to agree."""


def check(place: Place) -> Iterator[Finding]:
    """Yield a finding for a record whose counterpart in the other family is missing or differs."""
    record, records = record_of(place)
    if not record.weighted and not (record.simple and record.leads_to_cloudfront):
        return
    if records.behind_an_alias(record):  # clients ask for the name in front of it, judged there
        return
    if record.type is None:
        yield place.get("type").finding("known", "Write the type out in the program.")
    elif record.type in KINDS and record.name is None:
        yield place.get("name").finding("known", "Write the name out in the program.")
    elif record.type in KINDS and not record.weighted:
        yield from _simple(record, records)
    elif record.type in KINDS:
        yield from _weighted(record, records)


def _simple(record: Record, records: Records) -> Iterator[Finding]:
    if record.type not in FAMILIES:
        return
    other = FAMILIES[record.type == FAMILIES[0]]
    present = records.beside(record, other)
    if not any(twin.weighted or twin.leads_to_cloudfront for twin in present):
        yield _missing(record, records, other, "an alias of the same distribution")


def _weighted(record: Record, records: Records) -> Iterator[Finding]:
    group = records.beside(record, *KINDS)
    others = [
        kind
        for kind in KINDS
        if kind != record.type and (kind != "HTTPS" or any(other.type == kind for other in group))
    ]
    if record.type == "HTTPS":
        others = ["A"]  # its AAAA records are compared with the A records already
    for other in others:
        present = [member for member in group if member.type == other and member.weighted]
        if record.identifier.unknown:
            yield record.identifier.finding("known", "Write the set identifier out in the program.")
            return
        twins = [member for member in present if member.identifier.value == record.identifier.value]
        if twins:
            if record.type != "A":  # each pair is compared once
                yield from _same_weight(record, twins[0])
        elif not any(member.identifier.unknown for member in present):
            yield _missing(
                record,
                records,
                other,
                f"a weighted record with set identifier {show(record.identifier.value)} and weight "
                f"{show(record.weight.value)}",
            )


def _same_weight(record: Record, twin: Record) -> Iterator[Finding]:
    here, there = record.weight, twin.weight
    allowed = f"the weight of the {twin.type} record with the same set identifier"
    fix = f"Set both to the same weight: the {twin.type} record has {show(there.value)}."
    if here.unknown or there.unknown:
        shown = None if here.unknown else f"{show(here.value)}, and the other is not known"
        yield here.finding(allowed, fix, found=shown, certain=False)
    elif here.value != there.value:
        yield here.finding(allowed, fix)


def _missing(record: Record, records: Records, other: str, allowed: str) -> Finding:
    """Return the finding about a missing twin, worded for the worst case where it is one."""
    shown = f"{show(record.place.get('type').value)} without its {other} twin"
    fix = f"Add the {other} record of {show(record.name)}: {allowed}."
    six = records.beside(record, "AAAA")
    if six and all(twin.leads_to_cloudfront for twin in six):
        four = records.beside(record, "A")
        if not four or not all(twin.leads_to_cloudfront for twin in four):
            shown += (
                f", and only CloudFront has an AAAA record of {show(record.name)}, so every IPv6 "
                "client would move to it at once, whatever the weights of the A records"
            )
    return record.place.get("type").finding(f"paired with {allowed}", fix, found=shown)


RULE = Rule(
    name="families-paired",
    text=__doc__,
    url="https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resource-record-sets-values-weighted-alias.html",
    severity="critical",
    remedy=REMEDY,
    resource_types=RECORD,
    check=check,
    stack=True,
)
