"""`not-judged`: what no rule reads is named, and stops where it may answer for a name of ours."""

import re
from collections.abc import Callable
from pathlib import Path

import pulumi_aws
import pytest

from policies.model import UNKNOWN, Around, JudgedStack, Judgement, Resource, Value
from policies.readings import READ_AS
from policies.rules import PACKS
from policies.rules.not_judged import RULE
from policies.unread import ANSWERS_FOR_NOTHING, RESOLVER, is_unread

FAIL, ADVISE = Judgement.FAIL, Judgement.ADVISE
Make = Callable[..., Resource]
SDK = Path(pulumi_aws.__file__).parent
RECORD: Value = {"zoneId": "Z1", "name": "api.example.com", "type": "A", "records": ["192.0.2.1"]}
TENANT = "aws:cloudfront/distributionTenant:DistributionTenant"
INSTANCE = "aws:route53/trafficPolicyInstance:TrafficPolicyInstance"
CLOUDFLARE = "cloudflare:index/dnsRecord:DnsRecord"
OCEAN = "digitalocean:index/dnsRecord:DnsRecord"
STACK = "aws:cloudformation/stack:Stack"


def test_every_type_of_both_services_that_the_sdk_has_is_decided_on() -> None:
    tokens = {
        token
        for service in ("cloudfront", "route53")
        for path in (SDK / service).glob("*.py")
        for token in re.findall(rf"aws:{service}/[a-z]\w*:[A-Z]\w*", path.read_text("utf-8"))
    }
    rules = [rule for pack in PACKS for rule in pack.rules if rule is not RULE]
    read = {token for rule in rules for token in rule.resource_types}
    unread = {token for token in tokens if token not in read and token not in READ_AS}
    assert {token for token in unread if is_unread(token)} == {TENANT, INSTANCE}
    resolver = {token for token in unread if token.startswith(RESOLVER)}
    assert unread - resolver - {TENANT, INSTANCE} <= ANSWERS_FOR_NOTHING
    assert tokens >= ANSWERS_FOR_NOTHING


@pytest.mark.parametrize(
    ("token", "unread"),
    [
        (TENANT, True),
        (INSTANCE, True),
        (CLOUDFLARE, True),
        ("cloudflare:index/record:Record", True),
        (OCEAN, True),
        (STACK, True),
        ("gcp:dns/recordSet:RecordSet", True),
        ("azure:dns/aRecord:ARecord", True),
        ("azure-native:dns:RecordSet", True),
        ("azure-native:network:RecordSet", True),
        ("ns1:index/record:Record", True),
        ("dnsimple:index/zoneRecord:ZoneRecord", True),
        ("hcloud:index/zoneRrset:ZoneRrset", True),
        ("kubernetes:externaldns.k8s.io/v1alpha1:DNSEndpoint", True),
        ("namecheap:index/domainRecords:DomainRecords", True),
        ("a-provider-of-tomorrow:index/dnsRecord:DnsRecord", True),
        ("aws:lightsail/domainEntry:DomainEntry", True),
        ("aws:servicediscovery/instance:Instance", True),
        ("aws-native:cloudfront:DistributionTenant", True),
        ("aws-native:route53:RecordSet", True),
        ("aws:cloudfront/somethingNew:SomethingNew", True),
        ("aws:cloudfront/function:Function", False),
        ("aws:route53/healthCheck:HealthCheck", False),
        ("aws:route53/resolverRule:ResolverRule", False),
        ("aws:s3/bucket:Bucket", False),
        ("digitalocean:index/droplet:Droplet", False),
        ("cloudflare:index/zone:Zone", False),
        ("azure:dns/ptrRecord:PtrRecord", False),
        ("aws:cfg/recorder:Recorder", False),
        ("github:index/repository:Repository", False),
        ("pulumi:pulumi:Stack", False),
    ],
)
def test_a_type_that_answers_for_names_is_known_as_one(token: str, unread: bool) -> None:
    assert is_unread(token) is unread
    assert (token in RULE.resource_types or RULE.takes(token)) is unread


