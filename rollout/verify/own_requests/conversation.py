"""Sends a request on all its ways, in the orders that the proofs need.

Three orders:

- *looks*: direct, all others, direct, all others, a pause, direct, all others. Between two answers
  of a way there is always one of direct, so what direct changes meanwhile shows. After the first
  some ways are asked several times in a row, for caches that keep only what is asked for often.
- *blocks*: in each, three requests on direct and one on each way, in random order. Their outcome
  is what `judgement` tests: with a fixed order three servers that take turns would look like three
  ways that differ.
- *pairs*: two requests on a way directly after each other, and two such pairs on direct, again in
  random order: what `kept_values` tests.
"""

import asyncio
import math
import random
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from rollout.probe.model import HttpRequest, TroubleError, Way, Wire
from rollout.requests.catalogue import IgnoreRule
from rollout.verify.own_requests.budget import LOOKS, REPEATS, VARIANT_LOOKS
from rollout.verify.own_requests.judgement import Outcome, answers_of, learned_of
from rollout.verify.own_requests.learned import Learned
from rollout.verify.own_requests.variants import NAME

T = TypeVar("T")

DATE_SECONDS: Final = 2.1
"""How far apart two answers are whose `Date` is compared: it counts whole seconds, like `Age`."""

BLOCKS: Final = 8
DIRECT_IN_BLOCK: Final = 3
"""With eight blocks, what is odd in each answer of a way and none of direct has the chance 1e-7."""

PATIENT_SECONDS: Final = 15.0
"""The least time that is waited for a way that was silent once."""

SILENT_SECONDS: Final = 5.0
"""How long an address is waited for of which other requests have proved that it is silent."""

PAIRS: Final = 8
DIRECT_PAIRS: Final = 2


LARGE_BYTES: Final = 20_000
"""Bytes of a body above which answers are looked at beside the requests that are under way: other
checks measure when pieces arrive."""


async def looked_at(outcomes: "Outcomes", look: Callable[[], T]) -> T:
    """Return what a look at outcomes says, without holding up anything if it takes long."""
    return await asyncio.to_thread(look) if outcomes.is_large else look()


@dataclass(frozen=True)
class Sent:
    """A request, and how it differs from the user's own."""

    request: HttpRequest
    label: str = ""

    @property
    def may_be_anew(self) -> bool:
        """Whether it may be sent with a parameter that nobody reads."""
        return self.request.method in ("GET", "HEAD") and self.request.body is None

    def anew(self, token: str) -> "Sent":
        """Return it with a parameter that nobody reads; without a token as it is."""
        if not token:
            return self
        mark = "&" if "?" in self.request.target else "?"
        target = f"{self.request.target}{mark}{NAME}={token}"
        return replace(self, request=replace(self.request, target=target))


@dataclass
class Outcomes:
    """What came of a request, on direct over IPv4 and elsewhere, in order."""

    direct: list[Outcome] = field(default_factory=list[Outcome])
    """On direct over IPv4."""
    others: dict[Way, list[Outcome]] = field(default_factory=dict[Way, list[Outcome]])
    """On each other way."""

    _learned: dict[tuple[int, tuple[IgnoreRule, ...]], Mapping[int, Learned]] = field(
        default_factory=dict[tuple[int, tuple[IgnoreRule, ...]], Mapping[int, Learned]]
    )

    def learned(self, ignore: tuple[IgnoreRule, ...] = ()) -> Mapping[int, Learned]:
        """Return what the answers of direct say of the API so far, by their status."""
        key = len(self.direct), ignore
        if key not in self._learned:
            self._learned[key] = learned_of(self.direct, ignore)
        return self._learned[key]

    @property
    def is_large(self) -> bool:
        """Whether it takes long to look at the answers."""
        answers = answers_of(self.direct)
        return max((len(answer.body) for answer in answers), default=0) > LARGE_BYTES

    def add(self, more: "Outcomes") -> None:
        """Take in further outcomes."""
        self.direct += more.direct
        for way, outcomes in more.others.items():
            self.others.setdefault(way, []).extend(outcomes)


@dataclass(frozen=True)
class PairOfOutcomes:
    """Two requests that were sent directly after each other."""

    first: Outcome
    second: Outcome


