"""Certificates, and the wait for them, against the cloud."""

from typing import Any

import pytest

from sandbox.plugins.values import UNKNOWN, Props

CERTIFICATE = "aws:acm/certificate:Certificate"
VALIDATION = "aws:acm/certificateValidation:CertificateValidation"
RECORD = "aws:route53/record:Record"

WANTED: Props = {
    "domainName": "api.example.com",
    "subjectAlternativeNames": ["api2.example.com"],
    "validationMethod": "DNS",
    "tags": {"team": "edge"},
}


def validation_records(cloud: Any, state: Props) -> list[Props]:
    """Return the inputs of the records that ACM waits for."""
    return [
        {
            "zoneId": cloud.zone_id,
            "name": option["resourceRecordName"],
            "type": option["resourceRecordType"],
            "records": [option["resourceRecordValue"]],
            "ttl": 60,
        }
        for option in state["domainValidationOptions"]
    ]


@pytest.fixture
def issued(plugin: Any, cloud: Any) -> Props:
    """Return the state of a certificate whose validation records exist."""
    state, _ = plugin.made(CERTIFICATE, WANTED)
    for record in validation_records(cloud, state):
        plugin.made(RECORD, record)
    return state


def test_a_certificate_goes_from_request_to_deletion(plugin: Any, cloud: Any) -> None:
    state, inputs = plugin.made(CERTIFICATE, WANTED)
    assert state["id"] == state["arn"]
    assert (state["status"], state["region"]) == ("PENDING_VALIDATION", "us-east-1")
    assert [option["domainName"] for option in state["domainValidationOptions"]] == [
        "api.example.com",
        "api2.example.com",
    ]
    assert all(
        option["resourceRecordType"] == "CNAME" and option["resourceRecordValue"]
        for option in state["domainValidationOptions"]
    )
    assert plugin.refresh(CERTIFICATE, state, inputs) == (state, inputs)
    assert plugin.diff(CERTIFICATE, state, inputs) == {}

    changed = inputs | {"tags": {"team": "api", "new": "1"}}
    state = plugin.update(CERTIFICATE, state, changed)
    assert state["tags"] == {"team": "api", "new": "1"}

    plugin.delete(CERTIFICATE, state)
    assert cloud.client("acm").list_certificates()["CertificateSummaryList"] == []
    assert plugin.refresh(CERTIFICATE, state, inputs) == ({}, {})
    plugin.delete(CERTIFICATE, state)


def test_a_preview_knows_the_names_and_not_the_records(plugin: Any) -> None:
    preview = plugin.preview(CERTIFICATE, WANTED)
    assert preview["arn"] is UNKNOWN
    assert preview["subjectAlternativeNames"] == ["api.example.com", "api2.example.com"]
    assert preview["domainValidationOptions"] == [
        {
            "domainName": name,
            "resourceRecordName": UNKNOWN,
            "resourceRecordType": UNKNOWN,
            "resourceRecordValue": UNKNOWN,
        }
        for name in ("api.example.com", "api2.example.com")
    ]
    unknown = plugin.preview(CERTIFICATE, WANTED | {"domainName": UNKNOWN})
    assert unknown["domainValidationOptions"] is UNKNOWN


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"domainName": "api3.example.com"}, "domainName"),
        ({"region": "eu-west-1"}, "region"),
    ],
)
def test_a_change_of_what_was_requested_needs_another_certificate(
    plugin: Any, changed: Props, expected: str
) -> None:
    state, inputs = plugin.made(CERTIFICATE, WANTED)
    assert plugin.diff(CERTIFICATE, state, inputs | changed)[expected] == "UPDATE_REPLACE"


def test_a_certificate_is_imported_by_its_arn(plugin: Any) -> None:
    state, inputs = plugin.made(CERTIFICATE, WANTED)
    imported, imported_inputs = plugin.read(CERTIFICATE, state["id"], {}, {})
    names = imported.pop("subjectAlternativeNames")
    assert sorted(names) == sorted(state.pop("subjectAlternativeNames"))
    assert imported == state
    assert imported_inputs == inputs | {
        "subjectAlternativeNames": names,
        "region": "us-east-1",
    }
    assert plugin.diff(CERTIFICATE, imported | {"subjectAlternativeNames": names}, inputs) == {}


