"""Reading the configuration: every fault of every key, in one go, in one shape."""

import asyncio
import inspect
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import pulumi
import pulumi.runtime
import pulumi_aws as aws
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import Secret

from components import settings
from components.arguments import DualStackEdgeArgs
from components.faults import Fault
from components.settings import (
    KEYS,
    Distribution,
    Logs,
    Origin,
    OriginLock,
    Settings,
    SettingsError,
    Traffic,
    parse,
)
from components.settings.values import nearest_pair

if TYPE_CHECKING:
    from support.recording import MockEngine

CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/0a1b2c3d-1111-2222-3333-444455556666"
WEB_ACL = "arn:aws:wafv2:us-east-1:123456789012:global/webacl/edge/0a1b2c3d"
GOOD: Mapping[str, Any] = {
    "hostnames": ["api.example.com"],
    "zone": "example.com",
    "origin": {"loadBalancer": "api", "kind": "application"},
}
CONFIG_SET = "pulumi config set"
REFUSED_BY_ZONE = "example.com or a name that ends in .example.com, the zone its records go to"
SET_HOSTNAME = f"Set it with: {CONFIG_SET} --path 'dualstack-edge:hostnames[0]' api.example.com"


def set_direct(weight: int, *, written: bool | str = False) -> str:
    """Return what a refusal of the weight of direct says is to be done."""
    lead = f"Write `direct: {weight}`, or set it with" if written else "Set it with"
    if written == "text":
        lead += ": pulumi config rm --path dualstack-edge:traffic.direct &&"
        return f"{lead} {CONFIG_SET} --path dualstack-edge:traffic.direct {weight}"
    return f"{lead}: {CONFIG_SET} --path dualstack-edge:traffic.direct {weight}"


def set_both(direct: int, cdn: int) -> str:
    """Return what a refusal of weights of another sum says is to be done."""
    return (
        "Where records have weights of another sum already, see 'Weights of another sum' in "
        f"docs/paths.md. Set both with: {CONFIG_SET} --path dualstack-edge:traffic.direct {direct} "
        f"&& {CONFIG_SET} --path dualstack-edge:traffic.cdn {cdn}"
    )


def raw(**keys: Any) -> dict[str, str]:
    """Return configuration as the engine hands it out: text as it is, everything else as JSON."""
    merged = {**GOOD, **keys}
    return {
        f"dualstack-edge:{key}": value if isinstance(value, str) else json.dumps(value)
        for key, value in merged.items()
        if value is not None
    }


def faults(config: Mapping[str, str], **options: Any) -> list[str]:
    """Return the faults of a configuration as the user reads them."""
    with pytest.raises(SettingsError) as caught:
        parse(config, stack="prod", **options)
    return [str(fault) for fault in caught.value.faults]


def test_the_least_configuration_has_a_default_for_everything_else() -> None:
    assert parse(raw(), stack="prod") == Settings(
        hostnames=("api.example.com",),
        zone="example.com",
        origin=Origin(
            load_balancer="api",
            kind="application",
            protocol="https-only",
            http_port=80,
            https_port=443,
            connect_attempts=3,
            connect_timeout_seconds=10,
            read_timeout_seconds=60,
            keepalive_timeout_seconds=5,
        ),
        traffic=Traffic(direct=100, cdn=0),
        distribution=Distribution(
            price_class="PriceClass_All",
            http_version="http2",
            viewer_protocol=None,
            tls_policy="TLSv1.2_2021",
            origin_request_policy="AllViewer",
            web_acl_arn=None,
            logs=None,
            retain_on_delete=False,
        ),
        certificate_arn=None,
        protect=True,
    )


def test_everything_that_is_set_is_read() -> None:
    config = raw(
        origin={
            "domainName": "API-1.eu-central-1.elb.amazonaws.com.",
            "hostedZoneId": "Z215JYRZR1TBD5",
            "protocol": "match-viewer",
            "httpPort": 8080,
            "httpsPort": 8443,
            "connectAttempts": 1,
            "connectTimeoutSeconds": 2,
            "readTimeoutSeconds": 120,
            "keepaliveTimeoutSeconds": 30,
        },
        traffic={"direct": 0, "cdn": 100},
        distribution={
            "priceClass": "PriceClass_100",
            "httpVersion": "http2and3",
            "viewerProtocol": "redirect-to-https",
            "tlsPolicy": "TLSv1.3_2025",
            "originRequestPolicy": "AllViewerAndCloudFrontHeaders",
            "webAclArn": WEB_ACL,
            "logs": {"bucket": "edge-logs", "prefix": "api/", "includeCookies": True},
            "retainOnDelete": True,
        },
        certificateArn=CERTIFICATE,
        protect="false",
    )
    assert parse(config, stack="prod") == Settings(
        hostnames=("api.example.com",),
        zone="example.com",
        origin=Origin(
            domain_name="api-1.eu-central-1.elb.amazonaws.com",
            hosted_zone_id="Z215JYRZR1TBD5",
            protocol="match-viewer",
            http_port=8080,
            https_port=8443,
            connect_attempts=1,
            connect_timeout_seconds=2,
            read_timeout_seconds=120,
            keepalive_timeout_seconds=30,
        ),
        traffic=Traffic(direct=0, cdn=100),
        distribution=Distribution(
            price_class="PriceClass_100",
            http_version="http2and3",
            viewer_protocol="redirect-to-https",
            tls_policy="TLSv1.3_2025",
            origin_request_policy="AllViewerAndCloudFrontHeaders",
            web_acl_arn=WEB_ACL,
            logs=Logs(bucket="edge-logs", prefix="api/", include_cookies=True),
            retain_on_delete=True,
        ),
        certificate_arn=CERTIFICATE,
        protect=False,
    )


