"""Health checks and alarms that an earlier try of this stack made, and its state does not know.

Both cost, and an alarm tells people. Nothing refuses a second one: the provider gives a health
check a reference of its own, and an alarm a random end to its name. So they are known by what they
watch: an address, a distribution or a health check that the state has. Where the state has nothing
to watch, or lacks no watcher of it, nobody is asked.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import pulumi

from components import places
from components.faults import Fault
from components.last_deployment import LastDeployment
from components.lookups.left_behind import missing, remedy
from components.places import ResourcePlace
from components.proxy.nginx import CAPACITY_PORT
from components.proxy.plan import node_ids
from components.settings import Settings


@dataclass(frozen=True)
class ListedCheck:
    """A health check of the account."""

    id: str
    """Its id."""
    ip: str
    """The address that it asks; empty where it asks a name."""
    port: int
    """The port."""


@dataclass(frozen=True)
class ListedAlarm:
    """An alarm of the account."""

    name: str
    """Its name, which is its id."""
    watched: Collection[str]
    """The values of its dimensions: the id of what it watches, among others."""


class Watchers(Protocol):
    """Who answers."""

    def health_checks(self) -> Sequence[ListedCheck]:
        """Return the health checks."""
        ...

    def alarms(self, prefix: str) -> Sequence[ListedAlarm]:
        """Return the alarms whose names begin so."""
        ...


def warn_of_watchers(
    settings: Settings, last: LastDeployment, account: Callable[[], Watchers]
) -> None:
    """Warn of watchers that the state does not know, of things that it knows.

    Args:
        settings: The settings.
        last: What the state has.
        account: Returns who answers.

    Raises:
        UnansweredError: Nobody says which there are.
    """
    checks = {
        (last.ids[address], port): place
        for address, port, place in _checks(settings, last.edge)
        if address in last.ids and missing(place, last)
    }
    for check in account().health_checks() if checks else ():
        place = checks.pop((check.ip, check.port), None)
        if place:
            _warn(
                f"Health check {check.id} of {check.ip}, port {check.port},",
                place,
                check.id,
                last,
                f"aws route53 delete-health-check --health-check-id {check.id}",
            )
    alarms = {
        last.ids[watched]: place
        for watched, place in _alarms(settings, last.edge)
        if watched in last.ids and missing(place, last)
    }
    for alarm in account().alarms(f"{last.edge}-alarms-") if alarms else ():
        watched = next((id_ for id_ in alarm.watched if id_ in alarms), None)
        if watched:
            _warn(
                f'Alarm "{alarm.name}"',
                alarms.pop(watched),
                alarm.name,
                last,
                f"aws cloudwatch delete-alarms --region us-east-1 --alarm-names {alarm.name}",
            )


def _checks(settings: Settings, edge: str) -> Iterator[tuple[str, int, ResourcePlace]]:
    """Yield the address, the port and the place of each health check of a proxy."""
    pool = settings.proxy
    for node in node_ids(pool) if pool else ():
        address = places.address(edge, node).name
        if pool:
            yield address, pool.checked_port, places.proxy_check(edge, node)
        if settings.alarms:
            yield address, CAPACITY_PORT, places.room_check(edge, node)


def _alarms(settings: Settings, edge: str) -> Iterator[tuple[str, ResourcePlace]]:
    """Yield the name of what each alarm watches, and its place."""
    if settings.alarms is None:
        return
    yield places.distribution(edge).name, places.alarm(edge, "cdn-errors")
    yield places.direct_check(edge).name, places.alarm(edge, "direct-unhealthy")
    for node in node_ids(settings.proxy) if settings.proxy else ():
        yield places.proxy_check(edge, node).name, places.alarm(edge, f"{node}-unhealthy")
        yield places.room_check(edge, node).name, places.alarm(edge, f"{node}-full")


def _warn(what: str, place: ResourcePlace, id_: str, last: LastDeployment, delete: str) -> None:
    state = "there already, and not in the state"
    allowed = "one of each: this deployment makes another"
    to_do = remedy(place, id_, last, f"Delete it with: {delete}")
    pulumi.log.warn(str(Fault(what, state, allowed, to_do)))
