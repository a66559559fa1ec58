"""What DigitalOcean says of proxies, from a server on loopback that answers as it is told."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any, ClassVar, Final

import pytest

from rollout.digitalocean import ENDPOINT, AccountDroplet, DigitalOceanReader, TokenError

PAGES: Final[dict[str, Any]] = {
    "/v2/droplets?page=1&per_page=200": {
        "droplets": [
            {
                "name": "one",
                "status": "active",
                "networks": {"v6": [{"ip_address": "2001:0DB8:0::1"}]},
            }
        ],
        "links": {"pages": {"next": "…"}},
    },
    "/v2/droplets?page=2&per_page=200": {
        "droplets": [{"name": "two", "status": "off", "networks": {}}],
        "links": {},
    },
    "/v2/reserved_ipv6?page=1&per_page=200": {
        "reserved_ipv6s": [
            {"ip": "2001:db8::a", "droplet": {"name": "two", "status": "off"}},
            {"ip": "2001:db8::b", "droplet": None},
        ]
    },
}


class Answers(BaseHTTPRequestHandler):
    """Answers from `PAGES` to who has the token."""

    pages: ClassVar[dict[str, Any]] = PAGES

    def do_GET(self) -> None:
        allowed = self.headers["Authorization"] == "Bearer good"
        body = json.dumps(self.pages.get(self.path, {})).encode()
        self.send_response(200 if allowed else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ARG002 - the names of its base
        return


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def reader(url: str = "", **variables: str) -> DigitalOceanReader:
    return DigitalOceanReader({"DIGITALOCEAN_API_URL": url, **variables}, 10)


def test_each_address_has_the_droplet_that_it_leads_to(url: str) -> None:
    assert reader(f"{url}/", DIGITALOCEAN_ACCESS_TOKEN="good").droplets() == {
        "2001:db8::1": AccountDroplet("one", "active"),
        "2001:db8::a": AccountDroplet("two", "off"),
        "2001:db8::b": None,
    }


def test_a_token_that_is_missing_or_refused_is_told_of(url: str) -> None:
    with pytest.raises(TokenError, match=r"^no token is set: set DIGITALOCEAN_TOKEN$"):
        reader(url).droplets()
    with pytest.raises(TokenError, match=rf"^{url} answers 401 Unauthorized$"):
        reader(url, DIGITALOCEAN_TOKEN="bad").droplets()


def test_a_cloud_that_is_dead_is_told_of() -> None:
    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        port = server.server_port
    with pytest.raises(TokenError, match=rf"^http://127.0.0.1:{port} does not answer \(.*refused"):
        reader(f"http://127.0.0.1:{port}", DIGITALOCEAN_TOKEN="good").droplets()


def test_without_another_endpoint_it_is_the_real_one() -> None:
    assert reader().endpoint == ENDPOINT
