"""A Python language host for the Pulumi engine: `pulumi-language-python` where it is absent.

The engine starts a program through a language host, a small gRPC server. The official one for
Python comes with Pulumi's releases only, not with the Go module, so an engine built from source
needs this one. It starts programs with the runner Pulumi ships for that purpose, so what a program
sees is the official thing.

Where it differs from the official host:

- the interpreter is the `virtualenv` option of `Pulumi.yaml` or `PulumiPolicy.yaml`, else the one
  that runs this module; the toolchains (poetry, uv) are not looked at, and nothing is ever
  installed, as this project's environment is made by its own Makefile;
- it names no required plugins: the engine finds them on PATH when it first needs one;
- it generates no SDKs and converts no programs;
- no debugger can be attached.

Source: `LanguageRuntime` in Pulumi's `proto/pulumi/language.proto`; the flags of the runner in
`sdk/python/cmd/pulumi-language-python-exec`.
"""

import contextlib
import json
import os
import platform
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import grpc
from google.protobuf import empty_pb2, json_format
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

from sandbox.engine import RUNNER_VARIABLE

SHOWN_EXIT_CODE = 32
"""The runner's exit code after it has shown the user what is wrong."""

PARENT_POLL_SECONDS = 1.0
"""How often the host looks whether its engine still lives."""

POLICY_PACK = "analyzer"
"""The kind of plugin that is a policy pack."""


def interpreter(info: language_pb2.ProgramInfo) -> str:
    """Return the Python that runs a program: that of its `virtualenv` option, else this one."""
    options = json_format.MessageToDict(info.options)
    virtualenv = options.get("virtualenv")
    if not virtualenv:
        return sys.executable
    return str(Path(info.root_directory) / str(virtualenv) / "bin" / "python")


def program_command(request: language_pb2.RunRequest, engine: str, runner: str) -> list[str]:
    """Return the command that runs a program; pure, except for the interpreter's own path.

    Args:
        request: What the engine asks.
        engine: The engine's address.
        runner: The path of `pulumi-language-python-exec`.
    """
    flags = {
        "monitor": request.monitor_address,
        "engine": engine,
        "project": request.project,
        "root_directory": request.info.root_directory,
        "stack": request.stack,
        "pwd": request.pwd,
        "dry_run": "true" if request.dryRun else "",
        "parallel": str(request.parallel),
        "organization": request.organization,
    }
    given = [part for name, value in flags.items() if value for part in (f"--{name}", value)]
    return [
        interpreter(request.info),
        "-u",
        runner,
        *given,
        request.info.entry_point or ".",
        *request.args,
    ]


