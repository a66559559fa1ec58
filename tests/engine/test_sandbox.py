"""`dualstack sandbox`, as `make up`, `make down` and a shell use it."""

import json
import os
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from sandbox.cli import settings_changed
from support.engine import COMMAND_SECONDS, DUALSTACK, Sandbox
from support.shown import README, assert_in_order, shown


def test_up_goes_on_from_whatever_was_left_and_down_leaves_nothing(sandbox: Sandbox) -> None:
    """One sandbox for all of it, because nothing here takes longer than the first `up`."""
    first = sandbox.run("up")
    assert first.returncode == 0, first.stderr
    assert "The edge is up" in first.stdout
    assert "Try next:" in first.stdout
    lines = shown(README, "make up")
    table = lines.index("output value")
    assert_in_order(lines[:table], first.stderr)
    assert_in_order(lines[table:], first.stdout)
    for word in ("distributionId", "certificateArn", "api.example.com", "direct", "cdn"):
        assert word in first.stdout
    # What Pulumi prints is shown, on the side of the output that nobody parses.
    assert "aws:cloudfront:Distribution edge-cdn-distribution created" in first.stderr

    leave_a_lock(sandbox)
    second = sandbox.run("up")
    assert second.returncode == 0, second.stderr
    assert "was killed and left its lock" in second.stderr
    assert "Nothing changed: the edge was up already." in second.stdout

    psutil.Process(pids(sandbox)[0]).kill()
    interrupted = interrupt_an_up(sandbox)
    assert interrupted.returncode == 130, interrupted.stderr
    assert interrupted.stderr.endswith("Interrupted; `make up` goes on, `make down` removes.\n"), (
        interrupted.stderr
    )
    assert "A cloud of the last time is gone; its stacks' state goes with it." in interrupted.stderr

    second = sandbox.run("up")
    assert second.returncode == 0, second.stderr
    assert "left its lock" not in second.stderr
    assert "The edge is up" in second.stdout

    clouds = pids(sandbox)
    assert [psutil.pid_exists(pid) for pid in clouds] == [True, True]
    down = sandbox.run("down")
    assert down.returncode == 0, down.stderr
    assert "Stopped: aws, digitalocean." in down.stderr
    assert [psutil.pid_exists(pid) for pid in clouds] == [False, False]
    assert not sandbox.home.exists()
    assert "Nothing was up." in sandbox.run("down").stderr


