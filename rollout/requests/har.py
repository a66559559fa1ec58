"""Requests from a HAR file, as browsers and proxies record them.

The requests to our own hostnames are read, each once, over HTTPS. Only safe methods are sent again,
unless the user allows others. Cookies and credentials of the recording are sent too; evidence never
shows them, nor the values of query strings and bodies, even where an answer repeats them.

Source: HAR 1.2, http://www.softwareishard.com/blog/har-12-spec/
"""

from collections.abc import Collection
from typing import Annotated
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


class _Pair(BaseModel):
    name: str
    value: str = ""


class _PostData(BaseModel):
    text: str = ""
    params: list[_Pair] = []


class _HarRequest(BaseModel):
    method: str
    url: str
    headers: list[_Pair]
    post_data: Annotated[_PostData | None, Field(alias="postData")] = None


class _Entry(BaseModel):
    request: _HarRequest


class _Log(BaseModel):
    entries: list[_Entry]


class _Har(BaseModel):
    log: _Log


def read(document: Document, hostnames: Collection[str], *, unsafe: bool) -> Catalogue:
    """Return the requests to our hostnames that a recording holds.

    Args:
        document: The file.
        hostnames: Our hostnames.
        unsafe: Whether requests that may change something are sent too.

    Raises:
        WrongUseError: It is not what it should be, with every fault and its place; or none of its
            requests is to a hostname of ours.
    """
    try:
        har = _Har.model_validate(document.value)
    except ValidationError as error:
        raise WrongUseError(document.faults(error)) from error
    seen: set[tuple[str, HttpRequest]] = set()
    entries: list[CatalogueEntry] = []
    left_out: dict[str, str] = {}
    for entry in har.log.entries:
        try:
            url = urlsplit(entry.request.url)
            hostname = (url.hostname or "").lower()
        except ValueError:
            continue
        if hostname not in hostnames:
            continue
        name = _name(entry.request.method, url)
        reason = _unfit(entry.request, url, unsafe=unsafe)
        if reason:
            left_out[name] = reason
            continue
        request = _request(entry.request, url)
        if (hostname, request) not in seen:
            seen.add((hostname, request))
            entries.append(CatalogueEntry(name, request, hostname, recorded=True))
    if not entries and not left_out:
        raise WrongUseError(
            [
                Fault(
                    document.what(["log", "entries"]),
                    f"a recording of {len(har.log.entries)} requests, none to our hostnames",
                    f"it should hold requests to {' or '.join(hostnames)}",
                    "Record a session with the API.",
                )
            ]
        )
    return Catalogue(tuple(entries), tuple(left_out.items()))


def _name(method: str, url: SplitResult) -> str:
    """Return the name of a request: of the query string, which may hold secrets, only names."""
    names = "&".join(f"{pair.partition('=')[0]}=…" for pair in url.query.split("&"))
    return f"{method} {url.path or '/'}{f'?{names}' if url.query else ''}"


def _target(url: SplitResult) -> str:
    return f"{url.path or '/'}{f'?{url.query}' if url.query else ''}"


def _unfit(request: _HarRequest, url: SplitResult, *, unsafe: bool) -> str:
    """Return why a request is not sent; empty: it is."""
    names = {pair.name.lower() for pair in request.headers}
    if url.scheme != "https":
        return f"it was recorded over {url.scheme}, and HTTPS is what is compared"
    if "upgrade" in names:
        return "it asks for another protocol, which has no answer to compare"
    if not is_token(request.method) or request.method in {"CONNECT", "TRACE"}:
        return f"{request.method} is no method that can be asked again"
    if request.method not in SAFE and not unsafe:
        return f"{request.method} may change something; --allow-unsafe sends it"
    if not is_target(_target(url)):
        return "its path is not encoded as it would go onto the wire"
    return ""


def _request(recorded: _HarRequest, url: SplitResult) -> HttpRequest:
    headers = tuple(
        (pair.name, pair.value.strip())
        for pair in recorded.headers
        # Pseudo-headers of HTTP/2 begin with a colon, which is no token.
        if is_token(pair.name)
        and pair.name.lower() not in OF_THE_CONNECTION
        and is_value(pair.value.strip())
    )
    data = recorded.post_data
    body = None
    if data is not None:
        pairs = [(pair.name, pair.value) for pair in data.params]
        body = (data.text or urlencode(pairs)).encode()
    return HttpRequest(recorded.method, _target(url), headers, body)
