"""A DNS server on loopback: an authority at one address, a resolver for everything at another.

It differs from real ones: the resolver asks nobody and keeps nothing, it has the same zones at
hand, so it only lacks the flag that makes an answer authoritative.
"""

import asyncio
import socket
import struct
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from support.ports import bound_at_one_port, port_of

RESOLVER = "127.0.0.1"
AUTHORITY = "127.0.0.53"

Values = tuple[int, Sequence[str]]
"""A TTL and values."""
Record = Values | Callable[[], Values]
"""What a name has of a type; called again for every answer where it changes."""


@dataclass
class Zone:
    """A zone and its records, by name and type. A `CNAME` is followed within the zones."""

    name: str
    records: Mapping[tuple[str, str], Record] = field(default_factory=dict[tuple[str, str], Record])
    soa: Values = (900, ("ns.example.net. host.example.net. 1 7200 900 1209600 86400",))
    signatures: Mapping[tuple[str, str], Sequence[str]] = field(
        default_factory=dict[tuple[str, str], Sequence[str]]
    )


@dataclass
class Server:
    """A started server."""

    zones: list[Zone]
    port: int
    queries: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])
    """Address, name and type of every question."""
    drop: int = 0
    """How many questions to leave without an answer."""
    edns: bool = True
    """Whether questions with EDNS are understood."""
    open_chains: bool = False
    """Whether a CNAME is answered without what it leads to."""
    lame: bool = False
    """Whether the authority's address refuses."""
    bogus: tuple[str, ...] = ()
    """Zones whose names the resolver answers with SERVFAIL, as one does that validates."""
    cache: bool = False
    """Whether the authority answers addresses as a cache does, without authority."""

    def answer(self, address: str, wire: bytes, largest: int | None) -> bytes | None:
        """Return the answer to a question, cut where it does not fit; None: none."""
        question = dns.message.from_wire(wire)
        name, kind = question.question[0].name, question.question[0].rdtype
        self.queries.append((address, name.to_text(True), dns.rdatatype.to_text(kind)))
        if self.drop:
            self.drop -= 1
            return None
        reply = dns.message.make_response(question)
        if not self.edns and question.edns >= 0:
            reply.use_edns(False)
            reply.set_rcode(dns.rcode.FORMERR)
            return reply.to_wire()
        if self.lame and address == AUTHORITY:
            reply.set_rcode(dns.rcode.REFUSED)
            return reply.to_wire()
        if address == RESOLVER and any(
            name.is_subdomain(dns.name.from_text(zone)) for zone in self.bogus
        ):
            reply.set_rcode(dns.rcode.SERVFAIL)
            return reply.to_wire()
        self._fill(reply, name, dns.rdatatype.to_text(kind))
        if address == AUTHORITY and not (self.cache and kind != dns.rdatatype.SOA):
            reply.flags |= dns.flags.AA
        data = reply.to_wire(max_size=65535)
        if largest is not None and len(data) > largest:
            reply.answer.clear()
            reply.flags |= dns.flags.TC
            data = reply.to_wire()
        return data

    def _fill(self, reply: Any, name: dns.name.Name, kind: str) -> None:
        text = name.to_text(True).lower()
        zone = next(
            (zone for zone in self.zones if text == zone.name or text.endswith("." + zone.name)),
            None,
        )
        if zone is None:
            reply.set_rcode(dns.rcode.NXDOMAIN)
            return
        own = {own_kind for own_name, own_kind in zone.records if own_name == text}
        if "CNAME" in own and kind != "CNAME":
            ttl, values = self._values(zone.records[text, "CNAME"])
            reply.answer.append(_records(text, "CNAME", ttl, values))
            if not self.open_chains:
                self._fill(reply, dns.name.from_text(values[0]), kind)
            return
        record = zone.soa if (text, kind) == (zone.name, "SOA") else zone.records.get((text, kind))
        ttl, values = self._values(record) if record is not None else (0, ())
        if values:
            reply.answer.append(_records(text, kind, ttl, values))
            if signed := zone.signatures.get((text, kind)):
                reply.answer.append(_records(text, "RRSIG", ttl, signed))
            return
        if not own and text != zone.name:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        reply.authority.append(_records(zone.name, "SOA", *zone.soa))

    @staticmethod
    def _values(record: Record) -> Values:
        return record() if callable(record) else record


def _records(name: str, kind: str, ttl: int, values: Sequence[str]) -> dns.rrset.RRset:
    absolute = dns.name.from_text(name)
    return dns.rrset.from_text_list(absolute, ttl, dns.rdataclass.IN, kind, values)


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, server: Server, address: str) -> None:
        self._server, self._address = server, address
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        payload = max(512, dns.message.from_wire(data).payload)
        answer = self._server.answer(self._address, data, payload)
        if answer is not None:
            self._transport.sendto(answer, addr)


@asynccontextmanager
async def serving(*zones: Zone) -> AsyncGenerator[Server]:
    """Serve zones at both addresses until the block ends."""
    addresses = (RESOLVER, AUTHORITY)
    sockets = bound_at_one_port(*addresses, kinds=(socket.SOCK_DGRAM, socket.SOCK_STREAM))
    server = Server(list(zones), port_of(sockets[0]))
    transports: list[Any] = []
    listeners: list[Any] = []
    loop = asyncio.get_running_loop()
    try:
        for address, of_udp, of_tcp in zip(addresses, sockets[::2], sockets[1::2], strict=True):

            async def tcp(
                reader: asyncio.StreamReader,
                writer: asyncio.StreamWriter,
                address: str = address,
            ) -> None:
                (size,) = struct.unpack("!H", await reader.readexactly(2))
                answer = server.answer(address, await reader.readexactly(size), None) or b""
                writer.write(struct.pack("!H", len(answer)) + answer)
                await writer.drain()
                writer.close()
                await writer.wait_closed()

            transport, _ = await loop.create_datagram_endpoint(
                lambda address=address: _Udp(server, address), sock=of_udp
            )
            transports.append(transport)
            listeners.append(await asyncio.start_server(tcp, sock=of_tcp))
        yield server
    finally:
        for transport in transports:
            transport.close()
        for listener in listeners:
            listener.close()
            await listener.wait_closed()
        await asyncio.sleep(0)
