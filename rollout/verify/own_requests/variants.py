"""What else a request is sent as, to see whether its answer is given to others. Pure.

A cache that is keyed by too little gives a user's answer to another user, or to another question.
Only GET and HEAD are sent otherwise than they are: without their credentials, or with a cookie that
nobody reads where they have none; without their query string, or with a parameter that nobody reads
where they have none. Whatever the API answers to that on direct, it has to be answered on cdn too.
"""

import secrets
from dataclasses import dataclass, replace
from typing import Final

from rollout.probe.model import SECRET_HEADERS, HttpRequest

NAME: Final = "dualstack-verify"
"""Name of the cookie and of the parameter that are added."""


@dataclass(frozen=True)
class Variant:
    """A request that is sent besides the user's own."""

    label: str
    """How it differs from it."""
    request: HttpRequest
    """The request."""


def variants_of(request: HttpRequest) -> tuple[Variant, ...]:
    """Return what else a request may be sent as without harm."""
    if request.method not in ("GET", "HEAD") or request.body is not None:
        return ()
    token = secrets.token_hex(4)
    kept = tuple(pair for pair in request.headers if pair[0].lower() not in SECRET_HEADERS)
    if kept == request.headers:
        user = Variant(
            "with a cookie of another user",
            replace(request, headers=(*kept, ("Cookie", f"{NAME}={token}"))),
        )
    else:
        user = Variant("without its credentials", replace(request, headers=kept))
    path, question, _ = request.target.partition("?")
    if question:
        query = Variant("without its query string", replace(request, target=path))
    else:
        target = f"{request.target}?{NAME}={token}"
        query = Variant("with another query string", replace(request, target=target))
    return user, query
