"""The mistakes that the policy packs refuse, as lines that make the program commit them.

Each is deployed with the packs off, and `dualstack verify` has to find it from outside. A mistake
is that of one edge, so that a program can have an edge for each.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

_DISTRIBUTION: Final = """
import pulumi

def commit(args):
    if args.name != "{edge}-cdn-distribution":
        return None
    properties = dict(args.props)
    behaviour = dict(properties["defaultCacheBehavior"])
    {change}
    properties["defaultCacheBehavior"] = behaviour
    return pulumi.ResourceTransformResult(properties, args.opts)

pulumi.runtime.register_resource_transform(commit)
"""

_RECORD: Final = """
import pulumi

def commit(args):
    properties = dict(args.props)
    if not args.name.startswith("{edge}-dns-") or "setIdentifier" not in properties:
        return None
    {change}
    return pulumi.ResourceTransformResult(properties, args.opts)

pulumi.runtime.register_resource_transform(commit)
"""

_LEAVE_OUT: Final = """
from components.weighted_dns import WeightedDns

def leave_out(write, others):
    def record(self, record, *arguments, **more):
        if self._name == "{edge}-dns" and record[1:] == ("AAAA", "{path}"):
            return others[-1]
        others.append(write(self, record, *arguments, **more))
        return others[-1]
    return record

WeightedDns._record = leave_out(WeightedDns._record, [])
"""

_EDGE: Final = """
made = DualStackEdge(
    "{edge}",
    {{**stack.arguments(), "hostnames": ["{edge}.example.com"], "proxy": None, **{config}}},
)
names = {{
    "hostnames": "hostnames",
    "distributionId": "distribution_id",
    "distributionDomainName": "distribution_domain_name",
    "certificateArn": "certificate_arn",
    "proxyAddresses": "proxy_addresses",
    "traffic": "traffic",
    "records": "records",
}}
pulumi.export("{edge}", {{output: getattr(made, name) for output, name in names.items()}})
"""

CACHING_OPTIMIZED: Final = "658327ea-f89d-4fab-a63d-7e88639e58f6"
USER_AGENT_REFERER: Final = "acba4595-bd28-49b8-b9fe-13317c0390fa"
CORS_CUSTOM_ORIGIN: Final = "59781a5b-3903-41f3-afcb-af62929ccde1"
"""Managed policies. Source: CloudFront Developer Guide."""

HALF: Final = {"direct": 50, "cdn": 50}


@dataclass(frozen=True)
class Mistake:
    """One mistake."""

    rule: str
    """The rule of the packs that refuses it."""
    lines: str
    """Lines to put in front of the program, with the edge's name in braces."""
    named: str
    """What the evidence of `dualstack verify` has to name, in lower case."""
    check: str
    """The check, or how its name begins, whose evidence that has to be."""
    config: dict[str, Any] = field(default_factory=dict[str, Any])
    """Keys of the project's namespace that bring it to light."""

    @property
    def group(self) -> str:
        """The check of verify, or how the names of several begin, that this one's line is of."""
        if self.check.startswith("cache"):
            return self.check
        # The ways are looked at whatever runs.
        return {"answers": "opaque", "dns-": "dns", "ways": "dns"}.get(self.check, "echo")

    @property
    def program(self) -> str:
        """Lines to put in front of the program, for its own edge to commit it."""
        return self.before("edge")

    def before(self, edge: str) -> str:
        """Return lines to put in front of the program, for an edge to commit it."""
        return self.lines.replace("{edge}", edge)

    def after(self, edge: str) -> str:
        """Return lines to put behind the program, which make the edge and export what it has."""
        return _EDGE.format(edge=edge, config=self.config)

    def is_named(self, results: Iterable[Mapping[str, Any]]) -> bool:
        """Say whether a failure among the results of `dualstack verify --json` names it."""
        return any(
            result["verdict"] == "fail"
            and result["check"].startswith(self.check)
            and result.get("path") != "direct"
            and self.named in result["evidence"].lower()
            for result in results
        )


