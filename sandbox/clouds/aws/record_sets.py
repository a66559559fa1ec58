"""Route 53 as the layer answers it: batches are all or nothing, lists are in order, changes age.

moto deletes every record of the zone that has the set identifier of the deleted one, whatever its
name and type; applies a batch up to its first fault; lists weighted records without paging by
identifier; calls every change `INSYNC`; and forgets geoproximity and CIDR locations. So the layer
does these itself, on moto's records. It knows no CIDR collections: any id of one is taken.
"""

import secrets
from collections.abc import Sequence
from itertools import dropwhile
from typing import Final

from botocore import xform_name
from moto.route53.models import FakeZone

from sandbox.clouds.aws import load_balancers
from sandbox.clouds.aws.fields import Fields, part
from sandbox.clouds.aws.refusal import Refusal, raise_if
from sandbox.clouds.aws.rules import batches as rules
from sandbox.clouds.aws.rules.aliases import CLOUDFRONT_ZONE
from sandbox.clouds.aws.rules.dns_names import canonical
from sandbox.clouds.aws.rules.zone_contents import (
    OutsideTarget,
    RecordChange,
    RecordSet,
    ZoneContents,
)
from sandbox.clouds.aws.state import MotoAccount, now, route53

ZONES_PAGE: Final = 100
PAGE: Final = 300
"""How many records a list holds at most. Source: Route 53 API Reference, ListResourceRecordSets."""


def change_resource_record_sets(account: MotoAccount, sent: Fields) -> Fields:
    """Carry out a batch of changes as a whole, or refuse it as a whole."""
    zone = hosted_zone(sent["HostedZoneId"])
    pending = _pending_seconds(account, account.zone_changes.get(zone.resource_id))
    if account.settings.reject_while_pending:
        raise_if(rules.prior_change_is_complete(pending))
    batch = part(sent, "ChangeBatch")
    changes = tuple(
        RecordChange(change.get("Action", ""), _kept(change.get("ResourceRecordSet", {})))
        for change in batch.get("Changes") or ()
    )
    if not changes:
        raise Refusal("InvalidInput", "Invalid request: ChangeBatch must contain a Change")
    _write(zone, rules.judge(view(account, zone), changes))
    return {"ChangeInfo": _submit(account, zone, batch.get("Comment"))}


def list_resource_record_sets(_account: MotoAccount, sent: Fields) -> Fields:
    """List a zone's records: by name from the right, then type, then set identifier."""
    start = (sent.get("StartRecordName"), sent.get("StartRecordType"))
    if start[1] and not start[0]:
        raise Refusal("InvalidInput", "The input is not valid: StartRecordType needs a name")
    if sent.get("StartRecordIdentifier") and not start[1]:
        raise Refusal("InvalidInput", "The input is not valid: StartRecordIdentifier needs a type")
    first = (place(start[0] or ""), start[1] or "", sent.get("StartRecordIdentifier") or "")
    records = sorted(records_of(hosted_zone(sent["HostedZoneId"])), key=_order)
    records = list(dropwhile(lambda record: _order(record) < first, records))
    size = _page(sent, PAGE)
    answer: Fields = {
        "ResourceRecordSets": [record.fields for record in records[:size]],
        "IsTruncated": len(records) > size,
        "MaxItems": str(size),
    }
    if len(records) > size:
        name, kind, identifier = records[size].key
        answer |= {"NextRecordName": name, "NextRecordType": kind}
        answer |= {"NextRecordIdentifier": identifier} if identifier else {}
    return answer


def get_change(account: MotoAccount, sent: Fields) -> Fields:
    """Tell whether a change has reached all servers."""
    change_id = sent["Id"].rpartition("/")[2]
    submitted = account.changes.get(change_id)
    if submitted is None:
        raise Refusal("NoSuchChange", f"Could not find resource with ID: {change_id}")
    return {"ChangeInfo": _info(account, change_id, submitted)}


def list_hosted_zones(_account: MotoAccount, sent: Fields) -> Fields:
    """List the zones by id, page by page."""
    marker, size = sent.get("Marker") or "", _page(sent, ZONES_PAGE)
    zones = sorted(route53().zones.values(), key=lambda zone: zone.resource_id)
    left = [zone for zone in zones if zone.resource_id >= marker]
    more = {"NextMarker": left[size].resource_id} if len(left) > size else {}
    return {"Marker": marker, **_zones(left[:size], size, truncated=bool(more)), **more}


