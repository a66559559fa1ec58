"""The environment of the sandbox, and the stand-ins for what is not installed."""

import importlib.metadata
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from semver import Version

from sandbox.engine.find import Engine
from sandbox.engine.shell import Shell, exports

CLOUD = {"AWS_ENDPOINT_URL": "http://127.0.0.1:5000"}


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    pack = tmp_path / "project" / "policies" / "dual_stack"
    pack.mkdir(parents=True)
    (pack / "PulumiPolicy.yaml").touch()
    return Shell(tmp_path / "project", tmp_path / "home")


@pytest.fixture
def built(tmp_path: Path) -> Engine:
    folder = tmp_path / "engine" / "bin"
    folder.mkdir(parents=True)
    (folder / "pulumi").touch(mode=0o755)
    return Engine(folder / "pulumi", Version.parse("3.259.0"), "built")


def plugins(shell: Shell) -> list[str]:
    folder = shell.pulumi_home / "plugins"
    return sorted(str(path.relative_to(folder)) for path in folder.glob("*/*"))


CLOUDS = ["aws", "digitalocean", "random"]


def stand_in(cloud: str) -> str:
    version = importlib.metadata.version(f"pulumi-{cloud}")
    return f"resource-{cloud}-v{version}/pulumi-resource-{cloud}"


def test_the_variables_name_engine_state_packs_and_cloud(shell: Shell, built: Engine) -> None:
    home, engine = shell.home, built.command.parent
    assert shell.environment(built, CLOUD, {"PATH": "/usr/bin:/bin"}) == {
        "PATH": f"{engine}:/usr/bin:/bin",
        "PULUMI_HOME": f"{home}/pulumi",
        "PULUMI_BACKEND_URL": f"file://{home}/state?metadata=skip",
        "PULUMI_CONFIG_PASSPHRASE": "sandbox",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_OPTION_POLICY_PACK": f"{shell.project}/policies/dual_stack",
        "DUALSTACK_PYTHON": sys.executable,
        "AWS_ENDPOINT_URL": "http://127.0.0.1:5000",
    }


def test_entering_the_environment_twice_changes_nothing(shell: Shell, built: Engine) -> None:
    shell.prepare({"PATH": "/usr/bin"})
    once = shell.environment(built, CLOUD, {"PATH": "/usr/bin"})
    assert shell.prepare(once) == CLOUDS
    assert plugins(shell) == [stand_in(cloud) for cloud in CLOUDS]
    assert shell.environment(built, CLOUD, once) == once


def test_a_path_that_leads_to_the_engine_stays_as_it_is(shell: Shell, built: Engine) -> None:
    """Another order of it could have another Python, or another of whatever lies beside."""
    path = f"/nowhere:{built.command.parent}:/usr/bin"
    assert shell.environment(built, CLOUD, {"PATH": path})["PATH"] == path


def test_what_lies_beside_the_files_of_an_older_state_goes(shell: Shell) -> None:
    """Killed at the wrong moment, Pulumi left them empty, and could not read the state again."""
    stacks = shell.state / ".pulumi" / "stacks"
    stacks.mkdir(parents=True)
    for name in ("sandbox.json", "sandbox.json.attrs"):
        (stacks / name).touch()
    shell.prepare({"HOME": str(shell.home), "PATH": ""})
    assert [path.name for path in stacks.iterdir()] == ["sandbox.json"]


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_plugin_that_is_not_installed_gets_a_stand_in(shell: Shell, cloud: str) -> None:
    assert shell.prepare({"PATH": "/usr/bin", "HOME": str(shell.home)}) == CLOUDS
    launcher = shell.pulumi_home / "plugins" / stand_in(cloud)
    run = f'exec {sys.executable} -P -m sandbox.plugins.{cloud} "$@"'
    assert launcher.read_text() == f"#!/bin/sh\n{run}\n"
    assert os.access(launcher, os.X_OK)


def test_an_official_plugin_is_used_where_it_is_installed(tmp_path: Path, shell: Shell) -> None:
    official = tmp_path / "user" / ".pulumi" / "plugins" / "resource-aws-v7.0.0"
    official.mkdir(parents=True)
    (official / "pulumi-resource-aws").touch(mode=0o755)
    for _ in range(2):
        assert shell.prepare({"HOME": str(tmp_path / "user")}) == CLOUDS[1:]
        assert plugins(shell) == [
            "resource-aws-v7.0.0/pulumi-resource-aws",
            *map(stand_in, CLOUDS[1:]),
        ]
    linked = shell.pulumi_home / "plugins" / "resource-aws-v7.0.0" / "pulumi-resource-aws"
    assert linked.resolve() == official / "pulumi-resource-aws"


def test_a_plugin_on_path_is_used(tmp_path: Path, shell: Shell) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "pulumi-resource-aws").touch(mode=0o755)
    made = shell.prepare({"PATH": str(tmp_path / "own"), "HOME": str(tmp_path)})
    assert made == CLOUDS[1:]
    assert plugins(shell) == [stand_in(cloud) for cloud in CLOUDS[1:]]


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_any_value_comes_out_of_the_shell_as_it_went_in(value: str) -> None:
    line = exports({"NAME": value})
    assert shlex.split(line) == ["export", f"NAME={value}"]


def test_a_real_shell_evaluates_the_lines() -> None:
    lines = exports({"ONE": "a b", "TWO": "it's $HOME"})
    done = subprocess.run(
        ["sh", "-c", f'{lines}\nprintf "%s|%s" "$ONE" "$TWO"'],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "a b|it's $HOME"
