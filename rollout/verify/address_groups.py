"""The ways to an API in groups, and what several checks say of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rollout.probe.model import Family, Path, Result, Verdict, Way
from rollout.verify.check import CheckContext


@dataclass(frozen=True)
class AddressGroup:
    """Ways that differ in nothing but the address."""

    hostname: str
    """The name that is requested."""
    path: Path
    """The path of the addresses."""
    family: Family
    """Their family."""
    by_name: bool
    """Whether the hostname itself is what resolved to them."""

    def result(
        self, check: str, verdict: Verdict, evidence: str, accepted: tuple[str, ...] = ()
    ) -> Result:
        """Return a result about the group."""
        suffix = "-by-name" if self.by_name else ""
        return Result(
            check + suffix, verdict, evidence, self.hostname, self.path, self.family, accepted
        )


def grouped(ways: Iterable[Way]) -> dict[AddressGroup, list[Way]]:
    """Return ways by what they have in common."""
    groups: dict[AddressGroup, list[Way]] = {}
    for way in ways:
        group = AddressGroup(way.hostname, way.path, way.family, way.by_name)
        groups.setdefault(group, []).append(way)
    return groups


def by_path(context: CheckContext) -> dict[AddressGroup, list[Way]]:
    """Return the ways at the paths' own addresses by what they have in common."""
    return grouped(way for way in context.ways if not way.by_name)


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """Return `fail` if one failed, else `unknown` if one is, else `pass`."""
    if "fail" in verdicts:
        return "fail"
    return "unknown" if "unknown" in verdicts else "pass"


def no_route(family: Family) -> str:
    """Return the evidence where this machine lacks a family."""
    return f"this machine has no {family}"


def milliseconds(seconds: float) -> str:
    """Return a duration as text."""
    return f"{seconds * 1000:.0f} ms"
