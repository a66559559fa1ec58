"""Hosted zones of Route 53: reading one, waiting for a change in it, `getZone` and `getRecords`.

Source: hashicorp/terraform-provider-aws, `internal/service/route53/zone_data_source.go` and
`records_data_source.go`.
"""

import re
from typing import Final

from botocore.exceptions import ClientError

from sandbox.plugins.aws.aws_session import AwsSession, AwsTask, code_of
from sandbox.plugins.aws.tagged import route53_tags
from sandbox.plugins.resource import Function, PluginError
from sandbox.plugins.values import Props, block_of, items_of


def domain(name: str) -> str:
    """Return a name as AWS's answers are compared: lower case, without the last dot, `*` as such.

    Route 53 returns any other character than letters, digits, `-`, `_` and `.` as an octal escape.
    Source: Route 53 Developer Guide, 'DNS domain name format'.
    """
    return name.lower().removesuffix(".").replace(r"\052", "*")


def zone_id_of(path: str) -> str:
    """Return the id of a hosted zone without the `/hostedzone/` that the API puts before it."""
    return path.removeprefix("/hostedzone/")


def full_name(name: str, zone: str) -> str:
    """Return the whole name of a record that may be given without the zone's."""
    name, zone = domain(name), domain(zone)
    if name.endswith(zone):
        return name
    return f"{name}.{zone}" if name else zone


def find_zone(session: AwsSession, zone_id: str) -> Props | None:
    """Return what Route 53 says of a zone; None if there is none."""
    try:
        answer = session.client("route53").get_hosted_zone(Id=zone_id_of(zone_id))
    except ClientError as error:
        if code_of(error) == "NoSuchHostedZone":
            return None
        raise
    return dict(answer)


def wait_in_sync(call: AwsTask, change_id: str, default_timeout_seconds: float) -> None:
    """Wait until all of Route 53's servers have a change."""
    client = call.session.client("route53")

    def in_sync() -> bool:
        return bool(client.get_change(Id=change_id)["ChangeInfo"]["Status"] == "INSYNC")

    what = f"Route 53 change {change_id} to reach all servers"
    call.wait(what, in_sync, default_timeout_seconds)


def _get_zone(session: AwsSession, args: Props) -> Props:
    """Look a hosted zone up by its name, and by whether it is private."""
    client, name = session.client("route53"), domain(args.get("name", ""))
    zones: list[Props] = [
        zone
        for page in client.get_paginator("list_hosted_zones").paginate()
        for zone in page["HostedZones"]
        if domain(zone["Name"]) == name
        and zone["Config"].get("PrivateZone", False) == bool(args.get("privateZone"))
    ]
    if not zones:
        raise PluginError("no matching Route 53 Hosted Zone found")
    if len(zones) > 1:
        raise PluginError(
            "multiple Route 53 Hosted Zones matched; "
            "use additional constraints to reduce matches to a single Route 53 Hosted Zone"
        )
    zone, zone_id = zones[0], zone_id_of(zones[0]["Id"])
    whole = find_zone(session, zone_id) or {}
    servers: list[str] = items_of(block_of(whole, "DelegationSet"), "NameServers")
    return {
        "id": zone_id,
        "zoneId": zone_id,
        "arn": f"arn:{session.partition()}:route53:::hostedzone/{zone_id}",
        "callerReference": zone["CallerReference"],
        "comment": zone["Config"].get("Comment", ""),
        "name": domain(zone["Name"]),
        "nameServers": servers,
        "primaryNameServer": servers[0] if servers else "",
        "privateZone": zone["Config"].get("PrivateZone", False),
        "resourceRecordSetCount": zone.get("ResourceRecordSetCount", 0),
        "tags": route53_tags(session, "hostedzone", zone_id),
    }


_RECORD_FIELDS: Final = {
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
"""Fields of a record in the function's answer, and their names in Route 53's API."""


def _get_records(session: AwsSession, args: Props) -> Props:
    """List the records of a zone whose names match a regular expression.

    Names are as Route 53 gives them, with a dot at the end. Geographic and CIDR routing is left out
    of the answer; so is what the official plugin fills with empty values.
    """
    zone_id, pattern = args.get("zoneId"), args.get("nameRegex")
    if not zone_id:
        raise PluginError("zoneId is missing; records are of a hosted zone. Set it.")
    try:
        expression = re.compile(pattern or "")
    except re.error as error:
        raise PluginError(f"nameRegex is {pattern!r}, no regular expression: {error}.") from error
    pages = session.client("route53").get_paginator("list_resource_record_sets")
    records: list[Props] = [
        record
        for page in pages.paginate(HostedZoneId=zone_id_of(zone_id))
        for record in page["ResourceRecordSets"]
        if expression.search(record["Name"])
    ]
    return {
        "zoneId": zone_id,
        "nameRegex": pattern,
        "resourceRecordSets": [_described(record) for record in records],
    }


def _described(record: Props) -> Props:
    """Return a record of Route 53's API as the function's answer has it."""
    answer: Props = {here: record.get(there) for here, there in _RECORD_FIELDS.items()}
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


def functions() -> list[Function[AwsSession]]:
    """Return the functions about zones."""
    return [
        Function(
            "aws:route53/getRecords:getRecords", _get_records, frozenset({"nameRegex", "zoneId"})
        ),
        Function("aws:route53/getZone:getZone", _get_zone, frozenset({"name", "privateZone"})),
    ]
