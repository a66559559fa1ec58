"""What a user sets about a pack, read and checked before anything is judged.

Pulumi gives each policy a level and properties of its own. The options of a rule stand under the
rule's name. What concerns the pack as a whole stands under two names that are no rules: `unknowns`,
whose level is that of everything that rules cannot tell, and `exceptions`, with the scope of the
pack and the exemptions from its rules.

The sentence of a fault is made here and not with that of the components: `policies.bundle` copies
this folder alone to wherever a pack is used, so nothing else of ours is there.

Source: Pulumi documentation, "Policy configuration".
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Annotated, Any, Final, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from policies.model import UNKNOWN, Around, Pack, Place, Resource, RuleOptions, Value, show
from policies.records import RECORD, ZONE, normal, record_of

UNKNOWNS: Final = "unknowns"
EXCEPTIONS: Final = "exceptions"


class PackSettingsError(Exception):
    """What is set about a pack cannot be used; the message lists every fault."""


class _Given(BaseModel):
    """Settings that users write; numbers may be floats, as they are on the wire."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


Pattern = Annotated[str, Field(min_length=1)]


class Selector(_Given):
    """Resources that a pack is for: those for which all that is given holds."""

    name: Annotated[
        Pattern | None,
        Field(
            description="A pattern (`*`, `?`) of the resource's name in the program, of one of a "
            "distribution's aliases, of a record's name or of the name of its zone."
        ),
    ] = None
    tags: Annotated[
        dict[str, str],
        Field(
            description="Patterns of the values of tags. A record has those of its zone; a "
            'droplet\'s tags have no values, so "*" asks for one.'
        ),
    ] = {}

    @model_validator(mode="after")
    def _says_something(self) -> "Selector":
        if self.name is None and not self.tags:
            raise ValueError("an object with name, tags or both")
        return self


def _iso_date(text: str) -> str:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise ValueError("a date as 2027-01-31") from None
    return text


class Exemption(_Given):
    """Leave for some resources to break a rule for some time."""

    rule: Annotated[str, Field(description="The rule's name.")]
    resource: Annotated[
        Pattern, Field(description="A pattern of the resource's name in the program, or its URN.")
    ]
    reason: Annotated[
        str, Field(min_length=1, pattern=r"\S", description="Why; it is shown with each use.")
    ]
    until: Annotated[
        str,
        AfterValidator(_iso_date),
        Field(
            description="The last day it holds, as 2027-01-31 in UTC.",
            json_schema_extra={"format": "date"},
        ),
    ]

    def fits(self, rule: str, resource: Resource) -> bool:
        """Say whether it is about a rule and a resource, expired or not."""
        return self.rule == rule and any(
            fnmatchcase(text, self.resource) for text in (resource.name, resource.urn)
        )

    def holds(self, today: date) -> bool:
        """Say whether it has not expired."""
        return today <= date.fromisoformat(self.until)


class Exceptions(RuleOptions):
    """What a user may set about a pack as a whole."""

    scope: Annotated[
        tuple[Selector, ...],
        Field(
            strict=False,
            description="The resources that the rules are for; absent or empty means all.",
        ),
    ] = ()
    exemptions: Annotated[
        tuple[Exemption, ...], Field(strict=False, description="Leave to break a rule.")
    ] = ()


@dataclass(frozen=True)
class PackSettings:
    """What is set about a pack.

    Attributes:
        options: The options of each rule that has some set.
        exceptions: Scope and exemptions.
    """

    options: Mapping[str, RuleOptions] = field(default_factory=dict[str, RuleOptions])
    exceptions: Exceptions = field(default_factory=Exceptions)

    def concerns(self, place: Place) -> bool:
        """Say whether the pack is for a resource. What is not known may be in, so it is in."""
        scope = self.exceptions.scope
        return not scope or any(_selects(selector, place) for selector in scope)

    def exemption(self, rule: str, resource: Resource, today: date) -> Exemption | None:
        """Return the exemption of a resource from a rule; one that holds before one that ended."""
        fitting = [one for one in self.exceptions.exemptions if one.fits(rule, resource)]
        fitting.sort(key=lambda one: one.until, reverse=True)
        return next((one for one in fitting if one.holds(today)), next(iter(fitting), None))


