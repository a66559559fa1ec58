"""The lab's name servers: `python -m sandbox.lab.dns.authority --config F`.

It listens on UDP and TCP port 53 of each address and forwards every query to the gdnsd that serves
the deepest zone the name is in. gdnsd draws the answers; this front changes two things in them:
the address that stands for an empty answer becomes an empty answer with the zone's SOA record, so
that resolvers keep it for as long as they would keep Route 53's (RFC 2308); and TTLs that gdnsd
cannot have are set.

**How records change without losing a query.** Weights and health are in gdnsd's configuration,
which `gdnsdctl replace` changes by starting another process that nobody here is the parent of.
Simpler: on SIGHUP the front starts new gdnsds beside the old ones, on other ports of the loopback
address. Queries go to the new ones from the moment they answer, and the old ones end when they have
had time to answer what they were asked. A configuration that gdnsd refuses changes nothing.

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
import struct
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Final, cast

import dns.exception
import dns.message
import dns.name
import dns.rdatatype
import dns.rrset

from sandbox.lab.dns.gdnsd import NOTHING, NameServersConfig
from sandbox.lab.own_program import Service, ServiceError, main

START_SECONDS: Final = 10.0
"""How long gdnsd may take until it answers; it needs some milliseconds."""

ASK_SECONDS: Final = 0.02
"""How often it is asked until then."""

DRAIN_SECONDS: Final = 2.0
"""How long an old gdnsd goes on for the queries that it was asked before it was replaced."""

IDLE_SECONDS: Final = 10.0
"""How long a TCP connection may be silent."""

_HEADER: Final = struct.Struct("!6H")
_RESPONSE: Final = 0x8000
_DNS_PORT: Final = 53
_IP_FREEBIND: Final = 15
"""Lets a socket have an address that the host has not yet, or not yet for good (IPv6's duplicate
address detection). Source: linux/in.h; Python has no name for it."""

_NOTHING: Final = {
    dns.rdatatype.from_text(kind): ip_address(address).packed for kind, address in NOTHING.items()
}

Reply = Callable[[bytes], None]


class _Gdnsd(asyncio.DatagramProtocol):
    """One gdnsd, and the socket it is asked through.

    Every query gets an id of its own there, since clients choose theirs without knowing each other.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waiting: dict[int, tuple[bytes, Reply]] = {}
        self._last = 0
        self._transport: asyncio.DatagramTransport | None = None
        self._process: asyncio.subprocess.Process | None = None
        self.port = 0

    async def start(self, config: NameServersConfig, level: int) -> None:
        """Return when it answers.

        Raises:
            ServiceError: It does not.
        """
        self.port = _free_port()
        (self._folder / "zones").mkdir(parents=True)
        served = config.plan.levels[level]
        (self._folder / "config").write_text(_options(self.port) + served.plugins)
        for name, text in served.zones.items():
            (self._folder / "zones" / name).write_text(text)
        # Paths are relative, because that of its control socket may have 107 bytes at most.
        self._process = await asyncio.create_subprocess_exec(
            *(config.setpriv, "--pdeathsig", "TERM", config.gdnsd, "-c", ".", "start"),
            cwd=self._folder,
        )
        loop = asyncio.get_running_loop()
        remote = ("127.0.0.1", self.port)
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, remote_addr=remote)
        ended = asyncio.create_task(self._process.wait())
        answered = loop.create_future()

        def tell(_: bytes) -> None:
            if not answered.done():
                answered.set_result(None)

        apex = next(name for name, zone in config.plan.zones.items() if zone.level == level)
        question = dns.message.make_query(f"{apex}.", "SOA").to_wire()
        try:
            async with asyncio.timeout(START_SECONDS):
                while not (answered.done() or ended.done()):
                    self.ask(question, tell)
                    await asyncio.wait({answered, ended}, timeout=ASK_SECONDS)
        except TimeoutError:
            pass
        finally:
            ended.cancel()
        if not answered.done():
            await self.end()
            raise ServiceError(f"gdnsd does not serve {self._folder}; what it says is above.")

    def ask(self, query: bytes, reply: Reply) -> None:
        """Send a query; the answer comes back with its id."""
        if self._transport is None:
            return
        self._last = (self._last + 1) & 0xFFFF
        self._waiting[self._last] = (query[:2], reply)
        self._transport.sendto(self._last.to_bytes(2, "big") + query[2:])

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        """Hand an answer to whoever waits for it."""
        del addr
        waiting = self._waiting.pop(int.from_bytes(data[:2], "big"), None)
        if waiting is not None:
            own, reply = waiting
            reply(own + data[2:])

    def error_received(self, exc: Exception) -> None:
        """Do nothing: it does not listen yet, or any more."""

    async def ended(self) -> None:
        """Return when the process has ended."""
        if self._process is not None:
            await self._process.wait()

    async def end(self) -> None:
        """End the process and forget its files."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.terminate()
            await self._process.wait()
        if self._transport is not None:
            self._transport.close()
        shutil.rmtree(self._folder, ignore_errors=True)


class _Generation:
    """The gdnsds of one configuration, and what is changed in their answers."""

    def __init__(self, config: NameServersConfig, folder: Path) -> None:
        self._plan = config.plan
        self._config = config
        self.levels = [_Gdnsd(folder / str(level)) for level in range(len(config.plan.levels))]

    async def start(self) -> None:
        """Return when all answer.

        Raises:
            ServiceError: One does not; none is left running.
        """
        try:
            for level, gdnsd in enumerate(self.levels):
                await gdnsd.start(self._config, level)
        except BaseException:
            await self.end()
            raise

    async def end(self) -> None:
        """End them all."""
        for gdnsd in self.levels:
            await gdnsd.end()

    async def ended(self) -> None:
        """Return when any of them has ended."""
        tasks = [asyncio.create_task(gdnsd.ended()) for gdnsd in self.levels]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()

    def serving(self, name: str) -> _Gdnsd:
        """Return the one that serves a name."""
        return self.levels[self._plan.zones[self._zone(name)].level]

    def changed(self, answer: bytes) -> bytes:
        """Return an answer of gdnsd as Route 53 would give it."""
        counts = _HEADER.unpack_from(answer)
        name, kind = _question(answer)
        ttls = self._plan.ttls.get(f"{name} {dns.rdatatype.to_text(kind)}")
        nothing = _NOTHING.get(kind)
        is_nothing = nothing is not None and nothing in answer
        if not counts[3] or not (ttls or is_nothing):
            return answer
        message = dns.message.from_wire(answer)
        rrset = next((found for found in message.answer if found.rdtype == kind), None)
        if rrset is None:
            return answer
        values = sorted(str(item) for item in list[object](rrset))
        if values == [NOTHING.get(dns.rdatatype.to_text(kind))]:
            message.answer = []
            message.authority = [self._soa(self._zone(name))]
        elif ttls:
            rrset.ttl = ttls.get(" ".join(values), rrset.ttl)
        return message.to_wire(max_size=65535)

    def _zone(self, name: str) -> str:
        """Return the deepest zone that a name is in."""
        while name not in self._plan.zones:
            name = name.partition(".")[2]
        return name

    def _soa(self, zone: str) -> dns.rrset.RRset:
        known = self._plan.zones[zone]
        return dns.rrset.from_text(f"{zone}.", known.negative_ttl_seconds, "IN", "SOA", known.soa)


class NameServers(Service[NameServersConfig]):
    """The lab's name servers: a front on port 53, and the gdnsds behind it."""

    def __init__(self) -> None:
        """Serve nothing yet."""
        self._generations = 0
        self._current: _Generation | None = None
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
        new = _Generation(config, config.folder / str(self._generations))
        await new.start()
        old, self._current = self._current, new
        if old is None:
            for address in config.addresses:
                await self._listen(address)
        else:
            task = asyncio.create_task(_drain(old))
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
            name, _ = _question(query)
        except dns.exception.DNSException:
            name = ""
        current.serving(name).ask(query, lambda found: reply(current.changed(found)))

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
        name, _ = _question(query)
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
    if len(data) <= _HEADER.size:
        return False
    _, flags, questions, *_ = _HEADER.unpack_from(data)
    return not flags & _RESPONSE and questions == 1


def _question(data: bytes) -> tuple[str, dns.rdatatype.RdataType]:
    """Return name and type of the question, the name in lower case.

    Raises:
        DNSException: There is none.
    """
    name, length = dns.name.from_wire(data, _HEADER.size)
    end = _HEADER.size + length
    if len(data) < end + 4:
        raise dns.exception.FormError("the question has no type")
    text = "" if name == dns.name.root else name.to_text(omit_final_dot=True).lower()
    return text, dns.rdatatype.RdataType.make(int.from_bytes(data[end : end + 2], "big"))


def _options(port: int) -> str:
    """Return how gdnsd runs: on loopback, in its folder, with TTLs that it leaves alone."""
    return f"""options => {{
  listen => 127.0.0.1
  dns_port => {port}
  udp_threads => 1
  tcp_threads => 1
  run_dir => run
  state_dir => state
  min_ttl => 0
  max_ncache_ttl => 86400
  disable_cookies => true
}}
"""


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


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


async def _drain(old: _Generation) -> None:
    try:
        await asyncio.sleep(DRAIN_SECONDS)
    finally:
        await old.end()


if __name__ == "__main__":
    main(NameServersConfig, NameServers())
