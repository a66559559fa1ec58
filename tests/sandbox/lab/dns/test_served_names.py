"""What the name servers answer: weights with the ratios of the shares, and what else is served."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.lab.deployed import Deployed, DeployedZone
from sandbox.lab.dns import unsupported
from sandbox.lab.dns.answers import PossibleAnswer
from sandbox.lab.dns.served_names import served_names
from sandbox.lab.dns.zone_files import MOST_WEIGHT, weights
from support.records import (
    CDN,
    HOST,
    LEADS,
    LOAD_BALANCER,
    POOL,
    alias,
    record,
    soa,
    zone,
)

SERVERS = ("198.18.3.1", "2001:db8:53::1")
EXACT = 10**5
"""Weights up to this, of up to three addresses each, need no rounding."""


def answer(number: int, addresses: int) -> PossibleAnswer:
    return PossibleAnswer(tuple(f"2001:db8:{number:x}::{i}" for i in range(addresses)), 60)


def ratios(weight_by_answer: dict[PossibleAnswer, int]) -> dict[PossibleAnswer, Fraction]:
    """What gdnsd makes of the weights: a group weighs as much as its addresses together."""
    whole = {own: weight * max(1, len(own.values)) for own, weight in weight_by_answer.items()}
    return {own: Fraction(weight, sum(whole.values())) for own, weight in whole.items()}


shares_of = st.lists(
    st.tuples(st.integers(1, EXACT), st.integers(0, 3)), min_size=1, max_size=8
).map(
    lambda drawn: {
        answer(number, addresses): Fraction(weight, sum(other for other, _ in drawn))
        for number, (weight, addresses) in enumerate(drawn)
    }
)


@given(shares_of)
def test_weights_have_the_ratios_of_the_shares(shares: dict[PossibleAnswer, Fraction]) -> None:
    merged = {own: share for own, share in shares.items() if own.values}
    merged = {own: share / sum(merged.values()) for own, share in merged.items()}
    if merged:
        assert ratios(weights(merged)) == merged


@given(st.lists(st.integers(1, 10**12), min_size=2, max_size=8))
def test_weights_too_large_for_gdnsd_are_rounded(drawn: Sequence[int]) -> None:
    shares = {answer(n, 1): Fraction(weight, sum(drawn)) for n, weight in enumerate(drawn)}
    weight_by_answer = weights(shares)
    assert all(1 <= weight <= MOST_WEIGHT for weight in weight_by_answer.values())
    got = ratios(weight_by_answer)
    assert all(abs(got[own] - share) < Fraction(1, 100_000) for own, share in shares.items())


def test_a_zone_is_rendered_whole() -> None:
    served = served_names(
        [
            zone(
                record("example.com", "NS", ["ns-1.awsdns-64.com."], 172800),
                soa(900, 86400),
                alias(HOST, "A", LOAD_BALANCER, weight=("direct", 99)),
                alias(HOST, "A", CDN, weight=("cdn", 1)),
                alias(HOST, "AAAA", POOL, weight=("direct", 99)),
                alias(HOST, "AAAA", CDN, weight=("cdn", 1)),
                record(POOL, "AAAA", ["2001:db8:d1:1::1"], 120, weight=("one", 1)),
                alias(POOL, "AAAA", LOAD_BALANCER, weight=("none", 1)),
                record("\\052.example.com", "A", ["192.0.2.1", "192.0.2.2"], 300),
                record(HOST, "HTTPS", ["1 . alpn=h2"], 300),
            )
        ],
        LEADS,
        {},
        SERVERS,
    )
    assert served.levels[1].zones["example.com"].splitlines() == [
        (
            "example.com. 900 SOA ns-1.awsdns-64.com. awsdns-hostmaster.amazon.com. 1 7200 900 "
            "1209600 86400"
        ),
        "*.example.com. 300 A 192.0.2.1",
        "*.example.com. 300 A 192.0.2.2",
        "api.example.com. 300 TYPE65 \\# 10 00010000010003026832",
        "example.com. 172800 NS ns-1.awsdns-64.com.",
        "_proxy.api.example.com. 120/120 DYNA weighted!r0",
        "api.example.com. 60/60 DYNA weighted!r1",
    ]
    assert served.levels[1].plugins.splitlines() == [
        "plugins => {",
        "  weighted => {",
        (
            "    r0 => { addrs_v6 => { "
            "m0 => { a0 => [ 100::, 1 ] } m1 => { a0 => [ 2001:db8:d1:1::1, 1 ] } } }"
        ),
        (
            "    r1 => { addrs_v4 => { "
            "m0 => { a0 => [ 198.18.0.1, 99 ] a1 => [ 198.18.0.2, 99 ] } "
            "m1 => { a0 => [ 198.18.1.1, 1 ] a1 => [ 198.18.1.2, 1 ] } } "
            "addrs_v6 => { m0 => { a0 => [ 100::, 99 ] } "
            "m1 => { a0 => [ 2001:db8:cf:1::1, 1 ] a1 => [ 2001:db8:cf:2::1, 1 ] } "
            "m2 => { a0 => [ 2001:db8:d1:1::1, 99 ] } } }"
        ),
        "  }",
        "}",
    ]
    assert served.ttls == {
        "api.example.com AAAA": {
            "2001:db8:cf:1::1 2001:db8:cf:2::1": 60,
            "2001:db8:d1:1::1": 120,
        }
    }
    assert served.zones["example.com"].negative_ttl_seconds == 900


def test_a_negative_answer_lives_for_the_smaller_of_two_numbers() -> None:
    for ttl, minimum in ((900, 60), (60, 900)):
        served = served_names([zone(soa(ttl, minimum))], {}, {}, SERVERS)
        assert served.zones["example.com"].negative_ttl_seconds == 60


def test_a_zone_whose_soa_record_is_none_has_that_of_a_new_zone() -> None:
    for wrong in ([], [record("example.com", "SOA", ["nonsense"])]):
        zones = served_names([zone(*wrong)], {}, {}, SERVERS).zones
        assert (zones["example.com"].negative_ttl_seconds, zones[""].negative_ttl_seconds) == (
            900,
            60,
        )


def _delegated(*servers: str) -> dict[str, Any]:
    return record("sub.example.com", "NS", [f"{server}.awsdns-9.net." for server in servers])


def _sub(*servers: str, zone_id: str = "ZSUB") -> DeployedZone:
    return zone(_delegated(*servers), name="sub.example.com", zone_id=zone_id)


def test_a_zone_inside_another_has_a_gdnsd_of_its_own() -> None:
    served = served_names([zone(_delegated("ns-2")), _sub("ns-2")], {}, {}, SERVERS)
    assert {name: own.level for name, own in served.zones.items()} == {
        "": 0,
        "example.com": 1,
        "awsdns-9.net": 1,
        "ipv4only.arpa": 1,
        "root-servers.net": 1,
        "sub.example.com": 2,
    }


@pytest.mark.parametrize(
    "around",
    [
        pytest.param((), id="not delegated"),
        pytest.param((_delegated("ns-1"),), id="delegated to an older zone"),
        pytest.param((_delegated("ns-1", "ns-2"),), id="delegated to an older zone as well"),
    ],
)
def test_a_zone_that_the_one_around_it_does_not_lead_to_is_not_served_and_named(
    around: tuple[dict[str, Any], ...],
) -> None:
    zones = [_sub("ns-2", "ns-3"), zone(*around)]
    assert "sub.example.com" not in served_names(zones, {}, {}, SERVERS).zones
    assert unsupported(Deployed(zones=tuple(zones))) == [
        (
            "zone ZSUB, sub.example.com, is inside another hosted zone, which does not have NS "
            "records for it that are among its own; nobody is led to it, nor in the lab"
        )
    ]


def test_of_two_zones_of_one_name_the_one_is_served_that_is_delegated_to() -> None:
    zones = (_sub("ns-1"), _sub("ns-2", zone_id="ZNEW"), zone(_delegated("ns-2")))
    assert unsupported(Deployed(zones=zones)) == [
        "zone ZSUB has the name of another, sub.example.com; the lab serves one"
    ]


def test_names_of_name_servers_have_the_addresses_of_the_lab() -> None:
    servers = record("example.com", "NS", ["ns-1.awsdns-64.com.", "ns.example.com."])
    served = served_names([zone(servers)], {}, {}, SERVERS)
    assert served.levels[1].zones["awsdns-64.com"].splitlines()[1:] == [
        "awsdns-64.com. 60 NS a.root-servers.net.",
        "ns-1.awsdns-64.com. 60 A 198.18.3.1",
        "ns-1.awsdns-64.com. 60 AAAA 2001:db8:53::1",
    ]
    assert "ns.example.com. 60 A 198.18.3.1" not in served.levels[1].zones["example.com"]


def test_what_is_not_served_as_route_53_would_is_named() -> None:
    many = [
        record(HOST, "A", [f"192.0.2.{n}"], weight=(str(n), 1), check=str(n)) for n in range(65)
    ]
    texts = [record(HOST, "TXT", [f'"{n}"'], weight=(str(n), 1)) for n in range(2)]
    deployed = Deployed(
        zones=(zone(*many, *texts), zone(zone_id="ZOTHER")),
        health_checks={"alarm": {"Type": "CLOUDWATCH_METRIC"}, "tcp": {"Type": "TCP"}},
    )
    assert unsupported(deployed) == [
        (
            "records api.example.com A of zone example.com have 65 members or addresses; gdnsd "
            "serves 64"
        ),
        (
            "records api.example.com TXT of zone example.com are weighted; the lab serves weighted "
            "A and AAAA records"
        ),
        "zone ZOTHER has the name of another, example.com; the lab serves one",
        "health check alarm is of type CLOUDWATCH_METRIC; it is always healthy in the lab",
    ]
    assert HOST not in served_names(deployed.zones, {}, {}, SERVERS).levels[1].zones["example.com"]
