"""A name that leads to a distribution must be one that Route 53 takes and the distribution answers.

Every distribution's name is in the hosted zone Z2FDTNDATAQYW2, Route 53 cannot evaluate a
distribution's health, and an alias of one cannot stand in a private zone. A distribution answers
only for its alternate domain names, whether an alias or a CNAME leads to it, and through whatever
names: for any other name it says 403. One that is not enabled answers nobody, and one with IPv6 off
has no AAAA answers, so an AAAA alias of it is empty. A name can be on one distribution only; where
a wildcard of one and the name itself on another cover it, the latter answers. A helper whose name
begins with an underscore, and which an alias leads to, is asked by nobody. Whether a distribution
of another stack has the name cannot be seen from this one and is not judged, but for a name that a
distribution of this stack has.

Source: Route 53 API Reference, "AliasTarget"; CloudFront Developer Guide, "Use custom URLs by
adding alternate domain names".
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from policies.cloudfront import DISTRIBUTION
from policies.model import Around, Finding, JudgedStack, Judgement, Place, Resource, Rule, show
from policies.records import (
    CLOUDFRONT_ZONE,
    FAMILIES,
    RECORD,
    Family,
    Record,
    Records,
    covers,
    is_cloudfront,
    normal,
    record_of,
)
from policies.resolution import resolution

REMEDY = (
    f'Set zoneId to "{CLOUDFRONT_ZONE}" and evaluateTargetHealth to false, add the name to the '
    "aliases of that distribution alone, enable it, and turn its IPv6 on."
)


def check(place: Place) -> Iterator[Finding]:
    """Yield a finding for what Route 53 refuses, and for a distribution that does not answer."""
    if place.around.resource.type in DISTRIBUTION:
        yield from _shared_names(place)
        return
    record, records = record_of(place)
    if record.leads_to_cloudfront:
        if record.alias is not None:
            yield from _taken(record, record.alias, records)
        unanswered = list(_answered(record, records))
        yield from unanswered or _other(record, records)
    elif record.alias is not None:
        zone = record.alias.get("zoneId")
        if zone.unknown and record.alias.get("name").unknown and not zone.dependencies():
            yield zone.finding("known", "Write the zone of the alias's target out in the program.")
            return
        yield from _through_other_names(record)
    elif record.type == "CNAME":
        yield from _through_other_names(record)


def _taken(record: Record, alias: Place, records: Records) -> Iterator[Finding]:
    """Yield what Route 53 refuses of an alias of a distribution."""
    zone = alias.get("zoneId")
    # The zone that a distribution itself gives is the right one, known or not.
    own_zone = zone.unknown and any(source.type in DISTRIBUTION for source in zone.dependencies())
    if not own_zone:
        yield from zone.must_be(CLOUDFRONT_ZONE, "Every distribution's name is in this zone.")
    yield from alias.get("evaluateTargetHealth").must_be(
        value=False, fix="Set it to false: Route 53 cannot evaluate a distribution's health."
    )
    if record.zone in records.private:
        own = record.place.get("zoneId")
        finding = own.finding(
            "a public zone",
            "Put the alias into the public zone of the name: Route 53 takes none in a private one.",
            shown="a private zone" if own.unknown else f"{show(own.value)}, a private zone",
        )
        yield replace(finding, answer=Judgement.FAIL)


def _answered(record: Record, records: Records) -> Iterator[Finding]:
    """Yield that a distribution of the stack does not answer a record's name."""
    helper = _is_helper(record, records)
    for distribution in record.distributions:
        yield from _answers(record, distribution, named=not helper)


def _is_helper(record: Record, records: Records) -> bool:
    """Say whether nobody asks for a name but the aliases that lead to it."""
    return (record.name or "").startswith("_") and (
        (record.zone, record.name or "", record.type or "") in records.aliased
    )


def _through_other_names(record: Record) -> Iterator[Finding]:
    """Yield that a distribution does not answer a name that leads to it through other names."""
    stack = record.place.around.stack
    _, records = record_of(record.place)
    if record.urn not in stack.by_urn or _is_helper(record, records):
        return
    families: list[Family] = [family for family in FAMILIES if record.type in (family, "CNAME")]
    reached: dict[str, Resource] = {}
    for place in resolution(stack).places(record, families):
        resource = stack.by_urn.get(place.identity)
        if place.kind == "distribution" and resource and resource.type in DISTRIBUTION:
            reached[resource.urn] = resource
    for distribution in reached.values():
        yield from _named(record, distribution, certain=True)


