"""The certificate viewers see: one for all hostnames, in the one region CloudFront looks in."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components.facts import CLOUDFRONT_REGION

_VALIDATION_TTL_SECONDS: Final = 300


class CertificateArgs(TypedDict):
    """What a certificate is made of."""

    hostnames: Sequence[str]
    """Names the certificate covers, in lower case without a final dot; the first is its subject."""
    zone_id: str
    """Hosted zone the validation records go to; all hostnames are in it."""
    certificate_arn: NotRequired[str | None]
    """Certificate in us-east-1 to use instead of requesting one. Nothing is created then."""
    provider_arguments: NotRequired[Mapping[str, Any]]
    """Arguments of `aws.Provider` except the region, so that the certificate is made in the same
    account and with the same tags as everything else. Default: what the environment says."""


class Certificate(pulumi.ComponentResource):
    """A validated ACM certificate in us-east-1, or the one whose ARN is given.

    It creates a provider for us-east-1, the certificate, a validation record for each hostname, and
    the wait for ACM to have issued it. Changing the hostnames replaces the certificate: the new one
    is issued and put on the distribution before the old one is deleted.

    The certificate is not protected on its own, because adding a hostname replaces it. ACM refuses
    to delete a certificate that a distribution uses.
    """

    arn: pulumi.Output[str]
    """ARN of the certificate, known once it is issued."""

    def __init__(
        self, name: str, args: CertificateArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Request and validate the certificate, or take the one that is given."""
        super().__init__("dualstack:index:Certificate", name, None, opts)
        given = args.get("certificate_arn")
        self.arn = pulumi.Output.from_input(given) if given else self._request(name, args)
        self.register_outputs({"arn": self.arn})

    def _request(self, name: str, args: CertificateArgs) -> pulumi.Output[str]:
        child = pulumi.ResourceOptions(parent=self)
        provider = aws.Provider(
            f"{name}-{CLOUDFRONT_REGION}",
            region=CLOUDFRONT_REGION,
            opts=child,
            **args.get("provider_arguments", {}),
        )
        in_region = pulumi.ResourceOptions(parent=self, provider=provider)
        certificate = aws.acm.Certificate(
            f"{name}-certificate",
            domain_name=args["hostnames"][0],
            # With the first, as ACM lists them: an empty list would leave them as they are.
            subject_alternative_names=args["hostnames"],
            validation_method="DNS",
            opts=in_region,
        )
        records = [
            self._validation_record(name, hostname, args["zone_id"], certificate)
            for hostname in args["hostnames"]
        ]
        return aws.acm.CertificateValidation(
            f"{name}-validation",
            certificate_arn=certificate.arn,
            validation_record_fqdns=[record.fqdn for record in records],
            opts=in_region,
        ).certificate_arn

    def _validation_record(
        self, name: str, hostname: str, zone_id: str, certificate: aws.acm.Certificate
    ) -> aws.route53.Record:
        """Make the record that proves control of a hostname.

        ACM asks an account for the same record for a hostname every time, in every region. The load
        balancer behind the edge serves the same hostname, so its own certificate has usually put
        that very record in the zone, and needs it there for as long as it is to be renewed. A
        plain record would therefore fail to be created ("it already exists"), and would take the
        load balancer's next renewal with it when it is destroyed. This one takes over what it
        finds, which is the value it would write, and is left in the zone when the stack lets go.

        Source: ACM User Guide, 'AWS Certificate Manager DNS validation'.
        """
        option = certificate.domain_validation_options.apply(
            lambda options: next(option for option in options if option.domain_name == hostname)
        )
        return aws.route53.Record(
            f"{name}-validation-{hostname}",
            zone_id=zone_id,
            name=option.apply(lambda option: option.resource_record_name or ""),
            type=option.apply(lambda option: option.resource_record_type or ""),
            records=[option.apply(lambda option: option.resource_record_value or "")],
            ttl=_VALIDATION_TTL_SECONDS,
            allow_overwrite=True,
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
        )
