"""Route 53: hosted zones, and the records in them.

Source: hashicorp/terraform-provider-aws, `internal/service/route53/record.go`, `zone.go`,
`zone_data_source.go` and `records_data_source.go`.
"""

import re
import time
from collections.abc import Iterator
from typing import Final

from botocore.exceptions import ClientError

from sandbox.plugins.aws.session import Session, code_of, from_list, to_list
from sandbox.plugins.aws.tagged import Tagged
from sandbox.plugins.check import missing_or_both
from sandbox.plugins.resource import Call, Failure, Function, PluginError, Resource, Shape
from sandbox.plugins.schema import ClassRef
from sandbox.plugins.values import Props, block_of, has_unknown, is_zero, items_of

RECORD_TYPES: Final = (
    *("SOA", "A", "TXT", "NS", "CNAME", "MX", "NAPTR", "PTR", "SRV", "SPF", "AAAA", "CAA", "DS"),
    *("TLSA", "SSHFP", "SVCB", "HTTPS"),
)
"""Source: Route 53 API Reference, ResourceRecordSet, `Type`."""

_ROUTING_POLICIES = (
    "cidrRoutingPolicy",
    "failoverRoutingPolicies",
    "geolocationRoutingPolicies",
    "geoproximityRoutingPolicy",
    "latencyRoutingPolicies",
    "multivalueAnswerRoutingPolicy",
    "weightedRoutingPolicies",
)
_COMMENT = "Managed by Pulumi"
_RECORD_TIMEOUT_SECONDS = 30 * 60
_ZONE_TIMEOUT_SECONDS = 15 * 60


def domain(name: str) -> str:
    """Return a name as AWS's answers are compared: lower case, without the last dot, `*` as such.

    Route 53 returns any other character than letters, digits, `-`, `_` and `.` as an octal escape.
    Source: Route 53 Developer Guide, 'DNS domain name format'.
    """
    return name.lower().removesuffix(".").replace(r"\052", "*")


def _bare(name: str) -> str:
    """Return a record's name as the official plugin keeps it: lower case, no dot at the end."""
    return name.removesuffix(".").lower()


def zone_id_of(path: str) -> str:
    """Return the id of a hosted zone without the `/hostedzone/` that the API puts before it."""
    return path.removeprefix("/hostedzone/")


def _full_name(name: str, zone: str) -> str:
    """Return the whole name of a record that may be given without the zone's."""
    name, zone = domain(name), domain(zone)
    if name.endswith(zone):
        return name
    return f"{name}.{zone}" if name else zone


def _find_zone(session: Session, zone_id: str) -> Props | None:
    try:
        answer = session.client("route53").get_hosted_zone(Id=zone_id_of(zone_id))
    except ClientError as error:
        if code_of(error) == "NoSuchHostedZone":
            return None
        raise
    return dict(answer)


def _wait_in_sync(call: Call[Session], change: Props, default_timeout_seconds: float) -> None:
    client = call.session.client("route53")
    change_id = change["Id"]

    def in_sync() -> bool:
        return bool(client.get_change(Id=change_id)["ChangeInfo"]["Status"] == "INSYNC")

    if change["Status"] != "INSYNC":
        call.wait(
            f"Route 53 change {change_id} to reach all servers", in_sync, default_timeout_seconds
        )


