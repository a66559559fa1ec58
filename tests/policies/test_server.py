"""The server's own decisions: levels, later and now, exemptions, scope, repairs, crashes."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from typing import Any, cast

import grpc
import pytest
from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct
from hypothesis import given
from hypothesis import strategies as st
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc
from pulumi_policy.proxy import UNKNOWN_ARRAY_VALUE, UNKNOWN_STRING_VALUE

from policies.cloudfront import ALL_VIEWER, CACHING_DISABLED
from policies.model import Finding, Pack, Place, Rule, Value
from policies.rules import DUAL_STACK
from policies.rules.methods_allowed import METHODS
from policies.server import PackServer, start
from support.waiting import PATIENCE_SECONDS

DISTRIBUTION = "aws:cloudfront/distribution:Distribution"
CACHE = "aws:cloudfront/cachePolicy:CachePolicy"
TODAY = date(2026, 6, 15)
MANDATORY, ADVISORY = analyzer_pb2.MANDATORY, analyzer_pb2.ADVISORY
REMEDIATE, DISABLED = analyzer_pb2.REMEDIATE, analyzer_pb2.DISABLED
Compliant = Callable[[], dict[str, Value]]


class NoContext:
    """Stands in for a call's context, of which only `abort` is used; it raises what it is told."""

    def abort(self, code: grpc.StatusCode, details: str) -> None:
        raise ValueError(f"{code.name}: {details}")


CONTEXT: Any = NoContext()


def struct(properties: Any) -> Struct:
    made = Struct()
    made.update(properties)
    return made


def server(settings: dict[str, Any] | None = None, pack: Pack = DUAL_STACK) -> PackServer:
    """Make a server with these levels and options."""
    made = PackServer(pack, today=lambda: TODAY)
    request = analyzer_pb2.ConfigureAnalyzerRequest()
    for name, setting in (settings or {}).items():
        both = isinstance(setting, tuple)
        level, options = cast("tuple[Any, dict[str, Any]]", setting if both else (setting, {}))
        request.policyConfig[name].enforcementLevel = level
        request.policyConfig[name].properties.update(options)
    made.Configure(request, CONTEXT)
    return made


def request_of(properties: Any, kind: str = DISTRIBUTION) -> analyzer_pb2.AnalyzeRequest:
    urn = f"urn:pulumi:dev::p::{kind}::edge"
    return analyzer_pb2.AnalyzeRequest(
        type=kind, urn=urn, name="edge", properties=struct(properties)
    )


def violations(response: Any) -> list[tuple[str, Any]]:
    return [(one.policyName, one.enforcementLevel) for one in response.diagnostics]


def rule_of(check: Callable[[Place], Iterator[Finding]]) -> Pack:
    text = "A demand.\n\nA reason.\n\nSource: somebody."
    rule = Rule(
        "some-rule", text, "https://example.com", "low", "Mend it.", frozenset({"t"}), check
    )

    def turned_on(place: Place) -> Iterator[Finding]:
        yield from place.get("on").must_be(value=True, fix="Turn it on.")

    after = replace(rule, name="next-rule", check=turned_on)
    return Pack("some-pack", "mandatory", "Some.", (rule, after))


def test_a_rule_that_crashes_is_a_violation_that_keeps_what_it_found_and_stops_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def check(place: Place) -> Iterator[Finding]:
        yield from place.get("on").must_be(value=True, fix="Turn it on.")
        raise KeyError("lost")

    with caplog.at_level(logging.ERROR):
        response = server(pack=rule_of(check)).Analyze(request_of({"on": False}, "t"), CONTEXT)
    assert violations(response) == [
        ("some-rule", MANDATORY),
        ("next-rule", MANDATORY),
        ("some-rule", MANDATORY),
    ]
    assert response.diagnostics[2].message == (
        "A demand.\nsome-rule cannot tell: edge is not judged to its end, because the rule stopped "
        "with KeyError: 'lost'; a rule must answer for any resource. Report it with the stack "
        "trace in the log, as a fault of the policy pack."
    )
    assert "Traceback" in caplog.text


def test_advice_is_a_note_whatever_the_level_and_a_violation_beside_it_is_none() -> None:
    def check(place: Place) -> Iterator[Finding]:
        yield place.get("on").advice("off as well", "Mind it.")
        yield from place.get("on").must_be(value=False, fix="Turn it off.")

    judged = server(pack=rule_of(check))
    response = judged.Analyze(request_of({"on": True}, "t"), CONTEXT)
    assert violations(response) == [("some-rule", MANDATORY), ("some-rule", ADVISORY)]
    assert response.diagnostics[1].message.endswith(
        "some-rule: on is true; it may be off as well. Mind it."
    )


