"""All checks, one file a family, in the order in which the report shows them.

A check imports no other check. What several share lies in `rollout.verify` or `rollout.probe`.
"""

from typing import Final

from rollout.verify.check import Check
from rollout.verify.checks import (
    cache,
    cache_collapsing,
    cache_errors,
    cache_opaque,
    dns,
    dns_dnssec,
    dns_shares,
    echo,
    framing,
    hazards,
    hazards_allow_lists,
    paths,
    ports,
    reach,
    reach_path_mtu,
    reach_race,
    reach_tls,
    sizes,
    slow,
)

CHECKS: Final[tuple[Check, ...]] = (
    *dns.CHECKS,
    *dns_shares.CHECKS,
    *dns_dnssec.CHECKS,
    *reach.CHECKS,
    *reach_race.CHECKS,
    *reach_path_mtu.CHECKS,
    *reach_tls.CHECKS,
    *ports.CHECKS,
    *echo.CHECKS,
    *framing.CHECKS,
    *slow.CHECKS,
    *sizes.CHECKS,
    *paths.CHECKS,
    *cache.CHECKS,
    *cache_errors.CHECKS,
    *cache_collapsing.CHECKS,
    *cache_opaque.CHECKS,
    *hazards.CHECKS,
    *hazards_allow_lists.CHECKS,
)
"""The checks of every module but `opaque`, which is made from the user's own requests."""