class Record(Resource[Session]):
    """A record set: `aws:route53/record:Record`.

    Created with CREATE, or UPSERT where `allowOverwrite` is set; changed with UPSERT, or, where
    `type` or `setIdentifier` change, with DELETE and CREATE in one change batch, which Route 53
    applies as a whole or not at all. `name` and `zoneId` need a new resource. Every change is
    waited for until it is INSYNC (`customTimeouts`, 30 minutes). The id is
    `ZONEID_name_TYPE_setIdentifier`; it changes with `type` and `setIdentifier`, which the state
    shows after the next refresh, as with the official plugin.

    Where it differs: a DELETE that Route 53 refuses as an invalid change batch is an error, which
    the official plugin passes over; TXT values are sent as they are between two quotes, as there.
    """

    type_name = "aws:route53/record:Record"
    args = ClassRef("pulumi_aws.route53.record", "RecordArgs")
    outputs = ClassRef("pulumi_aws.route53.record", "_RecordState")
    shape = Shape(
        computed=frozenset({"allowOverwrite"}),
        sets={"records": "", "geoproximityRoutingPolicy.coordinates": "latitude"},
        replaces=frozenset({"name", "zoneId"}),
        same={"name": domain, "aliases.name": domain, "zoneId": zone_id_of},
        allowed={
            "type": RECORD_TYPES,
            "failoverRoutingPolicies.type": ("PRIMARY", "SECONDARY"),
            "geoproximityRoutingPolicy.bias": range(-99, 100),
        },
        carried=frozenset({"allowOverwrite"}),
    )

    def validate(self, inputs: Props) -> Iterator[Failure]:
        """Yield what the official plugin's schema refuses about combinations of inputs."""
        yield from missing_or_both(inputs, "aliases", "records")
        if inputs.get("records") is not None and inputs.get("ttl") is None:
            yield Failure("ttl", "ttl is missing; records need one. Set it, in seconds.")
        if inputs.get("aliases") is not None and inputs.get("ttl") is not None:
            yield Failure("ttl", "ttl is set; an alias has the TTL of its target. Remove it.")
        policies = [name for name in _ROUTING_POLICIES if not is_zero(inputs.get(name))]
        if len(policies) > 1:
            yield Failure(
                policies[1], f"{' and '.join(policies)} are given; at most one is allowed."
            )
        if policies and inputs.get("setIdentifier") is None:
            yield Failure(
                "setIdentifier",
                f"setIdentifier is missing; {policies[0]} needs one. Set it, unique in the group.",
            )
        for name in ("aliases", *_ROUTING_POLICIES):
            count = len(items_of(inputs, name))
            if count > 1:
                yield Failure(name, f"{name} has {count} items; at most 1 is allowed.")

    def foresee(self, session: Session, inputs: Props) -> Props:
        """Return the full name, which the zone's own name decides."""
        name, zone_id = inputs.get("name"), inputs.get("zoneId")
        if has_unknown(name):
            return {}
        zone = None if has_unknown(zone_id) else _find_zone(session, str(zone_id))
        known = {"name": _bare(str(name))}
        if zone:
            known["fqdn"] = _full_name(str(name), zone["HostedZone"]["Name"])
        return known

    def create(self, call: Call[Session], inputs: Props) -> str:
        """Send the change; `settle` waits for it."""
        action = "UPSERT" if inputs.get("allowOverwrite") else "CREATE"
        self._change(call, inputs["zoneId"], [(action, inputs)])
        return _record_id(inputs)

    def settle(self, call: Call[Session], resource_id: str, props: Props) -> None:
        """Wait until all of Route 53's servers know."""
        del resource_id, props
        _wait_in_sync(call, call.notes["change"], _RECORD_TIMEOUT_SECONDS)

    def read(self, call: Call[Session], resource_id: str, prior: Props) -> tuple[str, Props] | None:
        """Find the record by zone, name, type and set identifier."""
        if not prior.get("zoneId"):
            prior = _parse_record_id(resource_id)
        zone = _find_zone(call.session, prior["zoneId"])
        if zone is None:
            return None
        name = _full_name(prior["name"], zone["HostedZone"]["Name"])
        found = self._find(call, prior, name)
        if found is None:
            return None
        state = _from_api(found) | {
            "zoneId": prior["zoneId"],
            "name": _bare(prior["name"]),
            "fqdn": name,
        }
        return _record_id(state), state

    def update(self, call: Call[Session], resource_id: str, state: Props, inputs: Props) -> None:
        """Send the change, or both of them in one batch."""
        del resource_id
        moved = any(state.get(name) != inputs.get(name) for name in ("type", "setIdentifier"))
        if moved:
            action = "UPSERT" if inputs.get("allowOverwrite") else "CREATE"
            self._change(call, inputs["zoneId"], [("DELETE", state), (action, inputs)])
        else:
            self._change(call, inputs["zoneId"], [("UPSERT", inputs)])

    def delete(self, call: Call[Session], resource_id: str, state: Props) -> None:
        """Delete the record as it is now, whatever the state says of it."""
        del resource_id
        zone = _find_zone(call.session, state["zoneId"])
        if zone is None:
            return
        name = _full_name(state["name"], zone["HostedZone"]["Name"])
        found = self._find(call, state, name)
        if found is not None:
            self._send(call, state["zoneId"], [{"Action": "DELETE", "ResourceRecordSet": found}])
            _wait_in_sync(call, call.notes["change"], _RECORD_TIMEOUT_SECONDS)

    def _find(self, call: Call[Session], key: Props, name: str) -> Props | None:
        pages = call.session.client("route53").get_paginator("list_resource_record_sets")
        for page in pages.paginate(
            HostedZoneId=zone_id_of(key["zoneId"]),
            StartRecordName=name,
            StartRecordType=key["type"],
        ):
            for record in page["ResourceRecordSets"]:
                if (domain(record["Name"]), record["Type"]) != (name, key["type"]):
                    return None
                if record.get("SetIdentifier", "") == (key.get("setIdentifier") or ""):
                    return dict(record)
        return None

    def _change(self, call: Call[Session], zone_id: str, changes: list[tuple[str, Props]]) -> None:
        zone = _find_zone(call.session, zone_id)
        if zone is None:
            raise PluginError(
                f"reading Route 53 Hosted Zone ({zone_id}): there is none. Check `zoneId`."
            )
        zone_name = zone["HostedZone"]["Name"]
        self._send(
            call,
            zone_id,
            [
                {"Action": action, "ResourceRecordSet": _to_api(record, zone_name)}
                for action, record in changes
            ],
        )

    def _send(self, call: Call[Session], zone_id: str, changes: list[Props]) -> None:
        answer = call.session.client("route53").change_resource_record_sets(
            HostedZoneId=zone_id_of(zone_id), ChangeBatch={"Comment": _COMMENT, "Changes": changes}
        )
        call.notes["change"] = answer["ChangeInfo"]


