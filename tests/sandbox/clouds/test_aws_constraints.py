"""What botocore's models demand of a request is demanded, in each service's words."""

from typing import Any, Final, cast
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import botocore.session
import pytest
import regex
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator
from moto.core.model import ListShape, Shape, StructureShape
from moto.core.utils import get_service_model

from sandbox.clouds.aws.constraints import STYLES, faults

Fields = dict[str, Any]

SERVICES: Final = ("acm", "cloudfront", "cloudwatch", "ec2", "elb", "elbv2", "route53")
ALARM: Final[Fields] = {
    "AlarmName": "errors",
    "Namespace": "AWS/CloudFront",
    "MetricName": "5xxErrorRate",
    "Statistic": "Average",
    "Period": 60,
    "EvaluationPeriods": 5,
    "Threshold": 1.0,
    "ComparisonOperator": "GreaterThanThreshold",
}
TOPIC: Final = "arn:aws:sns:us-east-1:123456789012:edge"
TCP: Final[Fields] = {"Type": "TCP", "IPAddress": "2001:db8::1", "Port": 443}


def refused(call: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call()
    error: Any = caught.value.response
    return error["Error"]["Code"], error["Error"]["Message"]


def health(**changed: Any) -> Fields:
    return {"CallerReference": "one", "HealthCheckConfig": TCP | changed}


# service, operation: [(variant, refused, code, message, nearest allowed), …]
CASES: Final[dict[tuple[str, str], list[tuple[str, Fields, str, str, Fields]]]] = {
    ("route53", "create_health_check"): [
        (
            "a value of no enumeration",
            health(Type="UDP"),
            "InvalidInput",
            (
                "Invalid XML ; cvc-enumeration-valid: Value 'UDP' is not facet-valid with respect "
                "to enumeration '[HTTP, HTTPS, "
            ),
            health(),
        ),
        (
            "a number too large",
            health(Port=65_536),
            "InvalidInput",
            (
                "cvc-maxInclusive-valid: Value '65536' is not facet-valid with respect to "
                "maxInclusive '65535' for type 'Port'."
            ),
            health(Port=65_535),
        ),
        (
            "a threshold too large",
            health(FailureThreshold=11),
            "InvalidInput",
            "maxInclusive '10' for type 'FailureThreshold'",
            health(FailureThreshold=10),
        ),
        (
            "a text too long",
            health(Type="HTTP", ResourcePath="/" * 256),
            "InvalidInput",
            (
                "with length = '256' is not facet-valid with respect to maxLength '255' for type "
                "'ResourcePath'."
            ),
            health(Type="HTTP", ResourcePath="/" * 255),
        ),
        (
            "a text of no pattern",
            health(IPAddress="api.example.com"),
            "InvalidInput",
            "cvc-pattern-valid: Value 'api.example.com' is not facet-valid",
            health(IPAddress="192.0.2.1"),
        ),
        (
            "more than a list may hold",
            health(Regions=["us-east-1", "eu-west-1", "us-west-2"] * 22),
            "InvalidInput",
            "cvc-complex-type.2.4.d: Invalid content was found starting with element",
            health(Regions=["us-east-1", "eu-west-1", "us-west-2"]),
        ),
    ],
    ("route53", "list_resource_record_sets"): [
        (
            "a type of none",
            {"HostedZoneId": "Z1", "StartRecordName": "a.example.com", "StartRecordType": "AB"},
            "InvalidInput",
            "Value 'AB' at 'startRecordType' failed to satisfy constraint: Member must satisfy",
            {},
        )
    ],
    ("route53", "get_hosted_zone"): [
        (
            "an id in the path",
            {"Id": "Z" * 33},
            "InvalidInput",
            (
                f"1 validation error detected: Value '{'Z' * 33}' at 'id' failed to satisfy "
                "constraint: Member must have length less than or equal to 32"
            ),
            {},
        )
    ],
    ("acm", "request_certificate"): [
        (
            "two faults",
            {"DomainName": "-.example.com", "IdempotencyToken": "a b"},
            "ValidationException",
            (
                "2 validation errors detected: Value '-.example.com' at 'domainName' failed to "
                "satisfy constraint: Member must satisfy regular expression pattern: "
            ),
            {"DomainName": "*.example.com", "IdempotencyToken": "a_b"},
        ),
        (
            "an item of a list",
            {"DomainName": "example.com", "SubjectAlternativeNames": ["a.example.com", "b_"]},
            "ValidationException",
            "Value 'b_' at 'subjectAlternativeNames.2.member' failed to satisfy",
            {"DomainName": "example.com", "SubjectAlternativeNames": ["a.example.com"]},
        ),
        (
            "letters of any script are fine in a tag, signs are not",
            {"DomainName": "example.com", "Tags": [{"Key": "größe", "Value": "a;b"}]},
            "ValidationException",
            "Value 'a;b' at 'tags.1.member.value' failed to satisfy",
            {"DomainName": "example.com", "Tags": [{"Key": "größe", "Value": "日本"}]},
        ),
    ],
    ("cloudwatch", "put_metric_alarm"): [
        (
            "too many actions",
            ALARM | {"AlarmActions": [TOPIC] * 6},
            "ValidationError",
            (
                "at 'alarmActions' failed to satisfy constraint: Member must have length less than "
                "or equal to 5"
            ),
            ALARM | {"AlarmActions": [TOPIC] * 5},
        ),
        (
            "a statistic of none",
            ALARM | {"Statistic": "Median"},
            "ValidationError",
            "Member must satisfy enum value set: [SampleCount, ",
            ALARM | {"Statistic": "Maximum"},
        ),
    ],
    ("elb", "configure_health_check"): [
        (
            "seconds",
            {
                "LoadBalancerName": "api-classic",
                "HealthCheck": {
                    "Target": "TCP:80",
                    "Interval": 301,
                    "Timeout": 5,
                    "UnhealthyThreshold": 2,
                    "HealthyThreshold": 2,
                },
            },
            "ValidationError",
            (
                "Value '301' at 'healthCheck.interval' failed to satisfy constraint: Member must "
                "have value less than or equal to 300"
            ),
            {
                "LoadBalancerName": "api-classic",
                "HealthCheck": {
                    "Target": "TCP:80",
                    "Interval": 300,
                    "Timeout": 5,
                    "UnhealthyThreshold": 2,
                    "HealthyThreshold": 2,
                },
            },
        )
    ],
    ("elbv2", "describe_load_balancers"): [
        (
            "a page too large",
            {"PageSize": 401},
            "ValidationError",
            "Value '401' at 'pageSize' failed to satisfy",
            {"PageSize": 400},
        )
    ],
    ("ec2", "describe_managed_prefix_lists"): [
        (
            "a page too large",
            {"MaxResults": 101},
            "InvalidParameterValue",
            "Value (101) for parameter MaxResults is invalid.",
            {"MaxResults": 100},
        )
    ],
}


@pytest.mark.parametrize(
    ("operation", "arguments", "refusal", "allowed"),
    [
        pytest.param(operation, arguments, refusal, allowed, id=f"{operation[1]}: {variant}")
        for operation, cases in CASES.items()
        for variant, arguments, *refusal, allowed in cases
    ],
)
def test_what_the_model_forbids_is_refused_and_the_nearest_is_not(
    aws: Any,
    operation: tuple[str, str],
    arguments: Fields,
    refusal: list[str],
    allowed: Fields,
) -> None:
    (service, name), (code, message) = operation, refusal
    call = getattr(aws.client(service), name)
    refused_code, text = refused(lambda: call(**arguments))
    assert (refused_code, message in text) == (code, True), text
    if allowed:
        call(**allowed)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        pytest.param(
            {"PriceClass": "PriceClass_300"},
            "Value 'PriceClass_300' at 'distributionConfig.priceClass' failed to satisfy "
            "constraint: Member must satisfy enum value set: [PriceClass_100, ",
            id="price class",
        ),
        pytest.param(
            {"HttpVersion": "http4"},
            "Member must satisfy enum value set: [http1.1, http2, http3, http2and3]",
            id="HTTP version",
        ),
        pytest.param(
            {
                "ViewerCertificate": {
                    "CloudFrontDefaultCertificate": True,
                    "MinimumProtocolVersion": "TLSv1.2_2035",
                }
            },
            "at 'distributionConfig.viewerCertificate.minimumProtocolVersion' failed",
            id="TLS version",
        ),
    ],
)
def test_a_distribution_of_no_value_is_malformed(
    aws: Any, config_of: Any, edit: Fields, message: str
) -> None:
    client, config = aws.client("cloudfront"), config_of("one")
    code, text = refused(lambda: client.create_distribution(DistributionConfig=config | edit))
    assert (code, message in text) == ("MalformedXML", True), text
    client.create_distribution(DistributionConfig=config)


