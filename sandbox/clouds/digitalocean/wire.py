"""Refusals, in the shape in which DigitalOcean writes them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final


class RefusalError(Exception):
    """A request that is not carried out; nothing has changed.

    Attributes:
        reason: why.
        message: what the client gets to read.
    """

    def __init__(self, reason: "Reason", message: str) -> None:
        """Keep the reason and the message made of it."""
        super().__init__(message)
        self.reason = reason
        self.message = message


@dataclass(frozen=True)
class Reason:
    """One reason to refuse a request; the routes that may give it name it."""

    when: str
    """The case, for people: `the size is not offered in the region`."""

    message: str
    """What the client reads, with `{names}` of values. Worded as DigitalOcean words it
    where a report shows the words, and alike where none does."""

    source: str
    """Who says that it is refused: `specification`, the OpenAPI specification digitalocean/openapi;
    a report; or `assumed`: no document or report that we know says so, it follows from what the
    field means."""

    status: HTTPStatus

    @property
    def id(self) -> str:
        """The error's identifier, which follows from the status: `unprocessable_entity`."""
        return self.status.name.lower()

    def refusal(self, **values: object) -> RefusalError:
        """Return the refusal to raise, with the values that its message names."""
        return RefusalError(self, self.message.format(**values))


REASONS: Final[Mapping[str, Reason]] = {
    name: Reason(fields["when"], fields["message"], fields["source"], HTTPStatus(fields["status"]))
    for name, fields in json.loads(Path(__file__).with_name("reasons.json").read_text()).items()
}
"""Every reason by its name."""


def reasons(*names: str) -> tuple[Reason, ...]:
    """Return the reasons of these names."""
    return tuple(REASONS[name] for name in names)


EVERYWHERE: Final = (
    *reasons("UNAUTHORIZED", "MISSING_SCOPE", "NO_ROUTE", "BAD_JSON", "INVALID_BODY"),
    *reasons("INVALID_QUERY"),
)
"""Reasons that any route may give."""
