"""Whom security groups let in, as a table."""

from dataclasses import replace
from ipaddress import IPv4Network, ip_network

import pytest

from rollout.aws_access import InboundRule, Network
from rollout.verify.access.doors import judge_cloudfront, judge_proxies

EDGES: tuple[Network, ...] = (ip_network("130.176.0.0/18"), ip_network("15.158.0.0/16"))
EDGES_OF_BOTH = (*EDGES, ip_network("2600:9000:3000::/36"))


def of(source: str, first: int = 443, last: int = 443) -> InboundRule:
    return InboundRule(first, last, source, (ip_network(source),))


EVERYBODY, OFFICE = of("0.0.0.0/0"), of("203.0.113.0/24")
LISTED = InboundRule(443, 443, "pl-1", EDGES, is_cloudfront=True)
UNREAD = InboundRule(443, 443, "pl-2", unread="pl-2 cannot be read: AccessDenied")
GROUP = InboundRule(443, 443, "sg-2")

RULES: dict[str, tuple[list[InboundRule], tuple[int, ...], str, str]] = {
    "everybody": ([EVERYBODY], (4,), "pass", "pass"),
    "everybody, in two halves": ([of("0.0.0.0/1"), of("128.0.0.0/1")], (4,), "pass", "pass"),
    "everybody, by any port": ([of("0.0.0.0/0", -1, -1)], (4,), "pass", "pass"),
    "everybody, in a range of ports": ([of("0.0.0.0/0", 400, 500)], (4,), "pass", "pass"),
    "everybody, at another port": ([of("0.0.0.0/0", 80, 80)], (4,), "fail", "pass"),
    "everybody over IPv6 only": ([of("::/0")], (4,), "fail", "unknown"),
    "everybody over IPv4, and CloudFront over both": ([EVERYBODY], (4, 6), "fail", "pass"),
    "everybody over both": ([EVERYBODY, of("::/0")], (4, 6), "pass", "pass"),
    "nobody": ([], (4,), "fail", "pass"),
    "the office": ([OFFICE], (4,), "fail", "unknown"),
    "a group": ([GROUP], (4,), "fail", "pass"),
    "CloudFront's list": ([LISTED], (4,), "pass", "pass"),
    "CloudFront's list and the office": ([LISTED, OFFICE], (4,), "pass", "unknown"),
    "CloudFront's list, which cannot be read": (
        [replace(LISTED, networks=(), unread="no")],
        (4,),
        "pass",
        "pass",
    ),
    "CloudFront's addresses one by one": (
        [of("130.176.0.0/16"), of("15.158.0.0/16")],
        (4,),
        "pass",
        "unknown",
    ),
    "some of CloudFront's addresses": ([of("15.158.0.0/16")], (4,), "fail", "unknown"),
    "a list that cannot be read": ([UNREAD], (4,), "unknown", "unknown"),
}


@pytest.mark.parametrize("case", RULES)
def test_security_groups_have_to_let_in_cloudfront_and_the_proxies(case: str) -> None:
    rules, families, cloudfront, proxies = RULES[case]
    assert judge_cloudfront(rules, 443, EDGES_OF_BOTH, families).verdict == cloudfront
    assert judge_proxies(rules, 443).verdict == proxies


@pytest.mark.parametrize(
    ("rules", "verdict", "evidence"),
    [
        ([OFFICE], "fail", "and not the proxies' 198.51.100.2/32, 198.51.100.9/32"),
        ([OFFICE, of("198.51.100.0/29")], "fail", "and not the proxies' 198.51.100.9/32"),
        ([of("198.51.100.0/28")], "pass", "they let the proxies in at port 443"),
        ([of("198.51.100.2/32"), of("198.51.100.9/32")], "pass", "they let the proxies in"),
        ([EVERYBODY], "pass", "they let all in"),
        ([UNREAD], "unknown", "cannot be told"),
        ([UNREAD, of("198.51.100.0/28")], "pass", "they let the proxies in"),
    ],
)
def test_proxies_whose_addresses_are_named_are_followed(
    rules: list[InboundRule], verdict: str, evidence: str
) -> None:
    sources = [IPv4Network("198.51.100.2"), IPv4Network("198.51.100.9")]
    result = judge_proxies(rules, 443, sources)
    assert result.verdict == verdict
    assert evidence in result.evidence


def test_what_is_left_out_is_named() -> None:
    result = judge_cloudfront([OFFICE, of("15.158.0.0/16")], 443, EDGES)
    assert result.evidence == (
        "they let 15.158.0.0/16, 203.0.113.0/24 in at port 443, and not CloudFront's 130.176.0.0/18"
    )
    assert "com.amazonaws.global.cloudfront.origin-facing at port 443" in result.remedy


def test_a_list_of_addresses_that_cloudfront_passes_is_said() -> None:
    result = judge_cloudfront([LISTED, OFFICE], 443, EDGES)
    (note,) = result.accepted
    assert note == (
        "open-through-cloudfront: directly they let 203.0.113.0/24 in at port 443, through "
        "CloudFront everybody"
    )
    assert judge_cloudfront([LISTED, EVERYBODY], 443, EDGES).accepted == ()


@pytest.mark.parametrize(
    ("rules", "verdict"),
    [([EVERYBODY], "pass"), ([LISTED], "pass"), ([OFFICE], "unknown"), ([], "fail")],
)
def test_without_cloudfronts_addresses_only_its_list_is_known(
    rules: list[InboundRule], verdict: str
) -> None:
    assert judge_cloudfront(rules, 443, None).verdict == verdict
