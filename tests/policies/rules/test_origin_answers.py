"""`origin-answers`: each property of a distribution, against the list of the AWS provider's SDK."""

import inspect
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, cast

import pulumi_aws.cloudfront._inputs as inputs
import pytest
from pulumi_aws.cloudfront import distribution as sdk

from policies.model import UNKNOWN, Judgement, Place, Value
from policies.pass_through import BEHAVIOR, DISTRIBUTION_PROPERTIES, Treatment, is_empty
from policies.rules.origin_answers import RULE

FAIL, CANNOT_TELL, ADVISE = Judgement.FAIL, Judgement.CANNOT_TELL, Judgement.ADVISE
Make = Callable[[], dict[str, Value]]
BEHAVIORS = ("defaultCacheBehavior", "orderedCacheBehaviors")
TABLE: dict[str, Treatment] = {
    **DISTRIBUTION_PROPERTIES,
    **{f"{name}.{key}": own for name in BEHAVIORS for key, own in BEHAVIOR.items()},
}


def camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.title() for part in tail)


def parameters(source: str) -> Iterator[tuple[str, str]]:
    for name, annotation in re.findall(r"^\s+(\w+): (.*pulumi\.Input.*)$", source, re.MULTILINE):
        yield camel(name), annotation


@cache
def declarations() -> dict[str, str]:
    """Return the source of each class; `inspect` would parse the whole module for each of them."""
    parts = re.split(r"^ *class (\w+).*:$", inspect.getsource(inputs), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def paths(source: str, prefix: str = "") -> Iterator[str]:
    """Yield the properties that a class of the SDK declares, and those of the classes in them."""
    for name, annotation in parameters(source):
        yield prefix + name
        inner = re.search(r"'(\w+Args)(?:Dict)?'", annotation)
        if inner:
            yield from paths(declarations()[f"{inner[1]}Dict"], f"{prefix}{name}.")


def sdk_paths() -> set[str]:
    """Return every property of a distribution that the SDK knows, what AWS says of it included."""
    made = paths(inspect.getsource(sdk.DistributionArgs.__init__))
    state: Any = vars(sdk)["_DistributionState"]
    return {*made, *paths(inspect.getsource(state.__init__))}


def below_a_whole(path: str) -> bool:
    """Say whether a property is in one that is judged as a whole, as one that has to be absent."""
    steps = path.split(".")
    above = (".".join(steps[:count]) for count in range(1, len(steps)))
    return any(one in TABLE and TABLE[one].whole for one in above if one not in BEHAVIORS)


def test_every_property_that_the_sdk_knows_is_judged_and_no_other() -> None:
    properties = sdk_paths()
    assert {"defaultCacheBehavior.compress", "origins.customOriginConfig.httpPort"} <= properties
    assert {path for path in properties if path not in TABLE and not below_a_whole(path)} == set()
    assert set(TABLE) - properties == {"id", "defaultCacheBehavior.pathPattern"}


def test_whatever_is_harmless_says_why() -> None:
    assert all(treatment.why for treatment in TABLE.values())


def changed(properties: dict[str, Value], path: str, value: Value) -> dict[str, Value]:
    """Return a distribution with a value at a path; of a list, in its first element."""
    at: Any = properties
    *steps, last = path.split(".")
    for step in steps:
        inner: Any = at.setdefault(step, {})
        at = cast("list[Any]", inner)[0] if isinstance(inner, list) else inner
    at[last] = value
    return properties


def verdict(properties: Value) -> list[tuple[Judgement, str]]:
    return [(finding.answer, finding.path) for finding in RULE.check(Place("", properties))]


FUNCTION: Value = [{"eventType": "viewer-request", "functionArn": "arn:aws:cloudfront::1:f/x"}]


@pytest.mark.parametrize(
    ("path", "value", "answer"),
    [
        pytest.param(path, value, answer, id=f"{path} {name}")
        for path, name, value, answer in [
            ("defaultRootObject", "set", "index.html", FAIL),
            ("restrictions.geoRestriction.restrictionType", "blacklist", "blacklist", FAIL),
            ("restrictions.geoRestriction.restrictionType", "whitelist", "whitelist", FAIL),
            ("restrictions.geoRestriction.restrictionType", "none", "none", None),
            ("defaultCacheBehavior.trustedKeyGroups", "one", ["k"], FAIL),
            ("defaultCacheBehavior.trustedSigners", "self", ["self"], FAIL),
            ("defaultCacheBehavior.trustedKeyGroups", "none", [], None),
            ("orderedCacheBehaviors.trustedKeyGroups", "one", ["k"], FAIL),
            ("origins.originPath", "set", "/v2", FAIL),
            ("origins.originPath", "as in state", "", None),
            ("defaultCacheBehavior.fieldLevelEncryptionId", "set", "E1", FAIL),
            ("defaultCacheBehavior.responseHeadersPolicyId", "set", "67f7725c", FAIL),
            ("defaultCacheBehavior.functionAssociations", "one", FUNCTION, FAIL),
            ("defaultCacheBehavior.lambdaFunctionAssociations", "one", [{"x": "y"}], FAIL),
            ("defaultCacheBehavior.functionAssociations", "none", [], None),
            ("originGroups", "one", [{"originId": "both"}], FAIL),
            ("originGroups", "none", [], None),
            ("continuousDeploymentPolicyId", "set", "c-1", FAIL),
            ("continuousDeploymentPolicyId", "as in state", "", None),
            ("staging", "on", True, FAIL),
            ("staging", "off", False, None),
            ("enabled", "off", False, FAIL),
            ("enabled", "unknown", UNKNOWN, CANNOT_TELL),
            ("viewerMtlsConfig", "set", {"mode": "required"}, FAIL),
            ("connectionFunctionAssociation", "set", {"id": "x"}, FAIL),
            ("origins.originAccessControlId", "set", "E2", FAIL),
            ("origins.s3OriginConfig", "set", {"originAccessIdentity": "x"}, FAIL),
            ("origins.domainName", "a bucket", "b.s3.eu-west-1.amazonaws.com", FAIL),
            ("origins.domainName", "an old bucket", "b.s3.amazonaws.com", FAIL),
            ("origins.domainName", "a bucket's site", "b.s3-website-us-east-1.amazonaws.com", FAIL),
            ("origins.domainName", "in China", "b.s3.cn-north-1.amazonaws.com.cn", FAIL),
            ("origins.domainName", "a name like one", "s3.example.com", None),
            ("origins.domainName", "unknown", UNKNOWN, None),
            ("origins.customOriginConfig.originReadTimeout", "1", 1.0, FAIL),
            ("origins.customOriginConfig.originReadTimeout", "29", 29.0, FAIL),
            ("origins.customOriginConfig.originReadTimeout", "30", 30.0, None),
            ("origins.customOriginConfig.originReadTimeout", "0, as in state", 0.0, None),
            ("origins.customOriginConfig.originReadTimeout", "text", "5", FAIL),
            ("origins.customOriginConfig.originReadTimeout", "unknown", UNKNOWN, CANNOT_TELL),
            ("origins.vpcOriginConfig.originReadTimeout", "5", 5.0, FAIL),
            ("origins.responseCompletionTimeout", "60", 60.0, FAIL),
            ("origins.responseCompletionTimeout", "0, as in state", 0.0, None),
            ("origins.connectionTimeout", "1", 1.0, ADVISE),
            ("origins.connectionTimeout", "10", 10.0, None),
            ("origins.originShield", "on", {"enabled": True, "originShieldRegion": "x"}, ADVISE),
            ("origins.originShield", "off", {"enabled": False}, None),
            ("defaultCacheBehavior.compress", "on", True, ADVISE),
            ("defaultCacheBehavior.compress", "off", False, None),
            ("defaultCacheBehavior.compress", "unknown", UNKNOWN, ADVISE),
            ("defaultCacheBehavior.smoothStreaming", "on", True, ADVISE),
            ("defaultCacheBehavior.grpcConfig", "on", {"enabled": True}, ADVISE),
            ("anycastIpListId", "set", "aip", ADVISE),
            ("cacheTagConfig", "set", {"headerName": "x"}, ADVISE),
            ("webAclId", "set", "arn:aws:wafv2:us-east-1:1:global/webacl/x/1", None),
            ("defaultCacheBehavior.viewerProtocolPolicy", "redirects", "redirect-to-https", FAIL),
            ("defaultCacheBehavior.viewerProtocolPolicy", "https", "https-only", None),
            ("somethingNew", "set", "x", ADVISE),
            ("origins.somethingNew", "set", {"enabled": True}, ADVISE),
            ("defaultCacheBehavior.somethingNew", "set", [1], ADVISE),
            ("somethingNew", "off", False, None),
            ("__defaults", "as in state", ["x"], None),
        ]
    ],
)
def test_what_is_set_is_harmless_or_found_or_named(
    path: str, value: Value, answer: Judgement | None, compliant: Make
) -> None:
    judged = verdict(changed(compliant(), path, value))
    assert [one for one, _ in judged] == ([] if answer is None else [answer])
    assert all(re.sub(r"\[\d\]", "", at) == path for _, at in judged)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        pytest.param("X-Origin-Secret", None, id="ours"),
        pytest.param("Authorization", FAIL, id="the client's"),
        pytest.param("x-forwarded-proto", FAIL, id="a proxy's"),
        pytest.param("Accept-Language", FAIL, id="a negotiation's"),
        pytest.param("Sec-Fetch-Mode", FAIL, id="a browser's"),
        pytest.param("X-Verify-Origin", ADVISE, id="one that nobody knows"),
        pytest.param(UNKNOWN, CANNOT_TELL, id="one that is not known"),
    ],
)
def test_a_header_that_clients_send_is_not_overwritten(
    name: Value, answer: Judgement | None, compliant: Make
) -> None:
    judged = verdict(changed(compliant(), "origins.customHeaders.name", name))
    assert judged == ([] if answer is None else [(answer, "origins[0].customHeaders[0].name")])


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("origins", [(CANNOT_TELL, "origins")], id="origins"),
        pytest.param("restrictions", [(CANNOT_TELL, "restrictions")], id="restrictions"),
        pytest.param("originGroups", [(CANNOT_TELL, "originGroups")], id="groups"),
        pytest.param("customErrorResponses", [], id="errors, which another rule says"),
        pytest.param("viewerCertificate", [], id="a certificate, which decides nothing here"),
        pytest.param("tags", [], id="notes"),
    ],
)
def test_what_is_not_known_passes_only_where_nothing_in_it_matters(
    path: str, expected: Value, compliant: Make
) -> None:
    assert verdict(changed(compliant(), path, UNKNOWN)) == expected