@pytest.mark.parametrize(
    ("config", "fault"),
    [
        pytest.param(
            {"hostnames": []},
            "dualstack-edge:hostnames is []; a list of at least one DNS name in the zone. "
            + SET_HOSTNAME,
            id="no hostname",
        ),
        pytest.param(
            {"hostnames": None},
            "dualstack-edge:hostnames is not set; a list of at least one DNS name in the zone. "
            + SET_HOSTNAME,
            id="hostnames not set",
        ),
        pytest.param(
            {"hostnames": "api.example.com"},
            'dualstack-edge:hostnames is "api.example.com"; a list of at least one DNS name in the '
            "zone. Write `dualstack-edge:hostnames: [api.example.com]`, or s" + SET_HOSTNAME[1:],
            id="a hostname in place of a list",
        ),
        pytest.param(
            {"hostnames": ["api.example.org"]},
            f'dualstack-edge:hostnames[0] is "api.example.org"; {REFUSED_BY_ZONE}. '
            "Change dualstack-edge:zone, or s" + SET_HOSTNAME[1:],
            id="a hostname outside the zone",
        ),
        pytest.param(
            {"hostnames": ["apiexample.com"]},
            f'dualstack-edge:hostnames[0] is "apiexample.com"; {REFUSED_BY_ZONE}. '
            "Change dualstack-edge:zone, or s" + SET_HOSTNAME[1:],
            id="a hostname that only ends like the zone",
        ),
        pytest.param(
            {"hostnames": ["*.example.com"]},
            'dualstack-edge:hostnames[0] is "*.example.com"; a name of its own, not a wildcard: a '
            "wildcard answers every name of the zone that has no record, so its weights would move "
            "names nobody listed. List the names it stands for. Set the first with"
            + SET_HOSTNAME.removeprefix("Set it with"),
            id="a wildcard",
        ),
        pytest.param(
            {"hostnames": ["api_1.example.com"]},
            'dualstack-edge:hostnames[0] is "api_1.example.com"; a DNS name in the zone. '
            + SET_HOSTNAME.replace("api.", "api-1."),
            id="an underscore",
        ),
        pytest.param(
            {"hostnames": ["api.example.com", "API.Example.COM."]},
            'dualstack-edge:hostnames[1] is "api.example.com"; a name listed once, and '
            "dualstack-edge:hostnames[0] is the same. "
            "Remove it with: pulumi config rm --path 'dualstack-edge:hostnames[1]'",
            id="a hostname twice, spelt differently",
        ),
        pytest.param(
            {"hostnames": [7]},
            "dualstack-edge:hostnames[0] is 7; a DNS name in the zone. "
            "Write `api.example.com`, or s" + SET_HOSTNAME[1:],
            id="a number for a hostname",
        ),
        pytest.param(
            {"hostnames": [f"{'a' * 60}.example.com"]},
            f'dualstack-edge:hostnames[0] is "{"a" * 60}.example.com" (72 characters); at most 64 '
            "characters for the first hostname, which the certificate is issued to. Put a shorter "
            "hostname first, or bring a certificate of your own: pulumi config set "
            "dualstack-edge:certificateArn "
            "arn:aws:acm:us-east-1:123456789012:certificate/0a1b2c3d",
            id="a first hostname longer than a certificate's subject",
        ),
        pytest.param(
            {"zone": None},
            "dualstack-edge:zone is not set; the name of a Route 53 hosted zone. "
            f"Set it with: {CONFIG_SET} dualstack-edge:zone example.com",
            id="zone not set",
        ),
        pytest.param(
            {"zone": "com"},
            'dualstack-edge:zone is "com"; the name of a Route 53 hosted zone. '
            f"Set it with: {CONFIG_SET} dualstack-edge:zone example.com",
            id="a top-level domain for a zone",
        ),
        *(
            pytest.param(
                {"traffic": {"direct": weight, "cdn": 1}},
                f"dualstack-edge:traffic.direct is {shown}; an integer from 0 to 100. "
                + set_direct(99, written=written),
                id=f"weight {shown}",
            )
            for weight, shown, written in (
                (300, "300", False),
                (256, "256", False),
                (-1, "-1", False),
                ("99", '"99"', "text"),
                ("lots", '"lots"', "text"),
                (True, "true", True),
                (99.0, "99.0", True),
                (None, "null", False),
                ([1], "[1]", True),
            )
        ),
        pytest.param(
            {"traffic": {"direct": 0, "cdn": 0}},
            'dualstack-edge:traffic is {"direct": 0, "cdn": 0}; weights that add up to 100: where '
            "all are 0, Route 53 answers with all of them equally. " + set_both(100, 0),
            id="both weights 0",
        ),
        *(
            pytest.param(
                {"traffic": {"direct": direct, "cdn": cdn}},
                f'dualstack-edge:traffic is {{"direct": {direct}, "cdn": {cdn}}}; '
                f"{'integers' if direct == 0.5 else 'weights'} that add "
                f"up to 100: {words}. {set_both(*pair)}",
                id=f"weights {direct}/{cdn}",
            )
            for direct, cdn, words, pair in (
                (9, 1, "90 and 10 are the same share", (90, 10)),
                (0, 255, "0 and 100 are the same share", (0, 100)),
                (50, 49, "51 and 49 are the nearest share", (51, 49)),
                (7, 1, "88 and 12 are the nearest share", (88, 12)),
                (0.5, 1, "33 and 67 are the nearest share", (33, 67)),
                (
                    *(255, 1),
                    "a share below 1 % cannot be said, and 100 and 0 are the nearest share",
                    (100, 0),
                ),
                (
                    *(1, 150),
                    "a share below 1 % cannot be said, and 1 and 99 are the nearest share",
                    (1, 99),
                ),
                (99, 2, "98 and 2 are the nearest share", (98, 2)),
            )
        ),
        pytest.param(
            {"traffic": {"cdn": 5}},
            "dualstack-edge:traffic.direct is not set; an integer from 0 to 100. " + set_direct(95),
            id="one weight only",
        ),
        pytest.param(
            {"traffic": "half and half"},
            'dualstack-edge:traffic is "half and half"; an object with direct and cdn. '
            + set_both(100, 0).partition("docs/paths.md. ")[2].replace("Set both", "Set it"),
            id="text for an object",
        ),
        pytest.param(
            {"origin": None},
            "dualstack-edge:origin is not set; an object with loadBalancer and kind. "
            f"Set it with: {CONFIG_SET} --path dualstack-edge:origin.loadBalancer api && "
            f"{CONFIG_SET} --path dualstack-edge:origin.kind application",
            id="origin not set",
        ),
        pytest.param(
            {"origin": {"loadBalancer": "api"}},
            "dualstack-edge:origin.kind is not set; one of classic, application, network. "
            f"Set it with: {CONFIG_SET} --path dualstack-edge:origin.kind application",
            id="a load balancer of no kind",
        ),
        pytest.param(
            {"origin": {"loadBalancer": "api", "kind": "gateway"}},
            'dualstack-edge:origin.kind is "gateway"; one of classic, application, network. '
            f"Set it with: {CONFIG_SET} --path dualstack-edge:origin.kind application",
            id="a load balancer of another kind",
        ),
        pytest.param(
            {"origin": {"loadBalancer": "api", "kind": "classic", "domainName": "a.example.com"}},
            'dualstack-edge:origin is {"loadBalancer": "api", "kind": "classic", "domainName": '
            '"a.example.com"}; loadBalancer and kind (looked up) or domainName and hostedZoneId '
            "(as given), not both. Remove one of the two, such as with: "
            "pulumi config rm --path dualstack-edge:origin.domainName",
            id="an origin looked up and given",
        ),
        pytest.param(
            {"origin": {"httpPort": 80}},
            'dualstack-edge:origin is {"httpPort": 80}; loadBalancer and kind (looked up) or '
            "domainName and hostedZoneId (as given), and neither is there. "
            f"Set it with: {CONFIG_SET} --path dualstack-edge:origin.loadBalancer api && "
            f"{CONFIG_SET} --path dualstack-edge:origin.kind application",
            id="an origin neither looked up nor given",
        ),
        pytest.param(
            {"origin": {**GOOD["origin"], "httpsPort": 25}},
            "dualstack-edge:origin.httpsPort is 25; 80, 443 or an integer from 1024 to 65535. "
            f"Set it with: {CONFIG_SET} --path dualstack-edge:origin.httpsPort 443",
            id="a port CloudFront does not connect to",
        ),
        pytest.param(
            {"origin": {**GOOD["origin"], "readTimeoutSeconds": 121}},
            "dualstack-edge:origin.readTimeoutSeconds is 121; an integer from 30 to 120. "
            f"Set it with: {CONFIG_SET} --path dualstack-edge:origin.readTimeoutSeconds 120",
            id="a timeout too long",
        ),
        pytest.param(
            {"origin": {**GOOD["origin"], "readTimeoutSeconds": 29}},
            "dualstack-edge:origin.readTimeoutSeconds is 29; an integer from 30 to 120. "
            f"Set it with: {CONFIG_SET} --path dualstack-edge:origin.readTimeoutSeconds 30",
            id="a timeout too short",
        ),
        pytest.param(
            {"certificateArn": CERTIFICATE.replace("us-east-1", "eu-central-1")},
            'dualstack-edge:certificateArn is "arn:aws:acm:eu-central-1:123456789012:certificate/'
            '0a1b2c3d-1111-2222-3333-444455556666"; an ACM certificate in us-east-1, not '
            "eu-central-1: CloudFront takes them from no other region. Request or import the "
            "certificate in us-east-1 and set its ARN, or let one be made: "
            "pulumi config rm dualstack-edge:certificateArn",
            id="a certificate outside us-east-1",
        ),
        pytest.param(
            {"certificateArn": "api.example.com"},
            'dualstack-edge:certificateArn is "api.example.com"; the ARN of an ACM certificate in '
            f"us-east-1. Set it with: {CONFIG_SET} dualstack-edge:certificateArn "
            "arn:aws:acm:us-east-1:123456789012:certificate/0a1b2c3d",
            id="no ARN for a certificate",
        ),
        pytest.param(
            {"protect": "maybe"},
            'dualstack-edge:protect is "maybe"; true or false. '
            f"Set it with: {CONFIG_SET} dualstack-edge:protect true",
            id="neither true nor false",
        ),
        pytest.param(
            {"distribution": {"webAclArn": WEB_ACL.replace("global", "regional")}},
            'dualstack-edge:distribution.webAclArn is "arn:aws:wafv2:us-east-1:123456789012:'
            'regional/webacl/edge/0a1b2c3d"; the ARN of a global WAFv2 web ACL, which lives in '
            f"us-east-1. Set it with: {CONFIG_SET} --path dualstack-edge:distribution.webAclArn "
            + WEB_ACL,
            id="a regional web ACL",
        ),
        pytest.param(
            {"distribution": {"logs": {"bucket": "logs.s3.amazonaws.com"}}},
            'dualstack-edge:distribution.logs.bucket is "logs.s3.amazonaws.com"; the name of an S3 '
            f"bucket, without .s3.amazonaws.com. Set it with: {CONFIG_SET} --path "
            "dualstack-edge:distribution.logs.bucket logs",
            id="a bucket's domain name",
        ),
        pytest.param(
            {"hostname": "api.example.com"},
            "dualstack-edge:hostname is set; no such setting exists. Did you mean hostnames? That "
            "is set as well. Remove it with: pulumi config rm dualstack-edge:hostname",
            id="an unknown key",
        ),
        pytest.param(
            {"originSecret": "x"},
            "dualstack-edge:originSecret is set; no such setting exists, known here are hostnames, "
            "zone, origin, traffic, proxy, distribution, originLock, alarms, killSwitch, dns, "
            "shift, certificateArn, protect. "
            "Remove it with: pulumi config rm dualstack-edge:originSecret",
            id="a key of nobody",
        ),
        pytest.param(
            {"traffic": {"direct": 99, "cdn": 1, "cnd": 1}},
            "dualstack-edge:traffic.cnd is set; no such setting exists. Did you mean cdn? That is "
            "set as well. Remove it with: "
            "pulumi config rm --path dualstack-edge:traffic.cnd",
            id="an unknown nested key",
        ),
        pytest.param(
            {"distribution": {"price_class": "PriceClass_100"}},
            "dualstack-edge:distribution.price_class is set; no such setting exists. Did you mean "
            "priceClass? Write `priceClass:` instead of `price_class:`.",
            id="a key spelt the way Python does",
        ),
        pytest.param(
            {"traffic": {"direct": 99, "cdn": 1, "a b.c": 1}},
            'dualstack-edge:traffic["a b.c"] is set; no such setting exists, known here are '
            "direct, cdn. Remove it with: "
            "pulumi config rm --path 'dualstack-edge:traffic[\"a b.c\"]'",
            id="a nested key that a path has to quote",
        ),
        pytest.param(
            {"proxy": {"regions": []}},
            "dualstack-edge:proxy.regions is []; a list of 1 to 12 different regions of "
            f"DigitalOcean. Set it with: {CONFIG_SET} --path 'dualstack-edge:proxy.regions[0]' "
            "fra1",
            id="a pool of no regions",
        ),
        pytest.param(
            {"proxy": {"regions": ["fra1", "fra1"]}},
            'dualstack-edge:proxy.regions[1] is "fra1"; an entry listed once, and '
            "dualstack-edge:proxy.regions[0] is the same. Remove it with: pulumi config rm --path "
            "'dualstack-edge:proxy.regions[1]'",
            id="a region twice",
        ),
        pytest.param(
            {"proxy": {"regions": ["fra1"], "nodesPerRegion": 4}},
            "dualstack-edge:proxy.nodesPerRegion is 4; an integer from 1 to 3. "
            f"Set it with: {CONFIG_SET} --path dualstack-edge:proxy.nodesPerRegion 3",
            id="more nodes than a region has hours for",
        ),
        pytest.param(
            {"proxy": {"regions": ["fra1", "ams3"], "nodesPerRegion": 2}},
            "dualstack-edge:proxy is a pool of 4 proxies; as many as the account may have reserved "
            "addresses, dualstack-edge:proxy.reservedIpv6Quota, which is 3. Take fewer regions or "
            "nodes, or ask DigitalOcean's support for more addresses, then: "
            f"{CONFIG_SET} --path dualstack-edge:proxy.reservedIpv6Quota 4",
            id="more nodes than reserved addresses",
        ),
        pytest.param(
            {"proxy": {"regions": ["fra1"], "proxyProtocol": True}},
            "dualstack-edge:proxy.proxyProtocol is true, and the load balancer is an application "
            "load balancer; true for a classic or network load balancer only: an application load "
            "balancer cannot read the header and takes it for a broken request. "
            f"Set it with: {CONFIG_SET} --path dualstack-edge:proxy.proxyProtocol false",
            id="PROXY protocol for an application load balancer",
        ),
        pytest.param(
            {
                "origin": {"domainName": "lb.example.net", "hostedZoneId": "Z215JYRZR1TBD5"},
                "proxy": {"regions": ["fra1"], "proxyProtocol": True},
            },
            "dualstack-edge:proxy.proxyProtocol is true, and the load balancer is of an unknown "
            "kind; true for a classic or network load balancer only: an application load balancer "
            "cannot read the header and takes it for a broken request. "
            f"Set it with: {CONFIG_SET} --path dualstack-edge:proxy.proxyProtocol false",
            id="PROXY protocol for a load balancer of an unknown kind",
        ),
        pytest.param(
            {"proxy": {"regions": ["fra1"], "sshSourceRanges": ["192.0.2.0/24"]}},
            'dualstack-edge:proxy.sshSourceRanges is ["192.0.2.0/24"]; empty where proxy.sshKeys '
            "is: there is no password to log in with. Set proxy.sshKeys, or remove it with: "
            "pulumi config rm --path dualstack-edge:proxy.sshSourceRanges",
            id="SSH from somewhere, but without a key",
        ),
        *(
            pytest.param(
                {"proxy": {"regions": ["fra1"], "ports": [port]}},
                f"dualstack-edge:proxy.ports[0] is {port}; an integer from 1 to 65535, but not "
                "22, 53, 8100 or 8101, which are the droplet's own. Set it with: "
                f"{CONFIG_SET} --path 'dualstack-edge:proxy.ports[0]' 443",
                id=f"port {port}",
            )
            for port in (0, 22, 53, 8100, 8101, 65536)
        ),
        pytest.param(
            {"proxy": {"regions": ["fra1"], "idleTimeoutSeconds": 350}},
            "dualstack-edge:proxy.idleTimeoutSeconds is 350; an integer from 351 to 86400. "
            f"Set it with: {CONFIG_SET} --path dualstack-edge:proxy.idleTimeoutSeconds 351",
            id="a proxy less patient than a load balancer",
        ),
        pytest.param(
            {"originLock": {"generation": 1}, "traffic": {"direct": 1, "cdn": 99}},
            "dualstack-edge:originLock is set, and traffic.direct is 1; not set for as long as the "
            "old path has weight: its users and the proxies bring no secret and come from "
            "addresses of their own, so the lock would shut them out. Move all traffic first and "
            "wait until the old path is empty, or remove it with: "
            "pulumi config rm dualstack-edge:originLock",
            id="a lock while the old path has weight",
        ),
        pytest.param(
            {
                "originLock": {"generation": 1, "securityGroup": "sg-0123456789abcdef0"},
                "traffic": {"direct": 0, "cdn": 100},
                "origin": {**GOOD["origin"], "protocol": "match-viewer"},
            },
            "dualstack-edge:originLock.rulesPerSecurityGroup is 60; at least 110, because the "
            "addresses of CloudFront count as 55 rules for each port, and match-viewer uses two. "
            "Set origin.protocol to https-only; or have AWS raise the quota 'Inbound or outbound "
            f"rules per security group', then: {CONFIG_SET} --path "
            "dualstack-edge:originLock.rulesPerSecurityGroup 110",
            id="more rules than a security group may have",
        ),
        pytest.param(
            {"alarms": {"topicArn": "arn:aws:sns:eu-central-1:123456789012:edge"}},
            'dualstack-edge:alarms.topicArn is "arn:aws:sns:eu-central-1:123456789012:edge"; the '
            f"ARN of an SNS topic in us-east-1. Set it with: {CONFIG_SET} --path "
            "dualstack-edge:alarms.topicArn arn:aws:sns:us-east-1:123456789012:edge",
            id="a topic outside us-east-1",
        ),
        pytest.param(
            {"dns": {"negativeTtlSeconds": 1}},
            "dualstack-edge:dns.negativeTtlSeconds is 1; an integer from 30 to 86400. "
            f"Set it with: {CONFIG_SET} --path dualstack-edge:dns.negativeTtlSeconds 30",
            id="an SOA that holds nothing",
        ),
    ],
)
def test_a_fault_says_what_is_found_what_is_allowed_and_what_to_do(
    config: dict[str, Any], fault: str
) -> None:
    assert faults(raw(**config)) == [fault]


