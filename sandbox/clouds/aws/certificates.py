"""ACM's certificates as the layer answers them: issued when DNS says so, kept while in use.

moto issues a certificate a minute after it was requested, asks every domain for the same record,
and deletes what a distribution uses.

Where this differs from ACM: the validation record is looked for in the account's own public hosted
zones only, and at once, whatever `change_seconds` says; a certificate once issued stays issued;
e-mail validation is treated as DNS validation.
"""

import hashlib
import sys
from typing import Final

from moto import settings as moto_settings
from moto.acm.exceptions import CertificateNotFound
from moto.acm.models import CertBundle

from sandbox.clouds.aws import ACCOUNT
from sandbox.clouds.aws.fields import Fields
from sandbox.clouds.aws.record_sets import public_records
from sandbox.clouds.aws.refusal import Refusal, raise_if
from sandbox.clouds.aws.rules import issuing as rules
from sandbox.clouds.aws.rules.dns_names import canonical
from sandbox.clouds.aws.rules.issuing import ValidationRecord
from sandbox.clouds.aws.state import MotoAccount, acm, acm_regions

REQUESTED: Final = "AMAZON_ISSUED"
"""The type of a certificate that ACM issues, not an imported or private one."""

CLOUDFRONT_ARN: Final = "arn:aws:cloudfront:"


def disarm_moto() -> None:
    """Keep moto from issuing certificates by itself."""
    moto_settings.ACM_VALIDATION_WAIT = sys.maxsize


def refresh(account: MotoAccount) -> None:
    """Issue the certificates whose validation records exist, and note which are in use."""
    regions = acm_regions()
    cnames: set[tuple[str, str]] = set()
    if regions:
        cnames = {
            (record.name, canonical(value))
            for record in public_records()
            if record.type == "CNAME"
            for value in record.values
        }
    for region in regions:
        for bundle in acm(region).list_certificates([], {}):
            _note_use(account, bundle)
            if bundle.type == REQUESTED:
                _note_validation(account, bundle, cnames)


def count_issued() -> int:
    """Return how many certificates are issued, in all regions."""
    every = (bundle for region in acm_regions() for bundle in acm(region).list_certificates([], {}))
    return sum(bundle.status == "ISSUED" for bundle in every)


def describe_certificate(_account: MotoAccount, region: str, sent: Fields) -> Fields | None:
    """Describe a certificate that ACM issues, with a validation record for each domain."""
    bundle = _find(region, sent.get("CertificateArn", ""))
    if bundle.type != REQUESTED:
        return None
    described: Fields = bundle.describe()["Certificate"]
    names = _names(bundle)
    described["SubjectAlternativeNames"] = names
    described["DomainValidationOptions"] = [
        {
            "DomainName": name,
            "ValidationDomain": name,
            "ValidationStatus": "SUCCESS" if bundle.status == "ISSUED" else bundle.status,
            "ValidationMethod": "DNS",
            "ResourceRecord": {
                "Name": record.name,
                "Type": "CNAME",
                "Value": record.value,
            },
        }
        for name, record in ((name, validation_record(name)) for name in names)
    ]
    # ACM renews by itself what is issued and used. Source: ACM User Guide, 'Managed renewal'.
    renewed = bundle.status == "ISSUED" and bundle.in_use_by
    described["RenewalEligibility"] = "ELIGIBLE" if renewed else "INELIGIBLE"
    if bundle.status != "ISSUED":
        for unknown_yet in ("IssuedAt", "NotAfter", "NotBefore", "Serial"):
            described.pop(unknown_yet, None)
    return {"Certificate": described}


def request_certificate(_account: MotoAccount, _region: str, sent: Fields) -> None:
    """Refuse a certificate that can't be; moto makes the others."""
    raise_if(rules.first_name_is_short(sent["DomainName"]))


def get_certificate(_account: MotoAccount, region: str, sent: Fields) -> None:
    """Refuse to hand out a certificate that is not issued yet; moto hands out the others."""
    arn = sent.get("CertificateArn", "")
    raise_if(rules.fetched_certificate_is_issued(arn, _find(region, arn).status))


def delete_certificate(account: MotoAccount, region: str, sent: Fields) -> Fields:
    """Delete a certificate that nothing uses."""
    backend, arn = acm(region), sent.get("CertificateArn", "")
    raise_if(rules.deleted_certificate_is_unused(arn, _find(region, arn).in_use_by))
    backend.delete_certificate(arn)
    account.validated.pop(arn, None)
    # moto goes on to look for the deleted certificate when its idempotency token comes again.
    tokens: Fields = vars(backend)["_idempotency_tokens"]
    for token in [token for token, entry in tokens.items() if entry["arn"] == arn]:
        del tokens[token]
    return {}


def validation_record(domain: str) -> ValidationRecord:
    """Return the record that proves a domain; the same in every region and every certificate.

    A wildcard shares the record of the domain it stands for.

    Source: ACM User Guide, 'DNS validation'.
    """
    base = canonical(domain.removeprefix("*."))
    digest = hashlib.sha256(f"{ACCOUNT}/{base}".encode()).hexdigest()
    issuer = digest[-10:].translate(str.maketrans("0123456789", "ghijklmnop"))
    return ValidationRecord(
        name=f"_{digest[:32]}.{base}",
        value=f"_{digest[-32:]}.{issuer}.acm-validations.aws.",
    )


def _note_validation(
    account: MotoAccount, bundle: CertBundle, cnames: set[tuple[str, str]]
) -> None:
    if bundle.status != "PENDING_VALIDATION":
        return
    records = [validation_record(name) for name in _names(bundle)]
    if not all(rules.domain_is_validated(record, cnames) for record in records):
        account.validated.pop(bundle.arn, None)
        return
    since = account.validated.setdefault(bundle.arn, account.clock())
    if account.clock() >= since + account.settings.issue_seconds:
        bundle.status = "ISSUED"


def _note_use(account: MotoAccount, bundle: CertBundle) -> None:
    users = [
        distribution.arn
        for distribution in account.distributions.values()
        if distribution.config["ViewerCertificate"].get("ACMCertificateArn") == bundle.arn
    ]
    others = [user for user in bundle.in_use_by if not user.startswith(CLOUDFRONT_ARN)]
    bundle.in_use_by = [*others, *users]


def _names(bundle: CertBundle) -> list[str]:
    """Return a certificate's names; the first is its domain name. moto keeps them in no order."""
    first = str(bundle.common_name)
    return [first, *sorted(name for name in bundle.sans if name != first)]


def _find(region: str, arn: str) -> CertBundle:
    try:
        return acm(region).get_certificate(arn)
    except CertificateNotFound as missing:
        raise Refusal(
            "ResourceNotFoundException", f"Could not find certificate {arn} in account {ACCOUNT}."
        ) from missing
