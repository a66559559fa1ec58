"""What a request has to be before any rule looks at it: the constraints of the service models.

botocore's models say of every member whether it is required, which values it may have, how long or
large it may be, and which pattern it follows. botocore itself checks the least of it before it
sends a request, and moto nothing. Here all of it is checked, for every operation of the services
in `STYLES`, and refused in the words that the service has for it.

Where this differs from AWS: all that is wrong is told by one message, except for Route 53's XML,
whose schema tells the first fault. A list that is required may be absent: clients send an empty one
so. Which services check patterns here, and not later in words of their own, is not documented.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal, cast
from xml.etree.ElementTree import fromstring

import regex
from moto.core.model import ListShape, Shape, StructureShape

from sandbox.clouds.aws.operations import AwsCall
from sandbox.clouds.aws.refusal import Refusal

Trait = Literal["required", "enum", "pattern", "min", "max"]

ROUTE53_NAMESPACE: Final = "https://route53.amazonaws.com/doc/2013-04-01/"
ALIAS_TARGET: Final = ("HostedZoneId", "DNSName", "EvaluateTargetHealth")


@dataclass(frozen=True)
class Fault:
    """A constraint that a value does not keep."""

    path: tuple[str, ...]
    """Members and places in lists: `("Changes", "1", "Action")`."""
    value: Any
    """None where there is none."""
    shape: Shape
    """What the model says of it; of the structure around it where it is absent."""
    trait: Trait
    bound: Any
    """What the model demands."""


def walk(
    value: object, shape: Shape, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any, Shape]]:
    """Yield every value of a structure: where it is, itself, its shape; the whole one first."""
    yield path, value, shape
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        for name, member in cast("dict[str, object]", value).items():
            if name in shape.members and member is not None:
                yield from walk(member, shape.members[name], (*path, name))
    elif isinstance(shape, ListShape) and isinstance(value, list):
        for place, item in enumerate(cast("list[object]", value), 1):
            yield from walk(item, cast("Shape", shape.member), (*path, str(place)))


def faults(value: object, shape: Shape) -> Iterator[Fault]:
    """Yield every constraint of its shape that a value does not keep, in the value's order."""
    for path, part, of in walk(value, shape):
        if isinstance(of, StructureShape) and isinstance(part, dict):
            structure = cast("dict[str, object]", part)
            for name in of.required_members:
                if structure.get(name) is None and not isinstance(of.members[name], ListShape):
                    yield Fault((*path, name), None, of, "required", name)
        for trait, bound in of.metadata.items():
            if trait in _KEPT and not _KEPT[trait](part, bound):
                yield Fault(path, part, of, cast("Trait", trait), bound)


def check(call: AwsCall) -> None:
    """Pass a request that keeps the constraints of its service's model.

    Raises:
        Refusal: it does not.
    """
    shape = call.input_shape()
    if call.service not in STYLES or shape is None:
        return
    broken = list(faults(call.parameters, shape))
    in_body = call.service == "route53" and [
        fault for fault in broken if "location" not in shape.members[fault.path[0]].serialization
    ]
    if in_body:
        raise _invalid_xml(in_body[0])
    if broken:
        raise STYLES[call.service](broken)
    if call.service == "route53" and call.request.get_data():
        _check_order(call.request.get_data())


def _size(value: Any) -> Any:
    return len(value) if hasattr(value, "__len__") else value


_KEPT: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "enum": lambda value, allowed: value in allowed,
    "pattern": lambda value, pattern: bool(_compiled(pattern).fullmatch(value)),
    "min": lambda value, least: _size(value) >= least,
    "max": lambda value, most: _size(value) <= most,
}


@cache
def _compiled(pattern: str) -> regex.Pattern[str]:
    r"""Return a pattern of the models, which are Java's; `re` knows no `\p{L}`."""
    return regex.compile(pattern, regex.DOTALL)


def _coral(code: str) -> Callable[[list[Fault]], Refusal]:
    """Return what makes the refusal of a service that has the words of AWS's own framework.

    Source: terraform-aws-modules/terraform-aws-acm#63 (Route 53, of an id in the path),
    fog/fog-aws#48 (CloudFront), boto/botocore#1205 (ACM).
    """

    def refusal(broken: list[Fault]) -> Refusal:
        listed = "; ".join(_told(fault) for fault in broken)
        number = "1 validation error" if len(broken) == 1 else f"{len(broken)} validation errors"
        return Refusal(code, f"{number} detected: {listed}")

    return refusal


