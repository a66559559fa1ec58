"""The sandbox's AWS as a WSGI application, and what handles its requests."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

# moto.moto_server is a namespace package, so moto's py.typed does not speak for it.
from moto.moto_server.werkzeug_app import (  # pyright: ignore[reportMissingTypeStubs]
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)

from sandbox.clouds.aws.layer import Layer
from sandbox.clouds.aws.state import MotoAccount

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class QuietMotoHandler(MotoRequestHandler):
    """A request handler that leaves the log to the layer."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing: the layer logs the operation, which says more than the path."""


def application(snapshots: Path | None) -> "WSGIApplication":
    """Return the API of a seeded account that keeps its snapshots in a folder."""
    # A thousand machine images, which nobody starts here, are 4 MB a reset that moto never frees.
    os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
    moto = DomainDispatcherApplication(create_backend_app)
    return Layer(moto, MotoAccount(), snapshots=snapshots)
