"""What a statement of AWS WAF says of one request: yes, no, or that it cannot be told.

What a client sends is not known, but it is the same whichever way it comes: a statement about a
request's content is a `Fact`; who compares ways tries it both ways. What CloudFront changes on the
way is no such fact, and cannot be told.

Source: AWS WAF API Reference, 'Statement', and Developer Guide, 'Using forwarded IP addresses'.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import IPv4Network, collapse_addresses
from typing import Any, Final, Literal, cast

from rollout.aws import Fields
from rollout.aws_access import AddressSet

_FORWARDED: Final = "x-forwarded-for"

_CHANGED: Final = {"Headers", "HeaderOrder", "JA3Fingerprint", "JA4Fingerprint"}
"""Parts of a request that are CloudFront's where CloudFront sends it.
Source: CloudFront Developer Guide, 'How CloudFront processes and forwards requests'."""

_CHANGED_HEADERS: Final = frozenset(
    {"connection", "expect", "te", "trailer", "upgrade", "via", "x-real-ip", _FORWARDED}
)
_CHANGED_PREFIXES: Final = ("cloudfront-", "proxy-", "x-amz-", "x-edge-", "x-forwarded-")


@dataclass(frozen=True)
class Peer:
    """An address that a request comes from, or is said to come from."""

    kind: Literal["client", "cloudfront", "proxy"]
    """Whose address it is."""
    family: int
    """4 or 6."""
    sets: frozenset[str] | None
    """ARNs of the IP sets that hold it; None: its address is not known."""
    words: str
    """The address, or addresses of which one stands for all."""
    country: str = ""
    """Its country; empty: one that no rule names."""
    number: int = 0
    """Its network's number (ASN); 0: one that no rule names."""
    is_certain: bool = True
    """Whether there certainly are such addresses."""
    is_usual: bool = False
    """Whether most clients are of this kind."""


@dataclass(frozen=True)
class Passage:
    """A request as it reaches one web ACL."""

    source: Peer
    """Whom the connection is from."""
    forwarded: Peer | None = None
    """Whom `X-Forwarded-For` names; None: it is not there."""
    from_cloudfront: bool = False
    """Whether CloudFront sends it."""
    added: frozenset[str] = frozenset()
    """Headers, in lower case, that the distribution adds."""


@dataclass(frozen=True)
class Fact:
    """What is not known of a request, and holds for it on every way.

    `content`: it is as a statement says. `own rate`: its client sends more than a limit.
    `shared rate`: all who share an address with it do. `rate`: all requests together do.
    """

    kind: Literal["content", "own rate", "shared rate", "rate"]
    """What kind of fact it is."""
    key: str
    """The statement in one form."""
    rule: str = field(compare=False)
    """The rule that asks for it first."""


class MissingFactError(Exception):
    """The answer depends on a fact that nothing was assumed of."""

    def __init__(self, fact: Fact) -> None:
        """Keep the fact."""
        super().__init__(fact.key)
        self.fact = fact


@dataclass(frozen=True)
class Untold:
    """It cannot be told."""

    reason: str
    """Why."""


class Absent(Enum):
    """The header that is to name the client is not there, so the rule is not applied."""

    HEADER = 1


Answer = bool | Untold | Absent


def written(statement: Any) -> str:
    """Return a statement in one form, whatever the order of its members."""
    return json.dumps(statement, sort_keys=True, default=repr)


