"""No error response may be cached.

CloudFront caches errors for 10 seconds by default, and no exception for CachingDisabled is
documented; `no-store` from the origin stops it for few codes only. The cache key of CachingDisabled
is the host and the path, so one caller's error is served to every other caller of that path. Only
an entry with `errorCachingMinTtl` 0 for each code that can be configured turns it off, which is why
an absent list is a violation. An entry without `errorCachingMinTtl` says nothing, so it is one too.

Source: CloudFront Developer Guide, "Control how long CloudFront caches errors", "How CloudFront
processes HTTP 4xx and 5xx status codes from your origin" and "Create a custom error page for
specific HTTP status codes".
"""

from collections.abc import Iterator

from policies.cloudfront import DISTRIBUTION
from policies.model import Finding, Place, Rule, show

CODES = (400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504)
"""The status codes for which CloudFront lets an error caching time be set."""

WANTED = "a list with errorCachingMinTtl 0 for every code that can be configured"
REMEDY = (
    f"List {', '.join(map(str, CODES))} in customErrorResponses, each with errorCachingMinTtl 0: "
    "where nothing is said CloudFront caches an error for 10 seconds."
)


def check(distribution: Place) -> Iterator[Finding]:
    """Yield a finding for entries that cache, and one for all the codes without an entry."""
    responses = distribution.get("customErrorResponses")
    if not isinstance(responses.value, list):
        yield responses.finding(WANTED, REMEDY)
        return
    listed: set[int] = set()
    unknown_codes = 0
    for response in responses.items():
        code = response.get("errorCode")
        unknown_codes += code.unknown
        listed.update(known for known in CODES if known == code.value)
        if not isinstance(response.value, dict):
            yield response.finding("an object with errorCode and errorCachingMinTtl", REMEDY)
            continue
        if code.unknown:
            yield code.finding("known", REMEDY)
        yield from response.get("errorCachingMinTtl").must_be(
            0, f"Set it to 0 for code {show(code.value)}; absent means 10 seconds."
        )
    missing = [code for code in CODES if code not in listed]
    # Each unknown entry may turn out to be one of the missing codes, and was reported above.
    if len(missing) > unknown_codes:
        found = f"a list without {', '.join(map(str, missing))}"
        yield responses.finding(WANTED, REMEDY, found=found)


RULE = Rule(
    name="error-caching-off",
    text=__doc__,
    url="https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/custom-error-pages-expiration.html",
    severity="high",
    remedy=REMEDY,
    resource_types=DISTRIBUTION,
    check=check,
)
