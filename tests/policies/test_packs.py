"""The packs as the engine meets them: a process, a port, and what goes over the wire.

A pack runs as the Python language host runs it. The test stands in for the engine, which differs in
that it sends no provider, and no resource options but `protect`.
"""

import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
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

from policies.model import Pack, Value
from policies.rules import DUAL_STACK, HARDENING, PACKS
from support.waiting import PATIENCE_SECONDS

FOLDERS = {
    pack.name: Path(__file__).parents[2] / "policies" / pack.name.replace("-", "_")
    for pack in PACKS
}
DISTRIBUTION = "aws:cloudfront/distribution:Distribution"
Make = Callable[[], dict[str, Value]]


@contextmanager
def started(pack: Pack) -> Generator[Any]:
    """Start a pack, and end it afterwards.

    The stub is `Any`, because its type stubs name a module that does not exist.
    """
    folder = FOLDERS[pack.name]
    command = [sys.executable, "-u", "-m", "pulumi.policy", "127.0.0.1:1", str(folder)]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = process.stdout.readline().strip()
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                yield analyzer_pb2_grpc.AnalyzerStub(channel)
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def analyzer() -> Iterator[Any]:
    with started(DUAL_STACK) as stub:
        yield stub


def analyze(
    analyzer: Any, properties: dict[str, Any], resource_type: str = DISTRIBUTION
) -> list[analyzer_pb2.AnalyzeDiagnostic]:
    struct = struct_pb2.Struct()
    struct.update(properties)
    request = analyzer_pb2.AnalyzeRequest(
        type=resource_type,
        name="edge",
        urn=f"urn:pulumi:dev::p::{resource_type}::edge",
        properties=struct,
        options=analyzer_pb2.AnalyzerResourceOptions(protect=True),
    )
    response: analyzer_pb2.AnalyzeResponse = analyzer.Analyze(request, timeout=PATIENCE_SECONDS)
    return list(response.diagnostics)


@pytest.mark.parametrize("pack", [pytest.param(pack, id=pack.name) for pack in PACKS])
def test_a_pack_is_two_files(pack: Pack) -> None:
    files = sorted(path.name for path in FOLDERS[pack.name].iterdir() if path.suffix != ".pyc")
    assert [name for name in files if name != "__pycache__"] == ["PulumiPolicy.yaml", "__main__.py"]


@pytest.mark.parametrize(
    ("pack", "level"),
    [
        pytest.param(DUAL_STACK, analyzer_pb2.MANDATORY, id="mandatory"),
        pytest.param(HARDENING, analyzer_pb2.ADVISORY, id="advisory"),
    ],
)
def test_a_pack_has_each_rule_as_a_policy_of_its_own(pack: Pack, level: Any) -> None:
    with started(pack) as analyzer:
        info: analyzer_pb2.AnalyzerInfo = analyzer.GetAnalyzerInfo(
            empty_pb2.Empty(), timeout=PATIENCE_SECONDS
        )
    assert info.name == pack.name
    assert info.supportsConfig
    assert [
        (policy.name, policy.description, policy.enforcementLevel, policy.url)
        for policy in info.policies[:-2]
    ] == [(rule.name, rule.demand, level, rule.url) for rule in pack.rules]
    assert [(policy.name, policy.enforcementLevel) for policy in info.policies[-2:]] == [
        ("unknowns", level),
        ("exceptions", analyzer_pb2.ADVISORY),
    ]


def test_a_distribution_that_passes_everything_through_is_let_through(
    analyzer: Any, compliant: Make
) -> None:
    assert analyze(analyzer, compliant()) == []


def test_an_empty_distribution_violates_every_rule_that_reads_it_alone(analyzer: Any) -> None:
    violations = [(d.policyName, d.enforcementLevel) for d in analyze(analyzer, {})]
    assert violations == [
        (rule.name, analyzer_pb2.MANDATORY)
        for rule in DUAL_STACK.rules
        if DISTRIBUTION in rule.resource_types and not rule.stack
    ]


