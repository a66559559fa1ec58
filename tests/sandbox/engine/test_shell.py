"""The environment of the sandbox, and the launchers of what is not installed."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from semver import Version

from sandbox.engine import build
from sandbox.engine.find import Engine
from sandbox.engine.shell import LanguageHostMissingError, Shell, exports

CLOUD = {"AWS_ENDPOINT_URL": "http://127.0.0.1:5000"}


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    pack = tmp_path / "project" / "policies" / "dual_stack"
    pack.mkdir(parents=True)
    (pack / "PulumiPolicy.yaml").touch()
    return Shell(tmp_path / "project", tmp_path / "home")


@pytest.fixture
def built(tmp_path: Path) -> Engine:
    """An engine as the Go module gives it: the command and the runner, no language host."""
    folder = tmp_path / "engine" / "bin"
    folder.mkdir(parents=True)
    for name in ("pulumi", build.PROGRAM_RUNNER):
        (folder / name).touch(mode=0o755)
    return Engine(folder.parent, Version.parse("3.259.0"), "built")


def launchers(shell: Shell) -> list[str]:
    return sorted(path.name for path in shell.launchers.iterdir())


def test_the_variables_name_engine_state_packs_and_cloud(shell: Shell, built: Engine) -> None:
    home, engine = shell.home, built.command.parent
    assert shell.environment(built, CLOUD, {"PATH": "/usr/bin:/bin"}) == {
        "PATH": f"{engine}:/usr/bin:/bin:{home}/bin",
        "PULUMI_HOME": f"{home}/pulumi",
        "PULUMI_BACKEND_URL": f"file://{home}/state",
        "PULUMI_CONFIG_PASSPHRASE": "sandbox",
        "PULUMI_STACK": "sandbox",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_OPTION_POLICY_PACK": f"{shell.project}/policies/dual_stack",
        "DUALSTACK_PROGRAM_RUNNER": f"{engine}/{build.PROGRAM_RUNNER}",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:5000",
    }


def test_entering_the_environment_twice_changes_nothing(shell: Shell, built: Engine) -> None:
    shell.prepare(built, {"PATH": "/usr/bin"})
    once = shell.environment(built, CLOUD, {"PATH": "/usr/bin"})
    made = launchers(shell)
    shell.prepare(built, once)
    assert launchers(shell) == made
    assert shell.environment(built, CLOUD, once) == once


def test_what_is_not_installed_gets_a_stand_in(shell: Shell, built: Engine) -> None:
    assert shell.prepare(built, {"PATH": "/usr/bin"}) == [
        "pulumi-language-python",
        "pulumi-resource-aws",
    ]
    text = (shell.launchers / "pulumi-resource-aws").read_text()
    assert text == f'#!/bin/sh\nexec {sys.executable} -m sandbox.plugins.aws "$@"\n'
    assert os.access(shell.launchers / "pulumi-resource-aws", os.X_OK)


def test_an_official_plugin_is_used_where_it_is_installed(
    tmp_path: Path, shell: Shell, built: Engine
) -> None:
    official = tmp_path / "user" / ".pulumi" / "plugins" / "resource-aws-v7.51.1"
    official.mkdir(parents=True)
    (official / "pulumi-resource-aws").touch(mode=0o755)
    assert shell.prepare(built, {"HOME": str(tmp_path / "user")}) == ["pulumi-language-python"]
    assert (shell.pulumi_home / "plugins").resolve() == official.parent


def test_a_plugin_on_path_is_used_and_an_older_stand_in_taken_away(
    tmp_path: Path, shell: Shell, built: Engine
) -> None:
    shell.prepare(built, {"PATH": "/usr/bin"})
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "pulumi-resource-aws").touch(mode=0o755)
    shell.prepare(built, {"PATH": str(tmp_path / "own")})
    assert launchers(shell) == ["pulumi-language-python"]


def test_the_official_language_host_is_used_where_it_is(shell: Shell, built: Engine) -> None:
    (built.root / "bin" / "pulumi-language-python").touch(mode=0o755)
    assert shell.prepare(built, {"PATH": "/usr/bin"}) == ["pulumi-resource-aws"]


def test_an_engine_with_no_way_to_run_python_is_refused(shell: Shell, built: Engine) -> None:
    (built.root / "bin" / build.PROGRAM_RUNNER).unlink()
    with pytest.raises(LanguageHostMissingError) as failure:
        shell.prepare(built, {"PATH": "/usr/bin"})
    assert str(failure.value).endswith("take it off PATH so that one is built.")


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_any_value_comes_out_of_the_shell_as_it_went_in(value: str) -> None:
    line = exports({"NAME": value})
    assert shlex.split(line) == ["export", f"NAME={value}"]


def test_a_real_shell_evaluates_the_lines() -> None:
    lines = exports({"ONE": "a b", "TWO": "it's $HOME"})
    said = subprocess.run(
        ["sh", "-c", f'{lines}\nprintf "%s|%s" "$ONE" "$TWO"'],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == "a b|it's $HOME"
