"""Each address is reached or told of, and a family this machine lacks is never a pass."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from rollout.probe.model import (
    DnsAnswer,
    EdgeTarget,
    HttpAnswer,
    HttpRequest,
    Result,
    TroubleError,
    Way,
)
from rollout.probe.sockets import (
    VERSIONS,
    Connector,
    Handshake,
    Sockets,
    TlsExchange,
    TlsVersion,
)
from rollout.verify.check import Check, CheckContext, VerifyOptions
from rollout.verify.checks import reach, reach_path_mtu, reach_race, reach_tls
from support.ports import bound_at_one_port
from support.tls_server import ADDRESSES, Behavior, serving

API = "api.example.com"
NOW = datetime(2026, 5, 1, tzinfo=UTC)
DIRECT4, CDN4 = "192.0.2.1", "198.51.100.1"
DIRECT6, CDN6 = "2001:db8::d1", "2001:db8::c1"
TARGET = EdgeTarget((API,), "lb.example.net", "d1.cloudfront.net", (DIRECT6,))
WAYS = (
    Way("direct", "IPv4", API, DIRECT4),
    Way("direct", "IPv6", API, DIRECT6),
    Way("cdn", "IPv4", API, CDN4),
    Way("cdn", "IPv6", API, CDN6),
)


def der(*names: str, days: int = 90) -> bytes:
    ends = NOW + timedelta(days=days)
    begins = NOW - timedelta(days=100)
    leaf = trustme.CA().issue_cert(*names, not_before=begins, not_after=ends)
    loaded = x509.load_pem_x509_certificate(leaf.cert_chain_pems[0].bytes())
    return loaded.public_bytes(Encoding.DER)


GOOD = der(API)


@dataclass
class Machine:
    """A machine whose network does what the test says."""

    sources: Mapping[str, str | None] = field(default_factory=dict[str, str | None])
    """Own address by ':' or '.'; a usual one where nothing is said."""
    seconds: Mapping[str, float] = field(default_factory=dict[str, float])
    """How long a connection takes."""
    dead: Mapping[str, TroubleError] = field(default_factory=dict[str, TroubleError])
    """Addresses that no connection can be made to."""
    oldest: Mapping[str, TlsVersion] = field(default_factory=dict[str, TlsVersion])
    """Oldest version taken."""
    certificates: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    untrusted: frozenset[str] = frozenset()
    hangs_above: Mapping[str, int] = field(default_factory=dict[str, int])
    silent_targets: frozenset[bytes] = frozenset()
    """Targets that nothing is answered at."""
    path_mtu: int | None = 1400
    bodies: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    statuses: Mapping[str, int] = field(default_factory=dict[str, int])
    sent: list[Way] = field(default_factory=list[Way])

    def source(self, address: str) -> str | None:
        usual = {":": "2001:db8::99", ".": "10.0.0.2"}
        return {**usual, **self.sources}[":" if ":" in address else "."]

    async def connect(self, address: str, port: int) -> float:
        assert port == 443
        if address in self.dead:
            raise self.dead[address]
        return self.seconds.get(address, 0.01)

    async def shake(
        self,
        address: str,
        port: int,
        name: str,
        version: TlsVersion | None = None,
        *,
        verify: bool = False,
        ca: str | None = None,
    ) -> Handshake:
        seconds = await self.connect(address, port)
        assert (name, ca) in ((API, None), (API, "ca.pem"))
        oldest = self.oldest.get(address, "TLSv1.2")
        if version is not None and version < oldest:
            raise TroubleError("tls", "TLS: alert protocol version")
        if verify and address in self.untrusted:
            raise TroubleError("certificate", "TLS: self-signed certificate")
        return Handshake(version or "TLSv1.3", self.certificates.get(address, GOOD), seconds)

    async def exchange(self, address: str, port: int, name: str, request: bytes) -> TlsExchange:
        await self.shake(address, port, name)
        silent = request.split()[1].partition(b"?")[0] in self.silent_targets
        if silent or len(request) > self.hangs_above.get(address, 1_000_000):
            raise TroubleError("timeout", "HTTP: silence")
        return TlsExchange(1234, self.path_mtu, self.path_mtu and self.path_mtu - 72, 0)

    async def send(self, way: Way, request: HttpRequest) -> HttpAnswer:
        assert (request.method, request.body) == ("GET", None)
        self.sent.append(way)
        if way.address in self.dead:
            raise self.dead[way.address]
        body = self.bodies.get(way.address, b"")
        return HttpAnswer(self.statuses.get(way.address, 200), (), body, "HTTP/1.1", 0.02)


class AddressTable:
    """Answers from a table."""

    def __init__(self, answers: Mapping[tuple[str, str], tuple[str, ...]]) -> None:
        self._answers = answers

    async def ask(self, name: str, kind: str, server: str | None = None) -> DnsAnswer:
        assert server is None
        values = self._answers.get((name, kind), ())
        return DnsAnswer("NOERROR", values, 60, authoritative=False)


def all_checks(connector: Connector, now: datetime = NOW) -> tuple[Check, ...]:
    return (
        *reach.reach_checks(connector),
        reach_race.race_check(connector),
        reach_path_mtu.path_mtu_check(connector),
        *reach_tls.tls_checks(connector, lambda: now),
    )


def run(
    check: str,
    machine: Machine | None = None,
    ways: tuple[Way, ...] = WAYS,
    answers: Mapping[tuple[str, str], tuple[str, ...]] | None = None,
    *,
    echo: str | None = "/echo",
) -> list[Result]:
    own = machine or Machine()
    options = VerifyOptions(
        echo=echo,
        unsafe=False,
        rate=1,
        concurrency=1,
        dns_queries=1,
        share_tolerance=0.1,
        account=False,
    )
    surroundings = CheckContext(TARGET, ways, options, own, AddressTable(answers or {}))
    chosen = {each.name: each.run for each in all_checks(own)}[check]

    async def collect() -> list[Result]:
        return [result async for result in chosen(surroundings)]

    return asyncio.run(collect())


def verdict_by_way(results: list[Result]) -> dict[str, str]:
    return {
        " ".join(filter(None, (result.path, result.family))) or result.check: result.verdict
        for result in results
    }


EVERYWHERE = {"direct IPv4", "direct IPv6", "cdn IPv4", "cdn IPv6"}
REFUSED = TroubleError("refused", "TCP: refused")
SILENT = TroubleError("timeout", "TCP: silence")
NO_IPV6: Mapping[str, str | None] = {":": None}
SITE_LOCAL: Mapping[str, str | None] = {":": "fd00::2"}


@pytest.mark.parametrize(
    "check", ["reach", "reach-path-mtu", "reach-race", "reach-certificates", "reach-tls-versions"]
)
def test_a_good_edge_passes_everything(check: str) -> None:
    results = run(check)
    assert results
    assert {result.verdict for result in results} == {"pass"}


@pytest.mark.parametrize(
    "check", ["reach", "reach-path-mtu", "reach-race", "reach-certificates", "reach-tls-versions"]
)
def test_a_machine_without_ipv6_cannot_tell(check: str) -> None:
    results = run(check, Machine(sources=NO_IPV6))
    over_ipv6 = [result for result in results if result.family != "IPv4"]
    assert {(result.verdict, result.evidence) for result in over_ipv6} == {
        ("unknown", "this machine has no IPv6")
    }
    assert {result.verdict for result in results if result.family == "IPv4"} <= {"pass"}


def test_one_dead_address_of_two_fails() -> None:
    ways = (*WAYS, Way("cdn", "IPv6", API, "2001:db8::c2"))
    results = run("reach", Machine(dead={"2001:db8::c2": REFUSED}), ways)
    (broken,) = [result for result in results if result.verdict != "pass"]
    assert broken == Result(
        "reach-connect",
        "fail",
        "1 of 2 addresses fail: 2001:db8::c2: TCP: refused (refused)",
        API,
        "cdn",
        "IPv6",
        (),
        "See what answers at 2001:db8::c2, and take it out of DNS until then.",
    )


def test_a_dead_family_is_doubted_where_the_machine_has_a_local_address() -> None:
    dead = {DIRECT6: SILENT}
    assert verdict_by_way(run("reach", Machine(dead=dead)))["direct IPv6"] == "fail"
    doubted = Machine(dead=dead, sources=SITE_LOCAL)
    assert verdict_by_way(run("reach", doubted)) == {
        **dict.fromkeys(EVERYWHERE, "pass"),
        "direct IPv6": "unknown",
    }


@pytest.mark.parametrize(
    ("status", "echo", "verdict"),
    [
        (200, "/echo", "pass"),
        (404, "/echo", "fail"),
        (502, "/echo", "fail"),
        (404, None, "pass"),
        (403, None, "pass"),
        (502, None, "fail"),
        (504, None, "fail"),
    ],
)
def test_an_answer_counts_if_it_comes_from_behind_the_edge(
    status: int, echo: str | None, verdict: str
) -> None:
    assert (
        verdict_by_way(run("reach", Machine(statuses={CDN4: status}), echo=echo))["cdn IPv4"]
        == verdict
    )


def test_an_error_of_cloudfronts_own_is_none_of_the_api() -> None:
    body = b"<PRE>\nGenerated by cloudfront (CloudFront)\nRequest ID: 1\n</PRE>"
    results = run("reach", Machine(statuses={CDN4: 403}, bodies={CDN4: body}))
    assert verdict_by_way(results)["cdn IPv4"] == "fail"
    (evidence,) = [result.evidence for result in results if result.verdict == "fail"]
    assert "CloudFront itself answers 403" in evidence


@pytest.mark.parametrize(("check", "groups"), [("reach", 4), ("reach-path-mtu", 2)])
def test_silence_is_waited_for_everywhere_at_once(check: str, groups: int) -> None:
    everybody = asyncio.Barrier(groups)

    class Silent(Machine):
        async def connect(self, address: str, port: int) -> float:
            async with asyncio.timeout(5):
                await everybody.wait()
            return await super().connect(address, port)

    results = run(check, Silent(dead=dict.fromkeys((DIRECT4, DIRECT6, CDN4, CDN6), SILENT)))
    assert len(results) == groups


def test_a_path_without_addresses_cannot_be_told_of() -> None:
    results = run("reach", ways=WAYS[:2])
    assert verdict_by_way(results)["cdn"] == "unknown"


def test_an_address_by_name_is_a_group_of_its_own() -> None:
    results = run("reach", ways=(Way("cdn", "IPv4", API, CDN4, by_name=True), *WAYS))
    assert [result.check for result in results if result.family == "IPv4"] == [
        "reach-connect-by-name",
        "reach-connect",
        "reach-connect",
    ]


# --- NAT64 --------------------------------------------------------------------------------------

GATEWAY = {("ipv4only.arpa", "AAAA"): ("2001:db8:64:6464::c000:aa",)}
THROUGH = "2001:db8:64:6464::c000:201"


def test_nothing_is_said_of_nat64_where_there_is_none() -> None:
    assert run("reach-nat64") == []


def test_the_ipv4_only_path_is_reached_through_nat64() -> None:
    machine = Machine()
    (result,) = run("reach-nat64", machine, answers=GATEWAY)
    assert (result.check, result.verdict, result.path, result.family) == (
        "reach-nat64",
        "pass",
        "direct",
        "IPv6",
    )
    assert result.evidence.startswith(f"2001:db8:64:6464::/96: {THROUGH} 200 in 20 ms")
    assert [way.address for way in machine.sent] == [THROUGH]


def test_a_gateway_that_does_not_translate_fails() -> None:
    (result,) = run("reach-nat64", Machine(dead={THROUGH: SILENT}), answers=GATEWAY)
    assert result.verdict == "fail"


# --- The race -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ipv4", "ipv6", "winner"),
    [
        (0.01, 0.01, "IPv6"),
        (0.01, 0.25, "IPv6"),
        (0.01, 0.26, "IPv6"),
        (0.01, 0.27, "IPv4"),
        (0.5, 0.7, "IPv6"),
    ],
)
def test_ipv6_wins_unless_ipv4_overtakes_it_after_the_delay(
    ipv4: float, ipv6: float, winner: str
) -> None:
    assert reach_race.winner(ipv4, ipv6) == winner


@given(st.floats(0, 10), st.floats(0, 10))
def test_who_is_faster_over_ipv6_wins(ipv4: float, ipv6: float) -> None:
    assert reach_race.winner(ipv4, ipv6) == "IPv6" or ipv6 > ipv4


def test_a_slow_ipv6_loses_and_that_is_noted() -> None:
    results = run("reach-race", Machine(seconds={DIRECT6: 0.4}))
    (direct,) = [result for result in results if result.path == "direct"]
    assert direct == Result(
        "reach-race",
        "pass",
        f"IPv4 {DIRECT4} 10 ms; IPv6 {DIRECT6} 400 ms; IPv4 wins with a delay of 250 ms",
        API,
        "direct",
        None,
        ("ipv6-loses-the-race",),
    )


PUBLISHED = {(API, "A"): (DIRECT4,), (API, "AAAA"): (DIRECT6,)}


def test_a_published_ipv6_address_that_is_dead_fails_by_name() -> None:
    # The ways that this machine can use do not have it any more.
    machine = Machine(dead={DIRECT6: SILENT})
    (result,) = run("reach-race", machine, (WAYS[0],), PUBLISHED)
    assert (result.check, result.verdict) == ("reach-race-by-name", "fail")
    assert result.evidence == (
        f"IPv4 {DIRECT4} 10 ms; IPv6 {DIRECT6} TCP: silence (timeout): published and broken, "
        "which is worse than no IPv6 at all"
    )


def test_an_address_that_dns64_made_up_does_not_race() -> None:
    answers = {**GATEWAY, (API, "A"): (DIRECT4,), (API, "AAAA"): (THROUGH,)}
    assert run("reach-race", Machine(), (WAYS[0],), answers) == []


# --- Large packets ------------------------------------------------------------------------------


def test_a_black_hole_is_named() -> None:
    results = run("reach-path-mtu", Machine(hangs_above={CDN6: 1400}))
    (hole,) = [result for result in results if result.path == "cdn"]
    assert hole.verdict == "fail"
    assert hole.evidence.startswith(f"{CDN6}: black hole: ")
    assert verdict_by_way(results)["direct IPv6"] == "pass"


def test_a_dead_address_is_no_black_hole() -> None:
    results = run("reach-path-mtu", Machine(hangs_above={CDN6: 10}))
    assert verdict_by_way(results)["cdn IPv6"] == "unknown"


def test_a_system_that_does_not_tell_the_mtu_is_unknown() -> None:
    assert set(verdict_by_way(run("reach-path-mtu", Machine(path_mtu=None))).values()) == {
        "unknown"
    }


def test_the_large_request_is_larger_than_any_packet_and_within_every_limit() -> None:
    requests = reach_path_mtu.sized_requests(WAYS[3], "/echo")
    assert len(requests.small) < 500
    assert 4 * 1500 < len(requests.large) < 8192
    first_lines = {each.partition(b"\r\n")[0] for each in (requests.small, requests.large)}
    assert first_lines == {b"GET /echo HTTP/1.1"}
    assert requests.large.endswith(b"x\r\n\r\n")
    assert requests.answers is not None
    assert [each.split()[1] for each in requests.answers] == [b"/echo/size=16", b"/echo/size=65536"]
    plain = reach_path_mtu.sized_requests(WAYS[3], None)
    assert plain.answers is None
    assert plain.large.startswith(b"GET / HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("silent", "verdict", "evidence"),
    [
        (
            {b"/echo/size=65536"},
            "fail",
            "black hole: an answer of 16 bytes comes, one of 65536 bytes hangs",
        ),
        (
            {b"/echo/size=65536", b"/echo/size=16"},
            "unknown",
            "answers of neither 16 nor 65536 bytes come from below the echo path, so it is not",
        ),
        (set[bytes](), "pass", "MTU 1400 bytes from here to that address"),
    ],
)
def test_what_hangs_at_another_url_is_no_black_hole(
    silent: set[bytes], verdict: str, evidence: str
) -> None:
    results = run("reach-path-mtu", Machine(silent_targets=frozenset(silent)), echo="/echo")
    (cdn,) = [result for result in results if result.path == "cdn"]
    assert cdn.verdict == verdict
    assert evidence in cdn.evidence


# --- TLS ----------------------------------------------------------------------------------------


def test_a_version_that_only_direct_takes_fails() -> None:
    results = run("reach-tls-versions", Machine(oldest={DIRECT4: "TLSv1"}))
    (ipv4,) = [result for result in results if result.family == "IPv4"]
    assert ipv4.verdict == "fail"
    assert ipv4.evidence == (
        "direct takes TLSv1, TLSv1.1, TLSv1.2, TLSv1.3; cdn takes TLSv1.2, TLSv1.3; clients that "
        "speak nothing newer than TLSv1.1 are refused by cdn"
    )


OLD = "clients that speak nothing newer than {0} are refused by cdn"
NEW = "clients that speak TLSv1.3 only are refused by cdn, and others that do get TLSv1.2"


@pytest.mark.parametrize(
    ("direct", "cdn", "evidence"),
    [
        ("23", "2", NEW),
        ("123", "2", f"{OLD.format('TLSv1.1')}; {NEW}"),
        ("2", "3", OLD.format("TLSv1.2")),
        ("2", "", "cdn refuses every client"),
    ],
)
def test_the_evidence_says_which_clients_are_refused(direct: str, cdn: str, evidence: str) -> None:
    """Each digit is a version of TLS 1."""
    sides: list[dict[TlsVersion, bool | None]] = [
        {version: version != "TLSv1" and version[-1] in side for version in VERSIONS}
        for side in (direct, cdn)
    ]
    result = reach_tls.compare_versions(API, *sides)
    assert result.verdict == "fail"
    assert result.evidence.partition("; ")[2].partition("; ")[2] == evidence


def test_a_version_that_only_cdn_takes_passes() -> None:
    results = run("reach-tls-versions", Machine(oldest={CDN4: "TLSv1"}))
    assert {result.verdict for result in results} == {"pass"}


def test_a_side_that_takes_nothing_cannot_be_told_of() -> None:
    results = run("reach-tls-versions", Machine(dead={CDN4: SILENT}))
    assert {result.family: result.verdict for result in results} == {
        "IPv4": "unknown",
        "IPv6": "pass",
    }


CERTIFICATES: dict[str, tuple[Machine, str, tuple[str, ...]]] = {
    "the same": (Machine(), "pass", ()),
    "another": (Machine(certificates={CDN4: der(API)}), "pass", ("certificate-differs",)),
    "of another name": (Machine(certificates={CDN4: der("x.example.com")}), "fail", ()),
    "expired": (Machine(certificates={CDN4: der(API, days=-1)}), "fail", ()),
    "about to expire": (
        Machine(certificates={CDN4: der(API, days=13)}),
        "pass",
        ("certificate-expires-soon", "certificate-differs"),
    ),
    "of an unknown authority": (Machine(untrusted=frozenset({CDN4})), "fail", ()),
    "none": (Machine(dead={CDN4: SILENT}), "unknown", ()),
}


@pytest.mark.parametrize("case", CERTIFICATES)
def test_a_certificate_is_judged(case: str) -> None:
    machine, verdict, accepted = CERTIFICATES[case]
    results = run("reach-certificates", machine)
    (cdn,) = [result for result in results if (result.path, result.family) == ("cdn", "IPv4")]
    assert (cdn.verdict, cdn.accepted) == (verdict, accepted)
    assert {result.verdict for result in results if result.path == "direct"} == {"pass"}


# --- The real thing, on loopback ----------------------------------------------------------------


def test_two_servers_on_loopback_are_reached_and_compared(tmp_path: Path) -> None:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    options = VerifyOptions(
        echo=None,
        unsafe=False,
        rate=1,
        concurrency=1,
        dns_queries=1,
        share_tolerance=0.1,
        account=False,
        ca=str(tmp_path / "ca.pem"),
    )

    async def collect() -> dict[str, str]:
        hole = Behavior(largest_request=2000)
        ipv4, ipv6 = bound_at_one_port(*ADDRESSES.values())
        async with serving(ca, Behavior(), "IPv4", ipv4) as port, serving(ca, hole, "IPv6", ipv6):
            ways = (
                Way("direct", "IPv4", API, "127.0.0.1", port),
                Way("cdn", "IPv4", API, "127.0.0.1", port),
                Way("cdn", "IPv6", API, "::1", port),
            )
            network: Connector = Sockets(timeout_seconds=3)
            context = CheckContext(TARGET, ways, options, Machine(), AddressTable({}))
            return {
                f"{result.check} {result.path} {result.family}": result.verdict
                for check in all_checks(network, datetime.now(UTC))
                async for result in check.run(context)
            }

    assert asyncio.run(collect()) == {
        "reach-connect direct IPv4": "pass",
        "reach-connect cdn IPv4": "pass",
        "reach-connect cdn IPv6": "pass",
        "reach-race cdn None": "pass",
        "reach-path-mtu cdn IPv6": "fail",
        "tls-versions None IPv4": "pass",
        "tls-certificate direct IPv4": "pass",
        "tls-certificate cdn IPv4": "pass",
        "tls-certificate cdn IPv6": "pass",
    }
