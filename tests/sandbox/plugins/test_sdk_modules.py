"""The functions of Pulumi's SDKs stay functions, whatever of ours was imported and in which order.

`pulumi_aws.route53.get_zone` is a function and a module of one name. A process that imports
the module at the wrong moment has it in the function's place from then on.
"""

import ast
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
ROOMS = (
    "components",
    "policies",
    "rollout",
    "sandbox",
    "tests",
    "benchmarks",
    "plugin",
    "examples",
)
NOT_SDKS = {"pulumi", "pulumi_policy"}

INSTALLED = {
    str(distribution.metadata["Name"]).replace("-", "_")
    for distribution in metadata.distributions()
}
SDKS = sorted(name for name in INSTALLED - NOT_SDKS if name.startswith("pulumi_"))

LOAD = """
import importlib, inspect, sys
sdk, plugin, order = sys.argv[1:]
importlib.import_module(sdk)
package = getattr(importlib.import_module(plugin), plugin.rpartition(".")[2])()
functions = package.functions.values()
refs = [ref for each in functions for ref in (each.args, each.result)]
refs += [ref for each in package.resources.values() for ref in (each.args, each.outputs)]
for ref in reversed(refs) if order == "backwards" else refs:
    assert not inspect.ismodule(ref.load()), ref
for each in functions:
    parent, _, name = each.args.module.rpartition(".")
    assert getattr(importlib.import_module(parent), name) is each.args.load(), each.token
"""


@pytest.mark.parametrize("order", ["forwards", "backwards"])
@pytest.mark.parametrize("sdk", SDKS)
def test_a_stand_in_leaves_every_function_in_its_place(sdk: str, order: str) -> None:
    cloud = sdk.removeprefix("pulumi_")
    plugin = f"sandbox.plugins.{cloud}.{cloud}_package"
    # In a process of its own: what is imported once stays.
    done = subprocess.run(
        [sys.executable, "-c", LOAD, sdk, plugin, order],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def imported(tree: ast.AST) -> Iterator[str]:
    """Return the names of the modules that a file imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def is_function(name: str) -> bool:
    """Return whether a module of an SDK has a function of its own name."""
    package, *_, module = name.split(".")
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    file = Path(spec.origin).parent.joinpath(*name.split(".")[1:]).with_suffix(".py")
    return file.is_file() and f"\ndef {module}(" in file.read_text()


def test_nobody_imports_the_module_of_a_function() -> None:
    files = [file for room in ROOMS for file in (ROOT / room).rglob("*.py")]
    files += ROOT.glob("*.py")
    wrong = {
        f"{file.relative_to(ROOT)}: {name}"
        for file in files
        for name in imported(ast.parse(file.read_text()))
        if "." in name and name.partition(".")[0] in SDKS and is_function(name)
    }
    assert wrong == set()
    assert is_function("pulumi_aws.route53.get_zone")
    assert not is_function("pulumi_aws.route53.record")
