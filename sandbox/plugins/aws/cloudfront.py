"""CloudFront: distributions.

The API's `DistributionConfig` and the SDK's inputs are the same tree under slightly different
names. botocore knows the one and the SDK's classes the other, so that the translation walks both
and only their disagreements are written down (`_API_NAMES`); every setting the SDK has is covered,
those of later versions too.

Source: hashicorp/terraform-provider-aws, `internal/service/cloudfront/distribution.go`; CloudFront
API Reference, DistributionConfig.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final, cast

from botocore.exceptions import ClientError

from sandbox.plugins import schema
from sandbox.plugins.aws.session import Session, code_of, from_list, to_list
from sandbox.plugins.aws.tagged import Tagged
from sandbox.plugins.diff import diff
from sandbox.plugins.resource import Call, Failure, PluginError, Resource, Shape
from sandbox.plugins.schema import ClassRef, Kind, Type
from sandbox.plugins.values import Props, block_of, is_zero, items_of

HOSTED_ZONE: Final = "Z2FDTNDATAQYW2"
"""The hosted zone of every distribution. Source: Route 53 API Reference, AliasTarget."""

_TIMEOUT_SECONDS = 90 * 60
_MOVED_ON = {"PreconditionFailed", "InvalidIfMatchVersion"}
_COMMENT_LENGTH = 128

_API_NAMES = {
    ("DistributionConfig", "orderedCacheBehaviors"): "CacheBehaviors",
    ("DistributionConfig", "loggingConfig"): "Logging",
    ("Origin", "originId"): "Id",
    ("OriginGroup", "originId"): "Id",
    ("OriginCustomHeader", "name"): "HeaderName",
    ("OriginCustomHeader", "value"): "HeaderValue",
    ("LambdaFunctionAssociation", "lambdaArn"): "LambdaFunctionARN",
}
"""Where the API's name of a setting is not the SDK's but for case."""

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


def _in_behaviors(*names: str) -> set[str]:
    """Return paths that the default behaviour and the ordered ones have alike."""
    return {f"{place}.{name}" for place in _BEHAVIORS for name in names}


_BEHAVIORS = ("defaultCacheBehavior", "orderedCacheBehaviors")
_METHODS = ("GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE")
_TLS_POLICIES = (
    *("SSLv3", "TLSv1", "TLSv1_2016", "TLSv1.1_2016", "TLSv1.2_2018", "TLSv1.2_2019"),
    *("TLSv1.2_2021", "TLSv1.2_2025", "TLSv1.3_2025"),
)


class Distribution(Tagged):
    """A distribution: `aws:cloudfront/distribution:Distribution`.

    Created and changed in place (only `staging` needs a new one), and waited for until it is
    Deployed unless `waitForDeployment` is false (`customTimeouts`, 90 minutes). Changed with the
    ETag in the state; where somebody else has changed it meanwhile, with the current one, so the
    program wins. Deletion turns it off, waits, and deletes it; with `retainOnDelete` it is only
    turned off.

    Where it differs: a continuous deployment policy is not detached before deletion; in China the
    hosted zone is another.
    """

    type_name = "aws:cloudfront/distribution:Distribution"
    args = ClassRef("pulumi_aws.cloudfront.distribution", "DistributionArgs")
    outputs = ClassRef("pulumi_aws.cloudfront.distribution", "_DistributionState")
    shape = Shape(
        defaults={
            "httpVersion": "http2",
            "isIpv6Enabled": False,
            "priceClass": "PriceClass_All",
            "retainOnDelete": False,
            "staging": False,
            "waitForDeployment": True,
            "viewerCertificate.minimumProtocolVersion": "TLSv1",
            "origins.connectionAttempts": 3,
            "origins.connectionTimeout": 10,
            "origins.customOriginConfig.originKeepaliveTimeout": 5,
            "origins.customOriginConfig.originReadTimeout": 30,
            "origins.vpcOriginConfig.originKeepaliveTimeout": 5,
            "origins.vpcOriginConfig.originReadTimeout": 30,
            **dict.fromkeys(_in_behaviors("compress"), False),
            **dict.fromkeys(_in_behaviors("minTtl"), 0),
        },
        computed=frozenset(
            _in_behaviors(
                "defaultTtl",
                "maxTtl",
                "grpcConfig",
                "trustedKeyGroups",
                "trustedSigners",
                "forwardedValues.headers",
                "forwardedValues.queryStringCacheKeys",
                "forwardedValues.cookies.whitelistedNames",
            )
            | {
                "continuousDeploymentPolicyId",
                "origins.customOriginConfig.ipAddressType",
                "origins.responseCompletionTimeout",
                "restrictions.geoRestriction.locations",
            }
        ),
        sets={
            "aliases": "",
            "customErrorResponses": "errorCode",
            "origins": "originId",
            "origins.customHeaders": "name",
            "origins.customOriginConfig.originSslProtocols": "",
            "originGroups": "originId",
            "originGroups.failoverCriteria.statusCodes": "",
            "restrictions.geoRestriction.locations": "",
            **dict.fromkeys(
                _in_behaviors(
                    "allowedMethods",
                    "cachedMethods",
                    "forwardedValues.headers",
                    "forwardedValues.cookies.whitelistedNames",
                ),
                "",
            ),
            **dict.fromkeys(
                _in_behaviors("functionAssociations", "lambdaFunctionAssociations"), "eventType"
            ),
        },
        replaces=frozenset({"staging"}),
        allowed={
            "httpVersion": ("http1.1", "http2", "http2and3", "http3"),
            "priceClass": ("PriceClass_All", "PriceClass_200", "PriceClass_100"),
            "origins.connectionAttempts": range(1, 4),
            "origins.connectionTimeout": range(1, 11),
            "origins.customOriginConfig.ipAddressType": ("ipv4", "ipv6", "dualstack"),
            "origins.customOriginConfig.originKeepaliveTimeout": range(1, 1 << 31),
            "origins.customOriginConfig.originProtocolPolicy": (
                *("http-only", "https-only", "match-viewer"),
            ),
            "origins.customOriginConfig.originReadTimeout": range(1, 181),
            "origins.customOriginConfig.originSslProtocols": (
                *("SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2"),
            ),
            "restrictions.geoRestriction.restrictionType": ("blacklist", "whitelist", "none"),
            "viewerCertificate.minimumProtocolVersion": _TLS_POLICIES,
            "viewerCertificate.sslSupportMethod": ("sni-only", "vip", "static-ip"),
            **dict.fromkeys(_in_behaviors("allowedMethods", "cachedMethods"), _METHODS),
            **dict.fromkeys(
                _in_behaviors("viewerProtocolPolicy"),
                ("allow-all", "https-only", "redirect-to-https"),
            ),
            **dict.fromkeys(
                _in_behaviors("forwardedValues.cookies.forward"), ("none", "whitelist", "all")
            ),
        },
        carried=frozenset({"retainOnDelete", "waitForDeployment"}),
    )

    def validate(self, inputs: Props) -> Iterator[Failure]:
        """Yield what is wrong with a value as a whole."""
        comment = inputs.get("comment")
        if isinstance(comment, str) and len(comment) > _COMMENT_LENGTH:
            yield Failure(
                "comment",
                f"comment has {len(comment)} characters; at most {_COMMENT_LENGTH} are allowed.",
            )

    def foresee(self, session: Session, inputs: Props) -> Props:
        """Return the hosted zone, which is the same for all distributions."""
        return super().foresee(session, inputs) | {"hostedZoneId": HOSTED_ZONE}

    def create(self, call: Call[Session], inputs: Props) -> str:
        """Create the distribution."""
        config = self._config(call.session, inputs, f"pulumi-{time.time_ns()}")
        answer = call.session.client("cloudfront").create_distribution_with_tags(
            DistributionConfigWithTags={
                "DistributionConfig": config,
                "Tags": {"Items": to_list(block_of(inputs, "tags"))},
            }
        )
        return str(answer["Distribution"]["Id"])

    def settle(self, call: Call[Session], resource_id: str, props: Props) -> None:
        """Wait until it is deployed, where that is wanted."""
        if props.get("waitForDeployment", True):
            self._wait_deployed(call, resource_id)

    def read(self, call: Call[Session], resource_id: str, prior: Props) -> tuple[str, Props] | None:
        """Read the distribution and its tags."""
        del prior
        answer = _find(call.session, resource_id)
        if answer is None:
            return None
        client = call.session.client("cloudfront")
        distribution: Props = answer["Distribution"]
        listed = client.list_tags_for_resource(Resource=distribution["ARN"])
        tags = call.session.own_tags(from_list(items_of(listed["Tags"], "Items")))
        config: Props = distribution["DistributionConfig"]
        state = _from_api(
            client.meta.service_model.shape_for("DistributionConfig"),
            schema.of_class(self.args),
            config,
        )
        return resource_id, state | {
            "arn": distribution["ARN"],
            "callerReference": config["CallerReference"],
            "domainName": distribution["DomainName"],
            "etag": answer["ETag"],
            "hostedZoneId": HOSTED_ZONE,
            "inProgressValidationBatches": distribution.get("InProgressInvalidationBatches", 0),
            "lastModifiedTime": _moment(distribution.get("LastModifiedTime")),
            "loggingV1Enabled": bool(config.get("Logging", {}).get("Enabled")),
            "status": distribution["Status"],
            "tags": tags,
            "tagsAll": tags,
            "trustedKeyGroups": [
                _trusted(
                    block_of(distribution, "ActiveTrustedKeyGroups"), "KeyGroupId", "keyGroupId"
                )
            ],
            "trustedSigners": [
                _trusted(
                    block_of(distribution, "ActiveTrustedSigners"),
                    "AwsAccountNumber",
                    "awsAccountNumber",
                )
            ],
        }

    def update(self, call: Call[Session], resource_id: str, state: Props, inputs: Props) -> None:
        """Change the configuration and the tags, each only if it differs."""
        changed = diff(schema.of_class(self.args), self.shape, state, inputs)
        apart = {"tags", *self.shape.carried}
        if any(path.split(".")[0].split("[")[0] not in apart for path in changed):
            config = self._config(call.session, inputs, state["callerReference"])
            self._replace_config(call, resource_id, config, state.get("etag") or "")
        self._tag(call.session, state["arn"], block_of(state, "tags"), block_of(inputs, "tags"))

    def delete(self, call: Call[Session], resource_id: str, state: Props) -> None:
        """Turn the distribution off and delete it."""
        found = _find(call.session, resource_id)
        if found is None:
            return
        config: Props = found["Distribution"]["DistributionConfig"]
        if config["Enabled"]:
            self._replace_config(call, resource_id, config | {"Enabled": False}, found["ETag"])
        self._wait_deployed(call, resource_id)
        if state.get("retainOnDelete"):
            return

        def gone() -> bool:
            current = _find(call.session, resource_id)
            if current is None:
                return True
            try:
                call.session.client("cloudfront").delete_distribution(
                    Id=resource_id, IfMatch=current["ETag"]
                )
            except ClientError as error:
                if code_of(error) not in _MOVED_ON | {"NoSuchDistribution"}:
                    raise
            return _find(call.session, resource_id) is None

        call.wait(f"CloudFront Distribution ({resource_id}) to be deleted", gone, _TIMEOUT_SECONDS)

    def _config(self, session: Session, inputs: Props, caller_reference: str) -> Props:
        shape = session.client("cloudfront").meta.service_model.shape_for("DistributionConfig")
        config = _to_api(shape, schema.of_class(self.args), inputs)
        return config | {"CallerReference": caller_reference}

    def _replace_config(
        self, call: Call[Session], resource_id: str, config: Props, etag: str
    ) -> None:
        client = call.session.client("cloudfront")
        try:
            client.update_distribution(Id=resource_id, IfMatch=etag, DistributionConfig=config)
        except ClientError as error:
            found = _find(call.session, resource_id)
            if code_of(error) not in _MOVED_ON or found is None:
                raise
            client.update_distribution(
                Id=resource_id, IfMatch=found["ETag"], DistributionConfig=config
            )

    def _wait_deployed(self, call: Call[Session], resource_id: str) -> None:
        def deployed() -> bool:
            found = _find(call.session, resource_id)
            if found is None:
                raise PluginError(
                    f"CloudFront Distribution ({resource_id}) is gone while it was waited for."
                )
            return bool(found["Distribution"]["Status"] == "Deployed")

        call.wait(f"CloudFront Distribution ({resource_id}) to deploy", deployed, _TIMEOUT_SECONDS)

    def _tag(self, session: Session, arn: str, old: dict[str, str], new: dict[str, str]) -> None:
        client = session.client("cloudfront")
        removed, added = sorted(old.keys() - new.keys()), dict(new.items() - old.items())
        if removed:
            client.untag_resource(Resource=arn, TagKeys={"Items": removed})
        if added:
            client.tag_resource(Resource=arn, Tags={"Items": to_list(added)})


def _find(session: Session, distribution_id: str) -> Props | None:
    try:
        return dict(session.client("cloudfront").get_distribution(Id=distribution_id))
    except ClientError as error:
        if code_of(error) == "NoSuchDistribution":
            return None
        raise


def _to_api(shape: Any, type_: Type, props: Props) -> Props:
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
            logging = _to_api(shape.members["Logging"], field.type, value)
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

    With a cache policy the TTLs are the policy's. The way in which clients are told apart is about
    certificates of one's own.
    """
    if shape_name in {"DefaultCacheBehavior", "CacheBehavior"} and props.get("cachePolicyId"):
        return name in {"minTtl", "defaultTtl", "maxTtl"}
    if shape_name == "ViewerCertificate" and props.get("cloudfrontDefaultCertificate"):
        return name == "sslSupportMethod"
    return False


