"""CloudFront's distributions as the layer answers them.

moto takes a `DistributionConfig` apart into objects and loses what it does not know on the way, so
what it gives back is not what was sent; and its ETag never changes. The layer therefore keeps the
configuration itself, as sent plus the defaults that AWS documents. moto keeps a distribution of the
same id, for tags and invalidations; its configuration there is that of the creation.
"""

import json
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Final

from moto.cloudfront.models import random_id

from sandbox.clouds.aws import ACCOUNT, cloudfront_policies
from sandbox.clouds.aws.constraints import walk
from sandbox.clouds.aws.fields import Fields, ReadOnly, items, part
from sandbox.clouds.aws.refusal import Refusal, raise_if
from sandbox.clouds.aws.rules import distribution_rules as rules
from sandbox.clouds.aws.rules.distribution_request import (
    AcmCertificate,
    DistributionRequest,
    ExistingDistribution,
)
from sandbox.clouds.aws.rules.distribution_writing import config_shape
from sandbox.clouds.aws.rules.request_handling import DEFAULT_TTL, MAX_TTL
from sandbox.clouds.aws.state import MotoAccount, MotoDistribution, acm, buckets, cloudfront, now

CERTIFICATE_REGION: Final = "us-east-1"
"""Source: CloudFront Developer Guide, 'AWS Region for AWS Certificate Manager'."""

PAGE: Final = 100

DEFAULTS: Final[Mapping[str, Fields]] = json.loads(
    Path(__file__).with_name("distribution_defaults.json").read_text()
)
"""What each type of a configuration has where nothing is said, by the type's name."""


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
    raise_if(rules.list_has_a_size(sent.get("MaxItems")))
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


def list_conflicting_aliases(account: MotoAccount, sent: Fields) -> Fields:
    """List who has an alias, or one that overlaps with it; most of their ids is hidden.

    Source: CloudFront API Reference, 'ListConflictingAliases'.
    """
    _find(account, sent["DistributionId"])
    alias, size = sent["Alias"].lower(), int(sent.get("MaxItems") or PAGE)
    own = [
        (name, one.id, ACCOUNT) for one in account.distributions.values() for name in one.aliases
    ]
    elsewhere = account.settings.aliases_elsewhere
    others = [(name.lower(), "E0000ELSEWHERE", of) for name, of in elsewhere.items()]
    listed = [
        {"Alias": name, "DistributionId": f"*******{one[7:]}", "AccountId": f"******{of[6:]}"}
        for name, one, of in sorted((*own, *others))
        if _overlap(name, alias) or _overlap(alias, name)
    ]
    marker = int(sent.get("Marker") or 0)
    page, more = listed[marker : marker + size], len(listed) > marker + size
    answer: Fields = {"MaxItems": size, "Quantity": len(page), "Items": page}
    answer |= {"NextMarker": str(marker + size)} if more else {}
    return {"ConflictingAliasesList": answer}


def _overlap(pattern: str, name: str) -> bool:
    """Tell whether an alias answers a name; a wildcard answers all below it.

    Source: CloudFront Developer Guide, 'Using the * wildcard in alternate domain names'.
    """
    return pattern == name or (pattern.startswith("*.") and name.endswith(pattern[1:]))


def create_invalidation(account: MotoAccount, sent: Fields) -> Fields:
    """Begin an invalidation; the same request again answers it. It takes as long as a deployment.

    Nothing is kept here that could be invalidated.
    """
    distribution, batch = _find(account, sent["DistributionId"]), part(sent, "InvalidationBatch")
    reference, paths = batch["CallerReference"], items(batch, "Paths")
    there = cloudfront().invalidations.get(distribution.id, [])
    earlier = next((one for one in there if one.caller_ref == reference), None)
    raise_if(rules.invalidation_can_be_made(part(batch, "Paths"), earlier and earlier.paths))
    moto = earlier or cloudfront().create_invalidation(distribution.id, paths, reference)
    note_invalidations(account, sent)
    described: Fields = {
        "Id": moto.id,
        "Status": moto.status,
        "CreateTime": now(account, account.invalidations[moto.id]),
        "InvalidationBatch": {"Paths": part(batch, "Paths"), "CallerReference": reference},
    }
    return {"Invalidation": described, "Location": moto.location}


def note_invalidations(account: MotoAccount, _sent: Fields) -> None:
    """Tell moto, which answers, which invalidations are completed by now."""
    time, seconds = account.clock(), account.settings.deploy_seconds
    for invalidation in (one for many in cloudfront().invalidations.values() for one in many):
        began = account.invalidations.setdefault(invalidation.id, time)
        invalidation.status = "Completed" if time >= began + seconds else "InProgress"


def completed(config: ReadOnly) -> Fields:
    """Return a configuration with the defaults that AWS fills in.

    IsIPV6Enabled becomes false: without a word about IPv6 the API gives none.

    Source: CloudFront API Reference, 'DistributionConfig' and the types in it, "default".
    """
    full: Fields = deepcopy(dict(config))
    for _, value, shape in walk(full, config_shape()):
        defaults = DEFAULTS.get(shape.name.removeprefix("Default"), {})
        for name, default in defaults.items():
            value.setdefault(name, deepcopy(default))
    full["ViewerCertificate"] = _completed_certificate(part(config, "ViewerCertificate"))
    for behavior in (full["DefaultCacheBehavior"], *items(full, "CacheBehaviors")):
        if behavior.get("ForwardedValues") is not None:
            behavior.setdefault("MinTTL", 0)
            behavior.setdefault("DefaultTTL", DEFAULT_TTL)
            behavior.setdefault("MaxTTL", MAX_TTL)
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
    kept = deepcopy(full)
    # moto knows no origin groups.
    kept["DefaultCacheBehavior"]["TargetOriginId"] = kept["Origins"]["Items"][0]["Id"]
    motos, location, _ = cloudfront().create_distribution(distribution_config=kept, tags=tags)
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
    existing = (
        *(
            ExistingDistribution(one.id, one.config["CallerReference"], frozenset(one.aliases))
            for one in account.distributions.values()
        ),
        ExistingDistribution("", "", frozenset(account.settings.aliases_elsewhere)),
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
        buckets=buckets(),
        cache_policies=cloudfront_policies.ids(account, "CachePolicy"),
        origin_request_policies=cloudfront_policies.ids(account, "OriginRequestPolicy"),
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
    note_invalidations(account, {})
    invalidations = cloudfront().invalidations.get(distribution.id, [])
    return {
        "Id": distribution.id,
        "ARN": distribution.arn,
        "Status": "Deployed" if deployed else "InProgress",
        "LastModifiedTime": now(account, distribution.modified),
        "InProgressInvalidationBatches": sum(one.status == "InProgress" for one in invalidations),
        "DomainName": distribution.domain_name,
        "ActiveTrustedSigners": {"Enabled": False, "Quantity": 0},
        "ActiveTrustedKeyGroups": {"Enabled": False, "Quantity": 0},
        "DistributionConfig": distribution.config,
        "AliasICPRecordals": [
            {"CNAME": alias, "ICPRecordalStatus": "APPROVED"} for alias in distribution.aliases
        ],
    }
