"""The registered statuses and methods that have no kind of their own, and some of nobody's."""

from collections.abc import Mapping
from typing import Final

from rollout.requests.kind_group import KindGroup
from rollout.requests.registries import METHODS, STATUS_CODES
from rollout.requests.request_kinds import KINDS, RequestKind

UNREGISTERED_STATUSES: Final = (218, 299, 399, 420, 444, 460, 499, 520, 599)
"""Statuses that nobody registered and that are in use, and the ends of the classes: a client takes
one for the first of its class (RFC 9110, 15), a proxy may take it for a fault."""

STATUSES_APART: Final[Mapping[int, str]] = {206: "a part; ranges have kinds of their own"}
"""Statuses that are not asked for by themselves, each with the reason."""

_OWN_KINDS: Final = {kind.status for kind in KINDS}

STATUSES: Final = KindGroup(
    "status-registered",
    tuple(
        RequestKind(f"status-{status}", directives=(("status", str(status)),), status=status)
        for status in (*STATUS_CODES, *UNREGISTERED_STATUSES)
        if status not in _OWN_KINDS and status not in STATUSES_APART
    ),
    "every other registered status, and some that nobody registered",
)

METHODS_APART: Final[Mapping[str, str]] = {
    "CONNECT": "it asks a proxy for a tunnel",
    "PRI": "it is the preface of HTTP/2",
    "TRACE": "load balancers refuse it",
}
"""Methods that are never sent, each with the reason."""

_OWN_METHODS: Final = {kind.method for kind in KINDS}

METHODS_REGISTERED: Final = KindGroup(
    "method-registered",
    tuple(
        RequestKind(f"method-{method.name.lower()}", method.name)
        for method in METHODS
        if method.name not in METHODS_APART and method.name not in _OWN_METHODS
    ),
    "every other registered method",
)
