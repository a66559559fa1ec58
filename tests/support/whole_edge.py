"""Both paths of an API on loopback, with the names that lead to them: what `verify` verifies.

    with whole_edge(tmp_path) as edge:
        ...  # edge.target, asked for through edge.names, trusting edge.ca

It differs from a deployed edge: there are no proxies, so direct has no IPv6; the edge has one node,
whose IPv6 address is `::1`; and all of it is on this machine.
"""

import asyncio
import random
import socket
import threading
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from rollout.probe.dns import DnspythonClient
from rollout.probe.model import EdgeTarget
from support.authority import AUTHORITY, RESOLVER, Record, Zone, serving
from support.lab_origin import LoopbackOrigin, origin_on_loopback, own_loopback_address
from support.loopback_edge import NAME, Edge, edge_on_loopback
from support.ports import bound_at_one_port

LOAD_BALANCER, DISTRIBUTION = "lb.example.net", "d1.cloudfront.example.net"
IPV6 = "::1"
START_SECONDS = 30.0
TTL_SECONDS = 60


@dataclass(frozen=True)
class WholeEdge:
    """What runs."""

    target: EdgeTarget
    names: DnspythonClient
    ca: Path


@contextmanager
def whole_edge(
    folder: Path,
    edge: Edge | None = None,
    *,
    records: Mapping[tuple[str, str], Record] | None = None,
    expired: bool = False,
    half_open: bool = False,
) -> Generator[WholeEdge]:
    """Serve all of it in a thread of its own; end it afterwards.

    Args:
        folder: For files.
        edge: How the edge behaves; None: as CloudFront should.
        records: Records that are other than they should be, by name and type.
        expired: Whether the load balancer's certificate ran out.
        half_open: Whether the edge's IPv6 address takes connections and then is silent.
    """
    # Others listen at `::1` too, so the port is taken there before anybody serves.
    of_origin, *listeners = bound_at_one_port(own_loopback_address(), own_loopback_address(), IPV6)
    place = of_origin.getsockname()
    of_origin.close()
    with ExitStack() as opened:
        for listener in listeners:
            opened.enter_context(listener)
        origin = opened.enter_context(
            origin_on_loopback(folder, NAME, expired=expired, at=(place[0], place[1]))
        )
        started: SimpleQueue[tuple[asyncio.AbstractEventLoop, asyncio.Event, int]] = SimpleQueue()

        async def serve() -> None:
            done = asyncio.Event()
            async with _serving(
                origin, edge or Edge(), records or {}, listeners, half_open=half_open
            ) as port:
                started.put((asyncio.get_running_loop(), done, port))
                await done.wait()

        thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
        thread.start()
        loop, done, port = started.get(timeout=START_SECONDS)
        try:
            yield WholeEdge(
                EdgeTarget(
                    (NAME,), LOAD_BALANCER, DISTRIBUTION, weights=(50, 50), port=origin.https
                ),
                DnspythonClient([RESOLVER], port=port),
                origin.ca,
            )
        finally:
            loop.call_soon_threadsafe(done.set)
            thread.join(START_SECONDS)


@asynccontextmanager
async def _serving(
    origin: LoopbackOrigin,
    edge: Edge,
    records: Mapping[tuple[str, str], Record],
    listeners: Sequence[socket.socket],
    *,
    half_open: bool,
) -> AsyncGenerator[int]:
    """Serve the edge on its addresses, and the names; yield the name server's port."""
    if half_open:
        *listeners, silent = listeners
        silent.listen(1024)  # the kernel takes connections that nobody takes from the kernel
    async with (
        edge_on_loopback(origin, edge, listeners) as node,
        serving(*_zones(origin.address, node.address, records)) as server,
    ):
        yield server.port


def _zones(direct: str, cdn: str, changed: Mapping[tuple[str, str], Record]) -> tuple[Zone, Zone]:
    records: dict[tuple[str, str], Record] = {
        ("example.com", "NS"): (300, ("ns1.example.com.",)),
        ("ns1.example.com", "A"): (300, (AUTHORITY,)),
        (NAME, "A"): _drawn(1, (direct,), (cdn,)),
        (NAME, "AAAA"): _drawn(2, (), (IPV6,)),
    }
    others: dict[tuple[str, str], Record] = {
        ("example.net", "NS"): (300, ("ns1.example.com.",)),
        (LOAD_BALANCER, "A"): (TTL_SECONDS, (direct,)),
        (DISTRIBUTION, "A"): (TTL_SECONDS, (cdn,)),
        (DISTRIBUTION, "AAAA"): (TTL_SECONDS, (IPV6,)),
    }
    soa = (TTL_SECONDS, ("ns1.example.com. host.example.com. 1 7200 900 1209600 60",))
    return (
        Zone("example.com", {**records, **changed}, soa),
        Zone("example.net", {**others, **changed}, soa),
    )


def _drawn(seed: int, *answers: tuple[str, ...]) -> Record:
    """Answer as a weighted group of members with the same weight."""
    drawn = random.Random(seed)  # noqa: S311 - a weighted record

    def draw() -> tuple[int, tuple[str, ...]]:
        return TTL_SECONDS, drawn.choice(answers)

    return draw
