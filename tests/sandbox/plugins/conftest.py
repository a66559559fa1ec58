"""The stand-in as the engine starts it, a cloud for it to talk to, and the engine's side of it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import boto3.session
import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc, status_pb2

from sandbox.clouds import background
from sandbox.clouds.aws import CONTROL_PATH, client_environment
from sandbox.plugins.actions import ACTIONS_FILE
from sandbox.plugins.values import Props, decode, encode

STACK = "urn:pulumi:dev::edge::"


@dataclass(frozen=True)
class Failed:
    """What a request failed with.

    Attributes:
        text: The message.
        partial: What the engine keeps of a resource that was made but is not ready.
    """

    text: str
    partial: Any = None


class Plugin:
    """The engine's side of a plugin: the requests it sends, in plain values."""

    def __init__(self, port: str) -> None:
        """Connect to a plugin that listens."""
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self.stub: Any = provider_pb2_grpc.ResourceProviderStub(self._channel)

    def close(self) -> None:
        self._channel.close()

    def urn(self, type_name: str, name: str = "it") -> str:
        return f"{STACK}dualstack:index:DualStackEdge${type_name}::{name}"

    def configure(self, **config: Any) -> None:
        self.stub.Configure(provider_pb2.ConfigureRequest(args=encode(config)))

    def check(self, type_name: str, inputs: Props) -> tuple[Props, list[tuple[str, str]]]:
        answer = self.stub.Check(
            provider_pb2.CheckRequest(urn=self.urn(type_name), news=encode(inputs))
        )
        return decode(answer.inputs), [(item.property, item.reason) for item in answer.failures]

    def checked(self, type_name: str, inputs: Props) -> Props:
        inputs, failures = self.check(type_name, inputs)
        assert failures == []
        return inputs

    def diff(
        self, type_name: str, state: Props, inputs: Props, ignored: Sequence[str] = ()
    ) -> dict[str, str]:
        answer = self.stub.Diff(
            provider_pb2.DiffRequest(
                urn=self.urn(type_name),
                id=state.get("id", ""),
                olds=encode(state),
                news=encode(inputs),
                ignoreChanges=ignored,
            )
        )
        assert (answer.changes == provider_pb2.DiffResponse.DIFF_SOME) == bool(answer.detailedDiff)
        kinds = provider_pb2.PropertyDiff.Kind
        return {path: kinds.Name(item.kind) for path, item in answer.detailedDiff.items()}

    def preview(self, type_name: str, inputs: Props) -> Props:
        answer = self.stub.Create(
            provider_pb2.CreateRequest(
                urn=self.urn(type_name), properties=encode(inputs), preview=True
            )
        )
        assert not answer.id
        return decode(answer.properties)

    def create(self, type_name: str, inputs: Props, timeout: float = 0) -> Props:
        answer = self.stub.Create(
            provider_pb2.CreateRequest(
                urn=self.urn(type_name), properties=encode(inputs), timeout=timeout
            )
        )
        state = decode(answer.properties)
        assert state["id"] == answer.id
        return state

    def made(self, type_name: str, inputs: Props) -> tuple[Props, Props]:
        """Check and create; return the state and the checked inputs."""
        checked = self.checked(type_name, inputs)
        return self.create(type_name, checked), checked

    def read(
        self, type_name: str, resource_id: str, state: Props, inputs: Props
    ) -> tuple[Props, Props]:
        answer = self.stub.Read(
            provider_pb2.ReadRequest(
                urn=self.urn(type_name),
                id=resource_id,
                properties=encode(state),
                inputs=encode(inputs),
            )
        )
        return decode(answer.properties), decode(answer.inputs)

    def refresh(self, type_name: str, state: Props, inputs: Props) -> tuple[Props, Props]:
        return self.read(type_name, state["id"], state, inputs)

    def update(
        self,
        type_name: str,
        state: Props,
        inputs: Props,
        *,
        preview: bool = False,
        timeout: float = 0,
        ignored: Sequence[str] = (),
    ) -> Props:
        answer = self.stub.Update(
            provider_pb2.UpdateRequest(
                urn=self.urn(type_name),
                id=state["id"],
                olds=encode(state),
                news=encode(inputs),
                preview=preview,
                timeout=timeout,
                ignoreChanges=ignored,
            )
        )
        return decode(answer.properties)

    def delete(self, type_name: str, state: Props, timeout: float = 0) -> None:
        self.stub.Delete(
            provider_pb2.DeleteRequest(
                urn=self.urn(type_name),
                id=state["id"],
                properties=encode(state),
                timeout=timeout,
            )
        )

    def cancel(self) -> None:
        self.stub.Cancel(empty_pb2.Empty())

    def failure(self, request: Callable[[], object]) -> Failed:
        """Send a request that fails and return what the engine is told."""
        with pytest.raises(grpc.RpcError) as raised:
            request()
        return _failed(raised.value)

    def invoke(self, token: str, args: Props) -> Props:
        answer = self.stub.Invoke(provider_pb2.InvokeRequest(tok=token, args=encode(args)))
        assert not answer.failures, answer.failures
        returned = "return"
        return decode(getattr(answer, returned))


