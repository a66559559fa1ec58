"""The addresses that the cloud gives out, from ranges reserved for documentation and private use.

An address that was given back is given out again only when all others were used: a record that
still points to a destroyed Droplet must not by chance point to the next one. DigitalOcean promises
no such thing.
"""

from collections import deque
from ipaddress import IPv4Network, IPv6Network
from typing import Final

PUBLIC_IPV4: Final = ("198.51.100.0/24", "203.0.113.0/24", "192.0.2.0/24")
"""Source: RFC 5737."""

IPV4: Final = 4

FIRST_HOST: Final = 2
"""The place in its network of the first address that is given out, after the gateway's."""

_DROPLETS: Final = "2001:db8:d0:{number:x}::/64"
_RESERVED: Final = "2001:db8:d1:{number:x}::/64"
"""Of every region. Source: RFC 3849."""


class Pool:
    """The host addresses of some networks, but each network's first, which is its gateway."""

    def __init__(self, *networks: IPv4Network | IPv6Network) -> None:
        """Have the addresses of the networks, in this order."""
        self._networks = networks
        self._given = 0
        self._returned: deque[str] = deque()

    def take(self) -> str:
        """Return an address that nobody has.

        Raises:
            IndexError: There is none; the limits of the account keep it from coming to that.
        """
        number = self._given
        for network in self._networks:
            size = _number_of_hosts(network)
            if number < size:
                self._given += 1
                return str(network.network_address + FIRST_HOST + number)
            number -= size
        return self._returned.popleft()

    def give_back(self, address: str) -> None:
        """Have an address again."""
        self._returned.append(address)


def _number_of_hosts(network: IPv4Network | IPv6Network) -> int:
    """Return how many addresses a network has for hosts; IPv6 knows no broadcast address."""
    return network.num_addresses - FIRST_HOST - (network.version == IPV4)


def public_ipv4() -> Pool:
    """Return the pool of all Droplets' public IPv4 addresses."""
    return Pool(*map(IPv4Network, PUBLIC_IPV4))


def droplet_ipv6(number: int) -> IPv6Network:
    """Return the network of the Droplets of a region, by the region's number."""
    return IPv6Network(_DROPLETS.format(number=number))


def reserved_ipv6(number: int) -> IPv6Network:
    """Return the network of the reserved IPv6 addresses of a region, by the region's number."""
    return IPv6Network(_RESERVED.format(number=number))


def gateway(network: IPv4Network | IPv6Network) -> str:
    """Return the address of a network's router."""
    return str(network.network_address + 1)
