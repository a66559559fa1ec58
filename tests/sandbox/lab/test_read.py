"""What is deployed is read whole, from the clouds' own APIs."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import boto3.session
import pytest
import urllib3

from sandbox.clouds import background
from sandbox.clouds.digitalocean import TOKEN
from sandbox.lab.deployed import DeployedBucket, DeployedLoadBalancer
from sandbox.lab.origin import unsupported
from sandbox.lab.read import ReadError, changes, read
from support.clouds import start_cloud
from support.engine import client, control
from support.waiting import wait_until

READ_SECONDS = 0.5
PAGE = 100
"""Records and certificates on the APIs' pages; more than one page is what is read here."""


@pytest.fixture(scope="module")
def clouds(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[background.Cloud, background.Cloud]]:
    home = tmp_path_factory.mktemp("clouds")
    with ThreadPoolExecutor(2) as pool:
        names = ("aws", "digitalocean")
        one, other = pool.map(partial(start_cloud, home=home), names)
    yield one, other
    for name in names:
        background.stop(name, home)


@pytest.fixture
def aws(clouds: tuple[background.Cloud, background.Cloud]) -> background.Cloud:
    control(clouds[0], "POST", "reset")
    return clouds[0]


@pytest.fixture
def digitalocean(clouds: tuple[background.Cloud, background.Cloud]) -> background.Cloud:
    control(clouds[1], "POST", "reset")
    control(clouds[1], "PUT", "settings", {"action_seconds": 0, "droplet_limit": 300})
    return clouds[1]


def send(cloud: background.Cloud, method: str, path: str, body: object = None) -> Any:
    """Ask DigitalOcean for something."""
    answer = urllib3.request(
        method, f"{cloud.url}/v2/{path}", json=body, headers={"Authorization": f"Bearer {TOKEN}"}
    )
    assert answer.status < 300, answer.data
    return answer.json() if answer.data else None


def new_droplet(cloud: background.Cloud, name: str = "proxy", **more: object) -> int:
    """Create a droplet."""
    body = {
        "name": name,
        "region": "fra1",
        "size": "s-1vcpu-1gb",
        "image": "debian-12-x64",
        "ipv6": True,
        **more,
    }
    return send(cloud, "POST", "droplets", body)["droplet"]["id"]


def distribution(*aliases: str) -> dict[str, Any]:
    """Return a distribution's configuration, with a policy of each kind."""
    return {
        "CallerReference": str(time.monotonic_ns()),
        "Aliases": {"Quantity": len(aliases), "Items": list(aliases)},
        "Comment": "",
        "Enabled": True,
        "Origins": {
            "Quantity": 1,
            "Items": [
                {
                    "Id": "api",
                    "DomainName": "api-1.eu-west-1.elb.amazonaws.com",
                    "CustomOriginConfig": {
                        "HTTPPort": 80,
                        "HTTPSPort": 443,
                        "OriginProtocolPolicy": "https-only",
                    },
                }
            ],
        },
        "DefaultCacheBehavior": {
            "TargetOriginId": "api",
            "ViewerProtocolPolicy": "allow-all",
            "CachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
            "OriginRequestPolicyId": "216adef6-5c7f-47e4-b989-5492eafa07d3",
        },
    }


def test_an_account_as_seeded_is_read(
    aws: background.Cloud, digitalocean: background.Cloud
) -> None:
    account = read(aws.url, digitalocean.url)
    assert [(zone.name, len(zone.records)) for zone in account.zones] == [("example.com", 3)]
    assert [each.kind for each in account.load_balancers] == ["application", "classic", "network"]
    assert account.load_balancers[1].listeners == (("HTTP", 80), ("TCP", 443))
    assert [each.open_ports for each in account.load_balancers] == [
        ((80, 80), (443, 443)),
        ((0, 65535),),
        None,
    ]
    assert unsupported(account) == []
    assert (account.distributions, account.droplets, account.certificates) == ((), (), {})


