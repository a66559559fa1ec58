"""What is said of a thing that web ACLs do to clients: the verdict, why, and what to change."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from rollout.aws_access import WafRule, WebAcl
from rollout.probe.model import Verdict
from rollout.verify.access.endings import Ending, is_of, looks_at
from rollout.verify.access.statements import Fact, Passage, Peer

Way = tuple[tuple[WebAcl | None, Passage], ...]
"""The web ACLs that a request passes, and how it reaches each."""

_IPV6: Final = 6
UNSEEN: Final = "; whether your requests are such cannot be told"
"""End of what is said of clients who are refused for what they send."""


@dataclass(frozen=True)
class Effect:
    """One thing that web ACLs do to a kind of client."""

    verdict: Verdict
    """`pass`: it is a note."""
    text: str
    """What becomes of whom, by which rule."""
    remedy: str = ""
    """What to change."""
    key: tuple[str, ...] = ()
    """What makes it one with others, of which the first is told."""
    is_refusal: bool = False
    """Whether clients are refused whom direct lets in."""


@dataclass(frozen=True)
class Arrival:
    """How a kind of client comes, and how it is compared."""

    client: Peer
    """The client."""
    by: Peer
    """Whose address the load balancer's web ACL sees."""
    where: str
    """The way, in words."""
    way: Way
    """The web ACLs on it."""
    facts: Mapping[Fact, bool] = field(default_factory=dict[Fact, bool])
    """What is assumed of its request."""

    @property
    def who(self) -> str:
        """The client, in words."""
        client = self.client
        country = f"in country {client.country}" if client.country else ""
        number = f"of network AS{client.number}" if client.number else ""
        words = ", ".join(part for part in (client.words, country, number) if part)
        return f"IPv{client.family} clients" + (f" ({words})" if words else "")


def refused(before: Ending, after: Ending, arrival: Arrival) -> Effect:
    """Return that clients are refused whom direct lets in, and why."""
    key = (_rule_name(before), _rule_name(after), after.outcome)
    text = f"{arrival.who}: on direct {before}, {arrival.where} {after}"
    if _is_deliberate(after, arrival):
        return Effect("pass", f"blocked-on-cdn-only: {text}", key=("deliberate", *key))
    true = [fact for fact, holds in arrival.facts.items() if holds]
    if any(fact.kind == "own rate" and is_of(fact, after.rule) for fact in true):
        note = f"limits-each-client: {_described(after.rule)} {arrival.where}, and not on direct"
        return Effect("pass", note, key=("limits", *key))
    text += _condition(true, after)
    looks = {
        kind
        for rule in (before.rule, *_deciding(after))
        if rule
        for kind in looks_at(rule.statement)
    }
    is_shared = any(fact.kind == "shared rate" and is_of(fact, after.rule) for fact in true)
    is_by_address = looks & {"source", "forwarded"} or is_shared or not arrival.facts
    # Two rules may look for what no one request has.
    is_sure = arrival.by.is_certain and len({fact.rule for fact in true}) <= 1
    is_certain = arrival.by.is_certain
    why, remedy = _reason(before, after, arrival, is_shared=is_shared)
    if not is_by_address:
        return Effect("unknown", text + UNSEEN, remedy, ("content", *key), is_refusal=is_certain)
    verdict: Verdict = "fail" if is_sure else "unknown"
    return Effect(verdict, text + why, remedy, ("refused", *key), is_refusal=is_certain)


def _is_deliberate(after: Ending, arrival: Arrival) -> bool:
    """Say whether a rule refuses a few clients, by their own address: it is there to do so."""
    if after.rule is None or after.acl is None or arrival.client.is_usual:
        return False
    looks = set(looks_at(after.rule.statement))
    own = "source" if after.acl.owner == "the distribution" else "forwarded"
    return own in looks and "source" not in looks - {own} and arrival.by.kind == "cloudfront"


