"""The Python language host, asked over gRPC as the engine asks.

That programs and packs really run through it is seen in the tests of the program, which the real
engine drives.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol, cast

import grpc
import psutil
import pytest
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

from sandbox.engine.language_host import host as language_host
from sandbox.engine.language_host.host import LanguageHost
from support.waiting import PATIENCE_SECONDS


class PluginCall(Protocol):
    """A stream of what a plugin prints, that can be cancelled."""

    def __iter__(self) -> Iterator[language_pb2.RunPluginResponse]: ...
    def cancel(self) -> bool: ...


class Host(Protocol):
    """The calls of the language host that these tests make; the SDK's stub has no types."""

    def Run(self, request: language_pb2.RunRequest, /) -> language_pb2.RunResponse: ...
    def RunPlugin(self, request: language_pb2.RunPluginRequest, /) -> PluginCall: ...
    def About(self, request: language_pb2.AboutRequest, /) -> language_pb2.AboutResponse: ...
    def GetPluginInfo(self, request: empty_pb2.Empty, /) -> plugin_pb2.PluginInfo: ...
    def InstallDependencies(
        self, request: language_pb2.InstallDependenciesRequest, /
    ) -> Iterator[language_pb2.InstallDependenciesResponse]: ...
    def GetProgramDependencies(
        self, request: language_pb2.GetProgramDependenciesRequest, /
    ) -> language_pb2.GetProgramDependenciesResponse: ...


@pytest.fixture
def runner(tmp_path: Path) -> Path:
    """A stand-in for Pulumi's runner: it shows how it was called and ends as it is told."""
    path = tmp_path / "runner.py"
    path.write_text(
        "import os, sys, pathlib\n"
        "pathlib.Path(sys.argv[-1]).write_text("
        "'\\n'.join([*sys.argv[1:], os.environ['PULUMI_CONFIG']]))\n"
        "sys.exit(int(os.environ.get('RUNNER_EXIT', '0')))\n"
    )
    return path


@pytest.fixture
def host(runner: Path) -> Iterator[Host]:
    server = grpc.server(ThreadPoolExecutor(max_workers=4))
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(
        LanguageHost("127.0.0.1:1", str(runner)), server
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield cast("Host", language_pb2_grpc.LanguageRuntimeStub(channel))
    server.stop(grace=None).wait()


def request(tmp_path: Path, **options: str) -> language_pb2.RunRequest:
    given = struct_pb2.Struct()
    given.update(options)
    return language_pb2.RunRequest(
        project="p",
        stack="s",
        pwd=str(tmp_path),
        dryRun=True,
        parallel=8,
        config={"p:key": "value"},
        monitor_address="127.0.0.1:2",
        organization="o",
        args=[str(tmp_path / "called")],
        info=language_pb2.ProgramInfo(
            root_directory=str(tmp_path),
            program_directory=str(tmp_path),
            entry_point=".",
            options=given,
        ),
    )


def test_a_program_is_run_with_what_the_engine_said(tmp_path: Path, host: Host) -> None:
    assert host.Run(request(tmp_path)) == language_pb2.RunResponse()
    assert (tmp_path / "called").read_text().splitlines() == [
        *("--monitor", "127.0.0.1:2"),
        *("--engine", "127.0.0.1:1"),
        *("--project", "p"),
        *("--root_directory", str(tmp_path)),
        *("--stack", "s"),
        *("--pwd", str(tmp_path)),
        *("--dry_run", "true"),
        *("--parallel", "8"),
        *("--organization", "o"),
        ".",
        str(tmp_path / "called"),
        '{"p:key": "value"}',
    ]


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        pytest.param(
            1,
            language_pb2.RunResponse(error="Program exited with non-zero exit code: 1"),
            id="a fault the engine must tell",
        ),
        pytest.param(
            language_host.SHOWN_EXIT_CODE,
            language_pb2.RunResponse(bail=True),
            id="a fault the runner has told already",
        ),
    ],
)
def test_a_program_that_fails_fails_the_run(
    tmp_path: Path, runner: Path, code: int, answer: language_pb2.RunResponse
) -> None:
    runner.write_text(f"import sys; sys.exit({code})")
    host = LanguageHost("127.0.0.1:1", str(runner))

    class Context:
        def add_callback(self, callback: object) -> bool:
            return bool(callback)

    assert host.Run(request(tmp_path), Context()) == answer  # pyright: ignore[reportArgumentType] - all the host asks of one


def test_a_missing_interpreter_is_named_with_the_way_to_mend_it(tmp_path: Path, host: Host) -> None:
    answer = host.Run(request(tmp_path, virtualenv="nowhere"))
    assert f"the program's Python is {tmp_path}/nowhere/bin/python, which does not start" in (
        answer.error
    )
    assert answer.error.endswith("Make it, or mend `virtualenv` in Pulumi.yaml.")


