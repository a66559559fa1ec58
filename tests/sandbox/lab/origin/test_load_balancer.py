"""What each kind of load balancer does to what passes, and how it listens."""

import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sandbox.lab.deployed import DeployedLoadBalancer
from sandbox.lab.origin.load_balancer import program, proxy_line, trace_header
from sandbox.lab.program import Program
from sandbox.lab.trust import Trust
from support.lab_origin import (
    LoopbackOrigin,
    free_port,
    origin_on_loopback,
    own_loopback_address,
    running,
)
from support.raw_http import Raw
from support.waiting import PATIENCE_SECONDS, wait_until

Connect = Callable[..., Raw]

TRACE = re.compile(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}")


def of(echo: dict[str, Any], *names: str) -> list[list[str]]:
    """Return the headers of an echo that have one of these names, in order."""
    return [each for each in echo["headers"] if each[0].lower() in names]


@pytest.mark.parametrize(
    ("load_balancer", "tls"),
    [("application", True), ("application", False), ("classic", True), ("classic", False)],
)
def test_one_that_reads_http_tells_of_the_client(
    load_balancers: Any, load_balancer: str, tls: bool
) -> None:
    with load_balancers.connect(load_balancer, tls=tls) as raw:
        echo = raw.ask("/echo")
        client = raw.socket.getsockname()[0]
    added = echo["headers"][:-1]
    assert added[:3] == [
        ["X-Forwarded-For", client],
        ["X-Forwarded-Proto", "https" if tls else "http"],
        ["X-Forwarded-Port", str(load_balancers.ports[load_balancer][0 if tls else 1])],
    ]
    traced = [value for name, value in added[3:] if name == "X-Amzn-Trace-Id"]
    assert len(traced) == (load_balancer == "application")
    assert all(TRACE.fullmatch(value) for value in traced)
    assert echo["headers"][-1] == ["Host", "api.example.com"]
    assert echo["scheme"] == ("https" if tls else "http")


def test_what_others_told_of_the_client_is_extended_or_replaced(connect: Connect) -> None:
    with connect() as raw:
        echo = raw.ask(
            "/echo",
            ("x-forwarded-for", "2001:db8::1"),
            ("X-Forwarded-Proto", "gopher"),
            ("X-Forwarded-For", "192.0.2.1, 192.0.2.2"),
            ("x-forwarded-port", "1"),
            ("X-Amzn-Trace-Id", "Root=1-67891233-abcdef012345678912345678;CalledFrom=app"),
        )
        client = raw.socket.getsockname()[0]
    assert of(echo, "x-forwarded-for", "x-forwarded-proto") == [
        ["X-Forwarded-For", f"2001:db8::1, 192.0.2.1, 192.0.2.2, {client}"],
        ["X-Forwarded-Proto", "https"],
    ]
    ((_, port),) = of(echo, "x-forwarded-port")
    assert port != "1"
    ((_, trace),) = of(echo, "x-amzn-trace-id")
    own, rest = trace.split(";", 1)
    assert re.fullmatch(r"Self=1-[0-9a-f]{8}-[0-9a-f]{24}", own)
    assert rest == "Root=1-67891233-abcdef012345678912345678;CalledFrom=app"


@pytest.mark.parametrize("load_balancer", ["application", "classic"])
def test_to_go_on_is_told_by_the_load_balancer_itself(connect: Connect, load_balancer: str) -> None:
    with connect(load_balancer) as raw:
        raw.request("/echo", ("Expect", "100-continue"), ("Content-Length", "2"), method="POST")
        assert raw.head().status == 100
        raw.send(b"ok")
        echo = json.loads(raw.answer()[1])
    assert echo["body"]["length"] == 2
    assert of(echo, "expect") == []


