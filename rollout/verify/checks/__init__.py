"""All checks, in the order in which the report shows them."""

from typing import Final

from rollout.probe.model import Check
from rollout.verify.checks import cache, dns, echo, hazards, reach

CHECKS: Final[tuple[Check, ...]] = (
    *dns.CHECKS,
    *reach.CHECKS,
    *echo.CHECKS,
    *cache.CHECKS,
    *hazards.CHECKS,
)
"""The checks of every module; that of the user's own requests is made from them."""