@pytest.mark.parametrize("kind", ["classic", "network"])
def test_proxy_protocol_is_for_load_balancers_that_can_read_it(kind: str) -> None:
    config = raw(
        origin={"loadBalancer": "api", "kind": kind},
        proxy={"regions": ["fra1"], "proxyProtocol": True},
    )
    pool = parse(config, stack="prod").proxy
    assert pool is not None
    assert pool.proxy_protocol


def test_a_lock_is_not_blamed_for_weights_that_are_wrong_themselves() -> None:
    config = raw(originLock={"generation": 1}, traffic={"direct": 300, "cdn": 100})
    (fault,) = faults(config)
    assert fault.startswith("dualstack-edge:traffic.direct is 300")


def test_a_lock_is_refused_where_nothing_says_that_the_old_path_has_no_weight() -> None:
    (fault,) = faults(raw(originLock={"generation": 1}))
    assert fault.startswith("dualstack-edge:originLock is set, and traffic.direct is 100; not set")


def test_a_lock_is_for_an_old_path_without_weight() -> None:
    config = raw(originLock={"generation": 2}, traffic={"direct": 0, "cdn": 100})
    assert parse(config, stack="prod").origin_lock == OriginLock(generation=2)


def test_a_pool_may_be_as_large_as_the_account_s_quota() -> None:
    config = raw(proxy={"regions": ["fra1", "ams3"], "nodesPerRegion": 2, "reservedIpv6Quota": 4})
    pool = parse(config, stack="prod").proxy
    assert pool is not None
    assert pool.node_count == 4


