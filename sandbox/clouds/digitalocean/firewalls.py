"""Cloud firewalls: rules, and the Droplets and tags that they hold for."""

import re
from collections.abc import Container, Iterable, Sequence
from http import HTTPStatus
from ipaddress import ip_network
from typing import Annotated, Final, Literal, TypeVar

from pydantic import BeforeValidator, Field

from sandbox.clouds.digitalocean import droplets
from sandbox.clouds.digitalocean.routes import (
    NO_CONTENT,
    Answer,
    Body,
    Call,
    Table,
    accepted,
    listed,
    ok,
)
from sandbox.clouds.digitalocean.state import Account, Firewall, Json, PendingChange, iso
from sandbox.clouds.digitalocean.wire import NOT_FOUND, Reason

ROUTES = Table()

NAME: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9.\-]+")
"""Source: API reference, `firewall.name`."""

MAX_RULES: Final = 50
MAX_DROPLETS: Final = 10
MAX_TAGS: Final = 5
MAX_TARGETS: Final = 1000
"""Source: 'Firewalls Limits'."""

ALL_PORTS: Final = "0"
"""How all ports are written. Source: API reference, `ports`."""

MAX_PORT: Final = 65535

UNPROCESSABLE = HTTPStatus.UNPROCESSABLE_ENTITY
LIMITS = "'Firewalls Limits'"

INVALID_FIREWALL_NAME = Reason(
    UNPROCESSABLE,
    "the name has characters other than letters, digits, `-` and `.`, or does not begin with a "
    "letter or digit",
    "name is {found}; it must begin with an alphanumeric character, and may only contain "
    "alphanumeric characters, periods and dashes.",
)
FIREWALL_NAME_IN_USE = Reason(
    HTTPStatus.CONFLICT,
    "another firewall has the name",
    "duplicate name",
    "report: harmony-one/harmony-ops#390",
)
NO_RULES = Reason(
    UNPROCESSABLE,
    "there is neither an inbound nor an outbound rule",
    "The firewall must have at least one inbound or outbound rule.",
)
NO_PORTS = Reason(
    UNPROCESSABLE,
    "a tcp or udp rule has no `ports`",
    "You must specify a positive value for ports.",
    "report: digitalocean/terraform-provider-digitalocean#39",
)
INVALID_PORTS = Reason(
    UNPROCESSABLE,
    "`ports` are not a port, a range from low to high, `0` or `all`",
    "ports is {found}; you must specify a valid range for ports.",
)
INVALID_ADDRESS = Reason(
    UNPROCESSABLE,
    "an address is no IPv4 or IPv6 address or network",
    "invalid address: {found}",
    "report: digitalocean/terraform-provider-digitalocean#33",
)
UNKNOWN_TARGET = Reason(
    UNPROCESSABLE,
    "a Droplet, tag, load balancer or cluster that is named does not exist",
    "{kind} is {found}; there is none such in your account.",
    "specification for tags; assumed for the others",
)
TOO_MANY_RULES = Reason(
    UNPROCESSABLE,
    "the firewall would have more than 50 rules",
    "The firewall would have {found} rules; it may have 50.",
    LIMITS,
)
TOO_MANY_TARGETS = Reason(
    UNPROCESSABLE,
    "a rule names more than 1000 sources or destinations",
    "A rule has {found} sources or destinations; it may have 1000.",
    LIMITS,
)
TOO_MANY_DROPLETS = Reason(
    UNPROCESSABLE,
    "the firewall would have more than 10 Droplets of its own",
    "The firewall would have {found} Droplets; it may have 10.",
    LIMITS,
)
TOO_MANY_TAGS = Reason(
    UNPROCESSABLE,
    "the firewall would have more than 5 tags",
    "The firewall would have {found} tags; it may have 5.",
    LIMITS,
)

RULE_REASONS: Final = (
    NO_PORTS,
    INVALID_PORTS,
    INVALID_ADDRESS,
    UNKNOWN_TARGET,
    TOO_MANY_RULES,
    TOO_MANY_TARGETS,
)
WHOLE_REASONS: Final = (
    INVALID_FIREWALL_NAME,
    FIREWALL_NAME_IN_USE,
    NO_RULES,
    *RULE_REASONS,
    TOO_MANY_DROPLETS,
    TOO_MANY_TAGS,
)

Item = TypeVar("Item")
Strings = Annotated[list[str], BeforeValidator(listed)]
Numbers = Annotated[list[int], BeforeValidator(listed)]


