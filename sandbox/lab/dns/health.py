"""The health of Route 53's checks, as a function of their results."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

UNCHECKED_TYPES: Final = ("CLOUDWATCH_METRIC", "RECOVERY_CONTROL")
"""Types of checks that are always healthy here."""


class CheckersConfig(BaseModel):
    """Configuration of the checkers."""

    model_config = ConfigDict(frozen=True)

    checks: dict[str, dict[str, Any]]
    """`HealthCheckConfig` by id."""
    resolver: str
    """Address of the resolver that names are looked up with."""
    speed: float
    """How many times shorter intervals are than configured."""
    health: Path
    """The file that the health is written to."""


@dataclass(frozen=True)
class Streak:
    """How a check stands."""

    healthy: bool = True
    """Its status, before it is inverted."""
    against: int = 0
    """How many of the last results, in a row, spoke against that."""

    def after(self, passed: bool, threshold: int) -> "Streak":
        """Return how it stands after another result."""
        if passed == self.healthy:
            return Streak(self.healthy)
        if self.against + 1 >= threshold:
            return Streak(passed)
        return Streak(self.healthy, self.against + 1)


def statuses(
    checks: Mapping[str, Mapping[str, Any]], streaks: Mapping[str, Streak]
) -> dict[str, bool]:
    """Return the health of every check.

    Args:
        checks: Configurations by id.
        streaks: How those stand that have been checked.
    """
    health: dict[str, bool] = {}

    def healthy(check_id: str, within: frozenset[str]) -> bool:
        config = checks.get(check_id)
        if config is None or check_id in within:
            return True
        children: list[str] = config.get("ChildHealthChecks") or []
        if config.get("Disabled"):
            own = True
        elif config.get("Type") == "CALCULATED":
            passing = sum(healthy(child, within | {check_id}) for child in children)
            own = passing >= config.get("HealthThreshold", len(children))
        else:
            own = streaks.get(check_id, Streak()).healthy
        return own != bool(config.get("Inverted"))

    for check_id in sorted(checks):
        health[check_id] = healthy(check_id, frozenset())
    return health
