"""The hosted zone that the records of an edge go to."""

from collections.abc import Callable
from typing import Protocol

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
from components.lookups.model import HostedZone
from components.settings import NAMESPACE


class ZoneAccount(Protocol):
    """Who says how many zones of a name there are."""

    def public_zones(self, name: str) -> int:
        """Return how many public hosted zones have the name."""
        ...


def find_zone(
    name: str, options: pulumi.InvokeOptions, account: Callable[[], ZoneAccount] | None = None
) -> HostedZone:
    """Return the public hosted zone of a name.

    Where there is none or several, the provider fails with words that differ from one of its
    versions to the next, so the account is asked how many there are.

    Args:
        name: The name.
        options: How the provider is asked.
        account: Returns who says how many there are. Where nobody does (None: there is no account,
            or it does not answer), the provider's words have to do.

    Raises:
        OriginError: There is none, there are several, or nobody knows.
    """
    answer = answer_of(lambda: aws.route53.get_zone(name=name, private_zone=False, opts=options))
    if not isinstance(answer, Exception):
        return HostedZone(answer.zone_id, answer.primary_name_server)
    words = words_of(answer)
    number = _public_zones(name, account)
    if number == 0 or (number is None and NONE_THERE.search(words)):
        state = "which was not found"
        allowed = "the name of a public hosted zone in the account of the stack"
        remedy = f"Set it with: pulumi config set {NAMESPACE}:zone NAME"
    elif (number or 0) > 1 or (number is None and SEVERAL_THERE.search(words)):
        state = "of which there are several"
        allowed = "the name of one public hosted zone only"
        remedy = (
            "Delete those the registrar does not delegate to; list them with: "
            f"aws route53 list-hosted-zones-by-name --dns-name {name}"
        )
    else:
        state = "which could not be looked up"
        allowed = "a public hosted zone that can be listed"
        remedy = "See that the credentials allow route53:ListHostedZones and route53:GetHostedZone."
    raise OriginError(
        Fault(f"{NAMESPACE}:zone", f'"{name}", {state}', f"{allowed} ({words})", remedy)
    ) from answer


def _public_zones(name: str, account: Callable[[], ZoneAccount] | None) -> int | None:
    if account is None:
        return None
    try:
        return account().public_zones(name)
    except UnansweredError:
        return None
