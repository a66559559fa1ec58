"""Whether values can be used: each by the rules of its field, then all of them together.

Both ways in, the stack's configuration and a component's arguments, end here.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, cast, get_type_hints

from pydantic import TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from components.facts import PREFIX_LIST_WEIGHT
from components.faults import shown
from components.settings.all_settings import KEYS, OriginLock, Settings, Traffic
from components.settings.fields import REMOVE, SET, Remedy
from components.settings.limits import too_much
from components.settings.proxies import Proxies
from components.settings.values import hostname
from components.settings.wording import OTHER, Problem, missing, problem_of, unknown

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
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for key, field in KEYS.items():
        value = given.get(key)
        if isinstance(value, Problem):
            problems.append(value)
        elif key in given:
            try:
                values[key] = _ADAPTERS[key].validate_python(
                    _frozen(value), strict=True, by_alias=True, by_name=False
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
    if "traffic" in values or "traffic" not in given:
        problems += _lock(values, masked)
    problems += [unknown((key,)) for key in sorted(given.keys() - KEYS)]
    return values, problems


def _frozen(value: Any) -> Any:
    """Return a value with tuples for its lists, as the settings hold them."""
    match value:
        case dict():
            items = cast("dict[str, Any]", value).items()
            return {key: _frozen(item) for key, item in items}
        case list() | tuple():
            return tuple(_frozen(item) for item in cast("list[Any]", value))
        case _:
            return value


def _names(
    given: Mapping[str, Any], values: Mapping[str, Any], masked: Collection[str]
) -> Iterator[Problem]:
    """Compare hostnames with the zone and with each other, also when one of them is no name."""
    index_of: dict[str, int] = {}
    for index, name in _valid_hostnames(given.get("hostnames")):
        path = ("hostnames", index)
        value = shown(name, masked="hostnames" in masked)
        zone = values.get("zone")
        if zone is not None and name != zone and not name.endswith(f".{zone}"):
            suffix = "[secret]" if "zone" in masked else zone
            yield Problem(
                path,
                value,
                f"{suffix} or a name that ends in .{suffix}, the zone its records go to",
                Remedy(command="set", lead=f"Change {OTHER}, or set it with"),
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
            SET,
        )
    if pool.node_count > pool.reserved_ipv6_quota:
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
                example="200",
            ),
        )
