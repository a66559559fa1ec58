"""Requests from a HAR file, as browsers and proxies record them.

The requests to our own hostnames are read, each once, over HTTPS. Only safe methods are sent again,
unless the user allows others. Cookies and credentials of the recording are sent too; evidence never
shows them, nor the values of query strings and bodies, even where an answer repeats them.

A recording is made by whatever program was at hand, and most of it is of other hosts. So the host
is looked at first, and nothing else of other hosts' entries; and an entry that cannot be sent as it
was recorded is left out alone, with its place. None is sent as something else than it was.

Source: HAR 1.2, http://www.softwareishard.com/blog/har-12-spec/
"""

import base64
import binascii
from collections.abc import Collection, Iterable
from typing import Annotated, Any, Final, NoReturn, cast
from urllib.parse import SplitResult, urlencode, urlsplit

from pydantic import BaseModel, Field, ValidationError

from components.faults import Fault
from rollout.faults import WrongUseError
from rollout.probe.model import HttpRequest
from rollout.requests.catalogue import (
    OF_THE_CONNECTION,
    SAFE,
    Catalogue,
    CatalogueEntry,
    is_target,
    is_token,
    is_value,
)
from rollout.requests.documents import Document

HTTPS_PORT: Final = 443

Steps = tuple[str | int, ...]
"""Keys and indices from the top of the file."""


class _NotSentError(Exception):
    """A request cannot be sent as it was recorded; the message is the reason."""


class _Pair(BaseModel):
    name: str
    value: str = ""


class _PostData(BaseModel):
    text: str | None = None
    encoding: str | None = None
    params: list[_Pair] | None = None


class _HarRequest(BaseModel):
    method: str
    url: str
    headers: list[_Pair]
    post_data: Annotated[_PostData | None, Field(alias="postData")] = None
    body_size: Annotated[int, Field(alias="bodySize")] = -1
    """Of an unknown size -1. Source: HAR 1.2, `request.bodySize`."""


class _Log(BaseModel):
    entries: list[Any]


class _Har(BaseModel):
    log: _Log


def read(document: Document, hostnames: Collection[str], *, unsafe: bool) -> Catalogue:
    """Return the requests to our hostnames that a recording holds, and those that are not sent.

    Args:
        document: The file.
        hostnames: Our hostnames.
        unsafe: Whether requests that may change something are sent too.

    Raises:
        WrongUseError: It is no recording, with every fault and its place; or none of its requests
            is to a hostname of ours.
    """
    try:
        recorded = _Har.model_validate(document.value).log.entries
    except ValidationError as error:
        raise WrongUseError(document.faults(error)) from error
    entries: dict[tuple[str, HttpRequest], CatalogueEntry] = {}
    left_out: dict[tuple[str, str], None] = {}
    for index, entry in enumerate(recorded):
        steps: Steps = ("log", "entries", index)
        name = f"log.entries[{index}]"
        try:
            url = _url(document, steps, entry)
            hostname = (url.hostname or "").lower()
            if hostname not in hostnames:
                continue
            name = _name(entry["request"].get("method"), url)
            request = _request(document, (*steps, "request"), url, unsafe=unsafe)
        except _NotSentError as reason:
            left_out[name, str(reason)] = None
        else:
            recording = CatalogueEntry(name, request, hostname, recorded=True)
            entries.setdefault((hostname, request), recording)
    if not entries and not left_out:
        raise WrongUseError(
            [
                Fault(
                    document.what(["log", "entries"]),
                    f"a recording of {len(recorded)} requests, none to our hostnames",
                    f"it should hold requests to {' or '.join(hostnames)}",
                    "Record a session with the API.",
                )
            ]
        )
    return Catalogue(tuple(entries.values()), tuple(left_out))


def _refuse(document: Document, steps: Steps, value: str, allowed: str) -> NoReturn:
    """Refuse an entry for one of its values, which is named by its kind: it may be a secret."""
    raise _NotSentError(f"{document.what(steps)} is {value}; {allowed}")


def _kind(value: Any) -> str:
    """Return what kind of JSON value something is."""
    for kind, text in ((bool, "true or false"), (str, "text"), (int | float, "a number")):
        if isinstance(value, kind):
            return text
    return "null" if value is None else "a list" if isinstance(value, list) else "an object"


def _url(document: Document, steps: Steps, entry: Any) -> SplitResult:
    """Return where an entry was sent, and look at nothing else of it.

    Raises:
        _NotSentError: It does not say so.
    """
    value: Any = entry
    for step in ("request", "url"):
        if not isinstance(value, dict):
            _refuse(document, steps, _kind(value), "it should be an object")
        members, steps = cast("dict[str, Any]", value), (*steps, step)
        if step not in members:
            _refuse(document, steps, "not there", "it has to be there")
        value = members[step]
    if not isinstance(value, str):
        _refuse(document, steps, _kind(value), "it should be text")
    try:
        url = urlsplit(value)
        # Read here, because a port that is none raises only when it is read.
        is_absolute = bool(url.scheme) and (url.port is None or url.port > 0)
    except ValueError:
        is_absolute = False
        url = SplitResult("", "", "", "", "")
    if not is_absolute or (url.scheme in {"http", "https"} and not url.hostname):
        _refuse(document, steps, "no URL", "it should be a URL with a host, as https://…")
    return url


