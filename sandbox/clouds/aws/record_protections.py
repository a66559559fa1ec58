"""Record set protections of Route 53: names and types of a zone that nobody changes.

moto has none. Where this differs from Route 53: the words of its refusals are not public yet, and a
list has no order that is documented; here it is that of the records.

Source: Route 53 API Reference, 'CreateResourceRecordSetProtections',
'DeleteResourceRecordSetProtections' and 'ListResourceRecordSetProtections'.
"""

from typing import Final

from sandbox.clouds.aws.fields import Fields, members
from sandbox.clouds.aws.record_sets import hosted_zone, place
from sandbox.clouds.aws.refusal import raise_if
from sandbox.clouds.aws.rules import protections as rules
from sandbox.clouds.aws.rules.zone_contents import canonical
from sandbox.clouds.aws.state import MotoAccount

PAGE: Final = 100


def create_resource_record_set_protections(account: MotoAccount, sent: Fields) -> Fields:
    """Protect names and types, all of the request's or none."""
    zone = hosted_zone(sent["HostedZoneId"])
    asked = members(sent, "Protections")
    keys = [_key(each) for each in asked]
    kept = account.protections.setdefault(zone.resource_id, {})
    raise_if(rules.request_is_a_batch(keys))
    raise_if(rules.protected_names_lie_in_zone(keys, canonical(zone.name)))
    raise_if(rules.protection_is_new(keys, kept))
    kept.update(
        (key, {"Comment": each["Comment"]} if each.get("Comment") else {})
        for key, each in zip(keys, asked, strict=True)
    )
    return {}


def delete_resource_record_set_protections(account: MotoAccount, sent: Fields) -> Fields:
    """Protect names and types no more, all of the request's or none."""
    zone = hosted_zone(sent["HostedZoneId"])
    keys = [_key(each) for each in members(sent, "Protections")]
    kept = account.protections.setdefault(zone.resource_id, {})
    raise_if(rules.request_is_a_batch(keys))
    raise_if(rules.protection_exists(keys, kept))
    for key in keys:
        del kept[key]
    return {}


def list_resource_record_set_protections(account: MotoAccount, sent: Fields) -> Fields:
    """List the protections of a zone, page by page."""
    zone = hosted_zone(sent["HostedZoneId"])
    first = sent.get("NextToken") or ""
    name = sent.get("StartRecordName") or ""
    start = tuple(first.split("/")) if first else (name, sent.get("StartRecordType") or "")
    size = min(int(sent.get("MaxResults") or PAGE), PAGE)
    kept = account.protections.get(zone.resource_id, {})
    left = [key for key in sorted(kept, key=_place) if not start[0] or _place(key) >= _place(start)]
    listed = [
        {"RecordName": name, "RecordType": kind, **kept[name, kind]} for name, kind in left[:size]
    ]
    more = {"NextToken": "/".join(left[size])} if len(left) > size else {}
    return {"ResourceRecordSetProtections": listed, **more}


def _key(protection: Fields) -> tuple[str, str]:
    return canonical(protection["RecordName"]), protection["RecordType"]


def _place(key: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    return place(key[0]), key[1]
