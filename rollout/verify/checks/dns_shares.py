"""What sampled DNS answers say about weights: pure decisions.

A hostname's A and AAAA records are two weighted groups that know nothing of each other (see
`docs/design.md`). So each is sampled on its own, and what was found in the two is then compared: a
path that only one family has is the mistake that moves every IPv6 client at once.

An AAAA answer without values is the direct path's where that path has no IPv6: it is what an alias
to an IPv4-only load balancer is answered with, and what makes the AAAA shares true.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from rollout import statistics as shares
from rollout.probe.model import DnsAnswer, Family, Path, Result, Verdict

Kind = Literal["A", "AAAA"]

FAMILIES: Final[Mapping[Kind, Family]] = {"A": "IPv4", "AAAA": "IPv6"}
"""The family of each type of record."""

OTHER_KIND: Final[Mapping[Kind, Kind]] = {"A": "AAAA", "AAAA": "A"}
PATHS: Final[tuple[Path, Path]] = ("direct", "cdn")

TTL_SECONDS: Final = 60
"""What an alias to a load balancer or a distribution is answered with, and so what everything
beside it should have. Source: Route 53 Developer Guide, 'Choosing between alias and non-alias
records'."""

_MOST_SHOWN: Final = 3


@dataclass(frozen=True)
class Owners:
    """Whose address is whose, in one family."""

    direct: frozenset[str]
    """Addresses that lead to the direct path."""
    cdn: frozenset[str]
    """Addresses that lead to the distribution."""
    empty_is_direct: bool
    """Whether an answer without addresses is the direct path's."""

    def of(self, values: Collection[str]) -> "Path | Literal['nobody', 'empty']":
        """Return whose answer it is; `nobody`: at least one address is neither path's."""
        if not values:
            return "direct" if self.empty_is_direct else "empty"
        if self.direct.issuperset(values):
            return "direct"
        return "cdn" if self.cdn.issuperset(values) else "nobody"


@dataclass(frozen=True)
class Tally:
    """What the answers of one group were."""

    answers: int = 0
    """How many there were."""
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
    """TTLs that each path's addresses were answered with, in seconds."""
    empty_ttls: tuple[int, ...] = ()
    """How long an answer without addresses may be kept, in seconds."""

    def of(self, path: Path) -> int:
        """Return how many answers were a path's."""
        return self.direct if path == "direct" else self.cdn


def tally(answers: Sequence[DnsAnswer], owners: Owners) -> Tally:
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
        ttls={path: tuple(sorted(found)) for path, found in ttls.items()},
        empty_ttls=tuple(sorted(empty_ttls)),
    )


@dataclass(frozen=True)
class Sample:
    """Everything that was found about one hostname, at one look."""

    hostname: str
    """The name."""
    look: int
    """Number of the look; see `shares`."""
    tallies: Mapping[Kind, Tally]
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
            return 0.5  # "all zero" is equal shares. Source: Route 53, 'Weighted routing'.
        return (direct if path == "direct" else cdn) / (direct + cdn)


def judge(sample: Sample) -> list[Result]:
    """Say what a sample shows; an unknown is a reason to ask on while the budget lasts."""
    results: list[Result] = []
    for kind in FAMILIES:
        if sample.weights is not None:
            results.append(_share(sample, kind))
        results.append(_twins(sample, kind))
    results.append(_families(sample))
    results.extend(_ttl(sample, kind) for kind in FAMILIES)
    return results


def merged(before: Sequence[Result], now: Sequence[Result]) -> list[Result]:
    """Return what is known after a further look.

    Every look's interval holds the truth (see `shares`), so what one of them told stays told when
    the next, which has to be wider for its number of answers, does not tell it again.
    """
    known = {
        (result.check, result.family): result for result in before if result.verdict != "unknown"
    }
    return [
        known.get((result.check, result.family), result) if result.verdict == "unknown" else result
        for result in now
    ]


def settled(sample: Sample, results: Sequence[Result]) -> bool:
    """Say whether more answers would change nothing: all is told, or a stranger is in the way."""
    if any(found.nobody for found in sample.tallies.values()):
        return True
    return all(result.verdict != "unknown" for result in results)


def _share(sample: Sample, kind: Kind) -> Result:
    """Compare the cdn path's share with what was declared."""
    found = sample.tallies[kind]
    declared = sample.declared("cdn") or 0.0
    interval = shares.share(found.cdn, found.answers, sample.look)
    verdict = interval.within(declared, sample.tolerance)
    seen = (
        f"cdn has {_percent(found.cdn, found.answers)} of {found.answers} {kind} answers, so "
        f"{interval.low:.1%} to {interval.high:.1%}; {declared:.1%} is declared, within "
        f"{sample.tolerance:.1%}"
    )
    remedy = ""
    for path in PATHS:
        # A record of weight 0 is answered only where no other is healthy.
        if sample.declared(path) == 0 and found.of(path):
            verdict = "fail"
            what = "empty" if path == "direct" and found.empty_ttls else f"the {path} path's"
            seen = (
                f"{found.of(path)} of {found.answers} {kind} answers are {what}; the {path} path's "
                "weight is 0, so none may be"
            )
    if found.nobody:
        verdict, seen = "unknown", _strangers(found, kind)
    if verdict == "fail":
        remedy = f"Compare the weights of the {kind} records with traffic, then run pulumi up."
    return Result("dns-shares", verdict, seen, sample.hostname, "cdn", FAMILIES[kind], (), remedy)


