"""The packs on configurations that people have written: no false alarm, no miss."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from policies.model import JudgedStack, Resource
from policies.rules import PACKS
from policies.verdict import judge

CORPUS: list[dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parent / "corpus" / "public.yaml").read_text(encoding="utf-8")
)
FEWEST = 40


def stack(entry: dict[str, Any]) -> JudgedStack:
    """Return the resources of an entry; their URNs are their names."""
    return JudgedStack(
        [
            Resource(
                urn=one["name"],
                type=one["type"],
                name=one["name"],
                read=lambda properties=one["properties"]: properties,
                dependencies=one.get("dependencies", {}),
            )
            for one in entry["resources"]
        ]
    )


def test_the_corpus_is_not_small() -> None:
    assert len(CORPUS) >= FEWEST
    assert {entry["language"] for entry in CORPUS} == {
        "cdk",
        "cloudformation",
        "pulumi",
        "terraform",
    }


@pytest.mark.parametrize("entry", [pytest.param(entry, id=entry["source"]) for entry in CORPUS])
def test_each_shape_breaks_the_rules_it_breaks_and_no_other(entry: dict[str, Any]) -> None:
    shapes = stack(entry)
    broken: dict[str, list[str]] = {}
    for resource in shapes.resources:
        rules = [
            rule for pack in PACKS for rule in pack.rules if resource.type in rule.resource_types
        ]
        verdict = judge(rules, resource, shapes, {})
        assert (verdict.unclear, verdict.stopped) == ([], [])
        names = {rule.name for rule, _ in verdict.failed}
        if names:
            broken[resource.name] = sorted(names)
    assert broken == {name: sorted(rules) for name, rules in entry["breaks"].items()}
