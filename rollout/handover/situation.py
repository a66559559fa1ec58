"""All that a plan is made of: the stack's file and state, its zone, and the account."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from components.facts import WHOLE_WEIGHT
from components.faults import Fault
from rollout.aws import AccountError, AccountReader
from rollout.faults import WrongUseError
from rollout.handover.edge_state import EdgeState, of_export
from rollout.handover.exchange import Targets
from rollout.handover.pulumi_stack import StackState
from rollout.records.record_sets import RecordSet
from rollout.records.weights import Weights
from rollout.records.zone import Zone, find_zone, outside
from rollout.stack_file import StackFile

_DEPLOYED_WEIGHTS: Final = Weights(WHOLE_WEIGHT, 0)
"""What a stack has that says nothing about traffic."""


@dataclass(frozen=True)
class Situation:
    """A stack, and the zone as it is."""

    stack: str
    """Name of the stack."""
    hostnames: tuple[str, ...]
    """Its hostnames."""
    weights: Weights
    """The weights that it declares."""
    declared: str
    """The records that it declares: `weighted`, `none` or `simple`."""
    zone_id: str
    """Id of the zone."""
    zone: str
    """Name of the zone."""
    targets: Targets
    """What the stack's records lead to."""
    records: tuple[RecordSet, ...]
    """All records of the zone."""
    protected: Collection[tuple[str, str]] = ()
    """Names and types that Route 53 lets nobody change."""

    @property
    def edge(self) -> EdgeState:
        """The edge as the state has it."""
        return self.targets.edge


@dataclass(frozen=True)
class Stack:
    """A stack by its name."""

    name: str
    """The name."""
    file: StackFile
    """Its settings."""
    state: StackState
    """What reads and changes its state."""


def read_situation(
    stack: Stack, session: Any, zone_of: Callable[[Any, str], Zone] = Zone
) -> tuple[Situation, Zone]:
    """Return what there is; nothing changes.

    Args:
        stack: The stack.
        session: A boto3 session.
        zone_of: Returns the zone of an id.

    Raises:
        WrongUseError: The stack is not deployed, or its settings and the account do not fit.
        RecordsError: Route 53 refuses, or cannot be reached.
        StateError: The state cannot be read.
    """
    edge = of_export(stack.state.export(), stack.name)
    zone_id, zone_name = find_zone(session, stack.file.zone)
    faults = list(outside(stack.file.hostnames, zone_name))
    balancer_zone_id = stack.file.balancer_zone_id or ""
    if not balancer_zone_id:
        try:
            balancer_zone_id = AccountReader(session).load_balancer_zone(edge.load_balancer)
        except AccountError as error:
            faults.append(
                Fault(
                    f"Load balancer {edge.load_balancer}",
                    f"not found ({error})",
                    "it has to be there: direct is an alias of it",
                    "See that the credentials are the account's and allow "
                    "elasticloadbalancing:DescribeLoadBalancers, and that the stack is deployed "
                    "with the load balancer that there is.",
                )
            )
    if faults:
        raise WrongUseError(faults)
    zone = zone_of(session, zone_id)
    return (
        Situation(
            stack=stack.name,
            hostnames=stack.file.hostnames,
            weights=stack.file.weights or _DEPLOYED_WEIGHTS,
            declared=stack.file.declared,
            zone_id=zone_id,
            zone=zone_name,
            targets=Targets(edge, zone_id, balancer_zone_id),
            records=zone.all_records(),
            protected=zone.protected(),
        ),
        zone,
    )


def protections(
    hostname: str,
    types: Collection[str],
    zone_id: str,
    protected: Collection[tuple[str, str]],
) -> Iterator[Fault]:
    """Say which records of a hostname nobody may change.

    Args:
        hostname: The name.
        types: Types of the records that are to change.
        zone_id: Id of the zone.
        protected: Names and types that are protected.
    """
    kept: Sequence[str] = [each for each in sorted(types) if (hostname, each) in protected]
    if kept:
        listed = " ".join(f"RecordName={hostname},RecordType={each}" for each in kept)
        yield Fault(
            f"{', '.join(kept)} of {hostname}",
            "under a record set protection",
            "Route 53 refuses every change of it",
            "Lift it, and put it back afterwards: aws route53 "
            f"delete-resource-record-set-protections --hosted-zone-id {zone_id} --protections "
            f"{listed}",
        )
