"""Counts of both paths: what is refused, and how intervals become blocks."""

import numpy as np
import pytest

from rollout.statistics.counts import Counts, CountsError


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(CountsError) as refused:
        Counts.of(cdn=([1, 7, 0], [10, 5, np.nan]), direct=([0, 0, np.inf], [100, -1, 100]))
    assert str(refused.value) == (
        "cdn requests in interval 3 is nan; a count is finite and not negative. "
        "Leave out intervals that the source knows nothing of.\n"
        "direct errors in interval 3 is inf; a count is finite and not negative. "
        "Leave out intervals that the source knows nothing of.\n"
        "direct requests in interval 2 is -1; a count is finite and not negative. "
        "Leave out intervals that the source knows nothing of.\n"
        "cdn errors in interval 2 is 7; there were 5 requests, and each fails once at most. "
        "Count errors and requests of the same requests."
    )


def test_errors_without_requests_are_refused() -> None:
    with pytest.raises(CountsError, match=r"cdn errors in interval 1 is 1; there were 0 requests"):
        Counts.of(cdn=([1], [0]), direct=([0], [0]))


def test_intervals_without_requests_are_none_of_the_faults() -> None:
    assert Counts.of(cdn=([0, 0], [0, 3]), direct=([0, 0], [0, 0])).intervals == 2


def test_series_of_different_lengths_are_refused() -> None:
    with pytest.raises(CountsError) as refused:
        Counts.of(cdn=([0], [1]), direct=([0, 0], [1, 1]))
    assert str(refused.value) == (
        "the number of intervals is 1 (cdn errors), 1 (cdn requests), 2 (direct errors), "
        "2 (direct requests); all four series need the same, at least one axis. "
        "Count all four over the same intervals."
    )


def test_a_stream_that_is_wrong_is_named() -> None:
    wrong = np.array([[0.0, 0.0], [0.0, 2.0]])
    with pytest.raises(CountsError, match="cdn errors in interval 2 of stream 2 is 2"):
        Counts.of(cdn=(wrong, np.ones((2, 2))), direct=(np.zeros((2, 2)), np.ones((2, 2))))


def test_a_message_lists_the_first_faults_and_counts_the_rest() -> None:
    with pytest.raises(CountsError) as refused:
        Counts.of(cdn=(np.full(100, -1.0), np.ones(100)), direct=(np.zeros(100), np.ones(100)))
    assert len(refused.value.faults) == 100
    assert str(refused.value).splitlines()[-1] == "… and 80 more"


def test_blocks_are_sums_and_the_last_intervals_wait() -> None:
    blocks = Counts.of(
        cdn=([1, 0, 2, 0, 1], [5, 5, 5, 5, 5]), direct=([0, 0, 0, 3, 0], [9, 9, 9, 9, 9])
    ).blocks(2)
    assert blocks.cdn_errors.tolist() == [1, 2]
    assert blocks.cdn_requests.tolist() == [10, 10]
    assert blocks.direct_errors.tolist() == [0, 3]
    assert blocks.direct_requests.tolist() == [18, 18]
