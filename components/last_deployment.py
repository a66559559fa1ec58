"""What the stack's state says of its last deployment, before this one has changed anything.

The engine has the state at hand, so reading it asks no cloud. It is read through the engine's own
provider, which every backend serves. A `StackReference` would not do: it answers only while
resources are registered, and knows what the program exports, not what an edge inside it has made.

Source: pulumi, `pkg/resource/deploy/builtins.go`, `readStackResourceOutputs`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, cast

import pulumi
import pulumi.runtime

READ_STATE: Final = "pulumi:pulumi:readStackResourceOutputs"

_EDGE: Final = "dualstack:index:DualStackEdge"
_DISTRIBUTION: Final = "aws:cloudfront/distribution:Distribution"
_RECORD: Final = "aws:route53/record:Record"
_INGRESS_RULE: Final = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
_CERTIFICATE: Final = "aws:acm/certificate:Certificate"
_HEALTH_CHECK: Final = "aws:route53/healthCheck:HealthCheck"
_RESERVED: Final = "digitalocean:index/reservedIpv6:ReservedIpv6"
_DROPLET: Final = "digitalocean:index/droplet:Droplet"
_ANY: Final = re.compile("")


class RecordId(NamedTuple):
    """What tells a record from all others of its zone."""

    name: str
    """Its name, in lower case without the final dot."""
    type: str
    """Its type."""
    set_identifier: str
    """Which one of its group it is, empty for a simple record."""


class DropletKind(NamedTuple):
    """What DigitalOcean has to offer for a droplet to be made."""

    region: str
    """Slug of its region."""
    size: str
    """Slug of its size."""


class AdmittedPort(NamedTuple):
    """Where a security group admits CloudFront's addresses."""

    security_group: str
    """Its id."""
    port: int
    """The port."""


@dataclass(frozen=True)
class LastDeployment:
    """What the state has of an edge; all of it empty before the first deployment."""

    outputs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Outputs of the edge; none where no deployment of it has ever ended well."""
    records: frozenset[RecordId] = frozenset()
    """Route 53's records of the whole stack, whatever made them."""
    droplets: frozenset[DropletKind] = frozenset()
    """What kinds of droplets the edge's proxies are."""
    distribution_domain_name: str = ""
    """The distribution's own name; empty where there is none yet."""
    aliases: tuple[str, ...] = ()
    """Hostnames that the distribution answers, in the order of the alphabet."""
    admitted_ports: frozenset[AdmittedPort] = frozenset()
    """Ports that the edge's lock has rules for."""
    edge: str = ""
    """Name of the edge's resource."""
    urns: Mapping[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    """URNs of the stack's resources, by type and name."""
    ids: Mapping[str, str] = field(default_factory=dict[str, str])
    """Ids of distributions and health checks, and reserved addresses, by name."""
    reserved_addresses: frozenset[str] = frozenset()
    """Reserved IPv6 addresses of the whole stack."""
    certificate_names: frozenset[str] = frozenset()
    """Names that the certificate covers which the edge has requested."""
    readable: bool = True
    """Whether the state could be read. Where not, nobody knows what the stack has."""


def last_deployment(edge: str) -> LastDeployment:
    """Read what the running stack's state has of an edge.

    Args:
        edge: Name of the edge's resource.
    """
    stack = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    try:
        answer = pulumi.runtime.invoke(READ_STATE, {"stackName": stack}).value
    except pulumi.RunError:
        raise  # not the backend's: the engine has gone away
    except Exception as error:  # noqa: BLE001 - a failed invoke raises nothing narrower
        pulumi.log.warn(
            f"The state of stack {stack} could not be read ({error}), so what this stack has made "
            "is taken from the zone alone."
        )
        return LastDeployment(edge=edge, readable=False)
    # The mocks of a unit test need not answer this.
    return of_resources(edge, cast("Mapping[str, Any]", answer).get("outputs") or {})


def of_resources(edge: str, resources: Mapping[str, Mapping[str, Any]]) -> LastDeployment:
    """Pick what is of use out of the resources of a state.

    Args:
        edge: Name of the edge's resource.
        resources: Type and outputs of each resource, by its URN.
    """
    edges = _outputs(resources, _EDGE, re.compile(f"::{re.escape(edge)}$"))
    distributions = _outputs(
        resources, _DISTRIBUTION, re.compile(f"::{re.escape(edge)}-cdn-distribution$")
    )
    distribution: Mapping[str, Any] = distributions[0] if distributions else {}
    own_rule = re.compile(rf"{re.escape(f'::{edge}-lock-from-cloudfront-')}[0-9]+$")
    own_certificate = re.compile(f"::{re.escape(edge)}-tls-certificate$")
    own_droplet = re.compile(rf"{re.escape(f'::{edge}-proxy-')}[a-z0-9]+-[0-9]+$")
    return LastDeployment(
        edges[0] if edges else {},
        frozenset(
            RecordId(
                record["name"].lower().removesuffix("."),
                record["type"],
                record.get("setIdentifier") or "",
            )
            for record in _outputs(resources, _RECORD)
        ),
        frozenset(
            DropletKind(droplet["region"], droplet["size"])
            for droplet in _outputs(resources, _DROPLET, own_droplet)
        ),
        distribution.get("domainName") or "",
        tuple(sorted(distribution.get("aliases") or ())),
        frozenset(
            AdmittedPort(rule["securityGroupId"], int(rule["fromPort"]))
            for rule in _outputs(resources, _INGRESS_RULE, own_rule)
        ),
        edge,
        {(resource["type"], urn.rpartition("::")[2]): urn for urn, resource in resources.items()},
        {
            urn.rpartition("::")[2]: outputs.get("ip") or outputs["arn"].rpartition("/")[2]
            for urn, outputs in (
                (urn, resource["outputs"])
                for urn, resource in resources.items()
                if resource["type"] in {_DISTRIBUTION, _HEALTH_CHECK, _RESERVED}
            )
            if outputs.get("ip") or outputs.get("arn")
        },
        frozenset(address.get("ip") or "" for address in _outputs(resources, _RESERVED)),
        frozenset(
            name
            for certificate in _outputs(resources, _CERTIFICATE, own_certificate)
            for name in certificate.get("subjectAlternativeNames") or ()
        ),
    )


def _outputs(
    resources: Mapping[str, Mapping[str, Any]], kind: str, urns: re.Pattern[str] = _ANY
) -> Sequence[Mapping[str, Any]]:
    """Return the outputs of the resources of a type whose URNs match."""
    return [
        resource["outputs"]
        for urn, resource in resources.items()
        if resource["type"] == kind and urns.search(urn)
    ]
