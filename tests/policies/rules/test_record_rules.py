"""The rules about records, `record-ttl` among them.

Each case is a stack of records; what is expected is by the name of the record.
"""

from collections.abc import Callable
from typing import Any

import pytest

from policies.model import UNKNOWN, Around, Finding, JudgedStack, Judgement, Resource, Rule, Value
from policies.rules import (
    alias_targets_valid,
    no_hardcoded_addresses,
    record_ttl,
    weights_valid,
)
from policies.rules.record_ttl import RecordTtl

FAIL, CANNOT_TELL = Judgement.FAIL, Judgement.CANNOT_TELL
Make = Callable[..., Resource]
Judge = Callable[..., list[Finding]]
Records = dict[str, dict[str, Value]]
ALB: dict[str, Value] = {
    "name": "lb.elb.amazonaws.com",
    "zoneId": "Z35",
    "evaluateTargetHealth": False,
}
CDN: dict[str, Value] = {
    "name": "d1.cloudfront.net",
    "zoneId": "Z2FDTNDATAQYW2",
    "evaluateTargetHealth": False,
}
OTHER_CDN: dict[str, Value] = {**CDN, "name": "d2.cloudfront.net"}
THIRD_CDN: dict[str, Value] = {**CDN, "name": "d3.cloudfront.net"}
RECORD = "aws:route53/record:Record"
DISTRIBUTION = "aws:cloudfront/distribution:Distribution"


def record(
    kind: Value, alias: Value = None, weight: Value = None, who: Value = "direct", **more: Value
) -> dict[str, Value]:
    made: dict[str, Value] = {"zoneId": "Z1", "name": "api.example.com", "type": kind}
    if alias is not None:
        made["aliases"] = [alias]
    if weight is not None:
        made["weightedRoutingPolicies"] = [{"weight": weight}]
        made["setIdentifier"] = who
    return {**made, **more}


def verdicts_by_name(
    rule: Rule, records: Records, make: Make, *others: Resource
) -> dict[str, list[tuple[Judgement, str]]]:
    resources = {name: make(RECORD, name, properties) for name, properties in records.items()}
    stack = JudgedStack([*resources.values(), *others])
    verdicts: dict[str, list[tuple[Judgement, str]]] = {}
    for name, resource in resources.items():
        findings = rule.check(Around(resource, stack, rule.options()).place())
        if verdict := [(finding.answer, finding.path) for finding in findings]:
            verdicts[name] = verdict
    return verdicts


