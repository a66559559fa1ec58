"""Structures of the AWS APIs, as boto3 knows them: member name to value."""

from collections.abc import Mapping
from typing import Any, TypeAlias

Fields: TypeAlias = dict[str, Any]
"""A structure that may be written."""

ReadOnly: TypeAlias = Mapping[str, Any]
"""A structure that is only read."""


def part(parent: ReadOnly, name: str) -> ReadOnly:
    """Return a member that is a structure; one without members if it is not given."""
    return parent.get(name) or {}


def items(parent: ReadOnly, name: str) -> list[Any]:
    """Return the Items of a member such as `{"Quantity": 1, "Items": [...]}`."""
    return part(parent, name).get("Items") or []


def members(parent: ReadOnly, name: str) -> list[Any]:
    """Return a member that is a plain list; an empty one if it is not given."""
    return parent.get(name) or []