def _distribution(change: str) -> str:
    return _DISTRIBUTION.replace("{change}", change)


def _legacy(cookies: str, query_strings: bool, headers: str) -> str:
    """Return a change to the legacy settings, which can leave one thing out at a time."""
    return _distribution(
        'behaviour.pop("cachePolicyId"); behaviour.pop("originRequestPolicyId"); '
        "behaviour.update(minTtl=0, defaultTtl=0, maxTtl=0, forwardedValues={"
        f'"headers": {headers}, "queryString": {query_strings}, "cookies": {cookies}}})'
    )


MISTAKES: Final = {
    "IPv6 is off": Mistake(
        "ipv6-enabled",
        _distribution('properties["isIpv6Enabled"] = False'),
        "none came: ipv6 clients",
        "ways",
    ),
    "answers are cached": Mistake(
        "caching-off",
        _distribution(f'behaviour["cachePolicyId"] = "{CACHING_OPTIMIZED}"'),
        "was given the answer",
        "cache-answers",
    ),
    "errors are cached": Mistake(
        "error-caching-off",
        _distribution('properties["customErrorResponses"] = []'),
        "status=404",
        "cache-errors",
    ),
    "headers are dropped": Mistake(
        "headers-forwarded",
        _distribution(f'behaviour["originRequestPolicyId"] = "{USER_AGENT_REFERER}"'),
        "is answered 502",
        "headers-",
    ),
    "headers are dropped the old way": Mistake(
        "headers-forwarded",
        _legacy('{"forward": "all"}', query_strings=True, headers='["Host", "Authorization"]'),
        "accept is missing",
        "headers-",
    ),
    "cookies are dropped": Mistake(
        "cookies-forwarded",
        _legacy('{"forward": "none"}', query_strings=True, headers='["*"]'),
        "cookie",
        "cookies-",
    ),
    "query strings are dropped": Mistake(
        "query-strings-forwarded",
        _legacy('{"forward": "all"}', query_strings=False, headers='["*"]'),
        "target",
        "query-",
    ),
    "methods are refused": Mistake(
        "methods-allowed",
        _distribution('behaviour["allowedMethods"] = ["GET", "HEAD", "OPTIONS"]'),
        "403",
        "method-",
    ),
    "the edge asks for another page": Mistake(
        "origin-answers",
        _distribution('properties["defaultRootObject"] = "index.html"'),
        "index",
        "answers",
    ),
    "the edge answers for the origin": Mistake(
        "origin-answers",
        _distribution(
            'properties["customErrorResponses"] = [{"errorCode": code, "responseCode": 200, '
            '"responsePagePath": "/echo", "errorCachingMinTtl": 0} for code in (403, 404)]'
        ),
        "instead of 404",
        "status-",
    ),
    "only cdn has AAAA": Mistake(
        "families-paired", _LEAVE_OUT.replace("{path}", "direct"), "aaaa", "dns-"
    ),
    "only direct has AAAA": Mistake(
        "families-paired", _LEAVE_OUT.replace("{path}", "cdn"), "aaaa", "dns-", {"traffic": HALF}
    ),
    "the families' weights differ": Mistake(
        "families-paired",
        _RECORD.replace(
            "{change}",
            'if properties["type"] == "AAAA" and properties["setIdentifier"] == "cdn":\n'
            '        properties["weightedRoutingPolicies"] = [{"weight": 200}]',
        ),
        "aaaa",
        "dns-",
        {"traffic": HALF},
    ),
}
"""Mistakes by what they are."""

NOT_FROM_OUTSIDE: Final = {
    "alias-targets-valid": "Route 53 refuses such a record",
    "no-hardcoded-addresses": "an address is right until it changes",
    "not-judged": "it is about what no rule reads, and not about what is wrong with it",
    "weights-valid": "Route 53 refuses such a weight",
}
"""Mandatory rules whose mistakes are not to be seen from outside, and why."""