TWINS: Records = {
    "a-direct": record("A", ALB, 100),
    "a-cdn": record("A", CDN, 0, "cdn"),
    "six-direct": record("AAAA", ALB, 100),
    "six-cdn": record("AAAA", CDN, 0, "cdn"),
}
WEIGHT = "weightedRoutingPolicies[0].weight"


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        pytest.param(TWINS, {}, id="twins"),
        *[
            pytest.param(
                {"one": record("A", ALB, weight)}, {"one": [(answer, WEIGHT)]}, id=f"weight {name}"
            )
            for name, weight, answer in [
                ("256", 256, FAIL),
                ("-1", -1, FAIL),
                ("half", 0.5, FAIL),
                ("text", "5", FAIL),
                ("true", True, FAIL),
                ("not a number", float("nan"), FAIL),
                ("zero alone", 0, FAIL),
            ]
        ],
        pytest.param({"one": record("A", ALB, 255.0)}, {}, id="the highest, as the wire has it"),
        pytest.param(
            {"one": record("A", ALB, weightedRoutingPolicies=UNKNOWN, setIdentifier="x")},
            {
                "one": [
                    (CANNOT_TELL, "weightedRoutingPolicies"),
                    (CANNOT_TELL, "weightedRoutingPolicies"),
                ]
            },
            id="unknown policies",
        ),
        pytest.param(
            {"one": record("A", ALB, 0), "two": record("A", CDN, 0, "cdn")},
            {"one": [(FAIL, WEIGHT)]},
            id="all zero is said once",
        ),
        pytest.param(
            {"one": record("A", ALB, 0), "two": record("A", CDN, UNKNOWN, "cdn")},
            {"one": [(CANNOT_TELL, WEIGHT)], "two": [(CANNOT_TELL, WEIGHT)]},
            id="perhaps all zero",
        ),
        pytest.param(
            {"one": record("A", ALB, 1, "")}, {"one": [(FAIL, "setIdentifier")]}, id="no identifier"
        ),
        pytest.param(
            {**TWINS, "old": record("A", ALB)},
            {"old": [(FAIL, "type")]},
            id="a simple record beside weighted ones",
        ),
        pytest.param(
            {**TWINS, "old": record("a", ALB, name="api.EXAMPLE.com.")},
            {"old": [(FAIL, "type")]},
            id="in other letters",
        ),
        pytest.param({**TWINS, "other": record("TXT", None)}, {}, id="another type"),
        pytest.param(
            {
                "one": record("A", None, 1, ttl=60, records=["198.51.100.1"]),
                "two": record("A", None, 1, "b", ttl=300, records=["198.51.100.2"]),
                "three": record("A", ALB, 1, "c"),
            },
            {"two": [(FAIL, "ttl")]},
            id="one TTL per group, aliases apart",
        ),
        pytest.param(
            {"one": record("A", ALB, 1), "two": record("A", CDN, 1)},
            {"two": [(FAIL, "setIdentifier")]},
            id="one identifier twice",
        ),
        pytest.param(
            {"one": record("A", ALB, 1), "two": record("A", CDN, 1, UNKNOWN)},
            {"two": [(CANNOT_TELL, "setIdentifier")]},
            id="perhaps one identifier twice",
        ),
        pytest.param(
            {"one": record("A", ALB, 1), "two": record("A", CDN, 1, "Direct")},
            {},
            id="identifiers are compared letter by letter",
        ),
        pytest.param(
            {"one": record("A", ALB, 1, UNKNOWN)}, {}, id="an unknown identifier of one alone"
        ),
        pytest.param(
            {**TWINS, "old": record("CNAME", records=["lb.example.net"], ttl=60)},
            {"old": [(FAIL, "type")]},
            id="a CNAME beside weighted records",
        ),
        pytest.param(
            {
                "one": record("CNAME", None, 1, records=["lb.example.net"], ttl=60),
                "two": record("A", ALB),
            },
            {"one": [(FAIL, "type")]},
            id="a weighted CNAME beside a simple record",
        ),
        pytest.param(
            {"one": record("CNAME", None, 1, records=["lb.example.net"], ttl=60)},
            {},
            id="a weighted CNAME alone",
        ),
        pytest.param(
            {**TWINS, "old": record("CNAME", records=["x"], ttl=60, name="www.example.com")},
            {},
            id="a CNAME of another name",
        ),
        pytest.param(
            {**TWINS, "old": record("CNAME", records=["x"], ttl=60, zoneId="Z2")},
            {},
            id="a CNAME in another zone",
        ),
    ],
)
def test_a_weighted_group_is_one_that_route_53_takes(
    records: Records, expected: Any, make: Make
) -> None:
    assert verdicts_by_name(weights_valid.RULE, records, make) == expected


def distribution(**more: Value) -> dict[str, Value]:
    return {
        "domainName": "d1.cloudfront.net",
        "aliases": ["api.example.com"],
        "isIpv6Enabled": True,
        **more,
    }


