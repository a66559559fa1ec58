"""The rules that read a distribution alone, as Checkov's own checks over CloudFormation."""

from collections.abc import Callable
from typing import Any

from checkov.cloudformation.checks.resource.base_resource_check import BaseResourceCheck
from checkov.common.models.enums import CheckCategories, CheckResult

CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
FORWARDS_ALL = {"216adef6-5c7f-47e4-b989-5492eafa07d3", "33f36d7e-f396-46d9-90e0-52428a34d9dc"}
METHODS = {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}
CODES = {400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504}
STRICT = {"TLSv1.2_2021", "TLSv1.2_2025", "TLSv1.3_2025"}


class DistributionCheck(BaseResourceCheck):
    """A check that passes a distribution's configuration or does not."""

    def __init__(self, number: int, name: str, passes: Callable[[dict[str, Any]], bool]) -> None:
        """Register itself, as every check of Checkov does."""
        self._passes = passes
        super().__init__(
            name=name,
            id=f"DUALSTACK_{number}",
            categories=[CheckCategories.NETWORKING],
            supported_resources=["AWS::CloudFront::Distribution"],
        )

    def scan_resource_conf(self, conf: dict[str, Any]) -> CheckResult:
        """Judge a resource."""
        config = conf["Properties"]["DistributionConfig"]
        return CheckResult.PASSED if self._passes(config) else CheckResult.FAILED


def behaviors(config: dict[str, Any]) -> list[dict[str, Any]]:
    """Return every behaviour."""
    return [config["DefaultCacheBehavior"], *config.get("CacheBehaviors", [])]


def errors_off(config: dict[str, Any]) -> bool:
    """Say whether no error is cached."""
    entries = config.get("CustomErrorResponses", [])
    return {e["ErrorCode"] for e in entries if e.get("ErrorCachingMinTTL") == 0} >= CODES


def forwards(config: dict[str, Any]) -> bool:
    """Say whether every behaviour forwards everything."""
    return all(b.get("OriginRequestPolicyId") in FORWARDS_ALL for b in behaviors(config))


RULES: list[tuple[str, Callable[[dict[str, Any]], bool]]] = [
    ("ipv6-enabled", lambda c: c.get("IPV6Enabled") is True),
    ("caching-off", lambda c: all(b["CachePolicyId"] == CACHING_DISABLED for b in behaviors(c))),
    ("error-caching-off", errors_off),
    ("headers-forwarded", forwards),
    ("cookies-forwarded", forwards),
    ("query-strings-forwarded", forwards),
    ("methods-allowed", lambda c: all(set(b["AllowedMethods"]) == METHODS for b in behaviors(c))),
    (
        "origin-answers",
        lambda c: (
            not c.get("DefaultRootObject")
            and all(b["ViewerProtocolPolicy"] != "redirect-to-https" for b in behaviors(c))
        ),
    ),
    ("viewer-tls", lambda c: c["ViewerCertificate"]["MinimumProtocolVersion"] in STRICT),
    (
        "origin-tls",
        lambda c: all(
            o["CustomOriginConfig"]["OriginProtocolPolicy"] == "https-only" for o in c["Origins"]
        ),
    ),
    ("origin-locked", lambda c: all(o.get("CustomHeaders") for o in c["Origins"])),
]

for number, (name, passes) in enumerate(RULES, start=1):
    DistributionCheck(number, name, passes)
