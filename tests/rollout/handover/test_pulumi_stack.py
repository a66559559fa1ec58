"""The `pulumi` command as the exchange of records uses it, and what the verbs print."""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rollout.adopt import command as adopt
from rollout.handover.edge_state import of_export
from rollout.handover.pulumi_stack import PulumiStack, StateError, selected_stack
from rollout.handover.verb import words
from rollout.release import command as release
from support.small_edge import SmallEdge
from support.small_state import BALANCER

SERVING = {
    "Name": "api.example.com.",
    "Type": "CNAME",
    "TTL": 60,
    "ResourceRecords": [{"Value": BALANCER}],
}


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `pulumi` that writes down what it is called with; a file `refuses` has it refuse."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "pulumi").write_text(
        "#!/bin/sh\n"
        f'printf "%s\\n" "$@" >> {tmp_path}/words\n'
        f'[ "$1" = import ] && cat "$3" > {tmp_path}/imported\n'
        f"[ -e {tmp_path}/refuses ] && echo warning: x && echo error: it is locked >&2 && exit 1\n"
        "echo prod\n"
    )
    (folder / "pulumi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return tmp_path


def test_the_state_is_read_and_changed_by_the_command(pulumi: Path) -> None:
    stack = PulumiStack("prod", pulumi)
    assert stack.export() == "prod\n"
    assert selected_stack(pulumi) == "prod"
    stack.forget("urn:x")
    stack.take_over({"resources": [1]}, protect=True)
    assert json.loads((pulumi / "imported").read_text()) == {"resources": [1]}
    said = (pulumi / "words").read_text().split()
    for word in ("--protect=true", "--generate-code=false", "urn:x", "--force", "--show-name"):
        assert word in said
    assert said.count("prod") == 3


def test_what_it_refuses_is_told_in_one_line(pulumi: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (pulumi / "refuses").touch()
    with pytest.raises(StateError, match=r"^`pulumi stack export` is refused: it is locked$"):
        PulumiStack("prod", pulumi).export()
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(StateError, match="`pulumi stack export` is not on PATH"):
        PulumiStack("prod", pulumi).export()


@pytest.mark.parametrize("app", [adopt.app, release.app], ids=["adopt", "release"])
def test_the_commands_say_what_is_wrong_with_codes_of_their_own(
    pulumi: Path, monkeypatch: pytest.MonkeyPatch, app: object
) -> None:
    def run(*options: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, options, env={"PULUMI_STACK": None})  # type: ignore[arg-type]
        return done.exit_code, done.output

    monkeypatch.chdir(pulumi)
    code, printed = run("--stack", "prod")
    assert (code, "Its hostnames, zone and dns.records have to be there" in printed) == (2, True)
    SmallEdge(pulumi, [])
    code, printed = run()
    assert (code, "`pulumi stack export` is not a state" in printed) == (2, True)
    (pulumi / "refuses").touch()
    code, printed = run()
    assert (code, "Nothing was changed: `pulumi stack --show-name` is refused" in printed) == (
        1,
        True,
    )


def test_a_plan_and_what_was_done_are_printed_for_people(tmp_path: Path) -> None:
    small = SmallEdge(tmp_path, [SERVING])
    plan = words(small.run("adopt", yes=False)).splitlines()
    assert plan[:3] == [
        "Stack prod, zone example.com (Z1)",
        "In one change batch:",
        f"  - CNAME simple of api.example.com, {BALANCER}, TTL 60",
    ]
    assert f"  + A direct of api.example.com, weight 100, alias of {BALANCER}" in plan
    assert plan[-3:] == [
        "In the stack's file: dns.records none → weighted",
        "In the state: 4 records are imported",
        "Nothing was changed. Do it with: dualstack adopt --stack prod --yes",
    ]
    backup = tmp_path / "kept.json"
    done = words(small.run("adopt", backup=backup))
    assert f"To put back what was there: dualstack adopt --undo {backup}" in done
    assert done.endswith("the next pulumi up from it changes nothing.")
    assert "nothing changes." in words(small.run("adopt"))
    assert "leave it; the zone keeps them" in words(small.run("release", yes=False))


def test_what_is_no_state_is_told_of() -> None:
    with pytest.raises(Exception, match="is not a state"):
        of_export("[]", "prod")
