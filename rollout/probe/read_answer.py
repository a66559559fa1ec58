"""A request that is sent, and its answer that is being read, with all that frames them."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from rollout.probe.model import (
    FramedAnswer,
    HttpAnswer,
    HttpRequest,
    InformationalAnswer,
    TroubleError,
)

MOST_INFORMATIONAL: Final = 32
"""The most informational answers that are kept: more than any echo sends."""

READ_BYTES: Final = 64 * 1024
"""How much is read at once."""

RawHeaders = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True)
class FramedRequest:
    """A request with all that is sent of it."""

    request: HttpRequest
    """Its method, target, body and timeout."""
    headers: RawHeaders
    """Every header that is sent, with `Host` and the one that frames the body."""
    trailers: RawHeaders = ()
    """What follows a body that is sent in pieces."""


@dataclass
class ReadAnswer:
    """What came of an answer so far."""

    start: float
    """When the request was sent, by the loop's clock."""
    left: int
    """Bytes of the body that may still come."""
    trailers: RawHeaders = ()
    """The fields after the body."""
    _informational: list[InformationalAnswer] = field(default_factory=list[InformationalAnswer])
    _head: tuple[int, RawHeaders, str] | None = None
    _body: list[bytes] = field(default_factory=list[bytes])
    _pieces: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])

    def _seconds(self) -> float:
        return asyncio.get_running_loop().time() - self.start

    def inform(self, status: int, headers: RawHeaders) -> None:
        """Take an informational answer.

        Raises:
            TroubleError: There are more than anybody sends.
        """
        if len(self._informational) == MOST_INFORMATIONAL:
            raise TroubleError(
                "protocol", f"more than {MOST_INFORMATIONAL} informational answers came"
            )
        self._informational.append(InformationalAnswer(status, _texts(headers), self._seconds()))

    def begin(self, status: int, headers: RawHeaders, protocol: str) -> None:
        """Take the head of the answer itself."""
        self._head = (status, headers, protocol)

    def take(self, piece: bytes) -> None:
        """Take a piece of the body.

        Raises:
            TroubleError: There is no answer that it is of, or it is longer than what is read.
        """
        if self._head is None:
            raise self._without_head("a body")
        self._pieces.append((self._seconds(), len(piece)))
        self._body.append(piece)
        self.left -= len(piece)
        if self.left < 0:
            raise TroubleError("protocol", "the body is longer than what is read")

    def end(self) -> None:
        """Note that nothing more comes.

        Raises:
            TroubleError: No answer came.
        """
        if self._head is None:
            raise self._without_head("the end")

    def _without_head(self, what: str) -> TroubleError:
        last = self._informational[-1].status if self._informational else "no answer"
        return TroubleError("protocol", f"{what} follows {last}, as if that were the answer")

    def whole(self) -> FramedAnswer:
        """Return the answer, which was read to its end.

        Raises:
            TroubleError: No answer came.
        """
        if self._head is None:
            raise self._without_head("the end")
        status, headers, protocol = self._head
        answer = HttpAnswer(
            status=status,
            headers=_texts(headers),
            body=b"".join(self._body),
            protocol=protocol,
            seconds=self._seconds(),
            pieces=tuple(self._pieces),
        )
        return FramedAnswer(answer, tuple(self._informational), _texts(self.trailers))


def _texts(headers: Iterable[tuple[bytes, bytes]]) -> tuple[tuple[str, str], ...]:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)