def _record_id(props: Props) -> str:
    parts = [zone_id_of(props["zoneId"]), _bare(props["name"]), props["type"]]
    if props.get("setIdentifier"):
        parts.append(props["setIdentifier"])
    return "_".join(parts)


def _parse_record_id(resource_id: str) -> Props:
    """Return the parts of an id given on import; names may themselves have underscores.

    Raises:
        PluginError: it is none.
    """
    zone_id, *rest = resource_id.split("_")
    places = [place for place, part in enumerate(rest) if part in RECORD_TYPES and place > 0]
    if not zone_id or not places:
        raise PluginError(
            f'unexpected format of ID ("{resource_id}"), expected '
            "ZONEID_RECORDNAME_TYPE_SET-IDENTIFIER (e.g. Z4KAPRWWNC7JR_dev.example.com_NS_dev), "
            "where SET-IDENTIFIER is optional"
        )
    place = places[0]
    parsed = {
        "zoneId": zone_id,
        "name": "_".join(rest[:place]).removesuffix("."),
        "type": rest[place],
    }
    identifier = "_".join(rest[place + 1 :])
    return parsed | ({"setIdentifier": identifier} if identifier else {})


def _quoted(record: Props) -> bool:
    return record.get("type") in {"TXT", "SPF"}


_TEXTS = {"setIdentifier": "SetIdentifier", "healthCheckId": "HealthCheckId"}
_ALIAS = {
    "name": "DNSName",
    "zoneId": "HostedZoneId",
    "evaluateTargetHealth": "EvaluateTargetHealth",
}
# Policies of a single value: the SDK's list of one object, its field, the API's member.
_VALUES = (
    ("weightedRoutingPolicies", "weight", "Weight"),
    ("failoverRoutingPolicies", "type", "Failover"),
    ("latencyRoutingPolicies", "region", "Region"),
)
_GEOLOCATION = {
    "continent": "ContinentCode",
    "country": "CountryCode",
    "subdivision": "SubdivisionCode",
}
_CIDR = {"collectionId": "CollectionId", "locationName": "LocationName"}
_GEOPROXIMITY = {"awsRegion": "AWSRegion", "bias": "Bias", "localZoneGroup": "LocalZoneGroup"}
_COORDINATES = {"latitude": "Latitude", "longitude": "Longitude"}


