"""What `pulumi destroy` does to the users of each path, as docs/paths.md says."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from support.engine import Stack, weights
from support.moments import watched

if TYPE_CHECKING:
    from types_boto3_route53 import Route53Client

    from sandbox.clouds import background

GUIDE: Final = Path(__file__).resolve().parents[2] / "docs" / "paths.md"
NAMES: Final = ("api.example.com", "api2.example.com")


@pytest.mark.row("`pulumi destroy` at 100/0", "`pulumi destroy` at 50/50")
@pytest.mark.parametrize("fixture", ["deployed_whole", "half_on_cdn"])
def test_everybody_is_led_to_direct_before_the_distribution_stops_and_direct_goes_last(
    request: pytest.FixtureRequest,
    account: "background.Cloud",
    droplets: "background.Cloud",
    fixture: str,
) -> None:
    stack: Stack = request.getfixturevalue(fixture)
    with watched(stack, account, droplets) as seen:
        stack.pulumi("destroy", "--yes", "--skip-preview").must()
    assert seen.faults(()) == []
    assert seen.shares(NAMES[0])[-1] == (0, 0)
    assert seen.moments[-1].distributions == ()
    with_distribution = [each for each in seen.moments if each.distributions]
    assert all(each.members(f"{name}.", "A") for each in with_distribution for name in NAMES)


@pytest.mark.row("`pulumi destroy` at 0/100")
def test_direct_can_stay_when_everybody_was_on_the_distribution(
    deployed: Stack,
    account: "background.Cloud",
    droplets: "background.Cloud",
    route53: "Route53Client",
) -> None:
    deployed.configure(traffic={"direct": 0, "cdn": 100})
    deployed.up().must()
    (excluded,) = re.findall(r"pulumi destroy --exclude '(.*)'", GUIDE.read_text())
    with watched(deployed, account, droplets) as seen:
        deployed.pulumi("destroy", "--yes", "--skip-preview", "--exclude", excluded).must()
    assert seen.faults(NAMES) == []
    assert seen.shares(NAMES[0])[-1] == (0, 0)
    assert seen.moments[-1].distributions == ()
    assert weights(route53) == {
        (name, family, "direct"): 0 for name in NAMES for family in ("A", "AAAA")
    }
    deployed.pulumi("destroy", "--yes", "--skip-preview").must()
    assert weights(route53) == {}
