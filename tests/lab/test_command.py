"""The lab from a terminal: opened, entered, changed, followed and closed."""

import json
import os
import signal
import time
from datetime import datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sandbox.clouds.background import Cloud
from sandbox.lab import command
from sandbox.lab.command import LabSandbox
from sandbox.lab.door import Door
from support.engine import DUALSTACK, client
from support.lab import left_of, namespaces
from support.terminal import Terminal


def test_a_lab_is_opened_entered_changed_followed_and_closed(home: Path) -> None:
    terminal = Terminal(home)
    try:
        terminal.until("The lab is open")
        pid = json.loads((home / "lab" / "lab.json").read_text())["pid"]
        inside = namespaces([pid])
        table = "\n".join(terminal.lines)
        for name in ("ipv6-only", "2001:db8:c:3::3", "edge-2", "cloudfront.net"):
            assert name in table
        outputs = json.loads((home / "lab" / "outputs.json").read_text())
        assert outputs["hostnames"] == ["api.example.com", "api2.example.com"]

        entered = terminal.run("enter", "ipv6-only", "curl", "-sS", "https://api.example.com/echo")
        assert json.loads(entered.stdout)["protocol"] == "HTTP/2", entered.stderr
        failed = terminal.run("enter", "ipv6-only", "sh", "-c", "exit 7")
        assert failed.returncode == 7
        parted = terminal.run("enter", "ipv6-only", "--", "sh", "-c", "exit 8")
        assert parted.returncode == 8
        ended_by_a_signal = terminal.run("enter", "ipv6-only", "sh", "-c", "kill -TERM $$")
        assert ended_by_a_signal.returncode == 128 + signal.SIGTERM
        for number, to_all in (
            (signal.SIGTERM, False),
            (signal.SIGHUP, False),
            (signal.SIGINT, True),
        ):
            a_signal_reaches_what_runs_inside(terminal, home, number, to_all=to_all)
        the_account_is_read_inside(terminal, home)
        which = terminal.run("enter", "ipv4-only", "which", "dualstack")
        assert Path(which.stdout.strip()).samefile(DUALSTACK)

        done = terminal.run("set", "least-ttl-seconds", "120")
        assert (done.returncode, json.loads(done.stdout)) == (0, {"least-ttl-seconds": "120"})
        refused = terminal.run("set", "edge-nodes", "0")
        assert (refused.returncode, refused.stderr) == (
            2,
            "edge-nodes is 0; it is 1 to 16. Set another.\n",
        )
        assert terminal.run("set", "down", "edge-2").returncode == 0
        the_lab_is_shown(terminal, home)
        assert terminal.run("set", "down", "").returncode == 0
        unknown = terminal.run("set", "mtu.edge-9", "1400")
        assert unknown.returncode == 2
        assert unknown.stderr.startswith("The host is edge-9; there are checkers, cloud-")
        again = terminal.run("open")
        assert (again.returncode, "A lab is open in" in again.stderr) == (1, True)

        url = json.loads((home / "aws.json").read_text())["url"]
        add_record(url)
        line = terminal.until("record www.example.com")
        assert line.endswith("record www.example.com TXT is new")
    finally:
        code, last = terminal.interrupt()
    assert (code, last) == (0, "The lab is closed; nothing of it is left.")
    assert left_of(inside) == set()


def the_lab_is_shown(terminal: Terminal, home: Path) -> None:
    """See that `lab show` and `dualstack status` tell of a host that is off the network."""
    lab = json.loads(terminal.run("show", "--json").stdout)
    hosts = {host["name"]: host for host in lab["hosts"]}
    assert (lab["open"], lab["folder"], lab["logs"]) == (
        True,
        str(home / "lab"),
        str(home / "lab" / "hosts"),
    )
    assert lab["settings"] == {"least-ttl-seconds": 120, "down": ["edge-2"]}
    assert (hosts["edge-2"]["up"], hosts["edge-2"]["faults"]) == (False, ["off the network"])
    assert (hosts["edge-1"]["up"], hosts["edge-1"]["faults"]) == (True, [])
    assert hosts["ipv6-only"]["addresses"] == ["2001:db8:c:3::3"]
    assert lab["certificates"]["api.example.com, api2.example.com"] == "valid"
    assert "zone example.com" in lab["deployed"]
    text = terminal.run("show").stdout
    assert "edge-2" in next(line for line in text.splitlines() if "off the network" in line)
    assert f"Logs of every program: {home / 'lab' / 'hosts'}" in text
    done = terminal.dualstack("status", "--json", "--stack", "sandbox", "--time-limit", "60")
    report = {each["name"]: each for each in json.loads(done.stdout)["sections"]}
    assert report["lab"]["notes"] == [
        "Host edge-2 is off the network; it should be up. See: dualstack sandbox lab show"
    ]
    assert {name for name, each in report.items() if each["state"] != "ok"} == {"lab"}, report
    assert (done.returncode, len(report["proxies"]["lines"])) == (1, 3)