def _name(method: Any, url: SplitResult) -> str:
    """Return the name of a request: of the query string, which may hold secrets, only names."""
    names = "&".join(f"{pair.partition('=')[0]}=…" for pair in url.query.split("&"))
    shown_method = method if isinstance(method, str) and is_token(method) else "?"
    return f"{shown_method} {url.path or '/'}{f'?{names}' if url.query else ''}"


def _target(url: SplitResult) -> str:
    return f"{url.path or '/'}{f'?{url.query}' if url.query else ''}"


def _request(document: Document, steps: Steps, url: SplitResult, *, unsafe: bool) -> HttpRequest:
    """Return one recorded request of ours.

    Raises:
        _NotSentError: It cannot be sent as it was recorded, or may not.
    """
    if url.scheme != "https":
        raise _NotSentError(f"it was recorded over {url.scheme}, and HTTPS is what is compared")
    if url.port not in (None, HTTPS_PORT):
        raise _NotSentError(f"it was recorded on port {url.port}, and {HTTPS_PORT} is compared")
    value: Any = document.value
    for step in steps:
        value = value[step]
    try:
        recorded = _HarRequest.model_validate(value)
    except ValidationError as error:
        raise _NotSentError(_told(document, steps, error)) from error
    if "upgrade" in {pair.name.lower() for pair in recorded.headers}:
        raise _NotSentError("it asks for another protocol, which has no answer to compare")
    if not is_token(recorded.method):
        _refuse(document, (*steps, "method"), "no method", "it should be one such as GET")
    if recorded.method in {"CONNECT", "TRACE"}:
        raise _NotSentError(f"{recorded.method} is no method that can be asked again")
    if recorded.method not in SAFE and not unsafe:
        raise _NotSentError(f"{recorded.method} may change something; --allow-unsafe sends it")
    if not is_target(_target(url)):
        raise _NotSentError("its path is not encoded as it would go onto the wire")
    headers = tuple(_headers(document, (*steps, "headers"), recorded.headers))
    return HttpRequest(recorded.method, _target(url), headers, _body(document, steps, recorded))


def _told(document: Document, steps: Steps, error: ValidationError) -> str:
    """Return what is wrong with a request, each value by its place and kind, in one line."""
    faults: dict[str, str] = {}
    for item in error.errors():
        what = document.what((*steps, *item["loc"]))
        if item["type"] == "missing":
            faults[what] = f"{what} is not there; it has to be there"
        else:
            allowed = {"model_type": "an object", "list_type": "a list", "string_type": "text"}
            kind = allowed.get(item["type"], "a whole number")
            faults[what] = f"{what} is {_kind(item['input'])}; it should be {kind}"
    return "; ".join(faults.values())


def _headers(document: Document, steps: Steps, pairs: Iterable[_Pair]) -> Iterable[tuple[str, str]]:
    """Yield the headers that are sent again."""
    for index, pair in enumerate(pairs):
        # Pseudo-headers of HTTP/2 begin with a colon.
        if pair.name.startswith(":") or pair.name.lower() in OF_THE_CONNECTION:
            continue
        if not is_token(pair.name):
            where = (*steps, index, "name")
            _refuse(document, where, "no name of a header", "it should be one, without a colon")
        value = pair.value.strip(" \t")
        if not is_value(value):
            where = (*steps, index, "value")
            _refuse(document, where, "no value of a header", "it should be one line of Latin-1")
        yield pair.name, value


def _body(document: Document, steps: Steps, recorded: _HarRequest) -> bytes | None:
    """Return the body of a recorded request; None: it had none."""
    data = recorded.post_data
    where = (*steps, "postData")
    if data is not None and data.text:
        return _decoded(document, where, data.text, data.encoding)
    if data is not None and data.params:
        try:
            return urlencode([(pair.name, pair.value) for pair in data.params]).encode()
        except UnicodeEncodeError:
            _refuse(document, (*where, "params"), "text with half a character", "none may be")
    if recorded.body_size > 0:
        _refuse(
            document,
            where if data is not None else (*steps, "bodySize"),
            f"a body of {recorded.body_size} bytes that was not recorded",
            "it has to be in the recording",
        )
    return None if data is None else b""


def _decoded(document: Document, where: Steps, text: str, encoding: str | None) -> bytes:
    match encoding:
        case None | "":
            try:
                return text.encode()
            except UnicodeEncodeError:
                _refuse(document, (*where, "text"), "text with half a character", "none may be")
        case "base64":
            try:
                return base64.b64decode("".join(text.split()), validate=True)
            except (binascii.Error, ValueError):
                _refuse(document, (*where, "text"), "no base64", "its encoding says that it is")
        case _:
            allowed = "it should be base64, or not there"
            _refuse(document, (*where, "encoding"), "another encoding", allowed)
