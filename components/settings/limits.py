"""Settings that are right one by one, and too much, or a loop, together."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from components.faults import shown
from components.load_balancer_names import zone_id_of
from components.proxy.nginx import CONNECTION_KIBIBYTES
from components.settings import values
from components.settings.cdn import Distribution
from components.settings.fields import REMOVE, SET, Remedy, Steps
from components.settings.proxies import HTTP_PORT, Proxies
from components.settings.wording import OTHER, Problem

if TYPE_CHECKING:
    from components.settings.cdn import Origin

DEBIAN_MEBIBYTES: Final = 256
"""Memory that a droplet needs beside its connections: Debian, the resolver, nginx itself and an
upgrade at work. An assumption: nobody has measured it."""

_LARGE: Final = "s-2vcpu-2gb"
"""A size on which as many connections fit as a proxy may have."""


def too_much(
    given: Mapping[str, Any], used: Mapping[str, Any], masked: Collection[str]
) -> Iterator[Problem]:
    """Say which settings do not go together.

    Args:
        given: What was set, by key.
        used: The values that can be used, by key.
        masked: The keys whose values are secret; no problem shows them.
    """
    match used:
        case {"proxy": Proxies() as pool}:
            yield from _pool(pool, hidden="proxy" in masked)
        case _:
            pass
    yield from _names(given, used, masked)
    yield from _loop(used, masked)
    yield from _other_region(used, masked)


def _pool(pool: Proxies, *, hidden: bool) -> Iterator[Problem]:
    if pool.health_check_path is not None and pool.checked_port == HTTP_PORT:
        yield Problem(
            ("proxy", "healthCheckPath"),
            shown(pool.health_check_path, masked=hidden),
            "not set where proxy.ports has 80 alone: Route 53 asks over HTTPS, which nobody speaks "
            "there, so every proxy would be unhealthy",
            Remedy(command="remove", lead="Add 443 to proxy.ports, or remove it with"),
        )
    memory = values.memory_mebibytes(pool.size)
    if memory is not None:
        most = max(0, memory - DEBIAN_MEBIBYTES) * 1024 // CONNECTION_KIBIBYTES
        if pool.connections > most:
            yield Problem(
                ("proxy", "connections"),
                shown(pool.connections, masked=hidden),
                f"at most {shown(most, masked=hidden)} on the size {OTHER} is: each takes "
                f"{CONNECTION_KIBIBYTES} KiB, and Debian {DEBIAN_MEBIBYTES} MiB",
                Remedy(
                    command="set",
                    lead="Take more proxies or a larger size, or set it with",
                    value=most,
                )
                if most
                else Remedy(
                    command="set", lead="Take a larger size", at=("proxy", "size"), value=_LARGE
                ),
                other=("proxy", "size"),
            )
    per_client = pool.connections_per_client
    if per_client is not None and per_client > pool.connections:
        yield Problem(
            ("proxy", "connectionsPerClient"),
            shown(per_client, masked=hidden),
            f"at most {OTHER}, which is {shown(pool.connections, masked=hidden)}",
            Remedy(command="set", value=pool.connections),
            other=("proxy", "connections"),
        )


def _names(
    given: Mapping[str, Any], used: Mapping[str, Any], masked: Collection[str]
) -> Iterator[Problem]:
    """Count the hostnames, because ACM and CloudFront refuse too many in a running deployment."""
    distribution: Distribution | None = used.get("distribution")
    if "hostnames" not in used or ("distribution" in given and distribution is None):
        return
    own = "certificateArn" in given
    quota = (distribution or Distribution()).names_quota(own_certificate=own)
    count = len(used["hostnames"])
    if count > quota:
        yield Problem(
            ("hostnames",),
            f"a list of {shown(count, masked='hostnames' in masked)} names",
            f"at most {quota}, which the account may have on one "
            + ("distribution" if own else "certificate"),
            Remedy(
                command="set",
                lead="Make another stack for the others; or have AWS raise the quota "
                + (
                    "'Alternate domain names (CNAMEs) per distribution'"
                    if own
                    else "'Domain names per ACM certificate'"
                )
                + ", then",
                at=("distribution", "hostnamesQuota"),
                value=count,
            ),
        )


def _loop(used: Mapping[str, Any], masked: Collection[str]) -> Iterator[Problem]:
    """Find an origin that is the edge itself: requests would go round until they are refused."""
    origin: Origin | None = used.get("origin")
    name = origin.domain_name if origin else None
    if name is not None and name in used.get("hostnames", ()):
        yield Problem(
            ("origin", "domainName"),
            shown(name, masked="origin" in masked),
            "the load balancer's own name, which is none of the hostnames: those lead to the edge "
            "itself",
            SET,
        )


def _other_region(used: Mapping[str, Any], masked: Collection[str]) -> Iterator[Problem]:
    """Find a hosted zone that the load balancer's name is not in: AWS refuses such an alias."""
    origin: Origin | None = used.get("origin")
    if origin is None or origin.domain_name is None or "origin" in masked:
        return
    right = zone_id_of(origin.domain_name)
    if right is not None and origin.hosted_zone_id != right:
        yield Problem(
            ("origin", "hostedZoneId"),
            shown(origin.hosted_zone_id),
            f"{right}, which AWS has all names like {OTHER} in",
            Remedy(command="set", value=right),
            other=("origin", "domainName"),
        )


def repeated(path: Steps, entries: Sequence[Any], *, hidden: bool) -> Iterator[Problem]:
    """Say which entries of a list are there already."""
    for index, entry in enumerate(entries):
        first = entries.index(entry)
        if first < index:
            allowed = f"an entry listed once, and {OTHER} is the same"
            value = shown(entry, masked=hidden)
            yield Problem((*path, index), value, allowed, REMOVE, other=(*path, first))
