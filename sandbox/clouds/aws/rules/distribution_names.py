"""Rules of a distribution's alternate domain names and of its certificate."""

import re
from typing import Final

from sandbox.clouds.aws.refusal import Refusal
from sandbox.clouds.aws.rules.distribution_request import (
    DistributionRequest,
    Rule,
    invalid_argument,
)

CERTIFICATE_ARN: Final = re.compile(r"arn:aws:acm:(?P<region>[a-z0-9-]+):\d{12}:certificate/.+")

ALIAS: Final = re.compile(
    r"(?=.{1,253}$)(\*|[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)"
    r"(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)+"
)

ALIASES_PAGE: Final = (
    "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/CNAMEs.html"
    "#alternate-domain-names-requirements"
)


def covers(pattern: str, name: str) -> bool:
    """Tell whether a name of a certificate covers a host name; `*` stands for one label."""
    if pattern.startswith("*."):
        return name.partition(".")[2] == pattern[2:]
    return name == pattern


def alias_is_a_host_name(request: DistributionRequest) -> Refusal | None:
    """An alternate domain name is a host name, or `*.` and one.

    Source: CloudFront Developer Guide, 'Use custom URLs by adding alternate domain names', Using
    the * wildcard; message as reported in ansible/ansible#31284 and cloudflare/Stout#40.
    """
    if all(ALIAS.fullmatch(alias) for alias in request.aliases):
        return None
    return invalid_argument(
        "The parameter CNAME contains one or more parameters that are not valid."
    )


def alias_is_on_one_distribution(request: DistributionRequest) -> Refusal | None:
    """An alternate domain name is on one distribution only.

    Source: CloudFront Developer Guide, 'Restrictions on using alternate domain names'; message as
    reported in klaemo/s3-website#25.
    """
    taken = {alias for other in request.others for alias in other.aliases}
    if taken.isdisjoint(request.aliases):
        return None
    return Refusal(
        "CNAMEAlreadyExists",
        "One or more of the CNAMEs you provided are already associated with a different resource.",
    )


def certificate_is_named_once(request: DistributionRequest) -> Refusal | None:
    """A certificate comes from ACM, from IAM, or is CloudFront's own; aliases exclude the latter.

    Source: CloudFront API Reference, 'ViewerCertificate'; message as reported in
    cloudposse/terraform-aws-cloudfront-s3-cdn#72.
    """
    certificate = request.viewer_certificate
    own = certificate.get("ACMCertificateArn") or certificate.get("IAMCertificateId")
    if request.aliases and (certificate.get("CloudFrontDefaultCertificate") or not own):
        return Refusal(
            "InvalidViewerCertificate",
            "To add an alternate domain name (CNAME) to a CloudFront distribution, you must attach "
            "a trusted certificate that validates your authorization to use the domain name. "
            f"For more details, see: {ALIASES_PAGE}",
        )
    both = certificate.get("ACMCertificateArn") and certificate.get("IAMCertificateId")
    if both or (own and certificate.get("CloudFrontDefaultCertificate")):
        return Refusal(
            "InvalidViewerCertificate",
            "Exactly one of [ACMCertificateArn, CloudFrontDefaultCertificate, IAMCertificateId] "
            "needs to be specified",
        )
    if own and not certificate.get("SSLSupportMethod"):
        return Refusal("InvalidViewerCertificate", "The parameter SSLSupportMethod is required.")
    return None


def certificate_is_usable(request: DistributionRequest) -> Refusal | None:
    """A certificate of ACM exists, lies in us-east-1 and is issued.

    Source: CloudFront Developer Guide, 'Requirements for using SSL/TLS certificates with
    CloudFront'; message as reported in hashicorp/terraform-provider-aws#13489.
    """
    arn = request.viewer_certificate.get("ACMCertificateArn")
    if not arn:
        return None
    certificate = request.certificates.get(arn) if CERTIFICATE_ARN.fullmatch(arn) else None
    if certificate is not None and certificate.issued:
        return None
    return Refusal(
        "InvalidViewerCertificate",
        "The specified SSL certificate doesn't exist, isn't in us-east-1 region, isn't valid, or "
        "doesn't include a valid certificate chain.",
    )


def tls_version_fits_the_method(request: DistributionRequest) -> Refusal | None:
    """By SNI, viewers speak TLS 1.0 or later; SSL 3.0 is for addresses of one's own.

    Source: CloudFront API Reference, 'ViewerCertificate', MinimumProtocolVersion: "When you're
    using SNI only (you set SSLSupportMethod to sni-only), you must specify TLSv1 or higher"; and
    'CreateDistribution', InvalidMinimumProtocolVersion.
    """
    certificate = request.viewer_certificate
    if certificate.get("SSLSupportMethod") != "sni-only":
        return None
    if certificate.get("MinimumProtocolVersion") != "SSLv3":
        return None
    return Refusal(
        "InvalidMinimumProtocolVersion", "The specified minimum protocol version is not valid."
    )


def aliases_are_covered(request: DistributionRequest) -> Refusal | None:
    """The certificate names every alternate domain name; `*` stands for one label.

    Source: CloudFront Developer Guide, 'Requirements for using alternate domain names'; message as
    reported in hashicorp/terraform-provider-aws#13828.
    """
    certificate = request.certificates.get(
        request.viewer_certificate.get("ACMCertificateArn") or ""
    )
    if certificate is None or all(
        any(covers(name, alias) for name in certificate.names) for alias in request.aliases
    ):
        return None
    return Refusal(
        "InvalidViewerCertificate",
        "The certificate that is attached to your distribution doesn't cover the alternate domain "
        f"name (CNAME) that you're trying to add. For more details, see: {ALIASES_PAGE}",
    )


NAME_RULES: Final[tuple[Rule, ...]] = (
    alias_is_a_host_name,
    alias_is_on_one_distribution,
    certificate_is_named_once,
    tls_version_fits_the_method,
    certificate_is_usable,
    aliases_are_covered,
)
