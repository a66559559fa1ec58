"""The setting `shift`: its defaults, and what does not go together."""

import json
from typing import Any

import pytest

from components.settings import SettingsError, Shift, shift_of


def faults(**shift: Any) -> list[str]:
    try:
        shift_of(shift, stack="prod")
    except SettingsError as error:
        return [str(fault) for fault in error.faults]
    return []


def test_without_it_every_default_holds() -> None:
    assert shift_of(None, stack="prod") == Shift()
    assert shift_of({}, stack="prod") == Shift()
    assert Shift().steps == (1, 5, 10, 25, 50, 100)
    assert (Shift().bounds.requests, Shift().rollback.to) == (None, "lastGood")


def test_what_is_set_is_read() -> None:
    given = {
        "steps": [1, 50, 100],
        "holdSeconds": [600, 600, 600],
        "approve": [50],
        "hours": {"timeZone": "Europe/Berlin", "days": ["mon"]},
        "bounds": {"requests": 1000, "clients": 50, "largestRefresh": 100},
        "rollback": {"to": "zero", "via": 50},
        "state": "s3://example-state/shift",
    }
    assert shift_of(given, stack="prod").model_dump(
        mode="json", by_alias=True, exclude_unset=True
    ) == json.loads(json.dumps(given))


@pytest.mark.parametrize(
    ("shift", "message"),
    [
        pytest.param(
            {"steps": [1, 10, 5]},
            "dualstack-edge:shift.steps is [1, 10, 5]; a list in which each weight is above the "
            "one before: a schedule does not fall. Set it with: ",
            id="a schedule that falls",
        ),
        pytest.param(
            {"steps": [1, 100], "holdSeconds": [60]},
            "dualstack-edge:shift.holdSeconds is a list of 1; a list of 2, one for each of "
            "dualstack-edge:shift.steps, or not set. Set it with: ",
            id="a hold too few",
        ),
        pytest.param(
            {"approve": [30]},
            "dualstack-edge:shift.approve[0] is 30; one of dualstack-edge:shift.steps: 1, 5, 10, "
            "25, 50, 100. Remove it with: ",
            id="an approval of no step",
        ),
        pytest.param(
            {"gates": ["errors", "errors"]},
            'dualstack-edge:shift.gates[1] is "errors"; an entry listed once, and '
            "dualstack-edge:shift.gates[0] is the same. Remove it with: ",
            id="a gate twice",
        ),
        pytest.param(
            {"hours": {"timeZone": "Europe/Berlin", "opens": "18:00"}},
            'dualstack-edge:shift.hours.closes is "17:00"; later than '
            'dualstack-edge:shift.hours.opens, which is "18:00": no step could ever be taken. ',
            id="closed before it opens",
        ),
        pytest.param(
            {"hours": {"timeZone": "Berlin"}},
            'dualstack-edge:shift.hours.timeZone is "Berlin"; the name of a time zone of IANA\'s. ',
            id="no time zone",
        ),
        pytest.param(
            {"margins": {"grossPercent": 120}},
            "dualstack-edge:shift.margins.grossPercent is 120; above "
            "dualstack-edge:shift.margins.toleratedPercent, which is 125. ",
            id="gross below tolerated",
        ),
        pytest.param(
            {"state": "https://example.com"},
            'dualstack-edge:shift.state is "https://example.com"; a folder, or s3:// with a '
            "bucket's name and a prefix. ",
            id="state in no bucket",
        ),
        pytest.param(
            {"bounds": {"clients": 0}},
            "dualstack-edge:shift.bounds.clients is 0; an integer from 1 to 100. ",
            id="nobody may meet it",
        ),
    ],
)
def test_a_fault_says_what_is_wrong_and_what_to_do(shift: dict[str, Any], message: str) -> None:
    (fault,) = faults(**shift)
    assert fault.startswith(message)


def test_all_faults_are_told_at_once() -> None:
    told = faults(steps=[5, 1], gates=["error"], hours={"timeZone": "Mars/Base"}, bound={})
    assert len(told) == 4
