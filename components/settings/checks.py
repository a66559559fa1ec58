"""Whether values can be used: each by the rules of its field, then all of them together.

Both ways in, the stack's configuration and a component's arguments, end here.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final, cast, get_type_hints

from pydantic import TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from components.facts import PREFIX_LIST_WEIGHT
from components.faults import shown
from components.settings.all_settings import KEYS, OriginLock, Settings, Traffic
from components.settings.declared import undeclarable
from components.settings.fields import NOTHING, REMOVE, Remedy
from components.settings.intended import frozen
from components.settings.limits import repeated, too_much
from components.settings.mending import mended
from components.settings.proxies import Proxies
from components.settings.shiftable import unshiftable
from components.settings.switchable import unswitchable
from components.settings.unknown import spelled
from components.settings.values import hostname
from components.settings.wording import OTHER, Problem, missing, problem_of

if TYPE_CHECKING:
    from components.settings.cdn import Origin

LONGEST_SUBJECT: Final = 64
"""Characters of a certificate's common name, which is shorter than a DNS name may be.

Source: ACM API Reference, RequestCertificate, DomainName.
"""

_TYPES: Final = get_type_hints(Settings, include_extras=True)
_ADAPTERS: Final[Mapping[str, TypeAdapter[Any]]] = {
    to_camel(name): TypeAdapter(_TYPES[name]) for name in _TYPES if to_camel(name) in KEYS
}


def check(
    given: Mapping[str, Any], masked: Collection[str] = ()
) -> tuple[dict[str, Any], list[Problem]]:
    """Return the values that can be used, by key, and what is wrong with the others.

    Args:
        given: What JSON can hold, by key; or a problem that is known already. Keys that are not set
            are not there.
        masked: The keys whose values are secret; no problem shows them.
    """
    meant = spelled(given, masked)
    given, masked = meant.given, meant.masked
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for key, field in KEYS.items():
        value = given.get(key)
        if isinstance(value, Problem):
            problems.append(value)
        elif key in given:
            try:
                values[key] = _ADAPTERS[key].validate_python(
                    frozen(value), strict=True, by_alias=True, by_name=False
                )
            except ValidationError as error:
                problems += [
                    problem_of((key, *details["loc"]), details, masked=key in masked)
                    for details in error.errors()
                ]
        elif field.is_required():
            problems.append(missing((key,)))
    problems += _names(given, values, masked)
    problems += _pool(values, masked)
    problems += too_much(given, values, masked)
    problems += unswitchable(values, masked)
    problems += unshiftable(values, masked)
    if "traffic" in values or "traffic" not in given:
        problems += _lock(values, masked)
        problems += undeclarable(values, masked)
    return values, [*meant.problems, *_in_order(mended(problems, given, masked))]


def _in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Return problems with the entries to be removed last, from the end of each list.

    So that who types one remedy after the other removes what was meant: entries that come later
    move up.
    """
    ordered = list(problems)
    removed = [each for each in ordered if each.remedy == REMOVE and isinstance(each.path[-1], int)]
    kept = [each for each in ordered if each not in removed]
    return [*kept, *sorted(removed, key=lambda each: each.path, reverse=True)]


def _names(
    given: Mapping[str, Any], values: Mapping[str, Any], masked: Collection[str]
) -> Iterator[Problem]:
    """Compare hostnames with the zone and with each other, also when one of them is no name."""
    index_of: dict[str, int] = {}
    names = list(_valid_hostnames(given.get("hostnames")))
    zone = values.get("zone")
    hidden = "zone" in masked
    other_zone = _other_zone({name for _, name in names}, zone)
    if other_zone and not hidden and "hostnames" not in masked:
        yield Problem(
            ("zone",),
            shown(zone),
            f"the zone of the hostnames, which all end in {other_zone}",
            Remedy(command="set", lead="Change the hostnames, or set it with", value=other_zone),
        )
        zone = None
    for index, name in names:
        path = ("hostnames", index)
        value = shown(name, masked="hostnames" in masked)
        if zone is not None and not in_zone(name, zone):
            suffix = "[secret]" if hidden else zone
            yield Problem(
                path,
                value,
                f"{suffix} or a name that ends in .{suffix}, the zone its records go to",
                Remedy(
                    command="set",
                    lead=f"Change {OTHER}, or set it with",
                    value=NOTHING if hidden else _moved(name, zone),
                ),
                other=("zone",),
            )
        if name in index_of:
            yield Problem(
                path,
                value,
                f"a name listed once, and {OTHER} is the same",
                REMOVE,
                other=("hostnames", index_of[name]),
            )
        index_of.setdefault(name, index)
        if index == 0 and len(name) > LONGEST_SUBJECT and "certificateArn" not in given:
            yield Problem(
                path,
                f"{value} ({len(name)} characters)",
                f"at most {LONGEST_SUBJECT} characters for the first hostname, which the "
                "certificate is issued to",
                Remedy(
                    command="set",
                    lead="Put a shorter hostname first, or bring a certificate of your own",
                    at=("certificateArn",),
                ),
            )


