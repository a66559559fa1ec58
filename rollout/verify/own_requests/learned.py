"""What several answers of the direct path say of the API: what stands still, and what does not.

Nothing is taken for stable that was seen once. The same request is sent several times on direct
over IPv4, and what is the same in all answers is compared elsewhere. Pure.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any, Final, cast

from rollout.probe.model import HttpAnswer
from rollout.requests.catalogue import IgnoreRule
from rollout.verify.own_requests.bodies import decoded_body, json_body
from rollout.verify.own_requests.parts import (
    ANY_ORDER,
    ENTRIES,
    IN_ORDER,
    MEMBERS,
    TYPE,
    Affixes,
    Frame,
    Part,
    affix_parts,
    escaped,
    take_apart,
    text_of,
    type_of,
)
from rollout.verify.own_requests.texts import Pairs, standing_still, tokens_of

MOST_FRESH: Final = 200
"""Parts that are new in each answer and are looked at: more prove no more."""

FEWEST_FOR_MAPS: Final = 3
"""Answers that must all hold keys of their own before an object counts as one of made-up keys."""


@dataclass
class _FrameBuilder:
    open_lists: set[str] = field(default_factory=set[str])
    varying_lists: set[str] = field(default_factory=set[str])
    maps: dict[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])

    def learn(self, pointer: str, values: Sequence[object]) -> None:
        """Learn from the values at one place in several answers."""
        if all(isinstance(value, dict) for value in values):
            self._learn_objects(pointer, cast("Sequence[dict[str, Any]]", values))
        elif all(isinstance(value, list) for value in values):
            self._learn_lists(pointer, cast("Sequence[list[Any]]", values))

    def _learn_objects(self, pointer: str, objects: Sequence[Mapping[str, Any]]) -> None:
        holders = Counter(key for each in objects for key in each)
        always = frozenset(key for key, count in holders.items() if count == len(objects))
        enough = len(objects) >= FEWEST_FOR_MAPS
        if enough and all(any(holders[key] == 1 for key in each) for each in objects):
            self.maps[pointer] = always
        for key in always:
            self.learn(f"{pointer}/{escaped(key)}", [each[key] for each in objects])

    def _learn_lists(self, pointer: str, lists: Sequence[Sequence[Any]]) -> None:
        texts = [text_of(each) for each in lists]
        if len(set(texts)) == 1:
            return
        self.varying_lists.add(pointer)
        shapes = {tuple(_shape(entry) for entry in entries) for entries in lists}
        if len(shapes) > 1:
            self.open_lists.add(pointer)
            return
        for index in range(len(lists[0])):
            self.learn(f"{pointer}/{index}", [entries[index] for entries in lists])


def _shape(value: object) -> str:
    """Return a JSON value without its scalars."""
    if isinstance(value, dict):
        members = sorted(cast("dict[str, Any]", value).items())
        texts = ",".join(f"{json.dumps(key)}:{_shape(each)}" for key, each in members)
        return f"{{{texts}}}"
    if isinstance(value, list):
        return f"[{len(cast('list[Any]', value))}]"
    return type_of(value)


def learned_frame(answers: Sequence[HttpAnswer]) -> Frame:
    """Return how answers of an API are to be taken apart."""
    bodies = list(dict.fromkeys(decoded_body(answer) for answer in answers))
    if len(bodies) == 1:
        return Frame()
    parsed = [json_body(answer, decoded_body(answer)) for answer in answers]
    values = [each[0] for each in parsed if each is not None]
    builder = _FrameBuilder()
    text: Pairs | None = None
    try:
        if len(values) == len(parsed):
            builder.learn("", values)
        else:
            text = standing_still([tokens_of(body) for body in bodies])
    except RecursionError:
        text = standing_still([tokens_of(body) for body in bodies])
    return Frame(
        frozenset(builder.open_lists), frozenset(builder.varying_lists), builder.maps, text
    )


def learned_affixes(views: Sequence[Mapping[Part, str]]) -> Affixes:
    """Return how those values begin and end that vary."""
    affixes: dict[Part, tuple[str, str]] = {}
    for part, value in views[0].items():
        plain = part.kind == "header" or (part.kind == "json" and value.startswith('"'))
        if not plain or not part.is_value or part.aspect.endswith((ANY_ORDER, IN_ORDER)):
            continue
        texts = {view.get(part) for view in views}
        present = [text for text in texts if text is not None]
        if len(texts) == 1 or len(present) < len(texts):
            continue
        beginning = _whole_words(_beginning(present))
        end = _whole_words(_beginning([text[::-1] for text in present]))[::-1]
        quotes = '"' if part.kind == "json" else ""
        if beginning.removeprefix(quotes) or end.removesuffix(quotes):
            affixes[part] = (beginning, end)
    return affixes


def _beginning(texts: Sequence[str]) -> str:
    """Return what all texts begin with."""
    least, most = min(texts), max(texts)
    parted = (at for at, (one, other) in enumerate(zip(least, most, strict=False)) if one != other)
    return least[: next(parted, len(least))]


def _whole_words(text: str) -> str:
    """Return a beginning up to its last sign that is no letter or digit.

    Two ids or numbers may begin alike by chance.
    """
    while text and text[-1].isalnum():
        text = text[:-1]
    return text


@dataclass(frozen=True)
class Learned:
    """What is learned from several answers with the same status."""

    answers: tuple[HttpAnswer, ...]
    """The answers."""
    ignore: tuple[IgnoreRule, ...]
    """What does not count."""
    never_fresh: frozenset[Part] = frozenset()
    """Parts that are never taken for new, even where they are another in each of these answers."""

    @cached_property
    def frame(self) -> Frame:
        """How answers are taken apart."""
        return learned_frame(self.answers)

    @cached_property
    def views(self) -> tuple[Mapping[Part, str], ...]:
        """The parts of each answer."""
        return tuple(self.view(answer) for answer in self.answers)

    @cached_property
    def table(self) -> Mapping[Part, tuple[str | None, ...]]:
        """The values of each part in all answers; None where an answer does not have it."""
        parts = dict.fromkeys(part for view in self.views for part in view)
        return {part: tuple(view.get(part) for view in self.views) for part in parts}

    def view(self, answer: HttpAnswer) -> Mapping[Part, str]:
        """Return the parts of an answer that count."""
        # By identity: to compare two bodies may take longer than to take one apart.
        seen = self._seen.get(id(answer))
        if seen is not None:
            return seen[1]
        plain = self._plain_view(answer)
        parts: Mapping[Part, str] = {**plain, **affix_parts(plain, self._affixes)}
        if self.ignore:
            parts = {part: each for part, each in parts.items() if not part.covered(self.ignore)}
        self._seen[id(answer)] = (answer, parts)
        return parts

    @cached_property
    def _affixes(self) -> Affixes:
        """How values that vary begin and end."""
        return learned_affixes([self._plain_view(answer) for answer in self.answers])

    def _plain_view(self, answer: HttpAnswer) -> Mapping[Part, str]:
        """Return the parts of an answer, without how they begin and end."""
        seen = self._plain.get(id(answer))
        if seen is None:
            seen = self._plain[id(answer)] = (answer, take_apart(answer, self.frame))
        return seen[1]

    @cached_property
    def _plain(self) -> dict[int, tuple[HttpAnswer, Mapping[Part, str]]]:
        """As `_seen`, without how values begin and end."""
        return {}

    @cached_property
    def _seen(self) -> dict[int, tuple[HttpAnswer, Mapping[Part, str]]]:
        """The answers that were taken apart, each with its parts."""
        return {}

    @cached_property
    def fresh(self) -> tuple[Part, ...]:
        """The parts whose value is another in every answer."""
        if len(self.answers) < 2:  # noqa: PLR2004 - one answer differs from no other
            return ()
        fresh = (
            part
            for part, values in self.table.items()
            if part.is_value
            and part not in self.never_fresh
            and None not in values
            and len(set(values)) == len(values)
        )
        return tuple(islice(fresh, MOST_FRESH))

    def without_restless(self, like: "Learned") -> "Learned":
        """Return the same without what changes in other answers, but is not new in each of them.

        Of two answers nearly everything that changes is another in each.
        """
        if like is self or like.answers[0].status != self.answers[0].status:
            return self
        return Learned(self.answers, self.ignore, frozenset(like.table) - frozenset(like.fresh))

    @cached_property
    def changing(self) -> tuple[str, ...]:
        """The places whose value is not the same in all answers, where all have one."""
        places = dict.fromkeys(
            part.place
            for part, values in self.table.items()
            if part.is_value and None not in values and len(set(values)) > 1
        )
        return tuple(places)

    @cached_property
    def loose(self) -> tuple[IgnoreRule, ...]:
        """The places that come and go, or have now more and now fewer entries.

        Each as the rule that ignores it; what lies below another is left out.
        """
        rules: dict[IgnoreRule, None] = {}
        for part, values in self.table.items():
            if part.kind == "status" or "*" in part.where.split("/"):
                continue
            gone = None in values and (part.aspect in ("", TYPE) or part.kind == "header")
            counted = part.aspect in (ENTRIES, MEMBERS) and part.kind == "json"
            emptied = part == Part("body", "", TYPE)
            if gone or ((counted or emptied) and len(set(values)) > 1):
                rules[IgnoreRule(part.kind, part.where)] = None
        if IgnoreRule("body") in rules:
            rules = {rule: None for rule in rules if rule.kind != "json"}
        return tuple(
            rule for rule in rules if not any(one.covers(rule) for one in rules if one != rule)
        )

    @cached_property
    def texts(self) -> tuple[Pairs, ...]:
        """The tokens of each body, where it is a text that varies."""
        if self.frame.text is None or Part("body").covered(self.ignore):
            return ()
        return tuple(tokens_of(decoded_body(answer)) for answer in self.answers)


def by_status(answers: Iterable[HttpAnswer], ignore: tuple[IgnoreRule, ...]) -> dict[int, Learned]:
    """Return what is learned from answers, by their status."""
    groups: dict[int, list[HttpAnswer]] = {}
    for answer in answers:
        groups.setdefault(answer.status, []).append(answer)
    return {status: Learned(tuple(group), ignore) for status, group in groups.items()}
