"""What a droplet's user data asks for, as cloud-init reads it: understood, or refused.

The naive way is to run what stands there. Half of it then does something else than on a droplet:
packages of this machine are upgraded, kernel settings of this machine are changed, a shell command
has what this machine has. So every request is one that the lab can carry out as a droplet would, or
the whole is refused before anything is done, with all its faults.

Unlike cloud-init:

- Only `#cloud-config` is read: no scripts, no MIME messages, no Jinja templates, no vendor data.
- cloud-init logs a fault of one request and goes on with the next. Here none is carried out.
- No file below `/dev`, `/proc` or `/sys` is written.
- Packages are those of this machine, in its versions; none is installed, updated or upgraded.
- Every boot is the first one.

Source: cloud-init, 'Module reference': Write Files, Package Update Upgrade Install, Runcmd, SSH,
Set Passwords; `cloudinit/config/cc_write_files.py` for the defaults and the encodings.
"""

import base64
import binascii
import gzip
import re
import shlex
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

import yaml

from sandbox.lab.droplet.faults import BootError, fault, shown

NOT_RUN: Final[Mapping[str, str]] = {
    "dns-root-data": "the lab's root is not signed, so the key of the real one opens nothing",
    "unattended-upgrades": "the lab upgrades nothing",
}
"""Packages that a guest does without, and why; they need not be on this machine."""

_HEADER: Final = "#cloud-config"
_NOTED: Final[Mapping[str, str]] = {
    "disable_root": "nobody logs in to the lab's guests",
    "package_reboot_if_required": "the lab installs nothing",
    "package_update": "the lab installs nothing",
    "package_upgrade": "the lab installs nothing",
    "ssh_pwauth": "nobody logs in to the lab's guests",
}
"""Keys that change nothing here, and why."""

_KEYS: Final = sorted([*_NOTED, "packages", "runcmd", "write_files"])
_FILE_KEYS: Final = ("append", "content", "defer", "encoding", "owner", "path", "permissions")
_PERMISSIONS: Final = 0o644
_LARGEST_PERMISSIONS: Final = 0o7777
_OWNER: Final = "root:root"
_OF_THE_KERNEL: Final = ("/dev", "/proc", "/sys")
"""Folders whose files are the kernel's, and this machine's."""

_PACKAGE: Final = re.compile(r"[a-z0-9][a-z0-9+.-]+")
_UNIT: Final = re.compile(r"[A-Za-z0-9:_.@-]+")
_OF_THE_SHELL: Final = frozenset("\n;&|<>()$`*?[]~#!{}\\")
_RUNNABLE: Final = (
    "sysctl --system, systemctl daemon-reload, or systemctl enable, enable --now, start or restart "
    "with services and timers"
)


@dataclass(frozen=True)
class Machine:
    """What of this machine a guest has."""

    packages: frozenset[str]
    """Names of the Debian packages that are installed."""
    users: frozenset[str] = frozenset({"root"})
    """Names of the users."""
    groups: frozenset[str] = frozenset({"root"})
    """Names of the groups."""
    base_users: frozenset[str] = frozenset({"root"})
    """Names of the users that a Debian has before any package brings its own."""
    base_groups: frozenset[str] = frozenset({"root"})
    """Names of the groups likewise."""


@dataclass(frozen=True)
class WrittenFile:
    """A file that is written."""

    path: str
    """Its path, from the root."""
    content: bytes
    """What is in it."""
    permissions: int = _PERMISSIONS
    """Its mode."""
    owner: str = _OWNER
    """Its user, and after a colon its group."""
    append: bool = False
    """Whether it is put after what the file has."""
    defer: bool = False
    """Whether it is written after the packages are there."""


Verb = Literal["sysctl", "daemon-reload", "enable", "start", "restart"]
"""What a command does."""


@dataclass(frozen=True)
class Command:
    """A command that is run."""

    verb: Verb
    """What it does."""
    units: tuple[str, ...] = ()
    """The units it does it to."""


@dataclass(frozen=True)
class Plan:
    """What user data asks for."""

    packages: tuple[str, ...] = ()
    """Packages that are on this machine, without those of `NOT_RUN`."""
    files: tuple[WrittenFile, ...] = ()
    """Files to write, in this order."""
    commands: tuple[Command, ...] = ()
    """Commands to run, in this order."""
    notes: tuple[str, ...] = ()
    """What is not done here, and why, one sentence each."""


def parse(user_data: str, machine: Machine) -> Plan:
    """Return what user data asks for; empty user data asks for nothing.

    Args:
        user_data: The text.
        machine: What of this machine the guest has.

    Raises:
        BootError: Something of it the lab cannot carry out; all of that is listed.
    """
    faults: list[str] = []
    config = _config(user_data, faults)
    notes = [
        f"{key} is skipped: {why}."
        for key, why in _NOTED.items()
        if config.get(key) not in (None, False)
    ]
    faults += [
        fault(
            f"The key {shown(key)} of the user data",
            "not one that the lab knows",
            f"it may be {', '.join(_KEYS)}",
            "Leave it out, or write what it does as files and units",
        )
        for key in config
        if key not in _KEYS
    ]
    packages = list(_packages(_list(config, "packages", faults), machine, faults, notes))
    files = [
        file
        for index, entry in enumerate(_list(config, "write_files", faults))
        if (file := _file(f"write_files[{index}]", entry, machine, faults))
    ]
    commands = [
        command
        for index, entry in enumerate(_list(config, "runcmd", faults))
        for command in _commands(f"runcmd[{index}]", entry, faults)
    ]
    if faults:
        raise BootError("The user data cannot be booted", faults)
    return Plan(tuple(packages), tuple(files), tuple(commands), tuple(notes))