def _to_api(record: Props, zone: str) -> Props:
    """Return a record as the API takes it."""
    api: Props = {"Name": _full_name(record["name"], zone), "Type": record["type"]}
    api |= _renamed(record, _TEXTS)
    if record.get("records"):
        quote = '"{}"' if _quoted(record) else "{}"
        api["ResourceRecords"] = [{"Value": quote.format(value)} for value in record["records"]]
        api["TTL"] = record.get("ttl", 0)
    for alias in items_of(record, "aliases"):
        api["AliasTarget"] = {"EvaluateTargetHealth": False} | _renamed(alias, _ALIAS)
    for name, field, member in _VALUES:
        for policy in items_of(record, name):
            # A weight of 0 is one; `_renamed` would leave it out.
            api[member] = policy.get(field, 0)
    for policy in items_of(record, "geolocationRoutingPolicies"):
        api["GeoLocation"] = _renamed(policy, _GEOLOCATION)
    if record.get("multivalueAnswerRoutingPolicy"):
        api["MultiValueAnswer"] = True
    if record.get("cidrRoutingPolicy"):
        api["CidrRoutingConfig"] = _renamed(record["cidrRoutingPolicy"], _CIDR)
    if record.get("geoproximityRoutingPolicy"):
        api["GeoProximityLocation"] = _to_api_nearness(record["geoproximityRoutingPolicy"])
    return api


def _to_api_nearness(near: Props) -> Props:
    api = _renamed(near, _GEOPROXIMITY)
    for place in items_of(near, "coordinates"):
        api["Coordinates"] = _renamed(place, _COORDINATES)
    return api


def _from_api(api: Props) -> Props:
    """Return what the API says of a record, but for its name."""
    record: Props = {"type": api["Type"], "ttl": api.get("TTL")} | _named(api, _TEXTS)
    values: list[str] = [item["Value"] for item in items_of(api, "ResourceRecords")]
    if values:
        record["records"] = [_unquoted(value) for value in values] if _quoted(record) else values
    alias = api.get("AliasTarget")
    if alias:
        record["aliases"] = [
            {
                "name": domain(alias["DNSName"]),
                "zoneId": alias["HostedZoneId"],
                "evaluateTargetHealth": alias["EvaluateTargetHealth"],
            }
        ]
    for name, field, member in _VALUES:
        if api.get(member) is not None:
            record[name] = [{field: api[member]}]
    if api.get("GeoLocation"):
        record["geolocationRoutingPolicies"] = [_named(api["GeoLocation"], _GEOLOCATION)]
    if api.get("MultiValueAnswer"):
        record["multivalueAnswerRoutingPolicy"] = True
    if api.get("CidrRoutingConfig"):
        record["cidrRoutingPolicy"] = _named(api["CidrRoutingConfig"], _CIDR)
    if api.get("GeoProximityLocation"):
        record["geoproximityRoutingPolicy"] = _from_api_nearness(api["GeoProximityLocation"])
    return record


def _from_api_nearness(api: Props) -> Props:
    near = _named(api, _GEOPROXIMITY)
    if api.get("Coordinates"):
        near["coordinates"] = [_named(api["Coordinates"], _COORDINATES)]
    return near


def _unquoted(value: str) -> str:
    whole = len(value) > 1 and value.startswith('"') and value.endswith('"')
    return value[1:-1] if whole else value


def _renamed(props: Props, names: dict[str, str]) -> Props:
    return {there: props[here] for here, there in names.items() if props.get(here)}


def _named(api: Props, names: dict[str, str]) -> Props:
    return {here: api[there] for here, there in names.items() if api.get(there)}


