"""What keeps a name from being taken over: each with its way out. Pure."""

import json
import shlex
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from components.facts import FAMILIES
from components.faults import Fault
from rollout.adopt.serving import Destinations, ServedName
from rollout.handover.exchange import MOST_TTL_SECONDS
from rollout.handover.situation import protections
from rollout.records.record_sets import RecordSet

_SHORT_TTL_SECONDS: Final = 60

_SEE: Final = (
    "See them with: aws route53 list-resource-record-sets --hosted-zone-id {zone} "
    "--query \"ResourceRecordSets[?Name=='{name}.']\""
)

_ONE_FIRST: Final = (
    "Make one simple record of them that leads all users to the load balancer, in one change "
    "batch, and adopt that; or leave this name out of hostnames."
)

_NO_POLICY: Final = (
    "Give users another name, which is adopted; or delete the instance and make a simple record at "
    "once, at a quiet hour: in between the name has no answer."
)

_POLICIES: Final[Mapping[str, tuple[str, str]]] = {
    "weighted": (
        "somebody else's weights would be lost with their members",
        _ONE_FIRST,
    ),
    "latency": ("two weights cannot say which region a client is led to", _ONE_FIRST),
    "geolocation": ("two weights cannot say which country a client comes from", _ONE_FIRST),
    "geoproximity": ("two weights cannot say where a client is", _ONE_FIRST),
    "IP-based": ("two weights cannot say which addresses a client comes from", _ONE_FIRST),
    "failover": (
        "two weights have no secondary that answers while the primary is unhealthy",
        _ONE_FIRST,
    ),
    "multivalue answer": (
        "an alias answers with the load balancer's addresses, not with healthy ones of several",
        _ONE_FIRST,
    ),
    "traffic policy": (
        "its records change only with their traffic policy instance",
        _NO_POLICY,
    ),
}
"""Why a record of a routing policy cannot be carried, and what to do."""


def refusals(
    served: ServedName,
    destinations: Destinations,
    zone_id: str,
    protected: Collection[tuple[str, str]],
) -> Iterator[Fault]:
    """Say what keeps a hostname from being taken over.

    Args:
        served: What the zone has for it.
        destinations: What records lead to.
        zone_id: Id of the zone.
        protected: Names and types that Route 53 lets nobody change.
    """
    name = served.hostname
    if served.delegated:
        yield Fault(
            f"Hostname {name}",
            f"delegated by NS records of {served.delegated}",
            "its records have to be in the stack's zone, or nobody asks for them there",
            "Set dualstack-edge:zone to the zone that it is delegated to.",
        )
        return
    own = () if served.wildcard else (record.type for record in served.records)
    yield from protections(name, {*FAMILIES, *own}, zone_id, protected)
    yield from _beside(served, zone_id)
    policies = dict.fromkeys((record.type, _policy(record)) for record in served.records)
    for type_, policy in policies:
        if policy != "simple":
            reason, way_out = _POLICIES[policy]
            see = _SEE.format(zone=zone_id, name=name)
            yield Fault(f"{type_} of {name}", f"of policy {policy}", reason, f"{way_out} {see}")
    simple = [record for record in served.records if _policy(record) == "simple"]
    for record in simple:
        yield from _health(record)
        yield from _long_ttl(record, zone_id)
    yield from _elsewhere(served, destinations)


def _policy(record: RecordSet) -> str:
    """Return the routing policy; of one that a traffic policy has made, that."""
    return "traffic policy" if "TrafficPolicyInstanceId" in record.fields else record.routing


def _beside(served: ServedName, zone_id: str) -> Iterator[Fault]:
    name, see = served.hostname, _SEE.format(zone=zone_id, name=served.wildcard or served.hostname)
    types = sorted({record.type for record in served.beside})
    services = [each for each in types if each in {"HTTPS", "SVCB"}]
    if services:
        yield Fault(
            f"{', '.join(services)} of {name}",
            "beside its addresses",
            "browsers follow it instead of A and AAAA, so weights would not move them",
            f"Delete it, and wait for its TTL. {see}",
        )
    hidden = [each for each in types if each not in services]
    if served.wildcard and hidden:
        yield Fault(
            f"{', '.join(hidden)} of {name}",
            f"that of {served.wildcard}",
            "a name with records of its own gets nothing from a wildcard any more",
            f"Give {name} copies of all records of {served.wildcard}, addresses too, in one change "
            f"batch, and adopt then. {see}",
        )


def _health(record: RecordSet) -> Iterator[Fault]:
    if "HealthCheckId" in record.fields:
        yield Fault(
            f"{record.type} of {record.name}",
            f"answered by health check {record.fields['HealthCheckId']}",
            "the weighted records have none, so it would be lost",
            "Take the check off the record first: UPSERT the record without HealthCheckId.",
        )


def _long_ttl(record: RecordSet, zone_id: str) -> Iterator[Fault]:
    ttl = record.ttl_seconds
    if ttl is None or ttl <= MOST_TTL_SECONDS:
        return
    lowered = {**record.fields, "TTL": _SHORT_TTL_SECONDS}
    batch = json.dumps({"Changes": [{"Action": "UPSERT", "ResourceRecordSet": lowered}]})
    yield Fault(
        f"The TTL of {record.type} {record.name}",
        f"{ttl} seconds",
        f"at most {MOST_TTL_SECONDS}: for so long a step, or the way back, reaches nobody who has "
        "the old answer",
        f"Lower it, wait {ttl} seconds for the old one, and adopt then: aws route53 "
        f"change-resource-record-sets --hosted-zone-id {zone_id} --change-batch "
        f"{shlex.quote(batch)}",
    )


def _elsewhere(served: ServedName, destinations: Destinations) -> Iterator[Fault]:
    edge, seen = destinations.edge, set[str]()
    for family in FAMILIES:
        for record in served.of(family):
            if _policy(record) != "simple" or record.type in seen:
                continue
            try:
                led = destinations.of(record, family)
            except OSError as error:
                seen.add(record.type)
                yield Fault(
                    f"{record.type} of {served.hostname}",
                    f"{leads_to(record)}, which cannot be compared with the load balancer: {error}",
                    f"it has to lead to {edge.load_balancer}",
                    "Run this where the names of the internet are resolved.",
                )
                continue
            if led == "elsewhere":
                seen.add(record.type)
                yield Fault(
                    f"{record.type} of {served.hostname}",
                    leads_to(record),
                    f"its users would be led to another place, {edge.load_balancer}, by direct",
                    "Set dualstack-edge:origin to what serves them and deploy, or lead the name to "
                    "that load balancer yourself first.",
                )


def leads_to(record: RecordSet) -> str:
    """Return where a record leads, in words: `an alias of api-1.us-east-1.elb.amazonaws.com`."""
    if record.alias_of:
        return f"an alias of {record.alias_of}"
    return ", ".join(record.values) or "without values"
