"""The wait for a certificate to be issued.

Source: hashicorp/terraform-provider-aws, `internal/service/acm/certificate_validation.go`.
"""

from datetime import UTC, datetime

from sandbox.plugins.aws.acm_certificate import find_certificate, region_of
from sandbox.plugins.aws.aws_session import AwsSession, AwsTask
from sandbox.plugins.resource import PluginError, Present, Shape, StandIn
from sandbox.plugins.values import Props, block_of, items_of

_ISSUE_TIMEOUT_SECONDS = 75 * 60


class CertificateValidationStandIn(StandIn[AwsSession]):
    """A wait until a certificate is issued: `aws:acm/certificateValidation:CertificateValidation`.

    Making it waits (`customTimeouts`, 75 minutes) and deleting it does nothing: there is no such
    thing in AWS. `validationRecordFqdns`, where given, must name the record of every domain, else
    it fails at once, naming those that are missing. It goes from the state on a refresh when the
    certificate is gone or no longer issued. The id is the time of issue.

    Where it differs: when it is not issued in time, the message names the records that ACM has not
    seen; on import the id given is the certificate's ARN, while the official plugin imports none.
    """

    type_name = "aws:acm/certificateValidation:CertificateValidation"
    shape = Shape(
        computed=frozenset({"region"}),
        sets={"validationRecordFqdns": ""},
        replaces=frozenset({"certificateArn", "validationRecordFqdns", "region"}),
        same={"validationRecordFqdns": lambda name: name.removesuffix(".")},
        carried=frozenset({"validationRecordFqdns"}),
    )

    def foresee(self, session: AwsSession, inputs: Props) -> Props:
        """Return the region."""
        return {"region": inputs.get("region") or session.region}

    def create(self, call: AwsTask, inputs: Props) -> str:
        """Wait for the certificate to be issued; until then there is nothing to keep."""
        arn = inputs["certificateArn"]
        certificate = find_certificate(call.session, arn)
        if certificate is None:
            raise PluginError(
                f"reading ACM Certificate ({arn}): couldn't find resource. Check certificateArn."
            )
        if certificate.get("Type") != "AMAZON_ISSUED":
            raise PluginError(
                f"ACM Certificate ({arn}) has type {certificate.get('Type')}, "
                "no validation necessary"
            )
        fqdns: list[str] = items_of(inputs, "validationRecordFqdns")
        if fqdns:
            _demand_records(certificate, fqdns)
        try:
            call.wait(
                f"ACM Certificate ({arn}) to be issued",
                lambda: self._issued(call, arn),
                _ISSUE_TIMEOUT_SECONDS,
            )
        except PluginError as error:
            pending = _pending(find_certificate(call.session, arn) or {})
            raise PluginError(f"{error}{pending}") from error
        return _issued_at(find_certificate(call.session, arn) or {})

    def read(self, call: AwsTask, resource_id: str, prior: Props) -> Present:
        """Find an issued certificate."""
        arn = prior.get("certificateArn") or resource_id
        certificate = find_certificate(call.session, arn)
        if certificate is None or certificate.get("Status") != "ISSUED":
            return None
        region = region_of(arn) or call.session.region
        return _issued_at(certificate), {"certificateArn": arn, "region": region}

    def delete(self, call: AwsTask, resource_id: str, state: Props) -> None:
        """Do nothing: there is nothing in AWS to delete."""

    def _issued(self, call: AwsTask, arn: str) -> bool:
        certificate = find_certificate(call.session, arn)
        status = certificate.get("Status") if certificate else "gone"
        if status not in {"PENDING_VALIDATION", "ISSUED"}:
            reason = (certificate or {}).get("FailureReason") or "no reason given"
            raise PluginError(
                f"waiting for ACM Certificate ({arn}) to be issued: it is {status} ({reason}). "
                "Replace the certificate."
            )
        return status == "ISSUED"


def _demand_records(certificate: Props, fqdns: list[str]) -> None:
    named = {name.removesuffix(".") for name in fqdns}
    missing: list[str] = []
    for option in items_of(certificate, "DomainValidationOptions"):
        method = option.get("ValidationMethod", "DNS")
        if method != "DNS":
            raise PluginError(f"validation_record_fqdns is not valid for {method} validation")
        record = block_of(option, "ResourceRecord")
        fqdn = str(record.get("Name", "")).removesuffix(".")
        if fqdn and fqdn not in named:
            missing.append(f"missing {option['DomainName']} DNS validation record: {fqdn}")
    if missing:
        raise PluginError("\n".join(missing))


def _pending(certificate: Props) -> str:
    """Return what ACM still waits for, to be added to a message."""
    lines = [
        f"\n{option['DomainName']} waits for {record['Name']} {record['Type']} {record['Value']}"
        for option in items_of(certificate, "DomainValidationOptions")
        if option.get("ValidationStatus") != "SUCCESS" and (record := option.get("ResourceRecord"))
    ]
    return "".join(lines)


def _issued_at(certificate: Props) -> str:
    """Return the id: the moment as Go prints one."""
    issued: datetime | None = certificate.get("IssuedAt")
    when = issued.astimezone(UTC) if issued else datetime(1, 1, 1, tzinfo=UTC)
    return when.strftime("%Y-%m-%d %H:%M:%S").rjust(len("2006-01-02 15:04:05"), "0") + " +0000 UTC"
