"""What an edge node's Lua reads of its distributions, and values as Lua writes them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import cast

from sandbox.lab.edge.edge_behavior import EdgeSite


def settings_lua(sites: Sequence[EdgeSite], name: str) -> str:
    """Return the table that the Lua files read: everything that differs between distributions.

    Args:
        sites: Distributions that are served.
        name: Host of the node; its number is in what the node says of itself.
    """
    number = re.search(r"\d+", name)
    settings = {
        "via": f"{name.replace('-', '')}.cloudfront.net (CloudFront)",
        "pop": f"LAB{number.group() if number else 1}-P1",
        "names": {own: site.id for site in sites for own in (site.name, *site.aliases)},
        "protocols": {site.id: site.tls_protocols for site in sites},
        "behaviors": {
            behavior.name: {**asdict(behavior), "cookies_pass": behavior.cookies_pass}
            for site in sites
            for behavior in site.behaviors
        },
    }
    return f"return {lua(settings)}\n"


def lua(value: object) -> str:
    """Return a value as Lua writes it; a set is a table whose values are true."""
    if value is None:
        return "nil"
    if isinstance(value, int):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + "".join(_lua_bytes(value.encode())) + '"'
    if isinstance(value, frozenset):
        value = dict.fromkeys(sorted(cast("frozenset[str]", value)), True)
    if isinstance(value, Mapping):
        return "{" + ", ".join(_lua_pairs(cast("Mapping[object, object]", value))) + "}"
    if isinstance(value, Sequence):
        return "{" + ", ".join(lua(item) for item in cast("Sequence[object]", value)) + "}"
    raise TypeError(f"{value!r} cannot be written in Lua")


def _lua_pairs(value: Mapping[object, object]) -> Iterator[str]:
    for key, item in value.items():
        yield f"[{lua(key)}] = {lua(item)}"


def _lua_bytes(text: bytes) -> Iterator[str]:
    """Yield each byte; all but plain ones by number, which no quote or line end can break."""
    for byte in text:
        char = chr(byte)
        plain = char.isascii() and char.isprintable() and char not in '"\\'
        yield char if plain else f"\\{byte:03d}"
