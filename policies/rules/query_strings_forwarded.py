"""Every cache behaviour must forward the whole query string to the origin.

CloudFront removes query parameters that no policy has it forward (an origin request policy, or the
key of a cache policy): a search, a filter or a page number never reaches the API, which answers as
if they had not been sent. Of legacy settings `queryString` alone decides; `queryStringCacheKeys`
narrows the cache key, not what is forwarded.

Source: CloudFront Developer Guide, "Use managed origin request policies"; CloudFront API Reference,
"ForwardedValues", QueryString.
"""

from policies.forwarding import forwarding_rule

RULE = forwarding_rule(
    "query-strings-forwarded",
    __doc__,
    "https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_ForwardedValues.html",
    "query strings",
    drops="removes query strings that the client sent",
    legacy=lambda values: values.get("queryString").must_be(True, "Set it to true."),
    legacy_repair=("queryString", True),
)
