"""The settings of a shift: how `dualstack shift` leads traffic from the old path to the new one.

The program ignores them; `dualstack simulate` and `dualstack shift` read them from the stack's
file.
"""

import re
from itertools import pairwise
from typing import Annotated, Final, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field

from components.settings.fields import Group, Remedy, Says, refusal
from components.settings.values import not_empty

STEPS: Final = (1, 5, 10, 25, 50, 100)
APPROVED: Final = (25, 100)

_TIME: Final = "^([01][0-9]|2[0-3]):[0-5][0-9]$"
_BUCKET: Final = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[!-~]*)?")


def rising(steps: tuple[int, ...]) -> tuple[int, ...]:
    """Return weights, each above the one before."""
    if any(later <= earlier for earlier, later in pairwise(steps)):
        raise refusal(
            "a list in which each weight is above the one before: a schedule does not fall",
            Remedy(command="set", value=sorted(set(steps))),
        )
    return steps


def time_zone(name: str) -> str:
    """Return the name of a time zone, if this machine knows it; without any, whatever looks so."""
    known = available_timezones()
    if name not in known and (known or not re.fullmatch(r"[A-Za-z_]+(/[A-Za-z0-9_+-]+)*", name)):
        raise ValueError(name)
    return name


def state_place(text: str) -> str:
    """Return a folder, or a bucket with a prefix."""
    if "://" in text and not _BUCKET.fullmatch(text):
        raise refusal("a folder, or s3:// with a bucket's name and a prefix")
    if not text.strip() or not text.isprintable():
        raise ValueError(text)
    return text


class ShiftRollback(Group):
    """Where a failed step leads back to."""

    to: Annotated[Literal["lastGood", "zero"], Says(example="lastGood")] = "lastGood"
    """`lastGood`: the weight of the last step that passed, 0 after the first. `zero`: 0."""
    via: Annotated[
        Annotated[int, Field(ge=1, le=99)] | None, Says("an integer from 1 to 99", "50")
    ] = None
    """Weight of cdn that a rollback from above it stops at first, where the old path has to warm
    up. Everybody who stays on cdn until then still meets what is wrong there. None when not set."""


class ShiftHours(Group):
    """When a step may be taken. A rollback never waits."""

    time_zone: Annotated[
        str,
        AfterValidator(time_zone),
        Says("the name of a time zone of IANA's", "Europe/Berlin"),
    ]
    """Time zone of the hours."""
    opens: Annotated[str, Field(pattern=_TIME), Says("a time of the day as HH:MM", "09:00")] = (
        "09:00"
    )
    """From when on, by the clock there."""
    closes: Annotated[str, Field(pattern=_TIME), Says("a time of the day as HH:MM", "17:00")] = (
        "17:00"
    )
    """Until when. No step is taken whose hold would end later."""
    days: Annotated[
        tuple[
            Annotated[
                Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
                Says(example="mon"),
            ],
            ...,
        ],
        AfterValidator(not_empty),
        Says("a list of one or more different days, mon to sun", '["mon", "tue"]'),
    ] = ("mon", "tue", "wed", "thu", "fri")
    """On which days."""


class ShiftBounds(Group):
    """The largest exposure of a step, of all clients and of each family."""

    requests: Annotated[
        Annotated[int, Field(ge=1, le=1_000_000_000_000)] | None,
        Says("an integer from 1 to 1000000000000", "100000"),
    ] = None
    """Requests on cdn during a hold. No bound when not set."""
    clients: Annotated[
        Annotated[int, Field(ge=1, le=100)] | None, Says("an integer from 1 to 100", "50")
    ] = None
    """Clients that meet cdn in a step for the first time, in percent of all. With a TTL of 60
    seconds an hour at weight 1 makes it 45. No bound when not set."""
    largest_refresh: Annotated[
        Annotated[int, Field(ge=1, le=1_000_000_000_000)] | None,
        Says("an integer from 1 to 1000000000000", "10000"),
    ] = None
    """Requests that the largest cache may carry to cdn with one answer, whatever the weight. No
    bound when not set."""


