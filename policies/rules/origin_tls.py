"""CloudFront must speak to the origin over a current TLS.

Between CloudFront and a load balancer the requests cross the internet. `http-only` sends them in
the clear; `match-viewer` does so for every viewer who came without TLS; and a list with SSLv3,
TLSv1 or TLSv1.1 lets a handshake fall back to them. An S3 or VPC origin has no such settings.

Source: CloudFront Developer Guide, "Require HTTPS for communication between CloudFront and your
custom origin"; RFC 8996, "Deprecating TLS 1.0 and TLS 1.1".
"""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from policies.cloudfront import DISTRIBUTION
from policies.model import Finding, Place, Rule, RuleOptions, show
from policies.tls import PATTERN, at_least

REMEDY = 'Set originProtocolPolicy to "https-only" and originSslProtocols to ["TLSv1.2"].'


class OriginTls(RuleOptions):
    """What a user may set about `origin-tls`."""

    floor: Annotated[
        str, Field(pattern=PATTERN, description="The oldest protocol that passes.")
    ] = "TLSv1.2"


def check(distribution: Place) -> Iterator[Finding]:
    """Yield a finding for each custom origin reached without TLS, or with an old one."""
    origins = distribution.get("origins")
    if origins.unknown or not isinstance(origins.value, list):
        yield origins.finding("a list of origins", "Write the origins out in the program.")
        return
    floor = distribution.options(OriginTls).floor
    for origin in origins.items():
        config = origin.get("customOriginConfig")
        if isinstance(config.value, dict):
            yield from _custom(config, floor)
        elif not config.absent:
            yield config.finding("an object, or absent for an S3 or VPC origin", REMEDY)


def _custom(config: Place, floor: str) -> Iterator[Finding]:
    yield from config.get("originProtocolPolicy").must_be("https-only", 'Set it to "https-only".')
    protocols = config.get("originSslProtocols")
    if not isinstance(protocols.value, list):
        yield protocols.finding(f"a list of protocols from {floor} on", f'Set it to ["{floor}"].')
    for protocol in protocols.items() if isinstance(protocols.value, list) else ():
        if not (isinstance(protocol.value, str) and at_least(protocol.value, floor)):
            yield protocol.finding(f"{show(floor)} or newer", "Take it out of the list.")


RULE = Rule(
    name="origin-tls",
    text=__doc__,
    url="https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-https-cloudfront-to-custom-origin.html",
    severity="high",
    remedy=REMEDY,
    resource_types=DISTRIBUTION,
    check=check,
    options=OriginTls,
)
