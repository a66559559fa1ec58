"""The clouds of this machine, reached by what runs on a host of the lab.

They listen on this machine's loopback, and a host of the lab has a loopback of its own, where
nobody does: `dualstack verify --account` on a client would find no account. So while a command runs
on a host, a process listens there at the same address and port, and passes on what comes. A socket
stays in the network that it was made in, so that one process can hold both ends.

Where this differs from AWS: a real client reaches it over the internet. The lab's clients reach
nothing but the lab, so that no mistake in it leads out.
"""

import os
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from threading import Thread
from typing import Final
from urllib.parse import urlsplit

from sandbox.clouds import aws, digitalocean
from sandbox.lab.droplet import kernel

Endpoint = tuple[str, int]
"""An address and a port."""

READ_BYTES: Final = 65536

ENVIRONMENTS: Final = {
    "aws": aws.client_environment,
    "digitalocean": digitalocean.client_environment,
}
"""What tells clients of each cloud where it is."""


def variables(urls: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that lead a command to the clouds, by the URL of each."""
    return {
        name: value
        for cloud, url in urls.items()
        for name, value in ENVIRONMENTS[cloud](url).items()
    }


def reach(urls: Iterable[str], process: int) -> None:
    """Have clouds listen in the network of a process too, until this process ends.

    Args:
        urls: Where they listen on this machine; those that are not on a literal address of IPv4 are
            left out.
        process: A process of the host, as this machine numbers it.

    Raises:
        OSError: Linux refused, or there is no such process.
    """
    endpoints = list(_endpoints(urls))
    if not endpoints:
        return
    listeners = _listeners(endpoints, process)
    parent = os.getpid()
    if os.fork():
        for listener, _ in listeners:
            listener.close()
        return
    try:
        # What ends the command ends this with it, and no sooner; signals are the command's.
        kernel.die_with_parent()
        if os.getppid() == parent:
            _pass_on(listeners)
    finally:
        os._exit(0)


def _endpoints(urls: Iterable[str]) -> Iterator[Endpoint]:
    for url in urls:
        parts = urlsplit(url)
        with suppress(OSError):
            socket.inet_aton(parts.hostname or "")
            yield parts.hostname or "", parts.port or 80


def _listeners(endpoints: Sequence[Endpoint], process: int) -> list[tuple[socket.socket, Endpoint]]:
    """Listen in the network of a process; several may, for several commands on one host."""
    made: list[tuple[socket.socket, Endpoint]] = []
    faults: list[OSError] = []

    def make() -> None:
        try:
            kernel.network_of(str(process))
            made.extend((socket.create_server(each, reuse_port=True), each) for each in endpoints)
        except OSError as fault:
            faults.append(fault)

    # A thread has a network of its own, and takes it with it when it ends.
    thread = Thread(target=make)
    thread.start()
    thread.join()
    if faults:
        for listener, _ in made:
            listener.close()
        raise faults[0]
    return made


def _pass_on(listeners: Sequence[tuple[socket.socket, Endpoint]]) -> None:
    # Who reads what the command says waits for the end of everything that may say something.
    os.closerange(0, min(listener.fileno() for listener, _ in listeners))
    threads = [Thread(target=_accept, args=one) for one in listeners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _accept(listener: socket.socket, endpoint: Endpoint) -> None:
    while True:
        client, _ = listener.accept()
        try:
            cloud = socket.create_connection(endpoint)
        except OSError:
            client.close()
            continue
        for source, sink in ((client, cloud), (cloud, client)):
            Thread(target=_pump, args=(source, sink), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(READ_BYTES):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
