"""`ipv6-enabled` as a table."""

import pytest

from policies.model import UNKNOWN, Answer, Place, Value
from policies.rules.ipv6_enabled import RULE


@pytest.mark.parametrize(
    ("properties", "answer"),
    [
        pytest.param({"isIpv6Enabled": True}, Answer.PASS, id="on"),
        pytest.param({"isIpv6Enabled": False}, Answer.FAIL, id="off"),
        pytest.param({}, Answer.FAIL, id="absent, which the provider takes for off"),
        pytest.param({"isIpv6Enabled": None}, Answer.FAIL, id="null"),
        pytest.param({"isIpv6Enabled": UNKNOWN}, Answer.CANNOT_TELL, id="unknown"),
        pytest.param({"isIpv6Enabled": "true"}, Answer.FAIL, id="text"),
        pytest.param({"isIpv6Enabled": 1}, Answer.FAIL, id="a number"),
        pytest.param({"isIpv6Enabled": [True]}, Answer.FAIL, id="a list"),
        pytest.param({"isIpv6Enabled": {"value": True}}, Answer.FAIL, id="an object"),
        pytest.param(UNKNOWN, Answer.CANNOT_TELL, id="nothing known of the distribution"),
    ],
)
def test_ipv6_has_to_be_on(properties: Value, answer: Answer) -> None:
    answers = [finding.answer for finding in RULE.check(Place("", properties))]
    assert answers == ([] if answer is Answer.PASS else [answer])


def test_the_message_says_how_to_turn_it_on() -> None:
    (finding,) = RULE.check(Place("", {}))
    assert finding.message(RULE.name) == (
        "ipv6-enabled: isIpv6Enabled is absent; it must be true. Set isIpv6Enabled to true."
    )
