"""Whether both families have members of both paths, and at the declared statistics.

A hostname's A and AAAA records are two weighted groups that do not depend on each other (see
`docs/design.md`). So each group is sampled on its own, and the two samples are compared. A path
that only one family has is the mistake that moves every IPv6 client at once.

Shares are sampled at the zone's own servers, which draw every answer again. A resolver repeats one
answer for its TTL and would show 0 or 100 % of anything.

An AAAA answer without values is the direct path's where that path has no IPv6: an alias to an
IPv4-only load balancer is answered so, and these answers make the AAAA shares true.

`judge` and all that it calls are pure; only the check itself sends queries.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from rollout import statistics
from rollout.probe.model import DnsAnswer, Path, Result, TroubleError, Verdict
from rollout.verify.check import Check, CheckContext
from rollout.verify.dns_answers import (
    FAMILIES,
    LEARNING_ROUNDS,
    OTHER_TYPE,
    PATHS,
    TTL_SECONDS,
    AddressBook,
    AddressOwners,
    RecordType,
    Sampler,
    answering_authority,
    first_few,
)


@dataclass(frozen=True)
class Tally:
    """The answers of one group, counted."""

    answers: int = 0
    """All answers."""
    direct: int = 0
    """Answers that lead to the direct path."""
    cdn: int = 0
    """Answers that lead to the distribution."""
    empty: int = 0
    """Answers without an address where each path has one."""
    nobody: int = 0
    """Answers with an address that is neither path's."""
    strangers: tuple[str, ...] = ()
    """These addresses."""
    ttls: Mapping[Path, tuple[int, ...]] = field(default_factory=dict[Path, tuple[int, ...]])
    """TTLs of each path's addresses, in seconds."""
    empty_ttls: tuple[int, ...] = ()
    """How long an answer without addresses may be kept, in seconds."""

    def of(self, path: Path) -> int:
        """Return how many answers were a path's."""
        return self.direct if path == "direct" else self.cdn


def tally(answers: Sequence[DnsAnswer], owners: AddressOwners) -> Tally:
    """Count answers by whose they are."""
    counts = {"direct": 0, "cdn": 0, "empty": 0, "nobody": 0}
    ttls: dict[Path, set[int]] = {}
    empty_ttls: set[int] = set()
    strangers: set[str] = set()
    for answer in answers:
        owner = owners.of(answer.values)
        counts[owner] += 1
        if owner == "nobody":
            strangers.update(set(answer.values) - owners.direct - owners.cdn)
        if answer.ttl_seconds is None:
            continue
        if not answer.values:
            empty_ttls.add(answer.ttl_seconds)
        elif owner == "direct" or owner == "cdn":  # noqa: PLR1714 - what pyright understands
            ttls.setdefault(owner, set()).add(answer.ttl_seconds)
    return Tally(
        len(answers),
        **counts,
        strangers=tuple(sorted(strangers)),
        ttls={path: tuple(sorted(seconds)) for path, seconds in ttls.items()},
        empty_ttls=tuple(sorted(empty_ttls)),
    )


@dataclass(frozen=True)
class Sample:
    """The answers about one hostname, at one look."""

    hostname: str
    """The name."""
    look: int
    """Number of the look; see `rollout.statistics`."""
    tallies: Mapping[RecordType, Tally]
    """What each group answered."""
    weights: tuple[int, int] | None
    """Declared weights of direct and cdn; None: nothing was declared."""
    tolerance: float
    """How far a share may be from the declared one."""
    cdn_lacks_ipv6: bool = False
    """Whether the distribution's own name has no AAAA record."""

    def declared(self, path: Path) -> float | None:
        """Return the share that a path should have."""
        if self.weights is None:
            return None
        direct, cdn = self.weights
        if not direct and not cdn:
            return 0.5  # "all zero" is equal statistics. Source: Route 53, 'Weighted routing'.
        return (direct if path == "direct" else cdn) / (direct + cdn)


def judge(sample: Sample) -> list[Result]:
    """Return what a sample shows; `unknown` is a reason to send more queries."""
    results: list[Result] = []
    for kind in FAMILIES:
        if sample.weights is not None:
            results.append(_share(sample, kind))
        results.append(_twins(sample, kind))
    results.append(_families(sample))
    results.extend(_ttl(sample, kind) for kind in FAMILIES)
    return results


def merged(before: Sequence[Result], now: Sequence[Result]) -> list[Result]:
    """Return the results after a further look.

    Every look's interval holds the truth (see `rollout.statistics`). So what one look decided stays
    decided, even where a later look is `unknown`: its interval may be wider.
    """
    decided = {
        (result.check, result.family): result for result in before if result.verdict != "unknown"
    }
    return [
        decided.get((result.check, result.family), result)
        if result.verdict == "unknown"
        else result
        for result in now
    ]


def settled(sample: Sample, results: Sequence[Result]) -> bool:
    """Say whether more answers change nothing: all is decided, or an address is a stranger's."""
    if any(group.nobody for group in sample.tallies.values()):
        return True
    return all(result.verdict != "unknown" for result in results)


