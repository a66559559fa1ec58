"""Reading what is deployed from the clouds' APIs.

An account is read with a dozen requests, and it may change between any two of them: a distribution
that was listed is gone when its configuration is asked for, or, worse, an address was listed before
it moved and its Droplet after. The naive way, to catch what is not found and go on, takes such a
half for the whole. So a reading counts only if both clouds say that nothing changed meanwhile;
otherwise it is done again.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from ipaddress import IPv4Network, collapse_addresses
from typing import Any, Final

import boto3.session
import httpx
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from sandbox.clouds import aws, control, digitalocean
from sandbox.lab.deployed import (
    Deployed,
    DeployedDistribution,
    DeployedDroplet,
    DeployedLoadBalancer,
    DeployedZone,
    Fields,
)
from sandbox.lab.read_buckets import buckets

ATTEMPTS: Final = 20
"""How often an account that keeps changing is read before that is a fault; a deployment changes it
for seconds, and a reading takes less than half of one."""

TIMEOUT_SECONDS: Final = 10.0

PER_PAGE: Final = 200
"""The most that DigitalOcean gives on a page. Source: API reference, 'Links & Pagination'."""

CERTIFICATE_REGION: Final = "us-east-1"
"""Where CloudFront's certificates are. Source: CloudFront Developer Guide, 'AWS Region for ACM'."""

_EVERY_PROTOCOL: Final = "-1"
_TCP: Final = (_EVERY_PROTOCOL, "tcp", "6")
_EVERY_PORT: Final = ((0, 65_535),)
"""How a rule of a security group says so. Source: EC2 API reference, `IpPermission`."""

_MADE_FOR_CLASSIC: Final = "default_elb_"
"""How the name of a group begins that is made for a classic load balancer without one."""

_LOAD_BALANCER_REGION: Final = re.compile(
    r"\.(?:elb\.(?P<network>[a-z0-9-]+)|(?P<other>[a-z0-9-]+)\.elb)\.amazonaws\.com\.?$"
)
"""Where a load balancer's DNS name has its region: network ones have it after `elb`."""


class ReadError(RuntimeError):
    """What is deployed cannot be read; the message says which cloud does not answer and why."""


def read(aws_url: str, digitalocean_url: str) -> Deployed:
    """Return everything that is deployed in both clouds at one moment.

    Args:
        aws_url: Where the sandbox's AWS listens.
        digitalocean_url: Where its DigitalOcean listens.

    Raises:
        ReadError: A cloud does not answer, refuses, or changes too fast to be read.
    """
    for _ in range(ATTEMPTS):
        before = changes(aws_url, digitalocean_url)
        outcome = _attempt(aws_url, digitalocean_url)
        if changes(aws_url, digitalocean_url) != before:
            continue
        if isinstance(outcome, Deployed):
            return outcome
        raise ReadError(f"What is deployed cannot be read: {outcome}.") from outcome
    raise ReadError(
        f"What is deployed changed during each of {ATTEMPTS} attempts to read it; wait until the "
        "deployment is over."
    )


def _attempt(aws_url: str, digitalocean_url: str) -> Deployed | Exception:
    """Read both clouds side by side, and return what was found or why not."""
    try:
        with ThreadPoolExecutor(1) as pool:
            return _from_aws(aws_url, pool.submit(_droplets, digitalocean_url).result)
    except (BotoCoreError, ClientError, httpx.HTTPError) as refused:
        return refused


def changes(aws_url: str, digitalocean_url: str) -> tuple[str, str]:
    """Return a text of each cloud that is another one as soon as anything in it has changed.

    Raises:
        ReadError: A cloud does not answer.
    """
    paths = (aws_url + control.PATH, digitalocean_url + control.PATH)
    try:
        texts = [_http().get(f"{path}changes").raise_for_status().text for path in paths]
    except httpx.HTTPError as fault:
        raise ReadError(
            f"A cloud of the sandbox does not answer: {fault}. Start it with: make up"
        ) from fault
    return texts[0], texts[1]


@cache
def _http() -> httpx.Client:
    return httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=False)


