"""What a distribution asks for that the edge of the lab cannot stand in for."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from sandbox.lab.deployed import Deployed, DeployedDistribution, Fields
from sandbox.lab.edge.sites import behaviors, items, part

_BEHAVIOR: Final[dict[str, tuple[Callable[[Fields], bool], str]]] = {
    "Lambda@Edge functions": (
        lambda behavior: bool(items(behavior, "LambdaFunctionAssociations")),
        "requests pass without them",
    ),
    "CloudFront Functions": (
        lambda behavior: bool(items(behavior, "FunctionAssociations")),
        "requests pass without them",
    ),
    "signed URLs or cookies (TrustedSigners, TrustedKeyGroups)": (
        lambda behavior: any(
            part(behavior, member).get("Enabled")
            for member in ("TrustedSigners", "TrustedKeyGroups")
        ),
        "everybody is let in",
    ),
    "field-level encryption (FieldLevelEncryptionId)": (
        lambda behavior: bool(behavior.get("FieldLevelEncryptionId")),
        "fields pass as they are",
    ),
    "real-time logs (RealtimeLogConfigArn)": (
        lambda behavior: bool(behavior.get("RealtimeLogConfigArn")),
        "none are written",
    ),
    "a response headers policy (ResponseHeadersPolicyId)": (
        lambda behavior: bool(behavior.get("ResponseHeadersPolicyId")),
        "answers keep the origin's headers",
    ),
    "Smooth Streaming (SmoothStreaming)": (
        lambda behavior: bool(behavior.get("SmoothStreaming")),
        "it is left out",
    ),
    "gRPC (GrpcConfig)": (
        lambda behavior: bool(part(behavior, "GrpcConfig").get("Enabled")),
        "its calls pass as any POST, without their trailers",
    ),
    "caching of OPTIONS (CachedMethods)": (
        lambda behavior: "OPTIONS" in items(part(behavior, "AllowedMethods"), "CachedMethods"),
        "its answers are never kept",
    ),
}
"""By its name: how to recognise it, and what the edge does instead."""

_DISTRIBUTION: Final[dict[str, tuple[Callable[[Fields], bool], str]]] = {
    "a web ACL (WebACLId)": (
        lambda config: bool(config.get("WebACLId")),
        "nothing is blocked or counted",
    ),
    "HTTP/3 (HttpVersion)": (
        lambda config: "3" in str(config.get("HttpVersion") or ""),
        "viewers get HTTP/2 or HTTP/1.1",
    ),
    "origin groups (OriginGroups)": (
        lambda config: bool(items(config, "OriginGroups")),
        "the first member is asked and there is no failover",
    ),
    "geographic restrictions (GeoRestriction)": (
        lambda config: (
            part(part(config, "Restrictions"), "GeoRestriction").get("RestrictionType", "none")
            != "none"
        ),
        "every country is let in",
    ),
    "standard logs (Logging)": (
        lambda config: bool(part(config, "Logging").get("Enabled")),
        "no bucket is written to",
    ),
    "staging or continuous deployment (Staging, ContinuousDeploymentPolicyId)": (
        lambda config: bool(config.get("Staging") or config.get("ContinuousDeploymentPolicyId")),
        "a staging distribution is not served",
    ),
    "client certificates of viewers (ViewerMtlsConfig)": (
        lambda config: bool(config.get("ViewerMtlsConfig")),
        "none is asked for",
    ),
    "addresses of its own (AnycastIpListId, SSLSupportMethod)": (
        lambda config: bool(
            config.get("AnycastIpListId")
            or (
                _has_own_certificate(config)
                and part(config, "ViewerCertificate").get("SSLSupportMethod")
                in ("vip", "static-ip")
            )
        ),
        "it is told apart by SNI",
    ),
    "a certificate of IAM (IAMCertificateId)": (
        lambda config: bool(part(config, "ViewerCertificate").get("IAMCertificateId")),
        "TLS handshakes are refused",
    ),
}

_ORIGIN: Final[dict[str, tuple[Callable[[Fields], bool], str]]] = {
    "an S3 bucket (S3OriginConfig)": (
        lambda origin: origin.get("S3OriginConfig") is not None,
        "it is asked like any web server, unsigned",
    ),
    "a VPC origin (VpcOriginConfig)": (
        lambda origin: origin.get("VpcOriginConfig") is not None,
        "it is asked by its public name",
    ),
    "origin access control (OriginAccessControlId)": (
        lambda origin: bool(origin.get("OriginAccessControlId")),
        "requests are not signed",
    ),
    "Origin Shield (OriginShield)": (
        lambda origin: bool(part(origin, "OriginShield").get("Enabled")),
        "every edge node asks the origin itself",
    ),
    "IPv6 towards the origin (IpAddressType)": (
        lambda origin: (
            part(origin, "CustomOriginConfig").get("IpAddressType") not in (None, "ipv4")
        ),
        "it is asked over IPv4",
    ),
    "client certificates for the origin (OriginMtlsConfig)": (
        lambda origin: bool(part(origin, "CustomOriginConfig").get("OriginMtlsConfig")),
        "none is shown",
    ),
}


def unsupported(deployed: Deployed) -> list[str]:
    """Return what distributions ask for that the edge does not do, one sentence each.

    An empty list does not say that the edge is CloudFront: `sandbox.lab.edge` says how it differs
    where it stands in.
    """
    return [
        f"Distribution {distribution.id}: {lack}."
        for distribution in deployed.distributions
        if distribution.config.get("Enabled")
        for lack in _lacks(distribution, deployed)
    ] + list(_between(deployed))


def _lacks(distribution: DeployedDistribution, deployed: Deployed) -> Iterator[str]:
    config = distribution.config
    yield from _missing(_DISTRIBUTION, config)
    for origin in items(config, "Origins"):
        yield from (f"origin {origin.get('Id')}: {lack}" for lack in _missing(_ORIGIN, origin))
    for behavior in behaviors(config):
        where = f"behavior {behavior.get('PathPattern') or 'default'}"
        for lack in (*_missing(_BEHAVIOR, behavior), *_unread(behavior, deployed)):
            yield f"{where}: {lack}"


def _missing(
    table: Mapping[str, tuple[Callable[[Fields], bool], str]], of: Fields
) -> Iterator[str]:
    for what, (asks, instead) in table.items():
        if asks(of):
            yield f"the lab has no {what.removeprefix('a ').removeprefix('an ')}; {instead}"


def _unread(behavior: Fields, deployed: Deployed) -> Iterator[str]:
    for member, policies in (
        ("CachePolicyId", deployed.cache_policies),
        ("OriginRequestPolicyId", deployed.origin_request_policies),
    ):
        name = behavior.get(member)
        if name and name not in policies:
            yield (
                f"the policy {name} ({member}) could not be read; it is taken to keep nothing and "
                "to forward nothing"
            )


def _has_own_certificate(config: Fields) -> bool:
    certificate = part(config, "ViewerCertificate")
    return bool(certificate.get("ACMCertificateArn") or certificate.get("IAMCertificateId"))


def _between(deployed: Deployed) -> Iterator[str]:
    """Yield what several distributions ask for that one nginx cannot give them together."""
    served = [
        distribution
        for distribution in deployed.distributions
        if distribution.config.get("Enabled") and not distribution.config.get("Staging")
    ]
    versions = Counter(
        str(one.config.get("HttpVersion") or "http2") in ("http2", "http2and3") for one in served
    )
    if len(versions) > 1:
        yield (
            "Some distributions offer HTTP/2 and some do not; an edge node of the lab offers it "
            "for all of them or none, and offers it."
        )