def _share(sample: Sample, kind: RecordType) -> Result:
    """Compare the cdn path's share with what was declared."""
    group = sample.tallies[kind]
    declared = sample.declared("cdn") or 0.0
    interval = statistics.share(group.cdn, group.answers, sample.look)
    verdict = interval.within(declared, sample.tolerance)
    evidence = (
        f"cdn has {_percent(group.cdn, group.answers)} of {group.answers} {kind} answers, so "
        f"{interval.low:.1%} to {interval.high:.1%}; {declared:.1%} is declared, within "
        f"{sample.tolerance:.1%}"
    )
    remedy = ""
    for path in PATHS:
        # A record of weight 0 is answered only where no other is healthy.
        if sample.declared(path) == 0 and group.of(path):
            verdict = "fail"
            what = "empty" if path == "direct" and group.empty_ttls else f"the {path} path's"
            evidence = (
                f"{group.of(path)} of {group.answers} {kind} answers are {what}; the {path} path's "
                "weight is 0, so none may be"
            )
    if group.nobody:
        verdict, evidence = "unknown", _strangers(group, kind)
    if verdict == "fail":
        remedy = f"Compare the weights of the {kind} records with traffic, then run pulumi up."
    return Result(
        "dns-shares", verdict, evidence, sample.hostname, "cdn", FAMILIES[kind], (), remedy
    )


def _twins(sample: Sample, kind: RecordType) -> Result:
    """Say whether a group has a member for each path that should have one."""
    group = sample.tallies[kind]
    family = FAMILIES[kind]

    def result(verdict: Verdict, evidence: str, remedy: str = "") -> Result:
        return Result("dns-twins", verdict, evidence, sample.hostname, None, family, (), remedy)

    if kind == "AAAA" and sample.cdn_lacks_ipv6:
        return result(
            "fail",
            "the distribution's own name has no AAAA record, so its AAAA member is answered empty "
            "and no IPv6 client can reach it",
            "Turn IPv6 on for the distribution (isIpv6Enabled).",
        )
    if group.empty:
        return result(
            "fail",
            f"{group.empty} of {group.answers} {kind} answers have no address, though both paths "
            f"have one",
            f"Look at the {kind} records of the direct path and at what they lead to.",
        )
    unseen: list[Path] = [path for path in PATHS if not group.of(path)]
    if group.nobody:
        # They may be the very path's that seems to be missing.
        return result("unknown", _strangers(group, kind))
    missing: list[Path] = [path for path in unseen if _is_missing(sample, kind, path)]
    if missing:
        return result("fail", *_unpaired(sample, kind, missing[0]))
    undecided = [path for path in unseen if _expected(sample, kind, path) != 0]
    if undecided:
        return result(
            "unknown",
            f"{undecided[0]} has none of {group.answers} {kind} answers; that can still be chance",
        )
    counts = f"direct has {group.direct} and cdn {group.cdn} of {group.answers} {kind} answers"
    why = "weight 0" if sample.weights else "no answers of the other family either"
    unseeable = "".join(
        f"; {path} has {why}, so whether it has a member cannot be seen from outside"
        for path in unseen
    )
    return result("pass", counts + unseeable)


def _is_missing(sample: Sample, kind: RecordType, path: Path) -> bool:
    expected = _expected(sample, kind, path)
    return sample.tallies[kind].answers >= statistics.answers_to_see(expected)


def _expected(sample: Sample, kind: RecordType, path: Path) -> float:
    """Return the least share of a path, if the group is right."""
    declared = sample.declared(path)
    if declared is not None:
        return declared
    other = sample.tallies[OTHER_TYPE[kind]]
    return statistics.share(other.of(path), other.answers, sample.look).low


def _unpaired(sample: Sample, kind: RecordType, path: Path) -> tuple[str, str]:
    group, other_type = sample.tallies[kind], OTHER_TYPE[kind]
    family, other_path = FAMILIES[kind], PATHS[path == "direct"]
    evidence = f"{path} has none of {group.answers} {kind} answers"
    if sample.tallies[other_type].of(path):
        evidence = f"unpaired family: {evidence}, but some of the {other_type} answers"
    if group.of(other_path):
        evidence += (
            f"; every {family} client is on {other_path}, whatever the {other_type} weights say"
        )
    remedy = (
        f"Give {sample.hostname} an {kind} record with the set identifier {path} and the weight of "
        f"its {other_type} twin."
    )
    return evidence, remedy


def _families(sample: Sample) -> Result:
    """Compare the two families' statistics."""
    a, aaaa = sample.tallies["A"], sample.tallies["AAAA"]
    # Two shares within a tolerance of one value are within twice that of each other.
    allowed = 2 * sample.tolerance
    interval = statistics.difference((a.cdn, a.answers), (aaaa.cdn, aaaa.answers), sample.look)
    verdict = interval.within(0, allowed)
    both = [_share(sample, kind).verdict for kind in FAMILIES] if sample.weights else []
    if both and all(each == "pass" for each in both):
        verdict = "pass"
    evidence = (
        f"cdn has {_percent(a.cdn, a.answers)} of the A and "
        f"{_percent(aaaa.cdn, aaaa.answers)} of the AAAA answers; they may differ by {allowed:.1%}"
    )
    if a.nobody or aaaa.nobody:
        verdict, evidence = "unknown", f"{evidence}; some answers are neither path's"
    remedy = ""
    if verdict == "fail":
        remedy = "Give the A and AAAA records of each path the same weight."
    return Result("dns-families", verdict, evidence, sample.hostname, "cdn", None, (), remedy)


