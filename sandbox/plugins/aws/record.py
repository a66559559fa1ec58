"""Records of Route 53.

Source: hashicorp/terraform-provider-aws, `internal/service/route53/record.go`.
"""

from collections.abc import Iterator

from sandbox.plugins.aws.aws_session import AwsSession, AwsTask
from sandbox.plugins.aws.hosted_zones import (
    domain,
    find_zone,
    full_name,
    wait_in_sync,
    zone_id_of,
)
from sandbox.plugins.aws.record_api import (
    RECORD_TYPES,
    bare,
    from_api,
    parsed_record_id,
    record_id,
    to_api,
)
from sandbox.plugins.check import missing_or_both
from sandbox.plugins.resource import Failure, PluginError, Present, Shape, StandIn
from sandbox.plugins.values import Props, has_unknown, items_of

_COMMENT = "Managed by Pulumi"
_RECORD_TIMEOUT_SECONDS = 30 * 60


class RecordStandIn(StandIn[AwsSession]):
    """A record set: `aws:route53/record:Record`.

    Created with CREATE, or UPSERT where `allowOverwrite` is set; changed with UPSERT, or, where
    `type` or `setIdentifier` change, with DELETE and CREATE in one change batch, which Route 53
    applies as a whole or not at all. `name` and `zoneId` need a new resource. Every change is
    waited for until it is INSYNC (`customTimeouts`, 30 minutes). The id is
    `ZONEID_name_TYPE_setIdentifier`; it changes with `type` and `setIdentifier`, which the state
    shows after the next refresh, as with the official plugin.

    Where it differs: a DELETE that Route 53 refuses as an invalid change batch is an error, which
    the official plugin passes over; records with another routing policy than weights are refused.
    TXT values are sent as they are between two quotes, as there.
    """

    type_name = "aws:route53/record:Record"
    shape = Shape(
        computed=frozenset({"allowOverwrite"}),
        sets={"records": ""},
        replaces=frozenset({"name", "zoneId"}),
        same={"name": domain, "aliases.name": domain, "zoneId": zone_id_of},
        allowed={"type": RECORD_TYPES},
        carried=frozenset({"allowOverwrite"}),
        refused=frozenset(
            {"cidrRoutingPolicy", "failoverRoutingPolicies", "geolocationRoutingPolicies"}
            | {"geoproximityRoutingPolicy", "latencyRoutingPolicies"}
            | {"multivalueAnswerRoutingPolicy"}
        ),
    )

    def validate(self, inputs: Props) -> Iterator[Failure]:
        """Yield what the official plugin's schema refuses about combinations of inputs."""
        yield from missing_or_both(inputs, "aliases", "records")
        if inputs.get("records") is not None and inputs.get("ttl") is None:
            yield Failure("ttl", "ttl is missing; records need one. Set it, in seconds.")
        if inputs.get("aliases") is not None and inputs.get("ttl") is not None:
            yield Failure("ttl", "ttl is set; an alias has the TTL of its target. Remove it.")
        if inputs.get("weightedRoutingPolicies") and inputs.get("setIdentifier") is None:
            yield Failure(
                "setIdentifier",
                "setIdentifier is missing; weightedRoutingPolicies needs one. Set it, unique in "
                "the group.",
            )
        for name in ("aliases", "weightedRoutingPolicies"):
            count = len(items_of(inputs, name))
            if count > 1:
                yield Failure(name, f"{name} has {count} items; at most 1 is allowed.")

    def foresee(self, session: AwsSession, inputs: Props) -> Props:
        """Return the full name, which the zone's own name decides."""
        name, zone_id = inputs.get("name"), inputs.get("zoneId")
        if has_unknown(name):
            return {}
        zone = None if has_unknown(zone_id) else find_zone(session, str(zone_id))
        foreseen = {"name": bare(str(name))}
        if zone:
            foreseen["fqdn"] = full_name(str(name), zone["HostedZone"]["Name"])
        return foreseen

    def create(self, call: AwsTask, inputs: Props) -> str:
        """Send the change; `settle` waits for it."""
        action = "UPSERT" if inputs.get("allowOverwrite") else "CREATE"
        self._change(call, inputs["zoneId"], [(action, inputs)])
        return record_id(inputs)

    def settle(self, call: AwsTask, _resource_id: str, _props: Props) -> None:
        """Wait until all of Route 53's servers know."""
        wait_in_sync(call, call.notes["change"], _RECORD_TIMEOUT_SECONDS)

    def read(self, call: AwsTask, resource_id: str, prior: Props) -> Present:
        """Find the record by zone, name, type and set identifier."""
        if not prior.get("zoneId"):
            prior = parsed_record_id(resource_id)
        zone = find_zone(call.session, prior["zoneId"])
        if zone is None:
            return None
        name = full_name(prior["name"], zone["HostedZone"]["Name"])
        record = self._find(call, prior, name)
        if record is None:
            return None
        state = from_api(record) | {
            "zoneId": prior["zoneId"],
            "name": bare(prior["name"]),
            "fqdn": name,
        }
        now = record_id(state)
        same = parsed_record_id(resource_id) == parsed_record_id(now)
        return resource_id if same else now, state

    def update(self, call: AwsTask, _resource_id: str, state: Props, inputs: Props) -> None:
        """Send the change, or both of them in one batch."""
        moved = any(state.get(name) != inputs.get(name) for name in ("type", "setIdentifier"))
        if moved:
            action = "UPSERT" if inputs.get("allowOverwrite") else "CREATE"
            self._change(call, inputs["zoneId"], [("DELETE", state), (action, inputs)])
        else:
            self._change(call, inputs["zoneId"], [("UPSERT", inputs)])

    def delete(self, call: AwsTask, _resource_id: str, state: Props) -> None:
        """Delete the record as it is now, whatever the state says of it."""
        zone = find_zone(call.session, state["zoneId"])
        if zone is None:
            return
        name = full_name(state["name"], zone["HostedZone"]["Name"])
        record = self._find(call, state, name)
        if record is not None:
            self._send(call, state["zoneId"], [{"Action": "DELETE", "ResourceRecordSet": record}])
            wait_in_sync(call, call.notes["change"], _RECORD_TIMEOUT_SECONDS)

    def _find(self, call: AwsTask, key: Props, name: str) -> Props | None:
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

    def _change(self, call: AwsTask, zone_id: str, changes: list[tuple[str, Props]]) -> None:
        zone = find_zone(call.session, zone_id)
        if zone is None:
            raise PluginError(
                f"reading Route 53 Hosted Zone ({zone_id}): there is none. Check `zoneId`."
            )
        zone_name = zone["HostedZone"]["Name"]
        self._send(
            call,
            zone_id,
            [
                {"Action": action, "ResourceRecordSet": to_api(record, zone_name)}
                for action, record in changes
            ],
        )

    def _send(self, call: AwsTask, zone_id: str, changes: list[Props]) -> None:
        answer = call.session.client("route53").change_resource_record_sets(
            HostedZoneId=zone_id_of(zone_id), ChangeBatch={"Comment": _COMMENT, "Changes": changes}
        )
        call.notes["change"] = answer["ChangeInfo"]["Id"]
