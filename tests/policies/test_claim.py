"""A pack that one engine starts twice speaks once, and nobody is silent for anybody else."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import analyzer_pb2

from policies.claim import OLD_SECONDS, Claim
from policies.model import Value
from policies.rules import DUAL_STACK
from policies.server import PackServer

Compliant = Callable[[], dict[str, Value]]
ENGINE = ("127.0.0.1:1234", "/packs/dual_stack", "17")
CONTEXT: Any = None


Claimant = Callable[..., Claim]


@pytest.fixture
def claim(tmp_path: Path) -> Iterator[Claimant]:
    """Make claims on one folder, which are let go of afterwards."""
    made: list[Claim] = []

    def make(engine: Sequence[str] = ENGINE, folder: Path = tmp_path) -> Claim:
        made.append(Claim(engine, folder))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_the_first_process_speaks_until_it_ends(claim: Claimant) -> None:
    first, second = claim(), claim()
    assert first.holds("dual-stack")
    assert first.holds("dual-stack")
    assert not second.holds("dual-stack")
    assert not second.holds("dual-stack")
    first.close()
    assert claim().holds("dual-stack")


@pytest.mark.parametrize(
    ("engine", "settings"),
    [
        pytest.param(("127.0.0.1:9", *ENGINE[1:]), "dual-stack", id="another engine"),
        pytest.param((ENGINE[0], "/other", ENGINE[2]), "dual-stack", id="another folder"),
        pytest.param((*ENGINE[:2], "18"), "dual-stack", id="another process that starts packs"),
        pytest.param(ENGINE, "hardening", id="another pack"),
    ],
)
def test_whatever_differs_speaks_for_itself(
    engine: tuple[str, ...], settings: str, claim: Claimant
) -> None:
    assert claim().holds("dual-stack")
    assert claim(engine).holds(settings)


def test_where_nothing_can_be_locked_everybody_speaks(tmp_path: Path, claim: Claimant) -> None:
    folder = tmp_path / "a file"
    folder.write_text("")
    claims = [claim(folder=folder), claim(folder=folder)]
    assert [one.holds("dual-stack") for one in claims] == [True, True]


def test_the_files_of_engines_of_long_ago_are_removed(tmp_path: Path, claim: Claimant) -> None:
    old = tmp_path / "old"
    old.write_text("")
    before = time.time() - OLD_SECONDS - 1
    os.utime(old, (before, before))
    assert claim().holds("dual-stack")
    assert not old.exists()


def broken(compliant: Compliant) -> analyzer_pb2.AnalyzeRequest:
    struct = Struct()
    given: Any = {**compliant(), "isIpv6Enabled": False}
    struct.update(given)
    return analyzer_pb2.AnalyzeRequest(
        type="aws:cloudfront/distribution:Distribution", urn="urn", name="cdn", properties=struct
    )


def server(claim: Claim, *, preview: bool = True, level: Any = None) -> PackServer:
    made = PackServer(DUAL_STACK, claim=claim)
    made.ConfigureStack(analyzer_pb2.AnalyzerStackConfigureRequest(dry_run=preview), CONTEXT)
    request = analyzer_pb2.ConfigureAnalyzerRequest()
    if level is not None:
        request.policyConfig["unknowns"].enforcementLevel = level
    made.Configure(request, CONTEXT)
    return made


def test_a_server_says_a_fault_once_however_often_its_pack_is_given(
    claim: Claimant, compliant: Compliant
) -> None:
    servers = [server(claim()), server(claim())]
    request = broken(compliant)
    counts = [len(one.Analyze(request, CONTEXT).diagnostics) for one in servers]
    assert counts == [1, 0]
    stack = analyzer_pb2.AnalyzeStackRequest()
    assert not servers[1].AnalyzeStack(stack, CONTEXT).diagnostics
    assert not servers[1].Remediate(request, CONTEXT).remediations


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"preview": False}, id="an update after the preview"),
        pytest.param({"level": analyzer_pb2.ADVISORY}, id="other settings"),
    ],
)
def test_a_server_that_is_set_up_otherwise_speaks(
    other: dict[str, Any], claim: Claimant, compliant: Compliant
) -> None:
    servers = [server(claim()), server(claim(), **other)]
    counts = [len(one.Analyze(broken(compliant), CONTEXT).diagnostics) for one in servers]
    assert counts == [1, 1]
