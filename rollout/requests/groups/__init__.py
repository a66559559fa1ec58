"""Kinds of requests that are tried by the dozen: what registries and standards have a list of."""

from typing import Final

from rollout.requests.groups import (
    conditions,
    cookies,
    fields,
    redirects,
    statuses_and_methods,
    types_and_codings,
)
from rollout.requests.kind_group import KindGroup

GROUPS: Final[tuple[KindGroup, ...]] = (
    statuses_and_methods.METHODS_REGISTERED,
    fields.GROUP,
    fields.UNREGISTERED_GROUP,
    types_and_codings.ODD_NAMES,
    cookies.GROUP,
    conditions.CONDITIONS,
    conditions.PREFLIGHTS,
    statuses_and_methods.STATUSES,
    redirects.GROUP,
    types_and_codings.BUFFERS,
    types_and_codings.TYPES_AND_CODINGS,
    types_and_codings.STREAMED,
)
"""Every group, in the order of the report."""
