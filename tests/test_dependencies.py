"""What each room imports is declared where the room's users install it, and nothing else is."""

import ast
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any, Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

CHECKOUT: Final = Path(__file__).resolve().parents[1]
PYPROJECT: Final[dict[str, Any]] = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
OURS: Final = {
    "components",
    "measuring",
    "policies",
    "rollout",
    "sandbox",
    "support",
    "verification",
    "__main__",
}

BASE: Final = PYPROJECT["project"]["dependencies"]
ROLLOUT: Final = PYPROJECT["project"]["optional-dependencies"]["rollout"]
SANDBOX: Final = PYPROJECT["dependency-groups"]["sandbox"]
DEV: Final = PYPROJECT["dependency-groups"]["dev"]
SITE: Final = PYPROJECT["dependency-groups"]["docs"]

WITH: Final = {
    "google": "protobuf",  # a name that several distributions share
    "pydantic_core": "pydantic",  # pinned by it, and its errors are made of it
    "urllib3": "botocore",  # botocore's own client
    "azure": "pydo",  # its errors are raised by pydo
}
"""The distribution that is declared for a package, where the package's own name does not say it."""

TYPES_ONLY: Final = ("_typeshed", "types_")
"""How the names of what is imported for the type checker alone begin."""

ELSEWHERE: Final = {"checkov"}
"""What a benchmark runs in an environment of its own."""


FOR_OTHERS: Final = {"sniffio"}
"""What another package imports where there is one, which its own extras do not name."""


@cache
def owners() -> Mapping[str, list[str]]:
    """Return the distributions that have each package that is installed."""
    return packages_distributions()


def imported(*places: str) -> dict[str, set[str]]:
    """Return the packages that files import, but ours and Python's, each with the files."""
    result: dict[str, set[str]] = {}
    for place in places:
        path = CHECKOUT / place
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            for name in names(ast.parse(file.read_text())):
                others = OURS | ELSEWHERE | sys.stdlib_module_names
                if name not in others and not name.startswith(TYPES_ONLY):
                    result.setdefault(name, set()).add(str(file.relative_to(CHECKOUT)))
    return result


def names(tree: ast.AST) -> Iterator[str]:
    """Yield the first part of the name of every module that code imports."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=aliases):
                yield from (alias.name.partition(".")[0] for alias in aliases)
            case ast.ImportFrom(module=str(module), level=0):
                yield module.partition(".")[0]
            case ast.Call(
                func=ast.Name(id="import_module") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(module)), *_],
            ):
                yield module.partition(".")[0]
            case _:
                pass


def declared(requirements: Iterable[str]) -> set[str]:
    """Return the names of requirements."""
    return {canonicalize_name(Requirement(line).name) for line in requirements}


def distribution(package: str) -> str:
    """Return the distribution that has a package."""
    having = owners().get(package, [package])
    return canonicalize_name(WITH.get(package) or having[0])


PROGRAM: Final = ("__main__.py", "components", "examples", "plugin", "policies")
"""What `pulumi up` runs, alone or for programs in other languages."""


@pytest.mark.parametrize(
    ("places", "requirements"),
    [
        pytest.param(PROGRAM, BASE, id="the program and the packs"),
        pytest.param(("rollout",), BASE + ROLLOUT, id="rollout"),
        # A checkout has all groups, but what is imported is declared by who imports it.
        pytest.param(("sandbox",), BASE + SANDBOX, id="sandbox"),
        pytest.param(("tests", "benchmarks"), BASE + ROLLOUT + SANDBOX + DEV, id="tests"),
        pytest.param(("docs",), SITE, id="the site"),
    ],
)
def test_what_is_imported_is_declared(places: tuple[str, ...], requirements: list[str]) -> None:
    present = declared(requirements)
    missing = {
        package: files
        for package, files in imported(*places).items()
        if distribution(package) not in present
    }
    assert missing == {}


@pytest.mark.parametrize(
    ("places", "requirements"),
    [
        pytest.param(PROGRAM, BASE, id="the program and the packs"),
        pytest.param(("rollout",), ROLLOUT, id="rollout"),
        pytest.param(("sandbox",), SANDBOX, id="sandbox"),
    ],
)
def test_what_is_declared_is_imported(places: tuple[str, ...], requirements: list[str]) -> None:
    used = {distribution(package) for package in imported(*places)}
    assert declared(requirements) - used - FOR_OTHERS == set()


def test_the_lock_pins_everything_that_is_declared() -> None:
    lines = (CHECKOUT / "requirements.lock").read_text().splitlines()
    pins = (Requirement(line.rstrip("\\ ")) for line in lines if "==" in line)
    pinned = {canonicalize_name(pin.name): pin for pin in pins}
    for line in BASE + ROLLOUT + SANDBOX + DEV + SITE:
        wish = Requirement(line)
        (spec,) = pinned[canonicalize_name(wish.name)].specifier
        assert wish.specifier.contains(spec.version, prereleases=True), line
