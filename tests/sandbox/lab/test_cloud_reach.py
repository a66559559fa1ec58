"""Clouds on this machine's loopback are reached from another network while a command runs there."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Final
from urllib.request import ProxyHandler, build_opener

import pytest

from sandbox.lab import cloud_reach
from support.namespaces import network_of, own_network
from support.waiting import wait_until

BODY: Final = b"x" * 300_000
URL: Final = "http://127.0.0.1:{}"
COMMAND: Final = """
import os, sys
from sandbox.lab import cloud_reach
cloud_reach.reach([sys.argv[1]], int(sys.argv[2]))
print(flush=True)
sys.stdin.read()
"""
"""What `lab enter` does around the command that it runs."""


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        pass


@pytest.fixture
def cloud() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever).start()
        yield URL.format(server.server_port)
        server.shutdown()


@pytest.fixture
def host() -> Iterator[int]:
    """Return a process in a network of its own."""
    with own_network():
        process = subprocess.Popen(["sleep", "600"])
    yield process.pid
    process.kill()
    process.wait()


def answered(url: str) -> bytes:
    with build_opener(ProxyHandler({})).open(url, timeout=10) as answer:
        return answer.read()


def entering(url: str, host: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, url, str(host)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


@pytest.mark.root
def test_a_host_reaches_the_cloud_while_a_command_runs_there(cloud: str, host: int) -> None:
    def reached() -> bool:
        try:
            return answered(cloud) == BODY
        except OSError:
            return False

    with network_of(host):
        assert not reached()
    with entering(cloud, host) as first, entering(cloud, host) as second:
        for each in (first, second):
            assert each.stdout is not None
            each.stdout.readline()
        with network_of(host):
            assert [reached() for _ in range(4)] == [True] * 4
        # Ctrl-C is for the command; another command on the same host goes on.
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        with network_of(host):
            wait_until(reached)
        second.communicate(b"")
    with network_of(host):
        wait_until(lambda: not reached())


def test_what_is_told_of_the_clouds_leads_to_them() -> None:
    urls = {"aws": "http://127.0.0.1:1", "digitalocean": "http://127.0.0.1:2"}
    told = cloud_reach.variables(urls)
    assert told["AWS_ENDPOINT_URL"] == urls["aws"]
    assert told["DIGITALOCEAN_API_URL"] == urls["digitalocean"]
    assert cloud_reach.variables({}) == {}


@pytest.mark.parametrize("urls", [[], ["http://[::1]:80"], ["http://localhost:80"]])
def test_what_does_not_listen_on_an_ipv4_address_is_left_out(urls: list[str]) -> None:
    cloud_reach.reach(urls, 0)
