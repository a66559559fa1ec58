"""What a check of `dualstack verify` is, and what it is given.

A check is a function from a `CheckContext` to results. It never decides for the whole run and never
prints. For each way it answers one of three things: pass, fail, or cannot tell.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final, Literal

from rollout.probe.model import DnsClient, EdgeTarget, HttpRequest, Result, Way, Wire

SLOWEST_SECONDS: Final = 58.0
"""How long the longest wait is that is tried by default: a little less than load balancers wait.
Source: Elastic Load Balancing guides, connection idle timeout, 60 seconds by default."""


LARGEST_BYTES: Final = 2**25
"""How large the largest body is that is tried by default, 32 MiB: above every usual limit."""


@dataclass(frozen=True)
class VerifyOptions:
    """How to verify."""

    echo: str | None
    """Path below which the origin echoes (`/echo`); None: it does not."""
    unsafe: bool
    """Whether requests that are not idempotent may be sent."""
    rate: float
    """Requests that may be started per second, of all checks together."""
    concurrency: int
    """Requests that may be under way at once."""
    dns_queries: int
    """The most DNS queries that one group of weighted records may cost."""
    share_tolerance: float
    """How far the true share of a path may be from the declared one, 0 to 1."""
    account: bool
    """Whether AWS may be queried, with the credentials of the environment."""
    ca: str | None = None
    """PEM file of the only authorities to trust; None: those of the system, or of the file that
    `SSL_CERT_FILE` names."""
    slowest_seconds: float = SLOWEST_SECONDS
    """How long the longest wait is that is tried; 0: none."""
    budget: int = 3000
    """Requests that the user's own requests may cost, before anything is asked again."""
    largest_bytes: int = LARGEST_BYTES
    """How large the largest body is that is tried; 0: none."""
    proxy_sources: tuple[str, ...] = ()
    """IPv4 addresses, or networks, that the proxies connect from; none: they are not known."""


@dataclass(frozen=True)
class CheckContext:
    """What every check is given."""

    target: EdgeTarget
    """What is verified."""
    ways: tuple[Way, ...]
    """Every way there is, each address once."""
    options: VerifyOptions
    """How to verify."""
    wire: Wire
    """Sends requests."""
    dns_client: DnsClient
    """Queries name servers."""
    requests: tuple[HttpRequest, ...] = ()
    """The user's own requests, in opaque mode."""


NOT_ASKED: Final = "Not asked: "
"""Start of the evidence of what was left out because the user did not allow it."""

CheckNeed = Literal["echo", "no echo", "requests", "account"]
"""What a check needs before it has something to do: an echo path, an API without one, requests of
the user's or an echo path, or permission to query the AWS account."""


@dataclass(frozen=True)
class Check:
    """One check. Each module of checks lists its own in a tuple `CHECKS`."""

    name: str
    """Its name, stable: `--only` and the report use it."""
    run: Callable[[CheckContext], AsyncIterator[Result]]
    """Yields its results."""
    needs: CheckNeed | None = None
    """What it needs; None: nothing beyond its context."""
