"""Ends with 0 once a name server answers at the address that it is given, at once or after a while.

Run as a file with nothing but Python's own library, so that asking costs next to nothing.
"""

import socket
import struct
import sys

TIMEOUT_SECONDS = 2.0


def main(address: str) -> None:
    """Ask for the root's SOA record; any answer will do.

    Raises:
        OSError: There was none.
    """
    question = struct.pack("!6HB2H", 1, 0x0100, 1, 0, 0, 0, 0, 6, 1)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as server:
        server.settimeout(TIMEOUT_SECONDS)
        server.connect((address, 53))
        server.send(question)
        server.recv(512)


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except OSError as error:
        sys.exit(f"{sys.argv[1]} does not answer: {error}")
