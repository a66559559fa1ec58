"""`dualstack simulate`: what it prints, and what it says of bad input."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from typer.testing import CliRunner, Result

from rollout.simulate.bounds import NO_BOUNDS, Bounds
from rollout.simulate.cautions import JUMP, family_jumps
from rollout.simulate.command import app, schema
from rollout.simulate.foretelling import foretell
from rollout.simulate.population import AddressFamilies
from rollout.simulate.presets import PRESETS
from rollout.simulate.printed import lines
from rollout.simulate.reading import population_schema
from rollout.simulate.scene import PlannedStep, ShiftScene
from rollout.simulate.shares import AliasAnswers
from rollout.simulate.suggestion import suggest

BUSY = ("--population", "busy")
SWITCH = ("--from", "100/0", "--to", "99/1")
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


def figures(*words: str, code: int = 0) -> dict[str, Any]:
    found = json.loads(run(*words, "--json", code=code).stdout)
    jsonschema.validate(found, json.loads(schema()))
    return found


def test_the_docs_pages_are_the_schemas(check_page: Callable[[str, str], None]) -> None:
    check_page("schemas/simulate.json", schema())
    check_page("schemas/population.json", population_schema())


def test_a_switch_of_the_flavel_population_has_the_published_figures() -> None:
    found = figures("--population", "flavel", *SWITCH, "--ttl", "20", "--at", "60,900")
    assert [each["seconds"] for each in found["at"]] == [60, 900]
    moved = [each["moved_share"] for each in found["at"]]
    assert moved == pytest.approx([0.90, 0.98], abs=0.005)


def test_one_percent_meets_half_of_the_busy_clients_in_an_hour() -> None:
    (hour,) = figures(*BUSY, *SWITCH, "--ttl", "60", "--at", "1h")["at"]
    assert hour["distinct_clients"] == pytest.approx(0.453, abs=0.01)


def test_an_empty_aaaa_keeps_ipv6_behind_its_weight() -> None:
    (settled,) = figures(*BUSY, "--from", "100/0", "--to", "50/50", "--at", "10h")["at"]
    assert settled["ipv6_share"]["expected"] == pytest.approx(0.0625, abs=0.003)
    assert settled["dual_stack_share"]["expected"] == pytest.approx(0.531, abs=0.001)
    assert settled["ipv6_only_unanswered"] == pytest.approx(0.9375, abs=0.001)


@pytest.mark.parametrize("cure", [("--proxies",), ("--negative-ttl", "60")])
def test_the_cures_bring_ipv6_to_its_weight(cure: tuple[str, ...]) -> None:
    words = (*BUSY, "--from", "100/0", "--to", "50/50", "--at", "10h")
    (settled,) = figures(*words, *cure)["at"]
    assert settled["ipv6_share"]["expected"] == pytest.approx(0.5, abs=0.01)


def test_the_same_call_has_the_same_answer() -> None:
    assert run(*BUSY, *SWITCH, "--json").stdout == run(*BUSY, *SWITCH, "--json").stdout


def test_the_answer_does_not_depend_on_how_many_threads_there_are() -> None:
    words = ("--population", "few-large-networks", *SWITCH, "--at", "60", "--json")
    alone = subprocess.run(
        [Path(sys.executable).with_name("dualstack"), "simulate", *words],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert alone.stdout == run(*words).stdout


def test_what_follows_a_rollback_is_a_range() -> None:
    found = figures(*BUSY, *SWITCH, "--rollback-at", "30m")["rollback"]
    assert found["at_seconds"] == 1_800
    shares = [each["cdn_share"]["expected"] for each in found["moments"]]
    assert shares[0] == pytest.approx(0.01, abs=1e-4)
    assert shares[-1] == 0
    rest = found["rest"][0]["met"]
    # Half a TTL of a hundredth of 100 requests/s, where nobody keeps anything for longer.
    assert rest["expected_requests"] == pytest.approx(30, rel=0.03)
    assert rest["low_requests"] <= rest["expected_requests"] < rest["high_requests"]


def test_a_stack_says_its_schedule_and_its_bounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: edge\nruntime: python\n")
    (tmp_path / "Pulumi.prod.yaml").write_text(STACK)
    monkeypatch.chdir(tmp_path)
    found = figures(*BUSY, "--stack", "prod", code=1)
    assert found["before"] == 1
    steps = [(each["weight"], each["hold_seconds"]) for each in found["steps"]]
    assert steps == [(50, 1_200), (100, 600)]
    # The longest gap in which nobody watches is 15 minutes by default, and counts.
    requests = found["steps"][1]["families"][0]["requests"]["expected"]
    assert requests == pytest.approx(100 * (600 + 900), rel=0.08)
    (past, *_) = found["past_bounds"]
    assert past.startswith(
        "The share of clients that meet cdn for the first time at weight 50, of all clients, is "
        "100%; the bound is 60%."
    )
    assert not figures(*BUSY, "--stack", "prod", "--bound", "clients=100")["past_bounds"]
    run(*BUSY, "--stack", "prod", "--to", "99/1", code=2)


def test_a_suggested_schedule_stays_below_its_bounds() -> None:
    found = figures(*BUSY, "--from", "100/0", "--suggest", "--bound", "clients=40")
    assert found["steps"][-1]["weight"] == 100
    assert found["past_bounds"] == []
    assert max(step["families"][0]["distinct_clients"] for step in found["steps"]) <= 0.4


def test_a_suggested_schedule_does_not_move_ipv6_at_once() -> None:
    population = PRESETS["busy"].model_copy(update={"families": AddressFamilies(ipv6_share=0.5)})
    scene = ShiftScene(population)
    weights = [0, *(step.weight for step in suggest(scene, 0, NO_BOUNDS))]
    assert max(family_jumps(scene, weights)["ipv6"]) <= JUMP
    # From 50 to 100 AAAA alone would move from 6 % to all.
    assert family_jumps(scene, [50, 100])["ipv6"] == [pytest.approx(0.9375)]


def test_a_suggested_step_is_held_until_each_family_can_pass() -> None:
    scene = ShiftScene(PRESETS["few-large-networks"], AliasAnswers(empty_ttl_seconds=None))
    (first, *_) = foretell(scene, 0, suggest(scene, 0, NO_BOUNDS)).steps
    times = [each.pass_seconds for each in first.families]
    # The foretelling also counts the minutes in which clients follow the change.
    assert max(each for each in times if each) <= first.hold_seconds + 300


def test_clients_with_ipv6_alone_count_under_a_bound_and_are_warned_of() -> None:
    only = AddressFamilies(ipv6_share=0, ipv6_only_share=1)
    scene = ShiftScene(PRESETS["busy"].model_copy(update={"families": only}))
    bounds = Bounds(clients=0.9)
    found = foretell(scene, 0, suggest(scene, 0, bounds), bounds=bounds)
    assert found.past_bounds == ()
    assert any("AAAA is empty" in each for each in found.warnings)


@pytest.mark.parametrize("bound", ["clients=30", "clients=45", "requests=9000000"])
def test_what_is_suggested_is_never_past_what_it_was_suggested_for(bound: str) -> None:
    assert not figures("--from", "100/0", "--suggest", "--bound", bound)["past_bounds"]


def test_a_weight_to_suggest_for_is_refused_and_not_ignored() -> None:
    result = run(*SWITCH, "--suggest", code=2)
    assert result.stderr == (
        "--to is 99/1, beside --suggest; what is suggested leads to 0/100. Leave one of them out.\n"
    )


def test_where_everybody_is_on_cdn_nothing_is_suggested() -> None:
    result = run("--from", "0/100", "--suggest", code=2)
    assert result.stderr == (
        "--from is 0/100, with --suggest; the weight of cdn should be below 100. Nothing is left "
        "to be shifted.\n"
    )


def test_a_bound_that_nothing_meets_is_named() -> None:
    result = run(*BUSY, "--from", "100/0", "--suggest", "--bound", "requests=10", code=1)
    assert result.stderr.startswith("The bound of requests is 10; no schedule stays below it")


def test_what_people_read_fits_a_terminal_of_80_columns() -> None:
    steps = [PlannedStep(weight, 3_600) for weight in (1, 100)]
    found = foretell(ShiftScene(PRESETS["few-large-networks"]), 0, steps, rollback_at=5_000)
    text = [str(line) for line in lines(found, 80)]
    assert max(map(len, text)) <= 80
    assert "Population few-large-networks" in text
    assert any(line.startswith("AAAA ") and "█" in line for line in text)


@pytest.mark.parametrize(
    ("words", "faults"),
    [
        pytest.param(
            ("--from", "100/1", "--to", "90"),
            [
                (
                    "--from is 100/1, which adds up to 101; it should be the weights of direct and "
                    "cdn, integers that add up to 100. Write for example: --from 99/1"
                ),
                (
                    '--to is "90"; it should be the weights of direct and cdn, integers that add '
                    "up to 100. Write for example: --to 99/1"
                ),
            ],
            id="weights",
        ),
        pytest.param(
            ("--from", "99/1", "--to", "100/0"),
            [
                (
                    "--to is 100/0, after --from 99/1; the weight of cdn should rise: a schedule "
                    "does not fall. Exchange them; what follows a rollback is told by "
                    "--rollback-at."
                )
            ],
            id="a schedule that falls",
        ),
        pytest.param(
            (*SWITCH, "--ttl=-5", "--rate", "0", "--at", "60,soon", "--population", "wep"),
            [
                (
                    '--population is "wep"; it should be one of web, mobile, java, '
                    "few-large-networks, flavel, busy, or a file. Write --population web, or the "
                    "path of a file (docs/simulate.md)."
                ),
                (
                    '--ttl is "-5"; it should be a time from 1 s to 90 d. Write for example: --ttl '
                    "60, or 15m"
                ),
                (
                    "--rate is 0; it should be above 0 and at most 1e+09. Write for example: "
                    "--rate 100"
                ),
                (
                    '--at is "soon"; it should be a time from 0 s to 90 d. Write for example: --at '
                    "60, or 15m"
                ),
            ],
            id="all at once",
        ),
        pytest.param(
            (*SWITCH, "--errors", "100", "--bound", "client=5", "--bound", "clients=500"),
            [
                "--errors is 100; it should be from 0 to below 100 percent. Leave it out for 0.1.",
                (
                    '--bound is "client=5"; it should be requests, clients or largestRefresh, and '
                    "after = a positive integer: clients in percent. Write for example: --bound "
                    "requests=100000"
                ),
                (
                    "--bound clients is 500; it should be from 1 to 100 percent. Write for "
                    "example: --bound clients=50"
                ),
            ],
            id="bounds",
        ),
        pytest.param(
            (),
            [
                (
                    "--from is not given; it should be the weights of direct and cdn, integers "
                    "that add up to 100. Add --from 100/0, or --stack NAME."
                ),
                (
                    "--to is not given; it should be the weights of direct and cdn, integers that "
                    "add up to 100. Add --to 99/1, or --stack NAME."
                ),
            ],
            id="nothing",
        ),
    ],
)
def test_all_faults_are_told_at_once(words: tuple[str, ...], faults: list[str]) -> None:
    assert run(*words, code=2).stderr.splitlines() == faults


def test_a_population_file_is_read_and_its_faults_are_told(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text(PRESETS["busy"].model_dump_json(by_alias=True))
    words = (*SWITCH, "--at", "60", "--population", str(file))
    assert figures(*words)["at"] == figures(*SWITCH, "--at", "60", *BUSY)["at"]
    file.write_text(
        "name: mine\n"
        "resolvers: [{name: a, share: 0.5, cache: 3}, {name: b, share: 0.4, floorSeconds: -1}]\n"
        "clients: [{name: c, share: 1, cacheSecond: 5}]\n"
    )
    mend = "docs/schemas/population.json says what there is."
    assert run(*words, code=2).stderr.splitlines() == [
        f"resolvers[0].cache in {file} is 3; nothing by that name is known here. Write caches.",
        (
            f"resolvers[1].floorSeconds in {file} is -1; it should be greater than or equal to 0. "
            f"Mend it; {mend}"
        ),
        (
            f"clients[0].cacheSecond in {file} is 5; nothing by that name is known here. Write "
            "cacheSeconds."
        ),
        f"The sum of the shares of resolvers in {file} is 0.9; it should be 1. Change one of them.",
    ]
    run(*SWITCH, "--population", str(tmp_path / "none.yaml"), code=2)


def test_a_population_file_is_read_as_strictly_as_its_schema_says(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        "name: mine\n"
        'resolvers: [{name: a, share: "1", sizes: zpif}, {name: b, share: 0, keptSeconds: 0},\n'
        "  {name: c, share: 0, sizes: [0.5, 2]}, {name: d, share: 0, negativeMostSeconds: 0}]\n"
        "clients: [{name: c, share: 1, idle_seconds: 5}]\n"
    )
    mend = "Mend it; docs/schemas/population.json says what there is."
    assert run(*SWITCH, "--population", str(file), code=2).stderr.splitlines() == [
        f'resolvers[0].share in {file} is "1"; it should be a valid number. {mend}',
        (
            f'resolvers[0].sizes in {file} is "zpif"; it should be equal, zipf, or a list of the '
            "part that each cache has. Write zipf."
        ),
        (
            f"resolvers[1].keptSeconds in {file} is 0; it should be greater than or equal to 1. "
            f"{mend}"
        ),
        f"resolvers[2].sizes[1] in {file} is 2; it should be less than or equal to 1. {mend}",
        (
            f"resolvers[3].negativeMostSeconds in {file} is 0; it should be greater than or equal "
            f"to 1. {mend}"
        ),
        (
            f"clients[0].idle_seconds in {file} is 5; nothing by that name is known here. Write "
            "idleSeconds."
        ),
    ]


def test_a_stack_and_options_tell_their_faults_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: edge\nruntime: python\n")
    (tmp_path / "Pulumi.prod.yaml").write_text(STACK.replace("50, 100", "50, 50"))
    monkeypatch.chdir(tmp_path)
    told = run("--stack", "prod", "--rate", "0", code=2).stderr
    assert "shift.steps is [1, 50, 50]" in told
    assert "--rate is 0" in told


def test_a_bound_takes_the_place_of_the_stacks_of_its_name_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: edge\nruntime: python\n")
    (tmp_path / "Pulumi.prod.yaml").write_text(STACK)
    monkeypatch.chdir(tmp_path)
    words = (*BUSY, "--stack", "prod", "--bound", "requests=1000000000")
    (past, *_) = figures(*words, code=1)["past_bounds"]
    assert past.startswith("The share of clients that meet cdn for the first time at weight 50")


def test_an_empty_answers_life_that_is_no_number_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: edge\nruntime: python\n")
    dns = '  dualstack-edge:dns: {negativeTtlSeconds: "60"}\n'
    (tmp_path / "Pulumi.prod.yaml").write_text(STACK + dns)
    monkeypatch.chdir(tmp_path)
    told = run(*BUSY, "--stack", "prod", code=2).stderr
    assert told.startswith(f'dns.negativeTtlSeconds in {tmp_path / "Pulumi.prod.yaml"} is "60"; it')
