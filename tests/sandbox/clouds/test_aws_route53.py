"""Route 53 of the sandbox refuses what Route 53 refuses, and keeps what it keeps."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.clouds.aws.rules import batches as rules
from sandbox.clouds.aws.rules.record_changes import CHANGE_RULES
from sandbox.clouds.aws.rules.routing import ROUTING_RULES

CLOUDFRONT_ZONE: Final = "Z2FDTNDATAQYW2"
APPLICATION_ZONE: Final = "Z35SXDOTRQ7X7K"
NETWORK_ZONE: Final = "Z26RNL4JYFTOTI"
API: Final = "api.example.com."

Fields = dict[str, Any]
Change = tuple[str, Fields]


def simple(name: str = API, kind: str = "A", value: str = "192.0.2.1", ttl: int = 60) -> Fields:
    return {"Name": name, "Type": kind, "TTL": ttl, "ResourceRecords": [{"Value": value}]}


def weighted(identifier: str, weight: int = 1, **other: Any) -> Fields:
    return {**simple(**other), "SetIdentifier": identifier, "Weight": weight}


def alias(target: str, zone: str, *, name: str = API, kind: str = "A", health: bool = False) -> Any:
    return {
        "Name": name,
        "Type": kind,
        "AliasTarget": {"HostedZoneId": zone, "DNSName": target, "EvaluateTargetHealth": health},
    }


def without(record: Fields, *names: str) -> Fields:
    return {key: value for key, value in record.items() if key not in names}


def two_values(record: Fields) -> Fields:
    return {**record, "ResourceRecords": [{"Value": "192.0.2.1"}, {"Value": "192.0.2.2"}]}


def many(action: str, count: int, characters: int = 4) -> list[Change]:
    """Return changes of together so many values, each of so many characters."""
    texts = [f'"{number:0{characters - 2}x}"' for number in range(count)]
    parts = [texts[first : first + 400] for first in range(0, count, 400)]
    return [
        (action, {**simple(f"t{place}.example.com", "TXT"), "ResourceRecords": values_of(*part)})
        for place, part in enumerate(parts)
    ]


def values_of(*values: str) -> list[dict[str, str]]:
    return [{"Value": value} for value in values]


def addresses(count: int) -> list[dict[str, str]]:
    return values_of(*(f"192.0.{number // 256}.{number % 256}" for number in range(count)))


def health_check(aws: Any) -> str:
    config = {"Type": "TCP", "IPAddress": "2001:db8::1", "Port": 443}
    made = aws.client("route53").create_health_check(
        CallerReference="one", HealthCheckConfig=config
    )
    return made["HealthCheck"]["Id"]


SIMPLE: Final = ("CREATE", simple())
DIRECT: Final = ("CREATE", weighted("direct"))
CNAME: Final = ("CREATE", simple(kind="CNAME", value="other.example.com"))

# Each batch is sent behind an innocent CREATE of one value of 9 characters.
# rule: [(variant, what is there before, refused batch, message, nearest allowed batch), …]
CASES: Final[dict[str, list[tuple[str, list[Change], list[Change], str, list[Change]]]]] = {
    "batch_is_not_too_big": [
        (
            "values",
            [],
            many("CREATE", 1000, 5),
            "Number of records limit of 1000 exceeded",
            many("CREATE", 999, 5),
        ),
        (
            "values of UPSERT count twice",
            [],
            many("UPSERT", 500, 5),
            "Number of records limit of 1000 exceeded",
            many("UPSERT", 499, 5),
        ),
        (
            "characters",
            [],
            many("CREATE", 128, 250),
            "Number of characters limit of 32000 exceeded",
            many("CREATE", 127, 250),
        ),
    ],
    "record_changes_once": [
        (
            "created and deleted",
            [],
            [SIMPLE, ("DELETE", simple())],
            "invalid set of changes for a resource record set 'A api.example.com.'",
            [SIMPLE],
        ),
        (
            "deleted twice",
            [SIMPLE],
            [("DELETE", simple()), ("DELETE", simple())],
            "invalid set of changes",
            [("DELETE", simple()), ("CREATE", simple(ttl=61))],
        ),
    ],
    "name_lies_in_zone": [
        (
            "elsewhere",
            [],
            [("CREATE", simple(name="api.example.org"))],
            "RRSet with DNS name api.example.org. is not permitted in zone example.com.",
            [("CREATE", simple(name="a.b.example.com"))],
        ),
        (
            "a name that ends alike",
            [],
            [("CREATE", simple(name="notexample.com"))],
            "RRSet with DNS name notexample.com. is not permitted in zone",
            [("CREATE", simple(name="not.example.com"))],
        ),
    ],
    "group_has_one_policy": [
        (
            "weighted beside simple",
            [SIMPLE],
            [DIRECT],
            (
                "RRSet with DNS name api.example.com., type A, SetIdentifier "
                "direct cannot be created "
                "as a non-weighted set exists with the same name and type."
            ),
            [("DELETE", simple()), DIRECT],
        ),
        (
            "UPSERT does not help",
            [SIMPLE],
            [("UPSERT", weighted("direct"))],
            "as a non-weighted set exists",
            [("UPSERT", weighted("direct", kind="AAAA", value="2001:db8::1"))],
        ),
        (
            "the batch is carried out in order",
            [SIMPLE],
            [DIRECT, ("DELETE", simple())],
            "as a non-weighted set exists",
            [("DELETE", simple()), DIRECT],
        ),
        (
            "simple beside weighted",
            [DIRECT],
            [SIMPLE],
            (
                "RRSet with DNS name api.example.com., type A cannot be "
                "created as other RRSets exist "
                "with the same name and type."
            ),
            [("DELETE", weighted("direct")), SIMPLE],
        ),
        (
            "weighted beside latency",
            [("CREATE", {**simple(), "SetIdentifier": "near", "Region": "us-east-1"})],
            [DIRECT],
            "as a non-weighted set exists",
            [("CREATE", {**simple(), "SetIdentifier": "far", "Region": "eu-west-1"})],
        ),
    ],
    "cname_is_not_at_apex": [
        (
            "example.com",
            [],
            [("CREATE", simple(name="example.com", kind="CNAME", value="a.example.org"))],
            "RRSet of type CNAME with DNS name example.com. is not permitted at apex",
            [("CREATE", simple(name="example.com"))],
        ),
    ],
    "cname_is_alone": [
        (
            "CNAME beside A",
            [SIMPLE],
            [CNAME],
            (
                "RRSet of type CNAME with DNS name api.example.com. is not "
                "permitted as it conflicts "
                "with other records with the same DNS name in zone example.com."
            ),
            [("DELETE", simple()), CNAME],
        ),
        (
            "A beside CNAME",
            [CNAME],
            [("UPSERT", simple())],
            (
                "RRSet of type A with DNS name api.example.com. is not "
                "permitted because a conflicting "
                "RRSet of type CNAME with the same DNS name already exists in zone example.com."
            ),
            [("DELETE", CNAME[1]), ("UPSERT", simple())],
        ),
    ],
    "values_are_of_the_type": [
        (
            "an IPv6 address in A",
            [],
            [("CREATE", simple(kind="A", value="2001:db8::1"))],
            (
                "Invalid Resource Record: 'FATAL problem: ARRDATAIllegalIPv4Address (Value is not "
                "a valid IPv4 address) encountered with '2001:db8::1''"
            ),
            [("CREATE", simple(kind="A", value="192.0.2.9"))],
        ),
        (
            "a name in A",
            [],
            [("CREATE", simple(kind="A", value="api.example.org"))],
            "ARRDATAIllegalIPv4Address",
            [("CREATE", simple(kind="A", value="192.0.2.9"))],
        ),
        (
            "a number too large in A",
            [],
            [("CREATE", simple(kind="A", value="192.0.2.256"))],
            "ARRDATAIllegalIPv4Address",
            [("CREATE", simple(kind="A", value="192.0.2.255"))],
        ),
        (
            "two addresses in one value",
            [],
            [("CREATE", simple(kind="A", value="192.0.2.1, 192.0.2.2"))],
            "ARRDATAIllegalIPv4Address",
            [("CREATE", simple(kind="A", value="192.0.2.2"))],
        ),
        (
            "an IPv4 address in AAAA",
            [],
            [("CREATE", simple(kind="AAAA", value="192.0.2.1"))],
            "AAAARRDATAIllegalIPv6Address (Value is not a valid IPv6 address)",
            [("CREATE", simple(kind="AAAA", value="::ffff:192.0.2.1"))],
        ),
        (
            "no address in AAAA",
            [],
            [("CREATE", simple(kind="AAAA", value="2001:db8::g"))],
            "AAAARRDATAIllegalIPv6Address",
            [("CREATE", simple(kind="AAAA", value="2001:DB8::1"))],
        ),
        (
            "a scope in AAAA",
            [],
            [("CREATE", simple(kind="AAAA", value="fe80::1%eth0"))],
            "AAAARRDATAIllegalIPv6Address",
            [("CREATE", simple(kind="AAAA", value="fe80::1"))],
        ),
        (
            "a text without quotes",
            [],
            [("CREATE", simple(kind="TXT", value="v=spf1 -all"))],
            "InvalidCharacterString (Value should be enclosed in quotation marks)",
            [("CREATE", simple(kind="TXT", value='"v=spf1 -all"'))],
        ),
        (
            "a text too long",
            [],
            [
                (
                    "CREATE",
                    simple(
                        kind="TXT",
                        value=f'"{"x" * 256}"',
                    ),
                )
            ],
            "CharacterStringTooLong (Value is too long)",
            [
                (
                    "CREATE",
                    simple(
                        kind="TXT",
                        value=f'"{"x" * 255}" "x"',
                    ),
                )
            ],
        ),
        (
            "no preference in MX",
            [],
            [("CREATE", simple(kind="MX", value="mail.example.com"))],
            "MXRRDATAIllegal",
            [("CREATE", simple(kind="MX", value="10 mail.example.com"))],
        ),
        (
            "no tag in CAA",
            [],
            [("CREATE", simple(kind="CAA", value="0 amazon.com"))],
            "CAARRDATAIllegal",
            [("CREATE", simple(kind="CAA", value='0 issue "amazon.com"'))],
        ),
        (
            "no port in SRV",
            [],
            [("CREATE", simple(kind="SRV", value="1 2 host.example.com"))],
            "SRVRRDATAIllegal",
            [("CREATE", simple(kind="SRV", value="1 2 443 host.example.com"))],
        ),
        (
            "one twice",
            [],
            [("CREATE", {**simple(), "ResourceRecords": values_of("192.0.2.1", "192.0.2.1")})],
            "Duplicate Resource Record: '192.0.2.1'",
            [("CREATE", two_values(simple()))],
        ),
    ],
    "record_has_not_too_many_values": [
        (
            "two names in a CNAME",
            [],
            [
                (
                    "CREATE",
                    {**CNAME[1], "ResourceRecords": values_of("a.example.org", "b.example.org")},
                )
            ],
            "Cannot have more than 1 records in a RRSet.",
            [CNAME],
        ),
        (
            "two names in a weighted CNAME",
            [],
            [
                (
                    "CREATE",
                    {
                        **weighted("direct", kind="CNAME"),
                        "ResourceRecords": values_of("a.example.org", "b.example.org"),
                    },
                )
            ],
            "Cannot have more than 1 records",
            [("CREATE", two_values(weighted("direct")))],
        ),
        (
            "401",
            [],
            [("CREATE", {**simple(), "ResourceRecords": addresses(401)})],
            "Cannot have more than 400 records in a RRSet.",
            [("CREATE", {**weighted("direct"), "ResourceRecords": addresses(400)})],
        ),
    ],
    "name_can_be_one": [
        (
            "a label too long",
            [],
            [("CREATE", simple(f"{'x' * 64}.example.com"))],
            "DomainLabelTooLong (Domain label is too long)",
            [("CREATE", simple(f"{'x' * 63}.example.com"))],
        ),
        (
            "a label of nothing",
            [],
            [("CREATE", simple("a..example.com"))],
            "DomainLabelEmpty (Domain label is empty)",
            [("CREATE", simple("*.a.example.com"))],
        ),
        (
            "too long",
            [],
            [("CREATE", simple(f"{('x' * 49 + '.') * 5}example.com"))],
            "DomainNameTooLong (Domain name is too long)",
            [("CREATE", simple(f"{('x' * 49 + '.') * 4}{'x' * 40}.example.com"))],
        ),
    ],
    "group_places_differ": [
        (
            "two of one region",
            [("CREATE", {**simple(), "SetIdentifier": "near", "Region": "us-east-1"})],
            [("CREATE", {**simple(), "SetIdentifier": "too", "Region": "us-east-1"})],
            "another RRSet with the same name and type has the same Region",
            [("UPSERT", {**simple(ttl=61), "SetIdentifier": "near", "Region": "us-east-1"})],
        ),
        (
            "two secondary ones",
            [("CREATE", {**simple(), "SetIdentifier": "a", "Failover": "SECONDARY"})],
            [("CREATE", {**simple(), "SetIdentifier": "b", "Failover": "SECONDARY"})],
            "has the same Failover",
            [("UPSERT", {**simple(ttl=61), "SetIdentifier": "a", "Failover": "SECONDARY"})],
        ),
        (
            "two of one country",
            [("CREATE", {**simple(), "SetIdentifier": "a", "GeoLocation": {"CountryCode": "DE"}})],
            [("CREATE", {**simple(), "SetIdentifier": "b", "GeoLocation": {"CountryCode": "DE"}})],
            "has the same GeoLocation",
            [("CREATE", {**simple(), "SetIdentifier": "b", "GeoLocation": {"CountryCode": "*"}})],
        ),
    ],
    "group_fits_the_quota": [
        (
            "101 members",
            [("CREATE", weighted(str(number))) for number in range(99)],
            [("CREATE", weighted("99")), ("CREATE", weighted("100"))],
            "at most 100 RRSets can exist with the same name and type",
            [("CREATE", weighted("99")), ("UPSERT", weighted("0", 7))],
        ),
    ],
    "weighted_group_shares_ttl": [
        (
            "a second one",
            [DIRECT],
            [("CREATE", weighted("cdn", ttl=300))],
            (
                "RRSet with DNS name api.example.com. and type A, "
                "SetIdentifier cdn cannot be created "
                "as weighted sets must contain the same TTL."
            ),
            [("CREATE", weighted("cdn"))],
        ),
        (
            "changed for one only",
            [DIRECT, ("CREATE", weighted("cdn"))],
            [("UPSERT", weighted("cdn", ttl=300))],
            "must contain the same TTL",
            [("UPSERT", weighted("cdn", ttl=300)), ("UPSERT", weighted("direct", ttl=300))],
        ),
    ],
    "created_record_is_new": [
        (
            "simple",
            [SIMPLE],
            [SIMPLE],
            (
                "Tried to create resource record set [name='api.example.com.', type='A'] "
                "but it already exists"
            ),
            [("UPSERT", simple())],
        ),
        (
            "the set identifier is unique in its group",
            [DIRECT],
            [DIRECT],
            "set-identifier='direct'] but it already exists",
            [
                ("CREATE", weighted("cdn")),
                ("CREATE", weighted("direct", kind="AAAA", value="2001:db8::1")),
                ("CREATE", weighted("direct", name="api2.example.com")),
            ],
        ),
        (
            "written otherwise",
            [SIMPLE],
            [("CREATE", simple(name="API.example.com"))],
            "but it already exists",
            [("UPSERT", simple(name="API.example.com"))],
        ),
    ],
    "deleted_record_exists": [
        (
            "simple",
            [],
            [("DELETE", simple())],
            (
                "Tried to delete resource record set [name='api.example.com.', type='A'] "
                "but it was not found"
            ),
            [("CREATE", simple())],
        ),
        (
            "another set identifier",
            [DIRECT],
            [("DELETE", weighted("cdn"))],
            "set-identifier='cdn'] but it was not found",
            [("DELETE", weighted("direct"))],
        ),
    ],
    "deleted_record_matches": [
        (
            "TTL",
            [SIMPLE],
            [("DELETE", simple(ttl=61))],
            "but the values provided do not match the current values",
            [("DELETE", simple())],
        ),
        (
            "weight",
            [DIRECT],
            [("DELETE", weighted("direct", 2))],
            "do not match the current values",
            [("DELETE", weighted("direct", 1))],
        ),
        (
            "values, but not their order",
            [("CREATE", two_values(simple()))],
            [("DELETE", simple())],
            "do not match the current values",
            [
                (
                    "DELETE",
                    {
                        **simple(),
                        "ResourceRecords": [{"Value": "192.0.2.2"}, {"Value": "192.0.2.1"}],
                    },
                )
            ],
        ),
    ],
    "alias_target_lies_in_its_zone": [
        (
            "no name of a distribution in the zone of distributions",
            [],
            [("CREATE", alias("nothing.example.org", CLOUDFRONT_ZONE))],
            (
                "Tried to create an alias that targets nothing.example.org., type A in zone "
                "Z2FDTNDATAQYW2, but the alias target name does not lie within the target zone"
            ),
            [SIMPLE],
        ),
    ],
    "alias_target_exists": [
        (
            "no such distribution",
            [],
            [("CREATE", alias("d111111abcdef8.cloudfront.net", CLOUDFRONT_ZONE))],
            (
                "Tried to create an alias that targets "
                "d111111abcdef8.cloudfront.net., type A in zone "
                "Z2FDTNDATAQYW2, but that target was not found"
            ),
            [SIMPLE],
        ),
        (
            "no such load balancer",
            [],
            [("CREATE", alias("no-1.us-east-1.elb.amazonaws.com", APPLICATION_ZONE))],
            (
                "targets no-1.us-east-1.elb.amazonaws.com., type A in zone "
                "Z35SXDOTRQ7X7K, but that "
                "target was not found"
            ),
            [SIMPLE],
        ),
    ],
}

CHANGE_RULES_TESTED_ALONE: Final = {
    # Refused by boto3 itself, or needing what a batch does not make: tests of their own below.
    "policy_comes_with_identifier",
    "values_or_alias",
    "apex_keeps_soa_and_ns",
    "distribution_is_in_no_private_zone",
    "health_check_exists",
    "record_is_not_protected",
    "cloudfront_health_is_not_evaluated",
    # In test_aws_routing.py.
    *(rule.__name__ for rule in ROUTING_RULES),
    *("wildcard_has_no_name_servers", "alias_is_of_a_type", "alias_target_has_a_name"),
}


def flattened() -> list[Any]:
    return [
        pytest.param(*case[1:], id=f"{rule}: {case[0]}")
        for rule, cases in CASES.items()
        for case in cases
    ]


def refused(call: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call()
    response: Any = caught.value.response
    return response["Error"]["Code"], response["Error"]["Message"]


@pytest.mark.parametrize(("before", "batch", "message", "allowed"), flattened())
def test_a_batch_that_breaks_a_rule_is_refused_and_changes_nothing(
    aws: Any, before: list[Change], batch: list[Change], message: str, allowed: list[Change]
) -> None:
    if before:
        aws.change(*before)
    there = aws.records()
    innocent = ("CREATE", simple(name="innocent.example.com"))
    code, refusal_text = refused(lambda: aws.change(innocent, *batch))
    assert code == "InvalidChangeBatch"
    assert message in refusal_text
    assert refusal_text.startswith("[")
    assert aws.records() == there
    assert aws.change(innocent, *allowed)["Status"] == "PENDING"


def test_every_rule_of_a_batch_has_a_case() -> None:
    every = {*rules.BATCH_RULES, *CHANGE_RULES, *rules.ZONE_RULES}
    assert {*CASES, *CHANGE_RULES_TESTED_ALONE} == {rule.__name__ for rule in every}


def test_all_faults_of_a_batch_are_told_at_once(aws: Any) -> None:
    _, message = refused(
        lambda: aws.change(
            ("DELETE", simple()),
            ("CREATE", simple(name="api.example.org")),
        )
    )
    assert "but it was not found, RRSet with DNS name api.example.org. is not" in message


@pytest.mark.parametrize(
    ("record", "message"),
    [
        pytest.param(weighted("direct", 256), "Value '256' is not facet-valid", id="weight 256"),
        pytest.param(
            without(weighted("direct"), "SetIdentifier"),
            "Missing field 'SetIdentifier'",
            id="weight without identifier",
        ),
        pytest.param(
            without(weighted("direct"), "Weight"),
            "Expected exactly one of [Weight, Region,",
            id="identifier without policy",
        ),
        pytest.param(
            {**weighted("direct"), "Region": "us-east-1"},
            "but found more than one in Change",
            id="two policies",
        ),
        pytest.param(without(simple(), "TTL"), "Expected exactly one of [AliasTarget", id="no TTL"),
        pytest.param(
            without(simple(), "ResourceRecords"), "but found none in Change", id="no values"
        ),
        pytest.param(
            {**alias(API, "ZONE", name="www2.example.com"), "TTL": 60},
            "but found more than one in Change",
            id="an alias with a TTL",
        ),
    ],
)
def test_a_malformed_record_is_invalid_input(aws: Any, record: Fields, message: str) -> None:
    there = aws.records()
    code, refusal_text = refused(lambda: aws.change(("CREATE", record)))
    assert code == "InvalidInput"
    assert message in refusal_text
    assert aws.records() == there


@pytest.mark.parametrize("weight", [0, 255])
def test_weights_from_0_to_255_are_kept(aws: Any, weight: int) -> None:
    aws.change(("CREATE", weighted("direct", weight)))
    assert aws.records()[0]["Weight"] == weight


def test_the_zones_own_soa_and_ns_records_stay(aws: Any) -> None:
    listed = aws.client("route53").list_resource_record_sets(HostedZoneId=aws.zone_id())
    own = {record["Type"]: record for record in listed["ResourceRecordSets"][:2]}
    assert set(own) == {"NS", "SOA"}
    _, message = refused(lambda: aws.change(("DELETE", own["SOA"])))
    assert message == "[A HostedZone must contain exactly one SOA record.]"
    _, message = refused(lambda: aws.change(("DELETE", own["NS"])))
    assert "at least one NS record for the zone itself" in message
    aws.change(("UPSERT", {**own["SOA"], "TTL": 60}))


def test_soa_stays_whole(aws: Any) -> None:
    listed = aws.client("route53").list_resource_record_sets(HostedZoneId=aws.zone_id())
    (soa,) = (record for record in listed["ResourceRecordSets"] if record["Type"] == "SOA")
    value = soa["ResourceRecords"][0]["Value"]
    for text in (value.rpartition(" ")[0], value.replace("86400", "a day")):
        cut = {**soa, "ResourceRecords": [{"Value": text}]}
        assert "SOARRDATAIllegal" in refused(lambda cut=cut: aws.change(("UPSERT", cut)))[1]
    assert "but it already exists" in refused(lambda: aws.change(("CREATE", soa)))[1]
    shorter = {**soa, "TTL": 60, "ResourceRecords": [{"Value": value.replace("86400", "60")}]}
    aws.change(("UPSERT", shorter))
    listed = aws.client("route53").list_resource_record_sets(HostedZoneId=aws.zone_id())
    assert shorter in listed["ResourceRecordSets"]


def test_health_check_exists(aws: Any) -> None:
    record = {**weighted("direct"), "HealthCheckId": "abcdef11-2222-3333-4444-555555fedcba"}
    code, message = refused(lambda: aws.change(("CREATE", record)))
    assert (code, record["HealthCheckId"] in message) == ("NoSuchHealthCheck", True)
    aws.change(("CREATE", {**record, "HealthCheckId": health_check(aws)}))


class TestAliases:
    def distribution(self, aws: Any, config_of: Any) -> str:
        arn = aws.certificate("api.example.com", "*.wild.example.com")
        config = config_of("one", "api.example.com", "*.wild.example.com", certificate=arn)
        made = aws.client("cloudfront").create_distribution(DistributionConfig=config)
        return made["Distribution"]["DomainName"]

    def test_to_a_distribution_needs_its_alternate_domain_name(
        self, aws: Any, config_of: Any
    ) -> None:
        target = self.distribution(aws, config_of)
        other = alias(target, CLOUDFRONT_ZONE, name="api2.example.com")
        _, message = refused(lambda: aws.change(("CREATE", other)))
        assert message.endswith("but that target was not found]")
        aws.change(
            ("CREATE", alias(target, CLOUDFRONT_ZONE)),
            ("CREATE", alias(target, CLOUDFRONT_ZONE, kind="AAAA")),
            ("CREATE", alias(target, CLOUDFRONT_ZONE, name="a.wild.example.com")),
        )

    def test_to_a_distribution_does_not_evaluate_its_health(self, aws: Any, config_of: Any) -> None:
        target = self.distribution(aws, config_of)
        _, message = refused(
            lambda: aws.change(("CREATE", alias(target, CLOUDFRONT_ZONE, health=True)))
        )
        assert "EvaluateTargetHealth can't be true for a CloudFront distribution" in message

    @pytest.mark.parametrize("prefix", ["", "dualstack."])
    @pytest.mark.parametrize("kind", ["A", "AAAA"])
    @pytest.mark.parametrize("name", ["api", "api-network", "api-classic"])
    def test_to_a_load_balancer_needs_the_zone_of_its_kind(
        self, aws: Any, prefix: str, kind: str, name: str
    ) -> None:
        if name == "api-classic":
            described = aws.client("elb").describe_load_balancers()["LoadBalancerDescriptions"]
            (balancer,) = described
            target, zone = balancer["DNSName"], balancer["CanonicalHostedZoneNameID"]
        else:
            described = aws.client("elbv2").describe_load_balancers(Names=[name])["LoadBalancers"]
            (balancer,) = described
            target, zone = balancer["DNSName"], balancer["CanonicalHostedZoneId"]
        assert zone == (NETWORK_ZONE if name == "api-network" else APPLICATION_ZONE)
        wrong = APPLICATION_ZONE if name == "api-network" else NETWORK_ZONE
        _, message = refused(
            lambda: aws.change(("CREATE", alias(prefix + target, wrong, kind=kind)))
        )
        assert "does not lie within the target zone" in message
        aws.change(("CREATE", alias(prefix + target, zone, kind=kind, health=True)))

    def test_to_a_record_needs_it_to_exist_with_the_type_when_its_turn_comes(
        self, aws: Any
    ) -> None:
        zone = aws.zone_id().removeprefix("/hostedzone/")
        pool = ("CREATE", weighted("one", name="pool.example.com"))
        top = ("CREATE", alias("pool.example.com", zone, health=True))
        _, message = refused(lambda: aws.change(top, pool))
        assert "pool.example.com., type A" in message
        assert "but that target was not found" in message
        aaaa = ("CREATE", alias("pool.example.com", zone, kind="AAAA"))
        assert "type AAAA" in refused(lambda: aws.change(pool, aaaa))[1]
        aws.change(pool, top)


class TestDeletingRecords:
    def test_a_weighted_record_leaves_its_namesakes_alone(self, aws: Any) -> None:
        twins = [
            weighted("direct"),
            weighted("direct", kind="AAAA", value="2001:db8::1"),
            weighted("direct", name="api2.example.com"),
            weighted("cdn"),
        ]
        aws.change(*(("CREATE", record) for record in twins))
        there = aws.records()
        aws.change(("DELETE", twins[0]))
        assert aws.records() == [record for record in there if record != twins[0]]

    def test_deleted_zone_is_empty(self, aws: Any) -> None:
        client = aws.client("route53")
        made = client.create_hosted_zone(Name="example.net", CallerReference="1")
        zone = made["HostedZone"]["Id"]
        delegation = simple(name="sub.example.net.", kind="NS", value="ns.example.org.")
        change = {"Action": "CREATE", "ResourceRecordSet": delegation}
        client.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [change]})
        code, _ = refused(lambda: client.delete_hosted_zone(Id=zone))
        assert code == "HostedZoneNotEmpty"
        change["Action"] = "DELETE"
        client.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [change]})
        client.delete_hosted_zone(Id=zone)
        assert refused(lambda: client.get_hosted_zone(Id=zone))[0] == "NoSuchHostedZone"


class TestListingRecords:
    RECORDS = (
        weighted("a", name="api.example.com."),
        weighted("b", name="api.example.com."),
        weighted("a", name="api.example.com.", kind="AAAA", value="2001:db8::1"),
        simple(name="a.z.example.com."),
        simple(name="z.example.com."),
        simple(name=r"\052.z.example.com."),
    )

    def listed(self, aws: Any, **options: str) -> list[tuple[str, ...]]:
        pages = aws.client("route53").get_paginator("list_resource_record_sets")
        size = {"PageSize": options.pop("size")} if "size" in options else {}
        record_sets = pages.paginate(
            HostedZoneId=aws.zone_id(), PaginationConfig=size, **options
        ).search("ResourceRecordSets[]")
        return [
            (record["Name"], record["Type"], record.get("SetIdentifier", ""))
            for record in record_sets
        ]

    ORDER = (
        ("example.com.", "NS", ""),
        ("example.com.", "SOA", ""),
        ("api.example.com.", "A", "a"),
        ("api.example.com.", "A", "b"),
        ("api.example.com.", "AAAA", "a"),
        ("www.example.com.", "A", ""),
        ("z.example.com.", "A", ""),
        (r"\052.z.example.com.", "A", ""),
        ("a.z.example.com.", "A", ""),
    )

    def test_is_by_name_from_the_right_then_type_then_identifier(self, aws: Any) -> None:
        aws.change(*(("CREATE", record) for record in reversed(self.RECORDS)))
        assert self.listed(aws) == list(self.ORDER)

    @pytest.mark.parametrize("size", range(1, 10))
    def test_gives_every_record_once_whatever_the_page_size(self, aws: Any, size: int) -> None:
        aws.change(*(("CREATE", record) for record in self.RECORDS))
        assert self.listed(aws, size=str(size)) == list(self.ORDER)

    def test_starts_where_it_is_told(self, aws: Any) -> None:
        aws.change(*(("CREATE", record) for record in self.RECORDS))
        assert self.listed(aws, StartRecordName="b.example.com") == list(self.ORDER[5:])
        second = {
            "StartRecordName": "api.example.com",
            "StartRecordType": "A",
            "StartRecordIdentifier": "b",
        }
        assert self.listed(aws, **second) == list(self.ORDER[3:])
        for bad in (without(second, "StartRecordName"), without(second, "StartRecordType")):
            assert refused(lambda bad=bad: self.listed(aws, **bad))[0] == "InvalidInput"

    def test_shows_a_record_as_it_was_sent(self, aws: Any) -> None:
        record = {**weighted("direct", 0), "HealthCheckId": health_check(aws)}
        aws.change(("CREATE", record))
        assert aws.records()[0] == record


class TestChanges:
    def test_are_pending_until_they_have_reached_all_servers(self, aws: Any) -> None:
        aws.settings(change_seconds=0.3)
        change = aws.change(SIMPLE)
        assert change["Status"] == "PENDING"
        client = aws.client("route53")
        assert client.get_change(Id=change["Id"])["ChangeInfo"]["Status"] == "PENDING"
        waiter = client.get_waiter("resource_record_sets_changed")
        waiter.wait(Id=change["Id"], WaiterConfig={"Delay": 0.1})
        assert client.get_change(Id=change["Id"])["ChangeInfo"]["Status"] == "INSYNC"

    def test_are_pending_in_their_own_answer_however_soon_they_have_reached_all(
        self, aws: Any
    ) -> None:
        change = aws.change(SIMPLE)
        assert change["Status"] == "PENDING"
        answer = aws.client("route53").get_change(Id=change["Id"])
        assert answer["ChangeInfo"]["Status"] == "INSYNC"

    def test_that_do_not_exist_are_not_found(self, aws: Any) -> None:
        code, message = refused(lambda: aws.client("route53").get_change(Id="CNOSUCHCHANGE"))
        assert (code, message) == (
            "NoSuchChange",
            "Could not find resource with ID: CNOSUCHCHANGE",
        )

    def test_of_a_new_zone_are_in_sync(self, aws: Any) -> None:
        client = aws.client("route53")
        made = client.create_hosted_zone(Name="example.net", CallerReference="1")
        change = client.get_change(Id=made["ChangeInfo"]["Id"])["ChangeInfo"]
        assert change["Status"] == "INSYNC"

    def test_wait_for_each_other_when_switched_on(self, aws: Any) -> None:
        aws.settings(change_seconds=60)
        aws.change(SIMPLE)
        aws.change(("UPSERT", simple(ttl=61)))
        aws.settings(reject_while_pending=True)
        code, _ = refused(lambda: aws.change(("UPSERT", simple(ttl=62))))
        assert code == "PriorRequestNotComplete"
        assert aws.records()[0]["TTL"] == 61
        aws.settings(change_seconds=0)
        aws.change(("UPSERT", simple(ttl=62)))


def test_requests_are_throttled_when_switched_on(aws: Any) -> None:
    client, zone = aws.client("route53"), aws.zone_id()

    def ask(times: int) -> None:
        for _ in range(times):
            client.get_hosted_zone(Id=zone)

    aws.settings(throttle_per_second=5)
    assert refused(lambda: ask(20)) == ("Throttling", "Rate exceeded")
    aws.settings(throttle_per_second=None)
    ask(20)


@pytest.mark.parametrize(
    ("needed", "left", "refuses"),
    [
        pytest.param(5, 5, False, id="the last five of five"),
        pytest.param(1, 0.9, True, id="one of nearly one"),
    ],
)
def test_requests_are_not_too_many(needed: float, left: float, refuses: bool) -> None:
    assert (rules.requests_are_not_too_many(needed, left) is not None) == refuses


@pytest.mark.parametrize(("seconds", "refuses"), [(0.1, True), (0.0, False), (-3.0, False)])
def test_prior_change_is_complete(seconds: float, refuses: bool) -> None:
    assert (rules.prior_change_is_complete(seconds) is not None) == refuses


# Atomicity ----------------------------------------------------------------------------------------

names = st.sampled_from(["x.example.com.", "y.example.com."])
kinds = st.sampled_from([("A", "192.0.2.1"), ("A", "192.0.2.2"), ("CNAME", "z.example.com.")])
ttls = st.sampled_from([60, 300])


def one_of_each(name: str, kind: tuple[str, str], ttl: int) -> Fields:
    return simple(name, kind[0], kind[1], ttl)


def one_of_a_group(
    identifier: str, weight: int, name: str, kind: tuple[str, str], ttl: int
) -> Fields:
    return weighted(identifier, weight, name=name, kind=kind[0], value=kind[1], ttl=ttl)


identifiers = st.sampled_from(["direct", "cdn"])
weights = st.sampled_from([0, 1, 255])
records = st.builds(one_of_each, names, kinds, ttls) | st.builds(
    one_of_a_group, identifiers, weights, names, kinds, ttls
)
batches = st.lists(
    st.tuples(st.sampled_from(["CREATE", "UPSERT", "DELETE"]), records), min_size=1, max_size=4
)

Key = tuple[str, str, str | None]


def key_of(record: Fields) -> Key:
    return record["Name"], record["Type"], record.get("SetIdentifier")


def touched_rightly(batch: list[Change]) -> bool:
    """Tell whether each record is changed once, or deleted and then put again."""
    touched: dict[Key, list[bool]] = {}
    for action, record in batch:
        touched.setdefault(key_of(record), []).append(action == "DELETE")
    return all(len(one) == 1 or one == [True, False] for one in touched.values())


def fits(there: dict[Key, Fields], key: Key) -> bool:
    """Tell whether a record may stand beside those that are there."""
    name, kind, identifier = key
    beside = [other for other in there if other[0] == name and other != key]
    return all(
        (other[1] == "CNAME") == (kind == "CNAME")
        and (other[1] != kind or (other[2] is None) == (identifier is None))
        for other in beside
    )


def naive(there: dict[Key, Fields], batch: list[Change]) -> dict[Key, Fields] | None:
    """Apply a batch to a dictionary, a second time and in other words; None: refused."""
    result = dict(there)
    allowed = touched_rightly(batch)
    for action, record in batch:
        key = key_of(record)
        if action == "DELETE":
            allowed = allowed and result.pop(key, None) == record
        else:
            allowed = allowed and fits(result, key) and not (action == "CREATE" and key in result)
            result[key] = record
    ttls_of: dict[tuple[str, str], set[int]] = {}
    for name, kind, identifier in result:
        if identifier:
            ttls_of.setdefault((name, kind), set()).add(result[name, kind, identifier]["TTL"])
    return (
        result
        if allowed and all(len(ttls_in_group) == 1 for ttls_in_group in ttls_of.values())
        else None
    )


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(sequence=st.lists(batches, min_size=1, max_size=6))
def test_a_batch_is_carried_out_as_a_whole_or_not_at_all(
    aws: Any, sequence: list[list[Change]]
) -> None:
    there: dict[Key, Fields] = {}
    aws.reset()
    for batch in sequence:
        expected = naive(there, batch)
        if expected is None:
            assert refused(lambda batch=batch: aws.change(*batch))[0] == "InvalidChangeBatch"
        else:
            aws.change(*batch)
            there = expected
        kept = {key_of(record): record for record in aws.records()}
        del kept["www.example.com.", "A", None]
        assert kept == there


def test_batches_of_many_clients_never_interleave(aws: Any) -> None:
    """Writers set the twins to one weight in one batch; no reader ever sees two."""
    twins = [("A", "192.0.2.1"), ("AAAA", "2001:db8::1")]
    client, zone = aws.client("route53"), aws.zone_id()

    def put(weight: int) -> None:
        changes = [
            {
                "Action": "UPSERT",
                "ResourceRecordSet": weighted("direct", weight, kind=kind, value=value),
            }
            for kind, value in twins
        ]
        client.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})

    def weights() -> set[int]:
        listed = client.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
        return {record["Weight"] for record in listed if "Weight" in record}

    put(0)
    done = threading.Event()
    with ThreadPoolExecutor(6) as pool:
        readers = [
            pool.submit(lambda: [weights() for _ in iter(done.is_set, True)]) for _ in range(2)
        ]
        for writer in [pool.submit(put, weight) for weight in range(100)]:
            writer.result()
        done.set()
        seen = [weights_read for reader in readers for weights_read in reader.result()]
    assert seen
    assert {len(weights_read) for weights_read in seen} == {1}


def test_of_many_clients_that_create_a_record_one_succeeds(aws: Any) -> None:
    client, zone = aws.client("route53"), aws.zone_id()
    change = {"Action": "CREATE", "ResourceRecordSet": simple()}

    def create(_: int) -> bool:
        try:
            client.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [change]})
        except ClientError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(create, range(24))) == 1


class TestHostedZones:
    VPC: Final = {"VPCRegion": "us-east-1", "VPCId": "vpc-0123456789abcdef0"}

    def test_made_with_a_vpc_are_private(self, aws: Any) -> None:
        client = aws.client("route53")
        made = client.create_hosted_zone(Name="Example.com", CallerReference="1", VPC=self.VPC)
        assert made["HostedZone"]["Config"] == {"PrivateZone": True}
        assert made["VPC"] == self.VPC
        assert made["ChangeInfo"]["Status"] == "PENDING"
        assert "DelegationSet" not in made
        read = client.get_hosted_zone(Id=made["HostedZone"]["Id"])
        assert (read["HostedZone"]["Config"]["PrivateZone"], read["VPCs"]) == (True, [self.VPC])
        assert client.get_change(Id=made["ChangeInfo"]["Id"])["ChangeInfo"]["Status"] == "INSYNC"

    def test_made_without_one_are_public(self, aws: Any) -> None:
        client = aws.client("route53")
        made = client.create_hosted_zone(
            Name="example.net", CallerReference="1", HostedZoneConfig={"Comment": "ours"}
        )
        assert made["HostedZone"]["Config"] == {"Comment": "ours", "PrivateZone": False}
        assert len(made["DelegationSet"]["NameServers"]) == 4
        read = client.get_hosted_zone(Id=made["HostedZone"]["Id"])["HostedZone"]
        assert read == made["HostedZone"]

    def test_private_ones_have_no_alias_of_a_distribution(self, aws: Any, config_of: Any) -> None:
        client, arn = aws.client("route53"), aws.certificate("api.example.com")
        config = config_of("one", "api.example.com", certificate=arn)
        made = aws.client("cloudfront").create_distribution(DistributionConfig=config)
        record = alias(made["Distribution"]["DomainName"], CLOUDFRONT_ZONE)
        zone = client.create_hosted_zone(Name="example.com", CallerReference="1", VPC=self.VPC)
        batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
        code, message = refused(
            lambda: client.change_resource_record_sets(
                HostedZoneId=zone["HostedZone"]["Id"], ChangeBatch=batch
            )
        )
        assert code == "InvalidChangeBatch"
        assert "a private hosted zone has no alias of that service" in message
        aws.change(("CREATE", record))

    def test_zone_reference_is_new(self, aws: Any) -> None:
        client = aws.client("route53")
        client.create_hosted_zone(Name="example.net", CallerReference="1")
        code, message = refused(
            lambda: client.create_hosted_zone(Name="example.org", CallerReference="1")
        )
        assert (code, "specified caller reference" in message) == ("HostedZoneAlreadyExists", True)
        client.create_hosted_zone(Name="example.net", CallerReference="2")

    def test_zone_name_can_be_one(self, aws: Any) -> None:
        client = aws.client("route53")
        code, message = refused(
            lambda: client.create_hosted_zone(Name="a..example.net", CallerReference="1")
        )
        assert (code, "DomainLabelEmpty" in message) == ("InvalidDomainName", True)
        client.create_hosted_zone(Name="a.example.net", CallerReference="1")


def test_hosted_zones_are_listed_by_id_and_by_name_page_by_page(aws: Any) -> None:
    client = aws.client("route53")
    names = ["b.example.com.", "a.example.net.", "example.com.", "z.example.com."]
    for number, name in enumerate(names):
        client.create_hosted_zone(Name=name, CallerReference=str(number))
    pages = client.get_paginator("list_hosted_zones").paginate(PaginationConfig={"PageSize": 2})
    ids = [zone["Id"] for page in pages for zone in page["HostedZones"]]
    assert (len(ids), ids) == (5, sorted(ids))
    first = client.list_hosted_zones_by_name(DNSName="example.com", MaxItems="2")
    assert [zone["Name"] for zone in first["HostedZones"]] == ["example.com."] * 2
    assert (first["IsTruncated"], first["NextDNSName"]) == (True, "b.example.com.")
    rest = client.list_hosted_zones_by_name(
        DNSName=first["NextDNSName"], HostedZoneId=first["NextHostedZoneId"]
    )
    assert [zone["Name"] for zone in rest["HostedZones"]] == [
        "b.example.com.",
        "z.example.com.",
        "a.example.net.",
    ]
    assert rest["IsTruncated"] is False
