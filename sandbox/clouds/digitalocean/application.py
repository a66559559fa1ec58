"""The sandbox's DigitalOcean as a WSGI application, and what handles its requests."""

from pathlib import Path
from typing import TYPE_CHECKING

from werkzeug.serving import WSGIRequestHandler

from sandbox.clouds.digitalocean.api import DigitalOceanApi
from sandbox.clouds.digitalocean.state import LocalAccount

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class QuietHandler(WSGIRequestHandler):
    """A request handler that leaves the log to the API; connections are kept, as clients like."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing: the API logs the route and its scopes, which say more than the path."""


def application(snapshots: Path | None) -> "WSGIApplication":
    """Return the API of an account that keeps its snapshots in a folder."""
    return DigitalOceanApi(LocalAccount(), snapshots=snapshots)
