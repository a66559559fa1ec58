"""The programs of the proxy droplets that are run on this machine, and where Debian has them."""

import shutil
from pathlib import Path
from typing import Final

DEBIAN_PACKAGES: Final = (
    "cloud-init",
    "curl",
    "iproute2",
    "libnginx-mod-stream",
    "nginx",
    "shellcheck",
    "systemd",
    "unbound",
    "util-linux",
)
"""Debian packages with what the proxies run and what checks their configuration.

To install them: `apt-get install --no-install-recommends cloud-init curl …`. Only the programs are
used; their services need not run.
"""

_SYSTEM_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where to look: Debian's users do not have the `sbin` folders on their PATH."""


def find_program(name: str) -> Path:
    """Return the path of a program that one of `DEBIAN_PACKAGES` has.

    Raises:
        FileNotFoundError: It is not installed; the message says how to install it.
    """
    if found := shutil.which(name, path=_SYSTEM_PATH):
        return Path(found)
    raise FileNotFoundError(
        f"The program {name} is missing; it is part of Debian 12 or 13. Install all that is needed "
        f"with: sudo apt-get install --no-install-recommends {' '.join(DEBIAN_PACKAGES)}"
    )
