"""Which engine is used, and what is said when there is none."""

import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest
from semver import Version

from sandbox.engine import build, find
from sandbox.engine.find import Engine, EngineNotFoundError, Say, parse_version


def executable(folder: Path, name: str, script: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def quiet(line: str) -> None:
    del line


def no_way(reason: str) -> find.Way:
    def fail(root: Path, say: Say, environment: Mapping[str, str]) -> Engine:
        del root, say, environment
        raise EngineNotFoundError(reason)

    return fail


def makes_one(root: Path, say: Say, environment: Mapping[str, str]) -> Engine:
    del say, environment
    command = executable(root / "bin", "pulumi", "echo v3.259.0")
    return Engine(command, find.VERSION, "made for the test")


@pytest.mark.parametrize(
    ("folder", "host"),
    [
        pytest.param("usr/bin", "usr/bin", id="in a bin"),
        pytest.param("opt/pulumi", "opt/pulumi", id="an unpacked release"),
        pytest.param("my programs/pulumi", "my programs/pulumi", id="a path with spaces"),
        pytest.param("usr/bin", "hosts", id="its language host elsewhere on PATH"),
    ],
)
def test_a_new_enough_pulumi_on_path_is_used_as_it_is(
    tmp_path: Path, folder: str, host: str
) -> None:
    command = executable(tmp_path / folder, "pulumi", "echo v99.1.2")
    executable(tmp_path / host, "pulumi-language-python", "true")
    path = f"{command.parent}:{tmp_path / 'hosts'}"
    engine = find.find(quiet, environment={"PATH": path}, cache=tmp_path / "cache")
    assert engine == Engine(command, Version.parse("99.1.2"), "found on PATH")
    assert not (tmp_path / "cache").exists()


def test_a_link_on_path_leads_to_what_lies_beside_its_target(tmp_path: Path) -> None:
    command = executable(tmp_path / "opt" / "pulumi", "pulumi", "echo v99.1.2")
    executable(command.parent, "pulumi-language-python", "true")
    (tmp_path / "links").mkdir()
    link = tmp_path / "links" / "pulumi"
    link.symlink_to(command)
    assert find.on_path({"PATH": str(link.parent)}).command == link


def test_a_command_that_goes_by_the_name_it_is_called_by_is_called_by_it(tmp_path: Path) -> None:
    """As version managers' links are, which all lead to one program."""
    named = '[ "$(basename "$0")" = pulumi ] && echo v99.1.2'
    shim = executable(tmp_path / "manager", "shim", named)
    (tmp_path / "shims").mkdir()
    for name in ("pulumi", "pulumi-language-python"):
        (tmp_path / "shims" / name).symlink_to(shim)
    engine = find.on_path({"PATH": str(tmp_path / "shims")})
    assert engine.command == tmp_path / "shims" / "pulumi"


@pytest.mark.parametrize(
    ("about", "usable"),
    [
        pytest.param("This project is written in python: version='3.11'", True, id="has a host"),
        pytest.param("warning: could not load plugin", False, id="has none"),
    ],
)
def test_what_a_script_on_path_leads_to_the_engine_itself_says(
    tmp_path: Path, about: str, usable: bool
) -> None:
    script = f'case $1 in version) echo v99.1.2 ;; about) echo "{about}" ;; esac'
    command = executable(tmp_path / "bin", "pulumi", script)
    if usable:
        assert find.on_path({"PATH": str(command.parent)}).command == command
        return
    with pytest.raises(EngineNotFoundError, match="has no pulumi-language-python beside it"):
        find.on_path({"PATH": str(command.parent)})


def test_what_its_makers_installer_left_is_found_without_path(tmp_path: Path) -> None:
    command = executable(tmp_path / ".pulumi" / "bin", "pulumi", "echo v99.1.2")
    executable(command.parent, "pulumi-language-python", "true")
    engine = find.on_path({"HOME": str(tmp_path), "PATH": "/nowhere"})
    assert engine.command == command


@pytest.mark.root
def test_a_folder_of_path_that_is_closed_is_passed_over(tmp_path: Path) -> None:
    """Looked at by somebody who may not, since root may look everywhere."""
    closed = executable(tmp_path / "closed", "pulumi", "echo v99.1.2").parent
    executable(closed, "pulumi-language-python", "true")
    closed.chmod(0o700)
    code = (
        "import os, sys; from sandbox.engine import find\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "try: find.on_path({'PATH': sys.argv[1]})\n"
        "except find.EngineNotFoundError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, closed], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("pulumi on PATH is missing; 3.259.0 or newer.")


@pytest.mark.parametrize(
    ("script", "message"),
    [
        pytest.param("echo v3.100.0", "is 3.100.0; 3.259.0 or newer. Upgrade Pulumi.", id="old"),
        pytest.param("echo v99.1.2", "has no pulumi-language-python beside it", id="no host"),
        pytest.param(
            "echo no such library >&2; exit 3",
            "is not usable: 'pulumi version' ended with 3: no such library; 3.259.0 or newer.",
            id="broken",
        ),
        pytest.param("echo hello", "'pulumi version' said 'hello'", id="something else"),
    ],
)
def test_an_unusable_pulumi_on_path_is_named_and_passed_over(
    tmp_path: Path, script: str, message: str
) -> None:
    command = executable(tmp_path / "bin", "pulumi", script)
    environment = {"PATH": str(command.parent)}
    with pytest.raises(EngineNotFoundError) as failure:
        find.on_path(environment)
    assert message in str(failure.value)
    assert str(command) in str(failure.value)
    cache = tmp_path / "cache"
    engine = find.find(quiet, environment=environment, cache=cache, ways=[makes_one])
    assert engine.command == find.command_of(cache / str(find.VERSION))
    said: list[str] = []
    assert find.find(said.append, environment=environment, cache=cache).command == engine.command
    assert len(said) == 1
    assert message in said[0]


def test_what_was_made_is_kept_and_found_again(tmp_path: Path) -> None:
    first = find.find(quiet, environment={}, cache=tmp_path, ways=[makes_one])
    again = find.find(quiet, environment={}, cache=tmp_path, ways=[no_way("must not be asked")])
    assert again.command == first.command
    assert again.origin == "kept from an earlier run"


def test_an_engine_that_is_kept_gets_the_launcher_of_today(tmp_path: Path) -> None:
    first = find.find(quiet, environment={}, cache=tmp_path, ways=[makes_one])
    launcher = first.command.with_name("pulumi-language-python")
    launcher.write_text("exec python -m sandbox.engine.language_host")
    find.find(quiet, environment={}, cache=tmp_path, ways=[no_way("must not be asked")])
    assert launcher.read_text() == build.LANGUAGE_HOST


def test_the_next_way_is_tried_when_one_fails_and_the_failure_is_told(tmp_path: Path) -> None:
    messages: list[str] = []
    engine = find.find(
        messages.append, environment={}, cache=tmp_path, ways=[no_way("no network"), makes_one]
    )
    assert engine.origin == "made for the test"
    assert messages == ["  no network"]


def test_two_runs_at_once_make_one_engine(tmp_path: Path) -> None:
    made: list[Path] = []
    both = threading.Barrier(2)

    def slow(root: Path, say: Say, environment: Mapping[str, str]) -> Engine:
        made.append(root)
        return makes_one(root, say, environment)

    def run() -> None:
        both.wait()
        find.find(quiet, environment={}, cache=tmp_path, ways=[slow])

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [tmp_path / str(find.VERSION)]


def test_no_pulumi_no_network_and_no_go_is_one_message_that_names_all_three(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/install.sh"

        def offline(root: Path, say: Say, environment: Mapping[str, str]) -> Engine:
            return find.install(root, say, environment, installer=address)

        with pytest.raises(EngineNotFoundError) as failure:
            find.find(
                quiet,
                environment={"PATH": str(tmp_path)},
                cache=tmp_path / "cache",
                ways=[offline, find.build_from_source],
            )
    first, *ways, last = str(failure.value).splitlines()
    assert first.startswith("The Pulumi engine is missing; any one of three ways is enough")
    assert [way.strip()[:30] for way in ways] == [
        "1. pulumi on PATH is missing; ",
        "2. the official installer fail",
        "3. Go is missing on PATH; 1.25",
    ]
    assert last == ("Install Pulumi, or Go with access to a Go module proxy, and run this again.")
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [f"{find.VERSION}.lock"]


@pytest.mark.parametrize(
    ("version_text", "version"),
    [
        pytest.param("v3.259.0\n", "3.259.0", id="release"),
        pytest.param("3.259.0", "3.259.0", id="no letter"),
        pytest.param("v3.260.0-dev.1+abc\n", "3.260.0-dev.1+abc", id="development build"),
        pytest.param("warning: new version\nv4.0.0\n", "4.0.0", id="after a warning"),
    ],
)
def test_the_version_is_read_from_what_pulumi_says(version_text: str, version: str) -> None:
    assert parse_version(version_text) == Version.parse(version)
