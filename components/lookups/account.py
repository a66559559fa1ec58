"""What ACM and CloudFront say of a given certificate and of new hostnames, before anything is made.

CloudFront refuses a certificate that does not cover a name, and a name that another distribution
has, when the certificate, the proxies and half of the records are made already. The provider has
no look-up that takes an ARN or an alias, so both services are asked with botocore, with the same
arguments as the provider for us-east-1.

Only an answer that says no is a fault. Who may not ask, or gets no answer, goes on with a warning,
for CloudFront itself judges later. Nothing is asked about what the last deployment had already.

Where it differs from the provider: roles are not assumed (`assumeRoles`), and of the arguments only
those in `open_account` and `_client` count. So a certificate is judged only where the credentials
belong to the account that its ARN names. A name needs no such care: two distributions cannot have
it, whatever their accounts are. Those of other accounts are not listed, and CloudFront's refusal is
explained in `docs/operating.md`.

Source: CloudFront Developer Guide, 'Requirements for using alternate domain names' and
'Requirements for using SSL/TLS certificates with CloudFront'.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

import pulumi
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session
from pydantic import Secret

from components import places
from components.facts import CLOUDFRONT_REGION
from components.faults import Fault
from components.last_deployment import LastDeployment
from components.lookups import access
from components.lookups.answers import OriginError, UnansweredError
from components.lookups.left_behind import remedy
from components.lookups.watchers import ListedAlarm, ListedCheck, Watchers
from components.lookups.zone import ZoneAccount
from components.settings import NAMESPACE, Settings

if TYPE_CHECKING:
    from types_boto3_acm import ACMClient
    from types_boto3_cloudfront import CloudFrontClient
    from types_boto3_route53 import Route53Client
    from types_boto3_sts import STSClient

    from components.places import ResourcePlace

_NOT_THERE: Final = ("ResourceNotFoundException", "InvalidArnException")
"""ACM knows no such certificate. Source: ACM API Reference, DescribeCertificate."""

_CERTIFICATE: Final = f"{NAMESPACE}:certificateArn"
_USABLE: Final = "a certificate of ACM in us-east-1 that is issued and covers every hostname"

_PATIENCE: Final = Config(
    connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 3}
)
"""What is asked here is only a help, so it waits for nobody long."""


@dataclass(frozen=True)
class GivenCertificate:
    """A certificate of the account."""

    status: str
    """`ISSUED` if CloudFront can use it."""
    names: tuple[str, ...]
    """Names that it covers; a first label `*` stands for any one label."""

    def covers(self, hostname: str) -> bool:
        """Say whether it covers a hostname."""
        return hostname in self.names or f"*.{hostname.partition('.')[2]}" in self.names


class Account(Watchers, ZoneAccount, Protocol):
    """Who answers."""

    def certificate(self, arn: str) -> GivenCertificate | None:
        """Return a certificate; None: there is none of this ARN."""
        ...

    def distributions(self) -> Mapping[str, tuple[str, str]]:
        """Return the id and the own name of the distribution that has each alias."""
        ...

    def unused_certificates(self, domain_name: str) -> Mapping[str, GivenCertificate]:
        """Return by ARN the requested certificates whose first name it is and that nobody uses."""
        ...


def check_account(
    settings: Settings,
    leaving: Sequence[str],
    last: LastDeployment,
    account: Callable[[], Account],
) -> None:
    """Refuse a certificate and hostnames that CloudFront is going to refuse.

    Args:
        settings: The settings.
        leaving: Hostnames that the distribution keeps although the settings do not have them.
        last: What the state has of the edge.
        account: Returns who answers.

    Raises:
        OriginError: A certificate cannot be used, or a name is taken.
        UnansweredError: Nobody says whether it is so.
    """
    new = [name for name in settings.hostnames if name not in last.aliases]
    arn = settings.certificate_arn
    judged = arn if new or arn != last.outputs.get("certificateArn") else None
    if not new and not judged:
        return
    answering, faults = account(), list[Fault]()
    if judged:
        names = (*settings.hostnames, *leaving)
        faults += certificate_faults(judged, answering.certificate(judged), names)
    if new and last.readable:
        faults += alias_faults(settings.hostnames, new, answering.distributions(), last)
    if faults:
        raise OriginError(*faults)


def certificate_faults(
    arn: str, certificate: GivenCertificate | None, hostnames: Sequence[str]
) -> Iterator[Fault]:
    """Say what keeps CloudFront from using a certificate for hostnames."""
    remedy = "List them with: aws acm list-certificates --region us-east-1"
    if certificate is None:
        yield Fault(_CERTIFICATE, f'"{arn}", which does not exist', _USABLE, remedy)
        return
    if certificate.status != "ISSUED":
        status = f'"{arn}", whose status is {certificate.status}'
        yield Fault(_CERTIFICATE, status, _USABLE, remedy)
    if missing := [name for name in hostnames if not certificate.covers(name)]:
        names = f'"{arn}", which covers {", ".join(certificate.names)}, not {", ".join(missing)}'
        yield Fault(_CERTIFICATE, names, _USABLE, remedy)


def alias_faults(
    hostnames: Sequence[str],
    new: Sequence[str],
    distributions: Mapping[str, tuple[str, str]],
    last: LastDeployment,
) -> Iterator[Fault]:
    """Say which new hostnames another distribution has.

    Args:
        hostnames: The names of the settings, in order.
        new: Those that the edge's own distribution does not have.
        distributions: Id and own name of the distribution that has each alias.
        last: What the state has.
    """
    own = last.distribution_domain_name
    for index, name in enumerate(hostnames):
        distribution_id, domain_name = distributions.get(name, ("", own))
        if name in new and domain_name != own:
            yield Fault(
                f"{NAMESPACE}:hostnames[{index}]",
                f'"{name}", which distribution {distribution_id} has as an alias',
                "a name that no other distribution has, in any account",
                remedy(
                    places.distribution(last.edge),
                    distribution_id,
                    last,
                    "Take another name, or take it away there. See it with: "
                    f"aws cloudfront get-distribution --id {distribution_id}",
                ),
            )


def warn_of_certificates(
    hostnames: Sequence[str], last: LastDeployment, account: Callable[[], Account]
) -> None:
    """Warn of certificates for just these names that nobody uses and the state does not have.

    Asked only where a certificate is going to be requested. ACM requests another for the same names
    without a word, so an earlier try that was interrupted leaves one for good.

    Args:
        hostnames: The names of the certificate, the first of which is its subject.
        last: What the state has.
        account: Returns who answers.

    Raises:
        UnansweredError: Nobody says which there are.
    """
    if not last.readable or last.certificate_names == frozenset(hostnames):
        return
    place: ResourcePlace | None = places.certificate(last.edge)
    for arn, certificate in account().unused_certificates(hostnames[0]).items():
        if {*certificate.names} == {*hostnames}:
            fault = Fault(
                f'Certificate "{arn}" for {", ".join(hostnames)}',
                f"there already, {certificate.status}, used by nobody and not in the state",
                "one that is used: this deployment requests another",
                remedy(
                    place,
                    arn,
                    last,
                    "Delete it with: aws acm delete-certificate --region us-east-1 "
                    f"--certificate-arn {arn}",
                ),
            )
            pulumi.log.warn(str(fault))
            place = None  # the state has one


# ---- asking -------------------------------------------------------------------------------------


class AwsAccount:
    """The account itself."""

    def __init__(self, client: Callable[[str], Any]) -> None:
        """Ask with clients that are made when they are first needed.

        What botocore reads of a service takes longer than a request, and most deployments ask one.

        Args:
            client: Returns a client of a service for us-east-1, by botocore's name of the service.
        """
        self._client = client

    @cached_property
    def acm(self) -> "ACMClient":
        """A client."""
        return self._client("acm")

    @cached_property
    def cloudfront(self) -> "CloudFrontClient":
        """A client."""
        return self._client("cloudfront")

    @cached_property
    def sts(self) -> "STSClient":
        """A client."""
        return self._client("sts")

    @cached_property
    def route53(self) -> "Route53Client":
        """A client."""
        return self._client("route53")

    @cached_property
    def cloudwatch(self) -> Any:
        """A client."""
        return self._client("cloudwatch")

    def certificate(self, arn: str) -> GivenCertificate | None:
        """Return a certificate; None: there is none of this ARN."""
        try:
            account_id = self.sts.get_caller_identity()["Account"]
            if account_id != arn.split(":")[4]:
                raise _unclear_certificate(arn, f"the credentials are those of {account_id}")
            return self._described(arn)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in _NOT_THERE:
                return None
            raise _unclear_certificate(arn, error) from error
        except BotoCoreError as error:
            raise _unclear_certificate(arn, error) from error

    def unused_certificates(self, domain_name: str) -> Mapping[str, GivenCertificate]:
        """Return by ARN the requested certificates whose first name it is and that nobody uses."""
        try:
            arns = [
                summary.get("CertificateArn", "")
                for page in self.acm.get_paginator("list_certificates").paginate()
                for summary in page["CertificateSummaryList"]
                if summary.get("DomainName") == domain_name
                and summary.get("Status") in {"ISSUED", "PENDING_VALIDATION"}
                and summary.get("Type") == "AMAZON_ISSUED"
                and not summary.get("InUse")
            ]
            return {arn: self._described(arn) for arn in arns}
        except (ClientError, BotoCoreError) as error:
            raise _unclear_list("certificates", "acm:ListCertificates", error) from error

    def _described(self, arn: str) -> GivenCertificate:
        described = self.acm.describe_certificate(CertificateArn=arn)["Certificate"]
        names = described.get("SubjectAlternativeNames", [])
        return GivenCertificate(described.get("Status", ""), tuple(names))

    def public_zones(self, name: str) -> int:
        """Return how many public hosted zones have a name, as far as the first 100 tell."""
        try:
            listed = self.route53.list_hosted_zones_by_name(DNSName=name)["HostedZones"]
        except (ClientError, BotoCoreError) as error:
            raise _unclear_list("hosted zones", "route53:ListHostedZonesByName", error) from error
        named = [zone for zone in listed if zone["Name"] == f"{name.rstrip('.').lower()}."]
        return sum(not zone.get("Config", {}).get("PrivateZone") for zone in named)

    def health_checks(self) -> Sequence[ListedCheck]:
        """Return the health checks."""
        try:
            return [
                ListedCheck(
                    check["Id"],
                    check["HealthCheckConfig"].get("IPAddress", ""),
                    check["HealthCheckConfig"].get("Port", 0),
                )
                for page in self.route53.get_paginator("list_health_checks").paginate()
                for check in page["HealthChecks"]
            ]
        except (ClientError, BotoCoreError) as error:
            raise _unclear_list("health checks", "route53:ListHealthChecks", error) from error

    def alarms(self, prefix: str) -> Sequence[ListedAlarm]:
        """Return the alarms whose names begin so."""
        try:
            pages: Any = self.cloudwatch.get_paginator("describe_alarms").paginate(
                AlarmNamePrefix=prefix, AlarmTypes=["MetricAlarm"]
            )
            return [
                ListedAlarm(
                    alarm.get("AlarmName", ""),
                    [item.get("Value", "") for item in alarm.get("Dimensions", [])],
                )
                for page in pages
                for alarm in page["MetricAlarms"]
            ]
        except (ClientError, BotoCoreError) as error:
            raise _unclear_list("alarms", "cloudwatch:DescribeAlarms", error) from error

    def distributions(self) -> Mapping[str, tuple[str, str]]:
        """Return the id and the own name of the distribution that has each alias."""
        try:
            return {
                alias: (summary["Id"], summary["DomainName"])
                for page in self.cloudfront.get_paginator("list_distributions").paginate()
                for summary in page["DistributionList"].get("Items", [])
                for alias in summary["Aliases"].get("Items", [])
            }
        except (ClientError, BotoCoreError) as error:
            raise _unclear_names(error) from error


def open_account(arguments: Mapping[str, Any]) -> AwsAccount:
    """Return the account that the arguments of the AWS provider lead to.

    Args:
        arguments: As `Settings.aws` has them. What is not known yet counts as not given.

    Raises:
        OriginError: There are no credentials to ask with.
        UnansweredError: botocore cannot use them.
    """
    plain = _plain(arguments)
    try:
        # boto3 would import what S3 needs as well, which takes three times as long.
        session = Session(profile=plain.get("profile"))
        account = AwsAccount(partial(_client, session, plain))
        # The first client is where a profile or a bundle of authorities that is not there is found.
        _ = account.sts
    except BotoCoreError as error:
        if fault := access.refusal(error, _profile(plain)):
            raise OriginError(fault) from error
        raise _unclear_names(error) from error
    return account


def check_access(
    account: Callable[[], AwsAccount], arguments: Mapping[str, Any], region: str | None
) -> None:
    """Refuse to look anything up where AWS will answer nothing, or for another account.

    Where STS does not answer at all, or something stands between, the look-ups go on and say
    themselves what they miss.

    Args:
        account: Returns who answers.
        arguments: As `Settings.aws` has them.
        region: What the stack's configuration says.

    Raises:
        OriginError: Credentials, profile, region, account or endpoint are missing or wrong.
    """
    plain = _plain(arguments)
    if plain.get("assume_role_with_web_identity") or plain.get("skip_credentials_validation"):
        return
    sts = account().sts
    try:
        identity = sts.get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        fault = access.refusal(error, _profile(plain), str(sts.meta.endpoint_url))
        if fault is None:
            return
        raise OriginError(fault) from error
    faults = [access.wrong_region(region, plain)]
    if not plain.get("assume_roles"):
        faults.append(access.wrong_account(identity, plain))
    if wrong := [fault for fault in faults if fault]:
        raise OriginError(*wrong)


def _plain(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return arguments as text, without those that are not known yet."""
    return {
        name: cast("Secret[Any]", value).get_secret_value() if isinstance(value, Secret) else value
        for name, value in arguments.items()
        if not isinstance(value, pulumi.Output)
    }


