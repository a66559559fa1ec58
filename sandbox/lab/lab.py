"""A lab, from outside: opened, followed, entered and closed.

    with Lab.open(aws_url, digitalocean_url, folder) as lab:
        lab.settle()
        lab.run("ipv6-only", "curl", "https://api.example.com/echo")

The clouds' APIs listen on this machine's loopback, which nothing inside a lab reaches. So they are
read here, and what they told is handed over.
"""

import contextlib
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event, Lock, Thread
from typing import IO, Any, Final, Self

import psutil
from filelock import FileLock, Timeout

from sandbox.debian import find_program
from sandbox.lab import dns, edge, origin
from sandbox.lab import read as clouds
from sandbox.lab.deployed import Deployed
from sandbox.lab.differences import differences
from sandbox.lab.lab_settings import LabSettings
from sandbox.lab.network import ROUTER
from sandbox.lab.world import DEPLOYED, HOSTS, SETTINGS, SOCKET

POLL_SECONDS: Final = 0.5
"""How often the clouds are asked whether anything changed."""

ASK_SECONDS: Final = 0.05
"""How often the world is asked whether it has come so far."""

START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 10.0
SETTLE_SECONDS: Final = 60.0
"""How long a lab may take to be what is deployed; one that is made anew needs some 5."""

ANSWER_SECONDS: Final = 60.0
"""How long the world may take for an answer. It makes nothing before it answers; so only a machine
that is loaded heavily needs a part of it."""

PROGRAMS: Final = ("ip", "nft", "nsenter", "unshare", "setpriv")
"""What this module and the network need; what runs on the hosts is asked for where it is used."""

SYSTEM_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
TRUST: Final = ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE")
"""Variables that name the certificates that OpenSSL, curl and Python's `requests` trust."""

RATE: Final = ("DUALSTACK_VERIFY_RATE", "1000")
"""Requests per second that `dualstack verify` may start by itself. Its own default spares an API
that has users; the lab's has none, so its concurrency and this machine are what limits it."""

OUTSIDE: Final = tuple(
    spelled
    for name in ("all_proxy", "http_proxy", "https_proxy", "ssl_cert_dir")
    for spelled in (name, name.upper())
)
"""Variables of the caller's that would lead commands out of the lab, or to trust others."""

NOTE: Final = "lab.json"
OUTPUTS: Final = "outputs.json"


class LabError(RuntimeError):
    """The lab cannot be opened, entered or changed; the message says why and what to do."""


class NotSettledError(LabError):
    """What is deployed does not run yet; the message says what is missing."""


@dataclass(frozen=True)
class HostSeen:
    """A host of an open lab."""

    name: str
    """Its name."""
    role: str
    """What it stands for."""
    addresses: tuple[str, ...]
    """Its addresses, without the lengths of prefixes, those that are routed to it last."""
    pid: int
    """The process that holds its namespaces, as this machine numbers it; for `nsenter --target`."""


def faults(system: str | None = None, uid: int | None = None) -> list[str]:
    """Return why no lab can be opened on this machine, one line each; none: it can.

    Args:
        system: The kernel's name; None: this machine's.
        uid: The user's number; None: that of whoever calls.
    """
    system = platform.system() if system is None else system
    uid = os.geteuid() if uid is None else uid
    if system != "Linux":
        return [f"The system is {system}; the lab needs Linux. Use Debian 12 or 13."]
    found: list[str] = []
    if uid != 0:
        found.append(f"The user is number {uid}; the lab needs root, number 0. Use sudo.")
    for name in PROGRAMS:
        try:
            find_program(name)
        except FileNotFoundError as fault:
            found.append(str(fault))
    return found


