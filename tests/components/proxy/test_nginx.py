import re
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Final, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.proxy.nginx import (
    LoadBalancerKind,
    Proxy,
    ProxyError,
    Resolver,
    file_limit,
    most_per_client,
    nginx_conf,
)
from sandbox.debian import find_program

_T = TypeVar("_T")
_GOLDEN: Final = Path(__file__).parent / "golden"
_NAME: Final = "api-1234567890.us-east-1.elb.amazonaws.com"
_PROXY: Final = Proxy(_NAME, "application")

_GOLDEN_PROXIES: Final = [
    pytest.param(_PROXY, "one-port.conf", id="one port, all defaults"),
    pytest.param(
        Proxy(
            _NAME,
            "network",
            ports=(80, 443),
            proxy_protocol=True,
            connections=100,
            connections_per_client=30,
            warn_percent=50,
            idle_timeout_seconds=900,
            load_balancer_idle_timeout_seconds=899,
            resolver=Resolver(IPv6Address("2001:db8::53"), 5353),
            health_port=9000,
            capacity_port=9001,
            log_retention_days=30,
            log_megabytes=1_000,
        ),
        "two-ports-proxy-protocol.conf",
        id="nothing is a default",
    ),
]


@pytest.mark.parametrize(("proxy", "golden"), _GOLDEN_PROXIES)
def test_the_whole_configuration_is_as_it_was_reviewed(proxy: Proxy, golden: str) -> None:
    assert nginx_conf(proxy) == (_GOLDEN / golden).read_text(encoding="utf-8")


@pytest.mark.parametrize(("proxy", "golden"), _GOLDEN_PROXIES)
def test_the_real_nginx_accepts_it(proxy: Proxy, golden: str, tmp_path: Path) -> None:
    # Testing binds the ports, which only root may do for those below 1024.
    high = replace(proxy, ports=tuple(20_000 + port for port in proxy.ports))
    conf = tmp_path / golden
    conf.write_text(nginx_conf(high), encoding="utf-8")

    done = subprocess.run(
        [find_program("nginx"), "-t", "-c", conf, "-g", f"pid {tmp_path}/nginx.pid;"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert f"configuration file {conf} test is successful" in done.stderr


def test_a_worker_has_room_for_both_sides_of_every_client_and_for_its_own_files() -> None:
    proxy = replace(_PROXY, connections=1_000)
    conf = nginx_conf(proxy)
    slots = int(_only(re.findall(r"worker_connections (\d+);", conf)))
    files = int(_only(re.findall(r"worker_rlimit_nofile (\d+);", conf)))

    assert slots >= 2 * 1_000 + len(proxy.ports)
    assert files > slots
    assert files == file_limit(proxy)


# ---- what is refused ----------------------------------------------------------------------------

_PROXY_PROTOCOL: Final = (
    "off, or for a classic or network load balancer: an application load balancer cannot read the "
    "header and takes it for a broken request. Turn it off, or set origin.loadBalancer and "
    "origin.kind to one that can."
)
_NOT_A_NAME: Final = (
    "a DNS name in lower case; a load balancer's addresses change, its name does not. Take the DNS "
    "name that AWS shows for it."
)
_PORT: Final = "an integer from 1 to 65535. Set another port."


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(
            lambda: replace(_PROXY, proxy_protocol=True),
            f"proxy.proxyProtocol is on for an application load balancer; {_PROXY_PROTOCOL}",
            id="PROXY protocol to an application load balancer",
        ),
        pytest.param(
            lambda: replace(_PROXY, proxy_protocol=True, kind=None),
            f"proxy.proxyProtocol is on for an unknown kind; {_PROXY_PROTOCOL}",
            id="PROXY protocol to whatever it is",
        ),
        pytest.param(
            lambda: replace(_PROXY, load_balancer="198.51.100.7"),
            f'The load balancer\'s name is "198.51.100.7"; {_NOT_A_NAME}',
            id="address for a name",
        ),
        pytest.param(
            lambda: replace(_PROXY, load_balancer="api.example.com; error_log /etc/passwd"),
            f'The load balancer\'s name is "api.example.com; error_log /etc/passwd"; {_NOT_A_NAME}',
            id="directive in a name",
        ),
        pytest.param(
            lambda: replace(_PROXY, load_balancer="$ssl_preread_server_name"),
            f'The load balancer\'s name is "$ssl_preread_server_name"; {_NOT_A_NAME}',
            id="variable for a name",
        ),
        pytest.param(
            lambda: replace(_PROXY, ports=()),
            "proxy.ports is []; a list of one or more different ports. Name each port once.",
            id="no port",
        ),
        pytest.param(
            lambda: replace(_PROXY, ports=(443, 443)),
            "proxy.ports is [443, 443]; a list of one or more different ports. Name each port "
            "once.",
            id="port twice",
        ),
        pytest.param(
            lambda: replace(_PROXY, ports=(443, 65536)),
            f"proxy.ports[1] is 65536; {_PORT}",
            id="port too high",
        ),
        pytest.param(
            lambda: replace(_PROXY, health_port=0),
            f"proxy.healthPort is 0; {_PORT}",
            id="port too low",
        ),
        pytest.param(
            lambda: replace(_PROXY, ports=(22,)),
            "A port of the proxy is 22; any but the one that the droplet's own SSH server listens "
            "on. Set another port.",
            id="SSH",
        ),
        pytest.param(
            lambda: replace(_PROXY, resolver=Resolver(IPv6Address("fe80::1%eth0; daemon off"))),
            "proxy.resolver is [fe80::1%eth0; daemon off]:53; an address without a scope, because "
            "nginx takes none. Use a global, private or loopback address.",
            id="directive in the scope of an address",
        ),
        pytest.param(
            lambda: replace(_PROXY, resolver=Resolver(IPv4Address("127.0.0.1"), 0)),
            f"proxy.resolver's port is 0; {_PORT}",
            id="resolver's port",
        ),
        pytest.param(
            lambda: replace(_PROXY, connections=28_001),
            "proxy.connections is 28001; an integer from 1 to 28000, because Linux has no more "
            "local ports to reach one address from. Use more proxies for more connections.",
            id="more connections than local ports",
        ),
        pytest.param(
            lambda: replace(_PROXY, idle_timeout_seconds=350),
            "proxy.idleTimeoutSeconds is 350; more than the load balancer's own 350: the proxy "
            "would cut connections that are kept today. Set a longer one.",
            id="shorter than the load balancer's own",
        ),
    ],
)
def test_a_proxy_that_could_not_work_is_refused(make: Callable[[], Proxy], message: str) -> None:
    with pytest.raises(ProxyError) as refusal:
        make()

    assert str(refusal.value) == f"The proxy cannot be built:\n  - {message}"


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(ProxyError) as refusal:
        Proxy("1.2.3.4", "application", ports=(0, 22), proxy_protocol=True, connections=0)

    assert [fault.what for fault in refusal.value.faults] == [
        "The load balancer's name",
        "proxy.proxyProtocol",
        "proxy.ports[0]",
        "A port of the proxy",
        "proxy.connections",
    ]