def _selects(selector: Selector, place: Place) -> bool:
    name = selector.name
    if name is not None and not any(_named(name, text) for text in _names(place)):
        return False
    tags = _tags(place)
    return all(
        tags is UNKNOWN or tags.get(key) is UNKNOWN or fnmatchcase(str(tags[key]), pattern)
        if tags is UNKNOWN or key in tags
        else False
        for key, pattern in selector.tags.items()
    )


def _named(pattern: str, text: Value) -> bool:
    if text is UNKNOWN:
        return True
    return isinstance(text, str) and (
        fnmatchcase(text, pattern) or fnmatchcase(normal(text), normal(pattern))
    )


def _names(place: Place) -> list[Value]:
    """Return what a selector's name may match."""
    resource = place.around.resource
    names: list[Value] = [resource.name, *(alias.value for alias in place.get("aliases").items())]
    if resource.type in RECORD:
        record, _ = record_of(place)
        names = [resource.name, record.name or UNKNOWN]
        names += [
            Around(zone, place.around.stack).place().get("name").value for zone in _zone(place)
        ]
    return names


def _tags(place: Place) -> Any:
    """Return the tags of a resource, a record's being those of its zone."""
    if place.around.resource.type in RECORD:
        zones = _zone(place)
        if not zones:
            return {}
        place = Around(zones[0], place.around.stack).place()
    given, inherited = place.get("tags"), place.get("tagsAll")
    if given.unknown or (given.absent and inherited.unknown):
        return UNKNOWN
    if isinstance(given.value, list):
        return {tag: "" for tag in given.value if isinstance(tag, str)}
    own = given.value if isinstance(given.value, dict) else {}
    all_of_them = inherited.value if isinstance(inherited.value, dict) else {}
    return {**all_of_them, **own}


def _zone(record: Place) -> list[Resource]:
    zone = record.get("zoneId")
    if zone.unknown:
        return [source for source in zone.dependencies() if source.type in ZONE]
    return [
        resource
        for resource in record.around.stack.of(ZONE)
        if Around(resource, record.around.stack).place().get("zoneId").value == zone.value
    ]


def read(pack: Pack, given: Mapping[str, Mapping[str, Any]]) -> PackSettings:
    """Return what is set about a pack.

    Args:
        pack: The pack.
        given: The properties set for each policy, without its level.

    Raises:
        PackSettingsError: If anything in them cannot be used.
    """
    faults: list[str] = []
    kinds = options_of(pack)
    options: dict[str, RuleOptions] = {}
    for name, properties in given.items():
        if name == "all":
            if properties:
                faults.append(
                    _fault(
                        "all",
                        f"an object with {', '.join(properties)}",
                        "a level alone",
                        "Set options by rule.",
                    )
                )
        elif name not in kinds:
            allowed = f"one of all, {', '.join(kinds)}"
            faults.append(_fault(name, "set", allowed, _renamed(name, kinds, "Mend the name.")))
        else:
            try:
                options[name] = kinds[name].model_validate(dict(properties))
            except ValidationError as error:
                faults += _faults(name, error, _names_in(kinds[name].model_json_schema()))
    exceptions = options.pop(EXCEPTIONS, Exceptions())
    if not isinstance(exceptions, Exceptions):
        raise TypeError(f"{EXCEPTIONS} was read as {type(exceptions).__name__}")
    rules = [rule.name for rule in pack.rules]
    for index, exemption in enumerate(exceptions.exemptions):
        if exemption.rule not in rules:
            faults.append(
                _fault(
                    f"{EXCEPTIONS}.exemptions[{index}].rule",
                    show(exemption.rule),
                    f"one of {', '.join(rules)}",
                    f"Name a rule of the pack {pack.name}.",
                )
            )
    if faults:
        lines = "\n".join(f"  - {fault}" for fault in faults)
        raise PackSettingsError(f"The configuration of pack {pack.name} cannot be used:\n{lines}")
    return PackSettings(options, exceptions)


