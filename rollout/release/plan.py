"""From weighted records to plain ones of the path that has everybody. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final, cast

from components.facts import FAMILIES, PATHS, WHOLE_WEIGHT, Path
from components.faults import Fault
from rollout.faults import WrongUseError
from rollout.handover.exchange import Declared, Exchange, exchanging, same_records
from rollout.handover.situation import Situation, protections
from rollout.records.record_sets import RecordSet
from rollout.records.weights import too_large

_TYPES: Final = (*FAMILIES, "CNAME")


def letting_go(situation: Situation) -> Exchange:
    """Return how the hostnames get plain records.

    Names that have them already are left as they are, so that a run which was killed goes on.

    Args:
        situation: The stack and the zone.

    Raises:
        WrongUseError: Users are on both paths, or the zone is not as the stack declares; with every
            fault.
    """
    weights = situation.weights
    path: Path | None = next((path for path in PATHS if weights.of(path) == WHOLE_WEIGHT), None)
    if path is None:
        raise WrongUseError(
            [
                Fault(
                    "dualstack-edge:traffic",
                    str(weights),
                    "all of it on one path: plain records cannot share a name",
                    "Shift everybody to one path, and let go then.",
                )
            ]
        )
    before: list[RecordSet] = []
    after: list[RecordSet] = []
    faults: list[Fault] = list(_nothing_to_let_go(situation))
    if path == "direct" and situation.targets.edge.fails_over_to_cdn:
        faults.append(
            Fault(
                "dualstack-edge:proxy.whenAllFail",
                "cdn",
                "ipv4 before plain records of direct: none of them leads to cdn",
                "Set it with: pulumi config set --path dualstack-edge:proxy.whenAllFail ipv4, "
                "then: pulumi up",
            )
        )
    for hostname in situation.hostnames:
        own = [each for each in situation.records if each.name == hostname and each.type in _TYPES]
        simple = situation.targets.simple(hostname, path)
        declared = situation.targets.weighted(hostname, weights)
        before += own
        after += simple
        if any(each.health_check for each in own):
            faults += _switched(hostname, own)
        elif not same_records(own, simple):
            faults += _drifted(hostname, own, declared)
            faults += protections(hostname, FAMILIES, situation.zone_id, situation.protected)
    batch = exchanging(before, after)
    faults += too_large(batch)
    if faults:
        raise WrongUseError(faults)
    return Exchange(
        verb="release",
        stack=situation.stack,
        zone_id=situation.zone_id,
        zone=situation.zone,
        hostnames=situation.hostnames,
        batch=batch,
        after=tuple(after),
        declared_before=cast("Declared", situation.declared),
        declared_after="simple",
    )


def _nothing_to_let_go(situation: Situation) -> Iterator[Fault]:
    if situation.declared == "none":
        yield Fault(
            "dualstack-edge:dns.records",
            "none",
            "weighted: the stack has to have the records that it lets go",
            "There is nothing to let go of.",
        )


def _switched(hostname: str, own: Sequence[RecordSet]) -> Iterator[Fault]:
    checked = [f"{each} has {each.health_check}" for each in own if each.health_check]
    yield Fault(
        f"{hostname} in the zone",
        f"decided by a health check ({', '.join(checked)})",
        "without one: a plain record is answered whatever a check says, so killSwitch would do "
        "nothing any more",
        "Remove it with: pulumi config rm dualstack-edge:killSwitch, then: pulumi up",
    )


def _drifted(
    hostname: str, own: Sequence[RecordSet], declared: Sequence[RecordSet]
) -> Iterator[Fault]:
    difference = exchanging(own, declared).changes
    if difference:
        words = [
            f"{'with' if change.action == 'DELETE' else 'without'} {_words(change.record)}"
            for change in difference
        ]
        yield Fault(
            f"{hostname} in the zone",
            "; ".join(words),
            "it has to be as the stack declares it",
            "Put either right, the weights in the stack's file or, with pulumi up --refresh, the "
            "zone, and let go then.",
        )


def _words(record: RecordSet) -> str:
    weight = "" if record.weight is None else f" of weight {record.weight}"
    return f"{record}{weight} to {record.alias_of or ', '.join(record.values)}"
