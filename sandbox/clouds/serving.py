"""Serving a cloud over HTTP on loopback until SIGTERM, SIGINT or its owner's end.

This is what every cloud's process does. The command line is the one that `background` starts:
`--port`, `--ready-file`, `--snapshots`.
"""

import argparse
import os
import signal
import socket
import sys
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Final

from werkzeug.serving import WSGIRequestHandler, make_server

from sandbox.clouds.background import wait_for_end, write_ready

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed.wsgi import WSGIApplication

HOST: Final = "127.0.0.1"
"""Loopback only: no cloud of the sandbox keeps a secret."""

STOP_POLL_SECONDS: Final = 0.05
"""How often the server looks whether it is to stop."""


def main(
    name: str,
    application: "Callable[[Path | None], WSGIApplication]",
    handler: type[WSGIRequestHandler],
) -> None:
    """Read the command line and serve.

    Args:
        name: Module of `sandbox.clouds`: `aws`.
        application: Makes the API, given the folder of its snapshots; called once a signal is
            waited for.
        handler: What handles requests.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m sandbox.clouds.{name}",
        description=f"Serve the sandbox's cloud {name} until SIGTERM.",
    )
    parser.add_argument("--port", type=int, default=0, help="0 (default): any free port")
    parser.add_argument(
        "--ready-file", type=Path, help='gets {"url": ..., "pid": ...} once the API listens'
    )
    parser.add_argument("--snapshots", type=Path, help="where `PUT snapshot/<name>` writes to")
    arguments = parser.parse_args()
    _serve(lambda: application(arguments.snapshots), handler, arguments.port, arguments.ready_file)


def _serve(
    application: "Callable[[], WSGIApplication]",
    handler: type[WSGIRequestHandler],
    port: int,
    ready_file: Path | None,
) -> None:
    signals: SimpleQueue[int] = SimpleQueue()
    for signaled in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signaled, lambda number, _frame: signals.put(number))
    listener = _listen(port)
    server = make_server(
        HOST,
        port,
        application(),
        threaded=True,
        request_handler=handler,
        fd=listener.fileno(),
    )
    url = f"http://{HOST}:{listener.getsockname()[1]}"
    thread = Thread(target=server.serve_forever, args=(STOP_POLL_SECONDS,), name="http")
    thread.start()
    try:
        print(url)
        if ready_file is not None:
            write_ready(ready_file, url)
        wait_for_end(signals)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        listener.close()


def _listen(port: int) -> socket.socket:
    """Return a socket that listens, or end the process and say why there is none."""
    try:
        return socket.create_server((HOST, port), backlog=128)
    except (OSError, OverflowError) as error:
        errno = getattr(error, "errno", None)
        reason = os.strerror(errno) if errno else "no port has that number"
        sys.exit(
            f"--port is {port}, which cannot be had on {HOST} ({reason}); a free port from 1 to "
            "65535, or 0 for any. Leave it out, or end what has the port; see it with: "
            f"ss -ltnp 'sport = :{port}'"
        )