@pytest.mark.parametrize(
    ("properties", "cdn", "expected"),
    [
        pytest.param(record("AAAA", CDN), distribution(), [], id="right"),
        pytest.param(
            record("A", {**CDN, "zoneId": "Z35"}),
            distribution(),
            [(FAIL, "aliases[0].zoneId")],
            id="the wrong zone",
        ),
        pytest.param(
            record("A", {**CDN, "evaluateTargetHealth": True}),
            distribution(),
            [(FAIL, "aliases[0].evaluateTargetHealth")],
            id="health of a distribution",
        ),
        pytest.param(
            record("A", {**CDN, "evaluateTargetHealth": UNKNOWN}),
            distribution(),
            [(CANNOT_TELL, "aliases[0].evaluateTargetHealth")],
            id="perhaps its health",
        ),
        pytest.param(
            record("A", CDN),
            distribution(aliases=["x.example.com"]),
            [(FAIL, "name")],
            id="not its name",
        ),
        pytest.param(
            record("A", CDN), distribution(aliases=["*.example.com"]), [], id="a wildcard"
        ),
        pytest.param(
            record("A", CDN, name="a.b.example.com"),
            distribution(aliases=["*.example.com"]),
            [(FAIL, "name")],
            id="a wildcard is one label",
        ),
        pytest.param(
            record("A", CDN),
            distribution(aliases=UNKNOWN),
            [(CANNOT_TELL, "name")],
            id="unknown names",
        ),
        pytest.param(record("A", CDN), distribution(aliases=None), [(FAIL, "name")], id="no names"),
        pytest.param(
            record("AAAA", CDN), distribution(isIpv6Enabled=False), [(FAIL, "type")], id="IPv6 off"
        ),
        pytest.param(record("A", CDN), distribution(isIpv6Enabled=False), [], id="IPv6 off for A"),
        pytest.param(
            record("AAAA", CDN),
            distribution(isIpv6Enabled=UNKNOWN),
            [(CANNOT_TELL, "type")],
            id="IPv6 not known",
        ),
        pytest.param(
            record("A", {**CDN, "name": "d9.cloudfront.net"}),
            distribution(aliases=[]),
            [],
            id="a distribution of another stack",
        ),
        pytest.param(
            record("A", {**ALB, "evaluateTargetHealth": True}),
            distribution(),
            [],
            id="a load balancer",
        ),
        pytest.param(
            record("A", UNKNOWN), distribution(), [(CANNOT_TELL, "aliases[0]")], id="unknown"
        ),
        pytest.param(record("A"), distribution(), [], id="no alias"),
        pytest.param(
            record("CNAME", records=["d1.cloudfront.net."]), distribution(), [], id="a CNAME"
        ),
        pytest.param(
            record("CNAME", None, 10, records=["d1.cloudfront.net"]),
            distribution(aliases=[]),
            [(FAIL, "name")],
            id="a weighted CNAME of a distribution that does not have the name",
        ),
        pytest.param(
            record("A", CDN), distribution(enabled=False), [(FAIL, "name")], id="not enabled"
        ),
        pytest.param(
            record("CNAME", records=["d1.cloudfront.net"]),
            distribution(enabled=False),
            [(FAIL, "name")],
            id="a CNAME of one that is not enabled",
        ),
        pytest.param(
            record("A", CDN),
            distribution(enabled=UNKNOWN),
            [(CANNOT_TELL, "name")],
            id="perhaps not enabled",
        ),
        pytest.param(record("A", CDN), distribution(enabled=True), [], id="enabled"),
        pytest.param(
            record("A", {**CDN, "name": "d9.cloudfront.net"}),
            distribution(),
            [(FAIL, "name")],
            id="another stack's distribution for a name of this stack's",
        ),
        pytest.param(
            record("CNAME", records=["lb.example.net"]),
            distribution(aliases=[]),
            [],
            id="a CNAME of something else",
        ),
    ],
)
def test_an_alias_of_a_distribution_is_one_it_answers(
    properties: dict[str, Value],
    cdn: Value,
    expected: list[tuple[Judgement, str]],
    make: Make,
) -> None:
    verdict = verdicts_by_name(
        alias_targets_valid.RULE, {"r": properties}, make, make(DISTRIBUTION, "cdn", cdn)
    )
    assert verdict.get("r", []) == expected


BEHIND = {**CDN, "name": "_cdn.example.com", "zoneId": "Z1"}


@pytest.mark.parametrize(
    ("records", "aliases", "expected"),
    [
        pytest.param(
            {"front": record("A", BEHIND), "back": record("A", CDN, name="_cdn.example.com")},
            ["api.example.com"],
            {},
            id="the name in front",
        ),
        pytest.param(
            {"front": record("A", BEHIND), "back": record("A", CDN, name="_cdn.example.com")},
            ["www.example.com"],
            {"front": [(FAIL, "name")]},
            id="not the name in front",
        ),
        pytest.param(
            {"back": record("A", CDN, name="_cdn.example.com")},
            ["api.example.com"],
            {"back": [(FAIL, "name")]},
            id="a helper that nothing leads to",
        ),
        pytest.param(
            {
                "front": record("CNAME", name="www.example.com", records=["api.example.com"]),
                "back": record("A", CDN),
            },
            ["api.example.com"],
            {"front": [(FAIL, "name")]},
            id="a CNAME of the name",
        ),
        pytest.param(
            {"one": record("A", CDN, 1), "two": record("A", OTHER_CDN, 1, "two")},
            ["api.example.com"],
            {"two": [(FAIL, "name")]},
            id="two distributions, of which this stack's has the name",
        ),
        pytest.param(
            {"one": record("A", OTHER_CDN), "two": record("AAAA", THIRD_CDN)},
            ["www.example.com"],
            {"two": [(FAIL, "name")]},
            id="two distributions of other stacks",
        ),
        pytest.param(
            {"one": record("A", OTHER_CDN), "two": record("AAAA", OTHER_CDN)},
            ["*.example.com"],
            {},
            id="another stack's may have the name itself",
        ),
    ],
)
def test_a_name_is_answered_by_the_distribution_that_it_leads_to(
    records: Records, aliases: list[Value], expected: Any, make: Make
) -> None:
    cdn = make(DISTRIBUTION, "cdn", distribution(aliases=aliases))
    assert verdicts_by_name(alias_targets_valid.RULE, records, make, cdn) == expected


