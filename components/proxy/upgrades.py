"""When each proxy upgrades itself, and reboots where the upgrade wants it.

No two proxies of a pool may be away at once, so each has half an hour of the day for itself. Which
one depends on its own region and its number there, and on nothing else: a window that followed from
the place of a region in a list, or from a count, would move when another region is removed. A moved
window is changed user data, and DigitalOcean replaces a droplet whose user data changes.

So there is a table. Every region has a row of three windows, eight hours apart. A row is never
changed. A region that DigitalOcean opens gets one that is free: there is room for four.
"""

from collections.abc import Mapping
from typing import Final

HALF_HOURS: Final = 48
"""Windows in a day."""

MOST_NODES_PER_REGION: Final = 3
"""Proxies that a region may have."""

_BETWEEN_NODES: Final = HALF_HOURS // MOST_NODES_PER_REGION

FIRST_WINDOWS: Final[Mapping[str, int]] = {
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
"""Window of the first proxy of each region of DigitalOcean, in half hours since midnight UTC.

It is between two and five in the night there. All are different modulo 16, so that the rows, which
are that window and those 8 and 16 hours later, have none in common. Free are 3, 10, 12 and 13
modulo 16.

Not here are `ams2`, `nyc2` and `sfo1`, which are closed to accounts that have nothing in them yet.

Source: DigitalOcean, 'Regional Availability'; pulumi_digitalocean, `Region`, which lacks `atl1`.
"""

REGIONS: Final = tuple(FIRST_WINDOWS)
"""Regions that a proxy can be in."""


def upgrade_window(region: str, number: int) -> int:
    """Return the window of a proxy, in half hours since midnight UTC: 0 to 47.

    Args:
        region: Slug of its region, one of `REGIONS`.
        number: Its number in the region: 1 to 3.

    Raises:
        ValueError: The region or the number is another.
    """
    if region not in FIRST_WINDOWS or not 1 <= number <= MOST_NODES_PER_REGION:
        raise ValueError((region, number))
    return (FIRST_WINDOWS[region] + (number - 1) * _BETWEEN_NODES) % HALF_HOURS
