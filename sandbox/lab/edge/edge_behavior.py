"""What a distribution does with a request, as values; from its configuration and nothing else.

CloudFront has two ways to say the same thing: a cache policy with an origin request policy, or the
older `ForwardedValues`. Both become the same few values here, so that what runs an edge knows one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

ERROR_SECONDS: Final = 10
"""How long an error is kept where no custom error response says otherwise. Source: CloudFront
Developer Guide, 'Control how long CloudFront caches errors'."""


@dataclass(frozen=True)
class Choice:
    """Which of a viewer's headers, cookies or query strings are meant."""

    kind: Literal["all", "listed", "unlisted"]
    """All, those in `names`, or all but those in `names`."""
    names: frozenset[str] = frozenset()
    """Names; of headers in lower case."""


NONE: Final = Choice("listed")
ALL: Final = Choice("all")


@dataclass(frozen=True)
class Selection:
    """Headers, cookies and query strings that are meant together."""

    headers: Choice = NONE
    """Headers, without `Cookie`."""
    cookies: Choice = NONE
    """Cookies by name."""
    query_strings: Choice = NONE
    """Query strings by name."""


@dataclass(frozen=True)
class EdgeOrigin:
    """Where requests go."""

    domain_name: str
    """Its name, asked for at run time."""
    path: str
    """What is put before the path of each request; empty or `/…`."""
    scheme: Literal["http", "https", "match-viewer"]
    """Which scheme it is spoken to in."""
    http_port: int
    """Port for HTTP."""
    https_port: int
    """Port for HTTPS."""
    tls_protocols: tuple[str, ...]
    """Versions of TLS it may be spoken to in, as nginx calls them."""
    headers: tuple[tuple[str, str], ...]
    """Headers that are added, or replace the viewer's."""
    connect_attempts: int
    """How often a request is tried that may be tried again."""
    connect_timeout_seconds: int
    """How long one connection may take."""
    read_timeout_seconds: int
    """How long the origin may be silent."""

    def port(self, scheme: str) -> int:
        """Return the port for a scheme."""
        return self.https_port if scheme == "https" else self.http_port

    @property
    def schemes(self) -> tuple[str, ...]:
        """Schemes it may be spoken to in."""
        return ("http", "https") if self.scheme == "match-viewer" else (self.scheme,)


@dataclass(frozen=True)
class EdgeBehavior:
    """What happens to requests of one path pattern."""

    name: str
    """A name of its own on the edge, which stays when other behaviors come and go."""
    distribution: str
    """Id of its distribution."""
    pattern: str | None
    """The path pattern, beginning with a slash; None: every other request."""
    origin: EdgeOrigin
    """Where its requests go."""
    viewer_protocol: Literal["allow-all", "https-only", "redirect-to-https"]
    """What becomes of plain HTTP."""
    methods: frozenset[str]
    """Methods that are let through."""
    key: Selection
    """What is in the cache key besides the distribution and the path."""
    forwarded: tuple[Selection, ...]
    """What reaches the origin: everything that any of them means."""
    added: tuple[str, ...]
    """`CloudFront-…` headers that are added, in lower case."""
    encodings: tuple[str, ...] | None
    """Codings that `Accept-Encoding` is reduced to, part of the key then; None: it is like any
    other header."""
    legacy: bool
    """Whether the older settings are used."""
    compress: bool
    """Whether the edge compresses what the origin did not."""
    min_ttl: int
    """The least time an answer is kept, in seconds, against the origin's word."""
    default_ttl: int
    """How long it is kept where the origin says nothing, in seconds."""
    max_ttl: int
    """The longest the origin can ask for, in seconds."""
    error_ttls: Mapping[int, int]
    """How long errors are kept at least, in seconds by status; 10 for one that is not in here."""
    root_object: str
    """What is asked for in place of `/`; empty: `/` itself."""

    @property
    def cookies_pass(self) -> bool:
        """Whether any cookie reaches the origin; if none does, no `Set-Cookie` comes back."""
        return any(selection.cookies != NONE for selection in self.forwarded)

    @property
    def keeps_something(self) -> bool:
        """Whether there is an answer that would be kept."""
        codes = (404, 414, 500, 501, 502, 503, 504, 400, 403, 405, 412, 415)
        errors = (self.error_ttls.get(code, ERROR_SECONDS) for code in codes)
        return max(self.max_ttl, self.min_ttl, *errors) > 0


@dataclass(frozen=True)
class EdgeSite:
    """A distribution that is served."""

    id: str
    """Its id."""
    name: str
    """Its own name, for which the certificate is always CloudFront's."""
    aliases: tuple[str, ...]
    """Its other names, in lower case."""
    certificate: str
    """ARN of the certificate for those; empty where ACM has none."""
    tls_protocols: tuple[str, ...]
    """Versions of TLS that viewers may speak, as nginx calls them."""
    http2: bool
    """Whether viewers may speak HTTP/2."""
    ipv6: bool
    """Whether it is served over IPv6."""
    behaviors: tuple[EdgeBehavior, ...]
    """Its behaviors in order; the last is the default one."""
    error_pages: tuple[tuple[int, str, int], ...]
    """Status of the origin, path of the page to show for it, status to show it with."""
