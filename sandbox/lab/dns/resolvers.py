"""The resolver that clients ask, and the gateway of those that have no IPv4.

**The resolver** is unbound. It takes the lab's name servers for the root: `stub-zone "."`. That
root is not signed, so nothing is validated; with the real root's keys everything would be bogus. A
resolver that disobeys TTLs is one with `cache-min-ttl`: it keeps answers longer than their TTLs
say. With a DNS64 prefix it makes up AAAA records from A records, but only where the answer to AAAA
is empty (RFC 6147 section 5.1.4).

**The gateway** is tayga, a NAT64 without state for each connection: every IPv6 client gets an IPv4
address of a pool of its own, which the rest of the lab sees and routes back to the gateway. The
prefix has to be one of the network's own: with the well-known `64:ff9b::/96` tayga translates to no
address that is private or made for documentation, which all of the lab's are (RFC 6052 section
3.1).

Source: unbound.conf(5); tayga(8), tayga.conf(5).
"""

import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

from sandbox.debian import find_program
from sandbox.lab.dns import ready
from sandbox.lab.program import Program

NAT64_PREFIX: Final = "2001:db8:64:6464::/96"
"""IPv6 addresses that stand for all of IPv4."""

NAT64_POOL: Final = "198.18.4.0/24"
"""IPv4 addresses that clients are given; outside, all that is seen of them."""

NAT64_GATEWAY: Final = ("198.18.4.1", "2001:db8:64::1")
"""The gateway's own addresses: it answers pings at them and sends ICMP errors from them."""

NAT64_DEVICE: Final = "nat64"
"""Its network interface."""

INFRA_TTL_SECONDS: Final = 1
"""How long unbound remembers that a name server does not answer; it would 15 minutes long, in which
the lab can be made again many times. Source: unbound.conf(5), `infra-host-ttl`."""

_FORWARD: Final = (
    "echo 1 > /proc/sys/net/ipv4/ip_forward && echo 1 > /proc/sys/net/ipv6/conf/all/forwarding"
)
"""Not with sysctl(8), which is in none of the packages."""

NORMAL_ZONES: Final = ("test.", "invalid.")
"""Top-level domains that unbound denies by itself (RFC 6303, RFC 6761); a lab's names may be in
them."""


def resolver(
    host: str,
    addresses: Sequence[str],
    authority: Sequence[str],
    folder: Path,
    *,
    least_ttl_seconds: int = 0,
    dns64_prefix: str | None = None,
) -> Program:
    """Return a resolver.

    Args:
        host: Host it lives on.
        addresses: Literal addresses it listens on, of either family.
        authority: Addresses of the name servers, of either family; it asks over both.
        folder: Folder for its configuration.
        least_ttl_seconds: How long it keeps every answer at least, negative ones too, whatever the
            TTL; 0: for as long as the TTL says.
        dns64_prefix: Prefix of the AAAA records it makes up; None: it makes none up.
    """
    modules = "iterator" if dns64_prefix is None else "dns64 iterator"
    lines = [
        "server:",
        '  username: ""',
        '  chroot: ""',
        '  directory: ""',
        '  pidfile: ""',
        "  do-daemonize: no",
        "  use-syslog: no",
        '  logfile: ""',
        "  num-threads: 1",
        "  ip-freebind: yes",
        *(f"  interface: {address}" for address in addresses),
        "  access-control: 0.0.0.0/0 allow",
        "  access-control: ::/0 allow",
        "  do-ip4: yes",
        "  do-ip6: yes",
        "  do-not-query-localhost: no",
        f'  module-config: "{modules}"',
        *([] if dns64_prefix is None else [f"  dns64-prefix: {dns64_prefix}"]),
        "  unblock-lan-zones: yes",
        *(f"  local-zone: {zone} nodefault" for zone in NORMAL_ZONES),
        f"  cache-min-ttl: {least_ttl_seconds}",
        f"  infra-host-ttl: {INFRA_TTL_SECONDS}",
        "stub-zone:",
        "  name: .",
        *(f"  stub-addr: {address}" for address in authority),
        "remote-control:",
        "  control-enable: no",
    ]
    text = "\n".join(lines) + "\n"
    # Another text is another command: it starts again, and nothing shows when a reload is over.
    path = folder / f"unbound-{host}-{sha256(text.encode()).hexdigest()[:8]}.conf"
    return Program(
        name="resolver",
        host=host,
        command=(str(find_program("unbound")), "-d", "-p", "-c", str(path)),
        files={path: text},
        ready=(sys.executable, "-IS", str(ready.__file__), addresses[0]),
    )


def nat64_commands() -> tuple[tuple[str, ...], ...]:
    """Return the commands that the host of a NAT64 gateway runs once, in order.

    The host's neighbours have to route `NAT64_PREFIX` and `NAT64_POOL` to it.
    """
    ip = str(find_program("ip"))
    return (
        (ip, "tuntap", "add", "dev", NAT64_DEVICE, "mode", "tun"),
        (ip, "link", "set", NAT64_DEVICE, "up"),
        (ip, "-4", "route", "replace", NAT64_POOL, "dev", NAT64_DEVICE),
        (ip, "-6", "route", "replace", NAT64_PREFIX, "dev", NAT64_DEVICE),
        (ip, "-6", "route", "replace", f"{NAT64_GATEWAY[1]}/128", "dev", NAT64_DEVICE),
        (str(find_program("sh")), "-c", _FORWARD),
    )


def nat64(host: str, folder: Path) -> Program:
    """Return a NAT64 gateway; its host has run `nat64_commands`.

    Args:
        host: Host it lives on.
        folder: Folder for its configuration.
    """
    path = folder / f"tayga-{host}.conf"
    lines = [
        f"tun-device {NAT64_DEVICE}",
        f"ipv4-addr {NAT64_GATEWAY[0]}",
        f"ipv6-addr {NAT64_GATEWAY[1]}",
        f"prefix {NAT64_PREFIX}",
        f"dynamic-pool {NAT64_POOL}",
    ]
    return Program(
        name="nat64",
        host=host,
        command=(str(find_program("tayga")), "--nodetach", "--config", str(path)),
        files={path: "\n".join(lines) + "\n"},
    )