def plugin_command(request: language_pb2.RunPluginRequest) -> list[str]:
    """Return the command that runs a plugin written in Python: a policy pack or a provider.

    The engine's arguments are its address and flags. A pack's server wants its own folder behind
    the address; a provider is a folder with a `__main__.py` that takes the arguments as they are.
    A provider's environment is Pulumi's to make, which this host never does: without one it gets
    ours.
    """
    folder, python = request.info.program_directory, interpreter(request.info)
    if request.kind == POLICY_PACK:
        address, *flags = request.args
        return [python, "-u", "-m", "pulumi.policy", address, folder, *flags]
    return [python if Path(python).exists() else sys.executable, "-u", folder, *request.args]


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End a child that nobody waits for any more."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Answers the engine; each call runs in a thread of the server's pool."""

    def __init__(self, engine: str, runner: str) -> None:
        """Serve one engine.

        Args:
            engine: The engine's address, `host:port`.
            runner: The path of `pulumi-language-python-exec`.
        """
        self.engine = engine
        self.runner = runner

    def Handshake(
        self, request: language_pb2.LanguageHandshakeRequest, context: grpc.ServicerContext
    ) -> language_pb2.LanguageHandshakeResponse:
        """Greet the engine; its address came as an argument already."""
        del request, context
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(
        self, request: empty_pb2.Empty, context: grpc.ServicerContext
    ) -> plugin_pb2.PluginInfo:
        """Name the version of the SDK whose programs this host starts."""
        from importlib.metadata import version  # noqa: PLC0415 - few engines want to know

        del request, context
        return plugin_pb2.PluginInfo(version=version("pulumi"))

    def GetRequiredPackages(
        self, request: language_pb2.GetRequiredPackagesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetRequiredPackagesResponse:
        """Require nothing: plugins are looked for on PATH when a program first uses one."""
        del request, context
        return language_pb2.GetRequiredPackagesResponse()

    def About(
        self, request: language_pb2.AboutRequest, context: grpc.ServicerContext
    ) -> language_pb2.AboutResponse:
        """Name the interpreter, for `pulumi about`."""
        del context
        return language_pb2.AboutResponse(
            executable=interpreter(request.info), version=platform.python_version()
        )

    def InstallDependencies(
        self, request: language_pb2.InstallDependenciesRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.InstallDependenciesResponse]:
        """Say who installs, for `pulumi install`."""
        del request, context
        notice = "Nothing is installed here: the project's Makefile makes its Python environment.\n"
        yield language_pb2.InstallDependenciesResponse(stdout=notice.encode())

    def Run(
        self, request: language_pb2.RunRequest, context: grpc.ServicerContext
    ) -> language_pb2.RunResponse:
        """Run a program to its end.

        What it prints goes where this process prints, which the engine shows as the stack's log.
        """
        environment = {
            **os.environ,
            "PULUMI_CONFIG": json.dumps(dict(request.config)),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
        }
        command = program_command(request, self.engine, self.runner)
        try:
            process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL)
        except OSError as error:
            return language_pb2.RunResponse(
                error=f"the program's Python is {command[0]}, which does not start: {error}; the "
                "Python of a virtual environment. Make it, or mend `virtualenv` in Pulumi.yaml."
            )
        # A preview that is interrupted cancels this call; its program must not go on alone.
        context.add_callback(lambda: _stop(process))
        code = process.wait()
        if code == SHOWN_EXIT_CODE:
            return language_pb2.RunResponse(bail=True)
        if code != 0:
            return language_pb2.RunResponse(error=f"Program exited with non-zero exit code: {code}")
        return language_pb2.RunResponse()

    def RunPlugin(
        self, request: language_pb2.RunPluginRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.RunPluginResponse]:
        """Run a policy pack or a provider, passing on what it prints until it ends.

        The engine reads the plugin's port from the first line of its output, and ends the plugin
        by cancelling the call.
        """
        environment = {**os.environ, **dict(part.split("=", 1) for part in request.env)}
        process = subprocess.Popen(
            plugin_command(request),
            cwd=request.pwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        context.add_callback(lambda: _stop(process))
        responses: queue.SimpleQueue[language_pb2.RunPluginResponse | None] = queue.SimpleQueue()

        def read(stream: IO[bytes], name: str) -> None:
            while chunk := os.read(stream.fileno(), 65536):
                responses.put(
                    language_pb2.RunPluginResponse(stdout=chunk)
                    if name == "stdout"
                    else language_pb2.RunPluginResponse(stderr=chunk)
                )
            stream.close()
            responses.put(None)

        for stream, name in ((process.stdout, "stdout"), (process.stderr, "stderr")):
            if stream is not None:
                threading.Thread(target=read, args=(stream, name), daemon=True).start()
        open_streams = 2
        while open_streams:
            message = responses.get()
            if message is None:
                open_streams -= 1
            else:
                yield message
        yield language_pb2.RunPluginResponse(exitcode=process.wait())

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:
        """Accept the engine's wish to stop; it cancels the running calls itself."""
        del request, context
        return empty_pb2.Empty()


def main() -> None:
    """Serve the engine whose address is the first argument, until it ends this process."""
    runner = os.environ.get(RUNNER_VARIABLE, "")
    if not Path(runner).is_file():
        sys.exit(
            f"{RUNNER_VARIABLE} is {runner!r}; the path of Pulumi's pulumi-language-python-exec. "
            'Start pulumi in the environment of: eval "$(dualstack sandbox env)"'
        )
    engine = next((part for part in sys.argv[1:] if not part.startswith("-")), "")
    # A pack's server holds its thread for as long as the command runs, and there may be several.
    server = grpc.server(ThreadPoolExecutor(max_workers=64))
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(LanguageHost(engine, runner), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()

    # The engine ends its plugins with an interrupt; that is no fault to print a trace for. The
    # queue, unlike an event, may be filled by a signal handler whatever this thread is doing.
    signals: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _frame: signals.put(number))
    parent = os.getppid()
    print(port, flush=True)
    # An engine that is killed ends nobody; its orphan is given another parent.
    while os.getppid() == parent:
        with contextlib.suppress(queue.Empty):
            signals.get(timeout=PARENT_POLL_SECONDS)
            break
    server.stop(grace=None)
