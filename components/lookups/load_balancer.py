"""The load balancer that an origin names."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from components.faults import Fault
from components.lookups.answers import (
    NONE_THERE,
    SEVERAL_THERE,
    OriginError,
    UnansweredError,
    answer_of,
    words_of,
)
from components.lookups.model import LoadBalancerTarget
from components.settings import NAMESPACE, Origin

_LOAD_BALANCER: Final = f"{NAMESPACE}:origin.loadBalancer"
_SET_NAME: Final = f"pulumi config set --path {_LOAD_BALANCER} NAME"
_AS_GIVEN: Final = (
    f"give {NAMESPACE}:origin.domainName and {NAMESPACE}:origin.hostedZoneId instead of its name"
)


@dataclass(frozen=True)
class _Candidate:
    """A load balancer of some kind."""

    kind: str
    internal: bool
    target: LoadBalancerTarget


def find_load_balancer(origin: Origin, options: pulumi.InvokeOptions) -> LoadBalancerTarget:
    """Return the load balancer of an origin.

    Raises UnansweredError where nobody says whether there is one.

    Classic load balancers have names apart from the others': an account in the middle of a
    migration has two of the same name, and the one of the kind that was named need not be the one
    users reach today. So both are always looked up, and two are one too many.

    Source: Elastic Load Balancing API Reference 2012-06-01 and 2015-12-01, CreateLoadBalancer: a
    name is unique within the set of classic, and within the set of the other load balancers.
    """
    if origin.domain_name is not None and origin.hosted_zone_id is not None:
        return LoadBalancerTarget(origin.domain_name, origin.hosted_zone_id)
    name = origin.load_balancer or ""
    kinds = (_classic, _newer) if origin.kind == "classic" else (_newer, _classic)
    # One after the other: who does not answer is asked for minutes, and then the other is not.
    first_kind, other_kind = (_described(kind, name, options) for kind in kinds)
    match first_kind, other_kind:
        case _Candidate() as first, _Candidate() as second:
            raise OriginError(_two_load_balancers(name, f"one is {first.kind}, one {second.kind}"))
        case Exception() as cause, Exception():
            raise OriginError(_no_load_balancer(name, cause)) from cause
        case (_Candidate() as only, _) | (_, _Candidate() as only):
            pass
    if faults := _unfit(origin, only):
        raise OriginError(*faults)
    return only.target


def _described(
    kind: Callable[[str, pulumi.InvokeOptions], _Candidate],
    name: str,
    options: pulumi.InvokeOptions,
) -> _Candidate | Exception:
    """Return the load balancer of some kinds, or the provider's words that there is none."""
    answer = answer_of(lambda: kind(name, options))
    if isinstance(answer, Exception):
        if SEVERAL_THERE.search(str(answer)) and not NONE_THERE.search(str(answer)):
            raise OriginError(_two_load_balancers(name, words_of(answer))) from answer
        if not NONE_THERE.search(str(answer)):
            raise UnansweredError(_load_balancer_unclear(name, answer)) from answer
    return answer


def _newer(name: str, options: pulumi.InvokeOptions) -> _Candidate:
    answer = aws.lb.get_load_balancer(name=name, opts=options)
    target = LoadBalancerTarget(answer.dns_name, answer.zone_id)
    return _Candidate(answer.load_balancer_type, answer.internal, target)


def _classic(name: str, options: pulumi.InvokeOptions) -> _Candidate:
    answer = aws.elb.get_load_balancer(name=name, opts=options)
    target = LoadBalancerTarget(answer.dns_name, answer.zone_id)
    return _Candidate("classic", answer.internal, target)


def _unfit(origin: Origin, candidate: _Candidate) -> list[Fault]:
    """Say what keeps a load balancer from being the origin."""
    faults: list[Fault] = []
    if candidate.kind != origin.kind:
        key = f"{NAMESPACE}:origin.kind"
        faults.append(
            Fault(
                key,
                f'"{origin.kind}"',
                f'{candidate.kind}, which is the kind load balancer "{origin.load_balancer}" has',
                f"Set it with: pulumi config set --path {key} {candidate.kind}",
            )
        )
    if candidate.internal:
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
        f"the name of a load balancer in the account and region of the stack ({words_of(cause)})",
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
    return Fault(
        _LOAD_BALANCER,
        f'"{name}", which could not be looked up',
        f"a load balancer that can be described ({words_of(cause)})",
        f"See that the credentials allow elasticloadbalancing:Describe*, or {_AS_GIVEN}.",
    )
