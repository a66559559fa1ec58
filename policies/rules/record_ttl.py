"""A weighted record with values of its own should have a short TTL.

A change of weights reaches a client when its resolver asks again. Aliases of CloudFront and of load
balancers have 60 seconds; a longer TTL beside them keeps its clients longer, so the shares are not
what the weights say, and a way back takes as long.

Source: Route 53 Developer Guide, "Values specific for weighted records", TTL.
"""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from policies.model import Finding, Place, Rule, RuleOptions, number
from policies.records import RECORD, record_of

REMEDY = "Set ttl to 60 seconds or less."


class RecordTtl(RuleOptions):
    """What a user may set about `record-ttl`."""

    seconds: Annotated[
        int, Field(strict=False, ge=0, description="The longest TTL that passes, in seconds.")
    ] = 60


def check(place: Place) -> Iterator[Finding]:
    """Yield a finding for a weighted record whose own TTL is longer than the limit."""
    record, _ = record_of(place)
    if not record.weighted or record.alias is not None:
        return
    limit = place.options(RecordTtl).seconds
    ttl = place.get("ttl")
    seconds = number(ttl.value)
    if seconds is None or not seconds <= limit:
        yield ttl.finding(f"{limit} seconds or less", f"Set it to {limit}.")


RULE = Rule(
    name="record-ttl",
    text=__doc__,
    url="https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resource-record-sets-values-weighted.html",
    severity="low",
    remedy=REMEDY,
    resource_types=RECORD,
    check=check,
    stack=True,
    options=RecordTtl,
)
