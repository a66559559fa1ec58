"""From matplotlib's SVG to a page's."""

# pyright: reportUnknownMemberType=false
# matplotlib says the types of everything but what it hands on as **kwargs.

import pytest

from rollout.report.plots.drawing import WIDE, Ink, panels, style, svg_of
from rollout.report.plots.marks import round_numbers, short


def drawing(colour: str) -> str:
    with style(WIDE):
        figure, (axes,) = panels(WIDE, 1, (200, 100))
        axes.plot([1, 2], [3, 4], color=colour)
        axes.set_title("a title")
        return svg_of(figure, "plot")


def test_colours_are_the_page_s_and_text_stays_text_in_its_font() -> None:
    svg = drawing(Ink.ALL)
    assert "stroke: var(--all)" in svg
    assert ">a title</text>" in svg
    assert "#0d0e" not in svg
    assert "font-family" not in svg
    assert "<style" not in svg
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "").replace(
        "http://www.w3.org/1999/xlink", ""
    )


def test_a_colour_that_no_style_sheet_has_is_refused() -> None:
    with pytest.raises(ValueError, match="#123456"):
        drawing("#123456")


@pytest.mark.parametrize(
    ("low", "high", "numbers"),
    [
        pytest.param(900, 2e7, [1e3, 1e4, 1e5, 1e6, 1e7][::2], id="decades"),
        pytest.param(1.2, 14, [2, 5, 10], id="one decade"),
        pytest.param(2.8, 3.7, [3], id="less"),
        pytest.param(1.3, 1.9, [1.5], id="much less"),
    ],
)
def test_a_logarithmic_axis_has_few_round_numbers(
    low: float, high: float, numbers: list[float]
) -> None:
    assert round_numbers(low, high) == pytest.approx(numbers)


def test_large_numbers_are_short_on_an_axis() -> None:
    assert [short(each) for each in (10, 1e3, 2e6, 1e9, 5e12)] == ["10", "1k", "2M", "1G", "5T"]
