"""Every cache behaviour must forward all cookies to the origin.

CloudFront removes cookies that no policy has it forward (an origin request policy, or the key of a
cache policy); with legacy settings it removes `Set-Cookie` from answers too. Sessions then end at
the edge: a caller who is logged in looks anonymous to the API.

Source: CloudFront Developer Guide, "Use managed origin request policies" and "Cache content based
on cookies".
"""

from policies.forwarding import forwarding_rule

RULE = forwarding_rule(
    "cookies-forwarded",
    __doc__,
    "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Cookies.html",
    "cookies",
    drops="removes cookies that the client sent",
    legacy=lambda values: values.get("cookies").get("forward").must_be("all", 'Set it to "all".'),
    legacy_repair=("cookies", {"forward": "all"}),
)
