"""Several kinds of requests that are sent one after the other on one connection of each way.

Most of what a request costs is its connection: dozens of statuses or redirects on one cost what
two of them cost on connections of their own. The report has one line for all, which names what
differs.
"""

from dataclasses import dataclass

from rollout.requests.request_kinds import RequestKind


@dataclass(frozen=True)
class KindGroup:
    """Kinds that are judged together."""

    name: str
    """Its name, which is the check's."""
    kinds: tuple[RequestKind, ...]
    """The kinds, in the order in which they are sent."""
    covers: str
    """What was tried, as the evidence of a pass says it: `34 more statuses`."""
