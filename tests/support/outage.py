"""A cloud that is out of order: an API on loopback that refuses whatever it gets."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

AWS_THROTTLES: Final = (
    b"<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code>"
    b"<Message>Rate exceeded</Message></Error></ErrorResponse>"
)
"""What services of AWS that speak XML say; those that speak JSON say it in a header."""


@dataclass(frozen=True)
class Outage:
    """An API that refuses."""

    url: str
    """Where it is."""
    requests: list[str]
    """What it refused, as `GET /v2/regions`."""


@contextmanager
def refusing(status: HTTPStatus, body: bytes = b"{}") -> Generator[Outage]:
    """Refuse every request until the end of the context.

    It differs from a cloud in trouble in that it answers at once, always, and the same.

    Args:
        status: The status of each answer.
        body: Its body.
    """
    requests: list[str] = []

    class RefusingHandler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def refuse(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            requests.append(f"{self.command} {self.path}")
            self.send_response(status)
            self.send_header("X-Amzn-ErrorType", "ThrottlingException")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = refuse  # noqa: N815 - the names that http.server calls

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as above
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), RefusingHandler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield Outage(f"http://127.0.0.1:{server.server_port}", requests)
        finally:
            server.shutdown()
            thread.join()
