"""The edge with IPv6 proxies through the real engine: up, replaced, refused, gone on with."""

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import urllib3

from sandbox.clouds import background, digitalocean
from support.engine import Stack, client, control, zone_records

if TYPE_CHECKING:
    from types_boto3_route53 import Route53Client

TWO = ("ams3-1", "fra1-1")


def api(cloud: background.Cloud, path: str) -> Any:
    """Ask the DigitalOcean API as any client would."""
    answer = urllib3.request(
        "GET", f"{cloud.url}/v2/{path}", headers={"Authorization": f"Bearer {digitalocean.TOKEN}"}
    )
    assert answer.status == 200, answer.data
    return json.loads(answer.data)


def test_up_makes_a_pool_behind_the_old_path_s_aaaa(
    proxied: Stack, droplets: background.Cloud, account: background.Cloud, route53: "Route53Client"
) -> None:
    proxied.up().must()
    made = api(droplets, "droplets")["droplets"]
    assert sorted(droplet["region"]["slug"] for droplet in made) == ["ams3", "fra1"]
    addresses = {
        item["ip"]: item["droplet"]["id"]
        for item in api(droplets, "reserved_ipv6")["reserved_ipv6s"]
    }
    assert set(addresses.values()) == {droplet["id"] for droplet in made}
    assert sorted(proxied.outputs()["proxyAddresses"]) == sorted(addresses)

    by_name: dict[tuple[str, str], list[Any]] = {}
    for record in zone_records(route53):
        by_name.setdefault((record["Name"].rstrip("."), record["Type"]), []).append(record)
    group = by_name["_proxy.api.example.com", "AAAA"]
    assert {record["SetIdentifier"]: record["Weight"] for record in group} == {
        **dict.fromkeys(TWO, 1),
        "none": 0,
    }
    checks = {
        item["Id"]: item["HealthCheckConfig"]["IPAddress"]
        for item in client(account, "route53").list_health_checks()["HealthChecks"]
    }
    for record in group:
        if record["SetIdentifier"] != "none":
            (value,) = [item["Value"] for item in record["ResourceRecords"]]
            assert value in addresses
            assert checks[record["HealthCheckId"]] == value
    for hostname in ("api.example.com", "api2.example.com"):
        (direct,) = [
            record for record in by_name[hostname, "AAAA"] if record["SetIdentifier"] == "direct"
        ]
        assert direct["AliasTarget"]["DNSName"].rstrip(".") == "_proxy.api.example.com"

    proxied.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes").must()
    proxied.pulumi("refresh", "--yes", "--expect-no-changes").must()


def test_a_changed_nginx_setting_replaces_the_droplets_before_the_old_ones_go(
    proxied: Stack, droplets: background.Cloud
) -> None:
    proxied.up().must()
    before = api(droplets, "reserved_ipv6")["reserved_ipv6s"]
    proxied.pulumi("config", "set", "--path", "proxy.idleTimeoutSeconds", "900").must()
    said = proxied.pulumi("preview", "--diff").must()
    assert len(re.findall(r"\+-digitalocean:index/droplet:Droplet: \(replace\)", said)) == 2

    said = proxied.up().must()
    lines = said.splitlines()

    def last(pattern: str) -> int:
        return max(number for number, line in enumerate(lines) if re.search(pattern, line))

    def first(pattern: str) -> int:
        return min(number for number, line in enumerate(lines) if re.search(pattern, line))

    made = last(r"\+\+ +digitalocean:index:Droplet \S+ created replacement")
    assert made < first(r"-- +digitalocean:index:Droplet \S+ deleting original")
    after = api(droplets, "reserved_ipv6")["reserved_ipv6s"]
    assert {item["ip"] for item in after} == {item["ip"] for item in before}
    running = {droplet["id"] for droplet in api(droplets, "droplets")["droplets"]}
    assert {item["droplet"]["id"] for item in after} == running
    assert not running & {item["droplet"]["id"] for item in before}


def test_a_refused_token_is_named_and_the_next_up_completes(
    proxied: Stack, droplets: background.Cloud
) -> None:
    said = proxied.pulumi("up", "--yes", "--skip-preview", DIGITALOCEAN_TOKEN="wrong").refused()
    assert "DIGITALOCEAN_TOKEN" in said
    assert api(droplets, "droplets")["droplets"] == []
    proxied.up().must()
    assert len(api(droplets, "droplets")["droplets"]) == 2


def test_a_droplet_limit_stops_half_way_and_the_next_up_completes(
    proxied: Stack, droplets: background.Cloud
) -> None:
    control(droplets, "PUT", "settings", {"droplet_limit": 1})
    said = proxied.up().refused()
    assert "droplet" in said.lower()
    control(droplets, "PUT", "settings", {"droplet_limit": 25})
    proxied.up().must()
    assert len(api(droplets, "droplets")["droplets"]) == 2
    proxied.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes").must()


def test_the_lock_adds_a_secret_header_that_the_export_does_not_show(
    stack: Stack, account: background.Cloud
) -> None:
    stack.configure(traffic={"direct": 0, "cdn": 100}, originLock={"generation": 1})
    stack.up().must()
    shown = json.loads(stack.pulumi("stack", "output", "--json", "--show-secrets").must())
    secrets = shown["originSecrets"]
    assert len(set(secrets)) == 2
    cloudfront = client(account, "cloudfront")
    (summary,) = cloudfront.list_distributions()["DistributionList"]["Items"]
    config = cloudfront.get_distribution_config(Id=summary["Id"])["DistributionConfig"]
    (header,) = config["Origins"]["Items"][0]["CustomHeaders"]["Items"]
    assert header["HeaderValue"] in secrets
    exported = stack.pulumi("stack", "export").must()
    assert not any(secret in exported for secret in secrets)

    stack.configure(originLock={"generation": 2})
    stack.up().must()
    config = cloudfront.get_distribution_config(Id=summary["Id"])["DistributionConfig"]
    (rotated,) = config["Origins"]["Items"][0]["CustomHeaders"]["Items"]
    assert rotated["HeaderValue"] != header["HeaderValue"]
    assert rotated["HeaderValue"] in secrets  # it was accepted before it is sent


@pytest.mark.parametrize("token", [digitalocean.TOKEN])
def test_no_credential_is_in_the_state(proxied: Stack, token: str) -> None:
    proxied.up().must()
    assert token not in proxied.pulumi("stack", "export").must()
