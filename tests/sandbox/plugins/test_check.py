"""Check refuses what the SDK's types refuse, all of it at once, and fills the defaults in."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.plugins import schema
from sandbox.plugins.aws.acm_certificate import CertificateStandIn
from sandbox.plugins.aws.aws_session import AwsSession
from sandbox.plugins.aws.certificate_validation import CertificateValidationStandIn
from sandbox.plugins.aws.distribution import DistributionStandIn
from sandbox.plugins.aws.record import RecordStandIn
from sandbox.plugins.check import check
from sandbox.plugins.resource import StandIn
from sandbox.plugins.values import UNKNOWN, Props

RESOURCES = [
    CertificateStandIn(),
    CertificateValidationStandIn(),
    DistributionStandIn(),
    RecordStandIn(),
]

ALIAS: Props = {
    "zoneId": "Z1",
    "name": "api.example.com",
    "type": "A",
    "aliases": [{"name": "lb.example.com", "zoneId": "Z2", "evaluateTargetHealth": False}],
}
WEIGHTED: Props = ALIAS | {
    "setIdentifier": "direct",
    "weightedRoutingPolicies": [{"weight": 0}],
}
BEHAVIOR: Props = {
    "targetOriginId": "api",
    "viewerProtocolPolicy": "allow-all",
    "allowedMethods": ["GET", "HEAD"],
    "cachedMethods": ["GET", "HEAD"],
}
DISTRIBUTION: Props = {
    "enabled": True,
    "origins": [{"originId": "api", "domainName": "lb.example.com"}],
    "defaultCacheBehavior": BEHAVIOR,
    "restrictions": {"geoRestriction": {"restrictionType": "none"}},
    "viewerCertificate": {"cloudfrontDefaultCertificate": True},
}
CERTIFICATE: Props = {"domainName": "api.example.com", "validationMethod": "DNS"}


def checked(resource: StandIn[AwsSession], inputs: Props) -> tuple[Props, list[tuple[str, str]]]:
    """Check as the plugin does and return the inputs and all failures."""
    type_ = schema.of_class(resource.args)
    result, failures = check(resource.type_name, type_, resource.shape, inputs)
    all_failures = failures or list(resource.validate(result))
    return result, [(failure.path, failure.reason) for failure in all_failures]


@pytest.mark.parametrize(
    ("resource", "inputs"),
    [
        pytest.param(RecordStandIn(), ALIAS, id="an alias record"),
        pytest.param(RecordStandIn(), WEIGHTED, id="a weighted record of weight 0"),
        pytest.param(DistributionStandIn(), DISTRIBUTION, id="a small distribution"),
        pytest.param(CertificateStandIn(), CERTIFICATE, id="a certificate"),
        pytest.param(
            CertificateValidationStandIn(), {"certificateArn": UNKNOWN}, id="an unknown ARN"
        ),
        pytest.param(RecordStandIn(), dict.fromkeys(WEIGHTED, UNKNOWN), id="nothing known yet"),
        pytest.param(
            RecordStandIn(),
            WEIGHTED | {"aliases": [UNKNOWN], "setIdentifier": UNKNOWN},
            id="unknown item",
        ),
        pytest.param(
            RecordStandIn(), ALIAS | {"healthCheckId": None}, id="null is as good as absent"
        ),
    ],
)
def test_right_inputs_pass(resource: StandIn[AwsSession], inputs: Props) -> None:
    assert checked(resource, inputs)[1] == []


@pytest.mark.parametrize(
    ("resource", "inputs", "failures"),
    [
        pytest.param(
            RecordStandIn(),
            {"type": "A", "aliases": ALIAS["aliases"]},
            [
                ("name", "name is missing; a string is required. Set it."),
                ("zoneId", "zoneId is missing; a string is required. Set it."),
            ],
            id="required inputs missing",
        ),
        pytest.param(
            RecordStandIn(),
            ALIAS | {"setIdentifer": "direct"},
            [
                (
                    "setIdentifer",
                    (
                        "setIdentifer is not an input of aws:route53/record:Record. "
                        "Did you mean setIdentifier?"
                    ),
                )
            ],
            id="an unknown input, nearly right",
        ),
        pytest.param(
            RecordStandIn(),
            ALIAS | {"aliases": [ALIAS["aliases"][0] | {"colour": "red"}]},
            [
                (
                    "aliases[0].colour",
                    (
                        "aliases[0].colour is not an input of aws:route53/record:Record. "
                        "It has evaluateTargetHealth, name, zoneId."
                    ),
                )
            ],
            id="an unknown input inside of a list",
        ),
        pytest.param(
            RecordStandIn(),
            WEIGHTED | {"weightedRoutingPolicies": [{"weight": "heavy"}]},
            [
                (
                    "weightedRoutingPolicies[0].weight",
                    "weightedRoutingPolicies[0].weight is 'heavy'; a whole number is needed.",
                )
            ],
            id="text for a number",
        ),
        pytest.param(
            RecordStandIn(),
            WEIGHTED | {"weightedRoutingPolicies": {"weight": 1}},
            [
                (
                    "weightedRoutingPolicies",
                    "weightedRoutingPolicies is an object; a list is needed.",
                )
            ],
            id="an object for a list",
        ),
        pytest.param(
            RecordStandIn(),
            WEIGHTED | {"weightedRoutingPolicies": [{"weight": 1.5}]},
            [
                (
                    "weightedRoutingPolicies[0].weight",
                    "weightedRoutingPolicies[0].weight is 1.5; a whole number is needed.",
                )
            ],
            id="a fraction",
        ),
        pytest.param(
            RecordStandIn(),
            ALIAS | {"type": "AAAAA"},
            [
                (
                    "type",
                    (
                        f"type is 'AAAAA'; one of {', '.join(RecordStandIn.shape.allowed['type'])} "
                        "is allowed."
                    ),
                )
            ],
            id="a type that DNS does not have",
        ),
        pytest.param(
            RecordStandIn(),
            {"zoneId": "Z1", "name": "api", "type": "A"},
            [("aliases", "neither aliases nor records is given; one of them is. Set one.")],
            id="a record of nothing",
        ),
        pytest.param(
            RecordStandIn(),
            ALIAS | {"records": ["192.0.2.1"], "ttl": 60},
            [
                ("aliases", "aliases and records are both given; they exclude each other."),
                ("ttl", "ttl is set; an alias has the TTL of its target. Remove it."),
            ],
            id="an alias with addresses",
        ),
        pytest.param(
            RecordStandIn(),
            {"zoneId": "Z1", "name": "api", "type": "A", "records": ["192.0.2.1"]},
            [("ttl", "ttl is missing; records need one. Set it, in seconds.")],
            id="addresses without a TTL",
        ),
        pytest.param(
            RecordStandIn(),
            ALIAS | {"weightedRoutingPolicies": [{"weight": 1}]},
            [
                (
                    "setIdentifier",
                    (
                        "setIdentifier is missing; weightedRoutingPolicies needs one. "
                        "Set it, unique in the group."
                    ),
                ),
            ],
            id="a weight and no identifier",
        ),
        pytest.param(
            RecordStandIn(),
            ALIAS | {"setIdentifier": "eu", "geolocationRoutingPolicies": [{"continent": "EU"}]},
            [
                (
                    "geolocationRoutingPolicies",
                    (
                        "geolocationRoutingPolicies is given; the stand-in for the plugin does "
                        "without it. Leave it out, or install the official plugin."
                    ),
                )
            ],
            id="a policy by place",
        ),
        pytest.param(
            DistributionStandIn(),
            DISTRIBUTION
            | {
                "enabled": "perhaps",
                "httpVersion": "http4",
                "origins": [{"originId": "api", "connectionTimeout": 99}],
                "restrictions": Props(),
            },
            [
                ("enabled", "enabled is 'perhaps'; true or false is needed."),
                (
                    "origins[0].domainName",
                    "origins[0].domainName is missing; a string is required. Set it.",
                ),
                (
                    "origins[0].connectionTimeout",
                    "origins[0].connectionTimeout is 99; a whole number from 1 to 10 is allowed.",
                ),
                (
                    "restrictions.geoRestriction",
                    "restrictions.geoRestriction is missing; an object is required. Set it.",
                ),
                (
                    "httpVersion",
                    "httpVersion is 'http4'; one of http1.1, http2, http2and3, http3 is allowed.",
                ),
            ],
            id="several things at several depths",
        ),
        pytest.param(
            DistributionStandIn(),
            DISTRIBUTION
            | {"defaultCacheBehavior": BEHAVIOR | {"allowedMethods": ["GET", "FETCH"]}},
            [
                (
                    "defaultCacheBehavior.allowedMethods[1]",
                    (
                        "defaultCacheBehavior.allowedMethods[1] is 'FETCH'; "
                        "one of GET, HEAD, OPTIONS, PUT, PATCH, POST, DELETE is allowed."
                    ),
                )
            ],
            id="a method that HTTP does not have",
        ),
        pytest.param(
            DistributionStandIn(),
            DISTRIBUTION | {"comment": "x" * 129},
            [("comment", "comment has 129 characters; at most 128 are allowed.")],
            id="a long comment",
        ),
        pytest.param(
            CertificateStandIn(),
            {"domainName": "api.example.com.", "privateKey": "-----"},
            [
                (
                    "privateKey",
                    (
                        "privateKey is given; the stand-in for the plugin does without it. "
                        "Leave it out, or install the official plugin."
                    ),
                )
            ],
            id="a certificate of one's own",
        ),
        pytest.param(
            CertificateStandIn(),
            {"domainName": "api.example.com."},
            [
                (
                    "validationMethod",
                    (
                        "`certificate_authority_arn` or `validation_method` must be set when "
                        "creating an ACM certificate. Set validationMethod to DNS."
                    ),
                ),
                (
                    "domainName",
                    "domainName has 'api.example.com.'; it cannot end with a period. Drop it.",
                ),
            ],
            id="a certificate, unvalidated, with a dot",
        ),
    ],
)
def test_wrong_inputs_are_refused_all_at_once(
    resource: StandIn[AwsSession], inputs: Props, failures: list[tuple[str, str]]
) -> None:
    assert checked(resource, inputs)[1] == failures


def test_a_value_is_not_printed_at_any_length() -> None:
    reason = checked(RecordStandIn(), ALIAS | {"ttl": "x" * 1000})[1][0][1]
    assert reason == f"ttl is {repr('x' * 1000)[:60]}…; a whole number is needed."


def test_defaults_of_the_official_plugin_are_filled_in() -> None:
    inputs, _ = checked(DistributionStandIn(), DISTRIBUTION)
    assert inputs == DISTRIBUTION | {
        "httpVersion": "http2",
        "isIpv6Enabled": False,
        "priceClass": "PriceClass_All",
        "retainOnDelete": False,
        "staging": False,
        "waitForDeployment": True,
        "defaultCacheBehavior": BEHAVIOR | {"compress": False, "minTtl": 0},
        "origins": [
            DISTRIBUTION["origins"][0] | {"connectionAttempts": 3, "connectionTimeout": 10}
        ],
        "viewerCertificate": {
            "cloudfrontDefaultCertificate": True,
            "minimumProtocolVersion": "TLSv1",
        },
    }


@pytest.mark.parametrize(
    ("name", "given_value", "taken"),
    [
        pytest.param("ttl", "60", 60, id="text that is a number"),
        pytest.param("allowOverwrite", "true", True, id="text that is a truth value"),
        pytest.param("setIdentifier", 7, "7", id="a number for text"),
        pytest.param("setIdentifier", True, "true", id="a truth value for text"),
        pytest.param("records", UNKNOWN, UNKNOWN, id="a value that is not known yet"),
    ],
)
def test_a_value_is_converted_where_the_official_plugin_would(
    name: str, given_value: object, taken: object
) -> None:
    inputs = {"zoneId": "Z1", "name": "api", "type": "A", "records": ["192.0.2.1"], "ttl": 60}
    result, failures = checked(RecordStandIn(), inputs | {name: given_value})
    assert (result[name], failures) == (taken, [])


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(UNKNOWN),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(data=st.data(), resource=st.sampled_from(RESOURCES))
def test_check_answers_whatever_it_is_given(data: Any, resource: StandIn[AwsSession]) -> None:
    names = st.sampled_from(sorted(schema.of_class(resource.args).fields)) | st.text()
    inputs: Props = data.draw(st.dictionaries(names, ANYTHING))
    result, failures = checked(resource, inputs)
    assert isinstance(result, dict)
    assert all(reason for _, reason in failures)


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.type_name)
def test_a_shape_speaks_of_properties_that_the_sdk_has(resource: StandIn[AwsSession]) -> None:
    shape = resource.shape
    for path in {*shape.defaults, *shape.computed, *shape.replaces, *shape.allowed, *shape.same}:
        type_ = schema.of_class(resource.args)
        for name in path.split("."):
            inner = type_.fields[name].type
            type_ = inner.element if inner.element and inner.element.fields else inner
