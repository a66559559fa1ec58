"""A Route 53 of one zone in memory, which can be told how each batch goes wrong.

It differs from the real one: it knows no rule about what a record may be, and a change is INSYNC
after as many questions as it is told. The local AWS, which does, is used in tests/engine.
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

    def get_paginator(self, _: str) -> "SmallRoute53":
        """Be the paginator as well."""
        return self

    def paginate(self, HostedZoneId: str, StartRecordName: str) -> Iterator[Any]:  # noqa: N803
        """Yield the records from a name on, two a page."""
        assert HostedZoneId == "Z1"
        ordered = sorted(self.held, key=lambda record: record["Name"])
        ordered = [record for record in ordered if record["Name"] >= StartRecordName]
        for start in range(0, len(ordered), 2):
            yield {"ResourceRecordSets": ordered[start : start + 2]}

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
        self.held = held
        self.batches.append(batch)

    def get_change(self, Id: str) -> Any:  # noqa: N803
        """Tell how far a change is."""
        assert Id
        self.pending -= 1
        return {"ChangeInfo": {"Status": "PENDING" if self.pending >= 0 else "INSYNC"}}


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