def _config(user_data: str, faults: list[str]) -> Mapping[Any, Any]:
    if not user_data.strip():
        return {}
    first = user_data.splitlines()[0] if user_data.splitlines() else ""
    if first.rstrip() != _HEADER:
        faults.append(
            fault(
                "The first line of the user data",
                shown(first),
                f"{_HEADER} is the only kind the lab boots",
                f"Write it as {_HEADER}",
            )
        )
        return {}
    try:
        config = yaml.safe_load(user_data)
    # YAML's constructors raise whatever a scalar with a wrong tag makes them: IndexError for an
    # empty !!int, KeyError for !!bool, AttributeError for !!timestamp, RecursionError for depth.
    except Exception as error:  # noqa: BLE001
        why = " ".join(str(error).split()) or type(error).__name__
        faults.append(
            fault("The user data", f"not YAML ({shown(why)})", "it has to be", "Mend it there")
        )
        return {}
    if config is None:
        return {}
    if not isinstance(config, dict):
        faults.append(
            fault("The user data", shown(config), "it has to be a mapping", "Give it keys")
        )
        return {}
    return cast("dict[Any, Any]", config)


def _list(config: Mapping[Any, Any], key: str, faults: list[str]) -> list[Any]:
    found = config.get(key)
    if found is None:
        return []
    if isinstance(found, list):
        return cast("list[Any]", found)
    faults.append(fault(key, shown(found), "it has to be a list", "Write one entry a line"))
    return []


def _packages(
    entries: list[Any], machine: Machine, faults: list[str], notes: list[str]
) -> Iterator[str]:
    for index, name in enumerate(entries):
        where = f"packages[{index}]"
        if not isinstance(name, str) or not _PACKAGE.fullmatch(name):
            allowed = "the lab takes the name of a package, without a version"
            faults.append(fault(where, shown(name), allowed, "Write the name alone"))
        elif name in NOT_RUN:
            notes.append(f"The package {name} is not used: {NOT_RUN[name]}.")
        elif name not in machine.packages:
            faults.append(
                fault(
                    where,
                    f"{name}, which is not on this machine",
                    "the lab installs nothing",
                    f"Install it with: sudo apt-get install --no-install-recommends {name}",
                )
            )
        else:
            yield name


def _file(where: str, entry: Any, machine: Machine, faults: list[str]) -> WrittenFile | None:
    if not isinstance(entry, dict):
        allowed = "it has to be a mapping with a path and a content"
        faults.append(fault(where, shown(entry), allowed, "Write it as one"))
        return None
    fields = cast("dict[Any, Any]", entry)
    before = len(faults)
    faults += [
        fault(
            f"The key {shown(key)} of {where}",
            "not one that the lab knows",
            f"it may be {', '.join(_FILE_KEYS)}",
            "Leave it out",
        )
        for key in fields
        if key not in _FILE_KEYS
    ]
    path = fields.get("path")
    if not isinstance(path, str) or not _is_path(path):
        allowed = "it has to be the path of a file from the root, without . and .."
        faults.append(fault(f"{where}.path", shown(path), allowed, "Write it in full"))
    elif f"/{path.split('/')[1]}" in _OF_THE_KERNEL:
        allowed = f"what is below {', '.join(_OF_THE_KERNEL)} is this machine's kernel's"
        mend = "Set what belongs to the network with a file of /etc/sysctl.d, and nothing else"
        faults.append(fault(f"{where}.path", shown(path), allowed, mend))
    content = _content(where, fields, faults)
    permissions = _permissions(where, fields.get("permissions"), faults)
    owner = fields.get("owner", _OWNER)
    if not _is_owner(owner, machine.users, machine.groups):
        allowed = "it has to be a user and a group that this machine has, as in root:root"
        faults.append(fault(f"{where}.owner", shown(owner), allowed, "Name others"))
    elif fields.get("defer") is not True and not _is_owner(
        owner, machine.base_users, machine.base_groups
    ):
        allowed = "without defer, a file is written before packages bring their users and groups"
        mend = "Add defer: true to it, or cloud-init writes neither it nor any file after it"
        faults.append(fault(f"{where}.owner", shown(owner), allowed, mend))
    for key in ("append", "defer"):
        if not isinstance(fields.get(key, False), bool):
            allowed = "it may be true or false"
            faults.append(fault(f"{where}.{key}", shown(fields[key]), allowed, "Write one of them"))
    if len(faults) > before:
        return None
    return WrittenFile(
        path=cast("str", path),
        content=content,
        permissions=permissions,
        owner=cast("str", owner),
        append=fields.get("append", False),
        defer=fields.get("defer", False),
    )


