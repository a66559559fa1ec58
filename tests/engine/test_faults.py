"""What stops before anything is made, with every fault named; and what is mended by going on."""

import re
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from sandbox.clouds import background
from support.engine import Stack, client, control, weights, zone_records
from support.waiting import PATIENCE_SECONDS, wait_until

if TYPE_CHECKING:
    from types_boto3_cloudfront import CloudFrontClient
    from types_boto3_route53 import Route53Client


def nothing_was_made(stack: Stack, route53: "Route53Client", before: object) -> bool:
    """Say whether neither the state nor the zone knows of a resource of the program.

    A look-up leaves the provider it was made with in the state, which is nothing in any account;
    reading the state itself leaves the engine's own.
    """
    types = {resource["type"] for resource in stack.resources()}
    untouched = zone_records(route53) == before
    providers = {f"pulumi:providers:{cloud}" for cloud in ("aws", "digitalocean", "pulumi")}
    return untouched and types <= {"pulumi:pulumi:Stack", *providers}


BAD_SETTINGS = [
    pytest.param(
        {"hostnames": ["api.example.org"]}, ['"api.example.org"', "zone"], id="outside the zone"
    ),
    pytest.param({"hostnames": []}, ["dualstack-edge:hostnames is "], id="no hostname"),
    pytest.param(
        {"traffic": {"direct": 300, "cdn": 0}},
        ["dualstack-edge:traffic.direct is 300; an integer from 0 to 100."],
        id="weight too large",
    ),
    pytest.param(
        {"traffic": {"direct": 1, "cdn": -1}},
        ["dualstack-edge:traffic.cdn is -1; an integer from 0 to 100."],
        id="weight negative",
    ),
    pytest.param(
        {"traffic": {"direct": 0, "cdn": 0}}, ["dualstack-edge:traffic is "], id="both weights 0"
    ),
    pytest.param(
        {"traffic": {"direct": 9, "cdn": 1}},
        ["weights that add up to 100: 90 and 10 are the same share."],
        id="weights of another sum",
    ),
    pytest.param(
        {"traffic": {"direct": "many", "cdn": 0}},
        ['dualstack-edge:traffic.direct is "many"; an integer from 0 to 100.'],
        id="weight as text",
    ),
    pytest.param({"trafic": {"direct": 1}}, ["Did you mean traffic?"], id="unknown key"),
    pytest.param(
        {"proxy": {"regions": ["fra1", "ams3"], "nodesPerRegion": 2}},
        ["dualstack-edge:proxy is a pool of 4 proxies; as many as the account may have reserved"],
        id="more proxies than reserved addresses",
    ),
    pytest.param(
        {"proxy": {"regions": ["fra1"], "proxyProtocol": True}},
        ["dualstack-edge:proxy.proxyProtocol is true, and the load balancer is an application"],
        id="PROXY protocol for an application load balancer",
    ),
    pytest.param(
        {"proxy": {"regions": ["nyc2"]}},
        ['dualstack-edge:proxy.regions[0] is "nyc2"; one of ams3, atl1, blr1, fra1, lon1, nyc1'],
        id="a region that is closed to what is new",
    ),
    pytest.param(
        {"proxy": {"regions": ["fra1"], "ports": list(range(10_000, 10_400))}},
        ["bytes; at most 65,536 bytes, which is DigitalOcean's limit"],
        id="user data over the limit",
    ),
    pytest.param(
        {"originLock": {"generation": 1}},
        ["dualstack-edge:originLock is set, and traffic.direct is 100; not set for as long as"],
        id="a lock while direct has weight",
    ),
    pytest.param(
        {"certificateArn": "arn:aws:acm:eu-west-1:123456789012:certificate/0a1b2c3d"},
        ["us-east-1"],
        id="certificate elsewhere",
    ),
    pytest.param(
        {"certificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/0a1b2c3d"},
        ['certificate/0a1b2c3d", which does not exist; a certificate of ACM in us-east-1 that is'],
        id="no such certificate",
    ),
    pytest.param(
        {"origin": {"loadBalancer": "nobody", "kind": "application"}},
        ['dualstack-edge:origin.loadBalancer is "nobody", which was not found;'],
        id="no such load balancer",
    ),
    pytest.param(
        {"origin": {"loadBalancer": "api", "kind": "network"}},
        ['dualstack-edge:origin.kind is "network"; application'],
        id="another kind of load balancer",
    ),
    pytest.param({"zone": "example.net", "hostnames": ["a.example.net"]}, ["zone"], id="no zone"),
    pytest.param(
        {"traffic": {"direct": 300, "cdn": "x"}, "hostnames": ["a.b"], "colour": 1},
        ["traffic.direct", "traffic.cdn", '"a.b"', "colour"],
        id="several at once",
    ),
]


