"""Certificates of Certificate Manager.

Source: hashicorp/terraform-provider-aws, `internal/service/acm/certificate.go`.
"""

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from botocore.exceptions import ClientError

from sandbox.plugins.aws.aws_session import AwsSession, AwsTask, code_of, from_list, to_list
from sandbox.plugins.aws.tagged import Tagged, changed_tags
from sandbox.plugins.resource import Failure, Present, Shape
from sandbox.plugins.values import UNKNOWN, Props, items_of

_OPTIONS_TIMEOUT_SECONDS = 5 * 60
_IN_USE_TIMEOUT_SECONDS = 20 * 60


def region_of(arn: str) -> str | None:
    """Return the region in the ARN of a certificate; None if it is no such ARN."""
    match = re.match(r"arn:[^:]+:acm:([^:]+):", arn)
    return match[1] if match else None


def find_certificate(session: AwsSession, arn: str) -> Props | None:
    """Return a certificate; None when there is none, or ACM gave up on it."""
    client = session.client("acm", region_of(arn))
    try:
        certificate = dict(client.describe_certificate(CertificateArn=arn)["Certificate"])
    except ClientError as error:
        if code_of(error) == "ResourceNotFoundException":
            return None
        raise
    return None if certificate.get("Status") == "VALIDATION_TIMED_OUT" else certificate


