"""Every cache behaviour must let all seven HTTP methods through.

CloudFront takes one of three sets: GET and HEAD; these and OPTIONS; or all seven. With one of the
smaller sets it answers POST, PUT, PATCH and DELETE with 403 itself, and the API never sees them.
Which methods are cached (`cachedMethods`) decides nothing where caching is off.

Source: CloudFront API Reference, "AllowedMethods".
"""

from collections.abc import Iterator

from policies.cloudfront import DISTRIBUTION, behaviors, each_behavior
from policies.model import UNKNOWN, Finding, Judgement, Place, Repair, Rule

METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
"""What CloudFront can let through; it takes them in capital letters, in any order."""

WANTED = f"exactly {', '.join(METHODS)}"
REMEDY = f"Set allowedMethods to all seven: {', '.join(METHODS)}."


def check(distribution: Place) -> Iterator[Finding]:
    """Yield a finding for each behaviour that stops a method or may stop one."""
    yield from each_behavior(distribution, _behavior)


def _behavior(behavior: Place) -> Iterator[Finding]:
    methods = behavior.get("allowedMethods")
    if not isinstance(methods.value, list):
        yield methods.finding(WANTED, REMEDY)
        return
    named = [method for method in methods.value if method is not UNKNOWN]
    unknown = len(methods.value) - len(named)
    missing = [method for method in METHODS if method not in named]
    if any(method not in METHODS for method in named) or len(missing) > unknown:
        yield methods.finding(WANTED, REMEDY)
    elif unknown:
        yield methods.finding(WANTED, REMEDY, certain=False)


def repair(distribution: Place) -> Iterator[Repair]:
    """Yield all seven methods for each list that certainly lacks one and has no unknown one."""
    for behavior, steps in behaviors(distribution):
        methods = behavior.get("allowedMethods")
        unknown = isinstance(methods.value, list) and UNKNOWN in methods.value
        if not unknown and any(finding.answer is Judgement.FAIL for finding in _behavior(behavior)):
            yield Repair((*steps, "allowedMethods"), list(METHODS))


RULE = Rule(
    name="methods-allowed",
    text=__doc__,
    url="https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_AllowedMethods.html",
    severity="high",
    remedy=REMEDY,
    resource_types=DISTRIBUTION,
    check=check,
    repair=repair,
)
