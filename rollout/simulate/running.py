"""From what the user gives to the figures: which schedule, which scene, what is wrong."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from components.faults import Fault, shown
from rollout.faults import WrongUseError
from rollout.simulate.bounds import Bounds
from rollout.simulate.figures import Foretelling
from rollout.simulate.foretelling import foretell
from rollout.simulate.reading import Reader, mapping
from rollout.simulate.scene import WHOLE, PlannedStep, ShiftScene
from rollout.simulate.shares import NEGATIVE_TTL, AliasAnswers, Progress
from rollout.simulate.suggestion import derived_steps, suggest
from rollout.stack_file import StackFile, find_stack_file

if TYPE_CHECKING:
    from components.settings import Shift

LONG_ENOUGH = 3_600.0
"""Seconds that one change is looked at where nobody asks for later moments."""


BELOW_ALL = f"the weight of cdn should be below {WHOLE}"
NOTHING_LEFT = "Nothing is left to be shifted."


@dataclass(frozen=True)
class Request:
    """What the options say."""

    weights_before: str | None
    """`--from`."""
    weights_after: str | None
    """`--to`."""
    stack: str | None
    """`--stack`."""
    ttl: str
    """`--ttl`."""
    negative_ttl: str | None
    """`--negative-ttl`."""
    proxies: bool
    """`--proxies`."""
    at: str | None
    """`--at`."""
    rate: float
    """`--rate`."""
    errors: float
    """`--errors`."""
    population: str
    """`--population`."""
    rollback_at: str | None
    """`--rollback-at`."""
    suggest: bool
    """`--suggest`."""
    bound: tuple[str, ...]
    """`--bound`."""


def figures_of(
    request: Request, progress: Progress | None = None, *, faults: Sequence[Fault] = ()
) -> Foretelling:
    """Return what is asked for.

    Args:
        request: What the options say.
        progress: Called as caches are done.
        faults: What the caller has found already, to be told with the rest.

    Raises:
        WrongUseError: Something cannot be used; with every fault.
        NoScheduleError: No schedule stays below the bounds.
    """
    reader = Reader()
    reader.faults += faults
    stack = None
    if request.stack is not None:
        try:
            stack = _Stack(request.stack)
        except WrongUseError as error:
            reader.faults += error.faults
    scene = _scene(reader, request, stack)
    at = tuple(
        seconds
        for text in (() if request.at is None else request.at.split(","))
        if (seconds := reader.seconds("--at", text)) is not None
    )
    back = (
        None
        if request.rollback_at is None
        else reader.seconds("--rollback-at", request.rollback_at)
    )
    bounds = reader.bounds(request.bound)
    before, after = (0, 0) if request.stack and not stack else _weights(reader, request, stack)
    if reader.faults or scene is None:
        raise WrongUseError(reader.faults)
    if stack:
        bounds = bounds.before(stack.bounds)
    if request.suggest:
        steps: Sequence[PlannedStep] = suggest(scene, before, bounds)
    elif stack:
        steps = stack.steps(scene)
    else:
        steps = (PlannedStep(after, max(LONG_ENOUGH, back or 0, *at)),)
    return foretell(scene, before, steps, at=at, rollback_at=back, bounds=bounds, progress=progress)


class _Stack:
    """What a stack's file says of a shift."""

    def __init__(self, name: str) -> None:
        """Read the file.

        Raises:
            WrongUseError: It, or its settings, cannot be used.
        """
        # With it comes all of Pulumi's SDK, which takes longer than to foretell.
        from components.settings import SettingsError, shift_of  # noqa: PLC0415

        self.file: StackFile = find_stack_file(name, Path.cwd(), "Give --from and --to instead.")
        try:
            self._shift: Shift = shift_of(self.file.setting("shift") or None, stack=name)
        except SettingsError as error:
            raise WrongUseError(error.faults) from error

    @property
    def cdn_weight(self) -> int:
        """The weight of cdn."""
        weights = self.file.weights
        return weights.cdn if weights else 0

    @property
    def bounds(self) -> Bounds:
        """The bounds of exposure."""
        bounds = self._shift.bounds
        clients = None if bounds.clients is None else bounds.clients / WHOLE
        return Bounds(bounds.requests, clients, bounds.largest_refresh)

    def scene(self, scene: ShiftScene) -> ShiftScene:
        """Return a scene with what the stack says of gates."""
        margins = self._shift.margins
        rule = replace(
            scene.rule,
            tolerated_ratio=margins.tolerated_percent / WHOLE,
            gross_ratio=margins.gross_percent / WHOLE,
            margin=margins.pass_per_mille / 1_000,
        )
        return replace(scene, rule=rule, gap_seconds=float(self._shift.longest_gap_seconds))

    def steps(self, scene: ShiftScene) -> Sequence[PlannedStep]:
        """Return the steps that are left.

        Raises:
            WrongUseError: None is.
        """
        left = tuple(each for each in self._shift.steps if each > self.cdn_weight)
        if not left:
            raise WrongUseError(
                [
                    Fault(
                        f"traffic.cdn in {self.file.path}",
                        str(self.cdn_weight),
                        f"it should be below the last of shift.steps, {self._shift.steps[-1]}",
                        "Nothing is left to be shifted; give --from and --to for another change.",
                    )
                ]
            )
        if self._shift.hold_seconds:
            holds = dict(zip(self._shift.steps, self._shift.hold_seconds, strict=True))
            return [PlannedStep(each, holds[each]) for each in left]
        return derived_steps(scene, self.cdn_weight, left)


