"""Real caches, gdnsd behind them and clients before them, on loopback and without root.

A name is a cache of its own, so one unbound with many names of the same weights is many caches. Two
gdnsds run all the time, one with the weights before and one with those after a change; a relay
sends unbound's queries to one or the other, so that the change takes no query away.
"""

import asyncio
import random
import socket
import subprocess
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import cast

import dns.message

from sandbox.debian import find_program
from support.ports import bound_at_one_port, port_of

DIRECT, CDN = "192.0.2.1", "192.0.2.2"
ZONE = "edge.example"
TICK = 0.02
"""Seconds between two rounds of queries."""
START_SECONDS = 2.0
"""How long the programs have to start."""
_CDN = bytes(map(int, CDN.split(".")))


@dataclass(frozen=True)
class RealResolver:
    """An unbound, by what it does with TTLs."""

    name: str
    options: tuple[str, ...]
    life: float
    """Seconds that it keeps an answer."""


@dataclass
class SeenAnswers:
    """What clients of one resolver were answered."""

    at: list[float] = field(default_factory=list[float])
    """Seconds since the change of weight."""
    cdn: list[bool] = field(default_factory=list[bool])
    """Whether it was cdn."""

    def share(self, begin: float, end: float) -> tuple[float, int]:
        """Return the share of cdn in a span of time, and of how many answers."""
        found = [cdn for at, cdn in zip(self.at, self.cdn, strict=True) if begin <= at < end]
        return sum(found) / max(1, len(found)), len(found)


@contextmanager
def running(folder: Path, *command: str) -> Generator[None]:
    """Run a program, and end it."""
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()


def start_authority(folder: Path, cdn: int, ttl: int, names: int, stack: ExitStack) -> int:
    """Start a gdnsd in which every name has the same weights, and return its port."""
    port = _free_port()
    (folder / "zones").mkdir(parents=True)
    members = " ".join(
        f"{name} => {{ a => [ {address}, {weight} ] }}"
        for name, address, weight in (("direct", DIRECT, 100 - cdn), ("cdn", CDN, cdn))
        if weight
    )
    (folder / "config").write_text(
        f"options => {{ listen => 127.0.0.1\n dns_port => {port}\n run_dir => run\n"
        " state_dir => state\n min_ttl => 0\n udp_threads => 1\n tcp_threads => 1 }\n"
        f"plugins => {{ weighted => {{ both => {{ addrs_v4 => {{ {members} }} }} }} }}\n"
    )
    records = [f"n{number} {ttl}/{ttl} DYNA weighted!both" for number in range(names)]
    head = f"@ 900 SOA ns.{ZONE}. hostmaster.{ZONE}. 1 7200 900 1209600 900\n@ 900 NS ns\n"
    (folder / "zones" / ZONE).write_text(head + f"ns 900 A {DIRECT}\n" + "\n".join(records) + "\n")
    stack.enter_context(running(folder, str(find_program("gdnsd")), "-c", ".", "start"))
    return port


def start_resolver(folder: Path, resolver: RealResolver, authority: int, stack: ExitStack) -> int:
    """Start an unbound, and return its port."""
    port = _free_port()
    lines = [
        "server:", f"  port: {port}", "  interface: 127.0.0.1", '  username: ""', '  chroot: ""',
        '  directory: ""', '  pidfile: ""', "  do-daemonize: no", "  use-syslog: no",
        "  num-threads: 1", "  do-ip6: no", "  do-not-query-localhost: no",
        '  module-config: "iterator"',
        *(f"  {option}" for option in resolver.options),
        "stub-zone:", f"  name: {ZONE}", f"  stub-addr: 127.0.0.1@{authority}",
        "remote-control:", "  control-enable: no",
    ]  # fmt: skip
    path = folder / f"{resolver.name}.conf"
    path.write_text("\n".join(lines) + "\n")
    stack.enter_context(running(folder, str(find_program("unbound")), "-d", "-p", "-c", str(path)))
    return port