def test_another_resource_is_let_through(analyzer: Any) -> None:
    assert analyze(analyzer, {}, "aws:s3/bucket:Bucket") == []


def test_a_violation_says_demand_place_found_wanted_and_fix(analyzer: Any, compliant: Make) -> None:
    (violation,) = analyze(analyzer, {**compliant(), "isIpv6Enabled": False})
    assert violation.message == (
        "A distribution must have IPv6 on.\n"
        "ipv6-enabled: isIpv6Enabled is false; it must be true. Set isIpv6Enabled to true."
    )
    assert violation.severity == analyzer_pb2.POLICY_SEVERITY_HIGH


OF_BEHAVIORS = (
    "caching-off, headers-forwarded, cookies-forwarded, query-strings-forwarded, methods-allowed, "
    "origin-answers"
)


@pytest.mark.parametrize(
    ("change", "place", "rules"),
    [
        pytest.param(
            {"isIpv6Enabled": UNKNOWN_BOOLEAN_VALUE}, "isIpv6Enabled", "ipv6-enabled", id="boolean"
        ),
        pytest.param(
            {
                "isIpv6Enabled": {
                    SPECIAL_SIG_KEY: SPECIAL_SECRET_SIG,
                    "value": UNKNOWN_BOOLEAN_VALUE,
                }
            },
            "isIpv6Enabled",
            "ipv6-enabled",
            id="a secret",
        ),
        pytest.param(
            {"defaultCacheBehavior": UNKNOWN_OBJECT_VALUE},
            "defaultCacheBehavior",
            OF_BEHAVIORS,
            id="an object",
        ),
        pytest.param(
            {"orderedCacheBehaviors": UNKNOWN_ARRAY_VALUE},
            "orderedCacheBehaviors",
            OF_BEHAVIORS,
            id="a list",
        ),
        pytest.param(
            {"orderedCacheBehaviors": [UNKNOWN_OBJECT_VALUE]},
            "orderedCacheBehaviors[0]",
            OF_BEHAVIORS,
            id="an element of a list",
        ),
    ],
)
def test_what_is_not_known_yet_is_one_message_at_mandatory_level(
    analyzer: Any, compliant: Make, change: dict[str, Any], place: str, rules: str
) -> None:
    (violation,) = analyze(analyzer, {**compliant(), **change})
    assert (violation.policyName, violation.enforcementLevel) == (
        "unknowns",
        analyzer_pb2.MANDATORY,
    )
    assert "unknowns: edge cannot be judged in 1 place:" in violation.message
    assert (
        f"  {rules} cannot tell: {place} is not known before deployment; it must be "
        in violation.message
    )


def test_a_certain_violation_is_reported_beside_what_is_not_known(
    analyzer: Any, compliant: Make
) -> None:
    properties = compliant()
    behavior = properties["defaultCacheBehavior"]
    assert isinstance(behavior, dict)
    behavior["cachePolicyId"] = UNKNOWN_STRING_VALUE
    behavior["allowedMethods"] = ["GET", "HEAD"]
    violations = analyze(analyzer, properties)
    assert [violation.policyName for violation in violations] == ["methods-allowed", "unknowns"]
    assert "defaultCacheBehavior.cachePolicyId is not known" in violations[1].message


def test_what_the_provider_adds_for_itself_disturbs_no_rule(analyzer: Any, compliant: Make) -> None:
    secret = {SPECIAL_SIG_KEY: SPECIAL_SECRET_SIG, "value": "hunter2"}
    header = {"name": "x-origin-secret", "value": secret}
    origins = [{"domainName": UNKNOWN_STRING_VALUE, "originId": "api", "customHeaders": [header]}]
    properties = {**compliant(), "origins": origins, "webAclId": UNKNOWN_STRING_VALUE}
    assert analyze(analyzer, properties) == []
