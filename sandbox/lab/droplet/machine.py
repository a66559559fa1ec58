"""The machine that a droplet is: a disk, and Debian's systemd started from it in namespaces.

The disk is an overlay over a root of `roots`: what the droplet writes goes to memory, survives a
reboot and ends with the program that keeps the droplet. The namespaces are those of a container:
mounts, names, IPC, processes and control groups of its own, and the network of its host. systemd
learns so from the variable `container`, as its container interface says.

Differences from a droplet:

- No virtual hardware: no kernel, disk, clock or terminal of its own. `/proc/sys` and `/sys` are
  read-only, except for the settings of the network.
- root is this machine's root, and may mount: nothing keeps it in but what systemd-nspawn also does
  without user namespaces. User data is run as its author's own program is, not as a stranger's.
- The lab configures `eth0` and its routes, where cloud-init does it on DigitalOcean.
- User data and metadata come to cloud-init by a NoCloud seed on the disk; its datasource for
  DigitalOcean wants the firmware of a virtual machine. The metadata service is there, too.
- unbound has one file more, `/etc/unbound/unbound.conf.d/zz-lab.conf`: it asks the lab's name
  server for everything, and validates nothing, because the lab's root is not signed.
- The proxy's packages are installed already, unless the droplet is `bare`. Their services start
  between the packages' installation and the user data's commands, as they do on DigitalOcean.

Sources: systemd, 'Container Interface'; cloud-init, 'NoCloud'; runc, `libcontainer/specconv`, for
the read-only paths.
"""

import hashlib
import json
import os
import signal
import socket
import sys
import traceback
from collections.abc import Collection, Mapping
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final, NoReturn

import yaml

from sandbox.lab.droplet import control_groups, kernel
from sandbox.lab.droplet.program import DropletConfig
from sandbox.lab.droplet.roots import SERVICES

_SEED: Final = "var/lib/cloud/seed/nocloud"
_RESULT: Final = "var/lib/cloud/data/result.json"
"""What cloud-init writes when it is done. Source: cloud-init, 'Reported status'."""

_UNITS: Final = "/lib/systemd/system"
_WANTED: Final = "/etc/systemd/system/multi-user.target.wants"
"""Where systemd looks for what a boot starts."""

_DEVICES: Final = ("full", "null", "random", "tty", "urandom", "zero")

_OF_THE_MACHINE: Final = ("acpi", "bus", "fs", "irq", "kcore", "mtrr", "scsi", "sysrq-trigger")
"""What in `/proc` tells this machine what to do, and asks no more than the user for it."""

_DROPPED: Final[Mapping[str, int]] = json.loads(
    Path(__file__).with_name("dropped_capabilities.json").read_text()
)
"""Capabilities that would reach the machine's kernel and hardware.
Source of the numbers: Linux, include/uapi/linux/capability.h."""

_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Disk:
    """The disk of a droplet, mounted for this process alone."""

    def __init__(self, config: DropletConfig, tree: Path) -> None:
        """Mount it. From here on this process has a mount namespace of its own.

        Args:
            config: What the droplet is.
            tree: The tree of a root that it boots from.

        Raises:
            OSError: Linux refused.
        """
        self._folder = config.mount_point
        self._journal = config.journal
        self._folder.mkdir(parents=True, exist_ok=True)
        self._journal.touch()
        kernel.unshare(kernel.NEW_MOUNTS)
        kernel.mount("", Path("/"), flags=kernel.PRIVATE | kernel.RECURSIVE)
        kernel.mount("tmpfs", self._folder, "tmpfs", options="mode=0755")
        for name in ("lower", "upper", "work", "root"):
            (self._folder / name).mkdir()
        kernel.mount(str(tree), self._folder / "lower", flags=kernel.BIND)
        # The kernel reads colons and commas of a path as its own: none is in a relative one.
        os.chdir(self._folder)
        options = "lowerdir=lower,upperdir=upper,workdir=work"
        kernel.mount("overlay", self.root, "overlay", options=options)
        for path, text in files(config).items():
            target = self.root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)

    @property
    def root(self) -> Path:
        """Where it is mounted."""
        return self._folder / "root"

    @property
    def journal(self) -> Path:
        """The file, outside of it, that its journal is copied to."""
        return self._journal

    def forget_result(self) -> None:
        """Remove what cloud-init wrote at the last boot."""
        (self.root / _RESULT).unlink(missing_ok=True)

    def result(self) -> list[str] | None:
        """Return what failed at this boot; None as long as cloud-init is not done."""
        try:
            document: dict[str, Any] = json.loads((self.root / _RESULT).read_text())
        except (FileNotFoundError, ValueError):
            return None
        return [str(error) for error in document["v1"]["errors"]]


