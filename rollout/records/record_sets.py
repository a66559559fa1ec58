"""Resource record sets as Route 53 lists them, and batches of changes to them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

Action = Literal["CREATE", "DELETE", "UPSERT"]

_ROUTING: Final = {
    "Weight": "weighted",
    "Region": "latency",
    "GeoLocation": "geolocation",
    "GeoProximityLocation": "geoproximity",
    "Failover": "failover",
    "MultiValueAnswer": "multivalue answer",
    "CidrRoutingConfig": "IP-based",
    "TrafficPolicyInstanceId": "traffic policy",
}
"""The field that only records of a routing policy have, and the policy's name."""


@dataclass(frozen=True)
class RecordSet:
    """A resource record set, exactly as Route 53 lists it."""

    fields: Mapping[str, Any]
    """The record as boto3 has it: `Name`, `Type`, `SetIdentifier`, `Weight`, `AliasTarget` …"""

    @property
    def name(self) -> str:
        """Its name, in lower case and without the final dot."""
        return plain_name(str(self.fields["Name"]))

    @property
    def type(self) -> str:
        """Its type: `AAAA`."""
        return str(self.fields["Type"])

    @property
    def set_identifier(self) -> str:
        """Which one of its group it is; empty for a simple record."""
        return str(self.fields.get("SetIdentifier", ""))

    @property
    def key(self) -> tuple[str, str, str]:
        """What no two records of a zone have in common: name, type and set identifier."""
        return self.name, self.type, self.set_identifier

    @property
    def weight(self) -> int | None:
        """Its weight; None: it is not weighted."""
        return self.fields.get("Weight")

    @property
    def routing(self) -> str:
        """Its routing policy in Route 53's words: such as `weighted`."""
        return next((words for field, words in _ROUTING.items() if field in self.fields), "simple")

    @property
    def alias_of(self) -> str:
        """DNS name that it is an alias of; empty where it holds values."""
        return plain_name(str(self.fields.get("AliasTarget", {}).get("DNSName", "")))

    @property
    def values(self) -> tuple[str, ...]:
        """Its values; none where it is an alias."""
        return tuple(str(each["Value"]) for each in self.fields.get("ResourceRecords") or ())

    @property
    def health_check(self) -> str:
        """Id of its health check; empty where it has none."""
        return str(self.fields.get("HealthCheckId", ""))

    @property
    def elements(self) -> int:
        """How many `ResourceRecord` elements it counts as; an alias is one."""
        return max(1, len(self.fields.get("ResourceRecords", ())))

    @property
    def characters(self) -> int:
        """How many characters its values have."""
        return sum(len(value["Value"]) for value in self.fields.get("ResourceRecords", ()))

    @property
    def ttl_seconds(self) -> int | None:
        """How long its answers live; None: as long as those of what it is an alias of."""
        return self.fields.get("TTL")

    @property
    def meaning(self) -> Mapping[str, Any]:
        """What it says, however its names are written and its values are ordered."""
        fields: dict[str, Any] = {**self.fields, "Name": self.name}
        if "AliasTarget" in fields:
            fields["AliasTarget"] = {**fields["AliasTarget"], "DNSName": self.alias_of}
        if "ResourceRecords" in fields:
            fields["ResourceRecords"] = sorted(self.values)
        return fields

    def weighing(self, weight: int) -> "RecordSet":
        """Return the same record with another weight."""
        return RecordSet({**self.fields, "Weight": weight})

    def __str__(self) -> str:
        """Return what tells it from the others: `A direct of api.example.com`."""
        return f"{self.type} {self.set_identifier or self.routing} of {self.name}"


@dataclass(frozen=True)
class Change:
    """One change of a batch."""

    action: Action
    record: RecordSet


@dataclass(frozen=True)
class Batch:
    """Changes that happen together or not at all."""

    changes: tuple[Change, ...]
    before: tuple[RecordSet, ...]
    """The records that it changes, as they were when they were read."""
    after: tuple[RecordSet, ...]
    """What it makes of them."""

    @property
    def elements(self) -> int:
        """How much of `MOST_ELEMENTS` it takes."""
        return sum(change.record.elements * _times(change) for change in self.changes)

    @property
    def characters(self) -> int:
        """How much of `MOST_CHARACTERS` it takes."""
        return sum(change.record.characters * _times(change) for change in self.changes)

    def request(self, comment: str) -> dict[str, Any]:
        """Return it as boto3 takes it."""
        return {
            "Comment": comment,
            "Changes": [
                {"Action": change.action, "ResourceRecordSet": dict(change.record.fields)}
                for change in self.changes
            ],
        }

    def upserted(self) -> "Batch":
        """Return the batch that writes the same records, whatever stands there."""
        changes = tuple(Change("UPSERT", record) for record in self.after)
        return Batch(changes, self.before, self.after)


def _times(change: Change) -> int:
    return 2 if change.action == "UPSERT" else 1


def plain_name(name: str) -> str:
    r"""Return a DNS name in lower case without the final dot, and `*` for Route 53's `\052`."""
    return name.lower().removesuffix(".").replace(r"\052", "*")
