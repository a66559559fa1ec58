"""What the edge stands on and did not make: load balancer, zone, regions, security group.

They are looked up with plain invokes, which answer before the next line of the program runs, and
`DualStackEdge` does so before it registers anything. The lazy form (`get_zone_output`) would fail
while resources are being made, and leave half an edge behind.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

import pulumi
import pulumi_aws as aws
import pulumi_digitalocean as digitalocean

from components.errors import FaultsError
from components.facts import ORIGIN_FACING_PREFIX_LIST
from components.faults import Fault
from components.settings import NAMESPACE, Origin, OriginLock, Proxies, Settings

T = TypeVar("T")


class OriginError(FaultsError):
    """Something that has to be there cannot be used; the message says so of everything.

    Its cause is what the provider said, a group of exceptions where it said several things.
    """

    def __init__(self, *faults: Fault) -> None:
        """Keep the faults."""
        super().__init__("The edge cannot be built on what is there", faults)


@dataclass(frozen=True)
class AliasTarget:
    """What an alias record can point to."""

    name: pulumi.Input[str]
    """DNS name of the target."""
    zone_id: str
    """Hosted zone of that name: the service's own, not the user's."""


@dataclass(frozen=True)
class LoadBalancer(AliasTarget):
    """A load balancer, whose name is known before anything is made."""

    name: str


@dataclass(frozen=True)
class Ground:
    """What was found."""

    load_balancer: LoadBalancer
    """The load balancer the API is behind."""
    zone: "Zone"
    """Hosted zone that the records of the edge go to."""
    prefix_list_id: str | None = None
    """CloudFront's addresses; None where no security group is to admit them."""


@dataclass(frozen=True)
class Zone:
    """A public hosted zone."""

    id: str
    """Its id."""
    primary_name_server: str
    """The name server that its SOA record names first."""


def look_up(wanted: Settings, opts: pulumi.ResourceOptions | None) -> Ground:
    """Find everything that has to exist before an edge can be made.

    Args:
        wanted: What the edge is to be.
        opts: The edge's own options: the look-ups go through the providers that will make it.

    Returns:
        What the edge needs to know of what was found.

    Raises:
        OriginError: Something does not exist, is ambiguous, is of the wrong kind, or could not be
            looked up: the load balancer, the zone, a region of the proxies or what the security
            group needs. Lists the faults of all of them.
    """
    ask_aws = invoke_options(opts, "aws")
    load_balancer = _attempt(lambda: _load_balancer(wanted.origin, ask_aws))
    zone = _attempt(lambda: _zone(wanted.zone, ask_aws))
    regions = _attempt(lambda: _check_regions(wanted.proxy, invoke_options(opts, "digitalocean")))
    prefix_list = _attempt(lambda: _prefix_list(wanted.origin_lock, ask_aws))
    match load_balancer, zone, prefix_list, regions:
        case LoadBalancer(), Zone(), (str() | None) as prefix_list_id, None:
            return Ground(load_balancer, zone, prefix_list_id)
        case answers:
            raise _together(*(answer for answer in answers if isinstance(answer, OriginError)))


def _together(*errors: OriginError) -> OriginError:
    """Return one error for several, caused by all that caused them."""
    if len(errors) == 1:
        return errors[0]
    whole = OriginError(*(fault for error in errors for fault in error.faults))
    causes = [error.__cause__ for error in errors if isinstance(error.__cause__, Exception)]
    whole.__cause__ = ExceptionGroup("the look-ups failed", causes) if causes else None
    return whole


def invoke_options(opts: pulumi.ResourceOptions | None, package: str) -> pulumi.InvokeOptions:
    """Return what makes look-ups use the provider of a package that the resources will use."""
    if opts is None:
        return pulumi.InvokeOptions()
    given = opts.providers or ()
    providers = list(given.values() if isinstance(given, Mapping) else given)
    if opts.provider is not None:
        providers.append(opts.provider)
    chosen = [provider for provider in providers if provider.package == package]
    return pulumi.InvokeOptions(parent=opts.parent, provider=chosen[-1] if chosen else None)


def _attempt(step: Callable[[], T]) -> T | OriginError:
    """Return the error instead of raising it, so that the next step has its say too."""
    try:
        return step()
    except OriginError as error:
        return error


# ---- the load balancer --------------------------------------------------------------------------

_LOAD_BALANCER: Final = f"{NAMESPACE}:origin.loadBalancer"
_SET_NAME: Final = f"pulumi config set --path {_LOAD_BALANCER} NAME"
_AS_GIVEN: Final = (
    f"give {NAMESPACE}:origin.domainName and {NAMESPACE}:origin.hostedZoneId instead of its name"
)


@dataclass(frozen=True)
class _Found:
    """A load balancer of some kind."""

    kind: str
    internal: bool
    target: LoadBalancer


