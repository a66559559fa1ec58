"""What the policy packs refuse, deployed without them, is found from outside."""

from typing import TYPE_CHECKING, Final

import pytest

from policies.rules import DUAL_STACK
from support.faults import MISTAKES, NOT_FROM_OUTSIDE

if TYPE_CHECKING:
    from support.scene import Scene

ORDINARY: Final = {"traffic": {"direct": 100, "cdn": 0}}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_that_is_deployed_is_found_and_named(scene: "Scene", name: str) -> None:
    mistake = MISTAKES[name]
    scene.deploy(mistake.program, **{**ORDINARY, **mistake.config})
    scene.name_one()
    verified = scene.verify()
    assert verified.code == 1, f"{verified.told('unknown')}\n{verified.said}"
    assert mistake.is_named(verified.results), verified.told()


def test_every_mandatory_rule_has_a_mistake_or_a_reason_why_it_has_none() -> None:
    broken = {mistake.rule for mistake in MISTAKES.values()}
    assert not broken & set(NOT_FROM_OUTSIDE)
    assert broken | set(NOT_FROM_OUTSIDE) == {rule.name for rule in DUAL_STACK.rules}
