"""Whether as many requests arrive as DNS should bring."""

import pytest

from rollout.probe.model import Verdict
from rollout.statistics.sample_ratio import sample_ratio
from rollout.statistics.shares import Interval


@pytest.mark.parametrize(
    ("cdn", "direct", "verdict"),
    [
        pytest.param(50, 950, "pass", id="in the middle"),
        pytest.param(8, 2, "unknown", id="far above, of few"),
        pytest.param(0, 10, "pass", id="below, as ten requests may be"),
        pytest.param(0, 10_000, "unknown", id="none of many"),
        pytest.param(15_000, 985_000, "unknown", id="half of it lost"),
        pytest.param(81_000, 919_000, "unknown", id="just above, of a million"),
        pytest.param(0, 0, "unknown", id="no requests"),
        pytest.param(79_000, 921_000, "pass", id="at the edge"),
    ],
)
def test_a_share_outside_the_band_holds(cdn: int, direct: int, verdict: Verdict) -> None:
    assert sample_ratio(cdn, direct, Interval(0.02, 0.08)).verdict == verdict


def test_it_says_where_the_share_lies() -> None:
    share = sample_ratio(50, 950, Interval(0.02, 0.08)).share
    assert share.low < 0.05 < share.high
    assert sample_ratio(0, 0, Interval(0.02, 0.08)).share == Interval(0.0, 1.0)