class Targets(Body):
    """Where traffic may come from, or go to."""

    addresses: Strings = Field(default_factory=list[str])
    droplet_ids: Numbers = Field(default_factory=list[int])
    load_balancer_uids: Strings = Field(default_factory=list[str])
    kubernetes_ids: Strings = Field(default_factory=list[str])
    tags: Strings = Field(default_factory=list[str])

    def count(self) -> int:
        """Return how many there are."""
        return sum(len(named) for named in self.named().values())

    def named(self) -> Json:
        """Return the lists that are not empty, which are the ones that the API shows."""
        return {name: found for name, found in self.model_dump().items() if found}


class Traffic(Body):
    """What one rule lets through; `ports` may be missing with `icmp`, as godo leaves it out."""

    protocol: Literal["tcp", "udp", "icmp"]
    ports: str = ""


class InboundRule(Traffic):
    """A rule for traffic to the Droplet."""

    sources: Targets


class OutboundRule(Traffic):
    """A rule for traffic from the Droplet."""

    destinations: Targets


class Rules(Body):
    """Rules to add or to remove."""

    inbound_rules: Annotated[list[InboundRule], BeforeValidator(listed)] = Field(
        default_factory=list[InboundRule]
    )
    outbound_rules: Annotated[list[OutboundRule], BeforeValidator(listed)] = Field(
        default_factory=list[OutboundRule]
    )


class WholeFirewall(Rules):
    """What a firewall shall be."""

    name: str
    droplet_ids: Numbers = Field(default_factory=list[int])
    tags: Strings = Field(default_factory=list[str])


class DropletIds(Body):
    """Droplets to add or to remove."""

    droplet_ids: Annotated[list[int], Field(min_length=1)]


class TagNames(Body):
    """Tags to add or to remove."""

    tags: Annotated[list[str], Field(min_length=1)]


@ROUTES.add("GET /v2/firewalls", "firewalls_list", "firewall:read")
def list_firewalls(call: Call) -> Answer:
    """Lists the firewalls."""
    found = list(call.account.firewalls.values())
    return call.page("firewalls", found, lambda firewall: view(call.account, firewall))


@ROUTES.add(
    "GET /v2/droplets/<int:droplet_id>/firewalls",
    "droplets_list_firewalls",
    "firewall:read",
    refuses=[NOT_FOUND],
)
def list_droplet_firewalls(call: Call) -> Answer:
    """Lists the firewalls that hold for a Droplet, by its id or by a tag."""
    droplet = droplets.find(call.account, call.path_values["droplet_id"])
    found = [
        firewall
        for firewall in call.account.firewalls.values()
        if droplet.id in _covered(call.account, firewall)
    ]
    return call.page("firewalls", found, lambda firewall: view(call.account, firewall))


@ROUTES.add("POST /v2/firewalls", "firewalls_create", "firewall:create", refuses=WHOLE_REASONS)
def create_firewall(call: Call) -> Answer:
    """Accepts a firewall.

    If it holds for Droplets it is `waiting`, with them in `pending_changes`, as long as an action
    takes; then it is `succeeded`. All ports, `0` or `all`, are shown as `0`.
    """
    body = call.body(WholeFirewall)
    inbound, outbound = _check_whole(call.account, body, None)
    firewall = Firewall(
        id=call.account.new_uuid(),
        name=body.name,
        created=call.account.clock(),
        inbound=inbound,
        outbound=outbound,
        droplets=_unique(body.droplet_ids),
        tags=_unique(body.tags),
    )
    call.account.firewalls[firewall.id] = firewall
    _apply(call.account, firewall, set())
    return accepted(firewall=view(call.account, firewall))


@ROUTES.add(
    "GET /v2/firewalls/<firewall_id>", "firewalls_get", "firewall:read", refuses=[NOT_FOUND]
)
def get_firewall(call: Call) -> Answer:
    """Shows a firewall."""
    return ok(firewall=view(call.account, _named(call)))


@ROUTES.add(
    "PUT /v2/firewalls/<firewall_id>",
    "firewalls_update",
    "firewall:update",
    refuses=[NOT_FOUND, *WHOLE_REASONS],
)
def update_firewall(call: Call) -> Answer:
    """Replaces all of a firewall; what is left out is emptied."""
    firewall, body = _named(call), call.body(WholeFirewall)
    inbound, outbound = _check_whole(call.account, body, firewall)
    before = _covered(call.account, firewall)
    firewall.name = body.name
    firewall.inbound, firewall.outbound = inbound, outbound
    firewall.droplets, firewall.tags = _unique(body.droplet_ids), _unique(body.tags)
    _apply(call.account, firewall, before)
    return ok(firewall=view(call.account, firewall))


@ROUTES.add(
    "DELETE /v2/firewalls/<firewall_id>", "firewalls_delete", "firewall:delete", refuses=[NOT_FOUND]
)
def delete_firewall(call: Call) -> Answer:
    """Deletes a firewall, at once."""
    del call.account.firewalls[_named(call).id]
    return NO_CONTENT