class Zone(Tagged):
    """A hosted zone: `aws:route53/zone:Zone`.

    `name`, `delegationSetId` need a new resource; `comment`, `tags` and the VPCs of a private zone
    are changed in place. `forceDestroy` removes the records that are left in a zone before it is
    deleted.

    Where it differs: DNSSEC is not turned off before deletion, and `enableAcceleratedRecovery` is
    refused.
    """

    type_name = "aws:route53/zone:Zone"
    args = ClassRef("pulumi_aws.route53.zone", "ZoneArgs")
    outputs = ClassRef("pulumi_aws.route53.zone", "_ZoneState")
    shape = Shape(
        defaults={"comment": _COMMENT, "forceDestroy": False},
        computed=frozenset({"vpcs.vpcRegion"}),
        sets={"vpcs": "vpcId"},
        replaces=frozenset({"name", "delegationSetId"}),
        same={"name": domain},
        carried=frozenset({"forceDestroy"}),
    )

    def validate(self, inputs: Props) -> Iterator[Failure]:
        """Yield what is not to be had, or only without something else."""
        if inputs.get("name") is None:
            yield Failure("name", "name is missing; a zone is named by its domain. Set it.")
        if inputs.get("delegationSetId") and inputs.get("vpcs"):
            yield Failure(
                "vpcs", "delegationSetId and vpcs are both given; they exclude each other."
            )
        if inputs.get("enableAcceleratedRecovery"):
            yield Failure(
                "enableAcceleratedRecovery",
                "enableAcceleratedRecovery is true; the stand-in cannot turn it on. Remove it.",
            )

    def create(self, call: Call[Session], inputs: Props) -> str:
        """Create the zone, with its first VPC if it is private."""
        vpcs = items_of(inputs, "vpcs")
        arguments: Props = {
            "Name": inputs["name"],
            "CallerReference": f"pulumi-{time.time_ns()}",
            "HostedZoneConfig": {"Comment": inputs["comment"], "PrivateZone": bool(vpcs)},
        }
        if inputs.get("delegationSetId"):
            arguments["DelegationSetId"] = inputs["delegationSetId"]
        if vpcs:
            arguments["VPC"] = self._vpc(call, vpcs[0])
        answer = call.session.client("route53").create_hosted_zone(**arguments)
        return zone_id_of(answer["HostedZone"]["Id"])

    def settle(self, call: Call[Session], resource_id: str, props: Props) -> None:
        """Make tags and VPCs what the inputs say; what `create` made may have neither."""
        self._tag(call, resource_id, block_of(props, "tags"))
        self._associate(call, resource_id, items_of(props, "vpcs"))

    def read(self, call: Call[Session], resource_id: str, prior: Props) -> tuple[str, Props] | None:
        """Read the zone and its tags."""
        del prior
        found = _find_zone(call.session, resource_id)
        if found is None:
            return None
        zone = found["HostedZone"]
        zone_id = zone_id_of(zone["Id"])
        tags = call.session.own_tags(_zone_tags(call.session, zone_id))
        servers: list[str] = items_of(block_of(found, "DelegationSet"), "NameServers")
        delegation = block_of(found, "DelegationSet").get("Id")
        return zone_id, {
            "arn": _zone_arn(call.session, zone_id),
            "comment": zone.get("Config", {}).get("Comment"),
            "delegationSetId": delegation and delegation.removeprefix("/delegationset/"),
            "name": domain(zone["Name"]),
            "nameServers": sorted(servers),
            "primaryNameServer": servers[0] if servers else "",
            "tags": tags,
            "tagsAll": tags,
            "vpcs": [
                {"vpcId": vpc["VPCId"], "vpcRegion": vpc["VPCRegion"]}
                for vpc in items_of(found, "VPCs")
            ],
            "zoneId": zone_id,
        }

    def update(self, call: Call[Session], resource_id: str, state: Props, inputs: Props) -> None:
        """Change the comment; `settle` does the rest."""
        if state.get("comment") != inputs.get("comment"):
            call.session.client("route53").update_hosted_zone_comment(
                Id=resource_id, Comment=inputs.get("comment", "")
            )

    def delete(self, call: Call[Session], resource_id: str, state: Props) -> None:
        """Delete the zone, and before it its records where `forceDestroy` says so."""
        client = call.session.client("route53")
        try:
            if state.get("forceDestroy"):
                self._empty(call, resource_id)
            client.delete_hosted_zone(Id=resource_id)
        except ClientError as error:
            if code_of(error) != "NoSuchHostedZone":
                raise

    def _empty(self, call: Call[Session], zone_id: str) -> None:
        client = call.session.client("route53")
        pages = client.get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone_id)
        zone = client.get_hosted_zone(Id=zone_id)["HostedZone"]["Name"]
        records = [
            record
            for page in pages
            for record in page["ResourceRecordSets"]
            if not (record["Type"] in {"NS", "SOA"} and domain(record["Name"]) == domain(zone))
        ]
        for record in records:
            answer = client.change_resource_record_sets(
                HostedZoneId=zone_id,
                ChangeBatch={"Changes": [{"Action": "DELETE", "ResourceRecordSet": record}]},
            )
            _wait_in_sync(call, answer["ChangeInfo"], _ZONE_TIMEOUT_SECONDS)

    def _tag(self, call: Call[Session], zone_id: str, wanted: dict[str, str]) -> None:
        present = call.session.own_tags(_zone_tags(call.session, zone_id))
        added = {key: value for key, value in wanted.items() if present.get(key) != value}
        removed = sorted(present.keys() - wanted.keys())
        if added or removed:
            call.session.client("route53").change_tags_for_resource(
                ResourceType="hostedzone",
                ResourceId=zone_id,
                **({"AddTags": to_list(added)} if added else {}),
                **({"RemoveTagKeys": removed} if removed else {}),
            )

    def _associate(self, call: Call[Session], zone_id: str, wanted: list[Props]) -> None:
        found = _find_zone(call.session, zone_id) or {}
        client = call.session.client("route53")
        present = [(vpc["VPCId"], vpc["VPCRegion"]) for vpc in items_of(found, "VPCs")]
        vpcs = [self._vpc(call, vpc) for vpc in wanted]
        for vpc in vpcs:
            if (vpc["VPCId"], vpc["VPCRegion"]) not in present:
                client.associate_vpc_with_hosted_zone(HostedZoneId=zone_id, VPC=vpc)
        for vpc_id, region in present:
            vpc = {"VPCId": vpc_id, "VPCRegion": region}
            if vpc not in vpcs:
                client.disassociate_vpc_from_hosted_zone(HostedZoneId=zone_id, VPC=vpc)

    def _vpc(self, call: Call[Session], vpc: Props) -> Props:
        return {"VPCId": vpc["vpcId"], "VPCRegion": vpc.get("vpcRegion") or call.session.region}


