"""What pages show of the lab and of `dualstack verify` is what these print, in a lab."""

import json
import re
import subprocess
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from rollout.requests.request_kinds import KINDS
from rollout.verify.differences import NAMES
from sandbox.clouds.background import Cloud
from sandbox.lab.lab_host import STANDARD_MTU
from sandbox.lab.lab_settings import LabSettings, changed
from sandbox.lab.plan.hosts import CLIENTS, NAT64
from support.engine import CHECKOUT, DUALSTACK, client
from support.shown import README, VERIFY, WALK, assert_in_order, commands, shown
from support.terminal import Terminal

LAB = CHECKOUT / "docs" / "lab.md"
IN_ANOTHER_TERMINAL = ".venv/bin/dualstack sandbox lab enter"
VERIFY_SECONDS = 180.0


@pytest.fixture(scope="module")
def terminal(home: Path) -> Iterator[Terminal]:
    """A terminal in which the lab was opened."""
    terminal = Terminal(home)
    try:
        terminal.until("Ctrl-C ends it")
        yield terminal
    finally:
        terminal.interrupt()


def typed(terminal: Terminal, command: str) -> "subprocess.CompletedProcess[str]":
    """Run a command as a page shows it, but for where the sandbox and the command are."""
    script = command.replace(".venv/bin/dualstack", str(DUALSTACK))
    return subprocess.run(
        ["bash", "-c", script.replace(".sandbox/", f"{terminal.home}/")],
        cwd=CHECKOUT,
        env=terminal.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=VERIFY_SECONDS,
        check=False,
    )


def the(page: Path, text: str) -> str:
    """Return the one command of a page that has a text."""
    (matching,) = [command for command in commands(page) if text in command]
    return matching


