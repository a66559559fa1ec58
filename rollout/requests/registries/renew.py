"""Writes the files of IANA's registries again: `python -m rollout.requests.registries.renew`.

Say in `registries/__init__.py` when that was. Tests name what new entries need: a value for a field
whose form proxies look at, or the reason why it is not sent.
"""

import csv
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final
from urllib.request import urlopen

from rollout.requests.registries import FOLDER

ASSIGNMENTS: Final = "https://www.iana.org/assignments/"

SECONDS: Final = 30.0
"""How long a registry may take to answer."""

FILES: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "field-names.csv": ("http-fields/field-names.csv", ("Field Name", "Status")),
    "status-codes.csv": (
        "http-status-codes/http-status-codes-1.csv",
        ("Value", "Description"),
    ),
    "methods.csv": ("http-methods/methods.csv", ("Method Name", "Safe", "Idempotent")),
}
"""Each file: where IANA has it, and the columns that are kept."""


def kept(text: str, columns: tuple[str, ...]) -> str:
    """Return a registry with some of its columns, without what is unassigned or a range."""
    reader = csv.DictReader(io.StringIO(text))
    missing = [column for column in columns if column not in (reader.fieldnames or ())]
    if missing:
        raise ValueError(
            f"The columns are {', '.join(reader.fieldnames or ()) or 'none'}; "
            f"{', '.join(columns)} are needed. See how IANA writes the registry now."
        )
    output = io.StringIO()
    writer = csv.DictWriter(output, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for row in reader:
        is_range = columns[0] == "Value" and not row["Value"].isdigit()
        if not is_range and row.get("Description") != "Unassigned":
            writer.writerow(row)
    return output.getvalue()


def _download(address: str) -> str:
    with urlopen(address, timeout=SECONDS) as answer:  # noqa: S310 - the address is IANA's
        return str(answer.read().decode("utf-8"))


def renew(folder: Path = FOLDER, download: Callable[[str], str] = _download) -> None:
    """Write every file again."""
    for file, (path, columns) in FILES.items():
        (folder / file).write_text(kept(download(ASSIGNMENTS + path), columns), encoding="utf-8")


if __name__ == "__main__":
    renew()