class CertificateStandIn(Tagged):
    """A certificate requested from ACM: `aws:acm/certificate:Certificate`.

    It is ready when ACM has said how each name is to be validated, which is within seconds and
    long before it is issued. Everything but `tags` needs a new one. Deletion waits for it to be out
    of use, 20 minutes.

    Where it differs: certificates are requested of Amazon with its own options and validated
    through DNS, not imported, nor renewed early (`shape.refused`); no renewal is summarised.
    """

    type_name = "aws:acm/certificate:Certificate"
    shape = Shape(
        computed=frozenset({"domainName", "region", "subjectAlternativeNames"}),
        sets={"subjectAlternativeNames": "", "domainValidationOptions": "domainName"},
        replaces=frozenset({"domainName", "region", "subjectAlternativeNames", "validationMethod"}),
        allowed={"validationMethod": ("DNS",)},
        refused=frozenset(
            {"certificateAuthorityArn", "certificateBody", "certificateChain"}
            | {"earlyRenewalDuration", "keyAlgorithm", "options", "privateKey", "privateKeyWo"}
            | {"validationOptions"}
        ),
        official=frozenset({"keyAlgorithm", "options"}),
    )

    def validate(self, inputs: Props) -> Iterator[Failure]:
        """Yield what cannot be requested."""
        if inputs.get("domainName") is None:
            yield Failure("domainName", "domainName is missing; a certificate is for one. Set it.")
        if inputs.get("validationMethod") is None:
            yield Failure(
                "validationMethod",
                "`certificate_authority_arn` or `validation_method` must be set when creating an "
                "ACM certificate. Set validationMethod to DNS.",
            )
        names = [inputs.get("domainName"), *items_of(inputs, "subjectAlternativeNames")]
        for name in names:
            if isinstance(name, str) and name.endswith("."):
                path = (
                    "domainName" if name == inputs.get("domainName") else "subjectAlternativeNames"
                )
                yield Failure(path, f"{path} has {name!r}; it cannot end with a period. Drop it.")

    def foresee(self, session: AwsSession, inputs: Props) -> Props:
        """Return the names it will have: ACM counts the domain name among the alternatives.

        The kind of validation of each name is certain too, but not the records.
        """
        foreseen = super().foresee(session, inputs)
        names = _names(inputs)
        if names is None:
            return foreseen
        foreseen["subjectAlternativeNames"] = names
        foreseen["domainValidationOptions"] = [
            {
                "domainName": name,
                "resourceRecordName": UNKNOWN,
                "resourceRecordType": UNKNOWN,
                "resourceRecordValue": UNKNOWN,
            }
            for name in names
        ]
        return foreseen

    def completed(self, inputs: Props) -> Props:
        """Add the domain name to the alternatives, where there are any, as ACM does."""
        alternatives = items_of(inputs, "subjectAlternativeNames")
        domain_name = inputs.get("domainName")
        if not alternatives or domain_name in alternatives:
            return inputs
        return inputs | {"subjectAlternativeNames": [*alternatives, domain_name]}

    def create(self, call: AwsTask, inputs: Props) -> str:
        """Request the certificate."""
        arguments: Props = {
            "DomainName": inputs["domainName"],
            "IdempotencyToken": f"p{time.time_ns()}",
        }
        plain = {
            "subjectAlternativeNames": "SubjectAlternativeNames",
            "validationMethod": "ValidationMethod",
        }
        arguments |= {there: inputs[here] for here, there in plain.items() if inputs.get(here)}
        if inputs.get("tags"):
            arguments["Tags"] = to_list(inputs["tags"])
        client = call.session.client("acm", inputs.get("region"))
        return str(client.request_certificate(**arguments)["CertificateArn"])

    def settle(self, call: AwsTask, resource_id: str, _props: Props) -> None:
        """Wait until ACM says how every name is to be validated."""

        def has_options() -> bool:
            certificate = find_certificate(call.session, resource_id) or {}
            options: list[Props] = items_of(certificate, "DomainValidationOptions")
            return bool(options) and all(
                option.get("ResourceRecord") or option.get("ValidationStatus") == "SUCCESS"
                for option in options
            )

        call.wait(
            f"ACM Certificate ({resource_id}) to have its validation options",
            has_options,
            _OPTIONS_TIMEOUT_SECONDS,
        )

    def read(self, call: AwsTask, resource_id: str, _prior: Props) -> Present:
        """Read the certificate and its tags."""
        certificate = find_certificate(call.session, resource_id)
        if certificate is None:
            return None
        region = region_of(resource_id) or call.session.region
        listed = call.session.client("acm", region).list_tags_for_certificate(
            CertificateArn=resource_id
        )
        tags = call.session.own_tags(from_list(listed["Tags"]))
        options: list[Props] = items_of(certificate, "DomainValidationOptions")
        return resource_id, {
            "arn": certificate["CertificateArn"],
            "domainName": certificate["DomainName"],
            "domainValidationOptions": [
                {
                    "domainName": option["DomainName"],
                    "resourceRecordName": option["ResourceRecord"]["Name"],
                    "resourceRecordType": option["ResourceRecord"]["Type"],
                    "resourceRecordValue": option["ResourceRecord"]["Value"],
                }
                for option in options
                if option.get("ResourceRecord")
            ],
            "notAfter": _moment(certificate.get("NotAfter")),
            "notBefore": _moment(certificate.get("NotBefore")),
            "pendingRenewal": False,
            "region": region,
            "renewalEligibility": certificate.get("RenewalEligibility", ""),
            "renewalSummaries": [],
            "status": certificate.get("Status", ""),
            "subjectAlternativeNames": items_of(certificate, "SubjectAlternativeNames"),
            "tags": tags,
            "tagsAll": tags,
            "type": certificate.get("Type", ""),
            "validationEmails": [],
            "validationMethod": options[0].get("ValidationMethod", "NONE") if options else "NONE",
        }

    def update(self, call: AwsTask, resource_id: str, state: Props, inputs: Props) -> None:
        """Change the tags."""
        client = call.session.client("acm", region_of(resource_id))
        added, removed = changed_tags(state, inputs)
        if removed:
            client.remove_tags_from_certificate(CertificateArn=resource_id, Tags=to_list(removed))
        if added:
            client.add_tags_to_certificate(CertificateArn=resource_id, Tags=to_list(added))

    def delete(self, call: AwsTask, resource_id: str, _state: Props) -> None:
        """Delete the certificate once nothing uses it."""
        client = call.session.client("acm", region_of(resource_id))

        def deleted() -> bool:
            try:
                client.delete_certificate(CertificateArn=resource_id)
            except ClientError as error:
                if code_of(error) == "ResourceInUseException":
                    return False
                if code_of(error) != "ResourceNotFoundException":
                    raise
            return True

        call.wait(
            f"ACM Certificate ({resource_id}) to be out of use (ResourceInUseException)",
            deleted,
            _IN_USE_TIMEOUT_SECONDS,
        )


def _names(inputs: Props) -> list[str] | None:
    """Return all names of a certificate to be; None while some are unknown."""
    if inputs.get("subjectAlternativeNames") is UNKNOWN:
        return None
    names = [inputs.get("domainName"), *items_of(inputs, "subjectAlternativeNames")]
    texts = [name for name in names if isinstance(name, str)]
    return list(dict.fromkeys(texts)) if len(texts) == len(names) else None


def _moment(when: datetime | None) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if when else ""
