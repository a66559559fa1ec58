"""What nobody measured, with its range, and what each end of it does to a population."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from rollout.simulate.population import DAY, Clients, Population, Resolvers, known_fields

Change = Callable[[Population, float], Population]


@dataclass(frozen=True)
class Assumption:
    """One thing that is assumed."""

    name: str
    """What is assumed."""
    low: float
    """Its harmless end."""
    high: float
    """Its other end."""
    unit: str
    """What its values are: `%` of a share, or `s`."""
    source: str
    """Who says what is known of it."""
    change: Change
    """Returns a population in which it has a value."""
    concerns: Callable[[Population], bool]
    """Says whether a population has what it is about."""

    def words(self, value: float) -> str:
        """Return a value as people read it."""
        return f"{value * 100:g} %" if self.unit == "%" else f"{value:g} s"


def _with_kind(population: Population, kind: Resolvers) -> Population:
    """Return a population with one kind of resolvers more, for which the others make room."""
    others = [each for each in population.resolvers if each.name != kind.name]
    room = (1 - kind.share) / sum(each.share for each in others)
    made = [each.model_copy(update={"share": each.share * room}) for each in others]
    return population.model_copy(update={"resolvers": (*made, kind)})


def _tail(population: Population, share: float) -> Population:
    tail = next((each for each in population.resolvers if each.kept_seconds is not None), None)
    if tail is not None:
        return _with_kind(
            population, tail.model_copy(update={"share": share, "kept_seconds": 3 * DAY})
        )
    kind = Resolvers(name="tail", share=share, sizes="equal", caches=200, kept_seconds=3 * DAY)
    return _with_kind(population, kind)


def _lengthening(population: Population, share: float) -> Population:
    floors = [each for each in population.resolvers if each.floor_seconds]
    total = sum(each.share for each in floors)
    room = (1 - share) / (1 - total)
    return population.model_copy(
        update={
            "resolvers": tuple(
                each.model_copy(
                    update={"share": each.share * (share / total if each in floors else room)}
                )
                for each in population.resolvers
            )
        }
    )


def _clients(field: str) -> Change:
    def change(population: Population, value: float) -> Population:
        concerned = (
            each.model_copy(update={field: value}) if getattr(each, field) else each
            for each in population.clients
        )
        return population.model_copy(update={"clients": tuple(concerned)})

    return change


def _has(field: str) -> Callable[[Population], bool]:
    return lambda population: any(getattr(each, field) for each in population.clients)


def _has_floors(population: Population) -> bool:
    total = sum(each.share for each in population.resolvers if each.floor_seconds)
    return 0 < total < 1


def _range(field: str) -> tuple[float, float, str]:
    """Return what the population's own field says of its range and source."""
    known = dict(known_fields(Clients))[field]
    return known.low or 0.0, known.high or 0.0, known.source


_REUSE, _GAP, _VISIT = map(_range, ("reuse_share", "request_gap_seconds", "visit_seconds"))

ASSUMPTIONS: Final = (
    Assumption(
        "requests behind caches that keep answers 3 days",
        0,
        0.01,
        "%",
        "anecdotes only: serverfault.com/q/72363; mozilla/persona#3591; "
        "pulibrary/princeton_ansible#7168",
        _tail,
        lambda _: True,
    ),
    Assumption(
        "requests behind caches that lengthen TTLs",
        0.01,
        0.15,
        "%",
        "8.74 % of resolvers, not weighted by users: PAM 2023, doi 10.1007/978-3-031-28486-1_23",
        _lengthening,
        _has_floors,
    ),
    Assumption(
        "requests that follow an expired answer",
        _REUSE[0],
        _REUSE[1],
        "%",
        _REUSE[2],
        _clients("reuse_share"),
        _has("reuse_share"),
    ),
    Assumption(
        "time between two visits of such a client",
        _VISIT[0],
        _VISIT[1],
        "s",
        _VISIT[2],
        _clients("visit_seconds"),
        _has("reuse_share"),
    ),
    Assumption(
        "time between two requests of a client",
        _GAP[0],
        _GAP[1],
        "s",
        _GAP[2],
        _clients("request_gap_seconds"),
        _has("request_gap_seconds"),
    ),
    Assumption(
        "greatest life of a connection",
        60,
        3_600,
        "s",
        "ELB guide, client_keep_alive.seconds: 3600 by default, settable; CloudFront's is not "
        "published",
        _clients("connection_seconds"),
        _has("connection_seconds"),
    ),
)
"""What is assumed. The tail is in all of them: two published figures fit models whose rest after a
change differs forty-fold (`presets.FLAVEL_LIVES`)."""

TAIL: Final = ASSUMPTIONS[:4]
"""Those that a rollback's range goes over together."""


def at_end(population: Population, *, high: bool) -> Population:
    """Return a population in which every tail assumption is at one end of its range."""
    for each in TAIL:
        if each.concerns(population):
            population = each.change(population, each.high if high else each.low)
    return population
