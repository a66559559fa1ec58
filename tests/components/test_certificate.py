"""`Certificate`: one for all hostnames, in us-east-1, validated by records it shares."""

from typing import TYPE_CHECKING, Any

import pulumi

from components.certificate import Certificate, CertificateArgs

if TYPE_CHECKING:
    from support.recording import MockEngine

ARGS: CertificateArgs = {
    "hostnames": ["api.example.com", "api2.example.com"],
    "zone_id": "Z0EXAMPLE",
}
CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/0a1b2c3d"


def made(engine: "MockEngine", args: CertificateArgs) -> dict[str, Any]:
    """Return the inputs of everything that is made, by name."""
    engine.run(lambda: Certificate("tls", args))
    return {name: item.inputs for name, item in engine.registered.items()}


def validation_record(hostname: str) -> dict[str, Any]:
    return {
        "zoneId": "Z0EXAMPLE",
        "name": f"_ask.{hostname}.",
        "type": "CNAME",
        "records": [f"_answer-{hostname}.acm-validations.aws."],
        "ttl": 300,
        "allowOverwrite": True,
    }


def test_one_certificate_is_requested_for_all_hostnames_and_validated(engine: "MockEngine") -> None:
    assert made(engine, ARGS) == {
        "tls": {},
        "tls-us-east-1": {
            "region": "us-east-1",
            "skipCredentialsValidation": "false",
            "skipRegionValidation": "true",
        },
        "tls-certificate": {
            "domainName": "api.example.com",
            "subjectAlternativeNames": ["api.example.com", "api2.example.com"],
            "validationMethod": "DNS",
        },
        "tls-validation-api.example.com": validation_record("api.example.com"),
        "tls-validation-api2.example.com": validation_record("api2.example.com"),
        "tls-validation": {
            "certificateArn": CERTIFICATE,
            "validationRecordFqdns": ["_ask.api.example.com.", "_ask.api2.example.com."],
        },
    }
    assert engine.outputs["tls"] == {"arn": CERTIFICATE}


def test_certificate_and_validation_go_to_us_east_1_and_the_records_do_not(
    engine: "MockEngine",
) -> None:
    made(engine, ARGS)
    assert {name: item.provider for name, item in engine.registered.items()} == {
        "tls": "",
        "tls-us-east-1": "",
        "tls-certificate": "tls-us-east-1",
        "tls-validation-api.example.com": "",
        "tls-validation-api2.example.com": "",
        "tls-validation": "tls-us-east-1",
    }


def test_the_certificate_is_known_only_after_it_was_validated(engine: "MockEngine") -> None:
    made(engine, ARGS)
    assert engine.registered["tls-validation"].depends_on == {
        "tls-certificate",
        "tls-validation-api.example.com",
        "tls-validation-api2.example.com",
    }


def test_validation_records_stay_for_the_other_certificates_that_need_them(
    engine: "MockEngine",
) -> None:
    made(engine, ARGS)
    assert {name for name, item in engine.registered.items() if item.retain_on_delete} == {
        "tls-validation-api.example.com",
        "tls-validation-api2.example.com",
    }


def test_the_provider_is_in_the_account_of_everything_else(engine: "MockEngine") -> None:
    arguments = {
        "profile": "deploy",
        "allowed_account_ids": ["123456789012"],
        "assume_roles": [{"roleArn": "arn:aws:iam::123456789012:role/deploy"}],
        "default_tags": {"tags": {"team": "edge"}},
        "max_retries": 7,
    }
    made(engine, {**ARGS, "provider_arguments": arguments})
    assert engine.registered["tls-us-east-1"].inputs == {
        "region": "us-east-1",
        "profile": "deploy",
        "allowedAccountIds": '["123456789012"]',
        "assumeRoles": '[{"roleArn": "arn:aws:iam::123456789012:role/deploy"}]',
        "defaultTags": '{"tags": {"team": "edge"}}',
        "maxRetries": "7",
        "skipCredentialsValidation": "false",
        "skipRegionValidation": "true",
    }


def test_a_certificate_that_is_given_creates_nothing(engine: "MockEngine") -> None:
    certificate = engine.run(lambda: Certificate("tls", {**ARGS, "certificate_arn": CERTIFICATE}))
    assert isinstance(certificate, pulumi.ComponentResource)
    assert list(engine.registered) == ["tls"]
    assert engine.outputs["tls"] == {"arn": CERTIFICATE}
