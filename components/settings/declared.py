"""Settings that do not go with the records that the stack declares (`dns.records`)."""

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from components.faults import shown
from components.settings.all_settings import Dns, OriginLock, Traffic
from components.settings.fields import Remedy
from components.settings.wording import OTHER, Problem

if TYPE_CHECKING:
    from components.settings.proxies import Proxies


def undeclarable(used: Mapping[str, Any], masked: Collection[str]) -> Iterator[Problem]:
    """Say which settings need other records than are declared.

    Args:
        used: The values that can be used, by key; `traffic` is among them where it was set.
        masked: The keys whose values are secret; no problem shows them.
    """
    match used:
        case {"dns": Dns(records="simple")}:
            yield from _simple(used, masked)
        case {"dns": Dns(records="none"), "originLock": OriginLock()}:
            yield Problem(
                ("originLock",),
                f"set, and dns.records is {shown('none', masked='dns' in masked)}",
                "not set until the records of the hostnames are the stack's: it does not know who "
                "is on the old path, whose users bring no secret and would be shut out",
                Remedy(
                    command="remove",
                    lead="Run dualstack adopt and move all traffic first, or remove it with",
                ),
            )
        case _:
            pass


def _simple(used: Mapping[str, Any], masked: Collection[str]) -> Iterator[Problem]:
    traffic: Traffic = used.get("traffic", Traffic(direct=100, cdn=0))
    value = shown("simple", masked="dns" in masked)
    if traffic.whole_path is None:
        pair = f"{traffic.direct} and {traffic.cdn}"
        yield Problem(
            ("dns", "records"),
            f"{value}, and traffic is {'[secret]' if 'traffic' in masked else pair}",
            "weighted while both paths have weight: a simple record leads everybody to one path",
            Remedy(
                command="set",
                lead="Set traffic to 100 and 0, or 0 and 100, first, or set it with",
                value="weighted",
            ),
        )
    pool: Proxies | None = used.get("proxy")
    if pool and pool.when_all_fail == "cdn" and traffic.whole_path == "direct":
        yield Problem(
            ("proxy", "whenAllFail"),
            shown("cdn", masked="proxy" in masked),
            f"ipv4 where {OTHER} is {value} and leads everybody to direct: no record leads to cdn",
            Remedy(command="set", value="ipv4"),
            other=("dns", "records"),
        )
