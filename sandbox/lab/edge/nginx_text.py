"""Texts as nginx reads them."""

import re
from urllib.parse import unquote


def regex(pattern: str) -> str:
    """Return the regular expression of a path pattern.

    nginx compares it with the decoded path, so what is encoded in the pattern is decoded.
    """
    wild = {"*": ".*", "?": "."}
    return "".join(("^", *(wild.get(char) or re.escape(char) for char in unquote(pattern)), "$"))


def quoted(value: object) -> str:
    """Return a text as nginx reads it; a `$` in it is one only in a regular expression."""
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def indented(text: str, levels: int = 2) -> str:
    """Return lines indented by a number of levels."""
    return "\n".join(
        f"{'    ' * levels}{line}" if line else "" for line in text.strip("\n").splitlines()
    )
