"""Hostnames that the settings no longer have, while answers still lead to the distribution.

**Why that takes two deployments.** The engine deletes what a program no longer registers, and only
after everything else. So in one deployment the distribution would drop a name first, which takes
CloudFront minutes, and the name's records would go afterwards: until then, and for as long as
resolvers keep the answer, its share of `cdn` gets 403. Where `protect` refuses the deletion, it
would get that for good.

**What is done.** A name leaves while the zone has a record of it that leads to the distribution, or
to the proxies, whose group has the name of the first hostname.
As long as it does, no record of it is declared, which deletes them, and the distribution and the
certificate keep the name. The next deployment sees no such record, and both drop it. A deployment
that ended in the middle, or was refused, leaves the name in that same state.

Only names that the distribution has in the state count. A record that somebody else points at the
distribution says nothing about what is ours.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

from components.facts import PROXY_LABEL
from components.faults import Fault
from components.last_deployment import LastDeployment
from components.lookups.records import ZoneRecord
from components.settings import NAMESPACE, Settings

_LATER: Final = (
    "Set it as it was and run pulumi up, which deletes the records of the hostname; then change it"
)


def leaving_names(
    hostnames: Collection[str], records: Iterable[ZoneRecord], last: LastDeployment
) -> tuple[str, ...]:
    """Return the names that the distribution has to keep although the settings do not have them.

    With simple records a name may lead to the proxies alone; their group must not be renamed, nor
    go, at the same time as the record that leads there.

    Args:
        hostnames: The names of the settings.
        records: The records of those names and of the distribution's.
        last: What the state has.
    """
    target = last.distribution_domain_name.lower()
    led_there = {
        record.name
        for record in records
        if record.alias_of.lower() == target != ""
        or (record.type == "AAAA" and led_to_proxies(record))
    }
    return tuple(name for name in last.aliases if name in led_there and name not in hostnames)


def cannot_leave(
    settings: Settings, leaving: Sequence[str], records: Iterable[ZoneRecord]
) -> Iterator[Fault]:
    """Say what the settings change too early, while names leave.

    Args:
        settings: The settings.
        leaving: The names that leave.
        records: Their records, among others.
    """
    quota = settings.distribution.names_quota(own_certificate=settings.certificate_arn is not None)
    if leaving and len(settings.hostnames) + len(leaving) > quota:
        yield Fault(
            f"{NAMESPACE}:hostnames",
            f"a list of {len(settings.hostnames)} names, beside {len(leaving)} that leave "
            f"({', '.join(leaving)})",
            f"at most {quota} together, which the account may have on one "
            "certificate or distribution: a name that leaves stays there until nobody is led there",
            "Remove names first and deploy; add the new ones after another pulumi up.",
        )
    if settings.proxy is None:
        yield from _led_to_no_proxies(settings, leaving, records)


def _led_to_no_proxies(
    settings: Settings, leaving: Sequence[str], records: Iterable[ZoneRecord]
) -> Iterator[Fault]:
    """Say which answers go on leading to proxies that are going to be deleted."""
    led = {record.name for record in records if record.type == "AAAA" and led_to_proxies(record)}
    by_proxies = sorted(led & set(leaving))
    if by_proxies:
        yield Fault(
            f"{NAMESPACE}:proxy",
            f"not set, while answers of {', '.join(by_proxies)} lead to the proxies",
            "set until the records of a hostname that leaves are gone: they go at the end of a "
            "deployment, at the same time as the addresses in them",
            _LATER,
        )
    # Records of the settings' names are led to the load balancer first, where they are the stack's.
    others = sorted(led & set(settings.hostnames)) if settings.dns.records == "none" else []
    if others:
        yield Fault(
            f"{NAMESPACE}:proxy",
            f"not set, while answers of {', '.join(others)} lead to the proxies",
            "set while records that are not the stack's lead there, as dns.records none says",
            "If dualstack adopt was interrupted, run it again; then change it",
        )


def led_to_proxies(record: ZoneRecord) -> bool:
    """Say whether a record is an alias of a group of proxies."""
    return record.alias_of.startswith(f"{PROXY_LABEL}.")
