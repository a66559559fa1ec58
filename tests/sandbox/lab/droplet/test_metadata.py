"""What a droplet learns about itself."""

import json
from typing import Any, Final

import pytest

from sandbox.lab.droplet.metadata import answer
from support.droplet import RESERVED, metadata

_DOCUMENT: Final[dict[str, Any]] = metadata(RESERVED)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/metadata/v1/reserved_ip/ipv6/active", "true"),
        ("/metadata/v1/reserved_ip/ipv6/ip_address", RESERVED),
        ("/metadata/v1/reserved_ip/ipv4/active", "false"),
        ("/metadata/v1.json", json.dumps(_DOCUMENT)),
    ],
)
def test_each_path_has_its_text(path: str, body: str) -> None:
    assert answer(_DOCUMENT, f"GET {path} HTTP/1.1") == ("200 OK", body.encode())


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("GET /metadata/v1/nothing HTTP/1.1", "404 Not Found"),
        ("GET /metadata/v1/reserved_ip/ HTTP/1.1", "404 Not Found"),
        ("GET /metadata/v2/hostname HTTP/1.1", "404 Not Found"),
        ("GET / HTTP/1.1", "404 Not Found"),
        ("POST /metadata/v1/hostname HTTP/1.1", "405 Method Not Allowed"),
        ("", "405 Method Not Allowed"),
    ],
)
def test_another_path_or_method_is_refused(line: str, status: str) -> None:
    assert answer(_DOCUMENT, line)[0] == status


def test_an_address_that_is_not_assigned_has_no_path() -> None:
    line = "GET /metadata/v1/reserved_ip/ipv6/ip_address HTTP/1.1"

    assert answer(metadata(), line)[0] == "404 Not Found"
