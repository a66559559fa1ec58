"""The records of hosted zones as Route 53 has them, and what its health checkers see.

Needs `route53:ListHostedZones`, `route53:ListResourceRecordSets`, `route53:GetHealthCheck` and
`route53:GetHealthCheckStatus`. Nothing changes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rollout.aws import AccountReader, reading_account
from rollout.records.record_sets import RecordSet, plain_name

HEALTHY_SHARE: Final = 0.18
"""Share of the checkers above which an endpoint counts as healthy.

Source: Route 53 Developer Guide, 'How Route 53 determines whether a health check is healthy'.
"""


@dataclass(frozen=True)
class AccountZone:
    """A public hosted zone."""

    id: str
    """Its id, without `/hostedzone/`."""
    name: str
    """Its name, in lower case without its final dot."""


@dataclass(frozen=True)
class Observed:
    """What Route 53's health checkers see."""

    checkers: int
    """How many have seen it."""
    healthy: int
    """How many of them found it healthy."""
    reason: str
    """What one of the others says; empty where there is none."""

    @property
    def is_healthy(self) -> bool | None:
        """Whether Route 53 takes it for healthy; None: no checker has looked yet."""
        return self.healthy > HEALTHY_SHARE * self.checkers if self.checkers else None


class ZoneReader:
    """Reads zones and their records."""

    def __init__(self, account: AccountReader) -> None:
        """Take what reads the account."""
        self._client = account.client("route53", "us-east-1")

    def zones(self) -> Sequence[AccountZone]:
        """Return all public zones of the account.

        Raises:
            AccountError: They cannot be read.
        """
        with reading_account():
            pages = self._client.get_paginator("list_hosted_zones").paginate()
            return [
                AccountZone(str(one["Id"]).rpartition("/")[2], plain_name(str(one["Name"])))
                for one in pages.search("HostedZones[]")
                if not one.get("Config", {}).get("PrivateZone")
            ]

    def records(self, zone: AccountZone, name: str) -> Sequence[RecordSet]:
        """Return the records of a name.

        Raises:
            AccountError: They cannot be read.
        """
        records: list[RecordSet] = []
        with reading_account():
            # All records of one name follow each other, and the first page begins with it.
            pages = self._client.get_paginator("list_resource_record_sets").paginate(
                HostedZoneId=zone.id, StartRecordName=name
            )
            for one in pages.search("ResourceRecordSets[]"):
                record = RecordSet(one)
                if record.name != name:
                    break
                records.append(record)
        return records

    def health_check(self, health_check: str) -> Mapping[str, Any]:
        """Return how a health check is configured, its `HealthCheckConfig`.

        Raises:
            AccountError: It cannot be read, or is not there.
        """
        with reading_account():
            answer = self._client.get_health_check(HealthCheckId=health_check)
        return answer["HealthCheck"]["HealthCheckConfig"]

    def observed(self, health_check: str) -> Observed:
        """Return what the checkers of a health check see.

        Raises:
            AccountError: It cannot be read, or is not there.
        """
        with reading_account():
            answer = self._client.get_health_check_status(HealthCheckId=health_check)
        statuses = [
            str(each.get("StatusReport", {}).get("Status", ""))
            for each in answer["HealthCheckObservations"]
        ]
        failed = [status for status in statuses if not status.startswith("Success")]
        return Observed(len(statuses), len(statuses) - len(failed), failed[0] if failed else "")


def zones_of(name: str, zones: Sequence[AccountZone]) -> Sequence[AccountZone]:
    """Return the zones that a name lies in: those of the longest name, which may be several."""
    around = [zone for zone in zones if f".{name}".endswith(f".{zone.name}")]
    longest = max((len(zone.name) for zone in around), default=0)
    return [zone for zone in around if len(zone.name) == longest]
