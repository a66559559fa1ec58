"""Proxies that leave while a kill switch may lead IPv6 clients back to them."""

from collections.abc import Iterator

from components.faults import Fault
from components.last_deployment import LastDeployment
from components.settings import NAMESPACE, Settings


def promised_ipv6(settings: Settings, last: LastDeployment) -> Iterator[Fault]:
    """Say that direct could not serve all whom the switch leads back any more.

    Clients that have nothing but IPv6 reached the old path by its proxies. Without them AAAA of
    `direct` is answered empty. Who never had proxies has not promised these clients anything there.

    Args:
        settings: The settings.
        last: What the state has.
    """
    proxies = last.outputs.get("proxyAddresses")
    if settings.kill_switch and settings.proxy is None and proxies:
        yield Fault(
            f"{NAMESPACE}:proxy",
            f"not set, while killSwitch is set and the last deployment had {len(proxies)} proxies",
            "set for as long as the switch may lead clients without IPv4 back to direct, whose "
            "AAAA records would be answered empty",
            "Remove killSwitch in the same deployment; set it again afterwards if these clients "
            "may do without the API while cdn is drained.",
        )
