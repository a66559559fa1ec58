"""What differs in two answers: their status, headers and bodies. Pure.

The user's own requests need more: `own_requests` learns from many answers.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from rollout.probe.model import HttpAnswer
from rollout.requests.catalogue import IgnoreRule
from rollout.verify.own_requests.bodies import (
    JsonNumber,
    compared_headers,
    decoded_body,
    json_body,
)
from rollout.verify.secrets import is_secret

NOTHING: Final = "nothing"
"""The evidence for a header that is not there."""

MOST_KEPT: Final = 4096
"""Bytes of a body that are kept as evidence. More than are shown, because a secret among them can
only be removed as a whole."""


@dataclass(frozen=True)
class AnswerDifference:
    """What is not the same in two answers."""

    kind: Literal["status", "header", "json", "body"]
    """Which part."""
    where: str
    """Name of the header in lower case, or JSON pointer; else empty."""
    first: str
    """Its value in the first answer."""
    second: str
    """Its value in the second."""

    @property
    def place(self) -> str:
        """Which part it is, as an ignore rule would name it."""
        return f"{self.kind}:{self.where}" if self.where or self.kind == "json" else self.kind

    def covered(self, rules: Iterable[IgnoreRule]) -> bool:
        """Say whether a rule ignores it; a status is never ignored."""
        if self.kind == "status":
            return False
        own = IgnoreRule(self.kind, self.where)
        return any(rule.covers(own) for rule in rules)


def differences(first: HttpAnswer, second: HttpAnswer) -> list[AnswerDifference]:
    """Return everything that is not the same in two answers.

    Headers are compared by name, whatever its case, with all their values in order; the order of
    different names means nothing (RFC 9110 section 5.3). Bodies that are JSON on both sides are
    compared by their values, others by their bytes, both after gzip or deflate is undone.
    """
    differing: list[AnswerDifference] = []
    if first.status != second.status:
        differing.append(AnswerDifference("status", "", str(first.status), str(second.status)))
    one, other = compared_headers(first), compared_headers(second)
    differing += [
        AnswerDifference("header", name, _values(name, one), _values(name, other))
        for name in sorted(one.keys() | other.keys())
        if one.get(name) != other.get(name)
    ]
    bodies = decoded_body(first), decoded_body(second)
    if bodies[0] != bodies[1]:
        parsed = json_body(first, bodies[0]), json_body(second, bodies[1])
        if parsed[0] is None or parsed[1] is None:
            return [*differing, _bodies_differ(*bodies)]
        try:
            differing += _json_differences("", parsed[0][0], parsed[1][0])
        except RecursionError:
            # It is nested deeper than Python follows; then the bytes are compared.
            differing.append(_bodies_differ(*bodies))
    return differing


def _bodies_differ(first: bytes, second: bytes) -> AnswerDifference:
    return AnswerDifference("body", "", _body(first), _body(second))


def _values(name: str, headers: Mapping[str, tuple[str, ...]]) -> str:
    values = headers.get(name)
    if values is None:
        return NOTHING
    if is_secret(name):
        return ", ".join(f"[secret, {len(value)} characters]" for value in values)
    return ", ".join(json.dumps(value, ensure_ascii=False) for value in values)


def _json_differences(pointer: str, first: object, second: object) -> list[AnswerDifference]:
    if isinstance(first, dict) and isinstance(second, dict):
        one, other = cast("dict[str, Any]", first), cast("dict[str, Any]", second)
        return [
            difference
            for key in dict.fromkeys([*one, *other])
            for difference in _member(f"{pointer}/{_escaped(key)}", key, one, other)
        ]
    if isinstance(first, list) and isinstance(second, list):
        items, others = cast("list[Any]", first), cast("list[Any]", second)
        if len(items) == len(others):
            return [
                difference
                for index, (item, counterpart) in enumerate(zip(items, others, strict=True))
                for difference in _json_differences(f"{pointer}/{index}", item, counterpart)
            ]
        lengths = f"{len(items)} entries", f"{len(others)} entries"
        return [AnswerDifference("json", pointer, *lengths)]
    return _plain_difference(pointer, cast("object", first), second)


def _plain_difference(pointer: str, first: object, second: object) -> list[AnswerDifference]:
    if type(first) is type(second) and first == second:
        return []
    name = pointer.rpartition("/")[2]
    return [
        AnswerDifference("json", pointer, _as_evidence(first, name), _as_evidence(second, name))
    ]


def _member(
    pointer: str, key: str, one: Mapping[str, Any], other: Mapping[str, Any]
) -> list[AnswerDifference]:
    if key in one and key in other:
        return _json_differences(pointer, one[key], other[key])
    first, second = (
        _as_evidence(value[key], key) if key in value else NOTHING for value in (one, other)
    )
    return [AnswerDifference("json", pointer, first, second)]


def _escaped(key: str) -> str:
    """Return a key as a JSON pointer holds it. Source: RFC 6901 section 3."""
    return key.replace("~", "~0").replace("/", "~1")


def _as_evidence(value: object, name: str) -> str:
    """Return a JSON value as evidence shows it; masked if its name is that of a secret."""
    text = str(value) if isinstance(value, JsonNumber) else json.dumps(value, ensure_ascii=False)
    secret = is_secret(name) and value is not None and not isinstance(value, bool)
    return f"[secret, {len(text)} characters]" if secret else text


def _body(body: bytes) -> str:
    if not body:
        return NOTHING
    text = body[:MOST_KEPT].decode("utf-8", "replace")
    return f"{len(body)} bytes {json.dumps(text, ensure_ascii=False)}"
