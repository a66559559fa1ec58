"""The advisory rules about distributions and proxies, as tables."""

from collections.abc import Callable

import pytest

from policies.model import UNKNOWN, Finding, Judgement, Place, Resource, Rule, Value
from policies.rules import (
    access_logs,
    edge_protected,
    http3_after_shift,
    origin_answers,
    origin_locked,
    origin_tls,
    proxy_firewalled,
    proxy_keys_only,
    viewer_tls,
    waf_attached,
)
from policies.rules.proxy_firewalled import ProxyFirewalled
from policies.rules.viewer_tls import ViewerTls
from policies.tls import at_least, strictness

FAIL, CANNOT_TELL = Judgement.FAIL, Judgement.CANNOT_TELL
Make = Callable[..., Resource]
Judge = Callable[..., list[Finding]]
Expected = list[tuple[Judgement, str]]
DISTRIBUTION = "aws:cloudfront/distribution:Distribution"
DROPLET = "digitalocean:index/droplet:Droplet"
FIREWALL = "digitalocean:index/firewall:Firewall"
RECORD = "aws:route53/record:Record"
OWN: dict[str, Value] = {"acmCertificateArn": "arn:aws:acm:us-east-1:1:certificate/1"}
WORLD: list[Value] = ["0.0.0.0/0", "::/0"]


def verdict(rule: Rule, properties: Value) -> Expected:
    return [(finding.answer, finding.path) for finding in rule.check(Place("", properties))]


@pytest.mark.parametrize(
    ("name", "floor", "passes"),
    [
        pytest.param("TLSv1.2_2021", "TLSv1.2_2021", True, id="the floor"),
        pytest.param("TLSv1.2_2019", "TLSv1.2_2021", False, id="older ciphers"),
        pytest.param("TLSv1.2_2025", "TLSv1.2_2021", True, id="newer ciphers"),
        pytest.param("TLSv1.3_2025", "TLSv1.2_2021", True, id="a newer protocol"),
        pytest.param("TLSv1.10_2030", "TLSv1.9_2031", True, id="ten is more than nine"),
        pytest.param("TLSv2_2040", "TLSv1.3_2025", True, id="a new major version"),
        pytest.param("TLSv1", "TLSv1_2016", False, id="no year is the laxest"),
        pytest.param("SSLv3", "TLSv1", False, id="SSL is below any TLS"),
        pytest.param("tlsv1.2_2021", "TLSv1.2_2021", None, id="no such name"),
        pytest.param("TLSv1.2_2021 ", "TLSv1.2_2021", None, id="a space behind"),
    ],
)
def test_security_policies_are_compared_and_not_listed(
    name: str, floor: str, passes: bool | None
) -> None:
    assert at_least(name, floor) is passes
    assert (strictness(name) is None) is (passes is None)


@pytest.mark.parametrize(
    ("certificate", "expected"),
    [
        pytest.param({**OWN, "minimumProtocolVersion": "TLSv1.2_2021"}, [], id="the floor"),
        pytest.param(
            {"iamCertificateId": "x", "minimumProtocolVersion": "TLSv1.3_2025"}, [], id="from IAM"
        ),
        pytest.param(OWN, [(FAIL, "minimumProtocolVersion")], id="absent, so TLSv1"),
        pytest.param(
            {**OWN, "minimumProtocolVersion": "TLSv1.1_2016"},
            [(FAIL, "minimumProtocolVersion")],
            id="too lax",
        ),
        pytest.param(
            {**OWN, "minimumProtocolVersion": "newest"},
            [(FAIL, "minimumProtocolVersion")],
            id="a word",
        ),
        pytest.param(
            {**OWN, "minimumProtocolVersion": UNKNOWN},
            [(CANNOT_TELL, "minimumProtocolVersion")],
            id="unknown",
        ),
        pytest.param(
            {"acmCertificateArn": UNKNOWN, "minimumProtocolVersion": "TLSv1.2_2021"},
            [],
            id="a certificate made in the same update",
        ),
        pytest.param({"cloudfrontDefaultCertificate": True}, [(FAIL, "")], id="CloudFront's own"),
        pytest.param(
            {"cloudfrontDefaultCertificate": UNKNOWN},
            [(CANNOT_TELL, "cloudfrontDefaultCertificate")],
            id="perhaps CloudFront's own",
        ),
        pytest.param(None, [(FAIL, "")], id="no certificate at all"),
        pytest.param(UNKNOWN, [(CANNOT_TELL, "")], id="wholly unknown"),
        pytest.param("TLSv1.2_2021", [(FAIL, "")], id="text for an object"),
    ],
)
def test_viewers_need_current_tls(certificate: Value, expected: Expected) -> None:
    assert verdict(viewer_tls.RULE, {"viewerCertificate": certificate}) == [
        (answer, f"viewerCertificate.{path}".removesuffix(".")) for answer, path in expected
    ]


