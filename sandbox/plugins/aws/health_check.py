"""Route 53: health checks.

Source: hashicorp/terraform-provider-aws, `internal/service/route53/health_check.go`.
"""

import time
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Final

from botocore.exceptions import ClientError

from sandbox.plugins.aws.session import AwsTask, code_of
from sandbox.plugins.aws.tagged import Tagged, route53_tags, set_route53_tags
from sandbox.plugins.resource import Failure, Shape
from sandbox.plugins.values import Props, block_of, is_zero, items_of

_CHANGEABLE: Final = {
    "childHealthThreshold": "HealthThreshold",
    "childHealthchecks": "ChildHealthChecks",
    "disabled": "Disabled",
    "enableSni": "EnableSNI",
    "failureThreshold": "FailureThreshold",
    "fqdn": "FullyQualifiedDomainName",
    "insufficientDataHealthStatus": "InsufficientDataHealthStatus",
    "invertHealthcheck": "Inverted",
    "ipAddress": "IPAddress",
    "port": "Port",
    "regions": "Regions",
    "resourcePath": "ResourcePath",
    "searchString": "SearchString",
}
_FIXED: Final = {
    "measureLatency": "MeasureLatency",
    "requestInterval": "RequestInterval",
    "routingControlArn": "RoutingControlArn",
    "type": "Type",
}
_RESETTABLE: Final = frozenset({"childHealthchecks", "fqdn", "regions", "resourcePath"})
"""What Route 53 can reset. Source: Route 53 API Reference, 'UpdateHealthCheck'."""

_CHECKED = {"HTTP", "HTTPS", "HTTP_STR_MATCH", "HTTPS_STR_MATCH", "TCP"}
_LONGEST_REFERENCE = 27
_FEWEST_REGIONS = 3


def _address(text: str) -> str:
    """Return an address in its one short spelling; what is no address, as it is."""
    try:
        return str(ip_address(text))
    except ValueError:
        return text


class HealthCheckStandIn(Tagged):
    """A health check: `aws:route53/healthCheck:HealthCheck`.

    `type`, `requestInterval`, `measureLatency`, `referenceName` and `routingControlArn` need a new
    one; everything else is changed in place. What Route 53 fills in for `requestInterval` is, as
    with the official plugin, a difference that needs a new one: give it.

    Where it differs: an endpoint without address and name is refused when it is checked; a domain
    name, path, list of regions or children that the program no longer gives is reset by its name,
    where the official plugin sends an empty one. A changed `triggers` alone only changes the state.
    """

    type_name = "aws:route53/healthCheck:HealthCheck"
    shape = Shape(
        defaults={"disabled": False, "measureLatency": False},
        computed=frozenset({"enableSni", "failureThreshold", "triggers"}),
        sets={"childHealthchecks": "", "regions": ""},
        replaces=frozenset(
            {"measureLatency", "referenceName", "requestInterval", "routingControlArn", "type"}
        ),
        same={"ipAddress": _address},
        allowed={
            "type": (
                *("HTTP", "HTTPS", "HTTP_STR_MATCH", "HTTPS_STR_MATCH", "TCP"),
                *("CALCULATED", "CLOUDWATCH_METRIC", "RECOVERY_CONTROL"),
            ),
            "requestInterval": (10, 30),
            "failureThreshold": range(1, 11),
            "port": range(65536),
            "childHealthThreshold": range(257),
            "insufficientDataHealthStatus": ("Healthy", "Unhealthy", "LastKnownStatus"),
        },
        carried=frozenset({"referenceName", "triggers"}),
    )

    def validate(self, inputs: Props) -> Iterator[Failure]:
        """Yield what is missing, or no address, or too long."""
        address, type_ = inputs.get("ipAddress"), inputs.get("type")
        if isinstance(address, str):
            try:
                ip_address(address)
            except ValueError:
                yield Failure(
                    "ipAddress",
                    f"ipAddress is {address!r}; an IPv4 or IPv6 address is allowed. "
                    "Name a host with fqdn.",
                )
        if type_ in _CHECKED and address is None and inputs.get("fqdn") is None:
            yield Failure(
                "ipAddress", "neither ipAddress nor fqdn is given; an endpoint needs one. Set one."
            )
        reference = inputs.get("referenceName")
        if isinstance(reference, str) and len(reference) > _LONGEST_REFERENCE:
            yield Failure(
                "referenceName",
                f"referenceName has {len(reference)} characters; at most {_LONGEST_REFERENCE} are "
                "allowed. Shorten it.",
            )
        regions = items_of(inputs, "regions")
        if regions and len(regions) < _FEWEST_REGIONS:
            yield Failure(
                "regions", f"regions has {len(regions)} items; at least 3 are needed, or none."
            )

    def create(self, call: AwsTask, inputs: Props) -> str:
        """Create the health check; `settle` adds the tags."""
        config: Props = {
            there: inputs[here]
            for here, there in (_CHANGEABLE | _FIXED).items()
            if not is_zero(inputs.get(here))
        }
        if inputs.get("cloudwatchAlarmName"):
            config["AlarmIdentifier"] = _alarm(inputs)
        reference = f"{inputs.get('referenceName') or 'pulumi'}-{time.time_ns()}"
        answer = call.session.client("route53").create_health_check(
            CallerReference=reference, HealthCheckConfig=config
        )
        return str(answer["HealthCheck"]["Id"])

    def settle(self, call: AwsTask, resource_id: str, props: Props) -> None:
        """Make the tags what the inputs say."""
        set_route53_tags(call, "healthcheck", resource_id, props)

    def read(self, call: AwsTask, resource_id: str, prior: Props) -> tuple[str, Props] | None:
        """Read the health check and its tags."""
        del prior
        try:
            answer = call.session.client("route53").get_health_check(HealthCheckId=resource_id)
        except ClientError as error:
            if code_of(error) == "NoSuchHealthCheck":
                return None
            raise
        config: Props = answer["HealthCheck"]["HealthCheckConfig"]
        state = {here: config.get(there) for here, there in (_CHANGEABLE | _FIXED).items()}
        alarm: Props = block_of(config, "AlarmIdentifier")
        tags = route53_tags(call.session, "healthcheck", resource_id)
        return resource_id, state | {
            "arn": f"arn:{call.session.partition()}:route53:::healthcheck/{resource_id}",
            "cloudwatchAlarmName": alarm.get("Name"),
            "cloudwatchAlarmRegion": alarm.get("Region"),
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
        if inputs.get("cloudwatchAlarmName") and _alarm(inputs) != _alarm(state):
            changed["AlarmIdentifier"] = _alarm(inputs)
        if changed:
            call.session.client("route53").update_health_check(HealthCheckId=resource_id, **changed)

    def delete(self, call: AwsTask, resource_id: str, state: Props) -> None:
        """Delete the health check."""
        del state
        try:
            call.session.client("route53").delete_health_check(HealthCheckId=resource_id)
        except ClientError as error:
            if code_of(error) != "NoSuchHealthCheck":
                raise


def _alarm(props: Props) -> Props:
    return {
        "Name": props.get("cloudwatchAlarmName", ""),
        "Region": props.get("cloudwatchAlarmRegion", ""),
    }
