"""Whose path a DNS answer leads to, and how the same question is asked many times.

The checks of DNS share this. The load balancer's and the distribution's own names say whose an
address is. A distribution has far more addresses than one answer shows. So these names are queried
again, at their own authorities too, while answers hold addresses of neither path.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv6Network, ip_address
from typing import Final, Literal

from rollout.probe import nat64
from rollout.probe.authority import ZoneAuthority, find_authority
from rollout.probe.model import DnsAnswer, DnsClient, EdgeTarget, Family, Path, TroubleError

RecordType = Literal["A", "AAAA"]

FAMILIES: Final[Mapping[RecordType, Family]] = {"A": "IPv4", "AAAA": "IPv6"}
"""The family of each type of record."""

OTHER_TYPE: Final[Mapping[RecordType, RecordType]] = {"A": "AAAA", "AAAA": "A"}

PATHS: Final[tuple[Path, Path]] = ("direct", "cdn")

TTL_SECONDS: Final = 60
"""The TTL of an alias to a load balancer or a distribution, and so the TTL that every record beside
it should have. Source: Route 53 Developer Guide, 'Choosing between alias and non-alias records'."""

QUERIES_AT_ONCE: Final = 32
"""Queries under way at once while one question is repeated."""

LEARNING_ROUNDS: Final = 8
"""How often the paths' own names are queried again because an answer holds a strange address."""

_MOST_LISTED: Final = 3


@dataclass(frozen=True)
class AddressOwners:
    """Whose address is whose, in one family."""

    direct: frozenset[str]
    """Addresses that lead to the direct path."""
    cdn: frozenset[str]
    """Addresses that lead to the distribution."""
    empty_is_direct: bool
    """Whether an answer without addresses is the direct path's."""

    def of(self, values: Collection[str]) -> "Path | Literal['nobody', 'empty']":
        """Return whose answer it is; `nobody`: at least one address is neither path's."""
        if not values:
            return "direct" if self.empty_is_direct else "empty"
        if self.direct.issuperset(values):
            return "direct"
        return "cdn" if self.cdn.issuperset(values) else "nobody"


@dataclass
class AddressBook:
    """Collects the addresses of both paths."""

    dns_client: DnsClient
    """Queries name servers."""
    target: EdgeTarget
    """The paths' own names."""
    prefixes: tuple[IPv6Network, ...] = ()
    """NAT64 prefixes of this network: an address in them is no AAAA record."""
    addresses: dict[tuple[Path, RecordType], set[str]] = field(
        default_factory=lambda: {(path, kind): set[str]() for path in PATHS for kind in FAMILIES}
    )
    """Addresses collected so far."""
    trouble: str = ""
    """Why a name could not be resolved; empty where all could."""
    _servers: dict[str, tuple[str | None, ...]] = field(
        default_factory=dict[str, tuple[str | None, ...]]
    )

    async def learn(self) -> None:
        """Query the resolver for the names of both paths."""
        try:
            answer = await self.dns_client.ask(nat64.WELL_KNOWN_NAME, "AAAA")
            self.prefixes = nat64.prefixes(answer.values)
        except TroubleError:
            self.prefixes = ()
        await self._query((None,))

    async def learn_more(self) -> None:
        """Query again, at the authorities of these names too: they do not repeat themselves."""
        for _, name in self._own_names():
            if name not in self._servers:
                try:
                    authority = await find_authority(self.dns_client, name)
                except TroubleError:
                    self._servers[name] = (None,)
                else:
                    self._servers[name] = (None, *authority.servers)
        await self._query(None)

    def owners(self, kind: RecordType) -> AddressOwners:
        """Return whose address is whose, from what is collected."""
        direct, cdn = (frozenset(self.addresses[path, kind]) for path in PATHS)
        if kind == "A":
            return AddressOwners(direct, cdn, empty_is_direct=False)
        proxies = frozenset(str(ip_address(address)) for address in self.target.proxy_addresses)
        return AddressOwners(direct | proxies, cdn, empty_is_direct=not direct and not proxies)

    def is_made_up(self, address: str) -> bool:
        """Say whether DNS64 made an address of an A record."""
        return any(ip_address(address) in prefix for prefix in self.prefixes)

    def _own_names(self) -> Iterable[tuple[Path, str]]:
        return ("direct", self.target.direct), ("cdn", self.target.cdn)

    async def _query(self, servers: tuple[str | None, ...] | None) -> None:
        questions: list[tuple[Path, RecordType, str, str | None]] = [
            (path, kind, name, server)
            for path, name in self._own_names()
            for kind in FAMILIES
            for server in (servers or self._servers.get(name, (None,)))
        ]
        answers = await asyncio.gather(
            *(self.dns_client.ask(name, kind, server) for _, kind, name, server in questions),
            return_exceptions=True,
        )
        for (path, kind, name, _), answer in zip(questions, answers, strict=True):
            match answer:
                case DnsAnswer(code="NOERROR"):
                    self.addresses[path, kind].update(
                        value for value in answer.values if not self.is_made_up(value)
                    )
                case DnsAnswer():
                    self.trouble = f"{name} {kind} is answered {answer.code}"
                case TroubleError():
                    self.trouble = f"{name} {kind}: {answer}"
                case _:
                    raise answer


class Sampler:
    """Sends one question to an authority many times, to its servers in turn."""

    def __init__(self, dns_client: DnsClient, name: str, kind: str, servers: Sequence[str]) -> None:
        """Choose the question."""
        self._dns_client = dns_client
        self._question = name, kind
        self._servers = list(servers)
        self.answers: list[DnsAnswer] = []

    async def grow(self, total: int) -> None:
        """Query until there are `total` answers.

        Raises:
            TroubleError: No server answers any more.
        """
        while (missing := total - len(self.answers)) > 0:
            chosen = [
                self._servers[index % len(self._servers)]
                for index in range(min(missing, QUERIES_AT_ONCE))
            ]
            batch = await asyncio.gather(
                *(self._dns_client.ask(*self._question, server) for server in chosen),
                return_exceptions=True,
            )
            for server, answer in zip(chosen, batch, strict=True):
                match answer:
                    case DnsAnswer(code="NOERROR", authoritative=True):
                        self.answers.append(answer)
                    case DnsAnswer(code="NOERROR"):
                        # A referral, or a cache, which repeats one draw: either is no sample.
                        raise TroubleError("protocol", f"{server} answers as no authority")
                    case DnsAnswer():
                        raise TroubleError("protocol", f"{server} answers {answer.code}")
                    case TroubleError():
                        self._servers = [other for other in self._servers if other != server]
                        if not self._servers:
                            raise answer
                    case _:
                        raise answer


async def answering_authority(dns_client: DnsClient, hostname: str) -> ZoneAuthority:
    """Return the authority of a name's zone.

    Raises:
        TroubleError: None of its servers answers, or the zone cannot be told.
    """
    authority = await find_authority(dns_client, hostname)
    if not authority.servers:
        raise TroubleError("unreachable", f"no authority for {authority.zone} answers")
    return authority


def first_few(values: Sequence[str]) -> str:
    """Return a few values and how many more there are."""
    rest = len(values) - _MOST_LISTED
    return ", ".join(values[:_MOST_LISTED]) + (f" and {rest} more" if rest > 0 else "")
