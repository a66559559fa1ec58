"""The page about the rules says what the rules say."""

from pathlib import Path

from policies.catalogue import render

PAGE = Path(__file__).parents[2] / "docs" / "rules.md"


def test_the_page_about_the_rules_is_as_the_rules_are() -> None:
    assert PAGE.read_text(encoding="utf-8") == render(), (
        "docs/rules.md is not what the rules say; write it anew with "
        "`python -m policies.catalogue > docs/rules.md`."
    )
