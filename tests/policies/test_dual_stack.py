"""The pack as the engine meets it: a process, a port, and what goes over the wire.

The pack runs as the Python language host runs it. The test stands in for the engine, which differs
in that it takes part in nothing but `Analyze` and `GetAnalyzerInfo`, and sends no provider and no
resource options.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc
from pulumi_policy.deserialize import SPECIAL_SECRET_SIG, SPECIAL_SIG_KEY
from pulumi_policy.proxy import (
    UNKNOWN_ARRAY_VALUE,
    UNKNOWN_BOOLEAN_VALUE,
    UNKNOWN_OBJECT_VALUE,
    UNKNOWN_STRING_VALUE,
)

from policies.cloudfront import CACHING_DISABLED
from policies.model import Value
from policies.rules import DUAL_STACK

PACK = Path(__file__).parents[2] / "policies" / "dual_stack"
DISTRIBUTION = "aws:cloudfront/distribution:Distribution"
Make = Callable[[], dict[str, Value]]


@pytest.fixture(scope="module")
def analyzer() -> Iterator[Any]:
    """Start the pack, and end it after the module's last test.

    The stub is `Any`, because its type stubs name a module that does not exist.
    """
    command = [sys.executable, "-u", "-m", "pulumi.policy", "127.0.0.1:1", str(PACK)]
    with subprocess.Popen(command, cwd=PACK, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = process.stdout.readline().strip()
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                yield analyzer_pb2_grpc.AnalyzerStub(channel)
        finally:
            process.terminate()


def analyze(
    analyzer: Any,
    properties: dict[str, Any],
    resource_type: str = DISTRIBUTION,
) -> list[analyzer_pb2.AnalyzeDiagnostic]:
    struct = struct_pb2.Struct()
    struct.update(properties)
    request = analyzer_pb2.AnalyzeRequest(
        type=resource_type,
        name="edge",
        urn=f"urn:pulumi:dev::p::{resource_type}::edge",
        properties=struct,
    )
    response: analyzer_pb2.AnalyzeResponse = analyzer.Analyze(request, timeout=30)
    return list(response.diagnostics)


def test_the_pack_is_two_files() -> None:
    files = sorted(path.name for path in PACK.iterdir() if path.name != "__pycache__")
    assert files == ["PulumiPolicy.yaml", "__main__.py"]


def test_the_pack_has_every_rule_at_mandatory_level(
    analyzer: Any,
) -> None:
    info: analyzer_pb2.AnalyzerInfo = analyzer.GetAnalyzerInfo(empty_pb2.Empty(), timeout=30)
    assert info.name == "dual-stack"
    assert [
        (policy.name, policy.description, policy.enforcementLevel, policy.url)
        for policy in info.policies
    ] == [(rule.name, rule.demand, analyzer_pb2.MANDATORY, rule.url) for rule in DUAL_STACK]


def test_a_distribution_that_passes_everything_through_is_let_through(
    analyzer: Any, compliant: Make
) -> None:
    assert analyze(analyzer, compliant()) == []


def test_an_empty_distribution_violates_every_rule(
    analyzer: Any,
) -> None:
    found = [(d.policyName, d.enforcementLevel) for d in analyze(analyzer, {})]
    assert found == [(rule.name, analyzer_pb2.MANDATORY) for rule in DUAL_STACK]


def test_another_resource_is_let_through(analyzer: Any) -> None:
    assert analyze(analyzer, {}, "aws:route53/record:Record") == []


def test_a_violation_says_demand_place_found_wanted_and_fix(analyzer: Any, compliant: Make) -> None:
    (violation,) = analyze(analyzer, {**compliant(), "isIpv6Enabled": False})
    assert violation.message == (
        "A distribution must have IPv6 on.\n"
        "ipv6-enabled: isIpv6Enabled is false; it must be true. Set isIpv6Enabled to true."
    )


@pytest.mark.parametrize(
    ("change", "held"),
    [
        pytest.param(
            {"isIpv6Enabled": UNKNOWN_BOOLEAN_VALUE},
            [("ipv6-enabled", "isIpv6Enabled")],
            id="a boolean",
        ),
        pytest.param(
            {
                "isIpv6Enabled": {
                    SPECIAL_SIG_KEY: SPECIAL_SECRET_SIG,
                    "value": UNKNOWN_BOOLEAN_VALUE,
                }
            },
            [("ipv6-enabled", "isIpv6Enabled")],
            id="a secret",
        ),
        pytest.param(
            {"customErrorResponses": UNKNOWN_ARRAY_VALUE},
            [("error-caching-off", "customErrorResponses")],
            id="a list",
        ),
        pytest.param(
            {"defaultCacheBehavior": UNKNOWN_OBJECT_VALUE},
            [
                ("caching-off", "defaultCacheBehavior"),
                ("headers-forwarded", "defaultCacheBehavior"),
                ("cookies-forwarded", "defaultCacheBehavior"),
                ("query-strings-forwarded", "defaultCacheBehavior"),
                ("methods-allowed", "defaultCacheBehavior"),
            ],
            id="an object",
        ),
        pytest.param(
            {"orderedCacheBehaviors": [UNKNOWN_OBJECT_VALUE]},
            [
                ("caching-off", "orderedCacheBehaviors[0]"),
                ("headers-forwarded", "orderedCacheBehaviors[0]"),
                ("cookies-forwarded", "orderedCacheBehaviors[0]"),
                ("query-strings-forwarded", "orderedCacheBehaviors[0]"),
                ("methods-allowed", "orderedCacheBehaviors[0]"),
            ],
            id="an element of a list",
        ),
    ],
)
def test_what_is_not_known_yet_holds_the_deployment_at_mandatory_level(
    analyzer: Any,
    compliant: Make,
    change: dict[str, Any],
    held: list[tuple[str, str]],
) -> None:
    violations = analyze(analyzer, {**compliant(), **change})
    assert [v.policyName for v in violations] == [rule for rule, _ in held]
    for violation, (rule, path) in zip(violations, held, strict=True):
        assert violation.enforcementLevel == analyzer_pb2.MANDATORY
        assert f"{rule} cannot tell: {path} is not known before deployment" in violation.message


def test_an_unknown_leaf_names_its_own_path_and_no_other_rule_minds(
    analyzer: Any, compliant: Make
) -> None:
    properties = compliant()
    behavior = properties["defaultCacheBehavior"]
    assert isinstance(behavior, dict)
    behavior["cachePolicyId"] = UNKNOWN_STRING_VALUE
    (violation,) = analyze(analyzer, properties)
    assert violation.message == (
        "No cache behaviour may cache.\n"
        "caching-off cannot tell: defaultCacheBehavior.cachePolicyId is not known before "
        f'deployment; it must be "{CACHING_DISABLED}" (CachingDisabled). Set cachePolicyId to '
        f'"{CACHING_DISABLED}" (CachingDisabled) and leave forwardedValues and the TTLs out.'
    )
    assert violation.enforcementLevel == analyzer_pb2.MANDATORY


def test_what_the_provider_adds_for_itself_disturbs_no_rule(analyzer: Any, compliant: Make) -> None:
    secret = {SPECIAL_SIG_KEY: SPECIAL_SECRET_SIG, "value": "hunter2"}
    header = {"name": "x-origin-secret", "value": secret}
    origins = [{"domainName": UNKNOWN_STRING_VALUE, "originId": "api", "customHeaders": [header]}]
    properties = {**compliant(), "origins": origins, "webAclId": UNKNOWN_STRING_VALUE}
    assert analyze(analyzer, properties) == []