@ROUTES.add(
    "POST /v2/firewalls/<firewall_id>/droplets",
    "firewalls_assign_droplets",
    "firewall:update",
    refuses=[NOT_FOUND, UNKNOWN_TARGET, TOO_MANY_DROPLETS],
)
def add_droplets(call: Call) -> Answer:
    """Adds Droplets."""
    firewall, asked = _named(call), call.body(DropletIds).droplet_ids
    before = _covered(call.account, firewall)
    after = _unique([*firewall.droplets, *asked])
    _check_members(call.account, after, firewall.tags)
    firewall.droplets = after
    _apply(call.account, firewall, before)
    return NO_CONTENT


@ROUTES.add(
    "DELETE /v2/firewalls/<firewall_id>/droplets",
    "firewalls_delete_droplets",
    "firewall:update",
    refuses=[NOT_FOUND],
)
def remove_droplets(call: Call) -> Answer:
    """Removes Droplets; one that was not there is no fault."""
    firewall, asked = _named(call), call.body(DropletIds).droplet_ids
    before = _covered(call.account, firewall)
    firewall.droplets = [number for number in firewall.droplets if number not in asked]
    _apply(call.account, firewall, before)
    return NO_CONTENT


@ROUTES.add(
    "POST /v2/firewalls/<firewall_id>/tags",
    "firewalls_add_tags",
    "firewall:update",
    refuses=[NOT_FOUND, UNKNOWN_TARGET, TOO_MANY_TAGS],
)
def add_tags(call: Call) -> Answer:
    """Adds tags that exist."""
    firewall, asked = _named(call), call.body(TagNames).tags
    before = _covered(call.account, firewall)
    after = _unique([*firewall.tags, *asked])
    _check_members(call.account, firewall.droplets, after)
    firewall.tags = after
    _apply(call.account, firewall, before)
    return NO_CONTENT


@ROUTES.add(
    "DELETE /v2/firewalls/<firewall_id>/tags",
    "firewalls_delete_tags",
    "firewall:update",
    refuses=[NOT_FOUND],
)
def remove_tags(call: Call) -> Answer:
    """Removes tags; one that was not there is no fault."""
    firewall, asked = _named(call), call.body(TagNames).tags
    before = _covered(call.account, firewall)
    firewall.tags = [name for name in firewall.tags if name not in asked]
    _apply(call.account, firewall, before)
    return NO_CONTENT


@ROUTES.add(
    "POST /v2/firewalls/<firewall_id>/rules",
    "firewalls_add_rules",
    "firewall:update",
    refuses=[NOT_FOUND, NO_RULES, *RULE_REASONS],
)
def add_rules(call: Call) -> Answer:
    """Adds rules; one that is there already is not added twice."""
    firewall = _named(call)
    inbound, outbound = _check_rules(call.account, call.body(Rules))
    more = [rule for rule in inbound if rule not in firewall.inbound]
    more_outbound = [rule for rule in outbound if rule not in firewall.outbound]
    _check_number(firewall.inbound, more, firewall.outbound, more_outbound)
    firewall.inbound += more
    firewall.outbound += more_outbound
    _apply(call.account, firewall, set())
    return NO_CONTENT


@ROUTES.add(
    "DELETE /v2/firewalls/<firewall_id>/rules",
    "firewalls_delete_rules",
    "firewall:update",
    refuses=[NOT_FOUND, NO_RULES, NO_PORTS, INVALID_PORTS],
)
def remove_rules(call: Call) -> Answer:
    """Removes the rules that are the same as those sent; one that was not there is no fault."""
    firewall = _named(call)
    inbound, outbound = _shown(call.body(Rules))
    firewall.inbound = [rule for rule in firewall.inbound if rule not in inbound]
    firewall.outbound = [rule for rule in firewall.outbound if rule not in outbound]
    _apply(call.account, firewall, set())
    return NO_CONTENT


def view(account: Account, firewall: Firewall) -> Json:
    """Return a firewall as the API shows it."""
    now = account.clock()
    pending = [change for change in firewall.changes if change.ends > now]
    return {
        "id": firewall.id,
        "name": firewall.name,
        "status": "waiting" if pending else "succeeded",
        "created_at": iso(firewall.created),
        "inbound_rules": firewall.inbound,
        "outbound_rules": firewall.outbound,
        "droplet_ids": firewall.droplets,
        "tags": firewall.tags,
        "pending_changes": [
            {"droplet_id": change.droplet, "removing": change.removing, "status": "waiting"}
            for change in pending
        ],
    }


def _named(call: Call) -> Firewall:
    firewall = call.account.firewalls.get(call.path_values["firewall_id"])
    if firewall is None:
        raise NOT_FOUND.refusal()
    return firewall


def _unique(found: Iterable[Item]) -> list[Item]:
    return list(dict.fromkeys(found))


