"""Proxies leave the answers first, and go only when no answer has them any more."""

from typing import TYPE_CHECKING, Any

import pulumi_aws as aws
import pytest

from components.departure import NOBODY, Departure, departure, hold
from components.lookups import ZoneRecord

if TYPE_CHECKING:
    from support.recording import MockEngine

HOSTNAMES = ("api.example.com", "api2.example.com")
GROUP = "_proxy.api.example.com"


def member(node: str, weight: int = 1, group: str = GROUP, ttl: int = 60) -> ZoneRecord:
    return ZoneRecord(group, "AAAA", node, weight, ttl, "")


def lead(hostname: str, group: str) -> ZoneRecord:
    return ZoneRecord(hostname, "AAAA", "direct", 100, 0, group)


EMPTY_ANSWER = ZoneRecord(GROUP, "AAAA", "none", 0, 0, "lb.eu-central-1.elb.amazonaws.com")
BOTH = [member("fra1-1"), member("ams3-1"), EMPTY_ANSWER, lead(HOSTNAMES[0], GROUP)]


@pytest.mark.parametrize(
    ("nodes", "records", "expected"),
    [
        pytest.param([], [], NOBODY, id="no pool, and never one"),
        pytest.param(["fra1-1"], [], NOBODY, id="the first deployment of a pool"),
        pytest.param(["fra1-1", "ams3-1"], BOTH, NOBODY, id="all stay"),
        pytest.param(["ams3-1", "fra1-1"], BOTH, NOBODY, id="in another order"),
        pytest.param(["fra1-1", "ams3-1", "lon1-1"], BOTH, NOBODY, id="one more"),
        pytest.param(["ams3-1"], BOTH, Departure(("fra1-1",)), id="one leaves"),
        pytest.param(
            ["ams3-1"],
            [member("fra1-1", weight=0), *BOTH[1:]],
            Departure(hold_seconds=60),
            id="one that left is deleted",
        ),
        pytest.param(
            ["lon1-1"],
            [member("fra1-1", weight=0), *BOTH[1:]],
            Departure(("ams3-1",), 60),
            id="one is deleted while another leaves",
        ),
        pytest.param([], BOTH, Departure(hold_seconds=60), id="the whole pool is removed"),
        pytest.param(
            [],
            [member("fra1-1", ttl=60), member("fra1-2", ttl=300)],
            Departure(hold_seconds=300),
            id="the longest answer counts",
        ),
        pytest.param(
            ["ams3-1"],
            [
                member("fra1-1", group="_proxy.old.example.com"),
                lead(HOSTNAMES[1], "_proxy.old.example.com"),
            ],
            Departure(("fra1-1",)),
            id="a group that is named after a hostname of before",
        ),
        pytest.param(
            [],
            [member("fra1-1", group="_proxy.others.example.com")],
            NOBODY,
            id="proxies of another edge in the zone",
        ),
        pytest.param([], [member("canary"), EMPTY_ANSWER], NOBODY, id="records of no proxy"),
        pytest.param(
            [],
            [ZoneRecord(GROUP, "A", "fra1-1", 1, 60, "")],
            NOBODY,
            id="a record of another type",
        ),
    ],
)
def test_who_leaves_and_how_long_answers_have_them(
    nodes: list[str], records: list[ZoneRecord], expected: Departure
) -> None:
    assert departure(HOSTNAMES, nodes, records) == expected


# ---- waiting ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "preview", "slept"),
    [
        pytest.param(60, False, [60], id="answers live"),
        pytest.param(0, False, [], id="nobody goes"),
        pytest.param(60, True, [], id="a preview deletes nothing"),
    ],
)
def test_a_deployment_waits_for_answers_after_the_records_changed(
    engine: "MockEngine",
    monkeypatch: pytest.MonkeyPatch,
    seconds: int,
    preview: bool,
    slept: list[int],
) -> None:
    monkeypatch.setattr("pulumi.runtime.is_dry_run", lambda: preview)
    happened: list[Any] = []
    messages: list[str] = []

    async def sleep(seconds: float) -> None:
        happened.append((seconds, set(engine.registered)))

    def program() -> None:
        record = aws.route53.Record("direct", zone_id="Z0EXAMPLE", name="api", type="AAAA")
        hold(seconds, "to a proxy", [record], messages.append, sleep)

    engine.run(program)
    assert happened == [(seconds, {"direct"}) for seconds in slept]
    assert len(messages) == len(slept)
