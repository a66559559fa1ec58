"""The secrets in a request, and how they are taken out of evidence. Pure."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Final, cast
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from rollout.probe.model import SECRET_HEADERS
from rollout.requests.catalogue import CatalogueEntry

SHORTEST_SECRET: Final = 6
"""Shorter parts of a request are no secret: hiding `1` would hide every 1."""

SECRET_NAME: Final = re.compile(
    r"token|secret|passw|passphrase|api.?key|auth(?!or)|credential|csrf|xsrf|jwt|signature|sess",
    re.IGNORECASE,
)
"""Part of the name of a header, a parameter or a member whose value is likely a secret."""

HARMLESS: Final = frozenset(
    {
        "accept",
        "accept-charset",
        "accept-encoding",
        "accept-language",
        "cache-control",
        "content-encoding",
        "content-language",
        "content-type",
        "dnt",
        "origin",
        "pragma",
        "priority",
        "range",
        "upgrade-insecure-requests",
        "user-agent",
    }
)
"""Headers, in lower case, that hold no secret in a recording; nor do a browser's `Sec-` headers."""


def is_secret(name: str) -> bool:
    """Say whether the value of a header, a parameter or a member is likely a secret."""
    return name.lower() in SECRET_HEADERS or SECRET_NAME.search(name) is not None


def hider(entry: CatalogueEntry) -> Callable[[str], str]:
    """Return a function that removes a request's secrets from evidence.

    An answer may repeat them.
    """
    secrets = {
        form
        for value in _secrets(entry)
        for form in (value, quote(value, safe=""), quote_plus(value))
        if len(value) >= SHORTEST_SECRET
    }
    # As they are, and as a JSON text has them.
    secrets |= {json.dumps(secret, ensure_ascii=False)[1:-1] for secret in secrets}

    def hide(text: str) -> str:
        # The longest first, or what is left of it would show.
        for secret in sorted(secrets, key=len, reverse=True):
            text = text.replace(secret, "[secret]")
        return text

    return hide


def _secrets(entry: CatalogueEntry) -> Iterator[str]:
    """Yield every part of a request that may be a secret; in a recorded one nearly all may."""
    request, recorded = entry.request, entry.recorded
    for name, value in request.headers:
        lower = name.lower()
        if is_secret(name) or (recorded and lower not in HARMLESS and not lower.startswith("sec-")):
            yield from _parts_of(value)
    raw = request.body if isinstance(request.body, bytes) else b"".join(request.body or ())
    body = raw.decode("utf-8", "replace")
    for query in (request.target.partition("?")[2], body):
        for pair in query.split("&"):
            name, _, value = pair.partition("=")
            if value and (recorded or is_secret(unquote(name))):
                yield from (value, unquote(value), unquote_plus(value))
    if recorded:
        yield body
    with suppress(ValueError, RecursionError):
        yield from _json_secrets(json.loads(raw), everything=recorded)


def _json_secrets(value: object, *, everything: bool) -> Iterator[str]:
    """Yield the texts in a JSON value that may be secrets."""
    if isinstance(value, str):
        if everything:
            yield value
    elif isinstance(value, list):
        for each in cast("list[object]", value):
            yield from _json_secrets(each, everything=everything)
    elif isinstance(value, dict):
        for key, each in cast("dict[str, object]", value).items():
            yield from _json_secrets(each, everything=everything or is_secret(key))
    elif everything and not isinstance(value, bool) and value is not None:
        yield json.dumps(value)


def _parts_of(value: str) -> Iterable[str]:
    """Yield a secret header's value, the credentials in it, and the value of each cookie."""
    parts = [value, *value.split(" "), *(pair.partition("=")[2] for pair in value.split(";"))]
    return [part.strip() for part in parts if len(part.strip()) >= SHORTEST_SECRET]
