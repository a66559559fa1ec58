"""What rules are written in: values, places in a resource, findings, and rules themselves.

A rule has three answers. It **fails** a place that is certainly wrong, it **cannot tell** about a
place whose value is not known yet, and it **passes** a resource by finding nothing. Tools that know
only two answers let a missing or unknown value pass; here it holds the deployment. What passes may
still be worth a word: **advice** is said at whatever level, and stops nothing.

Nothing in here knows Pulumi, so a rule is tested with plain dicts.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cached_property
from typing import Final, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict

LONGEST_VALUE: Final = 120
"""Characters of a found value that a message shows; a page of JSON hides the sentence around it."""


class Unknown(Enum):
    """The type of `UNKNOWN`; an enum because a type checker can tell its one member apart."""

    UNKNOWN = auto()


UNKNOWN: Final = Unknown.UNKNOWN
"""Stands for a value, a list or an object that is known only after a resource was created."""

Value: TypeAlias = "bool | int | float | str | Unknown | list[Value] | dict[str, Value] | None"
"""A property's value. `None` is an absent one; numbers may be floats, as they are on the wire."""

Severity: TypeAlias = Literal["low", "medium", "high", "critical"]
Level: TypeAlias = Literal["advisory", "mandatory", "remediate", "disabled"]
Step: TypeAlias = str | int
"""A step into a value: a property's name or an element's index."""


class RuleOptions(BaseModel):
    """What a user may set about a rule; one without options has this class itself."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


OptionsT = TypeVar("OptionsT", bound=RuleOptions)


class Judgement(Enum):
    """What a rule says about a place."""

    PASS = auto()
    FAIL = auto()
    CANNOT_TELL = auto()
    ADVISE = auto()


@dataclass(frozen=True)
class Finding:
    """One place where a rule does not pass.

    Attributes:
        answer: `FAIL`, `CANNOT_TELL`, or `ADVISE` for what is right and still worth a word.
        path: Where, as written in a program: `orderedCacheBehaviors[2].cachePolicyId`.
        value: What is there, as text for a reader.
        allowed: What may be there, as text that completes "it must be …".
        fix: What to do, one or more sentences.
    """

    answer: Judgement
    path: str
    value: str
    allowed: str
    fix: str

    def message(self, rule: str) -> str:
        """Return the finding as the one line that a user reads, beginning with the rule's name."""
        unsure = " cannot tell" if self.answer is Judgement.CANNOT_TELL else ""
        must = "may be" if self.answer is Judgement.ADVISE else "must be"
        return f"{rule}{unsure}: {self.path} is {self.value}; it {must} {self.allowed}. {self.fix}"


@dataclass(frozen=True)
class Place:
    """A value together with the path that leads to it.

    Getting a part of a place never raises. A part of something unknown is that unknown thing
    itself, at its own path, because it is what is not known yet; a part of something that has
    no parts is absent.

    Attributes:
        path: The way from the resource to here; empty for the resource itself.
        value: What is here.
        around: The resource it is in, and what that is judged with.
    """

    path: str
    value: Value
    around: "Around" = field(default_factory=lambda: ALONE, compare=False, repr=False)

    @property
    def unknown(self) -> bool:
        """Whether the value is known only after deployment."""
        return self.value is UNKNOWN

    @property
    def absent(self) -> bool:
        """Whether nothing is here; empty text counts, as the AWS provider's state writes it."""
        return self.value is None or self.value == ""

    @property
    def written(self) -> str:
        """The path at which the program has it."""
        return self.around.resource.written(self.path)

    def get(self, key: str) -> "Place":
        """Return the property `key` of the object here."""
        if self.unknown:
            return self
        path = f"{self.path}.{key}" if self.path else key
        value = self.value.get(key) if isinstance(self.value, dict) else None
        return Place(path, value, self.around)

    def items(self) -> "list[Place]":
        """Return the elements of the list here: none when absent, itself when it is no list."""
        if isinstance(self.value, list):
            return [
                Place(f"{self.path}[{i}]", value, self.around) for i, value in enumerate(self.value)
            ]
        return [] if self.absent else [self]

    def dependencies(self) -> "list[Resource]":
        """Return the resources that the value here was made from, as far as the engine knows.

        The engine keeps them for each property of a resource, not for the parts inside one.
        """
        name = self.path.split(".")[0].split("[")[0]
        urns = self.around.resource.dependencies.get(name, ())
        by_urn = self.around.stack.by_urn
        return [by_urn[urn] for urn in urns if urn in by_urn]

    def options(self, kind: type[OptionsT]) -> OptionsT:
        """Return the options of the rule that judges; their defaults when none were set."""
        return self.around.options if isinstance(self.around.options, kind) else kind()

    def finding(
        self, allowed: str, fix: str, *, shown: str | None = None, certain: bool = True
    ) -> Finding:
        """Return a finding about this place.

        Args:
            allowed: Completes "it must be …".
            fix: What to do about it.
            shown: Text to show in place of the value, where the value alone says too little.
            certain: False where the value is known but does not decide. An unknown value never
                makes a certain finding.
        """
        answer = Judgement.FAIL if certain and not self.unknown else Judgement.CANNOT_TELL
        return Finding(answer, self.written, shown or show(self.value), allowed, fix)

    def advice(self, allowed: str, fix: str, *, shown: str | None = None) -> Finding:
        """Return a word about this place that stops nothing; `allowed` completes "it may be …"."""
        return Finding(Judgement.ADVISE, self.written, shown or show(self.value), allowed, fix)

    def must_be(self, value: bool | int | str, fix: str) -> Iterator[Finding]:
        """Yield a finding unless a value is here; 0.0 is as good as 0, False and "0" are not."""
        same_kind = isinstance(self.value, bool) == isinstance(value, bool)
        if not (same_kind and self.value == value):
            yield self.finding(show(value), fix)


