"""What load balancers of each kind do to what passes, and the configuration that says which serve.

`program` renders it; `python -m sandbox.lab.origin` serves it.
"""

import secrets
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, ip_address
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sandbox.lab.deployed import Deployed, DeployedLoadBalancer
from sandbox.lab.origin.exchange import OriginRequest
from sandbox.lab.own_program import own_program
from sandbox.lab.program import Program

ECHO_PATH: Final = "/echo"
"""Where the API echoes."""

IDLE_SECONDS: Final = {"classic": 60.0, "application": 60.0, "network": 350.0}
"""How long a connection may be idle, for each kind. Source: Elastic Load Balancing, 'Connection
idle timeout' of each kind, the defaults."""

LONGEST_PROXY_LINE: Final = 107
"""Source: HAProxy, 'The PROXY protocol', 2.1."""

LARGEST_TRACED_BYTES: Final = 7 * 1024
"""A request with larger headers gets a trace id of its own. Source: Elastic Load Balancing,
'Request tracing for your Application Load Balancer', limits."""

USUAL_LISTENERS: Final[Mapping[str, tuple[tuple[str, int], ...]]] = {
    "application": (("HTTPS", 443),),
    "network": (("TCP", 443),),
    "classic": (("TCP", 443),),
}
"""What a load balancer without a listener stands for: the sandbox's account has such ones, because
a listener for HTTPS needs a certificate, which a new account does not have."""

Mode = Literal["http", "bytes"]


@dataclass(frozen=True)
class Listening:
    """What a listener's protocol means."""

    mode: Mode
    """Whether the load balancer reads HTTP, or passes bytes on."""
    tls: bool
    """Whether it ends TLS; where it doesn't and passes bytes on, the API may."""


PROTOCOLS: Final = {
    "HTTP": Listening("http", tls=False),
    "HTTPS": Listening("http", tls=True),
    "TCP": Listening("bytes", tls=False),
    "SSL": Listening("bytes", tls=True),
    "TLS": Listening("bytes", tls=True),
}
"""What each protocol of a listener means; others (UDP) are not served."""


class ServedLoadBalancer(BaseModel):
    """A load balancer as it is served."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """Its DNS name."""
    kind: Literal["classic", "application", "network"]
    """Its kind."""
    addresses: tuple[IPv4Address, ...]
    """Where it listens."""
    listeners: tuple[tuple[Literal["HTTP", "HTTPS", "TCP", "SSL", "TLS"], int], ...]
    """Protocol and port of each listener."""
    certificates: tuple[tuple[Path, Path], ...] = ()
    """Chain and key (PEM) of each certificate; the first is for clients that ask for none."""
    proxy_protocol: bool = False
    """Whether the API reads PROXY protocol behind listeners that pass bytes on."""
    idle_timeout_seconds: Annotated[float, Field(gt=0)] = 60.0
    """How long a connection may be idle."""


class LoadBalancersConfig(BaseModel):
    """Configuration of the load balancers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    load_balancers: tuple[ServedLoadBalancer, ...]
    """Load balancers to serve."""
    echo: Annotated[str, Field(pattern=r"^/[A-Za-z0-9._~/-]*[A-Za-z0-9._~-]$")] = ECHO_PATH
    """Path of the echo."""
    allow: tuple[IPv4Network, ...] | None = None
    """Networks whose clients the API serves, see `EchoApi`; None: everybody."""

    @model_validator(mode="after")
    def _one_listener_each(self) -> "LoadBalancersConfig":
        places = Counter(
            (str(address), port)
            for each in self.load_balancers
            for address in set(each.addresses)
            for port in {port for _, port in each.listeners}
        )
        if twice := [f"{a}:{p}" for (a, p), number in places.items() if number > 1]:
            raise ValueError(f"{', '.join(twice)} belong to two load balancers")
        return self


def program(
    host: str,
    load_balancers: Sequence[DeployedLoadBalancer],
    addresses: Mapping[str, tuple[str, ...]],
    certificates: Mapping[str, tuple[tuple[Path, Path], ...]],
    folder: Path,
    *,
    echo: str = ECHO_PATH,
    proxy_protocol: Collection[str] = (),
    allow: Sequence[str] | None = None,
) -> Program:
    """Return the program that serves load balancers and the API behind them.

    Changed addresses and certificates are taken on SIGHUP; connections go on, and so does listening
    where it still is to be listened.

    Args:
        host: Host to run on.
        load_balancers: All of them.
        addresses: IPv4 addresses of each, by DNS name; one that has none is not served.
        certificates: Chain and key (PEM) of each one's certificates, by DNS name; those that pass
            TLS on need the API's own here.
        folder: Folder for its files.
        echo: Path of the echo.
        proxy_protocol: DNS names of those whose API reads PROXY protocol.
        allow: IPv4 networks whose clients the API serves, others get 403; None: everybody.
    """
    config = LoadBalancersConfig(
        load_balancers=tuple(
            ServedLoadBalancer(
                name=each.dns_name,
                kind=each.kind,  # pyright: ignore[reportArgumentType] - checked by the model
                addresses=tuple(IPv4Address(one) for one in addresses[each.dns_name]),
                listeners=tuple(one for one in each.listeners if one[0] in PROTOCOLS),  # pyright: ignore[reportArgumentType] - as above
                certificates=certificates.get(each.dns_name, ()),
                proxy_protocol=each.dns_name in proxy_protocol,
                idle_timeout_seconds=IDLE_SECONDS[each.kind],
            )
            for each in load_balancers
            if addresses.get(each.dns_name)
        ),
        echo=echo,
        allow=None if allow is None else tuple(IPv4Network(each) for each in allow),
    )
    return own_program("origin", host, "sandbox.lab.origin", folder / "origin.json", config)


