"""Who is kept out once traffic comes through CloudFront, over IPv6 or through the proxies.

The account says which web ACLs and security groups are in the way; `rollout.verify.access` says
what they do to whom. Nothing is sent.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Network
from typing import Any, Final

from rollout.aws import AccountDistribution, AccountError, AccountLoadBalancer, AccountReader
from rollout.aws_access import AccessReader, AccountWebAcls, InboundRule, Network
from rollout.probe.model import Result
from rollout.verify.access import doors, effects
from rollout.verify.check import Check, CheckContext


@dataclass(frozen=True)
class AccountAccess:
    """What the account says about who is let in."""

    own: AccountDistribution
    """The distribution."""
    balancer: AccountLoadBalancer
    """The load balancer."""
    acls: AccountWebAcls
    """Web ACLs in the way."""
    inbound: tuple[InboundRule, ...] | str
    """Inbound rules of the load balancer's security groups, or why they are not known."""
    cloudfront: tuple[Network, ...] | str
    """The addresses that CloudFront connects from, or why they are not known."""

    @property
    def edges(self) -> tuple[Network, ...] | None:
        """The addresses that CloudFront connects from; None: they are not known."""
        return None if isinstance(self.cloudfront, str) else self.cloudfront


class AllowLists:
    """The check of this module."""

    def __init__(self, session: Callable[[], Any]) -> None:
        """Choose where to look.

        Args:
            session: Makes a boto3 session; called only where the account may be queried.
        """
        self._session = session

    async def check(self, context: CheckContext) -> AsyncIterator[Result]:
        """Yield what web ACLs and security groups do to each kind of client."""
        if not context.options.account:
            return
        try:
            access = await asyncio.to_thread(self._read, context)
        except AccountError as error:
            for check in (effects.CHECK, doors.CHECK):
                yield Result(check, "unknown", str(error))
            return
        sources = [IPv4Network(each) for each in context.options.proxy_sources]
        with_proxies = bool(context.target.proxy_addresses)
        for result in judge(access, with_proxies=with_proxies, proxies=sources):
            yield result

    def _read(self, context: CheckContext) -> AccountAccess:
        account = AccountReader(self._session())
        own = account.distribution(context.target)
        balancer = account.load_balancer(context.target.direct)
        reader = AccessReader(account)
        inbound: tuple[InboundRule, ...] | str
        cloudfront: tuple[Network, ...] | str
        try:
            inbound = reader.inbound(balancer) if balancer.security_groups else ()
        except AccountError as error:
            inbound = str(error)
        try:
            cloudfront = reader.cloudfront(balancer)
        except AccountError as error:
            cloudfront = str(error)
        if own.origin.is_private:
            cloudfront = "CloudFront connects from inside the VPC"
        return AccountAccess(own, balancer, reader.web_acls(own, balancer), inbound, cloudfront)


def judge(
    access: AccountAccess, *, with_proxies: bool, proxies: Sequence[Network] = ()
) -> list[Result]:
    """Say what becomes of each kind of client.

    Args:
        access: What the account says.
        with_proxies: Whether there are proxies.
        proxies: The IPv4 addresses that they connect from; none: they are not known.
    """
    return [
        *_web_acls(access, with_proxies, proxies),
        *_security_groups(access, with_proxies, proxies),
    ]


def _web_acls(
    access: AccountAccess, with_proxies: bool, proxies: Sequence[Network]
) -> list[Result]:
    acls, origin = access.acls, access.own.origin
    names = [acl.name for acl in (acls.distribution, acls.load_balancer) if acl]
    same = "no web ACL is in the way"
    if names:
        same = f"web ACL {' and '.join(names)}: who is let in on direct is let in here"
    does = effects.Effects(acls, access.edges, origin.families, origin.headers, proxies)
    results = [
        effects.told(does.over_ipv4(), "cdn", "IPv4", same=same),
        effects.told(does.over_ipv6(), "cdn", "IPv6", same=same),
    ]
    if with_proxies:
        told = effects.told(does.by_proxy(), "direct", "IPv6", same=same)
        unnamed = told.verdict == "unknown" and not proxies
        results.append(replace(told, remedy=doors.NAME_PROXIES) if unnamed else told)
    return [_explained(result, access) for result in results]


def _security_groups(
    access: AccountAccess, with_proxies: bool, proxies: Sequence[Network]
) -> list[Result]:
    origin, balancer = access.own.origin, access.balancer
    if isinstance(access.inbound, str):
        return [Result(doors.CHECK, "unknown", access.inbound)]
    if not balancer.security_groups:
        if balancer.kind == "network":
            evidence = (
                "the load balancer has no security group; whom its targets' own groups let in is "
                "not read"
            )
            return [Result(doors.CHECK, "unknown", evidence)]
        return [Result(doors.CHECK, "pass", "the load balancer has no security group")]
    cdn = doors.judge_cloudfront(access.inbound, origin.port, access.edges, origin.families)
    results = [_explained(cdn, access)]
    if with_proxies:
        results += [
            doors.judge_proxies(access.inbound, port, proxies) for port in _proxied(balancer)
        ]
    return results


def _proxied(balancer: AccountLoadBalancer) -> Sequence[int]:
    """Return the ports that a proxy passes on: those of HTTP and HTTPS that have a listener."""
    listened = {port for _, port in balancer.listeners}
    return [port for port in (443, 80) if port in listened] or [443]


def _explained(result: Result, access: AccountAccess) -> Result:
    """Add why CloudFront's addresses are not known to what cannot be told."""
    if result.verdict != "unknown" or not isinstance(access.cloudfront, str):
        return result
    evidence = f"{result.evidence}; CloudFront's addresses: {access.cloudfront}"
    return replace(result, evidence=evidence)


def _session() -> Any:
    import boto3.session  # noqa: PLC0415 - it takes long, and few runs look at the account

    return boto3.session.Session()


CHECKS: Final[tuple[Check, ...]] = (
    Check("hazards-allow-lists", AllowLists(_session).check, "account"),
)
"""The checks of this module."""
