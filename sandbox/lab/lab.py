"""A lab, from outside: opened, followed, entered and closed.

    with Lab.open(aws_url, digitalocean_url, folder) as lab:
        lab.settle()
        lab.run("ipv6-only", "curl", "https://api.example.com/echo")

The clouds' APIs listen on this machine's loopback, which nothing inside a lab reaches. So they are
read here, and the result is handed over.
"""

import contextlib
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Final, Self

import psutil
from filelock import FileLock, Timeout

from sandbox.debian import find_program
from sandbox.lab import dns, droplet, edge, origin
from sandbox.lab import read as clouds
from sandbox.lab.deployed import Deployed
from sandbox.lab.differences import differences
from sandbox.lab.door import (
    ASK_SECONDS,
    NOTE,
    SETTLE_SECONDS,
    SOCKET,
    SYSTEM_PATH,
    Door,
    LabError,
    start_ticks,
)
from sandbox.lab.droplet import control_groups, roots
from sandbox.lab.lab_settings import LabSettings
from sandbox.lab.world import DEPLOYED, HOSTS

POLL_SECONDS: Final = 0.5
"""How often the clouds are asked whether anything changed."""

START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 10.0

PROGRAMS: Final = ("ip", "nft", "nsenter", "unshare", "setpriv")
"""What this module and the network need; what runs on the hosts is asked for where it is used."""

OUTPUTS: Final = "outputs.json"


def faults(system: str | None = None, uid: int | None = None) -> list[str]:
    """Return why no lab can be opened on this machine, one line each; none: it can.

    Args:
        system: The kernel's name; None: this machine's.
        uid: The user's number; None: the caller's.
    """
    system = platform.system() if system is None else system
    uid = os.geteuid() if uid is None else uid
    if system != "Linux":
        return [f"The system is {system}; the lab needs Linux. Use Debian 12 or 13."]
    reasons: list[str] = []
    if uid != 0:
        reasons.append(f"The user is number {uid}; the lab needs root, number 0. Use sudo.")
    elif fault := control_groups.fault():
        reasons.append(fault)
    for name in PROGRAMS:
        try:
            find_program(name)
        except FileNotFoundError as fault:
            reasons.append(str(fault))
    return reasons


