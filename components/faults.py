"""How a message says what is wrong: the thing, what it is, what it may be, what to do.

Pure: nothing here knows Pulumi, so that the commands in `rollout` start without it. The error that
stops a deployment is in `components.errors`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic_core import ErrorDetails

LONGEST_SHOWN: Final = 160
"""Characters of a value that a message shows: enough to know it again."""


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong, with its value and what mends it."""

    what: str
    """The thing itself, as its owner names it: `dualstack-edge:traffic.direct`, `--rate`."""
    value: str
    """What it is now: a value, or `not set`."""
    allowed: str
    """What it may be."""
    remedy: str
    """What to do about it. No period after a command, because it would be copied with it."""

    def __str__(self) -> str:
        """Return `<what> is <found>; <allowed>. <what to do>`, the shape all our messages have."""
        return f"{self.what} is {self.value}; {self.allowed}. {self.remedy}"


def shown(value: Any, *, masked: bool = False) -> str:
    """Return a value as JSON, cut where it gets long, or `[secret]`.

    Args:
        value: The value; what JSON cannot write is shown as text.
        masked: Whether it is secret.
    """
    if masked:
        return "[secret]"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}… (cut)"


def path_of(steps: Sequence[str | int]) -> str:
    """Return where a value stands, as `requests[0].headers.Accept`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return text.removeprefix(".")


def fault_of(
    error: ErrorDetails,
    what: str,
    remedy: str,
    *,
    allowed: str = "",
    missing: str = "not set",
    masked: bool = False,
) -> Fault:
    """Turn one of pydantic's errors into a fault.

    Args:
        error: The error.
        what: The thing that is wrong, as its owner names it.
        remedy: What to do about it.
        allowed: What it may be. Default: what pydantic says, in words that end our sentence.
        missing: What to say of a value that is not there.
        masked: Whether the value is secret.
    """
    absent = error["type"] == "missing"
    value = missing if absent else shown(error["input"], masked=masked)
    return Fault(what, value, allowed or _allowed_by(error), remedy)


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
"""What a value may be, by pydantic's type of error, where its own words do not end our sentence."""


def _allowed_by(error: ErrorDetails) -> str:
    if words := _ALLOWED.get(error["type"]):
        return words
    if error["type"] == "value_error":
        return str(error.get("ctx", {}).get("error", error["msg"]))
    return error["msg"].replace("Input should be", "it should be")
