"""A proxy should have a firewall that lets the world in where it serves, and nowhere else.

A droplet without a firewall has every port open, over both families. A firewall names families
apart: `0.0.0.0/0` is no IPv6 address, so a port that serves IPv6 clients needs `::/0`, and a port
that is closed to one family may be open to the other. ICMP stays open: without it IPv6 loses what
tells it how large a packet may be.

Source: DigitalOcean documentation, "How to Configure Firewall Rules"; RFC 4890, section 4.3.1.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated

from pydantic import Field

from policies.digitalocean import DROPLET, FIREWALL
from policies.model import (
    UNKNOWN,
    Around,
    Finding,
    JudgedStack,
    Place,
    Rule,
    RuleOptions,
    Value,
    show,
)

REMEDY = (
    "Put the droplet into a firewall's dropletIds or tags, and open only the ports it serves to "
    "0.0.0.0/0 and ::/0."
)
WORLD = ("0.0.0.0/0", "::/0")


class ProxyFirewalled(RuleOptions):
    """What a user may set about `proxy-firewalled`."""

    ports: Annotated[
        tuple[str, ...],
        Field(
            strict=False,
            description="The ports that may be open to the world, as the firewall has them.",
        ),
    ] = ("80", "443")


def check(place: Place) -> Iterator[Finding]:
    """Yield a finding for a droplet without a firewall, or a firewall that is too open."""
    if place.around.resource.type in FIREWALL:
        yield from _firewall(place)
    elif not _covered(place):
        unsure = any(
            firewall.get("dropletIds").unknown for firewall in _firewalls(place.around.stack)
        )
        place_of_id = Place("firewall", None, place.around)
        yield place_of_id.finding("one that has this droplet", REMEDY, certain=not unsure)


def _firewall(firewall: Place) -> Iterator[Finding]:
    ports = firewall.options(ProxyFirewalled).ports
    rules = firewall.get("inboundRules")
    if rules.unknown:
        yield rules.finding("a list of rules", "Write the rules out in the program.")
        return
    for rule in rules.items():
        sources = [source.value for source in rule.get("sourceAddresses").items()]
        if rule.get("protocol").value == "icmp" or rule.get("action").value == "deny":
            continue
        port = rule.get("portRange")
        opened = [world for world in WORLD if world in sources]
        unsure = UNKNOWN in sources
        if (opened or unsure) and port.value not in ports:
            yield port.finding(
                f"one of {', '.join(ports)} where the sources are the world",
                "Name the addresses that may connect, or serve on another port.",
                shown=f"{show(port.value)} for {' and '.join(opened) or 'sources not known'}",
                certain=bool(opened),
            )
        elif opened == [WORLD[0]]:
            yield rule.get("sourceAddresses").finding(
                f"{show(list(WORLD))}, which is both families",
                'Add "::/0": 0.0.0.0/0 lets no IPv6 client in.',
            )


def _covered(droplet: Place) -> bool:
    """Say whether a firewall of the stack has a droplet, by its id or by a tag."""
    ids, tags = _members(droplet.around.stack)
    own: list[Value] = [droplet.get("id").value, droplet.around.resource.urn]
    return any(_text(value) in ids for value in own if value is not UNKNOWN) or any(
        tag.value in tags for tag in droplet.get("tags").items() if isinstance(tag.value, str)
    )


def _text(value: Value) -> str:
    """Return an id as text; the firewall has numbers where the droplet has text."""
    return str(int(value)) if isinstance(value, float) else str(value)


@lru_cache(maxsize=1)
def _firewalls(stack: JudgedStack) -> list[Place]:
    return [Around(resource, stack).place() for resource in stack.of(FIREWALL)]


@lru_cache(maxsize=1)
def _members(stack: JudgedStack) -> tuple[frozenset[str], frozenset[str]]:
    """Return the ids and URNs of droplets, and the tags, that firewalls of the stack have."""
    ids: set[str] = set()
    tags: set[str] = set()
    for firewall in _firewalls(stack):
        droplets = firewall.get("dropletIds")
        ids.update(_text(item.value) for item in droplets.items() if not item.unknown)
        ids.update(source.urn for source in droplets.dependencies())
        tags.update(tag.value for tag in firewall.get("tags").items() if isinstance(tag.value, str))
    return frozenset(ids), frozenset(tags)


RULE = Rule(
    name="proxy-firewalled",
    text=__doc__,
    url="https://docs.digitalocean.com/products/networking/firewalls/how-to/configure-rules/",
    severity="high",
    remedy=REMEDY,
    resource_types=DROPLET | FIREWALL,
    check=check,
    stack=True,
    options=ProxyFirewalled,
)
