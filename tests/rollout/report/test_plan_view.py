"""What the page of a plan says, and the same as Markdown and JSON."""

import json
from collections.abc import Callable

import jsonschema
import pytest
from markdown_it import MarkdownIt

from rollout.report import words
from rollout.report.document import PlanReport, as_json, schema
from rollout.report.markdown import as_markdown
from rollout.report.plan_view import view_of_plan
from rollout.report.view import PageView, Row, Section
from rollout.simulate.figures import Foretelling
from support.plan_figures import plan_figures


def view(figures: Foretelling | None = None, stack: str | None = "prod") -> PageView:
    return view_of_plan(PlanReport(stack=stack, figures=figures or plan_figures()))


def section(page: PageView, anchor: str) -> Section:
    (found,) = (each for each in page.sections if each.anchor == anchor)
    return found


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def rows(found: Section, table: int = 0) -> list[tuple[str, ...]]:
    def row(each: Row) -> tuple[str, ...]:
        return tuple(map(plain, (each.header, *each.cells)))

    return [row(each) for group in found.tables[table].groups for each in group.rows]


@pytest.mark.parametrize(
    ("share", "text"),
    [
        pytest.param(0, "0 %", id="nobody"),
        pytest.param(0.00001, "0 %", id="too little to tell"),
        pytest.param(0.0054, "0.54 %", id="hundredths"),
        pytest.param(0.045, "4.5 %", id="tenths"),
        pytest.param(0.453, "45 %", id="about half"),
        pytest.param(0.998, "99.80 %", id="nearly all"),
        pytest.param(1, "100 %", id="all"),
    ],
)
def test_a_share_has_the_digits_that_tell_something(share: float, text: str) -> None:
    assert plain(words.percent(share)) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.26, "0.26 s"), (45, "45 s"), (60, "1 min"), (4_140, "1 h 9 min"), (86_400, "1 d"),
        (97_200, "1 d 3 h"),
    ],
)  # fmt: skip
def test_a_time_has_two_units_at_most(seconds: float, text: str) -> None:
    assert plain(words.duration(seconds)) == text


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (260, 367, "260 to 367"), (2.45e6, 2.48e6, "2.45 to 2.48 million"),
        (9e5, 1e9, "900,000 to 1 billion"),
    ],
)  # fmt: skip
def test_a_range_of_requests_says_its_word_once(low: float, high: float, text: str) -> None:
    assert plain(words.count_range(low, high)) == text


def test_at_a_glance_one_figure_answers_each_question() -> None:
    facts = {plain(each.name): plain(each.value) for each in view().facts}
    assert facts == {
        "It takes": "4 h",
        "Clients that the first step reaches": "2.0 %",
        "The first step finds errors from": "11.0 times",
        "One answer can carry": "3,330 requests",
        "The slowest pass takes": "1 h 26 min",
        "After a rollback from 100 %": "3,000 to 40,000",
    }


def test_exposure_is_three_figures_for_all_clients_and_two_for_each_family() -> None:
    exposure = section(view(), "exposure")
    assert rows(exposure)[1] == (
        "2: 10 %", "36,000 (28,800 to 43,200)", "5.0 %", "20 %", "3,330",
    )  # fmt: skip
    assert rows(exposure, 1)[3:6] == [
        ("All", "36,000 (28,800 to 43,200)", "5.0 %", "20 %"),
        ("IPv4", "18,000 (14,400 to 21,600)", "5.0 %", "20 %"),
        ("IPv6", "14,400 (11,500 to 17,300)", "5.0 %", "20 %"),
    ]


def test_a_step_says_what_it_finds_and_whether_a_pass_has_time() -> None:
    detection = section(view(), "detection")
    assert rows(detection)[0] == (
        "1: 1 %", "11.0 times, 1 points more", "37 min 21 s, 1,940 requests", "yes",
    )  # fmt: skip
    assert rows(detection, 1)[1][2:] == ("1 h 10 min, 1,940 requests", "no: hold it longer")
    assert rows(detection)[-1] == ("4: 100 %", "nothing", "never", "nothing to compare")


