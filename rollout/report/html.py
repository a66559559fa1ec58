"""A page of HTML that needs nothing else: style and drawings are in it, and no script is."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from rollout.report.view import PageView, PlotName

_TEMPLATES: Final = Path(__file__).with_name("templates")

Drawings = Mapping[PlotName, Mapping[str, str]]
"""Each plot as SVG, for each size of a page."""


def as_html(view: PageView, drawings: Drawings) -> str:
    """Return a page as HTML.

    Args:
        view: What it says.
        drawings: Its plots.
    """
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    style = (_TEMPLATES / "page.css").read_text(encoding="utf-8")
    template = environment.get_template("page.html")
    return template.render(view=view, drawings=drawings, style=style)
