"""Name servers are asked as RFC 1035, 2308, 6891 and 7766 have it, and a silent one is told of."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count
from typing import cast

import dns.message
import dns.rrset
import pytest

from rollout.probe.dns import DnspythonClient
from rollout.probe.model import DnsAnswer, TroubleError
from support.authority import AUTHORITY, RESOLVER, Server, Zone, serving

ZONE = Zone(
    "example.com",
    {
        ("api.example.com", "A"): (60, ("192.0.2.1",)),
        ("api.example.com", "HTTPS"): (60, ("1 . alpn=h2",)),
        ("many.example.com", "TXT"): (60, tuple(f'"{"x" * 200}{n}"' for n in range(20))),
        ("www.example.com", "CNAME"): (30, ("api.example.com.",)),
        ("away.example.com", "CNAME"): (20, ("host.example.net.",)),
    },
)
SHORT_SOA = Zone(
    "example.net",
    {("host.example.net", "A"): (300, ("192.0.2.9",))},
    soa=(60, ("ns.example.net. host.example.net. 1 7200 900 1209600 5",)),
)


def answer_of(use: Callable[[Server, DnspythonClient], Awaitable[DnsAnswer]]) -> DnsAnswer:
    async def run() -> DnsAnswer:
        async with serving(ZONE, SHORT_SOA) as server:
            names = DnspythonClient([RESOLVER], port=server.port, timeout_seconds=0.3)
            return await use(server, names)

    return asyncio.run(run())


def ask(name: str, kind: str, server: str | None = None) -> DnsAnswer:
    return answer_of(lambda _, names: names.ask(name, kind, server))


@pytest.mark.parametrize(
    ("name", "kind", "answer"),
    [
        (
            "api.example.com",
            "A",
            DnsAnswer("NOERROR", ("192.0.2.1",), 60, authoritative=False),
        ),
        ("api.example.com", "AAAA", DnsAnswer("NOERROR", (), 900, authoritative=False)),
        ("api.example.net", "AAAA", DnsAnswer("NXDOMAIN", (), 5, authoritative=False)),
        ("gone.example.com", "A", DnsAnswer("NXDOMAIN", (), 900, authoritative=False)),
        (
            "api.example.com",
            "HTTPS",
            DnsAnswer("NOERROR", ('1 . alpn="h2"',), 60, authoritative=False),
        ),
        (
            "www.example.com",
            "A",
            DnsAnswer("NOERROR", ("192.0.2.1",), 30, authoritative=False),
        ),
        (
            "www.example.com",
            "CNAME",
            DnsAnswer("NOERROR", ("api.example.com.",), 30, authoritative=False),
        ),
        ("api.example.org", "A", DnsAnswer("NXDOMAIN", (), None, authoritative=False)),
    ],
)
def test_an_answer_is_what_the_server_said(name: str, kind: str, answer: DnsAnswer) -> None:
    assert ask(name, kind) == answer


def test_an_authority_is_asked_where_one_is_named() -> None:
    async def use(server: Server, names: DnspythonClient) -> DnsAnswer:
        answer = await names.ask("api.example.com", "A", AUTHORITY)
        assert server.queries == [(AUTHORITY, "api.example.com", "A")]
        return answer

    assert answer_of(use).authoritative


def test_what_does_not_fit_comes_over_tcp() -> None:
    async def use(server: Server, names: DnspythonClient) -> DnsAnswer:
        answer = await names.ask("many.example.com", "TXT")
        assert len(server.queries) == 2
        return answer

    assert len(answer_of(use).values) == 20


def test_a_chain_that_a_server_leaves_open_is_followed() -> None:
    async def use(server: Server, names: DnspythonClient) -> DnsAnswer:
        server.open_chains = True
        answer = await names.ask("away.example.com", "A", AUTHORITY)
        assert [question[:2] for question in server.queries] == [
            (AUTHORITY, "away.example.com"),
            (RESOLVER, "host.example.net"),
        ]
        return answer

    assert answer_of(use) == DnsAnswer("NOERROR", ("192.0.2.9",), 20, authoritative=True)


def test_a_lost_question_is_asked_again() -> None:
    async def use(server: Server, names: DnspythonClient) -> DnsAnswer:
        server.drop = 2
        answer = await names.ask("api.example.com", "A")
        assert len(server.queries) == 3
        return answer

    assert answer_of(use).values == ("192.0.2.1",)


def test_a_server_without_edns_is_asked_without() -> None:
    async def use(server: Server, names: DnspythonClient) -> DnsAnswer:
        server.edns = False
        return await names.ask("api.example.com", "A")

    assert answer_of(use).values == ("192.0.2.1",)


def test_the_next_resolver_is_asked_where_one_refuses() -> None:
    async def use(server: Server, _: DnspythonClient) -> DnsAnswer:
        server.lame = True
        both = DnspythonClient([AUTHORITY, RESOLVER], port=server.port, timeout_seconds=0.3)
        return await both.ask("api.example.com", "A")

    assert answer_of(use).code == "NOERROR"


def test_a_refusal_is_the_answer_where_nobody_has_a_better_one() -> None:
    async def use(server: Server, names: DnspythonClient) -> DnsAnswer:
        server.lame = True
        return await names.ask("api.example.com", "A", AUTHORITY)

    assert answer_of(use) == DnsAnswer("REFUSED", (), None, authoritative=False)


def troubled(use: Callable[[Server, DnspythonClient], Awaitable[DnsAnswer]]) -> tuple[str, str]:
    with pytest.raises(TroubleError) as caught:
        answer_of(use)
    return caught.value.kind, str(caught.value)


def test_silence_is_a_timeout() -> None:
    async def use(server: Server, names: DnspythonClient) -> DnsAnswer:
        server.drop = 100
        return await names.ask("api.example.com", "A")

    assert troubled(use) == ("timeout", "127.0.0.1 did not answer in 0.3 s")


def test_a_server_that_has_no_route_is_unreachable() -> None:
    kind, message = troubled(lambda _, names: names.ask("api.example.com", "A", "255.255.255.255"))
    assert kind == "unreachable"
    assert message == "255.255.255.255 cannot be reached: Permission denied"


def test_a_name_that_is_none_is_told_of() -> None:
    kind, message = troubled(lambda _, names: names.ask("a..example.com", "A"))
    assert (kind, message) == ("protocol", "a..example.com A: A DNS label is empty.")


def test_the_same_question_is_sent_each_time_and_has_the_answer_of_that_time() -> None:
    numbers = count(1)

    async def run() -> list[DnsAnswer]:
        changing = Zone(
            "example.com",
            {("api.example.com", "A"): lambda: (60, (f"192.0.2.{next(numbers) % 2}",))},
        )
        async with serving(changing) as server:
            names = DnspythonClient([RESOLVER], port=server.port)
            answers = [await names.ask("api.example.com", "A") for _ in range(4)]
            assert len(server.queries) == 4
            return answers

    assert [answer.values for answer in asyncio.run(run())] == [
        ("192.0.2.1",),
        ("192.0.2.0",),
    ] * 2


SPOILED: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda _: b"",
    "half of it": lambda wire: wire[:-3],
    "another id": lambda wire: bytes([wire[0] ^ 1]) + wire[1:],
    "a question": lambda wire: wire[:2] + bytes([wire[2] & 0x7F]) + wire[3:],
    "another name": lambda wire: wire.replace(b"\x03api", b"\x03ipa"),
}


@pytest.mark.parametrize("how", SPOILED)
def test_what_is_no_answer_to_the_question_is_passed_over(how: str) -> None:
    class First(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = cast("asyncio.DatagramTransport", transport)

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            reply = dns.message.make_response(dns.message.from_wire(data))
            for address in ("192.0.2.66", "192.0.2.1"):
                reply.answer = [dns.rrset.from_text("api.example.com.", 60, "IN", "A", address)]
                wire = reply.to_wire()
                is_spoiled = address == "192.0.2.66"
                self.transport.sendto(SPOILED[how](wire) if is_spoiled else wire, addr)

    async def run() -> DnsAnswer:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(First, (RESOLVER, 0))
        port = int(transport.get_extra_info("sockname")[1])
        try:
            return await DnspythonClient([RESOLVER], port=port).ask("api.example.com", "A")
        finally:
            transport.close()

    assert asyncio.run(run()).values == ("192.0.2.1",)
