"""docs/walk.md, typed from its first `pulumi` to its last.

What the walk shows of the lab is in tests/lab, and of `make up` in test_sandbox.py.
"""

import subprocess
from typing import Final

from support.engine import COMMAND_SECONDS, TTL_SECONDS, Stack
from support.shown import README, WALK, assert_in_order, shown, steps

ELSEWHERE: Final = ("make ", "eval ", "for client in ", ".venv/bin/dualstack sandbox lab ", "git ")
"""How the commands begin that are not for a stack in a folder of its own."""

SHORT_WAIT: Final = f"import components.edge\ncomponents.edge.ALIAS_TTL_SECONDS = {TTL_SECONDS}"
"""A line in front of a program that waits no minute for answers to go."""


def test_each_command_prints_what_is_shown_from_the_first_weight_to_the_last_proxy(
    deployed_whole: Stack,
) -> None:
    deployed_whole.wrap(SHORT_WAIT)
    typed = [step for step in steps(WALK) if not step[0].startswith(ELSEWHERE)]
    for command, lines in typed:
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=deployed_whole.folder,
            env=deployed_whole.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        assert_in_order(lines, done.stdout)
        refused = any(line.startswith("error: ") for line in lines)
        assert (done.returncode != 0) == refused, f"{command}\n{done.stdout}"
    assert deployed_whole.outputs()["traffic"] == {"direct": 0, "cdn": 100}
    words = " ".join(command for command, _ in typed)
    for step in ("preview", "up --yes", "config rm proxy", "traffic.cdn 1\n", "traffic.cdn 50"):
        assert step.strip() in words


def test_it_shows_of_make_up_what_the_readme_shows() -> None:
    assert_in_order(shown(WALK, "make up"), "\n".join(shown(README, "make up")))
