"""The door of an open lab: what can be done to it, by the process that opened it or by another."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import IO, Any, Final, Self

from filelock import FileLock, Timeout

from sandbox.debian import find_program
from sandbox.lab.lab_settings import SETTINGS, LabSettings

ASK_SECONDS: Final = 0.05
"""How often the world is asked whether it has come so far, in the first second."""

SETTLE_SECONDS: Final = 120.0
"""How long a lab may take to be what is deployed. With two droplets that boot it needs some 10 on a
machine that does nothing else."""

ANSWER_SECONDS: Final = 60.0
"""How long the world may take for an answer. It makes nothing before it answers; so only a machine
that is loaded heavily needs a part of it."""

SYSTEM_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
TRUST: Final = ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE")
"""Variables that name the certificates that OpenSSL, curl and Python's `requests` trust."""

OF_VERIFY: Final = {"RATE": "1000", "SLOWEST": "8", "LARGEST": str(2**20 + 1)}
"""Other defaults of `dualstack verify`: its own spare an API that has users, and try what takes a
minute and 32 MiB. A check of errors takes 12 seconds anyway, and most limits are 1 MiB."""

OUTSIDE: Final = tuple(
    spelled
    for name in ("all_proxy", "http_proxy", "https_proxy", "ssl_cert_dir")
    for spelled in (name, name.upper())
)
"""Variables of the caller's that would lead commands out of the lab, or to trust others."""

NOTE: Final = "lab.json"

CLOSE_SECONDS: Final = 30.0
"""How long a lab may take to close."""

SOCKET: Final = "control"
"""The name, in the lab's folder, of the socket that the world answers on."""


class LabError(RuntimeError):
    """The lab cannot be opened, entered or changed; the message says why and what to do."""


class NotSettledError(LabError):
    """What is deployed does not run yet; the message says what is missing."""


@dataclass(frozen=True)
class OpenHost:
    """A host of an open lab."""

    name: str
    """Its name."""
    role: str
    """What it stands for."""
    addresses: tuple[str, ...]
    """Its addresses, without the lengths of prefixes, those that are routed to it last."""
    pid: int
    """The process that holds its namespaces, as this machine numbers it; for `nsenter --target`."""


class Door:
    """What can be done to a lab that is open, by the process that opened it or another."""

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

    @staticmethod
    def close_any(folder: Path, seconds: float = CLOSE_SECONDS) -> bool:
        """Have the process that opened the lab of a folder close it; say whether there was one.

        Raises:
            LabError: It does not close it in time.
        """
        try:
            opener = json.loads((folder / NOTE).read_text())["opener"]
            if start_ticks(opener["pid"]) != opener["ticks"]:
                return False
            os.kill(opener["pid"], signal.SIGTERM)
            with FileLock(folder / "lock", timeout=seconds):
                return True
        except (FileNotFoundError, ProcessLookupError, ValueError, KeyError):
            return False
        except Timeout as fault:
            raise LabError(
                f"The lab in {folder} is still open after {seconds:g} s. End it with Ctrl-C in its "
                "terminal, and then: make down"
            ) from fault

    @property
    def ca(self) -> Path:
        """The certificate (PEM) that clients are to trust."""
        return self.folder / "trust" / "ca.pem"

    @property
    def settings(self) -> LabSettings:
        """What is set."""
        return SETTINGS.validate_python(self.status()["settings"])

    @property
    def hosts(self) -> dict[str, OpenHost]:
        """The hosts there are, by name."""
        outer = _numbers(self.pid)
        return {
            host["name"]: OpenHost(
                host["name"],
                host["role"],
                tuple(one.partition("/")[0] for one in host["addresses"])
                + tuple(one.removesuffix("/128") for one in host["routed"]),
                outer.get(host["pid"], 0),
            )
            for host in self.status()["hosts"]
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
        if faults := settings.faults():
            raise LabError("\n".join(faults))
        self._ask({"do": "set", "settings": SETTINGS.dump_python(settings, mode="json")})

    def change(self, **settings: Any) -> None:
        """Change the settings that are named, by their names in `LabSettings`; the others stay."""
        self.set(replace(self.settings, **settings))

    def command(
        self, host: str, *command: str, env: Mapping[str, str] | None = None, pids: bool = True
    ) -> list[str]:
        """Return the command that runs another one on a host, from this machine.

        It ends with the process that runs it, and with the lab.

        Args:
            host: Name of the host.
            command: What to run there, in the current folder.
            env: Variables beside the caller's own and `environment`.
            pids: Whether it enters the lab's PID namespace, for which `nsenter` stays in between.

        Raises:
            LabError: There is no such host.
        """
        inner = {each["name"]: each["pid"] for each in self.status()["hosts"]}
        if host not in inner:
            raise LabError(
                f"The host is {host}; there are {', '.join(sorted(inner))}. Name one of these."
            )
        variables = {**self.environment(), **(env or {})}
        nsenter = str(find_program("nsenter"))
        return [
            *(nsenter, "--target", str(self.pid), *(["--pid"] if pids else [])),
            *("--mount", "--net", "--"),
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
            **{f"DUALSTACK_VERIFY_{name}": value for name, value in OF_VERIFY.items()},
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
        began = time.monotonic()
        while not (status := self.status())["settled"]:
            if time.monotonic() - began > timeout:
                raise NotSettledError(_unsettled(status, timeout, self.folder))
            time.sleep(pause_seconds(began))

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
        f"{each['name']} on {each['host']} is {each['state']} (started {each['starts']} times)"
        for each in status["programs"]
        if not each["settled"]
    ]
    way = ["a change is on its way to the edge nodes"] if status["pending"] else []
    reasons = "; ".join([*([status["fault"]] if status["fault"] else []), *missing, *way])
    return (
        f"The lab is not what is deployed after {timeout:g} s: "
        f"{reasons or 'a change is under way'}. "
        f"The programs' logs are in {folder / 'hosts'}."
    )


def pause_seconds(began: float) -> float:
    """Return how long not to ask again: later, a twentieth of the time that it has taken."""
    return max(ASK_SECONDS, (time.monotonic() - began) / 20)


def start_ticks(pid: int) -> int:
    """Return when a process started, in ticks since this machine did.

    Number and start identify a process. Not as a time of day: that moves when
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
    numbers_here: dict[int, int] = {}
    with contextlib.suppress(OSError):
        namespace = Path(f"/proc/{init}/ns/pid").readlink()
        for entry in Path("/proc").iterdir():
            if not entry.name.isdecimal():
                continue
            with contextlib.suppress(OSError):
                if (entry / "ns/pid").readlink() == namespace:
                    lines = (entry / "status").read_text().splitlines()
                    numbers = next(line for line in lines if line.startswith("NSpid:")).split()
                    numbers_here[int(numbers[-1])] = int(entry.name)
    return numbers_here