def number(value: Value) -> float | None:
    """Return a value that is a number; None for anything else, and for true and false."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


@dataclass(frozen=True, eq=False)
class Resource:
    """A resource as the engine shows it.

    Attributes:
        urn: Its unique name.
        type: Its type token.
        name: Its name in the program.
        read: Returns its properties; called once, and only if a rule reads them.
        protected: Whether the engine refuses to delete it.
        dependencies: For each property, the URNs of the resources it was made from.
        paths: Where the program has what is at a path, for one that is read in other words.
        reported: The URN to report at, where it is another one: a resource may say several.
    """

    urn: str
    type: str
    name: str
    read: Callable[[], Value]
    protected: bool = False
    dependencies: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    paths: Mapping[str, str] = field(default_factory=dict[str, str])
    reported: str = ""

    def written(self, path: str) -> str:
        """Return the path at which the program has what is at a path here."""
        if not self.paths:
            return path
        start, rest = path, ""
        while start not in self.paths:
            cut = max(start.rfind("."), start.rfind("["), 0)
            start, rest = start[:cut], start[cut:] + rest
            if not start:
                break
        before = self.paths.get(start, "")
        return before + rest if before else path

    @cached_property
    def properties(self) -> Value:
        """Its properties."""
        return self.read()


@dataclass(frozen=True, eq=False)
class JudgedStack:
    """The resources that are judged together."""

    resources: Sequence[Resource] = ()

    @cached_property
    def by_urn(self) -> Mapping[str, Resource]:
        """The resources by their URNs."""
        return {resource.urn: resource for resource in self.resources}

    @cached_property
    def by_type(self) -> Mapping[str, Sequence[Resource]]:
        """The resources by their types, in the order of the stack."""
        by_type: dict[str, list[Resource]] = {}
        for resource in self.resources:
            by_type.setdefault(resource.type, []).append(resource)
        return by_type

    def of(self, types: frozenset[str]) -> list[Resource]:
        """Return the resources of some types."""
        return [resource for token in sorted(types) for resource in self.by_type.get(token, ())]


@dataclass(frozen=True, eq=False)
class Around:
    """What a resource is judged with.

    Attributes:
        resource: The resource itself.
        stack: What else is in the stack; empty while the resource is judged alone.
        options: What the user set about the rule that judges.
    """

    resource: Resource
    stack: JudgedStack = field(default_factory=JudgedStack)
    options: RuleOptions = field(default_factory=RuleOptions)

    def place(self) -> Place:
        """Return the resource as the place that a rule begins at."""
        return Place("", self.resource.properties, self)


ALONE: Final = Around(Resource("", "", "", lambda: None))
"""Around a value that belongs to no resource: nothing."""


class Removed(Enum):
    """The type of `REMOVED`, what a change puts in the place of a property that has to go."""

    REMOVED = auto()


REMOVED: Final = Removed.REMOVED


@dataclass(frozen=True)
class Repair:
    """A repair of one place: what has to stand there, or `REMOVED`."""

    path: tuple[Step, ...]
    value: "Value | Removed"


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
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"


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
        resource_types: The type tokens of the resources it judges.
        check: The rule: yields a finding for each place of a resource that does not pass.
        stack: Whether it needs to see the whole stack. Such a rule runs when all resources are
            known: at the end of a preview, and at the end of an update.
        options: What a user may set about it.
        more_types: Says whether it judges a type that is not among them; such a rule needs the
            whole stack. None for a rule that is about those alone.
        repair: Yields what has to change for the rule to pass, unknown values left alone; None
            for a rule that only people can mend.

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
    stack: bool = False
    options: type[RuleOptions] = RuleOptions
    repair: Callable[[Place], Iterator[Repair]] | None = None
    more_types: Callable[[str], bool] | None = None
    demand: str = field(init=False)
    why: str = field(init=False)
    source: str = field(init=False)

    def takes(self, token: str) -> bool:
        """Say whether it judges a type beside those that it names."""
        return self.more_types is not None and self.more_types(token)

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


@dataclass(frozen=True)
class Pack:
    """Rules that are turned on together.

    Attributes:
        name: The pack's name.
        level: The level of its rules, unless the user sets another.
        summary: What it is for, one sentence.
        rules: The rules, in the order in which they report.
    """

    name: str
    level: Level
    summary: str
    rules: tuple[Rule, ...]
