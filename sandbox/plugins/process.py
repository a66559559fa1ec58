"""The process of a plugin: it serves a package until the engine is done with it."""

import argparse
import contextlib
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from sandbox.plugins.resource import Package
from sandbox.plugins.servicer import Servicer

_WORKERS = 64
"""Requests answered at once; most of them wait. The engine sends as many as `--parallel` says."""

_ENGINE_CHECK_SECONDS = 1.0
"""How often a plugin makes sure that its engine is still there."""

_SIGNAL_CHECK_SECONDS = 0.5
"""How late a signal may be seen."""

_STOP_SECONDS = 5.0
"""How long calls that were cancelled may take to notice."""


def serve(package: Package[Any], arguments: Sequence[str]) -> None:
    """Serve a package until the engine is done with it.

    Prints the port, and nothing else, on standard output, as the engine expects. Ends on SIGTERM
    or SIGINT, and when the engine whose address is the first argument no longer answers; without
    an address (as when attaching a debugger) only by a signal.

    Args:
        package: What to serve.
        arguments: The command line without the program.
    """
    parser = argparse.ArgumentParser(
        prog=f"pulumi-resource-{package.name}",
        description=f"Stand-in for the Pulumi plugin {package.name}; started by the engine.",
    )
    parser.add_argument("engine", nargs="?", help="address of the engine, HOST:PORT")
    # The engine passes its logging flags (--logtostderr, -v=9, --tracing ...) to every plugin.
    engine = parser.parse_known_args(arguments)[0].engine

    # Not an event: one that is set by a signal handler while this thread is inside its `wait` waits
    # for itself forever.
    ended: queue.SimpleQueue[None] = queue.SimpleQueue()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: ended.put(None))
    stopped = threading.Event()
    server = grpc.server(
        ThreadPoolExecutor(_WORKERS), options=[("grpc.max_receive_message_length", -1)]
    )
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Servicer(package, stopped), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    if engine:
        threading.Thread(target=_watch, args=(engine, ended), daemon=True).start()
    _wait(ended)
    stopped.set()
    server.stop(grace=1).wait(timeout=_STOP_SECONDS)
    # Threads that still wait for the cloud end here.
    os._exit(0)


def _wait(ended: "queue.SimpleQueue[None]") -> None:
    """Return when the process is to end.

    A signal's handler runs in this thread, between two of its steps. A signal that comes after the
    last step before a wait, or in another thread, does not end the wait, so a wait without a limit
    may be forever: on a busy machine, a call that is answered just then is enough.
    """
    while True:
        with contextlib.suppress(queue.Empty):
            return ended.get(timeout=_SIGNAL_CHECK_SECONDS)


def _watch(engine: str, ended: queue.SimpleQueue[None]) -> None:
    """End the process once the engine is gone, as the official plugins do.

    They call the health service every so often. That the engine has none does not matter: a refusal
    is a sign of life too. Source: pulumi/pulumi, `sdk/go/common/util/rpcutil`.
    """
    with grpc.insecure_channel(engine) as channel:
        alive = channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=bytes,
            response_deserializer=bytes,
        )
        while True:
            time.sleep(_ENGINE_CHECK_SECONDS)
            try:
                alive(b"", timeout=30)
            except grpc.RpcError as error:
                if error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
                    ended.put(None)
