"""An alias of a distribution must be one that Route 53 takes and the distribution answers.

Every distribution's name is in the hosted zone Z2FDTNDATAQYW2, and Route 53 cannot evaluate a
distribution's health. A distribution answers only for its alternate domain names: for any other
name it says 403. One with IPv6 off has no AAAA answers, so an AAAA alias of it is empty. Whether a
distribution of another stack has the name cannot be seen from this one and is not judged.

Source: Route 53 API Reference, "AliasTarget"; CloudFront Developer Guide, "Use custom URLs by
adding alternate domain names".
"""

from collections.abc import Iterator

from policies.cloudfront import DISTRIBUTION
from policies.model import Around, Finding, Place, Resource, Rule, show
from policies.records import CLOUDFRONT_ZONE, RECORD, Record, covers, record_of

REMEDY = (
    f'Set zoneId to "{CLOUDFRONT_ZONE}" and evaluateTargetHealth to false, add the name to the '
    "distribution's aliases, and turn its IPv6 on."
)


def check(place: Place) -> Iterator[Finding]:
    """Yield a finding for what Route 53 refuses, and for a distribution that does not answer."""
    record, _ = record_of(place)
    alias = record.alias
    if alias is None:
        return
    zone = alias.get("zoneId")
    if not record.leads_to_cloudfront:
        if zone.unknown and alias.get("name").unknown and not zone.dependencies():
            yield zone.finding("known", "Write the zone of the alias's target out in the program.")
        return
    # The zone that a distribution itself gives is the right one, known or not.
    own_zone = zone.unknown and any(source.type in DISTRIBUTION for source in zone.dependencies())
    if not own_zone:
        yield from zone.must_be(CLOUDFRONT_ZONE, "Every distribution's name is in this zone.")
    yield from alias.get("evaluateTargetHealth").must_be(
        value=False, fix="Set it to false: Route 53 cannot evaluate a distribution's health."
    )
    for distribution in record.distributions:
        yield from _answers(record, distribution)


def _answers(record: Record, distribution: Resource) -> Iterator[Finding]:
    place = Around(distribution, record.place.around.stack).place()
    certain = len(record.distributions) == 1
    aliases = place.get("aliases")
    names = [alias.value for alias in aliases.items()]
    if record.name is None:
        yield record.place.get("name").finding("known", "Write the name out in the program.")
    elif not any(isinstance(name, str) and covers(name, record.name) for name in names):
        # At the record's name, because the target's own name is not known before deployment.
        yield record.place.get("name").finding(
            f"among the aliases of distribution {show(distribution.name)}",
            "Add it to the distribution's aliases: for any other name it says 403.",
            shown=f"{show(record.name)}, and the aliases are {show(aliases.value)}",
            certain=certain and all(isinstance(name, str) for name in names),
        )
    ipv6 = place.get("isIpv6Enabled")
    if record.type == "AAAA" and ipv6.value is not True:
        yield record.place.get("type").finding(
            "A, or the distribution's IPv6 on",
            f"Set isIpv6Enabled of {show(distribution.name)} to true, or its AAAA answer is empty.",
            shown=f'"AAAA" for {show(distribution.name)}, whose isIpv6Enabled is '
            f"{show(ipv6.value)}",
            certain=certain and not ipv6.unknown,
        )


RULE = Rule(
    name="alias-targets-valid",
    text=__doc__,
    url="https://docs.aws.amazon.com/Route53/latest/APIReference/API_AliasTarget.html",
    severity="high",
    remedy=REMEDY,
    resource_types=RECORD,
    check=check,
    stack=True,
)
