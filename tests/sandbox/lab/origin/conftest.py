"""Load balancers of every kind, served by one process on loopback."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.lab.deployed import DeployedLoadBalancer
from sandbox.lab.origin import program
from sandbox.lab.trust import Trust
from support.lab_origin import free_port, own_loopback_address, running
from support.raw_http import Raw

LISTENERS = {
    "application": ("application", ("HTTPS", "HTTP")),
    "classic": ("classic", ("HTTPS", "HTTP")),
    "classic-tcp": ("classic", ("TCP", "TCP")),
    "classic-told": ("classic", ("TCP", "SSL")),
    "network": ("network", ("TCP", "TLS")),
}
"""Kind and protocols of each load balancer; `classic-told` reads PROXY protocol."""

OTHER_NAME = "*.other.example.org"
"""Name of the second certificate that each of them has."""


@dataclass(frozen=True)
class LoadBalancers:
    """Where they are."""

    addresses: dict[str, str]
    ports: dict[str, tuple[int, ...]]
    ca: Path

    def connect(
        self,
        load_balancer: str = "application",
        *,
        tls: bool = True,
        listener: int | None = None,
        name: str = "api.example.com",
        first: bytes = b"",
        alpn: tuple[str, ...] = (),
    ) -> Raw:
        """Connect to one of them, by its first listener with TLS and by its second without."""
        port = self.ports[load_balancer][(0 if tls else 1) if listener is None else listener]
        ca = self.ca if tls else None
        return Raw(self.addresses[load_balancer], port, ca, name=name, first=first, alpn=alpn)


@pytest.fixture(scope="session")
def load_balancers(tmp_path_factory: pytest.TempPathFactory) -> Generator[LoadBalancers]:
    folder = tmp_path_factory.mktemp("origin")
    trust = Trust(folder / "trust")
    addresses = {name: own_loopback_address() for name in LISTENERS}
    ports = {name: (free_port(addresses[name]), free_port(addresses[name])) for name in LISTENERS}
    deployed = [
        DeployedLoadBalancer(name, kind, tuple(zip(protocols, ports[name], strict=True)), ())
        for name, (kind, protocols) in LISTENERS.items()
    ]
    issued = (trust.issue(["api.example.com"]), trust.issue([OTHER_NAME]))
    made = program(
        "load-balancer",
        deployed,
        {name: (address,) for name, address in addresses.items()},
        dict.fromkeys(LISTENERS, issued),
        folder,
        proxy_protocol={"classic-told"},
    )
    with running(made, folder / "log"):
        yield LoadBalancers(addresses, ports, trust.ca)
    log = (folder / "log").read_text()
    assert "Traceback" not in log, log


@pytest.fixture(scope="session")
def connect(load_balancers: LoadBalancers) -> Callable[..., Raw]:
    """Return what connects to a load balancer."""
    return load_balancers.connect