def test_the_virtualenv_option_names_the_interpreter(tmp_path: Path) -> None:
    assert language_host.interpreter(request(tmp_path).info) == sys.executable
    assert language_host.interpreter(request(tmp_path, virtualenv="../env").info) == str(
        tmp_path / "../env/bin/python"
    )


def plugin(tmp_path: Path, source: str, kind: str = "resource") -> language_pb2.RunPluginRequest:
    folder = tmp_path / "plugin"
    folder.mkdir()
    (folder / "__main__.py").write_text(source)
    return language_pb2.RunPluginRequest(
        pwd=str(tmp_path),
        args=["127.0.0.1:1", "-v=3"],
        env=["GREETING=hello=you"],
        kind=kind,
        info=language_pb2.ProgramInfo(root_directory=str(folder), program_directory=str(folder)),
    )


def test_what_a_plugin_prints_is_passed_on_and_its_exit_code_comes_last(
    tmp_path: Path, host: Host
) -> None:
    source = (
        "import os, sys\n"
        "print(os.environ['GREETING'], *sys.argv[1:])\n"
        "sys.stdout.flush()\n"
        "sys.exit('goodbye')\n"
    )
    answers = list(host.RunPlugin(plugin(tmp_path, source)))
    assert b"".join(answer.stdout for answer in answers) == b"hello=you 127.0.0.1:1 -v=3\n"
    assert b"".join(answer.stderr for answer in answers) == b"goodbye\n"
    assert answers[-1] == language_pb2.RunPluginResponse(exitcode=1)


def test_a_policy_pack_is_told_its_own_folder_behind_the_engine_s_address(tmp_path: Path) -> None:
    run_plugin = plugin(tmp_path, "", kind=language_host.POLICY_PACK)
    assert language_host.plugin_command(run_plugin) == [
        *(sys.executable, "-u", "-m", "pulumi.policy"),
        *("127.0.0.1:1", str(tmp_path / "plugin"), "-v=3"),
    ]


@pytest.mark.parametrize("made", [True, False])
def test_a_provider_has_the_environment_that_was_made_for_it_or_else_the_sandbox_s(
    tmp_path: Path, made: bool
) -> None:
    run_plugin = plugin(tmp_path, "")
    run_plugin.info.options.update({"virtualenv": "venv"})
    own = tmp_path / "plugin" / "venv" / "bin" / "python"
    if made:
        own.parent.mkdir(parents=True)
        own.touch()
    python = str(own) if made else sys.executable
    assert language_host.plugin_command(run_plugin)[0] == python


def test_a_plugin_ends_when_the_engine_cancels_its_call(tmp_path: Path, host: Host) -> None:
    source = "import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(600)\n"
    call = host.RunPlugin(plugin(tmp_path, source))
    process = psutil.Process(int(next(iter(call)).stdout))
    call.cancel()
    process.wait(timeout=PATIENCE_SECONDS)


def test_installing_changes_nothing_and_says_who_does_it(
    host: Host,
) -> None:
    output = b"".join(
        answer.stdout
        for answer in host.InstallDependencies(language_pb2.InstallDependenciesRequest())
    )
    assert output.startswith(b"Nothing is installed here")


def test_it_tells_about_itself(host: Host) -> None:
    assert host.About(language_pb2.AboutRequest()).executable == sys.executable
    assert host.GetPluginInfo(empty_pb2.Empty()).version


def test_started_without_the_runner_it_says_what_is_missing() -> None:
    environment = {
        name: value for name, value in os.environ.items() if name != "DUALSTACK_PROGRAM_RUNNER"
    }
    done = subprocess.run(
        [sys.executable, "-m", "sandbox.engine.language_host", "127.0.0.1:1"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("DUALSTACK_PROGRAM_RUNNER is ''; the path of Pulumi's")


def test_an_interrupt_ends_it_without_a_trace(tmp_path: Path, runner: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "sandbox.engine.language_host", "127.0.0.1:1"],
        env={**os.environ, language_host.RUNNER_VARIABLE: str(runner)},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert int(process.stdout.readline()) > 0
        process.send_signal(2)
        assert process.communicate(timeout=PATIENCE_SECONDS) == ("", "")
    assert process.returncode == 0


def test_it_ends_when_its_engine_was_killed(tmp_path: Path, runner: Path) -> None:
    engine = (
        "import subprocess, sys, time\n"
        "host = subprocess.Popen([sys.executable, '-m', 'sandbox.engine.language_host', 'x'])\n"
        "print(host.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", engine],
        env={**os.environ, language_host.RUNNER_VARIABLE: str(runner)},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        host = psutil.Process(int(process.stdout.readline()))
        assert int(process.stdout.readline()) > 0
        process.kill()
    host.wait(timeout=PATIENCE_SECONDS)