def _profile(plain: Mapping[str, Any]) -> str | None:
    return plain.get("profile") or os.environ.get("AWS_PROFILE")


def _client(session: Session, plain: Mapping[str, Any], service: str) -> Any:
    endpoints: Sequence[Mapping[str, str]] = plain.get("endpoints") or ()
    return session.create_client(
        service,
        region_name=CLOUDFRONT_REGION,
        endpoint_url=next((item[service] for item in endpoints if item.get(service)), None),
        verify=False if plain.get("insecure") else plain.get("custom_ca_bundle"),
        aws_access_key_id=plain.get("access_key"),
        aws_secret_access_key=plain.get("secret_key"),
        aws_session_token=plain.get("token"),
        config=_PATIENCE,
    )


def _unclear_certificate(arn: str, cause: Exception | str) -> UnansweredError:
    return UnansweredError(
        Fault(
            _CERTIFICATE,
            f'"{arn}", which could not be looked up',
            f"{_USABLE} ({_in_a_line(cause)})",
            "See that the credentials allow acm:DescribeCertificate.",
        )
    )


def _unclear_list(kind: str, permission: str, cause: Exception) -> UnansweredError:
    return UnansweredError(
        Fault(
            f"The account's list of {kind}",
            "one that could not be read",
            f"one that can: it says what an earlier deployment left behind ({_in_a_line(cause)})",
            f"See that the credentials allow {permission}.",
        )
    )


def _unclear_names(cause: Exception) -> UnansweredError:
    return UnansweredError(
        Fault(
            f"{NAMESPACE}:hostnames",
            "a list with names that could not be looked up among the account's distributions",
            f"names that no other distribution has ({_in_a_line(cause)})",
            "See that the credentials allow cloudfront:ListDistributions.",
        )
    )


def _in_a_line(cause: Exception | str) -> str:
    return " ".join(str(cause).split()).rstrip(".")
