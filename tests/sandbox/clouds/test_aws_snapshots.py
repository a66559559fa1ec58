"""A snapshot of the account holds all that its API shows, and another cloud goes on from it."""

import urllib.error
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from sandbox.clouds import background
from support.clouds import start_cloud

MakeConfig = Callable[..., dict[str, Any]]
Cloud = Callable[[background.Cloud], Any]


@pytest.fixture(scope="module")
def clouds(tmp_path_factory: pytest.TempPathFactory, aws_client: Cloud) -> Iterator[list[Any]]:
    """Two clouds with one folder for their snapshots."""
    folder = tmp_path_factory.mktemp("snapshots")
    homes = [folder / "first", folder / "second"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(background.SNAPSHOTS_VARIABLE, str(folder / "kept"))
        started = [aws_client(start_cloud("aws", home)) for home in homes]
    yield started
    for home, aws in zip(homes, started, strict=True):
        aws.close()
        background.stop("aws", home)


def deploy(aws: Any, make: MakeConfig) -> None:
    arn = aws.certificate("api.example.com", "*.api.example.com")
    config = make("edge", "api.example.com", certificate=arn)
    tags = {"Items": [{"Key": "stack", "Value": "prod"}]}
    domain = aws.client("cloudfront").create_distribution_with_tags(
        DistributionConfigWithTags={"DistributionConfig": config, "Tags": tags}
    )["Distribution"]["DomainName"]
    target = {"HostedZoneId": "Z2FDTNDATAQYW2", "DNSName": domain, "EvaluateTargetHealth": False}
    record = {"Name": "api.example.com", "SetIdentifier": "cdn", "Weight": 10}
    aws.change(*(("CREATE", {**record, "Type": t, "AliasTarget": target}) for t in ("A", "AAAA")))
    aws.client("route53").create_health_check(
        CallerReference="switch",
        HealthCheckConfig={"Type": "CALCULATED", "ChildHealthChecks": [], "HealthThreshold": 0},
    )
    ec2 = aws.client("ec2")
    group = ec2.describe_security_groups(GroupNames=["api-lb"])["SecurityGroups"][0]["GroupId"]
    lists = ec2.describe_managed_prefix_lists()["PrefixLists"]
    origin = next(one for one in lists if "origin-facing" in one["PrefixListName"])
    permission = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
    source = {"PrefixListId": origin["PrefixListId"], "Description": "CloudFront"}
    ec2.authorize_security_group_ingress(
        GroupId=group, IpPermissions=[{**permission, "PrefixListIds": [source]}]
    )
    aws.client("cloudwatch").put_metric_alarm(
        AlarmName="5xx",
        Namespace="AWS/CloudFront",
        MetricName="5xxErrorRate",
        Statistic="Average",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )


def shown(aws: Any) -> dict[str, Any]:
    """Return what the API shows of everything that a deployed stack is made of."""
    route53, cloudfront, acm = map(aws.client, ("route53", "cloudfront", "acm"))
    distributions = cloudfront.list_distributions()["DistributionList"].get("Items", [])
    arns = [one["CertificateArn"] for one in acm.list_certificates()["CertificateSummaryList"]]
    answers = {
        "zones": route53.list_hosted_zones(),
        "records": aws.records(),
        "health checks": route53.list_health_checks(),
        "distributions": distributions,
        "configurations": [cloudfront.get_distribution_config(Id=d["Id"]) for d in distributions],
        "tags": [cloudfront.list_tags_for_resource(Resource=d["ARN"]) for d in distributions],
        "certificates": [acm.describe_certificate(CertificateArn=arn) for arn in arns],
        "issued": [acm.get_certificate(CertificateArn=arn) for arn in arns],
        "balancers": aws.client("elbv2").describe_load_balancers(),
        "classic balancers": aws.client("elb").describe_load_balancers(),
        "rules": aws.client("ec2").describe_security_group_rules(),
        "alarms": aws.client("cloudwatch").describe_alarms(),
        "settings": aws.control("GET", "settings"),
    }
    return {name: without_ids_of_requests(answer) for name, answer in answers.items()}


def without_ids_of_requests(answer: Any) -> Any:
    if isinstance(answer, dict):
        fields = cast("dict[str, Any]", answer)
        return {name: value for name, value in fields.items() if name != "ResponseMetadata"}
    return [without_ids_of_requests(each) for each in answer]


def test_a_snapshot_is_restored_here_and_in_another_cloud(
    clouds: list[Any], config_of: MakeConfig
) -> None:
    first, second = clouds
    first.settings(deploy_seconds=0)
    deploy(first, config_of)
    deployed, text = shown(first), first.control_text("changes")
    assert len(deployed["distributions"]) == 1
    assert deployed["certificates"][0]["Certificate"]["Status"] == "ISSUED"
    first.control("PUT", "snapshot/deployed")
    assert first.control_text("changes") == text

    first.change(("DELETE", first.records()[0]))
    first.client("elbv2", "eu-west-1").describe_load_balancers()
    first.settings(change_seconds=60)
    assert shown(first) != deployed
    first.restore("deployed")
    assert shown(first) == deployed
    assert first.control_text("changes") != text

    assert shown(second)["distributions"] == []
    second.restore("deployed")
    assert shown(second) == deployed
    distribution = deployed["distributions"][0]["Id"]
    current = second.client("cloudfront").get_distribution_config(Id=distribution)
    second.client("cloudfront").update_distribution(
        Id=distribution,
        IfMatch=current["ETag"],
        DistributionConfig={**current["DistributionConfig"], "Enabled": False},
    )
    assert shown(second)["distributions"][0]["Enabled"] is False
    assert shown(first) == deployed


def test_a_reset_after_a_restore_leaves_nothing_of_it(
    clouds: list[Any], config_of: MakeConfig
) -> None:
    first, _ = clouds
    first.reset()
    before = {name: value for name, value in shown(first).items() if name == "settings"}
    deploy(first, config_of)
    first.control("PUT", "snapshot/another")
    first.restore("another")
    first.reset()
    after = shown(first)
    assert after["settings"] == before["settings"]
    assert not any(after[name] for name in ("distributions", "certificates"))
    assert [record["Name"] for record in after["records"]] == ["www.example.com."]


@pytest.mark.parametrize(
    ("what", "message"),
    [
        pytest.param("restore/nothing", "the snapshot is 'nothing'; there is no", id="unknown"),
        pytest.param("restore/..", "a name is like", id="the folder above"),
        pytest.param("restore/..%2fother", "is unknown; below", id="another folder"),
        pytest.param("snapshot/Name", "a name is like", id="no name"),
    ],
)
def test_a_snapshot_that_cannot_be_is_refused(clouds: list[Any], what: str, message: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        clouds[0].control("PUT", what)
    with caught.value as answer:
        assert answer.code == 404
        assert message in answer.read().decode()


def test_only_the_user_reads_and_writes_the_snapshots(tmp_path: Path, aws_client: Cloud) -> None:
    aws = aws_client(start_cloud("aws", tmp_path))
    try:
        aws.control("PUT", "snapshot/mine")
    finally:
        background.stop("aws", tmp_path)
    folder = tmp_path / "snapshots" / "aws"
    assert [path.name for path in folder.iterdir()] == ["mine.pickle"]
    assert folder.stat().st_mode & 0o777 == 0o700
