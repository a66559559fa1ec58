"""Rules of ACM's certificates."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sandbox.clouds.aws import ACCOUNT
from sandbox.clouds.aws.refusal import Refusal

LONGEST_FIRST_NAME: Final = 64


@dataclass(frozen=True)
class ValidationRecord:
    """The CNAME by which ACM recognises the owner of a domain; both names lower case and dotted."""

    name: str
    value: str


def domain_is_validated(record: ValidationRecord, cnames: Iterable[tuple[str, str]]) -> bool:
    """A domain is validated once its CNAME exists with the right value.

    Source: ACM User Guide, 'DNS validation'.

    Args:
        record: what ACM asks for.
        cnames: name and value of the CNAMEs the world sees, lower case and dotted.
    """
    return (record.name, record.value) in cnames


def first_name_is_short(name: str) -> Refusal | None:
    """The first name of a certificate has up to 64 characters; further ones have up to 253.

    Source: ACM API Reference, 'RequestCertificate', DomainName, which names RFC 5280; reported in
    aws/aws-cdk#21807 and aws/copilot-cli#5206; the error is as users quote it.
    """
    if len(name) <= LONGEST_FIRST_NAME:
        return None
    return Refusal(
        "InvalidDomainValidationOptionsException",
        f"The first domain name can be no longer than {LONGEST_FIRST_NAME} characters.",
    )


def deleted_certificate_is_unused(arn: str, in_use_by: Iterable[str]) -> Refusal | None:
    """A certificate that a distribution or a load balancer uses is not deleted.

    Source: ACM API Reference, 'DeleteCertificate', ResourceInUseException; message as reported in
    AlexsLemonade/refinebio#2914.
    """
    if not list(in_use_by):
        return None
    return Refusal("ResourceInUseException", f"Certificate {arn} in account {ACCOUNT} is in use.")


def fetched_certificate_is_issued(arn: str, status: str) -> Refusal | None:
    """A certificate that is still to be validated has no body yet.

    Source: ACM API Reference, 'GetCertificate', RequestInProgressException.
    """
    if status != "PENDING_VALIDATION":
        return None
    return Refusal(
        "RequestInProgressException", f"Certificate {arn} in account {ACCOUNT} is not yet issued."
    )


REQUEST_RULES: Final = (
    first_name_is_short,
    deleted_certificate_is_unused,
    fetched_certificate_is_issued,
)

DECISIONS: Final = (domain_is_validated,)
