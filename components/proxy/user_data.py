"""The user data of a proxy droplet: what cloud-init makes of a plain Debian at its first boot.

Every file under `files/` is put on the droplet at the same path; the few that depend on settings
are rendered here. Configuration is written before packages are installed, and cloud-init lets
Debian's package manager keep a configuration file that is already there: so nginx starts with ours,
and its default site is not served even for the moment between installation and configuration.
(Source: cloud-init, 'Module reference', Write Files and Package Update Upgrade Install: the first
runs in the network stage, the second in the final one, with `--force-confold`.)

The only account is root's, as on all images of DigitalOcean, and only an SSH key opens it.

DigitalOcean replaces a droplet whose user data changes. So nothing in here depends on which other
proxies there are: a pool from which the first of two regions is removed would otherwise replace the
second, while the first goes.
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

PACKAGES: Final = ("curl", "libnginx-mod-stream", "nginx", "unattended-upgrades")
"""Debian packages that every proxy needs beside the image's own."""

_UNBOUND: Final = ("dns-root-data", "unbound")
"""The resolver, and the key of the root zone without which it does not start."""
_UNBOUND_CONF: Final = "/etc/unbound/unbound.conf.d/proxy.conf"
_PROGRAMS: Final = "/usr/local/sbin/"
_STOP: Final = (
    f"/sbin/start-stop-daemon --quiet --stop --retry QUIT/{DRAIN_SECONDS} --pidfile /run/nginx.pid"
)


def user_data(proxy: Proxy, window: int) -> str:
    """Return the user data of one proxy of a pool.

    Args:
        proxy: What the proxy does; the same for all of the pool.
        window: When it may upgrade itself, in half hours since midnight UTC: 0 to 47. It is the
            proxy's own; see `upgrade_window`.

    Raises:
        ProxyError: The user data is too large.
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
            for path, content in sorted(droplet_files(proxy, window).items())
        ],
        "runcmd": [
            ["sysctl", "--system"],
            ["systemctl", "daemon-reload"],
            ["systemctl", "restart", "systemd-journald.service"],
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


def droplet_files(proxy: Proxy, window: int) -> Mapping[str, str]:
    """Return the files that are put on the droplet, by path.

    Args:
        proxy: What the proxy does.
        window: When it may upgrade itself, in half hours since midnight UTC.
    """
    contents = dict(_STATIC)
    if proxy.resolver != LOCAL_RESOLVER:
        del contents[_UNBOUND_CONF]
    contents["/etc/nginx/nginx.conf"] = nginx_conf(proxy)
    contents["/etc/systemd/system/nginx.service.d/10-proxy.conf"] = _nginx_drop_in(proxy)
    contents["/etc/systemd/journald.conf.d/60-proxy.conf"] = f"""\
# The log of connections has the addresses of clients. It has an end, in time and in size, and no
# copy in the files of a syslog. A file is deleted as a whole, so that each has one day.
[Journal]
Storage=persistent
ForwardToSyslog=no
MaxFileSec=1day
MaxRetentionSec={proxy.log_retention_days}day
SystemMaxUse={proxy.log_megabytes}M
"""
    contents["/etc/systemd/system/apt-daily-upgrade.timer.d/10-hour.conf"] = f"""\
[Timer]
# The half hour of this proxy alone: upgrade, and reboot where the upgrade wants it. One that was
# missed is not made up for, because that would be in the half hour of another.
OnCalendar=
OnCalendar=*-*-* {window // 2:02}:{window % 2 * 30:02}:00 UTC
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
