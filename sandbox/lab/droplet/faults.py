"""Why a droplet cannot be booted, told all at once."""

from collections.abc import Iterable
from typing import Any, Final

_LONGEST_SHOWN: Final = 60
"""Characters of a found value that a message shows; user data may hold whole programs."""

_LARGEST_SHOWN: Final = 10**_LONGEST_SHOWN
"""Python refuses to write numbers of more than some thousand digits."""


class BootError(Exception):
    """A droplet cannot be booted; the message has one line for each fault."""

    def __init__(self, what: str, faults: Iterable[str]) -> None:
        """Take what cannot be done, and each fault as `fault` words it."""
        self.faults = tuple(faults)
        """The faults, in the order they were found."""
        super().__init__("\n".join([f"{what}:", *(f"- {fault}" for fault in self.faults)]))


def fault(what: str, found: str, allowed: str, mend: str) -> str:
    """Word one fault: `<what> is <found>; <allowed>. <what to do>.`."""
    return f"{what} is {found}; {allowed}. {mend}."


def shown(value: Any) -> str:
    """Return a found value as a message shows it: short and on one line.

    The inside of a list or mapping is never shown: YAML's aliases can make it endless.
    """
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "a mapping"
    if value is None:
        return "nothing"
    if isinstance(value, str):
        text = f'"{value}"'
    elif isinstance(value, (bool, float, bytes)) or (
        isinstance(value, int) and abs(value) < _LARGEST_SHOWN
    ):
        text = str(value)
    else:
        return f"of the type {type(value).__name__}"
    text = "".join(sign if sign.isprintable() else f"\\x{ord(sign):02x}" for sign in text)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
