"""The servers of a zone whose cdn is drained at some time, on a clock that is a number.

They differ from real ones in that all have the same answers at the same time, and are one.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Final

from rollout.probe.model import DnsAnswer, TroubleError
from rollout.shift.drained import Drained, cloudfront_networks, watch_drained

RANGES: Final = json.dumps(
    {
        "prefixes": [
            {"ip_prefix": "198.18.1.0/24", "service": "CLOUDFRONT"},
            {"ip_prefix": "198.18.0.0/24", "service": "EC2"},
        ],
        "ipv6_prefixes": [{"ipv6_prefix": "2001:db8:cf::/48", "service": "CLOUDFRONT"}],
    }
)
NETWORKS: Final = cloudfront_networks(RANGES)
CDN: Final = {"A": "198.18.1.7", "AAAA": "2001:db8:cf:1::1"}
DIRECT: Final = {"A": ("198.18.0.7",), "AAAA": ()}


class Servers:
    """The zone's servers: `answer` says what each question is answered at a time."""

    def __init__(self, answer: Callable[[str, str, float], DnsAnswer | None]) -> None:
        self.now = 0.0
        self._answer = answer

    async def ask(self, name: str, kind: str, server: str | None = None) -> DnsAnswer:
        match name, kind:
            case ("example.com", "SOA" | "NS"):
                return DnsAnswer("NOERROR", ("ns-1.example.",), 60, authoritative=True)
            case ("ns-1.example", "A"):
                return DnsAnswer("NOERROR", ("192.0.2.1",), 60, authoritative=False)
            case ("ns-1.example", _) | (_, "NS" | "CNAME"):
                return DnsAnswer("NOERROR", (), 60, authoritative=False)
            case _:
                assert server == "192.0.2.1"
        answer = self._answer(name, kind, self.now)
        if answer is None:
            raise TroubleError("timeout", f"{server} did not answer in 2 s")
        return answer

    async def sleep(self, seconds: float) -> None:
        self.now += seconds

    def watch(self, *hostnames: str) -> Drained:
        return asyncio.run(
            watch_drained(hostnames, NETWORKS, self, lambda: self.now, sleep=self.sleep)
        )


def told(*values: str) -> DnsAnswer:
    return DnsAnswer("NOERROR", values, 60, authoritative=True)


def drained_at(seconds: float) -> Servers:
    return Servers(lambda _, kind, now: told(CDN[kind]) if now < seconds else told(*DIRECT[kind]))
