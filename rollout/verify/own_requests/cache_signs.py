"""What answers say of themselves about caches. Pure.

No list of headers is complete, so a header counts by its name and its words: one with `cache` in
its name that says `hit`, as the many `X-…-Cache` do. The others are those that say it in a form of
their own.

Sources: RFC 9111 section 5.1 (`Age`); RFC 9211 (`Cache-Status`); CloudFront Developer Guide,
'Response headers' (`X-Cache`); nginx, ngx_http_upstream_module, `$upstream_cache_status`; Varnish,
builtin.vcl (`X-Varnish`); Fastly, 'X-Cache-Hits'; Cloudflare, 'Cloudflare cache responses'; Akamai,
'Pragma headers' (`TCP_HIT`); Apache Traffic Server, 'Via' codes.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Final

from rollout.probe.model import HttpAnswer

_NOT_ABOUT_ONE_ANSWER: Final = re.compile(r"control|tags?$|keys?$|expires|policy|ttl|vary|channel")
"""Part of the name of a header that has `cache` in it and speaks of rules, not of this answer."""

_HIT: Final = re.compile(
    r"(?<![a-z0-9])(?:[a-z]+_)*(?:refresh[-_ ]?|remote[-_ ]?)?hit(?![a-z0-9]|[-_ ]for)"
    r"|(?<![a-z])(?:stale|updating|revalidated)(?![a-z])",
    re.IGNORECASE,
)
"""Words for an answer that was kept. Varnish's `hit-for-pass` and `hit-for-miss` are none."""

_MEMBER_HIT: Final = re.compile(
    r";\s*(hit|collapsed)(?!\s*=\s*\?0)(?![\w-])|;\s*fwd-status\s*=\s*304"
)

_TRAFFIC_SERVER: Final = re.compile(r"\[[^\]]*c[HRS]", re.ASCII)


def says_kept(answer: HttpAnswer) -> str | None:
    """Return the first header that says an answer was kept, with its value; None: none does."""
    return next((f"{name}: {value}" for name, value in claims(answer)), None)


def claims(answer: HttpAnswer) -> Iterator[tuple[str, str]]:
    """Yield each header that says an answer was kept, with its value."""
    for name, value in answer.headers:
        if _claims(name.lower(), value.strip()):
            yield name, value.strip()


def _counts(value: str) -> bool:
    return any(item.strip().isdigit() and int(item) > 0 for item in value.split(","))


_OWN_FORMS: Final[Mapping[str, Callable[[str], bool]]] = {
    "age": _counts,
    "cache-status": lambda value: _MEMBER_HIT.search(value) is not None,
    "x-varnish": lambda value: len(value.split()) > 1,
    "x-cache-hits": _counts,
    "via": lambda value: "trafficserver" in value.lower() and bool(_TRAFFIC_SERVER.search(value)),
    "server-timing": lambda value: "cache" in value.lower() and _HIT.search(value) is not None,
    "warning": lambda value: value.startswith(("110", "111")),
    "x-rack-cache": lambda value: value.lower().startswith("fresh"),
}
"""Headers that say it in a form of their own, in lower case, each with what reads it."""


def _claims(name: str, value: str) -> bool:
    reads = _OWN_FORMS.get(name)
    if reads is not None:
        return reads(value)
    about_caches = "cache" in name and _NOT_ABOUT_ONE_ANSWER.search(name) is None
    return about_caches and _HIT.search(value) is not None


def moment(answer: HttpAnswer) -> float | None:
    """Return when an answer was made, as its `Date` says; None: it does not say."""
    try:
        return parsedate_to_datetime(answer.header("Date") or "").timestamp()
    except ValueError:
        return None
