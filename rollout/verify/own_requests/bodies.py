"""The headers and bodies of answers, as they are compared. Pure."""

import json
import zlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from rollout.probe.model import HttpAnswer

IGNORED_HEADERS: Final[Mapping[str, str]] = {
    "age": "about caches; the lines `cache …` read it",
    "alt-svc": "an offer of HTTP/3, made by the server that answers",
    "connection": "about one connection, not about the answer (RFC 9110 section 7.6.1)",
    "content-length": "how the body is framed; the body itself is compared",
    "date": "the moment of the answer; the lines `cache …` read it",
    "keep-alive": "about one connection, not about the answer (RFC 9110 section 7.6.1)",
    "transfer-encoding": "how the body is framed; the body itself is compared",
    "upgrade": "about one connection, not about the answer (RFC 9110 section 7.6.1)",
    "via": "CloudFront adds itself",
    "x-amz-cf-id": "CloudFront numbers what passes it",
    "x-amz-cf-pop": "the place that CloudFront answered from",
    "x-cache": "what CloudFront's cache did; the lines `cache …` read it",
}
"""Headers of answers that are never compared, each with the reason.

Source: CloudFront Developer Guide, 'Request and response behavior for custom origins'.
"""

LONGEST_BODY: Final = 64 * 1024 * 1024
"""Bytes that a compressed body may grow to; a longer one is compared as it is."""

CODINGS: Final[Mapping[str, int]] = {"gzip": 31, "x-gzip": 31, "deflate": 15}
"""`wbits` of zlib by content coding. Others, such as `br`, are compared as they are."""

_LINES_OF_JSON: Final = frozenset(
    {"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"}
)


_REMEMBERED: Final = 64
"""Bodies that are remembered taken apart: each is looked at several times. Nobody alters them."""


class JsonNumber(str):
    """A number of JSON, as it is written; a `str` for Python, but no JSON string."""

    __slots__ = ()


def compared_headers(answer: HttpAnswer) -> dict[str, tuple[str, ...]]:
    """Return the headers that are compared, by name in lower case, with their values in order."""
    values: dict[str, tuple[str, ...]] = {}
    for name, value in answer.headers:
        lower = name.lower()
        if lower not in IGNORED_HEADERS:
            values[lower] = (*values.get(lower, ()), value)
    return values


def decoded_body(answer: HttpAnswer) -> bytes:
    """Return a body without its content coding, or as it is where that cannot be undone."""
    coding = (answer.header("content-encoding") or "").strip().lower()
    return _decoded(answer.body, coding) if coding in CODINGS else answer.body


@lru_cache(maxsize=_REMEMBERED)
def _decoded(raw: bytes, coding: str) -> bytes:
    unpacker = zlib.decompressobj(CODINGS[coding])
    try:
        body = unpacker.decompress(raw, LONGEST_BODY)
    except zlib.error:
        return raw
    return body if unpacker.eof and not unpacker.unused_data else raw


def json_body(answer: HttpAnswer, body: bytes) -> tuple[Any] | None:
    """Return the value of a JSON body, in a tuple; None: it is not JSON.

    Numbers are kept as they are written: 1.0 instead of 1 is an alteration. Lines of JSON are a
    list.
    """
    kind = (answer.header("content-type") or "").partition(";")[0].strip().lower()
    if kind in _LINES_OF_JSON:
        lines = [_loaded(line) for line in body.splitlines() if line.strip()]
        return ([line[0] for line in lines if line],) if all(lines) else None
    if kind != "application/json" and not kind.endswith("+json"):
        return None
    return _loaded(body)


@lru_cache(maxsize=_REMEMBERED)
def _loaded(text: bytes) -> tuple[Any] | None:
    try:
        value = json.loads(
            text, parse_int=JsonNumber, parse_float=JsonNumber, parse_constant=JsonNumber
        )
    except (ValueError, RecursionError):
        return None
    return (value,)
