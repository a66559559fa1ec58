"""What CloudFront is going to refuse is refused in the preview, where ACM or CloudFront say so."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3.session
import pulumi
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from pydantic import Secret

from components.edge import DualStackEdge
from components.last_deployment import LastDeployment
from components.lookups import OriginError, UnansweredError
from components.lookups.account import (
    Account,
    AwsAccount,
    GivenCertificate,
    alias_faults,
    certificate_faults,
    check_account,
    open_account,
)
from components.lookups.watchers import ListedAlarm, ListedCheck
from components.settings import Origin, Settings
from support.recording import MockEngine

if TYPE_CHECKING:
    from components.arguments import DualStackEdgeArgs
    from support.recording import AwsApis

ARN = "arn:aws:acm:us-east-1:123456789012:certificate/0a1b2c3d"
API, API2 = "api.example.com", "api2.example.com"
OWN, OTHER = "d1.cloudfront.net", "d2.cloudfront.net"
USABLE = "a certificate of ACM in us-east-1 that is issued and covers every hostname"
LIST = "List them with: aws acm list-certificates --region us-east-1"


# ---- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("certificate", "states"),
    [
        pytest.param(GivenCertificate("ISSUED", (API, API2)), [], id="both names"),
        pytest.param(GivenCertificate("ISSUED", ("*.example.com",)), [], id="any label"),
        pytest.param(None, ["which does not exist"], id="none"),
        pytest.param(
            GivenCertificate("PENDING_VALIDATION", (API, API2)),
            ["whose status is PENDING_VALIDATION"],
            id="not issued",
        ),
        pytest.param(
            GivenCertificate("EXPIRED", (API, "*.api2.example.com")),
            [
                "whose status is EXPIRED",
                f"which covers {API}, *.api2.example.com, not {API2}",
            ],
            id="one name is missing, and more",
        ),
    ],
)
def test_which_certificates_cloudfront_cannot_use(
    certificate: GivenCertificate | None, states: list[str]
) -> None:
    assert [str(fault) for fault in certificate_faults(ARN, certificate, [API, API2])] == [
        f'dualstack-edge:certificateArn is "{ARN}", {state}; {USABLE}. {LIST}' for state in states
    ]


@pytest.mark.parametrize(
    ("distributions", "taken"),
    [
        pytest.param({}, [], id="nobody"),
        pytest.param({API2: ("E2", OTHER)}, [1], id="another distribution"),
        pytest.param({API2: ("E1", OWN)}, [], id="the edge's own"),
        pytest.param({API: ("E2", OTHER)}, [], id="a name that the edge's own had before"),
        pytest.param({"*.example.com": ("E2", OTHER)}, [], id="a wildcard, which may be beside"),
    ],
)
def test_which_names_another_distribution_has(
    distributions: dict[str, tuple[str, str]], taken: list[int]
) -> None:
    last = LastDeployment(distribution_domain_name=OWN)
    faults = [str(fault) for fault in alias_faults([API, API2], [API2], distributions, last)]
    assert faults == [
        f'dualstack-edge:hostnames[{index}] is "{API2}", which distribution E2 has as an alias; a '
        "name that no other distribution has, in any account. Take another name, or take it away "
        "there. See it with: aws cloudfront get-distribution --id E2"
        for index in taken
    ]


EDGE: "DualStackEdgeArgs" = {
    "hostnames": [API],
    "zone": "example.com",
    "origin": {"load_balancer": "api", "kind": "application"},
    "certificate_arn": ARN,
}


def test_an_edge_is_refused_with_all_that_cloudfront_would_refuse(engine: MockEngine) -> None:
    engine.account.apis.certificates[ARN] = GivenCertificate("FAILED", (API,))
    engine.account.apis.aliases[API] = ("E2", OTHER)
    with pytest.raises(OriginError) as caught:
        engine.run(lambda: DualStackEdge("edge", EDGE))
    assert [fault.what for fault in caught.value.faults] == [
        "dualstack-edge:certificateArn",
        "dualstack-edge:hostnames[0]",
    ]
    assert engine.registered == {}


@pytest.fixture
def unreadable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A configuration of AWS's tools that botocore cannot read."""
    (tmp_path / "config").write_text("[profile")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))


