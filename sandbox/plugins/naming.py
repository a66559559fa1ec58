"""Names for resources whose program gives none: the resource's own and a few random digits.

The random part lets a replacement exist beside what it replaces where names are unique. A name that
the program gives cannot do that, so the official plugins have such a resource deleted before its
replacement is made, unless the program says otherwise with the option `deleteBeforeReplace`.
Source: pulumi/pulumi-terraform-bridge, `pkg/tfbridge/names.go` and `schema.go`
(nameRequiresDeleteBeforeReplace).

Where it differs: the official plugins note in the inputs that they made a name up; here a name is
taken for made up if it looks like it. The `pulumi:autonaming` configuration is not supported.
"""

import hashlib
import re
import secrets
from typing import Any

from sandbox.plugins.values import Props

_DIGITS = 7


def named(request: Any, olds: Props, news: Props) -> Props:
    """Return inputs with a name: the program's, else the one made up before, else a new one.

    Args:
        request: The engine's request to check them; one that replaces a resource carries no old
            inputs, so that its name is a new one.
        olds: The old inputs.
        news: What the program gives.
    """
    if news.get("name") is not None:
        return news
    before = olds.get("name")
    if not is_made(request.urn, before):
        # The seed is the same for a preview and the update that follows it.
        seed = request.randomSeed or secrets.token_bytes()
        before = f"{_own_name(request.urn)}-{hashlib.sha256(seed).hexdigest()[:_DIGITS]}"
    return news | {"name": before}


def is_made(urn: str, name: object) -> bool:
    """Tell whether a name looks like one that was made up for the resource of a URN."""
    pattern = rf"{re.escape(_own_name(urn))}-[0-9a-f]{{{_DIGITS}}}"
    return isinstance(name, str) and re.fullmatch(pattern, name) is not None


def _own_name(urn: str) -> str:
    return urn.rpartition("::")[2]
