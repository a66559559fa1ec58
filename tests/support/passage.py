"""A way from a host of a lab to an API outside, for what has to be asked on both sides at once.

A lab has no way out, and loopback inside is another one than outside. Sockets in the file system
belong to no network, so one of them leads through: a process inside listens on loopback, and hands
each connection on.
"""

import asyncio
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from sandbox.lab.door import Door

PORT: Final = 8181
"""Where it is reached inside."""

HAND_ON: Final = """
import asyncio, sys

async def copy(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()

async def main():
    async def handle(reader, writer):
        there = await asyncio.open_unix_connection(sys.argv[1])
        await asyncio.gather(copy(reader, there[1]), copy(there[0], writer))

    async with await asyncio.start_server(handle, "127.0.0.1", int(sys.argv[2])):
        print("ready", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


async def _serve(path: Path, url: str, ready: threading.Event, end: asyncio.Event) -> None:
    target = urlsplit(url)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection(target.hostname, target.port)
        await asyncio.gather(_copy(reader, there[1]), _copy(there[0], writer))

    async with await asyncio.start_unix_server(handle, path):
        ready.set()
        await end.wait()


@contextmanager
def passage(lab: "Door", host: str, url: str) -> Generator[str]:
    """Have an API of this machine on a host of a lab, and yield where it is there.

    Args:
        lab: The lab.
        host: Name of the host.
        url: Where the API is on this machine.
    """
    ready, end, loop = threading.Event(), asyncio.Event(), asyncio.new_event_loop()
    with tempfile.TemporaryDirectory(prefix="passage-") as folder:
        path = Path(folder) / "socket"
        work = _serve(path, url, ready, end)
        thread = threading.Thread(target=loop.run_until_complete, args=(work,))
        thread.start()
        assert ready.wait(10)
        command = lab.command(host, sys.executable, "-c", HAND_ON, str(path), str(PORT))
        inside = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert inside.stdout
            assert inside.stdout.readline() == "ready\n"
            yield f"http://127.0.0.1:{PORT}"
        finally:
            inside.kill()
            inside.communicate()
            loop.call_soon_threadsafe(end.set)
            thread.join()
            loop.close()
