"""Records of another kind than the settings declare, in the state or in the zone.

A hostname has weighted records or simple ones: Route 53 takes no two kinds of one name and type. So
when `dns.records` changes, the engine would fail to create the ones, or delete the others first and
leave the name without an answer. Exchanging them takes one batch for both, which no provider makes:
`dualstack adopt` and `dualstack release` do, and bring zone, setting and state to the same kind.
Until they are, this deployment stops before it changes anything.

Source: Route 53 API Reference, ChangeResourceRecordSets.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Literal, NamedTuple

import pulumi

from components import places
from components.facts import FAMILIES, PATHS, Declared
from components.faults import Fault, shown
from components.last_deployment import LastDeployment
from components.lookups.left_behind import missing
from components.lookups.records import ZoneRecord
from components.places import ResourcePlace
from components.settings import NAMESPACE, Settings

Kind = Literal["weighted", "simple"]

_KEY: Final = f"{NAMESPACE}:dns.records"
_DELETES: Final = "this deployment would delete records that serve"


class HostnameRecord(NamedTuple):
    """A traffic record that the state has."""

    hostname: str
    """Its name."""
    place: ResourcePlace
    """Where it is in the state."""


def state_records(
    kind: Kind, hostnames: Iterable[str], last: LastDeployment
) -> tuple[HostnameRecord, ...]:
    """Return the traffic records of a kind that the state has, also those of names that leave.

    Args:
        kind: Which ones.
        hostnames: The names of the settings.
        last: What the state has.
    """
    names = dict.fromkeys((*hostnames, *last.outputs.get("hostnames", ()), *last.aliases))
    every = (
        (
            HostnameRecord(name, places.traffic_record(last.edge, name, family, path))
            for name, family, path in itertools.product(names, FAMILIES, PATHS)
        )
        if kind == "weighted"
        else (
            HostnameRecord(name, places.simple_record(last.edge, name, family))
            for name, family in itertools.product(names, FAMILIES)
        )
    )
    return tuple(record for record in every if not missing(record.place, last))


def other_kind(
    settings: Settings, records: Sequence[ZoneRecord], last: LastDeployment
) -> Iterator[Fault]:
    """Say which records are of another kind than the settings declare, and what exchanges them.

    Where the zone alone has the other kind, and weights are declared, it is a warning: the records
    of other hostnames have to be changeable.

    Args:
        settings: The settings.
        records: The records of the zone.
        last: What the state has; where it could not be read, nobody can tell.
    """
    declared = settings.dns.records
    for kind, allowed, remedy in _OTHERS[declared] if last.readable else ():
        others = state_records(kind, settings.hostnames, last)
        if others:
            yield Fault(
                _KEY,
                f"{shown(declared)}, while the stack has {kind} records of {_names(others)}",
                allowed,
                remedy
                + (_forgotten(others, last) if declared == "none" and kind == "simple" else ""),
            )
    if last.readable and declared != "none":
        own = state_records(declared, settings.hostnames, last)
        beside = list(_beside(declared, own, records))
        if beside and declared == "simple":
            yield Fault(
                _KEY,
                f"{shown(declared)}, while the zone has weighted records of {', '.join(beside)}",
                "simple once the zone has simple ones alone: Route 53 takes none beside them",
                "If dualstack release was interrupted, or undone, run the same command again",
            )
        elif beside:
            pulumi.log.warn(
                f"The zone has simple records of {', '.join(beside)}, and the stack weighted ones. "
                "Route 53 refuses a change of their weights. If dualstack release was interrupted, "
                "or dualstack adopt undone, run the same command again."
            )


class OtherKind(NamedTuple):
    """A kind of records that may not be in the stack, for one value of the setting."""

    kind: Kind
    """The kind."""
    allowed: str
    """What the setting may be while they are."""
    remedy: str
    """What to do."""


_OTHERS: Final[Mapping[Declared, Sequence[OtherKind]]] = {
    "weighted": [
        OtherKind(
            "simple",
            f"simple until dualstack adopt has exchanged them: {_DELETES}, and Route 53 takes no "
            "weighted record beside a simple one",
            "If dualstack adopt was interrupted, run it again. Else set it as it was and let that "
            "command change it: "
            f"pulumi config set --path {_KEY} simple && dualstack adopt",
        )
    ],
    "simple": [
        OtherKind(
            "weighted",
            f"weighted until dualstack release has exchanged them: {_DELETES}, and Route 53 takes "
            "no simple record beside a weighted one",
            "If dualstack release was interrupted, run it again. Else set it as it was and let "
            "that command change it: "
            f"pulumi config set --path {_KEY} weighted && dualstack release",
        )
    ],
    "none": [
        OtherKind(
            "weighted",
            f"weighted while they are in it: {_DELETES}",
            "dualstack release makes simple records of them, and dualstack adopt --undo brings "
            "back what it replaced. Until then set it with: "
            f"pulumi config set --path {_KEY} weighted",
        ),
        OtherKind(
            "simple",
            f"simple while they are in it: {_DELETES}",
            f"Set it with: pulumi config set --path {_KEY} simple",
        ),
    ],
}
"""For each setting what may not be in the stack."""


def _forgotten(records: Sequence[HostnameRecord], last: LastDeployment) -> str:
    """Return how the stack lets go of simple records that stay in the zone.

    Weighted ones it does not let go of: they would be somebody else's, and nothing takes them over.
    """
    commands = (
        f"\n    pulumi state delete --force '{last.urns[record.place.type, record.place.name]}'"
        for record in records
    )
    return (
        "\n    Or leave them in the zone and out of the stack, after which none is right:"
        + "".join(commands)
    )


def _beside(
    declared: Kind, own: Iterable[HostnameRecord], records: Iterable[ZoneRecord]
) -> Iterator[str]:
    """Yield the hostnames that the zone has other records of than the stack."""
    others = {
        record.name
        for record in records
        if record.type in FAMILIES and bool(record.set_identifier) == (declared == "simple")
    }
    yield from dict.fromkeys(record.hostname for record in own if record.hostname in others)


def _names(records: Iterable[HostnameRecord]) -> str:
    return ", ".join(dict.fromkeys(record.hostname for record in records))
