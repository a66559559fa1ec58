"""systemd's unit files, as far as a guest needs them: services and timers, as values.

A unit is its file and its drop-ins, one after the other: a later `Key=` without a value empties a
list, a later value replaces a single one. What user data writes has to be understood in full, or is
refused. What this machine's packages bring is written for much that the lab has not; what is not
understood there is noted.

Differences from systemd, beside those that `UNAPPLIED` names:

- Order and dependencies are not read: units start when they are told to, and targets do nothing.
- `OnCalendar` is not run, for no lab lives until its hour comes.
- `AccuracySec` and `RandomizedDelaySec` are taken as zero.
- Specifiers but `%%`, and `;` between commands, are refused.

Source: systemd.unit(5), systemd.service(5), systemd.exec(5), systemd.kill(5), systemd.timer(5) and
systemd.time(7) of systemd 252.
"""

import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from sandbox.lab.droplet.faults import BootError, fault, shown

UNAPPLIED: Final = (
    "LockPersonality",
    "MemoryDenyWriteExecute",
    "PrivateDevices",
    "PrivateTmp",
    "ProtectClock",
    "ProtectControlGroups",
    "ProtectHome",
    "ProtectHostname",
    "ProtectKernelLogs",
    "ProtectKernelModules",
    "ProtectKernelTunables",
    "ProtectProc",
    "RestrictAddressFamilies",
    "RestrictNamespaces",
    "RestrictRealtime",
    "RestrictSUIDSGID",
    "SystemCallArchitectures",
    "SystemCallFilter",
)
"""Directives that lock a service in on a droplet and do nothing here. `CapabilityBoundingSet`,
`NoNewPrivileges`, `ProtectSystem=strict`, `ReadWritePaths` and `LimitNOFILE` are applied."""

_MEANINGLESS: Final = (
    "AccuracySec",
    "After",
    "Alias",
    "Also",
    "Before",
    "Conflicts",
    "Description",
    "Documentation",
    "LogRateLimitBurst",
    "LogRateLimitIntervalSec",
    "PartOf",
    "Persistent",
    "RandomizedDelaySec",
    "RequiredBy",
    "SyslogIdentifier",
    "WantedBy",
)
"""Directives that are right as they are: they order and describe, or bound what is not bounded."""

_TARGETS: Final = frozenset({"BindsTo", "Requires", "Requisite", "Wants"})
"""Directives that may name targets, which do nothing here."""

Kind = Literal["simple", "exec", "forking", "notify", "oneshot"]
"""How a service tells that it is up."""

Restart = Literal["no", "always", "on-failure", "on-success"]
"""When a service that ended is started again."""

KillMode = Literal["control-group", "mixed", "process"]
"""Which processes of a service are ended with it."""


@dataclass(frozen=True)
class Fragment:
    """One file of a unit."""

    path: str
    """Where it is."""
    text: str
    """What is in it."""
    ours: bool
    """Whether user data wrote it, so that all of it has to be understood."""


@dataclass(frozen=True)
class Command:
    """One command line."""

    words: tuple[str, ...]
    """The program, its path in full, and its arguments; `$NAME` is not filled in yet."""
    may_fail: bool = False
    """Whether a failure is passed over."""
    privileged: bool = False
    """Whether it is spared what takes privileges from the service."""


