"""`OriginLockComponent`: two secrets at a time, rules that only add, nothing that can be read."""

from typing import TYPE_CHECKING, Any

import pytest

from components.edge import DualStackEdge
from components.last_deployment import AdmittedPort, of_resources
from components.lookups import OriginError
from components.lookups.security_group import too_many_rules
from components.origin_lock import OriginLockComponent
from components.settings import OriginLock as Lock

if TYPE_CHECKING:
    from components.arguments import DualStackEdgeArgs
    from support.recording import MockEngine

SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}
GROUP = "sg-0123456789abcdef0"


def secret(value: Any) -> dict[str, Any]:
    """Return a secret as it goes to the engine."""
    return {**SECRET, "value": value}


def make(engine: "MockEngine", lock: Lock, ports: tuple[int, ...] = (443,)) -> None:
    engine.run(
        lambda: OriginLockComponent(
            "lock", {"lock": lock, "ports": ports, "prefix_list_id": "pl-3b927c52"}
        )
    )


@pytest.mark.parametrize("generation", [1, 2, 7])
def test_the_secret_in_use_and_the_next_are_accepted_and_nobody_can_read_them(
    engine: "MockEngine", generation: int
) -> None:
    make(engine, Lock(generation=generation))
    current, following = f"lock-secret-{generation}", f"lock-secret-{generation + 1}"
    assert {name for name in engine.registered if "secret" in name} == {current, following}
    assert engine.registered[current].inputs == {"length": 64, "special": False}
    assert engine.outputs["lock"] == {
        "current": secret(f"hush-{current}"),
        "accepted": secret([f"hush-{current}", f"hush-{following}"]),
    }


def test_the_next_secret_keeps_its_value_when_it_is_the_one_in_use(engine: "MockEngine") -> None:
    make(engine, Lock(generation=1))
    following = engine.registered["lock-secret-2"]
    make(engine, Lock(generation=2))
    assert engine.registered["lock-secret-2"] == following


def test_cloudfront_is_admitted_to_the_security_group_port_by_port(engine: "MockEngine") -> None:
    make(engine, Lock(generation=1, security_group=GROUP), (80, 443))
    rules = engine.of_type("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
    assert {rule.name: rule.inputs for rule in rules} == {
        f"lock-from-cloudfront-{port}": {
            "securityGroupId": GROUP,
            "prefixListId": "pl-3b927c52",
            "ipProtocol": "tcp",
            "fromPort": port,
            "toPort": port,
            "description": "CloudFront",
        }
        for port in (80, 443)
    }


def test_no_security_group_is_touched_unless_it_is_named(engine: "MockEngine") -> None:
    make(engine, Lock(generation=1))
    assert not [name for name in engine.registered if "from-cloudfront" in name]


# ---- in an edge ---------------------------------------------------------------------------------

EDGE: "DualStackEdgeArgs" = {
    "hostnames": ["api.example.com"],
    "zone": "example.com",
    "origin": {"load_balancer": "api", "kind": "application"},
    "traffic": {"direct": 0, "cdn": 100},
    "origin_lock": {"generation": 3, "security_group": GROUP},
}


def test_cloudfront_sends_the_secret_in_use_and_the_stack_tells_which_to_accept(
    engine: "MockEngine",
) -> None:
    engine.run(lambda: DualStackEdge("edge", EDGE))
    origins = engine.registered["edge-cdn-distribution"].inputs["origins"]
    assert origins.keys() == {*SECRET, "value"}
    assert origins["value"][0]["customHeaders"] == [
        {"name": "X-Origin-Secret", "value": "hush-edge-lock-secret-3"}
    ]
    assert engine.outputs["edge"]["originSecrets"] == secret(
        ["hush-edge-lock-secret-3", "hush-edge-lock-secret-4"]
    )


def test_an_edge_without_a_lock_sends_no_header(engine: "MockEngine") -> None:
    args: DualStackEdgeArgs = {**EDGE}
    del args["origin_lock"]
    engine.run(lambda: DualStackEdge("edge", args))
    (origin,) = engine.registered["edge-cdn-distribution"].inputs["origins"]
    assert "customHeaders" not in origin
    assert engine.outputs["edge"]["originSecrets"] == []


# ---- another port -------------------------------------------------------------------------------

RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"


def rules(*ports: int, group: str = GROUP, edge: str = "edge") -> dict[str, dict[str, Any]]:
    """Return what the state has of a lock's rules."""
    return {
        f"urn:pulumi:prod::p::{RULE}::{edge}-lock-from-cloudfront-{port}": {
            "type": RULE,
            "outputs": {"securityGroupId": group, "fromPort": float(port), "toPort": float(port)},
        }
        for port in ports
    }


def test_the_state_says_which_ports_the_edge_s_own_lock_admits_cloudfront_to() -> None:
    state = {**rules(80, 443), **rules(8443, edge="other-edge")}
    admitted = frozenset({AdmittedPort(GROUP, 80), AdmittedPort(GROUP, 443)})
    assert of_resources("edge", state).admitted_ports == admitted


@pytest.mark.parametrize(
    ("before", "ports", "quota", "refused"),
    [
        pytest.param([], [443], 60, False, id="a new lock"),
        pytest.param([443], [443], 60, False, id="nothing new"),
        pytest.param([443], [8443], 60, True, id="another port"),
        pytest.param([443], [8443], 110, False, id="another port, and room for both"),
        pytest.param([443], [80, 443], 120, False, id="one more port"),
        pytest.param([80, 443], [80, 8443], 120, True, id="one of two ports"),
        pytest.param([80, 443], [443], 60, False, id="one port less"),
        pytest.param([443, 8443], [8443], 60, False, id="a deployment that ended in between"),
    ],
)
def test_a_port_is_changed_only_where_the_rules_of_both_have_room(
    before: list[int], ports: list[int], quota: int, refused: bool
) -> None:
    lock = Lock(generation=1, security_group=GROUP, rules_per_security_group=quota)
    admitted = [AdmittedPort(GROUP, port) for port in before]
    assert bool(list(too_many_rules(lock, ports, admitted))) is refused
    elsewhere = [AdmittedPort("sg-00000000000000000", port) for port in before]
    assert list(too_many_rules(lock, ports, elsewhere)) == []


def test_a_port_that_cannot_be_changed_is_refused_with_the_ways_there_are(
    engine: "MockEngine",
) -> None:
    engine.account.state = rules(443)
    args: DualStackEdgeArgs = {**EDGE, "origin": {**EDGE["origin"], "https_port": 8443}}
    with pytest.raises(OriginError) as caught:
        engine.run(lambda: DualStackEdge("edge", args))
    key = "dualstack-edge:originLock.rulesPerSecurityGroup"
    (fault,) = caught.value.faults
    assert str(fault) == (
        f"{key} is 60, while the rules for port 443 and for 8443 are beside each other; at least "
        "110, and what else the group admits, which is not counted here: the addresses of "
        "CloudFront count as 55 rules for each port, and it connects to the old one until all of "
        "it has the new one. Have AWS raise the quota 'Inbound or outbound rules per security "
        f"group', then: pulumi config set --path {key} 200; or change the port without these "
        "rules, in the three steps of docs/paths.md"
    )
    assert engine.registered == {}