def test_everything_that_is_deployed_is_read(
    aws: background.Cloud, digitalocean: background.Cloud
) -> None:
    cloudfront, route53 = client(aws, "cloudfront"), client(aws, "route53")
    made = cloudfront.create_distribution(DistributionConfig=distribution())["Distribution"]
    check = route53.create_health_check(
        CallerReference="1", HealthCheckConfig={"Type": "TCP", "IPAddress": "192.0.2.1", "Port": 1}
    )["HealthCheck"]
    number = new_droplet(digitalocean, tags=["pool"], user_data="#cloud-config\n")
    other = new_droplet(digitalocean, "other", ipv6=False)
    ip = send(digitalocean, "POST", "reserved_ipv6", {"region_slug": "fra1"})["reserved_ipv6"]["ip"]
    time.sleep(0.1)  # until it is active
    body = {"type": "assign", "droplet_id": number}
    send(digitalocean, "POST", f"reserved_ipv6/{ip}/actions", body)
    inbound = [{"protocol": "tcp", "ports": "443", "sources": {"addresses": ["::/0"]}}]
    for name, whom in (("by-tag", {"tags": ["pool"]}), ("by-id", {"droplet_ids": [other]})):
        firewall = {"name": name, "inbound_rules": inbound, **whom}
        send(digitalocean, "POST", "firewalls", firewall)
    account = read(aws.url, digitalocean.url)
    (deployed,) = account.distributions
    assert (deployed.id, deployed.domain_name) == (made["Id"], made["DomainName"])
    assert deployed.config == made["DistributionConfig"]
    assert [policy["Name"] for policy in account.cache_policies.values()] == [
        "Managed-CachingDisabled"
    ]
    assert [policy["Name"] for policy in account.origin_request_policies.values()] == [
        "Managed-AllViewer"
    ]
    assert account.health_checks == {check["Id"]: check["HealthCheckConfig"]}
    droplets = {each.id: each for each in account.droplets}
    assert set(droplets) == {number, other}
    proxy = droplets[number]
    assert (proxy.reserved_ipv6, proxy.user_data) == (ip, "#cloud-config\n")
    assert (proxy.ipv6_gateway, proxy.ipv6_prefix_length) == ("2001:db8:d0:a::1", 64)
    assert proxy.metadata["reserved_ip"]["ipv6"] == {"active": True, "ip_address": ip}
    assert [rules["inbound_rules"] for rules in proxy.firewalls] == [inbound]
    assert proxy.image == droplets[other].image == "debian-12-x64"
    assert (droplets[other].ipv6, droplets[other].reserved_ipv6) == ("", "")
    assert [rules["name"] for rules in droplets[other].firewalls] == ["by-id"]


def test_a_certificate_is_read_once_it_is_issued(
    aws: background.Cloud, digitalocean: background.Cloud
) -> None:
    acm, route53 = client(aws, "acm"), client(aws, "route53")
    arn = acm.request_certificate(
        DomainName="api.example.com",
        SubjectAlternativeNames=["*.api.example.com"],
        ValidationMethod="DNS",
    )["CertificateArn"]
    assert read(aws.url, digitalocean.url).certificates == {}
    options = acm.describe_certificate(CertificateArn=arn)["Certificate"]
    validation = options["DomainValidationOptions"][0]["ResourceRecord"]
    record = {
        "Name": validation["Name"],
        "Type": "CNAME",
        "TTL": 60,
        "ResourceRecords": [{"Value": validation["Value"]}],
    }
    zone = route53.list_hosted_zones()["HostedZones"][0]["Id"]
    change = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=change)
    account = read(aws.url, digitalocean.url)
    assert account.certificates == {arn: ("api.example.com", "*.api.example.com")}


def test_a_load_balancer_of_another_region_is_read_where_a_record_or_an_origin_names_it(
    aws: background.Cloud, digitalocean: background.Cloud
) -> None:
    before = read(aws.url, digitalocean.url)
    client(aws, "cloudfront").create_distribution(DistributionConfig=distribution())
    elsewhere = regional(aws, "eu-west-1")
    name = elsewhere.create_load_balancer(
        LoadBalancerName="ireland",
        Listeners=[{"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 80}],
        AvailabilityZones=["eu-west-1a"],
    )["DNSName"]
    after = read(aws.url, digitalocean.url)
    assert set(after.load_balancers) - set(before.load_balancers) == {
        DeployedLoadBalancer(name.lower(), "classic", (("HTTP", 80),), (), open_ports=((0, 65535),))
    }


def test_a_port_is_open_that_rules_open_to_every_address(
    aws: background.Cloud, digitalocean: background.Cloud
) -> None:
    ec2 = client(aws, "ec2")
    (group,) = ec2.describe_security_groups(GroupNames=["api-lb"])["SecurityGroups"]
    for rules in group["IpPermissions"]:
        ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[rules])
    networks = {
        ("tcp", 80): ["0.0.0.0/1", "128.0.0.0/1"],
        ("tcp", 443): ["10.0.0.0/8"],
        ("udp", 443): ["0.0.0.0/0"],
    }
    for (protocol, port), ranges in networks.items():
        rule = {
            "IpProtocol": protocol,
            "FromPort": port,
            "ToPort": port,
            "IpRanges": [{"CidrIp": each} for each in ranges],
        }
        ec2.authorize_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[rule])
    account = read(aws.url, digitalocean.url)
    assert account.load_balancers[0].open_ports == ((80, 80),)
    assert unsupported(account) == [
        (
            f"Load balancer {account.load_balancers[0].dns_name}: its security groups do not let "
            "everybody in on port 443; the lab has no security groups, and does."
        )
    ]


def regional(aws: background.Cloud, region: str) -> Any:
    """Return a client for classic load balancers of another region."""
    session: Any = boto3.session.Session("test", "test", region_name=region)
    return session.client("elb", endpoint_url=aws.url)


