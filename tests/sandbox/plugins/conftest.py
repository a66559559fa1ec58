"""The aws stand-in as the engine starts it, and a cloud for it to talk to."""

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import boto3.session
import pytest

from sandbox.clouds import background, control
from sandbox.clouds.aws import client_environment
from sandbox.plugins.actions import ACTIONS_FILE
from support.clouds import start_cloud
from support.plugin import Plugin, start_plugin, stop_plugin


class ObservedAws:
    """The cloud that the plugin talks to, as somebody else with boto3 sees it."""

    def __init__(self, url: str) -> None:
        """Point clients at a cloud that runs."""
        self.url = url
        self._session: Any = boto3.session.Session("test", "test", region_name="us-east-1")
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = self._session.client(service, endpoint_url=self.url)
        return self._clients[service]

    def settings(self, **changed: float | None) -> None:
        self._control("PUT", "settings", changed)

    def reset(self) -> None:
        self._control("POST", "reset", {})

    def close(self) -> None:
        for client in self._clients.values():
            client.close()

    @property
    def zone_id(self) -> str:
        zone = self.client("route53").list_hosted_zones()["HostedZones"][0]["Id"]
        return zone.removeprefix("/hostedzone/")

    def load_balancer(self) -> dict[str, Any]:
        """Return an alias to the seeded load balancer, as the SDK has it."""
        balancer = self.client("elbv2").describe_load_balancers(Names=["api"])["LoadBalancers"][0]
        return {
            "name": balancer["DNSName"],
            "zoneId": balancer["CanonicalHostedZoneId"],
            "evaluateTargetHealth": True,
        }

    def records(self, name: str) -> list[dict[str, Any]]:
        pages = self.client("route53").get_paginator("list_resource_record_sets")
        return [
            record
            for page in pages.paginate(HostedZoneId=self.zone_id)
            for record in page["ResourceRecordSets"]
            if record["Name"] == f"{name}."
        ]

    def change(self, *changes: tuple[str, dict[str, Any]]) -> None:
        self.client("route53").change_resource_record_sets(
            HostedZoneId=self.zone_id,
            ChangeBatch={
                "Changes": [
                    {"Action": action, "ResourceRecordSet": record} for action, record in changes
                ]
            },
        )

    def _control(self, method: str, what: str, body: Mapping[str, Any]) -> None:
        data = json.dumps(body).encode()
        request = Request(self.url + control.PATH + what, data, method=method)  # noqa: S310 loopback
        with urlopen(request):  # noqa: S310 loopback
            pass


@pytest.fixture
def started_plugin(
    running_cloud: ObservedAws,
) -> Iterator[Callable[..., tuple[subprocess.Popen[str], Plugin]]]:
    """Return a function that starts one more plugin, with arguments; all end with the test."""
    plugins: list[tuple[subprocess.Popen[str], Plugin]] = []

    def start(*arguments: str) -> tuple[subprocess.Popen[str], Plugin]:
        process, port = start_plugin("aws", client_environment(running_cloud.url), *arguments)
        plugins.append((process, Plugin(port)))
        return plugins[-1]

    yield start
    for process, plugin in plugins:
        plugin.close()
        stop_plugin(process)


@pytest.fixture(scope="session")
def running_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObservedAws]:
    home = tmp_path_factory.mktemp("cloud")
    cloud = ObservedAws(start_cloud("aws", home).url)
    yield cloud
    cloud.close()
    background.stop("aws", home)


@pytest.fixture(scope="session")
def actions_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("actions") / "actions.jsonl"


@pytest.fixture(scope="session")
def running_plugin(running_cloud: ObservedAws, actions_file: Path) -> Iterator[Plugin]:
    environment = {**client_environment(running_cloud.url), ACTIONS_FILE: str(actions_file)}
    process, port = start_plugin("aws", environment)
    plugin = Plugin(port)
    plugin.configure(region="us-east-1")
    yield plugin
    plugin.close()
    assert stop_plugin(process) == ""


@pytest.fixture
def cloud(running_cloud: ObservedAws) -> ObservedAws:
    """Return the cloud, seeded again, in which a distribution deploys in a fifth of a second."""
    running_cloud.reset()
    running_cloud.settings(deploy_seconds=0.2)
    return running_cloud


@pytest.fixture
def plugin(running_plugin: Plugin, cloud: ObservedAws) -> Plugin:
    """Return a configured plugin that talks to a fresh cloud."""
    del cloud
    return running_plugin
