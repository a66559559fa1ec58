"""`headers-forwarded`, `cookies-forwarded` and `query-strings-forwarded` as tables.

They share the origin request policy and differ in what they read of legacy settings.
"""

import pytest

from policies.cloudfront import (
    ALL_VIEWER,
    ALL_VIEWER_AND_CLOUDFRONT_HEADERS,
    ALL_VIEWER_EXCEPT_HOST_HEADER,
    MANAGED_ORIGIN_REQUEST_POLICIES,
)
from policies.model import UNKNOWN, Judgement, Place, Rule, Value
from policies.rules import cookies_forwarded, headers_forwarded, query_strings_forwarded

FAIL, CANNOT_TELL = Judgement.FAIL, Judgement.CANNOT_TELL
HEADERS, COOKIES = headers_forwarded.RULE, cookies_forwarded.RULE
QUERY_STRINGS = query_strings_forwarded.RULE
CUSTOM = "11111111-2222-3333-4444-555555555555"
MEDIA_TAILOR = "775133bc-15f2-49f9-abea-afb2e0bf67d2"
POLICY = "defaultCacheBehavior.originRequestPolicyId"
VALUES = "defaultCacheBehavior.forwardedValues"
FORWARDS_ALL: Value = {"cookies": {"forward": "all"}, "headers": ["*"], "queryString": True}

all_three = pytest.mark.parametrize(
    "rule", [pytest.param(rule, id=rule.name) for rule in (HEADERS, COOKIES, QUERY_STRINGS)]
)


def judge(rule: Rule, behavior: Value, ordered: Value = None) -> list[tuple[Judgement, str]]:
    place = Place("", {"defaultCacheBehavior": behavior, "orderedCacheBehaviors": ordered})
    return [(finding.answer, finding.path) for finding in rule.check(place)]


@all_three
@pytest.mark.parametrize(
    ("behavior", "expected"),
    [
        pytest.param({"originRequestPolicyId": ALL_VIEWER}, [], id="AllViewer"),
        pytest.param(
            {"originRequestPolicyId": ALL_VIEWER_AND_CLOUDFRONT_HEADERS}, [], id="with CloudFront's"
        ),
        pytest.param({"originRequestPolicyId": CUSTOM}, [(CANNOT_TELL, POLICY)], id="a custom id"),
        pytest.param({"originRequestPolicyId": UNKNOWN}, [(CANNOT_TELL, POLICY)], id="unknown id"),
        pytest.param({"originRequestPolicyId": 5}, [(FAIL, POLICY)], id="a number for an id"),
        pytest.param({"originRequestPolicyId": [ALL_VIEWER]}, [(FAIL, POLICY)], id="a list"),
        pytest.param({}, [(FAIL, POLICY)], id="nothing forwarded"),
        pytest.param({"originRequestPolicyId": ""}, [(FAIL, POLICY)], id="an empty id"),
        pytest.param({"forwardedValues": FORWARDS_ALL}, [], id="legacy"),
        pytest.param(
            {"forwardedValues": FORWARDS_ALL, "originRequestPolicyId": ""}, [], id="as in state"
        ),
        pytest.param(
            {"forwardedValues": FORWARDS_ALL, "originRequestPolicyId": ALL_VIEWER}, [], id="both do"
        ),
        pytest.param(
            {"forwardedValues": FORWARDS_ALL, "originRequestPolicyId": CUSTOM},
            [(CANNOT_TELL, POLICY)],
            id="both, one of them unsure",
        ),
        pytest.param({"forwardedValues": UNKNOWN}, [(CANNOT_TELL, VALUES)], id="unknown legacy"),
        pytest.param({"forwardedValues": "all"}, [(FAIL, VALUES)], id="text for legacy"),
        pytest.param(
            {"forwardedValues": UNKNOWN, "originRequestPolicyId": ALL_VIEWER},
            [(CANNOT_TELL, VALUES)],
            id="perhaps legacy beside a policy",
        ),
        pytest.param(UNKNOWN, [(CANNOT_TELL, "defaultCacheBehavior")], id="unknown behaviour"),
        pytest.param(None, [(FAIL, "defaultCacheBehavior")], id="no behaviour"),
        pytest.param([FORWARDS_ALL], [(FAIL, "defaultCacheBehavior")], id="a list for a behaviour"),
    ],
)
def test_each_rule_wants_all_of_its_part_forwarded(
    rule: Rule, behavior: Value, expected: list[tuple[Judgement, str]]
) -> None:
    assert judge(rule, behavior) == expected


