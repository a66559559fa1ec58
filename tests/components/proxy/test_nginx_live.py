"""The rendered configuration at work: the real nginx between real sockets of loopback.

Two things are not as on a droplet: the ports are high ones that are free, so that no root is
needed, and the socket of the journal is one of the test's own.
"""

import os
import signal
import socket
import ssl
import stat
import subprocess
import tempfile
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, Final

import psutil
import pytest
import urllib3
import urllib3.exceptions

from components.proxy.nginx import (
    CONNECTION_KIBIBYTES,
    LOG_SOCKET,
    RESOLVER_VALID_SECONDS,
    Proxy,
    Resolver,
    nginx_conf,
)
from sandbox.debian import find_program
from support.namespaces import own_network
from support.upstream import LoadBalancerAddress, NameServer
from support.waiting import PATIENCE_SECONDS, wait_until

_NAME: Final = "api.elb.example.test"
_FIRST: Final = "127.0.0.2"
_SECOND: Final = "127.0.0.3"
_NOBODY: Final = "127.0.0.4"


@dataclass
class Running:
    """A proxy that serves, with the world around it."""

    proxy: Proxy
    dns: NameServer
    first: LoadBalancerAddress
    master: psutil.Process
    errors: Path
    log: socket.socket
    clients: ExitStack = field(default_factory=ExitStack)

    @property
    def port(self) -> int:
        return self.proxy.ports[0]

    def connect(self, source: str = "::1") -> socket.socket:
        """Connect over IPv6."""
        client = socket.create_connection(("::1", self.port), PATIENCE_SECONDS, (source, 0))
        return self.clients.enter_context(client)

    def held(self, source: str = "::1") -> socket.socket | None:
        """Return a connection that reached the load balancer, None where it was closed at once."""
        client = self.connect(source)
        with suppress(ConnectionResetError):
            if _receive(client, len(_FIRST)) == _FIRST.encode():
                return client
        return None

    def has_room(self) -> bool:
        """Ask as a health check of Route 53 does."""
        url = f"http://[::1]:{self.proxy.capacity_port}/"
        try:
            answer = urllib3.request("GET", url, retries=False, timeout=PATIENCE_SECONDS)
        except urllib3.exceptions.ProtocolError:
            return False
        return (answer.status, answer.data) == (200, b"ok\n")

    def reached(self) -> str:
        """Return which address of the load balancer a new client reaches, nothing if none."""
        with self.connect() as client, suppress(ConnectionResetError):
            return client.recv(64).decode()
        return ""

    def all_reach(self, address: str) -> bool:
        """Say whether clients reach this address whichever worker they come to.

        Each worker has a resolver of its own; with two workers, twenty clients miss one of them
        twice in a million times.
        """
        return all(self.reached() == address for _ in range(20))

    def workers(self) -> set[int]:
        return {child.pid for child in self.master.children()}


def _receive(client: socket.socket, length: int) -> bytes:
    received = bytearray()
    while len(received) < length and (data := client.recv(65_536)):
        received += data
    return bytes(received)


def _free_port() -> int:
    """Return a port that is free on the proxy's side and on the load balancer's."""
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        return server.getsockname()[1]


@contextmanager
def _running(
    *, connections: int = 100, connections_per_client: int = 100, **options: Any
) -> Generator[Running]:
    with ExitStack() as stack:
        # Not pytest's own folder: workers that are not root may not look into that.
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="proxy-")))
        home.chmod(0o755)
        dns = NameServer("127.0.0.1", _NAME, [_FIRST])
        stack.callback(dns.close)
        port = _free_port()
        proxy = Proxy(
            _NAME,
            "network",
            ports=(port,),
            connections=connections,
            connections_per_client=connections_per_client,
            resolver=Resolver(IPv4Address("127.0.0.1"), dns.port),
            health_port=_free_port(),
            capacity_port=_free_port(),
            **options,
        )
        first, second = LoadBalancerAddress(_FIRST, port), LoadBalancerAddress(_SECOND, port)
        stack.callback(first.close)
        stack.callback(second.close)
        log = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        log.bind(str(home / "log"))
        log.settimeout(PATIENCE_SECONDS)
        (home / "log").chmod(stat.S_IRWXU | stat.S_IRWXG | stat.S_IRWXO)

        text = nginx_conf(proxy)
        assert text.count(f"unix:{LOG_SOCKET},") == 1
        conf = home / "nginx.conf"
        conf.write_text(text.replace(f"unix:{LOG_SOCKET},", f"unix:{home}/log,"), encoding="utf-8")
        master = stack.enter_context(_nginx(conf, home / "errors"))
        running = Running(proxy, dns, first, master, home / "errors", log)
        stack.enter_context(running.clients)
        wait_until(lambda: _is_up(running))
        yield running


