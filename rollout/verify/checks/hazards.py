"""What would break a user once traffic moves, although nothing is broken yet.

Some of it can be seen from outside, some only in the AWS account. What needs the account and was
not allowed to ask it is no result: `NEEDS_ACCOUNT` lets the caller leave these checks out, or
refuse to run them.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

import boto3.session

from rollout.aws import (
    Account,
    AccountError,
    Distribution,
    LoadBalancer,
    Rule,
    WebAcl,
)
from rollout.probe import certificate as certificates
from rollout.probe.model import (
    Check,
    Names,
    Request,
    Result,
    Surroundings,
    Target,
    TroubleError,
    Verdict,
    Way,
)
from rollout.probe.sockets import Network, Sockets

URL_BYTES: Final = 8192
"""Longest URL. Source: CloudFront Developer Guide, 'Quotas'."""

REQUEST_BYTES: Final = 20_480
"""Most bytes of request line and headers together. Source: as above."""

NEAR: Final = 0.9
"""Part of a limit from which on it is near: cookies and query strings grow."""

METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"})
"""What a distribution can be told to pass on. Source: CloudFront API, 'AllowedMethods'."""

NEEDS_ACCOUNT: Final[tuple[str, ...]] = ("hazards-timeouts", "hazards-allow-lists")
"""Checks that have something to do only with `--account`."""

_MOST_CNAMES: Final = 8
_EVERY_PORT: Final = -1
_ANYBODY: Final = "0.0.0.0/0"

T = TypeVar("T")


@dataclass(frozen=True)
class Hazard:
    """Something about a request that CloudFront refuses, or soon will."""

    text: str
    """What, in one line."""
    certain: bool
    """Whether it is refused as it is; False: it is near a limit."""

    def __str__(self) -> str:
        """Return what it is."""
        return self.text


def request_hazards(requests: Iterable[Request]) -> list[Hazard]:
    """Return what CloudFront does not let through, or hardly does, of some requests.

    Source: CloudFront Developer Guide, 'Request and response behavior for custom origins' and
    'Quotas'.

    Args:
        requests: The requests, as they are to be sent.
    """
    found: list[Hazard] = []
    for request in requests:
        path = request.target.partition("?")[0]
        what = f"{request.method} {path if len(path) <= 60 else path[:59] + '…'}"  # noqa: PLR2004
        if request.method == "GET" and request.body:
            found.append(Hazard(f"{what} has a body; CloudFront answers 403", certain=True))
        if request.method not in METHODS:
            allowed = ", ".join(sorted(METHODS))
            text = f"{what} has a method that no distribution passes on; {allowed} are"
            found.append(Hazard(text, certain=True))
        url = len(request.target.encode())
        found += _size(what, "a URL", url, URL_BYTES)
        line = len(f"{request.method} {request.target} HTTP/1.1\r\n".encode())
        headers = sum(len(f"{name}: {value}\r\n".encode()) for name, value in request.headers)
        found += _size(what, "a request line and headers", line + headers, REQUEST_BYTES)
    return found


def _size(what: str, part: str, size: int, limit: int) -> list[Hazard]:
    if size <= NEAR * limit:
        return []
    over = size > limit
    then = "CloudFront refuses it" if over else "it is near CloudFront's limit"
    text = f"{what} has {part} of {size} bytes; {then}, {limit} are allowed"
    return [Hazard(text, certain=over)]


class Hazards:
    """The checks of this module."""

    def __init__(self, network: Network, session: Callable[[], Any]) -> None:
        """Choose where to look.

        Args:
            network: Opens connections.
            session: Makes a boto3 session; called only where the account may be asked.
        """
        self._network = network
        self._session = session

    def checks(self) -> tuple[Check, ...]:
        """Return them all."""
        return (
            self.own_requests,
            self.origin_certificate,
            self.aliases,
            self.timeouts,
            self.allow_lists,
        )

    async def own_requests(self, s: Surroundings) -> AsyncIterator[Result]:
        """Yield whether CloudFront lets the user's own requests through."""
        if not s.requests:
            return
        found = request_hazards(s.requests)
        certain = [hazard for hazard in found if hazard.certain]
        if certain:
            evidence = "; ".join(map(str, certain))
            remedy = "Change these clients before their traffic moves, or keep them on direct."
            yield Result("hazard-requests", "fail", evidence, remedy=remedy)
            return
        near = tuple(f"near-a-limit: {hazard}" for hazard in found)
        count = len(s.requests)
        evidence = f"CloudFront lets {count} request{'s' * (count != 1)} through"
        yield Result("hazard-requests", "pass", evidence, accepted=near)

    async def origin_certificate(self, s: Surroundings) -> AsyncIterator[Result]:
        """Yield whether CloudFront will take the load balancer's certificate."""
        for hostname in s.target.hostnames:
            ways = [
                way
                for way in s.ways
                if (way.hostname, way.path, way.family) == (hostname, "direct", "IPv4")
                and not way.by_name
            ]
            found = await asyncio.gather(*(self._taken(s, way) for way in ways))
            verdicts = [verdict for verdict, _ in found]
            verdict: Verdict = (
                "fail"
                if "fail" in verdicts
                else "unknown"
                if "unknown" in verdicts or not ways
                else "pass"
            )
            evidence = "; ".join(dict.fromkeys(said for _, said in found))
            remedy = ""
            if verdict == "fail":
                remedy = (
                    f"Give the load balancer's listener a certificate for {hostname}: CloudFront "
                    "answers 502 otherwise."
                )
            yield Result(
                "hazard-origin-certificate",
                verdict,
                evidence or "no IPv4 address of the direct path is known",
                hostname,
                "direct",
                "IPv4",
                remedy=remedy,
            )

    async def aliases(self, s: Surroundings) -> AsyncIterator[Result]:
        """Yield whether the hostname belongs to another distribution."""
        for hostname in s.target.hostnames:
            result = await _named_elsewhere(s.names, s.target, hostname)
            if s.options.account and result.verdict != "fail":
                found = await self._ask(lambda account, name=hostname: _alias(account, s, name))
                result = found if isinstance(found, Result) else Result("", "unknown", found)
            yield replace(result, check="hazard-alias", hostname=hostname)

    async def timeouts(self, s: Surroundings) -> AsyncIterator[Result]:
        """Yield whether answers may take longer on direct than CloudFront waits."""
        if not s.options.account:
            return

        def ask(account: Account) -> Result:
            own = account.distribution(s.target)
            return judge_timeouts(own, account.load_balancer(s.target.direct))

        yield _told("hazard-timeouts", await self._ask(ask))

    async def allow_lists(self, s: Surroundings) -> AsyncIterator[Result]:
        """Yield whether somebody judges addresses and knows IPv4 only."""
        if not s.options.account:
            return

        def ask(account: Account) -> Result:
            own = account.distribution(s.target)
            balancer = account.load_balancer(s.target.direct)
            rules = account.rules(balancer) if balancer.security_groups else None
            return judge_allow_lists(own, account.web_acls(own, balancer), rules)

        yield _told("hazard-allow-lists", await self._ask(ask))

    async def _ask(self, question: Callable[[Account], T]) -> T | str:
        """Ask the account in a thread of its own; return why where it does not tell."""
        try:
            return await asyncio.to_thread(lambda: question(Account(self._session())))
        except AccountError as error:
            return str(error)

    async def _taken(self, s: Surroundings, way: Way) -> tuple[Verdict, str]:
        """Say whether CloudFront takes an address's certificate.

        CloudFront asks for the Host it forwards and takes a certificate for that name or for the
        origin's own. Source: CloudFront Developer Guide, 'HTTP 502 status code (Bad Gateway)'.
        """
        try:
            shown = await self._network.shake(way.address, way.port, way.hostname)
            names = certificates.read(shown.certificate).names
        except (TroubleError, ValueError) as trouble:
            return "unknown", f"{way.address}: {trouble}"
        listed = ", ".join(names) or "nobody"
        said = f"{way.address} shows a certificate for {listed} when asked for {way.hostname}"
        wanted = next(
            (name for name in (way.hostname, s.target.direct) if certificates.covers(names, name)),
            None,
        )
        if wanted is None:
            return "fail", f"{said}; CloudFront takes {way.hostname} or {s.target.direct}"
        said += await self._other(s, way, names)
        if wanted != way.hostname:
            return "pass", f"{said}; that is the load balancer's own name"
        try:
            await self._network.shake(
                way.address, way.port, way.hostname, verify=True, ca=s.options.ca
            )
        except TroubleError as trouble:
            sure: Verdict = "fail" if trouble.kind == "certificate" else "unknown"
            return sure, f"{said}, which is not trusted: {trouble}"
        return "pass", said

    async def _other(self, s: Surroundings, way: Way, names: Sequence[str]) -> str:
        """Return what another certificate is shown to who asks for the load balancer's own name."""
        try:
            shown = await self._network.shake(way.address, way.port, s.target.direct)
            other = certificates.read(shown.certificate).names
        except (TroubleError, ValueError) as trouble:
            return f", and none when asked for its own name ({trouble})"
        return "" if other == tuple(names) else f", and one for {', '.join(other)} by its own name"


