"""How a configured provider reaches DigitalOcean.

The provider's configuration comes first, then the environment: `token` (`DIGITALOCEAN_TOKEN`,
`DIGITALOCEAN_ACCESS_TOKEN`), `apiEndpoint` (`DIGITALOCEAN_API_URL`), `httpRetryMax`,
`httpRetryWaitMin` and `httpRetryWaitMax` (`DIGITALOCEAN_HTTP_RETRY_MAX` ...).

Where it differs from the official plugin: a missing token is refused before the first request,
and an endpoint without TLS unless it is on this machine; `requestsPerSecond` is accepted and
changes nothing; nothing of Spaces is used.

Source: digitalocean/terraform-provider-digitalocean, `digitalocean/provider.go` and
`digitalocean/config/config.go`.
"""

import importlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from ipaddress import ip_address
from itertools import count
from threading import Lock
from typing import Any, Final, TypeAlias, cast
from urllib.parse import urlsplit

from sandbox.plugins import actions
from sandbox.plugins.digitalocean.scopes import SCOPES
from sandbox.plugins.resource import EngineTask, Failure, PluginError
from sandbox.plugins.values import UNKNOWN, Props, block_of, items_of

DEFAULT_ENDPOINT: Final = "https://api.digitalocean.com"

UNAUTHORIZED: Final = HTTPStatus.UNAUTHORIZED
FORBIDDEN: Final = HTTPStatus.FORBIDDEN
NOT_FOUND: Final = HTTPStatus.NOT_FOUND
TOO_MANY: Final = HTTPStatus.TOO_MANY_REQUESTS

_TOKENS: Final = ("DIGITALOCEAN_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN")
_ENDPOINT: Final = "DIGITALOCEAN_API_URL"
_PER_PAGE = 200
"""The most the API gives. Source: API reference, 'Links & Pagination'."""

_SENT_AGAIN: Final = frozenset({"GET", "POST", "PUT", "DELETE"})
"""Methods of requests that are sent again after a connection that broke. Source: digitalocean/godo,
`WithRetryAndBackoffs`; hashicorp/go-retryablehttp, `DefaultRetryPolicy`."""

_WAY_OUT = (
    "Set DIGITALOCEAN_TOKEN to one made at https://cloud.digitalocean.com/account/api/tokens, "
    "or run `pulumi config set --secret digitalocean:token`."
)


class ApiError(PluginError):
    """DigitalOcean refused a request.

    Attributes:
        status: The HTTP status of the answer.
    """

    def __init__(self, status: HTTPStatus, text: str) -> None:
        """Keep the status beside the message."""
        super().__init__(text)
        self.status = status


def check_config(config: Props) -> Iterator[Failure]:
    """Yield what is wrong with a provider's configuration whose types are right."""
    endpoint = config.get("apiEndpoint")
    wrong = isinstance(endpoint, str) and _wrong_endpoint("apiEndpoint", endpoint)
    if wrong:
        yield Failure("apiEndpoint", wrong)


