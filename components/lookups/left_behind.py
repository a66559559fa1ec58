"""What an earlier try of this stack made, and its state does not know.

A cloud that made something and whose answer was lost, or an engine that was killed before it wrote
the answer down, leaves a thing that nobody owns. Where names are unique the next deployment is
refused, half way through. Elsewhere it makes a second one, and the first costs money for good.

What an edge makes has names that depend on project, stack and edge alone, or on the hostnames. So
what is missing in the state is looked for in the account by these names, before anything is made,
and the message has the command with which the state takes it over. Only what is missing is looked
for: an edge that stands asks nobody.

What is found might still be somebody else's. So nothing is taken over by itself, and what only
costs money is a warning.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import pulumi

from components import places
from components.facts import FAMILIES, NO_PROXY, PATHS, PROXY_LABEL
from components.faults import Fault
from components.last_deployment import LastDeployment
from components.lookups.answers import OriginError
from components.lookups.records import ZoneRecord
from components.places import ResourcePlace
from components.proxy.alerts import ALERTS, alert_description
from components.proxy.plan import node_ids
from components.settings import Proxies, Settings

PAGE: Final = "docs/recovery.md"
"""Where the way out of everything here is written down."""

_MAKERS: Final = re.compile("dualstack:index:|pulumi:providers:")
"""Types of components and providers."""

_INTERRUPTED: Final = (
    f"\n    If an earlier deployment of this stack was interrupted, take it over ({PAGE}):"
)


@dataclass(frozen=True)
class Named:
    """Something of DigitalOcean that has a name."""

    id: str
    """Its id."""
    name: str
    """Its name; of an alert policy its description."""


@dataclass(frozen=True)
class FreeAddress:
    """A reserved IPv6 address that no droplet has."""

    ip: str
    """The address."""
    region: str
    """Slug of its region."""


class DigitalOcean(Protocol):
    """Who answers, a listing a kind."""

    def vpcs(self) -> Sequence[Named]:
        """Return the VPCs."""
        ...

    def firewalls(self) -> Sequence[Named]:
        """Return the firewalls."""
        ...

    def droplets(self) -> Sequence[Named]:
        """Return the droplets."""
        ...

    def free_addresses(self) -> Sequence[FreeAddress]:
        """Return the reserved IPv6 addresses that no droplet has."""
        ...

    def alerts(self) -> Sequence[Named]:
        """Return the alert policies."""
        ...


# ---- how to take something over -----------------------------------------------------------------


def missing(place: ResourcePlace, last: LastDeployment) -> bool:
    """Say whether the state lacks a resource."""
    return (place.type, place.name) not in last.urns


def import_command(place: ResourcePlace, resource_id: str, last: LastDeployment) -> str | None:
    """Return the command with which the state takes something over.

    None: the state cannot. It has another one in this place, or it does not have the component that
    makes it, so that no earlier try of this stack can have got there.
    """
    by_name = {name: urn for (kind, name), urn in last.urns.items() if _MAKERS.match(kind)}
    needed = [name for name in (place.parent, place.provider) if name]
    if not missing(place, last) or not all(name in by_name for name in needed):
        return None
    provider = f" --provider '{place.provider}={by_name[place.provider]}'" if place.provider else ""
    return (
        f"pulumi import {place.type} {place.name} '{resource_id}' "
        f"--parent '{place.parent}={by_name[place.parent]}'{provider} "
        "--protect=false --generate-code=false"
    )


def remedy(
    place: ResourcePlace | None, resource_id: str, last: LastDeployment, otherwise: str
) -> str:
    """Return what to do about something that an earlier try may have left.

    Args:
        place: Where it belongs in the state; None: nowhere.
        resource_id: Its id.
        last: What the state has.
        otherwise: What to do where it is not from an earlier try, or cannot be taken over. No
            period.
    """
    command = import_command(place, resource_id, last) if place else None
    if command is None:
        return otherwise
    return f"{otherwise}{_INTERRUPTED}\n    {command}"


# ---- records ------------------------------------------------------------------------------------


def left_records(
    zone_id: str, settings: Settings, records: Iterable[ZoneRecord], last: LastDeployment
) -> Iterator[tuple[ZoneRecord, Fault]]:
    """Yield the records that the edge would make and that are there already, and what to do.

    A record of the same name, type and set identifier is one that an earlier try of this stack
    made, if the state has what makes them; Route 53 refuses to create it again.
    """
    if not last.readable:
        return
    belonging = _places_of_records(settings, last.edge)
    for record in records:
        place = belonging.get(record.id)
        if place is None or record.id in last.records:
            continue
        if not record.set_identifier and not _leads_where_ours_would(record, settings, last):
            continue
        parts = (zone_id, record.name, record.type, record.set_identifier)
        id_ = "_".join(part for part in parts if part)
        command = import_command(place, id_, last)
        which = f'"{record.set_identifier}" ' if record.set_identifier else ""
        if command:
            yield (
                record,
                Fault(
                    f"Record {record.type} {which}of {record.name}",
                    "in the zone already, and not in the state",
                    "a record that this deployment can make: Route 53 refuses a second one",
                    f"Look whose it is.{_INTERRUPTED}\n    {command}",
                ),
            )


def _places_of_records(settings: Settings, edge: str) -> dict[tuple[str, str, str], ResourcePlace]:
    of_hostnames: dict[tuple[str, str, str], ResourcePlace] = {}
    match settings.dns.records:
        case "weighted":
            of_hostnames = {
                (name, family, path): places.traffic_record(edge, name, family, path)
                for name in settings.hostnames
                for family in FAMILIES
                for path in PATHS
            }
        case "simple":
            of_hostnames = {
                (name, family, ""): places.simple_record(edge, name, family)
                for name in settings.hostnames
                for family in FAMILIES
            }
        case "none":
            pass
    group = f"{PROXY_LABEL}.{settings.hostnames[0]}"
    members = (*node_ids(settings.proxy), NO_PROXY) if settings.proxy else ()
    return of_hostnames | {
        (group, "AAAA", member): places.proxy_record(edge, member) for member in members
    }


def _leads_where_ours_would(record: ZoneRecord, settings: Settings, last: LastDeployment) -> bool:
    """Say whether a simple record, which has no identifier to be known by, may be the edge's."""
    to_cdn = record.alias_of.lower() == last.distribution_domain_name.lower() != ""
    return to_cdn if settings.traffic.whole_path == "cdn" else bool(record.alias_of) and not to_cdn


