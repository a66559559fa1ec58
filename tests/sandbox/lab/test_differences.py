"""What changed is told in a line for each thing."""

from dataclasses import replace
from typing import Any

import pytest

from sandbox.lab.deployed import Deployed, DeployedDistribution, DeployedLoadBalancer, DeployedZone
from sandbox.lab.differences import differences


def record(weight: int, **other: Any) -> dict[str, Any]:
    """Return the direct A record of the API."""
    return {
        "Name": "api.example.com.",
        "Type": "A",
        "SetIdentifier": "direct",
        "Weight": weight,
        **other,
    }


ZONE = DeployedZone("Z1", "example.com", (record(100),))
BALANCER = DeployedLoadBalancer("api.elb.amazonaws.com", "application", (), ())
DISTRIBUTION = DeployedDistribution("E1", "e1.cloudfront.net", {"Enabled": True, "List": [1, 2]})
DEPLOYED = Deployed(zones=(ZONE,), load_balancers=(BALANCER,), distributions=(DISTRIBUTION,))
MANY = (
    "distribution E1: config.Enabled True → nothing, config.a nothing → 0, config.b nothing → 0, "
    "config.c nothing → 0, and 3 more"
)


def test_nothing_changed_is_told_by_no_line() -> None:
    assert differences(DEPLOYED, DEPLOYED) == []


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        pytest.param(
            replace(DEPLOYED, zones=(replace(ZONE, records=(record(99),)),)),
            ["record api.example.com A direct: Weight 100 → 99"],
            id="a weight",
        ),
        pytest.param(
            replace(DEPLOYED, zones=(replace(ZONE, records=(record(100, TTL=60),)),)),
            ["record api.example.com A direct: TTL nothing → 60"],
            id="a value that was not there",
        ),
        pytest.param(
            replace(DEPLOYED, load_balancers=()),
            ["load balancer api.elb.amazonaws.com is gone"],
            id="something that is gone",
        ),
        pytest.param(
            replace(DEPLOYED, certificates={"arn": ("api.example.com",)}),
            ["certificate arn is new"],
            id="something new",
        ),
        pytest.param(
            replace(
                DEPLOYED,
                distributions=(replace(DISTRIBUTION, config={"Enabled": False, "List": [1, 3]}),),
            ),
            ["distribution E1: config.Enabled True → False, config.List[1] 2 → 3"],
            id="two values of one thing",
        ),
        pytest.param(
            replace(
                DEPLOYED,
                distributions=(
                    replace(DISTRIBUTION, config={"List": [1, 2], **dict.fromkeys("abcdef", 0)}),
                ),
            ),
            [MANY],
            id="more than anybody reads",
        ),
    ],
)
def test_a_change_is_told_with_what_it_was_and_is(after: Deployed, expected: list[str]) -> None:
    assert differences(DEPLOYED, after) == expected


def with_headers(*values: str) -> Deployed:
    """Return the distribution with headers that it adds to requests."""
    headers = [{"HeaderName": "X-Origin-Secret", "HeaderValue": value} for value in values]
    custom = {"Quantity": len(headers), **({"Items": headers} if headers else {})}
    config = {"Origins": {"Items": [{"CustomHeaders": custom}]}}
    return replace(DEPLOYED, distributions=(replace(DISTRIBUTION, config=config),))


@pytest.mark.parametrize(
    ("before", "after"), [(["hush1"], ["hush2"]), ([], ["hush1"]), (["hush1"], ["hush2", "hush3"])]
)
def test_what_lets_requests_into_the_origin_is_not_told(
    before: list[str], after: list[str]
) -> None:
    messages = differences(with_headers(*before), with_headers(*after))
    assert len(messages) == 1
    assert "***" in messages[0]
    assert "hush" not in messages[0]
