"""Why a request has no answer: an error of the connection as a kind of trouble and a reason."""

import errno
import ssl
from collections.abc import Iterator, Sequence
from typing import Final, cast

import httpcore

from rollout.probe.model import HttpRequest, TroubleError, TroubleKind
from rollout.probe.pinned import ConnectionProgress

_CERTIFICATE_FAULTS: Final = {
    9: "the certificate is not valid yet",
    10: "the certificate has expired",
    18: "the certificate is signed by itself and not trusted",
    19: "the certificate's issuer is not trusted",
    20: "the certificate's issuer is not trusted",
    21: "the certificate's issuer is not trusted; the chain may be incomplete",
    62: "the certificate names something else",
    64: "the certificate names something else",
}
"""What verification found. Source: OpenSSL, X509_V_ERR_* in openssl/x509_vfy.h."""

_NO_ROUTE: Final = frozenset(
    {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.ENETDOWN, errno.EHOSTDOWN}
)

_NO_TLS_FAULT: Final = (
    ssl.SSLEOFError,  # the connection ended
    ssl.SSLZeroReturnError,  # it was closed
    ssl.SSLWantReadError,  # it was being waited for
    ssl.SSLWantWriteError,
)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and all that caused it, those in groups too."""
    seen: set[int] = set()
    waiting: list[BaseException] = [error]
    while waiting:
        each = waiting.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        if isinstance(each, BaseExceptionGroup):
            waiting += cast("BaseExceptionGroup[BaseException]", each).exceptions
        waiting += [cause for cause in (each.__cause__, each.__context__) if cause is not None]


def trouble_of(
    error: BaseException, progress: ConnectionProgress, request: HttpRequest
) -> TroubleError:
    """Return what kind of trouble an error is, and the reason in one line."""
    kind, reason = _kind_and_reason(list(_causes(error)), progress, request.timeout_seconds)
    return TroubleError(kind, " ".join(reason.split()))


def _kind_and_reason(
    causes: Sequence[BaseException], progress: ConnectionProgress, timeout_seconds: float
) -> tuple[TroubleKind, str]:
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            fault = _CERTIFICATE_FAULTS.get(cause.verify_code, "the certificate is not valid")
            return "certificate", f"{fault} ({cause.verify_message})"
    if isinstance(causes[0], TimeoutError):
        return "timeout", _silence(progress, timeout_seconds)
    if isinstance(causes[0], httpcore.ConnectTimeout):
        return "timeout", _silence(progress, None)
    for cause in causes:
        answer = _from_system(cause, progress)
        if answer:
            return answer
    return _from_protocol(causes[0], progress)


def _silence(progress: ConnectionProgress, timeout_seconds: float | None) -> str:
    waited = "in time" if timeout_seconds is None else f"within {timeout_seconds:g} s"
    if progress.stage == "connect":
        return f"no connection {waited}"
    if progress.stage == "opening":
        return f"no WebSocket {waited}"
    if progress.stage == "handshake":
        return f"connected, and no TLS handshake {waited}"
    if progress.received:
        return f"no whole answer {waited}; {progress.received} bytes came"
    return f"connected, and no answer {waited}"


def _from_system(
    cause: BaseException, progress: ConnectionProgress
) -> tuple[TroubleKind, str] | None:
    """Return what the system reports of a connection; None: nothing of use."""
    if isinstance(cause, ConnectionRefusedError):
        return "refused", "the connection is refused"
    if isinstance(cause, ssl.SSLError) and not isinstance(cause, _NO_TLS_FAULT):
        alert: str | None = cause.reason
        return "tls", f"TLS failed: {(alert or str(cause)).lower().replace('_', ' ')}"
    if isinstance(cause, OSError) and cause.errno in _NO_ROUTE:
        return "unreachable", f"no way there: {(cause.strerror or str(cause)).lower()}"
    if isinstance(cause, OSError) and cause.errno == errno.ETIMEDOUT:
        return "timeout", "no connection until the system gave up"
    if isinstance(cause, OSError) and progress.stage == "connect" and cause.errno:
        return "unreachable", f"no connection: {(cause.strerror or str(cause)).lower()}"
    return None


def _from_protocol(error: BaseException, progress: ConnectionProgress) -> tuple[TroubleKind, str]:
    """Return what is wrong with the received bytes, or that no more came."""
    event = error.args[0] if error.args else None
    if type(event).__name__ in ("StreamReset", "ConnectionTerminated"):
        code: object = getattr(event, "error_code", None)
        return "reset", f"the HTTP/2 stream was ended with {getattr(code, 'name', code)}"
    if isinstance(error, httpcore.LocalProtocolError):
        return "protocol", f"it cannot be sent: {error}"
    if isinstance(error, httpcore.ProtocolError) and not progress.ended:
        return "protocol", f"what came is not HTTP: {error}"
    if progress.stage == "connect":
        return "unreachable", f"no connection: {error}"
    if progress.stage == "handshake":
        reason = "connected, and the connection ended in the TLS handshake"
    elif progress.received:
        reason = f"the connection ended {progress.received} bytes into the answer"
    else:
        reason = "the connection ended without an answer"
    return "reset", reason
