"""The digitalocean stand-in as the engine starts it, and a cloud for it to talk to."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from sandbox.clouds import background, control
from sandbox.clouds.digitalocean import TOKEN, client_environment
from sandbox.plugins.actions import ACTIONS_FILE
from sandbox.plugins.values import Props
from support.clouds import start_cloud
from support.plugin import Plugin, start_plugin, stop_plugin


class ObservedDigitalOcean:
    """The cloud that the plugin talks to, as somebody else sees it."""

    def __init__(self, url: str) -> None:
        """Speak to a cloud that runs."""
        self.url = url

    def send(self, rule: str, body: object = None) -> Any:
        """Send a request, `send("GET /v2/regions")`, and return the JSON of the answer."""
        method, _, path = rule.partition(" ")
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        request = Request(self.url + path, data, headers, method=method)  # noqa: S310 loopback
        with urlopen(request) as response:  # noqa: S310 loopback
            return json.loads(response.read() or b"null")

    def settings(self, **changed: Any) -> None:
        self.send(f"PUT {control.PATH}settings", changed)

    def reset(self) -> None:
        self.send(f"POST {control.PATH}reset")

    def scopes(self) -> set[str]:
        return set(self.send(f"GET {control.PATH}scopes"))

    def droplet(self, number: str) -> Any:
        return self.send(f"GET /v2/droplets/{number}")["droplet"]

    def droplets(self) -> list[Any]:
        return self.send("GET /v2/droplets")["droplets"]

    def actions(self) -> list[str]:
        """Return the types of all actions, the latest first; few things have been made so far."""
        types: list[str] = []
        for number in range(1_000_020, 1_000_000, -1):
            try:
                types.append(self.send(f"GET /v2/actions/{number}")["action"]["type"])
            except HTTPError as missing:
                missing.close()
        return types

    def user_data(self, number: str) -> str:
        path = f"{control.PATH}droplets/{number}/metadata/v1.json"
        return self.send(f"GET {path}")["user_data"]

    def holder(self, ip: str) -> Any:
        """Return the id of the Droplet that has a reserved IPv6."""
        droplet = self.send(f"GET /v2/reserved_ipv6/{ip}")["reserved_ipv6"]["droplet"]
        return droplet and droplet["id"]


@pytest.fixture(scope="session")
def running_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObservedDigitalOcean]:
    home = tmp_path_factory.mktemp("cloud")
    yield ObservedDigitalOcean(start_cloud("digitalocean", home).url)
    background.stop("digitalocean", home)


@pytest.fixture(scope="session")
def actions_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("actions") / "actions.jsonl"


@pytest.fixture(scope="session")
def running_plugin(running_cloud: ObservedDigitalOcean, actions_file: Path) -> Iterator[Plugin]:
    environment = {**client_environment(running_cloud.url), ACTIONS_FILE: str(actions_file)}
    process, port = start_plugin("digitalocean", environment)
    plugin = Plugin(port)
    plugin.configure()
    yield plugin
    plugin.close()
    assert stop_plugin(process) == ""


@pytest.fixture
def cloud(running_cloud: ObservedDigitalOcean, actions_file: Path) -> ObservedDigitalOcean:
    """Return the cloud, begun again, in which an action takes a twentieth of a second."""
    running_cloud.reset()
    running_cloud.settings(action_seconds=0.05)
    actions_file.unlink(missing_ok=True)
    return running_cloud


@pytest.fixture
def plugin(running_plugin: Plugin, cloud: ObservedDigitalOcean) -> Plugin:
    """Return a configured plugin that talks to a fresh cloud."""
    del cloud
    return running_plugin


@pytest.fixture
def started_plugin(
    running_cloud: ObservedDigitalOcean,
) -> Iterator[Callable[..., tuple[subprocess.Popen[str], Plugin]]]:
    """Return a function that starts one more plugin with other variables; all end with the test."""
    plugins: list[tuple[subprocess.Popen[str], Plugin]] = []

    def start(**variables: str) -> tuple[subprocess.Popen[str], Plugin]:
        environment = {**client_environment(running_cloud.url), **variables}
        process, port = start_plugin("digitalocean", environment)
        plugins.append((process, Plugin(port)))
        return plugins[-1]

    yield start
    for process, plugin in plugins:
        plugin.close()
        stop_plugin(process)


@pytest.fixture
def proxy() -> Props:
    """Return the inputs of a Droplet."""
    return {
        "name": "proxy",
        "region": "fra1",
        "size": "s-1vcpu-1gb",
        "image": "debian-12-x64",
        "ipv6": True,
        "userData": "#cloud-config\n",
    }
