"""The tables of docs/simulate.md, which the library makes."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic.alias_generators import to_camel

from rollout.simulate.assumptions import ASSUMPTIONS
from rollout.simulate.population import AddressFamilies, Clients, Resolvers, known_fields
from rollout.simulate.presets import FLAVEL_LIVES, PRESETS, fit_flavel

PAGE = Path(__file__).resolve().parents[3] / "docs" / "simulate.md"


def rows_after(heading: str) -> list[str]:
    """Return the rows of the first table below a heading, without its head."""
    text = PAGE.read_text().split(f"\n{heading}\n", 1)[1]
    table = re.search(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert table is not None
    return table.group().splitlines()[2:]


def written(rows: Iterable[Iterable[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in rows]


def test_the_models_that_fit_flavels_figures() -> None:
    def rows() -> Iterator[list[str]]:
        for lives in FLAVEL_LIVES:
            model = fit_flavel(lives)
            old = [f"{100 * model.old_after(hours * 3_600):.1f}" for hours in (1, 4, 12)]
            yield [
                ", ".join(f"{life:,.0f}" for life in lives),
                ", ".join(f"{part:.3f}" for part in model.parts),
                *old,
                f"{model.rest_seconds:,.0f}",
            ]

    assert rows_after("## What two published figures do not say") == written(rows())


def test_every_parameter_says_where_it_comes_from() -> None:
    rows = (
        [f"`{place}.{to_camel(name)}`", known.source]
        for place, part in (
            ("resolvers", Resolvers),
            ("clients", Clients),
            ("families", AddressFamilies),
        )
        for name, known in known_fields(part)
    )
    assert rows_after("## Parameters") == written(rows)


def test_every_assumption_has_its_range() -> None:
    rows = (
        [each.name, each.words(each.low), each.words(each.high), each.source]
        for each in ASSUMPTIONS
    )
    assert rows_after("## Assumptions") == written(rows)


def test_every_preset_is_there() -> None:
    rows = ([f"`{name}`", population.note] for name, population in PRESETS.items())
    assert rows_after("## Populations") == written(rows)
