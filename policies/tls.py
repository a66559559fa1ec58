"""TLS versions and CloudFront's security policies, compared instead of listed.

A list of good names ages: the day CloudFront adds a stricter policy, a rule with a list refuses it.
A name says how strict it is: `TLSv<major>.<minor>_<year>`, by the oldest protocol it takes, then by
the year in which its ciphers were chosen.

Source: CloudFront Developer Guide, "Supported protocols and ciphers between viewers and
CloudFront" and "Supported protocols and ciphers between CloudFront and the origin".
"""

import re
from typing import Final

_NAME: Final = re.compile(r"(SSL|TLS)v(\d+)(?:\.(\d+))?(?:_(\d{4}))?")
PATTERN: Final = f"^{_NAME.pattern}$"
"""What a security policy's name looks like."""


def strictness(name: str) -> tuple[bool, int, int, int] | None:
    """Return what a name is compared by; None for a text that is no such name.

    `SSLv3` is laxer than any TLS, `TLSv1` is TLS 1.0, and a name without a year is the laxest of
    its protocol.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    family, major, minor, year = match.groups()
    return (family == "TLS", int(major), int(minor or 0), int(year or 0))


def at_least(name: str, floor: str) -> bool | None:
    """Say whether a policy is as strict as the floor; None if the name cannot be read."""
    own, least = strictness(name), strictness(floor)
    if own is None or least is None:
        return None
    return own >= least
