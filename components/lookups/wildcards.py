r"""Hostnames that a wildcard of the zone serves, and that would lose their answers to a deployment.

A wildcard answers only for names that do not exist, and by RFC 4592 a name exists as soon as it
has a record of any type, or any name below it has one. A validation record is below its hostname,
and so is the group of the proxies: once either is there, the hostname is an empty non-terminal. It
is answered without a record, and resolvers keep that for up to 900 seconds. With `dns.records`
other than `none` the records of the hostname itself do it: each is made by itself, and the first
hides the wildcard from the other family. So such a name gets records of its own first, all of them
in one batch.

Source: RFC 4592 sections 2.2 and 3.3.1; Route 53 Developer Guide, 'Using an asterisk (*) in the
names of hosted zones and records'.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import Final

from components.facts import PROXY_LABEL
from components.faults import Fault
from components.lookups.records import ZoneRecord
from components.settings import NAMESPACE, Settings

_SERVES: Final = frozenset({"A", "AAAA", "CNAME"})
_ESCAPED: Final = r"\052"


def served_by_wildcards(
    zone_id: str, settings: Settings, records: Iterable[ZoneRecord]
) -> Iterator[Fault]:
    """Say which hostnames are served by a wildcard that this deployment would hide from them.

    Args:
        zone_id: The zone.
        settings: The settings.
        records: The records of the hostnames, of what is below and above them, and the wildcards.
    """
    types: dict[str, set[str]] = {}
    for record in records:
        types.setdefault(record.name.lower().replace(_ESCAPED, "*"), set()).add(record.type)
    for index, hostname in enumerate(settings.hostnames):
        hiding = _hiding(settings, hostname, first=index == 0)
        wildcard = _wildcard(hostname, settings.zone, types)
        if hiding and _SERVES & types.get(wildcard, set()):
            yield Fault(
                f"{NAMESPACE}:hostnames[{index}]",
                f'"{hostname}", which {wildcard} serves',
                "a name with records of its own: this deployment makes "
                f"{hiding}, which hides the wildcard from it (RFC 4592), so that it has no answer",
                f"Give it a copy of the wildcard's records first, in one batch:\n"
                f"    {_copying(zone_id, wildcard, hostname)}",
            )


def _hiding(settings: Settings, hostname: str, *, first: bool) -> str:
    """Return what a deployment makes at or below a hostname; empty: nothing."""
    if settings.certificate_arn is None:
        return f"a validation record below {hostname}"
    if first and settings.proxy is not None:
        return f"{PROXY_LABEL}.{hostname}"
    return "" if settings.dns.records == "none" else "its records one after the other"


def _wildcard(hostname: str, zone: str, names: Collection[str]) -> str:
    """Return the wildcard that serves a name; empty where none does, or the name exists."""
    if _exists(hostname, names):
        return ""
    above = hostname
    while above != zone:
        above = above.partition(".")[2]
        if f"*.{above}" in names:
            return f"*.{above}"
        if not above or _exists(above, names):
            return ""
    return ""


def _exists(name: str, names: Collection[str]) -> bool:
    return any(each == name or each.endswith(f".{name}") for each in names)


def _copying(zone_id: str, wildcard: str, hostname: str) -> str:
    """Return the command that gives a name all that a wildcard has."""
    escaped = wildcard.replace("*", _ESCAPED)
    return (
        f"aws route53 list-resource-record-sets --hosted-zone-id {zone_id} --query "
        f"\"{{Changes: ResourceRecordSets[?Name=='{escaped}.'].{{Action: 'CREATE', "
        f"ResourceRecordSet: merge(@, {{Name: '{hostname}.'}})}}}}\" > copy.json && "
        f"aws route53 change-resource-record-sets --hosted-zone-id {zone_id} "
        "--change-batch file://copy.json"
    )