@pytest.mark.parametrize(
    ("load_balancer", "listener", "tls"),
    [
        pytest.param("classic-tcp", 0, True, id="classic TCP, TLS"),
        pytest.param("classic-tcp", 1, False, id="classic TCP, plain"),
        pytest.param("network", 0, True, id="network TCP, TLS"),
        pytest.param("network", 0, False, id="network TCP, plain"),
        pytest.param("network", 1, True, id="network TLS"),
    ],
)
def test_one_that_passes_bytes_on_adds_nothing(
    load_balancers: Any, load_balancer: str, listener: int, tls: bool
) -> None:
    place = load_balancers.addresses[load_balancer], load_balancers.ports[load_balancer][listener]
    with Raw(*place, load_balancers.ca if tls else None) as raw:
        echo = raw.ask("/echo")
        assert echo["client"] == {"address": raw.socket.getsockname()[0], "port": raw.port}
    assert echo["headers"] == [["Host", "api.example.com"]]
    assert echo["scheme"] == ("https" if tls else "http")


TOLD = b"PROXY TCP6 2001:db8::7 2001:db8:d1::1 54321 443\r\n"


@pytest.mark.parametrize(
    ("first", "client"),
    [
        pytest.param(TOLD, ("2001:db8::7", 54321), id="of a proxy"),
        pytest.param(
            b"PROXY TCP4 198.51.100.1 198.18.0.1 1000 443\r\n" + TOLD,
            ("2001:db8::7", 54321),
            id="of a proxy and the load balancer",
        ),
        pytest.param(b"PROXY UNKNOWN\r\n", None, id="of one that does not tell"),
        pytest.param(
            b"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", None, id="long"
        ),
        pytest.param(b"", None, id="none"),
    ],
)
@pytest.mark.parametrize("tls", [True, False])
def test_proxy_protocol_tells_the_client_where_it_is_read(
    connect: Connect, first: bytes, client: tuple[str, int] | None, tls: bool
) -> None:
    with connect("classic-told", listener=0, tls=tls, first=first) as raw:
        echo = raw.ask("/echo")
        own = (raw.socket.getsockname()[0], raw.port)
    assert (echo["client"]["address"], echo["client"]["port"]) == (client or own)


def test_proxy_protocol_may_come_in_pieces(load_balancers: Any) -> None:
    place = load_balancers.addresses["classic-told"], load_balancers.ports["classic-told"][0]
    with Raw(*place) as raw:
        raw.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for part in (TOLD[:3], TOLD[3:20], TOLD[20:]):
            raw.send(part)
            time.sleep(0.05)
        assert raw.ask("/echo")["client"]["address"] == "2001:db8::7"


def test_proxy_protocol_is_a_bad_request_where_it_is_not_read(connect: Connect) -> None:
    with connect("network", tls=False, listener=0, first=TOLD) as raw:
        raw.request("/echo")
        assert raw.head().status == 400
    with pytest.raises((ssl.SSLError, ConnectionError)):
        connect("application", first=TOLD)


@given(st.binary(max_size=120))
def test_any_beginning_is_a_proxy_line_or_none_or_refused(begin: bytes) -> None:
    for text in (begin, b"PROXY " + begin, b"PROXY TCP4 " + begin + b"\r\n"):
        try:
            line = proxy_line(text)
        except ValueError:
            continue
        assert line is None or text[: line[0]].endswith(b"\r\n")


