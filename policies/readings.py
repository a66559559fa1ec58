"""Resources of other types, read as the ones that the rules know.

The rules are written for `aws.cloudfront.Distribution` and `aws.route53.Record`. Other types say
the same in other words: a distribution for many tenants, one of the Cloud Control provider, a zone
whose records are one resource. Here each is translated into what the rules know, so that every rule
judges it, and each translated property keeps the path that the program has it at, which is what a
message shows. What has no counterpart keeps its name, and `origin-answers` says that nobody knows
it.

A rule cannot repair what it reads so.

Source: Pulumi Registry, `aws.cloudfront.MultitenantDistribution`, `aws.route53.RecordsExclusive`,
`aws-native.cloudfront.Distribution`; CloudFormation, "AWS::CloudFront::Distribution".
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from policies.cloudfront import CACHE_POLICY, DISTRIBUTION, ORIGIN_REQUEST_POLICY
from policies.model import UNKNOWN, Resource, Value
from policies.records import RECORD, ZONE


@dataclass(frozen=True)
class Known:
    """What a property is called where the rules know it.

    Attributes:
        name: Its name there; empty for one that is left out, because nothing depends on it.
        parts: The same for its parts; what is not named keeps its name.
        step: What of it counts: a property of the object, or the first element of the list.
    """

    name: str
    parts: "Names" = field(default_factory=dict[str, "Known"])
    step: str | int | None = None


Names = Mapping[str, Known]

LEFT_OUT: Final = Known("")

_ORIGIN: Final[Names] = {
    "id": Known("originId"),
    "customHeaders": Known(
        "customHeaders", {"headerName": Known("name"), "headerValue": Known("value")}
    ),
    "originCustomHeaders": Known(
        "customHeaders", {"headerName": Known("name"), "headerValue": Known("value")}
    ),
    "customOriginConfigs": Known("customOriginConfig", step=0),
    "vpcOriginConfigs": Known("vpcOriginConfig", step=0),
    "originShields": Known("originShield", step=0),
}
_TENANTS_BEHAVIOR: Final[Names] = {"allowedMethods": Known("allowedMethods", step="items")}

TENANTS: Final[Names] = {
    "activeTrustedKeyGroups": Known("trustedKeyGroups"),
    "cacheBehaviors": Known("orderedCacheBehaviors", _TENANTS_BEHAVIOR),
    "connectionMode": LEFT_OUT,
    "defaultCacheBehavior": Known("defaultCacheBehavior", _TENANTS_BEHAVIOR),
    "inProgressInvalidationBatches": LEFT_OUT,
    "origins": Known("origins", _ORIGIN),
    "restrictions": Known(
        "restrictions", {"geoRestriction": Known("geoRestriction", {"items": Known("locations")})}
    ),
    "tenantConfig": LEFT_OUT,
    "timeouts": LEFT_OUT,
}
"""A distribution for many tenants. Its parameters show in the properties that use them."""

NATIVE: Final[Names] = {
    "cacheBehaviors": Known("orderedCacheBehaviors"),
    "cnames": Known("aliases"),
    "connectionMode": LEFT_OUT,
    "ipv6Enabled": Known("isIpv6Enabled"),
    "logging": Known("loggingConfig"),
    "originGroups": Known("originGroups", step="items"),
    "origins": Known("origins", _ORIGIN),
    "tenantConfig": LEFT_OUT,
    "viewerCertificate": Known(
        "viewerCertificate",
        {"cloudFrontDefaultCertificate": Known("cloudfrontDefaultCertificate")},
    ),
}
"""CloudFormation's `DistributionConfig`, as the Cloud Control provider has it."""


