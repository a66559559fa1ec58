"""Whose an address is, and how one question is asked many times, of name servers that fail."""

import asyncio
from collections.abc import Callable

import pytest

from rollout.probe.model import DnsAnswer, EdgeTarget, TroubleError
from rollout.verify.dns_answers import AddressBook, Sampler, answering_authority

BALANCER, CDN = "lb-1.example.net", "d111.cloudfront.example.net"
TARGET = EdgeTarget(("api.example.com",), BALANCER, CDN, weights=(50, 50))
SILENCE = TroubleError("timeout", "192.0.2.53 does not answer")


def answer(*values: str, code: str = "NOERROR", authoritative: bool = True) -> DnsAnswer:
    return DnsAnswer(code, values, 60, authoritative=authoritative)


Reply = DnsAnswer | Exception


class Names:
    """Name servers that answer as a function says."""

    def __init__(self, reply: Callable[[str, str, str | None], Reply]) -> None:
        self._reply = reply
        self.servers: list[str | None] = []

    async def ask(self, name: str, kind: str, server: str | None = None) -> DnsAnswer:
        self.servers.append(server)
        reply = self._reply(name, kind, server)
        if isinstance(reply, Exception):
            raise reply
        return reply


@pytest.mark.parametrize(
    ("reply", "trouble"),
    [
        (answer(code="SERVFAIL"), f"{BALANCER} AAAA is answered SERVFAIL"),
        (SILENCE, f"{BALANCER} AAAA: 192.0.2.53 does not answer"),
    ],
)
def test_a_name_that_cannot_be_resolved_is_trouble_and_the_others_are_learned(
    reply: Reply, trouble: str
) -> None:
    names = Names(lambda name, kind, _: reply if (name, kind) == (BALANCER, "AAAA") else answer())
    book = AddressBook(names, TARGET)
    asyncio.run(book.learn())
    assert book.trouble == trouble


def test_a_resolver_that_knows_no_dns64_has_no_prefixes() -> None:
    names = Names(lambda name, _kind, _: SILENCE if name == "ipv4only.arpa" else answer())
    book = AddressBook(names, TARGET)
    asyncio.run(book.learn())
    assert (book.prefixes, book.trouble) == ((), "")


def test_what_is_no_answer_of_a_name_server_is_raised() -> None:
    book = AddressBook(Names(lambda _name, _kind, _server: OSError("the disk is full")), TARGET)
    with pytest.raises(OSError, match="the disk is full"):
        asyncio.run(book.learn_more())


def test_more_is_learned_from_the_authorities_of_the_names_that_have_one() -> None:
    """The load balancer's zone has a server; the distribution's has none that is known."""

    def reply(name: str, kind: str, server: str | None) -> Reply:
        if name.endswith("cloudfront.example.net") and kind != "A":
            return SILENCE
        match name, kind, server:
            case "example.net", "NS", _:
                return answer("ns.example.net.")
            case "ns.example.net", "A", _:
                return answer("192.0.2.53")
            case _, "A", None:
                return answer("192.0.2.1")
            case _, "A", _:
                return answer("192.0.2.2")
            case _:
                return answer()

    names = Names(reply)
    book = AddressBook(names, TARGET)
    asyncio.run(book.learn_more())
    assert book.addresses["direct", "A"] == {"192.0.2.1", "192.0.2.2"}
    assert book.addresses["cdn", "A"] == {"192.0.2.1"}
    assert "192.0.2.53" in names.servers


def sampled(*servers: str, reply: Callable[[str | None], Reply]) -> Sampler:
    """Return a sampler that has tried to get 40 answers."""
    sampler = Sampler(Names(lambda _name, _kind, server: reply(server)), "a.", "A", servers)
    asyncio.run(sampler.grow(40))
    return sampler


def test_a_server_that_falls_silent_is_not_asked_again_and_the_others_make_up_for_it() -> None:
    replies = {"192.0.2.1": SILENCE, "192.0.2.2": answer("198.51.100.1")}
    sampler = sampled(*replies, reply=lambda server: replies[str(server)])
    assert len(sampler.answers) == 40


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (answer("198.51.100.1", authoritative=False), "192.0.2.1 answers as no authority"),
        (answer(code="REFUSED"), "192.0.2.1 answers REFUSED"),
        (SILENCE, "192.0.2.53 does not answer"),
    ],
)
def test_what_is_no_draw_of_an_authority_is_no_sample(reply: Reply, words: str) -> None:
    with pytest.raises(TroubleError, match=words):
        sampled("192.0.2.1", reply=lambda _: reply)


def test_a_fault_of_our_own_is_not_taken_for_a_servers() -> None:
    with pytest.raises(ZeroDivisionError):
        sampled("192.0.2.1", reply=lambda _: ZeroDivisionError())


def test_a_zone_without_an_authority_that_answers_is_trouble() -> None:
    def reply(name: str, kind: str, server: str | None) -> Reply:
        if kind == "NS" and name == "example.com":
            return answer("ns.example.com.")
        return SILENCE if server else answer("192.0.2.53") if kind == "A" else answer()

    with pytest.raises(TroubleError, match=r"^no authority for example\.com answers$"):
        asyncio.run(answering_authority(Names(reply), "api.example.com"))