@pytest.mark.parametrize(("settings", "messages"), BAD_SETTINGS)
def test_a_misconfigured_stack_stops_with_every_fault_and_makes_nothing(
    stack: Stack, route53: "Route53Client", settings: dict[str, object], messages: list[str]
) -> None:
    before = zone_records(route53)
    stack.configure(**settings)
    # Nothing gets as far as the policy packs, which would only take their time to start.
    printed = stack.pulumi("up", "--yes", "--skip-preview", PULUMI_OPTION_POLICY_PACK="").refused()
    for message in messages:
        assert message in printed
    assert "Traceback" not in printed
    assert nothing_was_made(stack, route53, before)


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        pytest.param(
            {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None},
            "The AWS login is missing;",
            id="no credentials",
        ),
        pytest.param({"AWS_PROFILE": "nobody"}, 'AWS_PROFILE is "nobody"', id="no such profile"),
        pytest.param(
            {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"},
            "The endpoint of AWS is http://127.0.0.1:9, where nobody answers;",
            id="an AWS that is gone",
        ),
        pytest.param(
            {"DIGITALOCEAN_TOKEN": "wrong"},
            "DigitalOcean's token is one that DigitalOcean refuses;",
            id="a wrong token",
        ),
        pytest.param({"DIGITALOCEAN_TOKEN": None}, "DigitalOcean's token is not set;", id="none"),
        pytest.param(
            {"DIGITALOCEAN_API_URL": "http://127.0.0.1:9"},
            "DigitalOcean's API is http://127.0.0.1:9, where nobody answers;",
            id="a DigitalOcean that is gone",
        ),
    ],
)
def test_one_cause_is_one_fault(
    stack: Stack, variables: dict[str, str | None], message: str
) -> None:
    stack.configure(proxy={"regions": ["fra1"], "readySeconds": 0})
    for name, value in variables.items():
        if value is None:
            del stack.variables[name]
        else:
            stack.variables[name] = value
    printed = stack.pulumi("preview", PULUMI_OPTION_POLICY_PACK="").refused()
    assert re.findall(r"^ +- (.*)", printed, re.MULTILINE) == [
        line.strip(" -") for line in printed.splitlines() if message in line and "  - " in line
    ]
    assert "unhandled error" not in printed


def test_two_load_balancers_and_two_zones_of_one_name_are_refused(
    stack: Stack, account: background.Cloud, route53: "Route53Client"
) -> None:
    before = zone_records(route53)
    client(account, "elb").create_load_balancer(
        LoadBalancerName="api",
        Listeners=[{"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 80}],
        AvailabilityZones=["us-east-1a"],
    )
    another = route53.create_hosted_zone(Name="example.com", CallerReference="another")
    printed = stack.up().refused()
    route53.delete_hosted_zone(Id=another["HostedZone"]["Id"])
    assert 'dualstack-edge:zone is "example.com", of which there are several;' in printed
    assert 'dualstack-edge:origin.loadBalancer is "api", of which there are several;' in printed
    assert "Traceback" not in printed
    assert nothing_was_made(stack, route53, before)


def test_a_name_that_has_users_is_refused_in_a_preview_before_anything_is_made(
    stack: Stack, route53: "Route53Client"
) -> None:
    """Taking their record away is not what deploying may do."""
    zone = route53.list_hosted_zones_by_name(DNSName="example.com")["HostedZones"][0]["Id"]
    simple = next(record for record in zone_records(route53) if record["Name"].startswith("www"))
    taken = {**simple, "Name": "api.example.com."}
    route53.change_resource_record_sets(
        HostedZoneId=zone,
        ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": taken}]},  # pyright: ignore[reportArgumentType] - the stubs tell what is read from what is written
    )
    before = zone_records(route53)
    stack.configure(origin={"loadBalancer": "nobody", "kind": "application"})
    for printed in (stack.pulumi("preview").refused(), stack.up().refused()):
        assert 'hostnames[0] is "api.example.com", which has records already: A;' in printed
        assert "aws route53 list-resource-record-sets --hosted-zone-id" in printed
        assert 'origin.loadBalancer is "nobody", which was not found;' in printed
    assert nothing_was_made(stack, route53, before)


def test_names_of_another_stack_are_refused_in_a_preview(
    deployed: Stack, route53: "Route53Client"
) -> None:
    before = zone_records(route53)
    settings = deployed.folder / f"Pulumi.{deployed.variables['PULUMI_STACK']}.yaml"
    deployed.variables["PULUMI_STACK"] = "other"
    shutil.copy(settings, deployed.folder / "Pulumi.other.yaml")
    deployed.pulumi("stack", "init", "other").must()
    printed = deployed.pulumi("preview").refused()
    for index, name in enumerate(("api.example.com", "api2.example.com")):
        taken = f'hostnames[{index}] is "{name}", which '
        assert f"{taken}has records already: A cdn, A direct, AAAA cdn, AAAA direct;" in printed
        assert re.search(rf"{re.escape(taken)}distribution \w+ has as an alias;", printed)
    assert nothing_was_made(deployed, route53, before)


def test_an_up_that_is_interrupted_is_completed_by_the_next(
    stack: Stack,
    account: background.Cloud,
    route53: "Route53Client",
    cloudfront: "CloudFrontClient",
) -> None:
    control(account, "PUT", "settings", {"deploy_seconds": 60})
    with subprocess.Popen(
        ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive"],
        cwd=stack.folder,
        env=stack.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        wait_until(
            lambda: bool(cloudfront.list_distributions()["DistributionList"].get("Items")), 60
        )
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=PATIENCE_SECONDS) != 0
    # Nobody was moved: there is no `cdn` record yet, and every `direct` one is in place.
    assert {identifier for _, _, identifier in weights(route53)} == {"direct"}

    control(account, "PUT", "settings", {"deploy_seconds": 0.1})
    stack.up().must()
    assert len(weights(route53)) == 8
    # What was made before the interruption was kept, and is the one in use.
    assert len(cloudfront.list_distributions()["DistributionList"].get("Items", [])) == 1
