"""A walk through a small network, run in namespaces of its own: prints what it met as JSON."""

import asyncio
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from sandbox.lab.lab_host import LabHost
from sandbox.lab.network import LabNetwork, NetworkError

BOTH = LabHost("both", "", ("198.18.2.2/32", "2001:db8:c::2/128"), resolvers=("198.18.3.2",))
ONLY4 = LabHost("only4", "", ("198.18.2.1/32",))
ONLY6 = LabHost("only6", "", ("2001:db8:c::3/128",))
RESERVED = "2001:db8:d1::2"
ONE = LabHost(
    "one", "", ("2001:db8:d0:a::2/64",), ("2001:db8:d0:a::1",), routed=(f"{RESERVED}/128",)
)
OTHER = replace(ONE, name="other", addresses=("2001:db8:d0:a::3/64",), routed=())
WHOLE = ("-M", "do", "-s", "1400")
FILTER = """table inet lab {
  chain x {
    type filter hook forward priority 0
    ip daddr 198.18.2.7 drop
  }
}
"""


class Walk:
    """The network, and one who looks around in it."""

    def __init__(self, folder: Path) -> None:
        self.network = LabNetwork(folder)

    async def run(self, host: str, *command: str) -> tuple[int | None, str]:
        """Return how a command on a host ended and what it said."""
        process = await asyncio.create_subprocess_exec(
            *self.network.inside(host, *command),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await process.communicate()
        return process.returncode, out.decode()

    async def reaches(self, host: str, address: str, *more: str) -> bool:
        """Return whether a host is answered by an address."""
        code, _ = await self.run(host, "ping", "-c", "1", "-W", "1", *more, address)
        return code == 0


async def main(folder: Path) -> dict[str, Any]:
    """Return what was met."""
    report: dict[str, Any] = {}
    walk = Walk(folder)
    network = walk.network
    await network.apply([BOTH, ONLY4, ONLY6, ONE, OTHER], "")
    for name in ("one", "other"):
        await walk.run(name, "ip", "addr", "add", f"{RESERVED}/128", "dev", "lo")
    report["both families"] = [
        await walk.reaches("both", "198.18.2.1"),
        await walk.reaches("both", "2001:db8:c::3"),
        await walk.reaches("only4", "198.18.2.2"),
        await walk.reaches("only6", "2001:db8:c::2"),
    ]
    report["IPv4 of an IPv6-only host"] = (await walk.run("only6", "ip", "-4", "route"))[1]
    report["IPv6 of an IPv4-only host"] = (await walk.run("only4", "ip", "-6", "address"))[1]
    report["neighbors of one network"] = await walk.reaches("one", "2001:db8:d0:a::3")
    _, text = await walk.run("both", "cat", "/etc/resolv.conf")
    report["resolv.conf"] = text.splitlines()[0]
    # As a script on a Droplet does: everything leaves with the reserved address, by no gateway.
    await walk.run(
        "one", *("ip", "-6", "route", "replace", "default", "dev", "eth0", "src", RESERVED)
    )
    report["an address without a gateway"] = await walk.reaches("one", "2001:db8:c::2")
    await walk.run("one", "ip", "addr", "del", f"{RESERVED}/128", "dev", "lo")
    report["routed to one that does not have it"] = await walk.reaches("both", RESERVED)
    await network.apply(
        [BOTH, ONLY4, ONLY6, replace(ONE, routed=()), replace(OTHER, routed=ONE.routed)], ""
    )
    report["routed to the other"] = await walk.reaches("both", RESERVED)
    report["a large packet"] = await walk.reaches("both", "198.18.2.1", *WHOLE)
    await network.apply([BOTH, replace(ONLY4, mtu=1300), ONLY6], "")
    _, text = await walk.run("both", "ping", "-c", "1", "-W", "1", *WHOLE, "198.18.2.1")
    report["a packet too large for a link"] = text.splitlines()[1]
    report["hosts"] = sorted(network.pids)
    await network.apply([BOTH, replace(ONLY4, addresses=("198.18.2.7/32",)), ONLY6], FILTER)
    report["filtered"] = await walk.reaches("both", "198.18.2.7")
    try:
        await network.apply([BOTH], "nonsense")
    except NetworkError as fault:
        report["fault"] = "nonsense" in str(fault)
    await network.close()
    report["after close"] = network.pids
    return report


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(Path(sys.argv[1])))))
