"""docs/echo.md and docs/schemas/echo.json say what the lab's API does."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from sandbox.lab.origin.directives import directives_of
from sandbox.lab.origin.echo import Echo, schema
from support.raw_http import Raw

Connect = Callable[..., Raw]

DOCS = Path(__file__).resolve().parents[4] / "docs"
PAGE = (DOCS / "echo.md").read_text()


def rows() -> Iterator[tuple[str, str]]:
    """Yield each directive of the page's table and its example."""
    for line in PAGE.splitlines():
        if match := re.match(r"\| `([a-z]+)` \| `([^`]+)` \|", line):
            yield match[1], match[2]


def test_the_schema_is_that_of_the_model(check_page: Callable[[str, str], None]) -> None:
    check_page("schemas/echo.json", json.dumps(schema(), indent=2) + "\n")


def test_the_page_tells_every_directive_that_there_is(connect: Connect) -> None:
    with connect() as raw:
        raw.request("/echo/unknown=1")
        message = json.loads(raw.answer()[1])["error"]
    assert [name for name, _ in rows()] == message.split("allowed are ")[1].rstrip(".").split(", ")


@pytest.mark.parametrize(("name", "example"), list(rows()))
def test_the_pages_examples_are_followed(name: str, example: str) -> None:
    assert f"{name}=" in example
    directives_of(example)


def test_the_pages_answer_is_an_echo() -> None:
    (text,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    jsonschema.validate(json.loads(text), schema())
    Echo.model_validate_json(text)


@pytest.mark.parametrize(
    ("method", "target"),
    [("GET", "/echo"), ("POST", "/echo/status=500"), ("HEAD", "/echo"), ("GET", "/echo/size=9")],
)
def test_what_is_answered_fits_the_schema(connect: Connect, method: str, target: str) -> None:
    with connect() as raw:
        raw.request(target, ("X-Header", "1"), method=method)
        head = raw.head()
        (length,) = head.all("Content-Length")
        body = raw.exactly(int(length)) if method != "HEAD" else b""
    jsonschema.validate(head.echo if head.all("X-Echo") else json.loads(body), schema())


@pytest.mark.parametrize(
    "change",
    [
        {"id": ""},
        {"protocol": "HTTP/3"},
        {"headers": [["only a name"]]},
        {"headers": {"as": "a mapping"}},
        {"body": {"length": 0, "sha256": "E3B0"}},
        {"client": None},
    ],
)
def test_what_is_no_echo_does_not_fit_the_schema(change: dict[str, Any]) -> None:
    (text,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**json.loads(text), **change}, schema())
