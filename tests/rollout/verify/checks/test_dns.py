"""A zone's faults are found by asking a server on loopback that serves it."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import Any, cast

import dns.dnssec
import dns.name
import dns.rdataclass
import dns.rrset
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from rollout.probe.dns import DnspythonClient
from rollout.probe.model import DnsAnswer, EdgeTarget, Result
from rollout.verify.check import CheckContext, VerifyOptions
from rollout.verify.checks import CHECKS, dns_dnssec, dns_shares
from rollout.verify.checks import dns as dns_checks
from rollout.verify.dns_answers import AddressBook, AddressOwners
from rollout.verify.https_records import https_faults
from support.authority import AUTHORITY, RESOLVER, Record, Server, Zone, serving

API, LB, CDN = "api.example.com", "lb-1.us-east-1.elb.example.net", "d111.cloudfront.example.net"
LB_A, CDN_A = ("192.0.2.1", "192.0.2.2"), ("198.51.100.1", "198.51.100.2")
CDN_AAAA, PROXY = ("2001:db8::c1", "2001:db8::c2"), "2001:db8::d1"

TARGET = EdgeTarget((API,), LB, CDN, weights=(50, 50))


def weighted(direct: int, cdn: int, *answers: tuple[str, ...], seed: int = 1) -> Record:
    """Answer with the first values for direct and the second for cdn, each drawn by weight."""
    drawn = random.Random(seed)  # noqa: S311 - a weighted record

    def draw() -> tuple[int, tuple[str, ...]]:
        return 60, answers[drawn.choices((0, 1), (direct, cdn))[0]]

    return draw


Checking = Callable[[CheckContext], AsyncIterator[Result]]
DNS_CHECKS = tuple(check.run for check in CHECKS if check.name.startswith("dns-"))


@dataclass
class BreakableZones:
    """Zones as they should be, for a test to break."""

    target: EdgeTarget = TARGET
    records: dict[tuple[str, str], Record] = field(
        default_factory=lambda: {
            ("example.com", "NS"): (300, ("ns1.example.com.",)),
            ("ns1.example.com", "A"): (300, (AUTHORITY,)),
            (API, "A"): weighted(50, 50, LB_A, CDN_A),
            (API, "AAAA"): weighted(50, 50, (), CDN_AAAA, seed=2),
        }
    )
    others: dict[tuple[str, str], Record] = field(
        default_factory=lambda: {
            ("example.net", "NS"): (300, ("ns1.example.com.",)),
            (LB, "A"): (60, LB_A),
            (CDN, "A"): (60, CDN_A),
            (CDN, "AAAA"): (60, CDN_AAAA),
        }
    )
    queries: int = 4096
    patience: float = 3
    """Seconds until a server counts as silent: more than a busy machine takes to answer."""
    soa: tuple[int, tuple[str, ...]] = (
        60,
        ("ns1.example.com. host.example.com. 1 7200 900 1209600 60",),
    )
    signatures: dict[tuple[str, str], tuple[str, ...]] = field(
        default_factory=dict[tuple[str, str], tuple[str, ...]]
    )
    edit: Callable[[Server], object] = lambda _: None

    def run(self, *checks: Checking) -> list[Result]:
        async def run() -> list[Result]:
            zones = (
                Zone("example.com", self.records, self.soa, self.signatures),
                Zone("example.net", self.others),
                Zone("arpa"),
            )
            async with serving(*zones) as server:
                self.edit(server)
                names = DnspythonClient([RESOLVER], port=server.port, timeout_seconds=self.patience)
                options = VerifyOptions(
                    echo=None,
                    unsafe=False,
                    rate=1,
                    concurrency=1,
                    dns_queries=self.queries,
                    share_tolerance=0.1,
                    account=False,
                )
                surroundings = CheckContext(self.target, (), options, cast("Any", None), names)
                return [result for check in checks async for result in check(surroundings)]

        return asyncio.run(run())


def verdict_by_check(results: list[Result]) -> dict[str, str]:
    return {
        " ".join(filter(None, (result.check, result.family))): result.verdict for result in results
    }


def only(results: list[Result], check: str, family: str | None = None) -> Result:
    (matching,) = [result for result in results if (result.check, result.family) == (check, family)]
    return matching


def test_a_zone_as_it_should_be_passes_everything() -> None:
    assert verdict_by_check(BreakableZones().run(*DNS_CHECKS)) == dict.fromkeys(
        (
            "dns-exists",
            "dns-cname",
            "dns-authority",
            "dns-negative-ttl",
            "dns-https",
            "dns-resolver IPv4",
            "dns-resolver IPv6",
            "dns-shares IPv4",
            "dns-twins IPv4",
            "dns-shares IPv6",
            "dns-twins IPv6",
            "dns-families",
            "dns-ttl IPv4",
            "dns-ttl IPv6",
            "dns-dnssec",
        ),
        "pass",
    )


def records_with(*changes: tuple[tuple[str, str], Record | None]) -> BreakableZones:
    world = BreakableZones()
    for key, record in changes:
        if record is None:
            world.records.pop(key)
        else:
            world.records[key] = record
    return world


def test_a_family_that_only_cdn_has_is_named() -> None:
    world = records_with(((API, "AAAA"), (60, CDN_AAAA)))
    result = only(world.run(dns_shares.check_weights), "dns-twins", "IPv6")
    assert result.verdict == "fail"
    assert result.evidence.startswith("unpaired family: direct has none of ")


def test_a_missing_twin_is_found_even_where_its_share_would_pass() -> None:
    world = records_with(((API, "A"), weighted(98, 2, LB_A, CDN_A)), ((API, "AAAA"), None))
    world.target = replace(TARGET, weights=(98, 2))
    verdicts = verdict_by_check(world.run(dns_shares.check_weights))
    assert (verdicts["dns-shares IPv6"], verdicts["dns-twins IPv6"]) == ("pass", "fail")


def test_weights_that_are_not_those_declared_fail() -> None:
    world = records_with(((API, "A"), weighted(80, 20, LB_A, CDN_A)))
    verdicts = verdict_by_check(world.run(dns_shares.check_weights))
    assert (verdicts["dns-shares IPv4"], verdicts["dns-shares IPv6"]) == ("fail", "pass")
    assert verdicts["dns-families"] == "fail"


def test_a_budget_that_is_too_small_cannot_tell() -> None:
    world = BreakableZones(queries=40)
    verdicts = verdict_by_check(world.run(dns_shares.check_weights))
    assert (verdicts["dns-shares IPv4"], verdicts["dns-twins IPv4"]) == ("unknown", "pass")


def test_proxies_are_the_direct_path() -> None:
    world = records_with(((API, "AAAA"), weighted(50, 50, (PROXY,), CDN_AAAA)))
    world.target = replace(TARGET, proxy_addresses=("2001:0db8:0::D1",))
    assert set(verdict_by_check(world.run(dns_shares.check_weights)).values()) == {"pass"}


def test_a_proxy_that_left_is_a_stranger() -> None:
    world = records_with(((API, "AAAA"), weighted(50, 50, (PROXY,), CDN_AAAA)))
    result = only(world.run(dns_shares.check_weights), "dns-shares", "IPv6")
    assert result.verdict == "unknown"
    assert "name 2001:db8::d1, which neither" in result.evidence


def test_addresses_that_the_distribution_shows_later_are_learned() -> None:
    world = records_with(((API, "A"), weighted(50, 50, LB_A, ("198.51.100.7",))))
    queries: list[int] = []

    def rotating() -> tuple[int, tuple[str, ...]]:
        queries.append(1)
        return 60, ("198.51.100.7",) if len(queries) > 2 else CDN_A

    world.others[CDN, "A"] = rotating
    assert only(world.run(dns_shares.check_weights), "dns-shares", "IPv4").verdict == "pass"


def test_a_distribution_without_ipv6_is_named() -> None:
    world = records_with(((API, "AAAA"), (60, ())))
    del world.others[CDN, "AAAA"]
    result = only(world.run(dns_shares.check_weights), "dns-twins", "IPv6")
    assert (result.verdict, result.remedy) == (
        "fail",
        "Turn IPv6 on for the distribution (isIpv6Enabled).",
    )


def test_a_distribution_whose_ipv6_only_the_resolver_lacks_has_it() -> None:
    world = BreakableZones()
    queries: list[int] = []

    def withheld() -> tuple[int, tuple[str, ...]]:
        queries.append(1)
        return 60, () if len(queries) == 1 else CDN_AAAA

    world.others[CDN, "AAAA"] = withheld
    assert only(world.run(dns_shares.check_weights), "dns-twins", "IPv6").verdict == "pass"


def silent(server: Server) -> None:
    server.drop = 10_000


def lame(server: Server) -> None:
    server.lame = True


def test_silent_servers_are_unknown_and_never_a_pass() -> None:
    world = BreakableZones(edit=silent, patience=0.3)
    assert verdict_by_check(world.run(*DNS_CHECKS)) == {
        "dns-exists": "unknown",
        "dns-shares": "unknown",
        "dns-dnssec": "unknown",
    }


def test_a_server_that_is_no_authority_fails() -> None:
    world = BreakableZones(edit=lame)
    result = only(world.run(dns_checks.check_records), "dns-authority")
    assert (result.verdict, result.evidence) == (
        "fail",
        (
            "example.com is answered at 0 addresses; no authority: 127.0.0.53 (REFUSED, not "
            "authoritative)"
        ),
    )
    assert verdict_by_check(world.run(dns_shares.check_weights)) == {"dns-shares": "unknown"}


def bogus(server: Server) -> None:
    server.bogus = ("example.com",)
    # What a name server above answers, which has no such name: nobody may be asked there.
    server.zones.append(Zone("com", {("com", "NS"): (300, ("ns1.example.net.",))}))


def test_a_zone_that_the_resolver_cannot_validate_is_unknown_and_nobody_above_is_asked() -> None:
    world = BreakableZones()
    world.others["ns1.example.net", "A"] = (300, (AUTHORITY,))
    servers: list[Server] = []
    world.edit = lambda server: (bogus(server), servers.append(server))
    results = world.run(*DNS_CHECKS)
    assert verdict_by_check(results) == {
        "dns-exists": "unknown",
        "dns-cname": "unknown",
        "dns-authority": "unknown",
        "dns-shares": "unknown",
        "dns-dnssec": "unknown",
    }
    assert only(results, "dns-authority").evidence == (
        "the resolver answers SERVFAIL for api.example.com CNAME"
    )
    assert {address for address, _, _ in servers[0].queries} == {RESOLVER}


def cached(server: Server) -> None:
    server.cache = True


def test_answers_that_nobody_drew_anew_are_no_sample() -> None:
    results = BreakableZones(edit=cached).run(dns_shares.check_weights, dns_checks.check_records)
    verdicts = verdict_by_check(results)
    assert verdicts["dns-shares"] == verdicts["dns-https"] == "unknown"
    assert only(results, "dns-shares").evidence == f"{AUTHORITY} answers as no authority"


def test_a_name_that_does_not_exist_fails() -> None:
    world = records_with(((API, "A"), None), ((API, "AAAA"), None))
    result = only(world.run(dns_checks.check_records), "dns-exists")
    assert (result.verdict, result.evidence) == (
        "fail",
        "the resolver answers NXDOMAIN with 0 A and 0 AAAA values",
    )
    assert verdict_by_check(world.run(dns_shares.check_weights)) == {"dns-shares": "unknown"}


def test_a_cname_in_the_way_fails() -> None:
    world = records_with(((API, "CNAME"), (60, (CDN + ".",))))
    result = only(world.run(dns_checks.check_records), "dns-cname")
    assert result.verdict == "fail"
    assert result.evidence.startswith(f"api.example.com is a CNAME for {CDN}; ")


def test_long_negative_answers_are_safe_but_noted() -> None:
    world = BreakableZones(
        soa=(900, ("ns1.example.com. host.example.com. 1 7200 900 1209600 86400",))
    )
    result = only(world.run(dns_checks.check_records), "dns-negative-ttl")
    assert (result.verdict, result.accepted) == ("pass", ("empty-answers-kept-longer",))
    assert result.evidence.startswith("an empty answer is kept for 900 s, longer than the 60 s")


A_OWNERS = AddressOwners(frozenset(LB_A), frozenset(CDN_A), empty_is_direct=False)
AAAA_OWNERS = AddressOwners(frozenset(), frozenset(CDN_AAAA), empty_is_direct=True)
PROXIED = AddressOwners(frozenset({PROXY}), frozenset(CDN_AAAA), empty_is_direct=False)

ONE_PATH = (
    "unpaired: HTTPS records hint at the addresses of the cdn path only, whatever the weights say"
)
ONE_FAMILY = (
    "unpaired: an HTTPS record hints at IPv4 addresses of the direct path, 192.0.2.1, and at none "
    "of IPv6"
)
HTTPS_CASES: dict[str, tuple[list[str], tuple[int, int] | None, AddressOwners, list[str]]] = {
    "itself": (["1 . alpn=h2"], (50, 50), AAAA_OWNERS, []),
    "its own name": ([f"1 {API}. alpn=h2"], (50, 50), AAAA_OWNERS, []),
    "an alias to the distribution": (
        [f"0 {CDN}."],
        (50, 50),
        AAAA_OWNERS,
        [f"an HTTPS record leads to {CDN}, past the A and AAAA records"],
    ),
    "another port": (
        ["1 . port=8443"],
        (50, 50),
        AAAA_OWNERS,
        ["an HTTPS record leads to port 8443 instead of 443"],
    ),
    "hints at cdn only": (
        ["1 . ipv4hint=198.51.100.1 ipv6hint=2001:db8::c1"],
        (50, 50),
        AAAA_OWNERS,
        [ONE_PATH],
    ),
    "hints at cdn where everybody is there": (
        ["1 . ipv4hint=198.51.100.1 ipv6hint=2001:db8::c1"],
        (0, 255),
        AAAA_OWNERS,
        [],
    ),
    "hints of both paths": (
        ["1 . ipv4hint=198.51.100.1 ipv6hint=2001:db8::c1", "1 . ipv4hint=192.0.2.1"],
        (50, 50),
        AAAA_OWNERS,
        [],
    ),
    "a hint without its twin": (
        ["1 . ipv4hint=192.0.2.1", "1 . ipv4hint=198.51.100.1 ipv6hint=2001:db8::c1"],
        (50, 50),
        PROXIED,
        [ONE_FAMILY],
    ),
    "a hint at nobody": (
        ["1 . ipv4hint=203.0.113.9"],
        None,
        AAAA_OWNERS,
        ["an HTTPS record hints at 203.0.113.9, neither path's"],
    ),
}


@pytest.mark.parametrize("case", HTTPS_CASES)
def test_https_records_may_lead_nowhere_else(case: str) -> None:
    values, declared, aaaa, faults = HTTPS_CASES[case]
    target = replace(TARGET, weights=declared)
    owners = {"A": A_OWNERS, "AAAA": aaaa}
    assert https_faults(values, API, target, cast("Any", owners)) == faults


def test_a_https_record_that_only_some_answers_have_is_found() -> None:
    world = records_with(((API, "HTTPS"), weighted(80, 20, (), (f"0 {CDN}.",))))
    result = only(world.run(dns_checks.check_records), "dns-https")
    assert result.verdict == "fail"
    assert result.evidence == f"an HTTPS record leads to {CDN}, past the A and AAAA records"


@pytest.mark.parametrize("declared", [(100, 0), (0, 100), (50, 50), None])
def test_a_https_record_that_few_answers_have_is_found_at_every_weight(
    declared: tuple[int, int] | None,
) -> None:
    world = records_with(((API, "HTTPS"), weighted(9, 1, (), (f"0 {CDN}.",))))
    world.target = replace(TARGET, weights=declared)
    assert only(world.run(dns_checks.check_records), "dns-https").verdict == "fail"


def test_too_few_answers_without_a_https_record_cannot_tell() -> None:
    world = BreakableZones(queries=134)
    result = only(world.run(dns_checks.check_records), "dns-https")
    assert (result.verdict, result.evidence, result.remedy) == (
        "unknown",
        "no HTTPS record in 134 answers; a member with 5.0% of them is missed only after 135",
        "Allow 135 with --dns-queries.",
    )
    world.queries = 135
    assert only(world.run(dns_checks.check_records), "dns-https").verdict == "pass"


def answer(*values: str, ttl: int = 60, code: str = "NOERROR") -> DnsAnswer:
    return DnsAnswer(code, values, ttl, authoritative=True)


FRESH = (answer(*LB_A), answer(*CDN_A))
RESOLVER_CASES = {
    "what the authority answers": (answer(*LB_A, ttl=12), FRESH, (50, 50), "pass", ()),
    "kept longer than allowed": (
        answer(*LB_A, ttl=3600),
        FRESH,
        (50, 50),
        "pass",
        ("resolver-extends-ttl",),
    ),
    "what nobody answers any more": (answer("203.0.113.1"), FRESH, (50, 50), "unknown", ()),
    "a path that has no weight any more": (
        answer(*LB_A),
        (answer(*CDN_A),),
        (0, 255),
        "unknown",
        (),
    ),
    "a failure": (answer(code="SERVFAIL"), FRESH, (50, 50), "unknown", ()),
}


@pytest.mark.parametrize("case", RESOLVER_CASES)
def test_a_resolver_is_compared_with_the_authority(case: str) -> None:
    cached, fresh, declared, verdict, accepted = RESOLVER_CASES[case]
    result = dns_checks.judge_resolver(
        API, "A", cached=cached, fresh=fresh, owners=A_OWNERS, declared=declared
    )
    assert (result.verdict, result.accepted) == (verdict, accepted)


@pytest.mark.parametrize(
    ("soa", "seconds"),
    [
        (answer("ns. host. 1 7200 900 1209600 86400", ttl=900), 900),
        (answer("ns. host. 1 7200 900 1209600 60", ttl=900), 60),
        (answer(), None),
        (answer("ns. host. 1"), None),
    ],
)
def test_the_negative_ttl_is_the_smaller_of_the_two(soa: DnsAnswer, seconds: int | None) -> None:
    assert dns_checks.negative_ttl(soa) == seconds


def test_dns64_makes_nobody_an_owner() -> None:
    world = records_with()
    world.others[LB, "AAAA"] = (60, ("64:ff9b::192.0.2.1", "64:ff9b::192.0.2.2"))
    zones = world.records
    zones["ipv4only.arpa", "AAAA"] = (60, ("64:ff9b::192.0.0.170",))
    names = _Fixed(
        {
            ("ipv4only.arpa", "AAAA"): answer("64:ff9b::c000:aa"),
            (LB, "A"): answer(*LB_A),
            (LB, "AAAA"): answer("64:ff9b::c000:201"),
            (CDN, "A"): answer(*CDN_A),
            (CDN, "AAAA"): answer(*CDN_AAAA),
        }
    )
    addresses = AddressBook(names, TARGET)
    asyncio.run(addresses.learn())
    assert addresses.owners("AAAA") == AAAA_OWNERS
    assert addresses.owners("A") == A_OWNERS


class _Fixed:
    """Name servers that always answer the same."""

    def __init__(self, answers: dict[tuple[str, str], DnsAnswer]) -> None:
        self._answers = answers

    async def ask(self, name: str, kind: str, server: str | None = None) -> DnsAnswer:
        del server
        return self._answers.get((name, kind), answer())


# --- DNSSEC -------------------------------------------------------------------------------------

NOW = int(time.time())


class Signer:
    """A signed zone."""

    def __init__(self) -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.key: Any = cast("Any", dns.dnssec).make_dnskey(
            self.private.public_key(), algorithm="ECDSAP256SHA256", flags=257
        )
        self.ds: Any = dns.dnssec.make_ds("example.com.", self.key, "SHA256")

    def sign(self, name: str, kind: str, ttl: int, *values: str) -> tuple[str, ...]:
        rrset = dns.rrset.from_text_list(
            dns.name.from_text(name), ttl, dns.rdataclass.IN, kind, values
        )
        signature = cast("Any", dns.dnssec).sign(
            rrset,
            self.private,
            dns.name.from_text("example.com."),
            self.key,
            inception=NOW - 3600,
            expiration=NOW + 3600,
        )
        return (str(signature.to_text()),)


def signed_world() -> tuple[BreakableZones, Signer]:
    signer = Signer()
    key = signer.key.to_text()
    world = records_with(
        ((API, "A"), (60, LB_A)),
        ((API, "AAAA"), (60, ())),
        (("example.com", "DS"), (300, (signer.ds.to_text(),))),
        (("example.com", "DNSKEY"), (300, (key,))),
    )
    world.signatures = {
        ("example.com", "DNSKEY"): signer.sign("example.com", "DNSKEY", 300, key),
        ("example.com", "SOA"): signer.sign("example.com", "SOA", world.soa[0], *world.soa[1]),
        (API, "A"): signer.sign(API, "A", 60, *LB_A),
    }
    return world, signer


def dnssec(world: BreakableZones, now: float = NOW) -> tuple[str, str]:
    (result,) = world.run(dns_dnssec.dnssec_check(lambda: now).run)
    return result.verdict, result.evidence


def test_signatures_that_hold_pass() -> None:
    world, _ = signed_world()
    assert dnssec(world) == ("pass", "example.com is signed; the signatures of SOA and A hold")


def test_a_zone_that_is_not_signed_passes_with_a_note() -> None:
    assert dnssec(BreakableZones()) == ("pass", "example.com is not signed")


def test_keys_without_a_parent_are_noted() -> None:
    world, _ = signed_world()
    del world.records["example.com", "DS"]
    assert dnssec(world) == (
        "pass",
        "example.com is not signed, though it has keys: the parent has no DS record for it",
    )


def test_an_expired_signature_fails() -> None:
    world, _ = signed_world()
    verdict, evidence = dnssec(world, NOW + 7200)
    assert verdict == "fail"
    assert evidence.startswith("the signature of example.com DNSKEY does not hold: ")


def test_a_forged_answer_fails() -> None:
    world, _ = signed_world()
    world.records[API, "A"] = (60, ("203.0.113.1",))
    verdict, evidence = dnssec(world)
    assert verdict == "fail"
    assert evidence.startswith("the signature of api.example.com A does not hold: ")


def test_a_missing_signature_fails() -> None:
    world, _ = signed_world()
    del world.signatures[API, "A"]
    assert dnssec(world) == (
        "fail",
        "api.example.com A has no signature, though the parent has a DS record for example.com",
    )


def test_a_key_that_the_parent_does_not_name_fails() -> None:
    world, _ = signed_world()
    world.records["example.com", "DS"] = (300, (Signer().ds.to_text(),))
    assert dnssec(world) == (
        "fail",
        "no key of example.com is the one that the parent's DS records name",
    )


def test_a_zone_whose_keys_are_gone_fails() -> None:
    world, _ = signed_world()
    del world.records["example.com", "DNSKEY"]
    assert dnssec(world) == (
        "fail",
        "the parent has a DS record for example.com, which has no keys",
    )
