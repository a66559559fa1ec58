"""Diff sees what has to change, where, and whether that takes a new resource."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sandbox.plugins import schema
from sandbox.plugins.aws.acm_certificate import CertificateStandIn
from sandbox.plugins.aws.aws_session import AwsSession
from sandbox.plugins.aws.distribution import DistributionStandIn
from sandbox.plugins.aws.record import RecordStandIn
from sandbox.plugins.diff import arrange, diff, imported, refreshed
from sandbox.plugins.resource import StandIn
from sandbox.plugins.schema import Type, ValueKind
from sandbox.plugins.values import UNKNOWN, Props

RECORD: Props = {
    "zoneId": "Z1",
    "name": "api.example.com",
    "type": "A",
    "setIdentifier": "direct",
    "weightedRoutingPolicies": [{"weight": 100}],
    "aliases": [{"name": "lb.example.com", "zoneId": "Z2", "evaluateTargetHealth": True}],
}
ERRORS = [{"errorCode": code, "errorCachingMinTtl": 0} for code in (400, 403, 404)]
DISTRIBUTION: Props = {
    "enabled": True,
    "aliases": ["a.example.com", "b.example.com"],
    "customErrorResponses": ERRORS,
    "defaultCacheBehavior": {"allowedMethods": ["GET", "HEAD"], "compress": False},
    "origins": [
        {"originId": "one", "domainName": "one.example.com"},
        {"originId": "two", "domainName": "two.example.com"},
    ],
    "orderedCacheBehaviors": [{"pathPattern": "/a"}, {"pathPattern": "/b"}],
    "isIpv6Enabled": True,
    "tags": {"team": "edge"},
}
CERTIFICATE: Props = {
    "domainName": "a.example.com",
    "validationMethod": "DNS",
    "subjectAlternativeNames": ["a.example.com", "b.example.com"],
}
UPDATE, ADD, DELETE = ("update", False), ("add", False), ("delete", False)
REPLACED = ("update", True)


def differences(
    resource: StandIn[AwsSession], state: Props, inputs: Props, ignored: Sequence[str] = ()
) -> dict[str, tuple[str, bool]]:
    type_ = schema.of_class(resource.args)
    changes = diff(type_, resource.shape, state, resource.completed(inputs), ignored)
    return {path: (item.change.value, item.replaces) for path, item in changes.items()}


@pytest.mark.parametrize(
    ("resource", "state", "changed", "expected"),
    [
        pytest.param(RecordStandIn(), RECORD, {}, {}, id="nothing"),
        pytest.param(
            RecordStandIn(),
            RECORD,
            {"weightedRoutingPolicies": [{"weight": 0}]},
            {"weightedRoutingPolicies[0].weight": UPDATE},
            id="a weight of 0 is a weight",
        ),
        pytest.param(
            RecordStandIn(),
            RECORD,
            {"type": "AAAA", "setIdentifier": "cdn"},
            {"type": UPDATE, "setIdentifier": UPDATE},
            id="type and set identifier change in place",
        ),
        pytest.param(
            RecordStandIn(),
            RECORD,
            {"name": "api2.example.com", "zoneId": "Z9"},
            {"name": REPLACED, "zoneId": REPLACED},
            id="name and zone do not",
        ),
        pytest.param(
            RecordStandIn(),
            RECORD,
            {
                "name": "API.example.com.",
                "aliases": [RECORD["aliases"][0] | {"name": "LB.Example.com."}],
            },
            {},
            id="names in other letters and with a dot are the same",
        ),
        pytest.param(
            RecordStandIn(),
            RECORD | {"healthCheckId": "by hand"},
            {},
            {"healthCheckId": DELETE},
            id="what was added by hand is to go",
        ),
        pytest.param(
            RecordStandIn(),
            RECORD | {"allowOverwrite": True},
            {},
            {},
            id="what the plugin chose stays",
        ),
        pytest.param(
            RecordStandIn(),
            RECORD,
            {"healthCheckId": "H1"},
            {"healthCheckId": ADD},
            id="something new",
        ),
        pytest.param(
            RecordStandIn(),
            RECORD | {"healthCheckId": "", "records": list[str](), "ttl": 0},
            {},
            {},
            id="zero and absent are the same",
        ),
        pytest.param(
            RecordStandIn(),
            RECORD,
            {"aliases": [RECORD["aliases"][0] | {"name": UNKNOWN}]},
            {"aliases[0].name": UPDATE},
            id="an unknown value is an update",
        ),
        pytest.param(
            RecordStandIn(),
            RECORD,
            {"zoneId": UNKNOWN},
            {"zoneId": REPLACED},
            id="and a replacement where the property needs one",
        ),
        pytest.param(
            DistributionStandIn(),
            DISTRIBUTION,
            {
                "aliases": ["b.example.com", "a.example.com"],
                "customErrorResponses": [ERRORS[2], ERRORS[0], ERRORS[1]],
                "defaultCacheBehavior": {"allowedMethods": ["HEAD", "GET"]},
                "origins": DISTRIBUTION["origins"][::-1],
            },
            {},
            id="sets in another order are the same",
        ),
        pytest.param(
            DistributionStandIn(),
            DISTRIBUTION,
            {"orderedCacheBehaviors": DISTRIBUTION["orderedCacheBehaviors"][::-1]},
            {
                "orderedCacheBehaviors[0].pathPattern": UPDATE,
                "orderedCacheBehaviors[1].pathPattern": UPDATE,
            },
            id="a list in another order is another",
        ),
        pytest.param(
            DistributionStandIn(),
            DISTRIBUTION,
            {"customErrorResponses": [ERRORS[2], ERRORS[0] | {"errorCachingMinTtl": 9}]},
            {
                "customErrorResponses[1].errorCachingMinTtl": UPDATE,
                "customErrorResponses[1]": DELETE,
            },
            id="one item of a set changed and another gone",
        ),
        pytest.param(
            DistributionStandIn(),
            DISTRIBUTION,
            {"aliases": ["b.example.com", "c.example.com"]},
            {"aliases[1]": UPDATE},
            id="one name for another",
        ),
        pytest.param(
            DistributionStandIn(),
            DISTRIBUTION,
            {"origins": [{"originId": "two", "domainName": UNKNOWN}, DISTRIBUTION["origins"][0]]},
            {"origins[0].domainName": UPDATE},
            id="an unknown inside of a set",
        ),
        pytest.param(
            DistributionStandIn(),
            DISTRIBUTION,
            {"staging": True},
            {"staging": ("add", True)},
            id="staging",
        ),
        pytest.param(
            DistributionStandIn(),
            DISTRIBUTION,
            {"tags": {"team": "api", "new": "1"}},
            {"tags.new": ADD, "tags.team": UPDATE},
            id="tags",
        ),
        pytest.param(
            DistributionStandIn(),
            DISTRIBUTION | {"webAclId": "by hand", "loggingConfig": {"bucket": "logs"}},
            {},
            {"webAclId": DELETE, "loggingConfig": DELETE},
            id="drift on settings the program says nothing of",
        ),
        pytest.param(
            CertificateStandIn(),
            CERTIFICATE,
            {"subjectAlternativeNames": ["b.example.com"]},
            {},
            id="ACM counts the domain name among the alternatives",
        ),
        pytest.param(
            CertificateStandIn(),
            CERTIFICATE,
            {"subjectAlternativeNames": ["b.example.com", "c.example.com"]},
            {"subjectAlternativeNames[1]": ("add", True)},
            id="one more name needs a new certificate",
        ),
        pytest.param(
            CertificateStandIn(),
            CERTIFICATE,
            {"domainName": "c.example.com", "validationMethod": "EMAIL"},
            {
                "domainName": REPLACED,
                "validationMethod": REPLACED,
                "subjectAlternativeNames[2]": ("add", True),
            },
            id="another domain name and method",
        ),
    ],
)
def test_differences(
    resource: StandIn[AwsSession],
    state: Props,
    changed: Props,
    expected: dict[str, tuple[str, bool]],
) -> None:
    base = RECORD if isinstance(resource, RecordStandIn) else DISTRIBUTION
    base = CERTIFICATE if isinstance(resource, CertificateStandIn) else base
    assert differences(resource, state, base | changed) == expected


@pytest.mark.parametrize(
    ("ignored", "left"),
    [
        ("isIpv6Enabled", {"tags.team", "aliases[1]", "origins[0].domainName"}),
        ("tags", {"isIpv6Enabled", "aliases[1]", "origins[0].domainName"}),
        ("tags.team", {"isIpv6Enabled", "aliases[1]", "origins[0].domainName"}),
        ("origins[0]", {"isIpv6Enabled", "tags.team", "aliases[1]"}),
        ("origins[*].domainName", {"isIpv6Enabled", "tags.team", "aliases[1]"}),
        ("origin", {"isIpv6Enabled", "tags.team", "aliases[1]", "origins[0].domainName"}),
    ],
)
def test_changes_to_ignore_are_no_differences(ignored: str, left: set[str]) -> None:
    changed: Props = {
        "isIpv6Enabled": False,
        "tags": {"team": "api"},
        "aliases": ["a.example.com", "c.example.com"],
        "origins": [
            {"originId": "one", "domainName": "new.example.com"},
            DISTRIBUTION["origins"][1],
        ],
    }
    assert (
        set(differences(DistributionStandIn(), DISTRIBUTION, DISTRIBUTION | changed, [ignored]))
        == left
    )


def values_of(type_: Type) -> Any:
    """Return a strategy for values of a type, any of which may be missing or unknown."""
    match type_.kind:
        case ValueKind.OBJECT:
            fields = {name: values_of(field.type) for name, field in type_.fields.items()}
            return st.fixed_dictionaries({}, optional=fields)
        case ValueKind.LIST:
            return st.lists(values_of(type_.element or Type(ValueKind.STRING)), max_size=3)
        case ValueKind.MAP:
            return st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=3)
        case ValueKind.BOOLEAN:
            return st.booleans()
        case ValueKind.INTEGER | ValueKind.NUMBER:
            return st.integers(0, 9)
        case ValueKind.STRING:
            return st.sampled_from(["", "a", "B.", "b"])


@given(values_of(schema.of_class(RecordStandIn().args)))
def test_a_record_does_not_differ_from_itself(inputs: Props) -> None:
    assert differences(RecordStandIn(), inputs, inputs) == {}


ORIGINS = values_of(schema.of_class(DistributionStandIn().args).fields["origins"].type)
TIMED, BARE = {"domainName": "", "responseCompletionTimeout": 1}, Props()


def in_two_orders(items: list[Props]) -> st.SearchStrategy[tuple[list[Props], list[Props]]]:
    return st.tuples(st.just(items), st.permutations(items))


@given(ORIGINS.flatmap(in_two_orders))
@example(([TIMED, BARE], [BARE, TIMED]))
def test_origins_do_not_differ_from_themselves_in_another_order(
    orders: tuple[list[Props], list[Props]],
) -> None:
    state, inputs = orders
    assert differences(DistributionStandIn(), {"origins": state}, {"origins": inputs}) == {}


@given(
    values_of(schema.of_class(RecordStandIn().args)),
    values_of(schema.of_class(RecordStandIn().args)),
)
def test_what_a_difference_is_about_is_in_one_of_the_two(state: Props, inputs: Props) -> None:
    tops = {
        path.split(".")[0].split("[")[0] for path in differences(RecordStandIn(), state, inputs)
    }
    assert tops <= state.keys() | inputs.keys()


def test_a_fresh_state_keeps_the_order_of_what_was_known() -> None:
    fresh: Props = {
        "aliases": ["c", "b", "a"],
        "origins": [{"originId": "two"}, {"originId": "one", "customHeaders": []}],
        "etag": "E2",
    }
    prior: Props = {"aliases": ["a", "b"], "origins": [{"originId": "one"}, {"originId": "two"}]}
    assert arrange(
        schema.of_class(DistributionStandIn().outputs), DistributionStandIn.shape, fresh, prior
    ) == {
        "aliases": ["a", "b", "c"],
        "origins": [{"originId": "one", "customHeaders": []}, {"originId": "two"}],
        "etag": "E2",
    }


def test_inputs_of_an_imported_resource_say_what_differs_from_nothing() -> None:
    state = DISTRIBUTION | {
        "comment": "",
        "httpVersion": "http2",
        "priceClass": "PriceClass_100",
        "domainName": "d1.cloudfront.net",
    }
    inputs = imported(schema.of_class(DistributionStandIn().args), DistributionStandIn.shape, state)
    assert inputs == DISTRIBUTION | {
        "priceClass": "PriceClass_100",
        "customErrorResponses": [{"errorCode": code} for code in (400, 403, 404)],
        "defaultCacheBehavior": {"allowedMethods": ["GET", "HEAD"]},
    }


def test_refreshed_inputs_differ_only_where_the_resource_does() -> None:
    prior = RECORD | {"name": "API.example.com.", "ttl": 0}
    state = RECORD | {"weightedRoutingPolicies": [{"weight": 7}], "fqdn": "api.example.com"}
    type_, shape = schema.of_class(RecordStandIn().args), RecordStandIn.shape
    changes = diff(type_, shape, state, prior)
    inputs = refreshed(type_, shape, state, prior, changes)
    assert inputs == prior | {"weightedRoutingPolicies": [{"weight": 7}]}


def test_what_the_official_plugin_fills_in_by_itself_is_no_difference() -> None:
    official: Props = {"keyAlgorithm": "RSA_2048", "options": {"export": "DISABLED"}}
    resource = CertificateStandIn()
    assert resource.shape.official == official.keys() <= resource.shape.refused
    assert differences(resource, {**CERTIFICATE, **official}, CERTIFICATE) == {}
    early = {"earlyRenewalDuration": "P30D"}
    assert differences(resource, {**CERTIFICATE, **early}, CERTIFICATE) == {
        "earlyRenewalDuration": DELETE
    }
