"""What a step changes: the weights of all names in both families, and nothing else."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from components.facts import FAMILIES, PATHS, Path
from components.faults import Fault
from rollout.faults import WrongUseError
from rollout.records.record_sets import Batch, Change, RecordSet

MOST_ELEMENTS: Final = 1_000
MOST_CHARACTERS: Final = 32_000
"""What one batch may hold: `ResourceRecord` elements, of which an alias counts as one, and
characters of their values; those of an UPSERT count twice. Source: Route 53 Developer Guide,
'Quotas', 'Maximums on ChangeResourceRecordSets'."""


@dataclass(frozen=True)
class Weights:
    """The pair of weights of a name, the same in both families."""

    direct: int
    cdn: int

    def of(self, path: str) -> int:
        """Return the weight of a path."""
        return self.direct if path == "direct" else self.cdn

    def __str__(self) -> str:
        """Return `direct 99, cdn 1`."""
        return f"direct {self.direct}, cdn {self.cdn}"


def weights_of(
    records: Iterable[RecordSet], hostnames: Sequence[str]
) -> Mapping[tuple[str, str], Weights]:
    """Return the weights that the zone has, by hostname and family.

    Args:
        records: The records of the hostnames.
        hostnames: Names of the API.

    Raises:
        WrongUseError: A name is not shared between `direct` and `cdn` in both families; with every
            fault.
    """
    members = _members(records, hostnames)
    return {
        (name, family): Weights(*(members[name, family, path].weight or 0 for path in PATHS))
        for name in hostnames
        for family in FAMILIES
    }


def move(
    records: Iterable[RecordSet],
    hostnames: Sequence[str],
    weights: Weights,
    *,
    always: bool,
) -> Batch:
    """Return the one batch that gives all names the same weights in both families.

    Nothing but the weights changes. Records that have theirs already are left out.

    Args:
        records: The records of the hostnames, as they were read.
        hostnames: Names of the API.
        weights: What they get.
        always: Whether it acts whatever stands there by now (UPSERT, to go back), or only if all
            records that it changes are as they were read (DELETE and CREATE, to go forward).

    Raises:
        WrongUseError: A name is not shared between `direct` and `cdn` in both families, or there
            are too many names for one batch; with every fault.
    """
    members = _members(records, hostnames)
    pairs = [
        (record, record.weighing(weights.of(path)))
        for (_, _, path), record in members.items()
        if record.weight != weights.of(path)
    ]
    before, after = (tuple(records) for records in zip(*pairs, strict=True)) if pairs else ((), ())
    if always:
        changes = [Change("UPSERT", record) for record in after]
    else:
        changes = [
            *(Change("DELETE", record) for record in before),
            *(Change("CREATE", record) for record in after),
        ]
    batch = Batch(tuple(changes), before, after)
    if faults := list(too_large(batch)):
        raise WrongUseError(faults)
    return batch


def too_large(batch: Batch) -> Iterator[Fault]:
    """Say what Route 53 does not take of a batch because of its size."""
    for what, size, most in (
        ("records", batch.elements, MOST_ELEMENTS),
        ("characters", batch.characters, MOST_CHARACTERS),
    ):
        if size > most:
            yield Fault(
                f"The batch of {len(batch.before)} records",
                f"{size} {what} as Route 53 counts them",
                f"one batch takes {most}, and a part of a step is no step",
                "Name fewer hostnames at a time with --hostname.",
            )


_SEE: Final = "See them with: aws route53 list-resource-record-sets --hosted-zone-id ZONE"


def _members(
    records: Iterable[RecordSet], hostnames: Sequence[str]
) -> Mapping[tuple[str, str, Path], RecordSet]:
    """Return the weighted records by name, family and path.

    Raises:
        WrongUseError: One is missing, or there are others; with every fault.
    """
    records, members, faults = (
        list(records),
        dict[tuple[str, str, Path], RecordSet](),
        list[Fault](),
    )
    for name in hostnames:
        for family in FAMILIES:
            group = [each for each in records if (each.name, each.type) == (name, family)]
            by_path = {each.set_identifier: each for each in group}
            if set(by_path) != set(PATHS) or any(each.weight is None for each in group):
                faults.append(_no_pair(name, family, group))
                continue
            members.update({(name, family, path): by_path[path] for path in PATHS})
    if faults:
        raise WrongUseError(faults)
    return members


def _no_pair(name: str, family: str, group: Sequence[RecordSet]) -> Fault:
    kinds = [f"{each.routing} {each.set_identifier}".rstrip() for each in group]
    return Fault(
        f"{family} of {name}",
        ", ".join(sorted(kinds)) or "not in the zone",
        "it has to be two weighted records, with the set identifiers direct and cdn",
        f"Put that right, or name the other hostnames alone, by --zone and --hostname. {_SEE}",
    )