class Door:
    """What can be done to a lab that is open, by whoever opened it or anybody else."""

    def __init__(self, folder: Path, pid: int, *, answer_seconds: float = ANSWER_SECONDS) -> None:
        """Stand before an open lab.

        Args:
            folder: Its folder.
            pid: Its first process, as this machine numbers it.
            answer_seconds: How long it may take for an answer.
        """
        self.folder = folder
        self.pid = pid
        self._answer_seconds = answer_seconds
        self._connection: socket.socket | None = None
        self._answers: IO[bytes] | None = None
        self._lock = Lock()

    @classmethod
    def find(cls, folder: Path) -> Self:
        """Return the door of the lab that is open in a folder.

        Raises:
            LabError: There is none.
        """
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, ValueError):
            note: dict[str, Any] = json.loads((folder / NOTE).read_text())
            if start_ticks(note["pid"]) == note["ticks"]:
                return cls(folder, note["pid"])
        raise LabError(
            f"No lab is open in {folder}; one must be. Open it in another terminal: make lab"
        )

    @property
    def ca(self) -> Path:
        """The certificate (PEM) that clients are to trust."""
        return self.folder / "trust" / "ca.pem"

    @property
    def settings(self) -> LabSettings:
        """What is set."""
        return SETTINGS.validate_python(self.status()["settings"])

    @property
    def hosts(self) -> dict[str, HostSeen]:
        """The hosts there are, by name."""
        outer = _numbers(self.pid)
        return {
            found["name"]: HostSeen(
                found["name"],
                found["role"],
                tuple(one.partition("/")[0] for one in found["addresses"])
                + tuple(one.removesuffix("/128") for one in found["routed"]),
                outer.get(found["pid"], 0),
            )
            for found in self.status()["hosts"]
        }

    def status(self, since: int = 0) -> dict[str, Any]:
        """Return what the world says about itself.

        Args:
            since: How many of the lines of what happened are known.
        """
        return self._ask({"do": "status", "since": since})

    def set(self, settings: LabSettings) -> None:
        """Have other settings; `settle` waits until they hold.

        Raises:
            LabError: One of them is not allowed.
        """
        if found := settings.faults():
            raise LabError("\n".join(found))
        self._ask({"do": "set", "settings": SETTINGS.dump_python(settings, mode="json")})

    def change(self, **settings: Any) -> None:
        """Change the settings that are named, by their names in `LabSettings`; the others stay."""
        self.set(replace(self.settings, **settings))

    def command(self, host: str, *command: str, env: Mapping[str, str] | None = None) -> list[str]:
        """Return the command that runs another one on a host, from this machine.

        It ends with the process that runs it, and with the lab.

        Args:
            host: Name of the host.
            command: What to run there, in the current folder.
            env: Variables beside the caller's own and `environment`.

        Raises:
            LabError: There is no such host.
        """
        inner = {found["name"]: found["pid"] for found in self.status()["hosts"]}
        if host not in inner:
            raise LabError(
                f"The host is {host}; there are {', '.join(sorted(inner))}. Name one of these."
            )
        variables = {**self.environment(), **(env or {})}
        nsenter = str(find_program("nsenter"))
        return [
            *(nsenter, "--target", str(self.pid), "--pid", "--mount", "--net", "--"),
            *(nsenter, "--target", str(inner[host]), "--mount", "--net", "--"),
            *(str(find_program("setpriv")), "--pdeathsig", "KILL", "--"),
            *("/usr/bin/env", f"--chdir={Path.cwd()}", *(f"--unset={name}" for name in OUTSIDE)),
            *(f"{name}={value}" for name, value in variables.items()),
            *command,
        ]

    def environment(self) -> dict[str, str]:
        """Return the variables of a command inside: it trusts the lab, finds ours, and hurries."""
        return {
            "PATH": f"{Path(sys.executable).parent}:{SYSTEM_PATH}",
            **dict.fromkeys(TRUST, str(self.ca)),
            RATE[0]: RATE[1],
        }

    def run(
        self,
        host: str,
        *command: str,
        env: Mapping[str, str] | None = None,
        timeout: float = 30.0,
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command on a host and return how it ended and what it said.

        Args:
            host: Name of the host.
            command: What to run there, in the current folder.
            env: Variables beside the caller's own and `environment`.
            timeout: Seconds until it is killed.

        Raises:
            LabError: There is no such host.
            subprocess.TimeoutExpired: It took too long.
        """
        return subprocess.run(
            self.command(host, *command, env=env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def wait(self, timeout: float = SETTLE_SECONDS) -> None:
        """Wait until what was handed over runs.

        Raises:
            NotSettledError: It does not in time.
        """
        deadline = time.monotonic() + timeout
        while not (status := self.status())["settled"]:
            if time.monotonic() > deadline:
                raise NotSettledError(_unsettled(status, timeout, self.folder))
            time.sleep(ASK_SECONDS)

    def disconnect(self) -> None:
        """Say good-bye to the world; the next question connects again."""
        with self._lock:
            self._hang_up()

    def _hang_up(self) -> None:
        for end in (self._answers, self._connection):
            if end is not None:
                end.close()
        self._answers = self._connection = None

    def _ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        with self._lock:
            try:
                answer = json.loads(self._exchange(json.dumps(question).encode() + b"\n"))
            except TimeoutError as fault:
                self._hang_up()
                raise LabError(
                    f"The lab in {self.folder} has not answered for {self._answer_seconds:g} s; "
                    f"it is stuck. See {self.folder / 'world.log'}, close it, and open it again."
                ) from fault
            except (OSError, ValueError) as fault:
                self._hang_up()
                raise LabError(
                    f"The lab in {self.folder} does not answer; it has ended. "
                    f"See {self.folder / 'world.log'}, and open it again."
                ) from fault
        if "error" in answer:
            raise LabError(answer["error"])
        return answer

    def _exchange(self, line: bytes) -> bytes:
        if self._connection is None or self._answers is None:
            self._connection = socket.socket(socket.AF_UNIX)
            self._connection.settimeout(self._answer_seconds)
            # Over the folder's descriptor: a socket's path has 107 bytes at most.
            folder = os.open(self.folder, os.O_PATH)
            try:
                self._connection.connect(f"/proc/self/fd/{folder}/{SOCKET}")
            finally:
                os.close(folder)
            self._answers = self._connection.makefile("rb")
        self._connection.sendall(line)
        return self._answers.readline()


def _unsettled(status: Mapping[str, Any], timeout: float, folder: Path) -> str:
    missing = [
        f"{found['name']} on {found['host']} is {found['state']} (started {found['starts']} times)"
        for found in status["programs"]
        if not found["settled"]
    ]
    way = ["a change is on its way to the edge nodes"] if status["pending"] else []
    told = "; ".join([*([status["fault"]] if status["fault"] else []), *missing, *way])
    return (
        f"The lab is not what is deployed after {timeout:g} s: {told or 'a change is under way'}. "
        f"The programs' logs are in {folder / 'hosts'}."
    )


def start_ticks(pid: int) -> int:
    """Return when a process started, in ticks since this machine did.

    With its number this tells it from every other process. Not as a time of day: that moves when
    the clock is set, and then the process seems to be another.

    Raises:
        FileNotFoundError: There is no such process.
        ProcessLookupError: It ended just now.

    Source: proc_pid_stat(5), field 22. The second field is a name in brackets that may contain
    anything, so the fields are counted from its last bracket.
    """
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[22 - 3])


def _numbers(init: int) -> dict[int, int]:
    """Return how this machine numbers the processes of a PID namespace, by their own numbers."""
    found: dict[int, int] = {}
    with contextlib.suppress(OSError):
        namespace = Path(f"/proc/{init}/ns/pid").readlink()
        for entry in Path("/proc").iterdir():
            if not entry.name.isdecimal():
                continue
            with contextlib.suppress(OSError):
                if (entry / "ns/pid").readlink() == namespace:
                    lines = (entry / "status").read_text().splitlines()
                    numbers = next(line for line in lines if line.startswith("NSpid:")).split()
                    found[int(numbers[-1])] = int(entry.name)
    return found


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
        self._known: tuple[str, str] | None = None
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
            say: Gets a line for whatever changes, from a thread of its own.

        Raises:
            LabError: No lab can be opened on this machine, or one is open in the folder.
            ReadError: What is deployed cannot be read.
        """
        settings = settings or LabSettings()
        if found := [*faults(), *settings.faults()]:
            raise LabError("\n".join(found))
        folder = folder.absolute()
        lock = _take(folder)
        try:
            lab = cls((aws_url, digitalocean_url), folder, lock, say)
        except BaseException:
            lock.release()
            raise
        try:
            found = lab._read()  # while the world starts
            lab.pid = _started(lab._process, folder)
            note = {"pid": lab.pid, "ticks": start_ticks(lab.pid)}
            (folder / NOTE).write_text(json.dumps(note))
            lab.set(settings)
            lab._hand_over(*found)
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
        if now == self._known:
            return now, None
        found = clouds.read(*self._urls)
        return now, None if found == self._deployed else found

    def _hand_over(self, now: tuple[str, str], found: Deployed | None) -> None:
        before = self._deployed
        if found is not None:
            self._ask({"do": "apply", "deployed": DEPLOYED.dump_python(found, mode="json")})
            self._deployed = found
        self._known = now  # not before: what the world did not take is handed over again
        if before is not None and found is not None:
            for line in differences(before, found):
                self._say(line)
            known = _unsupported(before)
            for line in _unsupported(found):
                if line not in known:
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
        # First of all: it ends the world, which ends whoever waits for an answer of the world.
        assert self._process.stdin is not None  # noqa: S101 - it was asked for
        self._process.stdin.close()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
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
            except Exception as found:  # noqa: BLE001 - whatever it is, the next change is followed
                if self._closing.is_set():
                    return
                known = isinstance(found, clouds.ReadError | LabError)
                told = str(found) if known else f"What is deployed cannot be followed: {found!r}."
                # Told once; what was deployed last goes on running.
                if told != fault:
                    self._say(told)
                fault = told
                continue
            fault = ""
            self._heard += len(events)
            for line in events:
                self._say(line)


def _unsupported(deployed: Deployed) -> list[str]:
    return [*edge.unsupported(deployed), *dns.unsupported(deployed), *origin.unsupported(deployed)]


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
            said = (folder / "world.log").read_text(errors="replace").strip()
            raise LabError(f"The lab does not start. Its log says:\n{said or '(nothing)'}")
        time.sleep(ASK_SECONDS)
    return psutil.Process(process.pid).children()[0].pid


__all__ = ["ROUTER", "Door", "HostSeen", "Lab", "LabError", "NotSettledError", "faults"]
