"""An operator's machine on the lab's network: the engine and the verbs see what was deployed.

It is this thread, in a network of its own that hangs on the lab's router, as the lab's hosts do.
The clouds, which are started in it, are on its loopback.
"""

import subprocess
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from sandbox.lab.lab import Lab
from sandbox.lab.lab_host import MAC, ROUTER
from sandbox.lab.plan.addresses import RESOLVER_ADDRESSES
from support.namespaces import own_network
from support.scene import Scene, opened, prepared

_NAMED = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'


@contextmanager
def on_the_network(folder: Path) -> Generator[Scene]:
    """Open a lab of clouds that nothing was deployed to, and connect this thread to it.

    Args:
        folder: Where everything is written.
    """
    with (
        own_network(),
        prepared(folder) as stack_and_clouds,
        opened(stack_and_clouds, folder) as scene,
    ):
        scene.lab.settle()
        _connect(scene.lab)
        yield scene


def resolving(scene: Scene, *command: str) -> list[str]:
    """Return a command that runs another one with the resolver of the lab's clients."""
    names = scene.folder / "operator-resolv.conf"
    names.write_text(f"nameserver {RESOLVER_ADDRESSES[1]}\n")
    return ["unshare", "--mount", "sh", "-c", _NAMED, str(names), *command]


def _connect(lab: Lab) -> None:
    """Lay a cable from the lab's router to this thread's network, such as the lab's own hosts have.

    Nobody asks for neighbours on it: the router would answer for whoever is behind.
    """
    router = ["nsenter", "--target", str(lab.hosts[ROUTER].pid), "--net", "--", "ip"]
    here = str(threading.get_native_id())
    end = ["address", MAC, "arp", "off"]
    for command in (
        [
            *(*router, "link", "add", "operator", *end, "type", "veth"),
            *("peer", "name", "lab", *end, "netns", here),
        ],
        [*router, "address", "add", "2001:db8:b::1/64", "dev", "operator", "nodad"],
        [*router, "link", "set", "operator", "up"],
        ["ip", "address", "add", "2001:db8:b::2/64", "dev", "lab", "nodad"],
        ["ip", "link", "set", "lab", "up"],
        ["ip", "-6", "route", "add", "default", "via", "2001:db8:b::1"],
    ):
        subprocess.run(command, check=True)