def test_errors_keep_their_body_and_status(compliant: Make) -> None:
    page: Value = [{"errorCode": 404, "responsePagePath": "/x", "responseCode": 200}]
    assert verdict(changed(compliant(), "customErrorResponses", page)) == [
        (FAIL, "customErrorResponses[0].responsePagePath"),
        (FAIL, "customErrorResponses[0].responseCode"),
    ]


@pytest.mark.parametrize("value", [None, "", False, 0, 0.0, [], {}, [{"enabled": False}]])
def test_what_state_writes_for_nothing_is_nothing(value: Value) -> None:
    assert is_empty(value)


def test_the_messages_say_what_a_property_does(compliant: Make) -> None:
    properties = changed(compliant(), "origins.originPath", "/v2")
    properties = changed(properties, "origins.customOriginConfig.originReadTimeout", 1.0)
    properties = changed(properties, "defaultCacheBehavior.compress", value=True)
    said = [finding.message("origin-answers") for finding in RULE.check(Place("", properties))]
    assert said == [
        (
            "origin-answers: origins[0].customOriginConfig.originReadTimeout is 1; it must be 30 "
            "seconds or more. Set it to 30 or more: what takes the API longer is answered with 504."
        ),
        (
            'origin-answers: origins[0].originPath is "/v2"; it must be absent. Leave it out: the '
            "API gets other paths than the client sent."
        ),
        (
            "origin-answers: defaultCacheBehavior.compress is true; it may be absent as well. No "
            "rule judges it: CloudFront compresses what a cache policy allows; with "
            "CachingDisabled it does not."
        ),
    ]
