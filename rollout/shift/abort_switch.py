"""Everybody back to the old path without Route 53's control plane: by the kill switch.

The object is put with S3 of its own region, and nothing else is asked for a change: no engine, no
plugin, no lock, no DigitalOcean, no API of Route 53 or CloudFront. Route 53's health checkers find
the object, and its servers answer from `direct` alone. What is looked at afterwards is what these
servers answer, as every resolver gets it.

The weights stay as they are, in the zone and in the stack's file. So the object has to stay until
they are 100 and 0: taken away before, everybody comes back.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from components.facts import ALIAS_TTL_SECONDS
from rollout.probe.model import DnsClient
from rollout.shift.drained import (
    EXPECTED_SECONDS,
    LONGEST_SECONDS,
    PAUSE_SECONDS,
    RANGES_URL,
    Drained,
    cloudfront_networks,
    watch_drained,
)
from rollout.shift.switch_object import SwitchObject, SwitchUnclearError, seen

BY_HAND: Final = (
    "Look by hand, many times: dig +short AAAA NAME @SERVER. Addresses in CloudFront's networks "
    "lead to cdn."
)


READINGS: Final = 5
"""How often it is tried to read what was put: a server between may not know it at once."""


@dataclass(frozen=True)
class SwitchedEdge:
    """What is to be drained."""

    hostnames: tuple[str, ...]
    """Names of the API."""
    url: str
    """Address of the kill switch's object."""
    is_locked: bool = False
    """Whether the stack's file has an originLock."""


@dataclass(frozen=True)
class Outside:
    """What the command asks beside S3; a test puts its own in place."""

    dns_client: DnsClient
    """Asks name servers."""
    ranges: Callable[[], str]
    """Returns AWS's published addresses."""
    seen: Callable[[str], str] = seen
    """Returns why a health checker would not take the object for there."""
    clock: Callable[[], float] = time.monotonic
    """Returns a time in seconds."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    """Lets seconds go by."""


class SwitchReport(BaseModel):
    """What `dualstack shift abort --switch` did and saw."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, use_attribute_docstrings=True
    )

    url: str
    """Address of the object."""
    put: bool | None
    """Whether the object was put; null: S3 gave no answer."""
    drained: bool | None
    """Whether no answer of the zone's servers leads to cdn; null: it cannot be told."""
    last_answer_seconds: float | None = None
    """How long after it was put an answer led to cdn for the last time; null: none did."""
    to_do: str | None = None
    """What has to be done by hand for cdn to be drained; null: nothing."""
    to_take_away: str
    """What takes the object away, once the weights are 100 and 0."""
    notes: list[str]
    """What is not as it should be, and what could not be told."""

    @property
    def exit_code(self) -> int:
        """0: drained; 1: answers lead to cdn all the same; 3: it cannot be told."""
        return {True: 0, False: 1, None: 3}[self.drained]


def abort_switch(
    edge: SwitchedEdge, session: Callable[[], Any], watch: Callable[[str], None], outside: Outside
) -> SwitchReport:
    """Put the kill switch's object, and look until no answer leads to cdn.

    Args:
        edge: What is drained.
        session: Returns a boto3 session.
        watch: Is called with a line for each thing that is done.
        outside: What is asked beside S3.

    Raises:
        SwitchError: S3 refused; nothing was put.
    """
    there = SwitchObject(edge.url)
    report = SwitchReport(
        url=edge.url, put=False, drained=None, to_take_away=there.to_take_away, notes=[]
    )
    if edge.is_locked:
        report.notes.append(
            "The stack's file has an originLock: the load balancer may refuse users of the old "
            "path. See that it takes requests without CloudFront's secret, and from any address."
        )
    if there.is_at_s3:
        watch(f"Putting {there.uri} with S3 of {there.region} …")
        try:
            there.put(session())
            report.put = True
        except SwitchUnclearError as error:
            report.put = None
            report.notes.append(f"{error}, so it may be there or not. By hand: {there.to_put}")
    begin = outside.clock()
    problem = asyncio.run(_unseen(edge.url, outside, READINGS if there.is_at_s3 else 1))
    if problem and not there.is_at_s3:
        # Nobody but its owner can put it, so there is nothing to wait for.
        report.to_do = there.to_put
        return report
    if problem:
        report.notes.append(
            f"{problem}. Health checkers need it without credentials: see the policy of the bucket "
            "in docs/recovery.md."
        )
    _look(edge, report, watch, outside, begin)
    return report


