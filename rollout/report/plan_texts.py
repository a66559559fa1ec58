"""The sentences of a plan's page: how to read it, and what each plot shows."""

from collections.abc import Callable
from typing import Final

from rollout.report.words import (
    FAMILY_NAMES,
    count,
    count_range,
    duration,
    full_traffic,
    percent,
    times,
    traffic_range,
    weight,
)
from rollout.simulate.figures import FamilyFigures, Foretelling, StepFigures

Cells = Callable[[StepFigures, FamilyFigures], tuple[str, ...]]
"""Returns the cells of a family at a step."""

SCHEDULE: Final = (
    "Each step writes the weight of cdn and holds it. No cache on cdn: how likely not one cache "
    "leads to cdn at a moment of the hold, so that the step shows nothing then."
)
FAMILIES: Final = (
    "All: all clients. IPv4: those that follow A. IPv6: those with both families, which prefer "
    "IPv6: over AAAA, or over A where AAAA is empty."
)
SHARES: Final = (
    "A weight is not a share: caches keep what they have, and a large one moves at once. The "
    "figures are the mean, and in brackets what nine draws in ten lie between."
)
UNANSWERED: Final = (
    "IPv6 alone: clients without IPv4 and without NAT64, which have no address while their AAAA "
    "is direct's empty one."
)
EXPOSURE: Final = (
    "Who meets a bad step, as three figures, because one misleads. Requests: those on cdn during "
    "the hold, and during the longest gap in which nobody may watch. Clients: those that meet cdn "
    "in this step for the first time, and those that have by its end. Largest refresh: requests "
    "that the largest cache carries to cdn with one answer, whatever the weight."
)
REST: Final = (
    "When the weight goes back to 0 at the end of a hold, caches, clients and connections go on "
    "for a while. Nobody measured how long, so this is a range over the assumptions below, and "
    "its middle is no promise."
)
ASSUMPTIONS: Final = (
    "Each is moved alone from one end of its range to the other. What matters is seconds of the "
    "full traffic that cdn still gets after a rollback from the last step."
)

SHARES_CAPTION: Final = (
    "Expected share on cdn (line), with what nine draws in ten lie between (band), and the weight "
    "(dashed). Each step is equally wide, and its first minutes are stretched."
)
EXPOSURE_CAPTION: Final = (
    "Left or above: requests on cdn in each hold, on a logarithmic scale, with their bands; the "
    "dashed line is the largest refresh. Right or below: clients that have met cdn by the end of "
    "each hold."
)
DETECTION_CAPTION: Final = (
    "Left or above: the least multiple of direct's errors that the hold finds nine times in ten. "
    "Right or below: how long a pass takes, beside the hold (bar)."
)
REST_CAPTION: Final = (
    "Requests that cdn still gets after a rollback at the end of each hold, on a logarithmic "
    "scale: expected (mark), and over the assumptions (line)."
)
TORNADO_CAPTION: Final = (
    "Each bar goes from one end of an assumption to the other. The upright line is the population "
    "as it is."
)


def scene(figures: Foretelling) -> str:
    """Return who asks, how much, and what is answered."""
    empty = (
        "direct's AAAA is not empty"
        if figures.empty_ttl_seconds is None
        else f"direct's empty AAAA {duration(figures.empty_ttl_seconds)}"
    )
    note = f" ({figures.note.rstrip('.')})" if figures.note else ""
    return (
        f"Population {figures.population}{note}. Answers live {duration(figures.ttl_seconds)}, "
        f"{empty}. The caches vary as {count(figures.effective_caches)} of equal size; the largest "
        f"has {percent(figures.largest_cache)} of the requests."
    )


def detection_lead(figures: Foretelling) -> str:
    """Return what the gates' figures are worked out for."""
    return (
        f"By the gates' own rule, at {count(figures.requests_per_second)} requests a second, of "
        f"which {percent(figures.direct_error_share)} fail on direct: how many more errors a hold "
        "finds, nine times in ten, and what a pass takes where nothing differs. A step without "
        "anybody on one of the paths has nothing to compare."
    )


def shares(figures: Foretelling) -> str:
    """Return what the plot of the shares shows."""
    return "Expected shares on cdn at the end of each hold. " + _by_step(
        figures, lambda each: percent(each.share.expected)
    )


def exposure(figures: Foretelling) -> str:
    """Return what the plot of the exposure shows."""
    return (
        f"Requests on cdn during each hold, and clients that have met cdn by its end. The largest "
        f"refresh is {count(figures.steps[0].largest_refresh)} requests. "
        + _by_step(
            figures,
            lambda each: (
                f"{count(each.requests.expected)} requests and "
                f"{percent(each.distinct_clients_so_far)} of the clients"
            ),
        )
    )


def detection(figures: Foretelling) -> str:
    """Return what the plot of what can be shown shows."""

    def words(each: FamilyFigures) -> str:
        finds = "nothing" if each.detectable_ratio is None else times(each.detectable_ratio)
        takes = "never" if each.pass_seconds is None else f"after {duration(each.pass_seconds)}"
        return f"finds {finds}, passes {takes}"

    return (
        "Least multiple of direct's errors that is found, and how long a pass takes. "
        + _by_step(figures, words)
    )


def rest(figures: Foretelling) -> str:
    """Return what the plot of what follows a rollback shows."""
    return "Requests on cdn after a rollback. " + _by_step(
        figures,
        lambda each: count_range(
            each.after_rollback.low_requests, each.after_rollback.high_requests
        ),
    )


def tornado(figures: Foretelling) -> str:
    """Return what the plot of the assumptions shows."""
    bars = "; ".join(
        f"{each.assumption}, {each.low_value} to {each.high_value}: "
        f"{traffic_range(each.low_seconds, each.high_seconds)}"
        for each in figures.sensitivities
    )
    expected = full_traffic(figures.sensitivities[0].expected_seconds)
    return f"Expected are {expected} of full traffic. The widest first. {bars}."


def _by_step(figures: Foretelling, words: Callable[[FamilyFigures], str]) -> str:
    return " ".join(
        f"Step {step.number}, weight {weight(step.weight)}: "
        + "; ".join(f"{FAMILY_NAMES[each.family]} {words(each)}" for each in step.families)
        + "."
        for step in figures.steps
    )