@pytest.mark.parametrize(
    ("value", "head_bytes", "expected"),
    [
        pytest.param(None, 100, b"Root=NEW", id="none"),
        pytest.param(b"Root=1-a-b", 100, b"Self=NEW;Root=1-a-b", id="of another"),
        pytest.param(b"Self=1-c-d;Root=1-a-b", 100, b"Self=NEW;Root=1-a-b", id="passed one before"),
        pytest.param(b"Root=1-a-b; A=1 ", 100, b"Self=NEW;Root=1-a-b;A=1", id="with more"),
        pytest.param(b"A=1", 100, b"Root=NEW;A=1", id="without a root"),
        pytest.param(b"Root=1-a-b", 8000, b"Root=NEW", id="large headers"),
    ],
)
def test_a_trace_is_begun_or_extended(
    value: bytes | None, head_bytes: int, expected: bytes
) -> None:
    made = trace_header(value, head_bytes, 0x67891233 + 0.5, "abcdef012345678912345678")
    assert made == expected.replace(b"NEW", b"1-67891233-abcdef012345678912345678")


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("api.example.com", ["api.example.com"]),
        ("API.example.com", ["api.example.com"]),
        ("v1.other.example.org", ["*.other.example.org"]),
        ("who.is.other.example.org", ["api.example.com"]),
        ("stranger.example", ["api.example.com"]),
    ],
)
def test_the_certificate_that_fits_is_chosen(
    load_balancers: Any, name: str, names: list[str]
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    place = load_balancers.addresses["application"], load_balancers.ports["application"][0]
    with (
        socket.create_connection(place) as plain,
        context.wrap_socket(plain, server_hostname=name) as secured,
    ):
        shown = x509.load_der_x509_certificate(secured.getpeercert(binary_form=True) or b"")
    subject_names = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert subject_names.get_values_for_type(x509.DNSName) == names


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
def test_tls_1_1_is_refused(load_balancers: Any) -> None:
    context = ssl.create_default_context(cafile=str(load_balancers.ca))
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1_1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    place = load_balancers.addresses["application"], load_balancers.ports["application"][0]
    with socket.create_connection(place) as plain, pytest.raises((ssl.SSLError, ConnectionError)):
        context.wrap_socket(plain, server_hostname="api.example.com")


def test_a_client_that_speaks_late_holds_nobody_up(connect: Connect, load_balancers: Any) -> None:
    place = load_balancers.addresses["classic-told"], load_balancers.ports["classic-told"][0]
    silent = [socket.create_connection(place) for _ in range(20)]
    with connect("classic-told", listener=0, tls=False, first=TOLD) as raw:
        assert raw.ask("/echo")["target"] == "/echo"
    for each in silent:
        each.close()


NAME = "api.example.com"


@contextmanager
def served(folder: Path, **changes: Any) -> Generator[tuple[str, int, int]]:
    """Run an application load balancer with its file changed; yield address and both ports."""
    address = own_loopback_address()
    https, http = free_port(address), free_port(address)
    made = deployed(folder, {"lb": (address,)}, ("HTTPS", https), ("HTTP", http))
    ((file, text),) = made.files.items()
    settings = json.loads(text)
    settings["load_balancers"][0] |= changes
    with running(replace(made, files={file: json.dumps(settings)}), folder / "log"):
        yield address, https, http


def deployed(
    folder: Path,
    addresses: dict[str, tuple[str, ...]],
    *listeners: tuple[str, int],
    names: tuple[str, ...] = (NAME,),
) -> Program:
    return program(
        "load-balancer",
        [DeployedLoadBalancer("lb", "application", listeners, ())],
        addresses,
        {"lb": (Trust(folder / "trust").issue(names),)},
        folder,
    )


def test_an_answer_that_comes_too_late_is_a_gateway_timeout(tmp_path: Path) -> None:
    with (
        served(tmp_path, idle_timeout_seconds=0.4) as (address, _, http),
        Raw(address, http) as raw,
    ):
        begun = time.monotonic()
        raw.request("/echo/delay=30")
        head, body = raw.answer()
        assert (head.status, head.all("Server"), body) == (504, ["awselb/2.0"], b"")
        assert 0.4 <= time.monotonic() - begun < 10
        raw.request("/echo/chunks=2;interval=30")
        assert raw.head().status == 200
        assert not raw.rest().endswith(b"0\r\n\r\n")


def test_where_bytes_are_passed_on_silence_ends_the_connection(tmp_path: Path) -> None:
    changes: dict[str, Any] = {"kind": "network", "idle_timeout_seconds": 0.4}
    changes["listeners"] = [["TCP", 20_443]]
    with served(tmp_path, **changes) as (address, *_), Raw(address, 20_443) as raw:
        raw.request("/echo/delay=30")
        assert raw.rest() == b""


def test_an_idle_connection_is_closed_and_a_busy_one_is_not(tmp_path: Path) -> None:
    with (
        served(tmp_path, idle_timeout_seconds=2) as (address, _, http),
        Raw(address, http) as busy,
        Raw(address, http) as idle,
        Raw(address, http) as half,
    ):
        half.send(b"GET /echo HTTP/1.1\r\n")
        begun = time.monotonic()
        open_ones = [idle, half]
        while open_ones:
            assert busy.ask("/echo")["target"] == "/echo"
            open_ones = [raw for raw in open_ones if not ended(raw)]
            assert time.monotonic() - begun < PATIENCE_SECONDS
        assert time.monotonic() - begun > 1.9
        assert not ended(busy)


def ended(raw: Raw) -> bool:
    """Tell whether the other end has closed or reset a connection by now."""
    raw.socket.settimeout(0.05)
    try:
        return not raw.more()
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


@pytest.fixture(scope="module")
def choosy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackOrigin]:
    """Run an API that serves some networks alone."""
    folder = tmp_path_factory.mktemp("choosy")
    with origin_on_loopback(folder, NAME, allow=["198.18.2.0/24", "127.0.0.0/8"]) as origin:
        yield origin


