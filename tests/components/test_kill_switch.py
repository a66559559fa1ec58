"""The kill switch is one inverted check on `cdn`, and on the records only once it has looked."""

import asyncio
from typing import TYPE_CHECKING, Any

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components import places
from components.edge import DualStackEdge
from components.kill_switch import LOOKED_SECONDS, after_it_looked, drain_check
from components.last_deployment import LastDeployment
from components.lookups.promised_ipv6 import promised_ipv6
from components.settings import KillSwitch, Origin, Proxies, Settings, Traffic

if TYPE_CHECKING:
    from support.recording import MockEngine

URL = "https://edge-switch.s3.eu-west-1.amazonaws.com/drain"
SETTINGS = Settings(
    hostnames=("api.example.com", "api2.example.com"),
    zone="example.com",
    origin=Origin(load_balancer="api", kind="application"),
    kill_switch=KillSwitch(url=URL),
)
CHECK = "aws:route53/healthCheck:HealthCheck"
ASKED: dict[str, Any] = {
    "searchString": "dualstack-edge: drain cdn",
    "invertHealthcheck": True,
    "requestInterval": 10,
    "failureThreshold": 3,
    "tags": {"Name": "edge-switch"},
}


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        (
            URL,
            {
                "type": "HTTPS_STR_MATCH",
                "fqdn": "edge-switch.s3.eu-west-1.amazonaws.com",
                "port": 443,
                "resourcePath": "/drain",
                "enableSni": True,
            },
        ),
        (
            "http://status.example.net:8080/drain",
            {
                "type": "HTTP_STR_MATCH",
                "fqdn": "status.example.net",
                "port": 8080,
                "resourcePath": "/drain",
            },
        ),
    ],
)
def test_one_inverted_check_is_on_every_record_of_cdn_and_on_no_other(
    engine: "MockEngine", url: str, asked: dict[str, Any]
) -> None:
    settings = SETTINGS.model_copy(update={"kill_switch": KillSwitch(url=url)})
    engine.run(lambda: DualStackEdge.of_settings("edge", settings))
    (check,) = engine.of_type(CHECK)
    assert (check.name, check.parent, check.inputs) == ("edge-switch", "edge", asked | ASKED)
    made = engine.registered
    of_record = {
        (hostname, family, path): made[
            places.traffic_record("edge", hostname, family, path).name
        ].inputs.get("healthCheckId")
        for hostname in SETTINGS.hostnames
        for family in ("A", "AAAA")
        for path in ("direct", "cdn")
    }
    the_id = of_record["api.example.com", "A", "cdn"]
    assert the_id
    assert of_record == {key: the_id if key[2] == "cdn" else None for key in of_record}


def test_nothing_is_made_when_it_is_off(engine: "MockEngine") -> None:
    settings = SETTINGS.model_copy(update={"kill_switch": None})
    engine.run(lambda: DualStackEdge.of_settings("edge", settings))
    assert engine.of_type(CHECK) == []
    records = engine.of_type("aws:route53/record:Record")
    assert [item.name for item in records if "healthCheckId" in item.inputs] == []


@pytest.mark.parametrize(
    ("last", "slept"),
    [
        pytest.param(None, [LOOKED_SECONDS], id="a new check"),
        pytest.param("another", [LOOKED_SECONDS], id="one that replaces another"),
        pytest.param("the same", [], id="the check of the last deployment"),
    ],
)
def test_records_get_a_check_when_it_has_looked(
    engine: "MockEngine", last: str | None, slept: list[int]
) -> None:
    seconds: list[float] = []
    said: list[str] = []
    ids: list[str] = []

    async def sleep(how_long: float) -> None:
        seconds.append(how_long)
        await asyncio.sleep(0)

    def program() -> None:
        check = drain_check("edge-switch", KillSwitch(url=URL), pulumi.ResourceOptions())
        last_id = check.id if last == "the same" else pulumi.Output.from_input(last)

        def looked(known: list[str | None]) -> pulumi.Output[str]:
            return after_it_looked(check, known[0], said.append, sleep)

        pulumi.Output.all(last_id).apply(looked).apply(ids.append)

    engine.run(program)
    assert (seconds, len(said), len(ids)) == (slept, len(slept), 1)


def test_nothing_waits_while_cdn_has_no_weight(
    engine: "MockEngine", monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[str] = []

    def wait(check: Any, *_: object) -> Any:
        waited.append(check)
        return check.id

    monkeypatch.setattr("components.edge.after_it_looked", wait)
    for weight, times in ((0, 0), (1, 1)):
        traffic = Traffic(direct=100 - weight, cdn=weight)
        settings = SETTINGS.model_copy(update={"traffic": traffic})
        engine.run(lambda: DualStackEdge.of_settings(f"edge{weight}", settings))  # noqa: B023 - runs at once
        assert len(waited) == times


def promised(settings: Settings, addresses: list[str]) -> list[str]:
    last = LastDeployment({"proxyAddresses": addresses})
    return [str(fault) for fault in promised_ipv6(settings, last)]


def test_proxies_do_not_leave_while_it_may_lead_clients_without_ipv4_back_to_them() -> None:
    (fault,) = promised(SETTINGS, ["2001:db8::1", "2001:db8::2"])
    assert fault == (
        "dualstack-edge:proxy is not set, while killSwitch is set and the last deployment had 2 "
        "proxies; set for as long as the switch may lead clients without IPv4 back to direct, "
        "whose AAAA records would be answered empty. Remove killSwitch in the same deployment; "
        "set it again afterwards if these clients may do without the API while cdn is drained."
    )


@given(has_switch=st.booleans(), has_pool=st.booleans(), addresses=st.lists(st.just("2001:db8::1")))
def test_ipv6_is_promised_by_proxies_that_there_were_alone(
    *, has_switch: bool, has_pool: bool, addresses: list[str]
) -> None:
    settings = SETTINGS.model_copy(
        update={
            "kill_switch": SETTINGS.kill_switch if has_switch else None,
            "proxy": Proxies(regions=("fra1",)) if has_pool else None,
        }
    )
    refused = bool(promised(settings, addresses))
    assert refused == (has_switch and not has_pool and bool(addresses))
