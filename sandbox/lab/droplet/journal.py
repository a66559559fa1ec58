"""The guest's journal: one text file, a line for each thing that was logged.

Differences from systemd's: it is text, it is not bounded, and of a message's priority and time only
the priority is used, to leave out what a unit does not want logged.
"""

import asyncio
import os
import re
import socket
import stat
import time
from pathlib import Path
from typing import Final

DEV_LOG: Final = Path("/dev/log")
"""Where programs send syslog messages. Source: systemd-journald.service(8), 'Stream logging'."""

_LARGEST: Final = 65_536
_SYSLOG: Final = re.compile(r"<\d{1,3}>(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d )?")
_PRIORITY: Final = re.compile(r"<([0-7])>")
_EVERYBODY: Final = stat.S_IRWXU | stat.S_IRWXG | stat.S_IRWXO


class Journal:
    """Writes lines as `2026-01-31T12:00:00.000Z TAG: TEXT`."""

    def __init__(self, path: Path) -> None:
        """Open the file, which is made if it is missing and kept if it is there."""
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def say(self, tag: str, text: str) -> None:
        """Write a line."""
        self._write(f"{tag}: {text}")

    def _write(self, line: str) -> None:
        now = time.time()
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
        os.write(self._file, f"{moment}.{int(now * 1000) % 1000:03}Z {line}\n".encode())

    def listen(self) -> None:
        """Take what programs send to `/dev/log`."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        listener.bind(str(DEV_LOG))
        DEV_LOG.chmod(_EVERYBODY)

        def take() -> None:
            text = listener.recv(_LARGEST).decode(errors="replace")
            self._write(_SYSLOG.sub("", text, count=1).rstrip("\n\0"))

        asyncio.get_running_loop().add_reader(listener, take)

    def follow(self, output: int, tag: str, level: int, least_urgent: int) -> None:
        """Write each line that is printed to a pipe, until everybody closed it.

        Args:
            output: The end of the pipe to read; it is closed then.
            tag: Who prints.
            level: Priority of a line that does not begin with one, as in `<4>`.
            least_urgent: Priority of the least urgent lines that are written.
        """
        loop = asyncio.get_running_loop()
        unfinished = bytearray()

        def write(line: bytes) -> None:
            text = line.decode(errors="replace")
            found = _PRIORITY.match(text)
            if (int(found[1]) if found else level) <= least_urgent:
                self.say(tag, text[found.end() :] if found else text)

        def take() -> None:
            data = os.read(output, _LARGEST)
            *lines, rest = (bytes(unfinished) + data).split(b"\n")
            unfinished[:] = rest
            if not data:
                loop.remove_reader(output)
                os.close(output)
                lines += [rest] if rest else []
            for line in lines:
                write(line)

        loop.add_reader(output, take)
