"""The guest's files: those of this machine, less what a droplet would not have.

An overlay over this machine's root: what the guest writes goes to memory and ends with it. In
`/etc`, the folders that belong to the packages a droplet runs have what the packages brought and
nothing that was changed or added here; folders of people and of things that run are empty.

Differences from a new droplet: `/usr` has all programs of this machine, not only those of a plain
Debian and of the packages that were asked for, and the rest of `/etc` is this machine's.
"""

import grp
import hashlib
import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sandbox.debian import find_program
from sandbox.lab.droplet import kernel
from sandbox.lab.droplet.cloud_config import Machine, WrittenFile
from sandbox.lab.droplet.faults import BootError, fault

_KEPT: Final = frozenset({"bin", "etc", "lib", "lib32", "lib64", "libx32", "sbin", "usr", "var"})
"""Folders of the root that the guest sees; all others are empty, whatever this machine has there.
"""

_EMPTY: Final = (
    "/etc/cron.d",
    "/etc/systemd/network",
    "/usr/local",
    "/var/backups",
    "/var/cache",
    "/var/mail",
    "/var/tmp",  # noqa: S108 - the guest's own
)

_FOLDERS_ONLY: Final = ("/var/lib/nginx", "/var/lib/unbound", "/var/log", "/var/spool")
"""What runs writes there, and may expect the folders that its package made."""

_OF_PACKAGES: Final = ("/etc/nginx", "/etc/unbound")
"""Folders that have to be as packages bring them, for what the guest does depends on them."""

_UNCHANGED_ONLY: Final = (
    "/etc/apt/apt.conf.d",
    "/etc/default",
    "/etc/ssh",
    "/etc/sysctl.d",
    "/etc/systemd",
)
"""Folders that lose what was changed on this machine, for Debian's programs do without it."""

_LOCAL: Final = ("bin", "etc", "include", "lib", "sbin", "share", "src")
"""The empty folders below `/usr/local`."""

_TEXTS: Final[Mapping[str, str]] = {
    "/etc/hosts": "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n",
    "/etc/resolv.conf": "# DigitalOcean's resolvers are not in the lab.\n",
    "/etc/sysctl.conf": "# As Debian's: nothing.\n",
}

_BASE: Final = Path("/usr/share/base-passwd")

_OF_THE_MACHINE: Final = ("acpi", "bus", "fs", "irq", "kcore", "mtrr", "scsi", "sysrq-trigger")
"""What in `/proc` tells this machine what to do, and asks no more than the user for it, who is the
same root. Source: runc, `libcontainer/specconv`, the read-only and masked paths."""

_DEVICES: Final = ("full", "null", "random", "tty", "urandom", "zero")
_OPAQUE: Final = "trusted.overlay.opaque"
"""Marks a folder that hides the one below it. Source: Linux, 'Overlay Filesystem'."""

_ROOT_KEY: Final = Path("/usr/share/dns/root.key")
"""What the package `dns-root-data` brings and unbound's unit copies."""

_ROOT_KEY_TEXT: Final = (
    ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n"
)
"""In place of the package, where this machine has it not. Source: IANA, 'Root Anchors'."""


@dataclass(frozen=True)
class Packages:
    """The packages of this machine that the guest has asked for."""

    paths: frozenset[str]
    """What they and their parts brought, configuration too."""
    unchanged: frozenset[str]
    """Configuration files of any package that are as they were brought."""
    changed: frozenset[str]
    """Configuration files of the asked ones that are not."""

    @property
    def services(self) -> tuple[str, ...]:
        """Services that Debian starts when the packages are installed: all that they bring."""
        names = {
            Path(path).name
            for path in self.paths
            if path.endswith(".service") and Path(path).parent.name == "system" and "@" not in path
        }
        return tuple(sorted(names))


def this_machine() -> Machine:
    """Return what of this machine a guest has."""
    return Machine(
        packages=frozenset(_installed()),
        users=frozenset(user.pw_name for user in pwd.getpwall()),
        groups=frozenset(group.gr_name for group in grp.getgrall()),
        base_users=_base("passwd"),
        base_groups=_base("group"),
    )


def _base(kind: str) -> frozenset[str]:
    """Return the names that the package `base-passwd` brings, which Debian is made from."""
    lines = (_BASE / f"{kind}.master").read_text(encoding="utf-8").splitlines()
    return frozenset(line.partition(":")[0] for line in lines)


