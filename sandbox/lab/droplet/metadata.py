"""DigitalOcean's metadata service as a droplet sees it: 169.254.169.254, port 80.

Difference from DigitalOcean's: the address is on the droplet's own `lo`, and not one hop away.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from sandbox.clouds.digitalocean import metadata

ADDRESS: Final = "169.254.169.254"
"""Where a droplet asks about itself. Source: DigitalOcean Metadata API Reference."""

_PORT: Final = 80
_REQUEST_SECONDS: Final = 10.0


async def serve(document: Callable[[], Mapping[str, Any]]) -> asyncio.Server:
    """Start to answer requests.

    Args:
        document: Returns the droplet's metadata as they are now.

    Raises:
        OSError: The address is not there, or taken.
    """

    async def answer_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_REQUEST_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                status, body = answer(document(), head.split(b"\r\n")[0].decode("latin-1"))
                writer.write(
                    f"HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\n"
                    f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
                    + body
                )
                await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    return await asyncio.start_server(answer_one, ADDRESS, _PORT)


def answer(document: Mapping[str, Any], request: str) -> tuple[str, bytes]:
    """Return status and body of the answer to the first line of a request."""
    method, _, rest = request.partition(" ")
    path = rest.partition(" ")[0].partition("?")[0]
    if method != "GET":
        return "405 Method Not Allowed", b"method not allowed"
    if path == "/metadata/v1.json":
        return "200 OK", json.dumps(document).encode()
    _, below, name = path.partition("/metadata/v1/reserved_ip/")
    text = metadata.text(dict(document), name) if below else None
    if text is not None:
        return "200 OK", text.encode()
    return "404 Not Found", b"not found"
