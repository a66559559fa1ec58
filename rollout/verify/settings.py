"""What the user asks of a run, and what is wrong with it."""

import math
import os
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from pathlib import Path
from typing import Final

from components.faults import Fault, shown
from rollout.edge import Source
from rollout.requests.catalogue import is_target
from rollout.verify.check import LARGEST_BYTES, VerifyOptions
from rollout.verify.stopping import MOST_SECONDS

RATE: Final = 50.0
"""Requests started per second by default. The API has users, and its direct path over IPv6 may be
one small proxy; each request is a connection with a handshake of its own. One hostname costs just
under 1,000 of them, so two take about 40 s."""

MOST_SLOWEST_SECONDS: Final = 600.0
"""The longest wait that an echo has to offer. Source: docs/echo.md."""

BUDGET: Final = 3000
"""Requests that the user's own requests may cost by default: a minute at the rate above."""

DEFAULT: Final = "Leave it out for the default."


@dataclass(frozen=True)
class RequestFiles:
    """The files with the user's own requests, and what does not count in their answers."""

    requests: str | None = None
    """A file of requests, YAML or JSON."""
    openapi: str | None = None
    """An OpenAPI document."""
    har: str | None = None
    """A recording, HAR."""
    ignore: tuple[str, ...] = ()
    """Ignore rules, as the user writes them."""

    def __bool__(self) -> bool:
        """Say whether there is a file."""
        return bool(self.requests or self.openapi or self.har)


@dataclass(frozen=True)
class VerifySettings:
    """Everything that the user sets for a run."""

    source: Source
    """Where the target is named."""
    options: VerifyOptions
    """How to verify."""
    files: RequestFiles = field(default_factory=RequestFiles)
    """The user's own requests."""
    only: tuple[str, ...] = ()
    """Checks to run, or beginnings of their names; none: all."""
    junit: Path | None = None
    """File to write JUnit XML to."""
    time_limit_seconds: float | None = None
    """When to end with a report on what there is by then, seconds; None: never."""
    whole: bool = False
    """Whether the report lists every check and every observation."""

    @property
    def usable_time_limit(self) -> float | None:
        """The time limit, if it is one."""
        limit = self.time_limit_seconds
        return limit if limit is not None and 0 < limit <= MOST_SECONDS else None

    def faults(self) -> list[Fault]:
        """Return what is wrong with options that stand alone."""
        options = self.options
        rows = (
            (
                options.echo is not None and not _is_echo_path(options.echo),
                Fault(
                    "--echo",
                    shown(options.echo),
                    "it should be a path that begins with /, without one at its end and without a "
                    "query string",
                    "Give the path that the API echoes below, such as /echo.",
                ),
            ),
            (
                not 0 < options.rate < math.inf,
                Fault(
                    "--rate",
                    shown(options.rate),
                    "it should be a number above 0, per second",
                    DEFAULT,
                ),
            ),
            (
                options.concurrency < 1,
                Fault(
                    "--concurrency", shown(options.concurrency), "it should be 1 or more", DEFAULT
                ),
            ),
            (
                options.dns_queries < 1,
                Fault(
                    "--dns-queries", shown(options.dns_queries), "it should be 1 or more", DEFAULT
                ),
            ),
            (
                not 0 <= options.slowest_seconds <= MOST_SLOWEST_SECONDS,
                Fault(
                    "--slowest",
                    shown(options.slowest_seconds),
                    f"it should be from 0 to {MOST_SLOWEST_SECONDS:g} seconds",
                    DEFAULT,
                ),
            ),
            (
                options.budget < 1,
                Fault("--budget", shown(options.budget), "it should be 1 or more", DEFAULT),
            ),
            (
                not 0 <= options.largest_bytes <= LARGEST_BYTES,
                Fault(
                    "--largest",
                    shown(options.largest_bytes),
                    f"it should be from 0 to {LARGEST_BYTES} bytes",
                    DEFAULT,
                ),
            ),
            (
                not 0 < options.share_tolerance < 1,
                Fault(
                    "--share-tolerance",
                    shown(options.share_tolerance),
                    "it should be between 0 and 1",
                    DEFAULT,
                ),
            ),
        )
        return [
            *(fault for is_wrong, fault in rows if is_wrong),
            *self._proxy_source_faults(),
            *self._time_limit_faults(),
            *self._file_faults(),
        ]

    def _proxy_source_faults(self) -> list[Fault]:
        faults: list[Fault] = []
        for text in self.options.proxy_sources:
            try:
                IPv4Network(text)
            except ValueError:
                allowed = "it should be an IPv4 address, or a network such as 192.0.2.0/28"
                remedy = "Give the IPv4 address of a proxy's droplet."
                faults.append(Fault("--proxy-source", shown(text), allowed, remedy))
        return faults

    def _time_limit_faults(self) -> list[Fault]:
        if self.time_limit_seconds == self.usable_time_limit:
            return []
        allowed = f"it should be above 0 and at most {MOST_SECONDS:g} seconds"
        remedy = "Leave it out for no limit."
        return [Fault("--time-limit", shown(self.time_limit_seconds), allowed, remedy)]

    def _file_faults(self) -> list[Fault]:
        faults: list[Fault] = []
        ca, junit = self.options.ca, self.junit
        if ca is not None and not os.access(ca, os.R_OK):
            allowed = "it should be a PEM file that can be read"
            remedy = "Leave it out to trust whom the system trusts."
            faults.append(Fault("--ca", shown(ca), allowed, remedy))
        if junit is not None and not _is_writable(junit):
            allowed = "it should be a file that can be written, in a folder that exists"
            remedy = "Make the folder, or name another file."
            faults.append(Fault("--junit", shown(str(junit)), allowed, remedy))
        return faults


def _is_echo_path(text: str) -> bool:
    return is_target(text) and "?" not in text and not text.endswith("/")


def _is_writable(file: Path) -> bool:
    return not file.is_dir() and os.access(file if file.exists() else file.parent, os.W_OK)
