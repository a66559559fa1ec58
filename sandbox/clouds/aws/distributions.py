"""CloudFront's distributions as the layer answers them.

moto takes a `DistributionConfig` apart into objects and loses what it does not know on the way, so
what it gives back is not what was sent; and its ETag never changes. The layer therefore keeps the
configuration itself, as sent plus the defaults that AWS documents. moto keeps a distribution of the
same id, for tags and invalidations; its configuration there is that of the creation.
"""

from collections.abc import Mapping
from copy import deepcopy
from datetime import UTC, datetime
from typing import Final

from moto.cloudfront.models import random_id

from sandbox.clouds.aws import policies
from sandbox.clouds.aws.fields import Fields, ReadOnly, items, part
from sandbox.clouds.aws.refusal import Refusal, raise_if
from sandbox.clouds.aws.rules import distribution_rules as rules
from sandbox.clouds.aws.rules.distribution_request import (
    AcmCertificate,
    DistributionRequest,
    ExistingDistribution,
)
from sandbox.clouds.aws.rules.request_handling import DEFAULT_TTL, MAX_TTL
from sandbox.clouds.aws.state import MotoAccount, MotoDistribution, acm, cloudfront, now

CERTIFICATE_REGION: Final = "us-east-1"
"""Source: CloudFront Developer Guide, 'AWS Region for AWS Certificate Manager'."""

PAGE: Final = 100

POLICIES_MADE: Final = datetime(2020, 11, 1, tzinfo=UTC)
"""When the managed policies were made; AWS tells no more either."""


def create_distribution(account: MotoAccount, sent: Fields) -> Fields:
    """Create a distribution without tags."""
    return _create(account, part(sent, "DistributionConfig"), [])


def create_distribution_with_tags(account: MotoAccount, sent: Fields) -> Fields:
    """Create a distribution with tags."""
    both = part(sent, "DistributionConfigWithTags")
    return _create(account, part(both, "DistributionConfig"), items(both, "Tags"))


def get_distribution(account: MotoAccount, sent: Fields) -> Fields:
    """Return a distribution, its configuration and its ETag."""
    distribution = _find(account, sent["Id"])
    return {"Distribution": _described(account, distribution), "ETag": distribution.etag}


def get_distribution_config(account: MotoAccount, sent: Fields) -> Fields:
    """Return a distribution's configuration and its ETag."""
    distribution = _find(account, sent["Id"])
    return {"DistributionConfig": distribution.config, "ETag": distribution.etag}


def update_distribution(account: MotoAccount, sent: Fields) -> Fields:
    """Replace a distribution's configuration."""
    distribution = _find(account, sent["Id"])
    raise_if(rules.etag_matches(sent.get("IfMatch"), distribution.etag))
    config = part(sent, "DistributionConfig")
    rules.judge(_request(account, config, distribution.id))
    distribution.config = completed(config)
    distribution.etag = random_id()
    distribution.modified = account.clock()
    return {"Distribution": _described(account, distribution), "ETag": distribution.etag}


def delete_distribution(account: MotoAccount, sent: Fields) -> Fields:
    """Delete a distribution that is off."""
    distribution = _find(account, sent["Id"])
    raise_if(rules.etag_matches(sent.get("IfMatch"), distribution.etag))
    enabled, deployed = distribution.config["Enabled"], _deployed(account, distribution)
    raise_if(rules.deleted_distribution_is_off(enabled=enabled, deployed=deployed))
    cloudfront().delete_distribution(distribution.id, if_match=True)
    del account.distributions[distribution.id]
    return {}


def list_distributions(account: MotoAccount, sent: Fields) -> Fields:
    """List the distributions in the order they were made."""
    marker, size = sent.get("Marker") or "", int(sent.get("MaxItems") or PAGE)
    every = list(account.distributions.values())
    ids = [distribution.id for distribution in every]
    start = ids.index(marker) + 1 if marker in ids else 0
    page = every[start : start + size]
    truncated = start + size < len(every)
    result: Fields = {
        "Marker": marker,
        "MaxItems": size,
        "IsTruncated": truncated,
        "Quantity": len(page),
    }
    result |= {"NextMarker": page[-1].id} if truncated else {}
    if page:
        described = ({**_described(account, one), **one.config, "ETag": one.etag} for one in page)
        result["Items"] = list(described)
    return {"DistributionList": result}


