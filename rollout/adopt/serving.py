"""What serves a name in a zone now, and where that leads. Pure.

A wildcard serves a name that has no record of its own: DNS answers from the wildcard of the closest
name above that exists. Records below the name count as none here, although they hide the wildcard
from it as well: where they do, nobody is served, and records of its own can only mend that.

Where a record leads is followed through the zone, because a name is often an alias of another name
in it. What leaves the zone is resolved: addresses that are all the load balancer's lead there.

Source: RFC 4592 section 2.2; RFC 1034 section 4.3.3.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, Literal

from components.facts import Family, Path
from rollout.handover.edge_state import EdgeState
from rollout.records.record_sets import RecordSet, plain_name

ADDRESS_TYPES: Final = ("A", "AAAA", "CNAME")
"""Types of records that say where the users of a name are led."""

Destination = Path | Literal["elsewhere", "nothing"]
"""A path of the edge; another place; or no answer at all for that family."""

_MOST_HOPS: Final = 8
"""How many names of a zone a chain is followed through."""


@dataclass(frozen=True)
class ServedName:
    """A hostname, and what the zone has for it."""

    hostname: str
    """The hostname."""
    records: tuple[RecordSet, ...]
    """What leads its users somewhere: A, AAAA and CNAME; the wildcard's where one serves it."""
    beside: tuple[RecordSet, ...]
    """Records of other types that answer for it."""
    wildcard: str = ""
    """Name of the wildcard that serves it; empty: it has records of its own, or none."""
    hidden_by: str = ""
    """A name below it, which by RFC 4592 hides the wildcard from it."""
    delegated: str = ""
    """The name, it or one above, that the zone delegates to other name servers; empty: none."""

    def of(self, family: Family) -> tuple[RecordSet, ...]:
        """Return what answers for a family."""
        return tuple(record for record in self.records if record.type in (family, "CNAME"))


class ZoneContents:
    """All records of a zone, by name."""

    def __init__(self, zone: str, records: Iterable[RecordSet]) -> None:
        """Take the records.

        Args:
            zone: Name of the zone, in lower case and without the final dot.
            records: All of them.
        """
        self._zone = zone
        by_name: defaultdict[str, list[RecordSet]] = defaultdict(list)
        self._above: dict[str, str] = {}
        for record in records:
            by_name[record.name].append(record)
        for name in by_name:
            for above in self._ancestors(name):
                self._above.setdefault(above, name)
        self._by_name = {name: tuple(records) for name, records in by_name.items()}

    def at(self, name: str) -> tuple[RecordSet, ...]:
        """Return the records of a name itself."""
        return self._by_name.get(name, ())

    def served(self, hostname: str) -> ServedName:
        """Return what answers for a name of the zone."""
        source, wildcard = self.at(hostname), ""
        if not source:
            wildcard = self._wildcard(hostname)
            source = self.at(wildcard)
        names = (hostname, *self._ancestors(hostname))
        return ServedName(
            hostname,
            tuple(record for record in source if record.type in ADDRESS_TYPES),
            tuple(
                record
                for record in source
                if record.type not in ADDRESS_TYPES
                and not (record.name == self._zone and record.type in {"NS", "SOA"})
            ),
            wildcard,
            self._above.get(hostname, "") if wildcard else "",
            next(
                (
                    name
                    for name in names
                    if name != self._zone and any(each.type == "NS" for each in self.at(name))
                ),
                "",
            ),
        )

    def _wildcard(self, hostname: str) -> str:
        """Return the name of the wildcard that serves a name without records; empty: none."""
        for above in self._ancestors(hostname):
            if f"*.{above}" in self._by_name:
                return f"*.{above}"
            if above in self._by_name:
                return ""
        return ""

    def _ancestors(self, name: str) -> Iterable[str]:
        """Yield the names above one, up to the zone's own."""
        while name != self._zone and name.endswith(f".{self._zone}"):
            name = name.partition(".")[2]
            yield name


@dataclass(frozen=True)
class Destinations:
    """What the records of a zone lead to, as far as an edge knows it."""

    edge: EdgeState
    """The edge."""
    contents: ZoneContents
    """The zone."""
    addresses: Callable[[str], frozenset[str]]
    """Returns the addresses of a name, resolved from here; raises OSError."""

    def of(self, record: RecordSet, family: Family, hops: int = _MOST_HOPS) -> Destination:
        """Return where a simple record leads the users of a family.

        Raises:
            OSError: That takes an address that cannot be resolved.
        """
        target = _target(record)
        if not target:  # what leads to the root, a CNAME of `.`, has no address
            return "elsewhere" if record.type == "CNAME" else self._of_addresses(record.values)
        if path := self._own(target.removeprefix("dualstack."), family):
            return path
        there = self.contents.at(target)
        if not there and record.type == "CNAME":
            return self._of_addresses(self.addresses(target))
        answering = [each for each in there if each.type in (family, "CNAME")]
        if there and not answering:
            return "nothing"
        # Of weighted ones, those of weight 0 answer nobody.
        answering = [each for each in answering if each.weight != 0]
        if not hops or any(each.routing not in {"simple", "weighted"} for each in answering):
            return "elsewhere"
        led: set[Destination] = {self.of(each, family, hops - 1) for each in answering}
        return led.pop() if len(led) == 1 else "elsewhere"

    def _own(self, name: str, family: Family) -> Path | None:
        """Return the path whose own name it is; None: none's."""
        if name == self.edge.distribution:
            return "cdn"
        if name == self.edge.load_balancer or (family == "AAAA" and name == self.edge.proxies):
            return "direct"
        return None

    def _of_addresses(self, addresses: Iterable[str]) -> Destination:
        written = _written_alike(addresses)
        if not written:
            return "elsewhere"
        if written <= _written_alike(self.edge.proxy_addresses):
            return "direct"
        own = _written_alike(self.addresses(self.edge.load_balancer))
        return "direct" if written <= own else "elsewhere"


def _target(record: RecordSet) -> str:
    """Return the name that a record leads to; empty: it holds addresses, or leads to the root."""
    # A CNAME may be an alias too, of another CNAME of its zone.
    if record.type == "CNAME" and not record.alias_of:
        return plain_name(record.values[0])
    return record.alias_of


def _written_alike(addresses: Iterable[str]) -> frozenset[str]:
    """Return addresses, each in its one canonical form (RFC 5952)."""
    return frozenset(str(ip_address(address)) for address in addresses)
