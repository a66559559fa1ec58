"""`error-caching-off` as a table."""

import pytest

from policies.model import UNKNOWN, Judgement, Place, Value
from policies.rules.error_caching_off import CODES, RULE

FAIL, CANNOT_TELL = Judgement.FAIL, Judgement.CANNOT_TELL


def off(*codes: Value) -> list[Value]:
    """Make entries that turn caching off for these codes."""
    return [{"errorCode": code, "errorCachingMinTtl": 0} for code in codes]


ALL: list[Value] = off(*CODES)
BUT_504: list[Value] = off(*CODES[:-1])
WHOLE, LAST = "customErrorResponses", f"customErrorResponses[{len(CODES) - 1}]"


def judge(responses: Value) -> list[tuple[Judgement, str]]:
    place = Place("", {"customErrorResponses": responses})
    return [(finding.answer, finding.path) for finding in RULE.check(place)]


@pytest.mark.parametrize(
    ("responses", "expected"),
    [
        pytest.param(ALL, [], id="every code at 0"),
        pytest.param([*reversed(ALL)], [], id="in any order"),
        pytest.param(
            [{"errorCode": float(code), "errorCachingMinTtl": 0.0} for code in CODES],
            [],
            id="floats, as the wire has them",
        ),
        pytest.param([*ALL, *ALL], [], id="every code twice"),
        pytest.param([*ALL, *off(499)], [], id="a code CloudFront does not take, at 0"),
        pytest.param(None, [(FAIL, WHOLE)], id="absent"),
        pytest.param([], [(FAIL, WHOLE)], id="empty"),
        pytest.param(UNKNOWN, [(CANNOT_TELL, WHOLE)], id="unknown list"),
        pytest.param("404", [(FAIL, WHOLE)], id="text for a list"),
        pytest.param({"errorCode": 404}, [(FAIL, WHOLE)], id="an object for a list"),
        pytest.param(BUT_504, [(FAIL, WHOLE)], id="one code missing"),
        pytest.param(
            [*BUT_504, {"errorCode": 504}], [(FAIL, f"{LAST}.errorCachingMinTtl")], id="no TTL"
        ),
        pytest.param(
            [*BUT_504, {"errorCode": 504, "errorCachingMinTtl": 10}],
            [(FAIL, f"{LAST}.errorCachingMinTtl")],
            id="a TTL of 10",
        ),
        pytest.param(
            [*BUT_504, {"errorCode": 504, "errorCachingMinTtl": "0"}],
            [(FAIL, f"{LAST}.errorCachingMinTtl")],
            id="text for a TTL",
        ),
        pytest.param(
            [*BUT_504, {"errorCode": 504, "errorCachingMinTtl": UNKNOWN}],
            [(CANNOT_TELL, f"{LAST}.errorCachingMinTtl")],
            id="unknown TTL",
        ),
        pytest.param(
            [*ALL, {"errorCode": 404, "errorCachingMinTtl": 300}],
            [(FAIL, "customErrorResponses[11].errorCachingMinTtl")],
            id="a second entry that caches",
        ),
        pytest.param(
            [*BUT_504, *off(UNKNOWN)],
            [(CANNOT_TELL, f"{LAST}.errorCode")],
            id="an unknown code may be the missing one",
        ),
        pytest.param(
            [*BUT_504, UNKNOWN], [(CANNOT_TELL, LAST)], id="an unknown entry may be the missing one"
        ),
        pytest.param(
            [*off(*CODES[:-2]), UNKNOWN],
            [(CANNOT_TELL, "customErrorResponses[9]"), (FAIL, WHOLE)],
            id="but not two of them",
        ),
        pytest.param(
            [*ALL, UNKNOWN],
            [(CANNOT_TELL, "customErrorResponses[11]")],
            id="an unknown entry beside a whole list may still cache",
        ),
        pytest.param([*BUT_504, *off("504")], [(FAIL, WHOLE)], id="text for a code"),
        pytest.param([*BUT_504, *off(504.5)], [(FAIL, WHOLE)], id="half a code"),
        pytest.param([*BUT_504, None], [(FAIL, LAST), (FAIL, WHOLE)], id="null for an entry"),
        pytest.param([*ALL, 504], [(FAIL, "customErrorResponses[11]")], id="number for an entry"),
    ],
)
def test_every_code_has_to_be_listed_at_zero(
    responses: Value, expected: list[tuple[Judgement, str]]
) -> None:
    assert judge(responses) == expected


@pytest.mark.parametrize("missing", CODES)
def test_each_missing_code_is_named(missing: int) -> None:
    responses = off(*(code for code in CODES if code != missing))
    (finding,) = RULE.check(Place("", {"customErrorResponses": responses}))
    assert finding.value == f"a list without {missing}"


def test_nothing_known_of_the_distribution_is_one_finding() -> None:
    assert [finding.answer for finding in RULE.check(Place("", UNKNOWN))] == [CANNOT_TELL]


def test_the_message_about_an_absent_list_says_why_it_matters() -> None:
    (finding,) = RULE.check(Place("", {}))
    assert finding.message(RULE.name) == (
        "error-caching-off: customErrorResponses is absent; it must be a list with "
        "errorCachingMinTtl 0 for every code that can be configured. List 400, 403, 404, 405, 414, "
        "416, 500, 501, 502, 503, 504 in customErrorResponses, each with errorCachingMinTtl 0: "
        "where nothing is said CloudFront caches an error for 10 seconds."
    )


def test_the_message_about_an_entry_names_its_code() -> None:
    responses: list[Value] = [*off(*CODES[1:]), {"errorCode": 400, "errorCachingMinTtl": 10.0}]
    (finding,) = RULE.check(Place("", {"customErrorResponses": responses}))
    assert finding.message(RULE.name) == (
        "error-caching-off: customErrorResponses[10].errorCachingMinTtl is 10; it must be 0. Set "
        "it to 0 for code 400; absent means 10 seconds."
    )
