"""Processes of the guest: made with what their unit asks for, and found again wherever they go.

systemd finds the processes of a service by its control group. Control groups cannot be had
everywhere the lab runs, and the usual ways without them lose some: a daemon leaves its parent, its
session and its process group, and nginx overwrites its environment. A namespace is never left
without the right to, and children inherit it. So every command gets a mount namespace of its own,
as systemd gives it too to lock it in, and whoever is in that one belongs to it. Linux gives the
number of a namespace that is gone to a new one, so each is held for as long as it is asked for.

The guest shares its users with this machine: its root is the same. So no process of it has a
capability that reaches beyond its own files and network, whatever its unit says: the read-only
mounts over this machine's kernel hold against those who may not mount.

This needs process 1 of a PID namespace, to which all orphans come.
"""

import asyncio
import os
import resource
import signal
import socket
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from sandbox.lab.droplet import kernel

UNKNOWN: Final = 256
"""The exit code of a process that ended unseen, which none has."""

_CANNOT_RUN: Final = 203
"""Source: systemd.exec(5), 'Process Exit Codes', EXIT_EXEC."""

_SETPRIV: Final = "/usr/bin/setpriv"

_CAPABILITIES: Final[Mapping[str, int]] = {
    "chown": 0,
    "dac_override": 1,
    "fowner": 3,
    "fsetid": 4,
    "kill": 5,
    "setgid": 6,
    "setuid": 7,
    "setpcap": 8,
    "net_bind_service": 10,
    "net_broadcast": 11,
    "net_admin": 12,
    "net_raw": 13,
    "ipc_lock": 14,
    "ipc_owner": 15,
    "sys_chroot": 18,
    "sys_nice": 23,
    "sys_resource": 24,
    "lease": 28,
    "audit_write": 29,
    "setfcap": 31,
}
"""What a process of a guest can have at most. Not among them: to mount, to make devices, to load
modules, to open files by handle, to trace, to boot, to set the clock, to read the kernel's log.
Source of the numbers: Linux, include/uapi/linux/capability.h."""


@dataclass(frozen=True)
class Limits:
    """What a process may."""

    open_files: int | None = None
    """How many files it may have open; None: as many as the guest."""
    capabilities: tuple[str, ...] | None = None
    """The only capabilities it can have; None: all that a guest has."""
    no_new_privileges: bool = False
    """Whether no program gains privileges."""
    read_only: bool = False
    """Whether the guest's files are read-only, but for `writable`."""
    writable: tuple[str, ...] = ()
    """Folders that stay writable."""


@dataclass(frozen=True)
class Process:
    """A process that was made."""

    pid: int
    """Its id."""
    namespace: int
    """A file that holds its mount namespace, which all that come from it share; to be closed."""
    output: int
    """A pipe with what it and all that come from it print."""


class Processes:
    """Makes processes, and tells when they end."""

    def __init__(self) -> None:
        """Begin to look after all processes that end; needs a running event loop."""
        self._waiting: dict[int, list[asyncio.Future[int]]] = {}
        asyncio.get_running_loop().add_signal_handler(signal.SIGCHLD, self._reap)

    def _reap(self) -> None:
        with suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                for waiter in self._waiting.pop(pid, []):
                    if not waiter.done():
                        waiter.set_result(os.waitstatus_to_exitcode(status))

    def end_of(self, pid: int) -> asyncio.Future[int]:
        """Return what will tell a process's exit code, a negative one for the signal it died of."""
        waiter: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            waiter.set_result(UNKNOWN)
        else:
            self._waiting.setdefault(pid, []).append(waiter)
        return waiter

    def make(self, words: Sequence[str], environment: Mapping[str, str], limits: Limits) -> Process:
        """Start a program in a mount namespace of its own.

        Raises:
            OSError: It could not be started.
        """
        reader, writer = os.pipe2(os.O_CLOEXEC)
        told, tell = socket.socketpair()
        with told:
            pid = os.fork()
            if pid == 0:
                _become(words, environment, limits, writer, tell)
            os.close(writer)
            tell.close()
            first, held, _, _ = socket.recv_fds(told, 1, 1)
            # Nothing more comes once the program is executed, for that closes the socket.
            with told.makefile("rb") as file:
                fault = (file.read() if held else first + file.read()).decode()
        if fault or not held:
            for descriptor in (reader, *held):
                os.close(descriptor)
            raise OSError(fault or f"{words[0]}: it ended early")
        return Process(pid, held[0], reader)


def _become(
    words: Sequence[str],
    environment: Mapping[str, str],
    limits: Limits,
    output: int,
    tell: socket.socket,
) -> NoReturn:
    """Turn this process, just forked, into the program."""
    try:
        os.setsid()
        kernel.unshare(kernel.NEW_MOUNTS)
        namespace = os.open("/proc/self/ns/mnt", os.O_RDONLY)
        socket.send_fds(tell, [b"."], [namespace])
        if limits.read_only:
            for folder in limits.writable:
                path = Path(folder)
                kernel.mount(folder, path, flags=kernel.BIND)
            only_read = kernel.REMOUNT | kernel.BIND | kernel.READ_ONLY
            kernel.mount("", Path("/"), flags=only_read)
        if limits.open_files is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limits.open_files, limits.open_files))
        nothing = os.open(os.devnull, os.O_RDONLY)
        for descriptor, number in ((nothing, 0), (output, 1), (output, 2)):
            os.dup2(descriptor, number)
        # Python ignores these, and a program would inherit that.
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        kernel.keep_capabilities(_CAPABILITIES.values())
        command = [*_setpriv(limits), *words]
        os.execve(command[0], command, dict(environment))  # noqa: S606 - no shell is wanted
    except BaseException as error:  # noqa: BLE001 - nothing may run on as a second process 1
        tell.send(f"{words[0]}: {error}".encode())
    os._exit(_CANNOT_RUN)


def _setpriv(limits: Limits) -> list[str]:
    """Return the command that takes away what a process may not have."""
    options: list[str] = []
    if limits.capabilities is not None:
        names = ["-all", *(f"+{name}" for name in limits.capabilities if name in _CAPABILITIES)]
        options.append(f"--bounding-set={','.join(names)}")
    if limits.no_new_privileges:
        options.append("--no-new-privs")
    return [_SETPRIV, *options, "--"] if options else []


def members(namespaces: Collection[int]) -> list[int]:
    """Return the processes in the mount namespaces that these files hold."""
    numbers = {os.fstat(namespace).st_ino for namespace in namespaces}
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]
    return [pid for pid in pids if _namespace_of(pid) in numbers]


def _namespace_of(pid: int) -> int | None:
    """Return the number of a process's mount namespace, None once it is gone."""
    try:
        return Path(f"/proc/{pid}/ns/mnt").stat().st_ino
    except OSError:
        return None


def send(number: signal.Signals, pids: Collection[int]) -> None:
    """Send a signal to those processes that still are."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