def test_a_pack_that_is_configured_twice_says_everything_once(compliant: Compliant) -> None:
    judged = server()
    request = request_of({**compliant(), "isIpv6Enabled": False})
    once = [("ipv6-enabled", MANDATORY)]
    assert [violations(judged.Analyze(request, CONTEXT)) for _ in range(2)] == [once, once]
    judged.Configure(analyzer_pb2.ConfigureAnalyzerRequest(), CONTEXT)
    assert [violations(judged.Analyze(request, CONTEXT)) for _ in range(2)] == [once, []]
    judged.ConfigureStack(analyzer_pb2.AnalyzerStackConfigureRequest(dry_run=False), CONTEXT)
    assert [violations(judged.Analyze(request, CONTEXT)) for _ in range(2)] == [once, once]


def test_levels_are_by_rule(compliant: Compliant) -> None:
    broken = {**compliant(), "isIpv6Enabled": False, "defaultRootObject": "x"}
    judged = server({"ipv6-enabled": ADVISORY, "origin-answers": DISABLED})
    assert violations(judged.Analyze(request_of(broken), CONTEXT)) == [("ipv6-enabled", ADVISORY)]


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        pytest.param(None, [("unknowns", MANDATORY)], id="the pack's own"),
        pytest.param(ADVISORY, [("unknowns", ADVISORY)], id="advisory"),
        pytest.param(REMEDIATE, [("unknowns", MANDATORY)], id="remediate"),
        pytest.param(DISABLED, [], id="disabled"),
    ],
)
def test_what_is_unclear_has_a_level_of_its_own(
    level: Any, expected: list[tuple[str, Any]], compliant: Compliant
) -> None:
    judged = server({} if level is None else {"unknowns": level})
    properties = {**compliant(), "isIpv6Enabled": UNKNOWN_STRING_VALUE}
    assert violations(judged.Analyze(request_of(properties), CONTEXT)) == expected


def whole(
    distribution: dict[str, Value], policy: dict[str, Value]
) -> analyzer_pb2.AnalyzeStackRequest:
    """Return a stack of a distribution and the cache policy that it depends on."""
    resources = [
        analyzer_pb2.AnalyzerResource(
            type=kind, urn=f"urn:pulumi:dev::p::{kind}::edge", name="edge", properties=struct(it)
        )
        for kind, it in ((DISTRIBUTION, distribution), (CACHE, policy))
    ]
    resources[0].propertyDependencies["defaultCacheBehavior"].urns.append(resources[1].urn)
    return analyzer_pb2.AnalyzeStackRequest(resources=resources)


def own_policy(properties: dict[str, Value]) -> dict[str, Value]:
    behavior = properties["defaultCacheBehavior"]
    assert isinstance(behavior, dict)
    behavior["cachePolicyId"] = UNKNOWN_STRING_VALUE
    return properties


@pytest.mark.parametrize(
    ("ttl", "expected"),
    [pytest.param(0, [], id="off"), pytest.param(9, [("caching-off", MANDATORY)], id="caches")],
)
@pytest.mark.parametrize(
    "preview", [pytest.param(True, id="preview"), pytest.param(False, id="up")]
)
def test_what_cannot_be_told_alone_is_told_with_the_stack(
    ttl: int, expected: list[tuple[str, Any]], preview: bool, compliant: Compliant
) -> None:
    judged = server()
    judged.ConfigureStack(analyzer_pb2.AnalyzerStackConfigureRequest(dry_run=preview), CONTEXT)
    policy: dict[str, Value] = {"minTtl": 0, "defaultTtl": 0, "maxTtl": ttl}
    properties = own_policy(compliant())
    assert violations(judged.Analyze(request_of(policy, CACHE), CONTEXT)) == []
    assert violations(judged.Analyze(request_of(properties), CONTEXT)) == []
    assert violations(judged.AnalyzeStack(whole(properties, policy), CONTEXT)) == expected


def test_during_an_update_what_nothing_can_tell_later_is_said_before_the_resource_is_made(
    compliant: Compliant,
) -> None:
    response = server().Analyze(request_of(own_policy(compliant())), CONTEXT)
    assert violations(response) == [("unknowns", MANDATORY)]


