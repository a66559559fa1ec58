"""What Route 53 answers: for each name and type of a zone, every possible answer and its share.

The naive model draws one record by its weight and then looks at where it leads. That is right for
one record at a time, but a server needs the odds, and the odds of a record depend on others: a
record that is unhealthy leaves its share to the rest of its group, an alias of a group splits its
own share among that group's members, and whether that alias is healthy may depend on theirs. So a
group is evaluated as a whole, from the leaves upwards, in exact fractions.

**Which records of a group take part.** The healthy ones whose weight is not 0; if there are none,
the healthy ones of weight 0; if there is no healthy one at all, Route 53 takes all of them for
healthy, and the same order applies. Weights that are all 0 are equal weights.

**What an alias answers.** That of a load balancer or a distribution: the addresses its name has of
the family that was asked for, for 60 seconds; where it has none of that family the answer is empty,
and the record has its share of the answers all the same. That of another record of the zone: what
the record answers, for as long as that one's TTL says.

Differs from Route 53: load balancers count as healthy where an alias evaluates their health,
because they report none here. An alias of anything that is not in `leads` is answered empty. Of the
routing policies there are simple and weighted; `unsupported_records` names the records of the
others, which are not served.

Source: Route 53 Developer Guide, 'How Amazon Route 53 chooses records when health checking is
configured', 'How Amazon Route 53 determines whether a health check is healthy', 'Values specific
for weighted records', 'Choosing between alias and non-alias records'.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from ipaddress import ip_address
from typing import Final

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass

from sandbox.lab.deployed import DeployedZone, Fields

Leads = Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]
"""IPv4 and IPv6 addresses that each load balancer's and distribution's DNS name has."""

ALIAS_TTL_SECONDS: Final = 60
"""TTL of what an alias of a load balancer or a distribution answers. Source: Route 53 Developer
Guide, 'Choosing between alias and non-alias records'."""

OTHER_POLICIES: Final = (
    "CidrRoutingConfig",
    "Failover",
    "GeoLocation",
    "GeoProximityLocation",
    "MultiValueAnswer",
    "Region",
)
"""Fields of the records whose routing policy is not served."""

FAMILIES: Final = ("A", "AAAA")


@dataclass(frozen=True)
class PossibleAnswer:
    """One possible answer."""

    values: tuple[str, ...]
    """Its records as in a master file, all names absolute; none: the answer is empty."""
    ttl_seconds: int
    """Their TTL; 0 where there are none."""


EMPTY: Final = PossibleAnswer((), 0)
"""`NOERROR` and no record."""

Key = tuple[str, str]
"""A name, in lower case without a final dot, and a type."""

Shares = dict[PossibleAnswer, Fraction]
"""Every possible answer with its share, which is above 0; the shares add up to 1."""


@dataclass(frozen=True)
class _EvaluatedRecord:
    """A record set, as far as it decides on answers."""

    key: Key
    weight: int
    """1 where it is simple."""
    answer: PossibleAnswer
    """What it answers, unless it is an alias."""
    target: str | None
    """Name that it is an alias of."""
    inside: bool
    """Whether that is another record of the zone."""
    evaluates: bool
    """Whether the target's health is its own."""
    check: str | None
    """Id of its health check."""


def possible_answers(
    zone: DeployedZone, leads: Leads, health: Mapping[str, bool]
) -> dict[Key, Shares]:
    """Return every possible answer of a zone.

    Args:
        zone: The zone.
        leads: Addresses of what aliases lead to; a name without an entry is answered empty.
        health: Health of the checks by id; one that is missing is healthy.
    """
    evaluated = _EvaluatedZone(zone, leads, health)
    return {key: evaluated.shares(key) for key in evaluated.groups}


def unsupported_records(zone: DeployedZone) -> list[str]:
    """Name the records of a zone that are not served, each with the reason."""
    return [
        f"record {_label(record)} of zone {zone.name} {reason}"
        for record in zone.records
        if (reason := _refused(record, zone))
    ]


def canonical(name: str) -> str:
    r"""Return a name in lower case without a final dot, escaped as in a master file.

    Route 53 escapes in octal (`\052` is `*`), master files in decimal.

    Raises:
        ValueError: It is no name.
    """
    text = re.sub(r"\\([0-7]{3})", lambda match: rf"\{int(match[1], 8):03d}", name.lower())
    try:
        parsed = dns.name.from_text(text)
    except dns.exception.DNSException as fault:
        raise ValueError(f"{name!r} is no DNS name: {fault}") from fault
    return "" if parsed == dns.name.root else parsed.to_text(omit_final_dot=True)


