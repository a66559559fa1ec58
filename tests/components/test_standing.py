"""An edge that stands needs nobody but Route 53, and takes no name that others have."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import pulumi
import pytest

from components.last_deployment import (
    READ_STATE,
    DropletKind,
    LastDeployment,
    RecordId,
    last_deployment,
    of_resources,
)
from components.lookups import (
    LoadBalancerTarget,
    OriginError,
    Prerequisites,
    ZoneRecord,
    look_up,
)
from components.lookups.taken_names import taken_names
from components.settings import Origin, Proxies, Settings

if TYPE_CHECKING:
    from support.recording import MockEngine

NEWER = "aws:lb/getLoadBalancer:getLoadBalancer"
CLASSIC = "aws:elb/getLoadBalancer:getLoadBalancer"
REGION = "digitalocean:index/getRegion:getRegion"
SETTINGS = Settings(
    hostnames=("api.example.com",),
    zone="example.com",
    origin=Origin(load_balancer="api", kind="application"),
)
NOTHING: Final = LastDeployment()


def looked_up(
    engine: "MockEngine", last: LastDeployment = NOTHING, **changes: Any
) -> Prerequisites:
    return engine.run(lambda: look_up(SETTINGS.model_copy(update=changes), None, last))


def faults(engine: "MockEngine", last: LastDeployment = NOTHING, **changes: Any) -> list[str]:
    with pytest.raises(OriginError) as caught:
        looked_up(engine, last, **changes)
    return [str(fault) for fault in caught.value.faults]


# ---- what the zone says -------------------------------------------------------------------------

GROUP = "_proxy.api.example.com"


def test_a_record_is_read_whatever_the_plugin_leaves_empty(engine: "MockEngine") -> None:
    plain: dict[str, Any] = {"name": f"{GROUP}.", "type": "AAAA", "setIdentifier": "fra1-1"}
    alias = {"dnsName": f"{GROUP}.", "hostedZoneId": "Z0EXAMPLE", "evaluateTargetHealth": False}
    engine.account.records = [
        {**plain, "weight": 1, "ttl": 60},
        {**plain, "name": "api.example.com.", "setIdentifier": "direct", "aliasTarget": alias},
        {"name": "api.example.com.", "type": "TXT"},
    ]
    engine.account.state = state(("api.example.com", "AAAA", "direct"))
    assert looked_up(engine, read(engine)).records == (
        ZoneRecord(GROUP, "AAAA", "fra1-1", 1, 60, ""),
        ZoneRecord("api.example.com", "AAAA", "direct", 0, 0, GROUP, "Z0EXAMPLE"),
        ZoneRecord("api.example.com", "TXT", "", 0, 0, ""),
    )


def test_a_zone_that_cannot_be_listed_stops_the_deployment(engine: "MockEngine") -> None:
    engine.account.broken["aws:route53/getRecords:getRecords"] = "AccessDenied"
    (fault,) = faults(engine)
    assert fault.endswith("See that the credentials allow route53:ListResourceRecordSets.")


def test_a_name_of_somebody_else_is_a_fault_that_says_how_to_see_the_records(
    engine: "MockEngine",
) -> None:
    engine.account.records = [
        {"name": "api.example.com.", "type": "A", "ttl": 60},
        {"name": "api.example.com.", "type": "AAAA", "setIdentifier": "direct", "weight": 1},
    ]
    (fault,) = faults(engine)
    assert fault == (
        'dualstack-edge:hostnames[0] is "api.example.com", which has records already: A, AAAA '
        "direct; a name without records of type A, AAAA and CNAME, or with those of this stack "
        "only: Route 53 takes no weighted record beside a simple one, and a user's record is not "
        "for a deployment to delete. Take another name; or, to have them taken over without a gap, "
        "set dns.records to none, deploy, and then run dualstack adopt:\n"
        "    pulumi config set --path dualstack-edge:dns.records none && pulumi up && "
        "dualstack adopt\n"
        "    See them with: aws route53 list-resource-record-sets --hosted-zone-id Z0EXAMPLE "
        "--query \"ResourceRecordSets[?Name=='api.example.com.']\""
    )


@pytest.mark.parametrize(
    ("records", "own", "taken"),
    [
        pytest.param([("A", "")], [], True, id="a simple record"),
        pytest.param([("CNAME", "")], [], True, id="a CNAME"),
        pytest.param([("A", "direct")], [], True, id="another stack's member"),
        pytest.param([("TXT", ""), ("MX", "")], [], False, id="types that do not matter"),
        pytest.param([("A", "direct"), ("A", "cdn")], [("A", "direct")], False, id="its own"),
        pytest.param(
            [("A", "direct"), ("A", "canary")],
            [("A", "direct")],
            False,
            id="a stranger beside its own, which must not hold a weight",
        ),
        pytest.param(
            [("A", "direct"), ("AAAA", "")],
            [("A", "direct")],
            True,
            id="a simple record of the type that it does not have yet",
        ),
    ],
)
def test_whose_records_are_in_the_way(
    records: list[tuple[str, str]], own: list[tuple[str, str]], taken: bool
) -> None:
    name = "api.example.com"
    zone = [ZoneRecord(name, kind, which, 1, 60, "") for kind, which in records]
    last = LastDeployment(records=frozenset(RecordId(name, *each) for each in own))
    assert bool(list(taken_names("Z0EXAMPLE", SETTINGS, zone, last))) is taken


def test_all_names_that_are_taken_and_all_that_is_missing_are_told_at_once(
    engine: "MockEngine",
) -> None:
    engine.account.set_load_balancers()
    names = ("api.example.com", "api2.example.com")
    engine.account.records = [{"name": f"{name}.", "type": "A"} for name in names]
    assert len(faults(engine, hostnames=names)) == 3


def test_where_the_state_cannot_be_read_no_name_counts_as_taken(
    engine: "MockEngine", caplog: pytest.LogCaptureFixture
) -> None:
    engine.account.records = [{"name": "api.example.com.", "type": "A"}]
    engine.account.broken[READ_STATE] = "the backend is away"
    looked_up(engine, read(engine))
    assert "dualstack-edge/prod could not be read (invoke of" in caplog.text


def test_an_engine_that_has_gone_away_is_no_state_that_cannot_be_read(
    engine: "MockEngine", monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise pulumi.RunError("the engine has gone away")

    monkeypatch.setattr("pulumi.runtime.invoke", gone)
    with pytest.raises(pulumi.RunError, match="gone away"):
        read(engine)


# ---- what stands while nobody answers -----------------------------------------------------------

TARGET = "API-1.eu-central-1.elb.amazonaws.com"
STANDS: dict[str, Any] = {
    "name": "api.example.com.",
    "type": "A",
    "setIdentifier": "direct",
    "weight": 100,
    "aliasTarget": {
        "dnsName": f"{TARGET.lower()}.",
        "hostedZoneId": "Z215JYRZR1TBD5",
        "evaluateTargetHealth": False,
    },
}


def state(
    *records: tuple[str, str, str], targets: Sequence[str] = (), droplets: Sequence[str] = ()
) -> dict[str, dict[str, Any]]:
    """Return what the state has of records, of the edge, and of its droplets in regions."""
    resources: dict[str, dict[str, Any]] = {}

    def put(kind: str, resource: str, **outputs: Any) -> None:
        resources[f"urn:pulumi:prod::p::{kind}::{resource}"] = {"type": kind, "outputs": outputs}

    for name, kind, which in records:
        put(
            "aws:route53/record:Record",
            f"edge-dns-{name}-{kind}-{which}",
            name=name,
            type=kind,
            setIdentifier=which,
        )
    put(
        "dualstack:index:DualStackEdge",
        "edge",
        records=[{"target": target} for target in targets],
    )
    put("dualstack:index:DualStackEdge", "other-edge", records=[{"target": "others"}])
    for region in droplets:
        put(
            "digitalocean:index/droplet:Droplet",
            f"edge-proxy-{region}-1",
            region=region,
            size="s-1vcpu-1gb",
        )
    put("digitalocean:index/droplet:Droplet", "other-proxy-nyc3-1", region="nyc3", size="x")
    return resources


def read(engine: "MockEngine") -> LastDeployment:
    return engine.run(lambda: last_deployment("edge"))


DIRECT = ("api.example.com", "A", "direct")


def test_the_state_is_read_of_one_edge_and_of_the_whole_stack_s_records() -> None:
    resources = state(DIRECT, targets=[TARGET], droplets=["fra1", "ams3"])
    resources["urn:pulumi:prod::p::aws:route53/record:Record::mail"] = {
        "type": "aws:route53/record:Record",
        "outputs": {"name": "Example.com.", "type": "MX"},
    }
    urns = {(item["type"], urn.rpartition("::")[2]): urn for urn, item in resources.items()}
    assert of_resources("edge", resources) == LastDeployment(
        {"records": [{"target": TARGET}]},
        frozenset({RecordId(*DIRECT), RecordId("example.com", "MX", "")}),
        frozenset({DropletKind("fra1", "s-1vcpu-1gb"), DropletKind("ams3", "s-1vcpu-1gb")}),
        edge="edge",
        urns=urns,
    )
    assert of_resources("edge", {}) == LastDeployment(edge="edge")


@pytest.mark.parametrize(
    ("targets", "name"),
    [
        pytest.param(["d1.cloudfront.net", TARGET], TARGET, id="as the last outputs spell it"),
        pytest.param([], TARGET.lower(), id="as the zone does, where there are none"),
        pytest.param(["old.elb.amazonaws.com"], TARGET.lower(), id="or of another"),
    ],
)
@pytest.mark.parametrize("token", [NEWER, CLASSIC])
def test_the_load_balancer_that_stands_is_used_while_nobody_says_whether_it_is_there(
    engine: "MockEngine",
    caplog: pytest.LogCaptureFixture,
    token: str,
    targets: list[str],
    name: str,
) -> None:
    engine.account.records = [STANDS]
    engine.account.state = state(DIRECT, targets=targets)
    engine.account.broken[token] = "Throttling: Rate exceeded"
    last = read(engine)
    assert looked_up(engine, last).load_balancer == LoadBalancerTarget(name, "Z215JYRZR1TBD5")
    assert "which could not be looked up; a load balancer that can be described" in caplog.text
    assert "The edge stands, so this deployment goes on with what it has." in caplog.text


def test_the_load_balancer_of_the_zone_is_used_where_the_state_cannot_be_read(
    engine: "MockEngine",
) -> None:
    engine.account.records = [STANDS]
    engine.account.broken.update({NEWER: "Throttling", READ_STATE: "the backend is away"})
    last = read(engine)
    assert looked_up(engine, last).load_balancer.name == TARGET.lower()


def test_a_record_of_somebody_else_is_nothing_that_stands(engine: "MockEngine") -> None:
    engine.account.records = [STANDS]
    engine.account.broken[NEWER] = "Throttling"
    load_balancer, taken = faults(engine)
    assert "which could not be looked up" in load_balancer
    assert "which has records already: A direct" in taken


def test_an_answer_that_says_no_is_a_fault_of_an_edge_that_stands_too(engine: "MockEngine") -> None:
    engine.account.records = [STANDS]
    engine.account.state = state(DIRECT, targets=[TARGET])
    engine.account.set_load_balancers()
    last = read(engine)
    (fault,) = faults(engine, last)
    assert fault.startswith('dualstack-edge:origin.loadBalancer is "api", which was not found;')


@pytest.mark.parametrize(
    ("pool", "count"),
    [
        pytest.param(Proxies(regions=("fra1", "ams3")), 0, id="nothing new"),
        pytest.param(Proxies(regions=("fra1",), size="s-2vcpu-2gb"), 1, id="another size"),
        pytest.param(Proxies(regions=("fra1", "lon1")), 1, id="another region"),
    ],
)
def test_digitalocean_is_asked_for_what_is_new_and_a_failure_to_ask_is_a_warning(
    engine: "MockEngine", caplog: pytest.LogCaptureFixture, pool: Proxies, count: int
) -> None:
    engine.account.records = [STANDS]
    engine.account.state = state(DIRECT, targets=[TARGET], droplets=["fra1", "ams3"])
    engine.account.broken[REGION] = "GET /v2/regions: 503 Service Unavailable"
    last = read(engine)
    looked_up(engine, last, proxy=pool)
    assert caplog.text.count("503 Service Unavailable") == count


def test_a_region_that_is_closed_beside_one_that_nobody_knows_is_a_fault(
    engine: "MockEngine",
) -> None:
    engine.account.records = [STANDS]
    engine.account.state = state(DIRECT, targets=[TARGET])
    last = read(engine)
    assert len(faults(engine, last, proxy=Proxies(regions=("sfo2", "blr1")))) == 2
    assert len(faults(engine, last, proxy=Proxies(regions=("blr1",)))) == 1
