"""What web ACLs do to each kind of client: named cases, and a plain interpreter beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, ip_address, ip_network
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.aws_access import AccountWebAcls, AddressSet, Network, WafRule, WebAcl
from rollout.probe.model import Result
from rollout.verify.access.clients import address_kinds
from rollout.verify.access.effects import Effects, told
from rollout.verify.access.endings import through
from rollout.verify.access.statements import Fact, Passage, Peer, written

EDGES: Final[tuple[Network, ...]] = (
    IPv4Network("130.176.0.0/18"),
    IPv4Network("15.158.0.0/16"),
)
SETS: Final = {
    "v4": AddressSet("office", 4, (ip_network("203.0.113.0/24"),)),
    "v6": AddressSet("office6", 6, (ip_network("2001:db8::/32"),)),
    "edges": AddressSet("edges", 4, EDGES),
    "some-edges": AddressSet("some-edges", 4, EDGES[:1]),
    "none": AddressSet("none", 4),
    "all": AddressSet("all", 4, (ip_network("0.0.0.0/1"), ip_network("128.0.0.0/1"))),
    "all6": AddressSet("all6", 6, (ip_network("::/1"), ip_network("8000::/1"))),
    "inside": AddressSet("inside", 4, (ip_network("10.0.0.0/8"),)),
    "secret": AddressSet("secret", 0, unread="IP set secret cannot be read: AccessDenied"),
}

FORWARDED: Final = {"HeaderName": "X-Forwarded-For", "FallbackBehavior": "NO_MATCH"}


def addresses(name: str, header: str = "") -> dict[str, Any]:
    reference: dict[str, Any] = {"ARN": name}
    if header:
        reference["IPSetForwardedIPConfig"] = {
            "HeaderName": header,
            "FallbackBehavior": "NO_MATCH",
            "Position": "LAST",
        }
    return {"IPSetReferenceStatement": reference}


def countries(*codes: str, forwarded: bool = False) -> dict[str, Any]:
    config = {"ForwardedIPConfig": FORWARDED} if forwarded else {}
    return {"GeoMatchStatement": {"CountryCodes": list(codes), **config}}


def rate(kind: str, **more: Any) -> dict[str, Any]:
    return {"RateBasedStatement": {"Limit": 100, "AggregateKeyType": kind, **more}}


def part(name: str, value: str = "x", **inner: str) -> dict[str, Any]:
    return {
        "ByteMatchStatement": {
            "SearchString": value.encode(),
            "FieldToMatch": {name: inner},
            "TextTransformations": [{"Priority": 0, "Type": "NONE"}],
            "PositionalConstraint": "CONTAINS",
        }
    }


def neither(statement: Mapping[str, Any]) -> dict[str, Any]:
    return {"NotStatement": {"Statement": statement}}


def both(*statements: Mapping[str, Any]) -> dict[str, Any]:
    return {"AndStatement": {"Statements": list(statements)}}


def either(*statements: Mapping[str, Any]) -> dict[str, Any]:
    return {"OrStatement": {"Statements": list(statements)}}


def of_balancer(default: str, *rules: WafRule) -> AccountWebAcls:
    return AccountWebAcls(None, WebAcl("guard", "the load balancer", default, rules, SETS))


def of_both(edge: WebAcl | None, origin: WebAcl | None) -> AccountWebAcls:
    return AccountWebAcls(edge, origin)


def edge(default: str, *rules: WafRule) -> WebAcl:
    return WebAcl("edge", "the distribution", default, rules, SETS)


def origin(default: str, *rules: WafRule) -> WebAcl:
    return WebAcl("guard", "the load balancer", default, rules, SETS)


OFFICE = WafRule("office", "Allow", addresses("v4"))
BAD = WafRule("bad", "Block", addresses("v4"))
FROM_EDGES = WafRule("edges", "Allow", addresses("edges"))
LIMIT = WafRule("limit", "Block", rate("IP"))

CASES: dict[str, tuple[AccountWebAcls, tuple[str, str, str]]] = {
    "none": (of_both(None, None), ("pass", "pass", "pass")),
    "an allow list of IPv4": (of_balancer("Block", OFFICE), ("fail", "fail", "unknown")),
    "an allow list of both families, by the connection": (
        of_balancer("Block", OFFICE, WafRule("six", "Allow", addresses("v6"))),
        ("fail", "fail", "unknown"),
    ),
    "an allow list, also by the forwarded address, of both families": (
        of_balancer(
            "Block",
            OFFICE,
            WafRule("four", "Allow", addresses("v4", "X-Forwarded-For")),
            WafRule("six", "Allow", addresses("v6", "X-Forwarded-For")),
        ),
        ("pass", "pass", "unknown"),
    ),
    "an allow list, also by the forwarded address, of IPv4": (
        of_balancer(
            "Block", OFFICE, WafRule("four", "Allow", addresses("v4", "x-forwarded-for"))
        ),
        ("pass", "fail", "unknown"),
    ),
    "an allow list as Block and NOT": (
        of_balancer("Allow", WafRule("out", "Block", neither(addresses("v4")))),
        ("fail", "fail", "unknown"),
    ),
    "an allow list that lets all of CloudFront in": (
        of_balancer("Block", OFFICE, FROM_EDGES),
        ("fail", "fail", "unknown"),
    ),
    "the same, and the list at the distribution": (
        of_both(
            edge("Block", OFFICE, WafRule("six", "Allow", addresses("v6"))),
            origin("Block", OFFICE, FROM_EDGES),
        ),
        ("pass", "pass", "unknown"),
    ),
    "the same, and the list of IPv4 at the distribution": (
        of_both(edge("Block", OFFICE), origin("Block", OFFICE, FROM_EDGES)),
        ("pass", "fail", "unknown"),
    ),
    "everybody, in two halves, by IPv4": (
        of_balancer("Block", WafRule("all", "Allow", addresses("all"))),
        ("pass", "pass", "pass"),
    ),
    "everybody over IPv4, at the distribution": (
        of_both(edge("Block", WafRule("all", "Allow", addresses("all"))), None),
        ("pass", "fail", "pass"),
    ),
    "everybody over both, at the distribution": (
        of_both(
            edge("Block", WafRule("all", "Allow", either(addresses("all"), addresses("all6")))),
            None,
        ),
        ("pass", "pass", "pass"),
    ),
    "a list of addresses inside a VPC": (
        of_balancer("Allow", WafRule("inside", "Block", addresses("inside"))),
        ("pass", "pass", "unknown"),
    ),
    "a deny list of IPv4": (of_balancer("Allow", BAD), ("pass", "pass", "unknown")),
    "a deny list at the distribution too": (
        of_both(edge("Allow", BAD), origin("Allow", BAD)),
        ("pass", "pass", "unknown"),
    ),
    "a deny list at the distribution alone": (
        of_both(edge("Allow", BAD), None),
        ("pass", "pass", "pass"),
    ),
    "a deny list that holds some of CloudFront's addresses": (
        of_balancer("Allow", WafRule("bots", "Block", addresses("some-edges"))),
        ("fail", "fail", "unknown"),
    ),
    "an empty deny list": (
        of_balancer("Allow", WafRule("bad", "Block", addresses("none"))),
        ("pass", "pass", "pass"),
    ),
    "a deny list that only counts": (
        of_balancer("Allow", WafRule("bad", "Count", neither(addresses("v4")))),
        ("pass", "pass", "pass"),
    ),
    "a set that cannot be read": (
        of_balancer("Allow", WafRule("secret", "Block", addresses("secret"))),
        ("unknown", "unknown", "unknown"),
    ),
    "CAPTCHA for strangers": (
        of_balancer("Allow", WafRule("puzzle", "Captcha", neither(addresses("v4")))),
        ("fail", "fail", "unknown"),
    ),
    "a limit by address": (of_balancer("Allow", LIMIT), ("fail", "fail", "fail")),
    "a limit by address that only counts": (
        of_balancer("Allow", WafRule("limit", "Count", rate("IP"))),
        ("pass", "pass", "pass"),
    ),
    "a limit by address, but not of CloudFront": (
        of_balancer(
            "Allow",
            WafRule("limit", "Block", rate("IP", ScopeDownStatement=neither(addresses("edges")))),
        ),
        ("pass", "pass", "unknown"),
    ),
    "a limit by forwarded address": (
        of_balancer(
            "Allow",
            WafRule("limit", "Block", rate("FORWARDED_IP", ForwardedIPConfig=FORWARDED)),
        ),
        ("pass", "pass", "pass"),
    ),
    "a limit at the distribution": (of_both(edge("Allow", LIMIT), None), ("pass", "pass", "pass")),
    "a limit for all together": (
        of_balancer(
            "Allow",
            WafRule("limit", "Block", rate("CONSTANT", ScopeDownStatement=part("UriPath"))),
        ),
        ("pass", "pass", "pass"),
    ),
    "a limit by keys of its own": (
        of_balancer(
            "Allow", WafRule("limit", "Block", rate("CUSTOM_KEYS", CustomKeys=[{"IP": {}}]))
        ),
        ("unknown", "unknown", "unknown"),
    ),
    "a limit by address after a managed group": (
        of_balancer("Allow", WafRule("aws", "Block", unread="cannot be read"), LIMIT),
        ("fail", "fail", "fail"),
    ),
    "one country, by the connection": (
        of_balancer("Allow", WafRule("geo", "Block", neither(countries("SE")))),
        ("fail", "fail", "fail"),
    ),
    "one country, by either": (
        of_balancer(
            "Block",
            WafRule("geo", "Allow", countries("SE", forwarded=True)),
            WafRule("direct", "Allow", both(countries("SE"), neither(addresses("edges")))),
        ),
        ("pass", "pass", "fail"),
    ),
    "countries where CloudFront is not": (
        of_balancer("Allow", WafRule("geo", "Block", countries("KP", "IR"))),
        ("pass", "pass", "pass"),
    ),
    "countries where CloudFront is": (
        of_balancer("Allow", WafRule("geo", "Block", countries("US", "IR"))),
        ("fail", "fail", "unknown"),
    ),
    "countries where CloudFront may be": (
        of_balancer("Allow", WafRule("geo", "Block", countries("IS"))),
        ("unknown", "unknown", "pass"),
    ),
    "a network that is not CloudFront's": (
        of_balancer("Allow", WafRule("asn", "Block", {"AsnMatchStatement": {"AsnList": [64496]}})),
        ("pass", "pass", "pass"),
    ),
    "Amazon's network": (
        of_balancer("Allow", WafRule("asn", "Block", {"AsnMatchStatement": {"AsnList": [16509]}})),
        ("fail", "fail", "pass"),
    ),
    "a managed group": (
        of_balancer("Allow", WafRule("aws", "Block", unread="cannot be read")),
        ("unknown", "unknown", "unknown"),
    ),
    "an allow list after a managed group": (
        of_balancer("Block", WafRule("aws", "Block", unread="cannot be read"), OFFICE),
        ("fail", "fail", "unknown"),
    ),
    "a label": (
        of_balancer(
            "Allow", WafRule("label", "Block", {"LabelMatchStatement": {"Scope": "LABEL"}})
        ),
        ("unknown", "unknown", "unknown"),
    ),
    "a statement that nobody knows": (
        of_balancer("Allow", WafRule("new", "Block", {"MoonPhaseStatement": {}})),
        ("unknown", "unknown", "unknown"),
    ),
    "a path for the office": (
        of_balancer(
            "Allow",
            WafRule("admin", "Block", both(part("UriPath"), neither(addresses("v4")))),
        ),
        ("fail", "fail", "unknown"),
    ),
    "content, at the load balancer": (
        of_balancer("Allow", WafRule("sqli", "Block", part("QueryString"))),
        ("pass", "pass", "pass"),
    ),
    "content, at the distribution alone": (
        of_both(edge("Allow", WafRule("sqli", "Block", part("QueryString"))), None),
        ("unknown", "unknown", "pass"),
    ),
    "content, at both": (
        of_both(
            edge("Allow", WafRule("sqli", "Block", part("QueryString"))),
            origin("Allow", WafRule("other", "Block", part("QueryString"))),
        ),
        ("pass", "pass", "pass"),
    ),
    "content, or the default, at the distribution": (
        of_both(edge("Block", WafRule("sqli", "Block", part("QueryString"))), None),
        ("fail", "fail", "pass"),
    ),
    "a header that CloudFront sets": (
        of_balancer("Allow", WafRule("via", "Block", part("SingleHeader", Name="Via"))),
        ("unknown", "unknown", "pass"),
    ),
    "a header that the distribution adds": (
        of_balancer(
            "Block", WafRule("secret", "Allow", part("SingleHeader", Name="X-Origin-Secret"))
        ),
        ("unknown", "unknown", "pass"),
    ),
    "the client's handshake": (
        of_balancer("Allow", WafRule("ja3", "Block", part("JA3Fingerprint"))),
        ("unknown", "unknown", "pass"),
    ),
    "a header of the client's own": (
        of_balancer("Allow", WafRule("agent", "Block", part("SingleHeader", Name="User-Agent"))),
        ("pass", "pass", "pass"),
    ),
    "an address in a header that nobody knows": (
        of_balancer("Allow", WafRule("odd", "Block", addresses("v4", "True-Client-IP"))),
        ("unknown", "unknown", "pass"),
    ),
    "no forwarded address inside NOT": (
        of_balancer("Allow", WafRule("odd", "Block", neither(addresses("v4", "X-Forwarded-For")))),
        ("fail", "fail", "unknown"),
    ),
    "the default Block of the distribution": (
        of_both(edge("Block"), None),
        ("fail", "fail", "pass"),
    ),
}  # fmt: skip


def results(acls: AccountWebAcls, edges: Sequence[Network] | None = EDGES) -> tuple[Result, ...]:
    does = Effects(acls, edges, added=["x-origin-secret"])
    return (
        told(does.over_ipv4(), "cdn", "IPv4", same="the same"),
        told(does.over_ipv6(), "cdn", "IPv6", same="the same"),
        told(does.by_proxy(), "direct", "IPv6", same="the same"),
    )


@pytest.mark.parametrize(
    ("sources", "verdict", "evidence"),
    [
        (("198.51.100.2", "198.51.100.3"), "pass", "the same"),
        (("198.51.100.2", "203.0.113.7"), "fail", "the proxies' 203.0.113.7/32"),
        (("203.0.113.0/24",), "fail", "the proxies' 203.0.113.0/24"),
        ((), "unknown", "the proxies' IPv4 addresses"),
    ],
)
def test_proxies_whose_addresses_are_named_are_followed(
    sources: tuple[str, ...], verdict: str, evidence: str
) -> None:
    known = [IPv4Network(each) for each in sources]
    does = Effects(of_balancer("Allow", BAD), EDGES, proxies=known)
    result = told(does.by_proxy(), "direct", "IPv6", same="the same")
    assert result.verdict == verdict
    assert evidence in result.evidence


@pytest.mark.parametrize("case", CASES)
def test_each_kind_of_client_is_followed_to_its_end(case: str) -> None:
    acls, verdicts = CASES[case]
    here = results(acls)
    assert tuple(result.verdict for result in here) == verdicts
    assert all(bool(result.remedy) == (result.verdict == "fail") for result in here)


def test_an_allow_list_is_told_with_rule_action_and_what_to_change() -> None:
    result, _, _ = results(of_balancer("Block", OFFICE))
    assert result.evidence == (
        "IPv4 clients (of 203.0.113.0/24): on direct allowed by rule office of web ACL guard, "
        "through CloudFront blocked by the default action of web ACL guard; rule office (Allow) "
        "looks at the address of the connection, which is CloudFront's 15.158.0.0/16"
    )
    assert result.remedy.startswith("Add a rule beside office that does the same by the last ")


def test_a_list_that_lacks_ipv6_is_told_so() -> None:
    _, result, _ = results(of_both(edge("Block", OFFICE), origin("Block", OFFICE, FROM_EDGES)))
    assert result.evidence.endswith("; rule office (Allow) knows no IPv6 address of theirs")
    assert result.remedy == "Add an IP set with the clients' IPv6 addresses to rule office."


def test_a_limit_is_told_to_count_all_as_one() -> None:
    ipv4, _, by_proxy = results(of_balancer("Allow", LIMIT))
    assert "counts all who come by CloudFront's 15.158.0.0/16 as one client" in ipv4.evidence
    assert "FORWARDED_IP" in ipv4.remedy
    assert "counts all who come by the proxies' IPv4 addresses as one" in by_proxy.evidence


def test_a_deny_list_is_no_fault_but_is_said_to_be_passed() -> None:
    for result in results(of_balancer("Allow", BAD))[:2]:
        (note,) = result.accepted
        expected = (
            "blocked-on-direct-only: IPv4 clients (of 203.0.113.0/24): on direct blocked by rule "
            "bad of web ACL guard, through CloudFront not"
        )
        assert note.startswith(expected)
    for result in results(of_both(edge("Allow", BAD), None))[:1]:
        assert [note.partition(":")[0] for note in result.accepted] == ["blocked-on-cdn-only"]


def test_a_limit_of_each_client_is_said() -> None:
    result, _, _ = results(of_both(edge("Allow", LIMIT), None))
    (note,) = result.accepted
    assert note == (
        "limits-each-client: rule limit limits each client to 100 requests in 300 s through "
        "CloudFront, and not on direct"
    )


def test_what_cannot_be_read_is_told_by_its_reason() -> None:
    managed = WafRule("aws", "Block", unread="the rules of managed rule group X cannot be read")
    result, _, _ = results(of_balancer("Allow", managed))
    assert result.evidence == "through CloudFront: the rules of managed rule group X cannot be read"


def test_without_cloudfronts_addresses_a_list_by_the_connection_cannot_be_told() -> None:
    verdicts = [result.verdict for result in results(of_balancer("Allow", BAD), None)]
    assert verdicts == ["unknown", "unknown", "unknown"]
    verdicts = [result.verdict for result in results(of_balancer("Allow", LIMIT), None)]
    assert verdicts == ["fail", "fail", "fail"]


def test_more_than_can_be_looked_at_is_unknown() -> None:
    rules = [
        WafRule(f"r{n}", "Block", both(part("UriPath", f"a{n}"), part("Method", f"b{n}")))
        for n in range(20)
    ]
    acls = of_both(edge("Allow", *rules), None)
    result = told(Effects(acls, EDGES).over_ipv4(), "cdn", "IPv4", same="")
    assert result.verdict == "unknown"
    assert "too many things" in result.evidence


# --- Kinds of addresses against a count of all --------------------------------------------------

SMALL = st.integers(24, 32).flatmap(
    lambda length: st.integers(0, 2 ** (length - 24) - 1).map(
        lambda number: IPv4Network(
            (int(IPv4Address("203.0.113.0")) + (number << (32 - length)), length)
        )
    )
)  # fmt: skip


@given(st.dictionaries(st.sampled_from("abc"), st.lists(SMALL, max_size=6)))
def test_kinds_of_addresses_are_what_counting_each_address_tells(
    sets: dict[str, list[Network]],
) -> None:
    counted: dict[frozenset[str], int] = {}
    for address in IPv4Network("203.0.113.0/24"):
        own = frozenset(
            name for name, networks in sets.items() if any(address in one for one in networks)
        )
        counted[own] = counted.get(own, 0) + 1
    kinds = {kind.sets: kind.size for kind in address_kinds(sets, 4)}
    assert kinds.pop(frozenset()) - counted.pop(frozenset(), 0) == 2**32 - 256
    assert kinds == counted


# --- A plain interpreter ------------------------------------------------------------------------


@dataclass(frozen=True)
class PlainRequest:
    """A request as one web ACL gets it, every fact of it decided."""

    source: str
    country: str
    forwarded: tuple[str, str] | None
    contents: frozenset[str]


def plain_answer(statement: Mapping[str, Any], request: PlainRequest) -> bool | None:
    """Say whether a request matches; None: the header with its address is not there."""
    ((kind, value),) = statement.items()
    if kind == "NotStatement":
        inner = plain_answer(value["Statement"], request)
        return None if inner is None else not inner
    if kind in {"AndStatement", "OrStatement"}:
        inner = [plain_answer(one, request) for one in value["Statements"]]
        if kind == "AndStatement":
            return False if False in inner else None if None in inner else True
        return True in inner
    return plain_leaf(kind, value, request)


def plain_leaf(kind: str, value: Mapping[str, Any], request: PlainRequest) -> bool | None:
    if kind == "ByteMatchStatement":
        return value["SearchString"].decode() in request.contents
    config = value.get("IPSetForwardedIPConfig") or value.get("ForwardedIPConfig")
    if config and request.forwarded is None:
        return None
    address, country = (
        request.forwarded if config and request.forwarded else (request.source, request.country)
    )
    if kind == "GeoMatchStatement":
        return country in value["CountryCodes"]
    return any(ip_address(address) in one for one in SETS[value["ARN"]].networks)


def plain_outcome(acl: WebAcl, request: PlainRequest) -> str:
    for rule in acl.rules:
        if rule.action != "Count" and plain_answer(rule.statement, request):
            return {"Allow": "allowed", "Block": "blocked"}.get(rule.action, "challenged")
    return {"Allow": "allowed", "Block": "blocked"}[acl.default]


LEAVES = st.one_of(
    st.sampled_from(["v4", "v6", "edges", "some-edges", "none", "all"]).map(addresses),
    st.lists(st.sampled_from(["SE", "US", "KP"]), min_size=1).map(lambda codes: countries(*codes)),
    st.sampled_from("pq").map(lambda value: part("UriPath", value)),
)
FORWARDED_LEAVES = st.one_of(
    st.sampled_from(["v4", "v6"]).map(lambda name: addresses(name, "X-Forwarded-For")),
    st.sampled_from(["SE", "KP"]).map(lambda code: countries(code, forwarded=True)),
)
STATEMENTS = st.one_of(
    FORWARDED_LEAVES,
    st.tuples(FORWARDED_LEAVES, LEAVES).map(lambda pair: both(*pair)),
    st.recursive(
        LEAVES,
        lambda inner: st.one_of(
            inner.map(neither),
            st.lists(inner, min_size=2, max_size=3).map(lambda some: both(*some)),
            st.lists(inner, min_size=2, max_size=3).map(lambda some: either(*some)),
        ),
        max_leaves=4,
    ),
)
RULES = st.lists(
    st.tuples(st.sampled_from(["Allow", "Block", "Count", "Challenge"]), STATEMENTS), max_size=4
).map(lambda rules: tuple(WafRule(f"r{n}", *rule) for n, rule in enumerate(rules)))
ADDRESSES = ("198.51.100.7", "203.0.113.7", "2001:db8::7", "2a00::7", "130.176.1.1", "15.158.1.1")


def peer(address: str, country: str) -> Peer:
    sets = frozenset(
        arn
        for arn, one in SETS.items()
        if any(ip_address(address) in network for network in one.networks)
    )
    family = ip_address(address).version
    return Peer("client", family, sets, address, country)


REQUESTS: Final = st.builds(
    PlainRequest,
    st.sampled_from(ADDRESSES),
    st.sampled_from(["", "SE", "US", "KP"]),
    st.one_of(
        st.none(), st.tuples(st.sampled_from(ADDRESSES[:4]), st.sampled_from(["", "SE", "KP"]))
    ),
    st.frozensets(st.sampled_from("pq")),
)


@settings(max_examples=150)
@given(RULES, st.sampled_from(["Allow", "Block"]), REQUESTS)
def test_rules_end_a_request_as_a_plain_interpreter_does(
    rules: tuple[WafRule, ...], default: str, request: PlainRequest
) -> None:
    acl = origin(default, *rules)
    facts = {
        Fact("content", written(part("UriPath", value)), ""): value in request.contents
        for value in "pq"
    }
    forwarded = peer(*request.forwarded) if request.forwarded else None
    passage = Passage(peer(request.source, request.country), forwarded)
    (ending,) = through([(acl, passage)], facts)
    assert ending.outcome == plain_outcome(acl, request)


@settings(max_examples=40)
@given(RULES, st.sampled_from(["Allow", "Block"]), st.one_of(st.none(), RULES))
def test_no_difference_that_requests_show_is_passed_over(
    rules: tuple[WafRule, ...], default: str, edge_rules: tuple[WafRule, ...] | None
) -> None:
    acls = of_both(
        None if edge_rules is None else edge("Allow", *edge_rules), origin(default, *rules)
    )
    result = told(Effects(acls, EDGES).over_ipv4(), "cdn", "IPv4", same="")
    differences = set[tuple[str, str, str]]()
    for address in ADDRESSES[:2]:
        for country in ("", "SE", "US", "KP"):
            for by, by_country in (("130.176.1.1", "US"), ("15.158.1.1", "SE")):
                for contents in map(frozenset, ("", "p", "q", "pq")):
                    direct = PlainRequest(address, country, None, contents)
                    at_origin = PlainRequest(by, by_country, (address, country), contents)
                    before = plain_outcome(origin(default, *rules), direct)
                    after = "allowed" if edge_rules is None else plain_outcome(
                        edge("Allow", *edge_rules), direct
                    )  # fmt: skip
                    if after == "allowed":
                        after = plain_outcome(origin(default, *rules), at_origin)
                    if "allowed" in {before, after} and before != after:
                        differences.add((before, after, address + country))
    if differences:
        assert result.verdict != "pass" or result.accepted
    # Whoever is refused for the address of the connection, and is like most, is no note.
    if any(
        (before, who) == ("allowed", ADDRESSES[0]) and after != "allowed"
        for before, after, who in differences
    ):
        assert result.verdict != "pass"
    if result.verdict == "fail":
        assert differences
