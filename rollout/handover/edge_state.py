"""The edge that a stack's state has: what its records are to lead to, and which it has already.

The state is read as `pulumi stack export` prints it. What a stack with `dns.records: none` declares
no records for cannot be in its outputs, but all that they would lead to is in the state.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from components.faults import Fault
from rollout.faults import WrongUseError
from rollout.records.record_sets import RecordSet, plain_name

_EDGE: Final = "dualstack:index:DualStackEdge"
_DNS: Final = "dualstack:index:WeightedDns"
_PROXY_DNS: Final = "dualstack:index:ProxyDns"
_DISTRIBUTION: Final = "aws:cloudfront/distribution:Distribution"
RECORD_TYPE: Final = "aws:route53/record:Record"

Resource = Mapping[str, Any]


@dataclass(frozen=True)
class StateRecord:
    """A record of the hostnames that the state has."""

    urn: str
    """Its URN."""
    resource: str
    """Name of the resource."""
    name: str
    """Name of the record, in lower case and without the final dot."""
    protected: bool
    """Whether Pulumi refuses to delete it."""


@dataclass(frozen=True)
class EdgeState:
    """An edge that was deployed."""

    dns_name: str
    """Name of the component that has the records."""
    dns_urn: str
    """Its URN."""
    provider: str
    """URN of the provider of AWS that the edge's resources have."""
    protected: bool
    """Whether Pulumi refuses to delete the edge's records."""
    distribution_id: str
    """Id of the distribution."""
    distribution: str
    """Its own DNS name."""
    aliases: tuple[str, ...]
    """Hostnames that it answers."""
    load_balancer: str
    """DNS name of its origin."""
    proxies: str = ""
    """Name of the proxies' group of records; empty: there are no proxies."""
    fails_over_to_cdn: bool = False
    """Whether AAAA of `direct` evaluates the health of that group."""
    proxy_addresses: frozenset[str] = frozenset()
    """IPv6 addresses in that group."""
    records: tuple[StateRecord, ...] = ()
    """The hostnames' records."""

    def resource_of(self, record: RecordSet) -> str:
        """Return the name of the resource that a record of a hostname is."""
        return "-".join(
            part
            for part in (self.dns_name, record.name, record.type.lower(), record.set_identifier)
            if part
        )


def of_export(text: str, stack: str) -> EdgeState:
    """Return the edge of a stack.

    Args:
        text: The state, as `pulumi stack export` prints it.
        stack: Name of the stack, for messages.

    Raises:
        WrongUseError: The stack has no edge, several, or one that is not whole.
    """
    resources = _resources(text)
    edges = [each for each in resources if each["type"] == _EDGE]
    if len(edges) != 1:
        names = ", ".join(sorted(_name(each) for each in edges))
        raise _unfit(
            stack, f"a stack with {len(edges)} edges ({names})" if edges else "not deployed"
        )
    below = _below(resources, edges[0]["urn"])
    dns = next((each for each in below if each["type"] == _DNS), None)
    distribution = next((each for each in below if each["type"] == _DISTRIBUTION), None)
    if dns is None or distribution is None or not distribution.get("outputs", {}).get("domainName"):
        raise _unfit(stack, "a stack whose deployment did not end")
    outputs: Mapping[str, Any] = distribution["outputs"]
    group = next((each for each in below if each["type"] == _PROXY_DNS), None)
    in_group = _below(resources, group["urn"]) if group else []
    return EdgeState(
        dns_name=_name(dns),
        dns_urn=str(dns["urn"]),
        provider=str(distribution.get("provider", "")).rpartition("::")[0],
        protected=bool(dns.get("protect")),
        distribution_id=str(distribution["id"]),
        distribution=plain_name(outputs["domainName"]),
        aliases=tuple(plain_name(name) for name in outputs.get("aliases") or ()),
        load_balancer=plain_name(outputs["origins"][0]["domainName"]),
        proxies=plain_name(group["outputs"]["group"]) if group else "",
        fails_over_to_cdn=bool(group)
        and not any(_name(each) == f"{_name(group or {})}-none" for each in in_group),
        proxy_addresses=frozenset(
            str(value)
            for each in in_group
            if each["type"] == RECORD_TYPE
            for value in each.get("outputs", {}).get("records") or ()
        ),
        records=tuple(
            StateRecord(
                str(each["urn"]),
                _name(each),
                plain_name(str(each.get("outputs", {}).get("name", ""))),
                bool(each.get("protect")),
            )
            for each in _below(resources, dns["urn"])
            if each["type"] == RECORD_TYPE
        ),
    )


def _resources(text: str) -> list[Resource]:
    """Return the resources of a state, without those that are about to be deleted."""
    try:
        state = cast("Mapping[str, Any]", json.loads(text))
        listed: Sequence[Resource] = state["deployment"].get("resources") or ()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WrongUseError(
            [
                Fault(
                    "`pulumi stack export`",
                    f"not a state ({type(error).__name__}: {error})",
                    "it should be one JSON object with a deployment",
                    "Look at it with: pulumi stack export",
                )
            ]
        ) from error
    return [each for each in listed if not each.get("delete")]


def _below(resources: Sequence[Resource], urn: str) -> list[Resource]:
    """Return the resources below one, in the order of the state."""
    above = {urn}
    below: list[Resource] = []
    for each in resources:  # parents stand before their children
        if each.get("parent") in above:
            above.add(each["urn"])
            below.append(each)
    return below


def _name(resource: Resource) -> str:
    return str(resource["urn"]).rpartition("::")[2] if resource else ""


def _unfit(stack: str, value: str) -> WrongUseError:
    return WrongUseError(
        [
            Fault(
                f"Stack {stack}",
                value,
                "it should be deployed, with one edge and dns.records none, before it takes over "
                "what serves its hostnames",
                "Set it with: pulumi config set --path dualstack-edge:dns.records none, then: "
                "pulumi up",
            )
        ]
    )
