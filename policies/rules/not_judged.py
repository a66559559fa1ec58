"""What may answer for a name and is read by no rule must be looked at by hand.

Rules that pass say that somebody looked. A tenant of a distribution, a traffic policy, a
CloudFormation stack or a record of another DNS provider answers for a name just as a record or a
distribution does, and no rule reads it. Where it can answer for a name that the stack's records or
distributions have, or where that cannot be told, it is a fault: what the other rules say of the
name is then only a part of it. Elsewhere it is advice. Distributions for many tenants, zones whose
records are one resource and the Cloud Control provider's types are read like the others.

Source: Pulumi Registry, "aws.cloudfront.DistributionTenant", "aws.route53.TrafficPolicyInstance"
and "aws.cloudformation.Stack".
"""

from collections.abc import Iterator
from functools import lru_cache

from policies.cloudfront import DISTRIBUTION
from policies.model import Around, Finding, JudgedStack, Judgement, Place, Rule, show
from policies.readings import READ_AS
from policies.records import FAMILIES, RECORD, normal, records
from policies.unread import STACKS, TENANTS, TRAFFIC_POLICIES, answers_for, is_unread

REMEDY = (
    "Declare it as a record or a distribution that the rules read, or look at it by hand and "
    "exempt it, with a reason and a last day."
)
ADDRESSES = (*FAMILIES, "CNAME", "HTTPS", "SVCB", None)
"""The types of records whose names matter; None is one that is not known."""


def check(place: Place) -> Iterator[Finding]:
    """Yield the type of a resource that nobody judges."""
    resource = place.around.resource
    anything, name = answers_for(place, _names_of(place.around.stack))
    if not anything:
        return
    shown = "a type that no rule reads"
    if name is None:
        yield Finding(
            Judgement.ADVISE, resource.type, shown, "one for names of somebody else's", REMEDY
        )
    else:
        yield Finding(
            Judgement.FAIL,
            resource.type,
            f"{shown}, and may answer for {show(name)}, a name of this stack's",
            "one that they read",
            REMEDY,
        )


@lru_cache(maxsize=1)
def _names_of(stack: JudgedStack) -> tuple[str, ...]:
    """Return the names that records and distributions of a stack have."""
    names = {
        record.name: None
        for record in records(stack).by_urn.values()
        if record.name is not None and record.type in ADDRESSES
    }
    for resource in stack.of(DISTRIBUTION):
        for alias in Around(resource, stack).place().get("aliases").items():
            if isinstance(alias.value, str):
                names[normal(alias.value)] = None
    return tuple(names)


NAMED = TENANTS | TRAFFIC_POLICIES | STACKS
"""Types of which it is known that no rule reads them."""
READ = NAMED | DISTRIBUTION | RECORD | READ_AS.keys()


def _more_types(token: str) -> bool:
    """Say whether a type is another one that nobody reads."""
    return token not in READ and is_unread(token)


RULE = Rule(
    name="not-judged",
    text=__doc__,
    url="https://www.pulumi.com/registry/packages/aws/api-docs/cloudfront/distributiontenant/",
    severity="high",
    remedy=REMEDY,
    resource_types=NAMED,
    check=check,
    stack=True,
    more_types=_more_types,
)
