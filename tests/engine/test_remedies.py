"""The remedies of settings, typed into a shell that has the real `pulumi`."""

import subprocess
from pathlib import Path
from typing import Any

import yaml

from components.faults import Fault
from components.settings import SettingsError, parse
from sandbox.engine.find import Engine
from support.stack_file import COMMANDS, Values, raw_of, remedied

MISTAKES: Values = {
    "dualstack-edge:hostnames": "api.example.com",
    "dualstack-edge:zone": "Z0123456789ABC",
    "dualstack-edge:origin": {
        "loadBalancer": "api",
        "kind": "ALB",
        "httpPort": "8080",
        "readTimeoutSeconds": "1m",
    },
    "dualstack-edge:traffic": [99, 1],
    "dualstack-edge:traffic.cdn": "1",
    "dualstack-edge:proxy": {"regions": "fra1", "sshKeys": [512189], "ports": ["443", 80, 80]},
    "dualstack-edge:dns": {"negativeTtlSeconds": None, "a b": 1},
    "dualstack-edge:alarms": "none",
}
"""One of each kind: other shapes, nothing, numbers for text, entries, and keys that have to go."""


def faults(values: Values) -> tuple[Fault, ...]:
    try:
        parse(raw_of(values), stack="dev")
    except SettingsError as error:
        return error.faults
    return ()


def read(file: Path) -> Any:
    return yaml.safe_load(file.read_text())["config"]


def test_pulumi_does_what_the_remedies_say(engine: Engine, tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "state").mkdir(parents=True)
    variables = {
        "PATH": f"{engine.command.parent}:/usr/bin:/bin",
        "HOME": str(home),
        "PULUMI_HOME": str(home),
        "PULUMI_BACKEND_URL": f"file://{home}/state",
        "PULUMI_CONFIG_PASSPHRASE": "x",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }

    def shell(line: str) -> None:
        done = subprocess.run(
            ["/bin/sh", "-c", line],
            cwd=tmp_path,
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    (tmp_path / "Pulumi.yaml").write_text("name: dualstack-edge\nruntime: yaml\n")
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text(yaml.safe_dump({"config": MISTAKES}))
    shell("pulumi stack init dev")
    expected = MISTAKES
    while told := faults(expected):
        for fault in told:
            expected = remedied(expected, fault.what, fault.remedy)
        commands = [COMMANDS.search(fault.remedy) for fault in told]
        shell(" && ".join(command[1] for command in commands if command))
        assert read(file) == expected
    assert len(expected) == 6
