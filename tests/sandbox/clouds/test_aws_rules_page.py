"""What `docs/aws-model.md` says of the rules is what the rules say."""

import importlib
import inspect
import json
import pkgutil
import re
from pathlib import Path

import pytest

from sandbox.clouds.aws import rules
from sandbox.clouds.aws.moto_settings import MotoSettings
from support import aws_rules_page as rules_page
from support.marks import inserted

ROOT = Path(__file__).parents[3]
DOCUMENT = (ROOT / "docs" / "aws-model.md").read_text()


def test_the_list_of_rules_is_up_to_date() -> None:
    written = inserted(DOCUMENT, rules_page.MARK, rules_page.AUTHOR, rules_page.listed())
    assert written == DOCUMENT, (
        "The list of rules in docs/aws-model.md is not that of the code. "
        "Run PYTHONPATH=tests python -m support.aws_rules_page docs/aws-model.md."
    )


def test_every_public_function_of_the_rules_that_refuses_is_listed() -> None:
    modules = pkgutil.iter_modules(rules.__path__, f"{rules.__name__}.")
    refusing = {
        name
        for module in (importlib.import_module(each.name) for each in modules)
        for name, value in vars(module).items()
        if inspect.isfunction(value)
        and not name.startswith("_")
        and value.__module__ == module.__name__
        and str(inspect.signature(value).return_annotation).endswith("Refusal | None")
    }
    names = [rule.__name__ for rule in rules_page.every_rule()]
    assert {*refusing, "domain_is_validated"} == set(names)
    assert len(names) == len(set(names))


def test_every_rule_has_a_test() -> None:
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_aws_*.py"))
    untested = [
        rule.__name__
        for rule in rules_page.every_rule()
        if not re.search(rf"\b(test_)?{rule.__name__}\b", tests)
    ]
    assert untested == []


def test_a_rule_without_source_is_not_listed() -> None:
    def rule() -> None:
        """Demand something."""

    with pytest.raises(ValueError, match=r"The docstring of rule names 0 sources; .* Write it\."):
        rules_page.described(rule)


def test_every_setting_is_described_with_its_default() -> None:
    row = re.compile(r"^\| `(\w+)` \| ([\w.{}]+) \|", re.MULTILINE)
    table = DOCUMENT.partition("## Steering it")[2].partition("## Rules")[0]
    assert dict(row.findall(table)) == {
        name: json.dumps(value) for name, value in MotoSettings().model_dump().items()
    }
