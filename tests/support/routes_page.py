"""The tables of routes and refusals in `docs/digitalocean-model.md`, made from the routes.

`PYTHONPATH=tests python -m support.routes_page docs/digitalocean-model.md` writes them again.
"""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from sandbox.clouds.digitalocean.api import ROUTES
from sandbox.clouds.digitalocean.routes import Route
from sandbox.clouds.digitalocean.wire import EVERYWHERE, Reason
from support.marks import inserted

MARK: Final = "routes"
AUTHOR: Final = "support.routes_page"


def render() -> str:
    """Return the tables as Markdown."""
    reasons = dict.fromkeys([*EVERYWHERE, *(why for route in ROUTES for why in route.refuses)])
    return "\n".join(
        [
            "## Routes",
            "",
            "Each may also refuse for the reasons marked with \\* below.",
            "",
            _row("Route", "What it does", "Scopes of the token", "Refuses when"),
            _row(*["---"] * 4),
            *map(_route, ROUTES),
            "",
            "## Refusals",
            "",
            _row("Status", "When", "Message", "Source"),
            _row(*["---"] * 4),
            *map(_reason, reasons),
            "",
        ]
    )


def _route(route: Route) -> str:
    scopes = [
        *(f"`{scope}`" for scope in route.scopes),
        *(f"`{scope}` if {when}" for scope, when in route.more_scopes.items()),
    ]
    refuses = [f"{why.status.value}: {why.when}" for why in route.refuses]
    return _row(
        f"`{route.rule}` ({route.operation})", route.summary, _lines(scopes), _lines(refuses)
    )


def _reason(reason: Reason) -> str:
    mark = " \\*" if reason in EVERYWHERE else ""
    return _row(f"{reason.status.value}{mark}", reason.when, f"`{reason.message}`", reason.source)


def _lines(entries: Iterable[str]) -> str:
    return "<br>".join(entries)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(inserted(path.read_text(), MARK, AUTHOR, render()))
