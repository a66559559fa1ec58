"""The protocol, the process and the provider's configuration."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2

from sandbox.plugins.values import UNKNOWN, Props, decode, encode
from support.waiting import PATIENCE_SECONDS

RECORD = "aws:route53/record:Record"
PROVIDER = "urn:pulumi:dev::edge::pulumi:providers:aws::us"


@pytest.mark.parametrize("request_name", ["check", "create", "diff", "read", "update", "delete"])
def test_an_unknown_resource_type_is_refused_by_name(plugin: Any, request_name: str) -> None:
    bucket = "aws:s3/bucket:Bucket"
    arguments: dict[str, tuple[Any, ...]] = {
        "diff": ({"id": "b"}, {}),
        "read": ("b", {}, {}),
        "update": ({"id": "b"}, {}),
        "delete": ({"id": "b"},),
    }
    send = getattr(plugin, request_name)
    failed = plugin.failure(lambda: send(bucket, *arguments.get(request_name, ({},))))
    assert failed.text.endswith(
        "the resource type is aws:s3/bucket:Bucket; the stand-in for the aws plugin knows "
        "aws:acm/certificate:Certificate, aws:acm/certificateValidation:CertificateValidation, "
        "aws:cloudfront/distribution:Distribution, aws:cloudwatch/metricAlarm:MetricAlarm, "
        "aws:route53/healthCheck:HealthCheck, aws:route53/record:Record, "
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule. "
        "Install the official plugin for others: `pulumi plugin install resource aws`."
    )


def test_an_unknown_function_is_refused_by_name(plugin: Any) -> None:
    failed = plugin.failure(lambda: plugin.invoke("aws:s3/getBucket:getBucket", {}))
    assert "the function is aws:s3/getBucket:getBucket; the stand-in" in failed.text
    assert "aws:route53/getZone:getZone" in failed.text


def test_wrong_arguments_of_a_function_are_failures(plugin: Any) -> None:
    answer = plugin.stub.Invoke(
        provider_pb2.InvokeRequest(
            tok="aws:route53/getZone:getZone", args=encode({"name": ["a"], "zone": "b"})
        )
    )
    assert [(item.property, item.reason) for item in answer.failures] == [
        ("name", "name is a list; a string is needed."),
        ("zone", "zone is not an input of aws:route53/getZone:getZone. Did you mean zoneId?"),
    ]


def test_no_schema_says_what_to_do_without(plugin: Any) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        plugin.stub.GetSchema(provider_pb2.GetSchemaRequest())
    error: Any = raised.value
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED
    assert "`pulumi import --generate-code=false`" in error.details()


def test_the_version_is_that_of_the_sdk(plugin: Any) -> None:
    info = plugin.stub.GetPluginInfo(empty_pb2.Empty())
    assert info.version == metadata.version("pulumi-aws")


def test_the_engine_is_told_to_open_secrets_and_to_preview(started_plugin: Any) -> None:
    _, plugin = started_plugin()
    shaken = plugin.stub.Handshake(provider_pb2.ProviderHandshakeRequest())
    answer = plugin.stub.Configure(provider_pb2.ConfigureRequest(args=encode({})))
    assert (shaken.accept_secrets, answer.acceptSecrets, answer.supportsPreview) == (
        False,
        False,
        True,
    )


def check_config(plugin: Any, config: Props) -> tuple[Props, list[tuple[str, str]]]:
    answer = plugin.stub.CheckConfig(provider_pb2.CheckRequest(urn=PROVIDER, news=encode(config)))
    return decode(answer.inputs), [(item.property, item.reason) for item in answer.failures]


def test_a_right_configuration_comes_back_as_it_was_given(plugin: Any) -> None:
    config = {
        "version": "7.51.1",
        "region": "us-east-1",
        "accessKey": UNKNOWN,
        "skipCredentialsValidation": "true",
        "defaultTags": '{"tags": {"team": "edge"}}',
        "endpoints": '[{"acm": "http://127.0.0.1:1"}]',
    }
    assert check_config(plugin, config) == (config, [])


def test_a_wrong_configuration_is_refused_all_at_once(plugin: Any) -> None:
    config = {"regoin": "us-east-1", "endpoints": "nowhere", "maxRetries": "many"}
    _, failures = check_config(plugin, config)
    assert sorted(failures) == [
        ("endpoints", "endpoints is 'nowhere'; a list is needed."),
        ("maxRetries", "maxRetries is 'many'; a whole number is needed."),
        ("regoin", "regoin is not an input of the aws provider. Did you mean region?"),
    ]


def test_a_configuration_the_stand_in_cannot_honour_is_refused(plugin: Any) -> None:
    config = {"region": "moon-1", "assumeRoles": '[{"roleArn": "arn:aws:iam::1:role/r"}]'}
    _, failures = check_config(plugin, config)
    assert failures == [
        (
            "assumeRoles",
            (
                "assumeRoles is set; the stand-in for the aws plugin assumes no roles. "
                "Name a profile that does with `profile`, or install the official plugin."
            ),
        ),
        (
            "region",
            (
                "region is 'moon-1', an invalid AWS Region; one like us-east-1 is allowed. "
                "Set `aws:region`, or skip this check with `skipRegionValidation`."
            ),
        ),
    ]


def test_configurations_are_compared(plugin: Any) -> None:
    def changes(olds: Props, news: Props) -> tuple[Any, list[str], list[str]]:
        answer = plugin.stub.DiffConfig(
            provider_pb2.DiffRequest(urn=PROVIDER, olds=encode(olds), news=encode(news))
        )
        return answer.changes, list(answer.diffs), list(answer.replaces)

    some, none = provider_pb2.DiffResponse.DIFF_SOME, provider_pb2.DiffResponse.DIFF_NONE
    assert changes({"region": "us-east-1"}, {"region": "us-east-1"}) == (none, [], [])
    assert changes({"region": "us-east-1"}, {"region": "eu-west-1"}) == (some, ["region"], [])


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (
            {"allowedAccountIds": '["111111111111"]'},
            "AWS account ID not allowed: 123456789012; 111111111111 may be used.",
        ),
        (
            {"forbiddenAccountIds": '["123456789012"]'},
            "AWS account ID not allowed: 123456789012; it is forbidden.",
        ),
        ({"profile": "nobody"}, "The config profile (nobody) could not be found"),
    ],
)
def test_a_provider_that_may_not_work_is_not_configured(
    started_plugin: Any, config: Props, reason: str
) -> None:
    _, plugin = started_plugin()
    failed = plugin.failure(lambda: plugin.configure(region="us-east-1", **config))
    assert failed.text.startswith(f"configuring the aws provider: {reason}")


def test_a_plugin_that_is_not_configured_says_so(started_plugin: Any) -> None:
    _, plugin = started_plugin()
    failed = plugin.failure(lambda: plugin.check(RECORD, {}))
    assert "the provider is not configured; Configure comes before any work." in failed.text


def test_default_tags_are_added_to_the_tags(started_plugin: Any, cloud: Any) -> None:
    del cloud
    _, plugin = started_plugin()
    plugin.configure(region="us-east-1", defaultTags='{"tags": {"team": "edge", "env": "dev"}}')
    check = "aws:route53/healthCheck:HealthCheck"
    desired: Props = {"type": "TCP", "ipAddress": "192.0.2.1", "port": 443, "requestInterval": 30}
    state, inputs = plugin.made(check, desired | {"tags": {"env": "prod"}})
    assert inputs["tags"] == state["tagsAll"] == {"team": "edge", "env": "prod"}
    assert plugin.diff(check, state, inputs) == {}
    without_tags = plugin.checked(check, desired)
    assert plugin.diff(check, state, without_tags) == {"tags.env": "UPDATE"}


def test_two_providers_work_in_two_regions(started_plugin: Any, cloud: Any) -> None:
    del cloud
    certificate = "aws:acm/certificate:Certificate"
    regions: list[str] = []
    for region in ("us-east-1", "eu-west-1"):
        _, plugin = started_plugin()
        plugin.configure(region=region)
        desired = {"domainName": "api.example.com", "validationMethod": "DNS"}
        regions.append(plugin.made(certificate, desired)[0]["arn"].split(":")[3])
    assert regions == ["us-east-1", "eu-west-1"]


def test_an_endpoint_of_the_configuration_comes_before_the_environments(
    started_plugin: Any,
) -> None:
    _, plugin = started_plugin()
    endpoints = json.dumps([{"route53": "http://127.0.0.1:9"}])
    plugin.configure(region="us-east-1", endpoints=endpoints, maxRetries="1")
    failed = plugin.failure(
        lambda: plugin.invoke("aws:route53/getZone:getZone", {"name": "example.com"})
    )
    assert 'Could not connect to the endpoint URL: "http://127.0.0.1:9/' in failed.text


def test_requests_are_answered_at_the_same_time(plugin: Any, cloud: Any) -> None:
    cloud.settings(change_seconds=0.5)
    records: list[Props] = [
        {
            "zoneId": cloud.zone_id,
            "name": f"r{number}.example.com",
            "type": "A",
            "ttl": 60,
            "records": ["192.0.2.1"],
        }
        for number in range(8)
    ]
    start = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        sent = [pool.submit(plugin.create, RECORD, record) for record in records]
        states = [future.result() for future in sent]
    assert [state["fqdn"] for state in states] == [record["name"] for record in records]
    assert time.monotonic() - start < 8 * 0.5


def test_a_throttled_request_is_sent_again(plugin: Any, cloud: Any) -> None:
    zone_id = cloud.zone_id
    cloud.settings(throttle_per_second=1)
    record = {"zoneId": zone_id, "name": "a", "type": "A", "ttl": 60, "records": ["192.0.2.1"]}
    assert plugin.create(RECORD, record)["fqdn"] == "a.example.com"


def noted(actions_file: Path) -> list[str]:
    """Return what the plugin asked of AWS so far."""
    lines = actions_file.read_text().splitlines() if actions_file.exists() else []
    return [json.loads(line)["action"] for line in lines]


def test_what_was_asked_of_aws_is_written_down(plugin: Any, cloud: Any, actions_file: Path) -> None:
    record = {
        "zoneId": cloud.zone_id,
        "name": "a",
        "type": "A",
        "ttl": 60,
        "records": ["192.0.2.1"],
    }
    before = len(noted(actions_file))
    plugin.create(RECORD, record)
    plugin.invoke("aws:elb/getLoadBalancer:getLoadBalancer", {"name": "api-classic"})
    actions = noted(actions_file)
    assert "sts:GetCallerIdentity" in actions  # whose the account is, is asked once
    assert {*actions[before:]} >= {
        "route53:GetHostedZone",
        "route53:ChangeResourceRecordSets",
        "route53:ListResourceRecordSets",
        "elasticloadbalancing:DescribeLoadBalancers",
    }


def test_the_plugin_ends_when_its_engine_is_gone(started_plugin: Any) -> None:
    engine = grpc.server(ThreadPoolExecutor(1))
    port = engine.add_insecure_port("127.0.0.1:0")
    engine.start()
    process, _ = started_plugin(f"127.0.0.1:{port}", "--logtostderr", "-v=9")
    time.sleep(2.5)
    assert process.poll() is None
    engine.stop(grace=None).wait()
    assert process.wait(timeout=PATIENCE_SECONDS) == 0
