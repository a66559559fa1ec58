"""`dns.records` changes only when the records have: before that it stops, and says who does it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from components import places
from components.edge import DualStackEdge
from components.last_deployment import LastDeployment, of_resources
from components.lookups import LoadBalancerTarget, OriginError, Prerequisites, look_up
from components.lookups.left_behind import import_command
from components.settings import Dns, Origin, Proxies, Settings, SettingsError, Traffic, parse

if TYPE_CHECKING:
    from components.facts import Declared
    from components.places import ResourcePlace
    from support.recording import MockEngine

API, API2, OLD = "api.example.com", "api2.example.com", "old.example.com"
TARGET: Final = "d111111abcdef8.cloudfront.net"
LOAD_BALANCER: Final = "api-1.eu-central-1.elb.amazonaws.com"
GROUP: Final = f"_proxy.{API}"
CDN_ZONE: Final = "Z2FDTNDATAQYW2"
SETTINGS: Final = Settings(
    hostnames=(API, API2),
    zone="example.com",
    origin=Origin(load_balancer="api", kind="application"),
)
DELETES: Final = "this deployment would delete records that serve"
KEY: Final = "dualstack-edge:dns.records"


def of_kind(kind: str, name: str = API) -> "list[ResourcePlace]":
    """Return where the state has the records of a hostname."""
    if kind == "simple":
        return [places.simple_record("edge", name, family) for family in ("A", "AAAA")]
    return [
        places.traffic_record("edge", name, family, path)
        for family in ("A", "AAAA")
        for path in ("direct", "cdn")
    ]


def urn(place: "ResourcePlace") -> str:
    return f"urn:pulumi:prod::p::{place.type}::{place.name}"


def state(*kinds: str, names: Sequence[str] = (API, API2)) -> dict[str, dict[str, Any]]:
    """Return what the state has: the edge, its distribution, and records of some kinds."""
    resources: dict[str, dict[str, Any]] = {
        f"urn:pulumi:prod::p::dualstack:index:{kind}::{name}": {
            "type": f"dualstack:index:{kind}",
            "outputs": {},
        }
        for kind, name in (("DualStackEdge", "edge"), ("WeightedDns", "edge-dns"))
    }
    distribution = places.distribution("edge")
    resources[urn(distribution)] = {
        "type": distribution.type,
        "outputs": {"domainName": TARGET, "aliases": list(names)},
    }
    for kind in kinds:
        for name in names:
            for place in of_kind(kind, name):
                family, _, path = place.name.removeprefix(f"edge-dns-{name}-").partition("-")
                record = {"name": name, "type": family.upper(), "setIdentifier": path}
                resources[urn(place)] = {"type": place.type, "outputs": record}
    return resources


def in_zone(
    kind: str, name: str = API, targets: tuple[str, str] = (LOAD_BALANCER, TARGET), at: str = ""
) -> list[dict[str, Any]]:
    """Return the records of a name as the zone has them; simple ones lead to direct, or to `at`."""
    ways = {"direct": targets[0], "cdn": targets[1]} if kind == "weighted" else {"": at}
    return [
        {
            "name": f"{name}.",
            "type": family,
            "setIdentifier": path,
            "weight": 50 if path else 0,
            "aliasTarget": {
                "dnsName": f"{target or targets[0]}.",
                "hostedZoneId": CDN_ZONE if target == TARGET else "ZLB",
                "name": "x",
            },
        }
        for family in ("A", "AAAA")
        for path, target in ways.items()
    ]


def looked_up(
    engine: "MockEngine",
    declared: "Declared",
    *kinds: str,
    last: Mapping[str, Any] | None = None,
    **changes: Any,
) -> Prerequisites:
    traffic = {"traffic": Traffic(direct=100, cdn=0), "dns": Dns(records=declared)}
    settings = SETTINGS.model_copy(update=traffic | changes)
    deployed = of_resources("edge", state(*kinds))
    deployed = replace(deployed, outputs={**deployed.outputs, **(last or {})})
    return engine.run(lambda: look_up(settings, None, deployed))


def faults(engine: "MockEngine", declared: "Declared", *kinds: str, **changes: Any) -> list[str]:
    with pytest.raises(OriginError) as caught:
        looked_up(engine, declared, *kinds, **changes)
    return [str(fault) for fault in caught.value.faults]


# ---- the state has another kind -----------------------------------------------------------------

FORGET: Final = "".join(
    f"\n    pulumi state delete --force '{urn(place)}'"
    for name in (API, API2)
    for place in of_kind("simple", name)
)


@pytest.mark.parametrize("zone", ["weighted", "simple"])
@pytest.mark.parametrize(
    ("declared", "kind", "words"),
    [
        pytest.param(
            "simple",
            "weighted",
            f"weighted until dualstack release has exchanged them: {DELETES}, and Route 53 takes "
            "no simple record beside a weighted one. If dualstack release was interrupted, run it "
            "again. Else set it as it was and let that command change it: "
            f"pulumi config set --path {KEY} weighted && dualstack release",
            id="weighted to simple",
        ),
        pytest.param(
            "none",
            "weighted",
            f"weighted while they are in it: {DELETES}. dualstack release makes simple records of "
            "them, and dualstack adopt --undo brings back what it replaced. Until then set it "
            f"with: pulumi config set --path {KEY} weighted",
            id="weighted to none",
        ),
        pytest.param(
            "weighted",
            "simple",
            f"simple until dualstack adopt has exchanged them: {DELETES}, and Route 53 takes no "
            "weighted record beside a simple one. If dualstack adopt was interrupted, run it "
            "again. Else set it as it was and let that command change it: "
            f"pulumi config set --path {KEY} simple && dualstack adopt",
            id="simple to weighted",
        ),
        pytest.param(
            "none",
            "simple",
            f"simple while they are in it: {DELETES}. Set it with: "
            f"pulumi config set --path {KEY} simple\n    Or leave them in the zone and out of the "
            f"stack, after which none is right:{FORGET}",
            id="simple to none",
        ),
    ],
)
def test_what_would_delete_records_that_serve_is_refused_whatever_the_zone_has_by_now(
    engine: "MockEngine", declared: "Declared", kind: str, words: str, zone: str
) -> None:
    engine.account.records = [*in_zone(zone), *in_zone(zone, API2)]
    (fault,) = faults(engine, declared, kind)
    assert fault == (
        f'{KEY} is "{declared}", while the stack has {kind} records of {API}, {API2}; {words}'
    )


@pytest.mark.parametrize(
    ("declared", "kinds", "zone"),
    [
        pytest.param("weighted", ["weighted"], "weighted", id="weighted"),
        pytest.param("simple", ["simple"], "simple", id="simple, after release"),
        pytest.param("none", [], "simple", id="none, beside somebody else's"),
        pytest.param("none", [], "weighted", id="none, when adopt was interrupted"),
        pytest.param("none", [], "", id="none, of a name without records"),
        pytest.param("weighted", [], "", id="weighted, at first"),
        pytest.param("simple", [], "", id="simple, at first"),
    ],
)
def test_what_zone_and_state_have_already_is_deployed(
    engine: "MockEngine",
    caplog: pytest.LogCaptureFixture,
    declared: "Declared",
    kinds: list[str],
    zone: str,
) -> None:
    engine.account.records = [*in_zone(zone), *in_zone(zone, API2)] if zone else []
    assert looked_up(engine, declared, *kinds).leaving == ()
    assert caplog.messages == []


def test_both_kinds_in_the_state_are_one_fault_for_each_that_may_not_be_there(
    engine: "MockEngine",
) -> None:
    assert [words.partition(";")[0] for words in faults(engine, "none", "weighted", "simple")] == [
        f'{KEY} is "none", while the stack has {kind} records of {API}, {API2}'
        for kind in ("weighted", "simple")
    ]


def test_records_of_a_name_that_leaves_are_not_deleted_by_the_setting_either(
    engine: "MockEngine",
) -> None:
    engine.account.records = [*in_zone("weighted"), *in_zone("weighted", API2)]
    (fault,) = faults(engine, "simple", "weighted", hostnames=(API2, "new.example.com"))
    assert f"while the stack has weighted records of {API2}, {API};" in fault


def test_where_the_state_cannot_be_read_no_kind_is_judged(engine: "MockEngine") -> None:
    engine.account.records = in_zone("weighted")
    settings = SETTINGS.model_copy(update={"dns": Dns(records="none")})
    unread = LastDeployment(edge="edge", readable=False)
    assert engine.run(lambda: look_up(settings, None, unread)).records


# ---- the zone has another kind, or somebody else's ----------------------------------------------


def test_weighted_records_in_the_zone_stop_simple_ones_of_the_state(engine: "MockEngine") -> None:
    engine.account.records = [*in_zone("simple"), *in_zone("weighted", API2)]
    (fault,) = faults(engine, "simple", "simple")
    assert fault == (
        f'{KEY} is "simple", while the zone has weighted records of {API2}; simple once the zone '
        "has simple ones alone: Route 53 takes none beside them. If dualstack release was "
        "interrupted, or undone, run the same command again"
    )


def test_simple_records_in_the_zone_are_a_warning_because_other_names_have_weights_to_change(
    engine: "MockEngine", caplog: pytest.LogCaptureFixture
) -> None:
    engine.account.records = [*in_zone("weighted"), *in_zone("simple", API2)]
    looked_up(engine, "weighted", "weighted")
    (warning,) = caplog.messages
    assert warning.startswith(
        f"The zone has simple records of {API2}, and the stack weighted ones."
    )
    assert warning.endswith("or dualstack adopt undone, run the same command again.")


@pytest.mark.parametrize(
    ("declared", "kinds", "way"),
    [
        pytest.param(
            "weighted",
            [],
            "set dns.records to none, deploy, and then run dualstack adopt:\n"
            f"    pulumi config set --path {KEY} none && pulumi up && dualstack adopt\n",
            id="a first deployment",
        ),
        pytest.param("simple", [], " && dualstack adopt && dualstack release\n", id="or a simple"),
        pytest.param(
            "weighted",
            ["weighted"],
            "Take another name, or exchange them as docs/operating.md says in 'A name that joins "
            "a stack with users'.\n",
            id="a name more",
        ),
    ],
)
def test_somebody_else_s_record_names_the_way_into_the_stack(
    engine: "MockEngine", declared: "Declared", kinds: list[str], way: str
) -> None:
    engine.account.records = [{"name": "new.example.com.", "type": "A", "ttl": 60}]
    (fault,) = faults(engine, declared, *kinds, hostnames=(API, "new.example.com"))
    assert f'{KEY.partition(":")[0]}:hostnames[1] is "new.example.com"' in fault
    assert way in fault


@pytest.mark.parametrize(
    ("cdn", "at", "left"),
    [
        pytest.param(0, LOAD_BALANCER, True, id="direct where it is direct's"),
        pytest.param(100, TARGET, True, id="cdn where it is cdn's"),
        pytest.param(0, TARGET, False, id="cdn where it is direct's"),
        pytest.param(100, LOAD_BALANCER, False, id="direct where it is cdn's"),
    ],
)
def test_a_simple_record_that_the_state_lacks_is_taken_over_where_it_leads_where_ours_would(
    engine: "MockEngine", cdn: int, at: str, left: bool
) -> None:
    engine.account.records = in_zone("simple", at=at)[:1]
    words = "\n".join(faults(engine, "simple", traffic=Traffic(direct=100 - cdn, cdn=cdn)))
    command = import_command(
        places.simple_record("edge", API, "A"), f"Z0EXAMPLE_{API}_A", of_resources("edge", state())
    )
    assert command
    assert (command in words) is left
    assert (f"Record A of {API} is in the zone already" in words) is left
    assert ("which has records already: A;" in words) is not left


# ---- what else reads records --------------------------------------------------------------------

NEWER: Final = "aws:lb/getLoadBalancer:getLoadBalancer"


def test_simple_records_say_what_stands_while_nobody_else_does(engine: "MockEngine") -> None:
    engine.account.records = [*in_zone("simple"), *in_zone("simple", API2)]
    engine.account.broken[NEWER] = "Throttling"
    found = looked_up(engine, "simple", "simple").load_balancer
    assert found == LoadBalancerTarget(LOAD_BALANCER, "ZLB")


@pytest.mark.parametrize(
    ("declared", "kinds", "at", "cdn"),
    [
        pytest.param("simple", ["simple"], TARGET, 100, id="all lead to the distribution"),
        pytest.param("none", [], LOAD_BALANCER, 0, id="they are somebody else's"),
    ],
)
def test_records_that_do_not_lead_to_direct_do_not_say_where_it_leads(
    engine: "MockEngine", declared: "Declared", kinds: list[str], at: str, cdn: int
) -> None:
    engine.account.records = [*in_zone("simple", at=at), *in_zone("simple", API2, at=at)]
    engine.account.broken[NEWER] = "Throttling"
    traffic = Traffic(direct=100 - cdn, cdn=cdn)
    (fault,) = faults(engine, declared, *kinds, traffic=traffic)
    assert "which could not be looked up" in fault
    last = {"loadBalancer": LOAD_BALANCER}
    found = looked_up(engine, declared, *kinds, last=last, traffic=traffic).load_balancer
    assert found == LoadBalancerTarget(LOAD_BALANCER, "Z215JYRZR1TBD5")


def test_proxies_that_somebody_else_s_records_lead_to_stay(engine: "MockEngine") -> None:
    engine.account.records = in_zone("weighted", targets=(GROUP, TARGET))
    (fault,) = faults(engine, "none")
    assert fault == (
        f"dualstack-edge:proxy is not set, while answers of {API} lead to the proxies; set while "
        "records that are not the stack's lead there, as dns.records none says. If dualstack "
        "adopt was interrupted, run it again; then change it"
    )
    pool = Proxies(regions=("fra1",), ready_seconds=0)
    assert looked_up(engine, "none", proxy=pool).leaving == ()


def test_a_name_that_simple_records_lead_to_the_proxies_leaves_in_two_deployments(
    engine: "MockEngine",
) -> None:
    engine.account.records = in_zone("simple", at=GROUP)
    pool = Proxies(regions=("fra1",), ready_seconds=0)
    left = looked_up(engine, "simple", "simple", hostnames=(API2,), proxy=pool).leaving
    assert left == (API,)


@pytest.mark.parametrize(
    ("declared", "kinds", "words"),
    [
        pytest.param(
            "simple", ["simple"], f"Hostname {OLD} leaves: this deployment deletes", id="its own"
        ),
        pytest.param(
            "none",
            [],
            f"Hostname {OLD} is not in the settings any more, but records that are not this "
            "stack's lead it to the edge.",
            id="somebody else's",
        ),
    ],
)
def test_the_user_reads_whose_records_keep_a_name_on_the_distribution(
    engine: "MockEngine",
    caplog: pytest.LogCaptureFixture,
    declared: str,
    kinds: list[str],
    words: str,
) -> None:
    engine.account.state = state(*kinds, names=(API, OLD))
    engine.account.records = in_zone("simple", OLD, at=TARGET)
    cdn = {"direct": 0, "cdn": 100}
    args: Any = {
        "hostnames": [API],
        "zone": "example.com",
        "origin": {"load_balancer": "api", "kind": "application"},
        "traffic": cdn,
        "dns": {"records": declared},
    }
    engine.run(lambda: DualStackEdge("edge", args))
    assert engine.registered["edge-cdn-distribution"].inputs["aliases"] == [API, OLD]
    assert words in caplog.text


# ---- what settings go with it -------------------------------------------------------------------


def refusal(**keys: str) -> list[str]:
    given = {
        "hostnames": '["api.example.com"]',
        "zone": "example.com",
        "origin": '{"loadBalancer": "api", "kind": "application"}',
        **keys,
    }
    with pytest.raises(SettingsError) as caught:
        parse({f"dualstack-edge:{key}": value for key, value in given.items()}, stack="prod")
    return [str(fault) for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        pytest.param(
            {"dns": '{"records": "simple"}', "traffic": '{"direct": 50, "cdn": 50}'},
            f'{KEY} is "simple", and traffic is 50 and 50; weighted while both paths have weight: '
            "a simple record leads everybody to one path. Set traffic to 100 and 0, or 0 and 100, "
            f"first, or set it with: pulumi config set --path {KEY} weighted",
            id="simple while both paths have weight",
        ),
        pytest.param(
            {
                "dns": '{"records": "simple"}',
                "proxy": '{"regions": ["fra1"], "whenAllFail": "cdn"}',
            },
            f'dualstack-edge:proxy.whenAllFail is "cdn"; ipv4 where {KEY} is "simple" and leads '
            "everybody to direct: no record leads to cdn. Set it with: pulumi config set --path "
            "dualstack-edge:proxy.whenAllFail ipv4",
            id="simple where proxies fail over to cdn",
        ),
        pytest.param(
            {
                "dns": '{"records": "none"}',
                "traffic": '{"direct": 0, "cdn": 100}',
                "originLock": '{"generation": 1}',
            },
            'dualstack-edge:originLock is set, and dns.records is "none"; not set until the '
            "records of the hostnames are the stack's: it does not know who is on the old path, "
            "whose users bring no secret and would be shut out. Run dualstack adopt and move all "
            "traffic first, or remove it with: pulumi config rm dualstack-edge:originLock",
            id="none under a lock",
        ),
        pytest.param(
            {"dns": '{"records": "plain"}'},
            f'{KEY} is "plain"; one of weighted, none, simple. Set it with: pulumi config set '
            f"--path {KEY} weighted",
            id="another word",
        ),
    ],
)
def test_settings_that_do_not_go_with_the_records(keys: dict[str, str], fault: str) -> None:
    assert refusal(**keys) == [fault]


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param({"dns": '{"records": "simple"}'}, id="simple on direct, by default"),
        pytest.param(
            {
                "dns": '{"records": "simple"}',
                "traffic": '{"direct": 0, "cdn": 100}',
                "proxy": '{"regions": ["fra1"], "whenAllFail": "cdn"}',
                "originLock": '{"generation": 1}',
            },
            id="simple on cdn, locked, with proxies that nobody uses",
        ),
        pytest.param(
            {
                "dns": '{"records": "none"}',
                "traffic": '{"direct": 50, "cdn": 50}',
                "proxy": '{"regions": ["fra1"], "whenAllFail": "cdn"}',
            },
            id="none, with the weights that adopt is going to give",
        ),
    ],
)
def test_settings_that_go_with_the_records(keys: dict[str, str]) -> None:
    given = {
        "hostnames": '["api.example.com"]',
        "zone": "example.com",
        "origin": '{"loadBalancer": "api", "kind": "application"}',
        **keys,
    }
    settings = parse({f"dualstack-edge:{key}": value for key, value in given.items()}, stack="prod")
    assert settings.dns.records in keys["dns"]