def test_the_floor_can_be_set(make: Make, judge: Judge) -> None:
    properties: Value = {"viewerCertificate": {**OWN, "minimumProtocolVersion": "TLSv1.2_2021"}}
    options = ViewerTls(floor="TLSv1.3_2025")
    (finding,) = judge(viewer_tls.RULE, make(DISTRIBUTION, "cdn", properties), options=options)
    assert finding.allowed == '"TLSv1.3_2025" or stricter'


def test_the_default_certificate_gets_its_own_advice() -> None:
    (finding,) = viewer_tls.RULE.check(Place("", {}))
    assert "Request one in ACM in us-east-1" in finding.fix
    assert finding.value == "CloudFront's own certificate"


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        pytest.param(
            {"originProtocolPolicy": "https-only", "originSslProtocols": ["TLSv1.2"]},
            [],
            id="right",
        ),
        pytest.param(
            {"originProtocolPolicy": "https-only", "originSslProtocols": ["TLSv1.3"]},
            [],
            id="newer",
        ),
        pytest.param(
            {"originProtocolPolicy": "match-viewer", "originSslProtocols": ["SSLv3", "TLSv1.2"]},
            [(FAIL, ".originProtocolPolicy"), (FAIL, ".originSslProtocols[0]")],
            id="both wrong",
        ),
        pytest.param(
            {"originProtocolPolicy": UNKNOWN, "originSslProtocols": [UNKNOWN]},
            [(CANNOT_TELL, ".originProtocolPolicy"), (CANNOT_TELL, ".originSslProtocols[0]")],
            id="unknown",
        ),
        pytest.param(
            {"originProtocolPolicy": "https-only"},
            [(FAIL, ".originSslProtocols")],
            id="no protocols",
        ),
        pytest.param(UNKNOWN, [(CANNOT_TELL, "")], id="wholly unknown"),
        pytest.param("https-only", [(FAIL, "")], id="text"),
        pytest.param(None, [], id="an S3 or VPC origin"),
    ],
)
def test_origins_are_reached_over_current_tls(config: Value, expected: Expected) -> None:
    origins: Value = [{"domainName": "x", "customOriginConfig": config}]
    assert verdict(origin_tls.RULE, {"origins": origins}) == [
        (answer, f"origins[0].customOriginConfig{path}") for answer, path in expected
    ]