def _covered(account: Account, firewall: Firewall) -> set[int]:
    """Return the Droplets that a firewall holds for."""
    tagged = {
        number
        for name in firewall.tags
        if name in account.tags
        for number in account.tags[name].droplets
    }
    return {*firewall.droplets, *tagged}


def _apply(account: Account, firewall: Firewall, before: set[int]) -> None:
    """Begin to apply a firewall to its Droplets, and to remove it from those it had before."""
    ends = account.clock() + account.settings.action_seconds
    after = _covered(account, firewall)
    firewall.changes = [
        *(PendingChange(number, removing=False, ends=ends) for number in sorted(after)),
        *(PendingChange(number, removing=True, ends=ends) for number in sorted(before - after)),
    ]


def _check_whole(
    account: Account, body: WholeFirewall, mine: Firewall | None
) -> tuple[list[Json], list[Json]]:
    if not NAME.fullmatch(body.name):
        raise INVALID_FIREWALL_NAME.refusal(found=body.name)
    for firewall in account.firewalls.values():
        if firewall.name == body.name and firewall is not mine:
            raise FIREWALL_NAME_IN_USE.refusal()
    rules = _check_rules(account, body)
    _check_members(account, _unique(body.droplet_ids), _unique(body.tags))
    return rules


def _check_members(account: Account, droplet_ids: Sequence[int], tags: Sequence[str]) -> None:
    _check_exist("droplet_ids", droplet_ids, account.droplets)
    _check_exist("tags", tags, account.tags)
    if len(droplet_ids) > MAX_DROPLETS:
        raise TOO_MANY_DROPLETS.refusal(found=len(droplet_ids))
    if len(tags) > MAX_TAGS:
        raise TOO_MANY_TAGS.refusal(found=len(tags))


def _check_exist(
    kind: str, asked: Iterable[int] | Iterable[str], existing: Container[int | str]
) -> None:
    unknown = [str(name) for name in asked if name not in existing]
    if unknown:
        raise UNKNOWN_TARGET.refusal(kind=kind, found=", ".join(unknown))


def _check_rules(account: Account, body: Rules) -> tuple[list[Json], list[Json]]:
    """Return rules as they are shown, or refuse them."""
    inbound, outbound = _shown(body)
    for rule in body.inbound_rules:
        _check_targets(account, rule.sources)
    for rule in body.outbound_rules:
        _check_targets(account, rule.destinations)
    _check_number(inbound, outbound)
    return inbound, outbound


def _shown(body: Rules) -> tuple[list[Json], list[Json]]:
    """Return rules as they are shown, whether or not what they name exists."""
    if not body.inbound_rules and not body.outbound_rules:
        raise NO_RULES.refusal()
    inbound = [{**_traffic(rule), "sources": rule.sources.named()} for rule in body.inbound_rules]
    outbound = [
        {**_traffic(rule), "destinations": rule.destinations.named()}
        for rule in body.outbound_rules
    ]
    return inbound, outbound


def _check_number(*rules: Sequence[Json]) -> None:
    number = sum(map(len, rules))
    if number > MAX_RULES:
        raise TOO_MANY_RULES.refusal(found=number)


def _traffic(rule: Traffic) -> Json:
    if rule.protocol == "icmp":
        return {"protocol": "icmp", "ports": ALL_PORTS}
    if not rule.ports:
        raise NO_PORTS.refusal()
    return {"protocol": rule.protocol, "ports": ports(rule.ports)}


def ports(text: str) -> str:
    """Return ports as they are shown, or refuse them.

    Source: API reference, `ports`; `all` is what the acceptance tests of the Terraform provider
    send, which reads `0` back.
    """
    if text in {"all", ALL_PORTS}:
        return ALL_PORTS
    match = re.fullmatch(r"([0-9]{1,5})(?:-([0-9]{1,5}))?", text)
    if match is None:
        raise INVALID_PORTS.refusal(found=text)
    low = int(match[1])
    high = int(match[2]) if match[2] else low
    if not 1 <= low <= high <= MAX_PORT:
        raise INVALID_PORTS.refusal(found=text)
    return text


def _check_targets(account: Account, targets: Targets) -> None:
    if targets.count() > MAX_TARGETS:
        raise TOO_MANY_TARGETS.refusal(found=targets.count())
    for address in targets.addresses:
        try:
            ip_network(address, strict=False)
        except ValueError as fault:
            raise INVALID_ADDRESS.refusal(found=address) from fault
    _check_exist("droplet_ids", targets.droplet_ids, account.droplets)
    _check_exist("tags", targets.tags, account.tags)
    _check_exist("load_balancer_uids", targets.load_balancer_uids, {})
    _check_exist("kubernetes_ids", targets.kubernetes_ids, {})
