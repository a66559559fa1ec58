"""Rules of names and routing policies: each with what it refuses and the nearest it does not."""

from dataclasses import dataclass
from typing import Any, Final

import pytest

from sandbox.clouds.aws.refusal import Refusal
from sandbox.clouds.aws.rules import batches, routing
from sandbox.clouds.aws.rules.dns_names import canonical
from sandbox.clouds.aws.rules.zone_contents import RecordChange, RecordSet, ZoneContents

Fields = dict[str, Any]

COLLECTION: Final = "c8c02a84-aaaa-bbbb-cccc-000000000000"
CHECK: Final = "11111111-2222-3333-4444-555555555555"
SERVERS: Final = RecordSet(
    {
        "Name": "sub.example.com.",
        "Type": "NS",
        "TTL": 60,
        "ResourceRecords": [{"Value": "ns1.example.org."}],
    }
)
ZONE: Final = ZoneContents("ZONE", "example.com.", (SERVERS,), health_checks=frozenset({CHECK}))
VALUES: Final = {
    "A": "192.0.2.1",
    "AAAA": "2001:db8::1",
    "CNAME": "other.example.org",
    "DS": "1 13 2 " + "AB" * 32,
    "MX": "10 mail.example.org",
    "NS": "ns1.example.org",
    "TXT": '"hello"',
}


def record(kind: str = "A", name: str = "api.example.com", **other: Any) -> Fields:
    values = [{"Value": VALUES[kind]}]
    return {"Name": name, "Type": kind, "TTL": 60, "ResourceRecords": values, **other}


def routed(kind: str = "A", **policy: Any) -> Fields:
    return record(kind, SetIdentifier="one", **policy)


def located(**codes: str) -> Fields:
    return routed(GeoLocation={f"{name}Code": code for name, code in codes.items()})


def near(**place: Any) -> Fields:
    return routed(GeoProximityLocation=place)


def at(latitude: str, longitude: str) -> Fields:
    return near(Coordinates={"Latitude": latitude, "Longitude": longitude})


def of_addresses(location: str) -> Fields:
    config = {"CollectionId": COLLECTION, "LocationName": location}
    return routed(CidrRoutingConfig=config)


def alias(kind: str = "NS", target: str = "sub.example.com", **other: Any) -> Fields:
    leads = {"HostedZoneId": "ZONE", "DNSName": target, "EvaluateTargetHealth": False}
    return {"Name": "api.example.com", "Type": kind, "AliasTarget": leads, **other}


@dataclass(frozen=True)
class Case:
    """A record that is refused, and the nearest that is not."""

    rule: str
    variant: str
    refused: Fields
    code: str
    message: str
    allowed: Fields


