"""The engine that the components' tests run their programs in."""

from collections.abc import Iterator

import pulumi.runtime
import pytest

from support.recording import AwsApis, DropletCloud, MockEngine


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[MockEngine]:
    """Return an engine; an Output that is made into text by accident raises."""
    monkeypatch.setenv("PULUMI_ERROR_OUTPUT_STRING", "1")
    engine = MockEngine()
    monkeypatch.setattr("components.lookups.has_account", lambda: True)

    def open_account(_: object) -> AwsApis:
        return engine.account.apis

    monkeypatch.setattr("components.lookups.account.open_account", open_account)

    def let_in(*_: object) -> None:
        """Mocks are always let in; see test_access.py for who is not."""

    monkeypatch.setattr("components.lookups.account.check_access", let_in)

    def open_digitalocean(_: object) -> DropletCloud:
        return engine.account.droplet_cloud

    monkeypatch.setattr("components.lookups.digitalocean.open_digitalocean", open_digitalocean)
    yield engine
    pulumi.runtime.set_all_config({}, [])