@dataclass
class _Translation:
    """Translates values, and notes where each property was before."""

    paths: dict[str, str] = field(default_factory=dict[str, str])

    def value(self, value: Value, names: Names, here: str, there: str) -> Value:
        """Return a value in other words.

        Args:
            value: The value.
            names: The names of its parts.
            here: Its path in the translation.
            there: Its path in the program.
        """
        self.paths[here] = there
        if isinstance(value, list):
            return [
                self.value(item, names, f"{here}[{index}]", f"{there}[{index}]")
                for index, item in enumerate(value)
            ]
        if not isinstance(value, dict):
            return value
        translated: dict[str, Value] = {}
        for key, part in value.items():
            renamed = names.get(key, Known(key))
            if renamed.name:
                path = f"{there}.{key}" if there else key
                stepped, path = _stepped(part, renamed.step, path)
                name = f"{here}.{renamed.name}" if here else renamed.name
                translated[renamed.name] = self.value(stepped, renamed.parts, name, path)
        return translated


def _stepped(value: Value, step: str | int | None, path: str) -> tuple[Value, str]:
    """Return what of a value counts, and where it is."""
    if isinstance(step, str) and isinstance(value, dict):
        return value.get(step), f"{path}.{step}"
    if isinstance(step, int) and isinstance(value, list):
        return (value[step] if len(value) > step else None), f"{path}[{step}]"
    return value, path


def readings(resource: Resource) -> Sequence[Resource]:
    """Return what the rules judge in the place of a resource: itself, or what it says."""
    read = READ_AS.get(resource.type)
    return [resource] if read is None else list(read.read(resource))


@dataclass(frozen=True)
class Reading:
    """How a type is read.

    Attributes:
        type: The type that the rules know.
        read: Returns what a resource says in the words of that type.
    """

    type: str
    read: Callable[[Resource], Iterator[Resource]]


def _only(types: frozenset[str]) -> str:
    (token,) = types
    return token


def _as(types: frozenset[str], names: Names, config: str = "", **more: Value) -> Reading:
    """Return that a type is one resource of another, whose properties may be in one of its own.

    Args:
        types: The type that the rules know.
        names: The names of the properties.
        config: The property that has the others.
        more: What the rules know to be so.
    """
    token = _only(types)

    def read(resource: Resource) -> Iterator[Resource]:
        translation = _Translation()
        given = resource.properties
        inner = given.get(config) if config and isinstance(given, dict) else given
        translated = translation.value(inner, names, "", config)
        if isinstance(translated, dict) and isinstance(given, dict):
            outer = {key: given[key] for key in OUTPUTS if config and key in given}
            translated = {**more, **outer, **translated}
        yield replace(
            resource,
            type=token,
            read=lambda: translated,
            dependencies=_dependencies(resource, translated, config),
            paths=translation.paths,
        )

    return Reading(token, read)


OUTPUTS: Final = ("arn", "domainName", "id")
"""What stands beside the configuration of a resource of the Cloud Control provider."""


def _dependencies(
    resource: Resource, translated: Value, config: str
) -> Mapping[str, Sequence[str]]:
    """Return what properties were made from, by their names in the translation."""
    if not config or not isinstance(translated, dict):
        return resource.dependencies
    return dict.fromkeys(translated, resource.dependencies.get(config, ()))


_SETS: Final = "resourceRecordSets"


def _records(resource: Resource) -> Iterator[Resource]:
    """Yield each record of a zone whose records are one resource."""
    properties = resource.properties
    sets = properties.get(_SETS) if isinstance(properties, dict) else properties
    zone = properties.get("zoneId") if isinstance(properties, dict) else UNKNOWN
    if sets is UNKNOWN:  # one record of which nothing is known stands for all of them
        yield _record(resource, -1, {"zoneId": zone, **HIDDEN}, dict.fromkeys(HIDDEN, _SETS))
    for index, one in enumerate(sets if isinstance(sets, list) else []):
        at = f"{_SETS}[{index}]"
        if one is UNKNOWN:
            yield _record(resource, index, {"zoneId": zone, **HIDDEN}, dict.fromkeys(HIDDEN, at))
        elif isinstance(one, dict):
            translated, paths = _record_of_set(one, at)
            yield _record(resource, index, {"zoneId": zone, **translated}, paths)


