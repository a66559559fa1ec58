"""What TCP, TLS and the kernel say of real servers on loopback."""

import asyncio
import socket
import ssl
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest
import trustme

from rollout.probe import certificate
from rollout.probe import sockets as network
from rollout.probe.model import TroubleError
from rollout.probe.sockets import Sockets
from support.tls_server import ADDRESSES, Behavior, serving

NAME = "api.example.com"
T = TypeVar("T")


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def pem(ca: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("ca") / "ca.pem"
    ca.cert_pem.write_to_path(str(path))
    return str(path)


def against(
    ca: trustme.CA,
    behavior: Behavior,
    use: Callable[[Sockets, int], Awaitable[T]],
    family: str = "IPv4",
) -> T:
    async def run() -> T:
        async with serving(ca, behavior, family) as port:
            return await use(Sockets(timeout_seconds=0.5), port)

    return asyncio.run(run())


def troubled(
    ca: trustme.CA, behavior: Behavior, use: Callable[[Sockets, int], Awaitable[object]]
) -> tuple[str, str]:
    with pytest.raises(TroubleError) as caught:
        against(ca, behavior, use)
    return caught.value.kind, str(caught.value)


@pytest.mark.parametrize("family", ADDRESSES)
def test_a_handshake_tells_version_certificate_and_time(
    ca: trustme.CA, pem: str, family: str
) -> None:
    made = against(
        ca,
        Behavior(),
        lambda sockets, port: sockets.shake(ADDRESSES[family], port, NAME, verify=True, ca=pem),
        family,
    )
    assert made.version == "TLSv1.3"
    assert certificate.read(made.certificate).names == (NAME,)
    assert 0 < made.connect_seconds < 0.5


def test_a_connection_tells_its_time(ca: trustme.CA) -> None:
    seconds = against(ca, Behavior(), lambda sockets, port: sockets.connect("127.0.0.1", port))
    assert 0 < seconds < 0.5


@pytest.mark.parametrize(
    ("oldest", "version", "taken"),
    [
        (ssl.TLSVersion.TLSv1_2, "TLSv1", False),
        (ssl.TLSVersion.TLSv1_2, "TLSv1.1", False),
        (ssl.TLSVersion.TLSv1_2, "TLSv1.2", True),
        (ssl.TLSVersion.TLSv1_2, "TLSv1.3", True),
        (ssl.TLSVersion.TLSv1_3, "TLSv1.2", False),
        (ssl.TLSVersion.TLSv1, "TLSv1", True),
        (ssl.TLSVersion.TLSv1, "TLSv1.1", True),
    ],
)
def test_a_version_is_taken_or_refused(
    ca: trustme.CA, oldest: ssl.TLSVersion, version: network.TlsVersion, taken: bool
) -> None:
    async def shake(sockets: Sockets, port: int) -> str:
        try:
            return (await sockets.shake("127.0.0.1", port, NAME, version)).version
        except TroubleError as trouble:
            return trouble.kind

    # asyncio's own server hangs up before its alert is out; others send it.
    outcome = against(ca, Behavior(oldest=oldest), shake)
    assert outcome == version if taken else outcome in ("tls", "reset")


def test_a_certificate_of_another_name_is_told_of(ca: trustme.CA, pem: str) -> None:
    assert troubled(
        ca,
        Behavior(names=("other.example.com",)),
        lambda sockets, port: sockets.shake("127.0.0.1", port, NAME, verify=True, ca=pem),
    ) == (
        "certificate",
        "TLS: Hostname mismatch, certificate is not valid for 'api.example.com'.",
    )


def test_a_certificate_of_an_unknown_authority_is_told_of(ca: trustme.CA) -> None:
    kind, message = troubled(
        ca,
        Behavior(),
        lambda sockets, port: sockets.shake("127.0.0.1", port, NAME, verify=True),
    )
    assert kind == "certificate"
    assert message.startswith("TLS: unable to get local issuer certificate")


def test_an_expired_certificate_is_told_of(ca: trustme.CA, pem: str) -> None:
    assert troubled(
        ca,
        Behavior(ends=datetime.now(UTC) - timedelta(days=1)),
        lambda sockets, port: sockets.shake("127.0.0.1", port, NAME, verify=True, ca=pem),
    ) == ("certificate", "TLS: certificate has expired")


def test_nobody_at_a_port_is_refused(ca: trustme.CA) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    assert troubled(ca, Behavior(), lambda sockets, _: sockets.connect("127.0.0.1", port)) == (
        "refused",
        "TCP: refused",
    )


def test_a_half_open_path_is_silence_after_the_connection(ca: trustme.CA) -> None:
    assert troubled(
        ca, Behavior(speaks=False), lambda sockets, port: sockets.shake("127.0.0.1", port, NAME)
    ) == ("timeout", "TLS: silence")


def test_a_server_that_hangs_up_resets(ca: trustme.CA) -> None:
    assert troubled(
        ca, Behavior(tls=False), lambda sockets, port: sockets.shake("127.0.0.1", port, NAME)
    ) == ("reset", "TLS: the connection was ended")


REQUEST = f"GET / HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n".encode()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
@pytest.mark.parametrize("family", ADDRESSES)
def test_an_exchange_tells_the_path_mtu_on_linux(ca: trustme.CA, family: str) -> None:
    exchange = against(
        ca,
        Behavior(),
        lambda sockets, port: sockets.exchange(ADDRESSES[family], port, NAME, REQUEST),
        family,
    )
    loopback = int(Path("/sys/class/net/lo/mtu").read_text())
    assert exchange.path_mtu == (min(loopback, 65535) if family == "IPv4" else loopback)
    assert exchange.segment is not None
    assert 0 < exchange.segment < loopback
    assert (exchange.received > 40, exchange.retransmitted) == (True, 0)


def test_a_large_request_that_nobody_answers_is_silence(ca: trustme.CA) -> None:
    behavior = Behavior(largest_request=1000)
    large = REQUEST[:-2] + b"X-Padding: " + b"x" * 2000 + b"\r\n\r\n"
    assert troubled(
        ca, behavior, lambda sockets, port: sockets.exchange("127.0.0.1", port, NAME, large)
    ) == ("timeout", "HTTP: silence")


def test_a_way_out_is_looked_up_without_a_packet() -> None:
    sockets = Sockets()
    assert sockets.source("127.0.0.1") == "127.0.0.1"
    assert sockets.source("not an address") is None


class Fixed(Sockets):
    """A machine with a given address."""

    def __init__(self, address: str | None) -> None:
        super().__init__()
        self._address = address

    def source(self, address: str) -> str | None:
        del address
        return self._address


@pytest.mark.parametrize(
    ("source", "doubtful"),
    [
        (None, True),
        ("fd00::2", True),
        ("fe80::1%eth0", True),
        ("2001:db8::1", False),
        ("192.168.0.2", False),
        ("::1", False),
    ],
)
def test_a_failure_is_this_machines_own_where_its_address_leads_nowhere(
    source: str | None, doubtful: bool
) -> None:
    assert network.is_doubtful(Fixed(source), "2001:db8::9") is doubtful
    assert network.lacks(Fixed(source), "2001:db8::9") is (source is None)