def get_cache_policy(_account: MotoAccount, sent: Fields) -> Fields:
    """Return a managed cache policy."""
    config = _policy(policies.CACHE_POLICIES, sent["Id"], "CachePolicy")
    return {"CachePolicy": _dated(sent["Id"], "CachePolicyConfig", config), "ETag": sent["Id"]}


def get_origin_request_policy(_account: MotoAccount, sent: Fields) -> Fields:
    """Return a managed origin request policy."""
    config = _policy(policies.ORIGIN_REQUEST_POLICIES, sent["Id"], "OriginRequestPolicy")
    described = _dated(sent["Id"], "OriginRequestPolicyConfig", config)
    return {"OriginRequestPolicy": described, "ETag": sent["Id"]}


def completed(config: ReadOnly) -> Fields:
    """Return a configuration with the defaults that AWS fills in.

    IsIPV6Enabled becomes false: without a word about IPv6 the API gives none.

    Source: CloudFront API Reference, 'DistributionConfig' and the types in it, "default".
    """
    full = dict(deepcopy(config))
    for name in ("Aliases", "CacheBehaviors", "CustomErrorResponses", "OriginGroups"):
        full.setdefault(name, {"Quantity": 0})
    for name in ("DefaultRootObject", "WebACLId", "ContinuousDeploymentPolicyId"):
        full.setdefault(name, "")
    full.setdefault("PriceClass", "PriceClass_All")
    full.setdefault("HttpVersion", "http2")
    full.setdefault("IsIPV6Enabled", False)
    full.setdefault("Staging", False)
    full["Logging"] = {
        "Enabled": False,
        "IncludeCookies": False,
        "Bucket": "",
        "Prefix": "",
        **part(config, "Logging"),
    }
    full.setdefault("Restrictions", {"GeoRestriction": {"RestrictionType": "none", "Quantity": 0}})
    full["ViewerCertificate"] = _completed_certificate(part(config, "ViewerCertificate"))
    full["Origins"]["Items"] = [_completed_origin(origin) for origin in full["Origins"]["Items"]]
    full["DefaultCacheBehavior"] = _completed_behavior(full["DefaultCacheBehavior"])
    if full["CacheBehaviors"].get("Items"):
        full["CacheBehaviors"]["Items"] = [
            _completed_behavior(behavior) for behavior in full["CacheBehaviors"]["Items"]
        ]
    for response in full["CustomErrorResponses"].get("Items") or ():
        response.setdefault("ResponsePagePath", "")
        response.setdefault("ResponseCode", "")
        response.setdefault("ErrorCachingMinTTL", 10)
    return full


def _completed_origin(origin: ReadOnly) -> Fields:
    full: Fields = {
        "OriginPath": "",
        "CustomHeaders": {"Quantity": 0},
        "ConnectionAttempts": 3,
        "ConnectionTimeout": 10,
        "OriginShield": {"Enabled": False},
        "OriginAccessControlId": "",
        **origin,
    }
    custom = origin.get("CustomOriginConfig")
    if custom is not None:
        full["CustomOriginConfig"] = {
            "OriginSslProtocols": {"Quantity": 2, "Items": ["TLSv1", "SSLv3"]},
            "OriginReadTimeout": 30,
            "OriginKeepaliveTimeout": 5,
            "IpAddressType": "ipv4",
            **custom,
        }
    return full


def _completed_behavior(behavior: ReadOnly) -> Fields:
    cached = {"Quantity": 2, "Items": ["HEAD", "GET"]}
    full: Fields = {
        "TrustedSigners": {"Enabled": False, "Quantity": 0},
        "TrustedKeyGroups": {"Enabled": False, "Quantity": 0},
        "SmoothStreaming": False,
        "Compress": False,
        "LambdaFunctionAssociations": {"Quantity": 0},
        "FunctionAssociations": {"Quantity": 0},
        "FieldLevelEncryptionId": "",
        "GrpcConfig": {"Enabled": False},
        **behavior,
    }
    full["AllowedMethods"] = {
        **cached,
        "CachedMethods": cached,
        **part(behavior, "AllowedMethods"),
    }
    forwarded = behavior.get("ForwardedValues")
    if forwarded is not None:
        full["ForwardedValues"] = {
            "Headers": {"Quantity": 0},
            "QueryStringCacheKeys": {"Quantity": 0},
            **forwarded,
        }
        full.setdefault("MinTTL", 0)
        full.setdefault("DefaultTTL", DEFAULT_TTL)
        full.setdefault("MaxTTL", MAX_TTL)
    return full