class _EvaluatedZone:
    """A zone while its answers are found."""

    def __init__(self, zone: DeployedZone, leads: Leads, health: Mapping[str, bool]) -> None:
        self._leads = {canonical(name): addresses for name, addresses in leads.items()}
        self._health = health
        self.groups: dict[Key, list[_EvaluatedRecord]] = defaultdict(list)
        for fields in zone.records:
            if _refused(fields, zone) is None:
                record = _read(fields, zone)
                self.groups[record.key].append(record)

    def shares(self, key: Key, within: frozenset[Key] = frozenset()) -> Shares:
        """Return the answers of a group; an alias of itself, by any detour, is answered empty."""
        if key in within or key not in self.groups:
            return {EMPTY: Fraction(1)}
        taking_part = self._taking_part(key)
        total = sum(record.weight for record in taking_part)
        shares: Shares = defaultdict(Fraction)
        for record in taking_part:
            share = Fraction(record.weight, total) if total else Fraction(1, len(taking_part))
            for answer, part in self._of(record, within | {key}).items():
                shares[answer] += share * part
        return dict(shares)

    def _taking_part(self, key: Key) -> list[_EvaluatedRecord]:
        everyone = self.groups[key]
        healthy = [record for record in everyone if self._is_healthy(record)] or everyone
        return [record for record in healthy if record.weight] or healthy

    def _is_healthy(self, record: _EvaluatedRecord, within: frozenset[Key] = frozenset()) -> bool:
        if record.check is not None and not self._health.get(record.check, True):
            return False
        if not (record.evaluates and record.inside and record.target is not None):
            return True
        target = (record.target, record.key[1])
        return target not in within and any(
            self._is_healthy(member, within | {target}) for member in self.groups.get(target, ())
        )

    def _of(self, record: _EvaluatedRecord, within: frozenset[Key]) -> Shares:
        if record.target is None:
            return {record.answer: Fraction(1)}
        kind = record.key[1]
        if record.inside:
            return self.shares((record.target, kind), within)
        lead = self._leads.get(record.target) or self._leads.get(
            record.target.removeprefix("dualstack.")
        )
        if lead is None or kind not in FAMILIES:
            return {EMPTY: Fraction(1)}
        addresses = tuple(str(ip_address(text)) for text in lead[FAMILIES.index(kind)])
        answer = PossibleAnswer(addresses, ALIAS_TTL_SECONDS) if addresses else EMPTY
        return {answer: Fraction(1)}


def _read(fields: Fields, zone: DeployedZone) -> _EvaluatedRecord:
    alias: Fields | None = fields.get("AliasTarget")
    values = tuple(_value(fields["Type"], item["Value"]) for item in _values(fields))
    return _EvaluatedRecord(
        key=(canonical(fields["Name"]), fields["Type"]),
        weight=fields.get("Weight", 1),
        answer=PossibleAnswer(values, fields.get("TTL", 0)) if values else EMPTY,
        target=None if alias is None else canonical(alias["DNSName"]),
        inside=_is_inside(fields, zone),
        evaluates=alias is not None and bool(alias.get("EvaluateTargetHealth")),
        check=fields.get("HealthCheckId"),
    )


def _is_inside(fields: Fields, zone: DeployedZone) -> bool:
    alias: Fields | None = fields.get("AliasTarget")
    return alias is not None and alias["HostedZoneId"].removeprefix("/hostedzone/") == zone.id


def _values(fields: Fields) -> list[Fields]:
    return fields.get("ResourceRecords", [])


def _value(kind: str, text: str) -> str:
    r"""Return a value as a master file has it. Route 53 takes every name in it for absolute.

    Raises:
        DNSException: It is no value of that type.
    """
    if kind == "TXT":
        text = re.sub(r"\\([0-7]{3})", lambda match: rf"\{int(match[1], 8):03d}", text)
    value = dns.rdata.from_text(
        dns.rdataclass.IN, kind, text, origin=dns.name.root, relativize=False
    )
    return value.to_text()


def _refused(fields: Fields, zone: DeployedZone) -> str | None:
    """Return why a record is not served; None: it is."""
    policies = [name for name in OTHER_POLICIES if fields.get(name)]
    if policies:
        return f"has {', '.join(policies)}; the lab serves simple and weighted records"
    for name in (fields["Name"], *(own["DNSName"] for own in (fields.get("AliasTarget"),) if own)):
        try:
            canonical(name)
        except ValueError as error:
            return f"has a name that is none: {error}"
    for item in _values(fields):
        try:
            _value(fields["Type"], item["Value"])
        except dns.exception.DNSException as error:
            return f"has the value {item['Value']!r}: {error}"
    if (
        fields.get("AliasTarget")
        and fields["Type"] not in FAMILIES
        and not _is_inside(fields, zone)
    ):
        return "is an alias out of the zone; the lab serves those of A and AAAA records"
    return None


def _label(fields: Fields) -> str:
    identifier = fields.get("SetIdentifier")
    of_set = f" ({identifier})" if identifier else ""
    return f"{fields['Name']} {fields['Type']}{of_set}"