def test_a_certificate_lives_in_the_region_it_names(plugin: Any) -> None:
    state, inputs = plugin.made(CERTIFICATE, WANTED | {"region": "eu-west-1"})
    assert state["arn"].startswith("arn:aws:acm:eu-west-1:")
    assert plugin.refresh(CERTIFICATE, state, inputs) == (state, inputs)
    plugin.delete(CERTIFICATE, state)
    assert plugin.refresh(CERTIFICATE, state, inputs) == ({}, {})


def test_a_validation_is_there_once_the_certificate_is_issued(plugin: Any, issued: Props) -> None:
    desired = {
        "certificateArn": issued["arn"],
        "validationRecordFqdns": [
            option["resourceRecordName"].removesuffix(".")
            for option in issued["domainValidationOptions"]
        ],
    }
    state, inputs = plugin.made(VALIDATION, desired)
    assert state == desired | {"id": state["id"], "region": "us-east-1"}
    assert state["id"].endswith(" +0000 UTC")
    assert plugin.refresh(VALIDATION, state, inputs) == (state, inputs)
    assert plugin.diff(VALIDATION, state, inputs) == {}
    dotted = {"validationRecordFqdns": [f"{name}." for name in desired["validationRecordFqdns"]]}
    assert plugin.diff(VALIDATION, state, inputs | dotted) == {}
    assert plugin.diff(VALIDATION, state, {"certificateArn": UNKNOWN}) == {
        "certificateArn": "UPDATE_REPLACE",
        "validationRecordFqdns": "DELETE_REPLACE",
    }

    plugin.delete(VALIDATION, state)
    assert plugin.refresh(VALIDATION, state, inputs) == (state, inputs)
    plugin.delete(CERTIFICATE, issued)
    assert plugin.refresh(VALIDATION, state, inputs) == ({}, {})


def test_a_validation_without_a_record_fails_at_once_and_names_it(plugin: Any) -> None:
    certificate, _ = plugin.made(CERTIFICATE, WANTED)
    first, second = (
        option["resourceRecordName"].removesuffix(".")
        for option in certificate["domainValidationOptions"]
    )
    desired = {"certificateArn": certificate["arn"], "validationRecordFqdns": [first]}
    failed = plugin.failure(lambda: plugin.create(VALIDATION, desired))
    assert failed.partial is None
    assert failed.text == (
        f"creating {VALIDATION} it: missing api2.example.com DNS validation record: {second}"
    )


def test_a_validation_that_times_out_names_what_acm_has_not_seen(plugin: Any, cloud: Any) -> None:
    certificate, _ = plugin.made(CERTIFICATE, WANTED)
    seen, unseen = validation_records(cloud, certificate)
    plugin.made(RECORD, seen)
    desired = {"certificateArn": certificate["arn"]}
    failed = plugin.failure(lambda: plugin.create(VALIDATION, desired, timeout=0.3))
    assert failed.partial is None
    first, *lines = failed.text.splitlines()
    assert first == (
        f"creating {VALIDATION} it: waited 0.3 s for ACM Certificate ({certificate['arn']}) to be "
        "issued; it did not happen. Run `pulumi up` again to wait on, or give it longer with "
        "`customTimeouts`."
    )
    missing = f"{unseen['name']} CNAME {unseen['records'][0]}"
    assert f"api2.example.com waits for {missing}" in lines


def test_a_validation_of_no_certificate_is_refused(plugin: Any) -> None:
    arn = "arn:aws:acm:us-east-1:123456789012:certificate/none"
    failed = plugin.failure(lambda: plugin.create(VALIDATION, {"certificateArn": arn}))
    assert failed.text == (
        f"creating {VALIDATION} it: reading ACM Certificate ({arn}): couldn't find resource. "
        "Check certificateArn."
    )
