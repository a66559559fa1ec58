"""Serving the cloud over HTTP on loopback until SIGTERM or SIGINT."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from typing import Final

# moto.moto_server is a namespace package, so moto's py.typed does not speak for it.
from moto.moto_server.werkzeug_app import (  # pyright: ignore[reportMissingTypeStubs]
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

from sandbox.clouds.aws.layer import Layer
from sandbox.clouds.aws.state import Account
from sandbox.clouds.background import write_ready

HOST: Final = "127.0.0.1"
"""Loopback only: the API checks no credentials."""


STOP_POLL_SECONDS: Final = 0.05
"""How often the server looks whether it is to stop."""


class _Quiet(MotoRequestHandler):
    """A request handler that leaves the log to the layer."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: the layer logs the operation, which says more than the path."""


def serve(port: int, ready_file: Path | None, announce: Callable[[str], None]) -> None:
    """Serve the seeded account until the process is told to end.

    Args:
        port: TCP port on loopback; 0 lets the kernel choose a free one.
        ready_file: gets the address as JSON once requests are answered.
        announce: gets the address too.
    """
    # A thousand machine images, which nobody starts here, are 4 MB a reset that moto never frees.
    os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
    ended = Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda _number, _frame: ended.set())
    app = Layer(DomainDispatcherApplication(create_backend_app), Account())
    server = make_server(HOST, port, app, threaded=True, request_handler=_Quiet)
    url = f"http://{HOST}:{server.server_port}"
    thread = Thread(target=server.serve_forever, args=(STOP_POLL_SECONDS,), name="http")
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
