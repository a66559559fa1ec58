"""What viewers of cdn meet: certificate and distribution; and where requests are logged."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from components.faults import Fault
from rollout.aws import AccountError, AccountReader, Fields, reading_account
from rollout.edge import StackOutputs, target_of
from rollout.status.reasons import account_reason
from rollout.status.room import SectionFields, SectionNotes
from rollout.status.stack import StackReader, moment

RENEW_DAYS: Final = 30
"""Days before its end by which a certificate should have been renewed: ACM begins 60 days before.

Source: ACM User Guide, 'Managed certificate renewal in AWS Certificate Manager'.
"""

_DAY: Final = 86400


def certificate_section(
    reader: StackReader, account: AccountReader, now: Callable[[], datetime]
) -> SectionFields:
    """Tell of the certificate.

    Raises:
        NotToldError: The stack's outputs cannot be read.
        AccountError: ACM cannot be asked.
    """
    stack = reader.edge()
    notes = SectionNotes()
    arn = stack.certificate_arn
    notes.line("arn", arn or None)
    if not arn:
        notes.cannot_tell("The stack's outputs have no certificateArn. Deploy it again: pulumi up")
        return notes.section()
    with reading_account():
        certificate: Fields = account.client("acm", "us-east-1").describe_certificate(
            CertificateArn=arn
        )["Certificate"]
    names = [str(name) for name in certificate.get("SubjectAlternativeNames") or ()]
    status = str(certificate["Status"])
    notes.line("status", status)
    if status != "ISSUED":
        remedy = "See in ACM why, and have it issued: viewers of cdn get no other."
        notes.attend(Fault("The certificate", status, "it has to be ISSUED", remedy))
    _tell_end(notes, certificate, now())
    notes.line("names", names)
    uncovered = [name for name in stack.hostnames if not _covers(names, name)]
    if uncovered:
        remedy = "Deploy the stack again, or give it a certificate of all hostnames."
        found = f"without {', '.join(uncovered)}"
        notes.attend(Fault("The certificate", found, "it has to name each hostname", remedy))
    return notes.section()


def _tell_end(notes: SectionNotes, certificate: Fields, now: datetime) -> None:
    """Tell when the certificate ends, and whether it is being renewed in time."""
    renewal: Fields = certificate.get("RenewalSummary") or {}
    if renewal:
        notes.line("renewal", renewal.get("RenewalStatus"))
    if renewal.get("RenewalStatus") in ("PENDING_VALIDATION", "FAILED"):
        found = f"{renewal['RenewalStatus']} {renewal.get('RenewalStatusReason', '')}".rstrip()
        remedy = "Put its validation records back into the zone: pulumi up --refresh"
        notes.attend(Fault("The certificate's renewal", found, "ACM has to validate it", remedy))
    end: Any = certificate.get("NotAfter")
    if not isinstance(end, datetime):
        return
    left = (end - now).total_seconds()
    notes.line("expires", moment(end))
    notes.line("days left", int(left // _DAY))
    if left < RENEW_DAYS * _DAY:
        is_own = certificate.get("Type") == "IMPORTED"
        remedy = "Import the next one." if is_own else "See in ACM why it is not renewed."
        allowed = f"it should have {RENEW_DAYS} days left"
        notes.attend(Fault("The certificate's end", moment(end), allowed, remedy))


def _covers(names: Sequence[str], hostname: str) -> bool:
    return hostname in names or f"*.{hostname.partition('.')[2]}" in names


def distribution_section(reader: StackReader, account: AccountReader) -> SectionFields:
    """Tell of the distribution.

    Raises:
        NotToldError: The stack's outputs cannot be read.
        AccountError: CloudFront cannot be asked.
    """
    stack = reader.edge()
    notes = SectionNotes()
    with reading_account():
        distribution: Fields = account.client("cloudfront", "us-east-1").get_distribution(
            Id=stack.distribution_id
        )["Distribution"]
    config: Fields = distribution["DistributionConfig"]
    aliases = [str(name) for name in config.get("Aliases", {}).get("Items") or ()]
    notes.line("id", stack.distribution_id)
    notes.line("name", str(distribution["DomainName"]))
    for what, value in (
        ("status", str(distribution["Status"])),
        ("enabled", bool(config["Enabled"])),
        ("IPv6", bool(config.get("IsIPV6Enabled"))),
        ("aliases", aliases),
    ):
        notes.line(what, value)
    what = f"Distribution {stack.distribution_id}"
    refresh = "Have it as the stack declares it: pulumi up --refresh"
    if distribution["Status"] != "Deployed":
        remedy = "Wait: not every edge location has the last change yet."
        notes.attend(Fault(what, str(distribution["Status"]), "it should be Deployed", remedy))
    if not config["Enabled"]:
        notes.attend(Fault(what, "disabled", "it has to be enabled", refresh))
    if not config.get("IsIPV6Enabled"):
        notes.attend(Fault(what, "without IPv6", "it has to have IPv6", refresh))
    for name in stack.hostnames:
        if name not in aliases:
            found = f"without the alias {name}"
            notes.attend(Fault(what, found, "each hostname has to be one", refresh))
    _tell_shown(notes, what, stack, config)
    return notes.section()


def _tell_shown(notes: SectionNotes, what: str, stack: StackOutputs, config: Fields) -> None:
    """Note whether viewers are shown another certificate than the stack's."""
    shown = str(config.get("ViewerCertificate", {}).get("ACMCertificateArn", ""))
    if stack.certificate_arn and shown != stack.certificate_arn:
        found = f"showing certificate {shown or 'of cloudfront.net'}"
        allowed = f"the stack declares {stack.certificate_arn}"
        remedy = "Have it as the stack declares it: pulumi up --refresh"
        notes.attend(Fault(what, found, allowed, remedy))


def logs_section(reader: StackReader, account: AccountReader) -> SectionFields:
    """Tell where the requests on both paths are logged.

    Raises:
        NotToldError: The stack's outputs cannot be read.
    """
    stack = reader.edge()
    notes = SectionNotes()
    try:
        with reading_account():
            config: Fields = account.client("cloudfront", "us-east-1").get_distribution(
                Id=stack.distribution_id
            )["Distribution"]["DistributionConfig"]
        logging: Fields = config.get("Logging") or {}
        bucket, prefix = logging.get("Bucket"), logging.get("Prefix", "")
        notes.line(
            "distribution",
            f"s3://{str(bucket).removesuffix('.s3.amazonaws.com')}/{prefix}" if bucket else "none",
        )
    except AccountError as error:
        notes.line("distribution", None)
        notes.cannot_tell(account_reason(error))
    try:
        balancer = account.load_balancer(target_of(stack).direct)
        notes.line("load balancer", balancer.access_logs or "none")
    except AccountError as error:
        notes.line("load balancer", None)
        notes.cannot_tell(account_reason(error))
    return notes.section()
