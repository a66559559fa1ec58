"""The lab's load balancer and echo on loopback, for tests that need an API but no lab.

    with origin_on_loopback(tmp_path, "api.example.com") as origin:
        ...  # https://api.example.com at origin.address:origin.https, trusting origin.ca

It speaks HTTP/1.1 and HTTP/2, echoes below `/echo` (docs/echo.md) and behaves like an application
load balancer, unless it is told otherwise. Nothing of it is left afterwards.
"""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from sandbox.lab.deployed import DeployedLoadBalancer
from sandbox.lab.origin import program
from sandbox.lab.program import Program
from sandbox.lab.trust import Trust

CHECKOUT: Final = Path(__file__).resolve().parents[2]

NAME: Final = "api-1234567890.eu-central-1.elb.amazonaws.com"
"""The load balancer's own name."""

START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 5.0
POLL_SECONDS: Final = 0.02


@dataclass(frozen=True)
class LoopbackOrigin:
    """A load balancer that serves."""

    address: str
    """Its address, one of 127.0.0.0/8 that is its own."""
    https: int
    """Port of its HTTPS listener, or of TCP where it passes TLS on."""
    http: int
    """Port of its HTTP listener, or of TCP where it passes plain HTTP on."""
    ca: Path
    """What its certificate is trusted by (PEM)."""
    trust: Trust
    """The authority itself, to issue others."""
    pid: int
    """Its process."""


def own_loopback_address() -> str:
    """Return an address of 127.0.0.0/8 that most likely nobody uses, so that every port is free."""
    return f"127.{secrets.randbelow(254) + 1}.{secrets.randbelow(256)}.{secrets.randbelow(254) + 1}"


def free_port(address: str) -> int:
    """Return a port of an address that is free."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


@contextmanager
def origin_on_loopback(
    folder: Path,
    *names: str,
    kind: str = "application",
    proxy_protocol: bool = False,
    allow: Sequence[str] | None = None,
    expired: bool = False,
    at: tuple[str, int] | None = None,
) -> Generator[LoopbackOrigin]:
    """Start a load balancer with the echo behind it; end it afterwards.

    Args:
        folder: For its files; a `Trust` is kept in `folder/trust`.
        names: Names of its certificate; none: `api.example.com`.
        kind: `application`, or `classic` and `network`, whose listeners pass TCP on.
        proxy_protocol: Whether the API reads PROXY protocol, of a kind that passes TCP on.
        allow: IPv4 networks whose clients are served, others get 403; None: everybody.
        expired: Whether the certificate is one that ran out.
        at: Address and port of its HTTPS listener; None: an address of its own, where there is
            room.
    """
    if at is None:
        address = own_loopback_address()
        at = address, free_port(address)
    address, https = at
    http = free_port(address)
    trust = Trust(folder / "trust")
    protocols = ("HTTPS", "HTTP") if kind == "application" else ("TCP", "TCP")
    made = program(
        "load-balancer",
        [DeployedLoadBalancer(NAME, kind, tuple(zip(protocols, (https, http), strict=True)), ())],
        {NAME: (address,)},
        {NAME: (trust.issue(names or ("api.example.com",), expired=expired),)},
        folder,
        proxy_protocol={NAME} if proxy_protocol else (),
        allow=allow,
    )
    with running(made, folder / "origin.log") as process:
        yield LoopbackOrigin(address, https, http, trust.ca, trust, process.pid)


@contextmanager
def running(
    made: Program, log: Path, environment: Mapping[str, str] | None = None
) -> Generator[subprocess.Popen[bytes]]:
    """Run a program as the lab does, in this host's network, until it serves; end it afterwards."""
    for path, text in made.files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    with log.open("ab") as output:
        process = _start(made, output, {**os.environ, **(environment or {})})
        try:
            _wait_until_it_serves(made, process, log)
            yield process
        finally:
            _end(process)


def _start(
    made: Program, output: IO[bytes], environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    python_path = f"{CHECKOUT}:{environment.get('PYTHONPATH', '')}".rstrip(":")
    return subprocess.Popen(
        made.command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        env={**environment, "PYTHONPATH": python_path},
    )


def _wait_until_it_serves(made: Program, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while subprocess.run(made.ready, capture_output=True, check=False).returncode != 0:
        log_text = log.read_text(errors="replace")
        assert process.poll() is None, f"{made.name} ended with {process.returncode}: {log_text}"
        assert time.monotonic() < deadline, f"{made.name} does not serve: {log_text}"
        time.sleep(POLL_SECONDS)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


if __name__ == "__main__":
    with origin_on_loopback(Path(sys.argv[1]), *sys.argv[2:]) as served:
        print(served, flush=True)
        sys.stdin.read()