def _load_balancer(origin: Origin, options: pulumi.InvokeOptions) -> LoadBalancer:
    """Return the load balancer of an origin.

    Classic load balancers have names apart from the others': an account in the middle of a
    migration has two of the same name, and the one of the kind that was named need not be the one
    users reach today. So both are always asked for, and two are one too many.

    Source: Elastic Load Balancing API Reference 2012-06-01 and 2015-12-01, CreateLoadBalancer: a
    name is unique within the set of classic, and within the set of the other load balancers.
    """
    if origin.domain_name is not None and origin.hosted_zone_id is not None:
        return LoadBalancer(origin.domain_name, origin.hosted_zone_id)
    name = origin.load_balancer or ""
    newer = _answer(lambda: _ask_for_newer(name, options))
    classic = _answer(lambda: _ask_for_classic(name, options))
    answers = (classic, newer) if origin.kind == "classic" else (newer, classic)
    for answer in answers:
        if isinstance(answer, Exception) and not _NONE_THERE.search(str(answer)):
            raise OriginError(_load_balancer_unclear(name, answer)) from answer
    match answers:
        case _Found() as first, _Found() as second:
            raise OriginError(_two_load_balancers(name, f"one is {first.kind}, one {second.kind}"))
        case Exception() as cause, Exception():
            raise OriginError(_no_load_balancer(name, cause)) from cause
        case (_Found() as found, _) | (_, _Found() as found):
            pass
    if faults := _unfit(origin, found):
        raise OriginError(*faults)
    return found.target


def _ask_for_newer(name: str, options: pulumi.InvokeOptions) -> _Found:
    found = aws.lb.get_load_balancer(name=name, opts=options)
    target = LoadBalancer(found.dns_name, found.zone_id)
    return _Found(found.load_balancer_type, found.internal, target)


def _ask_for_classic(name: str, options: pulumi.InvokeOptions) -> _Found:
    found = aws.elb.get_load_balancer(name=name, opts=options)
    return _Found("classic", found.internal, LoadBalancer(found.dns_name, found.zone_id))


def _unfit(origin: Origin, found: _Found) -> list[Fault]:
    """Say what keeps a load balancer that was found from being the origin."""
    faults: list[Fault] = []
    if found.kind != origin.kind:
        key = f"{NAMESPACE}:origin.kind"
        faults.append(
            Fault(
                key,
                f'"{origin.kind}"',
                f'{found.kind}, which is the kind load balancer "{origin.load_balancer}" has',
                f"Set it with: pulumi config set --path {key} {found.kind}",
            )
        )
    if found.internal:
        faults.append(
            Fault(
                _LOAD_BALANCER,
                f'"{origin.load_balancer}", which is internal',
                "a load balancer that faces the internet, for CloudFront reaches it from there",
                f"Set another with: {_SET_NAME}",
            )
        )
    return faults


def _no_load_balancer(name: str, cause: Exception) -> Fault:
    return Fault(
        _LOAD_BALANCER,
        f'"{name}", which was not found',
        f"the name of a load balancer in the account and region of the stack ({_words(cause)})",
        f"Set the region with pulumi config set aws:region REGION, or the name with: {_SET_NAME}",
    )


def _two_load_balancers(name: str, words: str) -> Fault:
    return Fault(
        _LOAD_BALANCER,
        f'"{name}", of which there are several',
        f"the name of one load balancer only ({words})",
        f"Delete or rename the other, or {_AS_GIVEN}.",
    )


def _load_balancer_unclear(name: str, cause: Exception) -> Fault:
    if _SEVERAL_THERE.search(str(cause)):
        return _two_load_balancers(name, _words(cause))
    return Fault(
        _LOAD_BALANCER,
        f'"{name}", which could not be looked up',
        f"a load balancer that can be described ({_words(cause)})",
        f"See that the credentials allow elasticloadbalancing:Describe*, or {_AS_GIVEN}.",
    )


# ---- the zone -----------------------------------------------------------------------------------


def _zone(zone: str, options: pulumi.InvokeOptions) -> Zone:
    """Return the public hosted zone of a name; there may be several of one name."""
    answer = _answer(lambda: aws.route53.get_zone(name=zone, private_zone=False, opts=options))
    if not isinstance(answer, Exception):
        return Zone(answer.zone_id, answer.primary_name_server)
    words = _words(answer)
    if _NONE_THERE.search(words):
        found = "which was not found"
        allowed = "the name of a public hosted zone in the account of the stack"
        remedy = f"Set it with: pulumi config set {NAMESPACE}:zone NAME"
    elif _SEVERAL_THERE.search(words):
        found = "of which there are several"
        allowed = "the name of one public hosted zone only"
        remedy = (
            "Delete those the registrar does not delegate to; list them with: "
            f"aws route53 list-hosted-zones-by-name --dns-name {zone}"
        )
    else:
        found = "which could not be looked up"
        allowed = "a public hosted zone that can be listed"
        remedy = "See that the credentials allow route53:ListHostedZones and route53:GetHostedZone."
    raise OriginError(
        Fault(f"{NAMESPACE}:zone", f'"{zone}", {found}', f"{allowed} ({words})", remedy)
    ) from answer