@dataclass
class AddressesHeard:
    """Which addresses answered anything, and which are known to be silent: for all requests."""

    speaking: set[tuple[str, int]] = field(default_factory=set[tuple[str, int]])
    """Those that gave an answer."""
    silent: set[tuple[str, int]] = field(default_factory=set[tuple[str, int]])
    """Those of which it was proved that they give none."""

    def is_silent(self, way: Way) -> bool:
        """Say whether an address never answered and is proved to be silent."""
        address = way.address, way.port
        return address in self.silent and address not in self.speaking


class Conversation:
    """Requests about one thing, to one hostname."""

    def __init__(
        self,
        wire: Wire,
        measures: Sequence[Way],
        *,
        pause_seconds: float,
        heard: AddressesHeard | None = None,
    ) -> None:
        """Take the wire, the addresses of direct over IPv4, and the length of the pause."""
        self._wire = wire
        self.heard = heard or AddressesHeard()
        """What is known of addresses, from all requests."""
        self._waiting: set[Way] = set()
        self._slowest_seconds = 0.0
        self._measures = list(measures)
        self._pause_seconds = pause_seconds
        self._random = random.Random()  # noqa: S311 - an order, nothing secret
        self._bodies: dict[bytes, bytes] = {}
        self._turn = 0
        self.silent: dict[Way, TroubleError] = {}
        """Addresses of direct over IPv4 that gave no answer where another one did."""

    async def at(self, way: Way, sent: Sent, *, first: bool = False) -> Outcome:
        """Send a request on a way; all but the first ones go before those of other checks."""
        request = replace(
            sent.request,
            urgent=sent.request.urgent or not first,
            timeout_seconds=min(sent.request.timeout_seconds, self._patience(way)),
        )
        sent_at = asyncio.get_running_loop().time()
        try:
            answer = await self._wire.send(way, request)
        except TroubleError as trouble:
            if trouble.kind == "timeout":
                self._waiting.add(way)
            return Outcome(way, trouble, sent_at, sent.label)
        self._waiting.discard(way)
        self.heard.speaking.add((way.address, way.port))
        if way in self._measures:
            self._slowest_seconds = max(self._slowest_seconds, answer.seconds)
        # It may have waited for its turn before.
        sent_at = asyncio.get_running_loop().time() - answer.seconds
        # Most answers have the same body: it is kept once.
        body = self._bodies.setdefault(answer.body, answer.body)
        return Outcome(way, replace(answer, body=body), sent_at, sent.label)

    def _patience(self, way: Way) -> float:
        """Return for how long to wait for an answer at most.

        The first time it is as long as the request allows. What was silent then is not waited for
        as long again, but for several times what direct takes.
        """
        if self.heard.is_silent(way):
            return SILENT_SECONDS
        if way in self._waiting:
            return max(PATIENT_SECONDS, 3 * self._slowest_seconds)
        return math.inf

    async def on_direct(self, sent: Sent, *, first: bool = False) -> Outcome:
        """Send a request on direct over IPv4, at the address whose turn it is."""
        way = self._measures[self._turn % len(self._measures)]
        self._turn += 1
        outcome = await self.at(way, sent, first=first)
        if not isinstance(outcome.outcome, TroubleError) or len(self._measures) == 1:
            return outcome
        other = next(each for each in self._measures if each != way)
        again = await self.at(other, sent)
        if isinstance(again.outcome, TroubleError):
            return outcome
        self.silent[way] = outcome.outcome
        self._measures.remove(way)
        return again

    async def looks(self, sent: Sent, ways: Sequence[Way], often: Collection[Way] = ()) -> Outcomes:
        """Send a request three times on each way, and six times on direct meanwhile.

        Args:
            sent: The request.
            ways: The ways.
            often: Those of them that it is sent to five times more.
        """
        outcomes = Outcomes(others={way: [] for way in ways})
        outcomes.direct += [await self.on_direct(sent, first=True), await self.on_direct(sent)]
        if all(isinstance(each.outcome, TroubleError) for each in outcomes.direct):
            return outcomes
        begin = asyncio.get_running_loop().time()
        for look in range(LOOKS):
            if look == LOOKS - 1:
                outcomes.direct.append(await self.on_direct(sent))
                await self._pause(outcomes, begin)
            await self._once(outcomes, sent, ways, first=look == 0)
            if look == 0:
                await self._in_a_row(outcomes, sent, often)
            outcomes.direct.append(await self.on_direct(sent))
        return outcomes

    async def few_looks(self, sent: Sent, ways: Sequence[Way]) -> Outcomes:
        """Send a request twice on each way and on direct."""
        outcomes = Outcomes(others={way: [] for way in ways})
        for _ in range(VARIANT_LOOKS):
            outcomes.direct.append(await self.on_direct(sent))
            await self._once(outcomes, sent, ways)
        return outcomes

    async def later(self, sent: Sent, way: Way) -> Outcomes:
        """Send a request on direct and on a way, wait for longer than a second, and do it again.

        Before the pause it goes out twice on the way, for a cache that gives an answer to whoever
        asks next.
        """
        outcomes = Outcomes(others={way: []})
        begin = asyncio.get_running_loop().time()
        for times in (2, 1):
            outcomes.direct.append(await self.on_direct(sent))
            outcomes.others[way] += [await self.at(way, sent) for _ in range(times)]
            if times > 1:
                await self._pause(outcomes, begin)
        return outcomes

    async def _once(
        self, outcomes: Outcomes, sent: Sent, ways: Sequence[Way], *, first: bool = False
    ) -> None:
        # Silence takes as long as a request may: it is not waited for twice before it matters.
        speaking = [way for way in ways if not _is_silent(outcomes.others.get(way, ()))]
        each = await asyncio.gather(*(self.at(way, sent, first=first) for way in speaking))
        for outcome in each:
            outcomes.others.setdefault(outcome.way, []).append(outcome)

    async def _in_a_row(self, outcomes: Outcomes, sent: Sent, often: Collection[Way]) -> None:
        async def on(way: Way) -> list[Outcome]:
            return [await self.at(way, sent) for _ in range(REPEATS)]

        answering = [way for way in often if answers_of(outcomes.others[way])]
        for own in await asyncio.gather(*map(on, answering)):
            outcomes.others[own[0].way] += own

    async def _pause(self, outcomes: Outcomes, begin: float) -> None:
        """Wait until `Date` and `Age` have moved on, where anything has one."""
        every = [*outcomes.direct, *(one for many in outcomes.others.values() for one in many)]
        answers = [each.answer for each in every if each.answer is not None]
        if any(each.header("Date") or each.header("Age") for each in answers):
            passed = asyncio.get_running_loop().time() - begin
            await asyncio.sleep(max(0.0, self._pause_seconds - passed))

    async def block(self, sent: Sent, ways: Sequence[Way]) -> Outcomes:
        """Send a request on direct and on some ways, in random order."""
        order: list[Way | None] = [*ways, *[None] * DIRECT_IN_BLOCK]
        self._random.shuffle(order)
        outcomes = Outcomes()
        for way in order:
            if way is None:
                outcomes.direct.append(await self.on_direct(sent))
            else:
                outcomes.others.setdefault(way, []).append(await self.at(way, sent))
        return outcomes

    async def pairs(
        self, first: tuple[Way, Sent], second: tuple[Way, Sent], *, anew: bool = False
    ) -> tuple[list[PairOfOutcomes], list[PairOfOutcomes]]:
        """Send two requests directly after each other, and such pairs on direct.

        Args:
            first: The way of the first, and the request.
            second: The same of the second.
            anew: Whether each pair has a URL of its own, by a parameter that nobody reads.

        Returns:
            The pairs on direct, and those on the way.
        """
        direct: list[PairOfOutcomes] = []
        there: list[PairOfOutcomes] = []
        for _ in range(PAIRS):
            order = [False] * DIRECT_PAIRS + [True]
            self._random.shuffle(order)
            for is_way in order:
                token = secrets.token_hex(4) if anew else ""
                sent, then = first[1].anew(token), second[1].anew(token)
                if is_way:
                    one, two = await self.at(first[0], sent), await self.at(second[0], then)
                    there.append(PairOfOutcomes(one, two))
                else:
                    one, two = await self.on_direct(sent), await self.on_direct(then)
                    direct.append(PairOfOutcomes(one, two))
        return direct, there


def _is_silent(outcomes: Sequence[Outcome]) -> bool:
    return bool(outcomes) and all(
        isinstance(each.outcome, TroubleError) and each.outcome.kind == "timeout"
        for each in outcomes
    )