def interrupt_an_up(sandbox: Sandbox) -> subprocess.CompletedProcess[str]:
    """Interrupt `dualstack sandbox up` as a terminal does, once the first resource is made."""
    with subprocess.Popen(
        [DUALSTACK, "sandbox", "up"],
        env={**os.environ, "DUALSTACK_SANDBOX_HOME": str(sandbox.home)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        lines: list[str] = []
        assert process.stderr
        for line in process.stderr:
            lines.append(line)
            if "created" in line:
                break
        os.killpg(process.pid, signal.SIGINT)
        printed, rest = process.communicate(timeout=COMMAND_SECONDS)
    return subprocess.CompletedProcess(
        process.args, process.returncode, printed, "".join(lines) + rest
    )


def pids(sandbox: Sandbox) -> list[int]:
    """Return the processes of the clouds."""
    return [json.loads(note.read_text())["pid"] for note in sandbox.notes()]


def leave_a_lock(sandbox: Sandbox) -> None:
    """Leave what a `pulumi up` leaves that was killed."""
    (stack,) = (sandbox.home / "state" / ".pulumi" / "stacks").rglob("sandbox.json")
    project = stack.relative_to(sandbox.home / "state" / ".pulumi" / "stacks").parent
    locks = sandbox.home / "state" / ".pulumi" / "locks" / "organization" / project / "sandbox"
    locks.mkdir(parents=True, exist_ok=True)
    (locks / "0a1b2c3d-0000-4000-8000-000000000000.json").write_text(
        json.dumps(
            {
                "pid": 2**22 + 1,
                "username": "u",
                "hostname": "h",
                "timestamp": "2026-01-01T00:00:00Z",
            }
        )
    )


def test_the_plain_command_works_in_a_shell_that_entered_the_sandbox(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """With JSON asked for, which goes to standard output alone."""
    up = json.loads(sandbox.run("up", "--json").stdout)
    assert up["outputs"]["traffic"] == {"direct": 100, "cdn": 0}
    assert up["changes"]["create"] > 0
    assert sandbox.shell("pulumi stack --show-name").strip() == "sandbox"
    (tmp_path / "Pulumi.yaml").write_text("name: another\nruntime: yaml\n")
    another = f"cd {tmp_path}; pulumi stack init mine 2>init; pulumi stack --show-name"
    assert sandbox.shell(another).strip() == "mine"
    assert_in_order(shown(README, "pulumi preview"), sandbox.shell("pulumi preview"))
    assert "dual-stack" in sandbox.shell("pulumi policy analyze 2>&1")
    assert "unchanged" in sandbox.shell("pulumi refresh --yes --expect-no-changes")
    assert "unchanged" in sandbox.shell("pulumi up --yes --skip-preview --expect-no-changes")
    exported = json.loads(sandbox.shell("pulumi stack export"))
    records = [
        resource["inputs"]
        for resource in exported["deployment"]["resources"]
        if resource["type"] == "aws:route53/record:Record" and "setIdentifier" in resource["inputs"]
    ]
    assert {
        (record["name"], record["type"], record["setIdentifier"]): (
            record["weightedRoutingPolicies"][0]["weight"]
        )
        for record in records
        if not record["name"].startswith("_proxy.")
    } == {
        (name, kind, path): weight
        for name in ("api.example.com", "api2.example.com")
        for kind in ("A", "AAAA")
        for path, weight in (("direct", 100), ("cdn", 0))
    }
    assert "deleted" in sandbox.shell("pulumi destroy --yes --skip-preview")
    assert json.loads(sandbox.run("down", "--json").stdout) == {
        "stopped": ["aws", "digitalocean"],
        "removed": True,
    }


def test_entering_a_sandbox_that_is_not_up_says_how_to_start_it(sandbox: Sandbox) -> None:
    done = sandbox.run("env")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "start them with: make up" in done.stderr


def test_without_any_way_to_an_engine_up_says_all_three_and_makes_nothing(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    (tmp_path / "cache").mkdir()
    done = subprocess.run(
        [DUALSTACK, "sandbox", "up"],
        env={
            "PATH": str(tmp_path),
            "HOME": str(tmp_path),
            "XDG_CACHE_HOME": str(tmp_path / "cache"),
            "DUALSTACK_SANDBOX_HOME": str(sandbox.home),
            # Nobody listens there: the installer's site is as unreachable as without a network.
            "HTTPS_PROXY": "http://127.0.0.1:9",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    for way in ("pulumi on PATH is missing", "the official installer failed", "Go is missing"):
        assert way in done.stderr
    assert not list(sandbox.home.glob("*.json"))


def test_settings_that_are_not_as_committed_are_told_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    git = ("git", "-C", str(tmp_path), "-c", "user.name=n", "-c", "user.email=e@example.com")
    settings = tmp_path / "Pulumi.sandbox.yaml"
    settings_changed(tmp_path)
    settings.write_text("config: {}\n")
    for words in (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "--message=m")):
        subprocess.run([*git, *words], check=True)
    settings_changed(tmp_path)
    assert capsys.readouterr().err == ""
    settings.write_text("config: {a: b}\n")
    settings_changed(tmp_path)
    assert capsys.readouterr().err == (
        "Pulumi.sandbox.yaml is not as committed; to take that back: "
        "git checkout Pulumi.sandbox.yaml\n"
    )