@dataclass(frozen=True)
class Service:
    """A service."""

    name: str
    """Its name, with `.service`."""
    kind: Kind = "simple"
    """How it tells that it is up."""
    start_pre: tuple[Command, ...] = ()
    """What runs before it."""
    start: tuple[Command, ...] = ()
    """What it is."""
    start_post: tuple[Command, ...] = ()
    """What runs once it is up."""
    reload: tuple[Command, ...] = ()
    """What makes it read its files again."""
    stop: tuple[Command, ...] = ()
    """What ends it."""
    stop_post: tuple[Command, ...] = ()
    """What runs after it ended."""
    pid_file: str = ""
    """Where a forking one writes the process id of the one that stays; empty: nowhere."""
    environment: tuple[str, ...] = ()
    """`NAME=value` of each variable."""
    environment_files: tuple[str, ...] = ()
    """Files with more of them; one that begins with `-` may be missing."""
    restart: Restart = "no"
    """When it is started again."""
    restart_seconds: float = 0.1
    """How long after it ended."""
    start_seconds: float = 90.0
    """How long it may take to be up."""
    stop_seconds: float = 90.0
    """How long it may take to end."""
    kill_mode: KillMode = "control-group"
    """Which processes are ended with it."""
    start_limit: int = 5
    """How many starts there may be within `start_limit_seconds`."""
    start_limit_seconds: float = 10.0
    """0: any number."""
    open_files: int | None = None
    """How many files each process may have open."""
    capabilities: tuple[str, ...] | None = None
    """The only capabilities that it can have, as `setpriv` names them; None: all."""
    no_new_privileges: bool = False
    """Whether no program gains privileges."""
    read_only: bool = False
    """Whether the guest's files are read-only for it, but for `writable`."""
    writable: tuple[str, ...] = ()
    """Folders that stay writable then."""
    output_level: int = 6
    """Priority of a line that it prints without one, 0 (emergency) to 7 (debug)."""
    least_urgent: int = 7
    """Priority of the least urgent lines that are logged."""
    executables: tuple[str, ...] = ()
    """Files that have to be executable, or it is passed over."""
    stays: bool = False
    """Whether a oneshot counts as up once it is done."""


@dataclass(frozen=True)
class Timer:
    """A timer."""

    name: str
    """Its name, with `.timer`."""
    unit: str
    """The service it starts."""
    after_start: tuple[float, ...] = ()
    """Seconds after the timer itself was started (`OnActiveSec`), or the guest was (`OnBootSec`,
    `OnStartupSec`)."""
    after_active: float | None = None
    """Seconds after each start of the service."""
    after_inactive: float | None = None
    """Seconds after each end of the service."""
    calendar: tuple[str, ...] = ()
    """Moments that are not waited for."""


@dataclass(frozen=True)
class Unit:
    """A unit, and what of it is not as on a droplet."""

    value: Service | Timer
    """The service or timer."""
    wanted_by: tuple[str, ...] = ()
    """What starts it once it is enabled; empty: it cannot be enabled."""
    notes: tuple[str, ...] = ()
    """What of it is not done here, one sentence each."""


def read(name: str, fragments: Sequence[Fragment]) -> Unit:
    """Return the unit that its files describe, drop-ins last.

    Raises:
        BootError: It cannot be run as it would be on a droplet; every fault is listed.
    """
    reader = _Reader(name, fragments)
    value = reader.timer() if name.endswith(".timer") else reader.service()
    reader.refuse_the_rest()
    if reader.faults:
        raise BootError(f"{name} cannot be run", reader.faults)
    return Unit(value, tuple(reader.wanted_by), tuple(reader.notes))