async def _unseen(url: str, outside: Outside, readings: int) -> str:
    """Return why a health checker would not take the object for there, after some tries."""
    problem = outside.seen(url)
    for _ in range(readings - 1):
        if not problem:
            break
        await outside.sleep(PAUSE_SECONDS)
        problem = outside.seen(url)
    return problem


def _look(
    edge: SwitchedEdge,
    report: SwitchReport,
    watch: Callable[[str], None],
    outside: Outside,
    begin: float,
) -> None:
    try:
        networks = cloudfront_networks(outside.ranges())
    except (OSError, ValueError) as error:
        report.notes.append(
            f"CloudFront's networks are not known ({' '.join(str(error).split())}), so no answer "
            f"can be judged. Give a copy of {RANGES_URL} by --ip-ranges. {BY_HAND}"
        )
        return
    watch(
        f"No answer should lead to cdn after {EXPECTED_SECONDS:.0f} seconds. Asking the zone's "
        f"servers, for {LONGEST_SECONDS:.0f} seconds at most …"
    )
    drained = asyncio.run(
        watch_drained(
            edge.hostnames,
            networks,
            outside.dns_client,
            lambda: outside.clock() - begin,
            outside.sleep,
        )
    )
    _judge(report, drained)


def _judge(report: SwitchReport, drained: Drained) -> None:
    """Say what the answers of the zone's servers mean."""
    report.last_answer_seconds = drained.last_seconds
    if not drained.open:
        report.drained = True
        if drained.last_seconds is None:
            report.notes.append(
                "No answer led to cdn from the first on: by its weight it may have had none, so "
                "this does not show that the switch works."
            )
        elif drained.last_seconds > EXPECTED_SECONDS:
            report.notes.append(
                f"It took {drained.last_seconds:.0f} seconds, not {EXPECTED_SECONDS:.0f} at most."
            )
        return
    if drained.on_cdn:
        report.drained = False
        names = ", ".join(f"{each.family} of {each.hostname}" for each in drained.on_cdn)
        report.notes.append(
            f"Answers still lead to cdn after {LONGEST_SECONDS:.0f} seconds ({names}). The records "
            "may have no such health check, or another object's; once Route 53's API answers: "
            "dualstack shift abort --direct. Leave the object where it is until then."
        )
    else:
        names = ", ".join(f"{each.family} of {each.hostname}" for each in drained.open)
        report.notes.append(f"Too few answers to tell whether cdn is drained ({names}). {BY_HAND}")
    report.notes += drained.trouble


def switch_words(report: SwitchReport) -> str:
    """Return what was done and seen, for people."""
    rows: list[str] = []
    if report.to_do:
        rows.append(
            "Nothing was put: the object is not at S3, and only its owner can put it. Do this now, "
            f"and run the same command again to see that cdn is drained:\n{report.to_do}"
        )
    elif report.drained:
        last = report.last_answer_seconds
        after = "" if last is None else f" {last:.0f} seconds after the object was put"
        rows.append(f"cdn is drained: the last answer that led there came{after or ' before'}.")
    rows.append(
        "Resolvers and clients keep old answers for their TTL "
        f"({ALIAS_TTL_SECONDS} seconds), some for longer: keep CloudFront reachable."
    )
    rows.append(
        "The object has to stay until the weights are 100 and 0. Once Route 53's API answers, in "
        f"this order:\n    dualstack shift abort --direct\n    {report.to_take_away}"
    )
    return "\n".join(rows)