def test_all_faults_of_all_keys_are_in_one_message() -> None:
    config = raw(
        hostnames=["api.example.org", "*.example.com", "api.example.com", "api.example.com"],
        origin={"loadBalancer": "api", "httpPort": 25},
        traffic={"direct": 300, "cdn": -1},
        certificateArn=CERTIFICATE.replace("us-east-1", "eu-west-1"),
        orgin="x",
    )
    with pytest.raises(SettingsError) as caught:
        parse(config, stack="prod")
    message = str(caught.value)
    assert [fault.what.removeprefix("dualstack-edge:") for fault in caught.value.faults] == [
        "orgin",
        "hostnames[1]",
        "origin.httpPort",
        "origin.kind",
        "traffic.direct",
        "traffic.cdn",
        "certificateArn",
        "hostnames[0]",
        "hostnames[3]",
    ]
    assert message.startswith("9 settings of stack prod cannot be used:\n  - dualstack-edge:")
    assert all(f"\n  - {fault}" in message for fault in caught.value.faults)
    assert isinstance(caught.value, pulumi.RunError)


@pytest.mark.parametrize(
    ("hostnames", "read"),
    [
        pytest.param(["API.Example.Com."], ("api.example.com",), id="case and final dot"),
        pytest.param(["example.com"], ("example.com",), id="the zone's own name"),
        pytest.param(["a.b.example.com"], ("a.b.example.com",), id="several labels down"),
        pytest.param(
            ["xn--bcher-kva.example.com"], ("xn--bcher-kva.example.com",), id="internationalised"
        ),
        pytest.param(
            ["a.example.com", f"{'b' * 63}.example.com"],
            ("a.example.com", f"{'b' * 63}.example.com"),
            id="a long name after the first",
        ),
    ],
)
def test_hostnames_are_read_as_dns_compares_them(
    hostnames: list[str], read: tuple[str, ...]
) -> None:
    assert parse(raw(hostnames=hostnames), stack="prod").hostnames == read


