"""A Python that has imported already what many Pythons are started for, and forks of it.

A command of the engine starts seven Pythons or more: language hosts, the program, both packs, the
plugins. Most of their time is spent on imports, the same each time, and so is most of a cloud's
that serves one file of tests. `python(…)` is an executable that behaves as this environment's
Python does for `-m MODULE` and for a script, and starts in a hundredth of the time: it hands its
arguments, variables, folder, files and network to a process that has imported the modules, which
forks.

Where it differs from a Python that starts: `PYTHON*` variables mean nothing, botocore has read
which services AWS has, `sys.flags` are those of the process that forks, and what this checkout has
under a preloaded name hides a program's own module of that name. It ends when what started it does.
Tests of starting, such as those of `make up`, use the real one.
"""

import functools
import gc
import io
import json
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, Final, NoReturn

from support.namespaces import enter_network

_OF_THE_ENGINE: Final = (
    "components.edge",
    "policies.rules",
    "policies.server",
    "pulumi.policy",
    "pulumi_aws.acm",
    "pulumi_aws.cloudfront",
    "pulumi_aws.cloudwatch",
    "pulumi_aws.ec2",
    "pulumi_aws.lb",
    "pulumi_aws.route53",
    "pulumi_digitalocean",
    "pulumi_random",
    "sandbox.engine.language_host.host",
    "sandbox.plugins.aws.aws_package",
    "sandbox.plugins.digitalocean.digitalocean_package",
    "sandbox.plugins.process",
    "sandbox.plugins.random.random_package",
)

AWS_SERVICES: Final = ("acm", "cloudfront", "cloudwatch", "elbv2", "route53", "sts")
"""The services whose descriptions the program and the plugin read each time."""

_OF_THE_CLOUDS: Final = (
    "sandbox.clouds.aws.application",
    "sandbox.clouds.digitalocean.application",
    "sandbox.clouds.serving",
    # What moto imports at the first request for a service.
    "moto.acm.urls",
    "moto.cloudfront.urls",
    "moto.cloudwatch.urls",
    "moto.ec2.urls",
    "moto.elb.urls",
    "moto.elbv2.urls",
    "moto.route53.urls",
    "moto.sts.urls",
)

PRELOADED: Final[dict[str, tuple[str, ...]]] = {
    "engine": _OF_THE_ENGINE,
    "clouds": _OF_THE_CLOUDS,
}
"""What is imported, by whose Pythons these are."""

_CLIENT: Final = """\
#!{python} -ISE
import json, os, signal, socket, sys

connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
connection.connect({address!r})
request = json.dumps([sys.argv[1:], dict(os.environ), os.getcwd()]).encode()
reader, writer = os.pipe()
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, lambda number, frame: connection.send(bytes([number])))
network = os.open("/proc/self/ns/net", os.O_RDONLY)
socket.send_fds(connection, [b"-"], [0, 1, 2, network, reader])
os.close(reader)
with open(writer, "wb") as pipe:
    pipe.write(request)
parent = os.getppid()
connection.settimeout(1)
while True:
    try:
        answer = connection.recv(8)
    except TimeoutError:
        if os.getppid() != parent:
            sys.exit(1)
    else:
        code = int(answer or b"1")
        if code < 0:
            signal.signal(-code, signal.SIG_DFL)
            os.kill(os.getpid(), -code)
        sys.exit(code)
"""
"""What stands for the fork, as its parent knows no other: passes signals on and ends as it does."""


