"""Rules of a record's routing policy: what each policy names, and which records may have it.

What the lists of codes lack: Route 53 also routes by the parts of Ukraine, whose codes no
documentation names, so any two digits pass.
"""

import re
from collections.abc import Callable
from functools import cache
from typing import Final, cast

from moto.core.utils import get_service_model

from sandbox.clouds.aws.fields import ReadOnly, part
from sandbox.clouds.aws.refusal import Refusal
from sandbox.clouds.aws.rules.countries import country_codes
from sandbox.clouds.aws.rules.zone_contents import (
    RecordChange,
    RoutingPolicy,
    ZoneContents,
    described,
    invalid,
)

CONTINENTS: Final = frozenset({"AF", "AN", "AS", "EU", "NA", "OC", "SA"})
"""Source: Route 53 API Reference, 'GeoLocation', ContinentCode."""

EVERYWHERE: Final = "*"
"""The country of a record that answers wherever no other does."""

SUBDIVISIONS: Final = {
    "US": re.compile(
        "A[AEKLPRSZ]|C[AOT]|D[CE]|F[LM]|G[AU]|HI|I[ADLN]|K[SY]|LA|M[ADEHINOPST]|N[CDEHJMVY]|"
        "O[HKR]|P[ARW]|RI|S[CD]|T[NX]|UT|V[AIT]|W[AIVY]"
    ),
    "UA": re.compile(r"\d\d"),
}
"""The countries that have subdivisions, and their codes.

Source: Route 53 API Reference, 'GeoLocation', SubdivisionCode, which names Appendix B of the United
States Postal Service's Publication 28; aws/aws-cdk, aws-route53/lib/geo-location.ts, and
sous-chefs/aws#437 for Ukraine, of which the documentation says nothing."""

UNROUTED: Final = frozenset({"DS", "NS", "SOA"})
"""Types that have no routing policy. Source: Route 53 API Reference, 'ResourceRecordSet', Type."""

PLACES: Final = ("AWSRegion", "LocalZoneGroup", "Coordinates")
LIMITS: Final = (("Latitude", 90.0), ("Longitude", 180.0))


def location_is_supported(_zone: ZoneContents, change: RecordChange) -> Refusal | None:
    """A location is a continent, a country, `*`, or a state of the United States with its country.

    Source: Route 53 API Reference, 'GeoLocation': "Specifying ContinentCode with either CountryCode
    or SubdivisionCode returns an InvalidInput error". Which error an unknown code gives is not
    documented; here it is the same.
    """
    location = change.record.fields.get("GeoLocation")
    if location is None:
        return None
    continent, country, subdivision = (
        location.get(f"{name}Code") for name in ("Continent", "Country", "Subdivision")
    )
    if continent is not None and (country is not None or subdivision is not None):
        return _input(
            "ContinentCode can't be specified with CountryCode or SubdivisionCode", change
        )
    if continent is not None:
        supported = continent in CONTINENTS
    elif subdivision is not None:
        known = SUBDIVISIONS.get(country or "")
        supported = known is not None and known.fullmatch(subdivision) is not None
    else:
        supported = country == EVERYWHERE or country in country_codes()
    if supported:
        return None
    named = ", ".join(f"{name}={code}" for name, code in location.items() if code is not None)
    return _input(f"The geographic location [{named}] is not supported", change)


def proximity_has_one_place(_zone: ZoneContents, change: RecordChange) -> Refusal | None:
    """A resource is near a region of AWS, a local zone group or a point on Earth: one of them.

    Source: Route 53 API Reference, 'GeoProximityLocation' and 'Coordinates'.
    """
    place = change.record.fields.get("GeoProximityLocation")
    if place is None:
        return None
    named = [name for name in PLACES if place.get(name) is not None]
    if len(named) != 1:
        number = "more than one" if named else "none"
        return _input(
            f"Expected exactly one of [{', '.join(PLACES)}], but found {number}",
            change,
        )
    for name, most in LIMITS:
        degrees = part(place, "Coordinates").get(name)
        if degrees is not None and not -most <= float(degrees) <= most:
            return _input(f"{name} {degrees} is not between -{most:.0f} and {most:.0f}", change)
    if not _is_near_a_region(place):
        return _input(f"{named[0]} {place[named[0]]} does not exist", change)
    return None