def _weights(reader: Reader, request: Request, stack: _Stack | None) -> tuple[int, int]:
    """Return the weights of cdn before and after; what is wrong is kept by the reader."""
    before, after = request.weights_before, request.weights_after
    if stack:
        for option, text in (("--from", before), ("--to", after)):
            if text is not None:
                reader.fault(
                    option,
                    f"{text}, beside --stack {request.stack}",
                    "the schedule comes from one of them",
                    "Keep one of them.",
                )
        if request.suggest and stack.cdn_weight == WHOLE:
            reader.fault(f"traffic.cdn in {stack.file.path}", str(WHOLE), BELOW_ALL, NOTHING_LEFT)
        return stack.cdn_weight, WHOLE
    first = reader.weights("--from", before, "100/0")
    if request.suggest:
        if after is not None:
            reader.fault(
                "--to",
                f"{after}, beside --suggest",
                "what is suggested leads to 0/100",
                "Leave one of them out.",
            )
        if first == WHOLE:
            reader.fault("--from", f"{before}, with --suggest", BELOW_ALL, NOTHING_LEFT)
        return first or 0, WHOLE
    last = reader.weights("--to", after, "99/1")
    if first is not None and last is not None and last <= first:
        reader.fault(
            "--to",
            f"{after}, after --from {before}",
            "the weight of cdn should rise: a schedule does not fall",
            "Exchange them; what follows a rollback is told by --rollback-at.",
        )
    return first or 0, last or 0


def _scene(reader: Reader, request: Request, stack: _Stack | None) -> ShiftScene | None:
    """Return everything but the schedule; None: something is wrong, which the reader keeps."""
    people = reader.population(request.population)
    ttl = reader.seconds("--ttl", request.ttl, least=1)
    rate = reader.number("--rate", request.rate, 0, 1e9, "100")
    proxies, empty = request.proxies, NEGATIVE_TTL
    if stack:
        proxies = proxies or bool(stack.file.setting("proxy"))
        own = mapping(stack.file.setting("dns")).get("negativeTtlSeconds")
        if isinstance(own, int) and own >= 1:
            empty = float(own)
        elif own is not None:
            reader.fault(
                f"dns.negativeTtlSeconds in {stack.file.path}",
                shown(own),
                "it should be an integer from 30 to 86400",
                "Write it without quotes, or give --negative-ttl.",
            )
    if request.negative_ttl is not None:
        empty = reader.seconds("--negative-ttl", request.negative_ttl, least=1) or empty
    if not 0 <= request.errors < WHOLE:
        reader.fault(
            "--errors",
            f"{request.errors:g}",
            "it should be from 0 to below 100 percent",
            "Leave it out for 0.1.",
        )
    if people is None or ttl is None or rate is None:
        return None
    answers = AliasAnswers(ttl, None if proxies else empty)
    scene = ShiftScene(people, answers, rate, request.errors / WHOLE)
    return stack.scene(scene) if stack else scene