def filled(words: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """Return a command's words with variables filled in.

    `$NAME` that is a whole word becomes as many words as its value has, none if it has none;
    `${NAME}` becomes its value wherever it is; `$$` is a dollar sign.
    """
    result: list[str] = []
    for index, word in enumerate(words):
        whole = re.fullmatch(r"\$([A-Za-z_]\w*)", word)
        if whole and index:
            result += environment.get(whole[1], "").split()
        else:
            result.append(
                re.sub(
                    r"\$(?:\$|\{([A-Za-z_]\w*)\})",
                    lambda found: environment.get(found[1], "") if found[1] else "$",
                    word,
                )
            )
    return result


def seconds(text: str) -> float | None:
    """Return a time span (`90`, `1min 30s`, `250ms`, `infinity`) in seconds; None if it is none."""
    if text == "infinity":
        return float("inf")
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*([a-z]*)", text)
    rest = re.sub(r"\d+(?:\.\d+)?\s*[a-z]*", "", text)
    if not parts or rest.strip() or any(unit not in _UNITS for _, unit in parts):
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


_UNITS: Final[Mapping[str, float]] = {
    **dict.fromkeys(("us", "usec"), 0.000_001),
    **dict.fromkeys(("ms", "msec"), 0.001),
    **dict.fromkeys(("", "s", "sec", "second", "seconds"), 1.0),
    **dict.fromkeys(("m", "min", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hr", "hour", "hours"), 3600.0),
    **dict.fromkeys(("d", "day", "days"), 86_400.0),
    **dict.fromkeys(("w", "week", "weeks"), 604_800.0),
}

_MEND: Final = "Write the unit with what sandbox/lab/droplet/units.py knows"
_LEVELS: Final = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
_YES: Final = ("1", "yes", "true", "on")
_NO: Final = ("0", "no", "false", "off")
_CAPABILITY: Final = re.compile(r"CAP_[A-Z_]+")


@dataclass(frozen=True)
class _Line:
    """One assignment."""

    section: str
    key: str
    value: str
    fragment: Fragment


def _lines(fragment: Fragment) -> Iterator[_Line]:
    """Yield a file's assignments; what is no assignment has the text as its value and no key."""
    section = ""
    text = re.sub(r"\\\n[ \t]*", " ", fragment.text)
    for raw in text.splitlines():
        line = raw.strip()
        if not line or line.startswith(("#", ";")):
            continue
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
            continue
        key, equals, value = line.partition("=")
        if not equals or not section:
            yield _Line(section, "", line, fragment)
        elif not section.startswith("X-"):
            yield _Line(section, key.strip(), value.strip(), fragment)


class _Reader:
    """Takes assignments out, one meaning at a time; what stays is not understood."""

    def __init__(self, name: str, fragments: Sequence[Fragment]) -> None:
        self._name = name
        self._left = [line for fragment in fragments for line in _lines(fragment)]
        self.faults: list[str] = []
        self.notes: list[str] = []
        self.wanted_by = [
            line.value
            for line in self._left
            if line.section == "Install" and line.key in ("WantedBy", "RequiredBy", "Also")
        ]

    def service(self) -> Service:
        """Return the service."""
        stop_both = self._span("TimeoutSec")
        start_seconds = self._span("TimeoutStartSec") or stop_both
        stop_seconds = self._span("TimeoutStopSec") or stop_both
        given: dict[str, object] = {
            "kind": self._choice("Type", ("simple", "exec", "forking", "notify", "oneshot")),
            "restart": self._choice("Restart", ("no", "always", "on-failure", "on-success")),
            "kill_mode": self._choice("KillMode", ("control-group", "mixed", "process")),
            "pid_file": self._last("PIDFile"),
            "restart_seconds": self._span("RestartSec"),
            "start_seconds": start_seconds,
            "stop_seconds": stop_seconds,
            "start_limit": self._number("StartLimitBurst"),
            "start_limit_seconds": self._span("StartLimitIntervalSec"),
            "open_files": self._number("LimitNOFILE"),
            "capabilities": self._capabilities(),
            "no_new_privileges": self._switch("NoNewPrivileges"),
            "read_only": self._choice("ProtectSystem", ("strict",)) == "strict" or None,
            "output_level": self._level("SyslogLevel"),
            "least_urgent": self._level("LogLevelMax"),
            "stays": self._switch("RemainAfterExit"),
        }
        service = Service(
            self._name,
            start_pre=self._commands("ExecStartPre"),
            start=self._commands("ExecStart"),
            start_post=self._commands("ExecStartPost"),
            reload=self._commands("ExecReload"),
            stop=self._commands("ExecStop"),
            stop_post=self._commands("ExecStopPost"),
            environment=tuple(word for text in self._all("Environment") for word in _split(text)),
            environment_files=tuple(self._all("EnvironmentFile")),
            writable=tuple(word for text in self._all("ReadWritePaths") for word in text.split()),
            executables=tuple(self._all("ConditionFileIsExecutable")),
            **cast("dict[str, Any]", {key: v for key, v in given.items() if v is not None}),
        )
        unread = any(fault.startswith("ExecStart= ") for fault in self.faults)
        more = len(service.start) > 1 and service.kind != "oneshot"
        if not unread and (more or not service.start):
            self._refuse(
                "ExecStart=",
                f"{len(service.start)} commands",
                "one is wanted, or more with Type=oneshot",
            )
        unapplied = [line.key for line in self._left if line.key in UNAPPLIED]
        self._left = [line for line in self._left if line.key not in UNAPPLIED]
        if unapplied:
            self.notes.append(
                f"{self._name} is not locked in by {', '.join(dict.fromkeys(unapplied))}."
            )
        return service

    def timer(self) -> Timer:
        """Return the timer."""
        starts = [
            span
            for key in ("OnActiveSec", "OnBootSec", "OnStartupSec")
            if (span := self._span(key)) is not None
        ]
        timer = Timer(
            self._name,
            unit=self._last("Unit") or f"{self._name.removesuffix('.timer')}.service",
            after_start=tuple(starts),
            after_active=self._span("OnUnitActiveSec"),
            after_inactive=self._span("OnUnitInactiveSec"),
            calendar=tuple(self._all("OnCalendar")),
        )
        if timer.calendar:
            self.notes.append(
                f"{self._name} is not run at {', '.join(timer.calendar)}: no lab lives that long."
            )
        return timer

    def refuse_the_rest(self) -> None:
        """Refuse what is left of user data's files, and note what is left of others."""
        for line in self._left:
            targets = line.key in _TARGETS and all(
                word.endswith(".target") for word in line.value.split()
            )
            if line.key in _MEANINGLESS or targets:
                continue
            if line.fragment.ours:
                self._refuse(
                    f"{line.key}=" if line.key else "A line",
                    shown(line.value),
                    "the lab does not know what that does",
                    line.fragment.path,
                )
            else:
                self.notes.append(f"{self._name}: {line.key}={line.value} is not followed.")

    def _refuse(self, what: str, found: str, allowed: str, path: str = "") -> None:
        where = f"{what} of {path or self._name}"
        self.faults.append(fault(where, found, allowed, _MEND))

    def _take(self, key: str) -> list[_Line]:
        taken = [line for line in self._left if line.key == key]
        self._left = [line for line in self._left if line.key != key]
        return taken

    def _all(self, key: str) -> list[str]:
        """Return a list's values: those after the last empty one."""
        values: list[str] = []
        for line in self._take(key):
            values = [*values, line.value] if line.value else []
        return values

    def _last(self, key: str) -> str | None:
        values = self._all(key)
        return values[-1] if values else None

    def _read(self, key: str, read: Callable[[str], Any], allowed: str) -> Any:
        text = self._last(key)
        if text is None:
            return None
        value = read(text)
        if value is None:
            self._refuse(f"{key}=", shown(text), allowed)
        return value

    def _span(self, key: str) -> float | None:
        return self._read(key, seconds, "it has to be a time span, as 1min 30s")

    def _number(self, key: str) -> int | None:
        allowed = "it has to be a number"
        return self._read(key, lambda text: int(text) if text.isdecimal() else None, allowed)

    def _switch(self, key: str) -> bool | None:
        def read(text: str) -> bool | None:
            return True if text in _YES else False if text in _NO else None

        return self._read(key, read, "it may be yes or no")

    def _choice(self, key: str, choices: tuple[str, ...]) -> str | None:
        allowed = f"the lab knows {', '.join(choices)}"
        return self._read(key, lambda text: text if text in choices else None, allowed)

    def _level(self, key: str) -> int | None:
        allowed = f"it may be {', '.join(_LEVELS)}"
        return self._read(
            key, lambda text: _LEVELS.index(text) if text in _LEVELS else None, allowed
        )

    def _capabilities(self) -> tuple[str, ...] | None:
        lines = self._take("CapabilityBoundingSet")
        if not lines:
            return None
        names = [name for line in lines for name in line.value.split()]
        for name in names:
            if not _CAPABILITY.fullmatch(name):
                self._refuse("CapabilityBoundingSet=", shown(name), "it has to name capabilities")
        return tuple(name.lower().removeprefix("cap_") for name in names)

    def _commands(self, key: str) -> tuple[Command, ...]:
        commands: list[Command] = []
        for text in self._all(key):
            flags = re.match(r"[-+]*", text)
            prefix = flags[0] if flags else ""
            words = _split(text.removeprefix(prefix))
            percent = any("%" in word.replace("%%", "") for word in words)
            if not words or not words[0].startswith("/") or ";" in words or percent:
                allowed = "it has to be one command, its path in full, without specifiers"
                self._refuse(f"{key}=", shown(text), allowed)
                continue
            plain = tuple(word.replace("%%", "%") for word in words)
            commands.append(Command(plain, "-" in prefix, "+" in prefix))
        return tuple(commands)


def _split(text: str) -> list[str]:
    """Return the words of a line; none where a quote is open."""
    try:
        return shlex.split(text)
    except ValueError:
        return []