def _twins(sample: Sample, kind: Kind) -> Result:
    """Say whether a group has a member for each path that should have one."""
    found = sample.tallies[kind]
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
    if found.empty:
        return result(
            "fail",
            f"{found.empty} of {found.answers} {kind} answers have no address, though both paths "
            f"have one",
            f"Look at the {kind} records of the direct path and at what they lead to.",
        )
    unseen: list[Path] = [path for path in PATHS if not found.of(path)]
    if found.nobody:
        # They may be the very path's that seems to be missing.
        return result("unknown", _strangers(found, kind))
    missing: list[Path] = [path for path in unseen if _is_missing(sample, kind, path)]
    if missing:
        return result("fail", *_unpaired(sample, kind, missing[0]))
    waited = [path for path in unseen if _expected(sample, kind, path) != 0]
    if waited:
        return result(
            "unknown",
            f"{waited[0]} has none of {found.answers} {kind} answers; that can still be chance",
        )
    counts = f"direct has {found.direct} and cdn {found.cdn} of {found.answers} {kind} answers"
    why = "weight 0" if sample.weights else "no answers of the other family either"
    unseeable = "".join(
        f"; {path} has {why}, so whether it has a member cannot be seen from outside"
        for path in unseen
    )
    return result("pass", counts + unseeable)


def _is_missing(sample: Sample, kind: Kind, path: Path) -> bool:
    expected = _expected(sample, kind, path)
    return sample.tallies[kind].answers >= shares.answers_to_see(expected)


def _expected(sample: Sample, kind: Kind, path: Path) -> float:
    """Return the share that a path has at least, if the group is as it should be."""
    declared = sample.declared(path)
    if declared is not None:
        return declared
    other = sample.tallies[OTHER_KIND[kind]]
    return shares.share(other.of(path), other.answers, sample.look).low


def _unpaired(sample: Sample, kind: Kind, path: Path) -> tuple[str, str]:
    found, other_kind = sample.tallies[kind], OTHER_KIND[kind]
    family, other_path = FAMILIES[kind], PATHS[path == "direct"]
    seen = f"{path} has none of {found.answers} {kind} answers"
    if sample.tallies[other_kind].of(path):
        seen = f"unpaired family: {seen}, but some of the {other_kind} answers"
    if found.of(other_path):
        seen += f"; every {family} client is on {other_path}, whatever the {other_kind} weights say"
    remedy = (
        f"Give {sample.hostname} an {kind} record with the set identifier {path} and the weight of "
        f"its {other_kind} twin."
    )
    return seen, remedy


def _families(sample: Sample) -> Result:
    """Compare the two families' shares."""
    a, aaaa = sample.tallies["A"], sample.tallies["AAAA"]
    # Two shares within a tolerance of one value are within twice that of each other.
    allowed = 2 * sample.tolerance
    interval = shares.difference((a.cdn, a.answers), (aaaa.cdn, aaaa.answers), sample.look)
    verdict = interval.within(0, allowed)
    both = [_share(sample, kind).verdict for kind in FAMILIES] if sample.weights else []
    if both and all(found == "pass" for found in both):
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


def _ttl(sample: Sample, kind: Kind) -> Result:
    """Judge how long answers are kept.

    Longer than a minute slows a way back. Where the members' TTLs differ, the one that is kept
    longer has more of the users than its weight says. An empty answer is kept for as long as the
    zone's SOA record says, which is 900 seconds by default; that too gives the direct path more
    than its share, but it errs on the safe side, and a way back is not slowed by it.
    """
    found = sample.tallies[kind]
    family = FAMILIES[kind]
    told = [
        f"{path} {_seconds(ttls)}" for path in PATHS if (ttls := found.ttls.get(path)) is not None
    ]
    accepted: tuple[str, ...] = ()
    every = sorted({ttl for ttls in found.ttls.values() for ttl in ttls})
    if found.empty_ttls:
        told.append(f"empty answers {_seconds(found.empty_ttls)}")
        if found.empty_ttls[-1] > TTL_SECONDS:
            accepted = ("empty-answers-kept-longer",)
            told.append(
                "that is longer than the others, so fewer IPv6 clients are on cdn than the weight "
                "says, which is safe"
            )
    evidence = "; ".join(told)
    if not told:
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


def shown(values: Sequence[str]) -> str:
    """Return a few values and how many more there are."""
    rest = len(values) - _MOST_SHOWN
    return ", ".join(values[:_MOST_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _strangers(found: Tally, kind: Kind) -> str:
    return (
        f"{found.nobody} of {found.answers} {kind} answers name {shown(found.strangers)}, which "
        "neither the load balancer's nor the distribution's name nor a proxy has"
    )


def _seconds(ttls: Iterator[int] | Sequence[int]) -> str:
    return " and ".join(f"{ttl} s" for ttl in ttls)


def _percent(hits: int, answers: int) -> str:
    return f"{hits / answers:.1%}" if answers else "none"
