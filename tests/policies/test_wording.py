"""What rules and packs say of a value reads the same way everywhere: "it must be …"."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import policies
from policies.model import Finding, Judgement

SOURCES = sorted(Path(policies.__file__).parent.rglob("*.py"))
MAKERS = {"finding": 0, "advice": 0, "must": 0, "Finding": 3, "_fault": 2}
"""What is called with words that complete "it must be …", and at which argument."""

OTHER_PHRASE = re.compile(
    r"(it|they|must|should|may|can|has|have|is|are|be|to|set|use|give|no|not|never|only)\b"
    r"|[A-Z][a-z]|.*\.$|.*\b(must|should) be\b"
)
"""What would not complete it."""


def beginning(node: ast.expr) -> str:
    """Return the text of a node up to what is put into it, `…` for that."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(beginning(part) for part in parts)
        case ast.IfExp(body=body):
            return beginning(body)
        case _:
            return "…"


def phrases() -> Iterator[tuple[str, str]]:
    """Yield what may stand somewhere, with where it is written."""
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            at = MAKERS.get(name)
            if at is not None and len(node.args) > at:
                yield f"{source.name}:{node.lineno}", beginning(node.args[at])


PHRASES = dict(phrases())


def test_the_phrases_of_all_rules_are_among_them() -> None:
    files = {place.partition(":")[0] for place in PHRASES}
    assert {"viewer_tls.py", "families_paired.py", "pass_through.py", "settings.py"} <= files
    assert len(PHRASES) > 60


def test_what_is_allowed_completes_it_must_be() -> None:
    assert [place for place in PHRASES.items() if OTHER_PHRASE.match(place[1])] == []


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Judgement.FAIL, "rule: x is 1; it must be 2. Set it."),
        (Judgement.CANNOT_TELL, "rule cannot tell: x is 1; it must be 2. Set it."),
        (Judgement.ADVISE, "rule: x is 1; it may be 2. Set it."),
    ],
)
def test_a_finding_says_it_must_be(answer: Judgement, words: str) -> None:
    assert Finding(answer, "x", "1", "2", "Set it.").message("rule") == words
