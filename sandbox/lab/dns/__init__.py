"""DNS of the lab: Route 53, everything around it, its health checks, resolvers and NAT64.

Each function is pure but for finding the path of the programs it names.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from sandbox.debian import find_program
from sandbox.lab.deployed import Deployed, Distribution
from sandbox.lab.dns import gdnsd
from sandbox.lab.dns.checkers import UNCHECKED_TYPES
from sandbox.lab.dns.resolver import Gateway, nat64, resolver
from sandbox.lab.dns.route53 import Leads
from sandbox.lab.program import Program, is_taken, module

__all__ = [
    "NAME_SERVERS",
    "Gateway",
    "Leads",
    "checkers",
    "nat64",
    "programs",
    "resolver",
    "unsupported",
]

NAME_SERVERS: Final = ("198.18.3.1", "2001:db8:53::1")
"""Addresses of the name servers, which are those of Route 53 and of all the rest."""


def programs(
    deployed: Deployed,
    leads: Leads,
    health: Mapping[str, bool],
    folder: Path,
    *,
    host: str = "names",
    addresses: Sequence[str] = NAME_SERVERS,
) -> list[Program]:
    """Return the name servers: one program, which starts as many gdnsds as it needs.

    Args:
        deployed: What is deployed.
        leads: IPv4 and IPv6 addresses that the DNS name of each load balancer and distribution has.
            Those IPv6 addresses of a distribution count only if it has IPv6 enabled.
        health: Health of the checks by id; one that is missing is healthy.
        folder: Folder for its files.
        host: Host it lives on.
        addresses: Addresses of the host, of either family, that it listens on.
    """
    plan = gdnsd.plan(deployed.zones, _answered(leads, deployed.distributions), health, addresses)
    path = folder / "authority.json"
    config = {
        "addresses": list(addresses),
        "gdnsd": str(find_program("gdnsd")),
        "setpriv": str(find_program("setpriv")),
        "plan": plan.model_dump(),
    }
    return [
        Program(
            name="authority",
            host=host,
            command=module(f"{__name__}.authority", path),
            files={path: _text(config)},
            ready=is_taken(path),
        )
    ]


def checkers(
    deployed: Deployed, resolver: str, folder: Path, *, host: str = "checkers", speed: float = 1.0
) -> Program:
    """Return the health checkers, which write `health.json` into the folder.

    Args:
        deployed: What is deployed.
        resolver: Literal address of the resolver for endpoints that are named.
        folder: Folder for its files.
        host: Host it lives on.
        speed: How many times shorter the intervals between checks are than configured.
    """
    path = folder / "checkers.json"
    config = {
        "checks": {name: dict(check) for name, check in sorted(deployed.health_checks.items())},
        "resolver": resolver,
        "speed": speed,
        "health": str(folder / "health.json"),
    }
    return Program(
        name="checkers",
        host=host,
        command=module(f"{__name__}.checkers", path),
        files={path: _text(config)},
        ready=is_taken(path),
    )


def unsupported(deployed: Deployed) -> list[str]:
    """Name what is deployed and is not served as Route 53 would, each with the reason."""
    return gdnsd.unsupported(deployed.zones) + [
        f"health check {name} is of type {check['Type']}; it is always healthy in the lab"
        for name, check in sorted(deployed.health_checks.items())
        if check.get("Type") in UNCHECKED_TYPES
    ]


def _answered(leads: Leads, distributions: Sequence[Distribution]) -> Leads:
    """Take away the IPv6 addresses of distributions without IPv6."""
    without = {
        distribution.domain_name.lower()
        for distribution in distributions
        if not distribution.config.get("IsIPV6Enabled")
    }
    return {
        name: (ipv4, () if name.lower() in without else ipv6)
        for name, (ipv4, ipv6) in leads.items()
    }


def _text(config: Mapping[str, object]) -> str:
    return json.dumps(config, indent=1, sort_keys=True) + "\n"
