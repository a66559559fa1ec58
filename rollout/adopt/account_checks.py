"""What the account and the distribution itself say about taking names over."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Final

from components.faults import Fault
from rollout.aws import AccountError, AccountReader
from rollout.handover.edge_state import EdgeState
from rollout.probe import certificate
from rollout.probe.model import EdgeTarget, TroubleError
from rollout.probe.sockets import Connector

_HTTPS: Final = 443
_LEAVE_IT: Final = (
    "Where this machine cannot reach CloudFront, look from another one (curl --connect-to "
    "::{distribution}: https://{name}/) and add --skip-certificate."
)


def alias_conflicts(
    reader: AccountReader, edge: EdgeState, hostnames: Sequence[str]
) -> Iterator[Fault]:
    """Say which hostnames CloudFront would not answer from this edge's distribution.

    Args:
        reader: Reads the account.
        edge: The edge.
        hostnames: Its hostnames.
    """
    target = EdgeTarget(
        tuple(hostnames),
        edge.load_balancer,
        edge.distribution,
        distribution_id=edge.distribution_id,
    )
    try:
        own = reader.distribution(target)
        elsewhere = {name: reader.elsewhere(own, name) for name in hostnames}
    except AccountError as error:
        yield Fault(
            f"Distribution {edge.distribution_id}",
            f"not readable ({error})",
            "it has to be seen that it answers the hostnames, and no other one does",
            "See that the credentials allow cloudfront:GetDistributionConfig, "
            "cloudfront:ListDistributions and cloudfront:ListConflictingAliases.",
        )
        return
    aliases = [alias.lower() for alias in own.aliases]
    for name, others in elsewhere.items():
        if name not in aliases:
            yield Fault(
                f"Distribution {own.id}",
                f"without the alias {name}",
                "it has to have it, or CloudFront answers the name with 403",
                "Somebody changed it since it was deployed. Put it right: pulumi up --refresh",
            )
        if others:
            yield Fault(
                f"Hostname {name}",
                f"an alias of {', '.join(others)} too",
                "it has to be this distribution's alone: CloudFront answers by its own aliases, "
                "whatever DNS says",
                "See docs/operating.md, 'A hostname that another distribution has'.",
            )


def certificate_faults(
    connector: Connector, edge: EdgeState, hostnames: Sequence[str], now: Callable[[], datetime]
) -> Iterator[Fault]:
    """Say for which hostnames clients would refuse the certificate that the distribution shows.

    Args:
        connector: Opens connections.
        edge: The edge.
        hostnames: Its hostnames.
        now: Returns the time, in UTC.
    """
    for name in hostnames:
        what = f"The certificate that {edge.distribution} shows for {name}"
        leave_it = _LEAVE_IT.format(distribution=edge.distribution, name=name)
        try:
            shown = asyncio.run(connector.shake(edge.distribution, _HTTPS, name))
            problem = certificate.fault(certificate.read(shown.certificate), name, now())
            if not problem:
                asyncio.run(connector.shake(edge.distribution, _HTTPS, name, verify=True))
        except TroubleError as trouble:
            problem = str(trouble)
            if trouble.kind != "tls":
                yield Fault(what, f"not seen ({problem})", "clients have to accept it", leave_it)
                continue
        if problem:
            yield Fault(
                what,
                f"one that clients refuse ({problem})",
                "clients have to accept it before any answer leads there",
                f"Deploy one that covers it, and wait until CloudFront has it. {leave_it}",
            )
