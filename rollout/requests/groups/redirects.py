"""Redirects: each status, with every form that a Location may have."""

from typing import Final

from rollout.requests.kind_group import KindGroup
from rollout.requests.request_kinds import REDIRECTS, RequestKind, answer_header

QUERY: Final = "?next=%2Fa&b=1&b=2"
"""A query of the request: nobody may add it to the Location, or take it away from the request."""

OF_EACH_STATUS: Final = (
    "https://{hostname}/a?b=c",
    "http://{hostname}/a",
    "/a/b?c=d%2Fe#f",
)
"""Locations that are tried with each status. A proxy that rewrites redirects rewrites those of its
own names. Source: nginx, `proxy_redirect`, on by default."""

ONCE: Final = (
    "https://{direct}/a",
    "http://{direct}/a",
    "https://{hostname}:443/a",
    "http://{hostname}:8080/a",
    "//{hostname}/a",
    "a",
    "./a/../b",
    "?only=query",
    "#only-fragment",
    "https://elsewhere.example/%C3%A9?x=%20&y=+",
    "https://elsewhere.example",
    "app.example:/callback?code=1",
)
"""Locations that are tried once: absolute and relative ones (RFC 3986, 4.2), and an app's own."""

METHODS: Final = ("HEAD", "PUT", "DELETE", "OPTIONS", "POST")
"""Methods whose requests are redirected too."""

GROUP: Final = KindGroup(
    "redirect-locations",
    (
        *(
            RequestKind(
                f"redirect-{status} to {location}",
                directives=(("status", str(status)), answer_header("Location", location)),
                query=QUERY,
                status=status,
            )
            for status in REDIRECTS
            for location in OF_EACH_STATUS
        ),
        *(
            RequestKind(
                f"redirect-302 to {location}",
                directives=(("status", "302"), answer_header("Location", location)),
                status=302,
            )
            for location in ONCE
        ),
        *(
            RequestKind(
                f"redirect-{status} of {method}",
                method,
                directives=(("status", str(status)), answer_header("Location", OF_EACH_STATUS[1])),
                query=QUERY,
                status=status,
            )
            for method, status in zip(METHODS, REDIRECTS, strict=True)
        ),
    ),
    "each kind of redirect with absolute and relative Locations",
)
