"""One request of the user's to one hostname: sends it, and tells what its answers prove."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from rollout.probe.model import Result, TroubleError, Verdict, Way, Wire
from rollout.probe.sockets import Connector, is_doubtful
from rollout.requests.catalogue import CatalogueEntry, IgnoreRule
from rollout.verify.exchange import BASELINE, Lane
from rollout.verify.own_requests.comparison import WayVerdict, compare_ways, unreachable
from rollout.verify.own_requests.conversation import (
    AddressesHeard,
    Conversation,
    Outcomes,
    Sent,
    looked_at,
)
from rollout.verify.own_requests.evidence import (
    changing_text,
    differences_text,
    folded_cookies,
    loose_text,
)
from rollout.verify.own_requests.judgement import Outcome, answers_of
from rollout.verify.own_requests.keeping import CacheSearch, Heard
from rollout.verify.own_requests.learned import Learned
from rollout.verify.own_requests.variants import Variant
from rollout.verify.secrets import hider


@dataclass(frozen=True)
class Question:
    """One request to one hostname."""

    wire: Wire
    """Sends it."""
    network: Connector
    """Tells whether silence may be this machine's own fault."""
    entry: CatalogueEntry
    """The request."""
    hostname: str
    """The name."""
    lanes: Mapping[Lane, Sequence[Way]]
    """All addresses of each path over each family."""
    chosen: Mapping[Lane, Sequence[Way]]
    """Those that it is sent to."""
    variants: tuple[Variant, ...]
    """What else it is sent as."""
    variants_left_out: bool
    """Whether variants are left out because they cost too much."""
    repeats: bool
    """Whether it goes out more often at one address of each path over each family."""
    ignore: tuple[IgnoreRule, ...]
    """What does not count in its answers."""
    pause_seconds: float
    """How long it waits before it asks for the last time."""
    compares: bool = True
    """Whether answers are compared; False: only caches are looked for."""
    heard: AddressesHeard = field(default_factory=AddressesHeard)
    """What is known of addresses, from all questions."""


@dataclass
class _Course:
    """What came of a question so far."""

    conversation: Conversation
    own: Outcomes
    verdicts: Mapping[Way, WayVerdict] = field(default_factory=dict[Way, WayVerdict])
    variants: list[tuple[Variant, Outcomes, Mapping[Way, WayVerdict]]] = field(
        default_factory=list[tuple[Variant, Outcomes, Mapping[Way, WayVerdict]]]
    )


async def results_of_question(question: Question) -> list[Result]:
    """Send a request on all its ways, and return what its answers prove about each."""
    speaker = _Speaker(question)
    measures = question.lanes.get(BASELINE)
    if not measures:
        reason = "nothing to compare with: direct over IPv4 cannot be used"
        return [speaker.result("answers", None, "unknown", reason)]
    conversation = Conversation(
        question.wire, measures, pause_seconds=question.pause_seconds, heard=question.heard
    )
    sent = Sent(question.entry.request)
    ways = [way for lane, own in question.chosen.items() if lane != BASELINE for way in own]
    often = [own[0] for lane, own in question.chosen.items() if lane != BASELINE and own]
    looks = await conversation.looks(sent, ways, often if question.repeats else ())
    course = _Course(conversation, looks)
    if not answers_of(course.own.direct):
        trouble = course.own.direct[-1].outcome
        assert isinstance(trouble, TroubleError)  # noqa: S101 - there is no answer
        way = course.own.direct[-1].way
        reason = f"nothing to compare with: {way.address} (direct): {trouble.kind}: {trouble}"
        return [speaker.result("answers", BASELINE, "unknown", reason)]
    if question.compares:
        course.verdicts = await compare_ways(conversation, sent, course.own, question.ignore)
    await _send_variants(question, course)
    said = await looked_at(course.own, lambda: speaker.answers(course))
    return [*said, *await _about_caches(question, speaker, course)]


async def _send_variants(question: Question, course: _Course) -> None:
    """Send what else a request is sent as, at one address of each path over each family."""
    ways = [
        own[0]
        for lane, own in question.chosen.items()
        if lane != BASELINE and own and answers_of(course.own.others.get(own[0], ()))
    ]
    for variant in question.variants:
        sent = Sent(variant.request, variant.label)
        outcomes = await course.conversation.few_looks(sent, ways)
        if not answers_of(outcomes.direct):
            continue
        verdicts: Mapping[Way, WayVerdict] = {}
        if question.compares:
            verdicts = await compare_ways(
                course.conversation,
                sent,
                outcomes,
                question.ignore,
                like=course.own,
                differ=[way for way, verdict in course.verdicts.items() if verdict.differs],
            )
        course.variants.append((variant, outcomes, verdicts))


async def _about_caches(question: Question, speaker: "_Speaker", course: _Course) -> list[Result]:
    heard = [
        Heard(Sent(question.entry.request), course.own),
        *(
            Heard(Sent(variant.request, variant.label), outcomes)
            for variant, outcomes, _ in course.variants
        ),
    ]
    search = await looked_at(
        course.own,
        lambda: CacheSearch(
            course.conversation,
            heard,
            question.ignore,
            hide=speaker.hide,
            variants_left_out=question.variants_left_out,
        ),
    )
    results: list[Result] = []
    for lane, ways in question.chosen.items():
        looked = search.measure() if lane == BASELINE else await search.on_lane(ways)
        results.append(
            replace(
                speaker.result("cache", lane, looked.verdict, looked.evidence),
                remedy=looked.remedy,
            )
        )
    return results


