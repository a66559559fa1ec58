"""From what serves the hostnames to the one batch that takes them over. Pure."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, cast

from components.facts import FAMILIES, PATHS, WHOLE_WEIGHT
from components.faults import Fault
from rollout.adopt.refusals import leads_to, refusals
from rollout.adopt.serving import ADDRESS_TYPES, Destinations, ServedName, ZoneContents
from rollout.faults import WrongUseError
from rollout.handover.exchange import Declared, Exchange, exchanging, same_records
from rollout.handover.situation import Situation
from rollout.records.record_sets import RecordSet
from rollout.records.weights import too_large

_SETTING: Final = "dualstack-edge:dns.records"


def adoption(
    situation: Situation,
    addresses: Callable[[str], frozenset[str]],
    more: Iterable[Fault] = (),
) -> Exchange:
    """Return how the hostnames are taken over.

    Names whose records are the stack's already are left as they are, so that an adoption which was
    killed goes on.

    Args:
        situation: The stack and the zone.
        addresses: Returns the addresses of a name; raises OSError.
        more: What else keeps the names from being taken over.

    Raises:
        WrongUseError: A name cannot be taken over; with every fault.
    """
    contents = ZoneContents(situation.zone, situation.records)
    destinations = Destinations(situation.edge, contents, addresses)
    before: list[RecordSet] = []
    after: list[RecordSet] = []
    served: list[ServedName] = []
    drifted: list[Fault] = []
    for hostname in situation.hostnames:
        own = [each for each in contents.at(hostname) if each.type in ADDRESS_TYPES]
        wanted = situation.targets.weighted(hostname, situation.weights)
        before += own
        after += wanted
        if _are_twins(own, wanted):
            drifted += _drifted(hostname, own, wanted)
        else:
            served.append(contents.served(hostname))
    batch = exchanging(before, after)
    faults = [
        *_not_ready(situation, left=bool(served)),
        *drifted,
        *_unserved(served, len(situation.hostnames)),
        *(
            fault
            for each in served
            for fault in refusals(each, destinations, situation.zone_id, situation.protected)
        ),
        *(fault for each in served for fault in _moved(each, destinations, situation)),
        *too_large(batch),
        *more,
    ]
    if faults:
        raise WrongUseError(faults)
    return Exchange(
        verb="adopt",
        stack=situation.stack,
        zone_id=situation.zone_id,
        zone=situation.zone,
        hostnames=situation.hostnames,
        batch=batch,
        after=tuple(after),
        declared_before=cast("Declared", situation.declared),
        declared_after="weighted",
    )


_CHANGING: Final = ("Weight", "HealthCheckId")
"""What differs in an edge's own records from one moment to another: by a step, by a kill switch."""


def _are_twins(own: Sequence[RecordSet], wanted: Sequence[RecordSet]) -> bool:
    """Return whether a name has the edge's own records already, of whatever weights."""
    lasting, expected = (
        [{key: value for key, value in each.meaning.items() if key not in _CHANGING} for each in of]
        for of in (own, wanted)
    )
    return len(lasting) == len(expected) and all(each in lasting for each in expected)


def _drifted(
    hostname: str, own: Sequence[RecordSet], wanted: Sequence[RecordSet]
) -> Iterator[Fault]:
    """Say how the edge's own records differ from what the stack declares."""
    changes = exchanging(own, wanted).changes
    if changes:
        words = [
            f"{each}, weight {each.weight}{each.health_check and f', check {each.health_check}'}"
            for each in (change.record for change in changes if change.action == "DELETE")
        ]
        yield Fault(
            f"{hostname} in the zone",
            f"taken over already, with {'; '.join(words)}",
            "its records have to be as the stack declares them for the state to take them",
            "Put either right: the weights in the stack's file, or the zone with dualstack shift "
            "abort --direct; killSwitch is set after adopt.",
        )


def pending(situation: Situation) -> tuple[str, ...]:
    """Return the hostnames whose records are not the stack's yet."""
    return tuple(
        hostname
        for hostname in situation.hostnames
        if not same_records(
            (
                each
                for each in situation.records
                if each.name == hostname and each.type in ADDRESS_TYPES
            ),
            situation.targets.weighted(hostname, situation.weights),
        )
    )


def notes(situation: Situation) -> Iterator[str]:
    """Yield what somebody should know who reads the plan."""
    contents = ZoneContents(situation.zone, situation.records)
    for served in map(contents.served, situation.hostnames):
        if served.wildcard:
            yield (
                f"{served.hostname} is served by {served.wildcard}, which stays: other names may "
                "need it."
            )
        if served.hidden_by:
            yield (
                f"{served.hidden_by} is below {served.hostname}, which hides {served.wildcard} "
                "from it (RFC 4592): resolvers may get no answer now. The new records mend that."
            )


def _not_ready(situation: Situation, *, left: bool) -> Iterator[Fault]:
    if left and situation.declared == "weighted":
        yield Fault(
            _SETTING,
            "weighted",
            "none (or simple), while what serves the names is not the stack's",
            f"Set it with: pulumi config set --path {_SETTING} none, then: pulumi up",
        )
    missing = [name for name in situation.hostnames if name not in situation.edge.aliases]
    if missing:
        yield Fault(
            "The deployed distribution",
            f"without {', '.join(missing)}",
            "it has to have all hostnames, or CloudFront answers them with 403",
            "Deploy the stack as its file says, with dns.records none: pulumi up",
        )


def _unserved(served: Sequence[ServedName], count: int) -> Iterator[Fault]:
    nobody = [each.hostname for each in served if not (each.records or each.delegated)]
    if not nobody:
        return
    if len(nobody) == count:
        remedy = (
            f"There is nothing to adopt. Set pulumi config set --path {_SETTING} weighted, then: "
            "pulumi up"
        )
    else:
        remedy = (
            "Leave it out of dualstack-edge:hostnames and deploy; adopt the others; then name it "
            "again, and: pulumi up"
        )
    for name in nobody:
        yield Fault(
            f"Hostname {name}",
            "without an A, AAAA or CNAME record",
            "adopt takes over what serves a name",
            remedy,
        )


def _moved(served: ServedName, destinations: Destinations, situation: Situation) -> Iterator[Fault]:
    """Say whose users the weights would lead to another path than they are on."""
    for family in FAMILIES:
        for record in served.of(family):
            if record.routing != "simple":
                continue
            try:
                path = destinations.of(record, family)
            except OSError:
                continue  # is a refusal of its own
            if path not in PATHS or situation.weights.of(path) == WHOLE_WEIGHT:
                continue
            weights = "direct 100 and cdn 0" if path == "direct" else "direct 0 and cdn 100"
            yield Fault(
                f"{record.type} of {served.hostname}",
                f"{leads_to(record)}, which is {path}",
                f"traffic is {situation.weights}, which would move its users at once",
                f"Set dualstack-edge:traffic to {weights} and deploy, or lead the name to where "
                "the weights lead. Adopt then, and shift afterwards.",
            )
            return
