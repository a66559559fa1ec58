"""One question to one name server: over UDP, and over TCP where the answer does not fit.

The naive way is `dns.asyncquery.udp_with_fallback`, which writes each question and parses each
answer anew. A share takes thousands of answers, and most of the time goes there. But all of them
answer one question, and few differ in more than their id. So a question is written once, and each
different answer is parsed once. Every question is sent all the same.
"""

import asyncio
import secrets
import socket
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Final, cast

import dns.asyncbackend
import dns.asyncquery
import dns.inet
import dns.message
import dns.rcode

PAYLOAD_BYTES: Final = 1232
"""The largest answer that is accepted over UDP. It fits into IPv6's smallest MTU, 1280 bytes, so no
answer is ever cut into fragments. Source: DNS Flag Day 2020."""

_ID_BYTES: Final = 2
_MOST_BYTES: Final = 65535

_MOST_KEPT: Final = 512
"""How many questions are kept as written, and answers as parsed: more than a share has."""


@dataclass(frozen=True, eq=False)
class DnsMessage:
    """A question, or an answer; equal ones are one object, so nobody may change it."""

    message: dns.message.Message
    """The message; its id says nothing."""
    code: str
    """`NOERROR`, `NXDOMAIN`, `SERVFAIL` …"""
    wire: bytes = b""
    """What is sent after the id; empty where it was received."""
    is_cut: bool = False
    """Whether it is an answer that did not fit."""


async def exchange(
    name: str, kind: str, server: str, *, port: int, timeout_seconds: float, edns: bool
) -> DnsMessage:
    """Send a question and return its answer.

    Args:
        name: The name.
        kind: The type.
        server: Literal address of the server.
        port: The server's port.
        timeout_seconds: How long the answer may take over UDP, and over TCP once more.
        edns: Whether the question is one of EDNS, with room for `PAYLOAD_BYTES` and with DNSSEC.

    Raises:
        dns.exception.Timeout: None came in time.
        dns.exception.DNSException: The name cannot be asked for, or TCP brought no answer.
        OSError: The server cannot be reached.
        EOFError: The server hung up.
    """
    question = _question(name, kind, edns=edns)
    answer = await _over_udp(question, server, port, timeout_seconds)
    if answer.is_cut:
        whole = await dns.asyncquery.tcp(question.message, server, timeout_seconds, port)
        return DnsMessage(whole, dns.rcode.to_text(whole.rcode()))
    return answer


async def _over_udp(
    question: DnsMessage, server: str, port: int, timeout_seconds: float
) -> DnsMessage:
    """Return the first answer to this very question; what else comes is passed over."""
    own_id, address = secrets.token_bytes(_ID_BYTES), _plain(server)
    family = dns.inet.af_for_address(server)
    there = dns.inet.low_level_address_tuple((server, port), family)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_seconds
    backend: Any = dns.asyncbackend.get_default_backend()
    async with await backend.make_socket(family, socket.SOCK_DGRAM) as udp:
        await udp.sendto(own_id + question.wire, there, timeout_seconds)
        while True:
            wire, sender = await udp.recvfrom(_MOST_BYTES, deadline - loop.time())
            is_own = (_plain(sender[0]), sender[1]) == (address, port) and wire.startswith(own_id)
            if is_own and (answer := _answer(question, wire[_ID_BYTES:])):
                return answer


def _plain(address: str) -> IPv4Address | IPv6Address:
    """Return an address in a form that can be compared, without its interface."""
    return ip_address(address.partition("%")[0])


@lru_cache(_MOST_KEPT)
def _question(name: str, kind: str, *, edns: bool) -> DnsMessage:
    payload = PAYLOAD_BYTES if edns else None
    message = dns.message.make_query(name, kind, want_dnssec=edns, payload=payload, id=0)
    return DnsMessage(message, "", message.to_wire()[_ID_BYTES:])


@lru_cache(_MOST_KEPT)
def _answer(question: DnsMessage, wire: bytes) -> DnsMessage | None:
    """Return an answer, of which everything after the id is given; None: it is not one to this."""
    is_cut = False
    try:
        message = dns.message.from_wire(bytes(_ID_BYTES) + wire, raise_on_truncation=True)
    except dns.message.Truncated as fault:
        message, is_cut = cast("dns.message.Message", cast("Any", fault).message()), True
    except Exception:  # noqa: BLE001 - dnspython raises whatever it meets in a packet
        return None
    if not question.message.is_response(message):
        return None
    return DnsMessage(message, dns.rcode.to_text(message.rcode()), is_cut=is_cut)