def exempting(until: str, resource: str = "ed*") -> dict[str, Any]:
    exemption = {"rule": "ipv6-enabled", "resource": resource, "reason": "Old.", "until": until}
    return {"exceptions": (MANDATORY, {"exemptions": [exemption]})}


@pytest.mark.parametrize(
    ("settings", "expected", "words"),
    [
        pytest.param(
            exempting("2026-06-15"),
            [("exceptions", ADVISORY)],
            'edge is exempt from ipv6-enabled until 2026-06-15 ("Old."). It would say: ipv6',
            id="on its last day",
        ),
        pytest.param(
            exempting("2026-06-14"),
            [("ipv6-enabled", MANDATORY)],
            'The exemption ("Old.") ended on 2026-06-14.',
            id="the day after",
        ),
        pytest.param(
            exempting("2027-01-31", "other"), [("ipv6-enabled", MANDATORY)], "", id="of another"
        ),
        pytest.param(
            exempting("2027-01-31", "urn:*::edge"), [("exceptions", ADVISORY)], "", id="by its URN"
        ),
    ],
)
def test_an_exemption_holds_until_its_day_and_is_always_listed(
    settings: dict[str, Any], expected: list[tuple[str, Any]], words: str, compliant: Compliant
) -> None:
    response = server(settings).Analyze(
        request_of({**compliant(), "isIpv6Enabled": False}), CONTEXT
    )
    assert violations(response) == expected
    assert words in response.diagnostics[0].message


@pytest.mark.parametrize(
    ("scope", "concerned"),
    [
        pytest.param([], True, id="no scope"),
        pytest.param([{"name": "edge"}], True, id="its name"),
        pytest.param([{"name": "*.EXAMPLE.com."}], True, id="an alias, as DNS compares it"),
        pytest.param([{"name": "other"}], False, id="another name"),
        pytest.param([{"name": "other"}, {"tags": {"edge": "dual*"}}], True, id="one of two"),
        pytest.param([{"tags": {"edge": "none"}}], False, id="another value"),
        pytest.param([{"tags": {"owner": "*"}}], False, id="no such tag"),
        pytest.param([{"tags": {"secret": "x"}}], True, id="a tag that is not known"),
        pytest.param([{"name": "edge", "tags": {"owner": "*"}}], False, id="half a selector"),
    ],
)
def test_what_is_outside_the_scope_is_not_judged(
    scope: list[Any], concerned: bool, compliant: Compliant
) -> None:
    properties = {
        **compliant(),
        "isIpv6Enabled": False,
        "tags": {"edge": "dual-stack", "secret": UNKNOWN_STRING_VALUE},
    }
    response = server({"exceptions": (ADVISORY, {"scope": scope})}).Analyze(
        request_of(properties), CONTEXT
    )
    assert violations(response) == ([("ipv6-enabled", MANDATORY)] if concerned else [])
    assert bool(response.not_applicable) is not concerned


def test_every_fault_in_the_settings_is_said_at_once() -> None:
    exemption = {"rule": "nothing", "resource": "", "until": "soon", "why": "x"}
    with pytest.raises(ValueError, match="INVALID_ARGUMENT") as raised:
        server(
            {
                "cache-off": MANDATORY,
                "headers-forwarded": (
                    MANDATORY,
                    {"acceptedPolicyIds": "x", "floor": 1, "aceptedPolicyIds": []},
                ),
                "exceptions": (MANDATORY, {"scope": [{}], "exemptions": [exemption]}),
            }
        )
    text = str(raised.value)
    for fault in (
        "cache-off is set; it must be one of all, ipv6-enabled",
        "Did you mean caching-off? Write `caching-off:` instead of `cache-off:`.",
        'headers-forwarded.acceptedPolicyIds is "x"; it must be a valid list.',
        "headers-forwarded.floor is 1; it must be absent. Remove it: there is no such option.",
        (
            "headers-forwarded.aceptedPolicyIds is []; it must be absent. Did you mean "
            "acceptedPolicyIds? Write `acceptedPolicyIds:` instead of `aceptedPolicyIds:`."
        ),
        "exceptions.scope[0] is an object; it must be an object with name, tags or both.",
        "exceptions.exemptions[0].reason is absent; it must be there.",
        'exceptions.exemptions[0].until is "soon"; it must be a date as 2027-01-31.',
        'exceptions.exemptions[0].why is "x"; it must be absent. Remove it',
    ):
        assert fault in text


