"""HTTP as bytes on a socket: nothing is normalised, nothing is added, nothing is hidden."""

import json
import socket
import ssl
import time
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

TIMEOUT_SECONDS: Final = 15.0


@dataclass(frozen=True)
class Head:
    """The head of an answer."""

    status: int
    headers: list[tuple[str, str]]

    def all(self, name: str) -> list[str]:
        """Return every value of a header."""
        return [value for own, value in self.headers if own.lower() == name.lower()]

    @property
    def echo(self) -> dict[str, Any]:
        """What `X-Echo` tells."""
        (text,) = self.all("X-Echo")
        return json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))


class Raw:
    """A connection that sends and receives bytes."""

    def __init__(
        self,
        address: str,
        port: int,
        ca: Path | None = None,
        *,
        name: str = "api.example.com",
        first: bytes = b"",
        alpn: tuple[str, ...] = (),
    ) -> None:
        """Connect.

        Args:
            address: Where to.
            port: Its port.
            ca: What a certificate is trusted by, over TLS; None: no TLS.
            name: SNI and the certificate's name.
            first: What is sent before TLS.
            alpn: What is offered by ALPN.
        """
        self.socket = socket.create_connection((address, port), TIMEOUT_SECONDS)
        self.port = int(self.socket.getsockname()[1])
        if first:
            self.socket.sendall(first)
        if ca is not None:
            context = ssl.create_default_context(cafile=str(ca))
            if alpn:
                context.set_alpn_protocols(list(alpn))
            try:
                self.socket = context.wrap_socket(self.socket, server_hostname=name)
            except BaseException:
                self.socket.close()
                raise
        self._buffer = b""

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self.socket.sendall(data)

    def request(
        self,
        target: str,
        *headers: tuple[str, str],
        method: str = "GET",
        body: bytes | None = None,
    ) -> None:
        """Send a request of HTTP/1.1 with the headers given, `Host` before them."""
        lines = [f"{method} {target} HTTP/1.1", "Host: api.example.com"]
        lines += [f"{name}: {value}" for name, value in headers]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b""))

    def more(self) -> bool:
        """Receive; False at the end of the connection."""
        data = self.socket.recv(65536)
        self._buffer += data
        return bool(data)

    def until(self, end: bytes) -> bytes:
        """Return what comes up to and with some bytes."""
        while end not in self._buffer:
            assert self.more(), f"ended after {self._buffer!r}"
        head, _, self._buffer = self._buffer.partition(end)
        return head + end

    def exactly(self, length: int) -> bytes:
        """Return so many bytes."""
        while len(self._buffer) < length:
            assert self.more(), f"ended after {len(self._buffer)} of {length} bytes"
        taken, self._buffer = self._buffer[:length], self._buffer[length:]
        return taken

    def rest(self) -> bytes:
        """Return everything up to the end of the connection."""
        while self.more():
            pass
        rest, self._buffer = self._buffer, b""
        return rest

    def head(self) -> Head:
        """Return the head of the next answer, informational ones too."""
        status, *lines = (
            self.until(b"\r\n\r\n").decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
        )
        headers = [
            (name, value.strip()) for name, _, value in (line.partition(":") for line in lines)
        ]
        return Head(int(status.split(" ")[1]), headers)

    def chunks(self) -> list[tuple[float, bytes]]:
        """Return each chunk of a chunked body, and when it came."""
        chunks: list[tuple[float, bytes]] = []
        while length := int(self.until(b"\r\n"), 16):
            data = self.exactly(length)
            chunks.append((time.monotonic(), data))
            assert self.exactly(2) == b"\r\n"
        assert self.exactly(2) == b"\r\n"
        return chunks

    def answer(self) -> tuple[Head, bytes]:
        """Return the next answer that is not informational, to a request that was not HEAD."""
        head = self.head()
        while head.status < 200:
            head = self.head()
        if head.status in (204, 304):
            return head, b""
        if head.all("Transfer-Encoding") == ["chunked"]:
            return head, b"".join(data for _, data in self.chunks())
        (length,) = head.all("Content-Length")
        return head, self.exactly(int(length))

    def ask(
        self,
        target: str,
        *headers: tuple[str, str],
        method: str = "GET",
        body: bytes | None = None,
    ) -> dict[str, Any]:
        """Send a request and return the echo of it."""
        self.request(target, *headers, method=method, body=body)
        return json.loads(self.answer()[1])
