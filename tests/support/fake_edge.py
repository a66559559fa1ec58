"""An edge that is a table: names that answer, addresses that answer, without a socket.

It differs from a real one in that nothing is ever late and no two requests meet.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from rollout.probe.model import (
    DnsAnswer,
    EdgeTarget,
    HttpAnswer,
    HttpRequest,
    Result,
    TroubleError,
    Way,
)
from rollout.verify.check import CheckContext, VerifyOptions

HOSTNAME = "api.example.com"
TARGET = EdgeTarget(
    (HOSTNAME,), "lb.example.net", "d1.cloudfront.net", ("2001:db8:d1::1",), (99, 1), "E1"
)
OPTIONS = VerifyOptions(
    echo=None,
    unsafe=False,
    rate=1000,
    concurrency=10,
    dns_queries=100,
    share_tolerance=0.05,
    account=False,
)
DIRECT4 = Way("direct", "IPv4", HOSTNAME, "198.18.0.1")
DIRECT6 = Way("direct", "IPv6", HOSTNAME, "2001:db8:d1::1")
CDN4 = Way("cdn", "IPv4", HOSTNAME, "198.18.1.1")
CDN6 = Way("cdn", "IPv6", HOSTNAME, "2001:db8:cf:1::1")
WAYS = (DIRECT4, DIRECT6, CDN4, CDN6)


@dataclass
class FakeNames:
    """Answers from a table; what is not in it does not exist."""

    answers: Mapping[tuple[str, str], tuple[str, ...] | str]
    """By name and type: the values, or a code, or `silent`. Of a type `AAAA@` an address, what the
    server there says that the resolver does not."""

    async def ask(self, name: str, kind: str, server: str | None = None) -> DnsAnswer:
        values = self.answers.get((name, kind), "NXDOMAIN")
        values = self.answers.get((name, f"{kind}@{server}"), values)
        if values == "silent":
            raise TroubleError("timeout", "nobody answered in 6 s")
        if isinstance(values, str):
            return DnsAnswer(values, (), None, authoritative=False)
        return DnsAnswer("NOERROR", values, 60, authoritative=server is not None)


class NoDnsQueries:
    """Refuses every query, for checks that send none."""

    async def ask(self, name: str, kind: str, server: str | None = None) -> DnsAnswer:
        raise AssertionError((name, kind, server))


@dataclass
class FakeWire:
    """Answers by a function, and keeps what it was asked."""

    answer: Callable[[Way, HttpRequest], HttpAnswer]
    requests: list[tuple[Way, HttpRequest]] = field(default_factory=list[tuple[Way, HttpRequest]])

    async def send(self, way: Way, request: HttpRequest) -> HttpAnswer:
        self.requests.append((way, request))
        return self.answer(way, request)


@dataclass
class Watching:
    """Progress that nobody sees."""

    updates: list[tuple[str, Result | None]] = field(
        default_factory=list[tuple[str, Result | None]]
    )

    def add(self, group: str, result: Result) -> None:
        self.updates.append((group, result))

    def ended(self, group: str) -> None:
        self.updates.append((group, None))


def answer(status: int = 200, body: bytes = b"", **headers: str) -> HttpAnswer:
    """Return an answer; underscores in the names of headers stand for hyphens."""
    pairs = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return HttpAnswer(status, pairs, body, "HTTP/1.1", 0.01)


def surroundings(
    wire: FakeWire | None = None,
    *,
    ways: tuple[Way, ...] = WAYS,
    names: FakeNames | None = None,
    target: EdgeTarget = TARGET,
) -> CheckContext:
    """Return what checks are given."""
    return CheckContext(
        target,
        ways,
        OPTIONS,
        wire or FakeWire(lambda _way, _request: answer()),
        names or FakeNames({}),
    )