def list_hosted_zones_by_name(_account: MotoAccount, sent: Fields) -> Fields:
    """List the zones by name from the right, then by id, page by page."""
    first = (place(sent.get("DNSName") or ""), sent.get("HostedZoneId") or "")
    size = _page(sent, ZONES_PAGE)
    placed = sorted((place(z.name), z.resource_id) for z in route53().zones.values())
    left = [hosted_zone(zone_id) for labels, zone_id in placed if (labels, zone_id) >= first]
    named = {name: sent[name] for name in ("DNSName", "HostedZoneId") if sent.get(name)}
    if len(left) > size:
        named |= {"NextDNSName": left[size].name, "NextHostedZoneId": left[size].resource_id}
    return {**_zones(left[:size], size, truncated=len(left) > size), **named}


def _page(sent: Fields, most: int) -> int:
    """Return how many items a list may hold: no more than the service's page."""
    size = sent.get("MaxItems")
    raise_if(rules.page_has_a_size(size))
    return min(int(size or most), most)


def _zones(zones: Sequence[FakeZone], size: int, *, truncated: bool) -> Fields:
    shown = [_shown(zone) for zone in zones]
    return {"HostedZones": shown, "IsTruncated": truncated, "MaxItems": str(size)}


def _shown(zone: FakeZone) -> Fields:
    config = {"PrivateZone": zone.private_zone} | (
        {"Comment": zone.comment} if zone.comment else {}
    )
    return {
        "Id": zone.id,
        "Name": canonical(zone.name),
        "CallerReference": zone.caller_reference,
        "Config": config,
        "ResourceRecordSetCount": len(zone.rrsets),
    }


def create_hosted_zone(account: MotoAccount, sent: Fields) -> Fields:
    """Make a zone; one with a VPC is private, whether or not the request says so.

    Source: Route 53 API Reference, 'HostedZoneConfig', PrivateZone.
    """
    name, reference = canonical(sent["Name"]), sent["CallerReference"]
    vpc, config = part(sent, "VPC"), part(sent, "HostedZoneConfig")
    raise_if(rules.zone_name_can_be_one(name))
    raise_if(rules.private_zone_has_a_vpc(sent))
    references = [zone.caller_reference for zone in route53().zones.values()]
    raise_if(rules.zone_reference_is_new(reference, references))
    private = bool(vpc or config.get("PrivateZone"))
    zone = route53().create_hosted_zone(
        name=name,
        private_zone=private,
        caller_reference=reference,
        comment=config.get("Comment"),
        vpcid=vpc.get("VPCId"),
        vpcregion=vpc.get("VPCRegion"),
        delegation_set_id=sent.get("DelegationSetId"),
    )
    servers = zone.delegation_set.name_servers if zone.delegation_set else []
    return {
        "HostedZone": _shown(zone),
        "ChangeInfo": _submit(account, zone, None),
        "Location": f"https://route53.amazonaws.com/2013-04-01/hostedzone/{zone.resource_id}",
        **({"VPC": dict(vpc)} if private else {"DelegationSet": {"NameServers": servers}}),
    }


def delete_hosted_zone(account: MotoAccount, sent: Fields) -> Fields:
    """Delete a zone that has no records of its own left."""
    zone = hosted_zone(sent["Id"])
    raise_if(rules.deleted_zone_is_empty(view(account, zone)))
    route53().delete_hosted_zone(zone.resource_id)
    return {"ChangeInfo": _submit(account, zone, None)}


def view(account: MotoAccount, zone: FakeZone) -> ZoneContents:
    """Return a zone as the rules see it."""
    distributions = tuple(
        OutsideTarget(
            CLOUDFRONT_ZONE,
            canonical(distribution.domain_name),
            frozenset({"A", "AAAA", "HTTPS"}),
            frozenset(canonical(name) for name in distribution.aliases),
        )
        for distribution in account.distributions.values()
    )
    balancers = tuple(
        OutsideTarget(balancer.zone_id, canonical(balancer.dns_name), frozenset({"A", "AAAA"}))
        for balancer in load_balancers.every()
    )
    return ZoneContents(
        zone.resource_id,
        canonical(zone.name),
        records_of(zone),
        (*distributions, *balancers),
        zone.private_zone,
        frozenset(account.health_checks),
        frozenset(account.protections.get(zone.resource_id, ())),
    )


