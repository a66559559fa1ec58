"""Records as the SDK has them, and as Route 53's API has them."""

from typing import Final

from sandbox.plugins.aws.hosted_zones import domain, full_name, zone_id_of
from sandbox.plugins.resource import PluginError
from sandbox.plugins.values import Props, items_of

RECORD_TYPES: Final = (
    *("SOA", "A", "TXT", "NS", "CNAME", "MX", "NAPTR", "PTR", "SRV", "SPF", "AAAA", "CAA", "DS"),
    *("TLSA", "SSHFP", "SVCB", "HTTPS"),
)
"""Source: Route 53 API Reference, ResourceRecordSet, `Type`."""


def bare(name: str) -> str:
    """Return a record's name as the official plugin keeps it: lower case, no dot at the end."""
    return name.removesuffix(".").lower()


def record_id(props: Props) -> str:
    """Return the id of a record, in the engine's state; a dot at the end of its name stays."""
    parts = [zone_id_of(props["zoneId"]), props["name"].lower(), props["type"]]
    if props.get("setIdentifier"):
        parts.append(props["setIdentifier"])
    return "_".join(parts)


def parsed_record_id(resource_id: str) -> Props:
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
_ALIAS = {"zoneId": "HostedZoneId", "name": "DNSName"}


def to_api(record: Props, zone: str) -> Props:
    """Return a record as the API takes it."""
    api: Props = {"Name": full_name(record["name"], zone), "Type": record["type"]}
    api |= _renamed(record, _TEXTS)
    if record.get("records"):
        quote = '"{}"' if _quoted(record) else "{}"
        api["ResourceRecords"] = [{"Value": quote.format(value)} for value in record["records"]]
        api["TTL"] = record.get("ttl", 0)
    for alias in items_of(record, "aliases"):
        evaluates = {"EvaluateTargetHealth": bool(alias.get("evaluateTargetHealth"))}
        api["AliasTarget"] = _renamed(alias, _ALIAS) | evaluates  # in the order of the XML schema
    for policy in items_of(record, "weightedRoutingPolicies"):
        # A weight of 0 is one; `_renamed` would leave it out.
        api["Weight"] = policy.get("weight", 0)
    return api


def from_api(api: Props) -> Props:
    """Return what the API says of a record, except for its name."""
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
    if api.get("Weight") is not None:
        record["weightedRoutingPolicies"] = [{"weight": api["Weight"]}]
    return record


def _unquoted(value: str) -> str:
    whole = len(value) > 1 and value.startswith('"') and value.endswith('"')
    return value[1:-1] if whole else value


def _renamed(props: Props, names: dict[str, str]) -> Props:
    return {there: props[here] for here, there in names.items() if props.get(here)}


def _named(api: Props, names: dict[str, str]) -> Props:
    return {here: api[there] for here, there in names.items() if api.get(there)}
