"""The shape of a part of an answer: what is left of it where the value changes by itself. Pure.

An API that sets another session on each answer sets one on each. So an unstable part still has to
be there as often as on the baseline, of the same type, and empty only where it is empty there.
"""

from collections.abc import Iterable, Sequence
from typing import Final, cast

from rollout.probe.model import HttpAnswer
from rollout.requests.catalogue import IgnoreRule
from rollout.verify.answer_differences import (
    NOTHING,
    AnswerDifference,
    JsonNumber,
    compared_headers,
    decoded_body,
    json_body,
)

KEPT_ATTRIBUTES: Final = frozenset(
    {"domain", "httponly", "partitioned", "path", "samesite", "secure"}
)
"""Attributes of a cookie that stay the same where its value and its end do not. Source: RFC 6265
section 4.1.2."""


def shape_differences(
    unstable: Iterable[IgnoreRule], answer: HttpAnswer, measured: Sequence[HttpAnswer]
) -> list[AnswerDifference]:
    """Return where an answer has a shape that none of the measured answers has."""
    measured_shapes = [AnswerShapes(each) for each in measured]
    own = AnswerShapes(answer)
    differing: list[AnswerDifference] = []
    for rule in unstable:
        shapes = dict.fromkeys(each.shape(rule) for each in measured_shapes)
        shape = own.shape(rule)
        if shape not in shapes:
            differing.append(AnswerDifference(rule.kind, rule.where, " or ".join(shapes), shape))
    return differing


class AnswerShapes:
    """The shapes of the parts of an answer: what each holds, without its value."""

    def __init__(self, answer: HttpAnswer) -> None:
        """Take an answer."""
        self._headers = compared_headers(answer)
        self._body = decoded_body(answer)
        self._json = json_body(answer, self._body)

    def shape(self, rule: IgnoreRule) -> str:
        """Return the shape at a place."""
        if rule.kind == "header":
            return _header_shape(rule.where, self._headers.get(rule.where, ()))
        if rule.kind == "body" or self._json is None:
            return "a body" if self._body else NOTHING
        value: object = self._json[0]
        for part in rule.where.split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            if isinstance(value, dict) and key in value:
                value = cast("dict[str, object]", value)[key]
            elif isinstance(value, list) and key.isdecimal():
                items = cast("list[object]", value)
                if int(key) >= len(items):
                    return NOTHING
                value = items[int(key)]
            else:
                return NOTHING
        return _json_shape(value)


def _header_shape(name: str, values: Sequence[str]) -> str:
    """Return how many values a header has, which are empty, and what cookies it sets."""
    if not values:
        return NOTHING
    if name == "set-cookie":
        return " and ".join(sorted(_cookie_shape(value) for value in values))
    empty = sum(not value.strip() for value in values)
    counted = f"{len(values)} value{'s' if len(values) > 1 else ''}"
    return f"{counted}, {empty} empty" if empty else counted


def _cookie_shape(value: str) -> str:
    """Return a cookie's name and the attributes that do not change with its value."""
    pair, *attributes = value.split(";")
    name, equals, content = pair.partition("=")
    # Without an equals sign it has no name, and what stands there is its value.
    shown = name.strip() if equals else "a cookie without a name"
    empty = "" if (content if equals else name).strip() else " (empty)"
    kept = sorted(
        f"{key.strip().lower()}{sign}{rest.strip()}"
        for key, sign, rest in (each.partition("=") for each in attributes)
        if key.strip().lower() in KEPT_ATTRIBUTES
    )
    return "; ".join([f"{shown}{empty}", *kept])


def _json_shape(value: object) -> str:
    """Return the type of a JSON value, and whether it is empty."""
    kinds: tuple[tuple[type, str], ...] = (
        (JsonNumber, "a number"),
        (str, "a string"),
        (bool, "a boolean"),
        (list, "a list"),
        (dict, "an object"),
    )
    kind = next((counted for each, counted in kinds if isinstance(value, each)), "null")
    return f"{kind}, empty" if value in ("", [], {}) else kind
