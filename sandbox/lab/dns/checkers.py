"""Route 53's health checks, done: `python -m sandbox.lab.dns.checkers --config F`.

Each check connects as its configuration says, and writes a file with the health of all whenever
that of one changes: `{"<id>": true, …}`.

**What passes.** TCP: a connection within ten seconds. HTTP and HTTPS: a connection within four
seconds, and then a status of 2xx or 3xx within two; with a search string, it has to be in the first
5,120 bytes of the body, which have two seconds more. Certificates are not looked at. A redirect
passes and is not followed. A literal address is connected to, over IPv6 as well; without one, the
name is looked up before every check, and only its IPv4 addresses count.

**When the health changes.** After as many checks in a row with the other result as the failure
threshold says. A check counts as healthy until it has failed that often; a disabled one for good.
An inverted check is the opposite of all that. A calculated one is healthy when enough of its
children are.

Differs from Route 53: one checker, where Route 53 has some fifteen, more than 18 % of which have to
find it healthy; so an endpoint is asked once in an interval, not once by each. Checks of CloudWatch
alarms and routing controls are healthy. `speed` makes intervals shorter, not timeouts.

Source: Route 53 Developer Guide, 'How Amazon Route 53 determines whether a health check is
healthy', 'Values that you specify when you create or update health checks'; API Reference,
'HealthCheckConfig'.
"""

import argparse
import asyncio
import json
import os
import signal
import socket
import ssl
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

import dns.asyncresolver
import dns.exception
import h11
from pydantic import BaseModel, ConfigDict, ValidationError

from sandbox.lab.program import take

TCP_CONNECT_SECONDS: Final = 10.0
HTTP_CONNECT_SECONDS: Final = 4.0
ANSWER_SECONDS: Final = 2.0
"""How long the status may take, and then the body. Source: as above."""

SEARCHED_BYTES: Final = 5_120

DEFAULT_INTERVAL_SECONDS: Final = 30
DEFAULT_THRESHOLD: Final = 3
"""What the API fills in where a configuration does not say."""

UNCHECKED_TYPES: Final = ("CLOUDWATCH_METRIC", "RECOVERY_CONTROL")
"""Types of checks that are always healthy here."""

USER_AGENT: Final = "Amazon-Route53-Health-Check-Service (ref {id}; report http://amzn.to/1vsZADi)"
"""Which id `ref` has at Route 53 is not documented; here it is the check's.

Source: logs of endpoints."""

_HTTP_PORT: Final = 80
_HTTPS_PORT: Final = 443
_PASSING: Final = range(200, 400)
_READ_BYTES: Final = 65_536


class Config(BaseModel):
    """What the checkers are told."""

    model_config = ConfigDict(frozen=True)

    checks: dict[str, dict[str, Any]]
    """`HealthCheckConfig` by id."""
    resolver: str
    """Address of the resolver that names are looked up with."""
    speed: float
    """How many times shorter intervals are than configured."""
    health: Path
    """The file that the health is written to."""


@dataclass(frozen=True)
class Streak:
    """How a check stands."""

    healthy: bool = True
    """Its status, before it is inverted."""
    against: int = 0
    """How many of the last results, in a row, spoke against that."""

    def after(self, passed: bool, threshold: int) -> "Streak":
        """Return how it stands after another result."""
        if passed == self.healthy:
            return Streak(self.healthy)
        if self.against + 1 >= threshold:
            return Streak(passed)
        return Streak(self.healthy, self.against + 1)


def statuses(
    checks: Mapping[str, Mapping[str, Any]], streaks: Mapping[str, Streak]
) -> dict[str, bool]:
    """Return the health of every check.

    Args:
        checks: Configurations by id.
        streaks: How those stand that have been checked.
    """
    found: dict[str, bool] = {}

    def healthy(check_id: str, within: frozenset[str]) -> bool:
        config = checks.get(check_id)
        if config is None or check_id in within:
            return True
        children: list[str] = config.get("ChildHealthChecks") or []
        if config.get("Disabled"):
            own = True
        elif config.get("Type") == "CALCULATED":
            passing = sum(healthy(child, within | {check_id}) for child in children)
            own = passing >= config.get("HealthThreshold", len(children))
        else:
            own = streaks.get(check_id, Streak()).healthy
        return own != bool(config.get("Inverted"))

    for check_id in sorted(checks):
        found[check_id] = healthy(check_id, frozenset())
    return found


