"""What the health checks on the records of a distribution do by themselves.

Route 53 does not look at a distribution's health, so such a check looks at something else, and what
it looks at drains the distribution. One that is *inverted*, of an object that is not there, is a
switch: what cannot be reached moves nobody, and somebody has to put the object. One that is not
inverted drains it whenever its endpoint, or the way there, is out of order. One of an alarm comes
back by itself: what is drained has no data any more.

Both families have to have the same one. Two are two switches, and one may go off alone.

Nothing here stops a deployment: what is said are words about what may happen.

Source: Route 53 Developer Guide, "How Amazon Route 53 determines whether a health check is
healthy"; API Reference, "AliasTarget", EvaluateTargetHealth.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from policies.answers import Answer, Destination, members
from policies.model import Around, Finding, Place
from policies.records import Record
from policies.resolution import check_of

HEALTH_CHECK: Final = frozenset({"aws:route53/healthCheck:HealthCheck"})
OF_ALARMS: Final = "CLOUDWATCH_METRIC"
CALCULATED: Final = frozenset({"CALCULATED", "RECOVERY_CONTROL"})
"""Checks that look at nothing themselves: of others, and of a switch that AWS sells."""


def words_about(
    answers: Mapping[str, Answer], distribution: Destination
) -> Iterator[tuple[str, Finding]]:
    """Yield what may happen by the checks on a name's records, at the URN of a record.

    Args:
        answers: The tree of each kind of answer.
        distribution: Where the records lead.
    """
    checked = {kind: _checked(answer, distribution) for kind, answer in answers.items()}
    different = {frozenset(map(check_of, records)) for records in checked.values()}
    first = next((record for records in checked.values() for record in records), None)
    if first is None:
        return
    if len(different) > 1:
        place = first.place.get("healthCheckId")
        yield (
            first.urn,
            place.advice(
                "the same check in every family, or none",
                "Mind that one check may fail alone, and then the families go different ways.",
            ),
        )
        return
    by_check = {check_of(record): record for records in checked.values() for record in records}
    for record in by_check.values():
        for finding in _alone(record):
            yield record.urn, finding


def _checked(answer: Answer, distribution: Destination) -> Sequence[Record]:
    """Return the records with a check that lead to a distribution alone."""
    return [
        member.source
        for member in members(answer)
        if member.check is not None
        and member.destinations == frozenset({distribution})
        and isinstance(member.source, Record)
    ]


def _alone(record: Record) -> Iterator[Finding]:
    """Yield what a check does that is seen in the stack; of others nobody can tell."""
    check = _seen(record)
    if check is None:
        return
    kind = check.get("type")
    place = record.place.get("healthCheckId")
    if kind.value == OF_ALARMS:
        yield place.advice(
            "an inverted check of an object that is not there",
            "Mind that an alarm ends once the path that it watches has no data, so that everybody "
            "comes back, and goes again.",
            shown=f"a check of {check.around.resource.name}, an alarm",
        )
    elif (
        not kind.unknown
        and kind.value not in CALCULATED
        and not check.get("invertHealthcheck").unknown
        and check.get("invertHealthcheck").value is not True
    ):
        yield place.advice(
            "inverted, of an object that is not there",
            "Mind that everybody leaves the distribution while its endpoint cannot be reached.",
            shown=f"{check.around.resource.name}, which is not inverted",
        )


def _seen(record: Record) -> Place | None:
    """Return the health check of a record, if it is a resource of the stack."""
    check, stack = record.place.get("healthCheckId"), record.place.around.stack
    if check.unknown:
        sources = [source for source in check.dependencies() if source.type in HEALTH_CHECK]
        return Around(sources[0], stack).place() if len(sources) == 1 else None
    for resource in stack.of(HEALTH_CHECK):
        place = Around(resource, stack).place()
        arn = place.get("arn").value
        ids = (place.get("id").value, arn.rpartition("/")[2] if isinstance(arn, str) else None)
        if check.value in ids:
            return place
    return None
