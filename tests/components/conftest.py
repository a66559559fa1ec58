"""The engine that the components' tests run their programs in."""

from collections.abc import Iterator

import pulumi.runtime
import pytest

from support.recording import Engine


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """Return an engine; an Output that is made into text by accident raises."""
    monkeypatch.setenv("PULUMI_ERROR_OUTPUT_STRING", "1")
    yield Engine()
    pulumi.runtime.set_all_config({}, [])