def _other(record: Record, records: Records) -> Iterator[Finding]:
    """Yield that a record leads to another distribution than the one that answers the name."""
    if record.name is None or not record.targets:
        return
    target, own = record.targets[0], _distribution_of(record)
    answering = _answering(record.place.around.stack, record.name)
    if answering is None:
        ways = (_distribution_of(other) for other in records.beside(record, *KINDS))
        first = next((way for way in ways if way is not None), None)
        if own in (None, first):
            return
        allowed = f"distribution {show(first)}, to which another record of the name leads"
    elif own in (None, answering.urn):
        return
    else:
        allowed = f"distribution {show(answering.name)}, which has the name among its aliases"
    finding = record.place.get("name").finding(
        f"one that leads to {allowed}",
        "Lead all records of the name to one distribution: a name is answered by one only.",
        shown=f"{show(record.name)}, and this record leads to "
        + (show(target.value) if isinstance(target.value, str) else "another one"),
    )
    yield finding


KINDS = (*FAMILIES, "CNAME", "HTTPS")
"""The types that lead clients to a distribution."""


def _distribution_of(record: Record) -> str | None:
    """Return which distribution a record leads to; None where that is not certain."""
    distributions = record.distributions
    if len(distributions) == 1:
        return distributions[0].urn
    names = [name.value for name in record.targets]
    if not distributions and names and isinstance(names[0], str) and is_cloudfront(names[0]):
        return normal(names[0])
    return None


def _answering(stack: JudgedStack, name: str) -> Resource | None:
    """Return the distribution of a stack that has a name itself among its aliases."""
    return next(iter(_by_alias(stack).get(name, ())), None)


@lru_cache(maxsize=1)
def _by_alias(stack: JudgedStack) -> dict[str, list[Resource]]:
    by_alias: dict[str, list[Resource]] = {}
    for resource in stack.of(DISTRIBUTION):
        for alias in Around(resource, stack).place().get("aliases").items():
            if isinstance(alias.value, str):
                by_alias.setdefault(normal(alias.value), []).append(resource)
    return by_alias


def _shared_names(distribution: Place) -> Iterator[Finding]:
    """Yield each alias that a distribution before this one has as well."""
    stack, resource = distribution.around.stack, distribution.around.resource
    for alias in distribution.get("aliases").items():
        if not isinstance(alias.value, str):
            continue
        first = next(iter(_by_alias(stack).get(normal(alias.value), ())), resource)
        if first.urn != resource.urn:
            yield alias.finding(
                f"on one distribution only; {show(first.name)} has it",
                "Take it off one of them: CloudFront refuses a name that another one has.",
            )


def _answers(record: Record, distribution: Resource, *, named: bool) -> Iterator[Finding]:
    place = Around(distribution, record.place.around.stack).place()
    certain = len(record.distributions) == 1
    if named:
        yield from _named(record, distribution, certain=certain)
    enabled = place.get("enabled")
    if enabled.value is not None and enabled.value is not True:
        yield record.place.get("name").finding(
            "one that leads to a distribution that is enabled",
            f"Set enabled of {show(distribution.name)} to true.",
            shown=f"{show(record.name)}, which leads to {show(distribution.name)}, whose enabled "
            f"is {show(enabled.value)}",
            certain=certain and not enabled.unknown,
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


def _named(record: Record, distribution: Resource, *, certain: bool) -> Iterator[Finding]:
    """Yield that a distribution does not have a record's name among its aliases."""
    stack = record.place.around.stack
    aliases = Around(distribution, stack).place().get("aliases")
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


RULE = Rule(
    name="alias-targets-valid",
    text=__doc__,
    url="https://docs.aws.amazon.com/Route53/latest/APIReference/API_AliasTarget.html",
    severity="high",
    remedy=REMEDY,
    resource_types=RECORD | DISTRIBUTION,
    check=check,
    stack=True,
)
