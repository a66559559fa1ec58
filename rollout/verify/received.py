"""A request as it was sent, and as the origin received it: the echo. Pure."""

import base64
import binascii
import json
import zlib
from dataclasses import dataclass, field
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rollout.probe.model import HttpAnswer, Scheme

LONGEST_ECHO: Final = 2**22
"""Bytes that a compressed echo may grow to: many times what the largest echo takes."""


class ReceivedBody(BaseModel):
    """The body, as the origin received it."""

    model_config = ConfigDict(frozen=True)

    length: int
    sha256: str


class ReceivedRequest(BaseModel):
    """A request, as the origin received it; docs/echo.md describes it."""

    model_config = ConfigDict(frozen=True)

    id: Annotated[str, Field(min_length=1)]
    method: str
    target: str
    protocol: str
    scheme: str
    headers: Annotated[tuple[tuple[str, str], ...], Field(repr=False)]
    body: ReceivedBody
    trailers: Annotated[tuple[tuple[str, str], ...] | None, Field(repr=False)] = None
    """Fields after the body; None: this origin does not tell them."""


@dataclass(frozen=True)
class SentRequest:
    """A request, as it went onto the wire."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    """All headers, with `Host` and those of the body."""
    body: bytes = field(default=b"", repr=False)
    protocol: str = "HTTP/1.1"
    """The protocol of the connection, `HTTP/1.1` or `HTTP/2`."""
    scheme: Scheme = "https"
    """Whether TLS was spoken."""


def read_echo(answer: HttpAnswer) -> ReceivedRequest | None:
    """Return the echo in an answer, from its header `X-Echo` or its body; None: there is none."""
    text = answer.header("X-Echo")
    try:
        if text is not None:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        else:
            raw = _decoded(answer)
        return ReceivedRequest.model_validate(json.loads(raw))
    except (ValueError, binascii.Error, zlib.error, ValidationError, RecursionError):
        return None


def _decoded(answer: HttpAnswer) -> bytes:
    coding = (answer.header("Content-Encoding") or "").lower()
    if coding in ("gzip", "x-gzip"):
        unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
        body = unpacker.decompress(answer.body, LONGEST_ECHO)
        if not unpacker.eof:
            raise ValueError("it is cut, or grows past what an echo takes")
        return body
    return answer.body
