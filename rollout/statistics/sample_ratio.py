"""Whether as many requests arrive on cdn as DNS should bring there.

What fails before it is a request, no error share shows: a refused connection, a TLS handshake that
breaks, a dead IPv6 route. Such requests are missing, so the *share* of a path is the only place
where they can be seen. Nor is a weight a share: who moves are caches, of unequal sizes, for
unequal times. So the share that is seen is compared with a band that `simulate` makes of the
weights, the resolvers and the families, and not with the weight.

The band says where the share lies for whatever caches move. What is added here is that a share is
counted from so many requests: outside is what lies outside with its whole Clopper-Pearson interval.
Outside never fails a step, because a band is as good as the population that it was made of; it
holds it.

Source of the idea: Fabijan et al., Diagnosing Sample Ratio Mismatch in Online Controlled
Experiments, KDD 2019, doi 10.1145/3292500.3330722.
"""

from dataclasses import dataclass

from rollout.probe.model import Verdict
from rollout.statistics.shares import ALPHA, Interval, clopper_pearson


@dataclass(frozen=True)
class SampleRatio:
    """Whether the share of cdn lies where it should."""

    verdict: Verdict
    """Pass, or unknown, which holds the step: outside, or no requests."""
    share: Interval
    """Where the share lies, by the requests that were counted."""


def sample_ratio(
    cdn_requests: int, direct_requests: int, band: Interval, alpha: float = ALPHA
) -> SampleRatio:
    """Compare the share of cdn with a simulated band.

    Args:
        cdn_requests: Requests that arrived on cdn while the step held.
        direct_requests: Those on direct in the same time.
        band: Where the share lies if nothing is lost, as it was simulated for the same time.
        alpha: Probability to hold for the counting alone a share that lies in the band.
            Default: 0.01.
    """
    requests = cdn_requests + direct_requests
    share = clopper_pearson(cdn_requests, requests, alpha)
    outside = share.high < band.low or share.low > band.high
    return SampleRatio("unknown" if outside or requests == 0 else "pass", share)
