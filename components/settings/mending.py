"""Remedies made of what was written, of the value itself or of the settings beside it.

A value that nobody can read is often said by another one: the second weight by the first, the zone
by the hostnames, the hosted zone of a load balancer by its name.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, cast

from components.facts import WHOLE_WEIGHT
from components.load_balancer_names import ZONES, region_of, zone_id_of
from components.settings.commands import SettingPlace, stays_text
from components.settings.fields import NOTHING, REMOVE, Remedy, Steps
from components.settings.intended import intended, takes
from components.settings.numbers import number_of
from components.settings.texts import host_names
from components.settings.wording import NOT_SET, Problem

_NOT: Final = frozenset({"none", "no", "off", "false", "null", "nil", "~", "-"})
"""What somebody writes who wants nothing of a kind."""


def mended(
    problems: Collection[Problem], given: Mapping[str, Any], masked: Collection[str]
) -> Iterator[Problem]:
    """Yield problems with the remedies that can be made of what was given.

    Args:
        problems: What is wrong.
        given: What was set, by key, with known keys only.
        masked: The keys whose values are secret; nothing is made of them.
    """
    shown = {key: value for key, value in given.items() if key not in masked}
    for problem in problems:
        remedy = problem.remedy
        own = remedy.value is NOTHING and not remedy.values and not remedy.at
        told = replace(problem, found=value_at(given, problem.path))
        own &= not isinstance(told.found, Problem)
        if remedy.command == "set" and own and problem.path[0] not in masked:
            yield _mended(told, shown)
        elif remedy.values and not remedy.removed:
            texts = [
                path for path, value in remedy.values if stays_text(value_at(given, path), value)
            ]
            yield replace(told, remedy=replace(remedy, removed=tuple(texts)))
        else:
            yield told


def _mended(problem: Problem, given: Mapping[str, Any]) -> Problem:
    place, found = SettingPlace.of(problem.path), problem.found
    field = place.field
    if field is None:
        return problem
    nothing = found is None or found is False or str(found).strip().lower() in _NOT
    optional = not field.is_required() and problem.value != NOT_SET
    if nothing and optional and field.annotation is not bool:
        return replace(problem, remedy=replace(REMOVE, advice=problem.remedy.advice))
    right = found is NOTHING or takes(field, found)  # in itself: it is wrong beside another one
    value = NOTHING if right else intended(place.key, field, found)
    if value is NOTHING or _contradicts(problem.path, value, given):
        others = (each for each in _from_others(problem.path, given) if takes(field, each))
        value = next((each for each in others if not _same(each, found)), value)
    if value is NOTHING:
        return problem
    retyped = found is not NOTHING and found is not None and _kind(value) is not _kind(found)
    lead = f"Write `{place.yaml(value)}`, or set it with" if retyped else ""
    lead = problem.remedy.lead or lead
    if isinstance(problem.path[-1], int) and stays_text(found, value):
        return replace(problem, remedy=_whole_list(problem.path[:-1], given, lead))
    return replace(problem, remedy=replace(problem.remedy, value=value, lead=lead))


def _whole_list(path: Steps, given: Mapping[str, Any], lead: str) -> Remedy:
    """Return the remedy of an entry that is a text: the list anew, without its quotes."""
    place = SettingPlace.of(path)
    entries = value_at(given, path)
    value = intended(place.key, place.field, entries) if place.field else NOTHING
    return Remedy(command="set", lead=lead, values=((path, value),), removed=(path,))


def _same(one: Any, other: Any) -> bool:
    return _kind(one) is _kind(other) and one == other


def _kind(value: Any) -> type[Any]:
    return cast("type[Any]", list if isinstance(value, list | tuple) else type(value))


def value_at(given: Mapping[str, Any], path: Steps) -> Any:
    """Return what stands at a place, or `NOTHING`."""
    at: Any = given
    for step in path:
        match at, step:
            case dict(), str():
                at = cast("dict[str, Any]", at).get(step, NOTHING)
            case list() | tuple(), int():
                entries = cast("list[Any]", at)
                at = entries[step] if step < len(entries) else NOTHING
            case _:
                return NOTHING
    return at


def _contradicts(path: Steps, value: Any, given: Mapping[str, Any]) -> bool:
    """Say whether a weight leaves less or more than the other one is."""
    if path[0] != "traffic" or len(path) == 1:
        return False
    other = _weight(given, "cdn" if path[1] == "direct" else "direct")
    return other is not None and value != WHOLE_WEIGHT - other


def _weight(given: Mapping[str, Any], name: str) -> int | None:
    number = number_of(value_at(given, ("traffic", name)))
    usable = number is not None and float(number).is_integer() and 0 <= number <= WHOLE_WEIGHT
    return int(number) if usable and number is not None else None


def _from_others(path: Steps, given: Mapping[str, Any]) -> Iterator[Any]:
    """Yield what a value may be by the settings beside it."""
    match path:
        case ("traffic", "direct" | "cdn" as name):
            other = _weight(given, "cdn" if name == "direct" else "direct")
            if other is not None:
                yield WHOLE_WEIGHT - other
        case ("hostnames",):
            yield from ([f"api.{zone}"] for zone in _names(given.get("zone")))
        case ("hostnames", int()):
            yield from _names_in_zone(value_at(given, path), given)
        case ("zone",):
            yield from map(parent_of, _first_names(given))
        case ("origin", "hostedZoneId"):
            name = value_at(given, ("origin", "domainName"))
            yield from filter(None, map(zone_id_of, _names(name)))
        case ("origin", "domainName"):
            yield from _domain_names(value_at(given, ("origin", "hostedZoneId")))
        case ("origin", "kind"):
            yield from _kinds(str(value_at(given, ("origin", "loadBalancer"))))
        case _:
            return


def _first_names(given: Mapping[str, Any]) -> Iterator[str]:
    for first in (value_at(given, ("hostnames", 0)), given.get("hostnames")):
        yield from _names(first)


def _names_in_zone(text: Any, given: Mapping[str, Any]) -> Iterator[str]:
    """Yield a name in the zone for one label of it, or for none."""
    label = text.strip(" .").lower() if isinstance(text, str) and "." not in text else ""
    for zone in _names(given.get("zone")):
        yield f"{label}.{zone}"
        yield f"api.{zone}"


def _names(text: Any) -> Iterator[str]:
    yield from (host_names(text) if isinstance(text, str) else ())


def parent_of(name: str) -> str:
    """Return the name above a name, or itself where that would be a top-level domain."""
    above = name.partition(".")[2]
    return above if "." in above else name


def _domain_names(zone_id: Any) -> Iterator[str]:
    for region, zones in ZONES.items():
        if zone_id == zones.application:
            yield f"api-1234567890.{region}.elb.amazonaws.com"
        elif zone_id == zones.network:
            yield f"api-0123456789abcdef.elb.{region}.amazonaws.com"


def _kinds(load_balancer: str) -> Iterator[str]:
    """Yield the kind that an ARN or a DNS name tells."""
    if ":loadbalancer/" in load_balancer:
        kind = load_balancer.partition(":loadbalancer/")[2].partition("/")[0]
        yield {"app": "application", "net": "network"}.get(kind, "classic")
    elif region_of(load_balancer) and ".elb.amazonaws.com" not in load_balancer:
        yield "network"