def unsupported(deployed: Deployed) -> list[str]:
    """Return what load balancers ask for that the lab's do not do, one sentence each."""
    return [
        f"Load balancer {balancer.dns_name}: {lack}."
        for balancer in deployed.load_balancers
        for lack in _not_done(balancer, deployed)
    ]


def _not_done(balancer: DeployedLoadBalancer, deployed: Deployed) -> Iterator[str]:
    for arn in balancer.certificates:
        if arn not in deployed.certificates:
            yield (
                f"the certificate {arn} is not one that ACM has issued, and what it covers cannot "
                "be read; it is not shown"
            )
    if balancer.scheme != "internet-facing":
        yield f"its scheme is {balancer.scheme}; in the lab everybody reaches it"
    if balancer.address_type != "ipv4":
        yield f"its address type is {balancer.address_type}; in the lab it has IPv4 alone"
    for _, port in balancer.listeners or USUAL_LISTENERS[balancer.kind]:
        opened = balancer.open_ports
        if opened is not None and not any(first <= port <= last for first, last in opened):
            yield (
                f"its security groups do not let everybody in on port {port}; the lab has no "
                "security groups, and does"
            )


def trace_header(value: bytes | None, head_bytes: int, now: float, unique: str) -> bytes:
    """Return X-Amzn-Trace-Id as an application load balancer hands it on.

    Args:
        value: As it came; None: it did not.
        head_bytes: How large the request's headers are.
        now: Seconds since 1970.
        unique: 24 hexadecimal digits that are used once.

    Source: Elastic Load Balancing, 'Request tracing for your Application Load Balancer'.
    """
    own = f"1-{int(now):08x}-{unique}".encode()
    if value is None or head_bytes > LARGEST_TRACED_BYTES:
        return b"Root=" + own
    fields = [field.strip() for field in value.split(b";") if field.strip()]
    kept = [field for field in fields if not field.startswith(b"Self=")]
    if not any(field.startswith(b"Root=") for field in kept):
        return b";".join([b"Root=" + own, *kept])
    return b";".join([b"Self=" + own, *kept])


def forwarded(request: OriginRequest, kind: str, port: int) -> list[tuple[bytes, bytes]]:
    """Return the headers of a request as a load balancer that reads HTTP hands them on.

    What it adds or changes comes first, in the names' usual case (HTTP/2: in lower case); the rest
    stays as it is. `Expect` is the load balancer's own matter. AWS does not say in what order.

    Source: Elastic Load Balancing, 'How Elastic Load Balancing works', HTTP headers; 'HTTP headers
    and Application Load Balancers'.
    """
    client = request.client[0].encode()
    earlier = request.header(b"x-forwarded-for")
    added = {
        b"X-Forwarded-For": earlier + b", " + client if earlier else client,
        b"X-Forwarded-Proto": request.scheme.encode(),
        b"X-Forwarded-Port": b"%d" % port,
    }
    if kind == "application":
        size = sum(len(name) + len(value) + 4 for name, value in request.headers)
        trace = request.header(b"x-amzn-trace-id")
        added[b"X-Amzn-Trace-Id"] = trace_header(trace, size, time.time(), secrets.token_hex(12))
    gone = {name.lower() for name in added} | {b"expect"}
    rest = [each for each in request.headers if each[0].lower() not in gone]
    if request.protocol == "HTTP/2":
        return [(name.lower(), value) for name, value in added.items()] + rest
    return [*added.items(), *rest]


def proxy_line(begin: bytes) -> tuple[int, tuple[str, int] | None] | None:
    """Read a header of PROXY protocol version 1.

    Args:
        begin: What a connection begins with.

    Returns:
        Its length, and the address and port in it (None: `UNKNOWN`); None: there is none.

    Raises:
        ValueError: There is one that is broken.

    Source: HAProxy, 'The PROXY protocol', 2.1.
    """
    if not begin.startswith(b"PROXY "):
        return None
    line, end, _ = begin[:LONGEST_PROXY_LINE].partition(b"\r\n")
    words = line.decode("ascii", "replace").split(" ")
    if end and words[1] == "UNKNOWN":
        return len(line) + 2, None
    if not end or len(words) != 6 or words[1] not in ("TCP4", "TCP6"):  # noqa: PLR2004 - PROXY, family, two addresses, two ports
        raise ValueError(f"The PROXY protocol header is {line!r}.")
    return len(line) + 2, (str(ip_address(words[2])), int(words[4]))
