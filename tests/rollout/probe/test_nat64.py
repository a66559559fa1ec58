"""NAT64 prefixes are discovered and used as RFC 7050 and RFC 6052 have it."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.probe import nat64

HOST = IPv4Address("192.0.2.33")
# The table of RFC 6052 section 2.4.
TABLE = [
    ("2001:db8::/32", "2001:db8:c000:221::"),
    ("2001:db8:100::/40", "2001:db8:1c0:2:21::"),
    ("2001:db8:122::/48", "2001:db8:122:c000:2:2100::"),
    ("2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::"),
    ("2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100::"),
    ("2001:db8:122:344::/96", "2001:db8:122:344::192.0.2.33"),
    ("64:ff9b::/96", "64:ff9b::192.0.2.33"),
]


@pytest.mark.parametrize(("prefix", "address"), TABLE)
def test_an_address_is_embedded_as_the_standard_shows(prefix: str, address: str) -> None:
    assert nat64.embed(HOST, IPv6Network(prefix)) == IPv6Address(address)
    assert nat64.extract(IPv6Address(address), IPv6Network(prefix)) == HOST


lengths = st.sampled_from([32, 40, 48, 56, 64, 96])
bits = st.integers(0, 2**128 - 1)


def prefix_of(length: int, drawn: int) -> IPv6Network:
    # Bits 64 to 71 are zero in every prefix that may be used.
    drawn &= ~(0xFF << 56)
    return IPv6Network((drawn >> (128 - length) << (128 - length), length))


@given(lengths, bits, st.ip_addresses(v=4))
def test_what_is_embedded_is_extracted(length: int, drawn: int, host: IPv4Address) -> None:
    prefix = prefix_of(length, drawn)
    assert nat64.extract(nat64.embed(host, prefix), prefix) == host


@given(lengths, bits)
def test_a_prefix_is_discovered_by_the_two_known_addresses(length: int, drawn: int) -> None:
    prefix = prefix_of(length, drawn)
    answers = [
        str(nat64.embed(IPv4Address(address), prefix)) for address in ("192.0.0.170", "192.0.0.171")
    ]
    assert prefix in nat64.prefixes(answers)


def test_two_gateways_have_two_prefixes() -> None:
    prefixes = nat64.prefixes(["64:ff9b::c000:aa", "2001:db8:64:6464::c000:ab", "64:ff9b::c000:ab"])
    assert list(map(str, prefixes)) == ["64:ff9b::/96", "2001:db8:64:6464::/96"]


def test_an_address_of_something_else_shows_no_gateway() -> None:
    assert nat64.prefixes(["2001:db8::1"]) == ()
    assert nat64.prefixes([]) == ()


def test_an_address_outside_a_prefix_stands_for_nobody() -> None:
    assert nat64.extract(IPv6Address("2001:db8::1"), IPv6Network("64:ff9b::/96")) is None