def packages(names: Iterable[str], written: Sequence[WrittenFile]) -> Packages:
    """Return what the named packages of this machine are.

    Args:
        names: Packages that are installed.
        written: Files that user data writes, which a package's do not replace.

    Raises:
        BootError: What one of them brought was changed, and cannot be had as it was; or is
            appended to, when a droplet does not have it yet.
    """
    sources = _installed()
    wanted = _with_parts(names, sources)
    paths = frozenset(_query("dpkg", "--listfiles", *sorted(wanted)).split("\n") if wanted else ())
    unchanged, changed = _configuration(paths)
    faults = [
        fault(
            path,
            "changed on this machine",
            "the guest needs it as its package brings it",
            f"Bring it back with: sudo apt-get install --reinstall -o Dpkg::Options::=--force-"
            f"confnew $(dpkg -S {path} | cut -d: -f1)",
        )
        for path in sorted(changed - {file.path for file in written})
        if path.startswith(tuple(f"{folder}/" for folder in _OF_PACKAGES))
    ]
    faults += [
        fault(
            path,
            "appended to before its package brings it",
            "a droplet then has what is appended and nothing else",
            "Add defer: true, or write the file whole",
        )
        for path in _appended_too_early(written)
        if path in paths
    ]
    if faults:
        raise BootError("The packages cannot be used", faults)
    return Packages(paths, unchanged, changed)


def _appended_too_early(written: Iterable[WrittenFile]) -> list[str]:
    """Return what is appended to before packages are there, and user data itself does not write."""
    whole: set[str] = set()
    found: list[str] = []
    for file in written:
        if file.append and not file.defer and file.path not in whole:
            found.append(file.path)
        elif not file.defer:
            whole.add(file.path)
    return list(dict.fromkeys(found))