class Evaluation:
    """What the statements of one rule say of one request."""

    def __init__(
        self,
        passage: Passage,
        sets: Mapping[str, AddressSet],
        facts: Mapping[Fact, bool],
        rule: str,
    ) -> None:
        """Take the request and what is assumed of it."""
        self._passage = passage
        self._sets = sets
        self._facts = facts
        self._rule = rule
        self._kinds: dict[str, Callable[[Fields], Answer]] = {
            "AndStatement": self._and,
            "OrStatement": self._or,
            "NotStatement": self._not,
            "IPSetReferenceStatement": self._address,
            "GeoMatchStatement": self._country,
            "AsnMatchStatement": self._network,
            "RateBasedStatement": self._rate,
            "LabelMatchStatement": lambda one: Untold(f"label {one.get('Key')} is not followed"),
        }

    def answer(self, statement: Fields) -> Answer:
        """Say whether a request matches a statement.

        Raises:
            MissingFactError: It depends on a fact that nothing is assumed of.
        """
        if len(statement) != 1:
            return Untold(f"rule {self._rule} has a statement that is not understood")
        ((kind, value),) = statement.items()
        if kind in self._kinds:
            return self._kinds[kind](value)
        if "FieldToMatch" in value:
            return self._content(statement, value["FieldToMatch"])
        return Untold(f"rule {self._rule} has a {kind}, which is not judged")

    def _all(self, statements: Sequence[Fields], decisive: bool) -> list[Answer]:
        """Return the answers of all; a missing fact counts only where no other answer decides."""
        answers, missing = list[Answer](), list[MissingFactError]()
        for statement in statements:
            try:
                answers.append(self.answer(statement))
            except MissingFactError as error:
                missing.append(error)
        if missing and not any(answer is decisive for answer in answers):
            raise missing[0]
        return answers

    def _and(self, value: Fields) -> Answer:
        answers = self._all(value["Statements"], decisive=False)
        if any(answer is False for answer in answers):
            return False
        if Absent.HEADER in answers:
            return Absent.HEADER
        return next((answer for answer in answers if isinstance(answer, Untold)), True)

    def _or(self, value: Fields) -> Answer:
        answers = self._all(value["Statements"], decisive=True)
        untold = next((answer for answer in answers if isinstance(answer, Untold)), None)
        if any(answer is True for answer in answers):
            return self._odd("OR") if Absent.HEADER in answers else True
        return untold or False

    def _not(self, value: Fields) -> Answer:
        answer = self.answer(value["Statement"])
        if isinstance(answer, bool):
            return not answer
        return self._odd("NOT") if answer is Absent.HEADER else answer

    def _odd(self, operator: str) -> Untold:
        """AWS says that the rule is not applied then, and not whether that holds inside others."""
        return Untold(
            f"rule {self._rule} has a forwarded address inside {operator}, and without the header "
            "AWS does not say what comes of it"
        )

    def _named(self, config: Fields | None) -> Peer | Answer:
        """Return whom a statement looks at, or its answer where it looks at nobody."""
        if config is None:
            return self._passage.source
        name = str(config["HeaderName"]).lower()
        if name == _FORWARDED:
            return self._passage.forwarded or Absent.HEADER
        if self._passage.from_cloudfront:
            return Untold(f"rule {self._rule} reads header {name}, of which nothing is known")
        return Absent.HEADER

    def _address(self, value: Fields) -> Answer:
        peer = self._named(value.get("IPSetForwardedIPConfig"))
        if not isinstance(peer, Peer):
            return peer
        arn = str(value["ARN"])
        ip_set = self._sets[arn]
        if ip_set.unread:
            return Untold(ip_set.unread)
        if not ip_set.networks or ip_set.family != peer.family:
            return False
        if peer.sets is None:
            networks = cast("Sequence[IPv4Network]", ip_set.networks)
            if any(one.prefixlen == 0 for one in collapse_addresses(networks)):
                return True
            return Untold(f"whether {peer.words} are in IP set {ip_set.name} cannot be told")
        return arn in peer.sets

    def _country(self, value: Fields) -> Answer:
        peer = self._named(value.get("ForwardedIPConfig"))
        return peer.country in value["CountryCodes"] if isinstance(peer, Peer) else peer

    def _network(self, value: Fields) -> Answer:
        peer = self._named(value.get("ForwardedIPConfig"))
        return peer.number in value["AsnList"] if isinstance(peer, Peer) else peer

    def _rate(self, value: Fields) -> Answer:
        scope = value.get("ScopeDownStatement")
        narrowed = self.answer(scope) if scope else True
        if narrowed is False or narrowed is Absent.HEADER:
            return narrowed
        aggregate = value["AggregateKeyType"]
        if aggregate == "CUSTOM_KEYS":
            return Untold(
                f"rule {self._rule} counts requests by keys of its own, which is not read"
            )
        key = f"{value['Limit']} in {value.get('EvaluationWindowSec', 300)} s {written(scope)}"
        if aggregate == "CONSTANT":
            exceeded: Answer = self._fact(Fact("rate", key, self._rule))
        else:
            config = value.get("ForwardedIPConfig") if aggregate == "FORWARDED_IP" else None
            peer = self._named(config)
            if not isinstance(peer, Peer):
                return peer
            exceeded = self._fact(
                Fact("own rate", key, self._rule)
                if peer.kind == "client"
                else Fact("shared rate", f"{key} {peer.kind}", self._rule)
            )
        return narrowed if exceeded is True else exceeded

    def _content(self, statement: Fields, part: Fields) -> Answer:
        (name,) = part
        if self._passage.from_cloudfront:
            header = str(part[name].get("Name", "")).lower() if name == "SingleHeader" else ""
            is_changed = header and (
                header in _CHANGED_HEADERS
                or header in self._passage.added
                or header.startswith(_CHANGED_PREFIXES)
            )
            if name in _CHANGED or is_changed:
                what = f"header {header}" if header else name
                return Untold(f"rule {self._rule} reads {what}, which CloudFront changes")
        return self._fact(Fact("content", written(statement), self._rule))

    def _fact(self, fact: Fact) -> bool:
        if fact not in self._facts:
            raise MissingFactError(fact)
        return self._facts[fact]