INPUT: Final = "InvalidInput"
BATCH: Final = "InvalidChangeBatch"
CASES: Final = (
    *(
        Case("location_is_supported", variant, refused, INPUT, message, allowed)
        for variant, refused, message, allowed in (
            (
                "a continent beside a country",
                located(Continent="EU", Country="DE"),
                "ContinentCode can't be specified with CountryCode or SubdivisionCode",
                located(Continent="EU"),
            ),
            (
                "a continent beside a state",
                located(Continent="NA", Subdivision="TX"),
                "ContinentCode can't be specified with CountryCode or SubdivisionCode",
                located(Country="US", Subdivision="TX"),
            ),
            (
                "no such continent",
                located(Continent="XX"),
                (
                    "The geographic location [ContinentCode=XX] is not supported in Change with "
                    "[Action=CREATE, Name=api.example.com., Type=A, SetIdentifier=one]"
                ),
                located(Continent="AN"),
            ),
            (
                "a continent in small letters",
                located(Continent="eu"),
                "[ContinentCode=eu] is not supported",
                located(Continent="OC"),
            ),
            (
                "no such country",
                located(Country="ZZ"),
                "[CountryCode=ZZ] is not supported",
                located(Country="ZA"),
            ),
            (
                "a continent for a country",
                located(Country="EU"),
                "[CountryCode=EU] is not supported",
                located(Country="NA"),
            ),
            (
                "a state without its country",
                located(Subdivision="CA"),
                "[SubdivisionCode=CA] is not supported",
                located(Country="CA"),
            ),
            (
                "a province of a country that has none here",
                located(Country="CA", Subdivision="ON"),
                "[CountryCode=CA, SubdivisionCode=ON] is not supported",
                located(Country="US", Subdivision="OR"),
            ),
            (
                "no such state",
                located(Country="US", Subdivision="ZZ"),
                "[CountryCode=US, SubdivisionCode=ZZ] is not supported",
                located(Country="US", Subdivision="PR"),
            ),
            (
                "a state of everywhere",
                located(Country="*", Subdivision="NY"),
                "[CountryCode=*, SubdivisionCode=NY] is not supported",
                located(Country="*"),
            ),
            (
                "a letter for a part of Ukraine",
                located(Country="UA", Subdivision="KR"),
                "[CountryCode=UA, SubdivisionCode=KR] is not supported",
                located(Country="UA", Subdivision="43"),
            ),
            (
                "nothing",
                located(),
                "The geographic location [] is not supported",
                located(Country="UA"),
            ),
        )
    ),
    *(
        Case("proximity_has_one_place", variant, refused, INPUT, message, allowed)
        for variant, refused, message, allowed in (
            (
                "two places",
                near(AWSRegion="us-east-1", LocalZoneGroup="us-east-1-bos-1"),
                (
                    "Expected exactly one of [AWSRegion, LocalZoneGroup, Coordinates], but found "
                    "more than one in Change with"
                ),
                near(AWSRegion="us-east-1", Bias=-99),
            ),
            ("no place", near(Bias=1), "but found none", near(LocalZoneGroup="us-west-2-lax-1")),
            (
                "no such region",
                near(AWSRegion="us-east-9"),
                "AWSRegion us-east-9 does not exist",
                near(AWSRegion="eu-central-2"),
            ),
            (
                "a local zone for its group",
                near(LocalZoneGroup="us-west-2-lax-1a"),
                "LocalZoneGroup us-west-2-lax-1a does not exist",
                near(LocalZoneGroup="us-west-2-lax-1"),
            ),
            (
                "a group of no region",
                near(LocalZoneGroup="us-east-9-bue-1"),
                "LocalZoneGroup us-east-9-bue-1 does not exist",
                near(LocalZoneGroup="us-east-1-bue-1"),
            ),
            (
                "north of the pole",
                at("90.01", "0"),
                "Latitude 90.01 is not between -90 and 90",
                at("90.00", "0"),
            ),
            (
                "beyond the date line",
                at("0", "-180.5"),
                "Longitude -180.5 is not between -180 and 180",
                at("-90", "+180"),
            ),
        )
    ),
    *(
        Case(
            "cidr_location_is_a_name_or_all",
            f"{name!r}",
            of_addresses(name),
            INPUT,
            f"LocationName {name} is neither the name of a location nor *",
            of_addresses(allowed),
        )
        for name, allowed in (("a*", "a_-9"), ("**", "*"))
    ),
    *(
        Case(
            "type_takes_the_policy",
            f"{kind} {policy}",
            routed(kind, **policy),
            BATCH,
            "cannot be created as records of this type can't have the routing policy",
            allowed,
        )
        for kind, policy, allowed in (
            ("NS", {"Weight": 0}, record("NS")),
            ("DS", {"Region": "us-east-1"}, record("DS")),
            ("CNAME", {"MultiValueAnswer": True}, routed("CNAME", Weight=1)),
            ("CNAME", {"MultiValueAnswer": True}, routed("MX", MultiValueAnswer=True)),
        )
    ),
    Case(
        "multivalue_answer_is_no_alias",
        "an alias",
        alias("NS", SetIdentifier="one", MultiValueAnswer=True),
        BATCH,
        "RRSet with DNS name api.example.com., type NS, SetIdentifier one cannot be created as a "
        "multivalue answer alias record.",
        routed(MultiValueAnswer=True),
    ),
    Case(
        "primary_has_a_health_check",
        "values alone",
        routed(Failover="PRIMARY"),
        BATCH,
        "A non-alias primary ResourceRecordSet must have an associated health check. No changes "
        "made.",
        routed(Failover="PRIMARY", HealthCheckId=CHECK),
    ),
    Case(
        "primary_has_a_health_check",
        "the other place needs none",
        routed(Failover="PRIMARY"),
        BATCH,
        "must have an associated health check",
        routed(Failover="SECONDARY"),
    ),
    Case(
        "name_can_be_one",
        "a space",
        record(name="a b.example.com"),
        BATCH,
        "[FATAL problem: UnsupportedCharacter (Value contains unsupported characters) encountered "
        "with ' ']",
        record(name=r"a\040b.example.com"),
    ),
    Case(
        "name_can_be_one",
        "a letter of no ASCII",
        record(name="bücher.example.com"),
        BATCH,
        "UnsupportedCharacter (Value contains unsupported characters) encountered with 'ü'",
        record(name="xn--bcher-kva.example.com"),
    ),
    Case(
        "name_can_be_one",
        "codes are of one character each",
        record(name=r"\344" * 64 + ".example.com"),
        BATCH,
        "DomainLabelTooLong",
        record(name=r"\344" * 63 + ".example.com"),
    ),
    Case(
        "values_are_of_the_type",
        "a text of no ASCII",
        record("TXT") | {"ResourceRecords": [{"Value": '"größe"'}]},
        BATCH,
        "Invalid Resource Record: 'FATAL problem: UnsupportedCharacter (Value contains unsupported "
        "characters) encountered with 'ö''",
        record("TXT") | {"ResourceRecords": [{"Value": r'"gr\366\337e ~"'}]},
    ),
    Case(
        "wildcard_has_no_name_servers",
        "a delegation of all",
        record("NS", name="*.example.com"),
        BATCH,
        "RRSet of type NS with DNS name \\052.example.com. is not permitted",
        record("NS", name="a.example.com"),
    ),
    Case(
        "alias_is_of_a_type",
        "to name servers",
        alias("NS"),
        BATCH,
        "type NS in zone ZONE, but an alias can't have that type",
        record("NS"),
    ),
    Case(
        "alias_target_has_a_name",
        "a space",
        alias("A", "lb.us-east -1.elb.amazonaws.com"),
        BATCH,
        "UnsupportedCharacter (Value contains unsupported characters) encountered with ' '",
        record(),
    ),
)


