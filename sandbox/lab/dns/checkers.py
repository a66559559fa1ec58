"""Route 53's health checks, done: `python -m sandbox.lab.dns.checkers --config F`.

Each check connects as its configuration says, and writes a file with the health of all whenever
that of one changes: `{"<id>": true, …}`.

**What passes.** TCP: a connection within ten seconds. HTTP and HTTPS: a connection within four
seconds, and then a status of 2xx or 3xx within two; with a search string, it has to be in the first
5,120 bytes of the body, which have two seconds more. Certificates are not looked at. A redirect
passes and is not followed. A literal address is connected to, over IPv6 as well; without one, the
name is looked up before every check, and only its IPv4 addresses count.

**When the health changes.** After as many checks in a row with the other result as the failure
threshold says. A check counts as healthy until it has failed that often; a disabled one always.
An inverted check is the opposite of all that. A calculated one is healthy when enough of its
children are.

Differs from Route 53: one checker, where Route 53 has some fifteen, more than 18 % of which have to
find it healthy; so an endpoint is asked once in an interval, not once by each. Checks of CloudWatch
alarms and routing controls are healthy. `speed` makes intervals shorter, not timeouts.

Source: Route 53 Developer Guide, 'How Amazon Route 53 determines whether a health check is
healthy', 'Values that you specify when you create or update health checks'; API Reference,
'HealthCheckConfig'.
"""

import asyncio
import json
import os
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import ip_address
from typing import Any, Final

import dns.asyncresolver
import dns.exception
import h11

from sandbox.lab.dns.health import UNCHECKED_TYPES, CheckersConfig, Streak, statuses
from sandbox.lab.own_program import Service, main

TCP_CONNECT_SECONDS: Final = 10.0
HTTP_CONNECT_SECONDS: Final = 4.0
ANSWER_SECONDS: Final = 2.0
"""How long the status may take, and then the body. Source: as above."""

SEARCHED_BYTES: Final = 5_120

DEFAULT_INTERVAL_SECONDS: Final = 30
DEFAULT_THRESHOLD: Final = 3
"""What the API fills in where a configuration does not say."""

USER_AGENT: Final = "Amazon-Route53-Health-Check-Service (ref {id}; report http://amzn.to/1vsZADi)"
"""Which id `ref` has at Route 53 is not documented; here it is the check's. Source: logs of
endpoints."""

_HTTP_PORT: Final = 80
_HTTPS_PORT: Final = 443
_PASSING: Final = range(200, 400)
_READ_BYTES: Final = 65_536


async def passes(check_id: str, config: Mapping[str, Any], resolver: str) -> bool:
    """Check an endpoint once.

    Args:
        check_id: Id of the check, which the endpoint sees.
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
    answer: _HttpCheck | None = None
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            answer = await _HttpCheck.open(connected, _sni(config) if secure else None)
            answer.ask(_target(config), host(config), check_id)
            status = await answer.status()
        if status not in _PASSING:
            return False
        search: str | None = config.get("SearchString")
        if search is None or not config["Type"].endswith("_STR_MATCH"):
            return True
        async with asyncio.timeout(ANSWER_SECONDS):
            return search.encode() in await answer.body(SEARCHED_BYTES)
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
    """Return the name that TLS sends; empty: none."""
    return (config.get("FullyQualifiedDomainName") or "") if config.get("EnableSNI", True) else ""


class _HttpCheck:
    """One request and the answer to it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.CLIENT)

    @classmethod
    async def open(cls, connected: socket.socket, name: str | None) -> "_HttpCheck":
        """Do the TLS handshake; without TLS, the name is None."""
        tls = None if name is None else _tls()
        return cls(*await asyncio.open_connection(sock=connected, ssl=tls, server_hostname=name))

    def ask(self, target: str, name: str, check_id: str) -> None:
        headers = [
            ("Host", name),
            ("Connection", "close"),
            ("User-Agent", USER_AGENT.format(id=check_id)),
        ]
        request = h11.Request(method="GET", target=target, headers=headers)
        self._writer.write(self._http.send(request) or b"")
        self._http.send(h11.EndOfMessage())

    def end(self) -> None:
        """Let go of the connection at once."""
        self._writer.transport.abort()

    async def status(self) -> int:
        event = await self._next()
        while isinstance(event, h11.InformationalResponse):
            event = await self._next()
        # An answer that has ended before it began has no status that passes.
        return event.status_code if isinstance(event, h11.Response) else 0

    async def body(self, length: int) -> bytes:
        content = b""
        while len(content) < length and isinstance(event := await self._next(), h11.Data):
            content += bytes(event.data)
        return content[:length]

    async def _next(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._reader.read(_READ_BYTES))
        return event


def host(config: Mapping[str, Any]) -> str:
    """Return the `Host` of a check: the name, else the address, and an odd port."""
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
    lookup = dns.asyncresolver.Resolver(configure=False)
    lookup.nameservers = [resolver]
    answer = await lookup.resolve(f"{config['FullyQualifiedDomainName'].rstrip('.')}.", "A")
    return str(next(iter(answer)))


def _tls() -> ssl.SSLContext:
    """Return a context that takes any certificate, as Route 53 does."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Checkers(Service[CheckersConfig]):
    """Route 53's health checkers: a task for each check."""

    def __init__(self) -> None:
        """Check nothing yet."""
        self._config: CheckersConfig | None = None
        self._streaks: dict[str, Streak] = {}
        self._tasks: dict[str, tuple[dict[str, Any], asyncio.Task[None]]] = {}
        self._written: dict[str, bool] | None = None
        self._loaded = asyncio.Event()
        """Set for no longer than it takes to wake the checks that wait."""

    async def apply(self, config: CheckersConfig) -> None:
        """Start new checks, end old ones, leave the others alone.

        Those come sooner or later where the speed is another, counted from when they were last.
        """
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

    async def close(self) -> None:
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

    def _write(self, config: CheckersConfig) -> None:
        health = statuses(config.checks, self._streaks)
        if health == self._written:
            return
        unfinished = config.health.with_name(f"{config.health.name}.{os.getpid()}")
        unfinished.write_text(json.dumps(health))
        unfinished.replace(config.health)
        self._written = health


if __name__ == "__main__":
    main(CheckersConfig, Checkers())
