"""Cloud firewalls: rules, and the Droplets and tags that they hold for."""

import re
from collections.abc import Container, Iterable
from ipaddress import ip_network
from typing import Annotated, Final, Literal, TypeVar

from pydantic import BeforeValidator, ConfigDict, Field

from sandbox.clouds.digitalocean import routes
from sandbox.clouds.digitalocean.state import Json, LocalAccount, LocalFirewall, PendingChange, iso
from sandbox.clouds.digitalocean.wire import REASONS, reasons

ROUTES = routes.Table()

NAME: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9.\-]+")
"""Source: API reference, `firewall.name`."""

MAX_RULES: Final = 50
MAX_TARGETS: Final = 1000
"""Source: 'Firewalls Limits'."""

ALL_PORTS: Final = "0"
"""How all ports are written. Source: API reference, `ports`."""

MAX_PORT: Final = 65535

LIMITS = "'Firewalls Limits'"

WHOLE_REASONS: Final = (
    *reasons("INVALID_FIREWALL_NAME", "FIREWALL_NAME_IN_USE", "NO_RULES", "NO_PORTS"),
    *reasons("INVALID_PORTS", "INVALID_ADDRESS", "UNKNOWN_TARGET", "TOO_MANY_RULES"),
    *reasons("TOO_MANY_TARGETS"),
)

Item = TypeVar("Item")
Strings = Annotated[list[str], BeforeValidator(routes.listed)]
Numbers = Annotated[list[int], BeforeValidator(routes.listed)]


class Targets(routes.Body):
    """Where traffic may come from, or go to.

    Droplets, tags, load balancers and clusters are refused: a rule that opened for none of them
    what it names would be another rule.
    """

    model_config = ConfigDict(extra="forbid")

    addresses: Strings = Field(default_factory=list[str])

    def named(self) -> Json:
        """Return the addresses as the API shows them, which leaves an empty list out."""
        return {"addresses": self.addresses} if self.addresses else {}


class FirewallTraffic(routes.Body):
    """What one rule lets through; `ports` may be missing with `icmp`, as godo leaves it out."""

    protocol: Literal["tcp", "udp", "icmp"]
    ports: str = ""


class InboundTraffic(FirewallTraffic):
    """A rule for traffic to the Droplet."""

    sources: Targets


class OutboundTraffic(FirewallTraffic):
    """A rule for traffic from the Droplet."""

    destinations: Targets


class WholeFirewall(routes.Body):
    """All of a firewall."""

    name: str
    inbound_rules: Annotated[list[InboundTraffic], BeforeValidator(routes.listed)] = Field(
        default_factory=list[InboundTraffic]
    )
    outbound_rules: Annotated[list[OutboundTraffic], BeforeValidator(routes.listed)] = Field(
        default_factory=list[OutboundTraffic]
    )
    droplet_ids: Numbers = Field(default_factory=list[int])
    tags: Strings = Field(default_factory=list[str])


@ROUTES.add("GET /v2/firewalls", "firewalls_list", "firewall:read")
def list_firewalls(call: routes.ApiCall) -> routes.ApiAnswer:
    """Lists the firewalls."""
    firewalls = list(call.account.firewalls.values())
    return call.page("firewalls", firewalls, lambda firewall: view(call.account, firewall))


