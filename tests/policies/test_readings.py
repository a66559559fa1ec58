"""Resources of other types, judged through the server as what they say in the rules' words."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any, cast

import pytest
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy.proxy import UNKNOWN_ARRAY_VALUE, UNKNOWN_OBJECT_VALUE

from policies.model import JudgedStack, Resource, Value
from policies.readings import readings
from policies.rules import DUAL_STACK, HARDENING
from policies.rules.error_caching_off import CODES
from policies.rules.methods_allowed import METHODS
from policies.server import PackServer

Compliant = Callable[[], dict[str, Value]]
NATIVE = "aws-native:cloudfront:Distribution"
TENANTS = "aws:cloudfront/multitenantDistribution:MultitenantDistribution"
EXCLUSIVE = "aws:route53/recordsExclusive:RecordsExclusive"
CONTEXT: Any = None


def judged(kind: str, properties: Any, *others: tuple[str, Any], pack: Any = DUAL_STACK) -> Any:
    """Return the messages about a stack, alone and together, by the policy."""
    server = PackServer(pack)
    server.ConfigureStack(analyzer_pb2.AnalyzerStackConfigureRequest(dry_run=True), CONTEXT)
    resources: list[Any] = []
    messages: list[tuple[str, str]] = []
    for number, (token, given) in enumerate([(kind, properties), *others]):
        struct = Struct()
        struct.update(given)
        urn = f"urn:pulumi:dev::p::{token}::r{number}"
        request = {"type": token, "urn": urn, "name": f"r{number}", "properties": struct}
        alone = server.Analyze(analyzer_pb2.AnalyzeRequest(**cast("Any", request)), CONTEXT)
        messages += [(one.policyName, one.message) for one in alone.diagnostics]
        resources.append(analyzer_pb2.AnalyzerResource(**cast("Any", request)))
    whole = server.AnalyzeStack(analyzer_pb2.AnalyzeStackRequest(resources=resources), CONTEXT)
    assert {one.urn for one in whole.diagnostics} <= {one.urn for one in resources}
    return messages + [(one.policyName, one.message) for one in whole.diagnostics]


def policies(messages: list[tuple[str, str]]) -> list[str]:
    return [policy for policy, _ in messages]


def native(compliant: Compliant) -> dict[str, Any]:
    """Return a distribution that passes, as the Cloud Control provider has it."""
    given: dict[str, Any] = deepcopy(compliant())
    origin = given["origins"][0]
    header = origin.pop("customHeaders")[0]
    origin["id"] = origin.pop("originId")
    origin["originCustomHeaders"] = [{"headerName": header["name"], "headerValue": "s3cret"}]
    config = {
        key: given[key]
        for key in ("aliases", "comment", "customErrorResponses", "defaultCacheBehavior", "enabled")
    }
    config |= {
        "cacheBehaviors": given["orderedCacheBehaviors"],
        "ipv6Enabled": True,
        "logging": given["loggingConfig"],
        "originGroups": {"items": [], "quantity": 0},
        "origins": given["origins"],
        "viewerCertificate": given["viewerCertificate"],
    }
    return {"distributionConfig": config, "domainName": "d1.cloudfront.net", "id": "E1"}


def test_a_distribution_of_the_cloud_control_provider_passes(compliant: Compliant) -> None:
    assert judged(NATIVE, native(compliant)) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(
            {"ipv6Enabled": False},
            "ipv6-enabled: distributionConfig.ipv6Enabled is false; it must be true.",
            id="IPv6",
        ),
        pytest.param(
            {"originGroups": {"items": [{"id": "both"}], "quantity": 1}},
            "origin-answers: distributionConfig.originGroups.items is [an object]; it must be",
            id="an origin group",
        ),
        pytest.param(
            {"defaultRootObject": "index.html"},
            'origin-answers: distributionConfig.defaultRootObject is "index.html"; it must be',
            id="a root object",
        ),
    ],
)
def test_each_fault_of_it_is_reported_where_the_program_has_it(
    change: dict[str, Any], said: str, compliant: Compliant
) -> None:
    given = native(compliant)
    given["distributionConfig"] |= change
    ((_, message),) = judged(NATIVE, given)
    assert said in message


def test_a_fault_in_a_list_keeps_its_place(compliant: Compliant) -> None:
    given = native(compliant)
    given["distributionConfig"]["cacheBehaviors"][1]["allowedMethods"] = ["GET", "HEAD"]
    given["distributionConfig"]["origins"][0]["originCustomHeaders"][0]["headerName"] = "Accept"
    messages = "".join(message for _, message in judged(NATIVE, given))
    assert "distributionConfig.cacheBehaviors[1].allowedMethods is " in messages
    assert 'distributionConfig.origins[0].originCustomHeaders[0].headerName is "Accept"' in messages


def test_a_configuration_that_is_not_known_does_not_pass() -> None:
    messages = judged(NATIVE, {"distributionConfig": UNKNOWN_OBJECT_VALUE})
    assert policies(messages) == ["unknowns"]
    assert "distributionConfig is not known before deployment" in messages[0][1]


def tenants(compliant: Compliant) -> dict[str, Any]:
    """Return a distribution for many tenants that passes."""
    given: dict[str, Any] = deepcopy(compliant())
    behavior = given["defaultCacheBehavior"]
    del behavior["cachedMethods"]
    behavior["allowedMethods"] = {"items": list(METHODS), "cachedMethods": ["GET", "HEAD"]}
    return {
        "comment": "many",
        "connectionMode": "tenant-only",
        "customErrorResponses": [{"errorCode": code, "errorCachingMinTtl": 0} for code in CODES],
        "defaultCacheBehavior": behavior,
        "enabled": True,
        "origins": [
            {
                "id": "api",
                "domainName": "api-1.us-east-1.elb.amazonaws.com",
                "customOriginConfigs": [{"originReadTimeout": 60}],
            }
        ],
        "restrictions": {"geoRestriction": {"restrictionType": "none"}},
        "tenantConfig": {"parameterDefinitions": [{"name": "x"}]},
    }


def test_a_distribution_for_many_tenants_is_judged_like_another(compliant: Compliant) -> None:
    assert judged(TENANTS, tenants(compliant)) == []
    given = tenants(compliant)
    given["defaultCacheBehavior"]["allowedMethods"]["items"] = ["GET"]
    given["origins"][0]["customOriginConfigs"][0]["originReadTimeout"] = 1
    given["restrictions"]["geoRestriction"] = {"restrictionType": "blacklist", "items": ["DE"]}
    messages = dict(judged(TENANTS, given))
    assert "defaultCacheBehavior.allowedMethods.items is " in messages["methods-allowed"]
    every = "".join(message for _, message in judged(TENANTS, given))
    assert "origins[0].customOriginConfigs[0].originReadTimeout is 1" in every
    assert 'restrictions.geoRestriction.restrictionType is "blacklist"' in every
    assert "viewer-tls" in policies(judged(TENANTS, given, pack=HARDENING))


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        pytest.param({"ipv6Enabled": True}, [], id="on"),
        pytest.param({"ipv6Enabled": False}, ["ipv6-enabled"], id="off"),
        pytest.param({}, ["ipv6-enabled"], id="absent"),
    ],
)
def test_a_connection_group_has_the_switch_for_ipv6(properties: Any, expected: list[str]) -> None:
    token = "aws:cloudfront/connectionGroup:ConnectionGroup"
    assert policies(judged(token, properties)) == expected


def record_set(kind: str, who: str, weight: int, target: str, **more: Any) -> dict[str, Any]:
    zone = "Z2FDTNDATAQYW2" if target.endswith("cloudfront.net") else "Z35"
    alias = {"dnsName": target, "hostedZoneId": zone, "evaluateTargetHealth": False}
    return {
        "name": "api.example.com",
        "type": kind,
        "setIdentifier": who,
        "weight": weight,
        "aliasTarget": alias,
        **more,
    }


ELB, CDN = "lb.us-east-1.elb.amazonaws.com", "d9.cloudfront.net"
SETS = [
    record_set(kind, who, weight, target)
    for kind in ("A", "AAAA")
    for who, weight, target in (("direct", 90, ELB), ("cdn", 10, CDN))
]


def test_a_zone_whose_records_are_one_resource_is_judged_record_by_record() -> None:
    assert judged(EXCLUSIVE, {"zoneId": "Z1", "resourceRecordSets": SETS}) == []
    wrong = [*SETS[:2], record_set("AAAA", "direct", 100, CDN)]
    ((policy, message),) = judged(EXCLUSIVE, {"zoneId": "Z1", "resourceRecordSets": wrong})
    assert policy == "families-paired"
    assert "families-paired: resourceRecordSets[2].weight is 100, and" in message


def test_its_records_are_those_of_the_zone_s_others() -> None:
    record = {
        "zoneId": "Z1",
        "name": "api.example.com",
        "type": "A",
        "setIdentifier": "direct",
        "weightedRoutingPolicies": [{"weight": 90}],
        "aliases": [{"name": ELB, "zoneId": "Z35", "evaluateTargetHealth": False}],
    }
    sets = {"zoneId": "Z1", "resourceRecordSets": SETS[1:]}
    assert judged(EXCLUSIVE, sets, ("aws:route53/record:Record", record)) == []


def test_failover_is_read() -> None:
    sets = [
        {**SETS[0], "weight": None, "failover": "PRIMARY"},
        {**SETS[3], "weight": None, "failover": "PRIMARY"},
    ]
    messages = judged(EXCLUSIVE, {"zoneId": "Z1", "resourceRecordSets": sets})
    assert policies(messages) == ["families-paired"]


def test_a_record_set_is_what_the_rules_know_as_a_record() -> None:
    one: dict[str, Value] = {
        "name": "api.example.com",
        "type": "A",
        "ttl": 60,
        "geolocation": {"continentCode": "EU"},
        "region": "eu-west-1",
        "cidrRoutingConfig": {"collectionId": "c", "locationName": "x"},
        "multiValueAnswer": True,
        "healthCheckId": "h",
        "resourceRecords": [{"value": "198.51.100.1"}],
    }
    given: Value = {"zoneId": "Z1", "resourceRecordSets": [one]}
    (read,) = readings(Resource("urn", EXCLUSIVE, "zone", lambda: given))
    assert read.properties == {
        "zoneId": "Z1",
        "name": "api.example.com",
        "type": "A",
        "ttl": 60,
        "geolocationRoutingPolicies": [{"continent": "EU"}],
        "latencyRoutingPolicies": [{"region": "eu-west-1"}],
        "cidrRoutingPolicy": {"collectionId": "c", "locationName": "x"},
        "multivalueAnswerRoutingPolicy": True,
        "healthCheckId": "h",
        "records": ["198.51.100.1"],
    }
    assert read.written("records[0]") == "resourceRecordSets[0].resourceRecords[0].value"
    assert JudgedStack([read]).resources[0].reported == "urn"


@pytest.mark.parametrize(
    "sets",
    [
        pytest.param(UNKNOWN_ARRAY_VALUE, id="all"),
        pytest.param([UNKNOWN_OBJECT_VALUE], id="one"),
    ],
)
def test_records_that_are_not_known_do_not_pass(sets: Any) -> None:
    messages = judged(EXCLUSIVE, {"zoneId": "Z1", "resourceRecordSets": sets})
    assert policies(messages) == ["unknowns"]
    assert "resourceRecordSets" in messages[0][1]
