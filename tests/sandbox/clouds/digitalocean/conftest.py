"""The DigitalOcean of the sandbox: in this process with a clock of its own, and really served."""

import importlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from werkzeug.test import Client

from sandbox.clouds import background, control
from sandbox.clouds.digitalocean import TOKEN
from sandbox.clouds.digitalocean.api import DigitalOceanApi
from sandbox.clouds.digitalocean.state import LocalAccount
from support.clouds import start_cloud


@dataclass
class Reply:
    """What the API answered."""

    status: int
    json: Any
    headers: dict[str, str]
    text: str


@dataclass
class LocalDigitalOcean:
    """The API in this process; time passes only when `wait` lets it."""

    now: float = 1_700_000_000.0
    log: list[str] = field(default_factory=list[str])
    snapshots: Path | None = None
    account: LocalAccount = field(init=False)
    client: Client = field(init=False)

    def __post_init__(self) -> None:
        self.account = LocalAccount(clock=lambda: self.now)
        self.client = Client(
            DigitalOceanApi(self.account, self.log.append, snapshots=self.snapshots)
        )

    def send(
        self, rule: str, body: object = None, *, token: str | None = TOKEN, data: bytes = b""
    ) -> Reply:
        """Send a request: `send("GET /v2/regions")`."""
        method, _, path = rule.partition(" ")
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        sent = json.dumps(body).encode() if body is not None else data
        response = self.client.open(
            path, method=method, data=sent, headers=headers, content_type="application/json"
        )
        text = response.get_data(as_text=True)
        is_json = response.mimetype == "application/json"
        parsed = json.loads(text) if text and is_json else None
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Reply(response.status_code, parsed, headers, text)

    def ok(self, rule: str, body: object = None) -> Any:
        """Send a request that must succeed, and return its JSON."""
        reply = self.send(rule, body)
        assert reply.status < 400, reply.text
        return reply.json

    def wait(self, seconds: float = 1.0) -> None:
        """Let time pass; by default longer than an action takes."""
        self.now += seconds

    def settings(self, **changed: object) -> None:
        """Change the settings that are named."""
        assert self.send(f"PUT {control.PATH}settings", changed).status == 200

    def new_droplet(self, **fields: object) -> int:
        """Begin to create a Droplet, and return its id."""
        body = {
            "name": "proxy-1",
            "region": "nyc3",
            "size": "s-1vcpu-1gb",
            "image": "debian-12-x64",
            "ipv6": True,
            **fields,
        }
        return self.ok("POST /v2/droplets", body)["droplet"]["id"]

    def droplet(self, **fields: object) -> int:
        """Return the id of a Droplet that runs."""
        number = self.new_droplet(**fields)
        self.wait()
        return number

    def show(self, number: int) -> Any:
        """Return a Droplet."""
        return self.ok(f"GET /v2/droplets/{number}")["droplet"]

    def reserve(self, region: str = "nyc3") -> str:
        """Return a new reserved IPv6."""
        return self.ok("POST /v2/reserved_ipv6", {"region_slug": region})["reserved_ipv6"]["ip"]

    def assign(self, ip: str, number: int) -> Any:
        """Begin to assign a reserved IPv6, and return the action."""
        body = {"type": "assign", "droplet_id": number}
        return self.ok(f"POST /v2/reserved_ipv6/{ip}/actions", body)["action"]

    def holder(self, ip: str) -> int | None:
        """Return the id of the Droplet that has a reserved IPv6."""
        droplet = self.ok(f"GET /v2/reserved_ipv6/{ip}")["reserved_ipv6"]["droplet"]
        return droplet and droplet["id"]

    def vpc(self, **fields: object) -> Any:
        """Return a new VPC."""
        return self.ok("POST /v2/vpcs", {"name": "pool", "region": "nyc3", **fields})["vpc"]

    def firewall(self, **fields: object) -> Any:
        """Return a new firewall that lets HTTPS in."""
        rule = {"protocol": "tcp", "ports": "443", "sources": {"addresses": ["::/0"]}}
        body = {"name": "pool", "inbound_rules": [rule], **fields}
        return self.ok("POST /v2/firewalls", body)["firewall"]


@pytest.fixture
def cloud() -> LocalDigitalOcean:
    return LocalDigitalOcean()


@pytest.fixture(scope="session")
def new_cloud() -> type[LocalDigitalOcean]:
    """Return what makes a cloud, for tests that need many."""
    return LocalDigitalOcean


@dataclass
class ServedDigitalOcean:
    """A really started cloud, and the official client for it."""

    url: str

    def __getattr__(self, group: str) -> Any:
        """Return a group of the official client's operations, which speak plain HTTP."""
        # Not imported by name: a type checker would read its 365,000 lines.
        pydo: Any = importlib.import_module("pydo")
        client = pydo.Client(token=TOKEN, endpoint=self.url, retry_total=0)
        return _Group(getattr(client, group))

    def control(self, method: str, what: str, body: object = None) -> Any:
        """Speak to the sandbox itself."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.url + control.PATH + what, data, method=method)  # noqa: S310 loopback
        with urlopen(request) as response:  # noqa: S310 loopback
            return json.load(response)


@dataclass
class _Group:
    operations: Any

    def __getattr__(self, operation: str) -> Any:
        return partial(getattr(self.operations, operation), enforce_https=False)


@pytest.fixture(scope="session")
def _process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("digitalocean")
    try:
        yield start_cloud("digitalocean", home).url
    finally:
        background.stop("digitalocean", home)


@pytest.fixture
def served(_process: str) -> ServedDigitalOcean:
    started = ServedDigitalOcean(_process)
    started.control("POST", "reset")
    started.control("PUT", "settings", {"action_seconds": 0.05})
    return started
