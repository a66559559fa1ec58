"""Routes: what a request is for, who carries it out, what it may be refused for.

A route says everything about itself in one place, so that the API, the table of the documentation
and the list of a token's scopes are made of the same words.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import from_json
from werkzeug.wrappers import Request

from sandbox.clouds.digitalocean.state import Json, LocalAccount
from sandbox.clouds.digitalocean.wire import REASONS, Reason

DEFAULT_PER_PAGE: Final = 20
MAX_PER_PAGE: Final = 200
"""Source: API reference, 'Links & Pagination'."""

MAX_PAGE: Final = 1_000_000


class Body(BaseModel):
    """The body of a request. Types are exact: `"1"` is no number and 1 is no truth.

    Unknown fields are ignored, as DigitalOcean does, and so are the ones that a model leaves out.
    """

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


def listed(value: object) -> object:
    """Return an empty list for `null`, which godo sends for a list that is not set."""
    return [] if value is None else value


AnyBody = TypeVar("AnyBody", bound=Body)
Item = TypeVar("Item")


@dataclass(frozen=True)
class ApiAnswer:
    """What a request is answered with."""

    status: HTTPStatus
    json: Json | None = None


NO_CONTENT: Final = ApiAnswer(HTTPStatus.NO_CONTENT)


def ok(**json: object) -> ApiAnswer:
    """Return the answer to what was read or changed."""
    return ApiAnswer(HTTPStatus.OK, json)


def created(**json: object) -> ApiAnswer:
    """Return the answer to what was created at once."""
    return ApiAnswer(HTTPStatus.CREATED, json)


def accepted(**json: object) -> ApiAnswer:
    """Return the answer to what will be created."""
    return ApiAnswer(HTTPStatus.ACCEPTED, json)


@dataclass(frozen=True)
class ApiCall:
    """One request to one route."""

    account: LocalAccount
    request: Request
    route: "Route"
    path_values: Mapping[str, Any]
    scopes: set[str] = field(default_factory=set[str])
    """What it needed so far."""

    def need(self, *scopes: str) -> None:
        """Note scopes that the request needs.

        Raises:
            RefusalError: the token does not have one of them.
            LookupError: the route does not declare one of them.
        """
        undeclared = set(scopes) - set(self.route.scopes) - set(self.route.more_scopes)
        if undeclared:
            raise LookupError(f"{self.route.rule} needs {undeclared}, which it does not declare.")
        self.scopes.update(scopes)
        granted = self.account.settings.token_scopes
        for scope in scopes:
            if granted is not None and scope not in granted:
                raise REASONS["MISSING_SCOPE"].refusal(scope=scope)

    def the(self, items: Mapping[Any, Item], name: str) -> Item:
        """Return the one of some items that a part of the path names.

        Raises:
            RefusalError: there is none.
        """
        item = items.get(self.path_values[name])
        if item is None:
            raise REASONS["NOT_FOUND"].refusal()
        return item

    def body(self, model: type[AnyBody]) -> AnyBody:
        """Return the request's body.

        Raises:
            RefusalError: it is not a JSON object, or not such a one; with all faults at once.
        """
        sent = self.request.get_data() or b"{}"
        try:
            is_object = isinstance(from_json(sent), dict)
        except ValueError as fault:
            raise REASONS["BAD_JSON"].refusal() from fault
        if not is_object:
            raise REASONS["BAD_JSON"].refusal()
        try:
            return model.model_validate_json(sent)
        except ValidationError as fault:
            faults = "; ".join(
                f"{'.'.join(map(str, error['loc'])) or 'body'}: {error['msg']}"
                for error in fault.errors()
            )
            raise REASONS["INVALID_BODY"].refusal(faults=faults) from fault

    def page(self, key: str, items: Sequence[Item], view: Callable[[Item], Json]) -> ApiAnswer:
        """Return one page of a collection, as the query asks for.

        Args:
            key: what the collection is called: `droplets`.
            items: all of it.
            view: how an item is shown.

        Raises:
            RefusalError: the query asks for an impossible page.
        """
        page = self._whole("page", 1, MAX_PAGE)
        per_page = self._whole("per_page", DEFAULT_PER_PAGE, MAX_PER_PAGE)
        last = max(1, -(-len(items) // per_page))
        start = (page - 1) * per_page
        links = {
            name: self._link(number, per_page)
            for name, number, shown in (
                ("first", 1, page > 1),
                ("prev", page - 1, page > 1),
                ("next", page + 1, page < last),
                ("last", last, page < last),
            )
            if shown
        }
        return ApiAnswer(
            HTTPStatus.OK,
            {
                key: [view(item) for item in items[start : start + per_page]],
                "links": {"pages": links} if links else {},
                "meta": {"total": len(items)},
            },
        )

    def _whole(self, name: str, default: int, most: int) -> int:
        text = self.request.args.get(name, str(default))
        if not re.fullmatch(r"[0-9]{1,9}", text) or not 1 <= int(text) <= most:
            raise REASONS["INVALID_QUERY"].refusal(name=name, value=text, most=most)
        return int(text)

    def _link(self, page: int, per_page: int) -> str:
        query = urlencode({**self.request.args, "page": page, "per_page": per_page})
        return f"{self.request.base_url}?{query}"


Handler = Callable[[ApiCall], ApiAnswer]


@dataclass(frozen=True, eq=False)
class Route:
    """A method and a path, what carries them out, and what they need."""

    method: str
    path: str
    """In werkzeug's notation: `/v2/droplets/<int:droplet_id>`."""

    operation: str
    """Its name in the OpenAPI specification."""

    scopes: tuple[str, ...]
    """What a token needs, by the operation's `security`."""

    more_scopes: Mapping[str, str]
    """What it needs in some cases only, with the case."""

    refuses: tuple[Reason, ...]
    """Why it may refuse, beside the reasons of every route."""

    handler: Handler

    @property
    def rule(self) -> str:
        """The route as the API reference writes it: `GET /v2/droplets/{droplet_id}`."""
        path = re.sub(r"<(?:[a-z]+:)?([a-z0-9_]+)>", r"{\1}", self.path)
        return f"{self.method} {path}"

    @property
    def summary(self) -> str:
        """What it does, without line breaks."""
        return " ".join((self.handler.__doc__ or "").split())


class Table:
    """The routes of one kind of resource."""

    def __init__(self) -> None:
        """Have none yet."""
        self._routes: list[Route] = []

    def __iter__(self) -> Iterator[Route]:
        """Return the routes in the order in which they were added."""
        return iter(self._routes)

    def add(
        self,
        rule: str,
        operation: str,
        *scopes: str,
        refuses: Iterable[Reason] = (),
        more_scopes: Mapping[str, str] | None = None,
    ) -> Callable[[Handler], Handler]:
        """Return a decorator that makes a function carry out a route.

        Args:
            rule: method and path: `GET /v2/droplets`.
            operation: name in the OpenAPI specification.
            scopes: what a token needs.
            refuses: why it may refuse, but that what the path names does not exist.
            more_scopes: what it needs in some cases, with the case.
        """
        method, _, path = rule.partition(" ")

        def added(handler: Handler) -> Handler:
            missing = (REASONS["NOT_FOUND"],) if "<" in path else ()
            reasons = (*missing, *refuses)
            self._routes.append(
                Route(method, path, operation, scopes, more_scopes or {}, reasons, handler)
            )
            return handler

        return added
