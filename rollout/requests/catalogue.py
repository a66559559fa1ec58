"""The user's own requests, and what in their answers does not count."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, Literal

from rollout.probe.model import HttpRequest

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""Methods that change nothing. No TRACE is ever sent: load balancers refuse it, and the readers of
files leave it out. Source: RFC 9110 section 9.2.1."""

IDEMPOTENT: Final = SAFE | {"PUT", "DELETE"}
"""Methods that change no more when they are sent twice. Source: RFC 9110 section 9.2.2."""

OF_THE_CONNECTION: Final = frozenset(
    {
        "connection",
        "content-length",
        "host",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers of one connection, of the body's length and of the hostname: the wire adds them itself.
Source: RFC 9110 sections 7.2, 7.6.1 and 8.6."""

OWN_HEADERS: Final = (("User-Agent", "dualstack-verify"), ("Accept", "*/*"))
"""Headers of requests that are not recorded and have none of that name: firewalls refuse requests
without a user agent (AWS WAF, `NoUserAgent_HEADER`), and every client of the API sends one."""


@dataclass(frozen=True)
class IgnoreRule:
    """What in two answers does not count when they are compared."""

    kind: Literal["header", "json", "body"]
    """A header, a part of a JSON body, or the whole body."""
    where: str = ""
    """The header's name in lower case; the JSON pointer, which stands for all below it too, and in
    which `*` stands for every entry of a list or member of an object."""

    def __str__(self) -> str:
        """Return the rule as the user writes it."""
        return f"{self.kind}:{self.where}" if self.kind != "body" else "body"

    def covers(self, other: "IgnoreRule") -> bool:
        """Say whether what another rule names is covered by this one."""
        if self.kind == "body":
            return other.kind in {"body", "json"}
        if self.kind == "header" or other.kind != "json":
            return self == other
        own, theirs = self.where.split("/"), other.where.split("/")
        return len(own) <= len(theirs) and all(
            one in ("*", another) for one, another in zip(own, theirs, strict=False)
        )


@dataclass(frozen=True)
class CatalogueEntry:
    """One request of the user's."""

    name: str
    """What it is called in results: `GET /orders`."""
    request: HttpRequest
    """The request."""
    hostname: str | None = None
    """The one hostname it is for; None: each of them."""
    ignore: tuple[IgnoreRule, ...] = ()
    """What does not count in its answers."""
    recorded: bool = False
    """Whether it is a recording of a user's session: then every part of it may be a secret."""


@dataclass(frozen=True)
class Catalogue:
    """All the requests, and those that are not sent."""

    entries: tuple[CatalogueEntry, ...] = ()
    """The requests that are sent."""
    left_out: tuple[tuple[str, str], ...] = ()
    """Names of those that are not sent, each with the reason."""


def patient(catalogue: Catalogue, seconds: float) -> Catalogue:
    """Return a catalogue whose requests may take as long, where they may take less."""
    entries = (
        replace(
            entry,
            request=replace(
                entry.request, timeout_seconds=max(seconds, entry.request.timeout_seconds)
            ),
        )
        for entry in catalogue.entries
    )
    return replace(catalogue, entries=tuple(entries))


def root_request() -> HttpRequest:
    """Return a request for the root that no earlier run has sent.

    It is the one request that an edge may answer with a page of its own, a default root object,
    while it passes on everything else, whatever its query string.
    """
    return HttpRequest("GET", f"/?verify={secrets.token_hex(4)}", OWN_HEADERS)


def ignore_rule(text: str) -> IgnoreRule:
    """Read an ignore rule.

    Raises:
        ValueError: It is none; the message says what may be.
    """
    kind, colon, where = text.partition(":")
    if text == "body":
        return IgnoreRule("body")
    if kind == "header" and is_token(where):
        return IgnoreRule("header", where.lower())
    if kind == "json" and colon and (where == "" or where.startswith("/")):
        return IgnoreRule("json", where)
    raise ValueError(
        "it should be header:NAME, json:/POINTER (RFC 6901, stands for all below it too) or body"
    )


def is_token(text: str) -> bool:
    """Say whether text can be a method or a header's name. Source: RFC 9110 section 5.6.2."""
    return bool(text) and all(
        letter.isascii() and (letter.isalnum() or letter in "!#$%&'*+-.^_`|~") for letter in text
    )


def is_target(text: str) -> bool:
    """Say whether text can stand on a request line: a path and a query string, encoded."""
    return text.startswith("/") and all(
        "!" <= letter <= "~" and letter not in '"<>\\^`{|}#' for letter in text
    )


def is_value(text: str) -> bool:
    """Say whether text can be a header's value. Source: RFC 9110 section 5.5."""
    return text == text.strip(" \t") and all(
        letter == "\t" or " " <= letter <= "~" or "\x80" <= letter <= "\xff" for letter in text
    )


def with_own_headers(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return headers with those that every client sends, where they are not among them."""
    given = tuple(headers)
    names = {name.lower() for name, _ in given}
    return (*(pair for pair in OWN_HEADERS if pair[0].lower() not in names), *given)


def merge(catalogues: Iterable[Catalogue]) -> Catalogue:
    """Return several catalogues as one, in which each name stands for one request."""
    entries: list[CatalogueEntry] = []
    left_out: list[tuple[str, str]] = []
    times: dict[str, int] = {}
    for catalogue in catalogues:
        left_out += catalogue.left_out
        for entry in catalogue.entries:
            times[entry.name] = times.get(entry.name, 0) + 1
            count = times[entry.name]
            numbered = f"{entry.name} ({count})" if count > 1 else entry.name
            entries.append(replace(entry, name=numbered))
    return Catalogue(tuple(entries), tuple(left_out))
