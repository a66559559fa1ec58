"""An AWS account that answers what it is told to; botocore's models check every shape."""

from typing import Any

import boto3.session
from botocore.stub import Stubber

from rollout.aws import AccountReader


class AnsweringAccount(AccountReader):
    """Answers in the order in which it was told to, and nothing else.

    Attributes:
        stubs: By service; `add_response` and `add_client_error` tell an answer.
    """

    def __init__(self, *services: str) -> None:
        """Have clients of some services in us-east-1."""
        session: Any = boto3.session.Session("test", "test", region_name="us-east-1")
        self._made: dict[str, Any] = {service: session.client(service) for service in services}
        self.stubs = {service: Stubber(client) for service, client in self._made.items()}
        for stub in self.stubs.values():
            stub.activate()

    def client(self, service: str, region: str) -> Any:
        """Return the client of a service."""
        assert region == "us-east-1"
        return self._made[service]

    def close(self) -> None:
        """Close the clients, and see that all was asked for."""
        for stub in self.stubs.values():
            stub.assert_no_pending_responses()
        for client in self._made.values():
            client.close()