def the_account_is_read_inside(terminal: Terminal, home: Path) -> None:
    """Verify on a client what only the AWS account tells, which listens outside of the lab."""
    done = terminal.run(
        *("enter", "ipv6-only", "dualstack", "verify", "--json", "--account"),
        *("--outputs", str(home / "lab" / "outputs.json"), "--echo", "/echo"),
        *("--only", "hazards-timeouts"),
    )
    report = json.loads(done.stdout)
    verdicts = {each["check"]: each["verdict"] for each in report["results"]}
    assert (done.returncode, set(verdicts.values())) == (0, {"pass"}), report


def a_signal_reaches_what_runs_inside(
    terminal: Terminal, home: Path, number: signal.Signals, *, to_all: bool
) -> None:
    """End a verification that runs inside; `to_all` as Ctrl-C does, which the whole group gets."""
    junit = home / f"{number.name}.xml"
    with terminal.start(
        *("enter", "ipv4-only", "dualstack", "verify", "--json", "--junit", str(junit)),
        *("--outputs", str(home / "lab" / "outputs.json"), "--echo", "/echo"),
        *("--only", "cache-errors-later"),  # it waits for 12 seconds
    ) as entered:
        assert entered.stderr is not None
        while not (line := entered.stderr.readline()).startswith("ways: "):
            assert line, "it ended before it was ended"
        began = time.monotonic()
        (os.killpg if to_all else os.kill)(entered.pid, number)
        output, errors = entered.communicate(timeout=60)
        assert time.monotonic() - began < 10
    report = json.loads(output)
    assert (entered.returncode, report["exitCode"]) == (3, 3), errors
    assert report["stoppedBy"] == f"interrupted by {number.name}"
    assert report["results"][-1]["evidence"].endswith("not through: cache-errors-later")
    assert "not through: cache-errors-later" in junit.read_text()


def test_a_lab_tells_a_program_who_is_where_and_what_changes(home: Path) -> None:
    terminal = Terminal(home, "--json")
    try:
        opened = json.loads(terminal.until("hosts"))
        assert (opened["folder"], opened["fault"]) == (str(home / "lab"), "")
        assert (opened["example"], opened["unsupported"]) == ("api.example.com", [])
        (ipv6_only,) = [host for host in opened["hosts"] if host["name"] == "ipv6-only"]
        assert ipv6_only["addresses"] == ["2001:db8:c:3::3"]
        assert namespaces([ipv6_only["pid"]])
        assert "198.18.1.1" in str(opened["names"])
        url = json.loads((home / "aws.json").read_text())["url"]
        add_record(url, "told.example.com")
        event = json.loads(terminal.until("record told.example.com"))
        assert event["event"] == "record told.example.com TXT is new"
        assert datetime.fromisoformat(event["at"]) >= datetime.fromisoformat(opened["at"])
        # What `make down` does before it takes the folder away.
        assert Door.close_any(home / "lab")
        assert not Door.close_any(home / "lab")
    except BaseException:
        terminal.interrupt()
        raise
    assert terminal.ended() == (0, "The lab is closed; nothing of it is left.")


def add_record(url: str, name: str = "www.example.com") -> None:
    """Add a record to the zone."""
    route53 = client(Cloud("aws", url, 0, Path()), "route53")
    zone = route53.list_hosted_zones()["HostedZones"][0]["Id"]
    record = {
        "Name": name,
        "Type": "TXT",
        "TTL": 60,
        "ResourceRecords": [{"Value": '"more"'}],
    }
    route53.change_resource_record_sets(
        HostedZoneId=zone,
        ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]},
    )


def test_without_a_lab_show_says_so_in_a_line(tmp_path: Path) -> None:
    app = command.build(lambda: LabSandbox(tmp_path, {}, lambda: None))
    done = CliRunner().invoke(app, ["show"])
    line = f"No lab is open in {tmp_path / 'lab'}. Open one: make lab\n"
    assert (done.exit_code, done.stdout) == (0, line)
    done = CliRunner().invoke(app, ["show", "--json"])
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"open": False})


def test_without_a_sandbox_there_is_nothing_to_open_a_lab_of(tmp_path: Path) -> None:
    app = command.build(lambda: LabSandbox(tmp_path, {}, lambda: None))
    done = CliRunner().invoke(app, ["open"])
    assert done.exit_code == 2
    assert done.stderr == (
        "Not running: aws and digitalocean of the sandbox; the lab is of what is deployed there. "
        "Deploy first: make up\n"
    )


@pytest.mark.parametrize("arguments", [["enter", "ipv4-only"], ["set", "edge-nodes", "3"]])
def test_without_a_lab_there_is_nothing_to_enter_or_set(
    tmp_path: Path, arguments: list[str]
) -> None:
    app = command.build(lambda: LabSandbox(tmp_path, {}, lambda: None))
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    assert done.stderr == (
        f"No lab is open in {tmp_path / 'lab'}; one must be. Open it in another terminal: "
        "make lab\n"
    )
