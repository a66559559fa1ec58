"""The figures of a schedule, typed and frozen: what `dualstack simulate --json` prints.

`foretell` makes them; a page that shows a plan reads them. Shares are 0 to 1, times are seconds
from the first change of weight. What could not be told is null.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Family = Literal["all", "ipv4", "ipv6"]
"""Whose figures: all clients; those that follow A; those with both families that prefer IPv6."""


class SimulateModel(BaseModel):
    """A part of the figures."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class Band(SimulateModel):
    """What is expected, and between what it lies in nine of ten draws."""

    expected: float
    """The mean over what could happen."""
    low: float
    """One draw in twenty is below."""
    high: float
    """One draw in twenty is above."""

    def times(self, factor: float) -> "Band":
        """Return the band of a multiple."""
        return Band(expected=self.expected * factor, low=self.low * factor, high=self.high * factor)


class Moment(SimulateModel):
    """What is so at one moment."""

    seconds: float
    """The moment."""
    weight: float
    """Share of the answers that lead to cdn."""
    cdn_share: Band
    """Share of all requests on cdn."""
    ipv4_share: Band
    """Where A leads to cdn: the share of clients that follow A."""
    ipv6_share: Band
    """The part of time that a cache's AAAA leads to cdn."""
    dual_stack_share: Band
    """On cdn, of the clients that have both families and prefer IPv6: over AAAA, or over A where
    AAAA is empty."""
    ipv6_only_unanswered: float
    """Of the clients with IPv6 alone and without NAT64: the share that has no address."""
    moved_share: float
    """Share of all requests answered from a copy that was fetched after the last change."""
    distinct_clients: float
    """Share of all clients that have been on cdn at least once since the first change."""


class TimeToMove(SimulateModel):
    """After how long a part of the requests follows a change."""

    part: float
    """The part, 0 to 1."""
    seconds: float
    """How long it takes in the mean over all caches."""


class RestRange(SimulateModel):
    """What is met on cdn after a rollback, over the named tail assumptions.

    Never one number: nobody measured the tail.
    """

    low_seconds: float
    """With every assumption at its harmless end: seconds of the full traffic of the family."""
    expected_seconds: float
    """With the population as it is."""
    high_seconds: float
    """With every assumption at its other end."""
    low_requests: float
    """As `low_seconds`, in requests."""
    expected_requests: float
    """As `expected_seconds`, in requests."""
    high_requests: float
    """As `high_seconds`, in requests."""


class FamilyFigures(SimulateModel):
    """What a step means for one family."""

    family: Family
    """Whose figures."""
    share: Band
    """On cdn at the end of the hold."""
    mean_share: Band
    """On cdn over the hold."""
    requests: Band
    """First figure of exposure: requests on cdn during the hold and the longest unwatched gap."""
    distinct_clients: float
    """Second figure: the share of the family's clients that meet cdn in this step for the first
    time."""
    distinct_clients_so_far: float
    """The share that has met it by the end of the hold."""
    after_rollback: RestRange
    """What is met on cdn after a rollback at the end of the hold."""
    detectable_ratio: float | None
    """By the gate's own rule: the least multiple of direct's error share that the hold finds nine
    times in ten; null: none."""
    detectable_increase: float | None
    """The same as a share of the requests."""
    pass_requests: float | None
    """Requests on cdn that a pass takes where nothing differs; null: there is nothing to
    compare."""
    pass_seconds: float | None
    """The same as time."""


class StepFigures(SimulateModel):
    """What a step means."""

    number: int
    """Of the step, from 1."""
    weight: Annotated[int, Field(ge=0, le=100)]
    """Weight of cdn, in percent."""
    begins_seconds: float
    """When the weight is written."""
    hold_seconds: float
    """How long it is held."""
    largest_refresh: float
    """Third figure of exposure: requests that the largest cache carries to cdn with one answer,
    whatever the weight."""
    no_cache_chance: float
    """How likely no cache at all leads to cdn at a moment of the hold, so that the step shows
    nothing then."""
    families: tuple[FamilyFigures, ...]
    """All clients, and each family."""


class Sensitivity(SimulateModel):
    """How much one assumption matters: a bar of a tornado plot."""

    assumption: str
    """What is assumed."""
    source: str
    """Who says what is known of it."""
    low_value: str
    """Its one end."""
    high_value: str
    """Its other end."""
    low_seconds: float
    """Seconds of full traffic met after a rollback from the last step, with the one end."""
    expected_seconds: float
    """With the population as it is."""
    high_seconds: float
    """With the other end."""


class Rollback(SimulateModel):
    """A rollback at a time."""

    at_seconds: float
    """When the weight of cdn goes to 0."""
    moments: tuple[Moment, ...]
    """What is so from then on."""
    rest: tuple["FamilyRest", ...]
    """What is met on cdn after it, by family."""


class FamilyRest(SimulateModel):
    """What one family meets on cdn after a rollback."""

    family: Family
    """Whose."""
    met: RestRange
    """What is met."""


class Foretelling(SimulateModel):
    """All figures of a schedule."""

    population: str
    """Name of the population."""
    note: str
    """What it stands for, and what it does not show."""
    requests_per_second: float
    """Rate of all requests."""
    ttl_seconds: float
    """TTL of the answers."""
    empty_ttl_seconds: float | None
    """TTL of direct's empty AAAA; null: it is not empty."""
    direct_error_share: float
    """Share of direct's requests that fail, taken for what a step can show."""
    effective_caches: float
    """1 / sum q^2: so many caches of equal size would vary as much."""
    largest_cache: float
    """Part of all requests that the largest cache has."""
    before: int
    """Weight of cdn before the first step, in percent."""
    at: tuple[Moment, ...]
    """The moments asked for, or a choice of them."""
    seconds_to_move: tuple[TimeToMove, ...]
    """After how long 50, 90, 99 and 99.9 % of the requests follow a change."""
    steps: tuple[StepFigures, ...]
    """The steps."""
    rollback: Rollback | None
    """What follows a rollback; null: none was asked for."""
    sensitivities: tuple[Sensitivity, ...]
    """The assumptions, the one that matters most first."""
    past_bounds: tuple[str, ...]
    """What is past a bound of exposure, each with what to do."""
    warnings: tuple[str, ...]
    """What to know before it is begun, each with what to do."""
    seed: int
    """Where chance began: the same, the same figures."""
