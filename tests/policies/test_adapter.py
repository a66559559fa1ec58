"""The adapter against the SDK's own classes: unknowns, secrets, crashes, what a policy carries."""

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_policy import (
    Policy,
    PolicyCustomTimeouts,
    PolicyResourceOptions,
    ResourceValidationArgs,
    Severity,
)
from pulumi_policy.deserialize import (
    SPECIAL_SECRET_SIG,
    SPECIAL_SIG_KEY,
    deserialize_properties,
)
from pulumi_policy.proxy import (
    UNKNOWN_ARCHIVE_VALUE,
    UNKNOWN_ARRAY_VALUE,
    UNKNOWN_ASSET_VALUE,
    UNKNOWN_BOOLEAN_VALUE,
    UNKNOWN_NUMBER_VALUE,
    UNKNOWN_OBJECT_VALUE,
    UNKNOWN_STRING_VALUE,
    unknown_checking_proxy,
)

from policies.adapter import plain, policies_for
from policies.model import UNKNOWN, Finding, Place, Rule, Value
from policies.rules import DUAL_STACK

DISTRIBUTION = "aws:cloudfront/distribution:Distribution"
TEXT = "A demand.\n\nA reason.\n\nSource: somebody."


def wrapped(properties: dict[str, Any]) -> Mapping[str, Any]:
    """Wrap properties from the wire as the SDK does before it calls a policy."""
    return unknown_checking_proxy(deserialize_properties(properties))


def validate(
    policy: Any, props: Mapping[str, Any], resource_type: str = DISTRIBUTION
) -> list[tuple[str, str | None]]:
    """Return what a policy reports; it is `Any` because the SDK's types leave one open."""
    options = PolicyResourceOptions(
        protect=False,
        ignore_changes=[],
        delete_before_replace=None,
        aliases=[],
        custom_timeouts=PolicyCustomTimeouts(0, 0, 0),
        additional_secret_outputs=[],
    )
    args = ResourceValidationArgs(
        resource_type, props, "urn:pulumi:dev::p::t::edge", "edge", options, provider=None
    )
    reported: list[tuple[str, str | None]] = []

    def report(message: str, urn: str | None) -> None:
        reported.append((message, urn))

    policy.validate(args, report)
    return reported


def policy_of(check: Callable[[Place], Iterator[Finding]]) -> Policy:
    rule = Rule(
        name="some-rule",
        text=TEXT,
        url="https://example.com/rule",
        severity="critical",
        remedy="Mend it.",
        resource_types=frozenset({DISTRIBUTION}),
        check=check,
    )
    (policy,) = policies_for([rule])
    return policy


@pytest.mark.parametrize(
    "sentinel",
    [
        pytest.param(UNKNOWN_BOOLEAN_VALUE, id="boolean"),
        pytest.param(UNKNOWN_NUMBER_VALUE, id="number"),
        pytest.param(UNKNOWN_STRING_VALUE, id="string"),
        pytest.param(UNKNOWN_ARRAY_VALUE, id="list"),
        pytest.param(UNKNOWN_OBJECT_VALUE, id="object"),
        pytest.param(UNKNOWN_ASSET_VALUE, id="asset"),
        pytest.param(UNKNOWN_ARCHIVE_VALUE, id="archive"),
    ],
)
def test_every_kind_of_unknown_is_found_at_its_own_leaf(sentinel: str) -> None:
    secret = {SPECIAL_SIG_KEY: SPECIAL_SECRET_SIG, "value": sentinel}
    props = wrapped({"a": sentinel, "b": ["x", sentinel, {"c": sentinel}], "d": secret, "e": 1})
    assert plain(props) == {
        "a": UNKNOWN,
        "b": ["x", UNKNOWN, {"c": UNKNOWN}],
        "d": UNKNOWN,
        "e": 1,
    }


