"""nginx's configuration for one proxy: IPv6 in, the IPv4-only load balancer out, bytes untouched.

Written for the nginx of Debian 12 (1.22) and 13 (1.26) with the package `libnginx-mod-stream`.

**Why not `upstream { server NAME; }`.** nginx resolves the names in an `upstream` block once, when
it starts. A load balancer's addresses come and go with its load, so such a proxy works on the day
it is made and dies weeks later. The parameter `resolve` that would mend it is in the open source
nginx only since 1.27.3. `proxy_pass` with a variable asks the resolver at run time in every
version; the port has to be inside the variable. (Source: nginx, 'ngx_stream_upstream_module',
`resolve`; 'ngx_stream_proxy_module', `proxy_pass`.)

**Why the variable is a constant.** The variable could hold what the client sent: with
`ssl_preread`, `proxy_pass $ssl_preread_server_name:443` is a popular recipe. It also connects
anybody to any host that they name, from our addresses: an open proxy. Here the one variable in a
`proxy_pass` is set to text from the settings. What a client sends is never looked at: TLS passes
through sealed, and there is no version, no header and no error page that could tell of nginx.

**Why a resolver on the droplet itself.** nginx sends its questions from one source port for as
long as a worker lives, so only 16 bits of an answer have to be guessed to send every client
elsewhere; the nginx documentation wants the resolver in a 'properly secured trusted local network'.
Over loopback nobody can guess. (Source: nginx, 'ngx_stream_core_module', `resolver`.)

**Why a client is a /64.** A customer, a phone or a virtual machine has at least a /64 and can come
from 2^64 addresses of it, so a limit for each address would limit nobody. The limit keeps one
client that went wild, or one attacker, from taking every connection. It does not stop somebody who
has a /48. In the other direction one /64 may be many people: the exit of a VPN, or an office. So
the default is high. (Source: RFC 6177; RFC 4291 section 2.5.4.) nginx 1.22 and 1.26 have no
variable for a prefix. `map` makes one of the address's first eight bytes.

**What happens when a proxy is full.** The connection is accepted, closed at once and logged with
`limit=REJECTED`; those that are open stay. A client that tries IPv4 only when IPv6 does not connect
does not try it then. So a port of its own tells before that: it answers HTTP while there is room,
and shares its count of connections with the served ports, which has to be in the same nginx.

What passes is logged to the journal through its socket, not to files: the journal bounds and
rotates itself, and nginx then writes to no file at all but its PID.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Final, Literal

from components.errors import FaultsError
from components.faults import Fault

LoadBalancerKind = Literal["classic", "application", "network"]
"""The kinds of load balancer that AWS has for TCP and HTTP."""

LOG_SOCKET: Final = "/dev/log"
"""Where the journal listens for syslog messages.

Source: systemd-journald.service(8), 'Stream logging'."""

CONNECT_TIMEOUT_SECONDS: Final = 5
"""How long one address of the load balancer may take to answer; nginx would wait a minute."""

CONNECT_ALL_TIMEOUT_SECONDS: Final = 15
"""How long all addresses together may take, one after the other, before the client is let go."""

RESOLVER_VALID_SECONDS: Final = 5
"""How long nginx keeps an answer. The resolver beside it keeps it for as long as its TTL says, so
asking often costs nothing and a changed address is followed almost as fast as DNS allows."""

DRAIN_SECONDS: Final = 30
"""How long connections may go on after a reload, stop or restart of nginx began."""

_LARGEST_PORT: Final = 65535
_SSH_PORT: Final = 22

_DNS_PORT: Final = 53

MOST_CONNECTIONS: Final = 28_000
"""One address of the load balancer can be reached from no more local ports than the droplet sets
aside, 55,296 (see `files/etc/sysctl.d/60-proxy.conf`). Half of them are for connections that ended
and still wait. Source: Linux, 'IP Sysctl', `ip_local_port_range`."""

CONNECTION_KIBIBYTES: Final = 48
"""Memory that a connection takes on the droplet: nginx's two buffers of 16 KiB and 4 for itself, as
measured, and the kernel's for two sockets.

