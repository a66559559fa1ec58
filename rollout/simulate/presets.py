"""Populations by name, and models that fit two published figures.

A preset is an assumption as a whole: its numbers are the defaults of `population`, its mixture of
clients is ours. Who knows his clients writes a population file.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from rollout.simulate.population import DAY, AddressFamilies, Clients, Population, Resolvers

FLAVEL_TTL: Final = 20.0
"""TTL at which Flavel, Mani and Maltz measured, in seconds."""

FLAVEL_FIGURES: Final = ((60.0, 0.90), (900.0, 0.98))
"""The two figures: after so many seconds so much had moved. Source: Flavel, Mani, Maltz, LANMAN
2014, doi 10.1109/LANMAN.2014.7028641."""


@dataclass(frozen=True)
class FlavelModel:
    """A mixture of three lives of answers that has exactly the two published figures."""

    lives: tuple[float, float, float]
    """How long answers are kept, in seconds."""
    parts: tuple[float, float, float]
    """Part of the requests behind caches of each life."""

    def old_after(self, seconds: float) -> float:
        """Return the share of the requests that are answered from an old copy after a time."""
        pairs = zip(self.lives, self.parts, strict=True)
        return sum(part * (1 - min(1.0, seconds / life)) for life, part in pairs)

    @property
    def rest_seconds(self) -> float:
        """Seconds of full traffic that old copies still bring after a change."""
        return sum(part * life / 2 for life, part in zip(self.lives, self.parts, strict=True))


def fit_flavel(lives: tuple[float, float, float]) -> FlavelModel:
    """Return the mixture of three lives that fits the two figures: three linear equations."""
    rows = [[min(1.0, at / life) for life in lives] for at, _ in FLAVEL_FIGURES]
    parts = np.linalg.solve(
        np.array([*rows, [1.0, 1.0, 1.0]]), np.array([*(moved for _, moved in FLAVEL_FIGURES), 1.0])
    )
    return FlavelModel(lives, (float(parts[0]), float(parts[1]), float(parts[2])))


FLAVEL_LIVES: Final[Sequence[tuple[float, float, float]]] = (
    (FLAVEL_TTL, 120, 3_600),
    (FLAVEL_TTL, 300, 3_600),
    (FLAVEL_TTL, 600, 14_400),
    (FLAVEL_TTL, 300, 86_400),
    (FLAVEL_TTL, 300, 259_200),
)
"""Lives whose mixtures fit equally well, and whose rest after a change differs forty-fold."""


def _flavel() -> Population:
    model = fit_flavel(FLAVEL_LIVES[1])
    obeying, *lengthening = model.parts
    return Population(
        name="flavel",
        note="Fitted to the two figures of Flavel et al. 2014, and proves nothing else: models "
        "that fit as well differ forty-fold in what is met after a rollback.",
        resolvers=(
            Resolvers(name="obey the TTL", share=obeying, sizes="equal"),
            *(
                Resolvers(name=f"floor {life:g} s", share=part, sizes="equal", floor_seconds=life)
                for life, part in zip(model.lives[1:], lengthening, strict=True)
            ),
        ),
        clients=(Clients(name="busy", share=1, request_gap_seconds=0),),
        families=AddressFamilies(ipv6_share=0),
    )


_BUSY: Final = Population(
    name="busy",
    note="Every cache is asked all the time and obeys the TTL: the textbook, to measure others by.",
    resolvers=(Resolvers(name="obey the TTL", share=1, sizes="equal"),),
    clients=(Clients(name="busy", share=1, request_gap_seconds=0),),
    families=AddressFamilies(ipv6_share=0),
)

_RESOLVERS: Final = (
    Resolvers(name="obey the TTL", share=0.895, caches=30_000),
    Resolvers(name="floor 300 s", share=0.07, caches=2_500, floor_seconds=300),
    Resolvers(name="floor 3600 s", share=0.015, caches=500, floor_seconds=3_600),
    Resolvers(name="prefetch", share=0.01, caches=1_000, prefetch=True),
    Resolvers(name="serve expired", share=0.008, caches=1_000, serve_expired=True),
    Resolvers(name="keep a day", share=0.002, caches=100, kept_seconds=DAY),
)
"""Resolvers of the public: 8.5 % of the requests behind a floor, 0.2 % behind the anecdotal
tail."""

_WEB: Final = Population(
    name="web",
    note="Browsers behind the resolvers of the public.",
    resolvers=_RESOLVERS,
    clients=(
        Clients(
            name="Chromium", share=0.7, cache_seconds=60, connection_seconds=3_600, idle_seconds=60
        ),
        Clients(
            name="Firefox", share=0.05, cache_seconds=120, connection_seconds=3_600, idle_seconds=60
        ),
        Clients(name="no own cache", share=0.25, connection_seconds=3_600, idle_seconds=60),
    ),
)

_MOBILE: Final = Population(
    name="mobile",
    note="Apps on phones; a tenth of the requests goes where an expired answer leads.",
    resolvers=_RESOLVERS,
    clients=(
        Clients(
            name="app",
            share=1,
            request_gap_seconds=20,
            connection_seconds=3_600,
            idle_seconds=60,
            reuse_share=0.1,
        ),
    ),
    families=AddressFamilies(ipv6_share=0.6),
)

_JAVA: Final = Population(
    name="java",
    note="Services with pools of connections; some keep an address until they are restarted.",
    resolvers=(
        Resolvers(name="obey the TTL", share=0.97, caches=2_000),
        Resolvers(name="floor 300 s", share=0.03, caches=100, floor_seconds=300),
    ),
    clients=(
        Clients(
            name="JVM",
            share=0.95,
            request_gap_seconds=1,
            cache_seconds=30,
            connection_seconds=3_600,
        ),
        Clients(
            name="JVM for ever",
            share=0.05,
            request_gap_seconds=1,
            cache_seconds=7 * DAY,
            connection_seconds=3_600,
        ),
    ),
    families=AddressFamilies(ipv6_share=0.1),
)

_FEW: Final = Population(
    name="few-large-networks",
    note="One network's cache has 30 % of all requests: one refresh moves them at once.",
    resolvers=(
        Resolvers(name="one network", share=0.3, sizes=(1.0,)),
        Resolvers(name="the others", share=0.7, caches=2_000),
    ),
    clients=_WEB.clients,
)

PRESETS: Final[Mapping[str, Population]] = {
    population.name: population for population in (_WEB, _MOBILE, _JAVA, _FEW, _flavel(), _BUSY)
}
"""The populations that have a name."""
