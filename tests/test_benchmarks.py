"""Every benchmark runs: in its short form, which does everything once."""

import os
import subprocess
import sys

import pytest

from support.engine import CHECKOUT, COMMAND_SECONDS

SCRIPTS = {
    "clean_runs.py": ("stable, passed through", "wild, behind a cache"),
    "gates.py": ("10,000/s", "1% of 100/s", "50% of 1000/s", "0.50%"),
    "preview.py": ("the same with the packs on", "the layer"),
    "policies_cost.py": ("none (start-up)",),
    "simulation.py": ("the loop", "the model", "AAAA", "GiB at most"),
    "starting.py": ("dualstack --help", "import components.edge"),
}
"""What the tables of each have to have."""


@pytest.mark.parametrize("script", SCRIPTS)
def test_its_short_form_ends_with_its_tables(script: str) -> None:
    done = subprocess.run(
        [sys.executable, f"benchmarks/{script}", "--short"],
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": "tests"},
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert [row for row in SCRIPTS[script] if row not in done.stdout] == []


def test_no_benchmark_is_forgotten() -> None:
    scripts = (path for path in CHECKOUT.glob("benchmarks/*.py"))
    runnable = {path.name for path in scripts if "__main__" in path.read_text()}
    # That of the lab is in tests/lab, where there is one.
    assert runnable - {"plain_requests.py", "verification.py"} == set(SCRIPTS)