@functools.cache
def python(whose: str = "engine") -> Path:
    """Return the executable; its forks end with this process at the latest, or with `end`.

    Args:
        whose: One of `PRELOADED`.
    """
    folder = Path(tempfile.mkdtemp(prefix="forks-"))
    address = folder / "socket"
    client = folder / "python"
    client.write_text(_CLIENT.format(python=sys.executable, address=str(address)))
    client.chmod(0o755)
    server = subprocess.Popen(
        [sys.executable, "-m", "support.forks", address, whose],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert server.stdout
    assert server.stdout.readline(), "the process that forks did not start; see above"
    _SERVERS.append(server)
    return client


_SERVERS: Final[list["subprocess.Popen[bytes]"]] = []


def end() -> None:
    """End the process that forks, and its forks."""
    for server in _SERVERS:
        server.communicate()


class _Server:
    """Forks for each client that connects, until its standard input is closed at the other end."""

    def __init__(self, address: str) -> None:
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(address)
        self._listener.listen(64)
        self._events = selectors.DefaultSelector()
        self._events.register(0, selectors.EVENT_READ)
        self._events.register(self._listener, selectors.EVENT_READ)
        self._children: dict[socket.socket, tuple[int, int]] = {}

    def job(self) -> list[str]:
        """Serve, and return in each fork with the arguments of its Python."""
        while True:
            for key, _ in self._events.select():
                if key.fileobj == 0:
                    self._end()
                elif key.fileobj is self._listener:
                    if arguments := self._fork(self._listener.accept()[0]):
                        return arguments
                elif isinstance(key.fileobj, socket.socket):
                    self._pass_on(key.fileobj)
                else:
                    self._reap(key.data)

    def _fork(self, connection: socket.socket) -> list[str]:
        """Return the arguments in the fork, and nothing in this process."""
        _, files, _, _ = socket.recv_fds(connection, 1, 5)
        with os.fdopen(files.pop(), "rb") as pipe:
            arguments, variables, folder = json.loads(pipe.read())
        if pid := os.fork():
            for file in files:
                os.close(file)
            end = os.pidfd_open(pid)
            self._children[connection] = pid, end
            self._events.register(connection, selectors.EVENT_READ)
            self._events.register(end, selectors.EVENT_READ, connection)
            return []
        self._close()
        connection.close()
        enter_network(files.pop())
        for place, file in enumerate(files):
            os.dup2(file, place)
            os.close(file)
        os.environ.clear()
        os.environ.update(variables)
        os.chdir(folder)
        return arguments

    def _pass_on(self, connection: socket.socket) -> None:
        """Send the fork a signal that its stand-in got, or kill it where that was killed."""
        number = b""
        with suppress(ConnectionError):
            number = connection.recv(1)
        os.kill(self._children[connection][0], number[0] if number else signal.SIGKILL)
        if not number:
            self._events.unregister(connection)

    def _reap(self, connection: socket.socket) -> None:
        """Tell the stand-in of a fork how that ended."""
        pid, end = self._children.pop(connection)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        self._events.unregister(end)
        os.close(end)
        with suppress(KeyError):
            self._events.unregister(connection)
        with suppress(OSError):
            connection.send(str(code).encode())
        connection.close()

    def _close(self) -> None:
        self._events.close()
        self._listener.close()
        for connection, (_, end) in self._children.items():
            connection.close()
            os.close(end)

    def _end(self) -> NoReturn:
        for pid, _ in self._children.values():
            os.kill(pid, signal.SIGKILL)
        sys.exit()


def _run(arguments: Sequence[str]) -> None:
    """Do what Python does with these arguments: `-P`, `-u`, `-m MODULE` or a script."""
    rest = list(arguments)
    sys.orig_argv = [sys.executable, *arguments]
    safe = False
    while (option := rest.pop(0)) in {"-P", "-u"}:
        safe |= option == "-P"
    for stream in (sys.stdout, sys.stderr):
        assert isinstance(stream, io.TextIOWrapper)
        stream.reconfigure(write_through=True)
    if option == "-m":
        sys.argv = rest
        sys.path[:0] = [] if safe else [str(Path.cwd())]
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    else:
        sys.argv = [option, *rest]
        sys.path[:0] = [] if safe else [str(Path(option).resolve().parent)]
        runpy.run_path(option, run_name="__main__")


def _read_aws_services() -> None:
    """Have every session of botocore find the descriptions of AWS's services read already.

    Each session reads those it needs anew, and parsing them takes longer than all its requests.
    """
    module: Any = import_module("botocore.session")
    create_loader = module.create_loader
    loader = create_loader()
    session = module.Session()
    session.register_component("data_loader", loader)
    for service in AWS_SERVICES:
        session.create_client(
            service, "us-east-1", aws_access_key_id="any", aws_secret_access_key="any"
        )

    def shared(path: str | None = None) -> Any:
        return create_loader(path) if path else loader

    module.create_loader = shared


def _main() -> None:
    whose = sys.argv[2]
    for name in PRELOADED[whose]:
        import_module(name)
    if whose == "engine":
        _read_aws_services()
    # The folder that this started in, and that of the tests.
    del sys.path[:2]
    # What is imported stays, so no fork has to look for garbage there, which would copy it all.
    gc.collect()
    gc.freeze()
    server = _Server(sys.argv[1])
    print(flush=True)
    _run(server.job())


if __name__ == "__main__":
    _main()
