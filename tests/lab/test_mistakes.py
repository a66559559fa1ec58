"""What the policy packs refuse, deployed without them, is found from outside."""

from typing import TYPE_CHECKING, Final

import pytest

from support.faults import MISTAKES

if TYPE_CHECKING:
    from support.scene import Scene

ORDINARY: Final = {"traffic": {"direct": 100, "cdn": 0}}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_that_is_deployed_is_found_and_named(scene: "Scene", name: str) -> None:
    mistake = MISTAKES[name]
    scene.deploy(mistake.program, **{**ORDINARY, **mistake.config})
    verified = scene.verify()
    assert verified.code == 1, f"{verified.told('unknown')}\n{verified.said}"
    told = verified.told().lower()
    assert mistake.named in told, told
