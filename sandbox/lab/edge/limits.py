"""What a distribution asks for that the edge of the lab cannot stand in for."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, cast

from sandbox.lab.deployed import Deployed, DeployedDistribution, Fields
from sandbox.lab.edge.sites import behaviors, items, part

Lack = tuple[str, Mapping[str, list[str] | None]]
"""What the edge does instead, and which members ask for it: by any value, or by one of these."""

LACKS: Final[Mapping[str, Mapping[str, Lack]]] = json.loads(
    Path(__file__).with_suffix(".json").read_text()
)
"""By what has the members, and the name of what is lacking."""


def unsupported(deployed: Deployed) -> list[str]:
    """Return what distributions ask for that the edge does not do, one sentence each.

    An empty list does not say that the edge is CloudFront: `sandbox.lab.edge` says how it differs
    where it stands in.
    """
    return [
        f"Distribution {distribution.id}: {lack}."
        for distribution in deployed.distributions
        if distribution.config.get("Enabled")
        for lack in _lacks(distribution, deployed)
    ] + list(_between(deployed))


def _lacks(distribution: DeployedDistribution, deployed: Deployed) -> Iterator[str]:
    config = distribution.config
    yield from _missing("distribution", config)
    for origin in items(config, "Origins"):
        yield from (f"origin {origin.get('Id')}: {lack}" for lack in _missing("origin", origin))
    for behavior in behaviors(config):
        where = f"behavior {behavior.get('PathPattern') or 'default'}"
        for lack in (*_missing("behavior", behavior), *_unread(behavior, deployed)):
            yield f"{where}: {lack}"


def _missing(owner: str, of: Fields) -> Iterator[str]:
    for what, (instead, members) in LACKS[owner].items():
        if any(_asks(of, path.split("."), values) for path, values in members.items()):
            yield f"the lab has no {what.removeprefix('a ').removeprefix('an ')}; {instead}"


def _asks(of: Fields, path: list[str], values: list[str] | None) -> bool:
    if path[-1] == "SSLSupportMethod" and not _has_own_certificate(of):
        return False
    *outer, name = path
    for member in outer:
        of = part(of, member)
    value: object = of.get(name)
    if values is None:
        return bool(value)
    return not {*(cast("list[str]", value) if isinstance(value, list) else [value])}.isdisjoint(
        values
    )


def _unread(behavior: Fields, deployed: Deployed) -> Iterator[str]:
    for member, policies in (
        ("CachePolicyId", deployed.cache_policies),
        ("OriginRequestPolicyId", deployed.origin_request_policies),
    ):
        name = behavior.get(member)
        if name and name not in policies:
            yield (
                f"the policy {name} ({member}) could not be read; it is taken to keep nothing and "
                "to forward nothing"
            )


def _has_own_certificate(config: Fields) -> bool:
    certificate = part(config, "ViewerCertificate")
    return bool(certificate.get("ACMCertificateArn") or certificate.get("IAMCertificateId"))


def _between(deployed: Deployed) -> Iterator[str]:
    """Yield what several distributions ask for that one nginx cannot give them together."""
    served = [
        distribution
        for distribution in deployed.distributions
        if distribution.config.get("Enabled") and not distribution.config.get("Staging")
    ]
    versions = Counter(
        str(one.config.get("HttpVersion") or "http2") in ("http2", "http2and3") for one in served
    )
    if len(versions) > 1:
        yield (
            "Some distributions offer HTTP/2 and some do not; an edge node of the lab offers it "
            "for all of them or none, and offers it."
        )
