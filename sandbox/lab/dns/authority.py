"""The lab's name servers: `python -m sandbox.lab.dns.authority --config F`.

It listens on UDP and TCP port 53 of each address and forwards every query to the gdnsd that serves
the deepest zone the name is in. gdnsd draws the answers; this front changes two things in them:
the address that stands for an empty answer becomes an empty answer with the zone's SOA record, so
that resolvers keep it for as long as they would keep Route 53's (RFC 2308); and TTLs that gdnsd
cannot have are set. Questions of other classes than IN are refused.

Differs from Route 53: one server with the addresses of all four. A change is there at once, not
within a minute. The SOA record has the TTL of negative answers also when it is asked for. ANY is
answered as in RFC 8482. No CNAME is followed, not even within the zone. A name in no zone at all is
answered by a root of the lab's own, which is not signed. No delegation is followed: the plan has
only zones that others lead to. EDNS is answered by gdnsd, with its sizes.
TTLs that gdnsd cannot have are not set for names that only a wildcard matches.

Source: gdnsd(8); Route 53 Developer Guide, 'The start of authority (SOA) record'.
"""

import asyncio
import shutil
import socket
from typing import Final, cast

import dns.exception
import dns.message
import dns.rcode
import dns.rdataclass

from sandbox.lab.dns.gdnsd import HEADER, Generation, Reply, drain, question_of
from sandbox.lab.dns.served_names import NameServersConfig
from sandbox.lab.own_program import Service, ServiceError, main

IDLE_SECONDS: Final = 10.0
"""How long a TCP connection may be silent."""

_RESPONSE: Final = 0x8000
_DNS_PORT: Final = 53
_IP_FREEBIND: Final = 15
"""Lets a socket have an address that the host has not yet, or not yet for good (IPv6's duplicate
address detection). Source: linux/in.h; Python has no name for it."""


class NameServers(Service[NameServersConfig]):
    """The lab's name servers: a front on port 53, and the gdnsds behind it."""

    def __init__(self) -> None:
        """Serve nothing yet."""
        self._generations = 0
        self._current: Generation | None = None
        self._draining: set[asyncio.Task[None]] = set()

    async def apply(self, config: NameServersConfig) -> None:
        """Start the gdnsds of a configuration, and ask them from now on.

        Raises:
            OSError: An address can't be listened on.
            ServiceError: gdnsd does not start.
        """
        if self._current is None:
            shutil.rmtree(config.folder, ignore_errors=True)
        self._generations += 1
        new = Generation(config, config.folder / str(self._generations))
        await new.start()
        old, self._current = self._current, new
        if old is None:
            for address in config.addresses:
                await self._listen(address)
        else:
            task = asyncio.create_task(drain(old))
            self._draining.add(task)
            task.add_done_callback(self._draining.discard)

    async def watch(self) -> None:
        """Run as long as gdnsd does.

        Raises:
            ServiceError: It has ended.
        """
        if self._current is not None:
            await self._current.ended()
        raise ServiceError("gdnsd has ended; what it says is above.")

    async def close(self) -> None:
        """End every gdnsd."""
        for task in self._draining:
            task.cancel()
        await asyncio.gather(*self._draining, return_exceptions=True)
        if self._current is not None:
            await self._current.end()

    def answer(self, query: bytes, reply: Reply) -> None:
        """Answer a query, some time later; what is none is ignored."""
        current = self._current
        if current is None or not _is_query(query):
            return
        try:
            if refusal := _refusal(query):
                reply(refusal)
                return
            name, _ = question_of(query)
        except dns.exception.DNSException:
            name = ""
        current.serving(name).ask(query, lambda answer: reply(current.changed(answer)))

    async def _listen(self, address: str) -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        udp = _bound(family, socket.SOCK_DGRAM, address)
        tcp = _bound(family, socket.SOCK_STREAM, address)
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: _Clients(self), sock=udp)
        await asyncio.start_server(self._converse, sock=tcp)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the queries of one TCP connection, one after the other."""
        try:
            while True:
                async with asyncio.timeout(IDLE_SECONDS):
                    query = await _receive(reader)
                    answer = await self._over_tcp(query)
                    await _send(writer, answer)
        except (TimeoutError, OSError, EOFError, dns.exception.DNSException):
            pass  # the client is gone, or sends what is no DNS
        finally:
            writer.close()

    async def _over_tcp(self, query: bytes) -> bytes:
        current = self._current
        if current is None or not _is_query(query):
            raise EOFError
        if refusal := _refusal(query):
            return refusal
        name, _ = question_of(query)
        reader, writer = await asyncio.open_connection("127.0.0.1", current.serving(name).port)
        try:
            await _send(writer, query)
            return current.changed(await _receive(reader))
        finally:
            writer.close()


class _Clients(asyncio.DatagramProtocol):
    """The queries that come to one address."""

    def __init__(self, server: NameServers) -> None:
        self._server = server
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Python 3.11's own transports of datagrams do not derive from DatagramTransport.
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        transport = self._transport
        if transport is not None:
            self._server.answer(data, lambda answer: transport.sendto(answer, addr))

    def error_received(self, exc: Exception) -> None:
        """Do nothing: a client that is gone is no fault."""


def _is_query(data: bytes) -> bool:
    """Return whether it is a query that can be answered: one question, as all have in practice."""
    if len(data) <= HEADER.size:
        return False
    _, flags, questions, *_ = HEADER.unpack_from(data)
    return not flags & _RESPONSE and questions == 1


def _refusal(query: bytes) -> bytes | None:
    """Return the refusal of a question of another class than IN, such as CHAOS; None: it has one.

    Raises:
        DNSException: It is no message.
    """
    message = dns.message.from_wire(query)
    if message.question[0].rdclass == dns.rdataclass.IN:
        return None
    refusal = dns.message.make_response(message)
    refusal.set_rcode(dns.rcode.REFUSED)
    return refusal.to_wire()


def _bound(family: socket.AddressFamily, kind: socket.SocketKind, address: str) -> socket.socket:
    bound = socket.socket(family, kind)
    bound.setblocking(False)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 1)
    bound.bind((address, _DNS_PORT))
    return bound


async def _receive(reader: asyncio.StreamReader) -> bytes:
    length = int.from_bytes(await reader.readexactly(2), "big")
    return await reader.readexactly(length)


async def _send(writer: asyncio.StreamWriter, message: bytes) -> None:
    writer.write(len(message).to_bytes(2, "big") + message)
    await writer.drain()


if __name__ == "__main__":
    main(NameServersConfig, NameServers())
