"""A pool of IPv6 proxies on DigitalOcean: droplets, the addresses users know, and what guards them.

What runs on a droplet is text, and made in `components.proxy`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NotRequired, TypedDict

import pulumi
import pulumi_digitalocean as digitalocean

from components import places
from components.facts import HEALTH_CHECKERS
from components.proxy.alerts import ALERTS, alert_description
from components.proxy.nginx import CAPACITY_PORT
from components.proxy.plan import Node
from components.proxy_address import Address
from components.readiness import (
    MOVE_SECONDS,
    PAUSE_SECONDS,
    WaitingTools,
    deadline,
    real_world,
    wait_until_serving,
)
from components.settings import Proxies

_EVERYBODY: Final = ["::/0"]
_ANYWHERE: Final = ["0.0.0.0/0", "::/0"]


class ProxyPoolArgs(TypedDict):
    """What a pool is made of."""

    pool: Proxies
    """The settings."""
    nodes: Sequence[Node]
    """The proxies, as `plan` returns them."""
    protect: NotRequired[bool]
    """Whether the reserved addresses refuse to be deleted. Default: true."""
    watched: NotRequired[bool]
    """Whether health checks may ask each proxy if it has room. Default: false."""


class ProxyPool(pulumi.ComponentResource):
    """Droplets that take IPv6 connections and pass them to the load balancer untouched.

    It creates a tag, a firewall for whatever carries the tag, a VPC in each region, and for each
    proxy a droplet, a reserved IPv6 address and the assignment of the one to the other; with e-mail
    addresses to tell, alert policies too.

    **How a proxy is replaced.** A new image, size or configuration makes a new droplet while the
    old one serves. When the new one serves too, the address is moved to it, and at the very end the
    old droplet is deleted. Addresses move one after the other, in the order of the pool, and each
    only when the one that moved before is served from where it went. The last is waited for too,
    before the old droplets are deleted. What users notice: connections through
    the old droplet end, and for the ten seconds or so that the new one needs to see that the
    address is its own, new ones are refused or time out.

    A droplet that does not come to serve stops the deployment before its address is moved. The pool
    goes on serving from the old ones, and the next `pulumi up` goes on from there.

    **How a proxy is added.** Its record is made when its address is served.

    **How a proxy is removed.** See `components.departure`.

    The droplets are never protected, because replacing them is how they change. The addresses are:
    they are in DNS, and in the allow lists of others.

    Source: DigitalOcean, 'Reserved IPs'; terraform-provider-digitalocean,
    `resource_reserved_ipv6_assignment.go`: deleting an assignment leaves an address alone that was
    assigned to another droplet since.
    """

    addresses: list[Address]
    """Where users reach the proxies, in the order of the pool."""

    def __init__(
        self, name: str, args: ProxyPoolArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Create the pool."""
        super().__init__("dualstack:index:ProxyPool", name, None, opts)
        self._name = name
        self._pool = args["pool"]
        self._child = pulumi.ResourceOptions(parent=self)
        # Names are the account's: two stacks with the same tag would share their firewalls.
        self._label = places.label(pulumi.get_project(), pulumi.get_stack(), name)
        self._tag = digitalocean.Tag(f"{name}-tag", name=self._label, opts=self._child)
        firewall = self._firewall(watched=args.get("watched", False))
        self._alerts()
        regions = dict.fromkeys(node.region for node in args["nodes"])
        vpcs = {region: self._vpc(region) for region in regions}
        self.addresses = []
        self._moved: Address | None = None
        for node in args["nodes"]:
            droplet = self._droplet(node, vpcs[node.region], firewall)
            self._address(node, droplet, protect=args.get("protect", True))
        self._wait_for_the_last()
        self._state_capacity()
        self.register_outputs({"addresses": [address.ip for address in self.addresses]})

    def _state_capacity(self) -> None:
        count, each = self._pool.node_count, self._pool.connections
        pulumi.log.info(
            f"The pool of {count} holds {count * each:,} connections, and "
            f"{(count - 1) * each:,} while one is away.",
            self,
        )

    def _firewall(self, *, watched: bool) -> digitalocean.Firewall:
        """Open what is served, and what the droplets themselves need.

        Out: DNS to anywhere, because the resolver asks the name servers themselves; HTTP and HTTPS
        for Debian's packages; the time; and the load balancer's ports. The metadata service is
        link-local, which cloud firewalls leave alone.
        """
        served = [
            digitalocean.FirewallInboundRuleArgs(
                protocol="tcp", port_range=str(port), source_addresses=_EVERYBODY
            )
            for port in self._pool.ports
        ]
        if self._pool.ssh_keys and self._pool.ssh_source_ranges:
            served.append(
                digitalocean.FirewallInboundRuleArgs(
                    protocol="tcp",
                    port_range="22",
                    source_addresses=list(self._pool.ssh_source_ranges),
                )
            )
        if watched:
            served.append(
                digitalocean.FirewallInboundRuleArgs(
                    protocol="tcp",
                    port_range=str(CAPACITY_PORT),
                    source_addresses=list(HEALTH_CHECKERS),
                )
            )
        # Path MTU discovery depends on ICMPv6, and a path with a smaller MTU than Ethernet's is
        # common in IPv6.
        served.append(
            digitalocean.FirewallInboundRuleArgs(protocol="icmp", source_addresses=_EVERYBODY)
        )
        out = [("udp", 53), ("udp", 123)]
        out += [("tcp", port) for port in sorted({53, 80, 443, *self._pool.ports})]
        return digitalocean.Firewall(
            f"{self._name}-firewall",
            name=self._label,
            tags=[self._tag.name],
            inbound_rules=served,
            outbound_rules=[
                digitalocean.FirewallOutboundRuleArgs(
                    protocol=protocol, port_range=str(port), destination_addresses=_ANYWHERE
                )
                for protocol, port in out
            ]
            + [
                digitalocean.FirewallOutboundRuleArgs(
                    protocol="icmp", destination_addresses=_ANYWHERE
                )
            ],
            opts=self._child,
        )

    def _alerts(self) -> None:
        if not self._pool.alert_emails:
            return
        for what, metric, percent in ALERTS:
            digitalocean.MonitorAlert(
                f"{self._name}-alert-{what}",
                type=metric,
                description=alert_description(self._label, what, percent),
                compare="GreaterThan",
                value=percent,
                window="10m",
                enabled=True,
                tags=[self._tag.name],
                alerts=digitalocean.MonitorAlertAlertsArgs(emails=list(self._pool.alert_emails)),
                opts=self._child,
            )

    def _vpc(self, region: str) -> digitalocean.Vpc:
        return digitalocean.Vpc(
            f"{self._name}-{region}-vpc",
            name=f"{self._label}-{region}",
            region=region,
            opts=self._child,
        )

    def _droplet(
        self, node: Node, vpc: digitalocean.Vpc, firewall: digitalocean.Firewall
    ) -> digitalocean.Droplet:
        return digitalocean.Droplet(
            f"{self._name}-{node.id}",
            name=f"{self._label}-{node.id}",
            region=node.region,
            size=self._pool.size,
            image=self._pool.image,
            ipv6=True,
            monitoring=True,
            # It is there for a console in the browser, and would want port 22 open to it.
            droplet_agent=False,
            ssh_keys=list(self._pool.ssh_keys),
            tags=[self._tag.name],
            vpc_uuid=vpc.id,
            user_data=node.user_data,
            opts=pulumi.ResourceOptions(
                parent=self,
                # Never for a moment without its firewall.
                depends_on=[firewall],
                # A droplet is switched off to be resized, and all of them would be at once.
                replace_on_changes=["size"],
                # One that leaves is not made again for its last minutes.
                ignore_changes=["image", "size", "ssh_keys", "user_data"] if node.leaving else [],
                # Set here, because Pulumi's providers delete first what has a name
                # that was given to it. DigitalOcean does not mind two droplets of one name.
                delete_before_replace=False,
            ),
        )

    def _address(self, node: Node, droplet: digitalocean.Droplet, *, protect: bool) -> None:
        reserved = digitalocean.ReservedIpv6(
            f"{self._name}-{node.id}-address",
            region_slug=node.region,
            opts=pulumi.ResourceOptions(parent=self, protect=protect),
        )
        assignment = digitalocean.ReservedIpv6Assignment(
            f"{self._name}-{node.id}-assignment",
            ip=reserved.ip,
            droplet_id=droplet.id.apply(int),
            opts=pulumi.ResourceOptions(
                parent=self,
                # One after the other, so that a bad change is noticed at the first, and so that
                # never two of them are on their way.
                depends_on=[address.serving for address in self.addresses[-1:]],
                hooks=self._wait_for(node, droplet),
            ),
        )
        self.addresses.append(
            Address(node.id, reserved.ip, assignment, self._before_users(node), node.leaving)
        )

    def _wait_for(
        self, node: Node, droplet: digitalocean.Droplet
    ) -> pulumi.ResourceHookBinding | None:
        """Return what keeps the engine from moving an address too early.

        That is before the address that moved last is served where it is now, because a droplet
        needs some seconds to see that one is its own, and before this one's droplet serves.
        """
        if self._pool.ready_seconds == 0:
            return None
        place = len(self.addresses)

        async def wait(_: pulumi.ResourceHookArgs) -> None:
            await self._see_the_moved_served()
            # Both are known: the assignment depends on the droplet.
            own, created = await droplet.ipv6_address.future(), await droplet.created_at.future()
            until = deadline(created or "", self._pool.ready_seconds)
            await self._see_served(node.id, own or "", until)
            self._moved = self.addresses[place]

        return pulumi.ResourceHookBinding(before_create=[wait])

    def _before_users(self, node: Node) -> pulumi.ResourceHookBinding | None:
        """Return what keeps the engine from sending users to an address before it is served."""
        if self._pool.ready_seconds == 0:
            return None
        place = len(self.addresses)

        async def wait(_: pulumi.ResourceHookArgs) -> None:
            # Known: the record depends on the assignment.
            ip = await self.addresses[place].ip.future()
            until = self._world().now() + timedelta(seconds=MOVE_SECONDS)
            await self._see_served(node.id, ip or "", until)

        return pulumi.ResourceHookBinding(before_create=[wait])

    def _wait_for_the_last(self) -> None:
        """Keep the program from ending before the last address that moved is served.

        When it ends, the engine deletes the droplets that served before.
        """

        async def wait(_: Any) -> None:
            await self._see_the_moved_served()

        assignments = [address.serving.urn for address in self.addresses]
        pulumi.Output.all(*assignments).apply(wait)

    async def _see_the_moved_served(self) -> None:
        """Return when the address that moved last in this deployment is served where it is now."""
        moved, self._moved = self._moved, None
        if moved is None:
            return
        # Until its route has changed everywhere, the old droplet still answers there.
        world = self._world()
        await world.sleep(PAUSE_SECONDS)
        until = world.now() + timedelta(seconds=MOVE_SECONDS)
        await self._see_served(moved.node, await moved.ip.future() or "", until)

    async def _see_served(self, node: str, address: str, until: datetime) -> None:
        untested = self._pool.when_untestable == "wait"
        await wait_until_serving(
            node, address, self._pool.ports, until, self._world(), wait_untested=untested
        )

    def _world(self) -> WaitingTools:
        return real_world(
            lambda words: pulumi.log.info(words, self),
            lambda words: pulumi.log.warn(words, self),
        )