async def passes(check_id: str, config: Mapping[str, Any], resolver: str) -> bool:
    """Check an endpoint once.

    Args:
        check_id: Id of the check, which the endpoint is told.
        config: Its `HealthCheckConfig`.
        resolver: Address of the resolver for its name.
    """
    kind: str = config["Type"]
    try:
        if kind == "TCP":
            (await _connected(config, resolver, TCP_CONNECT_SECONDS)).close()
            return True
        return await _passes_http(check_id, config, resolver)
    except (TimeoutError, OSError, EOFError, dns.exception.DNSException, h11.RemoteProtocolError):
        return False


async def _passes_http(check_id: str, config: Mapping[str, Any], resolver: str) -> bool:
    secure = config["Type"].startswith("HTTPS")
    connected = await _connected(config, resolver, HTTP_CONNECT_SECONDS)
    answer: _Answer | None = None
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            answer = await _Answer.open(connected, _sni(config) if secure else None)
            answer.ask(_target(config), host(config), check_id)
            status = await answer.status()
        if status not in _PASSING:
            return False
        wanted: str | None = config.get("SearchString")
        if wanted is None or not config["Type"].endswith("_STR_MATCH"):
            return True
        async with asyncio.timeout(ANSWER_SECONDS):
            return wanted.encode() in await answer.body(SEARCHED_BYTES)
    finally:
        if answer is not None:
            answer.end()
        connected.close()


async def _connected(config: Mapping[str, Any], resolver: str, seconds: float) -> socket.socket:
    async with asyncio.timeout(seconds):
        address = await _address(config, resolver)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        connected = socket.socket(family, socket.SOCK_STREAM)
        connected.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(connected, (address, _port(config)))
        except BaseException:
            connected.close()
            raise
        return connected


def _sni(config: Mapping[str, Any]) -> str:
    """Return the name that TLS tells the endpoint; empty: none."""
    return (config.get("FullyQualifiedDomainName") or "") if config.get("EnableSNI", True) else ""