@pytest.mark.parametrize("kind", ["classic", "network"])
def test_the_kinds_that_read_proxy_protocol_may_have_it(kind: LoadBalancerKind) -> None:
    proxy = replace(_PROXY, kind=kind, proxy_protocol=True)

    assert "    proxy_protocol on;\n" in nginx_conf(proxy)


# ---- what no value can do -----------------------------------------------------------------------

_label = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
_names = st.lists(_label, min_size=1, max_size=4).map(lambda labels: ".".join([*labels, "test"]))
_ports = st.integers(1, 65_535).filter(lambda port: port not in (22, 53))


@st.composite
def _proxies(draw: st.DrawFn) -> Proxy:
    """Draw any proxy that is accepted."""
    idle = draw(st.integers(1, 6_000))
    connections = draw(st.integers(1, 28_000))
    health, capacity, *ports = draw(st.lists(_ports, min_size=3, max_size=7, unique=True))
    return Proxy(
        draw(_names),
        draw(st.sampled_from(["classic", "network"])),
        ports=tuple(ports),
        proxy_protocol=draw(st.booleans()),
        connections=connections,
        connections_per_client=draw(st.none() | st.integers(1, connections)),
        warn_percent=draw(st.integers(1, 99)),
        idle_timeout_seconds=idle,
        load_balancer_idle_timeout_seconds=draw(st.integers(0, idle - 1)),
        resolver=Resolver(draw(st.ip_addresses()), draw(st.integers(1, 65_535))),
        health_port=health,
        capacity_port=capacity,
        log_retention_days=draw(st.integers(1, 365)),
        log_megabytes=draw(st.integers(1, 100_000)),
    )