def cidr_location_is_a_name_or_all(_zone: ZoneContents, change: RecordChange) -> Refusal | None:
    """A CIDR location is one of its collection, or `*` alone for all other addresses.

    Whether the collection exists is not checked here: there is none to make.

    Source: Route 53 API Reference, 'CidrRoutingConfig'; the names that a collection's locations may
    have, as the service's model has them.
    """
    name = part(change.record.fields, "CidrRoutingConfig").get("LocationName")
    if name is None or name == EVERYWHERE or re.fullmatch(_location_names(), name):
        return None
    return _input(f"LocationName {name} is neither the name of a location nor *", change)


def type_takes_the_policy(_zone: ZoneContents, change: RecordChange) -> Refusal | None:
    """NS, SOA and DS records have no routing policy; a CNAME no multivalue answer.

    Source: Route 53 API Reference, 'ResourceRecordSet', Type. Which error it gives is not
    documented.
    """
    record = change.record
    multivalue = record.policy is RoutingPolicy.MULTIVALUE
    if record.policy is RoutingPolicy.SIMPLE or (
        record.type not in UNROUTED and not (multivalue and record.type == "CNAME")
    ):
        return None
    return invalid(
        f"{described(record)} cannot be created as records of this type can't have the routing "
        f"policy {record.policy.value}."
    )


def multivalue_answer_is_no_alias(_zone: ZoneContents, change: RecordChange) -> Refusal | None:
    """A record of a multivalue answer has values.

    Source: Route 53 API Reference, 'ResourceRecordSet', MultiValueAnswer: "You can't create
    multivalue answer alias records." Which error it gives is not documented.
    """
    record = change.record
    if record.policy is not RoutingPolicy.MULTIVALUE or record.alias is None:
        return None
    return invalid(f"{described(record)} cannot be created as a multivalue answer alias record.")


def primary_has_a_health_check(_zone: ZoneContents, change: RecordChange) -> Refusal | None:
    """The primary record of a failover that is no alias has a health check.

    Source: Route 53 Developer Guide, 'Values specific for failover records', Health check; message
    as reported in kubernetes-sigs/external-dns#2362.
    """
    record = change.record
    if not change.puts or record.fields.get("Failover") != "PRIMARY" or record.alias is not None:
        return None
    if record.fields.get("HealthCheckId"):
        return None
    return invalid(
        "A non-alias primary ResourceRecordSet must have an associated health check. "
        "No changes made."
    )


def _is_near_a_region(place: ReadOnly) -> bool:
    """Tell whether a region exists, or the one that the name of a local zone group begins with."""
    region, group = place.get("AWSRegion"), place.get("LocalZoneGroup")
    if region is not None:
        return region in _regions()
    return group is None or any(
        re.fullmatch(rf"{region}-[a-z]{{3}}-\d+", group) for region in _regions()
    )


@cache
def _regions() -> frozenset[str]:
    shape = get_service_model("route53").shape_for("ResourceRecordSetRegion")
    return frozenset(cast("list[str]", shape.metadata["enum"]))


@cache
def _location_names() -> str:
    shape = get_service_model("route53").shape_for("CidrLocationNameDefaultNotAllowed")
    return str(shape.metadata["pattern"])


def _input(problem: str, change: RecordChange) -> Refusal:
    return Refusal("InvalidInput", f"Invalid request: {problem} in {change}")


ROUTING_RULES: Final[tuple[Callable[[ZoneContents, RecordChange], Refusal | None], ...]] = (
    location_is_supported,
    proximity_has_one_place,
    cidr_location_is_a_name_or_all,
    type_takes_the_policy,
    multivalue_answer_is_no_alias,
    primary_has_a_health_check,
)