Source: nginx, 'ngx_stream_proxy_module', `proxy_buffer_size`."""

_CLIENTS_ZONE_MEGABYTES: Final = 4
"""Memory for the counts of clients. A megabyte has 16,000 of 64 bytes, so there is room for more
clients than a proxy has connections. Source: nginx, 'ngx_stream_limit_conn_module'."""

_CAPACITY_TIMEOUT_SECONDS: Final = 5
"""How long the port that tells of room waits for a question. Route 53 sends its own within two.
Source: Route 53 Developer Guide, 'How Amazon Route 53 determines whether a health check is
healthy'."""

_SPARE_CONNECTIONS: Final = 64
"""Slots of a worker that no client uses: its resolver, its channel to the master, health checks."""

_SPARE_FILES: Final = 1024
"""Files of a worker that are no connection: above all the listening sockets of all workers, which
each of them inherits."""

CAPACITY_PORT: Final = 8101
"""Where a proxy says whether it has room."""

_LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_LONGEST_NAME: Final = 253


class ProxyError(FaultsError):
    """A proxy cannot be built from these settings; the message lists every fault."""


@dataclass(frozen=True)
class Resolver:
    """A DNS server that nginx asks for the load balancer's addresses."""

    address: IPv4Address | IPv6Address
    """Its address, without a scope (`%eth0`)."""
    port: int = 53
    """Its UDP and TCP port."""

    def __str__(self) -> str:
        """Return address and port as nginx writes them."""
        host = f"[{self.address}]" if self.address.version == 6 else str(self.address)  # noqa: PLR2004 - IP version 6
        return f"{host}:{self.port}"


LOCAL_RESOLVER: Final = Resolver(IPv4Address("127.0.0.1"))
"""The resolver that the droplet's user data installs beside nginx."""


