"""The Debian programs that proxies and the lab run on this machine, and where to get them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

DEBIAN_PACKAGES: Final = (
    *("bind9-dnsutils", "chromium", "cloud-init", "curl", "gdnsd", "iproute2", "iputils-ping"),
    *("libnginx-mod-http-lua", "libnginx-mod-stream", "mmdebstrap", "nftables", "nginx", "procps"),
    *("shellcheck", "systemd", "tayga", "unbound", "util-linux"),
)
"""Debian packages with what the proxies and the lab run, what checks their configuration, and the
browser that pages are tested in.

`python -m sandbox.debian` installs what is missing. Only the programs are used; their services need
not run.
"""

_SYSTEM_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where to look: Debian's users do not have the `sbin` folders on their PATH."""


def find_program(name: str) -> Path:
    """Return the path of a program that one of `DEBIAN_PACKAGES` has.

    Raises:
        FileNotFoundError: It is not installed; the message says how to install it.
    """
    if path := shutil.which(name, path=_SYSTEM_PATH):
        return Path(path)
    raise FileNotFoundError(
        f"The program {name} is missing; it is part of Debian 12 or 13. Install all that is needed "
        f"with: sudo apt-get install --no-install-recommends {' '.join(DEBIAN_PACKAGES)}"
    )


def missing() -> list[str]:
    """Return the packages of `DEBIAN_PACKAGES` that are not installed."""
    return [name for name in DEBIAN_PACKAGES if not _is_installed(name)]


def _is_installed(package: str) -> bool:
    query = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${db:Status-Status}", package],
        capture_output=True,
        text=True,
        check=False,
    )
    return query.stdout == "installed"


def main() -> None:
    """Install what is missing when run as root; otherwise say what it is and how to install it."""
    if shutil.which("dpkg-query") is None:
        sys.exit(
            "This machine is not Debian; the lab and the tests of the proxies need its packages: "
            f"{' '.join(DEBIAN_PACKAGES)}. Use Debian 12 or 13."
        )
    names = missing()
    if not names:
        return
    install = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *names]
    if os.geteuid() != 0:
        sys.exit(f"Debian packages are missing: {' '.join(names)}. Run: sudo {' '.join(install)}")
    print(f"Installing Debian packages: {' '.join(names)} ...", flush=True)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for command in (["apt-get", "update", "--quiet"], install):
        done = subprocess.run(command, env=quiet, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)} failed: {done.stderr.strip()}")


if __name__ == "__main__":
    main()
