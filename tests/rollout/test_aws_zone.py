"""Which zone a name lies in, and when Route 53 takes an endpoint for healthy."""

import pytest

from rollout.aws_zone import AccountZone, Observed, zones_of

ZONES = [
    AccountZone("Z1", "example.com"),
    AccountZone("Z2", "api.example.com"),
    AccountZone("Z3", "example.com"),
    AccountZone("Z4", "ple.com"),
]


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("www.example.com", ["Z1", "Z3"]),
        ("api.example.com", ["Z2"]),
        ("v1.api.example.com", ["Z2"]),
        ("example.org", []),
    ],
)
def test_a_name_lies_in_the_zones_of_the_longest_name(name: str, ids: list[str]) -> None:
    assert [zone.id for zone in zones_of(name, ZONES)] == ids


@pytest.mark.parametrize(
    ("checkers", "healthy", "is_healthy"),
    [(0, 0, None), (50, 9, False), (50, 10, True), (8, 1, False), (8, 2, True)],
)
def test_more_than_eighteen_in_a_hundred_have_to_see_it(
    checkers: int, healthy: int, *, is_healthy: bool | None
) -> None:
    assert Observed(checkers, healthy, "").is_healthy is is_healthy
