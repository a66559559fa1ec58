"""What changed between two moments, in a line for each thing, for people."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass
from typing import Any, Final, TypeGuard

from sandbox.lab.deployed import Deployed

MOST_DETAILS: Final = 4
"""How many values of one thing are shown; there may be hundreds in a distribution."""


def differences(before: Deployed, after: Deployed) -> list[str]:
    """Return what changed, a line for each thing that came, went or is another now."""
    old, new = things(before), things(after)
    lines = [f"{name} is gone" for name in old if name not in new]
    lines += [f"{name} is new" for name in new if name not in old]
    for name, thing in new.items():
        if name in old and old[name] != thing:
            details = list(_details(old[name], thing, ""))
            shown = ", ".join(details[:MOST_DETAILS])
            more = len(details) - MOST_DETAILS
            lines.append(f"{name}: {shown}" + (f", and {more} more" if more > 0 else ""))
    return lines


def things(deployed: Deployed, *, records: bool = True) -> dict[str, Any]:
    """Return every thing that is deployed by what a reader calls it.

    Args:
        deployed: What is deployed.
        records: Whether records and policies are among them, of which there are many.
    """
    named: dict[str, Any] = {}
    for zone in deployed.zones:
        named[f"zone {zone.name}"] = zone.id
        for record in zone.records:
            name = f"record {record['Name'].rstrip('.')} {record['Type']}"
            named[f"{name} {record.get('SetIdentifier', '')}".rstrip()] = record
    for kind, own in (
        ("load balancer", {each.dns_name: each for each in deployed.load_balancers}),
        ("distribution", {each.id: each for each in deployed.distributions}),
        ("bucket", {each.name: each for each in deployed.buckets}),
        ("droplet", {f"{each.name} ({each.id})": each for each in deployed.droplets}),
        ("health check", deployed.health_checks),
        ("certificate", deployed.certificates),
        ("cache policy", deployed.cache_policies),
        ("origin request policy", deployed.origin_request_policies),
    ):
        named |= {f"{kind} {name}": _plain(thing) for name, thing in own.items()}
    many = () if records else ("record ", "cache policy ", "origin request policy ")
    return {name: thing for name, thing in named.items() if not name.startswith(many)}


def _plain(thing: Any) -> Any:
    if not is_dataclass(thing) or isinstance(thing, type):
        return thing
    # Metadata and user data tell at length what the other fields tell.
    kept = {each.name for each in fields(thing)} - {"metadata"}
    return {name: value for name, value in asdict(thing).items() if name in kept}


def _details(before: Any, after: Any, path: str) -> Iterator[str]:
    """Return each value that differs, by its path."""
    if _is_mapping(before) and _is_mapping(after):
        for name in dict.fromkeys([*before, *after]):
            if before.get(name) != after.get(name):
                below = f"{path}.{name}".lstrip(".")
                yield from _details(before.get(name), after.get(name), below)
    elif _is_list(before) and _is_list(after) and len(before) == len(after):
        for number, (first, second) in enumerate(zip(before, after, strict=True)):
            if first != second:
                yield from _details(first, second, f"{path}[{number}]")
    else:
        shown = (_short(_without_secrets(value, path)) for value in (before, after))
        yield f"{path} {' → '.join(shown)}".lstrip()


def _without_secrets(value: Any, path: str) -> Any:
    """Return a value without what CloudFront adds to requests: that may be what lets them in."""
    if _is_mapping(value):
        return {name: _without_secrets(own, name) for name, own in value.items()}
    if _is_list(value):
        return [_without_secrets(own, path) for own in value]
    return "***" if value is not None and path.endswith("HeaderValue") else value


def _is_mapping(value: Any) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping)


def _is_list(value: Any) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _short(value: Any) -> str:
    most = 60
    text = "nothing" if value is None or value == "" else str(value)
    text = " ".join(text.split())
    return text if len(text) <= most else f"{text[: most - 1]}…"
