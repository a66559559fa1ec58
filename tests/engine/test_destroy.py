"""What `pulumi destroy` does to the users of each path, as docs/paths.md says."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from support.engine import control, weights, zone_records
from support.waiting import repeated

if TYPE_CHECKING:
    from types_boto3_cloudfront import CloudFrontClient
    from types_boto3_route53 import Route53Client

    from sandbox.clouds import background
    from support.engine import Stack

GUIDE: Final = Path(__file__).resolve().parents[2] / "docs" / "paths.md"


def enabled(cloudfront: "CloudFrontClient") -> bool:
    """Say whether there is a distribution that serves."""
    summaries = cloudfront.list_distributions()["DistributionList"].get("Items", [])
    return any(summary["Enabled"] for summary in summaries)


def test_everybody_is_led_to_direct_before_the_distribution_stops_and_direct_can_stay(
    deployed: "Stack",
    account: "background.Cloud",
    route53: "Route53Client",
    cloudfront: "CloudFrontClient",
) -> None:
    deployed.configure(traffic={"direct": 0, "cdn": 100})
    deployed.up().must()
    control(account, "PUT", "settings", {"deploy_seconds": 2})
    (excluded,) = re.findall(r"pulumi destroy --exclude '(.*)'", GUIDE.read_text())
    moments: list[tuple[bool, bool]] = []

    def look() -> None:
        records = [record.get("SetIdentifier") for record in zone_records(route53)]
        moments.append(("cdn" in records, enabled(cloudfront)))

    with repeated(look):
        deployed.pulumi("destroy", "--yes", "--skip-preview", "--exclude", excluded).must()
    assert (True, False) not in moments
    assert (False, True) in moments
    assert cloudfront.list_distributions()["DistributionList"].get("Items", []) == []
    assert weights(route53) == {
        (name, family, "direct"): 0
        for name in ("api.example.com", "api2.example.com")
        for family in ("A", "AAAA")
    }
    deployed.pulumi("destroy", "--yes", "--skip-preview").must()
    assert weights(route53) == {}