def files(config: DropletConfig) -> Mapping[str, str]:
    """Return the files that a new droplet has of its own, by their path below its root."""
    droplet = config.droplet
    metadata = {
        "instance-id": str(droplet.id),
        "local-hostname": droplet.name,
        "availability-zone": droplet.metadata.get("region", ""),
        "public-keys": droplet.metadata.get("public_keys", []),
    }
    started = [] if config.bare else services(droplet.user_data)
    resolver = ip_address(config.resolver)
    return {
        f"{_SEED}/user-data": droplet.user_data,
        f"{_SEED}/meta-data": json.dumps(metadata),
        f"{_SEED}/vendor-data": "".join(
            [
                "#!/bin/sh\n# Debian's packages start their services; these are there already.\n",
                # What enabling does, without asking systemd to read everything again.
                *(f"ln -sf {_UNITS}/{name}.service {_WANTED}/\n" for name in started),
                *(f"systemctl start {name}\n" for name in started),
            ]
        ),
        # One that is there keeps systemd from enabling every unit at a first boot.
        "etc/machine-id": f"{hashlib.sha256(str(droplet.id).encode()).hexdigest()[:32]}\n",
        "etc/hostname": f"{droplet.name}\n",
        "etc/hosts": "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n"
        f"127.0.1.1 {droplet.name}\n",
        "etc/resolv.conf": f"nameserver {resolver}\n",
        "etc/unbound/unbound.conf.d/zz-lab.conf": f"""\
# The lab's: this server knows everything, and nothing of it is signed. Without the validator, which
# finds every answer bogus, and then unbound 1.26 gives expired ones in their place for ever.
server:
    module-config: "iterator"
forward-zone:
    name: "."
    forward-addr: {resolver}
""",
    }


def services(user_data: str) -> list[str]:
    """Return the services of the packages that user data asks for, in their order."""
    with suppress(yaml.YAMLError, AttributeError, TypeError):
        document: Any = yaml.safe_load(user_data)
        packages: Any = document.get("packages", [])
        return [name for name in SERVICES if name in packages]
    return []


def start(disk: Disk, host: str, console: int) -> int:
    """Start the machine and return the number of its first process.

    Args:
        disk: What it boots from.
        host: Its name.
        console: The end of a terminal that is its console.

    Raises:
        OSError: Linux refused.
    """
    kernel.unshare(kernel.NEW_PIDS)
    try:
        pid = os.fork()
        if pid == 0:
            _become(disk, host, console)
    finally:
        kernel.children_in_pids_of("self")
    return pid


def _become(disk: Disk, host: str, console: int) -> NoReturn:
    """Turn this process, just forked, into the first of the machine."""
    try:
        kernel.die_with_parent()
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGHUP, signal.SIGINT, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        control_groups.enter_new()
        kernel.unshare(kernel.NEW_MOUNTS | kernel.NEW_NAMES | kernel.NEW_IPC)
        _mount_all(disk, os.ttyname(console))
        kernel.pivot_root(disk.root)
        socket.sethostname(host)
        os.setsid()
        for number in (0, 1, 2):
            os.dup2(console, number)
        kernel.drop_capabilities(_DROPPED.values())
        arguments = ["/sbin/init", "--show-status=no", "--log-color=no"]
        environment = {"container": "dualstack-lab", "TERM": "dumb", "PATH": _PATH}
        os.execve(arguments[0], arguments, environment)  # noqa: S606 - no shell is wanted
    except BaseException:  # noqa: BLE001 - nothing may run on as a second keeper
        traceback.print_exc()
        sys.stderr.flush()
    os._exit(1)


def _mount_all(disk: Disk, console: str) -> None:
    root = disk.root
    _mount_devices(root / "dev", console)
    for name, mode in {"run": "0755", "tmp": "1777"}.items():
        kernel.mount("tmpfs", root / name, "tmpfs", options=f"mode={mode}")
    copied = root / "run/lab/journal"
    copied.parent.mkdir()
    copied.touch()
    kernel.mount(str(disk.journal), copied, flags=kernel.BIND)
    kernel.mount("proc", root / "proc", "proc")
    _protect_settings(root / "proc")
    kernel.mount("sysfs", root / "sys", "sysfs", kernel.READ_ONLY)
    kernel.mount("cgroup2", root / "sys/fs/cgroup", "cgroup2")


def _mount_devices(dev: Path, console: str) -> None:
    kernel.mount("tmpfs", dev, "tmpfs", options="mode=0755")
    devices = {name: f"/dev/{name}" for name in _DEVICES} | {"console": console}
    for name, source in devices.items():
        (dev / name).touch()
        kernel.mount(source, dev / name, flags=kernel.BIND)
    for name, where in {"fd": "", "stdin": "/0", "stdout": "/1", "stderr": "/2"}.items():
        (dev / name).symlink_to(f"/proc/self/fd{where}")
    for name, kind, options in (
        ("pts", "devpts", "newinstance,ptmxmode=0666,mode=620,gid=5"),
        ("shm", "tmpfs", "mode=1777"),
    ):
        (dev / name).mkdir()
        kernel.mount(kind, dev / name, kind, options=options)
    (dev / "ptmx").symlink_to("pts/ptmx")


def _protect_settings(proc: Path) -> None:
    """Let the droplet set what is its network's own, and no setting of this machine's kernel."""
    settings, net = proc / "sys", proc / "sys/net"
    kernel.mount(str(settings), settings, flags=kernel.BIND)
    kernel.mount(str(net), net, flags=kernel.BIND)
    _make_read_only([settings])
    paths = [proc / name for name in _OF_THE_MACHINE if (proc / name).exists()]
    for path in paths:
        kernel.mount(str(path), path, flags=kernel.BIND)
    _make_read_only(paths)


def _make_read_only(paths: Collection[Path]) -> None:
    for path in paths:
        kernel.mount("", path, flags=kernel.REMOUNT | kernel.BIND | kernel.READ_ONLY)
