"""Which proxies a pool has, and what each is made of."""

from collections.abc import Sequence
from dataclasses import dataclass

from components.proxy.nginx import LoadBalancerKind, Proxy
from components.proxy.upgrades import upgrade_window
from components.proxy.user_data import user_data
from components.settings import Proxies


@dataclass(frozen=True)
class Node:
    """One proxy as it is going to be made."""

    id: str
    """Region and number in it: `fra1-1`."""
    region: str
    """Slug of its region."""
    user_data: str
    """What makes a proxy of a plain Debian."""
    leaving: bool = False
    """Whether it is no longer in the settings. It stays as it is, and gets no more answers."""


def node_ids(pool: Proxies) -> list[str]:
    """Return the ids of a pool's proxies: region and number, in the order of the settings."""
    return [
        f"{region}-{number}"
        for region in pool.regions
        for number in range(1, pool.nodes_per_region + 1)
    ]


def plan(
    pool: Proxies,
    load_balancer: str,
    kind: LoadBalancerKind | None,
    leaving: Sequence[str] = (),
) -> list[Node]:
    """Return the proxies of a pool.

    Each depends on its own region and its number there alone, and not on the order of the regions
    or on which others there are, so that a pool that grows or shrinks replaces nobody.

    Args:
        pool: The settings.
        load_balancer: DNS name of the load balancer.
        kind: Its kind, None where it is not known.
        leaving: Ids of proxies that are no longer in the settings and still there.

    Raises:
        ProxyError: The proxies cannot be rendered, or their user data is too large.
    """
    proxy = Proxy(
        load_balancer=load_balancer.lower(),
        kind=kind,
        ports=pool.ports,
        proxy_protocol=pool.proxy_protocol,
        connections=pool.connections,
        connections_per_client=pool.connections_per_client,
        warn_percent=pool.warn_percent,
        log_retention_days=pool.log_retention_days,
        log_megabytes=pool.log_megabytes,
        idle_timeout_seconds=pool.idle_timeout_seconds,
    )
    nodes: list[Node] = []
    for node in (*node_ids(pool), *leaving):
        region, _, number = node.partition("-")
        text = user_data(proxy, upgrade_window(region, int(number)))
        nodes.append(Node(node, region, text, leaving=node in leaving))
    return nodes
