"""Cache and origin request policies that a stack makes itself, by id and by dependency."""

from collections.abc import Callable

import pytest

from policies.cloudfront import PolicyIds
from policies.model import UNKNOWN, Finding, Judgement, Resource, Value
from policies.rules import (
    caching_off,
    cookies_forwarded,
    headers_forwarded,
    query_strings_forwarded,
)

FAIL, CANNOT_TELL = Judgement.FAIL, Judgement.CANNOT_TELL
Make = Callable[..., Resource]
Judge = Callable[..., list[Finding]]
CACHE = "aws:cloudfront/cachePolicy:CachePolicy"
REQUESTS = "aws:cloudfront/originRequestPolicy:OriginRequestPolicy"
DISTRIBUTION = "aws:cloudfront/distribution:Distribution"
EXCEPT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"


def distribution(make: Make, key: str, value: Value, *sources: Resource) -> Resource:
    properties: Value = {"defaultCacheBehavior": {key: value}}
    return make(DISTRIBUTION, "cdn", properties, {"defaultCacheBehavior": list(sources)})


OFF: dict[str, Value] = {"minTtl": 0, "defaultTtl": 0.0, "maxTtl": 0}


@pytest.mark.parametrize(
    "is_known", [pytest.param(True, id="by id"), pytest.param(False, id="unknown id")]
)
@pytest.mark.parametrize(
    ("ttls", "answers"),
    [
        pytest.param(OFF, [], id="all 0"),
        pytest.param({"defaultTtl": 0, "maxTtl": 0}, [], id="the minimum is 0 by default"),
        pytest.param({"minTtl": 0, "maxTtl": 0}, [FAIL], id="the default is a day by default"),
        pytest.param({"minTtl": 0, "defaultTtl": 0}, [FAIL], id="the maximum is a year by default"),
        pytest.param({**OFF, "maxTtl": 1}, [FAIL], id="a second"),
        pytest.param({**OFF, "maxTtl": UNKNOWN}, [CANNOT_TELL], id="a TTL not known"),
        pytest.param({**OFF, "minTtl": 5, "maxTtl": UNKNOWN}, [FAIL], id="certain beside unknown"),
        pytest.param({**OFF, "maxTtl": "0"}, [FAIL], id="text"),
    ],
)
def test_a_cache_policy_of_the_stack_is_judged_by_its_ttls(
    is_known: bool, ttls: dict[str, Value], answers: list[Judgement], make: Make, judge: Judge
) -> None:
    policy = make(CACHE, "policy", {**ttls, "id": "p-1" if is_known else UNKNOWN})
    sources = [] if is_known else [policy]
    cdn = distribution(make, "cachePolicyId", "p-1" if is_known else UNKNOWN, *sources)
    findings = judge(caching_off.RULE, cdn, policy)
    assert [finding.answer for finding in findings] == answers


def test_the_message_names_the_policy_and_its_ttls(make: Make, judge: Judge) -> None:
    policy = make(CACHE, "policy", {"minTtl": 0, "maxTtl": 60})
    (finding,) = judge(
        caching_off.RULE, distribution(make, "cachePolicyId", UNKNOWN, policy), policy
    )
    assert finding.value == (
        'that of "policy" in this stack, whose defaultTtl is absent, which means 86,400 seconds '
        "and maxTtl is 60"
    )


@pytest.mark.parametrize(
    ("first", "second", "answers"),
    [
        pytest.param(0, 0, [], id="both off"),
        pytest.param(60, 60, [FAIL], id="both cache"),
        pytest.param(0, 60, [CANNOT_TELL], id="one of them caches"),
    ],
)
def test_of_several_policies_that_it_may_be_all_have_to_pass(
    first: int, second: int, answers: list[Judgement], make: Make, judge: Judge
) -> None:
    policies = [
        make(CACHE, name, {**OFF, "maxTtl": ttl}) for name, ttl in (("a", first), ("b", second))
    ]
    cdn = distribution(make, "cachePolicyId", UNKNOWN, *policies)
    findings = judge(caching_off.RULE, cdn, *policies)
    assert [finding.answer for finding in findings] == answers


def test_a_value_that_may_come_from_another_stack_is_not_taken_for_a_policy_of_this_one(
    make: Make, judge: Judge
) -> None:
    policy = make(CACHE, "policy", OFF)
    elsewhere = make("pulumi:pulumi:StackReference", "network", {})
    cdn = distribution(make, "cachePolicyId", UNKNOWN, policy, elsewhere)
    (finding,) = judge(caching_off.RULE, cdn, policy, elsewhere)
    assert finding.answer is CANNOT_TELL


def test_an_id_that_no_policy_of_the_stack_has_is_not_judged(make: Make, judge: Judge) -> None:
    policy = make(CACHE, "policy", {**OFF, "id": "p-1"})
    (finding,) = judge(caching_off.RULE, distribution(make, "cachePolicyId", "p-2"), policy)
    assert finding.answer is CANNOT_TELL