class DigitalOceanSession:
    """The client of one configured provider, made when it is first needed."""

    def __init__(self, config: Props, environment: Mapping[str, str] = os.environ) -> None:
        """Take a checked configuration.

        Args:
            config: The provider's configuration; values that are UNKNOWN count as not given.
            environment: What is not configured is looked up here, and the file of scopes.

        Raises:
            PluginError: there is no token, or the endpoint cannot be used.
        """
        given = {name: value for name, value in config.items() if value is not UNKNOWN}
        self._file = environment.get(actions.ACTIONS_FILE)
        self._lock = Lock()
        self._client: Any = None
        tokens = given.get("token"), *(environment.get(name) for name in _TOKENS)
        self._token = next((token for token in tokens if token), None)
        if self._token is None:
            raise PluginError(
                "the DigitalOcean API token is missing; the provider needs one. " + _WAY_OUT
            )
        self.endpoint = str(
            given.get("apiEndpoint") or environment.get(_ENDPOINT) or DEFAULT_ENDPOINT
        )
        wrong = _wrong_endpoint(_ENDPOINT, self.endpoint)
        if wrong:
            raise PluginError(wrong)
        self._retries = {
            option: float(
                given.get(name) or environment.get(f"DIGITALOCEAN_HTTP_RETRY_{variable}") or default
            )
            for option, name, variable, default in (
                ("most", "httpRetryMax", "MAX", 4),
                ("first_pause", "httpRetryWaitMin", "WAIT_MIN", 1),
                ("longest_pause", "httpRetryWaitMax", "WAIT_MAX", 30),
            )
        }

    def ask(self, operation: str, *arguments: Any, more: Iterable[str] = (), **query: Any) -> Props:
        """Send a request and return the answer's body.

        Args:
            operation: pydo's name of it, `droplets.create`.
            arguments: What pydo's function takes.
            more: Scopes it needs beyond those it always does.
            query: Parameters of the query.

        Raises:
            ApiError: DigitalOcean refused.
        """
        answer = self._send(operation, arguments, more, query)
        if answer.status == NOT_FOUND:
            raise ApiError(answer.status, answer.refusal())
        return answer.body

    def find(self, operation: str, *arguments: Any) -> Props | None:
        """Send a request about something and return the body; None if it does not exist.

        Raises:
            ApiError: DigitalOcean refused for another reason.
        """
        answer = self._send(operation, arguments, (), {})
        return None if answer.status == NOT_FOUND else answer.body

    def everything(self, operation: str, key: str, per_page: int = _PER_PAGE) -> list[Props]:
        """Return all pages of a collection that the answers call `key`."""
        items: list[Props] = []
        links: Props = {"next": "the first"}
        for page in count(1):
            if "next" not in links:
                break
            body = self.ask(operation, page=page, per_page=per_page)
            items += items_of(body, key)
            links = block_of(block_of(body, "links"), "pages")
        return items

    def _send(
        self, operation: str, arguments: Iterable[Any], more: Iterable[str], query: Props
    ) -> "_ApiResponse":
        """Send a request; an answer that something does not exist is one.

        pydo raises for some 404s and for others returns their body like any other, so the status
        is read from the response itself.
        """
        scopes = (*SCOPES[operation], *more)
        for scope in scopes:
            actions.note(self._file, "scope", scope)
        group, _, name = operation.partition(".")
        errors: Any = importlib.import_module("azure.core.exceptions")
        function = getattr(getattr(self._connected(), group), name)
        # pydo sends no token over plain HTTP unless it must. Any other place than this
        # machine was refused before.
        plain = {"enforce_https": False} if self.endpoint.startswith("http:") else {}
        # godo sends whatever got no answer again, a creation too; pydo would not.
        again = {"retry_on_methods": _SENT_AGAIN}
        try:
            answer = function(*arguments, cls=_answer, **plain, **again, **query)
        except errors.HttpResponseError as error:
            answer = _ApiResponse(error.response, _body(error.response))
        if answer.status == UNAUTHORIZED:
            raise ApiError(
                answer.status,
                f"the DigitalOcean API token is refused ({answer.refusal()}); one that is valid "
                f"and not expired is needed. {_WAY_OUT}",
            )
        if answer.status == FORBIDDEN:
            raise ApiError(
                answer.status, f"{answer.refusal()} (It takes a token with {', '.join(scopes)}.)"
            )
        if answer.status >= HTTPStatus.BAD_REQUEST and answer.status != NOT_FOUND:
            raise ApiError(answer.status, answer.refusal())
        return answer

    def _connected(self) -> Any:
        with self._lock:
            if self._client is None:
                self._client = self._connect()
            return self._client

    def _connect(self) -> Any:
        # pydo is not imported by name: a type checker would read its 365,000 lines. And not before
        # it is needed: it is most of what starting this plugin costs.
        pydo: Any = importlib.import_module("pydo")
        most = int(self._retries["most"])
        return pydo.Client(
            token=self._token,
            endpoint=self.endpoint,
            retry_total=most,
            retry_connect=most,
            retry_read=most,
            retry_status=most,
            retry_backoff_factor=self._retries["first_pause"],
            retry_backoff_max=self._retries["longest_pause"],
        )


DigitalOceanTask: TypeAlias = EngineTask[DigitalOceanSession]
"""One request of the engine to the stand-in."""


def explain(error: Exception) -> str:
    """Return what went wrong with a request that got no answer, or inside the plugin."""
    azure: Any = importlib.import_module("azure.core.exceptions")
    if isinstance(error, azure.AzureError):
        return (
            f"DigitalOcean's API could not be reached: {error}. "
            "Look at the network, and at DIGITALOCEAN_API_URL or `digitalocean:apiEndpoint`."
        )
    return f"{type(error).__name__}: {error}"


def _wrong_endpoint(name: str, endpoint: str) -> str | None:
    """Return what is wrong with an endpoint; the token goes there."""
    parts = urlsplit(endpoint)
    if parts.scheme == "https" and parts.hostname:
        return None
    if parts.scheme == "http" and _on_this_machine(parts.hostname):
        return None
    return (
        f"{name} is {endpoint!r}; an https address, or an http one on this machine, is allowed. "
        f"Set it to {DEFAULT_ENDPOINT}, or leave it out."
    )


def _on_this_machine(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return False


class _ApiResponse:
    """What DigitalOcean answered."""

    def __init__(self, response: Any, body: Props | None) -> None:
        self.status = HTTPStatus(response.status_code)
        self.body = body or {}
        self._request = f"{response.request.method} {urlsplit(str(response.request.url)).path}"

    def refusal(self) -> str:
        """Return a refusal as godo words it, with what to do about one that passes."""
        message = self.body.get("message") or self.body.get("error") or self.status.phrase
        request = self.body.get("request_id")
        identified = f" (request {request})" if request else ""
        passing = " Wait, then run it again." if self.status == TOO_MANY else ""
        return f"{self._request}: {self.status.value}{identified} {message}{passing}"


def _answer(response: Any, body: Props | None, _headers: Any) -> _ApiResponse:
    """Return what pydo's functions are to return, who call this with what they have."""
    return _ApiResponse(response.http_response, body)


def _body(response: Any) -> Props:
    """Return the JSON of an answer that is a refusal, if it has any."""
    try:
        body: Any = json.loads(response.text())
    except ValueError:
        return {}
    return cast("Props", body) if isinstance(body, dict) else {}