def _value_to_api(shape: Any, type_: Type, value: Any) -> Any:
    if type_.kind is Kind.OBJECT:
        return _to_api(shape, type_, value)
    if type_.kind is Kind.LIST and type_.element:
        items = [
            _value_to_api(shape.members["Items"].member, type_.element, item) for item in value
        ]
        wrapped: Props = {"Quantity": len(items)} | ({"Items": items} if items else {})
        return wrapped | ({"Enabled": bool(items)} if "Enabled" in shape.members else {})
    return str(value) if shape.type_name == "string" else value


def _from_api(shape: Any, type_: Type, api: Props) -> Props:
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
    if type_.kind is Kind.OBJECT:
        return _from_api(shape, type_, value)
    if type_.kind is Kind.LIST and type_.element:
        return [
            _value_from_api(shape.members["Items"].member, type_.element, item)
            for item in items_of(value, "Items")
        ]
    if type_.kind is Kind.INTEGER and isinstance(value, str):
        return int(value) if value else None
    return value


def _api_name(shape: Any, name: str) -> str | None:
    exception = _API_NAMES.get((shape.name, name))
    if exception:
        return exception
    return next((member for member in shape.members if member.lower() == name.lower()), None)


def _trusted(active: Props, api_key: str, key: str) -> Props:
    """Return whose signatures a distribution takes, of either kind."""
    items: list[Props] = items_of(active, "Items")
    return {
        "enabled": bool(active.get("Enabled")),
        "items": [
            {
                key: item.get(api_key, ""),
                "keyPairIds": items_of(block_of(item, "KeyPairIds"), "Items"),
            }
            for item in items
        ],
    }


def _moment(when: datetime | None) -> str:
    """Return a moment as Go prints one, to the millisecond that AWS tells."""
    if when is None:
        return ""
    text = when.astimezone(UTC).isoformat(sep=" ", timespec="milliseconds")
    return f"{text.removesuffix('+00:00')} +0000 UTC"


def resources() -> list[Resource[Session]]:
    """Return the resource types of the service."""
    return [Distribution()]
