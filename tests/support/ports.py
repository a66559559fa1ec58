"""One port at several addresses, on a machine where other tests listen too.

    listeners = bound_at_one_port("127.0.0.1", "::1")
    server = await asyncio.start_server(answer, sock=listeners[0])

The kernel chooses a port for one address only, and at the next address another test may have that
port. So each address is bound before anything is served; where one is taken, another port is tried.
"""

import errno
import socket
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Final

TRIES: Final = 100
"""How many ports are tried. One in some thousand is taken."""


def bound_at_one_port(
    *addresses: str, kinds: Sequence[socket.SocketKind] = (socket.SOCK_STREAM,)
) -> list[socket.socket]:
    """Return sockets that are bound to one port, in the order of the addresses.

    Nobody else gets the port at these addresses while they are open.

    Args:
        addresses: IPv4 and IPv6 addresses of this host.
        kinds: The kinds of socket that each address gets, in this order.

    Raises:
        OSError: An address cannot be bound, or each port that was tried is taken at one of them.
    """
    taken: OSError | None = None
    for _ in range(TRIES):
        try:
            return _bound(addresses, kinds)
        except OSError as fault:
            if fault.errno != errno.EADDRINUSE:
                raise
            taken = fault
    raise OSError(
        errno.EADDRINUSE, f"{TRIES} ports are tried; none is free at all of {', '.join(addresses)}"
    ) from taken


def _bound(addresses: Sequence[str], kinds: Sequence[socket.SocketKind]) -> list[socket.socket]:
    bound: list[socket.socket] = []
    with ExitStack() as opened:
        for address in addresses:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            for kind in kinds:
                one = opened.enter_context(socket.socket(family, kind))
                # No SO_REUSEADDR: two that have it may have one port as long as neither listens.
                one.bind((address, bound[0].getsockname()[1] if bound else 0))
                bound.append(one)
        opened.pop_all()
    return bound


def port_of(listener: socket.socket) -> int:
    """Return the port that a socket is bound to."""
    return int(listener.getsockname()[1])
