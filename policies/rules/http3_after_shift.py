"""HTTP/3 should stay off while some users are still on the old path.

A client that was once offered HTTP/3 remembers it for a day and goes on using it with the addresses
it knows. While traffic moves by DNS weights, and may have to move back, that is a hold on clients
that the weights do not have. Turn it on when the distribution has all the traffic.

Source: RFC 7838, "HTTP Alternative Services", section 2.2; CloudFront API Reference,
"DistributionConfig", HttpVersion.
"""

from collections.abc import Iterator
from functools import lru_cache

from policies.cloudfront import DISTRIBUTION
from policies.model import UNKNOWN, Finding, JudgedStack, Place, Rule, number, show
from policies.records import Record, records

REMEDY = 'Set httpVersion to "http2" until no other record of the name has a weight above 0.'
HTTP3 = ("http3", "http2and3")


def check(distribution: Place) -> Iterator[Finding]:
    """Yield a finding for HTTP/3 on a distribution that shares a name with another way."""
    version = distribution.get("httpVersion")
    if not (version.unknown or (isinstance(version.value, str) and version.value in HTTP3)):
        return
    shared = _shared(distribution.around.stack).get(distribution.around.resource.urn)
    if shared:
        names = f"{shared.name or 'a name'} still leads elsewhere with weight"
        shown = None
        if not version.unknown:
            shown = f"{show(version.value)}, while {names} {show(shared.weight.value)}"
        yield version.finding(
            '"http2" while traffic is shared',
            REMEDY,
            shown=shown,
            certain=not shared.weight.unknown,
        )


@lru_cache(maxsize=1)
def _shared(stack: JudgedStack) -> dict[str, Record]:
    """Return, for each distribution that shares a name, a record that leads elsewhere."""
    by_distribution: dict[str, Record] = {}
    for group in records(stack).by_name.values():
        ways = [record for record in group if record.weighted]
        elsewhere = [way for way in ways if not way.leads_to_cloudfront and _used(way)]
        for way in ways if elsewhere else ():
            for distribution in way.distributions:
                by_distribution.setdefault(distribution.urn, elsewhere[0])
    return by_distribution


def _used(record: Record) -> bool:
    weight = record.weight.value
    return weight is UNKNOWN or (number(weight) or 0) > 0


RULE = Rule(
    name="http3-after-shift",
    text=__doc__,
    url="https://www.rfc-editor.org/rfc/rfc7838#section-2.2",
    severity="low",
    remedy=REMEDY,
    resource_types=DISTRIBUTION,
    check=check,
    stack=True,
)
