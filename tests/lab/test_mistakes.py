"""What the policy packs refuse, deployed without them, is found from outside."""

from typing import TYPE_CHECKING, Final

import pytest

from policies.rules import DUAL_STACK
from support.faults import MISTAKES, NOT_FROM_OUTSIDE

if TYPE_CHECKING:
    from support.scene import Scene

EDGES: Final = {name: f"m{number}" for number, name in enumerate(MISTAKES)}


@pytest.fixture(scope="module")
def mistaken(open_scene: "Scene") -> "Scene":
    """A program that has an edge for each mistake: a deployment takes longer than a look at it."""
    open_scene.deploy(
        before="".join(MISTAKES[name].before(edge) for name, edge in EDGES.items()),
        after="".join(MISTAKES[name].after(edge) for name, edge in EDGES.items()),
    )
    return open_scene


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_that_is_deployed_is_found_and_named(mistaken: "Scene", name: str) -> None:
    mistake = MISTAKES[name]
    mistaken.have_outputs(mistaken.stack.outputs()[EDGES[name]])
    # Shares that a mistake moves are far apart; telling near ones takes four times the queries.
    verified = mistaken.verify("--only", mistake.group, "--share-tolerance", "0.1")
    assert verified.code == 1, f"{verified.evidence('unknown')}\n{verified.printed}"
    assert mistake.is_named(verified.results), verified.evidence()


def test_every_mandatory_rule_has_a_mistake_or_a_reason_why_it_has_none() -> None:
    broken = {mistake.rule for mistake in MISTAKES.values()}
    assert not broken & set(NOT_FROM_OUTSIDE)
    assert broken | set(NOT_FROM_OUTSIDE) == {rule.name for rule in DUAL_STACK.rules}
