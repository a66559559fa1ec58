"""Distributions as the SDK has them, and as CloudFront's API has them.

The API's `DistributionConfig` and the SDK's inputs are the same tree under slightly different
names. botocore knows the one and the SDK's classes the other, so the translation walks both. Only
their disagreements are written down (`_API_NAMES`); every setting of the SDK is covered, those of
later versions too.

Source: CloudFront API Reference, DistributionConfig.
"""

from datetime import UTC, datetime
from typing import Any, cast

from sandbox.plugins.schema import Type, ValueKind
from sandbox.plugins.values import Props, block_of, is_zero, items_of

_API_NAMES = {
    ("DistributionConfig", "orderedCacheBehaviors"): "CacheBehaviors",
    ("DistributionConfig", "loggingConfig"): "Logging",
    ("Origin", "originId"): "Id",
    ("OriginGroup", "originId"): "Id",
    ("OriginCustomHeader", "name"): "HeaderName",
    ("OriginCustomHeader", "value"): "HeaderValue",
    ("LambdaFunctionAssociation", "lambdaArn"): "LambdaFunctionARN",
}
"""Where the API's name of a setting is not the SDK's except for case."""

_NOTHING = {"Quantity": 0}
_NOBODY = {"Enabled": False, "Quantity": 0}
_BEHAVIOR_ALWAYS = {
    "Compress": False,
    "FieldLevelEncryptionId": "",
    "FunctionAssociations": _NOTHING,
    "LambdaFunctionAssociations": _NOTHING,
    "SmoothStreaming": False,
    "TrustedKeyGroups": _NOBODY,
    "TrustedSigners": _NOBODY,
}
_ALWAYS: dict[str, Props] = {
    "DistributionConfig": {
        "Aliases": _NOTHING,
        "CacheBehaviors": _NOTHING,
        "Comment": "",
        "ContinuousDeploymentPolicyId": "",
        "CustomErrorResponses": _NOTHING,
        "DefaultRootObject": "",
        "Logging": {"Enabled": False, "IncludeCookies": False, "Bucket": "", "Prefix": ""},
        "WebACLId": "",
    },
    "DefaultCacheBehavior": _BEHAVIOR_ALWAYS,
    "CacheBehavior": _BEHAVIOR_ALWAYS,
    "CustomErrorResponse": {"ErrorCachingMinTTL": 0},
    "GeoRestriction": _NOTHING,
    "Origin": {"CustomHeaders": _NOTHING, "OriginPath": ""},
}
"""What is sent where the inputs say nothing: an update must name every setting, or it is kept."""


def to_api(shape: Any, type_: Type, props: Props) -> Props:
    """Return settings as a structure of the API."""
    api: Props = dict(_ALWAYS.get(shape.name, {}))
    for name, field in type_.fields.items():
        value = props.get(name)
        if value is None or _has_no_place(shape.name, name, props):
            continue
        if name == "cachedMethods":
            # The API has them inside of the allowed methods, the SDK beside them.
            inner = {"Quantity": len(value), "Items": value}
            api["AllowedMethods"] = api.get("AllowedMethods", {}) | {"CachedMethods": inner}
        elif name == "locations":
            api |= {"Quantity": len(value)} | ({"Items": value} if value else {})
        elif name == "loggingConfig":
            # Naming a bucket turns these logs on.
            logging = to_api(shape.members["Logging"], field.type, value)
            api["Logging"] = api["Logging"] | logging | {"Enabled": bool(value.get("bucket"))}
        else:
            member = _api_name(shape, name)
            if member is not None:
                converted = _value_to_api(shape.members[member], field.type, value)
                both = isinstance(converted, dict) and member == "AllowedMethods"
                api[member] = api.get(member, {}) | converted if both else converted
    return api


def _has_no_place(shape_name: str, name: str, props: Props) -> bool:
    """Tell whether a setting is not sent, or not believed, because of another one.

    With a cache policy the TTLs are the policy's. `sslSupportMethod` belongs to a certificate of
    one's own.
    """
    if shape_name in {"DefaultCacheBehavior", "CacheBehavior"} and props.get("cachePolicyId"):
        return name in {"minTtl", "defaultTtl", "maxTtl"}
    if shape_name == "ViewerCertificate" and props.get("cloudfrontDefaultCertificate"):
        return name == "sslSupportMethod"
    return False


def _value_to_api(shape: Any, type_: Type, value: Any) -> Any:
    if type_.kind is ValueKind.OBJECT:
        return to_api(shape, type_, value)
    if type_.kind is ValueKind.LIST and type_.element:
        items = [
            _value_to_api(shape.members["Items"].member, type_.element, item) for item in value
        ]
        wrapped: Props = {"Quantity": len(items)} | ({"Items": items} if items else {})
        return wrapped | ({"Enabled": bool(items)} if "Enabled" in shape.members else {})
    return str(value) if shape.type_name == "string" else value


def from_api(shape: Any, type_: Type, api: Props) -> Props:
    """Return a structure of the API as settings; what says nothing is left out."""
    props: Props = {}
    for name, field in type_.fields.items():
        if name == "cachedMethods":
            props[name] = (block_of(block_of(api, "AllowedMethods"), "CachedMethods")).get("Items")
        elif name == "locations":
            props[name] = items_of(api, "Items")
        else:
            member = _api_name(shape, name)
            value = None if member is None else api.get(member)
            if member is not None and value is not None:
                props[name] = _value_from_api(shape.members[member], field.type, value)
    if props.get("cachePolicyId"):
        props.pop("forwardedValues", None)
    return {
        name: value
        for name, value in props.items()
        if value is not None
        and not _has_no_place(shape.name, name, props)
        and not (isinstance(value, dict) and is_zero(cast("Props", value)))
    }


def _value_from_api(shape: Any, type_: Type, value: Any) -> Any:
    if type_.kind is ValueKind.OBJECT:
        return from_api(shape, type_, value)
    if type_.kind is ValueKind.LIST and type_.element:
        return [
            _value_from_api(shape.members["Items"].member, type_.element, item)
            for item in items_of(value, "Items")
        ]
    if type_.kind is ValueKind.INTEGER and isinstance(value, str):
        return int(value) if value else None
    return value


def _api_name(shape: Any, name: str) -> str | None:
    exception = _API_NAMES.get((shape.name, name))
    if exception:
        return exception
    return next((member for member in shape.members if member.lower() == name.lower()), None)


def moment(when: datetime | None) -> str:
    """Return a moment as Go prints one, to the millisecond that AWS tells."""
    if when is None:
        return ""
    text = when.astimezone(UTC).isoformat(sep=" ", timespec="milliseconds")
    return f"{text.removesuffix('+00:00')} +0000 UTC"
