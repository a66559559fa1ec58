"""What would break a user once traffic moves, although nothing is broken yet.

Some hazards show from outside, some only in the AWS account. A check of the account yields nothing
where the account may not be queried.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from rollout.aws import (
    AccountDistribution,
    AccountError,
    AccountLoadBalancer,
    AccountReader,
)
from rollout.probe import certificate as certificates
from rollout.probe.model import (
    DnsClient,
    EdgeTarget,
    Result,
    TroubleError,
    Verdict,
    Way,
)
from rollout.probe.sockets import Connector, Sockets
from rollout.verify.address_groups import worst
from rollout.verify.check import Check, CheckContext
from rollout.verify.request_hazards import request_hazards

_MOST_CNAMES: Final = 8

T = TypeVar("T")


class Hazards:
    """The checks of this module."""

    def __init__(self, connector: Connector, session: Callable[[], Any]) -> None:
        """Choose where to look.

        Args:
            connector: Opens connections.
            session: Makes a boto3 session; called only where the account may be queried.
        """
        self._connector = connector
        self._session = session

    def checks(self) -> tuple[Check, ...]:
        """Return them all."""
        return (
            Check("hazards-own-requests", self.own_requests, "requests"),
            Check("hazards-origin-certificate", self.origin_certificate),
            Check("hazards-aliases", self.aliases),
            Check("hazards-timeouts", self.timeouts, "account"),
        )

    async def own_requests(self, context: CheckContext) -> AsyncIterator[Result]:
        """Yield whether CloudFront lets the user's own requests through."""
        if not context.requests:
            return
        hazards = request_hazards(context.requests)
        certain = [hazard for hazard in hazards if hazard.certain]
        if certain:
            evidence = "; ".join(map(str, certain))
            remedy = "Change these clients before their traffic moves, or keep them on direct."
            yield Result("hazard-requests", "fail", evidence, remedy=remedy)
            return
        near = tuple(f"near-a-limit: {hazard}" for hazard in hazards)
        count = len(context.requests)
        evidence = f"CloudFront lets {count} request{'s' * (count != 1)} through"
        yield Result("hazard-requests", "pass", evidence, accepted=near)

    async def origin_certificate(self, context: CheckContext) -> AsyncIterator[Result]:
        """Yield whether CloudFront will take the load balancer's certificate."""
        for hostname in context.target.hostnames:
            ways = [
                way
                for way in context.ways
                if (way.hostname, way.path, way.family) == (hostname, "direct", "IPv4")
                and not way.by_name
            ]
            outcomes = await asyncio.gather(*(self._taken(context, way) for way in ways))
            verdict = worst([each for each, _ in outcomes]) if ways else "unknown"
            evidence = "; ".join(dict.fromkeys(text for _, text in outcomes))
            remedy = ""
            if verdict == "fail":
                remedy = (
                    f"Give the load balancer's listener a certificate for {hostname} that is "
                    "valid and trusted: CloudFront answers 502 otherwise."
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

    async def aliases(self, context: CheckContext) -> AsyncIterator[Result]:
        """Yield whether the hostname belongs to another distribution."""
        for hostname in context.target.hostnames:
            result = await _named_elsewhere(context.dns_client, context.target, hostname)
            if context.options.account and result.verdict != "fail":
                answer = await self._ask(
                    lambda account, name=hostname: _alias(account, context, name)
                )
                result = answer if isinstance(answer, Result) else Result("", "unknown", answer)
            yield replace(result, check="hazard-alias", hostname=hostname)

    async def timeouts(self, context: CheckContext) -> AsyncIterator[Result]:
        """Yield whether answers may take longer on direct than CloudFront waits."""
        if not context.options.account:
            return

        def ask(account: AccountReader) -> Result:
            own = account.distribution(context.target)
            return judge_timeouts(own, account.load_balancer(context.target.direct))

        yield _named("hazard-timeouts", await self._ask(ask))

    async def _ask(self, question: Callable[[AccountReader], T]) -> T | str:
        """Query the account in a thread of its own; return the reason if it cannot be read."""
        try:
            return await asyncio.to_thread(lambda: question(AccountReader(self._session())))
        except AccountError as error:
            return str(error)

    async def _taken(self, context: CheckContext, way: Way) -> tuple[Verdict, str]:
        """Say whether CloudFront takes an address's certificate.

        CloudFront asks for the Host it forwards and takes a certificate for that name or for the
        origin's own. Source: CloudFront Developer Guide, 'HTTP 502 status code (Bad Gateway)'.
        """
        try:
            shown = await self._connector.shake(way.address, way.port, way.hostname)
            certificate = certificates.read(shown.certificate)
            names = certificate.names
        except (TroubleError, ValueError) as trouble:
            return "unknown", f"{way.address}: {trouble}"
        listed = ", ".join(names) or "nobody"
        certificate_text = (
            f"{way.address} shows a certificate for {listed} when asked for {way.hostname}"
        )
        name = next(
            (
                candidate
                for candidate in (way.hostname, context.target.direct)
                if certificates.covers(names, candidate)
            ),
            None,
        )
        if name is None:
            return (
                "fail",
                f"{certificate_text}; CloudFront takes {way.hostname} or {context.target.direct}",
            )
        certificate_text += await self._other(context, way, names)
        if name != way.hostname:
            certificate_text += "; that is the load balancer's own name"
        if fault := certificates.fault(certificate, name, datetime.now(UTC)):
            return "fail", f"{certificate_text}, but {fault}"
        try:
            verified = await self._connector.shake(
                way.address, way.port, name, verify=True, ca=context.options.ca
            )
        except TroubleError as trouble:
            is_same = await self._shows(way, name, shown.certificate)
            sure: Verdict = "fail" if trouble.kind == "certificate" and is_same else "unknown"
            return sure, f"{certificate_text}, which is not trusted: {trouble}"
        if verified.certificate != shown.certificate:
            return "unknown", f"{certificate_text}; whether it is trusted cannot be told"
        return "pass", certificate_text

    async def _shows(self, way: Way, name: str, certificate: bytes) -> bool:
        """Say whether a client that asks for a name is shown a certificate."""
        try:
            shown = await self._connector.shake(way.address, way.port, name)
        except TroubleError:
            return False
        return shown.certificate == certificate

    async def _other(self, context: CheckContext, way: Way, names: Sequence[str]) -> str:
        """Return what else is shown to a client that asks for the load balancer's own name."""
        try:
            shown = await self._connector.shake(way.address, way.port, context.target.direct)
            other = certificates.read(shown.certificate).names
        except (TroubleError, ValueError) as trouble:
            return f", and none when asked for its own name ({trouble})"
        return "" if other == tuple(names) else f", and one for {', '.join(other)} by its own name"


def _named(check: str, answer: Result | str) -> Result:
    if isinstance(answer, str):
        return Result(check, "unknown", answer)
    return replace(answer, check=check)


async def _named_elsewhere(names: DnsClient, target: EdgeTarget, hostname: str) -> Result:
    """Say whether a CNAME of a hostname leads to a distribution that is not the target's."""
    name, cnames = hostname, list[str]()
    try:
        for _ in range(_MOST_CNAMES):
            answer = await names.ask(name, "CNAME")
            if not answer.values:
                break
            name = answer.values[0].rstrip(".").lower()
            cnames.append(name)
    except TroubleError as trouble:
        return Result("", "unknown", f"{name}: {trouble}")
    others = [
        one for one in cnames if one.endswith(".cloudfront.net") and one != target.cdn.lower()
    ]
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


def _alias(account: AccountReader, context: CheckContext, hostname: str) -> Result:
    own = account.distribution(context.target)
    return judge_alias(own, hostname, account.elsewhere(own, hostname))


def judge_alias(own: AccountDistribution, hostname: str, elsewhere: Sequence[str]) -> Result:
    """Say whether requests for a hostname that reach CloudFront are this distribution's.

    An alias that is the name itself goes before one with `*`, in whichever distribution.

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


def judge_timeouts(own: AccountDistribution, balancer: AccountLoadBalancer) -> Result:
    """Say whether cdn cuts off an answer that direct waits for."""
    read, idle = own.origin.read_seconds, balancer.idle_seconds
    evidence = (
        f"CloudFront waits {read} s for an answer, the {balancer.kind} load balancer {idle} s"
    )
    if own.origin.completion_seconds is not None:
        evidence += f"; CloudFront ends answers after {own.origin.completion_seconds} s in all"
    if read >= idle and own.origin.completion_seconds is None:
        return Result("", "pass", evidence)
    if balancer.kind == "network" and own.origin.completion_seconds is None:
        # It always waits longer than CloudFront can: that proves nothing about the API.
        return Result("", "pass", evidence, accepted=("network-load-balancer-waits-longer",))
    return Result(
        "",
        "fail",
        f"{evidence}: what takes longer is answered on direct and is a 504 on cdn",
        remedy=f"Set origin.readTimeoutSeconds to {idle} or more (120 at most), or lower the load "
        "balancer's idle timeout first and see who complains.",
    )


def _session() -> Any:
    import boto3.session  # noqa: PLC0415 - it takes long, and few runs look at the account

    return boto3.session.Session()


CHECKS: Final[tuple[Check, ...]] = Hazards(Sockets(), _session).checks()
"""The checks of this module."""
