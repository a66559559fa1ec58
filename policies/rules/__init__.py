"""The rules, one per file, and the packs that carry them.

A new rule is a new file with a `RULE` in it, and a line in one of these packs.
"""

from typing import Final

from policies.model import Pack
from policies.rules import (
    access_logs,
    alias_targets_valid,
    caching_off,
    cookies_forwarded,
    edge_protected,
    error_caching_off,
    families_paired,
    headers_forwarded,
    http3_after_shift,
    ipv6_enabled,
    methods_allowed,
    no_hardcoded_addresses,
    not_judged,
    origin_answers,
    origin_locked,
    origin_tls,
    proxy_firewalled,
    proxy_keys_only,
    query_strings_forwarded,
    record_ttl,
    viewer_tls,
    waf_attached,
    weights_valid,
)

DUAL_STACK: Final = Pack(
    name="dual-stack",
    level="mandatory",
    summary="What a pass-through edge cannot do without.",
    rules=(
        ipv6_enabled.RULE,
        caching_off.RULE,
        error_caching_off.RULE,
        headers_forwarded.RULE,
        cookies_forwarded.RULE,
        query_strings_forwarded.RULE,
        methods_allowed.RULE,
        origin_answers.RULE,
        families_paired.RULE,
        weights_valid.RULE,
        alias_targets_valid.RULE,
        no_hardcoded_addresses.RULE,
        not_judged.RULE,
    ),
)

HARDENING: Final = Pack(
    name="hardening",
    level="advisory",
    summary="What makes an edge safe to own; each is a choice that a company makes.",
    rules=(
        viewer_tls.RULE,
        origin_tls.RULE,
        waf_attached.RULE,
        access_logs.RULE,
        origin_locked.RULE,
        http3_after_shift.RULE,
        edge_protected.RULE,
        proxy_firewalled.RULE,
        proxy_keys_only.RULE,
        record_ttl.RULE,
    ),
)

PACKS: Final = (DUAL_STACK, HARDENING)