@pytest.mark.parametrize(
    ("forwarded", "status"),
    [
        pytest.param(None, 200, id="the client itself"),
        pytest.param("198.18.2.1", 200, id="through a proxy"),
        pytest.param("198.18.2.1, 198.18.1.1", 200, id="through CloudFront"),
        pytest.param("2001:db8:c:1::1, 198.18.1.1", 403, id="IPv6"),
        pytest.param("::ffff:198.18.2.1", 403, id="IPv4 as IPv6"),
        pytest.param("203.0.113.9", 403, id="a stranger"),
        pytest.param("nobody", 403, id="no address"),
    ],
)
def test_only_clients_on_the_list_are_served(
    choosy: LoopbackOrigin, forwarded: str | None, status: int
) -> None:
    headers = [] if forwarded is None else [("X-Forwarded-For", forwarded)]
    with Raw(choosy.address, choosy.https, choosy.ca) as raw:
        raw.request("/echo", *headers, method="POST", body=b"abc")
        head, body = raw.answer()
    assert head.status == status
    error = json.loads(body).get("error")
    assert error == (None if status == 200 else "The client's address is not on the list.")


def test_an_address_may_be_listened_on_before_the_host_has_it(tmp_path: Path) -> None:
    address = own_loopback_address()
    port = free_port(address)
    made = deployed(tmp_path, {"lb": ("192.0.2.1", address)}, ("HTTP", port))
    with running(made, tmp_path / "log"), Raw(address, port) as raw:
        assert raw.ask("/echo")["target"] == "/echo"


def test_several_addresses_are_listened_on_and_no_other(
    tmp_path: Path,
) -> None:
    first, second = own_loopback_address(), own_loopback_address()
    port = free_port(first)
    made = deployed(tmp_path, {"lb": (first, second)}, ("HTTP", port))
    with running(made, tmp_path / "log"):
        for address in (first, second):
            with Raw(address, port) as raw:
                assert raw.ask("/echo")["target"] == "/echo"
        with pytest.raises(ConnectionRefusedError):
            Raw("127.0.0.1", port)
        with pytest.raises(OSError, match=r"refused|unreachable|assign"):
            socket.create_connection(("::1", port), 5)


def test_changes_are_taken_and_connections_go_on(tmp_path: Path) -> None:
    stays, goes, comes = (own_loopback_address() for _ in range(3))
    port = free_port(stays)
    before = deployed(tmp_path, {"lb": (stays, goes)}, ("HTTPS", port))
    new = {"names": (NAME, "new.example.com")}
    after = deployed(tmp_path, {"lb": (stays, comes)}, ("HTTPS", port), **new)
    assert before.command == after.command
    ca = Trust(tmp_path / "trust").ca
    with running(before, tmp_path / "log") as process, Raw(stays, port, ca) as lasting:
        lasting.request("/echo/delay=1")
        with pytest.raises(ConnectionRefusedError):
            Raw(comes, port, ca)
        with pytest.raises(ssl.SSLCertVerificationError):
            Raw(stays, port, ca, name="new.example.com")
        ((file, text),) = after.files.items()
        file.write_text(text)
        process.send_signal(signal.SIGHUP)
        wait_until(lambda: served_at(comes, port, ca, "new.example.com"))
        assert served_at(stays, port, ca, "new.example.com")
        with pytest.raises(ConnectionRefusedError):
            Raw(goes, port, ca)
        assert json.loads(lasting.answer()[1])["target"] == "/echo/delay=1"
        assert lasting.ask("/echo")["target"] == "/echo"