@dataclass(frozen=True)
class Proxy:
    """What one proxy does. A value of this type can always be rendered.

    Raises:
        ProxyError: A field's value cannot be used; every fault of every field is listed.
    """

    load_balancer: str
    """DNS name of the load balancer; it is followed wherever it points to. Lower case."""
    kind: LoadBalancerKind | None
    """Kind of that load balancer, None where it is not known."""
    ports: tuple[int, ...] = (443,)
    """TCP ports to serve; a connection goes to the same port of the load balancer."""
    proxy_protocol: bool = False
    """Whether the load balancer gets each client's address, by PROXY protocol version 1. It has
    to be switched on at both ends at once: a load balancer that does not expect the header takes it
    for the client's first bytes, and one that does waits for it."""
    connections: int = 5_000
    """How many connections of clients it holds at once. Each takes `CONNECTION_KIBIBYTES`, so the
    default takes 234 MiB."""
    connections_per_client: int | None = None
    """How many of them one client may have, which is a /64. Default: a fifth."""
    warn_percent: int = 80
    """Share of `connections` from which on `capacity_port` no longer answers."""
    idle_timeout_seconds: int = 600
    """How long a connection may carry nothing before it is closed."""
    load_balancer_idle_timeout_seconds: int = 350
    """How long the load balancer itself lets a connection idle. Default is the longest that any
    kind has by default: 60 for classic and application, 350 for network.
    Source: Elastic Load Balancing, 'Connection idle timeout' of each kind."""
    resolver: Resolver = LOCAL_RESOLVER
    """DNS server to ask."""
    health_port: int = 8100
    """TCP port on 127.0.0.1 that answers `ok` to every connection: nginx is up and accepts."""
    capacity_port: int = CAPACITY_PORT
    """TCP port that answers HTTP requests with 200 while there is room, and else closes. It asks
    nothing of the load balancer, so it says nothing about it."""
    log_retention_days: int = 7
    """How long the journal keeps a day of connections, with the addresses of clients."""
    log_megabytes: int = 500
    """How much the journal may take of the disk. What is oldest goes first."""

    def __post_init__(self) -> None:
        """Refuse what cannot be rendered, or would not work as promised."""
        if faults := list(self._faults()):
            raise ProxyError("The proxy cannot be built", faults)

    def _faults(self) -> Iterator[Fault]:
        if not _is_dns_name(self.load_balancer):
            yield Fault(
                "The load balancer's name",
                f'"{self.load_balancer}"',
                "a DNS name in lower case; a load balancer's addresses change, its name does not",
                "Take the DNS name that AWS shows for it.",
            )
        if self.proxy_protocol and self.kind not in ("classic", "network"):
            application = self.kind == "application"
            yield Fault(
                "proxy.proxyProtocol",
                f"on for {'an application load balancer' if application else 'an unknown kind'}",
                "off, or for a classic or network load balancer: an application load balancer "
                "cannot read the header and takes it for a broken request",
                "Turn it off, or set origin.loadBalancer and origin.kind to one that can.",
            )
        yield from self._port_faults()
        if isinstance(self.resolver.address, IPv6Address) and self.resolver.address.scope_id:
            yield Fault(
                "proxy.resolver",
                str(self.resolver),
                "an address without a scope, because nginx takes none",
                "Use a global, private or loopback address.",
            )
        yield from self._limit_faults()
        if self.idle_timeout_seconds <= self.load_balancer_idle_timeout_seconds:
            yield Fault(
                "proxy.idleTimeoutSeconds",
                str(self.idle_timeout_seconds),
                f"more than the load balancer's own {self.load_balancer_idle_timeout_seconds}: the "
                "proxy would cut connections that are kept today",
                "Set a longer one.",
            )

    def _limit_faults(self) -> Iterator[Fault]:
        if not 1 <= self.connections <= MOST_CONNECTIONS:
            yield Fault(
                "proxy.connections",
                str(self.connections),
                f"an integer from 1 to {MOST_CONNECTIONS}, because Linux has no more local ports "
                "to reach one address from",
                "Use more proxies for more connections.",
            )
        elif not 1 <= most_per_client(self) <= self.connections:
            yield Fault(
                "proxy.connectionsPerClient",
                str(most_per_client(self)),
                f"an integer from 1 to proxy.connections, which is {self.connections}",
                "Set another number.",
            )
        for what, number, highest in (
            ("proxy.warnPercent", self.warn_percent, 99),
            ("proxy.logRetentionDays", self.log_retention_days, 365),
            ("proxy.logMegabytes", self.log_megabytes, 100_000),
        ):
            if not 1 <= number <= highest:
                allowed = f"an integer from 1 to {highest}"
                yield Fault(what, str(number), allowed, "Set another number.")

    def _port_faults(self) -> Iterator[Fault]:
        if not self.ports or len(set(self.ports)) < len(self.ports):
            yield Fault(
                "proxy.ports",
                str(list(self.ports)),
                "a list of one or more different ports",
                "Name each port once.",
            )
        numbers = {f"proxy.ports[{index}]": port for index, port in enumerate(self.ports)}
        numbers |= {"proxy.resolver's port": self.resolver.port}
        numbers |= {"proxy.healthPort": self.health_port}
        numbers |= {"proxy.capacityPort": self.capacity_port}
        for what, port in numbers.items():
            if not 1 <= port <= _LARGEST_PORT:
                allowed = f"an integer from 1 to {_LARGEST_PORT}"
                yield Fault(what, str(port), allowed, "Set another port.")
        own = {_SSH_PORT: "the droplet's own SSH server listens on"}
        if self.resolver == LOCAL_RESOLVER:
            own[_DNS_PORT] = "the droplet's own resolver listens on"
        for port, listener in own.items():
            if port in (*self.ports, self.health_port, self.capacity_port):
                yield Fault(
                    "A port of the proxy",
                    str(port),
                    f"any but the one that {listener}",
                    "Set another port.",
                )
        if len({*self.ports, self.health_port, self.capacity_port}) < len(set(self.ports)) + 2:
            yield Fault(
                "A port of the proxy",
                f"used twice: proxy.ports {list(self.ports)}, proxy.healthPort {self.health_port} "
                f"and proxy.capacityPort {self.capacity_port}",
                "a port of its own for each",
                "Set another port.",
            )


def _is_dns_name(text: str) -> bool:
    """Say whether a text is a name of at least two labels, and not an address."""
    labels = text.split(".")
    return (
        len(text) <= _LONGEST_NAME
        and len(labels) > 1
        and all(_LABEL.fullmatch(label) for label in labels)
        and not labels[-1].isdigit()
    )


def file_limit(proxy: Proxy) -> int:
    """Return how many files one nginx worker may open."""
    return _worker_connections(proxy) + _SPARE_FILES