ALIAS: Final = {
    "HostedZoneId": "<HostedZoneId>Z35SXDOTRQ7X7K</HostedZoneId>",
    "DNSName": "<DNSName>gone.us-east-1.elb.amazonaws.com</DNSName>",
    "EvaluateTargetHealth": "<EvaluateTargetHealth>false</EvaluateTargetHealth>",
}
NAMESPACE: Final = "https://route53.amazonaws.com/doc/2013-04-01/"


@pytest.mark.parametrize(
    ("order", "message"),
    [
        (
            ("HostedZoneId", "DNSName"),
            (
                "cvc-complex-type.2.4.b: The content of element 'AliasTarget' is not complete. "
                f"One of '{{\"{NAMESPACE}\":EvaluateTargetHealth}}' is expected."
            ),
        ),
        (
            ("EvaluateTargetHealth", "HostedZoneId", "DNSName"),
            (
                "cvc-complex-type.2.4.a: Invalid content was found starting with element "
                f"'EvaluateTargetHealth'. One of '{{\"{NAMESPACE}\":HostedZoneId}}' is expected."
            ),
        ),
        (
            ("HostedZoneId", "EvaluateTargetHealth", "DNSName"),
            f"'EvaluateTargetHealth'. One of '{{\"{NAMESPACE}\":DNSName}}' is expected.",
        ),
        (("HostedZoneId", "DNSName", "EvaluateTargetHealth"), "but that target was not found"),
        (("DNSName", "HostedZoneId", "EvaluateTargetHealth"), "but that target was not found"),
        (("DNSName", "EvaluateTargetHealth", "HostedZoneId"), "but that target was not found"),
    ],
)
def test_an_alias_target_is_whole_and_in_order(
    aws: Any, order: tuple[str, ...], message: str
) -> None:
    target = "".join(ALIAS[name] for name in order)
    body = (
        f'<ChangeResourceRecordSetsRequest xmlns="{NAMESPACE}"><ChangeBatch><Changes><Change>'
        "<Action>CREATE</Action><ResourceRecordSet><Name>api.example.com</Name><Type>A</Type>"
        f"<AliasTarget>{target}</AliasTarget></ResourceRecordSet></Change></Changes></ChangeBatch>"
        "</ChangeResourceRecordSetsRequest>"
    )
    scope = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/route53/aws4_request"
    request = Request(  # noqa: S310 - loopback
        f"{aws.url}/2013-04-01{aws.zone_id()}/rrset",
        body.encode(),
        {"Authorization": scope, "Content-Type": "text/xml"},
        method="POST",
    )
    with pytest.raises(HTTPError) as caught:
        urlopen(request)  # noqa: S310 - loopback
    with caught.value as answer:
        assert message in answer.read().decode().replace("&quot;", '"')


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        pytest.param(
            {"Comment": "x" * 257},
            "cvc-maxLength-valid: Value 'xxx",
            id="a comment too long",
        ),
        pytest.param(
            {"GeoLocation": {"ContinentCode": "Default"}},
            "cvc-length-valid: Value 'Default' with length = '7' is not facet-valid with respect "
            "to length '2' for type 'GeoLocationContinentCode'.",
            id="a length other than the one there is",
        ),
        pytest.param(
            {"CidrRoutingConfig": {"CollectionId": "one", "LocationName": "*"}},
            "cvc-pattern-valid: Value 'one' is not facet-valid with respect to pattern",
            id="a collection of no id",
        ),
        pytest.param(
            {"GeoProximityLocation": {"Coordinates": {"Latitude": "40.7128", "Longitude": "0"}}},
            "with length = '7' is not facet-valid with respect to maxLength '6' for type 'Latitude",
            id="a place too exact",
        ),
        pytest.param(
            {"GeoProximityLocation": {"AWSRegion": "us-east-1", "Bias": 100}},
            "cvc-maxInclusive-valid: Value '100' is not facet-valid with respect to maxInclusive "
            "'99' for type 'Bias'.",
            id="a bias too large",
        ),
    ],
)
def test_a_batch_of_no_value_is_refused(aws: Any, batch: Fields, message: str) -> None:
    record: Fields = {"Name": "a.example.com", "Type": "A", "SetIdentifier": "one", "TTL": 60}
    record |= {"ResourceRecords": [{"Value": "192.0.2.1"}], "Weight": 1}
    comment = {name: batch[name] for name in ("Comment",) if name in batch}
    policies = {name: value for name, value in batch.items() if name != "Comment"}
    if policies:
        del record["Weight"]
    change = {"Action": "CREATE", "ResourceRecordSet": record | policies}
    zone = aws.zone_id()
    code, text = refused(
        lambda: aws.client("route53").change_resource_record_sets(
            HostedZoneId=zone, ChangeBatch={"Changes": [change], **comment}
        )
    )
    assert (code, message in text) == ("InvalidInput", True), text