def _is_up(running: Running) -> bool:
    if not running.master.is_running() or running.master.status() == psutil.STATUS_ZOMBIE:
        pytest.fail(f"nginx ended: {running.errors.read_text(encoding='utf-8')}")
    with suppress(ConnectionRefusedError):
        return _health(running) == b"ok\n"
    return False


def _health(running: Running) -> bytes:
    with socket.create_connection(
        ("127.0.0.1", running.proxy.health_port), PATIENCE_SECONDS
    ) as client:
        return _receive(client, 64)


@contextmanager
def _nginx(conf: Path, errors: Path) -> Generator[psutil.Process]:
    """Run nginx; it ends with the test, also when the test is killed."""
    command = [find_program("setpriv"), "--pdeathsig", "TERM", "--", find_program("nginx")]
    options = ["-c", conf, "-g", f"daemon off; pid {conf.parent}/nginx.pid;"]
    with (
        errors.open("wb") as stderr,
        subprocess.Popen([*command, *options], stderr=stderr) as process,
    ):
        try:
            yield psutil.Process(process.pid)
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with _running() as running:
        yield running


def test_bytes_pass_untouched_in_both_directions(running: Running) -> None:
    sent = os.urandom(1_000_000)
    client = running.connect()
    sender = threading.Thread(target=client.sendall, args=(sent,))
    sender.start()
    received = _receive(client, len(_FIRST) + len(sent))
    sender.join()

    assert received == _FIRST.encode() + sent
    assert running.first.received[-1] == sent


def test_a_client_over_ipv4_is_not_served(running: Running) -> None:
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", running.port), PATIENCE_SECONDS)


def test_the_name_a_client_asks_for_does_not_decide_where_it_goes(running: Running) -> None:
    hello = ssl.MemoryBIO()
    context = ssl.create_default_context()
    tls = context.wrap_bio(ssl.MemoryBIO(), hello, server_hostname="elsewhere.example.test")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    sent = hello.read()

    client = running.connect()
    client.sendall(sent)

    assert _receive(client, len(_FIRST) + len(sent)) == _FIRST.encode() + sent
    assert running.dns.questions == {(_NAME, "A")}


def test_a_connection_is_logged_with_its_client_its_bytes_and_its_upstream(
    running: Running,
) -> None:
    client = running.connect()
    port = client.getsockname()[1]
    client.sendall(b"12345")
    _receive(client, len(_FIRST) + 5)
    client.close()
    line = ""
    while f"client_port={port} " not in line:
        line = running.log.recv(65_536).decode()

    assert " nginx_access: client=::1 " in line
    assert f" port={running.port} status=200 received=5 sent={len(_FIRST) + 5} " in line
    assert f" upstream={_FIRST}:{running.port} connect_seconds=0.0" in line


def test_a_client_speaks_first_where_proxy_protocol_is_off(running: Running) -> None:
    client = running.connect()
    client.sendall(b"GET / HTTP/1.1\r\n")
    _receive(client, len(_FIRST) + 16)

    assert running.first.received[-1] == b"GET / HTTP/1.1\r\n"


def test_proxy_protocol_tells_the_load_balancer_who_the_client_is() -> None:
    with _running(proxy_protocol=True) as running:
        client = running.connect()
        header = f"PROXY TCP6 ::1 ::1 {client.getsockname()[1]} {running.port}\r\n".encode()
        client.sendall(b"GET / HTTP/1.1\r\n")

        expected = header + b"GET / HTTP/1.1\r\n"
        assert _receive(client, len(_FIRST) + len(expected)) == _FIRST.encode() + expected


def test_a_changed_address_is_followed_and_open_connections_stay() -> None:
    with _running() as running:
        old = running.connect()
        assert _receive(old, len(_FIRST)) == _FIRST.encode()
        assert running.all_reach(_FIRST)

        running.dns.addresses = [_SECOND]
        changed = time.monotonic()
        wait_until(lambda: running.all_reach(_SECOND))
        took = time.monotonic() - changed
        old.sendall(b"still here")

        assert took < RESOLVER_VALID_SECONDS + 3
        assert _receive(old, 10) == b"still here"