def test_ids_that_somebody_has_read_can_be_accepted(make: Make, judge: Judge) -> None:
    options = PolicyIds.model_validate({"acceptedPolicyIds": ["p-2"]})
    cdn = distribution(make, "cachePolicyId", "p-2")
    assert judge(caching_off.RULE, cdn, options=options) == []


@pytest.mark.parametrize(
    ("headers", "cookies", "failing"),
    [
        pytest.param("allViewer", "all", set[str](), id="everything"),
        pytest.param("allViewerAndWhitelistCloudFront", "all", set[str](), id="and more"),
        pytest.param("allExcept", "all", {"headers-forwarded"}, id="all headers but some"),
        pytest.param("allViewer", "whitelist", {"cookies-forwarded"}, id="some cookies"),
        pytest.param("none", "none", {"headers-forwarded", "cookies-forwarded"}, id="nothing"),
    ],
)
def test_an_origin_request_policy_of_the_stack_is_judged_by_its_behaviours(
    headers: str, cookies: str, failing: set[str], make: Make, judge: Judge
) -> None:
    properties: Value = {
        "headersConfig": {"headerBehavior": headers},
        "cookiesConfig": {"cookieBehavior": cookies},
    }
    policy = make(REQUESTS, "requests", properties)
    cdn = distribution(make, "originRequestPolicyId", UNKNOWN, policy)
    rules = (headers_forwarded.RULE, cookies_forwarded.RULE)
    answers_by_rule = {
        rule.name: [one.answer for one in judge(rule, cdn, policy)] for rule in rules
    }
    assert answers_by_rule == {rule.name: [FAIL] if rule.name in failing else [] for rule in rules}


def test_the_policy_that_drops_host_can_be_allowed(make: Make, judge: Judge) -> None:
    cdn = distribution(make, "originRequestPolicyId", EXCEPT_HOST)
    assert [one.answer for one in judge(headers_forwarded.RULE, cdn)] == [FAIL]
    options = PolicyIds.model_validate({"acceptedPolicyIds": [EXCEPT_HOST]})
    assert judge(headers_forwarded.RULE, cdn, options=options) == []


KEY = "parametersInCacheKeyAndForwardedToOrigin"
FORWARDING = (cookies_forwarded.RULE, query_strings_forwarded.RULE, headers_forwarded.RULE)


@pytest.mark.parametrize(
    ("parameters", "answers"),
    [
        pytest.param(
            {
                "cookiesConfig": {"cookieBehavior": "all"},
                "queryStringsConfig": {"queryStringBehavior": "all"},
            },
            [None, None, FAIL],
            id="all cookies and query strings",
        ),
        pytest.param(
            {"cookiesConfig": {"cookieBehavior": "all"}}, [None, FAIL, FAIL], id="cookies"
        ),
        pytest.param(
            {"queryStringsConfig": {"queryStringBehavior": "whitelist"}},
            [FAIL, FAIL, FAIL],
            id="some query strings",
        ),
        pytest.param(
            {"cookiesConfig": {"cookieBehavior": UNKNOWN}}, [CANNOT_TELL, FAIL, FAIL], id="unknown"
        ),
        pytest.param(UNKNOWN, [CANNOT_TELL, CANNOT_TELL, FAIL], id="all unknown"),
    ],
)
def test_what_is_in_the_key_of_a_cache_policy_is_forwarded(
    parameters: Value, answers: list[Judgement | None], make: Make, judge: Judge
) -> None:
    policy = make(CACHE, "policy", {"id": UNKNOWN, KEY: parameters})
    cdn = distribution(make, "cachePolicyId", UNKNOWN, policy)
    for rule, answer in zip(FORWARDING, answers, strict=True):
        judged = [finding.answer for finding in judge(rule, cdn, policy)]
        assert judged == ([] if answer is None else [answer])


@pytest.mark.parametrize(
    ("policy_id", "answers"),
    [
        pytest.param("2e54312d-136d-493c-8eb9-b001f22f67d2", [None, None, FAIL], id="Amplify"),
        pytest.param("83da9c7e-98b4-4e11-a168-04f0df8e2c65", [None, FAIL, FAIL], id="cookies"),
        pytest.param("658327ea-f89d-4fab-a63d-7e88639e58f6", [FAIL] * 3, id="CachingOptimized"),
        pytest.param("4135ea2d-6df8-44a3-9df3-4b5a84be39ad", [FAIL] * 3, id="CachingDisabled"),
        pytest.param("somebody's", [CANNOT_TELL, CANNOT_TELL, FAIL], id="one that nobody knows"),
    ],
)
def test_managed_cache_policies_forward_what_is_in_their_keys(
    policy_id: str, answers: list[Judgement | None], make: Make, judge: Judge
) -> None:
    cdn = distribution(make, "cachePolicyId", policy_id)
    for rule, answer in zip(FORWARDING, answers, strict=True):
        judged = [finding.answer for finding in judge(rule, cdn)]
        assert judged == ([] if answer is None else [answer])