@pytest.mark.parametrize(
    ("policy_id", "rejecting"),
    [
        pytest.param(
            policy_id,
            {
                ALL_VIEWER: [],
                ALL_VIEWER_AND_CLOUDFRONT_HEADERS: [],
                ALL_VIEWER_EXCEPT_HOST_HEADER: [HEADERS.name],
                MEDIA_TAILOR: [HEADERS.name, COOKIES.name],
            }.get(policy_id, [HEADERS.name, COOKIES.name, QUERY_STRINGS.name]),
            id=policy.name,
        )
        for policy_id, policy in MANAGED_ORIGIN_REQUEST_POLICIES.items()
    ],
)
def test_each_managed_policy_fails_the_rules_whose_part_it_drops(
    policy_id: str, rejecting: list[str]
) -> None:
    behavior: Value = {"originRequestPolicyId": policy_id}
    failing = [
        rule.name
        for rule in (HEADERS, COOKIES, QUERY_STRINGS)
        if judge(rule, behavior) == [(FAIL, POLICY)]
    ]
    assert failing == rejecting


@pytest.mark.parametrize(
    ("rule", "change", "expected"),
    [
        pytest.param(HEADERS, {"headers": None}, [(FAIL, "headers")], id="no headers"),
        pytest.param(HEADERS, {"headers": []}, [(FAIL, "headers")], id="empty headers"),
        pytest.param(HEADERS, {"headers": ["Host"]}, [(FAIL, "headers")], id="one header"),
        pytest.param(HEADERS, {"headers": ["*", "Host"]}, [(FAIL, "headers")], id="not alone"),
        pytest.param(HEADERS, {"headers": "*"}, [(FAIL, "headers")], id="text for headers"),
        pytest.param(HEADERS, {"headers": UNKNOWN}, [(CANNOT_TELL, "headers")], id="unknown"),
        pytest.param(HEADERS, {"headers": [UNKNOWN]}, [(CANNOT_TELL, "headers")], id="unknown one"),
        pytest.param(
            HEADERS,
            {"headers": ["Host", UNKNOWN]},
            [(FAIL, "headers")],
            id="certain beside unknown",
        ),
        pytest.param(COOKIES, {"cookies": None}, [(FAIL, "cookies.forward")], id="no cookies"),
        pytest.param(COOKIES, {"cookies": {}}, [(FAIL, "cookies.forward")], id="empty cookies"),
        pytest.param(COOKIES, {"cookies": "all"}, [(FAIL, "cookies.forward")], id="text"),
        pytest.param(
            COOKIES, {"cookies": UNKNOWN}, [(CANNOT_TELL, "cookies")], id="unknown object"
        ),
        pytest.param(
            COOKIES, {"cookies": {"forward": "none"}}, [(FAIL, "cookies.forward")], id="none"
        ),
        pytest.param(
            COOKIES,
            {"cookies": {"forward": "whitelist", "whitelistedNames": ["session"]}},
            [(FAIL, "cookies.forward")],
            id="some cookies",
        ),
        pytest.param(
            COOKIES,
            {"cookies": {"forward": UNKNOWN}},
            [(CANNOT_TELL, "cookies.forward")],
            id="unknown choice",
        ),
        pytest.param(QUERY_STRINGS, {"queryString": False}, [(FAIL, "queryString")], id="off"),
        pytest.param(QUERY_STRINGS, {"queryString": None}, [(FAIL, "queryString")], id="absent"),
        pytest.param(QUERY_STRINGS, {"queryString": "true"}, [(FAIL, "queryString")], id="text on"),
        pytest.param(
            QUERY_STRINGS, {"queryString": UNKNOWN}, [(CANNOT_TELL, "queryString")], id="unknown on"
        ),
        pytest.param(
            QUERY_STRINGS,
            {"queryStringCacheKeys": ["page"]},
            [],
            id="cache keys narrow the cache key, not what is forwarded",
        ),
    ],
)
def test_legacy_settings_have_to_forward_all_of_the_part(
    rule: Rule, change: dict[str, Value], expected: list[tuple[Judgement, str]]
) -> None:
    assert isinstance(FORWARDS_ALL, dict)
    behavior: Value = {"forwardedValues": {**FORWARDS_ALL, **change}}
    assert judge(rule, behavior) == [(answer, f"{VALUES}.{path}") for answer, path in expected]


