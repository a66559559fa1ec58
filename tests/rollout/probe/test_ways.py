"""Which ways there are, and what an unusable one is called."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import pytest

from rollout.probe import ways
from rollout.probe.model import EdgeTarget, HttpAnswer, HttpRequest, Result, TroubleError, Way
from rollout.probe.ways import WaySearch
from support.fake_edge import (
    CDN4,
    CDN6,
    DIRECT4,
    HOSTNAME,
    TARGET,
    WAYS,
    FakeNames,
    FakeWire,
    answer,
)

NO_IPV6 = (
    "expected AAAA of d1.cloudfront.net, none came: IPv6 clients that DNS sends here cannot connect"
)
Table = Mapping[tuple[str, str], tuple[str, ...] | str]
NAMES: Table = {
    ("lb.example.net", "A"): (DIRECT4.address,),
    ("d1.cloudfront.net", "A"): (CDN4.address,),
    ("d1.cloudfront.net", "AAAA"): (CDN6.address,),
    (HOSTNAME, "A"): (DIRECT4.address,),
    (HOSTNAME, "AAAA"): (CDN6.address,),
    ("ipv4only.arpa", "AAAA"): (),
    ("lb.example.net", "AAAA"): (),
    ("d1.cloudfront.net", "NS"): ("ns.example.net.",),
    ("d1.cloudfront.net", "SOA"): ("ns.example.net. host.example.net. 1 2 3 4 5",),
    ("ns.example.net", "A"): ("198.18.9.1",),
}


def find(
    names: Table = NAMES,
    *,
    target: EdgeTarget = TARGET,
    wire: FakeWire | None = None,
) -> WaySearch:
    wire = wire or FakeWire(lambda _way, _request: answer())
    return asyncio.run(ways.find(target, FakeNames(names), wire))


def results_by_way(search: WaySearch) -> dict[str, tuple[str, str]]:
    """Return verdict and evidence by place."""
    return {
        f"{result.path or result.check} {result.family}": (result.verdict, result.evidence)
        for result in search.results
    }


def test_every_way_is_found_and_each_address_is_gone_once() -> None:
    search = find()
    assert search.ways == WAYS
    assert search.results == (
        Result("ways", "pass", "198.18.0.1", HOSTNAME, "direct", "IPv4"),
        Result("ways", "pass", "2001:db8:d1::1", HOSTNAME, "direct", "IPv6"),
        Result("ways", "pass", "198.18.1.1", HOSTNAME, "cdn", "IPv4"),
        Result("ways", "pass", "2001:db8:cf:1::1", HOSTNAME, "cdn", "IPv6"),
        Result("by-name", "pass", "answers 198.18.0.1 (direct)", HOSTNAME, None, "IPv4"),
        Result("by-name", "pass", "answers 2001:db8:cf:1::1 (cdn)", HOSTNAME, None, "IPv6"),
    )


def test_every_hostname_has_its_own_ways() -> None:
    target = replace(TARGET, hostnames=(HOSTNAME, "api2.example.com"))
    assert find(target=target).ways == (
        *WAYS,
        *(replace(way, hostname="api2.example.com") for way in WAYS),
    )


def test_without_proxies_direct_over_ipv6_does_not_exist_and_that_is_no_fault() -> None:
    search = find({**NAMES, (HOSTNAME, "AAAA"): ()}, target=replace(TARGET, proxy_addresses=()))
    assert search.ways == (DIRECT4, CDN4, CDN6)
    assert results_by_way(search)["direct IPv6"] == (
        "pass",
        "does not exist: no proxies, and the load balancer has IPv4 only",
    )
    assert results_by_way(search)["by-name IPv6"] == (
        "pass",
        "no AAAA in this answer, as it should be where it leads direct: there are no proxies",
    )


@pytest.mark.parametrize(
    ("changes", "verdict", "evidence"),
    [
        pytest.param(
            {("lb.example.net", "AAAA"): ("2001:db8:1b::1",)},
            "pass",
            "2001:db8:1b::1",
            id="a load balancer of both families",
        ),
        pytest.param(
            {("lb.example.net", "AAAA"): "SERVFAIL"},
            "unknown",
            "lb.example.net does not resolve: its AAAA is answered SERVFAIL",
            id="a resolver that could not tell",
        ),
        pytest.param(
            {("lb.example.net", "AAAA"): ("64:ff9b::c612:1",)},
            "pass",
            "does not exist: no proxies, and the load balancer has IPv4 only",
            id="an address that a DNS64 made up",
        ),
    ],
)
def test_without_proxies_the_load_balancer_is_asked_whether_it_has_ipv6(
    changes: Table, verdict: str, evidence: str
) -> None:
    target = replace(TARGET, proxy_addresses=())
    search = find({**NAMES, (HOSTNAME, "AAAA"): (), **changes}, target=target)
    assert results_by_way(search)["direct IPv6"] == (verdict, evidence)
    six = [way.address for way in search.ways if (way.path, way.family) == ("direct", "IPv6")]
    assert six == ([evidence] if evidence.startswith("2001:") else [])
    # Where there is an address, or may be, an answer without one is not as it should be.
    exists = verdict == "unknown" or bool(six)
    assert results_by_way(search)["by-name IPv6"][0] == ("unknown" if exists else "pass")


def test_ipv6_that_only_the_resolver_lacks_is_there() -> None:
    search = find(
        {
            **NAMES,
            ("d1.cloudfront.net", "AAAA"): (),
            ("d1.cloudfront.net", "AAAA@198.18.9.1"): (CDN6.address,),
        }
    )
    assert CDN6 in search.ways
    assert results_by_way(search)["cdn IPv6"] == ("pass", CDN6.address)


def test_ipv6_that_the_resolver_lacks_and_nobody_else_tells_of_is_unknown() -> None:
    search = find(
        {
            **NAMES,
            ("d1.cloudfront.net", "AAAA"): (),
            ("ns.example.net", "A"): "silent",
        }
    )
    verdict, evidence = results_by_way(search)["cdn IPv6"]
    assert verdict == "unknown"
    assert evidence.startswith(
        "the resolver has no AAAA for d1.cloudfront.net, and it cannot be asked again: "
    )


def test_a_distribution_without_ipv6_fails() -> None:
    search = find({**NAMES, ("d1.cloudfront.net", "AAAA"): ()})
    assert CDN6 not in search.ways
    result = next(item for item in search.results if (item.path, item.family) == ("cdn", "IPv6"))
    assert (result.verdict, result.evidence, result.remedy) == (
        "fail",
        NO_IPV6,
        "Turn IPv6 on for the distribution (isIpv6Enabled).",
    )


@pytest.mark.parametrize(
    ("name", "answers", "place", "reason"),
    [
        pytest.param(
            ("lb.example.net", "A"),
            "NXDOMAIN",
            "direct IPv4",
            "lb.example.net does not resolve: its A is answered NXDOMAIN",
            id="a name that is not there",
        ),
        pytest.param(
            ("d1.cloudfront.net", "AAAA"),
            "SERVFAIL",
            "cdn IPv6",
            "d1.cloudfront.net does not resolve: its AAAA is answered SERVFAIL",
            id="a resolver that could not tell",
        ),
        pytest.param(
            ("d1.cloudfront.net", "A"),
            "silent",
            "cdn IPv4",
            "d1.cloudfront.net does not resolve: nobody answered in 6 s",
            id="a resolver that is silent",
        ),
        pytest.param(
            ("lb.example.net", "A"),
            (),
            "direct IPv4",
            "lb.example.net has no A",
            id="a load balancer without an address",
        ),
        pytest.param(
            (HOSTNAME, "A"),
            "NXDOMAIN",
            "by-name IPv4",
            "api.example.com does not resolve: its A is answered NXDOMAIN",
            id="a hostname that is not there",
        ),
        pytest.param(
            (HOSTNAME, "AAAA"),
            (),
            "by-name IPv6",
            "no AAAA in this answer, so nobody can be asked for by name over IPv6",
            id="a hostname without the AAAA that proxies should give it",
        ),
    ],
)
def test_a_name_that_leads_nowhere_cannot_tell(
    name: tuple[str, str], answers: tuple[str, ...] | str, place: str, reason: str
) -> None:
    assert results_by_way(find({**NAMES, name: answers}))[place] == ("unknown", reason)


def test_ipv6_that_a_dns64_made_up_is_none() -> None:
    """Behind DNS64 every IPv4-only name has AAAA records that nobody published."""
    names = {
        **NAMES,
        ("ipv4only.arpa", "AAAA"): ("2001:db8:64:6464::c000:aa", "2001:db8:64:6464::c000:ab"),
        ("d1.cloudfront.net", "AAAA"): ("2001:db8:64:6464::c612:101",),
    }
    names["d1.cloudfront.net", "AAAA@198.18.9.1"] = ()
    search = find(names)
    assert CDN6 not in [replace(way, address=CDN6.address) for way in search.ways]
    assert results_by_way(search)["cdn IPv6"][0] == "fail"


@pytest.mark.parametrize(
    ("discovered", "made_up"),
    [
        (("2001:db8:64:0:c0:0:aa00:0",), "2001:db8:64:0:c6:1201:100:0"),
        ((), "64:ff9b::c612:101"),
        ("silent", "64:ff9b::c612:101"),
        ("NXDOMAIN", "64:ff9b::c612:101"),
    ],
)
def test_ipv6_behind_any_gateway_is_none(discovered: tuple[str, ...] | str, made_up: str) -> None:
    names = {
        **NAMES,
        ("ipv4only.arpa", "AAAA"): discovered,
        ("d1.cloudfront.net", "AAAA"): (made_up,),
        ("d1.cloudfront.net", "AAAA@198.18.9.1"): (),
    }
    search = find(names)
    assert results_by_way(search)["cdn IPv6"][0] == "fail"
    assert all(way.address != made_up for way in search.ways)


STRANGER = "198.18.1.77"


def cloudfront(_way: Way, _request: HttpRequest) -> HttpAnswer:
    return answer(404, via="1.1 abc.cloudfront.net (CloudFront)")


def somebody(_way: Way, _request: HttpRequest) -> HttpAnswer:
    return answer(200, server="nginx")


def nobody(_way: Way, _request: HttpRequest) -> HttpAnswer:
    raise TroubleError("reset", "ended early")


@pytest.mark.parametrize(
    ("speaks", "verdict", "evidence"),
    [
        (cloudfront, "pass", f"answers {STRANGER} (cdn)"),
        (
            somebody,
            "unknown",
            f"{STRANGER} is of neither path, and its answers do not come through CloudFront",
        ),
        (
            nobody,
            "unknown",
            f"{STRANGER} is of neither path, and does not tell whose it is: ended early",
        ),
    ],
)
def test_an_address_that_only_the_hostname_has_is_cdns_only_if_cloudfront_speaks(
    speaks: ..., verdict: str, evidence: str
) -> None:
    search = find({**NAMES, (HOSTNAME, "A"): (STRANGER,)}, wire=FakeWire(speaks))
    assert results_by_way(search)["by-name IPv4"] == (verdict, evidence)
    way = Way("cdn", "IPv4", HOSTNAME, STRANGER, by_name=True)
    assert (way in search.ways) == (verdict == "pass")
