"""The lab from a terminal: opened, entered, changed, followed and closed."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Generator
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread

import pytest
from typer.testing import CliRunner

from sandbox.clouds.background import Cloud
from sandbox.lab import command
from sandbox.lab.command import Surroundings
from support.engine import CHECKOUT, DUALSTACK, Sandbox, client
from support.lab import left_of, namespaces

PATIENCE_SECONDS = 60.0


class Terminal:
    """A terminal in which the lab is open."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.lines: list[str] = []
        self._process = subprocess.Popen(
            [DUALSTACK, "sandbox", "lab", "open"],
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._queue: SimpleQueue[str] = SimpleQueue()
        self._reader = Thread(target=self._read)
        self._reader.start()

    def environment(self) -> dict[str, str]:
        """Return the variables of everything that is run beside it."""
        return {
            **os.environ,
            "DUALSTACK_SANDBOX_HOME": str(self.home),
            "PYTHONPATH": str(CHECKOUT),
        }

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._queue.put(line.rstrip())
        self._process.stdout.close()

    def until(self, text: str) -> str:
        """Return the line that has a text, once it is there."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                self.lines.append(self._queue.get(timeout=0.5))
            except Empty:
                assert self._process.poll() is None, self.lines
                continue
            if text in self.lines[-1]:
                return self.lines[-1]
        raise AssertionError("\n".join([f"no {text!r} in:", *self.lines]))

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a verb of the lab's in another terminal."""
        return subprocess.run(
            [DUALSTACK, "sandbox", "lab", *arguments],
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )

    def interrupt(self) -> tuple[int, str]:
        """Press Ctrl-C; return the exit code and what it says last."""
        self._process.send_signal(signal.SIGINT)
        code = self._process.wait(PATIENCE_SECONDS)
        self._reader.join()
        while not self._queue.empty():
            self.lines.append(self._queue.get())
        return code, self.lines[-1]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Generator[Path]:
    """A sandbox that is up."""
    found = Sandbox(tmp_path_factory.mktemp("sandbox") / "home")
    done = found.run("up")
    assert done.returncode == 0, done.stderr
    yield found.home
    found.run("down")


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
        which = terminal.run("enter", "ipv4-only", "which", "dualstack")
        assert Path(which.stdout.strip()).samefile(DUALSTACK)

        done = terminal.run("set", "least-ttl-seconds", "120")
        assert (done.returncode, json.loads(done.stdout)) == (0, {"least-ttl-seconds": "120"})
        refused = terminal.run("set", "edge-nodes", "0")
        assert (refused.returncode, refused.stderr) == (
            2,
            "edge-nodes is 0; it is 1 to 16. Set another.\n",
        )
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


def add_record(url: str) -> None:
    """Add a record to the zone."""
    route53 = client(Cloud("aws", url, 0, Path()), "route53")
    zone = route53.list_hosted_zones()["HostedZones"][0]["Id"]
    record = {
        "Name": "www.example.com",
        "Type": "TXT",
        "TTL": 60,
        "ResourceRecords": [{"Value": '"more"'}],
    }
    route53.change_resource_record_sets(
        HostedZoneId=zone,
        ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]},
    )


def test_without_a_sandbox_there_is_nothing_to_open_a_lab_of(tmp_path: Path) -> None:
    app = command.build(lambda: Surroundings(tmp_path, {}, lambda: None))
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
    app = command.build(lambda: Surroundings(tmp_path, {}, lambda: None))
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    assert done.stderr == (
        f"No lab is open in {tmp_path / 'lab'}; one must be. Open it in another terminal: "
        "make lab\n"
    )
