"""What holds for every rule: none crashes, each catches what it owns, hiding a value helps none."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

import policies.rules
from policies.cloudfront import DISTRIBUTION, MANAGED_ORIGIN_REQUEST_POLICIES
from policies.model import (
    UNKNOWN,
    Around,
    Finding,
    JudgedStack,
    Judgement,
    Place,
    Resource,
    Rule,
    Step,
    Value,
)
from policies.readings import READ_AS, readings
from policies.rules import PACKS

Make = Callable[[], dict[str, Value]]
RULES = [rule for pack in PACKS for rule in pack.rules]

OTHER_TYPES = {
    "aws:cloudfront/cachePolicy:CachePolicy",
    "aws:cloudfront/originRequestPolicy:OriginRequestPolicy",
    "aws:cloudwatch/logDeliverySource:LogDeliverySource",
    "aws:ec2/eip:Eip",
    "aws:route53/zone:Zone",
    "aws:route53/zoneAssociation:ZoneAssociation",
    *READ_AS,
    "pulumi:pulumi:StackReference",
}
"""Types that rules look at beside the resource they judge."""

NAMES = [
    "aliases",
    "customHeaders",
    "customOriginConfig",
    "domainName",
    "dropletIds",
    "evaluateTargetHealth",
    "fqdn",
    "id",
    "inboundRules",
    "name",
    "origins",
    "portRange",
    "publicIp",
    "records",
    "resourceArn",
    "setIdentifier",
    "sourceAddresses",
    "sshKeys",
    "tags",
    "ttl",
    "type",
    "userData",
    "viewerCertificate",
    "viewerProtocolPolicy",
    "weight",
    "weightedRoutingPolicies",
    "zoneId",
    "allowedMethods",
    "cachePolicyId",
    "cookies",
    "cidrRoutingPolicy",
    "continent",
    "country",
    "customErrorResponses",
    "distributionConfig",
    "domains",
    "enabled",
    "failoverRoutingPolicies",
    "geolocationRoutingPolicies",
    "healthCheckId",
    "ipv6Enabled",
    "latencyRoutingPolicies",
    "multivalueAnswerRoutingPolicy",
    "originPath",
    "region",
    "resourceRecordSets",
    "templateBody",
    "vpcs",
    "defaultCacheBehavior",
    "defaultTtl",
    "errorCachingMinTtl",
    "errorCode",
    "forward",
    "forwardedValues",
    "headers",
    "isIpv6Enabled",
    "maxTtl",
    "minTtl",
    "orderedCacheBehaviors",
    "originRequestPolicyId",
    "queryString",
    "queryStringCacheKeys",
]

leaves: st.SearchStrategy[Value] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.just(UNKNOWN),
    st.sampled_from(["*", "all", "", "GET", "A", "AAAA", "HTTPS", "a.example.com", "198.51.100.1"]),
    st.sampled_from(["x.cloudfront.net", "Z2FDTNDATAQYW2", *MANAGED_ORIGIN_REQUEST_POLICIES]),
)
values: st.SearchStrategy[Value] = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from([*NAMES, "other"]), inner, max_size=6),
    ),
    max_leaves=25,
)


def findings(properties: Value) -> list[tuple[str, Finding]]:
    (token,) = DISTRIBUTION
    resource = Resource("urn", token, "edge", lambda: properties, protected=True)
    place = Around(resource, JudgedStack([resource])).place()
    rules = [rule for rule in RULES if token in rule.resource_types]
    return [
        (rule.name, finding)
        for rule in rules
        for finding in rule.check(place)
        if finding.answer is not Judgement.ADVISE
    ]


def replaced(properties: Value, path: Sequence[Step], value: Value) -> Value:
    """Return a copy with `value` at `path`."""
    copy = deepcopy(properties)
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(copy, dict) and isinstance(step, str):
        copy[step] = replaced(copy.get(step), rest, value)
    elif isinstance(copy, list) and isinstance(step, int):
        copy[step] = replaced(copy[step], rest, value)
    return copy


def places(value: Value, path: tuple[Step, ...] = ()) -> list[tuple[Step, ...]]:
    """Return the paths of everything in a value, but not of the value as a whole."""
    inner: list[tuple[Step, Value]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [
        inner_path
        for step, part in inner
        for inner_path in ((*path, step), *places(part, (*path, step)))
    ]


TYPES = sorted({token for rule in RULES for token in rule.resource_types} | OTHER_TYPES)


@st.composite
def stacks(draw: st.DrawFn) -> list[Resource]:
    """Draw resources of the types that rules read, which depend on each other at random."""
    count = draw(st.integers(1, 4))
    urns = [f"urn:{index}" for index in range(count)]
    resources: list[Resource] = []
    for urn in urns:
        properties = draw(values)
        dependencies = draw(
            st.dictionaries(st.sampled_from(NAMES), st.lists(st.sampled_from(urns)))
        )
        token = draw(st.sampled_from(TYPES))
        resources.append(
            Resource(urn, token, urn, lambda it=properties: it, dependencies=dependencies)
        )
    return resources


@settings(max_examples=200)
@given(resources=stacks(), data=st.data())
def test_no_input_crashes_a_rule(resources: list[Resource], data: st.DataObject) -> None:
    """Each example goes through every rule, because drawing one takes longer than judging it."""
    for rule in RULES:
        note(f"rule {rule.name}")
        token = data.draw(st.sampled_from(sorted(rule.resource_types)))
        resource = replace(resources[0], type=token)
        others = (reading for other in resources[1:] for reading in readings(other))
        stack = JudgedStack([resource, *others])
        for finding in rule.check(Around(resource, stack, rule.options()).place()):
            assert finding.message(rule.name).startswith(rule.name)
            assert finding.answer is not Judgement.PASS
        for change in rule.repair(Around(resource).place()) if rule.repair else ():
            assert change.path


def test_the_distribution_to_break_passes_every_rule(compliant: Make) -> None:
    assert findings(compliant()) == []


BEHAVIOR_RULES = {
    "caching-off",
    "cookies-forwarded",
    "headers-forwarded",
    "methods-allowed",
    "origin-answers",
    "query-strings-forwarded",
}
DEFAULT: tuple[Step, ...] = ("defaultCacheBehavior",)
LEGACY: tuple[Step, ...] = ("orderedCacheBehaviors", 0)
ORDERED: tuple[Step, ...] = ("orderedCacheBehaviors", 1)
VALUES: tuple[Step, ...] = (*LEGACY, "forwardedValues")
ORIGIN: tuple[Step, ...] = ("origins", 0)
VIEWER = {"viewer-tls"}


@pytest.mark.parametrize(
    ("path", "owners"),
    [
        pytest.param(path, owners, id="/".join(map(str, path)))
        for path, owners in [
            (("isIpv6Enabled",), {"ipv6-enabled"}),
            (("customErrorResponses",), {"error-caching-off"}),
            (("customErrorResponses", 3), {"error-caching-off"}),
            (("customErrorResponses", 3, "errorCode"), {"error-caching-off"}),
            (("customErrorResponses", 3, "errorCachingMinTtl"), {"error-caching-off"}),
            (DEFAULT, BEHAVIOR_RULES),
            (ORDERED, BEHAVIOR_RULES),
            ((*DEFAULT, "cachePolicyId"), {"caching-off"}),
            ((*ORDERED, "cachePolicyId"), {"caching-off"}),
            ((*DEFAULT, "allowedMethods"), {"methods-allowed"}),
            ((*ORDERED, "allowedMethods"), {"methods-allowed"}),
            ((*LEGACY, "allowedMethods"), {"methods-allowed"}),
            (
                (*DEFAULT, "originRequestPolicyId"),
                {"headers-forwarded", "cookies-forwarded", "query-strings-forwarded"},
            ),
            (
                (*ORDERED, "originRequestPolicyId"),
                {"headers-forwarded", "cookies-forwarded", "query-strings-forwarded"},
            ),
            (
                VALUES,
                {
                    "caching-off",
                    "headers-forwarded",
                    "cookies-forwarded",
                    "query-strings-forwarded",
                },
            ),
            ((*VALUES, "headers"), {"caching-off", "headers-forwarded"}),
            ((*VALUES, "cookies"), {"cookies-forwarded"}),
            ((*VALUES, "cookies", "forward"), {"cookies-forwarded"}),
            ((*VALUES, "queryString"), {"query-strings-forwarded"}),
            ((*VALUES, "queryStringCacheKeys"), set[str]()),
            ((*DEFAULT, "defaultTtl"), set[str]()),
            ((*DEFAULT, "cachedMethods"), set[str]()),
            (("comment",), set[str]()),
            (("priceClass",), set[str]()),
            (("viewerCertificate", "minimumProtocolVersion"), VIEWER),
            ((*DEFAULT, "viewerProtocolPolicy"), {"origin-answers"}),
            ((*ORDERED, "viewerProtocolPolicy"), {"origin-answers"}),
            ((*ORIGIN, "customOriginConfig", "originProtocolPolicy"), {"origin-tls"}),
            ((*ORIGIN, "customOriginConfig", "originSslProtocols", 0), {"origin-tls"}),
            ((*ORIGIN, "customOriginConfig", "httpPort"), set[str]()),
        ]
    ],
)
@given(
    value=st.one_of(st.none(), st.just(UNKNOWN), st.integers(2, 300), st.text("xyz"), st.just([]))
)
def test_a_broken_field_is_caught_by_exactly_the_rules_that_own_it(
    compliant: Make, path: tuple[Step, ...], owners: set[str], value: Value
) -> None:
    caught = {name for name, _ in findings(replaced(compliant(), path, value))}
    assert caught == owners


@given(data=st.data())
def test_hiding_a_value_neither_makes_a_rule_pass_nor_makes_it_sure(
    compliant: Make, data: st.DataObject
) -> None:
    """An unknown may turn out to be the very value it hides, so no verdict may contradict that."""
    shown: Value = compliant()
    for _ in range(data.draw(st.integers(0, 3))):
        shown = replaced(shown, data.draw(st.sampled_from(places(shown))), data.draw(values))
    hidden = replaced(shown, data.draw(st.sampled_from(places(shown) or [("x",)])), UNKNOWN)
    not_passing = {name for name, _ in findings(shown)}
    held = {name for name, _ in findings(hidden)}
    certain = {name for name, finding in findings(hidden) if finding.answer is Judgement.FAIL}
    assert not_passing <= held
    assert certain <= not_passing


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if rule.repair], ids=lambda rule: rule.name
)
def test_what_is_not_known_is_not_repaired(rule: Rule, compliant: Make) -> None:
    whole: Value = dict(compliant())
    assert rule.repair
    for path in [(), *places(whole)]:
        assert list(rule.repair(Place("", replaced(whole, path, UNKNOWN)))) == [], path


def test_every_file_is_a_rule_of_its_name_in_exactly_one_pack() -> None:
    files = [path.stem for path in Path(policies.rules.__path__[0]).glob("*.py")]
    names = [rule.name for rule in RULES]
    assert sorted(names) == sorted(stem.replace("_", "-") for stem in files if stem != "__init__")
