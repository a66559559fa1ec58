"""What web ACLs do to clients who come through CloudFront, over IPv6 or through the proxies.

Each kind of client is compared with what becomes of it on direct over IPv4; those over IPv6 with
what becomes of most clients there. Where direct lets a client in and it is refused here, that is a
hazard. Where direct refuses it and it is let in here, that is one too if it is so for most clients,
because a list of who may come is none any more then. If it is so for a few, it is a note.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from rollout.aws_access import AccountWebAcls, Network
from rollout.probe.model import Family, Path, Result
from rollout.verify.access.clients import crowd
from rollout.verify.access.endings import (
    Ending,
    TooManyError,
    for_all_facts,
    through,
)
from rollout.verify.access.statements import Passage, Peer
from rollout.verify.access.verdicts import (
    UNSEEN,
    Arrival,
    Effect,
    Way,
    opened,
    passes,
    refused,
    too_many,
    untold,
)
from rollout.verify.address_groups import worst

CHECK: Final = "hazard-web-acls"
_MOST_TEXTS: Final = 6


class Effects:
    """What the web ACLs of an edge do."""

    def __init__(
        self,
        acls: AccountWebAcls,
        cloudfront: Sequence[Network] | None,
        families: Sequence[int] = (4,),
        added: Iterable[str] = (),
        proxies: Sequence[Network] = (),
    ) -> None:
        """Take what was read.

        Args:
            acls: The web ACLs.
            cloudfront: The addresses that CloudFront connects from; None: they are not known.
            families: The families of those it uses for the origin.
            added: Names, in lower case, of the headers that the distribution adds.
            proxies: The addresses that the proxies connect from; none: they are not known.
        """
        self._acls = acls
        both = [acl for acl in (acls.distribution, acls.load_balancer) if acl]
        self._crowd = crowd(both, cloudfront, families, proxies)
        self._added = frozenset(added)

    def over_ipv4(self) -> list[Effect]:
        """Return what becomes of IPv4 clients through CloudFront."""
        effects = list[Effect]()
        for client in self._crowd.ipv4:
            for edge in self._crowd.cloudfront:
                arrival = self._cdn(client, edge)
                try:
                    effects += _sure(
                        list(_compared(before, after, replace(arrival, facts=facts)))
                        for facts, (before, after) in for_all_facts(
                            lambda facts, one=arrival: (
                                through(self._direct(one.client), facts),
                                through(one.way, facts),
                            )
                        )
                    )
                except TooManyError:
                    effects.append(too_many(arrival))
        return _distinct(effects)

    def over_ipv6(self) -> list[Effect]:
        """Return what becomes of IPv6 clients through CloudFront."""
        return _distinct(
            effect
            for edge in self._crowd.cloudfront
            for each in self._alike()
            for effect in self._against(each, [self._cdn(one, edge) for one in self._like(each)])
        )

    def by_proxy(self) -> list[Effect]:
        """Return what becomes of IPv6 clients through the proxies.

        They are in one country, which is not known: a fault is one where it is so in each.
        """
        kinds = dict.fromkeys(proxy.sets for proxy in self._crowd.proxies)
        return _distinct(effect for sets in kinds for effect in self._by_proxy_of(sets))

    def _by_proxy_of(self, sets: frozenset[str] | None) -> list[Effect]:
        """Return the same for proxies of one kind of addresses."""
        by_country = [
            [
                effect
                for each in self._alike()
                for effect in self._against(each, [self._proxied(each, proxy)])
            ]
            for proxy in self._crowd.proxies
            if proxy.sets == sets
        ]
        in_each = all(any(one.verdict == "fail" for one in each) for each in by_country)
        return [
            effect if in_each or effect.verdict != "fail" else replace(effect, verdict="unknown")
            for each in by_country
            for effect in each
        ]

    def _direct(self, client: Peer) -> Way:
        return ((self._acls.load_balancer, Passage(client)),)

    def _cdn(self, client: Peer, edge: Peer) -> Arrival:
        way = (
            (self._acls.distribution, Passage(client)),
            (
                self._acls.load_balancer,
                Passage(edge, client, from_cloudfront=True, added=self._added),
            ),
        )
        return Arrival(client, edge, "through CloudFront", way)

    def _proxied(self, client: Peer, proxy: Peer) -> Arrival:
        any_ipv6 = replace(client, family=6, words="")
        way = ((self._acls.load_balancer, Passage(proxy)),)
        return Arrival(any_ipv6, proxy, "through the proxies", way)

    def _alike(self) -> list[Peer]:
        """Return most IPv4 clients of each country and network."""
        first: dict[tuple[str, int], Peer] = {}
        for one in self._crowd.ipv4:
            first.setdefault((one.country, one.number), one)
        return list(first.values())

    def _like(self, client: Peer) -> list[Peer]:
        """Return the kinds of IPv6 clients of a client's country and network."""
        same = (client.country, client.number)
        return [one for one in self._crowd.ipv6 if (one.country, one.number) == same]

    def _against(self, most: Peer, arrivals: Sequence[Arrival]) -> Iterator[Effect]:
        """Yield what becomes of clients over IPv6, against those over IPv4 of their country."""
        same = (most.country, most.number)
        others = [
            one for one in self._crowd.ipv4 if one is not most and (one.country, one.number) == same
        ]

        def effects() -> Iterator[list[Effect]]:
            for facts, (before, listed, after) in for_all_facts(
                lambda facts: (
                    through(self._direct(most), facts),
                    [through(self._direct(one), facts) for one in others],
                    [through(one.way, facts) for one in arrivals],
                )
            ):
                usual = replace(arrivals[0], facts=facts)
                here = [
                    *_compared(before, after[0], usual),
                    *_listed(before, listed, after, usual),
                ]
                if "allowed" in _outcomes(before):
                    for one, each in zip(others, listed, strict=True):
                        here += _unlisted(one, each, after, usual)
                yield here

        try:
            yield from _sure(effects())
        except TooManyError:
            yield too_many(arrivals[0])