class ShiftMargins(Group):
    """How much worse cdn may be before a gate fails, and how sure a pass is."""

    tolerated_percent: Annotated[int, Field(ge=100, le=1000), Says(example="125")] = 125
    """Errors on cdn in percent of those on direct that are tolerated."""
    gross_percent: Annotated[int, Field(ge=101, le=10_000), Says(example="300")] = 300
    """Errors on cdn in percent of those on direct that are gross: they fail without the second
    opinion which whole caches with shares of errors of their own call for."""
    pass_per_mille: Annotated[int, Field(ge=1, le=100), Says(example="5")] = 5
    """A step passes when cdn's share of errors is shown to exceed direct's by less than this, in
    thousandths of the requests. A ratio could never pass an API without errors."""


class Shift(Group):
    """How `dualstack shift` leads traffic from the old path to the new one."""

    steps: Annotated[
        tuple[Annotated[int, Field(ge=1, le=100), Says(example="1")], ...],
        AfterValidator(not_empty),
        AfterValidator(rising),
        Says("a list of one or more rising integers from 1 to 100", "[1, 5, 10, 25, 50, 100]"),
    ] = STEPS
    """Weights of cdn, one after the other."""
    hold_seconds: Annotated[
        tuple[Annotated[int, Field(ge=60, le=1_209_600), Says(example="3600")], ...],
        Says("a list of integers from 60 to 1209600, one for each step", "[3600]"),
    ] = ()
    """How long each step is held. Derived when empty: the longest of what a pass takes at this
    rate, five minutes and the TTL of direct's empty AAAA, and a day from weight 25 on."""
    gates: Annotated[
        tuple[
            Annotated[
                Literal["verify", "errors", "latency", "share", "command"],
                Says(example="errors"),
            ],
            ...,
        ],
        AfterValidator(not_empty),
        Says(
            "a list of different gates: verify, errors, latency, share, command",
            '["verify", "errors"]',
        ),
    ] = ("verify", "errors", "latency", "share")
    """What has to pass before the next step."""
    approve: Annotated[
        tuple[Annotated[int, Field(ge=1, le=100), Says(example="25")], ...],
        Says("a list of steps", "[25, 100]"),
    ] = APPROVED
    """Steps that wait for a person. Of the default only what is among the steps counts."""
    require_families: Annotated[
        tuple[Annotated[Literal["ipv4", "ipv6"], Says(example="ipv4")], ...],
        AfterValidator(not_empty),
        Says("a list of ipv4, ipv6 or both", '["ipv4", "ipv6"]'),
    ] = ("ipv4", "ipv6")
    """Address families that a gate has to have measured. Where the machine that shifts has no IPv6,
    it holds unless this says ipv4 alone."""
    longest_gap_seconds: Annotated[int, Field(ge=60, le=86_400), Says(example="900")] = 900
    """How long nobody may watch during a hold: a laptop that sleeps, a job that does not run. What
    is longer pauses the shift. It counts in the exposure that is foretold."""
    margins: Annotated[ShiftMargins, Says("an object", '{"toleratedPercent": 125}')] = (
        ShiftMargins()
    )
    """How much worse cdn may be before a gate fails, and how sure a pass is."""
    rollback: Annotated[ShiftRollback, Says("an object", '{"to": "zero"}')] = ShiftRollback()
    """Where a failed step leads back to."""
    hours: Annotated[
        ShiftHours | None, Says("an object with timeZone", '{"timeZone": "Europe/Berlin"}')
    ] = None
    """When a step may be taken; at any time when not set."""
    bounds: Annotated[ShiftBounds, Says("an object", '{"requests": 100000}')] = ShiftBounds()
    """The largest exposure of a step. A schedule that is past it is refused."""
    state: Annotated[
        str,
        AfterValidator(state_place),
        Says("a folder, or s3:// with a bucket's name and a prefix", "s3://example-state/shift"),
    ] = ".dualstack"
    """Where journal and lock are: a folder, or a bucket, which several machines can share."""
