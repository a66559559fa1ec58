"""Everybody back to the old path, with Route 53 alone.

No engine, no plugin, no backend, no lock and no DigitalOcean: one batch gives all records of all
hostnames and both families the weights 100 and 0, whatever they have by now, and waits until all
authorities answer by it. Only then the stack's file follows. Pulumi's state learns of it at the
next deployment from that file, which changes nothing else.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from components.facts import WHOLE_WEIGHT
from rollout.faults import WrongUseError
from rollout.records.weights import Weights, move, weights_of
from rollout.records.zone import UnclearError, Zone, find_zone, outside
from rollout.stack_file import StackFile, lines

BACK: Final = Weights(WHOLE_WEIGHT, 0)

COMMENT: Final = "dualstack shift abort --direct"
"""What Route 53 keeps with the change, for whoever looks at it in CloudTrail."""


@dataclass(frozen=True)
class Moved:
    """What is to be moved back."""

    hostnames: tuple[str, ...]
    """Names of the API."""
    zone: str
    """Id or name of their zone."""
    file: StackFile | None = None
    """The stack's file that says so; None: they were named by hand."""


class _Model(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class NameWeights(_Model):
    """The weights of a name in a family, before and after."""

    hostname: str
    family: str
    before: tuple[int, int]
    """Of direct and of cdn."""
    after: tuple[int, int]
    """The same, now."""


class AbortReport(_Model):
    """What `dualstack shift abort` did."""

    zone_id: str
    names: list[NameWeights]
    change_id: str | None = None
    """Of the batch; None: all weights were as they should be, and none was sent; or, where it is
    not told that all answer by it, the id is not known."""
    insync: bool = True
    """Whether all authorities of the zone answer by it."""
    file: str | None = None
    """The stack's file, if it was written or says so already."""
    commit: str | None = None
    """Lines that have to get into the stack's file by hand; None: none have to."""
    warnings: list[str]

    @property
    def exit_code(self) -> int:
        """0: everybody is led back; 3: it was taken, and it is not told that all answer by it."""
        return 0 if self.insync else 3


def abort_direct(
    moved: Moved,
    session: Any,
    watch: Callable[[str], None],
    *,
    zone_of: Callable[[Any, str], Zone] = Zone,
) -> AbortReport:
    """Lead everybody back to the old path.

    Args:
        moved: What is moved.
        session: A boto3 session.
        watch: Is called with a line for each thing that is done.
        zone_of: Returns the zone of an id.

    Raises:
        WrongUseError: The names are not what can be moved; nothing was changed.
        RecordsError: Route 53 refused; nothing was changed.
        UnclearError: Route 53 gave no answer, and it cannot be told what it did.
    """
    zone_id, zone_name = find_zone(session, moved.zone)
    if faults := list(outside(moved.hostnames, zone_name)):
        raise WrongUseError(faults)
    zone = zone_of(session, zone_id)
    records = zone.records(moved.hostnames)
    weights = weights_of(records, moved.hostnames)
    batch = move(records, moved.hostnames, BACK, always=True)
    report = AbortReport(
        zone_id=zone_id,
        names=[
            NameWeights(
                hostname=hostname,
                family=family,
                before=(before.direct, before.cdn),
                after=(BACK.direct, BACK.cdn),
            )
            for (hostname, family), before in weights.items()
        ],
        warnings=list(_warnings(moved)),
    )
    if batch.changes:
        watch(f"{len(batch.changes)} records of zone {zone_id} change in one batch …")
        report.change_id = zone.submit(batch, COMMENT) or None
        report.insync = _wait(zone, report.change_id, watch, report.warnings)
    _write(moved.file, report)
    return report


def _warnings(moved: Moved) -> Iterator[str]:
    if moved.file is not None and moved.file.is_locked:
        yield (
            "The stack's file has an originLock: the load balancer may refuse users of the old "
            "path. See that it takes requests without CloudFront's secret, and from any address."
        )


def _wait(
    zone: Zone, change_id: str | None, watch: Callable[[str], None], warnings: list[str]
) -> bool:
    if change_id is None:
        warnings.append(
            "The zone has these weights; the id of the change is not known, so it cannot be told "
            "whether all its name servers have them."
        )
        return False
    watch(f"Route 53 took it as {change_id}. All its name servers have to have it …")
    try:
        zone.wait(change_id)
    except UnclearError as error:
        warnings.append(f"{error}. See: aws route53 get-change --id {change_id}")
        return False
    return True


def _write(file: StackFile | None, report: AbortReport) -> None:
    """Have the stack's file say what the zone has, or tell what it should say."""
    if file is None:
        report.commit = lines(BACK)
        return
    try:
        if file.weights != BACK:
            file.write(file.with_weights(BACK))
        report.file = str(file.path)
    except (OSError, WrongUseError) as error:
        report.commit = lines(BACK)
        report.warnings.append(f"{file.path} still has the old weights: {error}")