def _failed(error: Any) -> Failed:
    """Return what a failed request says, as the engine reads it."""
    details = dict(error.trailing_metadata()).get("grpc-status-details-bin")
    status = status_pb2.Status.FromString(details) if details else status_pb2.Status()
    for packed in status.details:
        partial = provider_pb2.ErrorResourceInitFailed()
        if packed.Unpack(partial):
            return Failed(error.details(), partial)
    return Failed(error.details())


class Cloud:
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
        found = self.client("elbv2").describe_load_balancers(Names=["api"])["LoadBalancers"][0]
        return {
            "name": found["DNSName"],
            "zoneId": found["CanonicalHostedZoneId"],
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
        request = Request(self.url + CONTROL_PATH + what, data, method=method)  # noqa: S310 loopback
        with urlopen(request):  # noqa: S310 loopback
            pass


def start_plugin(
    environment: Mapping[str, str], *arguments: str
) -> tuple[subprocess.Popen[str], str]:
    """Start the stand-in as the engine does and return it with the port it prints."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox.plugins.aws", *arguments],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def stop_plugin(process: subprocess.Popen[str]) -> str:
    """End the stand-in and return what else it printed."""
    process.terminate()
    return process.communicate(timeout=30)[0]


@pytest.fixture
def started_plugin(
    running_cloud: Cloud,
) -> Iterator[Callable[..., tuple[subprocess.Popen[str], Plugin]]]:
    """Return a function that starts one more plugin, with arguments; all end with the test."""
    plugins: list[tuple[subprocess.Popen[str], Plugin]] = []

    def start(*arguments: str) -> tuple[subprocess.Popen[str], Plugin]:
        process, port = start_plugin(client_environment(running_cloud.url), *arguments)
        plugins.append((process, Plugin(port)))
        return plugins[-1]

    yield start
    for process, plugin in plugins:
        plugin.close()
        stop_plugin(process)


@pytest.fixture(scope="module")
def running_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    home = tmp_path_factory.mktemp("cloud")
    cloud = Cloud(background.start("aws", home).url)
    yield cloud
    cloud.close()
    background.stop("aws", home)


@pytest.fixture(scope="module")
def actions_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("actions") / "actions.jsonl"


@pytest.fixture(scope="module")
def running_plugin(running_cloud: Cloud, actions_file: Path) -> Iterator[Plugin]:
    environment = {**client_environment(running_cloud.url), ACTIONS_FILE: str(actions_file)}
    process, port = start_plugin(environment)
    plugin = Plugin(port)
    plugin.configure(region="us-east-1")
    yield plugin
    plugin.close()
    assert stop_plugin(process) == ""


@pytest.fixture
def cloud(running_cloud: Cloud) -> Cloud:
    """Return the cloud, seeded anew, in which a distribution deploys in a fifth of a second."""
    running_cloud.reset()
    running_cloud.settings(deploy_seconds=0.2)
    return running_cloud


@pytest.fixture
def plugin(running_plugin: Plugin, cloud: Cloud) -> Plugin:
    """Return a configured plugin that talks to a fresh cloud."""
    del cloud
    return running_plugin
