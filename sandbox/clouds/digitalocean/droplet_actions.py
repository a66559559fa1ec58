"""What is done to a Droplet: each thing is an action that takes a while."""

from functools import partial

from sandbox.clouds.digitalocean import addresses
from sandbox.clouds.digitalocean.state import Action, Effect, LocalAccount, LocalDroplet


def create(account: LocalAccount, droplet: LocalDroplet) -> Action:
    """Begin to create a Droplet."""
    return _begin(account, droplet, "create", partial(_booted, droplet))


def destroy(account: LocalAccount, droplet: LocalDroplet) -> None:
    """Begin to destroy a Droplet, unless that has begun."""
    if not any(action.type == "destroy" for action in droplet.actions):
        _begin(account, droplet, "destroy", partial(_gone, droplet))


def _begin(account: LocalAccount, droplet: LocalDroplet, kind: str, effect: Effect) -> Action:
    action = account.begin(
        kind, "droplet", droplet.id, droplet.region.slug, partial(_unless_gone, droplet, effect)
    )
    droplet.actions.append(action)
    return action


def _unless_gone(droplet: LocalDroplet, effect: Effect, account: LocalAccount) -> bool:
    return droplet.id in account.droplets and effect(account)


def _booted(droplet: LocalDroplet, account: LocalAccount) -> bool:
    droplet.public_ipv4 = account.public_ipv4.take()
    droplet.status = "active"
    if "ipv6" in droplet.features:
        droplet.ipv6 = account.pool(addresses.droplet_ipv6(droplet.region.number)).take()
    return True


def _gone(droplet: LocalDroplet, account: LocalAccount) -> bool:
    del account.droplets[droplet.id]
    for tag in account.tags.values():
        tag.droplets = [number for number in tag.droplets if number != droplet.id]
    for firewall in account.firewalls.values():
        firewall.droplets = [number for number in firewall.droplets if number != droplet.id]
    for reserved in account.reserved.values():
        if reserved.droplet is droplet:
            reserved.droplet = None
    droplet.vpc.pool.give_back(droplet.private_ipv4)
    if droplet.public_ipv4:
        account.public_ipv4.give_back(droplet.public_ipv4)
    if droplet.ipv6:
        network = addresses.droplet_ipv6(droplet.region.number)
        account.pool(network).give_back(droplet.ipv6)
    return True
