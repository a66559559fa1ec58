"""A note of every request of a plugin to its cloud; permissions are made of it."""

import json
from pathlib import Path

ACTIONS_FILE = "DUALSTACK_SANDBOX_ACTIONS"
"""Environment variable: a file that gets a line of JSON for every request to a cloud.

`{"action": "route53:ChangeResourceRecordSets"}` is one to AWS: the name that the request is signed
for and the API operation (`tests/support/permissions.py` knows what IAM calls it). `{"scope":
"droplet:create"}` is one to DigitalOcean: a scope that its token needs. Lines are appended, by any
number of plugins.
"""


def note(file: str | None, kind: str, name: str) -> None:
    """Append a line, if there is a file for it.

    Args:
        file: The file's path.
        kind: What is noted, `action` or `scope`.
        name: The action's or scope's name.
    """
    if file:
        # One write of one short line to a file opened for appending is not torn apart.
        with Path(file).open("a", encoding="utf-8") as lines:
            lines.write(f"{json.dumps({kind: name})}\n")