def _is_path(path: str) -> bool:
    first, *parts = path.split("/")
    return (
        not first
        and bool(parts)
        and not {"", ".", ".."} & set(parts)
        and "\0" not in path
        and _is_text(path)
    )


def _is_text(text: str) -> bool:
    """Say whether a text can be encoded; YAML's escapes can make half a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_owner(owner: Any, users: frozenset[str], groups: frozenset[str]) -> bool:
    if not isinstance(owner, str):
        return False
    user, colon, group = owner.partition(":")
    return user in users and (group in groups or not colon)


def _unzipped(data: bytes) -> bytes:
    return gzip.decompress(data)


def _decoded(data: bytes) -> bytes:
    # As cloud-init does, which lets base64 have line ends.
    return base64.b64decode(data)


_ENCODINGS: Final[Mapping[str, tuple[Callable[[bytes], bytes], ...]]] = {
    "text/plain": (),
    **dict.fromkeys(("b64", "base64"), (_decoded,)),
    **dict.fromkeys(("gz", "gzip"), (_unzipped,)),
    **dict.fromkeys(("gz+b64", "gz+base64", "gzip+b64", "gzip+base64"), (_decoded, _unzipped)),
}


def _content(where: str, fields: Mapping[Any, Any], faults: list[str]) -> bytes:
    content = fields.get("content", "")
    if isinstance(content, str) and _is_text(content):
        data = content.encode()
    elif isinstance(content, bytes):
        data = content
    else:
        allowed = "it has to be text"
        faults.append(fault(f"{where}.content", shown(content), allowed, "Write it with |"))
        data = b""
    encoding = fields.get("encoding", "text/plain")
    steps = _ENCODINGS.get(encoding.lower().strip()) if isinstance(encoding, str) else None
    if steps is None:
        allowed = f"it may be {', '.join(_ENCODINGS)}"
        faults.append(fault(f"{where}.encoding", shown(encoding), allowed, "Use one of them"))
        return data
    try:
        for step in steps:
            data = step(data)
    except (binascii.Error, OSError, EOFError, zlib.error, ValueError) as error:
        found = f"not {shown(encoding)} ({shown(str(error))})"
        allowed = "it has to be what its encoding says"
        faults.append(fault(f"{where}.content", found, allowed, "Encode it again"))
    return data


def _permissions(where: str, found: Any, faults: list[str]) -> int:
    if found is None:
        return _PERMISSIONS
    mode = -1
    if isinstance(found, str):
        try:
            mode = int(found, 8)
        except ValueError:
            mode = -1
    elif isinstance(found, int) and not isinstance(found, bool):
        # YAML reads 0644 as an octal number already.
        mode = found
    if 0 <= mode <= _LARGEST_PERMISSIONS:
        return mode
    allowed = "it has to be an octal number in quotes, as '0644'"
    faults.append(fault(f"{where}.permissions", shown(found), allowed, "Write it so"))
    return _PERMISSIONS


def _commands(where: str, entry: Any, faults: list[str]) -> tuple[Command, ...]:
    words = _words(entry)
    commands = _understood(words) if words is not None else ()
    if not commands:
        found = shown(entry if words is None else " ".join(words))
        mend = "Put what it does into a unit that user data writes"
        faults.append(fault(where, found, f"the lab runs {_RUNNABLE}", mend))
    return commands


def _words(entry: Any) -> list[str] | None:
    """Return the words of a command; None for what is none, or needs a shell."""
    if isinstance(entry, str):
        if _OF_THE_SHELL & set(entry):
            return None
        try:
            return shlex.split(entry)
        except ValueError:
            return None
    if isinstance(entry, list):
        words = cast("list[Any]", entry)
        return [str(word) for word in words] if all(isinstance(w, str) for w in words) else None
    return None


def _understood(words: list[str]) -> tuple[Command, ...]:
    match words:
        case ["sysctl" | "/sbin/sysctl" | "/usr/sbin/sysctl", "--system"]:
            return (Command("sysctl"),)
        case ["systemctl" | "/bin/systemctl" | "/usr/bin/systemctl", "daemon-reload"]:
            return (Command("daemon-reload"),)
        case [
            "systemctl" | "/bin/systemctl" | "/usr/bin/systemctl",
            "enable" | "start" | "restart" as verb,
            *rest,
        ]:
            now = verb == "enable" and "--now" in rest
            names = [word for word in rest if not (now and word == "--now")]
            units = tuple(unit for name in names if (unit := _unit(name)))
            if not names or len(units) < len(names):
                return ()
            first = Command(verb, units)
            return (first, Command("start", units)) if now else (first,)
        case _:
            return ()


def _unit(name: str) -> str | None:
    """Return the full name of a service or timer; None for anything else."""
    if not _UNIT.fullmatch(name) or name.startswith("-"):
        return None
    if name.endswith((".service", ".timer")):
        return name
    return None if "." in name else f"{name}.service"
