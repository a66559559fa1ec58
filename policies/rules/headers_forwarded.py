"""Every cache behaviour must forward all request headers to the origin.

CloudFront drops the headers that it is not told to forward: `Authorization`, content negotiation,
tracing, whatever the API's clients send. `Host` is one of them: an origin that serves by name, and
the check of its certificate, need the name the client asked for. So AllViewerExceptHostHeader,
which replaces it with the origin's own name, does not do unless its id is accepted.

Source: CloudFront Developer Guide, "Use managed origin request policies" and "Cache content based
on request headers".
"""

from collections.abc import Iterator

from policies.cloudfront import (
    ADVISE_ALL_VIEWER,
    ALL_VIEWER_EXCEPT_HOST_HEADER,
    DISTRIBUTION,
    PolicyIds,
    each_behavior,
    forward_all,
    forwarding,
    forwards_all_headers,
)
from policies.model import Answer, Change, Finding, Place, Rule

REMEDY = f"{ADVISE_ALL_VIEWER}: without it CloudFront drops headers that the client sent."
KEEP_HOST = (
    f"{ADVISE_ALL_VIEWER}: this policy replaces the client's Host header with the origin's own "
    "name, which breaks an API that serves by name or builds links from it."
)


def check(distribution: Place) -> Iterator[Finding]:
    """Yield a finding for each behaviour that drops headers or may drop some."""
    yield from each_behavior(distribution, _behavior)


def _behavior(behavior: Place) -> Iterator[Finding]:
    policy = behavior.get("originRequestPolicyId").value
    fix = KEEP_HOST if policy == ALL_VIEWER_EXCEPT_HOST_HEADER else REMEDY
    yield from forwarding(behavior, "headers", _legacy, fix)


def _legacy(values: Place) -> Iterator[Finding]:
    answer = forwards_all_headers(values)
    if answer is not Answer.PASS:
        certain = answer is Answer.FAIL
        yield values.get("headers").finding('["*"]', 'Set it to ["*"].', certain=certain)


def repair(distribution: Place) -> Iterator[Change]:
    """Yield what makes each behaviour forward that certainly does not."""
    yield from forward_all(distribution, _behavior, ("headers", ["*"]))


RULE = Rule(
    name="headers-forwarded",
    text=__doc__,
    url="https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-origin-request-policies.html",
    severity="high",
    remedy=REMEDY,
    resource_types=DISTRIBUTION,
    check=check,
    options=PolicyIds,
    repair=repair,
)
