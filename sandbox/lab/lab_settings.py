"""What may be changed about a lab while it runs, and is deployed nowhere."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from ipaddress import IPv4Address, IPv4Network
from typing import Any, Final

from pydantic import TypeAdapter

from sandbox.lab.lab_host import LARGEST_MTU, LEAST_MTU, STANDARD_MTU

MAX_EDGE_NODES: Final = 16
MAX_SECONDS: Final = 3600.0
LEAST_SPEED, MOST_SPEED = 0.1, 100.0
MAX_TTL: Final = 86_400


@dataclass(frozen=True)
class LabSettings:
    """What may be changed about the lab while it runs, and is not deployed anywhere."""

    edge_nodes: int = 2
    """How many nodes CloudFront has, 1 to 16."""
    propagation_seconds: float = 1.0
    """How long until the last of CloudFront's nodes has a changed distribution, 0 to 3600; the
    others take it evenly before. AWS takes minutes."""
    least_ttl_seconds: int = 0
    """The least time that the clients' resolver keeps an answer, against its TTL, 0 to 86400."""
    check_speed: float = 1.0
    """How many times faster than configured the health checkers ask, 0.1 to 100."""
    load_balancer_addresses: Mapping[str, tuple[str, ...]] = field(
        default_factory=dict[str, tuple[str, ...]]
    )
    """IPv4 addresses of load balancers by DNS name; one that is not named has two of its own."""
    expired_certificates: tuple[str, ...] = ()
    """DNS names of load balancers whose certificates ran out."""
    proxy_protocol: tuple[str, ...] = ()
    """DNS names of load balancers whose API reads PROXY protocol."""
    allow: tuple[str, ...] | None = None
    """IPv4 networks whose clients the API serves; None: everybody."""
    mtu: Mapping[str, int] = field(default_factory=dict[str, int])
    """Bytes of the largest packet on the link of a host, 1280 to 9000; others have 1500."""
    down: tuple[str, ...] = ()
    """Hosts that are off the network: nothing comes in or out, and no error is sent."""

    def faults(self) -> list[str]:
        """Return what is wrong, one line each; none: nothing."""
        bounds = [
            ("edge-nodes", self.edge_nodes, 1, MAX_EDGE_NODES),
            ("propagation-seconds", self.propagation_seconds, 0, MAX_SECONDS),
            ("check-speed", self.check_speed, LEAST_SPEED, MOST_SPEED),
            ("least-ttl-seconds", self.least_ttl_seconds, 0, MAX_TTL),
            *((f"mtu.{host}", mtu, LEAST_MTU, LARGEST_MTU) for host, mtu in self.mtu.items()),
        ]
        faults = [
            f"{name} is {value:g}; it is {least:g} to {most:g}. Set another."
            for name, value, least, most in bounds
            if not least <= value <= most
        ]
        faults += [
            f"load-balancer-addresses.{name} has {address}; it is a list of IPv4 addresses. "
            "Separate them with commas."
            for name, addresses in self.load_balancer_addresses.items()
            for address in addresses
            if not _is(IPv4Address, address)
        ]
        faults += [
            f"allow has {network}; it is a list of IPv4 networks. Separate them with commas."
            for network in self.allow or ()
            if not _is(IPv4Network, network)
        ]
        return faults


SETTINGS: Final = TypeAdapter(LabSettings)
"""Reads and writes them."""


def _is(kind: Callable[[str], object], text: str) -> bool:
    try:
        kind(text)
    except ValueError:
        return False
    return True


def changed(settings: LabSettings, name: str, value: str) -> LabSettings:
    """Return settings with one of them changed.

    Args:
        settings: What they are.
        name: Which one, as in a shell: `edge-nodes`; of a host or a load balancer: `mtu.edge-1`.
        value: Its text; lists are separated by commas, and an empty text is the default.

    Raises:
        ValueError: There is no such setting, or the value is not one of its own.
    """
    hyphenated, _, owner = name.partition(".")
    setting = hyphenated.replace("-", "_")
    defaults = {each.name: getattr(LabSettings(), each.name) for each in fields(LabSettings)}
    has_owner = {key: isinstance(default, Mapping) for key, default in defaults.items()}
    if has_owner.get(setting) is not bool(owner):
        names = sorted(key.replace("_", "-") + ".NAME" * has_owner[key] for key in defaults)
        raise ValueError(f"The setting is {name}; there are {', '.join(names)}. Name one of these.")
    items = tuple(part.strip() for part in value.split(",") if part.strip())
    try:
        match setting:
            case "edge_nodes" | "least_ttl_seconds":
                new: Any = int(value) if value else defaults[setting]
            case "propagation_seconds" | "check_speed":
                new = float(value) if value else defaults[setting]
            case "mtu":
                new = {**settings.mtu, owner: int(value or STANDARD_MTU)}
            case "load_balancer_addresses":
                new = {k: v for k, v in settings.load_balancer_addresses.items() if k != owner}
                new |= {owner: items} if items else {}
            case "allow":
                new = items or None
            case _:
                new = items
    except ValueError as fault:
        raise ValueError(f"{name} is {value!r}; it is a number. Give one.") from fault
    made: LabSettings = replace(settings, **{setting: new})
    if faults := made.faults():
        raise ValueError("\n".join(faults))
    return made
