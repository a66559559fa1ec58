"""APIs and edges for the user's own requests, on a clock that is a number.

An API is a function of the request and the moment; an edge is a function that asks it. They differ
from real ones in that an answer takes as long as it is told to and no longer, and that nothing is
lost on a network. The clock jumps where nobody has anything to do, so a run takes no time.
"""

import asyncio
import json
import random
import selectors
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from itertools import count
from typing import Any, Final, TypeVar

from rollout.probe.model import HttpAnswer, HttpRequest, Result, TroubleError, Way
from rollout.probe.sockets import Sockets
from rollout.requests.catalogue import Catalogue, CatalogueEntry, IgnoreRule
from rollout.verify.check import CheckContext
from rollout.verify.checks import opaque
from rollout.verify.run import verdict
from support.fake_edge import OPTIONS, TARGET, WAYS, NoDnsQueries

T = TypeVar("T")

EPOCH: Final = 1_800_000_000.0
"""The moment at which every run begins."""

Api = Callable[[HttpRequest, float], HttpAnswer]
"""Answers a request at a moment."""

Serving = Callable[[Way, HttpRequest, float], HttpAnswer]
"""Answers a request on a way at a moment."""


class _JumpingSelector(selectors.DefaultSelector):
    """Waits for nothing: it tells how long it would have waited."""

    def __init__(self) -> None:
        super().__init__()
        self.passed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.passed += max(timeout or 0.0, 0.0)
        return super().select(0)


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next moment at which something is to be done."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.passed


def dice(seed: int) -> random.Random:
    """Return what an API draws by; the same seed draws the same."""
    return random.Random(seed)  # noqa: S311 - nothing secret is drawn


def run_on_jumping_clock(work: Coroutine[Any, Any, T]) -> T:
    """Run something to its end on a clock that is a number."""
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(work)


@dataclass
class ServingWire:
    """Answers by a function, after a while, and counts requests."""

    serving: Serving
    latency: Mapping[str, float] = field(default_factory=lambda: {"direct": 0.03, "cdn": 0.05})
    """Seconds that an answer takes on each path."""
    sent: list[tuple[Way, HttpRequest]] = field(default_factory=list[tuple[Way, HttpRequest]])

    async def send(self, way: Way, request: HttpRequest) -> HttpAnswer:
        self.sent.append((way, request))
        seconds = self.latency[way.path]
        await asyncio.sleep(seconds)
        try:
            answer = self.serving(way, request, EPOCH + asyncio.get_running_loop().time())
        except TroubleError as trouble:
            if trouble.kind == "timeout":
                await asyncio.sleep(request.timeout_seconds - seconds)
            raise
        return replace(answer, seconds=seconds)


class HomeNetwork(Sockets):
    """A machine that reaches everything."""

    def source(self, address: str) -> str | None:
        return "2001:db8::2" if ":" in address else "192.0.2.2"


@dataclass(frozen=True)
class Run:
    """What a run said."""

    results: tuple[Result, ...]
    requests: int
    """Requests that were sent."""
    seconds: float
    """How long it took, on its clock."""

    @property
    def exit_code(self) -> int:
        return verdict(self.results)

    def line(self, line: str) -> dict[str, tuple[str, str]]:
        """Return verdict and evidence of `answers` or `cache` by place."""
        return {
            f"{each.path} {each.family}": (each.verdict, each.evidence)
            for each in self.results
            if each.check.startswith(line)
        }

    def said(self, *verdicts: str) -> list[str]:
        return [
            f"{each.check} {each.path} {each.family}: {each.verdict}: {each.evidence}"
            for each in self.results
            if each.verdict in verdicts
        ]


ORDERS: Final = CatalogueEntry("GET /orders", HttpRequest("GET", "/orders"))


def own_run(
    serving: Serving,
    *entries: CatalogueEntry,
    ignore: tuple[IgnoreRule, ...] = (),
    ways: tuple[Way, ...] = WAYS,
    budget: int = 3000,
    latency: Mapping[str, float] | None = None,
) -> Run:
    """Verify requests of the user's own, all ways served by a function."""
    wire = ServingWire(serving)
    if latency is not None:
        wire.latency = latency
    check = opaque.check(Catalogue(entries or (ORDERS,)), ignore, network=HomeNetwork())
    context = CheckContext(TARGET, ways, replace(OPTIONS, budget=budget), wire, NoDnsQueries())

    async def whole() -> tuple[tuple[Result, ...], float]:
        results = tuple([each async for each in check.run(context)])
        return results, asyncio.get_running_loop().time()

    results, seconds = run_on_jumping_clock(whole())
    return Run(results, len(wire.sent), seconds)


