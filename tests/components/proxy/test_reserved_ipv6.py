"""The program that configures the reserved IPv6 address, run in a network namespace of its own."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final

import pytest

from sandbox.debian import find_program

_GUEST: Final = Path(__file__).parent / "guest.py"
_FIRST: Final = "2001:db8:ffff::1"
_SECOND: Final = "2001:db8:ffff::2"
_ASSIGNED: Final = {"active": "true", "ip_address": _FIRST}
_NONE: Final = {"active": "false", "ip_address": ""}
_GATEWAY: Final = "2001:db8:1::1"


@dataclass(frozen=True)
class Outcome:
    """What one run of the program came to."""

    code: int
    output: str
    errors: str
    addresses: list[str]
    """Global addresses of lo."""
    gateway: str | None
    """Gateway of the default route, None for a route over the link itself."""


def _runs(*metadata: Mapping[str, str]) -> Sequence[Outcome]:
    """Run the program once for each thing that the metadata service says, one after the other."""
    unshare = [find_program("unshare"), "--map-root-user", "--net", "--fork", "--kill-child"]
    with as_file(files("components.proxy") / "files/usr/local/sbin/reserved-ipv6") as program:
        done = subprocess.run(
            [*unshare, sys.executable, _GUEST, program],
            input=json.dumps(metadata),
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    return [Outcome(**outcome) for outcome in json.loads(done.stdout)]


def test_an_assigned_address_is_put_on_lo_and_the_default_route_goes_over_the_link() -> None:
    (outcome,) = _runs(_ASSIGNED)

    assert outcome == Outcome(0, _came(_FIRST), "", [f"{_FIRST}/128"], None)


def test_an_address_that_is_assigned_later_is_configured_then() -> None:
    before, after = _runs(_NONE, _ASSIGNED)

    assert before == Outcome(0, "", "", [], _GATEWAY)
    assert after == Outcome(0, _came(_FIRST), "", [f"{_FIRST}/128"], None)


def test_a_second_run_changes_nothing_whatever_the_spelling_of_the_address() -> None:
    _, same, spelled = _runs(
        _ASSIGNED, _ASSIGNED, {"active": "true", "ip_address": "2001:0DB8:ffff:0::1"}
    )

    assert same == spelled == Outcome(0, "", "", [f"{_FIRST}/128"], None)


def test_an_address_that_is_exchanged_is_exchanged_in_the_guest() -> None:
    _, moved = _runs(_ASSIGNED, {"active": "true", "ip_address": _SECOND})

    assert moved == Outcome(0, _came(_SECOND) + _went(_FIRST), "", [f"{_SECOND}/128"], None)


def test_an_address_that_was_taken_away_is_removed() -> None:
    _, gone = _runs(_ASSIGNED, _NONE)

    assert gone == Outcome(0, _went(_FIRST), "", [], None)


@pytest.mark.parametrize(
    ("metadata", "code", "error"),
    [
        pytest.param({}, 22, "The requested URL returned error: 503", id="no answer"),
        pytest.param(
            {"active": "perhaps"},
            1,
            '<3>reserved_ip/ipv6/active of the metadata is "perhaps"; true or false. Nothing was '
            "changed.\n",
            id="neither true nor false",
        ),
        pytest.param(
            {"active": "true", "ip_address": "2001:db8::1; ip link set lo down"},
            1,
            "inet6 prefix is expected",
            id="no address",
        ),
        pytest.param(
            {"active": "true", "ip_address": "198.51.100.7"},
            1,
            "inet6 prefix is expected",
            id="IPv4 address",
        ),
    ],
)
def test_what_cannot_be_understood_fails_and_changes_nothing(
    metadata: Mapping[str, str], code: int, error: str
) -> None:
    _, after = _runs(_ASSIGNED, metadata)

    assert (after.code, after.addresses) == (code, [f"{_FIRST}/128"])
    assert error in after.errors


def _came(address: str) -> str:
    return f"<5>Reserved IPv6 address {address}/128 is on this machine now.\n"


def _went(address: str) -> str:
    return f"<5>Reserved IPv6 address {address}/128 is no longer on this machine.\n"