def test_a_long_first_hostname_is_fine_for_a_certificate_that_exists() -> None:
    config = raw(hostnames=[f"{'a' * 60}.example.com"], certificateArn=CERTIFICATE)
    assert parse(config, stack="prod").certificate_arn == CERTIFICATE


@pytest.mark.parametrize(
    ("stack", "protect", "read"),
    [
        pytest.param("prod", None, True, id="not set"),
        pytest.param("prod", "", True, id="the project's default"),
        pytest.param("sandbox", None, False, id="not set in the sandbox"),
        pytest.param("sandbox", "true", True, id="set in the sandbox"),
        pytest.param("prod", "false", False, id="set"),
    ],
)
def test_everything_is_protected_but_in_the_sandbox(
    stack: str, protect: str | None, read: bool
) -> None:
    assert parse(raw(protect=protect), stack=stack).protect is read


def test_the_project_s_empty_defaults_mean_not_set() -> None:
    config = raw(distribution={}, certificateArn="", traffic={})
    assert parse(config, stack="prod") == parse(raw(), stack="prod")
    assert len(faults(raw(hostnames=[], zone="", origin={}))) == 3


def test_keys_of_other_namespaces_are_left_alone() -> None:
    config = {
        **raw(),
        "aws:regoin": "x",
        "aws:region": "eu-west-1",
        "other:key": "[",
        "pulumi:x": "",
    }
    assert parse(config, stack="prod") == parse(raw(), stack="prod")


