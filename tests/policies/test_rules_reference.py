"""The pages about the rules say what the rules say."""

from pathlib import Path

import jsonschema
import pytest

from policies.model import Pack
from policies.rules import PACKS
from policies.rules_reference import pages
from policies.settings import schema

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("path", list(pages()))
def test_each_page_is_as_the_rules_are(path: str) -> None:
    assert (DOCS / path).read_text(encoding="utf-8") == pages()[path], (
        f"docs/{path} is not what the rules say; write it again: python -m policies.rules_reference"
    )


@pytest.mark.parametrize("pack", [pytest.param(pack, id=pack.name) for pack in PACKS])
def test_each_schema_is_one(pack: Pack) -> None:
    jsonschema.Draft202012Validator.check_schema(schema(pack))
