"""IANA's registries of HTTP: every field name, status code and method there is.

A list of headers from memory is complete until the first API that uses another one. So what is
sent and asked for is taken from where it is registered. The files beside this one hold the columns
that are used; `python -m rollout.requests.registries.renew` writes them again.

The files are as IANA had them in the middle of 2025, read through public copies: field names from
`c-sdk/http_types` at 7bf99da, status codes from `aryans1319/WebsiteChecker` at 3a96cf0, methods
from PyPCAPKit's `pcapkit.const.http.method`. Source: https://www.iana.org/assignments/http-fields,
and http-status-codes and http-methods there.
"""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent

RESERVED: Final = "*"
"""An entry of fields and methods that is reserved, and is none."""

FIRST_FINAL: Final = 200
"""The lowest status code of an answer that is not informational."""


@dataclass(frozen=True)
class RegisteredMethod:
    """A method."""

    name: str
    """Its name."""
    safe: bool
    """Whether it changes nothing."""
    idempotent: bool
    """Whether it changes no more when it is sent twice."""


def _rows(file: str) -> list[dict[str, str]]:
    with (FOLDER / file).open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


FIELD_NAMES: Final = tuple(
    row["Field Name"] for row in _rows("field-names.csv") if row["Field Name"] != RESERVED
)
"""Every registered field name, the obsoleted ones too: old clients send them."""

STATUS_CODES: Final = tuple(
    int(row["Value"]) for row in _rows("status-codes.csv") if int(row["Value"]) >= FIRST_FINAL
)
"""Every registered status code of a final answer."""

METHODS: Final = tuple(
    RegisteredMethod(row["Method Name"], row["Safe"] == "yes", row["Idempotent"] == "yes")
    for row in _rows("methods.csv")
    if row["Method Name"] != RESERVED
)
"""Every registered method."""
