"""Settings of a shift that are right one by one, and do not go together."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from components.faults import shown
from components.settings.fields import REMOVE, Remedy
from components.settings.limits import repeated
from components.settings.shift import Shift
from components.settings.wording import OTHER, Problem


def unshiftable(used: Mapping[str, Any], masked: Collection[str]) -> Iterator[Problem]:
    """Say which settings of a shift do not go together.

    Args:
        used: The values that can be used, by key.
        masked: The keys whose values are secret; no problem shows them.
    """
    match used:
        case {"shift": Shift() as shift}:
            hidden = "shift" in masked
        case _:
            return
    if shift.hold_seconds and len(shift.hold_seconds) != len(shift.steps):
        count = len(shift.steps)
        yield Problem(
            ("shift", "holdSeconds"),
            f"a list of {shown(len(shift.hold_seconds), masked=hidden)}",
            f"a list of {shown(count, masked=hidden)}, one for each of {OTHER}, or not set",
            Remedy(
                command="set",
                value=[*shift.hold_seconds, *[shift.hold_seconds[-1]] * count][:count],
            ),
            other=("shift", "steps"),
        )
    for index, step in enumerate(shift.approve):
        if "approve" in shift.model_fields_set and step not in shift.steps:
            yield Problem(
                ("shift", "approve", index),
                shown(step, masked=hidden),
                f"one of {OTHER}: {', '.join(map(str, shift.steps)) if not hidden else '[secret]'}",
                REMOVE,
                other=("shift", "steps"),
            )
    lists: Mapping[str, Sequence[Any]] = {
        "approve": shift.approve,
        "gates": shift.gates,
        "requireFamilies": shift.require_families,
    }
    for name, entries in lists.items():
        yield from repeated(("shift", name), entries, hidden=hidden)
    if shift.hours:
        yield from repeated(("shift", "hours", "days"), shift.hours.days, hidden=hidden)
        if shift.hours.closes <= shift.hours.opens:
            yield Problem(
                ("shift", "hours", "closes"),
                shown(shift.hours.closes, masked=hidden),
                f"later than {OTHER}, which is {shown(shift.hours.opens, masked=hidden)}: no step "
                "could ever be taken",
                Remedy(command="set", value="23:59"),
                other=("shift", "hours", "opens"),
            )
    if shift.margins.gross_percent <= shift.margins.tolerated_percent:
        yield Problem(
            ("shift", "margins", "grossPercent"),
            shown(shift.margins.gross_percent, masked=hidden),
            f"above {OTHER}, which is {shown(shift.margins.tolerated_percent, masked=hidden)}",
            Remedy(command="set", value=3 * shift.margins.tolerated_percent),
            other=("shift", "margins", "toleratedPercent"),
        )