def test_a_name_is_on_one_distribution_only(make: Make, judge: Judge) -> None:
    one = make(DISTRIBUTION, "one", distribution())
    two = make(DISTRIBUTION, "two", distribution(aliases=["x.example.com", "API.example.com"]))
    wide = make(DISTRIBUTION, "wide", distribution(aliases=["*.example.com"]))
    rule = alias_targets_valid.RULE
    assert judge(rule, one, two) == []  # the first in the stack may keep it
    (finding,) = list(rule.check(Around(two, JudgedStack([one, two])).place()))
    assert (finding.answer, finding.path) == (FAIL, "aliases[1]")
    assert judge(rule, wide, one) == []


def test_a_wildcard_gives_way_to_the_name_itself(make: Make, judge: Judge) -> None:
    wide = make(DISTRIBUTION, "wide", distribution(aliases=["*.example.com"]))
    exact = make(DISTRIBUTION, "exact", distribution(domainName="d7.cloudfront.net"))
    (finding,) = judge(alias_targets_valid.RULE, make(RECORD, "r", record("A", CDN)), wide, exact)
    assert finding.message("alias-targets-valid") == (
        'alias-targets-valid: name is "api.example.com", and this record leads to '
        '"d1.cloudfront.net"; it must be one that leads to distribution "exact", which has the '
        "name among its aliases. Lead all records of the name to one distribution: a name is "
        "answered by one only."
    )


PRIVATE = "aws:route53/zone:Zone"
VPC: Value = [{"vpcId": "vpc-1"}]


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        pytest.param({"name": "example.com", "zoneId": "Z1", "vpcs": VPC}, ["zoneId"], id="a VPC"),
        pytest.param({"name": "example.com", "id": "Z1", "vpcs": VPC}, ["zoneId"], id="its id"),
        pytest.param({"name": "example.com", "zoneId": "Z1", "vpcs": []}, [], id="no VPC"),
        pytest.param({"name": "example.com", "zoneId": "Z9", "vpcs": VPC}, [], id="another zone"),
    ],
)
def test_no_alias_of_a_distribution_stands_in_a_private_zone(
    zone: Value, expected: list[str], make: Make, judge: Judge
) -> None:
    others = [make(PRIVATE, "zone", zone), make(DISTRIBUTION, "cdn", distribution())]
    resource = make(RECORD, "r", record("A", CDN))
    findings = judge(alias_targets_valid.RULE, resource, *others)
    assert [(one.answer, one.path) for one in findings] == [(FAIL, path) for path in expected]


def test_a_private_zone_that_is_made_in_the_same_update_is_one_for_certain(
    make: Make, judge: Judge
) -> None:
    zone = make(PRIVATE, "zone", {"name": "example.com", "zoneId": UNKNOWN, "vpcs": VPC})
    resource = make(RECORD, "r", record("A", CDN, zoneId=UNKNOWN), {"zoneId": [zone]})
    (finding,) = judge(alias_targets_valid.RULE, resource, zone)
    assert finding.message("alias-targets-valid") == (
        "alias-targets-valid: zoneId is a private zone; it must be a public zone. Put the alias "
        "into the public zone of the name: Route 53 takes none in a private one."
    )


INSIDE = record("A", records=["10.0.0.7"], ttl=60, zoneId="Z2")


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        pytest.param({"vpcs": VPC, "name": "example.com", "zoneId": "Z2"}, [], id="a private zone"),
        pytest.param(
            {"name": "example.com", "zoneId": "Z2"}, [(FAIL, "records[0]")], id="a public zone"
        ),
        pytest.param(None, [], id="a zone that is not in the stack"),
    ],
)
def test_an_address_in_another_world_is_no_fault(others: Value, expected: Any, make: Make) -> None:
    zones = [make(PRIVATE, "zone", others)] if others else []
    verdict = verdicts_by_name(
        no_hardcoded_addresses.RULE,
        {"inside": INSIDE, "outside": record("A", CDN)},
        make,
        make(DISTRIBUTION, "cdn", distribution()),
        *zones,
    )
    assert verdict.get("inside", []) == expected