def test_no_answer_is_a_warning_in_a_first_deployment_too(
    engine: MockEngine,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    unreadable: None,  # noqa: ARG001
) -> None:
    monkeypatch.setattr("components.lookups.account.open_account", open_account)
    with caplog.at_level(logging.WARNING):
        engine.run(lambda: DualStackEdge("edge", EDGE))
    assert "CloudFront judges it in the deployment." in caplog.text
    assert "edge-cdn-distribution" in engine.registered


# ---- when it is asked ---------------------------------------------------------------------------

SETTINGS = Settings(
    hostnames=(API,), zone="example.com", origin=Origin(load_balancer="api", kind="application")
)


@pytest.mark.parametrize(
    ("arn", "last", "opens"),
    [
        pytest.param(None, LastDeployment(), True, id="a first deployment"),
        pytest.param(None, LastDeployment(aliases=(API,)), False, id="nothing new"),
        pytest.param(None, LastDeployment(aliases=(API2,)), True, id="a new name"),
        pytest.param(ARN, LastDeployment(aliases=(API,)), True, id="a new certificate"),
        pytest.param(
            ARN,
            LastDeployment({"certificateArn": ARN}, aliases=(API,)),
            False,
            id="the certificate of before",
        ),
    ],
)
def test_only_what_is_new_is_asked_about(
    engine: MockEngine, arn: str | None, last: LastDeployment, opens: bool
) -> None:
    opened: list[AwsApis] = []

    def account() -> "AwsApis":
        opened.append(engine.account.apis)
        return engine.account.apis

    check_account(SETTINGS.model_copy(update={"certificate_arn": arn}), (), last, account)
    assert bool(opened) is opens


def test_whose_names_they_are_is_not_judged_where_the_state_cannot_be_read(
    engine: MockEngine,
) -> None:
    engine.account.apis.aliases[API] = ("E2", OTHER)
    unreadable = LastDeployment(readable=False)
    check_account(SETTINGS, (), unreadable, lambda: engine.account.apis)


# ---- asking -------------------------------------------------------------------------------------


def account_with(**answers: Any) -> AwsAccount:
    """Return an account that gives answers to operations, or the error codes that are text."""
    session: Any = boto3.session.Session("key", "secret", region_name="us-east-1")

    def answer(model: Any, **_: object) -> tuple[AWSResponse, Any]:
        given = answers[model.name]
        refused = isinstance(given, str)
        response = AWSResponse("", 400 if refused else 200, HTTPHeaders(), None)
        return response, {"Error": {"Code": given}} if refused else given

    session.events.register("before-call", answer)
    return AwsAccount(session.client)


IDENTITY = {"Account": "123456789012"}


def test_a_certificate_is_read() -> None:
    described = {"Status": "ISSUED", "SubjectAlternativeNames": [API, API2]}
    account = account_with(
        GetCallerIdentity=IDENTITY, DescribeCertificate={"Certificate": described}
    )
    assert account.certificate(ARN) == GivenCertificate("ISSUED", (API, API2))


def test_a_certificate_that_acm_does_not_have_is_none() -> None:
    account = account_with(
        GetCallerIdentity=IDENTITY, DescribeCertificate="ResourceNotFoundException"
    )
    assert account.certificate(ARN) is None


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param(
            {"GetCallerIdentity": IDENTITY, "DescribeCertificate": "AccessDeniedException"},
            id="no permission",
        ),
        pytest.param({"GetCallerIdentity": {"Account": "210987654321"}}, id="another account"),
        pytest.param({"GetCallerIdentity": "ExpiredToken"}, id="no credentials"),
    ],
)
def test_a_certificate_that_nobody_tells_of_is_no_answer(answers: dict[str, Any]) -> None:
    with pytest.raises(UnansweredError, match="which could not be looked up"):
        account_with(**answers).certificate(ARN)


def test_the_aliases_of_all_distributions_are_read() -> None:
    summaries = [
        {"Id": "E1", "DomainName": OWN, "Aliases": {"Quantity": 1, "Items": [API]}},
        {"Id": "E2", "DomainName": OTHER, "Aliases": {"Quantity": 0}},
    ]
    account = account_with(
        ListDistributions={"DistributionList": {"IsTruncated": False, "Items": summaries}}
    )
    assert account.distributions() == {API: ("E1", OWN)}
    with pytest.raises(UnansweredError, match="allow cloudfront:ListDistributions"):
        account_with(ListDistributions="AccessDenied").distributions()


