"""A report as a page of one of the three kinds."""

from typing import Literal

from rollout.report.document import PlanReport, as_json
from rollout.report.html import Drawings, as_html
from rollout.report.markdown import as_markdown
from rollout.report.plan_view import view_of_plan
from rollout.report.plots.drawings import draw

PageKind = Literal["html", "json", "markdown"]


def page_of(report: PlanReport, kind: PageKind) -> str:
    """Return a report as a page.

    Args:
        report: What it is about.
        kind: What it is written in.
    """
    if kind == "json":
        return f"{as_json(report)}\n"
    view = view_of_plan(report)
    if kind == "markdown":
        return as_markdown(view)
    drawings: Drawings = {
        plot.name: draw(report.figures, plot.name)
        for section in view.sections
        for plot in section.plots
    }
    return as_html(view, drawings)