@all_three
def test_every_ordered_behaviour_is_judged(rule: Rule) -> None:
    passing: Value = {"originRequestPolicyId": ALL_VIEWER}
    assert judge(rule, passing, [passing, {}, UNKNOWN]) == [
        (FAIL, "orderedCacheBehaviors[1].originRequestPolicyId"),
        (CANNOT_TELL, "orderedCacheBehaviors[2]"),
    ]


def test_the_message_about_the_policy_that_drops_host_says_what_it_breaks() -> None:
    behavior: Value = {"originRequestPolicyId": ALL_VIEWER_EXCEPT_HOST_HEADER}
    (finding,) = HEADERS.check(Place("", {"defaultCacheBehavior": behavior}))
    assert finding.message(HEADERS.name) == (
        f'headers-forwarded: {POLICY} is "{ALL_VIEWER_EXCEPT_HOST_HEADER}" '
        f"(AllViewerExceptHostHeader), which does not forward all headers; it must be "
        f'"{ALL_VIEWER}" (AllViewer) or "{ALL_VIEWER_AND_CLOUDFRONT_HEADERS}" '
        f'(AllViewerAndCloudFrontHeaders-2022-06). Set originRequestPolicyId to "{ALL_VIEWER}" '
        f"(AllViewer): this policy replaces the client's Host header with the origin's own name, "
        f"which breaks an API that serves by name or builds links from it."
    )


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        pytest.param(
            COOKIES,
            f'cookies-forwarded cannot tell: {POLICY} is "{CUSTOM}", which is not a managed policy '
            f'of CloudFront; it must be "{ALL_VIEWER}" (AllViewer), '
            f'"{ALL_VIEWER_AND_CLOUDFRONT_HEADERS}" (AllViewerAndCloudFrontHeaders-2022-06) or '
            f'"{ALL_VIEWER_EXCEPT_HOST_HEADER}" (AllViewerExceptHostHeader). Set '
            f'originRequestPolicyId to "{ALL_VIEWER}" (AllViewer): without it CloudFront removes '
            f"cookies that the client sent.",
            id="cookies",
        ),
        pytest.param(
            QUERY_STRINGS,
            f'query-strings-forwarded cannot tell: {POLICY} is "{CUSTOM}", which is not a managed '
            f'policy of CloudFront; it must be "{ALL_VIEWER}" (AllViewer), '
            f'"{ALL_VIEWER_AND_CLOUDFRONT_HEADERS}" (AllViewerAndCloudFrontHeaders-2022-06), '
            f'"{ALL_VIEWER_EXCEPT_HOST_HEADER}" (AllViewerExceptHostHeader) or "{MEDIA_TAILOR}" '
            f"(Elemental-MediaTailor-PersonalizedManifests). Set originRequestPolicyId to "
            f'"{ALL_VIEWER}" (AllViewer): without it CloudFront removes query strings that the '
            f"client sent.",
            id="query strings",
        ),
    ],
)
def test_the_message_about_a_custom_policy_names_the_accepted_ones(
    rule: Rule, message: str
) -> None:
    behavior: Value = {"originRequestPolicyId": CUSTOM}
    (finding,) = rule.check(Place("", {"defaultCacheBehavior": behavior}))
    assert finding.message(rule.name) == message


@pytest.mark.parametrize(
    ("rule", "values", "message"),
    [
        pytest.param(
            HEADERS,
            {"headers": ["Host"]},
            f'headers-forwarded: {VALUES}.headers is ["Host"]; it must be ["*"]. Set it to ["*"].',
            id="headers",
        ),
        pytest.param(
            COOKIES,
            {"cookies": {"forward": "none"}},
            f'cookies-forwarded: {VALUES}.cookies.forward is "none"; it must be "all". Set it to '
            f'"all".',
            id="cookies",
        ),
        pytest.param(
            QUERY_STRINGS,
            {"queryString": False},
            f"query-strings-forwarded: {VALUES}.queryString is false; it must be true. Set it to "
            f"true.",
            id="query strings",
        ),
    ],
)
def test_the_message_about_legacy_settings_says_what_to_set(
    rule: Rule, values: Value, message: str
) -> None:
    place = Place("", {"defaultCacheBehavior": {"forwardedValues": values}})
    assert [finding.message(rule.name) for finding in rule.check(place)] == [message]
