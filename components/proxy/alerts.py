"""What is short on a proxy, and is told of by e-mail."""

from typing import Final

ALERTS: Final = (
    ("cpu", "v1/insights/droplet/cpu", 80),
    ("memory", "v1/insights/droplet/memory_utilization_percent", 90),
    ("disk", "v1/insights/droplet/disk_utilization_percent", 80),
)
"""What is short when it is above so many percent for ten minutes.

Source: DigitalOcean API Reference, 'Create Alert Policy', `type`.
"""


def alert_description(pool: str, what: str, percent: int) -> str:
    """Return what an alert policy says, which is also what it is known by.

    Args:
        pool: What the pool is called in the account.
        what: What is short.
        percent: How much of it is used then.
    """
    return f"{pool}: {what} above {percent} %"
