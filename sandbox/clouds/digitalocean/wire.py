"""Refusals, in the shape in which DigitalOcean writes them."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

SPECIFICATION: Final = "specification"
"""The OpenAPI specification says so: digitalocean/openapi."""

ASSUMED: Final = "assumed"
"""No document or report that we know says so; it follows from what the field means."""


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

    source: str = SPECIFICATION
    """Who says that it is refused."""

    status: HTTPStatus = HTTPStatus.UNPROCESSABLE_ENTITY

    @property
    def id(self) -> str:
        """The error's identifier, which follows from the status: `unprocessable_entity`."""
        return self.status.name.lower()

    def refusal(self, **values: object) -> RefusalError:
        """Return the refusal to raise, with the values that its message names."""
        return RefusalError(self, self.message.format(**values))


UNAUTHORIZED: Final = Reason(
    "the token is missing or wrong", "Unable to authenticate you.", status=HTTPStatus.UNAUTHORIZED
)
MISSING_SCOPE: Final = Reason(
    "the token lacks a scope that the request needs (setting `token_scopes`)",
    "You do not have permission to perform this action. The token lacks the scope {scope}.",
    status=HTTPStatus.FORBIDDEN,
)
NO_ROUTE: Final = Reason(
    "the route is not modelled",
    "The resource you were accessing could not be found: the sandbox does not model "
    "{method} {path}.",
    status=HTTPStatus.NOT_FOUND,
)
BAD_JSON: Final = Reason(
    "the body is not a JSON object", "error parsing request body", status=HTTPStatus.BAD_REQUEST
)
INVALID_BODY: Final = Reason(
    "a field of the body is missing or of another type than specified",
    "request payload validation failed: {faults}",
)
INVALID_QUERY: Final = Reason(
    "`page` is below 1 or `per_page` not between 1 and 200",
    "{name} is {value}; it must be a whole number from 1 to {most}.",
)

EVERYWHERE: Final = (
    UNAUTHORIZED,
    MISSING_SCOPE,
    NO_ROUTE,
    BAD_JSON,
    INVALID_BODY,
    INVALID_QUERY,
)
"""Reasons that any route may give."""

NOT_FOUND: Final = Reason(
    "what the path names does not exist",
    "The resource you were accessing could not be found.",
    status=HTTPStatus.NOT_FOUND,
)