def _zone_arn(session: Session, zone_id: str) -> str:
    return f"arn:{session.partition()}:route53:::hostedzone/{zone_id}"


def _zone_tags(session: Session, zone_id: str) -> dict[str, str]:
    answer = session.client("route53").list_tags_for_resource(
        ResourceType="hostedzone", ResourceId=zone_id
    )
    return from_list(answer["ResourceTagSet"]["Tags"])


def _get_zone(session: Session, args: Props) -> Props:
    """Look a hosted zone up by its id, or by name, kind, VPC and tags."""
    found = _matching_zones(session, args)
    if not found:
        raise PluginError("no matching Route 53 Hosted Zone found")
    if len(found) > 1:
        raise PluginError(
            "multiple Route 53 Hosted Zones matched; "
            "use additional constraints to reduce matches to a single Route 53 Hosted Zone"
        )
    zone = found[0]["HostedZone"]
    zone_id = zone_id_of(zone["Id"])
    servers: list[str] = items_of(block_of(found[0], "DelegationSet"), "NameServers")
    linked: Props = block_of(zone, "LinkedService")
    return {
        "id": zone_id,
        "zoneId": zone_id,
        "arn": _zone_arn(session, zone_id),
        "callerReference": zone.get("CallerReference", ""),
        "comment": zone.get("Config", {}).get("Comment", ""),
        "enableAcceleratedRecovery": False,
        "linkedServiceDescription": linked.get("Description", ""),
        "linkedServicePrincipal": linked.get("ServicePrincipal", ""),
        "name": domain(zone["Name"]),
        "nameServers": servers,
        "primaryNameServer": servers[0] if servers else "",
        "privateZone": zone.get("Config", {}).get("PrivateZone", False),
        "resourceRecordSetCount": zone.get("ResourceRecordSetCount", 0),
        "tags": session.own_tags(_zone_tags(session, zone_id)),
        "vpcId": args.get("vpcId"),
    }