class _Answer:
    """One request and the answer to it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.CLIENT)

    @classmethod
    async def open(cls, connected: socket.socket, name: str | None) -> "_Answer":
        """Do the TLS handshake; without TLS, the name is None."""
        tls = None if name is None else _tls()
        return cls(*await asyncio.open_connection(sock=connected, ssl=tls, server_hostname=name))

    def ask(self, target: str, name: str, check_id: str) -> None:
        headers = [
            ("Host", name),
            ("Connection", "close"),
            ("User-Agent", USER_AGENT.format(id=check_id)),
        ]
        asked = h11.Request(method="GET", target=target, headers=headers)
        self._writer.write(self._http.send(asked) or b"")
        self._http.send(h11.EndOfMessage())

    def end(self) -> None:
        """Let go of the connection at once, whatever the other side does."""
        self._writer.transport.abort()

    async def status(self) -> int:
        event = await self._next()
        while isinstance(event, h11.InformationalResponse):
            event = await self._next()
        # An answer that has ended before it began has no status that passes.
        return event.status_code if isinstance(event, h11.Response) else 0

    async def body(self, length: int) -> bytes:
        found = b""
        while len(found) < length and isinstance(event := await self._next(), h11.Data):
            found += bytes(event.data)
        return found[:length]

    async def _next(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._reader.read(_READ_BYTES))
        return event


def host(config: Mapping[str, Any]) -> str:
    """Return what an endpoint is told as `Host`: the name, else the address, and an odd port."""
    name: str = config.get("FullyQualifiedDomainName") or config["IPAddress"]
    bracketed = f"[{name}]" if ":" in name else name
    usual = _HTTPS_PORT if config["Type"].startswith("HTTPS") else _HTTP_PORT
    return bracketed if _port(config) == usual else f"{bracketed}:{_port(config)}"


def _target(config: Mapping[str, Any]) -> str:
    path: str = config.get("ResourcePath") or "/"
    return path if path.startswith("/") else f"/{path}"


def _port(config: Mapping[str, Any]) -> int:
    usual = _HTTPS_PORT if config["Type"].startswith("HTTPS") else _HTTP_PORT
    return config.get("Port") or usual


async def _address(config: Mapping[str, Any], resolver: str) -> str:
    given = config.get("IPAddress")
    if given:
        return str(ip_address(given))
    asked = dns.asyncresolver.Resolver(configure=False)
    asked.nameservers = [resolver]
    found = await asked.resolve(f"{config['FullyQualifiedDomainName'].rstrip('.')}.", "A")
    return str(next(iter(found)))


def _tls() -> ssl.SSLContext:
    """Return a context that takes any certificate, as Route 53 does."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Checkers:
    """All checks, each in a task of its own."""

    def __init__(self, path: Path) -> None:
        """Read nothing yet; `path` is the configuration's."""
        self._path = path
        self._config: Config | None = None
        self._streaks: dict[str, Streak] = {}
        self._tasks: dict[str, tuple[dict[str, Any], asyncio.Task[None]]] = {}
        self._written: dict[str, bool] | None = None
        self._loaded = asyncio.Event()
        """Set for no longer than it takes to wake the checks that wait."""

    def load(self) -> None:
        """Take up the configuration: start new checks, end old ones, leave the others alone.

        Those come sooner or later where the speed is another, counted from when they were last.

        Raises:
            OSError: The file can't be read.
            ValidationError: It is none.
        """
        content = self._path.read_bytes()
        config = Config.model_validate_json(content)
        changed = {
            check_id
            for check_id, (own, _) in self._tasks.items()
            if config.checks.get(check_id) != own
        }
        for check_id in changed:
            self._tasks.pop(check_id)[1].cancel()
        for check_id in self._streaks.keys() - config.checks.keys():
            del self._streaks[check_id]
        self._config = config
        for check_id, own in config.checks.items():
            unchecked = own.get("Disabled") or own["Type"] in ("CALCULATED", *UNCHECKED_TYPES)
            if check_id not in self._tasks and not unchecked:
                task = asyncio.create_task(self._repeat(check_id, own))
                self._tasks[check_id] = (own, task)
        self._loaded.set()
        self._loaded.clear()
        self._write(config)
        take(self._path, content)

    def end(self) -> None:
        """End all checks."""
        for _, task in self._tasks.values():
            task.cancel()

    async def _repeat(self, check_id: str, own: Mapping[str, Any]) -> None:
        loop = asyncio.get_running_loop()
        threshold = own.get("FailureThreshold") or DEFAULT_THRESHOLD
        while (config := self._config) is not None:
            began = loop.time()
            passed = await passes(check_id, own, config.resolver)
            self._streaks[check_id] = self._streaks.get(check_id, Streak()).after(passed, threshold)
            self._write(self._config)
            await self._due(began, own.get("RequestInterval") or DEFAULT_INTERVAL_SECONDS)

    async def _due(self, began: float, interval: float) -> None:
        """Wait until the next check is due after one that began, at the speed of that time."""
        while (config := self._config) is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(began + interval / config.speed):
                    await self._loaded.wait()
                    continue
            return

    def _write(self, config: Config) -> None:
        found = statuses(config.checks, self._streaks)
        if found == self._written:
            return
        unfinished = config.health.with_name(f"{config.health.name}.{os.getpid()}")
        unfinished.write_text(json.dumps(found))
        unfinished.replace(config.health)
        self._written = found


async def _run(path: Path) -> None:
    loop = asyncio.get_running_loop()
    checkers, stop = Checkers(path), asyncio.Event()

    def reload() -> None:
        try:
            checkers.load()
        except (OSError, ValidationError) as error:
            print(f"The old checks stay: {error}", file=sys.stderr, flush=True)

    loop.add_signal_handler(signal.SIGHUP, reload)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    checkers.load()
    await stop.wait()
    checkers.end()


def main() -> None:
    """Check until SIGTERM; SIGHUP takes up a changed configuration."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.lab.dns.checkers")
    parser.add_argument("--config", type=Path, required=True)
    path: Path = parser.parse_args().config
    try:
        with suppress(KeyboardInterrupt):
            asyncio.run(_run(path))
    except (OSError, ValidationError) as error:
        sys.exit(f"The health checkers can't start: {error}")


if __name__ == "__main__":
    main()
