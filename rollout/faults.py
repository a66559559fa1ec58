"""How a verb says that it was used wrongly: every fault it found, each with its cure, in one error.

A verb that raises `WrongUseError` has done nothing yet; the command prints the message and ends
with exit code 2.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic_core import ErrorDetails

LONGEST_SHOWN: Final = 120
"""Characters of a found value that a message shows: enough to know it again."""


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong, with what was found and what mends it."""

    what: str
    """The thing itself, as its owner would name it: `--rate`, `requests.yaml:3:11 method`."""
    found: str
    """What it is now: a value, or `not given`."""
    allowed: str
    """What it may be."""
    remedy: str
    """What to do about it. No period after a command, for it would be copied with it."""

    def __str__(self) -> str:
        """Return `<what> is <found>; <allowed>. <what to do>`, the shape all our messages have."""
        return f"{self.what} is {self.found}; {self.allowed}. {self.remedy}"


class WrongUseError(Exception):
    """One or more faults, all told at once."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        """Keep the faults and put all of them into the message.

        Args:
            faults: At least one, in the order the user should read them.
        """
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


def shown(value: Any) -> str:
    """Return a found value as JSON, cut where it gets long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}… (cut)"


_ALLOWED: Final[Mapping[str, str]] = {
    "missing": "it has to be there",
    "extra_forbidden": "nothing by that name is known here",
    "model_type": "it should be an object",
    "model_attributes_type": "it should be an object",
    "dict_type": "it should be an object",
    "list_type": "it should be a list",
    "tuple_type": "it should be a list",
    "string_type": "it should be text; in YAML put it into quotes",
    "too_short": "it should have at least one entry",
}
"""What pydantic's types of errors say may be, where its own words would not end our sentence."""


def allowed_by(error: ErrorDetails) -> str:
    """Return what may stand where pydantic found something else, in words that end a sentence."""
    if words := _ALLOWED.get(error["type"]):
        return words
    if error["type"] == "value_error":
        return str(error.get("ctx", {}).get("error", error["msg"]))
    return error["msg"].replace("Input should be", "it should be")


def path_of(steps: Sequence[str | int]) -> str:
    """Return where a value stands, as `requests[0].headers.Accept`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return text.removeprefix(".")
