"""A droplet's guest as far as its reserved IPv6 address goes: `unshare … python guest.py PROGRAM`.

Runs in network and user namespaces of its own. It makes an interface eth0 with an address and a
gateway and a metadata service, reads a JSON list of what that service says, and runs the program
once for each. It prints a JSON list of what came of it.

Unlike on a droplet there is nobody behind eth0, and the metadata service knows nothing else.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Final

_PATH: Final = "/metadata/v1/reserved_ip/ipv6/"
_SETUP: Final = (
    "link set lo up",
    "link add eth0 type veth peer name gateway",
    "link set eth0 up",
    "link set gateway up",
    "address add 169.254.169.254/32 dev lo",
    "-6 address add 2001:db8:1::2/64 dev eth0 nodad",
    "-6 route add default via 2001:db8:1::1 dev eth0",
)

_served_metadata: dict[str, str] = {}


class _Metadata(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        text = _served_metadata.get(self.path.removeprefix(_PATH))
        self.send_response(503 if text is None else 200)
        self.end_headers()
        if text is not None:
            self.wfile.write(text.encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name it has
        pass


def _ip(*arguments: str) -> Any:
    done = subprocess.run(["ip", "-json", *arguments], check=True, capture_output=True, text=True)
    return json.loads(done.stdout or "[]")


def _run(program: str, metadata: dict[str, str]) -> dict[str, Any]:
    _served_metadata.clear()
    _served_metadata.update(metadata)
    done = subprocess.run([program], check=False, capture_output=True, text=True)
    lo = _ip("-6", "address", "show", "dev", "lo", "scope", "global")
    (default,) = _ip("-6", "route", "show", "default")
    return {
        "code": done.returncode,
        "output": done.stdout,
        "errors": done.stderr,
        "addresses": [
            f"{address['local']}/{address['prefixlen']}"
            for interface in lo
            for address in interface.get("addr_info", [])
            if address
        ],
        "gateway": default.get("gateway"),
    }


def _main(program: str) -> Sequence[dict[str, Any]]:
    for command in _SETUP:
        _ip(*command.split())
    server = HTTPServer(("169.254.169.254", 80), _Metadata)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return [_run(program, metadata) for metadata in json.load(sys.stdin)]


if __name__ == "__main__":
    json.dump(_main(sys.argv[1]), sys.stdout)
