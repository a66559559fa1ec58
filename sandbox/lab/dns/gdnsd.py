"""gdnsd, started beside the one before when records change.

**How records change without losing a query.** Weights and health are in gdnsd's configuration,
which `gdnsdctl replace` changes by starting another process that is nobody's child here. Simpler:
each change starts new gdnsds beside the old ones, on other ports of the loopback address. Queries
go to the new ones from the moment they answer; the old ones end when they have had time for the
queries they have. A configuration that gdnsd refuses changes nothing.
"""

import asyncio
import shutil
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import dns.exception
import dns.message
import dns.name
import dns.rdatatype
import dns.rrset

from sandbox.debian import find_program
from sandbox.lab.dns.served_names import NameServersConfig
from sandbox.lab.dns.zone_files import NOTHING
from sandbox.lab.own_program import ServiceError

START_SECONDS: Final = 10.0
"""How long gdnsd may take until it answers; it needs some milliseconds."""

ASK_SECONDS: Final = 0.02
"""How often it is asked until then."""

DRAIN_SECONDS: Final = 2.0
"""How long an old gdnsd goes on for the queries that it was asked before it was replaced."""

HEADER: Final = struct.Struct("!6H")
"""The header of a DNS message. Source: RFC 1035, 4.1.1."""

_NOTHING: Final = {
    dns.rdatatype.from_text(kind): ip_address(address).packed for kind, address in NOTHING.items()
}

Reply = Callable[[bytes], None]


class Gdnsd(asyncio.DatagramProtocol):
    """One gdnsd, and the socket it is asked through.

    Every query gets an id of its own there, since clients choose theirs without knowing each other.
    """

    def __init__(self, folder: Path) -> None:
        """Start nothing yet; `folder` gets its files."""
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
        served = config.names.levels[level]
        (self._folder / "config").write_text(_options(self.port) + served.plugins)
        for name, text in served.zones.items():
            (self._folder / "zones" / name).write_text(text)
        # Paths are relative, because that of its control socket may have 107 bytes at most.
        self._process = await asyncio.create_subprocess_exec(
            *(str(find_program("setpriv")), "--pdeathsig", "TERM", "--"),
            *(str(find_program("gdnsd")), "-c", ".", "start"),
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

        apex = next(name for name, zone in config.names.zones.items() if zone.level == level)
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
        """Hand an answer to the client that waits for it."""
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


class Generation:
    """The gdnsds of one configuration, and what is changed in their answers."""

    def __init__(self, config: NameServersConfig, folder: Path) -> None:
        """Start nothing yet; `folder` gets a folder for each gdnsd."""
        self._names = config.names
        self._config = config
        self.levels = [Gdnsd(folder / str(level)) for level in range(len(config.names.levels))]

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

    def serving(self, name: str) -> Gdnsd:
        """Return the one that serves a name."""
        return self.levels[self._names.zones[self._zone(name)].level]

    def changed(self, answer: bytes) -> bytes:
        """Return an answer of gdnsd as Route 53 would give it."""
        counts = HEADER.unpack_from(answer)
        name, kind = question_of(answer)
        ttls = self._names.ttls.get(f"{name} {dns.rdatatype.to_text(kind)}")
        nothing = _NOTHING.get(kind)
        is_nothing = nothing is not None and nothing in answer
        if not counts[3] or not (ttls or is_nothing):
            return answer
        message = dns.message.from_wire(answer)
        rrset = next((each for each in message.answer if each.rdtype == kind), None)
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
        while name not in self._names.zones:
            name = name.partition(".")[2]
        return name

    def _soa(self, zone: str) -> dns.rrset.RRset:
        served = self._names.zones[zone]
        return dns.rrset.from_text(f"{zone}.", served.negative_ttl_seconds, "IN", "SOA", served.soa)


def question_of(data: bytes) -> tuple[str, dns.rdatatype.RdataType]:
    """Return name and type of the question, the name in lower case.

    Raises:
        DNSException: There is none.
    """
    name, length = dns.name.from_wire(data, HEADER.size)
    end = HEADER.size + length
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


async def drain(old: Generation) -> None:
    """End gdnsds after they have had time for the queries they have."""
    try:
        await asyncio.sleep(DRAIN_SECONDS)
    finally:
        await old.end()