def judged(fields: Fields) -> ZoneContents:
    return batches.judge(ZONE, (RecordChange("CREATE", RecordSet(fields)),))


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=f"{case.rule}: {case.variant}") for case in CASES]
)
def test_a_record_that_cannot_be_is_refused_and_the_nearest_is_not(case: Case) -> None:
    with pytest.raises(Refusal) as caught:
        judged(case.refused)
    assert (caught.value.code, case.message in caught.value.message) == (case.code, True), (
        caught.value.message
    )
    assert len(judged(case.allowed).records) == 2


def test_every_rule_of_routing_has_a_case() -> None:
    assert {case.rule for case in CASES} >= {rule.__name__ for rule in routing.ROUTING_RULES}


def test_no_multivalue_answer_is_no_policy() -> None:
    assert judged(record(MultiValueAnswer=False)).records[-1].policies == ()
    with pytest.raises(Refusal, match="but found none"):
        judged(routed(MultiValueAnswer=False))


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("*.Example.com", r"\052.example.com."),
        (r"\052.example.com.", r"\052.example.com."),
        ("a@b/c.example.com", r"a\100b\057c.example.com."),
        ("_acme-challenge.example.com", "_acme-challenge.example.com."),
    ],
)
def test_a_name_is_kept_by_the_codes_of_its_odd_characters(sent: str, kept: str) -> None:
    assert canonical(sent) == kept
    assert canonical(kept) == kept


@pytest.mark.parametrize("fields", [near(AWSRegion="us-east-1", Bias=3), of_addresses("*")])
def test_a_place_is_answered_as_it_was_sent(aws: Any, fields: Fields) -> None:
    aws.change(("CREATE", {**fields, "Name": "place.example.com."}))
    (kept,) = [record for record in aws.records() if record["Name"] == "place.example.com."]
    assert kept == {**fields, "Name": "place.example.com."}


@pytest.mark.parametrize(
    ("sent", "refused"),
    [
        pytest.param({"HostedZoneConfig": {"PrivateZone": True}}, True, id="private without a VPC"),
        pytest.param({"HostedZoneConfig": {"PrivateZone": False}}, False, id="public"),
        pytest.param({"VPC": {"VPCId": "vpc-1"}, "DelegationSetId": "N1"}, True, id="delegated"),
        pytest.param({"VPC": {"VPCId": "vpc-1"}}, False, id="private"),
        pytest.param({"DelegationSetId": "N1"}, False, id="public and delegated"),
    ],
)
def test_private_zone_has_a_vpc(sent: Fields, refused: bool) -> None:
    refusal = batches.private_zone_has_a_vpc(sent)
    assert (refusal.code if refusal else None) == (INPUT if refused else None)


@pytest.mark.parametrize(
    ("size", "refused"),
    [(None, False), ("1", False), ("0", True), ("-1", True), ("ten", True), ("", True)],
)
def test_page_has_a_size(size: str | None, refused: bool) -> None:
    assert (batches.page_has_a_size(size) is not None) == refused


def test_a_list_of_no_size_is_refused(aws: Any) -> None:
    client = aws.client("route53")
    with pytest.raises(client.exceptions.InvalidInput, match="MaxItems is not a positive number"):
        client.list_hosted_zones(MaxItems="ten")
    with pytest.raises(client.exceptions.InvalidInput, match="MaxItems is not a positive number"):
        client.list_health_checks(MaxItems="0")
