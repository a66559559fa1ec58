"""What a pack says of itself when the engine asks: its rules as policies, with their options."""

from typing import Any, Final

from pulumi.runtime.proto import analyzer_pb2

from policies.model import Level, Pack, RuleOptions, Severity
from policies.settings import UNKNOWNS, options_of, properties_of
from policies.verdict import OF_PACKS

VERSION: Final = "0.0.1"
"""Stands where `PulumiPolicy.yaml` says nothing, as the SDK's does."""

LEVELS: Final[dict[Level, Any]] = {
    "advisory": analyzer_pb2.ADVISORY,
    "mandatory": analyzer_pb2.MANDATORY,
    "remediate": analyzer_pb2.REMEDIATE,
    "disabled": analyzer_pb2.DISABLED,
}
LEVEL_NAMES: Final[dict[Any, Level]] = {number: name for name, number in LEVELS.items()}
SEVERITIES: Final[dict[Severity, Any]] = {
    "low": analyzer_pb2.POLICY_SEVERITY_LOW,
    "medium": analyzer_pb2.POLICY_SEVERITY_MEDIUM,
    "high": analyzer_pb2.POLICY_SEVERITY_HIGH,
    "critical": analyzer_pb2.POLICY_SEVERITY_CRITICAL,
}


def analyzer_info(pack: Pack) -> analyzer_pb2.AnalyzerInfo:
    """Describe a pack, each rule as a policy of its own."""
    level = LEVELS[pack.level]
    policies = [
        analyzer_pb2.PolicyInfo(
            name=rule.name,
            description=rule.demand,
            enforcementLevel=level,
            configSchema=_schema(rule.options),
            policy_type=analyzer_pb2.POLICY_TYPE_STACK
            if rule.stack
            else analyzer_pb2.POLICY_TYPE_RESOURCE,
            severity=SEVERITIES[rule.severity],
            remediation_steps=rule.remedy,
            url=rule.url,
        )
        for rule in pack.rules
    ]
    policies += [
        analyzer_pb2.PolicyInfo(
            name=name,
            description=text,
            enforcementLevel=level if name == UNKNOWNS else analyzer_pb2.ADVISORY,
            configSchema=_schema(options_of(pack)[name]),
            policy_type=analyzer_pb2.POLICY_TYPE_RESOURCE,
            remediation_steps=remedy,
        )
        for name, (text, remedy) in OF_PACKS.items()
    ]
    return analyzer_pb2.AnalyzerInfo(
        name=pack.name,
        version=VERSION,
        description=pack.summary,
        supportsConfig=True,
        policies=policies,
    )


def _schema(kind: type[RuleOptions]) -> analyzer_pb2.PolicyConfigSchema | None:
    """Return the types of a policy's options.

    The engine itself checks what is given here, in words of its own and one policy at a time. So it
    gets no more than a form needs; `Configure` checks the rest, and reports all of it.
    """
    properties = properties_of(kind)
    if not properties:
        return None
    kept = {"type", "description", "default"}
    schema = analyzer_pb2.PolicyConfigSchema()
    schema.properties.update(
        {
            name: {key: value for key, value in option.items() if key in kept}
            for name, option in properties.items()
        }
    )
    return schema
