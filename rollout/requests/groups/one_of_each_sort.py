"""A request of each sort: what is tried where the whole catalogue would be too much."""

from typing import Final

from rollout.requests.kind_group import KindGroup
from rollout.requests.request_kinds import KINDS

_NAMES: Final = (
    *("method-get", "method-head", "method-options", "method-post", "method-put", "method-patch"),
    *("method-delete", "headers-ordinary", "headers-custom", "headers-conditional"),
    *("headers-authorization", "headers-forwarding", "cookies-one-header", "query-odd"),
    *("query-encoded", "path-encoded-slash", "body-binary", "body-chunked", "status-404"),
    *("status-503", "redirect-302", "redirect-308", "redirect-relative", "answer-headers"),
    *("answer-chunked", "encoding-gzip", "encoding-none"),
)

_CHOSEN: Final = tuple(kind for kind in KINDS if kind.name in _NAMES)

ONE_OF_EACH_SORT: Final = KindGroup(
    "one-of-each-sort",
    _CHOSEN,
    f"{len(_CHOSEN)} kinds of requests were received as they were sent, and answered alike",
)
"""Methods, headers, cookies, queries, paths, bodies, statuses, redirects and codings."""