@pytest.mark.parametrize(
    "rule", [pytest.param(r, id=r.name) for r in (origin_tls.RULE, origin_locked.RULE)]
)
@pytest.mark.parametrize(
    ("origins", "answer"),
    [
        pytest.param(UNKNOWN, CANNOT_TELL, id="unknown"),
        pytest.param(None, FAIL, id="absent"),
        pytest.param("text", FAIL, id="text"),
    ],
)
def test_origins_that_cannot_be_read_are_one_finding(
    rule: Rule, origins: Value, answer: Judgement
) -> None:
    assert verdict(rule, {"origins": origins}) == [(answer, "origins")]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param([{"name": "x-secret", "value": "s"}], [], id="a secret"),
        pytest.param([{"name": "x-secret", "value": UNKNOWN}], [], id="a secret not made yet"),
        pytest.param([], [(FAIL, "")], id="none"),
        pytest.param(None, [(FAIL, "")], id="absent"),
        pytest.param([{"name": "x-secret"}], [(FAIL, "")], id="without a value"),
        pytest.param([UNKNOWN], [(CANNOT_TELL, "[0]")], id="an unknown one"),
        pytest.param(UNKNOWN, [(CANNOT_TELL, "")], id="unknown"),
    ],
)
def test_custom_origins_get_a_header_of_their_own(headers: Value, expected: Expected) -> None:
    origin: Value = {"customOriginConfig": {"httpPort": 80}, "customHeaders": headers}
    assert verdict(origin_locked.RULE, {"origins": [origin]}) == [
        (answer, f"origins[0].customHeaders{path}") for answer, path in expected
    ]


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        pytest.param({"viewerProtocolPolicy": "allow-all"}, [], id="everything passes"),
        pytest.param({"viewerProtocolPolicy": "https-only"}, [], id="HTTPS only"),
        pytest.param({"viewerProtocolPolicy": "redirect-to-https"}, [FAIL], id="a redirect"),
        pytest.param({"viewerProtocolPolicy": UNKNOWN}, [CANNOT_TELL], id="unknown"),
        pytest.param({}, [FAIL], id="absent"),
        pytest.param({"viewerProtocolPolicy": ["allow-all"]}, [FAIL], id="a list"),
    ],
)
def test_a_behaviour_does_not_redirect(properties: Value, expected: list[Judgement]) -> None:
    place: Value = {"defaultCacheBehavior": properties}
    path = "defaultCacheBehavior.viewerProtocolPolicy"
    assert verdict(origin_answers.RULE, place) == [(answer, path) for answer in expected]


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        pytest.param({"defaultRootObject": ""}, [], id="an empty root"),
        pytest.param(
            {"defaultRootObject": "index.html"}, [(FAIL, "defaultRootObject")], id="a root"
        ),
        pytest.param(
            {"defaultRootObject": UNKNOWN}, [(CANNOT_TELL, "defaultRootObject")], id="perhaps"
        ),
        pytest.param(
            {
                "customErrorResponses": [
                    {"errorCode": 404, "responseCode": 0, "responsePagePath": ""}
                ]
            },
            [],
            id="as in state",
        ),
        pytest.param(
            {
                "customErrorResponses": [
                    {"errorCode": 404, "responseCode": 200, "responsePagePath": "/x"}
                ]
            },
            [
                (FAIL, "customErrorResponses[0].responsePagePath"),
                (FAIL, "customErrorResponses[0].responseCode"),
            ],
            id="an error page",
        ),
        pytest.param({"customErrorResponses": [UNKNOWN]}, [], id="another rule's matter"),
    ],
)
def test_a_distribution_has_no_answers_of_its_own(
    properties: dict[str, Value], expected: Expected
) -> None:
    behavior: Value = {"viewerProtocolPolicy": "allow-all"}
    place: Value = {"defaultCacheBehavior": behavior, **properties}
    assert verdict(origin_answers.RULE, place) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("arn:aws:wafv2:x", [], id="an ARN"),
        pytest.param("", [FAIL], id="empty"),
        pytest.param(None, [FAIL], id="absent"),
        pytest.param(7, [FAIL], id="a number"),
        pytest.param(UNKNOWN, [CANNOT_TELL], id="unknown"),
    ],
)
def test_a_web_acl_is_named(value: Value, expected: list[Judgement]) -> None:
    assert verdict(waf_attached.RULE, {"webAclId": value}) == [
        (one, "webAclId") for one in expected
    ]


