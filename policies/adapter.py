"""Rules as policies of the Pulumi SDK; nothing else in this package touches the SDK.

The SDK hands a policy its resource wrapped so that reading an unknown value raises. If that error
leaves the policy, the SDK turns even a mandatory policy into an advisory note, and the deployment
goes on: it fails open. So every value is read here, each unknown one is caught at its own leaf and
becomes `UNKNOWN`, and rules see plain values only. Any other error in a policy ends the whole
preview with a stack trace and hides what other rules found; here it becomes a violation.

Secrets come through as their plain values, because the SDK unwraps them before a policy runs. A
message shows at most the values that its rule reads.

The SDK decodes every resource anew for every policy, before any of this code runs. What is ours to
save is saved: a resource of another type is left alone before anything in it is read.

Source: the Python package pulumi-policy 1.21, `policy.py` (`Analyze`) and `proxy.py`.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, cast

from pulumi_policy import Policy, ReportViolation, ResourceValidationArgs, ResourceValidationPolicy
from pulumi_policy import Severity as SdkSeverity
from pulumi_policy.proxy import UnknownValueError

from policies.model import UNKNOWN, Place, Rule, Value

logger = logging.getLogger(__name__)


def policies_for(rules: Iterable[Rule]) -> list[Policy]:
    """Return one policy per rule, so that each keeps its own name, level and message.

    Args:
        rules: The rules of a pack, in the order in which they are to report.
    """
    return [
        ResourceValidationPolicy(
            name=rule.name,
            description=rule.demand,
            validate=partial(_validate, rule),
            severity=SdkSeverity(rule.severity),
            remediation_steps=rule.remedy,
            url=rule.url,
        )
        for rule in rules
    ]


def _validate(rule: Rule, args: ResourceValidationArgs, report: ReportViolation) -> None:
    if args.resource_type not in rule.resource_types:
        return
    try:
        for finding in rule.check(Place("", plain(args.props))):
            report(finding.message(rule.name), None)
    except Exception as error:
        logger.exception("rule %s stopped at %s", rule.name, args.urn)
        report(
            f"{rule.name} cannot tell: {args.name} is not judged to its end, because the rule "
            f"stopped with {type(error).__name__}: {error}; a rule must answer for any resource. "
            f"Report it with the stack trace in the log, as a fault of the policy pack.",
            None,
        )


def plain(value: Any) -> Value:
    """Return a value of the SDK as plain lists, dicts and scalars with `UNKNOWN` in its leaves.

    An asset or archive becomes the name of its type, for a message to show; no property that a rule
    reads takes one.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {key: _leaf(value, key) for key in cast("Mapping[str, Any]", value)}
    if isinstance(value, Sequence):
        return [_leaf(value, index) for index in range(len(cast("Sequence[Any]", value)))]
    return f"<{type(value).__name__}>"


def _leaf(container: Any, key: Any) -> Value:
    try:
        return plain(container[key])
    except UnknownValueError:
        return UNKNOWN