# ---- the regions of the proxies -----------------------------------------------------------------


def _check_regions(pool: Proxies | None, options: pulumi.InvokeOptions) -> None:
    """Refuse regions that cannot have a proxy.

    It also is how a token that is missing or refused is noticed before anything is made.
    """
    faults: list[Fault] = []
    for index, slug in enumerate(pool.regions if pool else ()):
        key = f"{NAMESPACE}:proxy.regions[{index}]"
        answer = _answer(lambda slug=slug: digitalocean.get_region(slug=slug, opts=options))
        if isinstance(answer, Exception):
            raise OriginError(*faults, _region_unclear(key, slug, answer)) from answer
        faults += _region_faults(key, answer, pool.size if pool else "")
    if faults:
        raise OriginError(*faults)


def _region_faults(
    key: str, region: digitalocean.AwaitableGetRegionResult, size: str
) -> Iterator[Fault]:
    """Say what a region lacks.

    Nothing in DigitalOcean's API tells whether a region has reserved IPv6 addresses. Its
    documentation says that all do, but addresses are reserved in regions that are open only.

    Source: DigitalOcean, 'Reserved IPs Availability'; API Reference, 'Regions'.
    """
    if not region.available:
        yield Fault(
            key,
            f'"{region.slug}", which is closed',
            "a region that is open to new droplets and reserved IPv6 addresses",
            f"Set it with: pulumi config set --path '{key}' fra1",
        )
    elif size not in region.sizes:
        yield Fault(
            f"{NAMESPACE}:proxy.size",
            f'"{size}", which {region.slug} does not offer',
            f"one of {', '.join(sorted(region.sizes))}",
            f"Set it with: pulumi config set --path {NAMESPACE}:proxy.size s-1vcpu-1gb",
        )


def _region_unclear(key: str, slug: str, cause: Exception) -> Fault:
    return Fault(
        key,
        f'"{slug}", which could not be looked up',
        f"a region that DigitalOcean knows, asked with a token it accepts ({_words(cause)})",
        "List the regions with: doctl compute region list. Set the token with: "
        "pulumi config set --secret digitalocean:token TOKEN",
    )


# ---- what a security group admits CloudFront by -------------------------------------------------


def _prefix_list(lock: OriginLock | None, options: pulumi.InvokeOptions) -> str | None:
    """Return the id of CloudFront's prefix list, None where no security group is to have it."""
    if lock is None or lock.security_group is None:
        return None
    group = lock.security_group
    found = _answer(lambda: aws.ec2.get_security_group(id=group, opts=options).id)
    prefix_list = _answer(
        lambda: aws.ec2.get_managed_prefix_list(name=ORIGIN_FACING_PREFIX_LIST, opts=options).id
    )
    faults: list[Fault] = []
    if isinstance(found, Exception):
        key = f"{NAMESPACE}:originLock.securityGroup"
        faults.append(
            Fault(
                key,
                f'"{group}", which could not be looked up',
                f"a security group in the account and region of the stack ({_words(found)})",
                f"Set it with: pulumi config set --path {key} ID",
            )
        )
    if isinstance(prefix_list, Exception):
        faults.append(
            Fault(
                f"The prefix list {ORIGIN_FACING_PREFIX_LIST}",
                "one that could not be looked up",
                f"there for everybody who may see it ({_words(prefix_list)})",
                "See that the credentials allow ec2:DescribeManagedPrefixLists.",
            )
        )
    for answer in (found, prefix_list):
        if isinstance(answer, Exception):
            raise OriginError(*faults) from answer
    return str(prefix_list)


# ---- what the provider says ---------------------------------------------------------------------

# An invoke that fails says why in words alone. These mean "there is none": of a load balancer of
# the newer kinds, of a classic one, of a zone. Anything else (no permission, throttling, no
# network) means that nobody knows, and is never taken for "none".
# Source: terraform-provider-aws, data sources aws_lb, aws_elb and aws_route53_zone; the error codes
# of DescribeLoadBalancers in both Elastic Load Balancing APIs.
_NONE_THERE: Final = re.compile(
    r"LoadBalancerNotFound|couldn't find resource|no matching|returned 0 results", re.IGNORECASE
)
_SEVERAL_THERE: Final = re.compile(r"\bmultiple\b.*\bmatched\b|returned [0-9]+ results")


def _answer(question: Callable[[], T]) -> T | Exception:
    """Ask the provider; return its error as an answer, for it is one."""
    try:
        return question()
    except pulumi.RunError:
        raise  # not the provider's: the engine has gone away
    except Exception as error:  # noqa: BLE001 - a failed invoke raises nothing narrower
        return error


_PREAMBLE: Final = re.compile(
    r"\A(invoke of \S+ failed: |invocation of \S+ returned an error: |invoking \S+: )+"
)


def _words(error: Exception) -> str:
    """Return what the provider said, in one line, without what SDK and engine put before it."""
    words = _PREAMBLE.sub("", str(error))
    return " ".join(words.split()).rstrip(".")