@ROUTES.add("POST /v2/firewalls", "firewalls_create", "firewall:create", refuses=WHOLE_REASONS)
def create_firewall(call: routes.ApiCall) -> routes.ApiAnswer:
    """Accepts a firewall.

    If it holds for Droplets it is `waiting`, with them in `pending_changes`, as long as an action
    takes; then it is `succeeded`. All ports, `0` or `all`, are shown as `0`.
    """
    body = call.body(WholeFirewall)
    inbound, outbound = _check_whole(call.account, body, None)
    firewall = LocalFirewall(
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
    return routes.accepted(firewall=view(call.account, firewall))


@ROUTES.add("GET /v2/firewalls/<firewall_id>", "firewalls_get", "firewall:read")
def get_firewall(call: routes.ApiCall) -> routes.ApiAnswer:
    """Shows a firewall."""
    return routes.ok(firewall=view(call.account, call.the(call.account.firewalls, "firewall_id")))


@ROUTES.add(
    "PUT /v2/firewalls/<firewall_id>",
    "firewalls_update",
    "firewall:update",
    refuses=WHOLE_REASONS,
)
def update_firewall(call: routes.ApiCall) -> routes.ApiAnswer:
    """Replaces all of a firewall; what is left out is emptied."""
    firewall, body = call.the(call.account.firewalls, "firewall_id"), call.body(WholeFirewall)
    inbound, outbound = _check_whole(call.account, body, firewall)
    before = _covered(call.account, firewall)
    firewall.name = body.name
    firewall.inbound, firewall.outbound = inbound, outbound
    firewall.droplets, firewall.tags = _unique(body.droplet_ids), _unique(body.tags)
    _apply(call.account, firewall, before)
    return routes.ok(firewall=view(call.account, firewall))


@ROUTES.add("DELETE /v2/firewalls/<firewall_id>", "firewalls_delete", "firewall:delete")
def delete_firewall(call: routes.ApiCall) -> routes.ApiAnswer:
    """Deletes a firewall, at once."""
    del call.account.firewalls[call.the(call.account.firewalls, "firewall_id").id]
    return routes.NO_CONTENT


def view(account: LocalAccount, firewall: LocalFirewall) -> Json:
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


def _unique(items: Iterable[Item]) -> list[Item]:
    return list(dict.fromkeys(items))


def _covered(account: LocalAccount, firewall: LocalFirewall) -> set[int]:
    """Return the Droplets that a firewall holds for."""
    tagged = {
        number
        for name in firewall.tags
        if name in account.tags
        for number in account.tags[name].droplets
    }
    return {*firewall.droplets, *tagged}


def _apply(account: LocalAccount, firewall: LocalFirewall, before: set[int]) -> None:
    """Begin to apply a firewall to its Droplets, and to remove it from those it had before."""
    ends = account.clock() + account.settings.action_seconds
    after = _covered(account, firewall)
    firewall.changes = [
        *(PendingChange(number, removing=False, ends=ends) for number in sorted(after)),
        *(PendingChange(number, removing=True, ends=ends) for number in sorted(before - after)),
    ]


def _check_whole(
    account: LocalAccount, body: WholeFirewall, mine: LocalFirewall | None
) -> tuple[list[Json], list[Json]]:
    """Return the inbound and outbound rules of a firewall as they are shown, or refuse it."""
    if not NAME.fullmatch(body.name):
        raise REASONS["INVALID_FIREWALL_NAME"].refusal(value=body.name)
    for firewall in account.firewalls.values():
        if firewall.name == body.name and firewall is not mine:
            raise REASONS["FIREWALL_NAME_IN_USE"].refusal()
    rules = _checked_rules(body)
    _check_exist("droplet_ids", body.droplet_ids, account.droplets)
    _check_exist("tags", body.tags, account.tags)
    return rules


def _check_exist(
    kind: str, named: Iterable[int] | Iterable[str], existing: Container[int | str]
) -> None:
    unknown = [str(name) for name in named if name not in existing]
    if unknown:
        raise REASONS["UNKNOWN_TARGET"].refusal(kind=kind, value=", ".join(unknown))


def _checked_rules(body: WholeFirewall) -> tuple[list[Json], list[Json]]:
    if not body.inbound_rules and not body.outbound_rules:
        raise REASONS["NO_RULES"].refusal()
    inbound = [{**_traffic(rule), "sources": rule.sources.named()} for rule in body.inbound_rules]
    outbound = [
        {**_traffic(rule), "destinations": rule.destinations.named()}
        for rule in body.outbound_rules
    ]
    for rule in body.inbound_rules:
        _check_targets(rule.sources)
    for rule in body.outbound_rules:
        _check_targets(rule.destinations)
    number = len(inbound) + len(outbound)
    if number > MAX_RULES:
        raise REASONS["TOO_MANY_RULES"].refusal(value=number)
    return inbound, outbound


def _traffic(rule: FirewallTraffic) -> Json:
    if rule.protocol == "icmp":
        return {"protocol": "icmp", "ports": ALL_PORTS}
    if not rule.ports:
        raise REASONS["NO_PORTS"].refusal()
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
        raise REASONS["INVALID_PORTS"].refusal(value=text)
    low = int(match[1])
    high = int(match[2]) if match[2] else low
    if not 1 <= low <= high <= MAX_PORT:
        raise REASONS["INVALID_PORTS"].refusal(value=text)
    return text


def _check_targets(targets: Targets) -> None:
    if len(targets.addresses) > MAX_TARGETS:
        raise REASONS["TOO_MANY_TARGETS"].refusal(value=len(targets.addresses))
    for address in targets.addresses:
        try:
            ip_network(address, strict=False)
        except ValueError as fault:
            raise REASONS["INVALID_ADDRESS"].refusal(value=address) from fault