def test_a_web_acl_made_in_the_same_stack_is_one(make: Make, judge: Judge) -> None:
    acl = make("aws:wafv2/webAcl:WebAcl", "acl", {})
    cdn = make(DISTRIBUTION, "cdn", {"webAclId": UNKNOWN}, {"webAclId": [acl]})
    assert judge(waf_attached.RULE, cdn, acl) == []


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        pytest.param({"loggingConfig": {"bucket": "x.s3.amazonaws.com"}}, [], id="a bucket"),
        pytest.param(
            {"defaultCacheBehavior": {"realtimeLogConfigArn": "arn:x"}}, [], id="real time"
        ),
        pytest.param({"arn": "arn:cdn"}, [], id="a log delivery"),
        pytest.param({"loggingConfig": {"bucket": ""}}, [(FAIL, "loggingConfig")], id="no bucket"),
        pytest.param({"loggingConfig": UNKNOWN}, [(CANNOT_TELL, "loggingConfig")], id="unknown"),
        pytest.param({}, [(FAIL, "loggingConfig")], id="nothing"),
    ],
)
def test_requests_are_logged_one_way_or_another(
    properties: Value, expected: Expected, make: Make, judge: Judge
) -> None:
    source = make(
        "aws:cloudwatch/logDeliverySource:LogDeliverySource", "s", {"resourceArn": "arn:cdn"}
    )
    cdn = make(DISTRIBUTION, "cdn", properties)
    findings = [(finding.answer, finding.path) for finding in judge(access_logs.RULE, cdn, source)]
    assert findings == expected


@pytest.mark.parametrize(
    ("version", "weight", "expected"),
    [
        pytest.param("http2and3", 50, [FAIL], id="while shared"),
        pytest.param("http3", 0, [], id="when done"),
        pytest.param("http2", 50, [], id="off"),
        pytest.param(UNKNOWN, 50, [CANNOT_TELL], id="unknown version"),
        pytest.param("http3", UNKNOWN, [CANNOT_TELL], id="unknown weight"),
        pytest.param(["http3"], 50, [], id="odd"),
    ],
)
def test_http3_waits_for_the_end_of_the_shift(
    version: Value, weight: Value, expected: list[Judgement], make: Make, judge: Judge
) -> None:
    def way(name: str, target: str, share: Value) -> Resource:
        properties: Value = {
            "zoneId": "Z1",
            "name": "api.example.com",
            "type": "A",
            "setIdentifier": name,
            "weightedRoutingPolicies": [{"weight": share}],
            "aliases": [{"name": target, "zoneId": "Z"}],
        }
        return make(RECORD, name, properties)

    cdn = make(DISTRIBUTION, "cdn", {"httpVersion": version, "domainName": "d1.cloudfront.net"})
    ways = [way("direct", "lb.elb.amazonaws.com", weight), way("cdn", "d1.cloudfront.net", 50)]
    answers = [finding.answer for finding in judge(http3_after_shift.RULE, cdn, *ways)]
    assert answers == expected


def test_a_distribution_is_protected(make: Make, judge: Judge) -> None:
    assert judge(edge_protected.RULE, make(DISTRIBUTION, "cdn", {})) == []
    (finding,) = judge(edge_protected.RULE, make(DISTRIBUTION, "cdn", {}, protected=False))
    assert finding.message("edge-protected") == (
        "edge-protected: option protect is false; it must be true. Set the resource option protect "
        "to true."
    )


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        pytest.param(
            [{"protocol": "tcp", "portRange": "443", "sourceAddresses": WORLD}], [], id="serving"
        ),
        pytest.param(
            [{"protocol": "tcp", "portRange": "22", "sourceAddresses": ["198.51.100.0/24"]}],
            [],
            id="SSH for some",
        ),
        pytest.param(
            [{"protocol": "tcp", "portRange": "22", "sourceAddresses": WORLD}],
            [(FAIL, "inboundRules[0].portRange")],
            id="SSH for the world",
        ),
        pytest.param(
            [{"protocol": "tcp", "portRange": "22", "sourceAddresses": ["::/0"]}],
            [(FAIL, "inboundRules[0].portRange")],
            id="SSH for the IPv6 world",
        ),
        pytest.param(
            [{"protocol": "tcp", "portRange": "1-65535", "sourceAddresses": WORLD}],
            [(FAIL, "inboundRules[0].portRange")],
            id="every port",
        ),
        pytest.param(
            [{"protocol": "tcp", "portRange": "443", "sourceAddresses": ["0.0.0.0/0"]}],
            [(FAIL, "inboundRules[0].sourceAddresses")],
            id="IPv4 only",
        ),
        pytest.param([{"protocol": "icmp", "sourceAddresses": WORLD}], [], id="ICMP"),
        pytest.param(
            [{"protocol": "tcp", "portRange": "22", "sourceAddresses": UNKNOWN}],
            [(CANNOT_TELL, "inboundRules[0].portRange")],
            id="unknown sources",
        ),
        pytest.param(UNKNOWN, [(CANNOT_TELL, "inboundRules")], id="unknown rules"),
        pytest.param([], [], id="nothing open"),
    ],
)
def test_a_firewall_lets_the_world_in_where_it_serves(
    rules: Value, expected: Expected, make: Make, judge: Judge
) -> None:
    firewall = make(FIREWALL, "firewall", {"inboundRules": rules})
    findings = [
        (finding.answer, finding.path) for finding in judge(proxy_firewalled.RULE, firewall)
    ]
    assert findings == expected


