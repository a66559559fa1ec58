"""The records of the zone that say where users of the hostnames are led."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import pulumi
import pulumi_aws as aws

from components.facts import PROXY_LABEL
from components.faults import Fault
from components.last_deployment import RecordId
from components.lookups.answers import OriginError


@dataclass(frozen=True)
class ZoneRecord:
    """A record of the zone, as far as it tells where users are led."""

    name: str
    """Its name, without the final dot."""
    type: str
    """Its type: `AAAA`."""
    set_identifier: str
    """Which one of its group it is, empty for a simple record."""
    weight: int
    """Its weight; 0 also where it has none."""
    ttl_seconds: int
    """How long its answers live; 0 for an alias."""
    alias_of: str
    """Name that it is an alias of, without the final dot; empty where it holds values."""
    alias_zone_id: str = ""
    """Hosted zone of that name; empty as above."""

    @property
    def id(self) -> RecordId:
        """What tells it from the others."""
        return RecordId(self.name, self.type, self.set_identifier)


class ListedRecords(NamedTuple):
    """Records of a zone."""

    of_edge: tuple[ZoneRecord, ...]
    """Those of the hostnames, and of all groups of proxies."""
    around: tuple[ZoneRecord, ...]
    """Those that say whether a wildcard serves a hostname: what is below it, or below a name that
    it is below itself, and the wildcards."""


def zone_records(
    zone_id: str, zone: str, hostnames: Collection[str], options: pulumi.InvokeOptions
) -> ListedRecords:
    """Return the records of a zone that have to do with hostnames.

    Args:
        zone_id: The zone.
        zone: Its name.
        hostnames: The names of the edge, and those that the distribution still has.
        options: What the look-up is made with.

    Raises:
        OriginError: The zone cannot be listed.
    """
    names = "|".join(re.escape(name) for name in sorted(hostnames))
    own = rf"{re.escape(PROXY_LABEL)}\..*|{names}"
    above = {each for name in hostnames for each in _ancestors(name, zone)} - {zone}
    branches = "|".join(re.escape(name) for name in sorted({*hostnames, *above}))
    wildcards = "|".join(re.escape(name) for name in sorted({zone, *above}))
    pattern = rf"^({own}|(.*\.)?({branches})|(\*|\\052)\.({wildcards}))\.?$"
    try:
        answer = aws.route53.get_records(zone_id=zone_id, name_regex=pattern, opts=options)
    except pulumi.RunError:
        raise  # not the provider's: the engine has gone away
    except Exception as error:
        fault = Fault(
            f"The records of zone {zone_id}",
            "a list that could not be read",
            "one that can: it says which names are taken, and which proxies are in answers "
            f"({error})",
            "See that the credentials allow route53:ListResourceRecordSets.",
        )
        raise OriginError(fault) from error
    listed = tuple(_zone_record(record) for record in answer.resource_record_sets)
    of_edge = re.compile(own)
    return ListedRecords(
        tuple(record for record in listed if of_edge.fullmatch(record.name)),
        tuple(record for record in listed if not of_edge.fullmatch(record.name)),
    )


def _ancestors(name: str, zone: str) -> Iterator[str]:
    """Yield the names above one, up to the zone's own."""
    while name != zone and name.endswith(f".{zone}"):
        name = name.partition(".")[2]
        yield name


def _zone_record(record: Any) -> ZoneRecord:
    """Return a record; what it lacks may be missing, None or empty, depending on the plugin."""
    alias = getattr(record, "alias_target", None)
    return ZoneRecord(
        name=record.name.removesuffix("."),
        type=record.type,
        set_identifier=record.set_identifier or "",
        weight=int(record.weight or 0),
        ttl_seconds=int(record.ttl or 0),
        alias_of=(getattr(alias, "dns_name", None) or "").removesuffix("."),
        alias_zone_id=getattr(alias, "hosted_zone_id", None) or "",
    )