# ---- secrets ------------------------------------------------------------------------------------


def test_a_secret_value_is_in_no_message() -> None:
    config = raw(
        hostnames=["hush.example.org", "*.hush", 1],
        zone="hush.example",
        traffic={"direct": "hush", "hush": 1, "cdn": 1},
        certificateArn="hush",
        orgin="hush",
    )
    config["aws:assumeRoles"] = "hush"
    secret = set(config)
    config["dualstack-edge:traffic"] = json.dumps({"direct": "hush", "cdn": 1})
    messages = faults(config, secret=secret)
    assert len(messages) == 7
    assert "hush" not in "".join(messages)
    assert "[secret]" in messages[1]


def test_an_unknown_key_s_value_is_not_shown_for_it_may_be_a_secret() -> None:
    (message,) = faults(raw(originSecret="correct horse"))
    assert "correct horse" not in message


def test_a_secret_pool_or_lock_is_in_no_message() -> None:
    config = raw(
        proxy={
            "regions": ["fra1", "ams3"],
            "nodesPerRegion": 3,
            "reservedIpv6Quota": 5,
            "proxyProtocol": True,
            "sshSourceRanges": ["198.51.100.77/32"],
        },
        originLock={"generation": 1},
        traffic={"direct": 77, "cdn": 23},
    )
    messages = faults(config, secret=set(config))
    assert [message.count("[secret]") for message in messages] == [1, 2, 1, 1]
    assert "77" not in "".join(messages)