def public_records() -> tuple[RecordSet, ...]:
    """Return what the world sees of the account's names."""
    zones = [zone for zone in route53().zones.values() if not zone.private_zone]
    return tuple(record for zone in zones for record in records_of(zone))


def hosted_zone(zone_id: str) -> FakeZone:
    """Return moto's zone of an id, with or without what the API puts before it."""
    return route53().get_hosted_zone(zone_id.rpartition("/")[2])


def _kept(fields: Fields) -> RecordSet:
    """Return a record as Route 53 keeps it: with canonical names."""
    kept = {key: value for key, value in fields.items() if value is not None}
    kept["Name"] = canonical(fields.get("Name", ""))
    target = fields.get("AliasTarget")
    if target is not None:
        kept["AliasTarget"] = {**target, "DNSName": canonical(target.get("DNSName", ""))}
    return RecordSet(kept)


def records_of(zone: FakeZone) -> tuple[RecordSet, ...]:
    """Return the records of a zone."""
    return tuple(_kept(_from_moto(vars(kept))) for kept in zone.rrsets)


FIELDS: Final = (
    *("Name", "Type", "SetIdentifier", "Weight", "Region", "Failover", "GeoLocation"),
    *("MultiValueAnswer", "TTL", "AliasTarget", "HealthCheckId"),
)
"""The fields of a record that moto keeps."""

FORGOTTEN: Final = ("GeoProximityLocation", "CidrRoutingConfig")
"""Those that moto forgets; they are kept beside them."""


def _from_moto(kept: Fields) -> Fields:
    fields: Fields = {field: kept.get(xform_name(field)) for field in (*FIELDS, *FORGOTTEN)}
    if kept["ttl"] is not None:
        fields["TTL"] = int(kept["ttl"])
    if kept["records"]:
        fields["ResourceRecords"] = [_value(value) for value in kept["records"]]
    return fields


def _value(kept: str | dict[str, str]) -> dict[str, str]:
    """Return a value as boto3 knows it; moto keeps its text, except for the SOA it made itself."""
    return {"Value": kept} if isinstance(kept, str) else kept


def _write(zone: FakeZone, result: ZoneContents) -> None:
    zone.rrsets = []
    for record in result.records:
        kept = zone.add_rrset({**record.fields, "ResourceRecords": list(record.values)})
        for field in FORGOTTEN:
            setattr(kept, xform_name(field), record.fields.get(field))


def place(name: str) -> tuple[str, ...]:
    """Return where a name stands in a list: by its labels, the last one first."""
    return tuple(reversed(canonical(name).rstrip(".").split("."))) if name else ()


def _order(record: RecordSet) -> tuple[tuple[str, ...], str, str]:
    """Sort as ListResourceRecordSets does. Source: Route 53 API Reference, 'Sort order'."""
    return place(record.name), record.type, record.identifier or ""


def _submit(account: MotoAccount, zone: FakeZone, comment: str | None) -> Fields:
    change_id = f"C{secrets.token_hex(10).upper()}"
    submitted = account.clock()
    account.changes[change_id] = submitted
    account.zone_changes[zone.resource_id] = submitted
    commented = {"Comment": comment} if comment else {}
    # Never at all servers by the time of the answer: whoever has to know asks.
    return {**_info(account, change_id, submitted), "Status": "PENDING", **commented}


def _info(account: MotoAccount, change_id: str, submitted: float) -> Fields:
    return {
        "Id": f"/change/{change_id}",
        "Status": "PENDING" if _pending_seconds(account, submitted) > 0 else "INSYNC",
        "SubmittedAt": now(account, submitted),
    }


def _pending_seconds(account: MotoAccount, submitted: float | None) -> float:
    if submitted is None:
        return 0
    return submitted + account.settings.change_seconds - account.clock()
