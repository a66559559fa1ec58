"""Runs on an edge that passes everything through: what an API does by itself is no fault of it.

`benchmarks/clean_runs.py` makes thirty of each over sockets.
"""

import random
from collections.abc import Callable
from itertools import count

import pytest

from rollout.probe.model import HttpAnswer, HttpRequest
from support.own_apis import Api, as_json, dice, everywhere, own_run, plain_api, still_api, wild_api

RUNS = 6


def _in_turn(draw: random.Random) -> Api:
    """Return an API of three servers that take turns."""
    turn = count(draw.randrange(3))
    return lambda _, at: as_json({"at": at}, at, X_Node="abc"[next(turn) % 3])


def _shuffled(draw: random.Random) -> Api:
    def answer(_: HttpRequest, at: float) -> HttpAnswer:
        entries = [{"id": each, "seen": at} for each in "abcd"]
        return as_json({"entries": draw.sample(entries, 4)}, at)

    return answer


def _keyed(draw: random.Random) -> Api:
    def answer(_: HttpRequest, at: float) -> HttpAnswer:
        return as_json({f"{draw.getrandbits(32):x}": {"n": draw.random()} for _ in "abc"}, at)

    return answer


def _page(draw: random.Random) -> Api:
    def answer(_: HttpRequest, __: float) -> HttpAnswer:
        token, clock = draw.getrandbits(64), draw.random()
        text = f'<form><input name="csrf" value="{token:x}"></form><p>It is {clock}</p>'
        headers = (("Content-Type", "text/html"), ("Set-Cookie", f"csrf={token:x}; HttpOnly"))
        return HttpAnswer(200, headers, text.encode(), "HTTP/1.1", 0)

    return answer


STABLE: dict[str, Callable[[random.Random], Api]] = {
    "nothing changes": lambda _: still_api(),
    "a clock, ids, three servers at random": plain_api,
    "three servers in turn": _in_turn,
    "a list in random order": _shuffled,
    "an object with keys of its own": _keyed,
    "a page with a token and a clock": _page,
}


@pytest.mark.parametrize("make", STABLE.values(), ids=STABLE)
def test_an_api_that_keeps_its_shape_passes(make: Callable[[random.Random], Api]) -> None:
    for seed in range(RUNS):
        run = own_run(everywhere(make(dice(seed))))
        assert run.said("fail", "unknown") == []
        assert run.exit_code == 0


def test_a_wild_api_is_never_failed_and_it_is_told_what_to_ignore() -> None:
    for seed in range(RUNS):
        run = own_run(everywhere(wild_api(dice(seed))))
        assert run.said("fail") == []
        assert run.exit_code == 3
        assert any("--ignore json:/items" in each.remedy for each in run.results)


def test_a_stable_api_costs_few_requests() -> None:
    """Six on direct, three on each other way, and at one address of it five more.

    Twice as another user and twice with another query everywhere.
    """
    assert own_run(everywhere(still_api())).requests == 6 + 3 * 3 + 3 * 5 + 2 * 2 * 4
