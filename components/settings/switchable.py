"""Settings that do not go with a kill switch: with them, direct could not serve everybody."""

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from components.faults import shown
from components.settings.all_settings import Dns
from components.settings.fields import Remedy
from components.settings.wording import OTHER, Problem

if TYPE_CHECKING:
    from components.settings.kill_switch import KillSwitch
    from components.settings.proxies import Proxies


def unswitchable(used: Mapping[str, Any], masked: Collection[str]) -> Iterator[Problem]:
    """Say which settings keep a kill switch from leading everybody back to direct.

    Args:
        used: The values that can be used, by key.
        masked: The keys whose values are secret; no problem shows them.
    """
    switch: KillSwitch | None = used.get("killSwitch")
    if switch is None:
        return
    pool: Proxies | None = used.get("proxy")
    if pool and pool.when_all_fail == "cdn":
        yield Problem(
            ("proxy", "whenAllFail"),
            shown("cdn", masked="proxy" in masked),
            f"ipv4 where {OTHER} is set: while it drains cdn and all proxies fail, every AAAA "
            "record is unhealthy, which Route 53 takes for all healthy, and answers with both",
            Remedy(command="set", value="ipv4"),
            other=("killSwitch",),
        )
    if used.get("originLock"):
        yield Problem(
            ("killSwitch",),
            "set, and originLock is set too",
            "not set while the load balancer is locked: whom it leads back to direct would be "
            "refused there",
            Remedy(
                command="remove", lead="Remove originLock for as long as you need it, or it with"
            ),
        )
    dns: Dns = used.get("dns", Dns())
    if dns.records != "weighted":
        yield Problem(
            ("killSwitch",),
            f"set, and dns.records is {shown(dns.records, masked='dns' in masked)}",
            "not set until records are weighted: there is no other record to answer with",
            Remedy(
                command="remove",
                lead="Set it after dualstack adopt, and remove it with"
                if dns.records == "none"
                else "Remove it with",
            ),
        )
    names: tuple[str, ...] = used.get("hostnames", ())
    if switch.host in names:
        hidden = "killSwitch" in masked or "hostnames" in masked
        yield Problem(
            ("killSwitch", "url"),
            shown(switch.url, masked=hidden),
            f"of none of the hostnames, and {OTHER} is one: what the switch acts on must not "
            "decide about it",
            Remedy(command="set", lead="Name a place that does not depend on the edge, with"),
            other=("hostnames", names.index(switch.host)),
        )
