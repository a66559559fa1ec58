"""Route 53's two throttles, both off unless a setting switches them on.

Each is a bucket of tokens that fills up at a rate. Every action has a bucket of its own for its
requests; and all changes of records share another, from which a batch takes one for each change,
but never more than the bucket holds.

Where this differs from Route 53: the actions that have a rate of their own (CreateHostedZone and
others) have that of all; and the size of the second bucket is not public, so there is no default.

Source: Route 53 Developer Guide, 'Throttling': since 30 July 2026 ten requests a second for each
account and action, 50 at once, and a second limit on record changes.
"""

from typing import Final

from sandbox.clouds.aws.fields import Fields, members, part
from sandbox.clouds.aws.refusal import raise_if
from sandbox.clouds.aws.rules import batches as rules
from sandbox.clouds.aws.state import MotoAccount

_CHANGE: Final = "ChangeResourceRecordSets"
_CHANGES: Final = "record changes"


def throttle(account: MotoAccount, action: str, sent: Fields) -> None:
    """Take from the buckets what a request needs, or refuse it and take nothing.

    Raises:
        Refusal: There were too many requests, or too many changes of records.
    """
    settings = account.settings
    needed = {action: (1, settings.throttle_per_second, settings.throttle_burst)}
    if action == _CHANGE:
        changes = len(members(part(sent, "ChangeBatch"), "Changes"))
        rate, burst = settings.record_changes_per_second, settings.record_changes_burst
        needed[_CHANGES] = (changes, rate, burst)
    left: dict[str, float] = {}
    for name, (tokens, rate, burst) in needed.items():
        if rate is None:
            continue
        most = burst or rate
        there, taken = _level(account, name, rate, most), min(tokens, most)
        raise_if(rules.requests_are_not_too_many(taken, there))
        left[name] = there - taken
    for name, level in left.items():
        account.buckets[name] = level, account.clock()


def _level(account: MotoAccount, name: str, rate: float, burst: float) -> float:
    """Return how many tokens are in a bucket now; one that was never used is full."""
    level, at = account.buckets.get(name, (burst, account.clock()))
    return min(burst, level + rate * (account.clock() - at))
