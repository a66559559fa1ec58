"""What IPv6 users are answered while a deployment runs, and whether somebody serves there."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sandbox.clouds import background
from support.engine import client, holders, zone_records
from support.waiting import repeated

if TYPE_CHECKING:
    from types_boto3_route53 import Route53Client
    from types_boto3_route53.type_defs import ResourceRecordSetOutputTypeDef


@dataclass(frozen=True)
class Moment:
    """Both accounts, as they were at one time: first the zone, then the addresses."""

    at: float
    """When, in seconds of a clock that only goes forward."""
    answers: frozenset[str]
    """Addresses of proxies that AAAA answers of the old path may hold."""
    served: frozenset[str]
    """Addresses that are assigned to a droplet."""


@dataclass
class Watch:
    """What was seen, moment by moment."""

    moments: list[Moment] = field(default_factory=list[Moment])

    def unserved(self, ttl_seconds: float) -> list[tuple[float, set[str]]]:
        """Return when an answer that still lived led to an address that nobody had, and which."""
        faults: list[tuple[float, set[str]]] = []
        for moment in self.moments:
            living = {
                address
                for before in self.moments
                if moment.at - ttl_seconds <= before.at <= moment.at
                for address in before.answers
            }
            if dead := living - moment.served:
                faults.append((moment.at - self.moments[0].at, dead))
        return faults


@contextmanager
def watched(account: background.Cloud, droplets: background.Cloud) -> Generator[Watch]:
    """Look at both accounts again and again until the end.

    A moment is two looks, one after the other, so it may miss what comes and goes within them. It
    sees no wrong one in an order that is right: what is answered is there before and after.
    """
    watch, route53 = Watch(), client(account, "route53")

    def look() -> None:
        answers = frozenset(answered(route53))
        watch.moments.append(Moment(time.monotonic(), answers, frozenset(holders(droplets))))

    with repeated(look):
        yield watch


def answered(route53: "Route53Client") -> set[str]:
    """Return the addresses that AAAA answers of the old path hold, all proxies being healthy."""
    records = [record for record in zone_records(route53) if record["Type"] == "AAAA"]
    led = {
        record["AliasTarget"]["DNSName"]
        for record in records
        if record.get("SetIdentifier") == "direct" and "AliasTarget" in record
    }
    groups = [[record for record in records if record["Name"] == name] for name in led]
    return {address for group in groups for record in _used(group) for address in _values(record)}


def _used(
    group: "list[ResourceRecordSetOutputTypeDef]",
) -> "list[ResourceRecordSetOutputTypeDef]":
    return [record for record in group if record.get("Weight")] or group


def _values(record: "ResourceRecordSetOutputTypeDef") -> set[str]:
    return {value["Value"] for value in record.get("ResourceRecords", ())}
