"""Which requests are sent to which addresses, within what they may cost. Pure."""

from collections.abc import Mapping, Sequence

from rollout.probe.model import Way
from rollout.probe.sockets import Connector
from rollout.requests.catalogue import CatalogueEntry, IgnoreRule
from rollout.verify.check import CheckContext
from rollout.verify.exchange import BASELINE, Lane
from rollout.verify.own_requests.budget import QuestionSize, allowance
from rollout.verify.own_requests.conversation import AddressesHeard
from rollout.verify.own_requests.question import Question
from rollout.verify.own_requests.variants import variants_of


def questions(
    context: CheckContext,
    pairs: Sequence[tuple[CatalogueEntry, str]],
    ignore: tuple[IgnoreRule, ...],
    *,
    network: Connector,
    pause_seconds: float,
    compares: bool = True,
) -> list[Question]:
    """Return a question for each request to a hostname.

    Args:
        context: What the check is given.
        pairs: Requests, each with the hostname that it goes to.
        ignore: What does not count in any answer.
        network: Tells whether silence may be this machine's own fault.
        pause_seconds: How long each waits before it asks for the last time.
        compares: Whether answers are compared; False: only caches are looked for.
    """
    lanes = {hostname: _lanes(context, hostname) for _, hostname in pairs}
    variants = [variants_of(entry.request) for entry, _ in pairs]
    sizes = [
        QuestionSize(
            tuple(len(ways) for lane, ways in lanes[hostname].items() if lane != BASELINE),
            len(own),
            repeats=bool(own),
        )
        for (_, hostname), own in zip(pairs, variants, strict=True)
    ]
    allowed = allowance(sizes, context.options.budget)
    heard = AddressesHeard()
    return [
        Question(
            context.wire,
            network,
            entry,
            hostname,
            lanes[hostname],
            _chosen(lanes[hostname], turn, allowed.most_addresses),
            own if allowed.with_variants else (),
            bool(own) and not allowed.with_variants,
            bool(own) and allowed.with_variants,
            (*ignore, *entry.ignore),
            pause_seconds,
            compares,
            heard,
        )
        for turn, ((entry, hostname), own) in enumerate(zip(pairs, variants, strict=True))
    ]


def _lanes(context: CheckContext, hostname: str) -> dict[Lane, list[Way]]:
    lanes: dict[Lane, list[Way]] = {}
    for way in context.ways:
        if way.hostname == hostname:
            lanes.setdefault((way.path, way.family), []).append(way)
    return lanes


def _chosen(
    lanes: Mapping[Lane, Sequence[Way]], turn: int, most_addresses: int
) -> dict[Lane, tuple[Way, ...]]:
    """Return the addresses that a request goes to; requests take turns on them."""
    chosen: dict[Lane, tuple[Way, ...]] = {}
    for lane, ways in lanes.items():
        start = turn * most_addresses % len(ways)
        chosen[lane] = tuple([*ways[start:], *ways[:start]][:most_addresses])
    return chosen
