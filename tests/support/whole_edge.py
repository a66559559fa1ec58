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
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from rollout.probe.dns import DnspythonClient
from rollout.probe.model import EdgeTarget
from support.authority import AUTHORITY, RESOLVER, Record, Zone, serving
from support.lab_origin import LoopbackOrigin, origin_on_loopback
from support.loopback_edge import NAME, Edge, edge_on_loopback

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
    with origin_on_loopback(folder, NAME, expired=expired) as origin:
        started: SimpleQueue[tuple[asyncio.AbstractEventLoop, asyncio.Event, int]] = SimpleQueue()

        async def serve() -> None:
            done = asyncio.Event()
            async with _serving(origin, edge or Edge(), records or {}, half_open=half_open) as port:
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
    *,
    half_open: bool,
) -> AsyncGenerator[int]:
    """Serve the edge, its IPv6 address and the names; yield the name server's port."""
    with _silent(origin.https) if half_open else nullcontext():
        also = () if half_open else (IPV6,)
        async with (
            edge_on_loopback(origin, edge, port=origin.https, also=also) as node,
            serving(*_zones(origin.address, node.address, records)) as server,
        ):
            yield server.port


def _silent(port: int) -> socket.socket:
    """Let the kernel take connections that nobody takes from the kernel."""
    return socket.create_server((IPV6, port), family=socket.AF_INET6, backlog=1024)


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