def test_secrets_are_read_as_what_they_hold() -> None:
    inner = {SPECIAL_SIG_KEY: SPECIAL_SECRET_SIG, "value": {"forward": "all"}}
    assert plain(wrapped({"cookies": inner})) == {"cookies": {"forward": "all"}}


def test_an_asset_becomes_the_name_of_its_type() -> None:
    assert plain({"code": pulumi.StringAsset("x")}) == {"code": "<StringAsset>"}


leaves = st.one_of(
    st.none(), st.booleans(), st.floats(allow_nan=False), st.text(max_size=8), st.just(UNKNOWN)
)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=20,
)


def on_the_wire(value: Value) -> Any:
    if value is UNKNOWN:
        return UNKNOWN_STRING_VALUE
    if isinstance(value, list):
        return [on_the_wire(item) for item in value]
    if isinstance(value, dict):
        return {key: on_the_wire(item) for key, item in value.items()}
    return value


@given(properties=st.dictionaries(st.text(max_size=8), values, max_size=5))
def test_what_went_over_the_wire_comes_out_as_it_was(properties: dict[str, Value]) -> None:
    assert plain(wrapped(on_the_wire(properties))) == properties


def test_a_policy_carries_what_its_rule_says() -> None:
    policy = policy_of(lambda _: iter(()))
    assert (
        policy.name,
        policy.description,
        policy.severity,
        policy.remediation_steps,
        policy.url,
        policy.enforcement_level,
    ) == ("some-rule", "A demand.", Severity.CRITICAL, "Mend it.", "https://example.com/rule", None)


def test_each_finding_is_reported_as_one_violation() -> None:
    policy = policy_of(lambda place: place.get("on").must_be(wanted=True, fix="Turn it on."))
    assert validate(policy, wrapped({"on": False})) == [
        ("some-rule: on is false; it must be true. Turn it on.", None)
    ]


def test_an_unknown_value_is_a_violation_and_not_the_error_that_the_sdk_makes_a_note_of() -> None:
    policy = policy_of(lambda place: place.get("on").must_be(wanted=True, fix="Turn it on."))
    (violation,) = validate(policy, wrapped({"on": UNKNOWN_BOOLEAN_VALUE}))
    assert violation == (
        "some-rule cannot tell: on is not known before deployment; it must be true. Turn it on.",
        None,
    )


class Untouchable(Mapping[str, Any]):
    """Properties that end the test when anything reads them."""

    def __getitem__(self, key: str) -> NoReturn:
        raise AssertionError(f"{key} was read")

    def __iter__(self) -> NoReturn:
        raise AssertionError("the keys were read")

    def __len__(self) -> NoReturn:
        raise AssertionError("the length was read")


@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.name) for rule in DUAL_STACK])
def test_a_resource_of_another_type_is_left_alone_unread(rule: Rule) -> None:
    (policy,) = policies_for([rule])
    assert validate(policy, Untouchable(), "aws:s3/bucket:Bucket") == []


def test_a_rule_that_crashes_is_a_violation_and_keeps_what_it_found(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def check(place: Place) -> Iterator[Finding]:
        yield from place.get("on").must_be(wanted=True, fix="Turn it on.")
        raise KeyError("lost")

    with caplog.at_level(logging.ERROR):
        reported = validate(policy_of(check), wrapped({"on": False}))
    stopped = (
        "some-rule cannot tell: edge is not judged to its end, because the rule stopped with "
        "KeyError: 'lost'; a rule must answer for any resource. Report it with the stack trace "
        "in the log, as a fault of the policy pack."
    )
    assert reported == [
        ("some-rule: on is false; it must be true. Turn it on.", None),
        (stopped, None),
    ]
    assert "urn:pulumi:dev::p::t::edge" in caplog.text
    assert "Traceback" in caplog.text


def test_properties_that_cannot_be_read_are_a_violation_too(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ((message, _),) = validate(policy_of(lambda _: iter(())), Untouchable())
    assert message.startswith("some-rule cannot tell: edge is not judged to its end")
    assert "the keys were read" in caplog.text