def _told(fault: Fault) -> str:
    value = "null" if fault.value is None else f"'{fault.value}'"
    path = ".".join(
        f"{name}.member" if name.isdecimal() else name[0].lower() + name[1:] for name in fault.path
    )
    sized = not isinstance(fault.value, int | float)
    less, more = "less than or equal to", "greater than or equal to"
    words = {
        "required": "Member must not be null",
        "enum": f"Member must satisfy enum value set: {_set(fault.bound)}",
        "pattern": f"Member must satisfy regular expression pattern: {fault.bound}",
        "min": f"Member must have {'length' if sized else 'value'} {more} {fault.bound}",
        "max": f"Member must have {'length' if sized else 'value'} {less} {fault.bound}",
    }[fault.trait]
    return f"Value {value} at '{path}' failed to satisfy constraint: {words}"


def _set(allowed: object) -> str:
    return f"[{', '.join(cast('list[str]', allowed))}]" if isinstance(allowed, list) else ""


def _ec2(broken: list[Fault]) -> Refusal:
    """Return EC2's refusal of the first fault.

    Source: Amazon EC2 API Reference, 'Error codes', MissingParameter and InvalidParameterValue.
    """
    name = ".".join(broken[0].path)
    if broken[0].trait == "required":
        return Refusal("MissingParameter", f"The request must contain the parameter {name}")
    return Refusal(
        "InvalidParameterValue", f"Value ({broken[0].value}) for parameter {name} is invalid."
    )


def _invalid_xml(fault: Fault) -> Refusal:
    """Return Route 53's refusal of a body that its XML schema does not allow.

    Source: hashicorp/terraform-provider-aws#7606 (at most a length), kubernetes-sigs/external-dns
    #1541 (one length), boto/boto#2096 (an absent element); the other facets are worded alike, as
    Xerces words them.
    """
    value, bound, kind = fault.value, fault.bound, fault.shape.name
    if fault.trait == "required":
        return _not_complete(kind, bound)
    if isinstance(value, list) and fault.trait == "min":
        return _not_complete(fault.path[-1], _element(fault.shape))
    if isinstance(value, list):
        return _xml(
            f"cvc-complex-type.2.4.d: Invalid content was found starting with element "
            f"'{_element(fault.shape)}'. No child element is expected at this point."
        )
    sized = "Length" if isinstance(value, str) else "Inclusive"
    facet = {"enum": "enumeration", "pattern": "pattern"}.get(fault.trait, fault.trait + sized)
    if facet == "maxLength" and fault.shape.metadata.get("min") == bound:
        facet = "length"
    length = f" with length = '{len(value)}'" if facet.lower().endswith("length") else ""
    told = f"cvc-{facet}-valid: Value '{value}'{length} is not facet-valid with respect to {facet} "
    if facet == "enumeration":
        return _xml(f"{told}'{_set(bound)}'. It must be a value from the enumeration.")
    return _xml(f"{told}'{bound}' for type '{kind}'.")


def _element(shape: Shape) -> str:
    return str(cast("ListShape", shape).member.serialization.get("name", "member"))


def _not_complete(element: str, absent: str) -> Refusal:
    return _xml(
        f"cvc-complex-type.2.4.b: The content of element '{element}' is not complete. "
        f"One of '{{\"{ROUTE53_NAMESPACE}\":{absent}}}' is expected."
    )


def _xml(message: str) -> Refusal:
    return Refusal("InvalidInput", f"Invalid XML ; {message}")


def _check_order(body: bytes) -> None:
    """Demand that EvaluateTargetHealth ends an alias target, or is where the alphabet has it.

    That it does not come first is what barnybug/cli53#74 tells of; the alphabet is how
    aws-sdk-go-v2, and so the official plugin, writes it. What Route 53 does today is not known.
    """
    for element in fromstring(body).iter(f"{{{ROUTE53_NAMESPACE}}}AliasTarget"):  # noqa: S314 - ours
        names = [child.tag.rpartition("}")[2] for child in element]
        if names[-1] != ALIAS_TARGET[-1] and names != sorted(names):
            right = ALIAS_TARGET[names.index(ALIAS_TARGET[-1])]
            raise _xml(
                f"cvc-complex-type.2.4.a: Invalid content was found starting with element "
                f"'{ALIAS_TARGET[-1]}'. One of '{{\"{ROUTE53_NAMESPACE}\":{right}}}' is expected."
            )


STYLES: Final[Mapping[str, Callable[[list[Fault]], Refusal]]] = {
    "acm": _coral("ValidationException"),
    "cloudfront": _coral("MalformedXML"),
    "ec2": _ec2,
    "elasticloadbalancing": _coral("ValidationError"),
    "monitoring": _coral("ValidationError"),
    "route53": _coral("InvalidInput"),
}
"""How each service refuses what its model does not allow."""