def _sure(by_facts: Iterable[list[Effect]]) -> list[Effect]:
    """Return all effects; who is refused whatever the request is not refused for its content."""
    branches = list(by_facts)
    effects = [effect for branch in branches for effect in branch]
    if not all(any(one.is_refusal for one in branch) for branch in branches):
        return effects
    if any(one.is_refusal and one.verdict == "fail" for one in effects):
        return [one for one in effects if not one.text.endswith(UNSEEN)]
    return [
        replace(one, verdict="fail", text=one.text.removesuffix(UNSEEN)) if one.is_refusal else one
        for one in effects
    ]


def _outcomes(endings: Sequence[Ending]) -> set[str]:
    return {each.outcome for each in endings}


def _compared(
    before: Sequence[Ending], after: Sequence[Ending], arrival: Arrival
) -> Iterator[Effect]:
    on_direct, here = _outcomes(before), _outcomes(after)
    if len(on_direct) == 1 and on_direct == here:
        return
    if "allowed" in on_direct and "allowed" not in here:
        yield refused(_allowed(before), after[-1], arrival)
        return
    is_open = "allowed" in here and "allowed" not in on_direct
    if is_open and before[-1].rule and "RateBasedStatement" in before[-1].rule.statement:
        return
    if is_open and not arrival.client.is_usual:
        yield passes(before[-1], arrival)
    if len(on_direct) > 1 or len(here) > 1:
        yield from untold([*before, *after], arrival)
    elif is_open and arrival.client.is_usual:
        yield opened(before[-1], _allowed(after), arrival)


def _listed(
    before: Sequence[Ending],
    listed: Sequence[Sequence[Ending]],
    after: Sequence[Sequence[Ending]],
    arrival: Arrival,
) -> Iterator[Effect]:
    """Yield that a list of who may come holds nobody of IPv6."""
    if "allowed" in _outcomes(before) or any("allowed" in _outcomes(one) for one in after):
        return
    let_in = [_allowed(one) for one in listed if "allowed" in _outcomes(one)]
    if let_in:
        yield refused(let_in[0], after[0][-1], arrival)


def _unlisted(
    client: Peer,
    endings: Sequence[Ending],
    after: Sequence[Sequence[Ending]],
    arrival: Arrival,
) -> Iterator[Effect]:
    """Yield that those who are refused over IPv4 are refused nowhere over IPv6."""
    is_refused = "allowed" not in _outcomes(endings)
    if is_refused and all("allowed" in _outcomes(one) for one in after):
        yield passes(endings[-1], replace(arrival, client=replace(client, is_usual=False)))


def _allowed(endings: Sequence[Ending]) -> Ending:
    return next(each for each in reversed(endings) if each.outcome == "allowed")


def _distinct(effects: Iterable[Effect]) -> list[Effect]:
    """Return the first of those that are alike; a fault goes before what only may be one."""
    first: dict[tuple[str, ...], Effect] = {}
    for effect in effects:
        present = first.get(effect.key)
        if present is None or (present.verdict, effect.verdict) == ("unknown", "fail"):
            first[effect.key] = effect
    return list(first.values())


def told(effects: Sequence[Effect], path: Path, family: Family, *, same: str) -> Result:
    """Return effects as one result.

    Args:
        effects: What web ACLs do.
        path: The path that it is about.
        family: The family of the clients.
        same: What to say where they do nothing.
    """
    verdict = worst([effect.verdict for effect in effects]) if effects else "pass"
    texts = [effect.text for effect in effects if effect.verdict == verdict != "pass"]
    more = len(texts) - _MOST_TEXTS
    evidence = "; ".join(texts[:_MOST_TEXTS]) + (f"; and {more} more" if more > 0 else "")
    remedies = dict.fromkeys(one.remedy for one in effects if one.verdict == "fail" and one.remedy)
    return Result(
        CHECK,
        verdict,
        evidence or same,
        path=path,
        family=family,
        accepted=tuple(effect.text for effect in effects if effect.verdict == "pass"),
        remedy=" ".join(remedies),
    )
