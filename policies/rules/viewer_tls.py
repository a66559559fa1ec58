"""Viewers must not be able to use old TLS.

The property's default is TLSv1, whose protocols have been deprecated since 2021. CloudFront's own
certificate, which a distribution has until it gets another, fixes TLSv1 whatever is set; it serves
no name but the distribution's. Names are compared by protocol and year, so a policy that CloudFront
adds later is judged by how strict it is.

Source: CloudFront Developer Guide, "Supported protocols and ciphers between viewers and
CloudFront"; RFC 8996, "Deprecating TLS 1.0 and TLS 1.1".
"""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from policies.cloudfront import DISTRIBUTION
from policies.model import Finding, Place, Rule, RuleOptions, show
from policies.tls import PATTERN, at_least

REMEDY = "Set viewerCertificate.minimumProtocolVersion to a policy as strict as the floor."


class ViewerTls(RuleOptions):
    """What a user may set about `viewer-tls`."""

    floor: Annotated[
        str,
        Field(
            pattern=PATTERN,
            description="The laxest security policy that passes, as CloudFront names it.",
        ),
    ] = "TLSv1.2_2021"


def check(distribution: Place) -> Iterator[Finding]:
    """Yield a finding for a security policy below the floor, or for CloudFront's certificate."""
    floor = distribution.options(ViewerTls).floor
    certificate = distribution.get("viewerCertificate")
    if certificate.unknown or not (certificate.absent or isinstance(certificate.value, dict)):
        yield certificate.finding(
            "an object with a certificate and a minimumProtocolVersion", REMEDY
        )
        return
    default = certificate.get("cloudfrontDefaultCertificate")
    own = [certificate.get(key) for key in ("acmCertificateArn", "iamCertificateId")]
    if default.unknown and all(place.absent for place in own):
        yield default.finding("false, with a certificate of your own", REMEDY)
        return
    if all(place.absent for place in own):
        yield certificate.finding(
            "a certificate of your own",
            "Request one in ACM in us-east-1 for the names of the distribution: CloudFront's own "
            "certificate takes TLSv1 from viewers, whatever minimumProtocolVersion says.",
            shown="CloudFront's own certificate",
        )
        return
    version = certificate.get("minimumProtocolVersion")
    strict = at_least(version.value, floor) if isinstance(version.value, str) else False
    if not strict:
        shown = "absent, which means TLSv1" if version.absent else None
        if strict is None:
            shown = f"{show(version.value)}, which is no name of a security policy"
        yield version.finding(
            f"{show(floor)} or stricter",
            f"Set it to {show(floor)}.",
            shown=shown,
        )


RULE = Rule(
    name="viewer-tls",
    text=__doc__,
    url="https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/secure-connections-supported-viewer-protocols-ciphers.html",
    severity="high",
    remedy=REMEDY,
    resource_types=DISTRIBUTION,
    check=check,
    options=ViewerTls,
)
