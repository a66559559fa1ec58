"""The rules, one per file, and the packs that carry them.

A new rule is a new file with a `RULE` in it, and a line in one of these packs.
"""

from typing import Final

from policies.model import Rule
from policies.rules import (
    caching_off,
    cookies_forwarded,
    error_caching_off,
    headers_forwarded,
    ipv6_enabled,
    methods_allowed,
    query_strings_forwarded,
)

DUAL_STACK: Final[tuple[Rule, ...]] = (
    ipv6_enabled.RULE,
    caching_off.RULE,
    error_caching_off.RULE,
    headers_forwarded.RULE,
    cookies_forwarded.RULE,
    query_strings_forwarded.RULE,
    methods_allowed.RULE,
)
"""The pack `dual-stack`: what a pass-through edge cannot do without. Mandatory."""
