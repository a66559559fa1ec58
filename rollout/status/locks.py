"""Who works on a stack, where its state is kept in files or in a bucket.

Pulumi tells nobody: it writes a file for each lock, and looks for those of others.

Source: pulumi, `pkg/backend/diy/lock.go`; gocloud.dev, `blob/s3blob` (URLOpener).
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from rollout.aws import ImpatientSession, reading_account

SCHEMES: Final = ("file", "s3")
"""Schemes of the backends whose locks are found."""


def holders(url: str, project: str, stack: str, session: ImpatientSession) -> list[str]:
    """Return who holds the locks of a stack.

    Args:
        url: The backend, of one of `SCHEMES`.
        project: Name of the project.
        stack: Name of the stack.
        session: Makes clients of AWS.

    Raises:
        AccountError: The bucket cannot be read.
        OSError: The folder cannot be read.
    """
    parts = urlsplit(url)
    folder = f".pulumi/locks/organization/{project}/{stack}/"
    if parts.scheme == "file":
        locks = Path(unquote(parts.path)) / folder
        texts = {file.name: file.read_bytes() for file in sorted(locks.glob("*.json"))}
    else:
        texts = dict(_objects(parts, folder, session))
    return [_holder(name, text) for name, text in texts.items()]


def _objects(
    parts: SplitResult, folder: str, session: ImpatientSession
) -> Iterator[tuple[str, bytes]]:
    query = dict(parse_qsl(parts.query))
    client: Any = session.client("s3", query.get("region") or None, query.get("profile"))
    prefix = "/".join(filter(None, (unquote(parts.path).strip("/"), folder)))
    with reading_account():
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=parts.netloc, Prefix=prefix)
        for one in pages.search("Contents[]"):
            if one is not None:
                body = client.get_object(Bucket=parts.netloc, Key=one["Key"])["Body"]
                yield str(one["Key"]).rpartition("/")[2], body.read()


def _holder(name: str, text: bytes) -> str:
    try:
        lock = json.loads(text)
        who = f"{lock['username']}@{lock['hostname']}, process {lock['pid']}"
        return f"by {who}, since {lock['timestamp']}"
    except (ValueError, KeyError, TypeError):
        return f"by whoever wrote {name}"