class Relay(asyncio.DatagramProtocol):
    """Sends queries to whichever authority serves, and its answers back."""

    def __init__(self) -> None:
        self.authority: asyncio.DatagramTransport | None = None
        self._asked: dict[int, tuple[bytes, tuple[str, int]]] = {}
        self._number = 0
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        assert self.authority is not None
        self._number = (self._number + 1) & 0xFFFF
        self._asked[self._number] = (data[:2], addr)
        self.authority.sendto(self._number.to_bytes(2, "big") + data[2:])

    def answer(self, data: bytes) -> None:
        """Send an answer to who asked."""
        own, addr = self._asked.pop(int.from_bytes(data[:2], "big"))
        assert self._transport is not None
        self._transport.sendto(own + data[2:], addr)


class Receiver(asyncio.DatagramProtocol):
    """Hands on what arrives."""

    def __init__(self, receive: Callable[[bytes], None]) -> None:
        self._receive = receive

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        del addr
        self._receive(data)

    def error_received(self, exc: Exception) -> None:
        """Do nothing: it does not listen yet."""


async def connected(port: int, receive: Callable[[bytes], None]) -> asyncio.DatagramTransport:
    """Return a way to a server on loopback."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: Receiver(receive), remote_addr=("127.0.0.1", port)
    )
    return transport


async def watch(
    folder: Path,
    resolvers: Sequence[RealResolver],
    *,
    caches: int,
    cdn: int,
    ttl: int,
    seconds: float,
) -> dict[str, SeenAnswers]:
    """Ask real caches while the weight of cdn goes from 0 to another, and return what they say.

    Each name is asked about once a second, from a moment on that is spread over the life of its
    answers, so that they end at any time.

    Args:
        folder: Where files go.
        resolvers: The resolvers; each has all names.
        caches: How many names.
        cdn: The weight after the change, in percent.
        ttl: TTL of the answers.
        seconds: How long to go on after the change.
    """
    chance = random.Random(1)  # noqa: S311 - nothing is secret
    warm = max(resolver.life for resolver in resolvers)
    began = time.monotonic() + warm + START_SECONDS
    seen = {resolver.name: SeenAnswers() for resolver in resolvers}
    with ExitStack() as stack:
        before, after = (
            start_authority(folder / name, weight, ttl, caches, stack)
            for name, weight in (("before", 0), ("after", cdn))
        )
        relay = Relay()
        loop = asyncio.get_running_loop()
        at_relay, _ = await loop.create_datagram_endpoint(
            lambda: relay, local_addr=("127.0.0.1", 0)
        )
        port = at_relay.get_extra_info("sockname")[1]
        relay.authority = old = await connected(before, relay.answer)
        ways = {
            each.name: await connected(
                start_resolver(folder, each, port, stack), partial(_note, seen[each.name], began)
            )
            for each in resolvers
        }
        queries = [
            dns.message.make_query(f"n{number}.{ZONE}.", "A").to_wire() for number in range(caches)
        ]
        first = {
            each.name: [began - chance.random() * each.life for _ in queries] for each in resolvers
        }
        new = await connected(after, relay.answer)
        while (now := time.monotonic()) < began + seconds:
            if now >= began:
                relay.authority = new
            for name, way in ways.items():
                # In a tick of 20 ms each name is asked about with that probability.
                for _ in range(round(caches * TICK)):
                    number = chance.randrange(caches)
                    if first[name][number] <= now:
                        way.sendto(queries[number])
            await asyncio.sleep(max(0.0, TICK - (time.monotonic() - now)))
        await asyncio.sleep(0.2)
        for transport in (*ways.values(), old, new, at_relay):
            transport.close()
    return seen


def _note(seen: SeenAnswers, began: float, data: bytes) -> None:
    """Keep what was answered; a failure of the resolver is no answer."""
    if data[3] & 0xF == 0:
        seen.at.append(time.monotonic() - began)
        seen.cdn.append(_CDN in data)


def _free_port() -> int:
    """Return a port that was free for both kinds of sockets."""
    kinds = (socket.SOCK_STREAM, socket.SOCK_DGRAM)
    sockets = bound_at_one_port("127.0.0.1", kinds=kinds)
    port = port_of(sockets[0])
    for each in sockets:
        each.close()
    return port
