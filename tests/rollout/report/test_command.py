"""`dualstack report`: what it writes where, and what it says of bad input."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from rollout.report.command import app

SWITCH = ("--plan", "--population", "busy", "--from", "100/0", "--to", "99/1")
STACK = """\
config:
  dualstack-edge:traffic: {direct: 99, cdn: 1}
  dualstack-edge:shift:
    steps: [1, 50, 100]
    holdSeconds: [600, 1200, 600]
    bounds: {clients: 60}
"""


def run(*words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, words)
    assert result.exit_code == code, result.output
    return result


def test_a_page_of_a_stack_is_written_and_what_is_past_a_bound_ends_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: edge\nruntime: python\n")
    (tmp_path / "Pulumi.prod.yaml").write_text(STACK)
    monkeypatch.chdir(tmp_path)
    words = ("--plan", "--population", "busy", "--stack", "prod", "--output", "plan.html")
    result = run(*words, code=1)
    assert result.stdout == "The page is written: plan.html\n"
    assert "the bound is 60%" in result.stderr
    page = (tmp_path / "plan.html").read_text()
    assert page.startswith("<!doctype html>")
    assert "<h1>Plan of a shift: prod</h1>" in page
    assert '<div class="notices past">' in page


def test_json_and_markdown_go_to_standard_output() -> None:
    report = json.loads(run(*SWITCH, "--json").stdout)
    assert (report["kind"], report["stack"]) == ("plan", None)
    assert report["figures"]["population"] == "busy"
    assert run(*SWITCH, "--markdown").stdout.startswith("# Plan of a shift\n")


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    result = run(
        *("--json", "--markdown", "--rate", "0", "--from", "100/0", "--to", "90/1"),
        *("--output", str(tmp_path / "nowhere" / "plan.html")),
        code=2,
    )
    lines = result.stderr.splitlines()
    assert [line.partition(" is ")[0] for line in lines] == [
        *("--plan", "--markdown", "--output", "--rate", "--to"),
    ]
    assert lines[0] == (
        "--plan is not given; it should say what the page is about, and only a plan has one yet. "
        "Add --plan."
    )
    assert f"Make it: mkdir -p {tmp_path / 'nowhere'}" in lines[2]


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert "a folder; it should be a file" in run(*SWITCH, "--output", str(tmp_path), code=2).stderr


def test_a_page_does_not_go_to_a_terminal() -> None:
    outer, inner = pty.openpty()
    command = [Path(sys.executable).with_name("dualstack"), "report", *SWITCH]
    try:
        done = subprocess.run(command, stdout=inner, stderr=subprocess.PIPE, text=True, check=False)
    finally:
        os.close(inner)
        os.close(outer)
    assert done.returncode == 2
    assert done.stderr == (
        "--output is not given, and standard output is a terminal; a page of HTML should go to a "
        "file. Write for example: --output plan.html\n"
    )
