"""What would break once traffic moves is found before, from outside and in the account."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any, cast

import boto3.session
import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from rollout.aws import (
    AccountDistribution,
    AccountError,
    AccountLoadBalancer,
    AccountOrigin,
    AccountReader,
)
from rollout.aws_access import AccountWebAcls, InboundRule
from rollout.probe.model import DnsAnswer, EdgeTarget, HttpRequest, Result, TroubleError, Way
from rollout.probe.sockets import Handshake, TlsVersion
from rollout.verify.check import CheckContext, VerifyOptions
from rollout.verify.checks import hazards
from rollout.verify.checks.hazards import Hazards
from rollout.verify.checks.hazards_allow_lists import AccountAccess, AllowLists, judge
from rollout.verify.request_hazards import request_hazards
from sandbox.clouds import background
from support.clouds import start_cloud

API, LB, CDN = "api.example.com", "lb.example.net", "d1.cloudfront.net"
TARGET = EdgeTarget((API,), LB, CDN, distribution_id="E1")
WAY = Way("direct", "IPv4", API, "192.0.2.1")


# --- Requests -----------------------------------------------------------------------------------


def of_size(size: int) -> HttpRequest:
    """Return a request whose line and headers have so many bytes."""
    bare = len(b"POST / HTTP/1.1\r\n") + len(b"X-Filler: \r\n")
    return HttpRequest("POST", "/", (("X-Filler", "x" * (size - bare)),))


REQUESTS: dict[str, tuple[HttpRequest, list[tuple[str, bool]]]] = {
    "plain": (HttpRequest("GET", "/v1?a=b", (("Accept", "*/*"),)), []),
    "POST with a body": (HttpRequest("POST", "/v1", body=b"x"), []),
    "GET with a body": (
        HttpRequest("GET", "/search?q=1", body=b"x"),
        [("GET /search has a body; CloudFront answers 403", True)],
    ),
    "GET with pieces": (
        HttpRequest("GET", "/search", body=(b"x", b"y")),
        [("GET /search has a body; CloudFront answers 403", True)],
    ),
    "a method of its own": (
        HttpRequest("PURGE", "/"),
        [
            (
                (
                    "PURGE / has a method that no distribution passes on; DELETE, GET, HEAD, "
                    "OPTIONS, PATCH, POST, PUT are"
                ),
                True,
            )
        ],
    ),
    "a method in a header": (
        HttpRequest("POST", "/v1", (("X-HTTP-Method-Override", "PATCH"),)),
        [("POST /v1 has X-HTTP-Method-Override, which CloudFront takes out", True)],
    ),
    "a URL at the limit": (
        HttpRequest("GET", "/?" + "x" * 8190),
        [("GET / has a URL of 8192 bytes; it is near CloudFront's limit, 8192 are allowed", False)],
    ),
    "a URL above it": (
        HttpRequest("GET", "/?" + "x" * 8191),
        [("GET / has a URL of 8193 bytes; CloudFront refuses it, 8192 are allowed", True)],
    ),
    "not yet near": (of_size(18_432), []),
    "near": (
        of_size(18_433),
        [
            (
                (
                    "POST / has a request line and headers of 18433 bytes; it is near CloudFront's "
                    "limit, 20480 are allowed"
                ),
                False,
            )
        ],
    ),
    "above": (
        of_size(20_481),
        [
            (
                (
                    "POST / has a request line and headers of 20481 bytes; CloudFront refuses it, "
                    "20480 are allowed"
                ),
                True,
            )
        ],
    ),
}


@pytest.mark.parametrize("case", REQUESTS)
def test_what_cloudfront_refuses_of_a_request_is_known(case: str) -> None:
    request, expected = REQUESTS[case]
    refusals = request_hazards([request])
    assert [(str(hazard), hazard.certain) for hazard in refusals] == expected


# --- From outside -------------------------------------------------------------------------------


def der(*names: str, ends: datetime | None = None) -> bytes:
    pem = trustme.CA().issue_cert(*names, not_after=ends).cert_chain_pems[0].bytes()
    return x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)


@dataclass
class Balancer:
    """A load balancer that shows a certificate by the name it is asked for."""

    shown: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    trusted: bool = True

    async def shake(
        self,
        address: str,
        port: int,
        name: str,
        version: TlsVersion | None = None,
        *,
        verify: bool = False,
        ca: str | None = None,
    ) -> Handshake:
        assert (address, port, version, ca) == ("192.0.2.1", 443, None, None)
        if name not in self.shown:
            raise TroubleError("tls", "TLS: unrecognized name")
        if verify and not self.trusted:
            raise TroubleError("certificate", "TLS: self-signed certificate")
        return Handshake("TLSv1.3", self.shown[name], 0.01)


class CnameTable:
    """Answers CNAMEs from a table."""

    def __init__(self, cnames: Mapping[str, str]) -> None:
        self._cnames = cnames

    async def ask(self, name: str, kind: str, server: str | None = None) -> DnsAnswer:
        assert (kind, server) == ("CNAME", None)
        value = self._cnames.get(name)
        return DnsAnswer("NOERROR", (value,) if value else (), 60, authoritative=False)


@dataclass
class CheckPlace:
    """Where a check runs."""

    target: EdgeTarget = TARGET
    ways: tuple[Way, ...] = (WAY,)
    balancer: Balancer = field(default_factory=Balancer)
    cnames: Mapping[str, str] = field(default_factory=dict[str, str])
    requests: tuple[HttpRequest, ...] = ()
    session: Callable[[], Any] | None = None

    def run(self, check: str) -> list[Result]:
        options = VerifyOptions(
            echo=None,
            unsafe=False,
            rate=1,
            concurrency=1,
            dns_queries=1,
            share_tolerance=0.1,
            account=self.session is not None,
        )
        surroundings = CheckContext(
            self.target,
            self.ways,
            options,
            cast("Any", None),
            CnameTable(self.cnames),
            self.requests,
        )
        session = self.session or _no_session
        all_ = Hazards(cast("Any", self.balancer), session)
        chosen: Callable[[CheckContext], Any] = (
            AllowLists(session).check if check == "allow_lists" else getattr(all_, check)
        )

        async def collect() -> list[Result]:
            return [result async for result in chosen(surroundings)]

        return asyncio.run(collect())


def _no_session() -> Any:
    raise AssertionError("the account must not be asked")


def test_the_users_own_requests_are_looked_at() -> None:
    assert CheckPlace().run("own_requests") == []
    (fine,) = CheckPlace(requests=(HttpRequest("GET", "/"), of_size(19_000))).run("own_requests")
    assert (fine.verdict, fine.evidence) == ("pass", "CloudFront lets 2 requests through")
    assert [note.partition(":")[0] for note in fine.accepted] == ["near-a-limit"]
    (bad,) = CheckPlace(requests=(HttpRequest("GET", "/", body=b"x"),)).run("own_requests")
    assert (bad.verdict, bad.evidence) == ("fail", "GET / has a body; CloudFront answers 403")


LAST_YEAR = datetime(2025, 1, 2, 3, 4, tzinfo=UTC)
OWN, OTHER, THIRD = der(API), der(LB), der("x.example.org")
ORIGINS: dict[str, tuple[Balancer, str, str]] = {
    "for the hostname": (
        Balancer({API: OWN, LB: OWN}),
        "pass",
        f"192.0.2.1 shows a certificate for {API} when asked for {API}",
    ),
    "for the hostname, and another by its own name": (
        Balancer({API: OWN, LB: OTHER}),
        "pass",
        (
            f"192.0.2.1 shows a certificate for {API} when asked for {API}, and one for {LB} by "
            "its own name"
        ),
    ),
    "for its own name": (
        Balancer({API: OTHER, LB: OTHER}),
        "pass",
        (
            f"192.0.2.1 shows a certificate for {LB} when asked for {API}; that is the load "
            "balancer's own name"
        ),
    ),
    "for neither": (
        Balancer({API: THIRD, LB: OTHER}),
        "fail",
        (
            f"192.0.2.1 shows a certificate for x.example.org when asked for {API}; CloudFront "
            f"takes {API} or {LB}"
        ),
    ),
    "not trusted": (
        Balancer({API: OWN, LB: OWN}, trusted=False),
        "fail",
        (
            f"192.0.2.1 shows a certificate for {API} when asked for {API}, which is not trusted: "
            "TLS: self-signed certificate"
        ),
    ),
    "for its own name, and expired": (
        Balancer({API: der(LB, ends=LAST_YEAR), LB: OTHER}),
        "fail",
        (
            f"192.0.2.1 shows a certificate for {LB} when asked for {API}; that is the load "
            "balancer's own name, but the certificate expired on 2025-01-02 03:04 UTC"
        ),
    ),
    "for its own name, not trusted": (
        Balancer({API: OTHER, LB: OTHER}, trusted=False),
        "fail",
        (
            f"192.0.2.1 shows a certificate for {LB} when asked for {API}; that is the load "
            "balancer's own name, which is not trusted: TLS: self-signed certificate"
        ),
    ),
    "for its own name, and another one when asked for that": (
        Balancer({API: OTHER, LB: der(LB)}),
        "unknown",
        (
            f"192.0.2.1 shows a certificate for {LB} when asked for {API}; that is the load "
            "balancer's own name; whether it is trusted cannot be told"
        ),
    ),
    "for its own name, and nothing when asked for that": (
        Balancer({API: OTHER}),
        "unknown",
        (
            f"192.0.2.1 shows a certificate for {LB} when asked for {API}, and none when asked "
            "for its own name (TLS: unrecognized name); that is the load balancer's own name, "
            "which is not trusted: TLS: unrecognized name"
        ),
    ),
    "for the hostname, and expired": (
        Balancer({API: der(API, ends=LAST_YEAR), LB: OTHER}),
        "fail",
        (
            f"192.0.2.1 shows a certificate for {API} when asked for {API}, and one for {LB} by "
            "its own name, but the certificate expired on 2025-01-02 03:04 UTC"
        ),
    ),
    "none": (Balancer(), "unknown", "192.0.2.1: TLS: unrecognized name"),
}


@pytest.mark.parametrize("case", ORIGINS)
def test_the_load_balancers_certificate_has_to_be_one_that_cloudfront_takes(case: str) -> None:
    balancer, verdict, evidence = ORIGINS[case]
    (result,) = CheckPlace(balancer=balancer).run("origin_certificate")
    assert (result.verdict, result.evidence) == (verdict, evidence)


def test_without_an_address_the_certificate_cannot_be_told_of() -> None:
    (result,) = CheckPlace(ways=()).run("origin_certificate")
    assert result.verdict == "unknown"


@pytest.mark.parametrize(
    ("cnames", "verdict"),
    [
        ({}, "pass"),
        ({API: CDN + "."}, "pass"),
        ({API: "d9.cloudfront.net."}, "fail"),
        ({API: "www.example.com.", "www.example.com": "d9.cloudfront.net."}, "fail"),
        ({API: API + "."}, "pass"),
    ],
)
def test_a_name_that_leads_to_another_distribution_is_found_in_dns(
    cnames: Mapping[str, str], verdict: str
) -> None:
    (result,) = CheckPlace(cnames=cnames).run("aliases")
    assert (result.check, result.verdict, result.hostname) == ("hazard-alias", verdict, API)


@pytest.mark.parametrize("check", ["timeouts", "allow_lists"])
def test_what_needs_the_account_is_no_result_without_it(check: str) -> None:
    assert CheckPlace().run(check) == []


# --- What the account says ----------------------------------------------------------------------

OWN_DISTRIBUTION = AccountDistribution("E1", (API,), "", AccountOrigin(443, 60, None))
BALANCER = AccountLoadBalancer("application", "us-east-1", "arn", ("sg-1",), 60)


@pytest.mark.parametrize(
    ("aliases", "elsewhere", "verdict"),
    [
        ((API,), (), "pass"),
        ((API,), ("E2",), "pass"),
        (("*.example.com",), (), "pass"),
        (("*.example.com",), ("E2",), "fail"),
        (("www.example.com",), (), "fail"),
        ((), ("E2",), "fail"),
    ],
)
def test_an_alias_belongs_to_one_distribution(
    aliases: tuple[str, ...], elsewhere: tuple[str, ...], verdict: str
) -> None:
    own = replace(OWN_DISTRIBUTION, aliases=aliases)
    assert hazards.judge_alias(own, API, elsewhere).verdict == verdict


@pytest.mark.parametrize(
    ("read", "completion", "kind", "idle", "verdict"),
    [
        (60, None, "application", 60, "pass"),
        (30, None, "application", 60, "fail"),
        (60, None, "classic", 61, "fail"),
        (60, 90, "classic", 60, "fail"),
        (60, None, "network", 350, "pass"),
    ],
)
def test_an_answer_may_not_take_longer_than_cloudfront_waits(
    read: int, completion: int | None, kind: str, idle: int, verdict: str
) -> None:
    own = replace(OWN_DISTRIBUTION, origin=AccountOrigin(443, read, completion))
    result = hazards.judge_timeouts(own, replace(BALANCER, kind=kind, idle_seconds=idle))
    assert result.verdict == verdict
    assert f"CloudFront waits {read} s for an answer, the {kind} load" in result.evidence


def access(balancer: AccountLoadBalancer, **more: Any) -> AccountAccess:
    known: dict[str, Any] = {
        "inbound": (InboundRule(443, 443, "0.0.0.0/0", (ip_network("0.0.0.0/0"),)),),
        "cloudfront": (ip_network("130.176.0.0/18"),),
        **more,
    }
    return AccountAccess(OWN_DISTRIBUTION, balancer, AccountWebAcls(None, None), **known)


def test_security_groups_that_cannot_be_read_are_unknown() -> None:
    (*_, groups) = judge(access(BALANCER, inbound="not you"), with_proxies=False)
    assert (groups.verdict, groups.evidence) == ("unknown", "not you")


@pytest.mark.parametrize(("kind", "verdict"), [("classic", "pass"), ("network", "unknown")])
def test_a_load_balancer_without_security_groups_may_leave_it_to_its_targets(
    kind: str, verdict: str
) -> None:
    (*_, groups) = judge(
        access(replace(BALANCER, kind=kind, security_groups=())), with_proxies=False
    )
    assert groups.verdict == verdict


def test_each_port_that_the_proxies_pass_on_is_looked_at() -> None:
    both = replace(BALANCER, listeners=(("HTTP", 80), ("HTTPS", 443)))
    results = judge(access(both), with_proxies=True)
    assert [(result.path, result.evidence) for result in results[-3:]] == [
        ("cdn", "they let CloudFront in at port 443"),
        ("direct", "they let all in at port 443"),
        ("direct", "they let nobody in at port 80, so nobody comes directly, nor by proxy"),
    ]


def test_why_cloudfronts_addresses_are_not_known_is_said() -> None:
    office = InboundRule(443, 443, "203.0.113.0/24", (ip_network("203.0.113.0/24"),))
    unread = access(BALANCER, inbound=(office,), cloudfront="not you")
    (*_, groups) = judge(unread, with_proxies=False)
    assert groups.verdict == "unknown"
    assert groups.evidence.endswith("CloudFront's addresses: not you")


# --- The sandbox's AWS --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("clouds")
    yield start_cloud("aws", home).url
    background.stop("aws", home)


class LocalAws:
    """The sandbox's AWS, reached as a user's boto3 would be: through `AWS_ENDPOINT_URL`."""

    def __init__(self) -> None:
        self.session: Any = boto3.session.Session("test", "test", region_name="us-east-1")
        self._clients: list[Any] = []
        make = self.session.client

        def client(*args: Any, **kwargs: Any) -> Any:
            made = make(*args, **kwargs)
            self._clients.append(made)
            return made

        self.session.client = client

    def close(self) -> None:
        for client in self._clients:
            client.close()


@pytest.fixture
def cloud(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalAws]:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    own = LocalAws()
    yield own
    own.close()


def balancer_name(cloud: LocalAws, name: str) -> str:
    if name == "api-classic":
        balancers = cloud.session.client("elb").describe_load_balancers()[
            "LoadBalancerDescriptions"
        ]
        return balancers[0]["DNSName"]
    balancers = cloud.session.client("elbv2").describe_load_balancers(Names=[name])["LoadBalancers"]
    return balancers[0]["DNSName"]


@pytest.mark.parametrize(
    ("name", "kind", "idle", "groups"),
    [
        ("api", "application", 60, 1),
        ("api-classic", "classic", 60, 0),
        ("api-network", "network", 350, 0),
    ],
)
def test_a_load_balancer_of_any_kind_is_found_by_its_name(
    cloud: LocalAws, name: str, kind: str, idle: int, groups: int
) -> None:
    balancer = AccountReader(cloud.session).load_balancer(balancer_name(cloud, name).upper() + ".")
    assert (balancer.kind, balancer.region, balancer.idle_seconds) == (kind, "us-east-1", idle)
    if kind != "classic":
        assert len(balancer.security_groups) == groups


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("lb.example.net", "lb.example.net is no name of a load balancer of AWS"),
        (
            "gone-1.eu-west-1.elb.amazonaws.com",
            (
                "no load balancer of this account in eu-west-1 is called "
                "gone-1.eu-west-1.elb.amazonaws.com"
            ),
        ),
    ],
)
def test_a_load_balancer_that_is_not_there_is_told_of(
    cloud: LocalAws, name: str, reason: str
) -> None:
    with pytest.raises(AccountError) as caught:
        AccountReader(cloud.session).load_balancer(name)
    assert str(caught.value) == reason


def deploy(cloud: LocalAws, alias: str, read_seconds: int, web_acl: str = "") -> EdgeTarget:
    """Make a distribution without a certificate check in the way; return the target."""
    lb = balancer_name(cloud, "api")
    config: dict[str, Any] = {
        "CallerReference": f"{alias} {read_seconds}",
        "Comment": "edge",
        "Enabled": True,
        "WebACLId": web_acl,
        "Origins": {
            "Quantity": 1,
            "Items": [
                {
                    "Id": "api",
                    "DomainName": lb,
                    "CustomOriginConfig": {
                        "HTTPPort": 80,
                        "HTTPSPort": 443,
                        "OriginProtocolPolicy": "https-only",
                        "OriginReadTimeout": read_seconds,
                    },
                }
            ],
        },
        "DefaultCacheBehavior": {
            "TargetOriginId": "api",
            "ViewerProtocolPolicy": "https-only",
            "CachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
        },
    }
    if alias:
        acm = cloud.session.client("acm")
        arn = acm.request_certificate(DomainName=alias, ValidationMethod="DNS")["CertificateArn"]
        described = acm.describe_certificate(CertificateArn=arn)["Certificate"]
        record = described["DomainValidationOptions"][0]["ResourceRecord"]
        route53 = cloud.session.client("route53")
        zone = route53.list_hosted_zones()["HostedZones"][0]["Id"]
        change = {
            "Action": "UPSERT",
            "ResourceRecordSet": {
                "Name": record["Name"],
                "Type": record["Type"],
                "TTL": 60,
                "ResourceRecords": [{"Value": record["Value"]}],
            },
        }
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [change]})
        acm.get_waiter("certificate_validated").wait(
            CertificateArn=arn, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )
        config["Aliases"] = {"Quantity": 1, "Items": [alias]}
        config["ViewerCertificate"] = {
            "ACMCertificateArn": arn,
            "SSLSupportMethod": "sni-only",
            "MinimumProtocolVersion": "TLSv1.2_2021",
        }
    made = cloud.session.client("cloudfront").create_distribution(DistributionConfig=config)
    distribution = made["Distribution"]
    return EdgeTarget(
        (alias or API,), lb, distribution["DomainName"], distribution_id=distribution["Id"]
    )


def place(cloud: LocalAws, target: EdgeTarget) -> CheckPlace:
    return CheckPlace(target, session=lambda: cloud.session)


def test_timeouts_are_read_from_the_account(cloud: LocalAws) -> None:
    for read, verdict in ((60, "pass"), (30, "fail")):
        target = deploy(cloud, "", read)
        (result,) = place(cloud, target).run("timeouts")
        assert (result.check, result.verdict) == ("hazard-timeouts", verdict)
        (by_name,) = place(cloud, replace(target, distribution_id="")).run("timeouts")
        assert by_name == result


def test_aliases_are_compared_with_the_accounts_distributions(cloud: LocalAws) -> None:
    own = deploy(cloud, "alias.example.com", 60)
    (fine,) = place(cloud, own).run("aliases")
    assert (fine.verdict, fine.evidence) == (
        "pass",
        f"alias.example.com is an alias of {own.distribution_id}",
    )
    (taken,) = place(cloud, replace(own, distribution_id=deploy_other(cloud))).run("aliases")
    assert taken.verdict == "fail"
    assert taken.evidence.startswith(f"alias.example.com is an alias of {own.distribution_id}, not")


def deploy_other(cloud: LocalAws) -> str:
    return deploy(cloud, "other.example.com", 60).distribution_id


def test_security_groups_and_web_acls_are_read_from_the_account(cloud: LocalAws) -> None:
    target = deploy(cloud, "lists.example.com", 60)
    ipv4, ipv6, groups = place(cloud, target).run("allow_lists")
    assert (ipv4.check, ipv4.verdict, ipv4.evidence) == (
        "hazard-web-acls",
        "pass",
        "no web ACL is in the way",
    )
    assert (ipv6.path, ipv6.family, ipv6.verdict) == ("cdn", "IPv6", "pass")
    assert (groups.check, groups.verdict, groups.evidence, groups.accepted) == (
        "hazard-security-groups",
        "pass",
        "they let CloudFront in at port 443",
        (),
    )

    waf = cloud.session.client("wafv2")
    office = waf.create_ip_set(
        Name="office", Scope="REGIONAL", IPAddressVersion="IPV4", Addresses=["203.0.113.0/24"]
    )["Summary"]["ARN"]
    visible = {
        "SampledRequestsEnabled": False,
        "CloudWatchMetricsEnabled": False,
        "MetricName": "m",
    }
    acl = waf.create_web_acl(
        Name="guard",
        Scope="REGIONAL",
        DefaultAction={"Block": {}},
        VisibilityConfig=visible,
        Rules=[
            {
                "Name": "office",
                "Priority": 0,
                "Action": {"Allow": {}},
                "VisibilityConfig": visible,
                "Statement": {
                    "OrStatement": {
                        "Statements": [
                            {"IPSetReferenceStatement": {"ARN": office}},
                            {"GeoMatchStatement": {"CountryCodes": ["KP"]}},
                        ]
                    }
                },
            }
        ],
    )["Summary"]["ARN"]
    balancer = AccountReader(cloud.session).load_balancer(target.direct)
    waf.associate_web_acl(WebACLArn=acl, ResourceArn=balancer.arn)
    proxied = replace(target, proxy_addresses=("2001:db8::1",))
    ipv4, ipv6, by_proxy, *_ = place(cloud, proxied).run("allow_lists")
    assert (ipv4.verdict, ipv6.verdict, by_proxy.verdict) == ("fail", "fail", "unknown")
    expected = (
        "IPv4 clients (in no IP set, in country KP): on direct allowed by rule office of web ACL "
        "guard, through CloudFront blocked by the default action of web ACL guard"
    )
    assert ipv4.evidence.startswith(expected)
    assert (by_proxy.path, by_proxy.family) == ("direct", "IPv6")
    assert by_proxy.remedy == "Name the IPv4 address of each proxy with --proxy-source."
    waf.disassociate_web_acl(ResourceArn=balancer.arn)

    ec2 = cloud.session.client("ec2")
    (group,) = balancer.security_groups
    anybody = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
    everywhere = {**anybody, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[everywhere])
    only_office = {**anybody, "IpRanges": [{"CidrIp": "203.0.113.0/24"}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[only_office])
    *_, closed = place(cloud, target).run("allow_lists")
    assert closed.verdict == "fail"
    assert "let 203.0.113.0/24 in at port 443" in closed.evidence

    (listed,) = ec2.describe_managed_prefix_lists(
        Filters=[
            {
                "Name": "prefix-list-name",
                "Values": ["com.amazonaws.global.cloudfront.origin-facing"],
            }
        ]
    )["PrefixLists"]
    from_cloudfront = {**anybody, "PrefixListIds": [{"PrefixListId": listed["PrefixListId"]}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[from_cloudfront])
    *_, let_in, proxies = place(cloud, proxied).run("allow_lists")
    assert (let_in.verdict, proxies.verdict) == ("pass", "unknown")
    assert [note.partition(":")[0] for note in let_in.accepted] == ["open-through-cloudfront"]


class _Grouped:
    """An account whose distribution leads to a group of origins; it knows nothing else."""

    def client(self, service: str, region_name: str) -> "_Grouped":
        assert (service, region_name) == ("cloudfront", "us-east-1")
        return self

    def get_distribution_config(self, Id: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        assert Id == "E1"
        behavior = {"TargetOriginId": "failover"}
        origins = {"Items": [{"Id": "first"}, {"Id": "second"}]}
        return {"DistributionConfig": {"DefaultCacheBehavior": behavior, "Origins": origins}}


def test_a_group_of_origins_is_unknown_and_keeps_nobody_waiting() -> None:
    (result,) = CheckPlace(session=_Grouped).run("timeouts")
    assert (result.verdict, result.evidence) == (
        "unknown",
        "the default behavior of E1 leads to failover, a group of origins, not one",
    )


def test_an_account_that_does_not_answer_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    session: Any = boto3.session.Session("test", "test", region_name="us-east-1")
    results = [
        result
        for check in ("timeouts", "allow_lists", "aliases")
        for result in CheckPlace(session=lambda: session).run(check)
    ]
    assert [result.check for result in results] == [
        "hazard-timeouts",
        "hazard-web-acls",
        "hazard-security-groups",
        "hazard-alias",
    ]
    for result in results:
        assert result.verdict == "unknown"
        assert "Could not connect to the endpoint URL" in result.evidence
