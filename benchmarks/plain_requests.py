"""Send plain requests with httpx, as many at once as told; the floor of `verification.py`.

Usage: plain_requests.py CONNECTIONS AT_ONCE SECONDS PATH HOSTNAME@ADDRESS…

Each request has a connection of its own, on the ways in turn. It ends when all are answered and the
seconds are over.
"""

import asyncio
import ssl
import sys

import httpx


async def send(connections: int, at_once: int, seconds: float, path: str, ways: list[str]) -> None:
    """Send them, and wait until they are answered and the time is over."""
    numbers = iter(range(connections))
    # No connection is kept for the next request.
    limits = httpx.Limits(max_keepalive_connections=0)

    async def some(client: httpx.AsyncClient) -> None:
        for number in numbers:
            hostname, address = ways[number % len(ways)].split("@")
            host = f"[{address}]" if ":" in address else address
            answer = await client.get(
                f"https://{host}{path}",
                headers={"Host": hostname},
                extensions={"sni_hostname": hostname},
            )
            answer.raise_for_status()

    trust = ssl.create_default_context()
    async with httpx.AsyncClient(verify=trust, limits=limits, timeout=30) as client:
        await asyncio.gather(asyncio.sleep(seconds), *(some(client) for _ in range(at_once)))


if __name__ == "__main__":
    asyncio.run(
        send(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4], sys.argv[5:])
    )
