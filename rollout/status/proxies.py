"""The proxies of the direct path over IPv6: what health checkers see, and their droplets."""

from collections.abc import Mapping, Sequence

from components.facts import NO_PROXY, PROXY_LABEL
from components.faults import Fault
from rollout.aws import AccountError, AccountReader
from rollout.aws_zone import Observed, ZoneReader, zones_of
from rollout.digitalocean import AccountDroplet, DigitalOceanReader, TokenError
from rollout.edge import StackOutputs
from rollout.records.record_sets import RecordSet
from rollout.status.reasons import account_reason
from rollout.status.room import SectionFields, SectionNotes
from rollout.status.stack import StackReader


def proxies_section(
    reader: StackReader, account: AccountReader, droplets: DigitalOceanReader
) -> SectionFields:
    """Tell of each proxy.

    Raises:
        NotToldError: The stack's outputs cannot be read.
    """
    stack = reader.edge()
    notes = SectionNotes()
    notes.line("addresses", [str(address) for address in stack.proxy_addresses])
    led_to = (
        one.target
        for one in stack.records
        if one.type == "AAAA" and (one.set_identifier or "direct") == "direct"
    )
    # Where no record of the stack leads to the proxies, their group has the first hostname's name.
    groups = (name for name in led_to if name.startswith(f"{PROXY_LABEL}."))
    group = next(groups, f"{PROXY_LABEL}.{stack.hostnames[0]}")
    if not stack.proxy_addresses:
        return notes.section()
    records: Mapping[str, RecordSet] = {}
    having: Mapping[str, AccountDroplet | None] | None = None
    zone_reader = None
    try:
        zone_reader = ZoneReader(account)
        records = _members(zone_reader, group)
    except AccountError as error:
        notes.cannot_tell(account_reason(error))
        zone_reader = None
    try:
        having = droplets.droplets()
    except TokenError as error:
        notes.cannot_tell(f"DigitalOcean cannot be asked: {error}")
    for address in dict.fromkeys([*map(str, stack.proxy_addresses), *records]):
        told: dict[str, object] = {}
        if zone_reader is not None:
            told |= _of_record(notes, zone_reader, address, records.get(address), group)
        if having is not None:
            told |= _of_droplet(notes, address, having)
        notes.line(address, told)
    _tell_leavers(notes, stack, records)
    return notes.section()


def _members(reader: ZoneReader, group: str) -> Mapping[str, RecordSet]:
    """Return the records of the proxies' group, by address."""
    zones = zones_of(group, reader.zones())
    every = [record for zone in zones for record in reader.records(zone, group)]
    return {
        value: record
        for record in every
        if record.type == "AAAA" and record.set_identifier != NO_PROXY
        for value in record.values
    }


def _of_record(
    notes: SectionNotes,
    reader: ZoneReader,
    address: str,
    record: RecordSet | None,
    group: str,
) -> Mapping[str, object]:
    """Return what Route 53 says of a proxy; note what is wrong with it."""
    what = f"Proxy {address}"
    if record is None:
        remedy = "Have it as the stack declares it: pulumi up --refresh"
        found = f"not among the records of {group}"
        notes.attend(Fault(what, found, "each proxy has to have one", remedy))
        return {"node": None}
    told: dict[str, object] = {"node": record.set_identifier, "weight": record.weight}
    if not record.health_check:
        remedy = "Have it as the stack declares it: pulumi up --refresh"
        notes.attend(Fault(what, "without a health check", "each record has to have one", remedy))
        return told
    try:
        seen = reader.observed(record.health_check)
    except AccountError as error:
        notes.cannot_tell(f"{what}: its health is not known. {account_reason(error)}")
        return {**told, "health": None}
    return {**told, **_health(notes, what, record, seen)}


def _health(
    notes: SectionNotes, what: str, record: RecordSet, seen: Observed
) -> Mapping[str, object]:
    checkers = f"{seen.healthy} of {seen.checkers}"
    if seen.is_healthy is None:
        notes.cannot_tell(f"{what}: no health checker has looked at it yet.")
        return {"health": None}
    if not seen.is_healthy:
        remedy = f"See what its droplet does. Health check: {record.health_check}"
        found = f"unhealthy for {seen.checkers - seen.healthy} of {seen.checkers} checkers"
        found += f": {seen.reason.rstrip('.')}"
        notes.attend(Fault(what, found, "Route 53 has to see it answer", remedy))
    return {"health": "healthy" if seen.is_healthy else "unhealthy", "checkers": checkers}


def _of_droplet(
    notes: SectionNotes, address: str, having: Mapping[str, AccountDroplet | None]
) -> Mapping[str, object]:
    """Return which droplet has an address; note where none is there to serve."""
    droplet = having.get(address)
    what = f"Proxy {address}"
    if droplet is None:
        found = "assigned to no droplet" if address in having else "no address of this account"
        remedy = "Deploy it again: pulumi up --refresh"
        notes.attend(Fault(what, found, "it has to lead to a droplet", remedy))
        return {"droplet": None}
    if droplet.state != "active":
        remedy = "Start the droplet, or have it replaced: pulumi up --refresh"
        notes.attend(Fault(what, f"a droplet that is {droplet.state}", "it has to run", remedy))
    return {"droplet": droplet.name, "state": droplet.state}


def _tell_leavers(
    notes: SectionNotes, stack: StackOutputs, records: Mapping[str, RecordSet]
) -> None:
    """Note records of addresses that the stack does not have, unless they are on their way out."""
    own: Sequence[str] = [str(address) for address in stack.proxy_addresses]
    for address, record in records.items():
        if address not in own and record.weight != 0:
            found = f"in the group as {record.set_identifier}, with weight {record.weight}"
            remedy = "Find out who made it, and remove it."
            notes.attend(Fault(f"Address {address}", found, "it is no proxy of the stack", remedy))