def in_zone(name: str, zone: str) -> bool:
    """Say whether a name's records go to a zone."""
    return name == zone or name.endswith(f".{zone}")


def _other_zone(names: Collection[str], zone: str | None) -> str:
    """Return what several names all end in, if none of them is in the zone that is set."""
    if zone is None or len(names) == 1 or any(in_zone(name, zone) for name in names):
        return ""
    backwards = zip(*(name.split(".")[::-1] for name in names), strict=False)
    same = [labels[0] for labels in takewhile(lambda labels: len(set(labels)) == 1, backwards)]
    return ".".join(reversed(same)) if len(same) > 1 else ""


def _moved(name: str, zone: str) -> str:
    """Return a name as it would be in a zone."""
    own = name.split(".")[: -len(zone.split("."))]
    joined = name.removesuffix(zone).rstrip("-") if name.endswith(zone) else ""
    return ".".join([*(own or [joined] * bool(joined)), zone])


def _valid_hostnames(entries: Any) -> Iterator[tuple[int, str]]:
    """Yield the entries that are hostnames, with their index."""
    if not isinstance(entries, list | tuple):
        return
    for index, entry in enumerate(cast("list[Any]", entries)):
        try:
            yield index, hostname(str(entry))
        except (ValueError, PydanticCustomError):
            continue


def _pool(values: Mapping[str, Any], masked: Collection[str]) -> Iterator[Problem]:
    """Compare the proxies with the load balancer and with what the account may have."""
    match values:
        case {"proxy": Proxies() as pool}:
            pass
        case _:
            return
    hidden = "proxy" in masked
    origin: Origin | None = values.get("origin")
    kind = origin.kind if origin else "network"  # an origin that is wrong has a problem of its own
    if pool.proxy_protocol and kind not in ("classic", "network"):
        yield Problem(
            ("proxy", "proxyProtocol"),
            f"{shown(value=True, masked=hidden)}, and the load balancer is "
            + ("of an unknown kind" if kind is None else "an application load balancer"),
            "true for a classic or network load balancer only: an application load balancer cannot "
            "read the header and takes it for a broken request",
            Remedy(command="set", value=False),
        )
    yield from repeated(("proxy", "regions"), pool.regions, hidden=hidden)
    yield from repeated(("proxy", "ports"), pool.ports, hidden=hidden)
    different = len(set(pool.regions)) == len(pool.regions)
    if different and pool.node_count > pool.reserved_ipv6_quota:
        quota = shown(pool.reserved_ipv6_quota, masked=hidden)
        yield Problem(
            ("proxy",),
            f"a pool of {shown(pool.node_count, masked=hidden)} proxies",
            f"as many as the account may have reserved addresses, {OTHER}, which is {quota}",
            Remedy(
                command="set",
                lead="Take fewer regions or nodes, or ask DigitalOcean's support for more "
                "addresses, then",
                at=("proxy", "reservedIpv6Quota"),
                value=pool.node_count,
            ),
            other=("proxy", "reservedIpv6Quota"),
        )
    if pool.ssh_source_ranges and not pool.ssh_keys:
        yield Problem(
            ("proxy", "sshSourceRanges"),
            shown(pool.ssh_source_ranges, masked=hidden),
            "empty where proxy.sshKeys is: there is no password to log in with",
            Remedy(command="remove", lead="Set proxy.sshKeys, or remove it with"),
        )


def _lock(values: Mapping[str, Any], masked: Collection[str]) -> Iterator[Problem]:
    """Say what keeps the load balancer from being locked."""
    match values:
        case {"originLock": OriginLock() as lock}:
            pass
        case _:
            return
    traffic: Traffic = values.get("traffic", Traffic(direct=100, cdn=0))
    if traffic.direct:
        yield Problem(
            ("originLock",),
            f"set, and traffic.direct is {shown(traffic.direct, masked='traffic' in masked)}",
            "not set for as long as the old path has weight: its users and the proxies bring no "
            "secret and come from addresses of their own, so the lock would shut them out",
            Remedy(
                command="remove",
                lead="Move all traffic first and wait until the old path is empty, or remove it "
                "with",
            ),
        )
    origin: Origin | None = values.get("origin")
    needed = PREFIX_LIST_WEIGHT * len(origin.ports) if origin else 0
    if lock.security_group and needed > lock.rules_per_security_group:
        yield Problem(
            ("originLock", "rulesPerSecurityGroup"),
            shown(lock.rules_per_security_group, masked="originLock" in masked),
            f"at least {needed}, because the addresses of CloudFront count as {PREFIX_LIST_WEIGHT} "
            "rules for each port, and match-viewer uses two",
            Remedy(
                command="set",
                lead="Set origin.protocol to https-only; or have AWS raise the quota 'Inbound or "
                "outbound rules per security group', then",
                value=needed,
            ),
        )
