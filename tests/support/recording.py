"""A recording engine, and an account for the look-ups, for programs that run without a cloud."""

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

import pulumi
import pulumi.runtime
from pulumi.runtime import get_root_resource, rpc
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks

from components.lookups.account import GivenCertificate
from components.lookups.left_behind import FreeAddress, Named
from components.lookups.watchers import ListedAlarm, ListedCheck

if TYPE_CHECKING:
    from pulumi.runtime.stack import Stack

T = TypeVar("T")

DISTRIBUTION = "d111111abcdef8.cloudfront.net"
CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/0a1b2c3d"


@dataclass(frozen=True)
class MockLoadBalancer:
    """A load balancer of the account."""

    name: str
    kind: str
    internal: bool = False
    region: str = "eu-central-1"

    @property
    def dns_name(self) -> str:
        """Its DNS name."""
        return f"{self.name}-{self.kind}.{self.region}.elb.amazonaws.com"


@dataclass
class AwsApis:
    """ACM and CloudFront, as the program asks them itself.

    They differ from the real ones in that they always answer, and have what a test puts there.
    """

    certificates: dict[str, GivenCertificate] = field(default_factory=dict[str, GivenCertificate])
    """Certificates by ARN; others are issued and cover what is in the zone."""
    aliases: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    """Id and own name of the distribution that has an alias."""

    unused: dict[str, GivenCertificate] = field(default_factory=dict[str, GivenCertificate])
    """Certificates by ARN that nobody uses."""

    zones_of_the_name: int = 1
    """How many public hosted zones have the name of the settings."""

    def public_zones(self, name: str) -> int:
        """Return how many there are."""
        return self.zones_of_the_name if name else 0

    def unused_certificates(self, domain_name: str) -> dict[str, GivenCertificate]:
        """Return those whose first name it is."""
        return {arn: item for arn, item in self.unused.items() if item.names[0] == domain_name}

    checks: list[ListedCheck] = field(default_factory=list[ListedCheck])
    alarm_list: list[ListedAlarm] = field(default_factory=list[ListedAlarm])

    def health_checks(self) -> list[ListedCheck]:
        """Return the health checks."""
        return self.checks

    def alarms(self, prefix: str) -> list[ListedAlarm]:
        """Return the alarms whose names begin so."""
        return [alarm for alarm in self.alarm_list if alarm.name.startswith(prefix)]

    def certificate(self, arn: str) -> GivenCertificate | None:
        """Return a certificate."""
        return self.certificates.get(arn, GivenCertificate("ISSUED", ("*.example.com",)))

    def distributions(self) -> dict[str, tuple[str, str]]:
        """Return which distribution has each alias."""
        return self.aliases


@dataclass
class DropletCloud:
    """DigitalOcean's account, as the program asks it itself; it always answers."""

    vpc_list: list[Named] = field(default_factory=list[Named])
    firewall_list: list[Named] = field(default_factory=list[Named])
    droplet_list: list[Named] = field(default_factory=list[Named])
    address_list: list[FreeAddress] = field(default_factory=list[FreeAddress])
    alert_list: list[Named] = field(default_factory=list[Named])
    listed: list[str] = field(default_factory=list[str])
    """What was asked for."""

    def vpcs(self) -> list[Named]:
        """Return the VPCs."""
        self.listed.append("vpcs")
        return self.vpc_list

    def firewalls(self) -> list[Named]:
        """Return the firewalls."""
        self.listed.append("firewalls")
        return self.firewall_list

    def droplets(self) -> list[Named]:
        """Return the droplets."""
        self.listed.append("droplets")
        return self.droplet_list

    def free_addresses(self) -> list[FreeAddress]:
        """Return the reserved addresses that no droplet has."""
        self.listed.append("addresses")
        return self.address_list

    def alerts(self) -> list[Named]:
        """Return the alert policies."""
        self.listed.append("alerts")
        return self.alert_list