def _told(check: str, found: Result | str) -> Result:
    if isinstance(found, str):
        return Result(check, "unknown", found)
    return replace(found, check=check)


async def _named_elsewhere(names: Names, target: Target, hostname: str) -> Result:
    """Follow the CNAMEs of a hostname: does one lead to a distribution that is not the target's?"""
    name, seen = hostname, list[str]()
    try:
        for _ in range(_MOST_CNAMES):
            answer = await names.ask(name, "CNAME")
            if not answer.values:
                break
            name = answer.values[0].rstrip(".").lower()
            seen.append(name)
    except TroubleError as trouble:
        return Result("", "unknown", f"{name}: {trouble}")
    others = [one for one in seen if one.endswith(".cloudfront.net") and one != target.cdn.lower()]
    if others:
        return Result(
            "",
            "fail",
            f"{hostname} is a CNAME for {others[0]}, another distribution; a name can be an alias "
            "of one only",
            remedy=f"Move the alias with: aws cloudfront associate-alias --alias {hostname} "
            f"--target-distribution-id {target.distribution_id or 'ID'}",
        )
    return Result("", "pass", "no CNAME leads to another distribution")


def _alias(account: Account, s: Surroundings, hostname: str) -> Result:
    own = account.distribution(s.target)
    return judge_alias(own, hostname, account.elsewhere(own, hostname))


