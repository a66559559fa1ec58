"""Which programs run on the hosts of a lab."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from sandbox.lab import dns, droplet, edge, origin, storage
from sandbox.lab.deployed import Deployed
from sandbox.lab.dns import NAME_SERVERS
from sandbox.lab.dns.resolvers import NAT64_PREFIX
from sandbox.lab.lab_settings import LabSettings
from sandbox.lab.origin.load_balancer import USUAL_LISTENERS
from sandbox.lab.plan.addresses import (
    CLOUD_RESOLVER_ADDRESSES,
    NAT64_ADDRESSES,
    RESOLVER_ADDRESSES,
    leads,
    load_balancer_addresses,
)
from sandbox.lab.plan.hosts import (
    CHECKERS,
    CLOUD_RESOLVER,
    LOAD_BALANCER,
    NAMES,
    NAT64,
    RESOLVER,
    STORAGE,
)
from sandbox.lab.plan.names_covered import CLOUDFRONT_NAMES, names_served
from sandbox.lab.plan.propagation import with_edge_part
from sandbox.lab.program import Program


@dataclass(frozen=True)
class PlanInputs:
    """What a plan depends on besides what is deployed and set."""

    folder: Path
    """The lab's folder; programs have theirs below it."""
    ca: Path
    """The certificate (PEM) that clients and edge nodes trust."""
    certificates: Mapping[frozenset[str], tuple[Path, Path]]
    """Chain and key (PEM) by the names they cover, for all of `certificates_needed`."""
    expired: Mapping[frozenset[str], tuple[Path, Path]]
    """The same, of certificates that ran out."""
    edge_views: Sequence[Deployed]
    """What each edge node takes for deployed, the first node's first."""
    health: Mapping[str, bool] = field(default_factory=dict[str, bool])
    """Health of the checks by id; one that is missing is healthy."""
    droplets: Mapping[int, str] = field(default_factory=dict[int, str])
    """Host names of droplets by id, as `droplet_hosts` gave them."""


def programs(deployed: Deployed, settings: LabSettings, inputs: PlanInputs) -> Iterator[Program]:
    """Yield what runs on the hosts."""
    yield dns.name_servers(
        deployed, leads(deployed, settings), inputs.health, _folder(inputs, NAMES), host=NAMES
    )
    for name, addresses, least_ttl_seconds in (
        (RESOLVER, RESOLVER_ADDRESSES, settings.least_ttl_seconds),
        (CLOUD_RESOLVER, CLOUD_RESOLVER_ADDRESSES, 0),
    ):
        yield dns.resolver(
            name,
            addresses,
            NAME_SERVERS,
            _folder(inputs, name),
            least_ttl_seconds=least_ttl_seconds,
        )
    yield dns.resolver(
        NAT64,
        NAT64_ADDRESSES,
        NAME_SERVERS,
        _folder(inputs, NAT64),
        least_ttl_seconds=settings.least_ttl_seconds,
        dns64_prefix=NAT64_PREFIX,
    )
    yield dns.nat64(NAT64, _folder(inputs, NAT64))
    yield dns.health_checkers(
        deployed,
        CLOUD_RESOLVER_ADDRESSES[0],
        _folder(inputs, CHECKERS),
        host=CHECKERS,
        speed=settings.check_speed,
    )
    if deployed.buckets:
        folder = _folder(inputs, STORAGE)
        yield storage.program(STORAGE, deployed.buckets, inputs.certificates, folder)
    yield _origin(deployed, settings, inputs)
    certificates = {
        arn: inputs.certificates[frozenset(names)]
        for view in (*inputs.edge_views, deployed)
        for arn, names in view.certificates.items()
    }
    certificates[edge.DEFAULT_CERTIFICATE] = inputs.certificates[CLOUDFRONT_NAMES]
    for number, view in enumerate(inputs.edge_views, 1):
        name = f"edge-{number}"
        yield edge.program(
            name,
            with_edge_part(deployed, view),
            certificates,
            inputs.ca,
            CLOUD_RESOLVER_ADDRESSES[0],
            _folder(inputs, name),
        )
    for each in deployed.droplets:
        name = inputs.droplets[each.id]
        yield from droplet.programs(each, name, CLOUD_RESOLVER_ADDRESSES[0], _folder(inputs, name))


def _folder(inputs: PlanInputs, host: str) -> Path:
    return inputs.folder / host


def _origin(deployed: Deployed, settings: LabSettings, inputs: PlanInputs) -> Program:
    return origin.program(
        LOAD_BALANCER,
        [
            replace(each, listeners=each.listeners or USUAL_LISTENERS[each.kind])
            for each in deployed.load_balancers
        ],
        load_balancer_addresses(deployed, settings),
        {
            each.dns_name: tuple(
                (
                    inputs.expired
                    if each.dns_name in settings.expired_certificates
                    else inputs.certificates
                )[names]
                for names in names_served(each, deployed)
            )
            for each in deployed.load_balancers
        },
        _folder(inputs, LOAD_BALANCER),
        proxy_protocol=settings.proxy_protocol,
        allow=settings.allow,
    )
