"""The hosted zone that the records of an edge go to."""

import pulumi
import pulumi_aws as aws

from components.faults import Fault
from components.lookups.answers import NONE_THERE, SEVERAL_THERE, OriginError, answer_of, words_of
from components.lookups.model import HostedZone
from components.settings import NAMESPACE


def find_zone(name: str, options: pulumi.InvokeOptions) -> HostedZone:
    """Return the public hosted zone of a name; there may be several of one name."""
    answer = answer_of(lambda: aws.route53.get_zone(name=name, private_zone=False, opts=options))
    if not isinstance(answer, Exception):
        return HostedZone(answer.zone_id, answer.primary_name_server)
    words = words_of(answer)
    if NONE_THERE.search(words):
        state = "which was not found"
        allowed = "the name of a public hosted zone in the account of the stack"
        remedy = f"Set it with: pulumi config set {NAMESPACE}:zone NAME"
    elif SEVERAL_THERE.search(words):
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
