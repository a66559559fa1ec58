"""A client of name servers, with dnspython.

Every query is sent, over UDP with EDNS and over TCP where the answer does not fit. No answer is
used twice: a share of weighted answers cannot be measured through a cache.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

import dns.exception
import dns.flags
import dns.message
import dns.rdataclass
import dns.rdatatype
import dns.resolver

from rollout.probe.dns_exchange import DnsMessage, exchange
from rollout.probe.model import DnsAnswer, TroubleError

_MOST_HOPS: Final = 8
"""How often the end of a chain of CNAMEs is queried again."""

_MOST_READ: Final = 512
"""Of how many different messages it is kept what they say."""

_NO_EDNS: Final = frozenset({"FORMERR", "NOTIMP", "BADVERS"})
"""What servers answer that do not know EDNS. Source: RFC 6891 section 7."""

_ELSEWHERE: Final = frozenset({"SERVFAIL", "REFUSED", "NOTIMP"})
"""What makes one resolver's answer a reason to ask the next: it tells nothing about the name."""


class DnspythonClient:
    """Asks name servers. An answer is never kept."""

    def __init__(
        self,
        servers: Sequence[str] | None = None,
        *,
        port: int = 53,
        timeout_seconds: float = 2.0,
        attempts: int = 3,
    ) -> None:
        """Choose the resolver.

        Args:
            servers: Literal addresses of the resolvers to ask where no server is named. Default:
                those of this machine, which `/etc/resolv.conf` lists.
            port: The port of all servers.
            timeout_seconds: How long each attempt waits.
            attempts: How often each server is asked before it counts as silent.
        """
        self._servers = tuple(servers) if servers is not None else None
        self._port = port
        self._timeout = timeout_seconds
        self._attempts = attempts

    async def ask(self, name: str, kind: str, server: str | None = None) -> DnsAnswer:
        """Ask for records of a type; CNAMEs are followed.

        Args:
            name: The name.
            kind: The type.
            server: Literal address of the server; None: the resolver.

        Raises:
            TroubleError: `timeout`: no server answered in time. `unreachable`: none can be reached.
                `protocol`: what came is no answer, or the name cannot be asked for.
        """
        return await self._ask(name, kind, server, _MOST_HOPS)

    async def _ask(self, name: str, kind: str, server: str | None, hops: int) -> DnsAnswer:
        servers = self._resolvers() if server is None else (server,)
        try:
            message = await self._first(name, kind, servers)
            answer, target = _read(message)
        except dns.exception.DNSException as error:
            raise TroubleError("protocol", f"{name} {kind}: {_words(error)}") from error
        # A server that is no authority for the target of a CNAME leaves the chain open.
        if target is None or hops == 0:
            return answer
        rest = await self._ask(target, kind, None, hops - 1)
        ttls = [ttl for ttl in (answer.ttl_seconds, rest.ttl_seconds) if ttl is not None]
        return replace(
            rest, ttl_seconds=min(ttls, default=None), authoritative=answer.authoritative
        )

    async def _first(self, name: str, kind: str, servers: Sequence[str]) -> DnsMessage:
        """Return the answer of the first server that has one to give."""
        refused: DnsMessage | None = None
        trouble: TroubleError | None = None
        for server in servers:
            try:
                message = await self._patiently(name, kind, server)
            except TroubleError as error:
                trouble = error
                continue
            if message.code not in _ELSEWHERE:
                return message
            refused = refused or message
        if refused is not None:
            return refused
        raise trouble or TroubleError("unreachable", "no name server is known")

    async def _patiently(self, name: str, kind: str, server: str) -> DnsMessage:
        """Ask one server until it answers or was asked often enough."""
        trouble: TroubleError | None = None
        edns = True
        for _ in range(self._attempts):
            try:
                message = await exchange(
                    name,
                    kind,
                    server,
                    port=self._port,
                    timeout_seconds=self._timeout,
                    edns=edns,
                )
            except dns.exception.Timeout:
                trouble = TroubleError("timeout", f"{server} did not answer in {self._timeout:g} s")
                continue
            except (OSError, EOFError) as error:
                reason = getattr(error, "strerror", None) or str(error) or "it hung up"
                trouble = TroubleError("unreachable", f"{server} cannot be reached: {reason}")
                continue
            if edns and message.code in _NO_EDNS:
                edns = False
                continue
            return message
        raise trouble or TroubleError("protocol", f"{server} does not understand the question")

    def _resolvers(self) -> tuple[str, ...]:
        if self._servers is None:
            try:
                nameservers = dns.resolver.Resolver().nameservers
            except dns.resolver.NoResolverConfiguration as error:
                raise TroubleError(
                    "unreachable", "this machine has no resolver: /etc/resolv.conf names none"
                ) from error
            self._servers = tuple(str(server) for server in nameservers)
        return self._servers


@lru_cache(_MOST_READ)
def _read(received: DnsMessage) -> tuple[DnsAnswer, str | None]:
    """Return the answer in a message, and the next name to query where its CNAMEs lead out of it.

    The TTL is how long the answer may be kept: the smallest of the values' and of the CNAMEs' that
    lead to them; where there are no values, the smaller one of the SOA record's TTL and its last
    number. Source: RFC 2308 section 5.

    Raises:
        dns.exception.DNSException: It is no answer.
    """
    message, code = received.message, received.code
    if not isinstance(message, dns.message.QueryMessage):
        raise dns.exception.FormError("what came is no answer to a question")
    chain = message.resolve_chaining()
    authoritative = bool(message.flags & dns.flags.AA)
    kind = message.question[0].rdtype
    if chain.answer is not None:
        signed = message.get_rrset(
            message.answer, chain.canonical_name, dns.rdataclass.IN, dns.rdatatype.RRSIG, kind
        )
        return DnsAnswer(
            code,
            _texts(chain.answer),
            chain.minimum_ttl,
            authoritative,
            _texts(signed or ()),
        ), None
    negative = any(record.rdtype == dns.rdatatype.SOA for record in message.authority)
    answer = DnsAnswer(code, (), chain.minimum_ttl if negative else None, authoritative)
    if chain.cnames and code == "NOERROR" and not negative:
        cnames = min(record.ttl for record in chain.cnames)
        return replace(answer, ttl_seconds=cnames), chain.canonical_name.to_text(
            omit_final_dot=True
        )
    return answer, None


def _texts(records: Any) -> tuple[str, ...]:
    return tuple(str(record.to_text()) for record in records)


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