def _worker_connections(proxy: Proxy) -> int:
    """Return how many connections one worker has to be able to hold.

    A client takes two: its own and the one to the load balancer. The kernel deals clients out to
    the workers by a hash, not evenly, so each worker is given room for all of them.
    """
    return 2 * proxy.connections + _SPARE_CONNECTIONS + len(proxy.ports)


def most_per_client(proxy: Proxy) -> int:
    """Return how many connections one client may have at once."""
    if proxy.connections_per_client is None:
        return max(1, proxy.connections // 5)
    return proxy.connections_per_client


def _warn_connections(proxy: Proxy) -> int:
    """Return from how many connections on a proxy is nearly full."""
    return max(1, proxy.connections * proxy.warn_percent // 100)


def nginx_conf(proxy: Proxy) -> str:
    """Return the whole of `/etc/nginx/nginx.conf`.

    It names no PID file: the one that Debian's nginx is built with is the one that its systemd unit
    and its upgrade scripts read.
    """
    servers = "\n".join(_server(proxy, port) for port in proxy.ports)
    return f"""\
# Made from the settings of the stack; a change by hand is lost with the droplet.

load_module modules/ngx_stream_module.so;

user www-data;
worker_processes auto;
worker_rlimit_nofile {file_limit(proxy)};
worker_shutdown_timeout {DRAIN_SECONDS}s;
error_log stderr notice;

events {{
    # {proxy.connections} clients, each connected in and out; at worst all of them on one worker.
    worker_connections {_worker_connections(proxy)};
}}

stream {{
    log_format connection 'client=$remote_addr client_port=$remote_port port=$server_port '
                          'status=$status received=$bytes_received sent=$bytes_sent '
                          'seconds=$session_time upstream=$upstream_addr '
                          'connect_seconds=$upstream_connect_time limit=$limit_conn_status';
    access_log syslog:server=unix:{LOG_SOCKET},nohostname,tag=nginx_access connection;

    # One client is a /64: the first 8 of the 16 bytes of its address, whatever they are.
    map $binary_remote_addr $client {{
        "~(?s)^(?<network>.{{8}})" $network;
    }}
    limit_conn_zone $client zone=clients:{_CLIENTS_ZONE_MEGABYTES}m;
    limit_conn_zone proxy zone=all:32k;
    # The access log has the same, on one line.
    limit_conn_log_level info;

    # The load balancer has no IPv6, and its addresses change.
    resolver {proxy.resolver} valid={RESOLVER_VALID_SECONDS}s ipv6=off;
    resolver_timeout {CONNECT_TIMEOUT_SECONDS}s;

    proxy_connect_timeout {CONNECT_TIMEOUT_SECONDS}s;
    proxy_next_upstream_timeout {CONNECT_ALL_TIMEOUT_SECONDS}s;
    proxy_timeout {proxy.idle_timeout_seconds}s;
    proxy_socket_keepalive on;
    proxy_protocol {"on" if proxy.proxy_protocol else "off"};

{servers}
    # For the operator and the monitoring of this machine alone.
    server {{
        listen 127.0.0.1:{proxy.health_port};
        access_log off;
        return "ok\\n";
    }}

    # For health checks from outside: answers while less than {proxy.warn_percent} % is taken.
    # The request is read, or closing would reset the connection before the answer arrives.
    server {{
        listen [::]:{proxy.capacity_port} ipv6only=on;
        access_log off;
        limit_conn all {_warn_connections(proxy)};
        preread_timeout {_CAPACITY_TIMEOUT_SECONDS}s;
        ssl_preread on;
        return "HTTP/1.1 200 OK\\r\\nConnection: close\\r\\nContent-Length: 3\\r\\n\\r\\nok\\n";
    }}
}}
"""


def _server(proxy: Proxy, port: int) -> str:
    """Return the part that serves one port."""
    return f"""\
    server {{
        listen [::]:{port} ipv6only=on reuseport so_keepalive=on;
        limit_conn clients {most_per_client(proxy)};
        limit_conn all {proxy.connections};
        set $load_balancer {proxy.load_balancer}:{port};
        proxy_pass $load_balancer;
    }}
"""
