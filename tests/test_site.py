"""`make site`: whole, no link leads nowhere, and a disk is enough to read and search it."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree as ET

import pytest

from support.engine import CHECKOUT

BUILD_SECONDS: Final = 300.0
LINKS: Final = {"href", "src", "srcset", "data", "poster"}


@dataclass
class HtmlPage(HTMLParser):
    """What a page of the site loads, links to, and is linked at."""

    file: Path
    loads: set[str] = field(default_factory=set[str])
    links: set[str] = field(default_factory=set[str])
    places: set[str] = field(default_factory=set[str])

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the links of an element, and its own place."""
        for name, value in attrs:
            if name == "id" and value:
                self.places.add(value)
            elif name in LINKS and value:
                (self.links if tag == "a" else self.loads).add(value)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout whose pages may be changed; the folders that have none lie elsewhere."""
    folder = tmp_path_factory.mktemp("checkout")
    for each in CHECKOUT.iterdir():
        copy = folder / each.name
        if each.is_file():
            shutil.copy(each, copy)
        elif each.name in {"docs", "examples"}:
            shutil.copytree(each, copy, ignore=shutil.ignore_patterns("node_modules", "*venv"))
        elif each.name != "build":
            copy.symlink_to(each)
    return folder


@pytest.fixture(scope="module")
def site(checkout: Path) -> Path:
    """The folder that `make site` makes."""
    made = subprocess.run(
        ["make", "--no-print-directory", "--old-file=.venv/.ready", "site"],
        cwd=checkout,
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    assert made.stderr == ""
    assert made.stdout == "The site is made: build/site/index.html\n"
    return checkout / "build" / "site"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, HtmlPage]:
    return {file: HtmlPage(file) for file in site.rglob("*.html")}


def sources() -> Iterator[Path]:
    """Yield the files that become pages."""
    for pattern in ("*.md", "docs/**/*.md", "examples/*/README.md"):
        yield from CHECKOUT.glob(pattern)


def test_every_page_is_there_and_is_found_by_its_words(
    site: Path, pages: dict[Path, HtmlPage]
) -> None:
    names = {each.relative_to(CHECKOUT).with_suffix("").as_posix() for each in sources()}
    assert {"README", "docs/settings", "docs/rules", "docs/verbs"} < names
    assert [name for name in names if site / f"{name}.html" not in pages] == []
    script = (site / "searchindex.js").read_text(encoding="utf-8")
    index = json.loads(script.removeprefix("Search.setIndex(").removesuffix(")"))
    assert set(index["docnames"]) == names
    for word, name in (("tayga", "docs/lab"), ("concurr", "docs/verbs"), ("ttl", "docs/settings")):
        numbers: int | list[int] = index["terms"][word]
        number = index["docnames"].index(name)
        assert number in ([numbers] if isinstance(numbers, int) else numbers)


def test_every_link_leads_to_a_file_and_a_place_in_it(pages: dict[Path, HtmlPage]) -> None:
    broken = [
        f"{page.file.name}: {link}"
        for page in pages.values()
        for link in page.links | page.loads
        if not urlsplit(link).scheme and not leads_somewhere(page, link, pages)
    ]
    assert broken == []
    decisions = {
        page.file.name for page in pages.values() if "docs/decisions/README.html" in page.links
    }
    assert "README.html" in decisions  # which links to the folder


def leads_somewhere(page: HtmlPage, link: str, pages: dict[Path, HtmlPage]) -> bool:
    """Say whether a link within the site has a target."""
    parts = urlsplit(link)
    file = (page.file.parent / unquote(parts.path)).resolve() if parts.path else page.file
    if not parts.fragment or file.suffix != ".html":
        return file.exists()
    return file in pages and unquote(parts.fragment) in pages[file].places


def test_nothing_is_loaded_from_elsewhere(site: Path, pages: dict[Path, HtmlPage]) -> None:
    """Nor by a script: browsers refuse `fetch` to a page that was opened from a disk."""
    loaded = {link for page in pages.values() for link in page.loads}
    assert any(link.endswith(".css") for link in map(remove_query, loaded))
    assert [link for link in loaded if urlsplit(link).scheme or link.startswith("//")] == []
    assert "searchindex.js" in map(remove_query, pages[site / "search.html"].loads)
    assert "SHOW_SEARCH_SUMMARY: false" in (site / "_static/documentation_options.js").read_text()
    for style in site.rglob("*.css"):
        assert re.findall(r"(?:@import\s+|url\()['\"]?(?:https?:)?//", style.read_text()) == []


def test_the_picture_can_be_read_on_paper_of_both_colours_and_by_a_screen_reader(
    site: Path, pages: dict[Path, HtmlPage]
) -> None:
    (picture,) = [link for link in pages[site / "README.html"].loads if link.endswith("edge.svg")]
    text = (site / picture).read_text(encoding="utf-8")
    svg = ET.fromstring(text)  # noqa: S314 - a file of ours
    name = "{http://www.w3.org/2000/svg}"
    labels = (svg.get("aria-labelledby") or "").split()
    assert [each.get("id") for each in svg if each.tag in {f"{name}title", f"{name}desc"}] == labels
    light, dark = (
        dict(re.findall(r"--([a-z]+): #([0-9a-f]{6});", block))
        for block in re.findall(r":root \{(.*?)\}", text)
    )
    assert light.keys() == dark.keys() == set(re.findall(r"var\(--([a-z]+)\)", text))
    for colours in (light, dark):
        for ink in ("ink", "soft", "direct", "cdn"):
            for paper in ("paper", "box"):
                assert contrast(colours[ink], colours[paper]) >= 4.5, (ink, paper)


def contrast(one: str, other: str) -> float:
    """Return how far two colours are apart; 4.5 is enough for text (WCAG 2.2, 1.4.3)."""

    def luminance(colour: str) -> float:
        parts = [value / 255 for value in bytes.fromhex(colour)]
        red, green, blue = (
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    darker, lighter = sorted(map(luminance, (one, other)))
    return (lighter + 0.05) / (darker + 0.05)


def remove_query(link: str) -> str:
    """Return a link without what makes browsers load it again."""
    return link.partition("?")[0]


def test_what_leads_nowhere_ends_the_build(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# All\n")
    shutil.copy(CHECKOUT / "pyproject.toml", tmp_path)
    docs = tmp_path / "docs"
    docs.mkdir()
    shutil.copy(CHECKOUT / "docs" / "conf.py", docs)
    shutil.copytree(CHECKOUT / "docs" / "templates", docs / "templates")
    (docs / "lab.md").write_text("# Lab\n\n## Here\n")
    (docs / "echo.md").write_text(
        "# Echo\n\n[good](lab.md#here)\n\n[a](lab.md#there)\n\n[b](nowhere.md)\n\n[c](#nowhere)\n"
    )
    (docs / "new.md").write_text("# New\n\nNobody named it, and the side bar has it.\n")
    words = "-m sphinx -q -W --keep-going -b dummy -c docs . build"
    built = subprocess.run(
        [sys.executable, *words.split()],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )
    assert built.returncode == 1
    said = re.findall(r"docs/(\w+\.md)(?::(\d+))?: WARNING: ", built.stderr)
    assert sorted(said) == [("echo.md", "5"), ("echo.md", "7"), ("echo.md", "9")]
    assert "nonexisting document 'docs/verify'" in built.stderr  # one that the side bar has
