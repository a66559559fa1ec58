"""What rules are written in: values, places in a resource, findings, and rules themselves.

A rule has three answers. It **fails** a place that is certainly wrong, it **cannot tell** about a
place whose value is not known yet, and it **passes** a resource by finding nothing. Tools that know
only two answers let a missing or unknown value pass; here it holds the deployment.

Nothing in here knows Pulumi, so a rule is tested with plain dicts.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final, Literal, TypeAlias

FOUND_LENGTH: Final = 120
"""Characters of a found value that a message shows; a page of JSON hides the sentence around it."""


class Unknown(Enum):
    """The type of `UNKNOWN`; an enum because a type checker can tell its one member apart."""

    UNKNOWN = auto()


UNKNOWN: Final = Unknown.UNKNOWN
"""Stands for a value, a list or an object that is known only after a resource was created."""

Value: TypeAlias = "bool | int | float | str | Unknown | list[Value] | dict[str, Value] | None"
"""A property's value. `None` is an absent one; numbers may be floats, as they are on the wire."""

Severity: TypeAlias = Literal["low", "medium", "high", "critical"]


class Answer(Enum):
    """What a rule says about a place."""

    PASS = auto()
    FAIL = auto()
    CANNOT_TELL = auto()


@dataclass(frozen=True)
class Finding:
    """One place where a rule does not pass.

    Attributes:
        answer: `FAIL` or `CANNOT_TELL`.
        path: Where, as written in a program: `orderedCacheBehaviors[2].cachePolicyId`.
        found: What is there, as text for a reader.
        wanted: What may be there, as text that completes "it must be …".
        fix: What to do, one or more sentences.
    """

    answer: Answer
    path: str
    found: str
    wanted: str
    fix: str

    def message(self, rule: str) -> str:
        """Return the finding as the one line that a user reads, beginning with the rule's name."""
        unsure = " cannot tell" if self.answer is Answer.CANNOT_TELL else ""
        return f"{rule}{unsure}: {self.path} is {self.found}; it must be {self.wanted}. {self.fix}"


@dataclass(frozen=True)
class Place:
    """A value together with the path that leads to it.

    Asking a place for a part of it never raises. A part of something unknown is that unknown thing
    itself, at its own path, because that is what has to become known; a part of something that has
    no parts is absent.

    Attributes:
        path: The way from the resource to here; empty for the resource itself.
        value: What is here.
    """

    path: str
    value: Value

    @property
    def unknown(self) -> bool:
        """Whether the value is known only after deployment."""
        return self.value is UNKNOWN

    @property
    def absent(self) -> bool:
        """Whether nothing is here; empty text counts, as the AWS provider's state writes it."""
        return self.value is None or self.value == ""

    def get(self, key: str) -> "Place":
        """Return the property `key` of the object here."""
        if self.unknown:
            return self
        path = f"{self.path}.{key}" if self.path else key
        return Place(path, self.value.get(key) if isinstance(self.value, dict) else None)

    def items(self) -> "list[Place]":
        """Return the elements of the list here: none when absent, itself when it is no list."""
        if isinstance(self.value, list):
            return [Place(f"{self.path}[{i}]", value) for i, value in enumerate(self.value)]
        return [] if self.absent else [self]

    def finding(
        self, wanted: str, fix: str, *, found: str | None = None, certain: bool = True
    ) -> Finding:
        """Return a finding about this place.

        Args:
            wanted: Completes "it must be …".
            fix: What to do about it.
            found: Text to show in place of the value, where the value alone says too little.
            certain: False where the value is known but does not decide. An unknown value never
                makes a certain finding.
        """
        answer = Answer.FAIL if certain and not self.unknown else Answer.CANNOT_TELL
        return Finding(answer, self.path, found or show(self.value), wanted, fix)

    def must_be(self, wanted: bool | int | str, fix: str) -> Iterator[Finding]:
        """Yield a finding unless `wanted` is here; 0.0 is as good as 0, False and "0" are not."""
        same_kind = isinstance(self.value, bool) == isinstance(wanted, bool)
        if not (same_kind and self.value == wanted):
            yield self.finding(show(wanted), fix)


def show(value: Value) -> str:
    """Return a value as a message shows it: JSON, shortened, with words for what JSON lacks."""
    if value is None:
        return "absent"
    if value is UNKNOWN:
        return "not known before deployment"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        text = f"[{', '.join('not known' if item is UNKNOWN else show(item) for item in value)}]"
    elif isinstance(value, float) and value.is_integer():
        text = str(int(value))
    else:
        text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= FOUND_LENGTH else f"{text[: FOUND_LENGTH - 1]}…"


@dataclass(frozen=True)
class Rule:
    """One demand on resources of some types.

    Attributes:
        name: The rule's name in packs, messages and configuration: its file's name with hyphens.
        text: The docstring of the rule's module, from which the next three are read.
        demand: What it demands, one sentence: the docstring's first paragraph.
        why: What goes wrong otherwise: the paragraphs between.
        source: Who says so: the last paragraph, without the word "Source:".
        url: Where the source can be read.
        severity: How bad a violation is.
        remedy: How to mend a resource as a whole; each finding says it for its place.
        resource_types: The type tokens of the resources it reads.
        check: The rule: yields a finding for each place of a resource that does not pass.

    Raises:
        ValueError: If the docstring does not have the three parts.
    """

    name: str
    text: str | None
    url: str
    severity: Severity
    remedy: str
    resource_types: frozenset[str]
    check: Callable[[Place], Iterator[Finding]]
    demand: str = field(init=False)
    why: str = field(init=False)
    source: str = field(init=False)

    def __post_init__(self) -> None:
        """Read demand, reason and source out of the docstring, so that each is written once."""
        paragraphs = [" ".join(part.split()) for part in (self.text or "").split("\n\n")]
        match paragraphs:
            case [demand, *why, source] if why and source.startswith("Source: "):
                object.__setattr__(self, "demand", demand)
                object.__setattr__(self, "why", "\n\n".join(why))
                object.__setattr__(self, "source", source.removeprefix("Source: "))
            case _:
                raise ValueError(
                    f"the docstring of rule {self.name} is {show(self.text)}; it must be a demand, "
                    f'reasons, and a last paragraph that begins with "Source: ". Write what is '
                    f"missing, and run Python without -OO, which drops docstrings."
                )
