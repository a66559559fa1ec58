"""What each test of a shift may err, so that the whole shift errs with alpha at most.

A shift of six steps with two gates and two families makes 24 tests. If each may err once in a
hundred times, a sound shift is rolled back in one of five. So alpha is spent once, over the whole
shift: by the union bound the errors of all tests, however they depend on each other, add up to no
more than the sum of their alpha.

* **Steps** get alpha / (k (k + 1)): a half, a sixth, a twelfth … As it is alpha/k - alpha/(k + 1),
  any number of steps spends less than alpha, so a step that is tried again after a rollback counts
  on, and nobody has to know beforehand how many there will be. The first gets most, because the
  smallest share has the fewest requests and needs it; later steps have many times the requests, and
  a threshold of 1/alpha costs them the logarithm of it only.
* **Gates and families** share their step's evenly: each of them can stop a shift.
* **Within a gate**, what fails has two ways to (see `gate`), and each has a half.

What passes wrongly is another error, with an alpha of its own for each gate (`gate.GateRule`), not
spent over the shift: a step that passes wrongly is judged again, with more requests, at the next.

Source: the series is that of Darling, Robbins, PNAS 58 (1967) 66-68, doi 10.1073/pnas.58.1.66.
"""

from rollout.faults import WrongUseError
from rollout.statistics.arguments import at_least_one, open_share
from rollout.statistics.shares import ALPHA, look_alpha


def gate_alpha(step: int, gates: int, families: int, alpha: float = ALPHA) -> float:
    """Return what one gate of one family may err in a step.

    Args:
        step: Which step it is, from 1. One that is tried again counts on.
        gates: How many gates judge each family; 1 or more.
        families: How many families each gate judges separately; 1 or more.
        alpha: What the whole shift may err, between 0 and 1. Default: 0.01.

    Raises:
        WrongUseError: An argument is out of its range; all faults at once.
    """
    faults = [
        *at_least_one("the step", step),
        *at_least_one("the number of gates", gates),
        *at_least_one("the number of families", families),
        *open_share("alpha", alpha),
    ]
    if faults:
        raise WrongUseError(faults)
    return look_alpha(step, alpha) / (gates * families)
