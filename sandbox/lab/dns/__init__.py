"""DNS of the lab: Route 53, everything around it, its health checks, resolvers and NAT64.

Each function is pure except for finding the path of the programs it names.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from sandbox.lab.deployed import Deployed
from sandbox.lab.dns.answers import Leads
from sandbox.lab.dns.health import UNCHECKED_TYPES, CheckersConfig
from sandbox.lab.dns.resolvers import nat64, nat64_commands, resolver
from sandbox.lab.dns.served_names import NameServersConfig, served_names, unsupported_names
from sandbox.lab.own_program import own_program
from sandbox.lab.program import Program

__all__ = [
    "NAME_SERVERS",
    "Leads",
    "health_checkers",
    "name_servers",
    "nat64",
    "nat64_commands",
    "resolver",
    "unsupported",
]

NAME_SERVERS: Final = ("198.18.3.1", "2001:db8:53::1")
"""Addresses of the name servers, which are those of Route 53 and of all the rest."""


def name_servers(
    deployed: Deployed,
    leads: Leads,
    health: Mapping[str, bool],
    folder: Path,
    *,
    host: str = "names",
    addresses: Sequence[str] = NAME_SERVERS,
) -> Program:
    """Return the name servers: one program, which starts as many gdnsds as it needs.

    Args:
        deployed: What is deployed.
        leads: IPv4 and IPv6 addresses that the DNS name of each load balancer and distribution has.
        health: Health of the checks by id; one that is missing is healthy.
        folder: Folder for its files.
        host: Host it lives on.
        addresses: Addresses of the host, of either family, that it listens on.
    """
    config = NameServersConfig(
        addresses=tuple(addresses),
        folder=folder / "authority-gdnsd",
        names=served_names(deployed.zones, leads, health, addresses),
    )
    path = folder / "authority.json"
    return own_program("authority", host, f"{__name__}.authority", path, config)


def health_checkers(
    deployed: Deployed,
    resolver: str,
    folder: Path,
    *,
    host: str = "checkers",
    speed: float = 1.0,
) -> Program:
    """Return the health checkers, which write `health.json` into the folder.

    Args:
        deployed: What is deployed.
        resolver: Literal address of the resolver for endpoints that are named.
        folder: Folder for its files.
        host: Host it lives on.
        speed: How many times shorter the intervals between checks are than configured.
    """
    config = CheckersConfig(
        checks={name: dict(check) for name, check in sorted(deployed.health_checks.items())},
        resolver=resolver,
        speed=speed,
        health=folder / "health.json",
    )
    path = folder / "checkers.json"
    return own_program("health_checkers", host, f"{__name__}.checkers", path, config)


def unsupported(deployed: Deployed) -> list[str]:
    """Name what is deployed and is not served as Route 53 would, each with the reason."""
    return unsupported_names(deployed.zones) + [
        f"health check {name} is of type {check['Type']}; it is always healthy in the lab"
        for name, check in sorted(deployed.health_checks.items())
        if check.get("Type") in UNCHECKED_TYPES
    ]
