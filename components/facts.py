"""Names and numbers that several modules need: of the edge's records, and of AWS.

Pure: nothing here knows Pulumi. The policies and the sandbox keep constants of their own, because
they judge what is made with these.
"""

import re
from collections.abc import Mapping
from typing import Final, Literal

# ---- the edge's records -------------------------------------------------------------------------

Path = Literal["direct", "cdn"]
"""A way to the API, and the set identifier of its records: `direct` is the old path, `cdn` the
new one, through CloudFront."""

PATHS: Final[tuple[Path, Path]] = ("direct", "cdn")

Family = Literal["A", "AAAA"]
"""The type of a record that holds addresses."""

FAMILIES: Final[tuple[Family, Family]] = ("A", "AAAA")
"""Both are needed, with the same members and weights: each is a weighted group of its own, and with
one AAAA record for the new path alone every IPv6 client would be on it, whatever the A weights."""

Declared = Literal["weighted", "none", "simple"]
"""Which records of the hostnames a stack declares: those of both paths, none, or those of the path
that has everybody."""

PROXY_LABEL: Final = "_proxy"
"""First label of the name of the proxies' group, before the first hostname."""

NO_PROXY: Final = "none"
"""Set identifier, in that group, of the record that is answered empty when all proxies fail."""

# ---- Route 53 -----------------------------------------------------------------------------------

ALIAS_TTL_SECONDS: Final = 60
"""How long the answers of aliases to load balancers and to CloudFront live.

Source: Route 53 Developer Guide, 'Choosing between alias and non-alias records'.
"""

NEGATIVE_TTL_SECONDS: Final = 900
"""How long an empty answer lives in a zone whose SOA record was not changed.

Source: Route 53 Developer Guide, 'The start of authority (SOA) record'.
"""

HEALTH_CHECKERS: Final = (
    *("2406:da14:7ff:f800::/53", "2406:da14:fff:f800::/53", "2406:da18:7ff:f800::/53"),
    *("2406:da18:fff:f800::/53", "2406:da1c:7ff:f800::/53", "2406:da1c:fff:f800::/53"),
    *("2600:1f14:7ff:f800::/53", "2600:1f14:fff:f800::/53", "2600:1f18:3fff:f800::/53"),
    *("2600:1f18:7fff:f800::/53", "2600:1f1c:7ff:f800::/53", "2600:1f1c:fff:f800::/53"),
    *("2600:1f1e:7ff:f800::/53", "2600:1f1e:fff:f800::/53", "2a05:d018:7ff:f800::/53"),
    *("2a05:d018:fff:f800::/53", "2400:6500:ff00::36fb:1f80/122"),
    *("2400:6500:ff00::36ff:fec0/122", "2400:6700:ff00::36f8:dc00/122"),
    *("2400:6700:ff00::36fa:fdc0/122", "2403:b300:ff00::36fc:4f80/122"),
    *("2403:b300:ff00::36fc:fec0/122", "2406:da00:ff00::36f3:1fc0/122"),
    *("2406:da00:ff00::6b17:ff00/122", "2620:107:300f::36b7:ff80/122"),
    *("2620:107:300f::36f1:2040/122", "2620:108:700f::36f4:34c0/122"),
    *("2620:108:700f::36f5:a800/122", "2804:800:ff00::36e8:2840/122"),
    *("2804:800:ff00::b147:cf80/122", "2a01:578:3::36e4:1000/122", "2a01:578:3::b022:9fc0/122"),
)
"""IPv6 networks that health checks come from.

A network that AWS adds is a checker that finds nobody, and an endpoint is healthy while more than
18 % of them reach it. So a list that has grown old raises no alarm.

Source: Amazon Route 53 FAQs, 'What are the IPv6 address ranges for Amazon Route 53's DNS servers
and health checkers?'; Developer Guide, 'How Route 53 determines whether a health check is healthy'.
"""

LARGEST_WEIGHT: Final = 255
"""Source: Route 53 API Reference, ResourceRecordSet, Weight."""

