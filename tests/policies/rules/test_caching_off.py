"""`caching-off` as tables: cache policies, legacy settings, both, neither, ordered behaviours."""

import pytest

from policies.cloudfront import CACHING_DISABLED, MANAGED_CACHE_POLICIES
from policies.model import UNKNOWN, Judgement, Place, Value
from policies.rules.caching_off import RULE

FAIL, CANNOT_TELL = Judgement.FAIL, Judgement.CANNOT_TELL
OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
CUSTOM = "11111111-2222-3333-4444-555555555555"
SOME_HEADERS: Value = {"headers": ["Accept"], "queryString": True}
ALL_HEADERS: Value = {"headers": ["*"], "queryString": True}


def judge(properties: Value) -> list[tuple[Judgement, str]]:
    return [(finding.answer, finding.path) for finding in RULE.check(Place("", properties))]


@pytest.mark.parametrize(
    ("behavior", "expected"),
    [
        pytest.param({"cachePolicyId": CACHING_DISABLED}, [], id="CachingDisabled"),
        pytest.param(
            {"cachePolicyId": CACHING_DISABLED, "defaultTtl": 60, "maxTtl": UNKNOWN},
            [],
            id="TTLs beside a cache policy decide nothing",
        ),
        pytest.param(
            {"cachePolicyId": CACHING_DISABLED, "forwardedValues": None}, [], id="legacy null"
        ),
        pytest.param(
            {"cachePolicyId": CACHING_DISABLED.upper()},
            [(CANNOT_TELL, "cachePolicyId")],
            id="ids are exact",
        ),
        pytest.param({"cachePolicyId": CUSTOM}, [(CANNOT_TELL, "cachePolicyId")], id="a custom id"),
        pytest.param({"cachePolicyId": UNKNOWN}, [(CANNOT_TELL, "cachePolicyId")], id="unknown id"),
        pytest.param({"cachePolicyId": 5}, [(FAIL, "cachePolicyId")], id="a number for an id"),
        pytest.param({"cachePolicyId": [CACHING_DISABLED]}, [(FAIL, "cachePolicyId")], id="a list"),
        pytest.param({}, [(FAIL, "cachePolicyId")], id="neither policy nor legacy settings"),
        pytest.param({"cachePolicyId": ""}, [(FAIL, "cachePolicyId")], id="an empty id"),
        pytest.param(
            {"defaultTtl": 0, "maxTtl": 0},
            [(FAIL, "cachePolicyId")],
            id="TTLs alone are no caching settings",
        ),
        pytest.param(
            {"cachePolicyId": CACHING_DISABLED, "forwardedValues": ALL_HEADERS},
            [(FAIL, "forwardedValues")],
            id="both",
        ),
        pytest.param(
            {"cachePolicyId": OPTIMIZED, "forwardedValues": ALL_HEADERS},
            [(FAIL, "cachePolicyId"), (FAIL, "forwardedValues")],
            id="both, and the policy caches",
        ),
        pytest.param(
            {"cachePolicyId": CACHING_DISABLED, "forwardedValues": UNKNOWN},
            [(CANNOT_TELL, "forwardedValues")],
            id="perhaps both",
        ),
        pytest.param(
            {"cachePolicyId": UNKNOWN, "forwardedValues": ALL_HEADERS},
            [(CANNOT_TELL, "cachePolicyId")],
            id="perhaps both the other way",
        ),
    ],
)
def test_a_cache_policy_has_to_be_caching_disabled_and_alone(
    behavior: Value, expected: list[tuple[Judgement, str]]
) -> None:
    assert judge({"defaultCacheBehavior": behavior}) == [
        (answer, f"defaultCacheBehavior.{path}") for answer, path in expected
    ]


