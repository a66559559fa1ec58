"""The package `aws`: its resources and functions, as the engine asks for them."""

from importlib import metadata

from sandbox.plugins.aws import (
    account,
    acm,
    cloudfront,
    cloudwatch,
    ec2,
    elb,
    health_checks,
    route53,
)
from sandbox.plugins.aws.session import Session, check_config, explain
from sandbox.plugins.resource import Package
from sandbox.plugins.schema import ClassRef


def package() -> Package[Session]:
    """Return all that the stand-in for the aws plugin offers."""
    services = (acm, cloudfront, cloudwatch, ec2, health_checks, route53)
    resources = [resource for service in services for resource in service.resources()]
    asked = (account, ec2, elb, route53)
    functions = [function for service in asked for function in service.functions()]
    return Package(
        name="aws",
        version=metadata.version("pulumi-aws"),
        config=ClassRef("pulumi_aws.provider", "ProviderArgs"),
        check_config=check_config,
        connect=Session,
        explain=explain,
        resources={resource.type_name: resource for resource in resources},
        functions={function.token: function for function in functions},
    )
