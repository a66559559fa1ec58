"""A proxy should be reachable with keys only.

A droplet without a key gets a root password by mail, and one whose user data turns passwords on
can be guessed at: scanners know the provider's IPv6 ranges. Changing `sshKeys` or `userData`
replaces a droplet, so this has to be right from the start.

Source: DigitalOcean API Reference, "Create a New Droplet", ssh_keys; cloud-init documentation, "Set
Passwords", ssh_pwauth.
"""

import re
from collections.abc import Iterator

from policies.digitalocean import DROPLET
from policies.model import Finding, Place, Rule

REMEDY = "Give the droplet at least one of sshKeys, and leave passwords out of its userData."
PASSWORDS = re.compile(
    r"^\s*ssh_pwauth\s*:\s*[\"']?(?:true|yes|1)\b|^\s*PasswordAuthentication\s+yes\b"
    r"|^\s*chpasswd\s*:",
    re.IGNORECASE | re.MULTILINE,
)
"""What turns passwords on in user data: cloud-init's keys, and sshd's own."""


def check(droplet: Place) -> Iterator[Finding]:
    """Yield a finding for a droplet without keys, or with passwords."""
    keys = droplet.get("sshKeys")
    if not (isinstance(keys.value, list) and keys.value):
        yield keys.finding("a list with a key's id or fingerprint", "Name a key of the account.")
    data = droplet.get("userData")
    if isinstance(data.value, str) and PASSWORDS.search(data.value):
        yield data.finding(
            "free of password log-ins",
            "Leave ssh_pwauth, chpasswd and PasswordAuthentication out.",
            shown="a text that turns password log-ins on",  # never shown: it may hold the password
        )


RULE = Rule(
    name="proxy-keys-only",
    text=__doc__,
    url="https://docs.digitalocean.com/reference/api/digitalocean/#tag/Droplets/operation/droplets_create",
    severity="high",
    remedy=REMEDY,
    resource_types=DROPLET,
    check=check,
)