@pytest.mark.parametrize(
    ("behavior", "expected"),
    [
        pytest.param({"forwardedValues": ALL_HEADERS}, [], id="all headers, TTLs absent"),
        pytest.param(
            {"forwardedValues": ALL_HEADERS, "defaultTtl": 60, "maxTtl": 60},
            [],
            id="all headers, TTLs do not count",
        ),
        pytest.param(
            {"forwardedValues": ALL_HEADERS, "cachePolicyId": ""}, [], id="empty id, as in state"
        ),
        pytest.param(
            {"forwardedValues": ALL_HEADERS, "minTtl": 0.0}, [], id="all headers, minimum 0"
        ),
        pytest.param(
            {"forwardedValues": ALL_HEADERS, "minTtl": 1.0},
            [(FAIL, "minTtl")],
            id="all headers and a minimum cannot stand",
        ),
        pytest.param(
            {"forwardedValues": ALL_HEADERS, "minTtl": UNKNOWN},
            [(CANNOT_TELL, "minTtl")],
            id="all headers and perhaps a minimum",
        ),
        pytest.param(
            {"forwardedValues": {"headers": UNKNOWN}, "minTtl": 1, "defaultTtl": 0, "maxTtl": 0},
            [(FAIL, "minTtl")],
            id="a minimum is wrong whatever the headers are",
        ),
        pytest.param(
            {"forwardedValues": SOME_HEADERS, "minTtl": 0, "defaultTtl": 0, "maxTtl": 0},
            [],
            id="all TTLs 0",
        ),
        pytest.param(
            {"forwardedValues": SOME_HEADERS, "defaultTtl": 0.0, "maxTtl": 0.0},
            [],
            id="the minimum is 0 by default",
        ),
        pytest.param(
            {"forwardedValues": SOME_HEADERS},
            [(FAIL, "defaultTtl"), (FAIL, "maxTtl")],
            id="the others are not",
        ),
        pytest.param(
            {"forwardedValues": SOME_HEADERS, "minTtl": 1, "defaultTtl": 0, "maxTtl": 0},
            [(FAIL, "minTtl")],
            id="a minimum caches",
        ),
        pytest.param(
            {"forwardedValues": SOME_HEADERS, "minTtl": "", "defaultTtl": 0, "maxTtl": 0},
            [(FAIL, "minTtl")],
            id="empty text is not an absent minimum",
        ),
        pytest.param(
            {"forwardedValues": SOME_HEADERS, "minTtl": 0, "defaultTtl": UNKNOWN, "maxTtl": 60},
            [(CANNOT_TELL, "defaultTtl"), (FAIL, "maxTtl")],
            id="a certain fault beside an unknown",
        ),
        pytest.param(
            {"forwardedValues": SOME_HEADERS, "minTtl": "0", "defaultTtl": False, "maxTtl": 0},
            [(FAIL, "minTtl"), (FAIL, "defaultTtl")],
            id="text and booleans are no TTLs",
        ),
        pytest.param(
            {"forwardedValues": {"headers": ["*", "Accept"]}, "defaultTtl": 0, "maxTtl": 9},
            [(FAIL, "maxTtl")],
            id="the asterisk has to be alone",
        ),
        pytest.param(
            {"forwardedValues": {"headers": UNKNOWN}, "defaultTtl": 60},
            [(CANNOT_TELL, "forwardedValues.headers")],
            id="unknown headers may turn caching off",
        ),
        pytest.param(
            {"forwardedValues": {"headers": [UNKNOWN]}, "defaultTtl": 60},
            [(CANNOT_TELL, "forwardedValues.headers")],
            id="an unknown header may be the asterisk",
        ),
        pytest.param(
            {"forwardedValues": {"headers": UNKNOWN}, "defaultTtl": 0, "maxTtl": 0},
            [],
            id="unknown headers, and the TTLs turn it off",
        ),
        pytest.param(
            {"forwardedValues": {"headers": "*"}, "defaultTtl": 0},
            [(FAIL, "maxTtl")],
            id="text for headers",
        ),
        pytest.param({"forwardedValues": {}}, [(FAIL, "defaultTtl"), (FAIL, "maxTtl")], id="empty"),
        pytest.param(
            {"forwardedValues": UNKNOWN}, [(CANNOT_TELL, "forwardedValues")], id="unknown"
        ),
        pytest.param({"forwardedValues": "*"}, [(FAIL, "forwardedValues")], id="text"),
    ],
)
def test_legacy_settings_have_to_turn_caching_off(
    behavior: Value, expected: list[tuple[Judgement, str]]
) -> None:
    assert judge({"defaultCacheBehavior": behavior}) == [
        (answer, f"defaultCacheBehavior.{path}") for answer, path in expected
    ]