def _completed_certificate(certificate: ReadOnly) -> Fields:
    arn, iam = certificate.get("ACMCertificateArn"), certificate.get("IAMCertificateId")
    if arn or iam:
        return {
            "CloudFrontDefaultCertificate": False,
            "MinimumProtocolVersion": "TLSv1",
            **certificate,
            "Certificate": arn or iam,
            "CertificateSource": "acm" if arn else "iam",
        }
    return {
        **certificate,
        "CloudFrontDefaultCertificate": True,
        "SSLSupportMethod": "vip",
        "MinimumProtocolVersion": "TLSv1",
        "CertificateSource": "cloudfront",
    }


def _create(account: MotoAccount, config: ReadOnly, tags: list[dict[str, str]]) -> Fields:
    rules.judge(_request(account, config, None))
    full = completed(config)
    motos, location, _ = cloudfront().create_distribution(
        distribution_config=deepcopy(full), tags=tags
    )
    distribution = MotoDistribution(
        id=motos.distribution_id,
        arn=motos.arn,
        domain_name=motos.domain_name,
        config=full,
        etag=random_id(),
        modified=account.clock(),
    )
    account.distributions[distribution.id] = distribution
    return {
        "Distribution": _described(account, distribution),
        "ETag": distribution.etag,
        "Location": location,
    }


def _request(
    account: MotoAccount, config: ReadOnly, distribution_id: str | None
) -> DistributionRequest:
    existing = tuple(
        ExistingDistribution(one.id, one.config["CallerReference"], frozenset(one.aliases))
        for one in account.distributions.values()
    )
    certificates = {
        bundle.arn: AcmCertificate(
            frozenset(name.lower() for name in (bundle.common_name, *bundle.sans)),
            bundle.status == "ISSUED",
        )
        for bundle in acm(CERTIFICATE_REGION).list_certificates([], {})
    }
    return DistributionRequest(
        config=config,
        id=distribution_id,
        existing=existing,
        certificates=certificates,
        cache_policies=frozenset(policies.CACHE_POLICIES),
        origin_request_policies=frozenset(policies.ORIGIN_REQUEST_POLICIES),
    )


def _find(account: MotoAccount, distribution_id: str) -> MotoDistribution:
    distribution = account.distributions.get(distribution_id)
    if distribution is None:
        raise Refusal("NoSuchDistribution", "The specified distribution does not exist.")
    return distribution


def _deployed(account: MotoAccount, distribution: MotoDistribution) -> bool:
    return account.clock() >= distribution.modified + account.settings.deploy_seconds


def _described(account: MotoAccount, distribution: MotoDistribution) -> Fields:
    deployed = _deployed(account, distribution)
    return {
        "Id": distribution.id,
        "ARN": distribution.arn,
        "Status": "Deployed" if deployed else "InProgress",
        "LastModifiedTime": now(account, distribution.modified),
        "InProgressInvalidationBatches": 0,
        "DomainName": distribution.domain_name,
        "ActiveTrustedSigners": {"Enabled": False, "Quantity": 0},
        "ActiveTrustedKeyGroups": {"Enabled": False, "Quantity": 0},
        "DistributionConfig": distribution.config,
        "AliasICPRecordals": [
            {"CNAME": alias, "ICPRecordalStatus": "APPROVED"} for alias in distribution.aliases
        ],
    }


def _policy(policies_by_id: Mapping[str, ReadOnly], policy_id: str, kind: str) -> ReadOnly:
    if policy_id not in policies_by_id:
        words = "cache" if kind == "CachePolicy" else "origin request"
        raise Refusal(f"NoSuch{kind}", f"The specified {words} policy does not exist.")
    return policies_by_id[policy_id]


def _dated(policy_id: str, key: str, config: ReadOnly) -> Fields:
    return {"Id": policy_id, "LastModifiedTime": POLICIES_MADE, key: config}
