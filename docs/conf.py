"""How Sphinx makes a site of the project's pages: `make site`.

The pages are read where they stand, so a link is the same here and in a repository's web view. A
page, heading or file that is linked and is not there is a warning, and warnings fail the build.
Nothing is loaded from anywhere else: the site works from a disk, its search included. Why Sphinx:
docs/decisions/0021-sphinx-makes-the-site.md.
"""

import re
import tomllib
from pathlib import Path
from typing import Final

from sphinx.application import Sphinx

CHECKOUT: Final = Path(__file__).resolve().parents[1]
PAGES_IN: Final = ("docs", "examples")
"""The folders that have pages, beside the checkout itself."""

SIDE_BAR: Final = {
    "Begin": ("README", "docs/walk", "docs/design", "docs/paths"),
    "Operate": (
        "docs/operating",
        "docs/adopt",
        "docs/recovery",
        "docs/status",
        "docs/simulate",
        "docs/report",
        "docs/verify",
        "docs/echo",
        "docs/permissions",
        "docs/other-programs",
        "examples/*/README",
        "docs/*",
    ),
    "Look up": ("docs/settings", "docs/rules", "docs/verbs"),
    "Try": (
        "docs/sandbox",
        "docs/lab",
        "docs/aws-model",
        "docs/digitalocean-model",
        "docs/plugins",
    ),
    "Take part": ("CONTRIBUTING", "CHANGELOG", "docs/benchmarks", "docs/decisions/README"),
}
"""Headings, each with its pages in order; `*` stands for all that are named nowhere else."""
BELOW: Final = {"docs/decisions/README": "docs/decisions/0*"}
"""Pages that list others of their folder."""

_metadata = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

project = str(_metadata["name"])
release = str(_metadata["version"])
language = "en"

root_doc = "README"
include_patterns = ["*.md", "docs/**.md", "examples/*/README.md"]
# A folder that is named is not walked through: `.venv` alone has 20,000 files.
exclude_patterns = [
    *(each.name for each in CHECKOUT.iterdir() if each.is_dir() and each.name not in PAGES_IN),
    *("**/node_modules", "**/venv", "**/.venv"),
]

extensions = ["myst_parser"]
myst_heading_anchors = 6  # headings are linked as a repository's web view names them

html_theme = "furo"  # its fonts are the reader's own
html_title = f"{project} {release}"
html_additional_pages = {"index": "index.html"}
templates_path = ["templates"]
html_copy_source = False
html_use_index = False
html_show_search_summary = False  # it is fetched, which browsers refuse to a page from a disk


def _lead_into_folders(app: Sphinx, page: str, text: list[str]) -> None:
    """Have a link to a folder lead to the page in it; without one, it is words."""
    here = (app.srcdir / page).parent

    def lead(link: re.Match[str]) -> str:
        words, target = link.groups()
        if not (here / target).is_dir():
            return link[0]
        return f"[{words}]({target}/README.md)" if (here / target / "README.md").exists() else words

    text[0] = re.sub(r"\[([^][]+)\]\(([^)#:]+)\)", lead, text[0])


def _add_lists(app: Sphinx, page: str, text: list[str]) -> None:
    """Add to a page the lists of others that readers of the file itself do not need."""
    if page == root_doc:
        for heading, patterns in SIDE_BAR.items():
            pages = [name for each in patterns for name in _matching(app.srcdir, each)]
            text[0] += _toctree(f":hidden:\n:caption: {heading}", pages)
    elif page in BELOW:
        text[0] += _toctree(":maxdepth: 1", _matching(app.srcdir, BELOW[page]))


def _toctree(options: str, pages: list[str]) -> str:
    names = "\n".join("self" if name == root_doc else f"/{name}" for name in pages)
    return f"\n```{{toctree}}\n{options}\n\n{names}\n```\n"


def _matching(folder: Path, pattern: str) -> list[str]:
    """Return the names of the pages of a pattern; one without `*` is a page, there or not."""
    if "*" not in pattern:
        return [pattern]
    pages = sorted(Path(folder).glob(f"{pattern}.md"))
    names = [each.relative_to(folder).with_suffix("").as_posix() for each in pages]
    return [name for name in names if not any(name in named for named in SIDE_BAR.values())]


def setup(app: Sphinx) -> None:
    """Be called by Sphinx."""
    app.connect("source-read", _lead_into_folders)
    app.connect("source-read", _add_lists)
