"""The package `aws`: its resources and functions, as the engine asks for them."""

from importlib import metadata

from sandbox.plugins.aws import ec2_lookups, hosted_zones, load_balancer_lookups
from sandbox.plugins.aws.acm_certificate import CertificateStandIn
from sandbox.plugins.aws.aws_session import AwsSession, check_config, explain
from sandbox.plugins.aws.certificate_validation import CertificateValidationStandIn
from sandbox.plugins.aws.distribution import DistributionStandIn
from sandbox.plugins.aws.health_check import HealthCheckStandIn
from sandbox.plugins.aws.ingress_rule import SecurityGroupIngressRuleStandIn
from sandbox.plugins.aws.metric_alarm import MetricAlarmStandIn
from sandbox.plugins.aws.record import RecordStandIn
from sandbox.plugins.resource import Package, StandIn
from sandbox.plugins.schema import ClassRef

SDK = "pulumi_aws"
"""The SDK that says which properties there are, and of which type."""


def aws_package() -> Package[AwsSession]:
    """Return all that the stand-in for the aws plugin offers."""
    resources: list[StandIn[AwsSession]] = [
        CertificateStandIn(),
        CertificateValidationStandIn(),
        DistributionStandIn(),
        HealthCheckStandIn(),
        MetricAlarmStandIn(),
        RecordStandIn(),
        SecurityGroupIngressRuleStandIn(),
    ]
    modules = (ec2_lookups, hosted_zones, load_balancer_lookups)
    functions = [function for module in modules for function in module.functions()]
    return Package(
        name="aws",
        version=metadata.version("pulumi-aws"),
        config=ClassRef(f"{SDK}.provider", "ProviderArgs"),
        check_config=check_config,
        connect=AwsSession,
        explain=explain,
        resources={resource.type_name: resource for resource in resources},
        functions={function.token: function for function in functions},
    )
