"""The weights: set in the stack's settings, deployed, and in the zone, for each name and family."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from components.facts import FAMILIES, PATHS
from components.faults import Fault
from rollout.aws import AccountError, AccountReader
from rollout.aws_zone import AccountZone, ZoneReader, zones_of
from rollout.edge import StackOutputs
from rollout.pulumi_command import PulumiError
from rollout.records.record_sets import RecordSet
from rollout.status.reasons import account_reason
from rollout.status.room import SectionFields, SectionNotes
from rollout.status.stack import StackReader

REFRESH = "Have it as the stack declares it: pulumi up --refresh"


def weights_section(reader: StackReader, account: AccountReader) -> SectionFields:
    """Compare what is declared with what Route 53 has.

    Raises:
        NotToldError: The stack's outputs cannot be read.
        AccountError: Route 53 cannot be asked.
    """
    stack = reader.edge()
    notes = SectionNotes()
    declared = {"direct": stack.traffic.direct, "cdn": stack.traffic.cdn}
    kind = _deployed_kind(stack)
    try:
        _tell_settings(notes, reader.settings.get(), declared)
        kind = _tell_kind(notes, reader.set_records.get() or kind, kind)
    except PulumiError as error:
        notes.line("settings", None)
        notes.cannot_tell(f"The stack's settings cannot be read: pulumi config is {error}.")
    notes.line("deployed", declared)
    try:
        zones = ZoneReader(account)
        known = zones.zones()
        for hostname in stack.hostnames:
            _tell_hostname(
                notes, zones, zones_of(hostname, known), hostname, _expected(stack, kind, hostname)
            )
    except AccountError as error:
        notes.cannot_tell(account_reason(error))
    return notes.section()


def _tell_settings(
    notes: SectionNotes, settings: Mapping[str, int] | None, declared: Mapping[str, int]
) -> None:
    if settings is None:
        return
    notes.line("settings", settings)
    if settings != declared:
        notes.attend(
            Fault(
                "Setting traffic",
                _pair(settings),
                f"what is deployed is {_pair(declared)}",
                "Deploy it: pulumi up",
            )
        )


def _deployed_kind(stack: StackOutputs) -> str:
    """Return which records the outputs have, as `dns.records` says it."""
    if not stack.records:
        return "none"
    return "weighted" if all(one.set_identifier for one in stack.records) else "simple"


def _tell_kind(notes: SectionNotes, set_to: str, deployed: str) -> str:
    """Return what the zone is to have.

    `dualstack adopt` and `release` change zone, settings and state, and no output: until the next
    deployment the outputs say what was there before.
    """
    if set_to != deployed:
        notes.attend(
            Fault(
                "Setting dns.records",
                set_to,
                f"the outputs of the last deployment are those of {deployed}",
                "Deploy it, which changes no record where adopt or release has set it: pulumi up",
            )
        )
    return set_to


@dataclass(frozen=True)
class _Expected:
    """What a record has to be."""

    weight: int | None
    """Its weight; None: it is a simple one."""
    target: str | None
    """What it leads to; None: the outputs do not say that."""


_Group = Mapping[str, _Expected]
"""The records of a name and type, by set identifier."""


def _expected(stack: StackOutputs, kind: str, hostname: str) -> Mapping[str, _Group]:
    """Return the records that a hostname has to have, by type; none where nothing is declared."""
    if kind == _deployed_kind(stack):
        return {
            family: {
                one.set_identifier: _Expected(stack.weight_of(one), one.target)
                for one in stack.records
                if (one.name, one.type) == (hostname, family)
            }
            for family in (FAMILIES if stack.records else ())
        }
    if kind == "none":
        return {}
    weights = {"direct": stack.traffic.direct, "cdn": stack.traffic.cdn}
    balancer = next(iter(stack.load_balancers), None)
    targets = {
        family: {
            "direct": balancer if family == "A" else None,  # AAAA may lead to proxies
            "cdn": stack.distribution_domain_name,
        }
        for family in FAMILIES
    }
    if kind == "weighted":
        return {
            family: {path: _Expected(weights[path], targets[family][path]) for path in PATHS}
            for family in FAMILIES
        }
    everybody = max(PATHS, key=lambda path: weights[path])
    return {family: {"": _Expected(None, targets[family][everybody])} for family in FAMILIES}


def _tell_hostname(
    notes: SectionNotes,
    reader: ZoneReader,
    zones: Sequence[AccountZone],
    hostname: str,
    expected: Mapping[str, _Group],
) -> None:
    if not zones:
        notes.attend(
            Fault(
                f"The hosted zone of {hostname}",
                "not in this account",
                "its records are in a public zone",
                "Use the credentials of the account that has it.",
            )
        )
        return
    found = {zone: reader.records(zone, hostname) for zone in zones}
    # Several zones may have one name, and only one of them is asked by resolvers. The stack's is
    # the one with records as it declares them.
    identifiers = {one for group in expected.values() for one in group} or {*PATHS, ""}
    having = [
        zone
        for zone, records in found.items()
        if any(one.type in FAMILIES and one.set_identifier in identifiers for one in records)
    ]
    for zone in having or zones[:1]:
        for family in FAMILIES:
            records = [record for record in found[zone] if record.type == family]
            weights = {record.set_identifier or "simple": record.weight for record in records}
            # `direct` before `cdn`, as everywhere, and strangers after both.
            in_order = sorted(weights, key=lambda name: (name not in PATHS, name != PATHS[0], name))
            notes.line(f"{hostname} {family}", {name: weights[name] for name in in_order})
            if expected:  # else they are somebody else's, and nothing is declared of them
                _compare(notes, f"{hostname} {family}", zone, records, expected[family])


def _compare(
    notes: SectionNotes,
    name: str,
    zone: AccountZone,
    records: Sequence[RecordSet],
    expected: _Group,
) -> None:
    """Name each difference between the records of a name and type and those declared."""
    found = {record.set_identifier: record for record in records}
    for path, one in expected.items():
        what = f"Record {name} {path or 'without an identifier'} in zone {zone.id}"
        allowed = "the stack declares "
        allowed += "a simple record" if one.weight is None else f"weight {one.weight}"
        record = found.pop(path, None)
        if record is None:
            notes.attend(Fault(what, "not there", allowed, REFRESH))
            continue
        if record.weight != one.weight:
            shown = "without a weight" if record.weight is None else f"of weight {record.weight}"
            notes.attend(Fault(what, shown, allowed, REFRESH))
        target = one.target and one.target.removeprefix("dualstack.")
        if target and record.alias_of.removeprefix("dualstack.") != target:
            leads = f"leading to {record.alias_of or ', '.join(record.values)}"
            notes.attend(Fault(what, leads, f"the stack has it lead to {one.target}", REFRESH))
    whole = "" not in expected
    alone = "the stack declares " + ("direct and cdn alone" if whole else "a simple record alone")
    for identifier, record in found.items():
        what = f"Record {name} {identifier or 'without an identifier'} in zone {zone.id}"
        value = "there" if record.weight is None else f"there with weight {record.weight}"
        remedy = "Find out who made it, and remove it."
        notes.attend(Fault(what, value, alone, remedy))


def _pair(weights: Mapping[str, int]) -> str:
    return f"direct {weights['direct']}, cdn {weights['cdn']}"