def _record(resource: Resource, index: int, value: Value, paths: Mapping[str, str]) -> Resource:
    sources = resource.dependencies.get(_SETS, ())
    names = value if isinstance(value, dict) else {}
    return replace(
        resource,
        urn=f"{resource.urn}#{index}",
        type=_only(RECORD),
        read=lambda: value,
        dependencies={
            **dict.fromkeys(names, sources),
            "zoneId": resource.dependencies.get("zoneId", ()),
        },
        paths=paths,
        reported=resource.urn,
    )


WEIGHTED: Final = "weightedRoutingPolicies"
HIDDEN: Final[Mapping[str, Value]] = {
    "name": UNKNOWN,
    "type": UNKNOWN,
    "setIdentifier": UNKNOWN,
    WEIGHTED: UNKNOWN,
}
"""A record of which nothing is known."""

_OF_A_SET: Final[Mapping[str, tuple[str, str]]] = {
    "weight": (WEIGHTED, "weight"),
    "region": ("latencyRoutingPolicies", "region"),
    "failover": ("failoverRoutingPolicies", "type"),
}
"""The properties of a record set that are a policy of one value each."""
_AREA: Final = {
    "continentCode": "continent",
    "countryCode": "country",
    "subdivisionCode": "subdivision",
}
_ALIAS: Final = {
    "dnsName": "name",
    "hostedZoneId": "zoneId",
    "evaluateTargetHealth": "evaluateTargetHealth",
}
_RENAMED: Final = {
    "cidrRoutingConfig": "cidrRoutingPolicy",
    "geoproximityLocation": "geoproximityRoutingPolicy",
    "multiValueAnswer": "multivalueAnswerRoutingPolicy",
}


def _record_of_set(one: Mapping[str, Value], at: str) -> tuple[dict[str, Value], dict[str, str]]:
    """Return a record set as the rules know records, and where each property was."""
    record: dict[str, Value] = {}
    paths: dict[str, str] = {"": at}
    for key, value in one.items():
        path = f"{at}.{key}"
        if value is None:
            continue
        if key in _OF_A_SET:
            name, inner = _OF_A_SET[key]
            record[name] = [{inner: value}]
            paths[f"{name}[0].{inner}"] = path
        elif key == "geolocation":
            record["geolocationRoutingPolicies"] = _one_of(value, _AREA)
            paths["geolocationRoutingPolicies[0]"] = path
        elif key == "aliasTarget":
            record["aliases"] = _one_of(value, _ALIAS)
            paths["aliases[0]"] = path
            paths.update({f"aliases[0].{to}": f"{path}.{of}" for of, to in _ALIAS.items()})
        elif key == "resourceRecords":
            items = value if isinstance(value, list) else [value]
            record["records"] = [
                item.get("value") if isinstance(item, dict) else item for item in items
            ]
            paths["records"] = path
            paths.update({f"records[{i}]": f"{path}[{i}].value" for i in range(len(items))})
        else:
            name = _RENAMED.get(key, key)
            record[name] = value
            paths[name] = path
    return record, paths


def _one_of(value: Value, names: Mapping[str, str]) -> Value:
    """Return an object as a list of one, in other words; an unknown one as it is."""
    if not isinstance(value, dict):
        return [value]
    return [{names.get(key, key): part for key, part in value.items()}]


READ_AS: Final[Mapping[str, Reading]] = {
    # The switch for IPv6 is its connection group's, which `ipv6-enabled` reads.
    "aws:cloudfront/multitenantDistribution:MultitenantDistribution": _as(
        DISTRIBUTION, TENANTS, isIpv6Enabled=True
    ),
    "aws:route53/recordsExclusive:RecordsExclusive": Reading(_only(RECORD), _records),
    "aws-native:cloudfront:CachePolicy": _as(CACHE_POLICY, {}, "cachePolicyConfig"),
    "aws-native:cloudfront:Distribution": _as(DISTRIBUTION, NATIVE, "distributionConfig"),
    "aws-native:cloudfront:OriginRequestPolicy": _as(
        ORIGIN_REQUEST_POLICY, {}, "originRequestPolicyConfig"
    ),
    "aws-native:route53:HostedZone": _as(ZONE, {}),
}
"""The types that are read as others."""
