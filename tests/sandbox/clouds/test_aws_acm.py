"""ACM of the sandbox issues when DNS says so, and keeps what is in use."""

import time
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError

from sandbox.clouds.aws.rules import issuing as rules

NAME: Final = "api.example.com"
PENDING: Final = "PENDING_VALIDATION"


def described(aws: Any, arn: str, region: str | None = None) -> dict[str, Any]:
    return aws.client("acm", region).describe_certificate(CertificateArn=arn)["Certificate"]


def request(aws: Any, *names: str, region: str | None = None, **options: Any) -> str:
    return aws.client("acm", region).request_certificate(
        DomainName=names[0],
        SubjectAlternativeNames=list(names),
        ValidationMethod="DNS",
        **options,
    )["CertificateArn"]


def refused(call: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call()
    response: Any = caught.value.response
    return response["Error"]["Code"], response["Error"]["Message"]


def test_a_certificate_is_pending_until_every_record_exists(aws: Any) -> None:
    arn = request(aws, NAME, "api2.example.com")
    records = aws.validation_records(arn)
    assert len(records) == 2
    before = described(aws, arn)
    assert before["Status"] == PENDING
    assert not {"IssuedAt", "NotBefore", "NotAfter", "Serial"} & set(before)
    aws.change(("CREATE", records[0]))
    assert described(aws, arn)["Status"] == PENDING
    aws.change(("CREATE", records[1]))
    after = described(aws, arn)
    assert after["Status"] == "ISSUED"
    assert [option["ValidationStatus"] for option in after["DomainValidationOptions"]] == [
        "SUCCESS",
        "SUCCESS",
    ]
    assert aws.client("acm").get_certificate(CertificateArn=arn)["Certificate"]


def test_a_record_with_another_value_does_not_validate(aws: Any) -> None:
    arn = request(aws, NAME)
    (record,) = aws.validation_records(arn)
    wrong = {**record, "ResourceRecords": [{"Value": "_0.acm-validations.aws."}]}
    aws.change(("CREATE", wrong))
    assert described(aws, arn)["Status"] == PENDING
    aws.change(("UPSERT", record))
    assert described(aws, arn)["Status"] == "ISSUED"


@pytest.mark.parametrize(
    ("cnames", "validated"),
    [
        pytest.param([], False, id="no record"),
        pytest.param([("_a.example.com.", "_c.acm-validations.aws.")], False, id="wrong value"),
        pytest.param([("_b.example.com.", "_b.acm-validations.aws.")], False, id="wrong name"),
        pytest.param([("_a.example.com.", "_b.acm-validations.aws.")], True, id="both right"),
    ],
)
def test_domain_is_validated(cnames: list[tuple[str, str]], validated: bool) -> None:
    record = rules.ValidationRecord("_a.example.com.", "_b.acm-validations.aws.")
    assert rules.domain_is_validated(record, cnames) == validated


def test_issuing_takes_its_time(aws: Any) -> None:
    aws.settings(issue_seconds=0.4)
    arn = aws.certificate(NAME)
    assert described(aws, arn)["Status"] == PENDING
    time.sleep(0.5)
    assert described(aws, arn)["Status"] == "ISSUED"


def test_a_domain_has_one_validation_record_in_every_region_and_certificate(aws: Any) -> None:
    arns = [(request(aws, NAME, region=region), region) for region in ("us-east-1", "eu-west-1")]
    arns.append((request(aws, NAME, "api2.example.com"), "us-east-1"))
    first, second, third = (aws.validation_records(arn, region) for arn, region in arns)
    assert first == second
    assert first[0] in third
    aws.change(("CREATE", first[0]))
    assert [described(aws, arn, region)["Status"] for arn, region in arns] == [
        "ISSUED",
        "ISSUED",
        PENDING,
    ]


def test_a_wildcard_shares_the_record_of_its_domain(aws: Any) -> None:
    arn = request(aws, NAME, f"*.{NAME}")
    (record,) = aws.validation_records(arn)
    assert record["Name"].endswith(f".{NAME}.")
    aws.change(("CREATE", record))
    certificate = described(aws, arn)
    assert certificate["Status"] == "ISSUED"
    assert certificate["SubjectAlternativeNames"] == [NAME, f"*.{NAME}"]


def test_a_certificate_is_known_in_its_region_only(aws: Any) -> None:
    arn = request(aws, NAME, region="eu-west-1")
    assert arn.startswith("arn:aws:acm:eu-west-1:123456789012:certificate/")
    code, _ = refused(lambda: described(aws, arn, "us-east-1"))
    assert code == "ResourceNotFoundException"
    for ask in ("get_certificate", "delete_certificate"):
        code, _ = refused(lambda ask=ask: getattr(aws.client("acm"), ask)(CertificateArn=arn))
        assert code == "ResourceNotFoundException"
    assert aws.client("acm").list_certificates()["CertificateSummaryList"] == []


def test_a_pending_certificate_has_no_body(aws: Any) -> None:
    arn = request(aws, NAME)
    code, _ = refused(lambda: aws.client("acm").get_certificate(CertificateArn=arn))
    assert code == "RequestInProgressException"


@pytest.mark.parametrize(
    ("status", "refuses"), [("PENDING_VALIDATION", True), ("ISSUED", False), ("EXPIRED", False)]
)
def test_fetched_certificate_is_issued(status: str, refuses: bool) -> None:
    assert (rules.fetched_certificate_is_issued("arn", status) is not None) == refuses


def test_a_certificate_in_use_is_not_deleted(aws: Any, config_of: Any) -> None:
    aws.settings(deploy_seconds=0)
    arn = aws.certificate(NAME)
    acm, cloudfront = aws.client("acm"), aws.client("cloudfront")
    config = config_of("one", NAME, certificate=arn)
    made = cloudfront.create_distribution(DistributionConfig=config)
    assert described(aws, arn)["InUseBy"] == [made["Distribution"]["ARN"]]
    code, message = refused(lambda: acm.delete_certificate(CertificateArn=arn))
    assert code == "ResourceInUseException"
    assert message == f"Certificate {arn} in account 123456789012 is in use."

    id_ = made["Distribution"]["Id"]
    off = {**config, "Enabled": False}
    updated = cloudfront.update_distribution(Id=id_, IfMatch=made["ETag"], DistributionConfig=off)
    cloudfront.delete_distribution(Id=id_, IfMatch=updated["ETag"])
    acm.delete_certificate(CertificateArn=arn)
    assert refused(lambda: described(aws, arn))[0] == "ResourceNotFoundException"


@pytest.mark.parametrize(("users", "refuses"), [([], False), (["arn"], True)])
def test_deleted_certificate_is_unused(users: list[str], refuses: bool) -> None:
    assert (rules.deleted_certificate_is_unused("arn", users) is not None) == refuses


def test_an_idempotency_token_gives_the_same_certificate_until_it_is_deleted(aws: Any) -> None:
    first = request(aws, NAME, IdempotencyToken="once")
    assert request(aws, NAME, IdempotencyToken="once") == first
    aws.client("acm").delete_certificate(CertificateArn=first)
    assert request(aws, NAME, IdempotencyToken="once") != first


def test_tags_are_kept(aws: Any) -> None:
    tags = [{"Key": "stack", "Value": "sandbox"}]
    arn = request(aws, NAME, Tags=tags)
    listed = aws.client("acm").list_tags_for_certificate(CertificateArn=arn)
    assert listed["Tags"] == tags


def test_first_name_is_short(aws: Any) -> None:
    parent = f"{'x' * 50}.example.com"
    code, message = refused(lambda: request(aws, f"aa.{parent}"))
    assert code == "InvalidDomainValidationOptionsException"
    assert message == "The first domain name can be no longer than 64 characters."
    request(aws, f"a.{parent}", f"aa.{parent}")