def test_a_private_zone_is_also_one_that_is_given_to_a_network(make: Make) -> None:
    association = make(
        "aws:route53/zoneAssociation:ZoneAssociation", "more", {"zoneId": "Z2", "vpcId": "vpc-2"}
    )
    cdn = make(DISTRIBUTION, "cdn", distribution())
    verdict = verdicts_by_name(
        no_hardcoded_addresses.RULE, {"inside": INSIDE}, make, cdn, association
    )
    assert verdict == {}


def test_a_distribution_whose_name_is_not_known_is_found_by_what_the_alias_depends_on(
    make: Make, judge: Judge
) -> None:
    cdn = make(DISTRIBUTION, "cdn", distribution(domainName=UNKNOWN, aliases=[]))
    alias: Value = {"name": UNKNOWN, "zoneId": UNKNOWN, "evaluateTargetHealth": False}
    resource = make(RECORD, "r", record("A", alias), {"aliases": [cdn]})
    (finding,) = judge(alias_targets_valid.RULE, resource, cdn)
    assert (finding.answer, finding.path) == (FAIL, "name")


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        pytest.param(record("A", records=["198.51.100.1"]), [(FAIL, "records[0]")], id="literal"),
        pytest.param(record("AAAA", records=["2001:db8::1"]), [(FAIL, "records[0]")], id="IPv6"),
        pytest.param(record("A", records=[UNKNOWN]), [], id="unknown, so from elsewhere"),
        pytest.param(record("CNAME", records=["198.51.100.1"]), [], id="no address record"),
        pytest.param(
            record("A", records=["198.51.100.1"], name="mail.example.com"), [], id="another name"
        ),
        pytest.param(
            record("A", records=["203.0.113.9"], name="mail.example.com"),
            [(FAIL, "records[0]")],
            id="an Elastic IP of the stack",
        ),
        pytest.param(
            record("A", records="198.51.100.1"), [(FAIL, "records")], id="text for a list"
        ),
    ],
)
def test_no_literal_address_stands_where_a_name_could(
    properties: dict[str, Value], expected: list[tuple[Judgement, str]], make: Make
) -> None:
    others = [
        make(DISTRIBUTION, "cdn", distribution()),
        make("aws:ec2/eip:Eip", "ip", {"publicIp": "203.0.113.9"}),
    ]
    verdict = verdicts_by_name(no_hardcoded_addresses.RULE, {"r": properties}, make, *others)
    assert verdict.get("r", []) == expected


def test_an_address_that_comes_from_a_resource_is_not_literal(make: Make, judge: Judge) -> None:
    ip = make("digitalocean:index/reservedIpv6:ReservedIpv6", "ip", {"ip": "2001:db8::1"})
    properties = record("AAAA", None, 1, records=["2001:db8::1"], ttl=60)
    resource = make(RECORD, "r", properties, {"records": [ip]})
    cdn = make(RECORD, "cdn", record("AAAA", CDN, 1, "cdn"))
    assert judge(no_hardcoded_addresses.RULE, resource, cdn, ip) == []


def test_an_origin_is_named_and_not_numbered(make: Make, judge: Judge) -> None:
    cdn = make(DISTRIBUTION, "cdn", {"origins": [{"domainName": "198.51.100.1"}]})
    (finding,) = judge(no_hardcoded_addresses.RULE, cdn)
    assert (finding.answer, finding.path) == (FAIL, "origins[0].domainName")


@pytest.mark.parametrize(
    ("ttl", "limit", "expected"),
    [
        pytest.param(60, 60, [], id="the limit"),
        pytest.param(61, 60, [(FAIL, "ttl")], id="above it"),
        pytest.param(300, 300, [], id="another limit"),
        pytest.param(None, 60, [(FAIL, "ttl")], id="absent"),
        pytest.param(UNKNOWN, 60, [(CANNOT_TELL, "ttl")], id="unknown"),
        pytest.param("60", 60, [(FAIL, "ttl")], id="text"),
        pytest.param(float("nan"), 60, [(FAIL, "ttl")], id="not a number"),
    ],
)
def test_a_weighted_record_has_a_short_ttl(
    ttl: Value, limit: int, expected: list[tuple[Judgement, str]], make: Make, judge: Judge
) -> None:
    resource = make(RECORD, "r", record("A", None, 1, ttl=ttl, records=["198.51.100.1"]))
    verdict = judge(record_ttl.RULE, resource, options=RecordTtl(seconds=limit))
    assert [(finding.answer, finding.path) for finding in verdict] == expected
    for free in (record("A", ALB, 1, ttl=ttl), record("A", ttl=ttl)):
        assert judge(record_ttl.RULE, make(RECORD, "free", free)) == []