# ---- DigitalOcean -------------------------------------------------------------------------------


def check_digitalocean(
    pool: Proxies | None, last: LastDeployment, stack: str, account: Callable[[], DigitalOcean]
) -> None:
    """Refuse names that DigitalOcean has given to things the state does not know; warn of the rest.

    Args:
        pool: The settings of the proxies.
        last: What the state has.
        stack: Project and stack, joined, which the names of the account begin with.
        account: Returns who answers.

    Raises:
        OriginError: A VPC or a firewall of a name that is going to be needed is there.
        UnansweredError: DigitalOcean did not answer, or not to this token.
    """
    if pool is None or not last.readable or not last.edge:
        return
    edge = last.edge
    name = places.label(stack, f"{edge}-proxy")
    nodes = node_ids(pool)
    answering = account()
    faults: list[Fault] = []
    vpcs = {f"{name}-{region}": places.vpc(edge, region) for region in pool.regions}
    firewalls = {name: places.firewall(edge)}
    for kind, belonging, listing in (
        ("VPC", vpcs, answering.vpcs),
        ("Firewall", firewalls, answering.firewalls),
    ):
        faults += [
            Fault(
                f'{kind} "{item.name}" of DigitalOcean',
                f"there already as {item.id}, and not in the state",
                "a name that is free, because DigitalOcean gives it once",
                remedy(place, item.id, last, "Delete it, if nobody uses it"),
            )
            for item, place in _left(belonging, listing, last)
        ]
    droplets = {f"{name}-{node}": places.droplet(edge, node) for node in nodes}
    for item, place in _left(droplets, answering.droplets, last):
        _warn(
            f'Droplet "{item.name}"',
            f"there already as {item.id}, and not in the state",
            "one droplet a proxy: this deployment makes another, and this one goes on to cost",
            remedy(place, item.id, last, f"Delete it with: doctl compute droplet delete {item.id}"),
        )
    _warn_of_addresses(edge, nodes, answering, last)
    alerts = {
        alert_description(name, what, percent): places.alert(edge, what)
        for what, _, percent in ALERTS
        if pool.alert_emails
    }
    for item, place in _left(alerts, answering.alerts, last):
        _warn(
            f'Alert policy "{item.name}" of DigitalOcean',
            f"there already as {item.id}, and not in the state",
            "one of each: this deployment makes another, and both send e-mail",
            remedy(
                place, item.id, last, f"Delete it with: doctl monitoring alert delete {item.id}"
            ),
        )
    if faults:
        raise OriginError(*faults)


def _left(
    belonging: dict[str, ResourcePlace],
    listing: Callable[[], Sequence[Named]],
    last: LastDeployment,
) -> list[tuple[Named, ResourcePlace | None]]:
    """Return what the account has of things that the state lacks; without those, ask nobody.

    Where there are two of a name, the first has a place in the state.
    """
    lacking = {name: place for name, place in belonging.items() if missing(place, last)}
    places_left = dict(lacking)
    items = listing() if lacking else ()
    return [(item, places_left.pop(item.name, None)) for item in items if item.name in lacking]


def _warn_of_addresses(
    edge: str, nodes: Sequence[str], account: DigitalOcean, last: LastDeployment
) -> None:
    lacking = [node for node in nodes if missing(places.address(edge, node), last)]
    addresses = account.free_addresses() if lacking else ()
    for address in addresses:
        in_region = [node for node in lacking if node.rpartition("-")[0] == address.region]
        if address.ip in last.reserved_addresses or not in_region:
            continue
        lacking.remove(in_region[0])
        _warn(
            f"Reserved IPv6 address {address.ip} in {address.region}",
            "assigned to no droplet, and not in the state",
            "one that somebody uses: it costs as long as nobody does",
            remedy(
                places.address(edge, in_region[0]),
                address.ip,
                last,
                f"Give it back with: doctl compute reserved-ipv6 delete {address.ip}",
            ),
        )


def _warn(what: str, state: str, allowed: str, to_do: str) -> None:
    pulumi.log.warn(str(Fault(what, state, allowed, to_do)))
