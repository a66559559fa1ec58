"""Every cache behaviour must forward all request headers to the origin.

CloudFront drops the headers that no policy has it forward: `Authorization`, content negotiation,
tracing, whatever the API's clients send. `Host` is one of them: an origin that serves by name, and
the check of its certificate, need the name in the client's request. So AllViewerExceptHostHeader,
which replaces it with the origin's own name, does not do unless its id is accepted.

Source: CloudFront Developer Guide, "Use managed origin request policies" and "Cache content based
on request headers".
"""

from collections.abc import Iterator

from policies.cloudfront import ALL_VIEWER_EXCEPT_HOST_HEADER, forwards_all_headers
from policies.forwarding import ADVISE_ALL_VIEWER, forwarding_rule
from policies.model import Finding, Judgement, Place

KEEP_HOST = (
    f"{ADVISE_ALL_VIEWER}: this policy replaces the client's Host header with the origin's own "
    "name, which breaks an API that serves by name or builds links from it."
)


def _legacy(values: Place) -> Iterator[Finding]:
    answer = forwards_all_headers(values)
    if answer is not Judgement.PASS:
        certain = answer is Judgement.FAIL
        yield values.get("headers").finding('["*"]', 'Set it to ["*"].', certain=certain)


RULE = forwarding_rule(
    "headers-forwarded",
    __doc__,
    "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-origin-request-policies.html",
    "headers",
    drops="drops headers that the client sent",
    legacy=_legacy,
    legacy_repair=("headers", ["*"]),
    fixes={ALL_VIEWER_EXCEPT_HOST_HEADER: KEEP_HOST},
)