def test_the_ports_can_be_set(make: Make, judge: Judge) -> None:
    rule: Value = {"protocol": "tcp", "portRange": "8443", "sourceAddresses": WORLD}
    firewall = make(FIREWALL, "firewall", {"inboundRules": [rule]})
    options = ProxyFirewalled(ports=("8443",))
    assert judge(proxy_firewalled.RULE, firewall, options=options) == []


@pytest.mark.parametrize(
    ("firewall", "depends", "answers"),
    [
        pytest.param({"dropletIds": [7]}, False, [], id="by its id"),
        pytest.param({"dropletIds": [UNKNOWN]}, True, [], id="by what the ids depend on"),
        pytest.param({"tags": ["proxy"]}, False, [], id="by a tag"),
        pytest.param({"dropletIds": [8], "tags": ["web"]}, False, [FAIL], id="not at all"),
        pytest.param({"dropletIds": UNKNOWN}, False, [CANNOT_TELL], id="perhaps"),
    ],
)
def test_a_droplet_has_a_firewall(
    firewall: Value, depends: bool, answers: list[Judgement], make: Make, judge: Judge
) -> None:
    droplet = make(DROPLET, "proxy", {"id": "7", "tags": ["proxy"]})
    dependencies = {"dropletIds": [droplet]} if depends else {}
    around = make(FIREWALL, "firewall", firewall, dependencies)
    findings = judge(proxy_firewalled.RULE, droplet, around)
    assert [finding.answer for finding in findings] == answers


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        pytest.param({"sshKeys": ["1"], "userData": "#cloud-config\n"}, [], id="keys"),
        pytest.param({"sshKeys": [UNKNOWN]}, [], id="a key not made yet"),
        pytest.param({"sshKeys": []}, [(FAIL, "sshKeys")], id="none"),
        pytest.param({}, [(FAIL, "sshKeys")], id="absent"),
        pytest.param({"sshKeys": UNKNOWN}, [(CANNOT_TELL, "sshKeys")], id="unknown"),
        pytest.param({"sshKeys": "1"}, [(FAIL, "sshKeys")], id="text"),
        *[
            pytest.param({"sshKeys": ["1"], "userData": text}, [(FAIL, "userData")], id=name)
            for name, text in [
                ("cloud-init", "#cloud-config\nssh_pwauth: true\n"),
                ("a password", "#cloud-config\nchpasswd:\n  list: root:x\n"),
                ("sshd", "write_files:\n- content: |\n    PasswordAuthentication yes\n"),
            ]
        ],
        pytest.param({"sshKeys": ["1"], "userData": "ssh_pwauth: false\n"}, [], id="turned off"),
    ],
)
def test_a_droplet_is_reached_with_keys_only(properties: Value, expected: Expected) -> None:
    assert verdict(proxy_keys_only.RULE, properties) == expected


def test_a_password_in_user_data_is_not_shown() -> None:
    data = "#cloud-config\nchpasswd:\n  list: root:hunter2\n"
    (finding,) = proxy_keys_only.RULE.check(Place("", {"sshKeys": ["1"], "userData": data}))
    assert "hunter2" not in finding.message("proxy-keys-only")