def test_the_public_zones_of_a_name_are_counted() -> None:
    def hosted(name: str, private: bool = False) -> dict[str, Any]:
        config = {"PrivateZone": private}
        return {"Id": "/hostedzone/Z1", "Name": name, "CallerReference": "1", "Config": config}

    zones = [hosted("example.com."), hosted("example.com.", True), hosted("example.com.")]
    listed = {"IsTruncated": False, "MaxItems": "100", "HostedZones": [*zones, hosted("a.net.")]}
    account = account_with(ListHostedZonesByName=listed)
    counts = [account.public_zones(name) for name in ("Example.com", "example.com.", "b.net")]
    assert counts == [2, 2, 0]
    with pytest.raises(UnansweredError, match="allow route53:ListHostedZonesByName"):
        account_with(ListHostedZonesByName="AccessDenied").public_zones("example.com")


def test_the_certificates_that_nobody_uses_are_read() -> None:
    requested = {"DomainName": API, "Type": "AMAZON_ISSUED", "InUse": False}
    summaries = [
        {**requested, "CertificateArn": ARN, "Status": "PENDING_VALIDATION"},
        {**requested, "CertificateArn": "used", "Status": "ISSUED", "InUse": True},
        {**requested, "CertificateArn": "given", "Status": "ISSUED", "Type": "IMPORTED"},
        {**requested, "CertificateArn": "failed", "Status": "FAILED"},
        {**requested, "CertificateArn": "other", "Status": "ISSUED", "DomainName": API2},
    ]
    described = {"Status": "PENDING_VALIDATION", "SubjectAlternativeNames": [API, API2]}
    account = account_with(
        ListCertificates={"CertificateSummaryList": summaries},
        DescribeCertificate={"Certificate": described},
    )
    pending = GivenCertificate("PENDING_VALIDATION", (API, API2))
    assert account.unused_certificates(API) == {ARN: pending}
    with pytest.raises(UnansweredError, match="allow acm:ListCertificates"):
        account_with(ListCertificates="AccessDenied").unused_certificates(API)


def test_health_checks_and_alarms_are_read() -> None:
    config = {"Type": "TCP", "IPAddress": "2001:db8::1", "Port": 443}
    named = {"Type": "TCP", "FullyQualifiedDomainName": "lb.example.net", "Port": 443}
    account = account_with(
        ListHealthChecks={
            "IsTruncated": False,
            "HealthChecks": [
                {"Id": "1", "HealthCheckConfig": config},
                {"Id": "2", "HealthCheckConfig": named},
            ],
        },
        DescribeAlarms={
            "MetricAlarms": [
                {
                    "AlarmName": "edge-alarms-cdn-errors-1a2b3c4",
                    "Dimensions": [{"Name": "DistributionId", "Value": "E1"}],
                }
            ]
        },
    )
    assert account.health_checks() == [
        ListedCheck("1", "2001:db8::1", 443),
        ListedCheck("2", "", 443),
    ]
    assert account.alarms("edge-") == [ListedAlarm("edge-alarms-cdn-errors-1a2b3c4", ["E1"])]


def test_health_checks_and_alarms_that_cannot_be_listed_are_no_answer() -> None:
    account = account_with(ListHealthChecks="AccessDenied", DescribeAlarms="AccessDenied")
    with pytest.raises(UnansweredError, match="allow route53:ListHealthChecks"):
        account.health_checks()
    with pytest.raises(UnansweredError, match="allow cloudwatch:DescribeAlarms"):
        account.alarms("edge-")


def test_the_provider_s_arguments_lead_to_its_account() -> None:
    def program() -> Account:
        return open_account(
            {
                "access_key": Secret("key"),
                "secret_key": Secret("secret"),
                "token": pulumi.Output.from_input("not known yet"),
                "endpoints": [{"sts": "http://127.0.0.1:1"}, {"acm": "http://127.0.0.1:2"}],
                "insecure": True,
                "default_tags": {"tags": {"team": "edge"}},
            }
        )

    account = MockEngine().run(program)
    assert isinstance(account, AwsAccount)
    assert account.acm.meta.endpoint_url == "http://127.0.0.1:2"
    assert account.acm.meta.region_name == "us-east-1"
    assert account.cloudfront.meta.endpoint_url != account.sts.meta.endpoint_url


def test_what_botocore_cannot_use_is_no_answer(unreadable: None) -> None:  # noqa: ARG001
    with pytest.raises(UnansweredError, match="Unable to parse config file"):
        open_account({})