def too_small(shape: Shape) -> Any:
    """Return a value just below the least that a shape allows; None where there is none."""
    least = shape.metadata.get("min")
    if shape.type_name in {"integer", "long"} and least is not None:
        return least - 1
    if shape.type_name == "string" and least:
        return "a" * (least - 1)
    return [] if shape.type_name == "list" and least == 1 else None


@pytest.mark.parametrize("service", SERVICES)
def test_absent_and_too_small_is_what_botocore_finds_so(service: str) -> None:
    model = get_service_model(service)
    botocores = botocore.session.get_session().get_service_model(service)
    reasons = {
        "missing required field": "required",
        "invalid range": "min",
        "invalid length": "min",
    }
    compared = 0
    for name in botocores.shape_names:
        shape = model.shape_for(name)
        if not isinstance(shape, StructureShape) or shape.is_tagged_union:
            continue
        # A list that is absent is taken for an empty one here.
        value: Fields = {
            one: [] for one in shape.required_members if isinstance(shape.members[one], ListShape)
        }
        small = {one: too_small(member) for one, member in shape.members.items()}
        value |= {one: least for one, least in small.items() if least is not None}
        report: Any = ParamValidator().validate(value, botocores.shape_for(name))
        errors = cast("list[tuple[str, str, Fields]]", vars(report)["_errors"])
        theirs = sorted(reasons[reason] for reason, _, _ in errors)
        ours = [fault.trait for fault in faults(value, shape)]
        assert sorted(trait for trait in ours if trait in {"required", "min"}) == theirs, name
        compared += len(theirs)
    assert compared > 50


@pytest.mark.parametrize("service", SERVICES)
def test_the_largest_passes_and_a_larger_one_does_not(service: str) -> None:
    model, bounded = get_service_model(service), 0
    for name in model.shape_names:
        shape: Any = model.shape_for(name)
        most = shape.metadata.get("max")
        if shape.type_name not in {"string", "integer", "long"} or most is None or most > 10_000:
            continue
        if "pattern" in shape.metadata or "enum" in shape.metadata:
            continue
        largest, larger = (
            ("a" * most, "a" * (most + 1)) if shape.type_name == "string" else (most, most + 1)
        )
        assert [fault.trait for fault in faults(largest, shape)] == [], name
        assert [fault.trait for fault in faults(larger, shape)] == ["max"], name
        bounded += 1
    assert bounded


def test_every_constraint_of_the_models_can_be_told() -> None:
    assert {"acm", "cloudfront", "ec2", "elasticloadbalancing", "monitoring", "route53"} == {
        *STYLES
    }
    for service in SERVICES:
        model = get_service_model(service)
        for name in model.shape_names:
            pattern = model.shape_for(name).metadata.get("pattern")
            assert pattern is None or regex.compile(pattern)