def _reason(before: Ending, after: Ending, arrival: Arrival, *, is_shared: bool) -> tuple[str, str]:
    """Return why clients are refused, and what to change."""
    rule = next((one for one in (*_deciding(after), before.rule) if one), None)
    name, acl = (rule.name if rule else ""), after.acl
    by, is_edge = arrival.by, bool(acl and acl.owner == "the distribution")
    proxied = by.kind == "proxy"
    named = f"rule {name} ({rule.action})" if rule else "it"
    if is_shared:
        return (
            f"; {named} counts all who come by {by.words} as one client",
            f"Let rule {name} count by FORWARDED_IP with header X-Forwarded-For"
            + (
                ", and another one, with a limit for all proxies together, by IP."
                if proxied
                else ", or move it to the distribution's web ACL."
            ),
        )
    if rule and not is_edge and "source" in looks_at(rule.statement):
        return (
            f"; {named} looks at the address of the connection, which is {by.words}",
            f"Add the proxies' IPv4 addresses to what rule {name} lets in."
            if proxied
            else f"Add a rule beside {name} that does the same by the last address of "
            "X-Forwarded-For (IPSetForwardedIPConfig, ForwardedIPConfig) for requests of "
            "CloudFront's, with the clients' IPv6 addresses; or let CloudFront's addresses in and "
            "put the rule into the distribution's web ACL.",
        )
    if arrival.client.family == _IPV6 and rule and looks_at(rule.statement):
        return (
            f"; {named} knows no IPv6 address of theirs",
            f"Add an IP set with the clients' IPv6 addresses to rule {name}.",
        )
    return (
        "",
        f"Let web ACL {acl.name if acl else ''} let in whom the load balancer lets in directly.",
    )


def opened(before: Ending, after: Ending, arrival: Arrival) -> Effect:
    """Return that most clients are let in whom direct refuses."""
    return Effect(
        "fail",
        f"{arrival.who}: on direct {before}, {arrival.where} {after}: whoever is kept out may come "
        "in so",
        "Put the rules that say who may come into the distribution's web ACL too, with IPv6 "
        "addresses."
        if arrival.by.kind == "cloudfront"
        else "Let the proxies' firewall say who may come.",
        ("opened", _rule_name(before), _rule_name(after)),
    )


def passes(before: Ending, arrival: Arrival) -> Effect:
    """Return that few clients are let in whom direct refuses."""
    over = " over IPv6" if arrival.where == "through the proxies" else ""
    return Effect(
        "pass",
        f"blocked-on-direct-only: {arrival.who}: on direct {before}, {arrival.where}{over} not: "
        "add the rule to the distribution's web ACL, with IPv6 addresses",
        key=("passes", _rule_name(before)),
    )


def untold(endings: Sequence[Ending], arrival: Arrival) -> Iterator[Effect]:
    """Yield why it cannot be told what becomes of clients."""
    for reason in dict.fromkeys(reason for each in endings for reason in each.reasons):
        yield Effect("unknown", f"{arrival.where}: {reason}", key=(reason,))


def too_many(arrival: Arrival) -> Effect:
    """Return that there are more combinations of facts than are looked at."""
    text = f"{arrival.where}: the rules depend on too many things of a request to look at them all"
    return Effect("unknown", text, key=("too many",))


def _condition(true: Sequence[Fact], after: Ending) -> str:
    rules = ", ".join(dict.fromkeys(fact.rule for fact in true if fact.kind == "content"))
    if rules:
        return f", of requests whose content rule {rules} looks for"
    is_general = any(fact.kind == "rate" and is_of(fact, after.rule) for fact in true)
    return ", once all requests together are more than its limit" if is_general else ""


def _described(rule: WafRule | None) -> str:
    limit: Mapping[str, object] = rule.statement["RateBasedStatement"] if rule else {}
    seconds = limit.get("EvaluationWindowSec", 300)
    name = rule.name if rule else ""
    return f"rule {name} limits each client to {limit.get('Limit')} requests in {seconds} s"


def _rule_name(ending: Ending) -> str:
    acl = ending.acl.name if ending.acl else ""
    return f"{acl}/{ending.rule.name if ending.rule else ''}"


def _deciding(ending: Ending) -> list[WafRule]:
    """Return the rule that ends a request, or those that might have kept it from the default."""
    if ending.rule or ending.acl is None:
        return [ending.rule] if ending.rule else []
    return [
        rule
        for rule in ending.acl.rules
        if rule.action == "Allow" and ending.outcome == "blocked" and any(looks_at(rule.statement))
    ]
