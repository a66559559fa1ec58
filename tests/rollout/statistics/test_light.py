"""What needs no statistics does not wait for them to be imported."""

import json
import subprocess
import sys

import pytest

LOADED = "print(json.dumps([n for n in ('numpy', 'scipy') if n in sys.modules]))"


@pytest.mark.parametrize(
    "imports", ["from rollout import cli; cli.usage()", "from rollout import statistics"]
)
def test_neither_help_nor_the_intervals_of_verify_import_numpy(imports: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"import json, sys; {imports}; {LOADED}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == []
