"""What CloudFront does not let through of a request, or hardly does. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from rollout.probe.model import HttpRequest

URL_BYTES: Final = 8192
"""Longest URL. Source: CloudFront Developer Guide, 'Quotas'."""

REQUEST_BYTES: Final = 20_480
"""Most bytes of request line and headers together. Source: as above."""

NEAR: Final = 0.9
"""Part of a limit above which a size is near it: cookies and query strings grow."""

METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"})
"""Methods that a distribution can allow. Source: CloudFront API, 'AllowedMethods'."""

TAKEN_OUT: Final = frozenset({"x-http-method-override", "x-real-ip"})
"""Headers of clients that the origin does not get through CloudFront. Source: CloudFront Developer
Guide, 'HTTP request headers and CloudFront behavior'."""

_LONGEST_PATH: Final = 60
"""Characters of a path that the evidence shows."""


@dataclass(frozen=True)
class Hazard:
    """Something about a request that CloudFront refuses, or soon will."""

    text: str
    """The hazard, in one line."""
    certain: bool
    """Whether it is refused as it is; False: it is near a limit."""

    def __str__(self) -> str:
        """Return the text."""
        return self.text


def request_hazards(requests: Iterable[HttpRequest]) -> list[Hazard]:
    """Return what CloudFront refuses, or is near to refusing, of some requests.

    Source: CloudFront Developer Guide, 'Request and response behavior for custom origins' and
    'Quotas'.

    Args:
        requests: The requests, as they are sent.
    """
    hazards: list[Hazard] = []
    for request in requests:
        path = request.target.partition("?")[0]
        shortened = path if len(path) <= _LONGEST_PATH else f"{path[: _LONGEST_PATH - 1]}…"
        what = f"{request.method} {shortened}"
        if request.method == "GET" and request.body:
            hazards.append(Hazard(f"{what} has a body; CloudFront answers 403", certain=True))
        if request.method not in METHODS:
            allowed = ", ".join(sorted(METHODS))
            text = f"{what} has a method that no distribution passes on; {allowed} are"
            hazards.append(Hazard(text, certain=True))
        for name, _ in request.headers:
            if name.lower() in TAKEN_OUT:
                text = f"{what} has {name}, which CloudFront takes out"
                hazards.append(Hazard(text, certain=True))
        url = len(request.target.encode())
        hazards += _size(what, "a URL", url, URL_BYTES)
        line = len(f"{request.method} {request.target} HTTP/1.1\r\n".encode())
        headers = sum(len(f"{name}: {value}\r\n".encode()) for name, value in request.headers)
        hazards += _size(what, "a request line and headers", line + headers, REQUEST_BYTES)
    return hazards


def _size(what: str, part: str, size: int, limit: int) -> list[Hazard]:
    if size <= NEAR * limit:
        return []
    over = size > limit
    then = "CloudFront refuses it" if over else "it is near CloudFront's limit"
    text = f"{what} has {part} of {size} bytes; {then}, {limit} are allowed"
    return [Hazard(text, certain=over)]
