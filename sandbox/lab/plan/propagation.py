"""When the nodes of CloudFront have a change."""

from collections.abc import Sequence
from dataclasses import replace

from sandbox.lab.deployed import Deployed
from sandbox.lab.lab_settings import LabSettings


def edge_part(deployed: Deployed) -> tuple[object, ...]:
    """Return what takes time to reach the edge nodes: distributions and their policies."""
    return deployed.distributions, deployed.cache_policies, deployed.origin_request_policies


def edge_delays(settings: LabSettings) -> list[float]:
    """Return after how many seconds each edge node has a change, the last one's last."""
    count = settings.edge_nodes
    return [settings.propagation_seconds * number / count for number in range(1, count + 1)]


def edge_view(history: Sequence[tuple[float, Deployed]], moment: float, delay: float) -> Deployed:
    """Return what an edge node takes for deployed.

    Args:
        history: What was deployed since when, the oldest first; every node has that one.
        moment: The present, on the clock of the history.
        delay: Seconds until the node has a change.
    """
    arrived = [deployed for since, deployed in history[1:] if since + delay <= moment]
    return arrived[-1] if arrived else history[0][1]


def with_edge_part(deployed: Deployed, view: Deployed) -> Deployed:
    """Return what is deployed, with the distributions and policies that an edge node has."""
    return replace(
        deployed,
        distributions=view.distributions,
        cache_policies=view.cache_policies,
        origin_request_policies=view.origin_request_policies,
    )