class Lab(Door):
    """A lab that this process opened, and that ends with it."""

    def __init__(
        self,
        urls: tuple[str, str],
        folder: Path,
        lock: FileLock,
        say: Callable[[str], None],
    ) -> None:
        """Start a world; use `Lab.open`."""
        super().__init__(folder, 0)
        self._urls = urls
        self._process = _spawn(folder)
        self._folder_lock = lock
        self._say = say
        self._closing = Event()
        self._reading = Lock()
        self._deployed: Deployed | None = None
        self._changes: tuple[str, str] | None = None
        self._heard = 0
        self._follower = Thread(target=self._follow, name="lab", daemon=True)

    @classmethod
    def open(
        cls,
        aws_url: str,
        digitalocean_url: str,
        folder: Path,
        settings: LabSettings | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> Self:
        """Open a lab of what is deployed, and follow what is deployed until it is closed.

        It is not yet all there when this returns: `settle` waits for that.

        Args:
            aws_url: Where the sandbox's AWS listens.
            digitalocean_url: Where its DigitalOcean listens.
            folder: The lab's folder; one lab at a time may be in it. What an older one left there
                is removed, but its certificate authority stays.
            settings: What is set from the start.
            say: Gets a line for each change, from a thread of its own.

        Raises:
            LabError: No lab can be opened on this machine, or one is open in the folder.
            ReadError: What is deployed cannot be read.
        """
        settings = settings or LabSettings()
        if reasons := [*faults(), *settings.faults()]:
            raise LabError("\n".join(reasons))
        folder = folder.absolute()
        lock = _take(folder)
        try:
            lab = cls((aws_url, digitalocean_url), folder, lock, say)
        except BaseException:
            lock.release()
            raise
        try:
            state = lab._read()  # while the world starts
            _require_roots(state[1] or Deployed())
            lab.pid = _started(lab._process, folder)
            opener = {"pid": os.getpid(), "ticks": start_ticks(os.getpid())}
            note = {"pid": lab.pid, "ticks": start_ticks(lab.pid), "opener": opener}
            (folder / NOTE).write_text(json.dumps(note))
            lab.set(settings)
            lab._hand_over(*state)
        except BaseException:
            lab.close()
            raise
        lab._follower.start()
        return lab

    @property
    def deployed(self) -> Deployed:
        """What was deployed when the clouds were read the last time."""
        assert self._deployed is not None  # noqa: S101 - `open` reads before it returns
        return self._deployed

    def unsupported(self) -> list[str]:
        """Return what is deployed that the lab cannot stand in for."""
        return _unsupported(self.deployed)

    def look(self) -> None:
        """Read the clouds, and hand over what is deployed now if it is another thing.

        Raises:
            ReadError: They cannot be read.
        """
        with self._reading:
            self._hand_over(*self._read())

    def _read(self) -> tuple[tuple[str, str], Deployed | None]:
        """Return where the clouds stand, and what is deployed now; None: what was handed over."""
        now = clouds.changes(*self._urls)
        if now == self._changes:
            return now, None
        deployed = clouds.read(*self._urls)
        return now, None if deployed == self._deployed else deployed

    def _hand_over(self, now: tuple[str, str], deployed: Deployed | None) -> None:
        before = self._deployed
        if deployed is not None:
            self._ask({"do": "apply", "deployed": DEPLOYED.dump_python(deployed, mode="json")})
            self._deployed = deployed
        self._changes = now  # not before: what the world did not take is handed over again
        if before is not None and deployed is not None:
            for line in differences(before, deployed):
                self._say(line)
            earlier = _unsupported(before)
            for line in _unsupported(deployed):
                if line not in earlier:
                    self._say(f"Not in the lab: {line}")

    def settle(self, timeout: float = SETTLE_SECONDS) -> None:
        """Wait until what is deployed now, as it is set now, is what runs.

        Raises:
            NotSettledError: It does not in time.
            ReadError: What is deployed cannot be read.
        """
        self.look()
        self.wait(timeout)

    def close(self) -> None:
        """End the lab and everything in it, and wait until it has."""
        self._closing.set()
        # First: it ends the world, and so each thread that waits for an answer of the world.
        assert self._process.stdin is not None  # noqa: S101 - it was asked for
        self._process.stdin.close()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        with contextlib.suppress(OSError):
            control_groups.remove_empty()
        if self._follower.is_alive():
            self._follower.join()
        self.disconnect()
        (self.folder / NOTE).unlink(missing_ok=True)
        self._folder_lock.release()

    def __enter__(self) -> Self:
        """Return the lab."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the lab."""
        self.close()

    def _follow(self) -> None:
        fault = ""
        while not self._closing.wait(POLL_SECONDS):
            try:
                self.look()
                events = self.status(self._heard)["events"]
            except Exception as error:  # noqa: BLE001 - after any error the next change is followed
                if self._closing.is_set():
                    return
                expected = isinstance(error, clouds.ReadError | LabError)
                message = (
                    str(error) if expected else f"What is deployed cannot be followed: {error!r}."
                )
                # Told once; what was deployed last goes on running.
                if message != fault:
                    self._say(message)
                fault = message
                continue
            fault = ""
            self._heard += len(events)
            for line in events:
                self._say(line)


def _require_roots(deployed: Deployed) -> None:
    """Have what droplets boot from.

    Raises:
        LabError: It was never made.
    """
    if lines := roots.missing(each.image for each in deployed.droplets):
        raise LabError("\n".join(lines))


def _unsupported(deployed: Deployed) -> list[str]:
    return [
        *edge.unsupported(deployed),
        *dns.unsupported(deployed),
        *droplet.unsupported(deployed),
        *origin.unsupported(deployed),
    ]


def _take(folder: Path) -> FileLock:
    """Return the lock of a folder, rid of what an older lab left.

    Only its owner may look into it: there are keys in it, configurations with what lets requests
    into the origin, and a socket that obeys.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    lock = FileLock(folder / "lock", timeout=0)
    try:
        lock.acquire()
    except Timeout as fault:
        raise LabError(
            f"A lab is open in {folder} already; a folder has one at a time. "
            "Close it with Ctrl-C, or enter it: .venv/bin/dualstack sandbox lab enter ipv6-only"
        ) from fault
    shutil.rmtree(folder / HOSTS, ignore_errors=True)
    for name in (SOCKET, NOTE, OUTPUTS):
        (folder / name).unlink(missing_ok=True)
    return lock


def _spawn(folder: Path) -> "subprocess.Popen[bytes]":
    """Start the world in namespaces of its own; it ends when its standard input does."""
    with (folder / "world.log").open("wb") as log:
        return subprocess.Popen(
            [
                *(str(find_program("unshare")), "--net", "--pid", "--mount"),
                *("--fork", "--mount-proc", "--kill-child=SIGKILL", "--"),
                *(sys.executable, "-P", "-m", "sandbox.lab.world", str(folder)),
            ],
            env={**os.environ, "PATH": SYSTEM_PATH, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            # Ctrl-C is the opener's to take; it closes the lab then.
            start_new_session=True,
        )


def _started(process: "subprocess.Popen[bytes]", folder: Path) -> int:
    """Wait until the world listens, and return its first process."""
    deadline = time.monotonic() + START_SECONDS
    while not (folder / SOCKET).exists():
        if process.poll() is not None or time.monotonic() > deadline:
            log_text = (folder / "world.log").read_text(errors="replace").strip()
            raise LabError(f"The lab does not start. Its log says:\n{log_text or '(nothing)'}")
        time.sleep(ASK_SECONDS)
    return psutil.Process(process.pid).children()[0].pid
