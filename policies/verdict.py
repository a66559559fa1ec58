"""What rules say about a resource, and the messages that are made of it."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from policies.model import Around, Finding, JudgedStack, Judgement, Resource, Rule, RuleOptions
from policies.settings import EXCEPTIONS, UNKNOWNS

logger = logging.getLogger(__name__)

OF_PACKS: Final[dict[str, tuple[str, str]]] = {
    UNKNOWNS: (
        "What a rule judges must be known.",
        (
            "Write the value out in the program, make the policy it names in the same stack, "
            "accept the policy's id in the rule's configuration, or set the level of unknowns to "
            "advisory."
        ),
    ),
    EXCEPTIONS: (
        "An exemption is listed when it is used, and ends on its day.",
        "Mend the resource before the exemption ends, then remove it.",
    ),
}
"""The two policies that are no rules: what each says, and what to do about it."""


@dataclass
class Verdict:
    """What the rules say about one resource."""

    failed: list[tuple[Rule, Finding]] = field(default_factory=list[tuple[Rule, Finding]])
    unclear: list[tuple[Rule, Finding]] = field(default_factory=list[tuple[Rule, Finding]])
    advised: list[tuple[Rule, Finding]] = field(default_factory=list[tuple[Rule, Finding]])
    stopped: list[tuple[Rule, Exception]] = field(default_factory=list[tuple[Rule, Exception]])


def judge(
    rules: Iterable[Rule],
    resource: Resource,
    stack: JudgedStack,
    options: Mapping[str, RuleOptions],
) -> Verdict:
    """Return what rules say about a resource; a rule that raises keeps its findings so far."""
    verdict = Verdict()
    for rule in rules:
        try:
            around = Around(resource, stack, options.get(rule.name) or rule.options())
            for finding in rule.check(around.place()):
                of_answer = {
                    Judgement.FAIL: verdict.failed,
                    Judgement.ADVISE: verdict.advised,
                }
                of_answer.get(finding.answer, verdict.unclear).append((rule, finding))
        except Exception as error:
            logger.exception("rule %s stopped at %s", rule.name, resource.urn)
            verdict.stopped.append((rule, error))
    return verdict


def unclear_message(resource: Resource, unclear: Iterable[tuple[Rule, Finding]]) -> str:
    """Return the one message about all that rules cannot tell about a resource."""
    by_place: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for rule, finding in unclear:
        by_place.setdefault((finding.path, finding.value), []).append((rule.name, finding.allowed))
    count = f"{len(by_place)} place{'s' if len(by_place) > 1 else ''}"
    lines = [_unclear_line(*place, rules) for place, rules in by_place.items()]
    head = f"{UNKNOWNS}: {resource.name} cannot be judged in {count}:"
    return "\n".join([head, *lines, OF_PACKS[UNKNOWNS][1]])


def _unclear_line(path: str, value: str, rules: list[tuple[str, str]]) -> str:
    names = ", ".join(name for name, _ in rules)
    allowed = ", and ".join(dict.fromkeys(allowed for _, allowed in rules))
    return f"  {names} cannot tell: {path} is {value}; it must be {allowed}."


def stopped_message(rule: Rule, resource: Resource, error: Exception) -> str:
    """Return the message about a rule that raised."""
    return (
        f"{rule.name} cannot tell: {resource.name} is not judged to its end, because the rule "
        f"stopped with {type(error).__name__}: {error}; a rule must answer for any resource. "
        f"Report it with the stack trace in the log, as a fault of the policy pack."
    )