@dataclass
class MockAccount(Mocks):
    """An AWS account as the provider shows it.

    It differs from the real one in that it computes only the outputs the program reads, creates
    everything at once, and words failures as the provider does except for what the gRPC layers add.
    """

    load_balancers: list[MockLoadBalancer] = field(
        default_factory=lambda: [MockLoadBalancer("api", "application")]
    )
    zones: list[str] = field(default_factory=lambda: ["example.com"])
    regions: dict[str, bool] = field(
        default_factory=lambda: {"fra1": True, "ams3": True, "sfo2": False}
    )
    """DigitalOcean's regions, and whether they are open."""
    records: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """The records of the zone, as `get_records` shows them."""
    state: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    """Type and outputs of the resources that the last deployment left, by URN."""
    broken: dict[str, str] = field(default_factory=dict[str, str])
    """What the provider says instead of an answer, by token."""
    apis: AwsApis = field(default_factory=AwsApis)
    """What answers without the provider."""
    droplet_cloud: DropletCloud = field(default_factory=DropletCloud)
    """DigitalOcean without the provider."""
    asked_through: set[str] = field(default_factory=set[str])
    """The provider instances that look-ups went through."""

    def set_load_balancers(self, *described: str) -> None:
        """Replace the load balancers by others, as `name:kind` or `name:kind:internal`."""
        parts = [item.split(":") for item in described]
        self.load_balancers = [
            MockLoadBalancer(name, kind, internal=rest == ["internal"])
            for name, kind, *rest in parts
        ]

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        """Return an id and the inputs with what the cloud adds."""
        outputs = {**cast("Any", args).inputs}
        match args.typ:
            case "aws:acm/certificate:Certificate":
                names = outputs["subjectAlternativeNames"]
                outputs["arn"] = CERTIFICATE
                outputs["domainValidationOptions"] = [validation_option(n) for n in names]
            case "aws:cloudfront/distribution:Distribution":
                outputs["domainName"] = DISTRIBUTION
                return "E2QWRUHAPOMQZL", outputs
            case "aws:route53/record:Record":
                outputs["fqdn"] = outputs["name"]
            case "digitalocean:index/droplet:Droplet":
                number = sum(map(ord, args.name))
                outputs["ipv6Address"] = f"2001:db8:d::{number:x}"
                outputs["createdAt"] = "2026-01-02T03:04:05Z"
                return str(number), outputs
            case "digitalocean:index/reservedIpv6:ReservedIpv6":
                outputs["ip"] = f"2001:db8:a::{sum(map(ord, args.name)):x}"
            case "digitalocean:index/tag:Tag":
                return outputs["name"], outputs
            case "random:index/randomPassword:RandomPassword":
                outputs["result"] = f"hush-{args.name}"
            case _:
                pass
        return f"{args.name}-id", outputs

    def call(self, args: MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]]]:
        """Answer a look-up, or say why not."""
        if not args.token.startswith("pulumi:"):  # those are the engine's own
            self.asked_through.add(args.provider)
        words = self.broken.get(args.token, "")
        if words:
            return {}, [("name", words)]
        match args.token:
            case "aws:route53/getZone:getZone":
                name = _asked_name(args)
                matches = [zone for zone in self.zones if zone == name]
                self.apis.zones_of_the_name = len(matches)
                words = "no matching Route 53 Hosted Zone found"
                if len(matches) > 1:
                    words = "multiple Route 53 Hosted Zones matched; use additional constraints"
                answer = {"zoneId": "Z0EXAMPLE", "primaryNameServer": "ns-1.awsdns-01.org"}
            case "aws:lb/getLoadBalancer:getLoadBalancer":
                matches = self._named(args, classic=False)
                words = (
                    f"Search returned {len(matches)} results, please revise so only one is returned"
                )
                answer = _shown(matches)
            case "aws:elb/getLoadBalancer:getLoadBalancer":
                matches = self._named(args, classic=True)
                words = "reading ELB Classic Load Balancer (api): couldn't find resource"
                answer = _shown(matches)
            case "digitalocean:index/getRegion:getRegion":
                slug = cast("Any", args).args["slug"]
                matches = [slug] if slug in self.regions else []
                words = f"Region does not exist: {slug}"
                answer = {
                    "slug": slug,
                    "available": self.regions.get(slug),
                    "features": ["ipv6"],
                    "sizes": ["s-1vcpu-1gb", "s-2vcpu-2gb"],
                }
            case token:
                matches, words, answer = [1], "", self._there(token, cast("Any", args).args)
        return (answer, []) if len(matches) == 1 else ({}, [("name", words)])

    def _there(self, token: str, args: dict[str, Any]) -> dict[str, Any]:
        """Return what is always there."""
        return {
            "pulumi:pulumi:readStackResourceOutputs": {"outputs": self.state},
            "aws:route53/getRecords:getRecords": {
                "zoneId": "Z0EXAMPLE",
                "resourceRecordSets": [
                    record
                    for record in self.records
                    if re.search(args.get("nameRegex", ""), record["name"])
                ],
            },
            "aws:ec2/getSecurityGroup:getSecurityGroup": {"id": args.get("id")},
            "aws:ec2/getManagedPrefixList:getManagedPrefixList": {"id": "pl-3b927c52"},
        }[token]

    def _named(self, args: MockCallArgs, *, classic: bool) -> list[MockLoadBalancer]:
        return [
            item
            for item in self.load_balancers
            if item.name == _asked_name(args) and (item.kind == "classic") == classic
        ]


def _asked_name(args: MockCallArgs) -> str:
    return cast("Any", args).args["name"]


def _shown(balancers: list[MockLoadBalancer]) -> dict[str, Any]:
    return {
        key: value
        for item in balancers
        for key, value in {
            "dnsName": item.dns_name,
            "zoneId": f"Z{item.kind.upper()}",
            "loadBalancerType": item.kind,
            "internal": item.internal,
        }.items()
    }


