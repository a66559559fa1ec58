"""Route 53: health checks.

Source: hashicorp/terraform-provider-aws, `internal/service/route53/health_check.go`.
"""

import time
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Final

from botocore.exceptions import ClientError

from sandbox.plugins.aws.aws_session import AwsTask, code_of
from sandbox.plugins.aws.tagged import Tagged, route53_tags, set_route53_tags
from sandbox.plugins.resource import Failure, Present, Shape
from sandbox.plugins.values import Props, is_zero

_CHANGEABLE: Final = {
    "disabled": "Disabled",
    "enableSni": "EnableSNI",
    "failureThreshold": "FailureThreshold",
    "fqdn": "FullyQualifiedDomainName",
    "invertHealthcheck": "Inverted",
    "ipAddress": "IPAddress",
    "port": "Port",
    "resourcePath": "ResourcePath",
    "searchString": "SearchString",
}
_FIXED: Final = {"requestInterval": "RequestInterval", "type": "Type"}
_RESETTABLE: Final = frozenset({"fqdn", "resourcePath"})
"""What Route 53 can reset. Source: Route 53 API Reference, 'UpdateHealthCheck'."""


def _address(text: str) -> str:
    """Return an address in its one short spelling; what is no address, as it is."""
    try:
        return str(ip_address(text))
    except ValueError:
        return text


class HealthCheckStandIn(Tagged):
    """A health check: `aws:route53/healthCheck:HealthCheck`.

    `type` and `requestInterval` need a new one; everything else is changed in place. What Route 53
    fills in for `requestInterval` is, as with the official plugin, a difference that needs a new
    one: give it.

    Where it differs: it is a check of an endpoint, from all regions; what `shape.refused` names is
    refused. An endpoint without address and name is refused when it
    is checked. A domain name or path that the program no longer gives is reset by its name, where
    the official plugin sends an empty one.
    """

    type_name = "aws:route53/healthCheck:HealthCheck"
    shape = Shape(
        defaults={"disabled": False},
        computed=frozenset({"enableSni", "failureThreshold"}),
        replaces=frozenset(_FIXED),
        same={"ipAddress": _address},
        allowed={
            "type": ("HTTP", "HTTPS", "HTTPS_STR_MATCH", "HTTP_STR_MATCH", "TCP"),
            "requestInterval": (10, 30),
            "failureThreshold": range(1, 11),
            "port": range(65536),
        },
        refused=frozenset(
            {"childHealthThreshold", "childHealthchecks", "cloudwatchAlarmName"}
            | {"cloudwatchAlarmRegion", "insufficientDataHealthStatus", "measureLatency"}
            | {"referenceName", "regions", "routingControlArn", "triggers"}
        ),
    )

    def validate(self, inputs: Props) -> Iterator[Failure]:
        """Yield what is missing, or no address."""
        address = inputs.get("ipAddress")
        if isinstance(address, str):
            try:
                ip_address(address)
            except ValueError:
                yield Failure(
                    "ipAddress",
                    f"ipAddress is {address!r}; an IPv4 or IPv6 address is allowed. "
                    "Name a host with fqdn.",
                )
        if address is None and inputs.get("fqdn") is None:
            yield Failure(
                "ipAddress", "neither ipAddress nor fqdn is given; an endpoint needs one. Set one."
            )

    def create(self, call: AwsTask, inputs: Props) -> str:
        """Create the health check; `settle` adds the tags."""
        config: Props = {
            there: inputs[here]
            for here, there in (_CHANGEABLE | _FIXED).items()
            if not is_zero(inputs.get(here))
        }
        answer = call.session.client("route53").create_health_check(
            CallerReference=f"pulumi-{time.time_ns()}", HealthCheckConfig=config
        )
        return str(answer["HealthCheck"]["Id"])

    def settle(self, call: AwsTask, resource_id: str, props: Props) -> None:
        """Make the tags what the inputs say."""
        set_route53_tags(call, "healthcheck", resource_id, props)

    def read(self, call: AwsTask, resource_id: str, _prior: Props) -> Present:
        """Read the health check and its tags."""
        try:
            answer = call.session.client("route53").get_health_check(HealthCheckId=resource_id)
        except ClientError as error:
            if code_of(error) == "NoSuchHealthCheck":
                return None
            raise
        config: Props = answer["HealthCheck"]["HealthCheckConfig"]
        state = {here: config.get(there) for here, there in (_CHANGEABLE | _FIXED).items()}
        tags = route53_tags(call.session, "healthcheck", resource_id)
        return resource_id, state | {
            "arn": f"arn:{call.session.partition()}:route53:::healthcheck/{resource_id}",
            "tags": tags,
            "tagsAll": tags,
        }

    def update(self, call: AwsTask, resource_id: str, state: Props, inputs: Props) -> None:
        """Change what differs; `settle` changes the tags."""
        changed: Props = {}
        reset: list[str] = []
        for here, there in _CHANGEABLE.items():
            new, old = inputs.get(here), state.get(here)
            if new == old or (new is None and here in self.shape.computed):
                continue
            if not is_zero(new):
                changed[there] = new
            elif not is_zero(old) and here in _RESETTABLE:
                reset.append(there)
            elif not is_zero(old):
                changed[there] = type(old)()
        if reset:
            changed["ResetElements"] = sorted(reset)
        if changed:
            call.session.client("route53").update_health_check(HealthCheckId=resource_id, **changed)

    def delete(self, call: AwsTask, resource_id: str, _state: Props) -> None:
        """Delete the health check."""
        try:
            call.session.client("route53").delete_health_check(HealthCheckId=resource_id)
        except ClientError as error:
            if code_of(error) != "NoSuchHealthCheck":
                raise