# ---- arguments of a component -------------------------------------------------------------------

ARGUMENTS: DualStackEdgeArgs = {
    "hostnames": ["api.example.com"],
    "zone": "example.com",
    "origin": {"load_balancer": "api", "kind": "application"},
}


def test_the_settings_of_a_stack_are_the_arguments_of_its_edge() -> None:
    config = raw(
        hostnames=["api.example.com", "api2.example.com"],
        traffic={"direct": 0, "cdn": 100},
        proxy={"regions": ["fra1"], "ports": [80, 443], "sshKeys": ["512189"]},
        distribution={"logs": {"bucket": "edge-logs"}, "webAclArn": WEB_ACL},
        originLock={"generation": 4},
        dns={"negativeTtlSeconds": 60},
        protect="false",
    )
    read = parse(config, stack="prod")
    assert settings.from_arguments("edge", read.arguments()) == read


def test_arguments_have_the_defaults_of_the_settings() -> None:
    assert settings.from_arguments("edge", ARGUMENTS) == parse(raw(), stack="prod")


def test_whole_numbers_of_other_languages_are_integers() -> None:
    args = cast("DualStackEdgeArgs", {**ARGUMENTS, "traffic": {"direct": 90.0, "cdn": 10.0}})
    assert settings.from_arguments("edge", args).traffic == Traffic(direct=90, cdn=10)


def test_arguments_are_refused_by_the_rules_of_the_configuration_and_in_a_program_s_words() -> None:
    args: DualStackEdgeArgs = {
        "hostnames": ["api.example.org"],
        "zone": "example.com",
        "origin": {"load_balancer": "api", "kind": "gateway"},
        "traffic": {"direct": 300, "cdn": 0},
    }
    with pytest.raises(SettingsError) as caught:
        settings.from_arguments("edge", args)
    assert str(caught.value) == (
        "3 of the arguments of edge cannot be used:\n"
        '  - origin.kind is "gateway"; one of classic, application, network. '
        "Change it in the program.\n"
        "  - traffic.direct is 300; an integer from 0 to 100. Change it to 100 in the program.\n"
        f'  - hostnames[0] is "api.example.org"; {REFUSED_BY_ZONE}. '
        'Change it to "api.example.com" in the program.'
    )


def test_weights_of_another_sum_are_refused_in_a_program_s_words_too() -> None:
    with pytest.raises(SettingsError) as caught:
        settings.from_arguments("edge", {**ARGUMENTS, "traffic": {"direct": 9, "cdn": 1}})
    (fault,) = caught.value.faults
    assert str(fault) == (
        'traffic is {"direct": 9, "cdn": 1}; weights that add up to 100: 90 and 10 are the same '
        "share. Where records have weights of another sum already, see 'Weights of another sum' in "
        "docs/paths.md. Change traffic.direct to 90 and traffic.cdn to 10 in the program."
    )


@given(direct=st.integers(0, 255), cdn=st.integers(0, 255))
def test_no_pair_has_a_nearer_share_than_the_nearest(direct: int, cdn: int) -> None:
    assume(direct + cdn)
    pair = nearest_pair(direct, cdn)
    assert sum(pair) == 100

    def distance(share: int) -> int:
        return abs(share * (direct + cdn) - 100 * cdn)

    assert distance(pair[1]) == min(map(distance, range(101)))


def test_an_output_is_no_argument() -> None:
    async def with_an_output() -> "DualStackEdgeArgs":
        zone = pulumi.Output.from_input("example.com")  # which needs an event loop that runs
        return cast("DualStackEdgeArgs", {**ARGUMENTS, "zone": zone})

    args = asyncio.run(with_an_output())
    with pytest.raises(SettingsError) as caught:
        settings.from_arguments("edge", args)
    assert [str(fault) for fault in caught.value.faults] == [
        (
            "zone is an output, or holds one; a plain value, known before anything is made. "
            "Change it in the program."
        )
    ]


def test_the_provider_s_arguments_may_be_spelt_as_in_any_language() -> None:
    args: DualStackEdgeArgs = {
        **ARGUMENTS,
        "provider_arguments": {"allowedAccountIds": ["1"], "max_retries": 2},
    }
    assert settings.from_arguments("edge", args).provider_arguments() == {
        "allowed_account_ids": ["1"],
        "max_retries": 2,
    }


# ---- the provider of the certificate ------------------------------------------------------------

AWS = {
    "aws:region": "eu-central-1",
    "aws:profile": "deploy",
    "aws:allowedAccountIds": '["123456789012"]',
    "aws:assumeRoles": '[{"roleArn":"arn:aws:iam::123456789012:role/deploy","externalId":"x"}]',
    "aws:defaultTags": '{"tags":{"team":"edge"}}',
    "aws:skipMetadataApiCheck": "true",
    "aws:maxRetries": "7",
    "aws:secretKey": "wJalrXUtnFEMI",
    "aws:noProxy": "",
    "aws:unknownToTheSdk": "1",
}


