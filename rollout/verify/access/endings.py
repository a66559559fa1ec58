"""How web ACLs end a request: allowed, blocked or challenged, and by which rule.

Rules run in order. `Count` ends nothing; `Allow` and `Block` do, and so do `Captcha`, `Challenge`
and `Monetize` for a client that is no browser with a token. Where no rule does, the default does.
A rule that cannot be told may end it or not: then there are several endings.

Source: AWS WAF Developer Guide, 'Web ACL rule and rule group evaluation', 'Using rule actions'.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, TypeVar, cast

from rollout.aws_access import WafRule, WebAcl
from rollout.verify.access.statements import (
    Evaluation,
    Fact,
    MissingFactError,
    Passage,
    Untold,
    written,
)

_MOST_RUNS: Final = 500
"""The most combinations of facts that are looked at for one pair of clients."""

T = TypeVar("T")

Outcome = Literal["allowed", "blocked", "challenged"]
_OUTCOMES: Final[Mapping[str, Outcome]] = {"Allow": "allowed", "Block": "blocked"}
"""By action; all others challenge."""


@dataclass(frozen=True)
class Ending:
    """How a request ends."""

    outcome: Outcome
    """What becomes of it."""
    acl: WebAcl | None = None
    """The web ACL that decides; None: none is in the way."""
    rule: WafRule | None = None
    """The rule that decides; None: the default action."""
    reasons: tuple[str, ...] = ()
    """Why it cannot be told whether it ends so."""

    def __str__(self) -> str:
        """Return it in words."""
        if self.acl is None:
            return f"{self.outcome}, for no web ACL is in the way"
        if self.rule is None:
            return f"{self.outcome} by the default action of web ACL {self.acl.name}"
        return f"{self.outcome} by rule {self.rule.name} of web ACL {self.acl.name}"


class TooManyError(Exception):
    """There are more combinations of facts than are looked at."""


def endings(acl: WebAcl | None, passage: Passage, facts: Mapping[Fact, bool]) -> tuple[Ending, ...]:
    """Return how a web ACL may end a request; one ending where that is certain.

    Raises:
        MissingFactError: It depends on a fact that nothing is assumed of.
    """
    if acl is None:
        return (Ending("allowed"),)
    possible, reasons = list[Ending](), tuple[str, ...]()
    for rule in acl.rules:
        if rule.action == "Count":
            continue
        outcome: Outcome = _OUTCOMES.get(rule.action, "challenged")
        if rule.unread:
            reasons += (rule.unread,)
            if rule.action == "Allow":
                possible.append(Ending("allowed", acl, rule, reasons))
            possible.append(Ending("blocked", acl, rule, reasons))
            continue
        answer = Evaluation(passage, acl.sets, facts, rule.name).answer(rule.statement)
        if answer is True:
            return (*possible, Ending(outcome, acl, rule, reasons))
        if isinstance(answer, Untold):
            reasons += (answer.reason,)
            possible.append(Ending(outcome, acl, rule, reasons))
    return (*possible, Ending(_OUTCOMES[acl.default], acl, None, reasons))


def through(
    ways: Sequence[tuple[WebAcl | None, Passage]], facts: Mapping[Fact, bool]
) -> tuple[Ending, ...]:
    """Return how a request may end that passes several web ACLs one after the other.

    Raises:
        MissingFactError: It depends on a fact that nothing is assumed of.
    """
    ended, reasons = list[Ending](), tuple[str, ...]()
    passed: Ending | None = None
    for acl, passage in ways:
        possible = [
            replace(each, reasons=reasons + each.reasons) for each in endings(acl, passage, facts)
        ]
        ended += [each for each in possible if each.outcome != "allowed"]
        allowed = [each for each in possible if each.outcome == "allowed"]
        if not allowed:
            return tuple(ended)
        # The last is the likeliest, and its reasons hold those of all before it.
        reasons = allowed[-1].reasons
        passed = allowed[-1] if allowed[-1].acl or passed is None else passed
    return (*ended, passed) if passed else tuple(ended)


def for_all_facts(run: Callable[[Mapping[Fact, bool]], T]) -> Iterator[tuple[dict[Fact, bool], T]]:
    """Yield what a function returns for each combination of the facts that it turns out to need.

    Raises:
        TooManyError: There are too many.
    """
    open_: list[dict[Fact, bool]] = [{}]
    for _ in range(_MOST_RUNS):
        if not open_:
            return
        facts = open_.pop()
        try:
            result = run(facts)
        except MissingFactError as error:
            open_ += [{**facts, error.fact: True}, {**facts, error.fact: False}]
            continue
        yield facts, result
    if open_:
        raise TooManyError


def looks_at(statement: Any) -> Iterator[str]:
    """Yield what of a client a statement looks at: `source`, `forwarded`, `rate IP` and so on."""
    if isinstance(statement, list | tuple):
        for inner in cast("Sequence[Any]", statement):
            yield from looks_at(inner)
    elif isinstance(statement, Mapping):
        for kind, value in cast("Mapping[str, Any]", statement).items():
            if kind in {"IPSetReferenceStatement", "GeoMatchStatement", "AsnMatchStatement"}:
                config = value.get("IPSetForwardedIPConfig") or value.get("ForwardedIPConfig")
                yield "forwarded" if config else "source"
            elif kind == "RateBasedStatement":
                yield f"rate {value['AggregateKeyType']}"
            yield from looks_at(value)


def is_of(fact: Fact, rule: WafRule | None) -> bool:
    """Say whether a fact is about a rule's own statement."""
    if rule is None:
        return False
    if fact.kind == "content":
        return fact.key in written(rule.statement)
    return "RateBasedStatement" in rule.statement