def _matching_zones(session: Session, args: Props) -> list[Props]:
    if args.get("zoneId") and args.get("name"):
        raise PluginError("only one of `zone_id` or `name` may be set")
    if args.get("zoneId"):
        found = _find_zone(session, args["zoneId"])
        return [found] if found else []
    private = bool(args.get("privateZone", args.get("vpcId")))
    name, tags = args.get("name"), block_of(args, "tags")
    zones: list[Props] = []
    for page in session.client("route53").get_paginator("list_hosted_zones").paginate():
        for zone in page["HostedZones"]:
            named = name is None or domain(zone["Name"]) == domain(name)
            if not named or zone.get("Config", {}).get("PrivateZone", False) != private:
                continue
            if tags and tags.items() - _zone_tags(session, zone_id_of(zone["Id"])).items():
                continue
            whole = _find_zone(session, zone["Id"]) or {}
            vpcs = [vpc["VPCId"] for vpc in items_of(whole, "VPCs")]
            if whole and (not args.get("vpcId") or args["vpcId"] in vpcs):
                zones.append(whole)
    return zones


_ANSWERED: Final = {
    "failover": "Failover",
    "healthCheckId": "HealthCheckId",
    "multiValueAnswer": "MultiValueAnswer",
    "name": "Name",
    "region": "Region",
    "setIdentifier": "SetIdentifier",
    "trafficPolicyInstanceId": "TrafficPolicyInstanceId",
    "ttl": "TTL",
    "type": "Type",
    "weight": "Weight",
}


def _get_records(session: Session, args: Props) -> Props:
    """List the records of a zone, those whose name a regular expression finds.

    Names are as Route 53 gives them, with a dot at the end. Geographic and CIDR routing is left out
    of the answer; so is what the official plugin fills with empty values.
    """
    zone_id, pattern = args.get("zoneId"), args.get("nameRegex")
    if not zone_id:
        raise PluginError("zoneId is missing; records are of a hosted zone. Set it.")
    try:
        wanted = re.compile(pattern or "")
    except re.error as error:
        raise PluginError(f"nameRegex is {pattern!r}, no regular expression: {error}.") from error
    pages = session.client("route53").get_paginator("list_resource_record_sets")
    records: list[Props] = [
        record
        for page in pages.paginate(HostedZoneId=zone_id_of(zone_id))
        for record in page["ResourceRecordSets"]
        if wanted.search(record["Name"])
    ]
    return {
        "zoneId": zone_id,
        "nameRegex": pattern,
        "resourceRecordSets": [_answered(record) for record in records],
    }


def _answered(record: Props) -> Props:
    answer: Props = {here: record.get(there) for here, there in _ANSWERED.items()}
    values: list[Props] = items_of(record, "ResourceRecords")
    answer["resourceRecords"] = [{"value": value["Value"]} for value in values]
    alias = record.get("AliasTarget")
    if alias:
        answer["aliasTarget"] = {
            "dnsName": alias["DNSName"],
            "evaluateTargetHealth": alias["EvaluateTargetHealth"],
            "hostedZoneId": alias["HostedZoneId"],
        }
    return answer


def resources() -> list[Resource[Session]]:
    """Return the resource types of the service."""
    return [Record(), Zone()]


def functions() -> list[Function[Session]]:
    """Return the functions of the service."""
    zone, records = "pulumi_aws.route53.get_zone", "pulumi_aws.route53.get_records"
    return [
        Function(
            "aws:route53/getZone:getZone",
            ClassRef(zone, "get_zone"),
            ClassRef(zone, "GetZoneResult"),
            _get_zone,
        ),
        Function(
            "aws:route53/getRecords:getRecords",
            ClassRef(records, "get_records"),
            ClassRef(records, "GetRecordsResult"),
            _get_records,
        ),
    ]