def test_a_rule_of_another_pack_cannot_be_exempted_from() -> None:
    exemption = {"rule": "viewer-tls", "resource": "*", "reason": "x", "until": "2027-01-31"}
    with pytest.raises(
        ValueError, match=r'exemptions\[0\].rule is "viewer-tls"; it must be one of ipv6-'
    ):
        server({"exceptions": (ADVISORY, {"exemptions": [exemption]})})


def remediate(judged: PackServer, properties: Any) -> tuple[dict[str, Any], list[str]]:
    """Return the properties as repaired, and the rules that repaired them."""
    response = judged.Remediate(request_of(properties), CONTEXT)
    names = [one.policyName for one in response.remediations]
    last = response.remediations[-1].properties if names else struct(properties)
    return MessageToDict(last), names


REPAIRING = {rule.name: REMEDIATE for rule in DUAL_STACK.rules}


def test_a_broken_distribution_is_repaired_and_then_passes() -> None:
    broken = {
        "comment": "kept",
        "isIpv6Enabled": False,
        "customErrorResponses": [{"errorCode": 404, "errorCachingMinTtl": 300}],
        "defaultCacheBehavior": {
            "allowedMethods": ["GET", "HEAD"],
            "forwardedValues": {"queryString": False, "cookies": {"forward": "none"}},
            "viewerProtocolPolicy": "allow-all",
        },
        "orderedCacheBehaviors": [
            {
                "pathPattern": "/x",
                "cachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6",
                "viewerProtocolPolicy": "allow-all",
            }
        ],
    }
    repaired, names = remediate(server(REPAIRING), broken)
    behavior = {
        "allowedMethods": list(METHODS),
        "cachePolicyId": CACHING_DISABLED,
        "originRequestPolicyId": ALL_VIEWER,
        "viewerProtocolPolicy": "allow-all",
    }
    assert repaired["comment"] == "kept"
    assert repaired["defaultCacheBehavior"] == behavior
    assert repaired["orderedCacheBehaviors"] == [{**behavior, "pathPattern": "/x"}]
    assert "ipv6-enabled" in names
    assert violations(server().Analyze(request_of(repaired), CONTEXT)) == []


def test_what_is_not_known_survives_a_repair(compliant: Compliant) -> None:
    properties: dict[str, Any] = own_policy(compliant())
    properties["isIpv6Enabled"] = False
    properties["customErrorResponses"] = UNKNOWN_ARRAY_VALUE
    properties["defaultCacheBehavior"]["allowedMethods"] = [UNKNOWN_STRING_VALUE, "GET"]
    repaired, names = remediate(server(REPAIRING), properties)
    assert names == ["ipv6-enabled"]
    assert repaired == MessageToDict(struct({**properties, "isIpv6Enabled": True}))


def test_nothing_is_repaired_at_another_level(compliant: Compliant) -> None:
    properties = {**compliant(), "isIpv6Enabled": False}
    assert remediate(server(), properties)[1] == []


def test_what_is_exempt_is_not_repaired(compliant: Compliant) -> None:
    settings = {**REPAIRING, **exempting("2027-01-31")}
    assert remediate(server(settings), {**compliant(), "isIpv6Enabled": False})[1] == []


odd: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.just(UNKNOWN_STRING_VALUE), st.integers(0, 9), st.just([]), st.text("xy")
)


@given(data=st.data())
def test_a_repair_done_twice_is_a_repair_done_once(
    compliant: Compliant, data: st.DataObject
) -> None:
    properties: dict[str, Any] = compliant()
    behavior = properties[data.draw(st.sampled_from(["defaultCacheBehavior"]))]
    for key in data.draw(st.sets(st.sampled_from([*behavior, "forwardedValues"]))):
        behavior[key] = data.draw(odd)
    for key in data.draw(st.sets(st.sampled_from(["isIpv6Enabled", "customErrorResponses"]))):
        properties[key] = data.draw(odd)
    once, _ = remediate(server(REPAIRING), properties)
    twice, _ = remediate(server(REPAIRING), once)
    assert twice == once


def test_a_pack_is_served_on_loopback() -> None:
    running, port = start(DUAL_STACK)
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub: Any = analyzer_pb2_grpc.AnalyzerStub(channel)
            response = stub.Analyze(request_of({}), timeout=PATIENCE_SECONDS)
        assert ("ipv6-enabled", MANDATORY) in violations(response)
    finally:
        running.stop(grace=None)
