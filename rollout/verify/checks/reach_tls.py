"""Whether cdn takes the clients that direct takes: versions of TLS, and certificates."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from rollout.probe import certificate as certificates
from rollout.probe.model import Path, Result, TroubleError, Verdict, Way
from rollout.probe.sockets import VERSIONS, Connector, Sockets, TlsVersion, lacks
from rollout.verify.address_groups import AddressGroup, by_path, no_route
from rollout.verify.check import Check, CheckContext


def tls_checks(
    connector: Connector, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> tuple[Check, ...]:
    """Return the checks.

    Args:
        connector: Opens connections.
        now: Returns the time, in UTC.
    """

    async def tls_versions(context: CheckContext) -> AsyncIterator[Result]:
        """Yield whether cdn takes every version of TLS that direct takes."""
        groups = by_path(context)
        for group, ways in groups.items():
            cdn = groups.get(replace(group, path="cdn"))
            if group.path == "direct" and cdn:
                yield await _versions(connector, group, ways[0], cdn[0])

    async def valid(context: CheckContext) -> AsyncIterator[Result]:
        """Yield whether the certificates are the hostname's, valid, and trusted."""
        groups = by_path(context)
        certificates_by_path: dict[tuple[str, Path], bytes] = {}
        for group in sorted(groups, key=lambda group: (group.hostname, group.path == "cdn")):
            trust = _Trust(connector, context.options.ca, now())
            yield await _certificates(trust, group, groups[group], certificates_by_path)

    return Check("reach-tls-versions", tls_versions), Check("reach-certificates", valid)


async def _accepts(connector: Connector, way: Way) -> dict[TlsVersion, bool | None]:
    """Return which versions a side takes; None: cannot tell."""
    answers = await asyncio.gather(*(_takes(connector, way, version) for version in VERSIONS))
    taken = dict(zip(VERSIONS, answers, strict=True))
    # A side that takes no version at all does not serve: it refused none in particular.
    return taken if any(taken.values()) else dict.fromkeys(taken)


async def _takes(connector: Connector, way: Way, version: TlsVersion) -> bool | None:
    try:
        await connector.shake(way.address, way.port, way.hostname, version)
    except TroubleError as trouble:
        # A server without that version sends an alert, or closes the connection.
        return False if trouble.kind in ("tls", "reset") else None
    return True


async def _versions(connector: Connector, group: AddressGroup, direct: Way, cdn: Way) -> Result:
    check = "tls-versions"
    for way in (direct, cdn):
        if lacks(connector, way.address):
            return replace(group.result(check, "unknown", no_route(group.family)), path=None)
    on_direct, on_cdn = await asyncio.gather(*(_accepts(connector, way) for way in (direct, cdn)))
    return replace(compare_versions(group.hostname, on_direct, on_cdn), family=group.family)


def compare_versions(
    hostname: str,
    direct: Mapping[TlsVersion, bool | None],
    cdn: Mapping[TlsVersion, bool | None],
) -> Result:
    """Say whether cdn takes the versions that direct takes.

    Args:
        hostname: The name.
        direct: Which versions direct takes; None: cannot tell.
        cdn: Which versions cdn takes; None: cannot tell.
    """
    lost: list[TlsVersion] = [
        version for version in VERSIONS if direct[version] and cdn[version] is False
    ]
    open_ = [
        version
        for version in VERSIONS
        if (direct[version] is None and not cdn[version])
        or (direct[version] and cdn[version] is None)
    ]
    evidence = f"direct takes {_listed(direct)}; cdn takes {_listed(cdn)}"
    if lost:
        return Result(
            "tls-versions",
            "fail",
            f"{evidence}; {_refused(lost, cdn)}",
            hostname,
            remedy="Set distribution.tlsPolicy to one that takes what the load balancer takes.",
        )
    if open_:
        unknown = f"{evidence}; {', '.join(open_)} could not be tried"
        return Result("tls-versions", "unknown", unknown, hostname)
    return Result("tls-versions", "pass", evidence, hostname)


def _refused(lost: Sequence[TlsVersion], cdn: Mapping[TlsVersion, bool | None]) -> str:
    """Return which clients cdn refuses, and what the others get."""
    taken = [version for version in VERSIONS if cdn[version]]
    if not taken:
        return "cdn refuses every client"
    older = [version for version in lost if version < taken[0]]
    newer = [version for version in lost if version > taken[0]]
    texts: list[str] = []
    if older:
        texts.append(f"clients that speak nothing newer than {older[-1]} are refused by cdn")
    if newer:
        texts.append(
            f"clients that speak {' and '.join(newer)} only are refused by cdn, and others that do "
            f"get {max(taken)}"
        )
    return "; ".join(texts)


def _listed(taken: Mapping[TlsVersion, bool | None]) -> str:
    return ", ".join(version for version, takes in taken.items() if takes) or "none"


@dataclass(frozen=True)
class _Trust:
    """Whom to trust, and when."""

    connector: Connector
    ca: str | None
    now: datetime


async def _certificates(
    trust: _Trust,
    group: AddressGroup,
    ways: Sequence[Way],
    certificates_by_path: dict[tuple[str, Path], bytes],
) -> Result:
    check = "tls-certificate"
    now = trust.now
    if lacks(trust.connector, ways[0].address):
        return group.result(check, "unknown", no_route(group.family))
    shown = await asyncio.gather(*(_certificate(trust, way) for way in ways))
    both = tuple(zip(ways, shown, strict=True))
    faults = [f"{way.address}: {fault}" for way, (fault, _, _) in both if fault]
    wrong = [f"{way.address}: {fault}" for way, (fault, sure, _) in both if sure == "fail"]
    if wrong:
        return replace(
            group.result(check, "fail", "; ".join(wrong)),
            remedy="Renew or replace the certificate there: clients refuse it.",
        )
    if faults:
        return group.result(check, "unknown", "; ".join(faults))
    der = shown[0][2]
    own = certificates.read(der)
    accepted: list[str] = []
    evidence = f"for {', '.join(own.names)}, {certificates.left(own, now)} left, by {own.issuer}"
    soonest = min((certificates.read(each) for _, _, each in shown), key=lambda one: one.ends)
    if soonest.ends - now < certificates.SOON:
        accepted.append("certificate-expires-soon")
        evidence += f"; one expires in {certificates.left(soonest, now)} and was not renewed"
    other = certificates_by_path.get((group.hostname, "direct")) if group.path == "cdn" else None
    if other is not None and other != der:
        accepted.append("certificate-differs")
        evidence += "; another one than on direct, so clients that pin one must know both"
    certificates_by_path.setdefault((group.hostname, group.path), der)
    return group.result(check, "pass", evidence, tuple(accepted))


async def _certificate(trust: _Trust, way: Way) -> tuple[str, Verdict, bytes]:
    """Return what is wrong with an address's certificate, how sure that is, and the certificate."""
    try:
        der = (await trust.connector.shake(way.address, way.port, way.hostname)).certificate
        fault = certificates.fault(certificates.read(der), way.hostname, trust.now)
    except (TroubleError, ValueError) as trouble:
        return f"no certificate: {trouble}", "unknown", b""
    if fault:
        return fault, "fail", der
    try:
        await trust.connector.shake(way.address, way.port, way.hostname, verify=True, ca=trust.ca)
    except TroubleError as trouble:
        if trouble.kind != "certificate":
            return str(trouble), "unknown", der
        return f"the certificate is not trusted: {trouble}", "fail", der
    return "", "pass", der


CHECKS: Final[tuple[Check, ...]] = tls_checks(Sockets())
