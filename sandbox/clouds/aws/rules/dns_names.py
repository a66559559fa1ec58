"""Names in DNS, as Route 53 keeps and refuses them."""

import re
from typing import Final

import dns.exception
import dns.name

UNSUPPORTED: Final = "UnsupportedCharacter (Value contains unsupported characters)"

UNSUPPORTED_IN_NAMES: Final = re.compile("[^!-~]")
"""What is there by its code only. Source: Route 53 Developer Guide, 'DNS domain name format'."""

OCTAL: Final = re.compile(r"\\(?P<code>[0-3][0-7]{2})")
"""How a character is escaped. Source: Route 53 Developer Guide, 'DNS domain name format'."""

KEPT_AS_CODE: Final = re.compile(r"\\[0-3][0-7]{2}|[!-,/:-@\[-^`{-~]")
"""A code, or a character that Route 53 answers by its code: those from ! to ~ that are no letter,
digit, hyphen, underscore or dot."""


def canonical(name: str) -> str:
    r"""Return a DNS name as Route 53 keeps it: lower case, dotted, `*` as `\052`.

    Source: Route 53 Developer Guide, 'DNS domain name format'.
    """
    dotted = name if name.endswith(".") else f"{name}."
    return KEPT_AS_CODE.sub(
        lambda found: found[0] if len(found[0]) > 1 else f"\\{ord(found[0]):03o}", dotted.lower()
    )


def name_problem(name: str) -> str | None:
    """Return what is wrong with a name, in Route 53's words; None where nothing is."""
    unsupported = UNSUPPORTED_IN_NAMES.search(name)
    if unsupported:
        return f"FATAL problem: {UNSUPPORTED} encountered with '{unsupported[0]}'"
    try:
        # dnspython's codes are decimal.
        dns.name.from_text(OCTAL.sub(lambda found: f"\\{int(found['code'], 8):03d}", name))
    except dns.name.LabelTooLong:
        problem = "DomainLabelTooLong (Domain label is too long)"
    except dns.name.EmptyLabel:
        problem = "DomainLabelEmpty (Domain label is empty)"
    except dns.exception.DNSException:
        problem = "DomainNameTooLong (Domain name is too long)"
    else:
        return None
    return f"FATAL problem: {problem} encountered with '{name}'"