def test_make_lab_prints_what_is_shown(terminal: Terminal) -> None:
    dry = subprocess.run(
        ["make", "--no-print-directory", "--dry-run", "lab"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert dry.stdout.splitlines()[-1] == ".venv/bin/dualstack sandbox lab open"
    for page in (README, WALK):
        assert_in_order(shown(page, "make lab"), "\n".join(terminal.lines))


def test_each_client_reaches_the_api_as_is_shown(terminal: Terminal) -> None:
    command = the(README, "for client in")
    done = typed(terminal, command)
    assert len(shown(README, command)) == len(CLIENTS)
    for page in (README, WALK):
        assert_in_order(shown(page, command), done.stdout)


def test_the_edge_passes_as_is_shown_with_no_difference_but_those_that_are_told_of(
    terminal: Terminal, tmp_path: Path
) -> None:
    command = the(README, "--allow-unsafe")
    assert shown(VERIFY, command)
    junit = tmp_path / "verify.xml"
    done = typed(terminal, f"{command} --junit {junit}")
    assert done.returncode == 0, done.stdout
    for page in (README, VERIFY, WALK):
        assert_in_order(shown(page, command), done.stderr + done.stdout)
    now = counts(done.stdout)
    for page in (README, VERIFY, WALK):
        for what, told in counts(page.read_text()).items():
            assert abs(told - now[what]) <= now[what] / 50, f"{page.name} shows {told}: {now}"
    _, _, accepted = done.stdout.partition("seen and accepted:\n")
    lines = set(re.findall(r'<testcase [^>]*classname="[^".]+\.([a-z0-9-]+)"', junit.read_text()))
    assert {"cache-errors", "dns-twins", "websocket"} < lines
    assert [line for line in sorted(lines) if not is_documented(line)] == []
    names = set(re.findall(r"^  ([a-z0-9-]+) \(\d+\)$", accepted, re.MULTILINE))
    assert "via-added" in names
    assert names <= set(documented_names("Documented differences"))


def counts(text: str) -> dict[str, int]:
    """Return how much passed, and was not listed, in the first verification that a text shows."""
    found = re.findall(r"^(?:pass: )?([0-9]+) (pass|checks that passed)\b", text, re.MULTILINE)
    return {what: int(number) for number, what in reversed(found)}


def test_a_host_that_is_down_is_named_as_is_shown(terminal: Terminal) -> None:
    down, verify = the(README, "set down"), the(README, "--only reach")
    try:
        assert_in_order(shown(README, down), typed(terminal, down).stdout)
        done = typed(terminal, verify)
    finally:
        typed(terminal, '.venv/bin/dualstack sandbox lab set down ""')
    assert done.returncode == 1
    assert_in_order(shown(README, verify), done.stdout)


@contextmanager
def no_error_settings(home: Path) -> Generator[None]:
    """Take away what the distribution says about errors, by hand, for a while."""
    url = json.loads((home / "aws.json").read_text())["url"]
    cloudfront = client(Cloud("aws", url, 0, Path()), "cloudfront")
    (distribution,) = cloudfront.list_distributions()["DistributionList"]["Items"]

    def put(errors: Any) -> Any:
        read = cloudfront.get_distribution_config(Id=distribution["Id"])
        config = read["DistributionConfig"]
        before, config["CustomErrorResponses"] = config["CustomErrorResponses"], errors
        cloudfront.update_distribution(
            Id=distribution["Id"], IfMatch=read["ETag"], DistributionConfig=config
        )
        return before

    before = put({"Quantity": 0})
    try:
        yield
    finally:
        put(before)


def test_errors_that_are_kept_are_named_as_is_shown(terminal: Terminal, tmp_path: Path) -> None:
    command = the(VERIFY, "--only cache-errors ")
    junit = tmp_path / "verify.xml"
    terminal.run("set", "propagation-seconds", "0")
    with no_error_settings(terminal.home):
        terminal.until("CustomErrorResponses.Quantity 11 → 0")
        done = typed(terminal, command.replace("verify.xml", str(junit)))
    terminal.until("CustomErrorResponses.Quantity 0 → 11")
    terminal.run("set", "propagation-seconds", "")  # returns when every node is as it should be
    assert done.returncode == 1, done.stdout
    assert_in_order(shown(VERIFY, command), done.stderr + done.stdout)
    assert "<failure" in junit.read_text()


# ---- pages ---------------------------------------------------------------------------------------


def documented_names(section: str, page: Path = VERIFY) -> list[str]:
    """Return the names that the tables of a section are about."""
    text = page.read_text().partition(f"# {section}\n")[2].partition("\n## ")[0]
    names = re.findall(r"^\| (`[^|]+`) \|", text, re.MULTILINE)
    return [name for cell in names for name in re.findall(r"`([^`]+)`", cell)]


def is_documented(line: str) -> bool:
    """Say whether the page tells of a line of the table, by its name or how that begins."""
    documented = documented_names("The lines of the table")
    return any(
        line.startswith(name.removesuffix("…")) if "…" in name else line == name
        for name in documented
    )


def test_the_page_tells_of_every_kind_of_request() -> None:
    assert [kind.name for kind in KINDS if not is_documented(kind.name)] == []
    assert not is_documented("unheard-of")


def test_the_page_tells_of_every_difference_that_can_be_accepted() -> None:
    assert set(NAMES) - {"date-of-each-answer"} <= set(documented_names("Documented differences"))


def test_the_pages_json_is_of_the_schema() -> None:
    schema = json.loads((CHECKOUT / "docs" / "schemas" / "verify.json").read_text())
    (text,) = re.findall(r"```json\n(.*?)```", VERIFY.read_text(), re.DOTALL)
    result = {"$ref": "#/$defs/ResultModel", "$defs": schema["$defs"]}
    jsonschema.validate(json.loads(text), result)
    assert documented_names("JSON") == list(schema["properties"])


def test_the_page_tells_of_every_setting_and_its_default() -> None:
    section = LAB.read_text().partition("## What can be set")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| `([a-z0-9-]+)[^|]*\| ([^|]+) \|", section, re.MULTILINE))
    assert set(rows) == {name.replace("_", "-") for name in LabSettings.__dataclass_fields__}
    assert int(rows.pop("mtu")) == STANDARD_MTU
    for name, default in rows.items():
        if default.isdecimal():
            assert changed(LabSettings(), name, default) == LabSettings()


def test_the_page_tells_of_every_host(terminal: Terminal) -> None:
    text = LAB.read_text()
    for host in ("edge-1", "load-balancer", "names", "resolver", "cloud-resolver", "checkers"):
        assert host in text
    for each in (*CLIENTS, NAT64):
        name = each if isinstance(each, str) else each.name
        assert f"`{name}`" in text
    listed = "\n".join(terminal.lines)
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| ([^|]+) \| ([^|]+) \|", text, re.MULTILINE)
    addresses = [
        address
        for _, ipv4, ipv6 in rows
        for address in re.findall(r"[0-9a-f]+[.:][0-9a-f.:]+(?:/[0-9]+)?", f"{ipv4} {ipv6}")
    ]
    assert len(addresses) > 10
    assert [address for address in addresses if address not in listed] == []
