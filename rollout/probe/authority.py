"""The authority for a name: the servers of its zone, each tried at each of its addresses."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from rollout.probe.model import DnsAnswer, DnsClient, TroubleError

TELLING_CODES: Final = ("NOERROR", "NXDOMAIN")
"""Codes of a resolver that decide whether there are records."""


@dataclass(frozen=True)
class ZoneAuthority:
    """The servers of a zone."""

    zone: str
    """The zone's name."""
    servers: tuple[str, ...]
    """Addresses at which an authority for it answers."""
    lame: tuple[str, ...] = ()
    """Servers that answer but are none, each with what it said."""
    silent: tuple[str, ...] = ()
    """Servers that do not answer, each with why."""
    skipped: tuple[str, ...] = ()
    """The same of IPv6 addresses, where none of them answers: more likely this machine has no IPv6
    than that every server lost its own."""


async def find_authority(names: DnsClient, hostname: str) -> ZoneAuthority:
    """Find the zone that a name is in, and ask each address of each of its servers for the name.

    Raises:
        TroubleError: The resolver does not answer, or knows no servers of any zone above.
    """
    zone, servers = await _zone(names, hostname)
    lookups = await asyncio.gather(
        *(names.ask(server, kind) for server in servers for kind in ("A", "AAAA")),
        return_exceptions=True,
    )
    addresses = sorted({value for answer in _only(lookups, DnsAnswer) for value in answer.values})
    if not addresses:
        raise TroubleError("unreachable", f"no server of {zone} has an address that is known")
    answers = await asyncio.gather(
        *(names.ask(zone, "SOA", address) for address in addresses), return_exceptions=True
    )
    good: list[str] = []
    lame: list[str] = []
    silent: list[str] = []
    skipped: list[str] = []
    for address, answer in zip(addresses, answers, strict=True):
        match answer:
            case DnsAnswer(code="NOERROR", authoritative=True):
                good.append(address)
            case DnsAnswer():
                lame.append(f"{address} ({answer.code}, not authoritative)")
            case TroubleError():
                (skipped if ":" in address else silent).append(str(answer))
            case _:
                raise answer
    if any(":" in address for address in good):
        silent, skipped = [*silent, *skipped], []
    return ZoneAuthority(zone, tuple(good), tuple(lame), tuple(silent), tuple(skipped))


async def _zone(names: DnsClient, hostname: str) -> tuple[str, tuple[str, ...]]:
    labels = hostname.rstrip(".").split(".")
    # The name servers of a CNAME's target are not those of the name.
    first = 1 if (await _ask_resolver(names, hostname, "CNAME")).values else 0
    for start in range(first, len(labels)):
        zone = ".".join(labels[start:])
        answer = await _ask_resolver(names, zone, "NS")
        if answer.values:
            return zone, tuple(value.rstrip(".") for value in answer.values)
    raise TroubleError("unreachable", f"the resolver knows no name servers for {hostname}")


async def _ask_resolver(names: DnsClient, name: str, kind: str) -> DnsAnswer:
    """Ask the resolver for what there is or is not.

    Raises:
        TroubleError: It does not answer, or its answer, such as SERVFAIL where signatures do not
            hold, tells neither. To go on from it as from 'there is none' would end at another zone.
    """
    answer = await names.ask(name, kind)
    if answer.code not in TELLING_CODES:
        raise TroubleError("protocol", f"the resolver answers {answer.code} for {name} {kind}")
    return answer


def _only(outcomes: Iterable[object], kind: type[DnsAnswer]) -> list[DnsAnswer]:
    return [one for one in outcomes if isinstance(one, kind)]
