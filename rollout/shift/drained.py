"""Whether cdn is drained, from what the authorities answer.

**Whose address is whose.** The distribution's and the load balancer's names would say, but who
aborts may have neither, and a distribution has more addresses than its name ever answers at once.
AWS publishes the blocks that CloudFront answers from, and no load balancer has an address in one.
So an answer with an address in them leads to cdn, and any other, an empty one too, does not.

**How many answers.** The least weight is 1 of 100. That it is not in 459 answers has a chance of
one in a hundred (0.99 ** 459). So a name is drained when as many answers of each family in a row
did not lead to cdn; one that does begins the count anew.

A question goes to all servers of the zone in turn: each learns by itself what is unhealthy.

Source: AWS documentation, 'AWS IP address ranges', service CLOUDFRONT.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any, Final, NamedTuple, cast

from components.facts import FAMILIES, SWITCH_INTERVAL_SECONDS, SWITCH_THRESHOLD
from rollout.probe.authority import find_authority
from rollout.probe.model import DnsAnswer, DnsClient, TroubleError

RANGES_URL: Final = "https://ip-ranges.amazonaws.com/ip-ranges.json"
"""Where AWS publishes its addresses."""

ENOUGH: Final = 459
"""How many answers in a row tell that a weight of 1 % is not among them; see above."""

ANSWERS_AT_ONCE: Final = 115
"""How many answers a question gets in a round: four rounds are enough."""

PAUSE_SECONDS: Final = 2.0
"""Between two rounds."""

EXPECTED_SECONDS: Final = SWITCH_INTERVAL_SECONDS * SWITCH_THRESHOLD + 60.0
"""After how long no answer leads to cdn: half a minute until health checkers have seen the object
often enough, and a minute for the servers to hear of it, which AWS says of records alone."""

LONGEST_SECONDS: Final = 180.0
"""How long it is looked; then it is told as it is."""

Network = IPv4Network | IPv6Network


class Question(NamedTuple):
    """A question to the authorities."""

    hostname: str
    """The name."""
    family: str
    """`A` or `AAAA`."""


def cloudfront_networks(text: str) -> tuple[Network, ...]:
    """Return CloudFront's networks.

    Args:
        text: AWS's published addresses, `ip-ranges.json`.

    Raises:
        ValueError: It is not that, or it has none of CloudFront's.
    """
    try:
        ranges = cast("Mapping[str, Any]", json.loads(text))
        networks = tuple(
            ip_network(each[key])
            for listed, key in (("prefixes", "ip_prefix"), ("ipv6_prefixes", "ipv6_prefix"))
            for each in ranges[listed]
            if each["service"] == "CLOUDFRONT"
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"it has no {error}") from error
    if {network.version for network in networks} != {4, 6}:
        raise ValueError("it has no networks of CloudFront's for both families")
    return networks


def leads_to_cdn(values: Iterable[str], networks: Sequence[Network]) -> bool:
    """Say whether an answer leads to CloudFront."""
    return any(ip_address(value) in network for value in values for network in networks)


@dataclass
class DrainCount:
    """Counts the answers in a row that do not lead to cdn. Pure."""

    questions: tuple[Question, ...]
    """What has to be drained."""
    _in_a_row: dict[Question, int] = field(default_factory=dict[Question, int])
    _last: dict[Question, float] = field(default_factory=dict[Question, float])

    def note(self, question: Question, to_cdn: int, others: int, at: float) -> None:
        """Take in the answers of a round.

        Args:
            question: What was asked.
            to_cdn: How many led to cdn.
            others: How many did not.
            at: When, in seconds since the object was put.
        """
        if to_cdn:
            self._last[question] = at
            self._in_a_row[question] = 0
        else:
            self._in_a_row[question] = self._in_a_row.get(question, 0) + others

    @property
    def open(self) -> tuple[Question, ...]:
        """The questions that cannot be told to be drained yet."""
        return tuple(each for each in self.questions if self._in_a_row.get(each, 0) < ENOUGH)

    @property
    def on_cdn(self) -> tuple[Question, ...]:
        """Those whose last answers led to cdn."""
        return tuple(each for each in self.questions if self._in_a_row.get(each) == 0)

    @property
    def last_seconds(self) -> float | None:
        """When an answer led to cdn for the last time; None: never."""
        return max(self._last.values(), default=None)


class Authorities:
    """Asks the authorities of names, each in turn."""

    def __init__(self, client: DnsClient) -> None:
        """Know none yet."""
        self._client = client
        self._servers: dict[str, tuple[str, ...]] = {}
        self._asked = 0

    async def answers(self, question: Question, number: int) -> Sequence[DnsAnswer]:
        """Return some answers, without those of servers that do not answer.

        Raises:
            TroubleError: No authority is known, or none answers as one.
        """
        if question.hostname not in self._servers:
            authority = await find_authority(self._client, question.hostname)
            if not authority.servers:
                raise TroubleError("unreachable", f"no authority for {authority.zone} answers")
            self._servers[question.hostname] = authority.servers
        servers = self._servers[question.hostname]
        self._asked += number
        results = await asyncio.gather(
            *(
                self._client.ask(*question, servers[(self._asked + index) % len(servers)])
                for index in range(number)
            ),
            return_exceptions=True,
        )
        for each in results:
            if isinstance(each, BaseException) and not isinstance(each, TroubleError):
                raise each
        told = [
            each
            for each in results
            if isinstance(each, DnsAnswer) and each.code == "NOERROR" and each.authoritative
        ]
        if not told:
            del self._servers[question.hostname]
            reason = next((each for each in results if isinstance(each, TroubleError)), None)
            raise reason or TroubleError("protocol", "no authority answers as one")
        return told


@dataclass(frozen=True)
class Drained:
    """What the authorities answered in the end."""

    open: tuple[Question, ...]
    """Questions of which it could not be told that no answer leads to cdn; none: it is drained."""
    on_cdn: tuple[Question, ...]
    """Those of them whose answers led to cdn to the last."""
    last_seconds: float | None
    """When an answer led to cdn for the last time, after the begin; None: never."""
    trouble: tuple[str, ...] = ()
    """Why a question had no answer in the last round."""


async def watch_drained(
    hostnames: Sequence[str],
    networks: Sequence[Network],
    client: DnsClient,
    clock: Callable[[], float],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Drained:
    """Look until no answer leads to cdn, or for as long as it may take.

    Args:
        hostnames: Names of the API.
        networks: CloudFront's.
        client: Asks name servers.
        clock: Returns the seconds since the object was put.
        sleep: Lets seconds go by.
    """
    count = DrainCount(tuple(Question(name, family) for name in hostnames for family in FAMILIES))
    authorities = Authorities(client)
    while True:
        trouble: list[str] = []
        for question in count.questions:
            try:
                answers = await authorities.answers(question, ANSWERS_AT_ONCE)
            except TroubleError as error:
                trouble.append(f"{question.family} of {question.hostname}: {error}")
                continue
            to_cdn = sum(leads_to_cdn(answer.values, networks) for answer in answers)
            count.note(question, to_cdn, len(answers) - to_cdn, clock())
        if not count.open or clock() > LONGEST_SECONDS:
            return Drained(
                count.open, count.on_cdn, count.last_seconds, tuple(dict.fromkeys(trouble))
            )
        await sleep(PAUSE_SECONDS)
