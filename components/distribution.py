"""A CloudFront distribution that adds IPv6 and a nearer TCP handshake, and changes nothing else."""

from collections.abc import Sequence
from typing import Final, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components.facts import (
    CACHING_DISABLED,
    ERROR_CODES,
    METHODS,
    ORIGIN_HEADER,
    ORIGIN_REQUEST_POLICIES,
)
from components.settings import Distribution, Origin

_ORIGIN_ID: Final = "load-balancer"


class PassThroughDistributionArgs(TypedDict):
    """What a pass-through distribution is made of."""

    hostnames: pulumi.Input[Sequence[str]]
    """Names it answers; each is covered by the certificate and on no other distribution."""
    certificate_arn: pulumi.Input[str]
    """ACM certificate in us-east-1, issued."""
    origin_domain_name: pulumi.Input[str]
    """DNS name of the load balancer. Better not an output: while the name of its origin is unknown,
    a preview may show a distribution as about to be replaced (pulumi-aws#5229)."""
    origin: Origin
    """Protocol, ports and timeouts towards the load balancer."""
    options: Distribution
    """What may be chosen about it."""
    secret: NotRequired[pulumi.Input[str] | None]
    """Value of the header that tells the load balancer who is asking. Default: no such header."""


class PassThroughDistribution(pulumi.ComponentResource):
    """A distribution that caches nothing, drops nothing and answers nothing for the origin.

    It creates one distribution and waits until every edge location has it. Changing the arguments
    updates it in place.
    """

    id: pulumi.Output[str]
    """Id of the distribution."""
    domain_name: pulumi.Output[str]
    """Its own name, `….cloudfront.net`, the target of alias records."""

    def __init__(
        self,
        name: str,
        args: PassThroughDistributionArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Create the distribution."""
        super().__init__("dualstack:index:PassThroughDistribution", name, None, opts)
        options = args["options"]
        distribution = aws.cloudfront.Distribution(
            f"{name}-distribution",
            enabled=True,
            comment=f"{name}: passes everything through, caches nothing"[:128],
            aliases=args["hostnames"],
            is_ipv6_enabled=True,
            http_version=options.http_version,
            price_class=options.price_class,
            staging=False,
            origins=[_origin(args["origin_domain_name"], args["origin"], args.get("secret"))],
            default_cache_behavior=_behaviour(options, args["origin"]),
            ordered_cache_behaviors=[],
            # No `default_root_object`: a request for / is the API's to answer.
            custom_error_responses=[
                aws.cloudfront.DistributionCustomErrorResponseArgs(
                    error_code=code, error_caching_min_ttl=0
                )
                for code in ERROR_CODES
            ],
            restrictions=aws.cloudfront.DistributionRestrictionsArgs(
                geo_restriction=aws.cloudfront.DistributionRestrictionsGeoRestrictionArgs(
                    restriction_type="none", locations=[]
                )
            ),
            viewer_certificate=aws.cloudfront.DistributionViewerCertificateArgs(
                acm_certificate_arn=args["certificate_arn"],
                minimum_protocol_version=options.tls_policy,
                ssl_support_method="sni-only",
            ),
            logging_config=_logging(options),
            web_acl_id=options.web_acl_arn,
            wait_for_deployment=True,
            # The property of this name disables a distribution that is let go, which users still
            # sent to it by old DNS answers would notice; the resource option leaves it running.
            retain_on_delete=False,
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=options.retain_on_delete),
        )
        self.id = distribution.id
        self.domain_name = distribution.domain_name
        self.register_outputs({"id": self.id, "domainName": self.domain_name})


def _behaviour(
    options: Distribution, origin: Origin
) -> aws.cloudfront.DistributionDefaultCacheBehaviorArgs:
    default = "https-only" if origin.protocol == "https-only" else "allow-all"
    return aws.cloudfront.DistributionDefaultCacheBehaviorArgs(
        target_origin_id=_ORIGIN_ID,
        allowed_methods=list(METHODS),
        cached_methods=["GET", "HEAD"],
        cache_policy_id=CACHING_DISABLED,
        origin_request_policy_id=ORIGIN_REQUEST_POLICIES[options.origin_request_policy],
        viewer_protocol_policy=options.viewer_protocol or default,
        compress=False,
        smooth_streaming=False,
    )


def _origin(
    domain_name: pulumi.Input[str], origin: Origin, secret: pulumi.Input[str] | None
) -> aws.cloudfront.DistributionOriginArgs:
    return aws.cloudfront.DistributionOriginArgs(
        origin_id=_ORIGIN_ID,
        domain_name=domain_name,
        connection_attempts=origin.connect_attempts,
        connection_timeout=origin.connect_timeout_seconds,
        custom_headers=[
            aws.cloudfront.DistributionOriginCustomHeaderArgs(name=ORIGIN_HEADER, value=secret)
        ]
        if secret is not None
        else None,
        custom_origin_config=aws.cloudfront.DistributionOriginCustomOriginConfigArgs(
            http_port=origin.http_port,
            https_port=origin.https_port,
            origin_protocol_policy=origin.protocol,
            origin_ssl_protocols=["TLSv1.2"],
            # The load balancer has no IPv6, which is why the edge exists.
            ip_address_type="ipv4",
            origin_read_timeout=origin.read_timeout_seconds,
            origin_keepalive_timeout=origin.keepalive_timeout_seconds,
        ),
    )


def _logging(options: Distribution) -> aws.cloudfront.DistributionLoggingConfigArgs | None:
    if options.logs is None:
        return None
    return aws.cloudfront.DistributionLoggingConfigArgs(
        bucket=f"{options.logs.bucket}.s3.amazonaws.com",
        prefix=options.logs.prefix,
        include_cookies=options.logs.include_cookies,
    )
