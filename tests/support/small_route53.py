"""A Route 53 of one zone in memory, which can be told how each batch goes wrong.

It differs from the real one: of the rules about what a record may be it knows those alone that say
what may stand beside what, and a change is INSYNC after as many questions as it is told. The local
AWS, which knows the others, is used in tests/engine.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

Fields = Mapping[str, Any]

FAULTS = (
    "throttled",
    "busy",
    "timed out before",
    "timed out after",
    "broken before",
    "broken after",
)


def refusal(code: str, status: int = 400) -> ClientError:
    """Return an error that Route 53 answers with."""
    return ClientError(
        {
            "Error": {"Code": code, "Message": code},
            "ResponseMetadata": {"HTTPStatusCode": status},  # type: ignore[typeddict-item]
        },
        "ChangeResourceRecordSets",
    )


class SmallRoute53:
    """A session and its client at once."""

    def __init__(self, records: Sequence[Fields], faults: Sequence[str] = ()) -> None:
        self.held = [dict(record) for record in records]
        self.faults = list(faults)
        self.batches: list[Any] = []
        """The batches that were carried out."""
        self.sent = 0
        self.pending = 2
        """How often a change is PENDING before it is INSYNC."""
        self.in_between: Callable[[], None] = lambda: None
        """What somebody else does just before a batch is looked at."""
        self.private = False
        self.protections: list[Fields] = []

    def client(self, *_: object, **__: object) -> "SmallRoute53":
        """Be the client of every service."""
        return self

    def get_hosted_zone(self, Id: str) -> Any:  # noqa: N803 - boto3's name
        """Return the zone."""
        return {"HostedZone": self._zone(Id)}

    def list_hosted_zones_by_name(self, DNSName: str) -> Any:  # noqa: N803
        """Return the zone, and one of a name that comes after."""
        other = {"Id": "/hostedzone/Z2", "Name": "z.test.", "Config": {"PrivateZone": False}}
        return {"HostedZones": [self._zone("Z1"), other] if DNSName <= "example.com" else [other]}

    def _zone(self, id_: str) -> Fields:
        config = {"PrivateZone": self.private}
        return {"Id": f"/hostedzone/{id_}", "Name": "example.com.", "Config": config}

    def list_resource_record_set_protections(self) -> Any:
        """Be known: the paginator is what is used."""

    def get_paginator(self, operation: str) -> "SmallRoute53 | _Protections":
        """Be the paginator as well."""
        protections = operation == "list_resource_record_set_protections"
        return _Protections(self.protections) if protections else self

    def paginate(self, HostedZoneId: str, StartRecordName: str = "") -> Iterator[Any]:  # noqa: N803
        """Yield the records from a name on, in Route 53's order, two a page, of many a hundred."""
        assert HostedZoneId == "Z1"
        ordered = sorted(self.held, key=lambda record: _place(record["Name"]))
        start_at = _place(StartRecordName)
        ordered = [record for record in ordered if _place(record["Name"]) >= start_at]
        size = 2 if len(ordered) < 100 else 100
        for start in range(0, len(ordered), size):
            yield {"ResourceRecordSets": ordered[start : start + size]}

    def change_resource_record_sets(self, HostedZoneId: str, ChangeBatch: Any) -> Any:  # noqa: N803
        """Carry out a batch, or go wrong."""
        assert HostedZoneId == "Z1"
        self.sent += 1
        fault = self.faults.pop(0) if self.faults else ""
        match fault:
            case "throttled":
                raise refusal("Throttling")
            case "busy":
                raise refusal("PriorRequestNotComplete")
            case "denied":
                raise refusal("AccessDenied", 403)
            case "timed out before":
                raise ReadTimeoutError(endpoint_url="https://route53.test")
            case "broken before":
                raise refusal("InternalError", 500)
            case _:
                pass
        self.in_between()
        self._carry_out(ChangeBatch)
        if fault == "timed out after":
            raise ReadTimeoutError(endpoint_url="https://route53.test")
        if fault == "broken after":
            raise refusal("ServiceUnavailable", 503)
        return {"ChangeInfo": {"Id": f"/change/C{len(self.batches)}", "Status": "PENDING"}}

    def _carry_out(self, batch: Any) -> None:
        held = list(self.held)
        for change in batch["Changes"]:
            record, key = change["ResourceRecordSet"], _key(change["ResourceRecordSet"])
            same = [each for each in held if _key(each) == key]
            if change["Action"] == "DELETE" and record not in held:
                raise refusal("InvalidChangeBatch")
            if change["Action"] == "CREATE" and same:
                raise refusal("InvalidChangeBatch")
            held = [each for each in held if _key(each) != key]
            if change["Action"] != "DELETE":
                held.append(record)
        changed = {change["ResourceRecordSet"]["Name"] for change in batch["Changes"]}
        beside = [record for record in held if record["Name"] in changed]
        if any(
            not _tolerated(one, other) for one in beside for other in beside if one is not other
        ):
            raise refusal("InvalidChangeBatch")
        self.held = held
        self.batches.append(batch)

    def get_change(self, Id: str) -> Any:  # noqa: N803
        """Tell how far a change is."""
        assert Id
        self.pending -= 1
        return {"ChangeInfo": {"Status": "PENDING" if self.pending >= 0 else "INSYNC"}}


class _Protections:
    def __init__(self, protections: Sequence[Fields]) -> None:
        self._protections = protections

    def paginate(self, HostedZoneId: str) -> Iterator[Any]:  # noqa: N803
        """Yield them in one page."""
        assert HostedZoneId == "Z1"
        yield {"ResourceRecordSetProtections": self._protections}


def _place(name: str) -> list[str]:
    """Return where a name stands: by its labels, the last one first."""
    return name.removesuffix(".").split(".")[::-1] if name else []


def _tolerated(one: Fields, other: Fields) -> bool:
    """Return whether two records may be in a zone together."""
    if one["Name"] != other["Name"]:
        return True
    if "CNAME" in {one["Type"], other["Type"]}:
        return one["Type"] == other["Type"] and "SetIdentifier" in one and "SetIdentifier" in other
    return one["Type"] != other["Type"] or ("Weight" in one) == ("Weight" in other)


def _key(record: Fields) -> tuple[str, str, str]:
    return record["Name"], record["Type"], record.get("SetIdentifier", "")


def weighted(name: str, direct: int, cdn: int) -> list[dict[str, Any]]:
    """Return the four records of a hostname."""
    return [
        {
            "Name": f"{name}.",
            "Type": family,
            "SetIdentifier": path,
            "Weight": weight,
            "AliasTarget": {
                "HostedZoneId": "Z0",
                "DNSName": f"{path}.test.",
                "EvaluateTargetHealth": False,
            },
        }
        for family in ("A", "AAAA")
        for path, weight in (("direct", direct), ("cdn", cdn))
    ]
