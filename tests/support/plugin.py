"""A stand-in plugin as the engine starts it, and the engine's side of it."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc, status_pb2

from sandbox.plugins.values import Props, decode, encode
from support.waiting import PATIENCE_SECONDS

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

    def check(
        self, type_name: str, inputs: Props, olds: Props | None = None
    ) -> tuple[Props, list[tuple[str, str]]]:
        answer = self.stub.Check(
            provider_pb2.CheckRequest(
                urn=self.urn(type_name), olds=encode(olds or {}), news=encode(inputs)
            )
        )
        return decode(answer.inputs), [(item.property, item.reason) for item in answer.failures]

    def checked(self, type_name: str, inputs: Props) -> Props:
        inputs, failures = self.check(type_name, inputs)
        assert failures == []
        return inputs

    def compare(
        self, type_name: str, state: Props, inputs: Props, ignored: Sequence[str] = ()
    ) -> Any:
        """Return the whole answer to a Diff."""
        return self.stub.Diff(
            provider_pb2.DiffRequest(
                urn=self.urn(type_name),
                id=state.get("id", ""),
                olds=encode(state),
                news=encode(inputs),
                ignoreChanges=ignored,
            )
        )

    def diff(
        self, type_name: str, state: Props, inputs: Props, ignored: Sequence[str] = ()
    ) -> dict[str, str]:
        answer = self.compare(type_name, state, inputs, ignored)
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


def start_plugin(
    package: str, environment: Mapping[str, str], *arguments: str
) -> tuple[subprocess.Popen[str], str]:
    """Start the stand-in for a package as the engine does; return it and the port it prints."""
    process = subprocess.Popen(
        [sys.executable, "-m", f"sandbox.plugins.{package}", *arguments],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def stop_plugin(process: subprocess.Popen[str]) -> str:
    """End the stand-in and return what else it printed."""
    process.terminate()
    return process.communicate(timeout=PATIENCE_SECONDS)[0]