def validation_option(hostname: str) -> dict[str, str]:
    """Return what ACM asks for to validate a hostname."""
    return {
        "domainName": hostname,
        "resourceRecordName": f"_ask.{hostname}.",
        "resourceRecordType": "CNAME",
        "resourceRecordValue": f"_answer-{hostname}.acm-validations.aws.",
    }


@dataclass(frozen=True)
class Registered:
    """A resource as the program registered it."""

    type: str
    name: str
    inputs: Mapping[str, Any]
    parent: str
    """Name of the parent; `stack` at the top, whatever the stack is called."""
    provider: str
    """Name of the explicit provider, empty for the default one."""
    protect: bool
    retain_on_delete: bool
    depends_on: frozenset[str]
    """Names of what it waits for, itself aside."""
    ignore_changes: tuple[str, ...]
    """Properties that stay as they are."""
    replace_on_changes: tuple[str, ...]
    """Properties whose change replaces it, beside those that the provider says."""
    delete_before_replace: bool | None
    """Whether it is deleted before its replacement is made; None where the provider decides."""
    before_create: tuple[str, ...]
    """Names of the hooks that the engine calls before it creates it."""


class Recorder(MockMonitor):
    """Pulumi's own mock engine, which besides remembers what resource options were asked for.

    It differs from the real engine in that it makes no plan: there is no state, no diff, no order,
    no transform and no policy, and numbers arrive as floats.
    """

    def __init__(self, account: MockAccount) -> None:
        """Start with nothing registered."""
        super().__init__(account)
        self.registered: dict[str, Registered] = {}
        self.outputs: dict[str, Any] = {}
        self.hooks: list[str] = []

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the engine's own name for it
        """Remember a resource, then let the mock create it."""
        response = cast("Any", super()).RegisterResource(request)
        if request.type != "pulumi:pulumi:Stack":
            self.registered[request.name] = Registered(
                type=request.type,
                name=request.name,
                inputs=rpc.deserialize_properties(request.object),
                parent=_parent(request.parent),
                provider=_name(request.provider.rpartition("::")[0]),
                protect=request.protect,
                retain_on_delete=request.retainOnDelete,
                depends_on=frozenset(map(_name, request.dependencies)),
                ignore_changes=tuple(request.ignoreChanges),
                replace_on_changes=tuple(request.replaceOnChanges),
                delete_before_replace=(
                    request.deleteBeforeReplace if request.deleteBeforeReplaceDefined else None
                ),
                before_create=tuple(request.hooks.before_create),
            )
        return response

    def RegisterResourceHook(self, request: Any) -> Any:  # noqa: N802 - see above
        """Accept a hook; nothing ever calls it."""
        self.hooks.append(request.name)

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 - see above
        """Remember what a component says it has made."""
        self.outputs[_name(request.urn)] = rpc.deserialize_properties(request.outputs)
        return cast("Any", super()).RegisterResourceOutputs(request)


def _parent(urn: str) -> str:
    # The mocks keep the first stack of a process as the root of all later ones.
    return "stack" if "::pulumi:pulumi:Stack::" in urn else _name(urn)


def _name(urn: str) -> str:
    return urn.rpartition("::")[2]


@cache
def _event_loop() -> asyncio.AbstractEventLoop:
    """Return the loop of all runs.

    Pulumi's SDK makes futures outside of coroutines, so it needs one that is set beforehand; Python
    sets one by itself only until somebody calls `asyncio.run`, which any test may. Not one for each
    run: its threads would end with it, and the mocks leave each of them a loop that nobody closes.
    """
    return asyncio.new_event_loop()


class MockEngine:
    """Runs programs and keeps what they registered."""

    def __init__(self) -> None:
        """Start with the account as it is by default."""
        self.account = MockAccount()
        self.exports: dict[str, Any] = {}
        self._recorder = Recorder(self.account)

    def run(self, program: Callable[[], T], *, stack: str = "prod") -> T:
        """Run a program to its end, every registration included.

        Only after that does the absence of a resource mean anything.
        """
        asyncio.set_event_loop(_event_loop())
        self._recorder = Recorder(self.account)
        pulumi.runtime.set_mocks(
            self.account, project="dualstack-edge", stack=stack, monitor=self._recorder
        )
        # The stack's own resource outlives a run; what it was told to export must not.
        root = cast("Stack", get_root_resource())
        root.outputs.clear()
        returned: list[T] = []

        def whole_program() -> pulumi.Output[None]:
            returned.append(program())
            return pulumi.Output.all(**root.outputs).apply(self._keep_exports)

        cast("Any", pulumi.runtime).test(whole_program)()
        return returned[0]

    def _keep_exports(self, exports: dict[str, Any]) -> None:
        self.exports = exports

    @property
    def registered(self) -> dict[str, Registered]:
        """Everything registered, by name."""
        return self._recorder.registered

    @property
    def outputs(self) -> dict[str, Any]:
        """The registered outputs of components and the stack, by name."""
        return self._recorder.outputs

    def of_type(self, token: str) -> list[Registered]:
        """Return what was registered of one type."""
        return [item for item in self.registered.values() if item.type == token]
