"""Serving the cloud over HTTP on loopback until SIGTERM or SIGINT."""

import signal
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from typing import Final

from werkzeug.serving import WSGIRequestHandler, make_server

from sandbox.clouds.background import write_ready
from sandbox.clouds.digitalocean.api import Api
from sandbox.clouds.digitalocean.state import Account

HOST: Final = "127.0.0.1"
"""Loopback only: the token is no secret."""


class _Quiet(WSGIRequestHandler):
    """A request handler that leaves the log to the API; connections are kept, as clients like."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: the API logs the route and its scopes, which say more than the path."""


def serve(port: int, ready_file: Path | None, announce: Callable[[str], None]) -> None:
    """Serve the account until the process is told to end.

    Args:
        port: TCP port on loopback; 0 lets the kernel choose a free one.
        ready_file: gets the address as JSON once requests are answered.
        announce: gets the address too.
    """
    ended = Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda _number, _frame: ended.set())
    server = make_server(HOST, port, Api(Account()), threaded=True, request_handler=_Quiet)
    url = f"http://{HOST}:{server.server_port}"
    thread = Thread(target=server.serve_forever, name="http")
    thread.start()
    try:
        announce(url)
        if ready_file is not None:
            write_ready(ready_file, url)
        ended.wait()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
