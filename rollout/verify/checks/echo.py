"""Echo mode: the whole catalogue on every lane, compared with what was sent and with the baseline.

Where a lane has several addresses the kinds take turns on them. So some kinds meet a node that
differs, and the evidence names its address.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final

from rollout.probe.model import Result
from rollout.requests.groups import GROUPS
from rollout.requests.kind_group import KindGroup
from rollout.requests.request_kinds import KINDS, RequestKind
from rollout.verify.check import Check, CheckContext
from rollout.verify.echo_connections import keep_alive, websocket
from rollout.verify.echo_groups import group_on_each_lane
from rollout.verify.echo_host import open_host
from rollout.verify.echo_kinds import on_each_lane
from rollout.verify.exchange import lanes_of, results_of


async def echo(
    context: CheckContext,
    *,
    kinds: Sequence[RequestKind] = KINDS,
    groups: Sequence[KindGroup] = GROUPS,
) -> AsyncIterator[Result]:
    """Send each kind of the catalogue on each lane, and compare."""
    path = context.options.echo
    if path is None:
        return

    async def on_hostname(hostname: str) -> list[Result]:
        host = await open_host(context, path, lanes_of(context.ways, hostname))
        works = [
            *(on_each_lane(host, kind, turn) for turn, kind in enumerate(kinds)),
            keep_alive(host),
            websocket(host),
            *(group_on_each_lane(host, group, turn) for turn, group in enumerate(groups)),
        ]
        return [each for done in await asyncio.gather(*works) for each in done]

    hostnames = dict.fromkeys(way.hostname for way in context.ways)
    async for each in results_of([on_hostname(hostname) for hostname in hostnames]):
        yield each


CHECKS: Final[tuple[Check, ...]] = (Check("echo", echo, "echo"),)
