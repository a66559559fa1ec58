"""The user data of a proxy droplet: what cloud-init makes of a plain Debian at its first boot.

Every file under `files/` is put on the droplet at the same path; the few that depend on settings
are rendered here. Configuration is written before packages are installed, and cloud-init lets
Debian's package manager keep a configuration file that is already there: so nginx starts with ours,
and its default site is not served even for the moment between installation and configuration.
(Source: cloud-init, 'Module reference', Write Files and Package Update Upgrade Install: the first
runs in the network stage, the second in the final one, with `--force-confold`.)

The only account is root's, as on all images of DigitalOcean, and only an SSH key opens it.

DigitalOcean replaces a droplet whose user data changes. So nothing in here depends on how many
proxies there are: a pool that grows from two to three would otherwise replace the first two.
"""

from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

import yaml

from components.faults import Fault
from components.proxy.nginx import (
    DRAIN_SECONDS,
    LOCAL_RESOLVER,
    Proxy,
    ProxyError,
    file_limit,
    nginx_conf,
)

LARGEST_USER_DATA: Final = 64 * 1024
"""Bytes that user data may have. Source: DigitalOcean API Reference, 'Create a New Droplet'."""

MOST_NODES: Final = 24
"""Proxies in one pool, for each needs an hour of the day of its own to be upgraded in."""

PACKAGES: Final = ("curl", "libnginx-mod-stream", "nginx", "unattended-upgrades")
"""Debian packages that every proxy needs beside the image's own."""

_UNBOUND: Final = ("dns-root-data", "unbound")
"""The resolver, and the key of the root zone without which it does not start."""
_UNBOUND_CONF: Final = "/etc/unbound/unbound.conf.d/proxy.conf"
_PROGRAMS: Final = "/usr/local/sbin/"
_STOP: Final = (
    f"/sbin/start-stop-daemon --quiet --stop --retry QUIT/{DRAIN_SECONDS} --pidfile /run/nginx.pid"
)


def user_data(proxy: Proxy, node: int) -> str:
    """Return the user data of one proxy of a pool.

    Args:
        proxy: What the proxy does; the same for all of the pool.
        node: Which one of the pool it is, from 0. It decides the hour of its upgrades.

    Raises:
        ProxyError: The pool is too large, or the user data is.
    """
    local = proxy.resolver == LOCAL_RESOLVER
    config = {
        "package_update": True,
        "package_upgrade": True,
        "packages": sorted([*PACKAGES, *_UNBOUND] if local else PACKAGES),
        "ssh_pwauth": False,
        # "True" would not protect root but replace its login with a message.
        "disable_root": False,
        "write_files": [
            {
                "path": path,
                "permissions": "0755" if path.startswith(_PROGRAMS) else "0644",
                "content": content,
            }
            for path, content in sorted(droplet_files(proxy, node).items())
        ],
        "runcmd": [
            ["sysctl", "--system"],
            ["systemctl", "daemon-reload"],
            ["systemctl", "enable", "--now", "reserved-ipv6.timer"],
            ["systemctl", "restart", "apt-daily-upgrade.timer"],
            # Its unit tests the configuration before it starts. A restart, because the package may
            # have started it before systemd knew our limits.
            ["systemctl", "enable", "nginx.service"],
            ["systemctl", "restart", "nginx.service"],
        ],
    }
    text = "#cloud-config\n" + yaml.dump(config, Dumper=_Dumper, sort_keys=False, width=1000)
    if fault := size_fault(text):
        raise ProxyError("The proxy cannot be built", [fault])
    return text


def size_fault(text: str) -> Fault | None:
    """Say what is wrong with the size of user data, None where nothing is."""
    size = len(text.encode())
    if size <= LARGEST_USER_DATA:
        return None
    return Fault(
        "The proxy's user data",
        f"{size:,} bytes",
        f"at most {LARGEST_USER_DATA:,} bytes, which is DigitalOcean's limit",
        "Serve fewer ports with one pool.",
    )


def upgrade_hour(node: int) -> int:
    """Return the hour of the day, in UTC, in which a proxy may upgrade itself and reboot.

    No two of a pool have the same one, and a proxy keeps its own when the pool grows or shrinks.

    Raises:
        ProxyError: There are more proxies than hours.
    """
    if not 0 <= node < MOST_NODES:
        fault = Fault(
            "The number of a proxy in its pool",
            str(node),
            f"an integer from 0 to {MOST_NODES - 1}: each proxy is upgraded in an hour of the day "
            "of its own, so that never two of them are away",
            "Make a second pool.",
        )
        raise ProxyError("The proxy cannot be built", [fault])
    return node


def droplet_files(proxy: Proxy, node: int) -> Mapping[str, str]:
    """Return the files that are put on the droplet, by path.

    Args:
        proxy: What the proxy does.
        node: Which one of its pool it is, from 0.

    Raises:
        ProxyError: The pool is too large.
    """
    contents = dict(_STATIC)
    if proxy.resolver != LOCAL_RESOLVER:
        del contents[_UNBOUND_CONF]
    contents["/etc/nginx/nginx.conf"] = nginx_conf(proxy)
    contents["/etc/systemd/system/nginx.service.d/10-proxy.conf"] = _nginx_drop_in(proxy)
    contents["/etc/systemd/system/apt-daily-upgrade.timer.d/10-hour.conf"] = f"""\
[Timer]
# The hour of this proxy alone: upgrade, and reboot where the upgrade wants it. One that was missed
# is not made up for, because that would be in the hour of another.
OnCalendar=
OnCalendar=*-*-* {upgrade_hour(node):02}:00:00 UTC
RandomizedDelaySec=0
Persistent=false
"""
    return contents


def _nginx_drop_in(proxy: Proxy) -> str:
    """Return what is added to the systemd unit of Debian's nginx.

    The master process stays root to bind ports and to start workers as www-data, but can do nothing
    else: it may bind, become www-data and signal its workers, and write its PID file and nothing
    more. The private /dev has the journal's socket in it.
    """
    return f"""\
[Unit]
StartLimitIntervalSec=0

[Service]
Restart=always
RestartSec=1s
LimitNOFILE={file_limit(proxy)}
# The access log is one line a connection; none of them is to be dropped.
LogRateLimitIntervalSec=0
# Open connections get {DRAIN_SECONDS} seconds to finish.
ExecStop=
ExecStop=-{_STOP}
TimeoutStopSec={DRAIN_SECONDS + 5}s

CapabilityBoundingSet=CAP_KILL CAP_NET_BIND_SERVICE CAP_SETGID CAP_SETUID
LockPersonality=yes
MemoryDenyWriteExecute=yes
NoNewPrivileges=yes
PrivateDevices=yes
PrivateTmp=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProtectSystem=strict
ReadWritePaths=/run
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
"""


def _texts_below(folder: Traversable, path: str) -> Mapping[str, str]:
    """Return the text of every file below a folder, by its path on the droplet."""
    texts: dict[str, str] = {}
    for item in folder.iterdir():
        below = f"{path}/{item.name}"
        if item.is_dir():
            texts |= _texts_below(item, below)
        else:
            texts[below] = item.read_text(encoding="utf-8")
    return texts


_STATIC: Final = _texts_below(files("components.proxy") / "files", "")


class _Dumper(yaml.SafeDumper):
    """Writes text of several lines as it is, so that a diff of user data can be read."""


def _text_node(_dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return yaml.ScalarNode("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text_node)
