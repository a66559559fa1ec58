"""No error response may be cached.

CloudFront caches errors for 10 seconds by default, and no exception for CachingDisabled is
documented; `no-store` from the origin stops it for few codes only. The key of a cached error is the
distribution's own name and the path, not the host that was asked for, so one caller's error is
served to every other caller of that path, also under another hostname of the same distribution.
Only an entry with `errorCachingMinTtl` 0 for each code that can be configured turns it off, which
is why an absent list is a violation. An entry without `errorCachingMinTtl` says nothing, so it is
one too.

Source: CloudFront Developer Guide, "Control how long CloudFront caches errors", "How CloudFront
processes HTTP 4xx and 5xx status codes from your origin" and "Create a custom error page for
specific HTTP status codes".
"""

from collections.abc import Iterator

from policies.cloudfront import DISTRIBUTION
from policies.model import Finding, Place, Repair, Rule, Value, show

CODES = (400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504)
"""The status codes for which CloudFront lets an error caching time be set."""

ALLOWED = "a list with errorCachingMinTtl 0 for every code that can be configured"
REMEDY = (
    f"List {', '.join(map(str, CODES))} in customErrorResponses, each with errorCachingMinTtl 0: "
    "where nothing is said CloudFront caches an error for 10 seconds."
)


def check(distribution: Place) -> Iterator[Finding]:
    """Yield a finding for entries that cache, and one for all the codes without an entry."""
    responses = distribution.get("customErrorResponses")
    if not isinstance(responses.value, list):
        yield responses.finding(ALLOWED, REMEDY)
        return
    listed: set[int] = set()
    unknown_codes = 0
    for response in responses.items():
        code = response.get("errorCode")
        unknown_codes += code.unknown
        listed.update(number for number in CODES if number == code.value)
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
        shown = f"a list without {', '.join(map(str, missing))}"
        yield responses.finding(ALLOWED, REMEDY, shown=shown)


def repair(distribution: Place) -> Iterator[Repair]:
    """Yield 0 for each entry that caches, and an entry for each code that has none.

    A list with an unknown code is not added to: the unknown one may be the one that is missing, and
    CloudFront refuses a code that is listed twice.
    """
    responses = distribution.get("customErrorResponses")
    if responses.unknown:
        return
    entries = responses.items() if isinstance(responses.value, list) else []
    codes = [entry.get("errorCode") for entry in entries]
    for index, entry in enumerate(entries):
        ttl = entry.get("errorCachingMinTtl")
        if isinstance(entry.value, dict) and not ttl.unknown and any(ttl.must_be(0, REMEDY)):
            yield Repair(("customErrorResponses", index, "errorCachingMinTtl"), 0)
    if any(code.unknown for code in codes):
        return
    given = {code.value for code in codes if isinstance(code.value, int | float)}
    missing = [code for code in CODES if code not in given]
    if not entries and responses.value != []:
        yield Repair(("customErrorResponses",), [])
    for index, code in enumerate(missing, start=len(entries)):
        added: Value = {"errorCode": code, "errorCachingMinTtl": 0}
        yield Repair(("customErrorResponses", index), added)


RULE = Rule(
    name="error-caching-off",
    text=__doc__,
    url="https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/custom-error-pages-expiration.html",
    severity="high",
    remedy=REMEDY,
    resource_types=DISTRIBUTION,
    check=check,
    repair=repair,
)
