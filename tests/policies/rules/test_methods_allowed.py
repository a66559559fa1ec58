"""`methods-allowed` as a table."""

import pytest

from policies.model import UNKNOWN, Judgement, Place, Value
from policies.rules.methods_allowed import METHODS, RULE

FAIL, CANNOT_TELL = Judgement.FAIL, Judgement.CANNOT_TELL


@pytest.mark.parametrize(
    ("methods", "answer"),
    [
        pytest.param(list(METHODS), Judgement.PASS, id="all seven"),
        pytest.param([*reversed(METHODS)], Judgement.PASS, id="in any order"),
        pytest.param([*METHODS, "GET"], Judgement.PASS, id="one twice, since it is a set"),
        pytest.param(["GET", "HEAD"], FAIL, id="CloudFront's smallest set"),
        pytest.param(["GET", "HEAD", "OPTIONS"], FAIL, id="CloudFront's middle set"),
        pytest.param(list(METHODS[1:]), FAIL, id="one missing"),
        pytest.param([*METHODS, "TRACE"], FAIL, id="one CloudFront does not take"),
        pytest.param([method.lower() for method in METHODS], FAIL, id="small letters"),
        pytest.param(None, FAIL, id="absent"),
        pytest.param([], FAIL, id="empty"),
        pytest.param(UNKNOWN, CANNOT_TELL, id="unknown list"),
        pytest.param([*METHODS[1:], UNKNOWN], CANNOT_TELL, id="the unknown may be the missing one"),
        pytest.param([*METHODS, UNKNOWN], CANNOT_TELL, id="the unknown may be one too many"),
        pytest.param([*METHODS[2:], UNKNOWN], FAIL, id="one unknown cannot be two methods"),
        pytest.param(["TRACE", *METHODS, UNKNOWN], FAIL, id="certain beside unknown"),
        pytest.param("GET", FAIL, id="text for a list"),
        pytest.param({"items": list(METHODS)}, FAIL, id="an object for a list"),
        pytest.param([*METHODS, 7, None, ["GET"]], FAIL, id="odd elements"),
    ],
)
@pytest.mark.parametrize("where", ["default", "ordered"])
def test_all_seven_methods_have_to_pass(methods: Value, answer: Judgement, where: str) -> None:
    passing: Value = {"allowedMethods": list(METHODS)}
    judged: Value = {"allowedMethods": methods, "cachedMethods": ["GET", "HEAD"]}
    place, path = {
        "default": (
            Place("", {"defaultCacheBehavior": judged, "orderedCacheBehaviors": [passing]}),
            "defaultCacheBehavior.allowedMethods",
        ),
        "ordered": (
            Place("", {"defaultCacheBehavior": passing, "orderedCacheBehaviors": [judged]}),
            "orderedCacheBehaviors[0].allowedMethods",
        ),
    }[where]
    findings = [(finding.answer, finding.path) for finding in RULE.check(place)]
    assert findings == ([] if answer is Judgement.PASS else [(answer, path)])


def test_the_message_shows_the_methods_found_and_wanted() -> None:
    behavior: Value = {"allowedMethods": ["GET", "HEAD"]}
    (finding,) = RULE.check(Place("", {"defaultCacheBehavior": behavior}))
    assert finding.message(RULE.name) == (
        'methods-allowed: defaultCacheBehavior.allowedMethods is ["GET", "HEAD"]; it must be '
        "exactly DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT. Set allowedMethods to all seven: "
        "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT."
    )