def options_of(pack: Pack) -> dict[str, type[RuleOptions]]:
    """Return, for each name that may be set, what may be set under it."""
    rules = {rule.name: rule.options for rule in pack.rules}
    return {**rules, UNKNOWNS: RuleOptions, EXCEPTIONS: Exceptions}


def _fault(what: str, value: str, allowed: str, remedy: str) -> str:
    return f"{what} is {value}; it must be {allowed}. {remedy}"


def _renamed(name: str, known: Iterable[str], otherwise: str) -> str:
    """Return what to do about a name that is not known: write the one that it is like."""
    near = get_close_matches(name, known, n=1)
    return (
        f"Did you mean {near[0]}? Write `{near[0]}:` instead of `{name}:`." if near else otherwise
    )


def _names_in(schema: Any) -> set[str]:
    """Return the names of all options, also those below others."""
    if isinstance(schema, list):
        return set[str]().union(*map(_names_in, cast("list[Any]", schema)))
    if not isinstance(schema, dict):
        return set()
    node = cast("dict[str, Any]", schema)
    own = node.get("properties", {})
    return set(own).union(*map(_names_in, node.values()))


def _faults(name: str, error: ValidationError, known: Iterable[str]) -> list[str]:
    """Return one line for each thing that pydantic finds wrong."""
    faults: list[str] = []
    for one in error.errors(include_url=False):
        path = name
        for step in one["loc"]:
            path += f"[{step}]" if isinstance(step, int) else f".{step}"
        if one["type"] == "missing":
            faults.append(_fault(path, "absent", "there", "Add it."))
        elif one["type"] == "extra_forbidden":
            value = show(one["input"])
            remedy = _renamed(str(one["loc"][-1]), known, "Remove it: there is no such option.")
            faults.append(_fault(path, value, "absent", remedy))
        else:
            allowed = one["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
            allowed = allowed.replace("tuple", "list")
            value = show(one["input"])
            faults.append(_fault(path, value, allowed[0].lower() + allowed[1:], "Set it so."))
    return faults


def schema(pack: Pack) -> dict[str, Any]:
    """Return the JSON schema of a pack's whole configuration file."""
    level = {"enum": ["advisory", "mandatory", "remediate", "disabled"]}
    properties: dict[str, Any] = {"all": {"$ref": "#/$defs/level"}}
    for name, kind in options_of(pack).items():
        own = properties_of(kind)
        by_object = {
            "type": "object",
            "additionalProperties": False,
            "properties": {"enforcementLevel": {"$ref": "#/$defs/level"}, **own},
        }
        properties[name] = {"anyOf": [{"$ref": "#/$defs/level"}, by_object]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Configuration of the policy pack {pack.name}",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "$defs": {"level": level},
    }


def properties_of(kind: type[RuleOptions]) -> dict[str, Any]:
    """Return the JSON schema of each option, without references, as policies carry it."""
    whole = kind.model_json_schema()
    definitions: dict[str, Any] = whole.get("$defs", {})

    def resolve(node: Any) -> Any:
        if isinstance(node, list):
            return [resolve(item) for item in cast("list[Any]", node)]
        if not isinstance(node, dict):
            return node
        given = cast("dict[str, Any]", node)
        if "$ref" in given:
            return resolve(definitions[str(given["$ref"]).rpartition("/")[2]])
        return {key: resolve(value) for key, value in given.items() if key != "title"}

    return resolve(whole.get("properties", {}))