@pytest.mark.parametrize(
    ("ordered", "expected"),
    [
        pytest.param(None, [], id="absent"),
        pytest.param([], [], id="none"),
        pytest.param([{"cachePolicyId": CACHING_DISABLED}], [], id="one that passes"),
        pytest.param(
            [{"cachePolicyId": CACHING_DISABLED}, {}, {"cachePolicyId": OPTIMIZED}],
            [
                (FAIL, "orderedCacheBehaviors[1].cachePolicyId"),
                (FAIL, "orderedCacheBehaviors[2].cachePolicyId"),
            ],
            id="two that do not",
        ),
        pytest.param(UNKNOWN, [(CANNOT_TELL, "orderedCacheBehaviors")], id="unknown list"),
        pytest.param([UNKNOWN], [(CANNOT_TELL, "orderedCacheBehaviors[0]")], id="unknown one"),
        pytest.param([None], [(FAIL, "orderedCacheBehaviors[0]")], id="null"),
        pytest.param("text", [(FAIL, "orderedCacheBehaviors")], id="text for a list"),
        pytest.param(
            {"cachePolicyId": CACHING_DISABLED},
            [(FAIL, "orderedCacheBehaviors")],
            id="an object for a list",
        ),
    ],
)
def test_every_ordered_behaviour_is_judged(
    ordered: Value, expected: list[tuple[Judgement, str]]
) -> None:
    default: Value = {"cachePolicyId": CACHING_DISABLED}
    properties: Value = {"defaultCacheBehavior": default, "orderedCacheBehaviors": ordered}
    assert judge(properties) == expected


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        pytest.param({}, [(FAIL, "defaultCacheBehavior")], id="absent"),
        pytest.param(
            {"defaultCacheBehavior": UNKNOWN}, [(CANNOT_TELL, "defaultCacheBehavior")], id="unknown"
        ),
        pytest.param(
            {"defaultCacheBehavior": CACHING_DISABLED}, [(FAIL, "defaultCacheBehavior")], id="text"
        ),
    ],
)
def test_a_default_behaviour_that_cannot_be_read_is_one_finding(
    properties: Value, expected: list[tuple[Judgement, str]]
) -> None:
    assert judge(properties) == expected


@pytest.mark.parametrize("policy_id", [i for i in MANAGED_CACHE_POLICIES if i != CACHING_DISABLED])
def test_every_other_managed_policy_certainly_caches_and_is_named(policy_id: str) -> None:
    (finding,) = RULE.check(Place("", {"defaultCacheBehavior": {"cachePolicyId": policy_id}}))
    assert finding.answer is FAIL
    assert MANAGED_CACHE_POLICIES[policy_id] in finding.message(RULE.name)


def test_the_message_about_a_custom_policy_names_it_and_the_accepted_one() -> None:
    (finding,) = RULE.check(Place("", {"defaultCacheBehavior": {"cachePolicyId": CUSTOM}}))
    assert finding.message(RULE.name) == (
        f'caching-off cannot tell: defaultCacheBehavior.cachePolicyId is "{CUSTOM}", which is not '
        f'a managed policy of CloudFront; it must be "{CACHING_DISABLED}" (CachingDisabled) or '
        f"that of a policy of this stack with all TTLs 0. Set cachePolicyId to "
        f'"{CACHING_DISABLED}" (CachingDisabled) and leave forwardedValues and the TTLs out.'
    )


def test_the_message_about_both_says_that_one_has_to_go() -> None:
    behavior: Value = {"cachePolicyId": CACHING_DISABLED, "forwardedValues": ALL_HEADERS}
    (finding,) = RULE.check(Place("", {"defaultCacheBehavior": behavior}))
    assert finding.message(RULE.name) == (
        "caching-off: defaultCacheBehavior.forwardedValues is an object; it must be absent beside "
        "a cache policy. CloudFront takes a cache policy or forwardedValues, never both. Leave it "
        "out."
    )