def test_an_explicit_provider_is_given_all_the_default_one_has_but_the_region() -> None:
    read = parse({**raw(), **AWS}, stack="prod", secret={"aws:assumeRoles"})
    assert read.aws == {
        "profile": "deploy",
        "allowed_account_ids": ["123456789012"],
        "assume_roles": Secret(
            [{"roleArn": "arn:aws:iam::123456789012:role/deploy", "externalId": "x"}]
        ),
        "default_tags": {"tags": {"team": "edge"}},
        "skip_metadata_api_check": True,
        "max_retries": 7,
        "secret_key": Secret("wJalrXUtnFEMI"),
    }
    assert "wJalrXUtnFEMI" not in repr(read) + repr(read.aws)


def test_provider_settings_that_are_no_json_are_a_fault_of_their_own() -> None:
    (fault,) = faults({**raw(), "aws:defaultTags": "x"})
    assert fault == (
        'aws:defaultTags is "x"; JSON, as pulumi_aws.ProviderArgs describes it. Set it with '
        "pulumi config set --path aws:defaultTags, or remove it: pulumi config rm aws:defaultTags"
    )


def test_an_account_that_is_no_list_becomes_one() -> None:
    (fault,) = faults({**raw(), "aws:allowedAccountIds": "123456789012"})
    assert fault == (
        'aws:allowedAccountIds is "123456789012"; a list. Write `aws:allowedAccountIds: '
        '["123456789012"]`, or set it with: pulumi config set --path --type string '
        "'aws:allowedAccountIds[0]' 123456789012"
    )


@pytest.mark.parametrize(
    "name", [name for name in inspect.signature(aws.ProviderArgs).parameters if name != "region"]
)
def test_every_argument_of_the_provider_has_its_configuration_key(name: str) -> None:
    getter = getattr(aws.ProviderArgs, name).fget
    key = getattr(getter, "_pulumi_name", name)
    read = parse({**raw(), f"aws:{key}": '["1"]'}, stack="prod")
    assert list(read.aws) == [name]


# ---- whatever comes in --------------------------------------------------------------------------

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
NAMES = st.sampled_from(
    ["api.example.com", "*.example.com", "example.com", "a.b", "", "A.Example.Com."]
)
JSON = st.recursive(
    SCALARS | NAMES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["direct", "cdn", "kind", "loadBalancer", "domainName", "logs", "x"])
            | st.text(max_size=5),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)
VALUES = JSON.map(json.dumps) | st.text() | NAMES | st.text(st.characters(categories=["Cs"]))
KEY = st.sampled_from([f"dualstack-edge:{key}" for key in KEYS] + list(AWS)) | st.text().map(
    "dualstack-edge:{}".format
)


def faults_or_settings(config: dict[str, str], stack: str) -> tuple[Fault, ...]:
    try:
        read = parse(config, stack=stack)
    except SettingsError as error:
        return error.faults
    assert read.hostnames
    assert read.traffic.direct + read.traffic.cdn == 100
    return ()


@given(config=st.dictionaries(KEY, VALUES), stack=st.text(min_size=1))
def test_any_configuration_is_settings_or_a_list_of_faults(
    config: dict[str, str], stack: str
) -> None:
    for base in ({}, raw()):
        for fault in faults_or_settings({**base, **config}, stack):
            assert fault.what
            assert fault.value
            assert fault.allowed
            assert fault.remedy


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("9" * 5000, id="a number of 5000 digits"),
        pytest.param("[" * 100_000, id="brackets without end"),
        pytest.param('{"direct":' * 201, id="objects without end"),
        pytest.param("NaN", id="not a number"),
        pytest.param('"\\ud800"', id="half a surrogate pair, escaped"),
    ],
)
@pytest.mark.parametrize("key", list(KEYS))
def test_hostile_json_is_a_fault_and_not_a_crash(key: str, value: str) -> None:
    assert any(f"dualstack-edge:{key}" in fault for fault in faults(raw(**{key: value})))


WEIGHT = st.integers(-5, 300)


@given(weights=st.tuples(WEIGHT, WEIGHT) | WEIGHT.map(lambda direct: (direct, 100 - direct)))
def test_weights_are_taken_exactly_when_they_are_percent_of_a_whole(
    weights: tuple[int, int],
) -> None:
    direct, cdn = weights
    allowed = min(direct, cdn) >= 0 and direct + cdn == 100
    config = raw(traffic={"direct": direct, "cdn": cdn})
    try:
        read = parse(config, stack="prod")
    except SettingsError:
        assert not allowed
    else:
        assert allowed
        assert read.traffic == Traffic(direct=direct, cdn=cdn)


# ---- the edge towards Pulumi --------------------------------------------------------------------


def test_the_running_stack_s_configuration_is_read(engine: "MockEngine") -> None:
    pulumi.runtime.set_all_config({**raw(), **AWS}, ["aws:assumeRoles"])
    read = engine.run(settings.load)
    assert read == parse({**raw(), **AWS}, stack="prod", secret={"aws:assumeRoles"})


def test_an_unknown_key_of_the_running_stack_is_noticed(engine: "MockEngine") -> None:
    pulumi.runtime.set_all_config(raw(hostname="x"), [])
    with pytest.raises(SettingsError, match=r"Did you mean hostnames\? That is set as well"):
        engine.run(settings.load)
