"""A connection to a cloud that breaks: the cloud did what it was asked, and nobody hears of it.

Put between a stack and a cloud, a line passes everything on. An answer that is to be lost is taken
from the cloud and thrown away, and the connection is reset: as when a network breaks between a
request and its answer. What the client does then is its own affair: most send the request again.
"""

import re
import socket
import struct
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar, Final

import urllib3

_OWN_HEADERS: Final = frozenset(
    {"connection", "content-length", "transfer-encoding", "date", "server"}
)
"""Headers of an answer that are about its connection, or that are written anew."""

_RESET: Final = struct.pack("ii", 1, 0)
"""To linger for no time: a connection is reset when it is closed."""


@dataclass
class Loss:
    """Answers that are lost."""

    request: re.Pattern[str]
    """What is asked, found in `POST /path target body`."""
    left: int
    """How many are still to be lost."""
    then: Callable[[], object]
    """Called when an answer is lost, before the client notices."""


@dataclass
class CloudLine:
    """A connection to a cloud, through which requests are passed on."""

    cloud: str
    """URL of the cloud."""
    url: str = ""
    """Where the line begins."""
    cut: bool = False
    """Whether nothing is passed on any more, in neither direction."""
    losses: list[Loss] = field(default_factory=list[Loss])
    lost: list[str] = field(default_factory=list[str])
    """The requests whose answers were lost, as `POST /v2/vpcs`."""

    def lose(self, request: str, then: Callable[[], object] = lambda: None) -> None:
        """Lose the answer to the next request of a kind that the cloud does not refuse.

        Args:
            request: A pattern, found in `POST /path target body`.
            then: What happens when it is lost.
        """
        self.losses.append(Loss(re.compile(request, re.DOTALL), 1, then))

    def take(self, request: str) -> Loss | None:
        """Return what is to happen with the answer to a request; None: it is passed on."""
        for loss in self.losses:
            if loss.left and loss.request.search(request):
                loss.left -= 1
                return loss
        return None


class _PassingOn(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    line: ClassVar[CloudLine]
    pool: ClassVar[urllib3.PoolManager]
    lock: ClassVar[threading.Lock]

    def handle(self) -> None:
        with suppress(ConnectionError):  # a client that was killed
            super().handle()

    def pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.line.cut:
            self._reset()
            return
        answer = self.pool.request(
            self.command,
            f"{self.line.cloud}{self.path}",
            body=body,
            headers=dict(self.headers),
            redirect=False,
            retries=False,
            decode_content=False,
        )
        lost = answer.status < HTTPStatus.BAD_REQUEST and self._lose(body)
        if lost or self.line.cut:
            self._reset()
        else:
            self._answer(answer)

    do_GET = do_POST = do_PUT = do_DELETE = pass_on  # noqa: N815 - the names that http.server calls

    def _lose(self, body: bytes) -> bool:
        """Say whether the answer is one to be lost, when that has had its effect."""
        request = f"{self.command} {self.path}"
        target = self.headers.get("X-Amz-Target", "")
        with self.lock:
            loss = self.line.take(f"{request} {target} {body.decode(errors='replace')}")
        if loss:
            self.line.lost.append(request)
            loss.then()
        return loss is not None

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.close_connection = True

    def _answer(self, answer: urllib3.BaseHTTPResponse) -> None:
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in _OWN_HEADERS:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.data)))
        self.end_headers()
        self.wfile.write(answer.data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as above
        """Say nothing."""


@contextmanager
def line_to(cloud: str) -> Generator[CloudLine]:
    """Pass requests on to a cloud until the end of the context.

    Args:
        cloud: Its URL.
    """
    line = CloudLine(cloud)
    own = {"line": line, "pool": urllib3.PoolManager(maxsize=32), "lock": threading.Lock()}
    handler = type("PassingOn", (_PassingOn,), own)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        line.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield line
        finally:
            server.shutdown()
            thread.join()