R53 = '{"Resources": {"R": {"Type": "AWS::Route53::RecordSet"}}}'


@pytest.mark.parametrize(
    ("token", "properties", "answer"),
    [
        pytest.param(TENANT, {"domains": [{"domain": "API.example.com"}]}, FAIL, id="tenant"),
        pytest.param(TENANT, {"domains": [{"domain": "*.example.com"}]}, FAIL, id="wildcard"),
        pytest.param(
            TENANT,
            {"name": "api", "domains": [{"domain": "www.example.com"}]},
            ADVISE,
            id="a tenant of another name",
        ),
        pytest.param(TENANT, {"domains": [{"domain": UNKNOWN}]}, FAIL, id="a tenant of any name"),
        pytest.param(TENANT, {"domains": UNKNOWN}, FAIL, id="a tenant of unknown names"),
        pytest.param(INSTANCE, {"name": "api.example.com"}, FAIL, id="traffic policy"),
        pytest.param(INSTANCE, {"name": "x.example.com"}, ADVISE, id="of another name"),
        pytest.param(CLOUDFLARE, {"name": "api", "type": "A"}, FAIL, id="in a zone of some name"),
        pytest.param(CLOUDFLARE, {"name": "www", "type": "A"}, ADVISE, id="another name there"),
        pytest.param(CLOUDFLARE, {"name": "@", "type": "A"}, FAIL, id="the top of some zone"),
        pytest.param(
            OCEAN, {"name": "api", "domain": "example.com", "type": "A"}, FAIL, id="in the zone"
        ),
        pytest.param(
            OCEAN, {"name": "api", "domain": "example.net", "type": "A"}, ADVISE, id="not in it"
        ),
        pytest.param(
            OCEAN, {"name": "api", "domain": "example.com", "type": "TXT"}, None, id="TXT"
        ),
        pytest.param(STACK, {"templateBody": R53}, FAIL, id="a template with records"),
        pytest.param(STACK, {"templateBody": UNKNOWN}, FAIL, id="a template that is not known"),
        pytest.param(STACK, {"templateUrl": "https://x"}, FAIL, id="a template elsewhere"),
        pytest.param(STACK, {"templateBody": '{"Resources": {}}'}, None, id="a harmless template"),
        pytest.param(STACK, UNKNOWN, FAIL, id="nothing known"),
    ],
)
def test_what_may_answer_for_a_name_of_the_stack_stops_and_the_rest_is_advice(
    token: str, properties: Value, answer: Judgement | None, make: Make
) -> None:
    resource = make(token, "other", properties)
    stack = JudgedStack([resource, make("aws:route53/record:Record", "api", RECORD)])
    findings = list(RULE.check(Around(resource, stack).place()))
    assert [finding.answer for finding in findings] == ([] if answer is None else [answer])


def test_without_names_of_its_own_a_stack_has_nothing_that_others_could_answer_for(
    make: Make,
) -> None:
    resource = make(TENANT, "other", {"domains": [{"domain": "api.example.com"}]})
    (finding,) = RULE.check(Around(resource, JudgedStack([resource])).place())
    assert finding.message("not-judged") == (
        f"not-judged: {TENANT} is a type that no rule reads; it may be one for names of somebody "
        "else's. Declare it as a record or a distribution that the rules read, or look at it by "
        "hand and exempt it, with a reason and a last day."
    )


def test_the_message_names_what_it_may_answer_for(make: Make) -> None:
    resource = make(INSTANCE, "other", {"name": "api.example.com"})
    cdn = make("aws:cloudfront/distribution:Distribution", "cdn", {"aliases": ["api.example.com"]})
    (finding,) = RULE.check(Around(resource, JudgedStack([resource, cdn])).place())
    assert finding.message("not-judged") == (
        f"not-judged: {INSTANCE} is a type that no rule reads, and may answer for "
        '"api.example.com", a name of this stack\'s; it must be one that they read. Declare it as '
        "a record or a distribution that the rules read, or look at it by hand and exempt it, "
        "with a reason and a last day."
    )
