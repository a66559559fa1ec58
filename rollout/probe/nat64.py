"""NAT64: the IPv6 addresses under which IPv6-only networks know IPv4 hosts.

A NAT64 gateway translates packets for one IPv6 prefix, and DNS64 makes an AAAA record out of that
prefix and an A record wherever there is no AAAA record. What the prefix is a host learns by asking
for the AAAA records of a name that has only A records, and only these two.

Source: RFC 6052 section 2.2 (addresses); RFC 7050 section 3 (discovery).
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network
from typing import Final

WELL_KNOWN_NAME: Final = "ipv4only.arpa"
"""The name to ask for. Source: RFC 7050 section 3."""

_WELL_KNOWN: Final = (IPv4Address("192.0.0.170"), IPv4Address("192.0.0.171"))
"""Its addresses. Source: RFC 7050 section 8.2."""

WELL_KNOWN_PREFIX: Final = IPv6Network("64:ff9b::/96")
"""The prefix of gateways that have none of their own: no published address is in it.
Source: RFC 6052 section 2.1."""

_LENGTHS: Final = (32, 40, 48, 56, 64, 96)
"""Bits a prefix may have. Source: RFC 6052 section 2.2."""

_SKIPPED_OCTET: Final = 8
"""Bits 64 to 71 are zero and no part of the address. Source: RFC 6052 section 2.2."""


def prefixes(answers: Iterable[str]) -> tuple[IPv6Network, ...]:
    """Return the prefixes of the network's gateways, in the order they were answered.

    Args:
        answers: AAAA records of `WELL_KNOWN_NAME`, as the network's resolver gives them.
    """
    networks: list[IPv6Network] = []
    for answer in answers:
        address = IPv6Address(answer)
        # Longest first: in `64:ff9b::c000:aa` shorter prefixes would not find the address anyway.
        for length in reversed(_LENGTHS):
            prefix = IPv6Network((int(address) >> (128 - length) << (128 - length), length))
            if extract(address, prefix) in _WELL_KNOWN and prefix not in networks:
                networks.append(prefix)
                break
    return tuple(networks)


def embed(address: IPv4Address, prefix: IPv6Network) -> IPv6Address:
    """Return the IPv6 address of an IPv4 host behind a gateway."""
    octets = bytearray(prefix.network_address.packed)
    for place, octet in zip(_places(prefix), address.packed, strict=True):
        octets[place] = octet
    return IPv6Address(bytes(octets))


def extract(address: IPv6Address, prefix: IPv6Network) -> IPv4Address | None:
    """Return the IPv4 host that an address behind a gateway stands for; None: it is not there."""
    if address not in prefix:
        return None
    octets = address.packed
    return IPv4Address(bytes(octets[place] for place in _places(prefix)))


def _places(prefix: IPv6Network) -> list[int]:
    first = prefix.prefixlen // 8
    return [place for place in range(first, 16) if place != _SKIPPED_OCTET][:4]
