"""Waiting until a droplet serves, before its pool's address is moved to it.

DigitalOcean says that a droplet is active a minute after it was ordered. That is when its kernel
boots; nginx serves some minutes later, after Debian was upgraded and packages were installed. An
address that moved in between would lead to nobody, and where a change replaces all droplets, so
would all addresses, while the health checks still believe in them.

So the engine is made to wait, by a hook that it calls before it creates the assignment. It is
answered by connecting to the droplet's own IPv6 address, the way users will come.
"""

import asyncio
import errno
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from components.errors import FaultsError
from components.faults import Fault

PAUSE_SECONDS: Final = 5
"""How long to wait between two attempts, and for the answer of each."""

MOVE_SECONDS: Final = 60
"""How long an address that was moved is given to be served. A droplet looks every ten seconds
whether it has one; this is for some looks that fail."""

Answer = Literal["yes", "no", "unknown"]

_STOPPED: Final = "The addresses that did not move yet were left where they are"

_NOT_ALLOWED: Final = frozenset({errno.EPERM, errno.EACCES})
"""What a connection fails with that a firewall of this machine forbids."""


class NotServingError(FaultsError):
    """A new droplet does not serve; its address stays where it is."""


@dataclass(frozen=True)
class WaitingTools:
    """What waiting needs of the world."""

    connect: Callable[[str, int], Awaitable[Any]]
    """Opens a TCP connection to an address and port and closes it."""
    has_way: Callable[[str], bool]
    """Says whether this machine has an address and a route with which to reach another address."""
    now: Callable[[], datetime]
    """Tells the time, in UTC."""
    sleep: Callable[[float], Awaitable[None]]
    """Lets seconds go by."""
    say: Callable[[str], None]
    """Tells the user what goes on."""
    warn: Callable[[str], None]
    """Tells the user what is not as it should be."""


async def _connect(address: str, port: int) -> None:
    _, writer = await asyncio.wait_for(asyncio.open_connection(address, port), PAUSE_SECONDS)
    writer.close()


def _has_way(address: str) -> bool:
    """Ask the kernel, which chooses route and source address when a UDP socket is connected.

    Nothing is sent. What a TCP connection fails with does not tell: a router on the way that knows
    no route gives the same error as a machine that has none itself.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 1))
    except OSError:
        return False
    return True


def real_world(say: Callable[[str], None], warn: Callable[[str], None]) -> WaitingTools:
    """Return the network, the clock and two ways to tell the user."""
    return WaitingTools(_connect, _has_way, lambda: datetime.now(UTC), asyncio.sleep, say, warn)


async def wait_until_serving(
    node: str,
    address: str,
    ports: Sequence[int],
    deadline: datetime,
    world: WaitingTools,
    *,
    wait_untested: bool = False,
) -> None:
    """Return once a droplet serves every port.

    Args:
        node: What to call the droplet.
        address: Its own IPv6 address, or the reserved one that was moved to it.
        ports: The ports to try.
        deadline: When to give up.
        world: The network, the clock and the user.
        wait_untested: What to do on a machine that has no IPv6 and so cannot tell. True: wait until
            the deadline, by which a droplet that can serve does, say so, and return.

    Raises:
        NotServingError: It did not serve by the deadline, or this machine cannot tell.
    """
    answer = await _ask(address, ports, world)
    if answer == "unknown" and not wait_untested:
        fault = Fault(
            f"Proxy {node} at {address}",
            "not testable from this machine, which has no IPv6",
            "a droplet that was seen to serve before its address is moved to it",
            "Deploy from a machine with IPv6, which goes on from here, or set "
            "proxy.whenUntestable to wait to have the address moved after proxy.readySeconds, "
            "unseen.",
        )
        raise NotServingError(_STOPPED, [fault])
    if answer != "yes" and world.now() < deadline:
        until = f"{deadline:%H:%M:%S} UTC"
        world.say(f"Proxy {node} does not serve at {address} yet; waiting until {until} at most.")
    while answer != "yes" and world.now() < deadline:
        await world.sleep(PAUSE_SECONDS)
        answer = await _ask(address, ports, world)
    if answer == "unknown":
        world.warn(
            f"This machine has no IPv6, so nobody knows whether proxy {node} serves at {address} "
            "yet. It was given its time and, as proxy.whenUntestable says, is now taken to."
        )
    elif answer == "no":
        fault = Fault(
            f"Proxy {node} at {address}",
            f"not serving port {_words(ports)}",
            f"a droplet that answers there by {deadline:%H:%M:%S} UTC",
            "Look at /var/log/cloud-init-output.log on it, then repeat pulumi up; to have a new "
            "droplet made, use pulumi up --replace with its URN.",
        )
        raise NotServingError(_STOPPED, [fault])


def deadline(created: str, seconds: int) -> datetime:
    """Return when a droplet has to serve.

    Args:
        created: When it was created, as DigitalOcean writes it: ISO 8601.
        seconds: How long it is given.
    """
    return datetime.fromisoformat(created) + timedelta(seconds=seconds)


async def _ask(address: str, ports: Sequence[int], world: WaitingTools) -> Answer:
    for port in ports:
        try:
            await world.connect(address, port)
        except (OSError, TimeoutError) as error:
            forbidden = getattr(error, "errno", None) in _NOT_ALLOWED
            return "unknown" if forbidden or not world.has_way(address) else "no"
    return "yes"


def _words(ports: Sequence[int]) -> str:
    return " or ".join(map(str, ports))
