"""The scopes that each operation of the API needs, as its documentation lists them.

Some requests need more, such as `tag:create` for a Droplet that is created with tags; the sender of
such a request says so. Source: digitalocean/openapi, `security` of each operation.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

SCOPES: Final[Mapping[str, tuple[str, ...]]] = {
    operation: tuple(scopes)
    for operation, scopes in json.loads(Path(__file__).with_suffix(".json").read_text()).items()
}
"""By the operation's name in pydo."""
