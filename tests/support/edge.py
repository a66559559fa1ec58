"""A CloudFront edge node of the lab between viewers and an origin, all in one namespace of its own.

The namespace has its own processes too, and its first one ends with this process: nothing is left
behind, even when the tests are killed.
"""

import http.client
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cache
from io import BufferedReader
from pathlib import Path
from typing import Any, Final, Self, TypeVar, cast

import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import psutil
import trustme

from sandbox.clouds.aws.cloudfront_policies import MANAGED
from sandbox.clouds.aws.distributions import completed
from sandbox.lab.deployed import Deployed, DeployedDistribution, Fields
from sandbox.lab.edge import program
from sandbox.lab.program import Program
from support.namespaces import network_of
from support.waiting import PATIENCE_SECONDS, wait_until

API: Final = "api.example.com"
ORIGIN: Final = "lb.elb.example.net"
ARN: Final = "arn:aws:acm:us-east-1:123456789012:certificate/1"
METHODS: Final = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
ERROR_CODES: Final = (400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504)

CACHING_DISABLED: Final = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
ALL_VIEWER: Final = "216adef6-5c7f-47e4-b989-5492eafa07d3"
ALL_VIEWER_AND_CLOUDFRONT: Final = "33f36d7e-f396-46d9-90e0-52428a34d9dc"
ALL_VIEWER_EXCEPT_HOST: Final = "b689b0a8-53d0-40ab-baf2-68738e2966ac"


_Result = TypeVar("_Result")


def listed(values: Sequence[Any]) -> dict[str, Any]:
    """Return a list as AWS writes it."""
    return {"Quantity": len(values), "Items": list(values)} if values else {"Quantity": 0}


def behavior(**changes: Any) -> dict[str, Any]:
    """Return a behavior that passes everything and keeps no object."""
    methods = {"AllowedMethods": listed(METHODS) | {"CachedMethods": listed(["GET", "HEAD"])}}
    return {
        "TargetOriginId": "o",
        "ViewerProtocolPolicy": "allow-all",
        **methods,
        "CachePolicyId": CACHING_DISABLED,
        "OriginRequestPolicyId": ALL_VIEWER,
        **changes,
    }


def legacy(**changes: Any) -> dict[str, Any]:
    """Return a behavior of the older kind that forwards nothing."""
    values = {"QueryString": False, "Cookies": {"Forward": "none"}, **changes}
    policies = {"CachePolicyId": None, "OriginRequestPolicyId": None}
    return {
        name: value
        for name, value in behavior(ForwardedValues=values, **policies).items()
        if value is not None
    }


def origin(**changes: Any) -> dict[str, Any]:
    """Return an origin that is spoken to over HTTP; `CustomOriginConfig` is merged."""
    custom = {
        "HTTPPort": 8000,
        "HTTPSPort": 8443,
        "OriginProtocolPolicy": "http-only",
        "OriginSslProtocols": listed(["TLSv1.2"]),
        **changes.pop("CustomOriginConfig", {}),
    }
    return {"Id": "o", "DomainName": ORIGIN, "CustomOriginConfig": custom, **changes}


def no_error_caching(*codes: int) -> dict[str, Any]:
    """Return custom error responses that let no error be kept."""
    return listed([{"ErrorCode": code, "ErrorCachingMinTTL": 0} for code in codes or ERROR_CODES])


def distribution(
    name: str = "E1", aliases: Sequence[str] = (API,), **changes: Any
) -> DeployedDistribution:
    """Return a distribution as the API gives it back: pass-through except for `changes`."""
    config: Fields = {
        "CallerReference": name,
        "Comment": "",
        "Enabled": True,
        "IsIPV6Enabled": True,
        "Aliases": listed(aliases),
        "Origins": listed([origin()]),
        "DefaultCacheBehavior": behavior(),
        "CustomErrorResponses": no_error_caching(),
        "ViewerCertificate": {
            "ACMCertificateArn": ARN,
            "SSLSupportMethod": "sni-only",
            "MinimumProtocolVersion": "TLSv1.2_2021",
        },
        **changes,
    }
    return DeployedDistribution(name, f"{name.lower()}.cloudfront.net", completed(config))


def deployed(
    *distributions: DeployedDistribution,
    cache_policies: Mapping[str, Fields] | None = None,
    origin_request_policies: Mapping[str, Fields] | None = None,
) -> Deployed:
    """Return what is deployed: distributions, AWS's policies and some more."""
    return Deployed(
        distributions=distributions or (distribution(),),
        cache_policies={**MANAGED["CachePolicy"], **(cache_policies or {})},
        origin_request_policies={
            **MANAGED["OriginRequestPolicy"],
            **(origin_request_policies or {}),
        },
    )


