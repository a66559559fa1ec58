"""Where the values of a JSON text stand.

A tree of nodes with places, as PyYAML makes one, takes long for a recording of 8 MB. So nothing is
built: Python's own decoder skips what does not lead to the value that is looked for, and where the
parts of an object or list begin is kept, so that many faults in one file cost one walk.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

_SPACES: Final = re.compile(r"[ \t\n\r]*")


class JsonPlaces:
    """Lines and columns of the values of a text that is JSON."""

    def __init__(self, text: str) -> None:
        """Look at a text that could be decoded."""
        self._text = text
        self._decode = json.JSONDecoder().raw_decode
        self._lines = [0, *(match.end() for match in re.finditer("\n", text))]
        self._parts: dict[int, dict[str | int, tuple[int, int]]] = {}

    def place(self, steps: Sequence[str | int]) -> tuple[int, int]:
        """Return the line and column, from 1, of a value; of a member those of its key.

        Args:
            steps: Keys and indices from the top. Those that lead nowhere are skipped.
        """
        value = mark = self._after_spaces(0)
        for step in steps:
            if part := self._parts_of(value).get(step):
                mark, value = part
        line = bisect_right(self._lines, mark)
        return line, mark - self._lines[line - 1] + 1

    def _after_spaces(self, index: int) -> int:
        spaces = _SPACES.match(self._text, index)
        return spaces.end() if spaces else index

    def _parts_of(self, start: int) -> dict[str | int, tuple[int, int]]:
        """Return where each part of an object or a list is marked and where its value begins."""
        if start not in self._parts:
            opening = self._text[start : start + 1]
            self._parts[start] = self._read_parts(start, opening) if opening in ("{", "[") else {}
        return self._parts[start]

    def _read_parts(self, start: int, opening: str) -> dict[str | int, tuple[int, int]]:
        text, parts = self._text, dict[str | int, tuple[int, int]]()
        index = self._after_spaces(start + 1)
        while text[index] not in "}]":
            mark, step = index, len(parts)
            key: str | int = step
            if opening == "{":
                key, index = self._decode(text, index)
                index = self._after_spaces(index)
                index = self._after_spaces(index + 1)  # behind the colon
            parts[key] = (mark, index)
            index = self._after_spaces(self._decode(text, index)[1])
            if text[index] == ",":
                index = self._after_spaces(index + 1)
        return parts
