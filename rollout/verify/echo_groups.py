"""Groups of kinds in echo mode: one connection for all of them on each lane, and one line each.

What direct itself refuses is nothing that a client of the API has today, so no way can take it
away: it passes, and is named. Where many things are tried at once a refusal does not say which of
them is refused, so that is 'cannot tell'; so it is where the origin does not know how to answer.
"""

import asyncio
import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final, cast

from rollout.probe.model import (
    Connections,
    HttpAnswer,
    HttpRequest,
    Result,
    TroubleError,
    Way,
    Wire,
)
from rollout.requests.kind_group import KindGroup
from rollout.requests.request_kinds import RequestKind
from rollout.verify.check import NOT_ASKED
from rollout.verify.differences import METHOD_REFUSED
from rollout.verify.echo_host import EchoHost, failed
from rollout.verify.echo_kinds import attempt_of, judge
from rollout.verify.exchange import (
    BASELINE,
    Attempt,
    ask,
    lane_name,
    listed,
    result,
)
from rollout.verify.received import read_echo
from rollout.verify.request_hazards import METHODS

MOST_FAULTS: Final = 3
"""Kinds whose faults the evidence shows; the others are named."""

REFUSALS: Final = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.METHOD_NOT_ALLOWED,
    HTTPStatus.NOT_IMPLEMENTED,
)
"""How CloudFront answers a method that it does not pass on. Source: CloudFront Developer Guide,
HTTP 403 status code; nginx and others answer 405 or 501."""


async def group_on_each_lane(host: EchoHost, group: KindGroup, turn: int) -> list[Result]:
    """Send the kinds of a group on each lane, and return a result for each lane."""
    ways = {lane: host.way(lane, turn) for lane in host.lanes}
    missing = host.missing_baseline(turn)
    if missing is not None:
        return [result(group.name, "unknown", missing, way) for way in ways.values()]
    allowed = [kind for kind in group.kinds if kind.idempotent or host.context.options.unsafe]
    if not allowed:
        reason = f"{NOT_ASKED}none of it is idempotent. Allow such requests to have it asked."
        return [result(group.name, "unknown", reason, way) for way in ways.values()]
    lanes = [lane for lane, way in ways.items() if host.silence(way) is None]
    outcomes = await asyncio.gather(*(_attempts(host, allowed, ways[lane]) for lane in lanes))
    attempts = dict(zip(lanes, outcomes, strict=True))
    return [
        _judged(host, group, allowed, attempts[lane], attempts[BASELINE])
        if lane in attempts
        else result(group.name, "unknown", host.silence(way) or "", way)
        for lane, way in ways.items()
    ]


async def _attempts(host: EchoHost, kinds: Sequence[RequestKind], way: Way) -> list[Attempt]:
    if any(kind.streams for kind in kinds):
        # Pieces are timed, and asked for again where the machine may have read them late.
        return [await attempt_of(host, kind, way) for kind in kinds]
    return await ask_in_turn(host.context.wire, way, [host.request(kind) for kind in kinds])


async def ask_in_turn(wire: Wire, way: Way, requests: Sequence[HttpRequest]) -> list[Attempt]:
    """Send requests one after the other on as few connections as the other side allows."""
    attempts: list[Attempt] = []
    while len(attempts) < len(requests):
        rest = requests[len(attempts) :]
        try:
            answers = await wire.send_in_turn(way, rest) if isinstance(wire, Connections) else ()
        except TroubleError:
            answers = ()
        if not answers:
            # One of them has no answer: each on its own tells which.
            attempts.append(await ask(wire, way, rest[0]))
            continue
        attempts += [
            Attempt(way, request, answer, read_echo(answer))
            for request, answer in zip(rest, answers, strict=False)
        ]
    return attempts


def _judged(
    host: EchoHost,
    group: KindGroup,
    kinds: Sequence[RequestKind],
    attempts: Sequence[Attempt],
    baselines: Sequence[Attempt],
) -> Result:
    """Return what the attempts of a group on one way come to."""
    faults: list[tuple[str, str]] = []
    unclear: list[str] = []
    refused: list[str] = []
    accepted: set[str] = set()
    way = attempts[0].way
    for kind, attempt, baseline in zip(kinds, attempts, baselines, strict=True):
        if not kind.batch and _refuses(baseline):
            refused.append(kind.name)
            continue
        if _is_of_cloudfront(kind, attempt, baseline):
            accepted.add(METHOD_REFUSED)
            continue
        each = judge(host, kind, attempt, baseline)
        accepted.update(each.accepted)
        if each.verdict == "fail":
            faults.append((kind.name, each.evidence.removesuffix(f" (at {way.address})")))
        elif each.verdict == "unknown":
            unclear.append(f"{kind.name}: {each.evidence}")
    names = tuple(sorted(accepted))
    if faults:
        shown = [f"{kind}: {fault}" for kind, fault in faults[:MOST_FAULTS]]
        others = ", ".join(kind for kind, _ in faults[MOST_FAULTS:])
        shown += [f"and as well {others}"] * bool(others)
        return failed(group.name, shown, way, accepted=names)
    if unclear or len(refused) == len(kinds):
        evidence = listed(unclear) or f"{lane_name(BASELINE)} refuses all of it"
        return result(group.name, "unknown", evidence, way, accepted=names)
    left_out = f"; {lane_name(BASELINE)} itself refuses {listed(refused)}" if refused else ""
    return result(group.name, "pass", f"{group.covers}{left_out}", way, accepted=names)


def _refuses(baseline: Attempt) -> bool:
    """Say whether direct over IPv4 answers without the origin, so that nobody has it today."""
    answer = baseline.outcome
    if not isinstance(answer, HttpAnswer) or baseline.received is not None:
        return False
    return answer.status >= HTTPStatus.BAD_REQUEST and not is_of_the_echo(answer)


def is_of_the_echo(answer: HttpAnswer) -> bool:
    """Say whether it is the echo that refuses: it does not know how to answer so."""
    try:
        body: Any = json.loads(answer.body)
    except ValueError:
        return False
    return isinstance(body, dict) and {"id", "error"} <= cast("dict[str, Any]", body).keys()


def _is_of_cloudfront(kind: RequestKind, attempt: Attempt, baseline: Attempt) -> bool:
    """Say whether CloudFront answers a method for itself that no distribution can allow."""
    return (
        attempt.way.path == "cdn"
        and kind.method not in METHODS
        and baseline.received is not None
        and attempt.received is None
        and isinstance(attempt.outcome, HttpAnswer)
        and attempt.outcome.status in REFUSALS
    )