class Namespace:
    """A network of its own, with nothing but loopback."""

    def __init__(self) -> None:
        """Make it."""
        self._unshare = subprocess.Popen(
            (
                *("unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"),
                *("sh", "-c", "ip link set lo up && echo up && exec cat"),
            ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._unshare.stdout is not None
        assert self._unshare.stdout.readline() == b"up\n"
        (self._first,) = psutil.Process(self._unshare.pid).children()

    def enter(self, command: Sequence[str]) -> tuple[str, ...]:
        """Return the command that runs a command inside."""
        return ("nsenter", "--net", "--pid", f"--target={self._first.pid}", *command)

    def inside(self, function: Callable[[], _Result]) -> _Result:
        """Call a function inside; the sockets that it makes stay there."""
        with network_of(self._first.pid):
            return function()

    def close(self) -> None:
        """End everything inside."""
        assert self._unshare.stdin is not None
        assert self._unshare.stdout is not None
        self._unshare.stdin.close()
        self._unshare.wait(PATIENCE_SECONDS)
        self._unshare.stdout.close()


class EdgeNames:
    """A DNS server with A records; what it does not know does not exist."""

    def __init__(self, namespace: Namespace) -> None:
        """Serve on port 53."""
        self.addresses: dict[str, tuple[str, ...]] = {ORIGIN: ("127.0.0.1",)}
        self.ttl = 1
        self.queries: list[tuple[str, str]] = []
        self._socket = namespace.inside(lambda: socket.socket(type=socket.SOCK_DGRAM))
        self._socket.bind(("127.0.0.1", 53))
        self._last = namespace.inside(lambda: socket.socket(type=socket.SOCK_DGRAM))
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self._last.sendto(b"", ("127.0.0.1", 53))
        self._thread.join()
        self._last.close()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            data, client = self._socket.recvfrom(4096)
            if not data:
                return
            query = dns.message.from_wire(data)
            (question,) = query.question
            name = question.name.to_text(omit_final_dot=True)
            self.queries.append((name, dns.rdatatype.to_text(question.rdtype)))
            reply = dns.message.make_response(query, recursion_available=True)
            if name not in self.addresses:
                reply.set_rcode(dns.rcode.NXDOMAIN)
            elif question.rdtype == dns.rdatatype.A:
                reply.answer.append(
                    dns.rrset.from_text_list(
                        question.name, self.ttl, "IN", "A", self.addresses[name]
                    )
                )
            self._socket.sendto(reply.to_wire(), client)


@dataclass
class Received:
    """A request as it arrived at the origin."""

    line: str
    headers: tuple[tuple[str, str], ...]
    stream: BufferedReader
    connection: socket.socket
    address: str
    server_name: str | None
    body: bytes = b""

    @property
    def method(self) -> str:
        return self.line.split(" ")[0]

    @property
    def target(self) -> str:
        return self.line.split(" ")[1]

    def values(self, name: str) -> list[str]:
        return [value for own, value in self.headers if own.lower() == name.lower()]

    def read_body(self) -> None:
        """Read the whole body, whichever way it is sent."""
        if self.values("transfer-encoding"):
            while size := int(self.stream.readline(), 16):
                self.body += self.stream.read(size)
                self.stream.readline()
            self.stream.readline()
        elif length := self.values("content-length"):
            self.body = self.stream.read(int(length[0]))


Answering = Callable[[Received], bytes | None]
"""What an origin does with a request: bytes to send, or None where it sent them itself."""


def reply(body: bytes = b"ok", *headers: str, status: str = "200 OK") -> bytes:
    """Return an answer as it goes over the wire."""
    head = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(head).encode() + body


class RecordingOrigin:
    """An origin over HTTP and HTTPS that writes down what it receives, byte for byte."""

    def __init__(self, namespace: Namespace, context: ssl.SSLContext) -> None:
        """Serve on ports 8000 (HTTP) and 8443 (HTTPS)."""
        self.received: list[Received] = []
        self.connections: list[str] = []
        self.answer: Answering
        self.reads_bodies: bool
        self.behave()
        self.names: list[str | None] = []
        self._asked_name = threading.local()
        self._threads: list[threading.Thread] = []
        context.sni_callback = self._remember
        self._sockets = {
            namespace.inside(lambda: socket.create_server(("0.0.0.0", 8000))): None,  # noqa: S104 - a namespace of our own
            namespace.inside(lambda: socket.create_server(("0.0.0.0", 8443))): context,  # noqa: S104 - as above
        }
        self._open: set[socket.socket] = set()
        for listener, tls in self._sockets.items():
            thread = threading.Thread(target=self._accept, args=(listener, tls))
            thread.start()
            self._threads.append(thread)

    def behave(self) -> None:
        """Answer every request with its number."""
        self.answer = lambda _: reply(str(len(self.received)).encode())
        self.reads_bodies = True

    def close(self) -> None:
        """End every connection."""
        for listener in self._sockets:
            listener.shutdown(socket.SHUT_RDWR)
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE_SECONDS)
        for listener in self._sockets:
            listener.close()

    @property
    def last(self) -> Received:
        """The last request."""
        return self.received[-1]

    def _remember(self, _tls: Any, name: str | None, _context: Any) -> None:
        self._asked_name.value = name
        self.names.append(name)

    def _accept(self, listener: socket.socket, context: ssl.SSLContext | None) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                address = str(connection.getsockname()[0])
                self.connections.append(address)
                thread = threading.Thread(target=self._serve, args=(connection, context, address))
                thread.start()
                self._threads.append(thread)

    def _serve(
        self, connection: socket.socket, context: ssl.SSLContext | None, address: str
    ) -> None:
        self._open.add(connection)
        try:
            with connection, suppress(OSError, ValueError):
                self._asked_name.value = None
                if context is None:
                    self._requests(connection, address)
                else:
                    with context.wrap_socket(connection, server_side=True) as secured:
                        self._requests(secured, address)
        finally:
            self._open.discard(connection)

    def _requests(self, connection: socket.socket, address: str) -> None:
        with connection.makefile("rb") as stream:
            while line := stream.readline():
                headers: list[tuple[str, str]] = []
                while (header := stream.readline().decode("latin-1").rstrip("\r\n")) != "":
                    name, _, value = header.partition(":")
                    headers.append((name, value.strip()))
                request = Received(
                    line.decode("latin-1").strip(),
                    tuple(headers),
                    stream,
                    connection,
                    address,
                    self._asked_name.value,
                )
                if self.reads_bodies:
                    request.read_body()
                self.received.append(request)
                answer = self.answer(request)
                if answer is None:
                    return
                connection.sendall(answer)


@dataclass(frozen=True)
class ViewerAnswer:
    """What a viewer got."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def values(self, name: str) -> list[str]:
        return [value for own, value in self.headers if own.lower() == name.lower()]

    def value(self, name: str) -> str | None:
        return next(iter(self.values(name)), None)


@cache
def authority() -> trustme.CA:
    """Return the authority that every certificate of these tests comes from."""
    return trustme.CA()


def issued(folder: Path, *names: str) -> tuple[Path, Path]:
    """Write the chain and key of a certificate for some names."""
    folder.mkdir(parents=True, exist_ok=True)
    made = authority().issue_cert(*names)
    chain, key = folder / f"{names[0]}.pem", folder / f"{names[0]}.key"
    chain.write_bytes(b"".join(blob.bytes() for blob in made.cert_chain_pems))
    key.write_bytes(made.private_key_pem.bytes())
    return chain, key


@cache
def _viewer_context(
    alpn: tuple[str, ...], most: ssl.TLSVersion, *, has_name: bool
) -> ssl.SSLContext:
    """Return what a viewer trusts and speaks; made once, which takes longer than a request."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    cast("Any", authority()).configure_trust(context)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.maximum_version = most
    context.check_hostname = has_name
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


@dataclass
class RunningEdge:
    """An edge node that runs, its origin and its viewers."""

    namespace: Namespace
    names: EdgeNames
    origin: RecordingOrigin
    folder: Path
    certificates: dict[str, tuple[Path, Path]]
    ca: Path
    program: Program
    process: subprocess.Popen[bytes]
    errors: Path
    sockets: list[socket.socket] = field(default_factory=list[socket.socket])

    def deploy(self, what: Deployed) -> None:
        """Change what is deployed, without an interruption."""
        self.program = program("edge-1", what, self.certificates, self.ca, "127.0.0.1", self.folder)
        _write(self.program)
        assert self.program.reload is not None
        workers = self._workers()
        subprocess.run(self.namespace.enter(self.program.reload), check=True, capture_output=True)
        wait_until(lambda: not workers & self._workers())

    def _workers(self) -> set[int]:
        """Return the workers that accept connections."""
        master = psutil.Process(self.process.pid)
        if master.name() != "nginx":  # what entered the namespace waits for it
            (master,) = master.children()
        workers = set[int]()
        for worker in master.children():
            with suppress(psutil.NoSuchProcess):
                if "shutting down" not in " ".join(worker.cmdline()):
                    workers.add(worker.pid)
        return workers

    def connect(self, *, port: int = 443, address: str = "127.0.0.1") -> socket.socket:
        """Open a TCP connection to the edge."""
        made = self.namespace.inside(
            lambda: socket.create_connection((address, port), PATIENCE_SECONDS)
        )
        self.sockets.append(made)
        return made

    def secure(
        self,
        connection: socket.socket,
        name: str | None = API,
        *,
        alpn: Sequence[str] = (),
        most: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED,
    ) -> ssl.SSLSocket:
        """Speak TLS on a connection."""
        context = _viewer_context(tuple(alpn), most, has_name=name is not None)
        made = context.wrap_socket(connection, server_hostname=name)
        self.sockets.append(made)
        return made

    def viewer(
        self, *, tls: bool = True, name: str | None = API, address: str = "127.0.0.1"
    ) -> socket.socket:
        """Return a connection that requests may be sent on."""
        connection = self.connect(port=443 if tls else 80, address=address)
        return self.secure(connection, name) if tls else connection

    def send(
        self,
        target: str = "/",
        *headers: str,
        method: str = "GET",
        host: str = API,
        body: bytes = b"",
        tls: bool = True,
        address: str = "127.0.0.1",
        on: socket.socket | None = None,
    ) -> ViewerAnswer:
        """Send a request and return the whole answer."""
        connection = on or self.viewer(tls=tls, address=address)
        head = "\r\n".join((f"{method} {target} HTTP/1.1", f"Host: {host}", *headers, "", ""))
        connection.sendall(head.encode("latin-1") + body)
        return answer_on(connection, method)

    def close(self) -> None:
        """End it all."""
        for each in self.sockets:
            each.close()
        self.origin.close()
        self.names.close()
        self.namespace.close()
        self.process.wait(PATIENCE_SECONDS)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it all."""
        self.close()


def answer_on(connection: socket.socket, method: str = "GET") -> ViewerAnswer:
    """Read one whole answer."""
    response = http.client.HTTPResponse(connection, method=method)
    response.begin()
    body = response.read()
    headers = response.msg.items()
    return ViewerAnswer(response.status, tuple(headers), body)


def _write(edge_program: Program) -> None:
    for path, text in edge_program.files.items():
        path.write_text(text)


@contextmanager
def edge(
    folder: Path,
    what: Deployed | None = None,
    *,
    origin_names: Sequence[str] = (ORIGIN,),
    certificates: Mapping[str, Sequence[str]] | None = None,
) -> Generator[RunningEdge]:
    """Run an edge node.

    Args:
        folder: A folder of the test's own.
        what: What is deployed; default is one pass-through distribution.
        origin_names: Names that the origin's certificate covers.
        certificates: Names that viewer certificates cover, by ARN.
    """
    keys = {
        arn: issued(folder / f"certificate-{number}", *names)
        for number, (arn, names) in enumerate((certificates or {ARN: (API,)}).items())
    }
    ca = folder / "ca.pem"
    authority().cert_pem.write_to_path(str(ca))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    cast("Any", authority().issue_cert(*origin_names)).configure_cert(context)
    own = folder / "edge"
    own.mkdir()
    edge_program = program("edge-1", what or deployed(), keys, ca, "127.0.0.1", own)
    _write(edge_program)
    namespace = Namespace()
    names, server = EdgeNames(namespace), RecordingOrigin(namespace, context)
    errors = folder / "errors"
    with errors.open("wb") as log:
        process = subprocess.Popen(
            namespace.enter(edge_program.command), stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    made = RunningEdge(namespace, names, server, own, keys, ca, edge_program, process, errors)
    with made:
        ready = namespace.enter(edge_program.ready)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while subprocess.run(ready, check=False, capture_output=True).returncode != 0:
            assert process.poll() is None, errors.read_text()
            assert time.monotonic() < deadline, errors.read_text()
            time.sleep(0.02)
        yield made


def with_enabled(made: DeployedDistribution, *, enabled: bool) -> DeployedDistribution:
    """Return a distribution that is on or off."""
    return replace(made, config={**made.config, "Enabled": enabled})
