"""When proxies are upgraded: no two at once, whatever the pool, and each when it always was."""

from itertools import product

import pulumi_digitalocean as digitalocean
import pytest

from components.proxy.upgrades import (
    FIRST_WINDOWS,
    MOST_NODES_PER_REGION,
    REGIONS,
    upgrade_window,
)

CLOSED = {"ams2", "nyc2", "sfo1"}
"""Regions of DigitalOcean that nothing new can be made in."""


def test_no_two_proxies_of_any_pool_are_upgraded_in_the_same_half_hour() -> None:
    # Every pool is a part of the largest.
    largest = list(product(REGIONS, range(1, MOST_NODES_PER_REGION + 1)))
    windows = {upgrade_window(region, number) for region, number in largest}

    assert len(windows) == len(largest) == 36
    assert windows < set(range(48))


def test_windows_that_are_in_use_never_change() -> None:
    # A line is added for a region that opens, and never changed: that would replace its droplets.
    assert {region: upgrade_window(region, 1) for region in REGIONS} == {
        "ams3": 6,
        "atl1": 15,
        "blr1": 43,
        "fra1": 4,
        "lon1": 8,
        "nyc1": 14,
        "nyc3": 16,
        "sfo2": 21,
        "sfo3": 23,
        "sgp1": 41,
        "syd1": 33,
        "tor1": 18,
    }


def test_proxies_of_one_region_are_upgraded_eight_hours_apart() -> None:
    assert [upgrade_window("syd1", number) for number in (1, 2, 3)] == [33, 1, 17]


def test_every_region_that_is_open_has_a_row() -> None:
    assert {region.value for region in digitalocean.Region} - CLOSED <= FIRST_WINDOWS.keys()


@pytest.mark.parametrize(("region", "number"), [("nyc2", 1), ("fra1", 0), ("fra1", 4)])
def test_a_proxy_that_cannot_be_has_no_window(region: str, number: int) -> None:
    with pytest.raises(ValueError, match=region):
        upgrade_window(region, number)
