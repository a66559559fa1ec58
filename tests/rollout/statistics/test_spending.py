"""What the tests of a shift may err adds up to alpha at most."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.faults import WrongUseError
from rollout.statistics.spending import gate_alpha


@given(st.integers(1, 40), st.integers(1, 6), st.integers(1, 2), st.floats(1e-4, 0.5))
def test_all_tests_of_a_shift_spend_alpha_at_most(
    steps: int, gates: int, families: int, alpha: float
) -> None:
    spent = math.fsum(
        gates * families * gate_alpha(step, gates, families, alpha) for step in range(1, steps + 1)
    )
    assert spent == pytest.approx(alpha * steps / (steps + 1))


def test_the_first_step_has_half_of_it_and_its_tests_share_evenly() -> None:
    assert gate_alpha(1, 2, 2) == pytest.approx(0.01 / 2 / 4)
    assert gate_alpha(2, 2, 2) == pytest.approx(0.01 / 6 / 4)
    assert gate_alpha(1, 1, 1, 0.05) == pytest.approx(0.025)


def test_wrong_arguments_are_told_at_once() -> None:
    with pytest.raises(WrongUseError) as refused:
        gate_alpha(0, 0, -1, 1.0)
    assert str(refused.value).splitlines() == [
        "the step is 0; it is at least 1. Give how many there are.",
        "the number of gates is 0; it is at least 1. Give how many there are.",
        "the number of families is -1; it is at least 1. Give how many there are.",
        "alpha is 1; it is above 0 and below 1. Give 1 % as 0.01.",
    ]