def test_all_pages_are_read(aws: background.Cloud, digitalocean: background.Cloud) -> None:
    route53 = client(aws, "route53")
    zone = route53.list_hosted_zones()["HostedZones"][0]["Id"]
    records = [
        {
            "Name": f"n{number}.example.com",
            "Type": "A",
            "TTL": 60,
            "ResourceRecords": [{"Value": "192.0.2.1"}],
        }
        for number in range(3 * PAGE + 1)
    ]
    changes = [{"Action": "CREATE", "ResourceRecordSet": record} for record in records]
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})
    for number in range(210):
        new_droplet(digitalocean, f"d{number}", ipv6=False)
    time.sleep(0.1)
    account = read(aws.url, digitalocean.url)
    assert len(account.zones[0].records) == 3 * PAGE + 4
    assert len(account.droplets) == 210


def test_reading_is_quick(aws: background.Cloud, digitalocean: background.Cloud) -> None:
    client(aws, "cloudfront").create_distribution(DistributionConfig=distribution())
    for name in ("one", "two"):
        new_droplet(digitalocean, name)
    read(aws.url, digitalocean.url)  # makes the clients

    def is_quick() -> bool:
        began = time.perf_counter()
        read(aws.url, digitalocean.url)
        return time.perf_counter() - began < READ_SECONDS

    # What else this machine does slows some, also in a row; one that is slow is slow every time.
    wait_until(is_quick)


def test_what_changes_while_it_is_read_is_never_half_of_it(
    aws: background.Cloud, digitalocean: background.Cloud
) -> None:
    cloudfront = client(aws, "cloudfront")
    stop = time.monotonic() + 1.5

    def come_and_go() -> None:
        while time.monotonic() < stop:
            made = cloudfront.create_distribution(
                DistributionConfig={**distribution(), "Enabled": False}
            )
            time.sleep(1.1)  # until it is deployed
            number = made["Distribution"]["Id"]
            cloudfront.delete_distribution(Id=number, IfMatch=made["ETag"])

    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(come_and_go)
        while not coming.done():
            account = read(aws.url, digitalocean.url)
            assert len(account.distributions) == len(account.cache_policies) <= 1
        coming.result()


def test_the_clouds_tell_that_something_changed_and_are_silent_when_nothing_did(
    aws: background.Cloud, digitalocean: background.Cloud
) -> None:
    before = changes(aws.url, digitalocean.url)
    read(aws.url, digitalocean.url)
    assert changes(aws.url, digitalocean.url) == before
    client(aws, "cloudfront").create_distribution(DistributionConfig=distribution())
    one = changes(aws.url, digitalocean.url)
    assert (one[0] != before[0], one[1] == before[1]) == (True, True)
    number = new_droplet(digitalocean)
    two = changes(aws.url, digitalocean.url)
    assert two[1] != one[1]
    send(digitalocean, "DELETE", f"droplets/{number}")
    assert changes(aws.url, digitalocean.url)[1] != two[1]


def test_a_droplet_that_becomes_active_by_the_clock_is_a_change(
    aws: background.Cloud, digitalocean: background.Cloud
) -> None:
    # Long enough for a busy machine to look before.
    control(digitalocean, "PUT", "settings", {"action_seconds": 8})
    new_droplet(digitalocean)
    before = changes(aws.url, digitalocean.url)
    assert read(aws.url, digitalocean.url).droplets == ()
    wait_until(lambda: changes(aws.url, digitalocean.url) != before)
    assert len(read(aws.url, digitalocean.url).droplets) == 1


def test_a_cloud_that_does_not_answer_is_told_in_a_line(digitalocean: background.Cloud) -> None:
    with pytest.raises(ReadError, match=r"^A cloud of the sandbox does not answer: .*make up$"):
        read("http://127.0.0.1:1", digitalocean.url)


def test_of_buckets_what_everybody_may_read_and_reading_changes_nothing(
    aws: background.Cloud, digitalocean: background.Cloud
) -> None:
    s3 = client(aws, "s3")
    for bucket in ("edge-switch", "mine"):
        constraint: Any = {"LocationConstraint": "eu-west-1"}
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=constraint)
        s3.put_object(Bucket=bucket, Key="a/drain", Body=b"drain " + b"x" * 10_000)
    everybody = (
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", '
        '"Action": "s3:GetObject", "Resource": "arn:aws:s3:::edge-switch/a/drain"}]}'
    )
    s3.put_bucket_policy(Bucket="edge-switch", Policy=everybody)
    before = changes(aws.url, digitalocean.url)
    public, own = read(aws.url, digitalocean.url).buckets
    assert own == DeployedBucket("mine", "eu-west-1")
    assert (public.host, list(public.objects)) == (
        "edge-switch.s3.eu-west-1.amazonaws.com",
        ["a/drain"],
    )
    assert len(public.objects["a/drain"]) == 5_120
    assert changes(aws.url, digitalocean.url) == before
    s3.delete_object(Bucket="edge-switch", Key="a/drain")
    assert changes(aws.url, digitalocean.url) != before
    assert [each.objects for each in read(aws.url, digitalocean.url).buckets] == [{}, {}]