WHOLE_WEIGHT: Final = 100
"""What the weights of the two paths add up to.

Each record is a change of its own, and one path changes before the other. With a constant sum every
moment in between has a share between the old one and the new one, whatever the order. With sums
that differ it has not: from 1/9 to 10/90, which is the same share, cdn passes 9 of 19.
"""

# ---- the kill switch ----------------------------------------------------------------------------

SWITCH_WORDS: Final = "dualstack-edge: drain cdn"
"""What the kill switch's object begins with. Its health check looks for these words and not for a
status alone: 200 and 3xx are also what a page for unknown paths, a redirect to HTTPS and S3's own
redirect (307, while a new bucket's name spreads) answer, and each would drain cdn."""

SWITCH_INTERVAL_SECONDS: Final = 10
SWITCH_THRESHOLD: Final = 3
"""How often each health checker asks, and after how many answers in a row it changes its mind: half
a minute after the object came or went. The other interval, 30 seconds, costs less and takes a
minute longer, of an outage.

Source: Route 53 Developer Guide, 'Values that you specify when you create or update health checks'.
"""

S3_OBJECT: Final = re.compile(
    r"https?://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\.s3\.(dualstack\.)?"
    r"(?P<region>[a-z]{2}(-[a-z]+)+-[0-9])\.amazonaws\.com/(?P<key>.+)"
)
"""The address of an object at the S3 of one region.

Source: Amazon S3 User Guide, 'Virtual hosting of general purpose buckets'.
"""

ROUTE_53_REGION: Final = "us-east-1"
"""Where Route 53's control plane is, which a change of weights needs. Source: AWS Fault Isolation
Boundaries, 'Global services'."""

# ---- CloudFront ---------------------------------------------------------------------------------

CLOUDFRONT_REGION: Final = "us-east-1"
"""Region of certificates for CloudFront, of its metrics and of those of Route 53.

Source: CloudFront Developer Guide, 'Requirements for using SSL/TLS certificates with CloudFront'
and 'Monitor CloudFront metrics with CloudWatch'.
"""

CLOUDFRONT_ZONE_ID: Final = "Z2FDTNDATAQYW2"
"""Hosted zone of every distribution's name. Source: Route 53 API Reference, AliasTarget."""

CACHING_DISABLED: Final = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
"""Source: CloudFront Developer Guide, 'Use managed cache policies'."""

ORIGIN_REQUEST_POLICIES: Final[Mapping[str, str]] = {
    "AllViewer": "216adef6-5c7f-47e4-b989-5492eafa07d3",
    "AllViewerAndCloudFrontHeaders": "33f36d7e-f396-46d9-90e0-52428a34d9dc",
}
"""Managed policies that forward every header (Host too), cookie and query string, by name.

Source: CloudFront Developer Guide, 'Use managed origin request policies'.
"""

METHODS: Final = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
"""All methods CloudFront can pass on."""

ERROR_CODES: Final = (400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504)
"""Every code whose caching can be set.

CloudFront caches errors for ten seconds even under CachingDisabled, whose cache key is the
distribution's own name and the path: one user's 404 or 503 would be served to others, also under
another hostname. Only an entry here turns that off.

Source: CloudFront Developer Guide, 'How CloudFront processes HTTP 4xx and 5xx status codes from
your origin' and 'Control how long CloudFront caches errors'.
"""

ORIGIN_HEADER: Final = "X-Origin-Secret"
"""Header that a secret for the load balancer goes in. CloudFront replaces it where a viewer sends
one of the same name.

Source: CloudFront Developer Guide, 'Add custom headers to origin requests'.
"""

ORIGIN_FACING_PREFIX_LIST: Final = "com.amazonaws.global.cloudfront.origin-facing"
"""Managed prefix list of the IPv4 addresses that CloudFront connects to origins from.

Source: Amazon VPC User Guide, 'Available AWS-managed prefix lists'.
"""

PREFIX_LIST_WEIGHT: Final = 55
"""Rules that the prefix list counts as in a security group.

Source: CloudFront Developer Guide, 'Locations and IP address ranges of CloudFront edge servers'.
"""
