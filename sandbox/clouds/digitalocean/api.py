"""The API as a WSGI application: token, route, answer.

One lock is held from the first look at the account to the answer, so no two requests interleave.
"""

import sys
import uuid
from collections.abc import Callable, Iterable
from http import HTTPStatus
from itertools import chain
from pathlib import Path
from secrets import compare_digest
from threading import RLock
from typing import Final
from wsgiref.types import StartResponse, WSGIEnvironment

from pydantic import TypeAdapter
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from sandbox.clouds import control
from sandbox.clouds.digitalocean import (
    TOKEN,
    alerts,
    droplets,
    firewalls,
    metadata,
    regions_and_actions,
    reserved_ipv6,
    tags,
    vpcs,
)
from sandbox.clouds.digitalocean.routes import ApiAnswer, ApiCall, Route
from sandbox.clouds.digitalocean.state import Json, LocalAccount
from sandbox.clouds.digitalocean.wire import EVERYWHERE, REASONS, RefusalError

CONTROLS: Final = ("GET scopes", "GET droplets/<id>/metadata/v1.json")
"""What the control surface of this cloud has beside that of every cloud."""

ROUTES: Final[tuple[Route, ...]] = tuple(
    chain(
        droplets.ROUTES,
        reserved_ipv6.ROUTES,
        firewalls.ROUTES,
        vpcs.ROUTES,
        tags.ROUTES,
        alerts.ROUTES,
        regions_and_actions.ROUTES,
    )
)
"""All that is modelled."""

MAP: Final = Map(
    [Rule(route.path, methods=[route.method], endpoint=route) for route in ROUTES],
    merge_slashes=False,
)
"""Finds the route of a request."""

_JSON: Final = TypeAdapter(Json | list[str])


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")


class DigitalOceanApi:
    """The sandbox's DigitalOcean."""

    def __init__(
        self,
        account: LocalAccount,
        log: Callable[[str], None] = _print,
        *,
        snapshots: Path | None = None,
    ) -> None:
        """Serve an account.

        Args:
            account: the state.
            log: gets a line for every request: method, path, status, scopes it needs.
            snapshots: folder of the account's snapshots; None: it keeps none.
        """
        self._account = account
        self._log = log
        self._lock = RLock()
        self._control = control.Control(account, account.reset, snapshots, CONTROLS)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request = Request(environ)
        # A body that nobody reads would be taken for the next request of the connection.
        request.get_data()
        with self._lock:
            self._control.changes += self._account.settle()
            if request.path.startswith(control.PATH):
                response = self._controlled(request)
            else:
                response = self._answer(request)
        return response(environ, start_response)

    def _answer(self, request: Request) -> Response:
        request_id = str(uuid.uuid4())
        scopes: set[str] = set()
        try:
            self._authenticate(request)
            answer = self._dispatch(request, scopes)
        except RefusalError as refusal:
            reason = refusal.reason
            answer = ApiAnswer(reason.status, _error(refusal, request_id))
        self._account.scopes |= scopes
        self._control.changes += request.method != "GET" and answer.status < HTTPStatus.BAD_REQUEST
        self._log(
            f"{request.method} {request.path} {answer.status.value} "
            f"{','.join(sorted(scopes)) or '-'}"
        )
        response = _json(answer.json, answer.status)
        response.headers["x-request-id"] = request_id
        return response

    def _authenticate(self, request: Request) -> None:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not compare_digest(token.encode(), TOKEN.encode()):
            raise REASONS["UNAUTHORIZED"].refusal()

    def _dispatch(self, request: Request, scopes: set[str]) -> ApiAnswer:
        try:
            route, values = MAP.bind_to_environ(request.environ).match()
        except HTTPException as fault:
            raise REASONS["NO_ROUTE"].refusal(method=request.method, path=request.path) from fault
        call = ApiCall(self._account, request, route, values, scopes)
        call.need(*route.scopes)
        try:
            return route.handler(call)
        except RefusalError as refusal:
            if refusal.reason not in {*route.refuses, *EVERYWHERE}:
                raise LookupError(
                    f"{route.rule} refuses because {refusal.reason.when}, "
                    "which it does not declare."
                ) from refusal
            raise

    def _controlled(self, request: Request) -> Response:
        what = (request.method, *request.path.removeprefix(control.PATH).split("/", 2))
        match what:
            case ("GET", "scopes"):
                return _json(sorted(self._account.scopes))
            case ("GET", "droplets", number, "metadata/v1.json") if number.isdecimal():
                droplet = self._account.droplets.get(int(number))
                if droplet is None:
                    return Response("not found", HTTPStatus.NOT_FOUND)
                return _json(metadata.document(self._account, droplet))
            case _:
                return self._control.answer(request)


def _error(refusal: RefusalError, request_id: str) -> Json:
    if refusal.reason is REASONS["INVALID_NEW_TAG"]:
        return {"error": refusal.message, "messages": None, "root_causes": [refusal.message]}
    return {"id": refusal.reason.id, "message": refusal.message, "request_id": request_id}


def _json(answer: Json | list[str] | None, status: HTTPStatus = HTTPStatus.OK) -> Response:
    body = b"" if answer is None else _JSON.dump_json(answer)
    return Response(body, status, content_type="application/json; charset=utf-8")
