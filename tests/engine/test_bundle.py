"""The README in a pack's own folder, typed there: it judges a stack that is not ours."""

import json
import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any, Final

from policies.bundle import build
from policies.rules import DUAL_STACK
from sandbox.engine.find import Engine
from sandbox.engine.shell import Shell
from support import forks
from support.engine import COMMAND_SECONDS, Said

FILES: Final = {
    "enabled": True,
    "isIpv6Enabled": False,
    "aliases": ["shop.example.net"],
    "tags": {"kind": "files"},
}
"""A distribution as no API should have it."""


def exported(**distributions: dict[str, Any]) -> str:
    """Return what `pulumi stack export` writes of a stack with distributions."""
    kind = "aws:cloudfront/distribution:Distribution"
    resources = [
        {
            "urn": f"urn:pulumi:prod::shop::{kind}::{name}",
            "custom": True,
            "id": name,
            "type": kind,
            "inputs": properties,
            "outputs": properties,
        }
        for name, properties in distributions.items()
    ]
    return json.dumps({"version": 3, "deployment": {"manifest": {}, "resources": resources}})


def test_its_readme_judges_any_stack_from_there_and_what_it_is_told_to_judge(
    engine: Engine, tmp_path: Path
) -> None:
    folder = build(DUAL_STACK, tmp_path / "somewhere else")
    readme = (folder / "README.md").read_text()
    # `pulumi install` would make it, from a package index.
    (folder / "venv" / "bin").mkdir(parents=True)
    (folder / "venv" / "bin" / "python").symlink_to(forks.python())
    environment = os.environ | Shell(folder, tmp_path, str(forks.python())).environment(engine, {})
    del environment["PULUMI_OPTION_POLICY_PACK"]

    def typed(*options: str) -> Said:
        """Run the command of the page that has these options and no others."""
        commands = re.findall(r"^    (pulumi policy analyze .*)$", readme, re.MULTILINE)
        (command,) = [
            words
            for words in map(shlex.split, commands)
            if [word for word in words if word.startswith("--")] == list(options)
        ]
        done = subprocess.run(
            [*command, "--color=never", "--non-interactive"],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        return Said(done.returncode, done.stdout)

    (folder / "export.json").write_text(exported(files=FILES))
    said = typed("--file", "--policy-pack").refused()
    assert "ipv6-enabled: isIpv6Enabled is false; it must be true." in said
    (config,) = re.findall(r"```json\n(.*?)```", readme, re.DOTALL)
    (folder / "config.json").write_text(config)
    options = ("--file", "--policy-pack", "--policy-pack-config")
    assert "[mandatory]" not in typed(*options).must()
    (folder / "export.json").write_text(
        exported(files=FILES, api={**FILES, "aliases": ["v2.api.example.com"]})
    )
    said = typed(*options).refused()
    assert set(re.findall(r"\(aws:cloudfront:Distribution: (\w+)\)", said)) == {"api"}
