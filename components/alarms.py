"""Alarms for both paths, in the one region that has their metrics."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components.facts import CLOUDFRONT_REGION
from components.proxy.nginx import CAPACITY_PORT
from components.proxy_address import Address
from components.settings import Alarms

_PERIOD_SECONDS: Final = 60
_CHECK_INTERVAL_SECONDS: Final = 30
_CHECKS_TO_FAIL: Final = 3


class PathAlarmsArgs(TypedDict):
    """What the alarms watch."""

    alarms: Alarms
    """The settings."""
    distribution_id: pulumi.Input[str]
    """The new path."""
    load_balancer: pulumi.Input[str]
    """DNS name of the load balancer, the old path."""
    port: int
    """Port of the load balancer that is connected to."""
    proxies: NotRequired[Sequence[tuple[str, aws.route53.HealthCheck]]]
    """The health check of each proxy, with its id in the pool. Default: none."""
    addresses: NotRequired[Sequence[Address]]
    """The proxies, to be asked whether they have room. Default: none."""
    provider_arguments: NotRequired[Mapping[str, Any]]
    """Arguments of `aws.Provider` except the region."""


class PathAlarms(pulumi.ComponentResource):
    """CloudWatch alarms: server errors of the distribution, reachability of the load balancer.

    It creates a provider for us-east-1, a health check of the load balancer, and an alarm for it,
    for the distribution and for each proxy. No record uses that health check; see `WeightedDns`.

    Each proxy has a second health check and alarm, which tell that it is nearly full. No record
    uses that check either: a proxy that is nearly full is no worse than one that is gone.

    The distribution has no health check of its own: for a request by its own name, it would ask the
    load balancer for that name, and get a certificate that does not fit it. Its share of server
    errors, which counts the API's and its own (such as 502 and 504 when it cannot reach the API),
    tells more, but only while there are requests: no requests are no alarm.

    Source: CloudFront Developer Guide, 'Monitor CloudFront metrics with CloudWatch'; Route 53
    Developer Guide, 'Monitoring health checks using CloudWatch': both are in us-east-1 only.
    """

    def __init__(
        self, name: str, args: PathAlarmsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Create the alarms."""
        super().__init__("dualstack:index:PathAlarms", name, None, opts)
        self._name = name
        self._topic = args["alarms"].topic_arn
        child = pulumi.ResourceOptions(parent=self)
        provider = aws.Provider(
            f"{name}-{CLOUDFRONT_REGION}",
            region=CLOUDFRONT_REGION,
            opts=child,
            **args.get("provider_arguments", {}),
        )
        self._in_region = pulumi.ResourceOptions(parent=self, provider=provider)
        self._alarm(
            "cdn-errors",
            "Share of CloudFront's answers that are server errors",
            namespace="AWS/CloudFront",
            metric_name="5xxErrorRate",
            dimensions={"DistributionId": args["distribution_id"], "Region": "Global"},
            statistic="Average",
            comparison_operator="GreaterThanThreshold",
            threshold=args["alarms"].error_percent,
            evaluation_periods=5,
            treat_missing_data="notBreaching",
        )
        direct = aws.route53.HealthCheck(
            f"{name}-direct-health",
            type="TCP",
            fqdn=args["load_balancer"],
            port=args["port"],
            request_interval=_CHECK_INTERVAL_SECONDS,
            failure_threshold=_CHECKS_TO_FAIL,
            tags={"Name": f"{name} direct"},
            opts=child,
        )
        for what, check in [("direct", direct), *args.get("proxies", [])]:
            self._alarm_of(f"{what}-unhealthy", f"Whether Route 53 can reach {what}", check)
        for address in args.get("addresses", []):
            self._alarm_of(
                f"{address.node}-full",
                f"Whether proxy {address.node} has room for more connections",
                self._room_check(address),
            )
        self.register_outputs({})

    def _room_check(self, address: Address) -> aws.route53.HealthCheck:
        return aws.route53.HealthCheck(
            f"{self._name}-{address.node}-room",
            type="HTTP",
            ip_address=address.ip,
            port=CAPACITY_PORT,
            resource_path="/",
            request_interval=_CHECK_INTERVAL_SECONDS,
            failure_threshold=_CHECKS_TO_FAIL,
            tags={"Name": f"{self._name} {address.node} has room"},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[address.serving]),
        )

    def _alarm_of(self, what: str, description: str, check: aws.route53.HealthCheck) -> None:
        self._alarm(
            what,
            description,
            namespace="AWS/Route53",
            metric_name="HealthCheckStatus",
            dimensions={"HealthCheckId": check.id},
            statistic="Minimum",
            comparison_operator="LessThanThreshold",
            threshold=1,
            evaluation_periods=1,
            treat_missing_data="missing",
        )

    def _alarm(self, what: str, description: str, **metric: Any) -> None:
        aws.cloudwatch.MetricAlarm(
            f"{self._name}-{what}",
            alarm_description=description,
            period=_PERIOD_SECONDS,
            alarm_actions=[self._topic],
            ok_actions=[self._topic],
            opts=self._in_region,
            **metric,
        )
