"""No record and no origin may hold a literal address where a name could stand.

The addresses of a load balancer and of CloudFront change without notice; an alias follows them, a
literal does not, and the way it leads ends one day. A literal is judged where an alias could stand:
in an A or AAAA record whose name also has an alias, or which a distribution of the stack answers;
and where it is the address of an Elastic IP of the stack, which is what a network load balancer
has. A value that comes from another resource of the stack is no literal: the engine knows its
dependency. A private zone answers networks of one's own, with addresses of their own: what stands
in it under a name of the distribution is no matter.

Source: Route 53 Developer Guide, "Choosing between alias and non-alias records"; Elastic Load
Balancing, "Application Load Balancers", DNS name.
"""

from collections.abc import Iterator
from functools import lru_cache
from ipaddress import ip_address
from itertools import chain

from policies.cloudfront import DISTRIBUTION
from policies.model import Around, Finding, JudgedStack, Place, Rule, show
from policies.records import FAMILIES, RECORD, Record, Records, normal, record_of

REMEDY = "Make the record an alias of the load balancer or of the distribution."
ELASTIC_IP = frozenset({"aws:ec2/eip:Eip"})


def check(place: Place) -> Iterator[Finding]:
    """Yield a finding for each literal address of a record, or of a distribution's origins."""
    if place.around.resource.type in DISTRIBUTION:
        for origin in place.get("origins").items():
            name = origin.get("domainName")
            if _address(name) is not None:
                yield name.finding("a DNS name", "Set it to the load balancer's DNS name.")
        return
    record, records = record_of(place)
    values = place.get("records")
    if record.type not in FAMILIES or values.absent:
        return
    if place.around.resource.dependencies.get("records"):
        return
    aliased = any(other.alias for other in records.beside(record, *FAMILIES, "HTTPS"))
    answered = _is_answered(record, records)
    for value in values.items():
        address = _address(value)
        if address is None:
            continue
        if address in _elastic(place.around.stack):
            where = "which is an Elastic IP of this stack"
        elif aliased or answered:
            where = f"where {show(record.name)} could be an alias"
        else:
            continue
        yield value.finding("left to an alias", REMEDY, shown=f"{show(value.value)}, {where}")


def _is_answered(record: Record, records: Records) -> bool:
    """Say whether a distribution of the stack answers a name where a record's clients ask.

    Of a zone that is not in the stack it is not known if it is private. Where another zone leads
    the same name to a distribution it is, because two public zones of one name make no sense.
    """
    if record.name is None or record.zone in records.private:
        return False
    names = {record.name, f"*.{record.name.partition('.')[2]}"}
    if record.zone not in records.public and any(
        other.leads_to_cloudfront for other in records.elsewhere(record)
    ):
        return False
    return bool(names & _answered(record.place.around.stack))


def _address(place: Place) -> str | None:
    """Return an address in its usual form; None for anything else."""
    if not isinstance(place.value, str):
        return None
    try:
        return ip_address(place.value.strip("[]")).compressed
    except ValueError:
        return None


@lru_cache(maxsize=1)
def _answered(stack: JudgedStack) -> frozenset[str]:
    places = (Around(resource, stack).place() for resource in stack.of(DISTRIBUTION))
    aliases = chain.from_iterable(place.get("aliases").items() for place in places)
    return frozenset(normal(alias.value) for alias in aliases if isinstance(alias.value, str))


@lru_cache(maxsize=1)
def _elastic(stack: JudgedStack) -> frozenset[str]:
    places = (Around(resource, stack).place() for resource in stack.of(ELASTIC_IP))
    addresses = (_address(place.get("publicIp")) for place in places)
    return frozenset(address for address in addresses if address)


RULE = Rule(
    name="no-hardcoded-addresses",
    text=__doc__,
    url="https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resource-record-sets-choosing-alias-non-alias.html",
    severity="medium",
    remedy=REMEDY,
    resource_types=RECORD | DISTRIBUTION,
    check=check,
    stack=True,
)