@cache
def _session(url: str) -> Any:
    """Return a boto3 session; it reads the description of a service once, for every region."""
    variables = aws.client_environment(url)
    return boto3.session.Session(variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"])


@cache
def _client(url: str, service: str, region: str) -> Any:
    """Return a boto3 client; one takes longer to make than all it is asked here."""
    config = Config(proxies={}, read_timeout=TIMEOUT_SECONDS)
    return _session(url).client(service, region_name=region, endpoint_url=url, config=config)


def _pages(client: Any, operation: str, key: str, **parameters: object) -> Iterator[Any]:
    """Return the items of all pages; the key is their path in a page, with dots."""
    for page in client.get_paginator(operation).paginate(**parameters):
        items: Any = page
        for name in key.split("."):
            items = items.get(name) or {}
        yield from items


def _from_aws(url: str, droplets: Callable[[], tuple[DeployedDroplet, ...]]) -> Deployed:
    zones, health_checks = _zones(url), _health_checks(url)
    distributions = _distributions(url)
    regions = _regions(zones, distributions)
    behaviors = [
        behavior for distribution in distributions for behavior in behaviors_of(distribution.config)
    ]
    return Deployed(
        zones=zones,
        health_checks=health_checks,
        load_balancers=tuple(
            sorted(
                (each for region in regions for each in _load_balancers(url, region)),
                key=lambda each: each.dns_name,
            )
        ),
        distributions=distributions,
        cache_policies={
            name: _client(url, "cloudfront", CERTIFICATE_REGION).get_cache_policy(Id=name)[
                "CachePolicy"
            ]["CachePolicyConfig"]
            for name in _named(behaviors, "CachePolicyId")
        },
        origin_request_policies={
            name: _client(url, "cloudfront", CERTIFICATE_REGION).get_origin_request_policy(Id=name)[
                "OriginRequestPolicy"
            ]["OriginRequestPolicyConfig"]
            for name in _named(behaviors, "OriginRequestPolicyId")
        },
        certificates=dict(each for region in regions for each in _certificates(url, region)),
        buckets=tuple(buckets(partial(_client, url, "s3"))),
        droplets=droplets(),
    )


def behaviors_of(config: Fields) -> list[Fields]:
    """Return the cache behaviors of a distribution, the default one first."""
    return [config["DefaultCacheBehavior"], *(config["CacheBehaviors"].get("Items") or ())]


def _named(behaviors: Iterable[Fields], key: str) -> list[str]:
    return sorted({behavior[key] for behavior in behaviors if behavior.get(key)})


def _zones(url: str) -> tuple[DeployedZone, ...]:
    client = _client(url, "route53", CERTIFICATE_REGION)
    public = [
        zone
        for zone in _pages(client, "list_hosted_zones", "HostedZones")
        if not zone["Config"].get("PrivateZone")
    ]
    return tuple(
        DeployedZone(
            id=zone["Id"].removeprefix("/hostedzone/"),
            name=zone["Name"].rstrip("."),
            records=tuple(
                _pages(
                    client,
                    "list_resource_record_sets",
                    "ResourceRecordSets",
                    HostedZoneId=zone["Id"],
                )
            ),
        )
        for zone in public
    )


def _health_checks(url: str) -> dict[str, Fields]:
    client = _client(url, "route53", CERTIFICATE_REGION)
    checks = _pages(client, "list_health_checks", "HealthChecks")
    return {check["Id"]: check["HealthCheckConfig"] for check in checks}


def _distributions(url: str) -> tuple[DeployedDistribution, ...]:
    client = _client(url, "cloudfront", CERTIFICATE_REGION)
    return tuple(
        DeployedDistribution(
            id=listed["Id"],
            domain_name=listed["DomainName"],
            config=client.get_distribution_config(Id=listed["Id"])["DistributionConfig"],
        )
        for listed in _pages(client, "list_distributions", "DistributionList.Items")
    )


def _regions(
    zones: Iterable[DeployedZone], distributions: Iterable[DeployedDistribution]
) -> list[str]:
    """Return the regions of every load balancer that a record or a distribution names."""
    names = [
        record["AliasTarget"]["DNSName"]
        for zone in zones
        for record in zone.records
        if "AliasTarget" in record
    ]
    names += [
        origin["DomainName"]
        for distribution in distributions
        for origin in distribution.config["Origins"]["Items"]
    ]
    named = (_LOAD_BALANCER_REGION.search(name.lower()) for name in names)
    return sorted(
        {
            CERTIFICATE_REGION,
            aws.REGION,
            *(match["network"] or match["other"] for match in named if match),
        }
    )


def _load_balancers(url: str, region: str) -> Iterator[DeployedLoadBalancer]:
    modern = _client(url, "elbv2", region)
    groups = cache(lambda: _open_ports(url, region))

    def opened(names: Iterable[str]) -> tuple[tuple[int, int], ...] | None:
        named = tuple(names)
        ranges = {ports for name in named for ports in groups().get(name, ())}
        return tuple(sorted(ranges)) if named else None

    for balancer in _pages(modern, "describe_load_balancers", "LoadBalancers"):
        arn = balancer["LoadBalancerArn"]
        listeners = list(_pages(modern, "describe_listeners", "Listeners", LoadBalancerArn=arn))
        yield DeployedLoadBalancer(
            dns_name=balancer["DNSName"].lower().rstrip("."),
            kind=balancer["Type"],
            listeners=tuple((listener["Protocol"], listener["Port"]) for listener in listeners),
            certificates=_once(
                certificate["CertificateArn"]
                for listener in listeners
                for certificate in listener.get("Certificates") or ()
            ),
            scheme=balancer["Scheme"],
            address_type=balancer.get("IpAddressType") or "ipv4",
            open_ports=opened(balancer.get("SecurityGroups") or ()),
        )
    for balancer in _pages(
        _client(url, "elb", region), "describe_load_balancers", "LoadBalancerDescriptions"
    ):
        described = [description["Listener"] for description in balancer["ListenerDescriptions"]]
        yield DeployedLoadBalancer(
            dns_name=balancer["DNSName"].lower().rstrip("."),
            kind="classic",
            listeners=tuple((one["Protocol"], one["LoadBalancerPort"]) for one in described),
            certificates=_once(
                one["SSLCertificateId"] for one in described if one.get("SSLCertificateId")
            ),
            scheme=balancer.get("Scheme") or "internet-facing",
            open_ports=opened(balancer.get("SecurityGroups") or ()),
        )


def _open_ports(url: str, region: str) -> dict[str, tuple[tuple[int, int], ...]]:
    """Return, by security group, the ports that are open to every IPv4 address for TCP.

    Networks that only together are every address count as one rule if they have the same ports. The
    group that a classic load balancer gets which names none is taken to let everybody in: moto
    makes it without a rule, so the account does not tell what AWS would put there.
    """
    client = _client(url, "ec2", region)
    return {
        group["GroupId"]: _EVERY_PORT
        if group["GroupName"].startswith(_MADE_FOR_CLASSIC) and not group["IpPermissions"]
        else tuple(_ports(rule) for rule in group["IpPermissions"] if _is_for_everybody(rule))
        for group in _pages(client, "describe_security_groups", "SecurityGroups")
    }


def _is_for_everybody(rule: Fields) -> bool:
    networks = (IPv4Network(each["CidrIp"], strict=False) for each in rule.get("IpRanges") or ())
    return rule["IpProtocol"] in _TCP and any(
        network.prefixlen == 0 for network in collapse_addresses(networks)
    )


def _ports(rule: Fields) -> tuple[int, int]:
    """Return first and last port of a rule; one for all protocols has none, and is for all."""
    if rule["IpProtocol"] == _EVERY_PROTOCOL:
        return _EVERY_PORT[0]
    return rule["FromPort"], rule["ToPort"]


def _once(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


def _certificates(url: str, region: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    client = _client(url, "acm", region)
    listed = _pages(client, "list_certificates", "CertificateSummaryList")
    for arn in [summary["CertificateArn"] for summary in listed]:
        certificate = client.describe_certificate(CertificateArn=arn)["Certificate"]
        if certificate["Status"] == "ISSUED":
            names = (certificate["DomainName"], *(certificate.get("SubjectAlternativeNames") or ()))
            yield arn, _once(names)


def _droplets(url: str) -> tuple[DeployedDroplet, ...]:
    listed = [each for each in _collection(url, "droplets") if each["status"] == "active"]
    firewalls = _collection(url, "firewalls")
    reserved = {
        address["droplet"]["id"]: address["ip"]
        for address in _collection(url, "reserved_ipv6", "reserved_ipv6s")
        if address["droplet"]
    }
    return tuple(
        _droplet(
            each,
            reserved.get(each["id"], ""),
            _get(f"{url}{control.PATH}droplets/{each['id']}/metadata/v1.json"),
            [
                firewall
                for firewall in firewalls
                if each["id"] in firewall["droplet_ids"]
                or set(firewall["tags"]) & set(each["tags"])
            ],
        )
        for each in listed
    )


def _droplet(
    listed: Fields, reserved: str, metadata: Fields, firewalls: Iterable[Fields]
) -> DeployedDroplet:
    public = [address for address in listed["networks"]["v4"] if address["type"] == "public"]
    nothing: dict[str, Any] = {}
    ipv6: Mapping[str, Any] = next(iter(listed["networks"]["v6"]), nothing)
    return DeployedDroplet(
        id=listed["id"],
        name=listed["name"],
        image=listed["image"]["slug"] or "",
        ipv4=public[0]["ip_address"] if public else "",
        ipv6=ipv6.get("ip_address", ""),
        ipv6_gateway=ipv6.get("gateway", ""),
        ipv6_prefix_length=ipv6.get("netmask", 0),
        reserved_ipv6=reserved,
        user_data=metadata["user_data"],
        metadata=metadata,
        firewalls=tuple(firewalls),
    )


def _collection(url: str, path: str, key: str = "") -> list[Any]:
    """Return a collection of DigitalOcean's, all pages of it."""
    items: list[Any] = []
    number = 1
    while True:
        page = _get(f"{url}/v2/{path}?page={number}&per_page={PER_PAGE}")
        items += page[key or path]
        if "next" not in (page["links"].get("pages") or {}):
            return items
        number += 1


def _get(url: str) -> Any:
    answer = _http().get(url, headers={"Authorization": f"Bearer {digitalocean.TOKEN}"})
    return answer.raise_for_status().json()