def judge_alias(own: Distribution, hostname: str, elsewhere: Sequence[str]) -> Result:
    """Say whether requests for a hostname that reach CloudFront are this distribution's.

    An alias that is the name itself goes before one with `*`, whoever has it.

    Args:
        own: The distribution.
        hostname: The name.
        elsewhere: Other distributions that have the name as an alias.
    """
    if hostname not in own.aliases and elsewhere:
        return Result(
            "",
            "fail",
            f"{hostname} is an alias of {', '.join(elsewhere)}, not of {own.id}",
            remedy=f"Move it with: aws cloudfront associate-alias --alias {hostname} "
            f"--target-distribution-id {own.id}",
        )
    if not certificates.covers(own.aliases, hostname):
        aliases = ", ".join(own.aliases) or "none"
        return Result(
            "",
            "fail",
            f"{hostname} is no alias of {own.id}, whose aliases are {aliases}: CloudFront answers "
            "403",
            remedy="Add it to the hostnames and run pulumi up.",
        )
    return Result("", "pass", f"{hostname} is an alias of {own.id}")


def judge_timeouts(own: Distribution, balancer: LoadBalancer) -> Result:
    """Say whether an answer that direct waits for is cut off on cdn."""
    read, idle = own.origin.read_seconds, balancer.idle_seconds
    seen = f"CloudFront waits {read} s for an answer, the {balancer.kind} load balancer {idle} s"
    if own.origin.completion_seconds is not None:
        seen += f"; CloudFront ends answers after {own.origin.completion_seconds} s in all"
    if read >= idle and own.origin.completion_seconds is None:
        return Result("", "pass", seen)
    if balancer.kind == "network" and own.origin.completion_seconds is None:
        # It waits longer than CloudFront can, whatever the API does: it says nothing of the API.
        return Result("", "pass", seen, accepted=("network-load-balancer-waits-longer",))
    return Result(
        "",
        "fail",
        f"{seen}: what takes longer is answered on direct and is a 504 on cdn",
        remedy=f"Set origin.readTimeoutSeconds to {idle} or more (120 at most), or lower the load "
        "balancer's idle timeout first and see who complains.",
    )


def judge_allow_lists(
    own: Distribution, acls: Sequence[WebAcl], rules: Sequence[Rule] | None
) -> Result:
    """Say whether a list of addresses shuts out CloudFront, or does not know IPv6.

    Args:
        own: The distribution.
        acls: Web ACLs of the distribution and the load balancer.
        rules: Inbound rules of the load balancer's security groups; None: it has no groups.
    """
    faults: list[str] = []
    for acl in acls:
        versions = {version for _, version in acl.sets}
        if versions == {"IPV4"}:
            sets = ", ".join(name for name, _ in acl.sets)
            faults.append(
                f"web ACL {acl.name} names IPv4 addresses only ({sets}): IPv6 clients are none of "
                "them"
            )
    port = own.origin.port
    told = [f"{len(acls)} web ACLs name no addresses, or those of both families"]
    if rules is None:
        told.append("the load balancer has no security group")
    else:
        sources = [
            rule
            for rule in rules
            if rule.first_port == _EVERY_PORT or rule.first_port <= port <= rule.last_port
        ]
        if any(rule.cloudfront or rule.source == _ANYBODY for rule in sources):
            told.append(f"the security groups let CloudFront in at port {port}")
        else:
            listed = ", ".join(sorted(rule.source for rule in sources)) or "nobody"
            faults.append(
                f"the load balancer's security groups let {listed} in at port {port}, and not "
                "CloudFront"
            )
    if not faults:
        return Result("", "pass", "; ".join(told))
    return Result(
        "",
        "fail",
        "; ".join(faults),
        remedy="Add the IPv6 addresses, and CloudFront's prefix list, before traffic moves.",
    )


CHECKS: Final[tuple[Check, ...]] = Hazards(Sockets(), boto3.session.Session).checks()
"""The checks of this module."""
