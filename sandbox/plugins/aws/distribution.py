"""Distributions of CloudFront.

Source: hashicorp/terraform-provider-aws, `internal/service/cloudfront/distribution.go`.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from botocore.exceptions import ClientError

from sandbox.plugins import schema
from sandbox.plugins.aws.aws_session import AwsSession, AwsTask, code_of, from_list, to_list
from sandbox.plugins.aws.distribution_api import from_api, moment, to_api
from sandbox.plugins.aws.tagged import Tagged, changed_tags
from sandbox.plugins.diff import diff
from sandbox.plugins.resource import Failure, PluginError, Present, Shape
from sandbox.plugins.values import Props, block_of, items_of

HOSTED_ZONE: Final = "Z2FDTNDATAQYW2"
"""The hosted zone of every distribution. Source: Route 53 API Reference, AliasTarget."""

_TIMEOUT_SECONDS = 90 * 60
_MOVED_ON = {"PreconditionFailed", "InvalidIfMatchVersion"}
_COMMENT_LENGTH = 128


def _in_behaviors(*names: str) -> set[str]:
    """Return paths that the default behaviour and the ordered ones have alike."""
    return {f"{place}.{name}" for place in _BEHAVIORS for name in names}


_BEHAVIORS = ("defaultCacheBehavior", "orderedCacheBehaviors")
_DEFAULTS: Final[Props] = json.loads(
    Path(__file__).with_name("distribution_inputs.json").read_text()
)
"""What the official plugin fills in where the program says nothing."""
_METHODS = ("GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE")
_TLS_POLICIES = (
    *("SSLv3", "TLSv1", "TLSv1_2016", "TLSv1.1_2016", "TLSv1.2_2018", "TLSv1.2_2019"),
    *("TLSv1.2_2021", "TLSv1.2_2025", "TLSv1.3_2025"),
)


class DistributionStandIn(Tagged):
    """A distribution: `aws:cloudfront/distribution:Distribution`.

    Created and changed in place (only `staging` needs a new one), and waited for until it is
    Deployed unless `waitForDeployment` is false (`customTimeouts`, 90 minutes). Changed with the
    ETag in the state; where somebody else has changed it meanwhile, with the current one, so the
    program wins. Deletion turns it off, waits, and deletes it; with `retainOnDelete` it is only
    turned off.

    Where it differs: a continuous deployment policy is not detached before deletion; the outputs do
    not tell whose signatures are trusted; in China the hosted zone is another.
    """

    type_name = "aws:cloudfront/distribution:Distribution"
    shape = Shape(
        defaults={
            **_DEFAULTS,
            **dict.fromkeys(_in_behaviors("compress"), False),
            **dict.fromkeys(_in_behaviors("minTtl"), 0),
        },
        computed=frozenset(
            _in_behaviors(
                *("defaultTtl", "maxTtl", "grpcConfig", "trustedKeyGroups", "trustedSigners"),
                *("forwardedValues.headers", "forwardedValues.queryStringCacheKeys"),
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
                    *("allowedMethods", "cachedMethods", "forwardedValues.headers"),
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

    def foresee(self, session: AwsSession, inputs: Props) -> Props:
        """Return the hosted zone, which is the same for all distributions."""
        return super().foresee(session, inputs) | {"hostedZoneId": HOSTED_ZONE}

    def create(self, call: AwsTask, inputs: Props) -> str:
        """Create the distribution."""
        config = self._config(call.session, inputs, f"pulumi-{time.time_ns()}")
        answer = call.session.client("cloudfront").create_distribution_with_tags(
            DistributionConfigWithTags={
                "DistributionConfig": config,
                "Tags": {"Items": to_list(block_of(inputs, "tags"))},
            }
        )
        return str(answer["Distribution"]["Id"])

    def settle(self, call: AwsTask, resource_id: str, props: Props) -> None:
        """Wait until it is deployed, unless the program says not to."""
        if props.get("waitForDeployment", True):
            self._wait_deployed(call, resource_id)

    def read(self, call: AwsTask, resource_id: str, _prior: Props) -> Present:
        """Read the distribution and its tags."""
        answer = _find(call.session, resource_id)
        if answer is None:
            return None
        client = call.session.client("cloudfront")
        distribution: Props = answer["Distribution"]
        listed = client.list_tags_for_resource(Resource=distribution["ARN"])
        tags = call.session.own_tags(from_list(items_of(listed["Tags"], "Items")))
        config: Props = distribution["DistributionConfig"]
        state = from_api(
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
            "lastModifiedTime": moment(distribution.get("LastModifiedTime")),
            "loggingV1Enabled": bool(config.get("Logging", {}).get("Enabled")),
            "status": distribution["Status"],
            "tags": tags,
            "tagsAll": tags,
        }

    def update(self, call: AwsTask, resource_id: str, state: Props, inputs: Props) -> None:
        """Change the configuration and the tags, each only if it differs."""
        changed = diff(schema.of_class(self.args), self.shape, state, inputs)
        apart = {"tags", *self.shape.carried}
        if any(path.split(".")[0].split("[")[0] not in apart for path in changed):
            config = self._config(call.session, inputs, state["callerReference"])
            self._replace_config(call, resource_id, config, state.get("etag") or "")
        added, removed = changed_tags(state, inputs)
        client, arn = call.session.client("cloudfront"), state["arn"]
        if removed:
            client.untag_resource(Resource=arn, TagKeys={"Items": sorted(removed)})
        if added:
            client.tag_resource(Resource=arn, Tags={"Items": to_list(added)})

    def delete(self, call: AwsTask, resource_id: str, state: Props) -> None:
        """Turn the distribution off and delete it."""
        answer = _find(call.session, resource_id)
        if answer is None:
            return
        config: Props = answer["Distribution"]["DistributionConfig"]
        if config["Enabled"]:
            self._replace_config(call, resource_id, config | {"Enabled": False}, answer["ETag"])
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

    def _config(self, session: AwsSession, inputs: Props, caller_reference: str) -> Props:
        shape = session.client("cloudfront").meta.service_model.shape_for("DistributionConfig")
        config = to_api(shape, schema.of_class(self.args), inputs)
        return config | {"CallerReference": caller_reference}

    def _replace_config(self, call: AwsTask, resource_id: str, config: Props, etag: str) -> None:
        client = call.session.client("cloudfront")
        try:
            client.update_distribution(Id=resource_id, IfMatch=etag, DistributionConfig=config)
        except ClientError as error:
            current = _find(call.session, resource_id)
            if code_of(error) not in _MOVED_ON or current is None:
                raise
            client.update_distribution(
                Id=resource_id, IfMatch=current["ETag"], DistributionConfig=config
            )

    def _wait_deployed(self, call: AwsTask, resource_id: str) -> None:
        def deployed() -> bool:
            answer = _find(call.session, resource_id)
            if answer is None:
                raise PluginError(
                    f"CloudFront Distribution ({resource_id}) is gone while it was waited for."
                )
            return bool(answer["Distribution"]["Status"] == "Deployed")

        call.wait(f"CloudFront Distribution ({resource_id}) to deploy", deployed, _TIMEOUT_SECONDS)


def _find(session: AwsSession, distribution_id: str) -> Props | None:
    try:
        return dict(session.client("cloudfront").get_distribution(Id=distribution_id))
    except ClientError as error:
        if code_of(error) == "NoSuchDistribution":
            return None
        raise
