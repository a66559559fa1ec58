"""`ipv6-enabled` as a table."""

import pytest

from policies.model import UNKNOWN, Judgement, Place, Value
from policies.rules.ipv6_enabled import RULE


@pytest.mark.parametrize(
    ("properties", "answer"),
    [
        pytest.param({"isIpv6Enabled": True}, Judgement.PASS, id="on"),
        pytest.param({"isIpv6Enabled": False}, Judgement.FAIL, id="off"),
        pytest.param({}, Judgement.FAIL, id="absent, which the provider takes for off"),
        pytest.param({"isIpv6Enabled": None}, Judgement.FAIL, id="null"),
        pytest.param({"isIpv6Enabled": UNKNOWN}, Judgement.CANNOT_TELL, id="unknown"),
        pytest.param({"isIpv6Enabled": "true"}, Judgement.FAIL, id="text"),
        pytest.param({"isIpv6Enabled": 1}, Judgement.FAIL, id="a number"),
        pytest.param({"isIpv6Enabled": [True]}, Judgement.FAIL, id="a list"),
        pytest.param({"isIpv6Enabled": {"value": True}}, Judgement.FAIL, id="an object"),
        pytest.param(UNKNOWN, Judgement.CANNOT_TELL, id="nothing known of the distribution"),
    ],
)
def test_ipv6_has_to_be_on(properties: Value, answer: Judgement) -> None:
    answers = [finding.answer for finding in RULE.check(Place("", properties))]
    assert answers == ([] if answer is Judgement.PASS else [answer])


def test_the_message_says_how_to_turn_it_on() -> None:
    (finding,) = RULE.check(Place("", {}))
    assert finding.message(RULE.name) == (
        "ipv6-enabled: isIpv6Enabled is absent; it must be true. Set isIpv6Enabled to true."
    )