def served_at(address: str, port: int, ca: Path, name: str) -> bool:
    try:
        with Raw(address, port, ca, name=name) as raw:
            return raw.ask("/echo")["target"] == "/echo"
    except OSError:
        return False


def test_changes_that_make_no_sense_are_not_taken(tmp_path: Path) -> None:
    torn = ("{", "Invalid JSON")
    unknown = ('{"load_balancers": [], "more": 1}', "more")
    kept = "The configuration before stays in force"
    address = own_loopback_address()
    port = free_port(address)
    made = deployed(tmp_path, {"lb": (address,)}, ("HTTP", port))
    log = tmp_path / "log"
    with running(made, log) as process:
        ((file, _),) = made.files.items()
        for number, (text, reason) in enumerate((torn, unknown), 1):
            file.write_text(text)
            process.send_signal(signal.SIGHUP)
            wait_until(lambda number=number: log.read_text().count(kept) == number)
            assert reason in log.read_text()
            with Raw(address, port) as raw:
                assert raw.ask("/echo")["target"] == "/echo"


def test_a_port_that_is_taken_is_told_and_nothing_is_served(tmp_path: Path) -> None:
    address = own_loopback_address()
    with socket.create_server((address, 0)) as taken:
        made = deployed(tmp_path, {"lb": (address,)}, ("HTTP", taken.getsockname()[1]))
        for path, text in made.files.items():
            path.write_text(text)
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run(
            made.command,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
    assert done.returncode == 2
    assert "cannot be served: [Errno 98] Address already in use" in done.stderr
    assert "Traceback" not in done.stderr


def test_two_load_balancers_cannot_share_a_place() -> None:
    both = [DeployedLoadBalancer(name, "network", (("TCP", 443),), ()) for name in ("one", "two")]
    addresses = {"one": ("192.0.2.1", "192.0.2.2"), "two": ("192.0.2.2",)}
    with pytest.raises(ValidationError, match=r"192\.0\.2\.2:443 belong to two load balancers"):
        program("load-balancer", both, addresses, {}, Path("/nowhere"))


def test_one_without_addresses_or_known_protocols_is_not_served(tmp_path: Path) -> None:
    made = program(
        "load-balancer",
        [
            DeployedLoadBalancer("new", "network", (("TCP", 443),), ()),
            DeployedLoadBalancer("udp", "network", (("UDP", 53), ("TCP", 443)), ()),
        ],
        {"udp": ("192.0.2.1",)},
        {},
        tmp_path,
    )
    (text,) = made.files.values()
    assert json.loads(text)["load_balancers"] == [
        {
            "name": "udp",
            "kind": "network",
            "addresses": ["192.0.2.1"],
            "listeners": [["TCP", 443]],
            "certificates": [],
            "proxy_protocol": False,
            "idle_timeout_seconds": 350.0,
        }
    ]


def test_without_a_certificate_tls_is_not_answered(tmp_path: Path) -> None:
    with served(tmp_path, certificates=[]) as (address, https, http):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            Raw(address, https, Trust(tmp_path / "trust").ca)
        with Raw(address, http) as raw:
            assert raw.ask("/echo")["target"] == "/echo"


def test_nothing_is_left_after_the_end_whatever_is_under_way(tmp_path: Path) -> None:
    with served(tmp_path) as (address, https, http):
        _, pid = (tmp_path / "origin.json.taken").read_text().split()
        under_way = [
            Raw(address, http),
            Raw(address, https, Trust(tmp_path / "trust").ca),
            Raw(address, https, Trust(tmp_path / "trust").ca, alpn=("h2",)),
        ]
        for raw in under_way[:2]:
            raw.request("/echo/size=9;chunks=9;interval=30")
            assert raw.head().status == 200
        begun = time.monotonic()
        os.kill(int(pid), signal.SIGTERM)
    assert time.monotonic() - begun < 5, "it did not have to be killed"
    for raw in under_way:
        raw.socket.close()
    log = (tmp_path / "log").read_text()
    assert "Traceback" not in log
