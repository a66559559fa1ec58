"""What the edge stands on: the load balancer and the hosted zone, which exist already.

They are looked up with plain invokes, which answer before the next line of the program runs, and
`DualStackEdge` does so before it registers anything. The lazy form (`get_zone_output`) would fail
while resources are being made, and leave half an edge behind.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

import pulumi
import pulumi_aws as aws

from components.faults import Fault, FaultsError
from components.settings import NAMESPACE, Origin

T = TypeVar("T")


class OriginError(FaultsError):
    """The load balancer or the zone cannot be used; the message says so of both.

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
class Ground:
    """What was found."""

    load_balancer: AliasTarget
    """The load balancer the API is behind."""
    zone_id: str
    """Hosted zone that the records of the edge go to."""


def look_up(origin: Origin, zone: str, options: pulumi.InvokeOptions) -> Ground:
    """Find the load balancer and the hosted zone.

    Args:
        origin: The load balancer; not looked up if it is given by `domain_name`.
        zone: Name of a public hosted zone.
        options: Provider and parent of the look-ups.

    Returns:
        What the edge needs to know of them.

    Raises:
        OriginError: One of them or both do not exist, are ambiguous, are of the wrong kind, or
            could not be looked up.
    """
    load_balancer = _attempt(lambda: _load_balancer(origin, options))
    zone_id = _attempt(lambda: _zone_id(zone, options))
    match load_balancer, zone_id:
        case OriginError() as first, OriginError() as second:
            causes = [e.__cause__ for e in (first, second) if isinstance(e.__cause__, Exception)]
            group = ExceptionGroup("the look-ups failed", causes) if causes else None
            raise OriginError(*first.faults, *second.faults) from group
        case (OriginError() as error, _) | (_, OriginError() as error):
            raise error
        case AliasTarget(), str():
            return Ground(load_balancer, zone_id)


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
    target: AliasTarget


def _load_balancer(origin: Origin, options: pulumi.InvokeOptions) -> AliasTarget:
    """Return the load balancer of an origin.

    Classic load balancers have names apart from the others': an account in the middle of a
    migration has two of the same name, and the one of the kind that was named need not be the one
    users reach today. So both are always asked for, and two are one too many.

    Source: Elastic Load Balancing API Reference 2012-06-01 and 2015-12-01, CreateLoadBalancer: a
    name is unique within the set of classic, and within the set of the other load balancers.
    """
    if origin.domain_name is not None and origin.hosted_zone_id is not None:
        return AliasTarget(origin.domain_name, origin.hosted_zone_id)
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
    target = AliasTarget(found.dns_name, found.zone_id)
    return _Found(found.load_balancer_type, found.internal, target)


def _ask_for_classic(name: str, options: pulumi.InvokeOptions) -> _Found:
    found = aws.elb.get_load_balancer(name=name, opts=options)
    return _Found("classic", found.internal, AliasTarget(found.dns_name, found.zone_id))


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


def _zone_id(zone: str, options: pulumi.InvokeOptions) -> str:
    """Return the id of the public hosted zone of a name; there may be several of one name."""
    answer = _answer(
        lambda: aws.route53.get_zone(name=zone, private_zone=False, opts=options).zone_id
    )
    if not isinstance(answer, Exception):
        return answer
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
