"""Proxies and hostnames that leave: out of the answers first, and gone when no answer has them.

**Why that takes time.** What a program no longer registers, the engine deletes when the program has
ended: a record, and some seconds later the address that was in it. But resolvers keep the answer
for the record's TTL, and DigitalOcean may give the address to another customer meanwhile.

**What is done.** The zone tells which proxies answers lead to. Where the settings have no pool any
more, the traffic records leave the group in this deployment, and the program waits for a TTL after
that before it ends. A proxy that leaves a pool which stays takes two deployments, because its own
record can only go together with its address: in the first it keeps everything but its weight, which
becomes 0; in the next, the program waits for a TTL and the engine deletes it. A hostname, whose
records are gone by then, leaves the distribution in its second deployment after a TTL, too; see
`components/lookups/leaving_names.py`.

**Why no hook before the deletion.** The state would remember the hook. A plain `pulumi destroy`
does not run the program, so nobody would register it, and the deletion would fail. (Source: pulumi,
`pkg/resource/deploy`, resource hooks: 'hook not registered'.)
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pulumi
import pulumi.runtime

from components.facts import PROXY_LABEL
from components.lookups import ZoneRecord, led_to_proxies
from components.proxy.upgrades import MOST_NODES_PER_REGION, REGIONS


@dataclass(frozen=True)
class Departure:
    """What has to happen to proxies that answers lead to and the settings no longer have."""

    leaving: tuple[str, ...] = ()
    """Ids of those that lose their weight in this deployment, and nothing else."""
    hold_seconds: int = 0
    """How long answers live that lead to those which this deployment deletes; 0: there are none."""


NOBODY: Final = Departure()


_NODE: Final = re.compile(rf"({'|'.join(REGIONS)})-[1-{MOST_NODES_PER_REGION}]")


def departure(
    hostnames: Sequence[str], nodes: Collection[str], records: Iterable[ZoneRecord]
) -> Departure:
    """Compare the proxies that answers lead to with those of the settings.

    Args:
        hostnames: The names of the edge, in order, also those that leave.
        nodes: Ids of the proxies that the settings have; empty where there is no pool.
        records: What the zone has.
    """
    records = [record for record in records if record.type == "AAAA"]
    # Under the first hostname, or under one that was the first when the records were made.
    groups = {f"{PROXY_LABEL}.{hostname}" for hostname in hostnames}
    groups |= {record.alias_of for record in records if record.name in hostnames}
    gone = [
        record
        for record in records
        if record.name in groups
        and not record.alias_of
        and record.set_identifier not in nodes
        and _NODE.fullmatch(record.set_identifier)
    ]
    leaving = [record for record in gone if nodes and record.weight]
    deleted = [record for record in gone if record not in leaving]
    return Departure(
        tuple(dict.fromkeys(record.set_identifier for record in leaving)),
        max((record.ttl_seconds for record in deleted), default=0),
    )


def group_of_proxies(
    hostnames: Sequence[str], leaving: Collection[str], records: Iterable[ZoneRecord]
) -> str:
    """Return the name that the proxies' records have.

    It begins with `_proxy.` and goes on with the first hostname. But while a hostname leaves whose
    record leads to a group of another name, that group stays as it is: its records would be deleted
    at the same time as the record that leads there. The next deployment gives it the new name.

    Args:
        hostnames: The names of the settings, in order.
        leaving: The names that leave.
        records: What the zone has.
    """
    led_to = (
        record.alias_of
        for record in records
        if record.type == "AAAA" and record.name in leaving and led_to_proxies(record)
    )
    return next(led_to, f"{PROXY_LABEL}.{hostnames[0]}")


def hold(
    seconds: int,
    leading: str,
    changed: Sequence[pulumi.Resource],
    say: Callable[[str], None],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> pulumi.Output[None]:
    """Return when answers have died that lead to what goes away now; the program ends no earlier.

    In a preview nothing goes, and nothing waits.

    Args:
        seconds: How long they live; 0: nothing is held.
        leading: Where they lead, for the user.
        changed: The records that no longer give those answers, once they are registered.
        say: Tells the user.
        sleep: Lets seconds go by.
    """

    async def wait(_: Any) -> None:
        if seconds == 0 or pulumi.runtime.is_dry_run():
            return
        say(f"Answers that lead {leading} live for {seconds} s more. Waiting for that long.")
        await sleep(seconds)

    return pulumi.Output.all(*(resource.urn for resource in changed)).apply(wait)