def _ttl(sample: Sample, kind: RecordType) -> Result:
    """Judge how long answers are kept.

    More than a minute slows a way back. Where the members' TTLs differ, the one that is kept longer
    has more users than its weight says. An empty answer is kept for as long as the zone's SOA
    record says, 900 seconds by default. That too gives the direct path more than its share, but it
    errs on the safe side and does not slow a way back.
    """
    group = sample.tallies[kind]
    family = FAMILIES[kind]
    parts = [
        f"{path} {_seconds(ttls)}" for path in PATHS if (ttls := group.ttls.get(path)) is not None
    ]
    accepted: tuple[str, ...] = ()
    every = sorted({ttl for ttls in group.ttls.values() for ttl in ttls})
    if group.empty_ttls:
        parts.append(f"empty answers {_seconds(group.empty_ttls)}")
        if group.empty_ttls[-1] > TTL_SECONDS:
            accepted = ("empty-answers-kept-longer",)
            parts.append(
                "that is longer than the others, so fewer IPv6 clients are on cdn than the weight "
                "says, which is safe"
            )
    evidence = "; ".join(parts)
    if not parts:
        nothing = f"no {kind} answer tells how long it may be kept"
        return Result("dns-ttl", "unknown", nothing, sample.hostname, None, family)
    remedy, verdict = "", "pass"
    if every and every[-1] > TTL_SECONDS:
        verdict = "fail"
        evidence += f"; more than {TTL_SECONDS} s slows the way back"
        remedy = f"Give the {kind} records a TTL of {TTL_SECONDS} s, or make them aliases."
    elif len(every) > 1:
        verdict = "fail"
        evidence += "; what is kept longer has more users than its weight says"
        remedy = f"Give all {kind} records the same TTL."
    return Result("dns-ttl", verdict, evidence, sample.hostname, None, family, accepted, remedy)


def _strangers(group: Tally, kind: RecordType) -> str:
    return (
        f"{group.nobody} of {group.answers} {kind} answers name {first_few(group.strangers)}, "
        "which neither the load balancer's nor the distribution's name nor a proxy has"
    )


def _seconds(ttls: Iterator[int] | Sequence[int]) -> str:
    return " and ".join(f"{ttl} s" for ttl in ttls)


def _percent(hits: int, answers: int) -> str:
    return f"{hits / answers:.1%}" if answers else "none"


async def check_weights(context: CheckContext) -> AsyncIterator[Result]:
    """Yield whether both families have members of both paths, and at the declared statistics."""

    async def one(hostname: str) -> list[Result]:
        try:
            return await _weights(context, hostname)
        except TroubleError as trouble:
            return [Result("dns-shares", "unknown", str(trouble), hostname)]

    for results in await asyncio.gather(*(one(hostname) for hostname in context.target.hostnames)):
        for result in results:
            yield result


async def _weights(context: CheckContext, hostname: str) -> list[Result]:
    authority = await answering_authority(context.dns_client, hostname)
    addresses = AddressBook(context.dns_client, context.target)
    await addresses.learn()
    if addresses.addresses["cdn", "A"] and not addresses.addresses["cdn", "AAAA"]:
        # CloudFront may withhold AAAA from one resolver; its own servers have the last word.
        await addresses.learn_more()
    samplers: dict[RecordType, Sampler] = {
        kind: Sampler(context.dns_client, hostname, kind, authority.servers) for kind in FAMILIES
    }
    results: list[Result] = []
    for look, answers in statistics.looks(context.options.dns_queries):
        await asyncio.gather(*(sampler.grow(answers) for sampler in samplers.values()))
        sample = Sample(
            hostname,
            look,
            await _tallies(samplers, addresses),
            context.target.weights,
            context.options.share_tolerance,
            cdn_lacks_ipv6=bool(
                addresses.addresses["cdn", "A"]
                and not addresses.addresses["cdn", "AAAA"]
                and not addresses.trouble
            ),
        )
        results = merged(results, judge(sample))
        if settled(sample, results):
            break
    return results or [Result("dns-shares", "unknown", "no queries were allowed", hostname)]


async def _tallies(
    samplers: dict[RecordType, Sampler], addresses: AddressBook
) -> dict[RecordType, Tally]:
    for _ in range(LEARNING_ROUNDS):
        tallies: dict[RecordType, Tally] = {
            kind: tally(sampler.answers, addresses.owners(kind))
            for kind, sampler in samplers.items()
        }
        if not any(group.nobody for group in tallies.values()):
            return tallies
        await addresses.learn_more()
    return {
        kind: tally(sampler.answers, addresses.owners(kind)) for kind, sampler in samplers.items()
    }


CHECKS: Final[tuple[Check, ...]] = (Check("dns-weights", check_weights),)