def test_a_hold_that_is_too_short_for_a_pass_is_warned_of() -> None:
    page = view(plan_figures((1, 10)))
    (warning,) = map(plain, page.warnings)
    assert warning == (
        "The hold of step 1 is 1 h; a pass takes 1 h 26 min for IPv6 at this rate. Hold it longer, "
        "or give it a larger weight."
    )


def test_direct_without_errors_is_told_in_points() -> None:
    figures = plan_figures((10, 20))
    step = figures.steps[0]
    silent = tuple(each.model_copy(update={"detectable_ratio": None}) for each in step.families)
    steps = (step.model_copy(update={"families": silent}), *figures.steps[1:])
    page = view(figures.model_copy(update={"steps": steps}))
    assert rows(section(page, "detection"))[0][1] == "0.1 points more"


def test_one_family_alone_has_no_tables_by_family() -> None:
    page = view(plan_figures(families=("all",), empty_ttl_seconds=None))
    assert [len(each.tables) for each in page.sections] == [2, 1, 1, 1, 1, 1]
    assert section(page, "shares").tables[0].columns == ("Step: weight", "All")


def test_moments_that_nobody_asked_for_are_not_told() -> None:
    figures = plan_figures((1, 10)).model_copy(update={"at": ()})
    assert rows(section(view(figures), "shares"))[0][-1] == "not told"


def test_without_assumptions_there_is_nothing_to_draw() -> None:
    figures = plan_figures().model_copy(update={"sensitivities": ()})
    assumptions = section(view(figures), "assumptions")
    assert (assumptions.plots, assumptions.tables) == ((), ())


def test_each_plot_says_in_words_what_it_shows() -> None:
    plots = {each.name: plain(each.text) for part in view().sections for each in part.plots}
    assert set(plots) == {"shares", "exposure", "detection", "rest", "tornado"}
    assert "Step 2, weight 10 %: All 10 %; IPv4 10 %; IPv6 10 %." in plots["shares"]
    assert "Step 1, weight 1 %: All 3,600 requests and 2.0 % of the clients" in plots["exposure"]
    assert "Step 4, weight 100 %: All finds nothing, passes never" in plots["detection"]
    assert "Step 4, weight 100 %: All 3,000 to 40,000; IPv4 1,500 to 20,000" in plots["rest"]
    assert "greatest life of a connection, 60 s to 3600 s: 266 to 515 s" in plots["tornado"]


def test_what_stands_against_a_plan_comes_first() -> None:
    page = view(plan_figures((50,), past_bounds=("the share is 9",), warnings=("look out",)))
    text = as_markdown(page)
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    assert headings[:3] == ["## Past a bound", "## Know beforehand", "## Schedule"]
    assert "- The share is 9.\n" in text
    assert "- Look out.\n" in text


def test_markdown_has_every_table_whole_whatever_a_name_contains() -> None:
    page = view(plan_figures(note="a | b <script> *c* [d](e)"), stack="a|b")
    html = MarkdownIt("commonmark").enable("table").render(as_markdown(page))
    tables = [table for each in page.sections for table in each.tables]
    assert html.count("<table>") == len(tables)
    assert html.count("<tr>") == sum(
        1 + sum(len(group.rows) for group in table.groups) for table in tables
    )
    assert "a | b &lt;script&gt; *c* [d](e)" in html
    assert "<h1>Plan of a shift: a|b</h1>" in html


def test_json_is_what_the_schema_says(check_page: Callable[[str, str], None]) -> None:
    check_page("schemas/report.json", schema())
    made = PlanReport(stack=None, figures=plan_figures())
    text = as_json(made)
    jsonschema.validate(json.loads(text), json.loads(schema()))
    assert PlanReport.model_validate_json(text) == made