def _query(program: str, *arguments: str) -> str:
    command = [find_program(program), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _installed() -> Mapping[str, tuple[str, frozenset[str]]]:
    """Return source package and dependencies of each package that is installed."""
    shape = "${db:Status-Status}\t${Package}\t${source:Package}\t${Depends}\n"
    found: dict[str, tuple[str, frozenset[str]]] = {}
    for line in _query("dpkg-query", "--show", f"--showformat={shape}").splitlines():
        status, name, source, depends = line.split("\t")
        if status == "installed":
            names = depends.replace("|", ",").split(",")
            found[name] = source, frozenset(part.split()[0] for part in names if part.split())
    return found


def _with_parts(
    names: Iterable[str], sources: Mapping[str, tuple[str, frozenset[str]]]
) -> frozenset[str]:
    """Add to packages those parts that Debian split off, as `nginx-common` from `nginx`."""
    found: set[str] = set()
    waiting = [*names]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            source, depends = sources[name]
            waiting += [part for part in depends if sources.get(part, ("",))[0] == source]
    return frozenset(found)


def _configuration(paths: frozenset[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Return the configuration files of all packages that are unchanged, and of `paths` changed."""
    unchanged: set[str] = set()
    changed: set[str] = set()
    for line in _query("dpkg-query", "--show", "--showformat=${Conffiles}\n").splitlines():
        words = line.split()
        if len(words) != 2 or not words[0].startswith((*_OF_PACKAGES, *_UNCHANGED_ONLY)):  # noqa: PLR2004 - path and hash; a third word says it is no longer one
            continue
        path, digest = words
        if _digest(path) == digest:
            unchanged.add(path)
        elif path in paths:
            changed.add(path)
    return frozenset(unchanged), frozenset(changed)


def _digest(path: str) -> str:
    try:
        return hashlib.md5(Path(path).read_bytes(), usedforsecurity=False).hexdigest()
    except OSError:
        return ""


def build(target: Path, packages: Packages, *, host: str) -> None:
    """Mount the guest's tree on a folder; this process has a mount namespace of its own.

    Args:
        target: An empty folder.
        packages: The packages the guest asked for.
        host: The guest's name.

    Raises:
        OSError: Linux refused.
    """
    kernel.mount("tmpfs", target, "tmpfs", options="mode=0755")
    upper, work, root = (target / name for name in ("upper", "work", "root"))
    for folder in (upper, work, root):
        folder.mkdir()
    _fill(_Upper(upper), packages, host)
    # The kernel reads colons and commas of a path as its own: none is in a relative one.
    os.chdir(target)
    kernel.mount("overlay", root, "overlay", options="lowerdir=/,upperdir=upper,workdir=work")
    _mount_devices(root / "dev")
    kernel.mount("proc", root / "proc", "proc")
    _protect_settings(root / "proc")
    kernel.mount("sysfs", root / "sys", "sysfs", kernel.READ_ONLY)


def _mount_devices(dev: Path) -> None:
    kernel.mount("tmpfs", dev, "tmpfs", options="mode=0755")
    for name in _DEVICES:
        (dev / name).touch()
        kernel.mount(f"/dev/{name}", dev / name, flags=kernel.BIND)
    for name, where in {"fd": "", "stdin": "/0", "stdout": "/1", "stderr": "/2"}.items():
        (dev / name).symlink_to(f"/proc/self/fd{where}")
    (dev / "shm").mkdir(mode=0o1777)


def _protect_settings(proc: Path) -> None:
    """Let the guest set what is its network's own, and no setting of this machine's kernel."""
    settings, net = proc / "sys", proc / "sys/net"
    kernel.mount(str(settings), settings, flags=kernel.BIND)
    kernel.mount(str(net), net, flags=kernel.BIND)
    kernel.mount("", settings, flags=kernel.REMOUNT | kernel.BIND | kernel.READ_ONLY)
    for name in _OF_THE_MACHINE:
        path = proc / name
        if path.exists():
            kernel.mount(str(path), path, flags=kernel.BIND)
            kernel.mount("", path, flags=kernel.REMOUNT | kernel.BIND | kernel.READ_ONLY)


class _Upper:
    """The upper folder of an overlay: what stands there is seen in place of this machine's."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        shutil.copystat("/", folder)

    def folder(self, path: str) -> Path:
        """Make a folder as this machine has it, without what is in it, and return where it is."""
        made = self._folder
        for part in Path(path).parts[1:]:
            made /= part
            if not made.is_dir():
                made.mkdir()
                self._as_below(made)
        return made

    def _as_below(self, made: Path) -> None:
        below = Path("/") / made.relative_to(self._folder)
        if below.is_dir():
            status = below.stat()
            os.chown(made, status.st_uid, status.st_gid)
            made.chmod(stat.S_IMODE(status.st_mode))

    def hide(self, path: str) -> None:
        """Hide all that a folder of this machine has."""
        os.setxattr(self.folder(path), _OPAQUE, b"y")

    def text(self, path: str, text: str) -> None:
        """Write a file."""
        (self.folder(str(Path(path).parent)) / Path(path).name).write_text(text)

    def copy(self, path: str) -> None:
        """Copy a file or link of this machine."""
        made = self.folder(str(Path(path).parent)) / Path(path).name
        shutil.copy2(path, made, follow_symlinks=False)
        status = Path(path).lstat()
        os.chown(made, status.st_uid, status.st_gid, follow_symlinks=False)


def _fill(upper: _Upper, packages: Packages, host: str) -> None:
    """Put into the upper folder what the guest is to see in place of this machine's files."""
    _empty_folders(upper)
    for path in (*_OF_PACKAGES, *_UNCHANGED_ONLY):
        upper.hide(path)
    for path in sorted(packages.unchanged):
        upper.copy(path)
    for path in _OF_PACKAGES:
        _fill_from_packages(upper, path, packages)
    if not _ROOT_KEY.is_file():
        upper.text(str(_ROOT_KEY), _ROOT_KEY_TEXT)
    for path, text in {**_TEXTS, "/etc/hostname": f"{host}\n"}.items():
        upper.text(path, text)


def _empty_folders(upper: _Upper) -> None:
    """Hide what this machine has where a new droplet has nothing."""
    of_root = [entry for entry in Path("/").iterdir() if entry.is_dir() and not entry.is_symlink()]
    hidden = [str(entry) for entry in of_root if entry.name not in _KEPT]
    for path in (*hidden, *_EMPTY, *_FOLDERS_ONLY):
        if Path(path).is_dir():
            upper.hide(path)
    for name in _LOCAL:
        upper.folder(f"/usr/local/{name}").chmod(0o755)
    upper.folder("/run/lock").chmod(0o1777)
    for path in _FOLDERS_ONLY:
        for found, folders, _ in os.walk(path):
            for name in folders:
                if not (Path(found) / name).is_symlink():
                    upper.folder(f"{found}/{name}")


def _fill_from_packages(upper: _Upper, folder: str, packages: Packages) -> None:
    """Add a package's empty folders, and the links its installation makes to what it brought."""
    for path in packages.paths:
        if path.startswith(f"{folder}/") and Path(path).is_dir():
            upper.folder(path)
    for link in Path(folder).rglob("*"):
        if link.is_symlink() and str(link.readlink()) in packages.paths:
            upper.copy(str(link))