def test_an_address_that_refuses_is_passed_over() -> None:
    with _running() as running:
        running.dns.addresses = [_NOBODY, _FIRST]

        assert [running.reached() for _ in range(6)] == [_FIRST] * 6


def test_a_name_without_an_address_closes_the_connection_and_says_why() -> None:
    with _running() as running:
        running.dns.addresses = []

        assert running.reached() == ""
        wait_until(lambda: f"{_NAME} could not be resolved" in running.errors.read_text())
        assert _health(running) == b"ok\n"


def test_a_reload_keeps_open_connections_and_takes_new_ones() -> None:
    with _running() as running:
        open_before = running.connect()
        _receive(open_before, len(_FIRST))
        before = running.workers()

        running.master.send_signal(signal.SIGHUP)
        wait_until(lambda: bool(running.workers() - before))
        open_before.sendall(b"still here")

        assert _receive(open_before, 10) == b"still here"
        assert running.reached() == _FIRST


def test_workers_are_not_root() -> None:
    with _running() as running:
        users = {psutil.Process(pid).username() for pid in running.workers()}

        # Only root can become somebody else; anybody else stays who they are.
        assert users == {"www-data" if os.geteuid() == 0 else psutil.Process().username()}


# ---- how much it holds --------------------------------------------------------------------------

_ONE_CLIENT: Final = ("2001:db8:0:a00::1", "2001:db8:0:a00:ffff:a:0:1")
_NEIGHBOUR: Final = "2001:db8:0:a01::1"
_EVERYWHERE: Final = ("2001:db8:a0a:a0a::1", "2001:db8::1")
"""Networks whose first bytes have what regular expressions and texts of C trip over: 10 and 0."""


@pytest.mark.root
def test_one_client_is_a_network_of_64_bits_and_leaves_room_for_others() -> None:
    addresses = [f"{address}/128" for address in (*_ONE_CLIENT, _NEIGHBOUR, *_EVERYWHERE)]
    with own_network(addresses), _running(connections_per_client=4) as running:
        there, elsewhere = _ONE_CLIENT
        held = [running.held(there), running.held(elsewhere), running.held(there)]
        held.append(running.held(elsewhere))

        assert all(held)
        assert running.held(there) is None
        assert running.held(elsewhere) is None
        for other in (_NEIGHBOUR, *_EVERYWHERE):
            assert all(running.held(other) for _ in range(4)), other
            assert running.held(other) is None, other


def test_a_full_proxy_closes_what_is_new_keeps_what_is_open_and_says_so_in_its_log() -> None:
    with _running(connections=10, connections_per_client=10) as running:
        held = [running.held() for _ in range(10)]
        assert all(held)
        refused = running.connect()
        port = refused.getsockname()[1]

        with suppress(ConnectionResetError):
            assert refused.recv(64) == b""
        line = ""
        while f"client_port={port} " not in line:
            line = running.log.recv(65_536).decode()
        assert " status=503 received=0 sent=0 " in line
        assert line.endswith(" limit=REJECTED")
        assert len(running.first.received) == 10
        for client in held:
            assert client
            client.sendall(b"still here")
            assert _receive(client, 10) == b"still here"

        (held[0] or refused).close()
        wait_until(lambda: running.held() is not None)


def test_a_proxy_tells_that_it_is_nearly_full_before_it_is() -> None:
    with _running(connections=10, connections_per_client=10, warn_percent=80) as running:
        held = [running.held() for _ in range(7)]
        assert running.has_room()
        held.append(running.held())

        assert not running.has_room()
        assert running.held() is not None
        assert all(held)
        for client in held:
            assert client
            client.close()
        wait_until(running.has_room)
        assert _health(running) == b"ok\n"


def test_a_connection_takes_no_more_memory_than_is_set_aside_for_it() -> None:
    with _running(connections=800, connections_per_client=800) as running:

        def memory() -> int:
            return sum(psutil.Process(pid).memory_full_info().uss for pid in running.workers())

        data = b"x" * 20_000

        def pass_data(connections: int) -> None:
            clients = [running.held() for _ in range(connections)]
            for client in clients:
                assert client
                client.sendall(data)
            for client in clients:
                assert client
                assert _receive(client, len(data)) == data

        # What nginx takes once, from any client.
        pass_data(200)
        before = memory()
        pass_data(400)

        # The rest is the kernel's, for the two sockets.
        assert (memory() - before) / 400 < 0.9 * CONNECTION_KIBIBYTES * 1024
