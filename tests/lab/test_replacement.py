"""Proxies are replaced while they serve: by the real engine, which looks before it moves.

The engine runs in a network of its own that hangs on the lab's router, as an operator's machine
hangs on the Internet, so that it sees whether a new droplet serves.
"""

import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest

from support.engine import holders
from support.operator_network import on_the_network
from support.scene import HOSTNAME, Scene

PROXY: Final = {"regions": ["fra1", "ams3"], "readySeconds": 120}
DIRECT: Final = {"direct": 100, "cdn": 0}

UNREACHABLE_SECONDS: Final = 15.0
"""How long one address may be away while it moves: 'the ten seconds or so that the new one needs to
see that the address is its own', and what a look at it takes."""

LOAD: Final = """
import os, socket, ssl, sys, threading, time
context = ssl.create_default_context()
def ask(began):
    connected, served = None, False
    try:
        with socket.create_connection((sys.argv[1], 443), 0.9) as plain:
            connected = time.monotonic()
            plain.settimeout(2)
            with context.wrap_socket(plain, server_hostname=sys.argv[2]) as sealed:
                head = ("GET /echo HTTP/1.1", f"Host: {sys.argv[2]}", "Connection: close", "", "")
                sealed.sendall("\\r\\n".join(head).encode())
                served = sealed.recv(12) == b"HTTP/1.1 200"
    except OSError:
        pass
    moment = (connected if served else time.monotonic()) if connected else began
    os.write(1, f"{moment} {int(served)}\\n".encode())
while True:
    threading.Thread(target=ask, args=(time.monotonic(),), daemon=True).start()
    time.sleep(0.1)
"""
"""Asks one address again and again, each time on a connection of its own, and prints what each
request shows: a moment at which the address served, or did not.

None waits for the one before, so a request that is lost hides no other. A first packet that is not
answered within 0.9 seconds was not answered at all: TCP sends a second one after one second (RFC
6298), and an answer to that would say nothing about the moment of the first.
"""


@dataclass(frozen=True)
class Gap:
    """A time in which an address did not serve."""

    first: float
    """When it is first known not to serve."""
    last: float
    """When it is last known not to serve; before and after that, up to a request, nobody knows."""
    most_seconds: float
    """From when it was last known to serve until it is again."""


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with on_the_network(tmp_path) as scene:
        yield scene


def test_while_proxies_are_replaced_one_of_them_serves_at_every_moment(scene: Scene) -> None:
    scene.deploy(proxy=PROXY, traffic=DIRECT)
    before = holders(scene.droplets)
    logs = {address: scene.folder / f"{number}.log" for number, address in enumerate(before)}
    load: list[subprocess.Popen[bytes]] = []
    try:
        for address, log in logs.items():
            with log.open("wb") as kept:
                asks = scene.lab.command("ipv6-only", "python3", "-c", LOAD, address, HOSTNAME)
                load.append(subprocess.Popen(asks, stdin=subprocess.DEVNULL, stdout=kept))
        time.sleep(2)
        scene.deploy(proxy={**PROXY, "connections": 4000}, traffic=DIRECT)
        time.sleep(UNREACHABLE_SECONDS)
    finally:
        for process in load:
            process.terminate()
            process.wait()
    after = holders(scene.droplets)
    assert after.keys() == before.keys()
    assert not set(after.values()) & set(before.values())
    gaps = sorted((gap for log in logs.values() for gap in _gaps(log)), key=lambda gap: gap.first)
    assert [gap for gap in gaps if gap.most_seconds > UNREACHABLE_SECONDS] == []
    assert len(gaps) >= len(logs), "each address moved"
    assert [pair for pair in pairwise(gaps) if pair[0].last >= pair[1].first] == []


def _gaps(log: Path) -> list[Gap]:
    """Return when an address did not serve; it has to at the beginning and the end."""
    whole, _, _ = log.read_text().rpartition("\n")
    requests = sorted(
        (float(moment), served == "1") for moment, served in map(str.split, whole.splitlines())
    )
    assert len(requests) > 20
    assert all((requests[0][1], requests[-1][1])), os.linesep.join(map(str, requests[-5:]))
    served = [moment for moment, is_served in requests if is_served]
    return [
        Gap(min(lost), max(lost), after - before)
        for before, after in pairwise(served)
        if (
            lost := [
                moment
                for moment, is_served in requests
                if before <= moment <= after and not is_served
            ]
        )
    ]
