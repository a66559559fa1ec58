"""Whom the load balancer's security groups let in: everybody, CloudFront, the proxies.

Security groups see the address of the connection only: CloudFront's, or a proxy's.
Source: VPC User Guide, 'Security group rules'.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from rollout.aws_access import InboundRule, Network
from rollout.probe.model import Result
from rollout.verify.access.clients import AddressKind, address_kinds

CHECK: Final = "hazard-security-groups"
NAME_PROXIES: Final = "Name the IPv4 address of each proxy with --proxy-source."
_EVERY_PORT: Final = -1
_MOST: Final = 5


def judge_cloudfront(
    rules: Sequence[InboundRule],
    port: int,
    cloudfront: Sequence[Network] | None,
    families: Sequence[int] = (4,),
) -> Result:
    """Say whether security groups let CloudFront in.

    Args:
        rules: Their inbound rules.
        port: The port that CloudFront connects to.
        cloudfront: The addresses that it connects from; None: they are not known.
        families: The families of those it uses.
    """
    result = Result(CHECK, "pass", f"they let CloudFront in at port {port}", path="cdn")
    there = _at(rules, port)
    sources = ", ".join(sorted({rule.source for rule in there})) or "nobody"
    left_out = [one for family in families for one in _left_out(there, cloudfront, family)]
    if not left_out or any(rule.is_cloudfront and rule.unread for rule in there):
        return replace(result, accepted=_open_notes(there, port))
    unread = tuple(dict.fromkeys(rule.unread for rule in there if rule.unread))
    if cloudfront is None and not all(_is_group(rule) for rule in there):
        unread += ("CloudFront's addresses are not known",)
    if unread:
        evidence = f"they let {sources} in at port {port}, and whether CloudFront is among them "
        reasons = "; ".join(unread)
        return replace(result, verdict="unknown", evidence=f"{evidence}cannot be told: {reasons}")
    return replace(
        result,
        verdict="fail",
        evidence=f"they let {sources} in at port {port}, and not {_few(left_out)}",
        remedy="Add a rule for the prefix list com.amazonaws.global.cloudfront.origin-facing at "
        f"port {port}; it counts as 55 rules.",
    )


def judge_proxies(
    rules: Sequence[InboundRule], port: int, proxies: Sequence[Network] = ()
) -> Result:
    """Say whether security groups let the proxies in.

    Args:
        rules: Their inbound rules.
        port: The port that the proxies connect to.
        proxies: The IPv4 addresses that they connect from; none: they are not known.
    """
    result = Result(CHECK, "pass", f"they let all in at port {port}", path="direct", family="IPv6")
    there = _at(rules, port)
    if _all_let_in(_kinds(there, (), 4)):
        return result
    sources = ", ".join(sorted({rule.source for rule in there})) or "nobody"
    if all(_is_group(rule) or rule.is_cloudfront for rule in there):
        evidence = f"they let {sources} in at port {port}, so nobody comes directly, nor by proxy"
        return replace(result, evidence=evidence)
    left_out = [
        str(proxy)
        for proxy in proxies
        for kind in address_kinds({"in": _let_in(there), "proxy": (proxy,)}, 4)
        if "proxy" in kind.sets and "in" not in kind.sets
    ]
    if proxies and not left_out:
        return replace(result, evidence=f"they let the proxies in at port {port}")
    if left_out and not any(rule.unread for rule in there):
        return replace(
            result,
            verdict="fail",
            evidence=f"they let {sources} in at port {port}, and not the proxies' {_few(left_out)}",
            remedy=f"Add a rule for each proxy's IPv4 address at port {port}.",
        )
    return replace(
        result,
        verdict="unknown",
        evidence=f"they let {sources} in at port {port}, and whether the proxies' IPv4 addresses "
        "are among them cannot be told",
        remedy="" if proxies else NAME_PROXIES,
    )


def _at(rules: Sequence[InboundRule], port: int) -> list[InboundRule]:
    return [
        rule
        for rule in rules
        if rule.first_port == _EVERY_PORT or rule.first_port <= port <= rule.last_port
    ]


def _left_out(
    rules: Sequence[InboundRule], cloudfront: Sequence[Network] | None, family: int
) -> list[str]:
    """Return addresses of CloudFront's that are not let in; those that nobody knows count."""
    if cloudfront is None:
        is_open = _all_let_in(_kinds(rules, (), family))
        return [] if is_open or any(rule.is_cloudfront for rule in rules) else ["CloudFront"]
    kinds = _kinds(rules, cloudfront, family)
    return [
        f"CloudFront's {kind.example}"
        for kind in kinds
        if "in" not in kind.sets and "cloudfront" in kind.sets
    ]


def _is_group(rule: InboundRule) -> bool:
    return not rule.networks and not rule.unread


def _kinds(
    rules: Sequence[InboundRule], cloudfront: Sequence[Network], family: int
) -> list[AddressKind]:
    return address_kinds({"in": _let_in(rules), "cloudfront": cloudfront}, family)


def _let_in(rules: Sequence[InboundRule]) -> list[Network]:
    return [network for rule in rules for network in rule.networks]


def _all_let_in(kinds: Sequence[AddressKind]) -> bool:
    return all("in" in kind.sets for kind in kinds)


def _few(names: Sequence[str]) -> str:
    more = len(names) - _MOST
    return ", ".join(names[:_MOST]) + (f" and {more} more" if more > 0 else "")


def _open_notes(rules: Sequence[InboundRule], port: int) -> tuple[str, ...]:
    """Return that those may come through CloudFront who may not come directly."""
    others = sorted({rule.source for rule in rules if not rule.is_cloudfront})
    if _all_let_in(_kinds(rules, (), 4)):
        return ()
    note = (
        f"open-through-cloudfront: directly they let {', '.join(others) or 'nobody'} in at port "
        f"{port}, through CloudFront everybody"
    )
    return (note,)
