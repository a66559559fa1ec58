"""`dualstack status` as a user runs it, where nothing of what it asks for is there."""

import json
import socket
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rollout.status.command import app
from rollout.status.edge_room import own_stacks
from rollout.status.room import StatusRequest

OUTPUTS = {
    "hostnames": ["api.example.com"],
    "distributionId": "E1",
    "distributionDomainName": "d1.cloudfront.net",
    "certificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/1",
    "proxyAddresses": ["2001:db8::1"],
    "traffic": {"direct": 100, "cdn": 0},
    "records": [
        {"name": "api.example.com", "type": kind, "setIdentifier": path, "target": "a.example.net"}
        for kind in ("A", "AAAA")
        for path in ("direct", "cdn")
    ],
}


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without Pulumi, credentials and a sandbox that is up."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "DIGITALOCEAN_TOKEN", "PULUMI_BACKEND_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("DUALSTACK_SANDBOX_HOME", str(tmp_path / "sandbox"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_where_nothing_can_be_asked_each_cause_is_said_once(alone: Path) -> None:  # noqa: ARG001
    done = CliRunner().invoke(app, ["--json"])
    assert done.exit_code == 3
    sections = {each["name"]: each for each in json.loads(done.stdout)["sections"]}
    assert {name: each["state"] for name, each in sections.items()} == {
        **dict.fromkeys(
            (
                "clouds",
                "stack",
                "weights",
                "switch",
                "certificate",
                "distribution",
                "proxies",
                "logs",
            ),
            "unknown",
        ),
        "sandbox": "ok",
        "lab": "ok",
    }
    assert sections["clouds"]["notes"] == [
        "AWS has no answer: Unable to locate credentials. Set AWS_PROFILE, or: aws sso login"
    ]
    assert sections["stack"]["notes"] == [
        (
            "pulumi stack is not on PATH; a stack is needed. Run it where a stack is selected, or "
            "give --stack NAME or --outputs FILE. To make one on this machine: make up"
        )
    ]
    assert sections["weights"]["notes"] == ["It needs the stack's outputs: see section stack."]
    assert sections["sandbox"]["lines"][0] == {"what": "up", "value": False}
    assert sections["lab"]["lines"][0] == {"what": "open", "value": False}


def test_clouds_that_are_dead_or_silent_are_told_of_in_time(
    alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = alone / "outputs.json"
    file.write_text(json.dumps(OUTPUTS))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("DIGITALOCEAN_TOKEN", "test")
    with socket.create_server(("127.0.0.1", 0)) as silent, socket.socket() as dead:
        dead.bind(("127.0.0.1", 0))  # and nobody listens
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setenv("DIGITALOCEAN_API_URL", f"http://127.0.0.1:{dead.getsockname()[1]}")
        began = time.monotonic()
        words = ["--outputs", str(file), "--time-limit", "2"]
        done = CliRunner().invoke(app, words)
        took = time.monotonic() - began
    assert done.exit_code == 3, done.output
    assert took < 30
    assert "ok         stack" in done.stdout
    assert "unknown    distribution\n  ! distribution has no answer after 2 s\n" in done.stdout
    assert "attention" not in done.stdout.replace("0 attention", "")


def test_credentials_that_are_missing_are_said_once(alone: Path) -> None:
    file = alone / "outputs.json"
    file.write_text(json.dumps(OUTPUTS))
    done = CliRunner().invoke(app, ["--outputs", str(file)])
    assert done.exit_code == 3
    assert done.stdout.count("Unable to locate credentials") == 1
    assert done.stdout.count("It needs credentials of AWS: see section clouds.") == 6
    assert "DigitalOcean cannot be asked: no token is set: set DIGITALOCEAN_TOKEN" in done.stdout


@pytest.mark.parametrize(
    ("words", "messages"),
    [
        pytest.param(
            ["--stack", "prod", "--outputs", "o.json", "--time-limit", "0"],
            [
                (
                    "--stack prod is given beside --outputs o.json; one of them is enough. Keep "
                    "one of them."
                ),
                (
                    "--time-limit is 0.0; it should be above 0 and at most 600 seconds. Leave it "
                    "out for 20."
                ),
            ],
            id="options",
        ),
        pytest.param(
            ["--outputs", "gone.json"],
            [
                (
                    "--outputs gone.json is not readable ([Errno 2] No such file or directory: "
                    "'gone.json'); it should be a file with what `pulumi stack output --json` "
                    "prints. Write it with: pulumi stack output --json > gone.json"
                )
            ],
            id="no such file",
        ),
    ],
)
def test_wrong_use_ends_with_2_and_every_fault(
    alone: Path,  # noqa: ARG001
    words: list[str],
    messages: list[str],
) -> None:
    done = CliRunner().invoke(app, words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.splitlines() == messages


def test_a_sandbox_that_is_not_up_keeps_no_stack(alone: Path) -> None:  # noqa: ARG001
    assert own_stacks() == {}
    assert StatusRequest().stack is None
