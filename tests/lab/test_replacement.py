"""Proxies are replaced while they serve: by the real engine, which looks before it moves.

The engine runs in a network of its own that hangs on the lab's router, as an operator's machine
hangs on the Internet, so that it sees whether a new droplet serves.
"""

import os
import subprocess
import time
from collections.abc import Iterator
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
import socket, ssl, sys, time
context = ssl.create_default_context()
while True:
    began = time.time()
    try:
        with socket.create_connection((sys.argv[1], 443), 2) as plain, context.wrap_socket(
            plain, server_hostname=sys.argv[2]
        ) as sealed:
            head = ("GET /echo HTTP/1.1", f"Host: {sys.argv[2]}", "Connection: close", "", "")
            sealed.sendall("\\r\\n".join(head).encode())
            answer = sealed.recv(12)
    except OSError:
        answer = b""
    print(f"{began} {time.time()} {int(answer == b'HTTP/1.1 200')}", flush=True)
    time.sleep(0.1)
"""
"""Asks one address again and again, each time on a connection of its own."""


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
    gaps = [gap for log in logs.values() for gap in _gaps(log)]
    assert [gap for gap in gaps if gap[1] - gap[0] > UNREACHABLE_SECONDS] == []
    assert [pair for pair in pairwise(sorted(gaps)) if pair[0][1] > pair[1][0]] == []


def _gaps(log: Path) -> list[tuple[float, float]]:
    """Return from when to when an address did not serve; it has to at the beginning and the end."""
    whole, _, _ = log.read_text().rpartition("\n")
    requests = [tuple(map(float, line.split())) for line in whole.splitlines()]
    assert len(requests) > 20
    assert requests[0][2] == requests[-1][2] == 1, os.linesep.join(map(str, requests[-5:]))
    gaps: list[tuple[float, float]] = []
    last = requests[0]
    for request in requests[1:]:
        if request[2] == 1 and last[2] == 0:
            gaps[-1] = (gaps[-1][0], request[0])
        elif request[2] == 0 and last[2] == 1:
            gaps.append((last[1], request[1]))
        last = request
    return gaps