class _Said:
    """What is said of the ways of a path over a family, each with its addresses."""

    def __init__(self) -> None:
        self._failed: dict[str, list[str]] = {}
        self._untold: dict[str, list[str]] = {}

    def failed(self, text: str, way: Way) -> None:
        """Add what failed."""
        self._failed.setdefault(text, []).append(way.address)

    def untold(self, text: str, way: Way) -> None:
        """Add what could not be told."""
        self._untold.setdefault(text, []).append(way.address)

    @property
    def verdict(self) -> Verdict:
        """The worst of it."""
        return "fail" if self._failed else "unknown" if self._untold else "pass"

    def __str__(self) -> str:
        """Return the worst of it as evidence."""
        texts = self._failed or self._untold
        return "; ".join(f"{text} (from {', '.join(where)})" for text, where in texts.items())


class _Speaker:
    """Puts what was seen into results."""

    def __init__(self, question: Question) -> None:
        self._question = question
        # Places and reasons may repeat a secret as well as values.
        self.hide = hider(question.entry)

    def result(self, line: str, lane: Lane | None, verdict: Verdict, evidence: str) -> Result:
        path, family = lane or (None, None)
        name = f"{line} {self._question.entry.name}"
        return Result(name, verdict, self.hide(evidence), self._question.hostname, path, family)

    def answers(self, course: _Course) -> list[Result]:
        """Return whether each path answers as direct over IPv4 does."""
        if not self._question.compares:
            return []
        learned = course.own.learned(self._question.ignore)
        most = max(learned.values(), key=lambda each: len(each.answers))
        doubt, remedy = self._doubt(course, learned, most)
        note = changing_text(most)
        status = most.answers[0].status
        measure = doubt or f"{status}, the measure{note}"
        results = [self.result("answers", BASELINE, "unknown" if doubt else "pass", measure)]
        for lane, ways in self._question.chosen.items():
            if lane == BASELINE:
                continue
            verdict, evidence = self._lane(course, ways, most)
            if verdict == "pass":
                verdict = "unknown" if doubt else "pass"
                evidence = doubt or f"{status}, as direct over IPv4"
            everywhere = "" if doubt else note
            evidence += f"{everywhere}{self._part_of_addresses(lane)}"
            results.append(self.result("answers", lane, verdict, evidence))
        return [
            replace(each, remedy=remedy) if each.verdict == "unknown" and remedy else each
            for each in results
        ]

    def _part_of_addresses(self, lane: Lane) -> str:
        used, every = len(self._question.chosen[lane]), len(self._question.lanes[lane])
        return f"; sent to {used} of {every} addresses" if used < every else ""

    def _doubt(
        self, course: _Course, learned: Mapping[int, Learned], most: Learned
    ) -> tuple[str, str]:
        """Return why direct itself is no measure, and what to do about it."""
        doubts: list[str] = []
        remedies: list[str] = []
        statuses = list(dict.fromkeys(each.status for each in course.own.direct))
        if len(statuses) > 1:
            doubts.append(f"the API itself answers now {', now '.join(statuses)}")
            remedies.append("Ask for what is answered with one status, which cannot be ignored.")
        if most.loose:
            doubts.append(
                f"the API itself answers in other shapes each time: {loose_text(most, self.hide)}"
            )
            rules = " ".join(f"--ignore {rule}" for each in learned.values() for rule in each.loose)
            remedies.append(f"To leave it out: {rules}.")
        for way, trouble in course.conversation.silent.items():
            doubts.append(
                f"{way.address} (direct) gave no answer where another address did: "
                f"{trouble.kind}: {trouble}"
            )
        return "; ".join(doubts), self.hide(" ".join(remedies))

    def _lane(self, course: _Course, ways: Sequence[Way], learned: Learned) -> tuple[Verdict, str]:
        """Return whether a path over a family answers as direct does, and what is odd."""
        said = _Said()
        for way in ways:
            outcomes = course.own.others.get(way, [])
            self._say(way, course.verdicts.get(way), outcomes, learned, said)
            for variant, own, verdicts in course.variants:
                if way in verdicts:
                    usual = own.learned(self._question.ignore)
                    most = max(usual.values(), key=lambda each: len(each.answers))
                    self._say(way, verdicts[way], own.others[way], most, said, label=variant.label)
        return said.verdict, str(said)

    def _say(
        self,
        way: Way,
        verdict: WayVerdict | None,
        outcomes: Sequence[Outcome],
        learned: Learned,
        said: "_Said",
        *,
        label: str = "",
    ) -> None:
        """Add what is said of a way to what failed, or to what could not be told."""
        prefix = f"{label}: " if label else ""
        nowhere = unreachable(outcomes)
        if nowhere is not None:
            said.untold(_no_answer(nowhere), way)
        elif verdict is None:
            return
        elif verdict.silence is not None:
            text = prefix + _no_answer(verdict.silence)
            doubtful = verdict.silence.kind == "timeout" and is_doubtful(
                self._question.network, way.address
            )
            if doubtful and way.family == "IPv6":
                text += "; this machine's own address leads nowhere beyond its site"
                said.untold(text, way)
            else:
                said.failed(text, way)
        elif verdict.proved:
            text = prefix + differences_text(verdict.proved, self.hide)
            if folded_cookies(learned, outcomes):
                text += (
                    "; several Set-Cookie headers came as one, of which a client reads one cookie"
                )
            said.failed(text, way)
        elif verdict.untold:
            times = max(each.times for each in verdict.untold)
            odd = differences_text(verdict.untold, self.hide)
            text = f"{prefix}differed in {times} of {len(outcomes)} answers: {odd}"
            said.untold(text, way)


def _no_answer(trouble: TroubleError) -> str:
    return f"no answer where direct gave one each time: {trouble.kind}: {trouble}"
