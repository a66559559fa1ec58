"""The page in a real browser: whole, silent, legible at every size, and open to everybody."""

from collections.abc import Generator
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import (  # pyright: ignore[reportMissingTypeStubs]
    Axe,
)
from playwright.sync_api import Browser, Page, sync_playwright

from rollout.report.document import PlanReport
from rollout.report.pages import page_of
from sandbox.debian import find_program
from support.plan_figures import plan_figures

Scheme = Literal["light", "dark"]

MOST_BYTES = 1_000_000
PHONE, DESK = 390, 1100

OVERLAPS = """() => {
  const found = [];
  for (const svg of document.querySelectorAll("svg")) {
    const edge = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll("text")]
      .map(each => [each.textContent, each.getBoundingClientRect()])
      .filter(([, box]) => box.width);
    texts.forEach(([text, box], place) => {
      if (box.left < edge.left - 1 || box.right > edge.right + 1 ||
          box.top < edge.top - 1 || box.bottom > edge.bottom + 1) found.push(["outside", text]);
      for (const [other, its] of texts.slice(0, place))
        if (box.left < its.right - 1 && its.left < box.right - 1 &&
            box.top < its.bottom - 3 && its.top < box.bottom - 3) found.push([other, text]);
    });
  }
  return found;
}"""
"""Labels of plots that lie on each other; a line of text is a little higher than its letters."""

FOCUSABLE = (
    """() => [...document.querySelectorAll("a[href], summary")].map(each => each.textContent)"""
)
FOCUSED = """() => document.activeElement.textContent"""


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=find_program("chromium"),
            args=["--no-sandbox"],  # the tests may be root's, and the page is our own
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a usual plan."""
    return write(tmp_path_factory.mktemp("plan"), warnings=("look out",), past_bounds=("no",))


def write(folder: Path, **changes: Any) -> Path:
    file = folder / "plan.html"
    file.write_text(page_of(PlanReport(stack="prod", figures=plan_figures(**changes)), "html"))
    return file


def opened(browser: Browser, file: Path, width: int = DESK, scheme: Scheme = "light") -> Page:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.goto(file.as_uri())
    return page


def violations(page: Page) -> list[tuple[str, Any]]:
    axe: Any = Axe()
    found: list[dict[str, Any]] = axe.run(page).response["violations"]
    return [(each["id"], [node["target"] for node in each["nodes"]]) for each in found]


def test_it_asks_for_nothing_and_complains_of_nothing(browser: Browser, plan: Path) -> None:
    page = browser.new_page()
    requests: list[str] = []
    messages: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.goto(plan.as_uri(), wait_until="networkidle")
    assert (requests, messages) == ([plan.as_uri()], [])
    assert plan.stat().st_size < MOST_BYTES
    page.close()


@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser: Browser, plan: Path, scheme: Scheme, width: int) -> None:
    page = opened(browser, plan, width, scheme)
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert violations(page) == []
    page.close()


def test_the_colours_are_those_that_the_reader_likes(browser: Browser, plan: Path) -> None:
    grounds: list[str] = []
    lines: list[str] = []
    for scheme in ("light", "dark"):
        page = opened(browser, plan, scheme=scheme)
        grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        lines.append(page.evaluate("getComputedStyle(document.querySelector('svg text')).fill"))
        if scheme == "dark":
            page.emulate_media(media="print", color_scheme="dark")
            grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        page.close()
    assert grounds == ["rgb(255, 255, 255)", "rgb(20, 24, 29)", "rgb(255, 255, 255)"]
    assert lines == ["rgb(27, 31, 36)", "rgb(232, 235, 238)"]


def test_each_plot_has_a_name_and_says_what_it_shows(browser: Browser, plan: Path) -> None:
    page = opened(browser, plan)
    plots = page.locator("figure [role=img]")
    assert plots.count() == 5
    for place in range(plots.count()):
        plot = plots.nth(place)
        assert plot.get_attribute("aria-label")
        text = page.locator(f"#{plot.get_attribute('aria-describedby')}").text_content() or ""
        assert len(text) > 100
        assert plot.locator("svg:visible").count() == 1
    assert page.evaluate("document.querySelectorAll('svg[aria-hidden=true]').length") == 10
    page.close()


def test_no_name_is_there_twice(browser: Browser, plan: Path) -> None:
    page = opened(browser, plan)
    names: list[str] = page.evaluate("[...document.querySelectorAll('[id]')].map(each => each.id)")
    assert len(names) == len(set(names))
    page.close()


def test_the_keyboard_reaches_everything_and_first_a_way_past_the_links(
    browser: Browser, plan: Path
) -> None:
    page = opened(browser, plan)
    focusable: list[str] = page.evaluate(FOCUSABLE)
    reached: list[str] = []
    for _ in focusable:
        page.keyboard.press("Tab")
        reached.append(page.evaluate(FOCUSED))
    assert reached == focusable
    assert reached[0] == "Skip to the report"
    page.reload()
    page.keyboard.press("Tab")
    assert page.locator(".skip").bounding_box() is not None
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED) == "Expected shares over time, in words"
    page.keyboard.press("Enter")
    assert page.locator("#shares-text").is_visible()
    page.close()


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="the usual"),
        pytest.param({"weights": (100,)}, id="one step"),
        pytest.param({"weights": tuple(range(4, 101, 8))}, id="many steps"),
        pytest.param({"hold_seconds": 1_209_600.0}, id="two weeks a step"),
        pytest.param({"families": ("all",)}, id="one family"),
    ],
)
def test_nothing_overlaps_or_is_cut_off(
    browser: Browser, tmp_path: Path, changes: dict[str, Any]
) -> None:
    page = opened(browser, write(tmp_path, **changes))
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    for width in (DESK, PHONE):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(OVERLAPS) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_on_paper_the_tables_are_open_and_the_links_are_gone(browser: Browser, plan: Path) -> None:
    page = opened(browser, plan)
    page.emulate_media(media="print")
    assert not page.locator("nav").is_visible()
    assert page.locator("details table").first.is_visible()
    page.close()


def test_the_same_report_is_the_same_page(tmp_path: Path, plan: Path) -> None:
    again = write(tmp_path, warnings=("look out",), past_bounds=("no",))
    assert again.read_bytes() == plan.read_bytes()