def as_json(value: Any, at: float, status: int = 200, **headers: str) -> HttpAnswer:
    """Return an answer with JSON, made at a moment."""
    pairs = tuple((name.replace("_", "-"), text) for name, text in headers.items())
    own = (("Date", formatdate(at, usegmt=True)), ("Content-Type", "application/json"))
    return HttpAnswer(status, (*own, *pairs), json.dumps(value).encode(), "HTTP/1.1", 0.0)


def still_api() -> Api:
    """Return an API in whose answers nothing changes but `Date`."""
    return lambda request, at: as_json({"path": request.target.partition("?")[0], "open": True}, at)


def plain_api(draw: random.Random) -> Api:
    """Return an API with a clock, a request id and three back ends, as most have them."""
    numbers = count(1)

    def answer(request: HttpRequest, at: float) -> HttpAnswer:
        if request.target.startswith("/nowhere"):
            return as_json({"error": "not found", "at": at}, at, 404)
        body = {
            "now": formatdate(at),
            "at": round(at * 1000),
            "orders": [{"id": 1, "state": "open"}, {"id": 2, "state": "done"}],
            "served": {"by": draw.choice("abc")},
        }
        return as_json(
            body, at, X_Request_Id=f"{draw.getrandbits(64):016x}", X_Number=str(next(numbers))
        )

    return answer


def wild_api(draw: random.Random, *, errors: float = 0.1) -> Api:
    """Return an API that changes all that may change: values, order, number, headers, status."""

    def answer(request: HttpRequest, at: float) -> HttpAnswer:
        node = draw.choice("abc")
        if draw.random() < errors:
            return as_json({"error": "busy", "node": node}, at, 503, Retry_After="1")
        entries = [
            {"id": number, "score": draw.random(), "tag": draw.choice(["x", "y", None])}
            for number in draw.sample(range(20), draw.randint(2, 9))
        ]
        shuffled = draw.sample(["red", "green", "blue"], 3)
        headers: dict[str, Any] = {
            "X_Request_Id": f"{draw.getrandbits(64):016x}",
            "X_Node": node,
        }
        if draw.random() < 0.5:
            headers["X_Debug"] = "on"
        if draw.random() < 0.3:
            headers["Set_Cookie"] = f"session={draw.getrandbits(32):08x}; Path=/"
        body: dict[str, Any] = {
            "at": at,
            "items": entries,
            "colours": shuffled,
            "path": request.target,
        }
        if draw.random() < 0.4:
            body["hint"] = "slow"
        return as_json(body, at, **headers)

    return answer


def everywhere(api: Api) -> Serving:
    """Serve an API on all ways as it is."""
    return lambda _way, request, at: api(request, at)


def on_cdn(api: Api, edge: Callable[[Way, HttpRequest, float], HttpAnswer | None]) -> Serving:
    """Serve an API, on cdn by an edge; where that answers None, by the API."""

    def answer(way: Way, request: HttpRequest, at: float) -> HttpAnswer:
        if way.path == "cdn":
            own = edge(way, request, at)
            if own is not None:
                return own
        return api(request, at)

    return answer


def altering(api: Api, change: Callable[[HttpAnswer], HttpAnswer]) -> Serving:
    """Serve an API, whose answers are altered on cdn."""
    return on_cdn(api, lambda _way, request, at: change(api(request, at)))


@dataclass
class Cache:
    """An edge that keeps answers."""

    api: Api
    seconds: float = 60.0
    key: Callable[[Way, HttpRequest], Any] = lambda _way, request: request.target
    """What it keeps an answer under; None: it does not keep it."""
    tells: Callable[[float], tuple[tuple[str, str], ...]] = lambda _age: ()
    """What it adds to an answer that it kept for some seconds."""
    own: Callable[[int], tuple[tuple[str, str], ...]] = lambda _number: ()
    """Headers that it puts over those of each answer."""
    kept: dict[Any, tuple[float, HttpAnswer]] = field(
        default_factory=dict[Any, tuple[float, HttpAnswer]]
    )
    numbers: "count[int]" = field(default_factory=count)

    def __call__(self, way: Way, request: HttpRequest, at: float) -> HttpAnswer:
        key = self.key(way, request)
        made, answer = self.kept.get(key, (0.0, None)) if key is not None else (0.0, None)
        if answer is None or at - made >= self.seconds:
            answer = self.api(request, at)
            if key is not None:
                self.kept[key] = (at, answer)
            return self._with(answer, ())
        return self._with(answer, self.tells(at - made))

    def _with(self, answer: HttpAnswer, more: tuple[tuple[str, str], ...]) -> HttpAnswer:
        own = self.own(next(self.numbers))
        names = {name.lower() for name, _ in own}
        kept = [pair for pair in answer.headers if pair[0].lower() not in names]
        return replace(answer, headers=(*kept, *own, *more))


def silence(kind: Any, message: str) -> Callable[..., HttpAnswer]:
    """Return an edge that gives no answer."""

    def refuse(*_: object) -> HttpAnswer:
        raise TroubleError(kind, message)

    return refuse
