"""Each example as its README shows it: all of them up beside the sandbox's stack, in one account.

What the READMEs show is typed into shells here. First all are deployed, so whatever one took from
another, an alias, a record, a reserved address, a firewall's name, would be refused; then each is
deployed again and destroyed.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.clouds import aws, digitalocean
from sandbox.engine.find import Engine
from sandbox.engine.shell import Shell
from support import forks
from support.engine import (
    CHECKOUT,
    CLOUDS,
    COMMAND_SECONDS,
    Deployments,
    background,
    control,
)
from support.shown import assert_in_order, commands

NOT_HERE = {"typescript"}
"""Examples whose language host is in Pulumi's releases only."""
EXAMPLES = sorted({path.parent.name for path in CHECKOUT.glob("examples/*/Pulumi.yaml")} - NOT_HERE)
ENTERING = ("make clouds", "eval ", "cd ")
"""How commands begin that lead into the sandbox, where the tests are already."""


@dataclass(frozen=True)
class Example:
    """An example of which a part was typed."""

    folder: Path
    variables: dict[str, str]
    shown: dict[str, list[str]]
    """What its README shows, by command."""

    def type(self, *, before_again: bool) -> None:
        """Type the commands up to the second deployment, or the others."""
        lines = [line for line in self.shown if not line.startswith(ENTERING)]
        again = next(n for n, line in enumerate(lines) if "--expect-no-changes" in line)
        for line in lines[:again] if before_again else lines[again:]:
            done = subprocess.run(
                ["bash", "-c", line],
                cwd=self.folder,
                env={**os.environ, **self.variables},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=COMMAND_SECONDS,
                check=False,
            )
            assert done.returncode == 0, f"{line}\n{done.stdout}"
            assert_in_order(self.shown[line], done.stdout)


@pytest.fixture(scope="module")
def deployed_examples(
    tmp_path_factory: pytest.TempPathFactory, deployments: Deployments, engine: Engine
) -> Iterator[dict[str, tuple[Example, "Future[None]"]]]:
    """Every example that can run here, deployed beside the whole stack, and how that went."""
    folder = tmp_path_factory.mktemp("examples")
    account, droplets = deployments.start(folder / "clouds")
    try:
        (folder / "stack").mkdir()
        deployments.copy("whole", account, droplets, folder / "stack")
        control(account, "PUT", "settings", {"deploy_seconds": 0.1})
        control(droplets, "PUT", "settings", {"action_seconds": 0.1})
        for name in ("examples", "plugin"):
            shutil.copytree(CHECKOUT / name, folder / name)
        (folder / ".venv" / "bin").mkdir(parents=True)
        (folder / ".venv" / "bin" / "python").symlink_to(forks.python())
        shell = Shell(CHECKOUT, folder / "home", str(forks.python()))
        shell.prepare()
        clouds = {
            **digitalocean.client_environment(droplets.url),
            **aws.client_environment(account.url),
        }
        examples = {
            name: Example(
                folder / "examples" / name,
                shell.environment(engine, clouds),
                commands(CHECKOUT / "examples" / name / "README.md"),
            )
            for name in EXAMPLES
        }
        with ThreadPoolExecutor(2) as pool:
            first = {
                name: pool.submit(example.type, before_again=True)
                for name, example in examples.items()
            }
        yield {name: (example, first[name]) for name, example in examples.items()}
    finally:
        for name in CLOUDS:
            background.stop(name, folder / "clouds")


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_deployed_stays_and_is_destroyed_as_its_page_shows(
    name: str, deployed_examples: Mapping[str, tuple[Example, "Future[None]"]]
) -> None:
    example, first = deployed_examples[name]
    first.result()
    example.type(before_again=False)


@pytest.mark.parametrize("name", [*EXAMPLES, *NOT_HERE])
def test_an_example_has_a_page_that_says_how_it_is_deployed_and_destroyed(name: str) -> None:
    page = (CHECKOUT / "examples" / name / "README.md").read_text()
    for words in ("make clouds", "protect false", "pulumi up", "--expect-no-changes", "destroy"):
        assert words in page