_TOKEN: Final = re.compile(r"""\s+|\#[^\n]*|([;{}])|("(?:\\.|[^"\\])*"|'[^']*')|([^\s;{}"'\#]+)""")


def _directives(conf: str) -> list[list[str]]:
    """Return the directives of a configuration, as nginx splits it into words."""
    directives: list[list[str]] = [[]]
    end = 0
    while end < len(conf):
        token = _TOKEN.match(conf, end)
        assert token, f"no word of nginx's grammar: {conf[end : end + 40]!r}"
        end = token.end()
        if token[1]:
            directives[-1].append(token[1])
            directives.append([])
        elif token[2] or token[3]:
            directives[-1].append(token[2] or token[3])
    assert directives.pop() == []
    return directives


@given(_proxies())
def test_no_value_changes_which_directives_there_are(proxy: Proxy) -> None:
    plain = replace(_PROXY, ports=tuple(range(1000, 1000 + len(proxy.ports))))

    assert _shape(nginx_conf(proxy)) == _shape(nginx_conf(plain))


def _shape(conf: str) -> list[tuple[str, int]]:
    """Return the names of the directives and how many words each has."""
    return [(directive[0], len(directive)) for directive in _directives(conf)]


@given(_proxies())
def test_a_connection_goes_to_the_load_balancer_and_nowhere_else(proxy: Proxy) -> None:
    directives = _directives(nginx_conf(proxy))

    targets = [words[1:-1] for words in directives if words[0] == "proxy_pass"]
    values = [words[1:-1] for words in directives if words[0] == "set"]

    assert targets == [["$load_balancer"]] * len(proxy.ports)
    assert values == [["$load_balancer", f"{proxy.load_balancer}:{port}"] for port in proxy.ports]


@given(_proxies())
def test_what_a_client_sends_is_logged_by_length_and_never_read(proxy: Proxy) -> None:
    directives = _directives(nginx_conf(proxy))

    served = [words for words in directives if words[0] in ("listen", "ssl_preread", "return")]
    names = {words[0] for words in directives}
    with_variables = [words for words in directives if any("$" in word for word in words)]

    # The one server that reads a request answers it itself, and with a constant.
    reads = served.index(["ssl_preread", "on", ";"])
    assert served[reads - 1][1] == f"[::]:{proxy.capacity_port}"
    assert served[reads + 1][0] == "return"
    assert served.count(served[reads]) == 1
    assert not names & {"js_preread", "include"}
    assert {words[0] for words in with_variables} == {
        *("log_format", "set", "proxy_pass"),
        *("map", '"~(?s)^(?<network>.{8})"', "limit_conn_zone"),
    }
    # What is made of the address of a client is only counted.
    assert [words[1:-1] for words in with_variables if words[0] == "map"] == [
        ["$binary_remote_addr", "$client"]
    ]
    assert sum("$client" in words for words in with_variables) == 2


@given(_proxies())
def test_only_ipv6_is_served_and_only_ipv4_is_asked_for(proxy: Proxy) -> None:
    directives = _directives(nginx_conf(proxy))

    listens = [words[1:-1] for words in directives if words[0] == "listen"]
    resolvers = [words[1:-1] for words in directives if words[0] == "resolver"]

    assert listens == [
        *([f"[::]:{port}", "ipv6only=on", "reuseport", "so_keepalive=on"] for port in proxy.ports),
        [f"127.0.0.1:{proxy.health_port}"],
        [f"[::]:{proxy.capacity_port}", "ipv6only=on"],
    ]
    assert _only(resolvers)[-1] == "ipv6=off"


@given(st.text())
def test_a_name_is_refused_or_is_one_word_to_nginx(name: str) -> None:
    try:
        proxy = replace(_PROXY, load_balancer=name)
    except ProxyError:
        return
    assert re.fullmatch(r"[a-z0-9.-]+", name)
    assert _shape(nginx_conf(proxy)) == _shape(nginx_conf(_PROXY))


def _only(items: Sequence[_T]) -> _T:
    (item,) = items
    return item


@given(_proxies())
def test_every_served_port_counts_each_client_and_all_together(proxy: Proxy) -> None:
    limits = [words[1:-1] for words in _directives(nginx_conf(proxy)) if words[0] == "limit_conn"]

    served = [
        ["clients", str(most_per_client(proxy))],
        ["all", str(proxy.connections)],
    ]
    *before, capacity = limits
    assert before == served * len(proxy.ports)
    assert capacity[0] == "all"
    assert 1 <= int(capacity[1]) <= proxy.connections
