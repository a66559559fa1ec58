"""Every kind of zone through `adopt`, `adopt --undo` and `release`, record by record."""

import json
import resource
import signal
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from rollout.faults import WrongUseError
from rollout.handover.verb import schema
from rollout.records.zone import UnclearError
from rollout.stack_file import find_stack_file
from support.small_edge import NAMES, Fields, SmallEdge
from support.small_state import BALANCER, DISTRIBUTION, GROUP, PROXY, edge

API = "api.example.com"
CDN_ZONE = "Z2FDTNDATAQYW2"


def alias(
    name: str = API,
    target: str = BALANCER,
    kind: str = "A",
    zone: str = "ZLB",
    *,
    health: bool = False,
    **more: Any,
) -> Fields:
    return {
        "Name": f"{name}.",
        "Type": kind,
        "AliasTarget": {
            "HostedZoneId": zone,
            "DNSName": f"{target}.",
            "EvaluateTargetHealth": health,
        },
        **more,
    }


def values(name: str, kind: str, *texts: str, ttl: int = 60, **more: Any) -> Fields:
    listed = [{"Value": text} for text in texts]
    return {"Name": f"{name}.", "Type": kind, "TTL": ttl, "ResourceRecords": listed, **more}


def pair(
    name: str, kind: str, targets: tuple[str, str], weights: tuple[int, int] = (100, 0)
) -> list[Fields]:
    """Return the two weighted records of a name and family."""
    (direct, direct_zone), (cdn, cdn_zone) = (
        (target, {DISTRIBUTION: CDN_ZONE, GROUP: "Z1"}.get(target, "ZLB")) for target in targets
    )
    return [
        alias(name, direct, kind, direct_zone, SetIdentifier="direct", Weight=weights[0]),
        alias(name, cdn, kind, cdn_zone, SetIdentifier="cdn", Weight=weights[1]),
    ]


def weighted(name: str = API, weights: tuple[int, int] = (100, 0), ipv6: str = BALANCER) -> Any:
    """Return the four records that a name has afterwards."""
    return [
        *pair(name, "A", (BALANCER, DISTRIBUTION), weights),
        *pair(name, "AAAA", (ipv6, DISTRIBUTION), weights),
    ]


SOA = values("example.com", "SOA", "ns. host. 1 7200 900 1209600 86400", ttl=900)
NS = values("example.com", "NS", "ns-1.awsdns-1.org.", ttl=172800)
OTHERS = (
    SOA,
    NS,
    values("example.com", "MX", "10 mail.example.com.", ttl=3600),
    alias("www.example.com"),
    values("a.b.c.example.com", "TXT", '"deep"'),
)
"""What every zone of the table has beside, and must not lose."""


def the_same(kind: str = "A", **more: Any) -> list[Fields]:
    return [alias(kind=kind, **more)]


CARRIED: dict[str, tuple[Sequence[Fields], Sequence[Fields]]] = {
    # What serves, and what of it stays.
    "an alias of the load balancer": ([alias()], []),
    "an alias as the console makes it": ([alias(target=f"dualstack.{BALANCER}")], []),
    "an alias in mixed case": ([alias(target=BALANCER.upper())], []),
    "an alias that evaluates health": ([alias(health=True)], []),
    "aliases in both families": ([alias(), alias(kind="AAAA")], []),
    "AAAA alone": ([alias(kind="AAAA")], []),
    "a CNAME": ([values(API, "CNAME", BALANCER)], []),
    "a CNAME with a final dot in capitals": ([values(API, "CNAME", f"{BALANCER.upper()}.")], []),
    "a CNAME to a name elsewhere that has its addresses": (
        [values(API, "CNAME", "lb.other.test")],
        [],
    ),
    "a CNAME to a name of the zone": (
        [values(API, "CNAME", "www.example.com")],
        [],
    ),
    "an alias of a name of the zone": ([alias(target="www.example.com", zone="Z1")], []),
    "a chain through the zone": (
        [values(API, "CNAME", "one.example.com")],
        [
            values("one.example.com", "CNAME", "two.example.com"),
            alias("two.example.com"),
        ],
    ),
    "the load balancer's addresses": ([values(API, "A", "192.0.2.1", "192.0.2.2")], []),
    "one of the load balancer's addresses": ([values(API, "A", "192.0.2.2")], []),
    "its addresses in both families": (
        [values(API, "A", "192.0.2.1"), values(API, "AAAA", "2001:DB8:0::1")],
        [],
    ),
    "a TTL of 300": ([values(API, "A", "192.0.2.1", ttl=300)], []),
    "TXT and CAA beside it": (
        [alias()],
        [values(API, "TXT", '"v=spf1"', ttl=3600), values(API, "CAA", '0 issue "amazon.com"')],
    ),
    "a name below it": ([alias()], [values(f"_acme.{API}", "CNAME", "acm.test")]),
    "a wildcard beside a record of its own": ([alias()], [alias("*.example.com")]),
    "a CNAME that is an alias of another": (
        [alias(target="one.example.com", kind="CNAME", zone="Z1")],
        [values("one.example.com", "CNAME", BALANCER)],
    ),
    "thousands of records": (
        [alias()],
        [values(f"n{n}.example.com", "TXT", '"x"') for n in range(2500)],
    ),
}


@pytest.mark.parametrize(("serving", "staying"), CARRIED.values(), ids=CARRIED.keys())
def test_what_serves_is_exchanged_put_back_and_let_go(
    tmp_path: Path, serving: Sequence[Fields], staying: Sequence[Fields]
) -> None:
    kept = [*OTHERS, *staying]
    small = SmallEdge(tmp_path, [*kept, *serving])
    before, text = small.zone(), small.file.read_text()

    plan = small.run("adopt", yes=False)
    assert (small.route53.sent, small.zone(), small.file.read_text()) == (0, before, text)
    assert (plan.done, plan.backup, len(plan.take_over)) == (False, None, 4)

    backup = tmp_path / "kept.json"
    report = small.run("adopt", backup=backup)
    assert (report.exit_code, report.problems, report.insync) == (0, [], True)
    assert small.zone() == sorted([*kept, *weighted()], key=repr)
    assert small.file.read_text() == text.replace("records: none", "records: weighted")
    assert small.state.records() == {
        f"edge-dns-{API}-{family}-{path}": f"Z1_{API}_{family.upper()}_{path}"
        for family in ("a", "aaaa")
        for path in ("direct", "cdn")
    }
    assert len(small.route53.batches) == 1

    again = small.run("adopt")
    assert (again.changes_nothing, again.change_id, small.route53.sent) == (True, None, 1)

    small.run("release")
    assert small.zone() == sorted([*kept, alias(), alias(kind="AAAA")], key=repr)
    assert find_stack_file("prod", tmp_path).declared == "simple"
    assert small.state.records() == {
        f"edge-dns-{API}-{family}": f"Z1_{API}_{family.upper()}" for family in ("a", "aaaa")
    }
    if small.zone() != before:
        with pytest.raises(WrongUseError, match="somebody's change would be lost"):
            small.run("adopt", undo=backup)
    small.run("release", undo=tmp_path / "backup-0.json")
    assert small.zone() == sorted([*kept, *weighted()], key=repr)

    small.run("adopt", undo=backup)
    assert (small.zone(), small.file.read_text(), small.state.records()) == (before, text, {})
    assert small.run("adopt", undo=backup).changes_nothing


def wildcard(**more: Any) -> Fields:
    return alias("*.example.com", **more)


@pytest.mark.parametrize("below", [False, True], ids=["alone", "hidden by a name below"])
def test_a_name_that_a_wildcard_serves_gets_records_of_its_own(
    tmp_path: Path, *, below: bool
) -> None:
    escaped = {**wildcard(), "Name": r"\052.example.com."}
    hiding = [values(f"_acme.{API}", "CNAME", "acm.test")] if below else []
    small = SmallEdge(tmp_path, [SOA, escaped, *hiding])
    before, backup = small.zone(), tmp_path / "kept.json"
    report = small.run("adopt", backup=backup)
    assert small.zone() == sorted([SOA, escaped, *hiding, *weighted()], key=repr)
    assert report.notes[0].startswith(f"{API} is served by *.example.com, which stays")
    assert ("RFC 4592" in "".join(report.notes)) == below
    small.run("adopt", undo=backup)
    assert small.zone() == before


@pytest.mark.parametrize("fails_over", [False, True])
def test_proxies_are_what_direct_leads_to_over_ipv6(tmp_path: Path, *, fails_over: bool) -> None:
    proxies = values(GROUP, "AAAA", PROXY, SetIdentifier="fra1-1", Weight=1)
    serving = [alias(), values(API, "AAAA", PROXY)]
    small = SmallEdge(
        tmp_path,
        [SOA, proxies, *serving],
        resources=edge(NAMES, proxies=True, fails_over=fails_over),
    )
    small.run("adopt")
    expected: list[Any] = [SOA, proxies, *weighted(ipv6=GROUP)]
    for record in expected:
        if (record["Type"], record.get("SetIdentifier")) == ("AAAA", "direct"):
            record["AliasTarget"]["EvaluateTargetHealth"] = fails_over
    assert small.zone() == sorted(expected, key=repr)


def test_several_names_change_in_one_batch_and_one_that_has_changed_already_is_left(
    tmp_path: Path,
) -> None:
    names = (API, "b.example.com", "example.com")
    small = SmallEdge(
        tmp_path,
        [SOA, NS, *weighted(), values("b.example.com", "CNAME", API), alias("example.com")],
        names=names,
    )
    small.run("adopt")
    expected = [SOA, NS, *(record for name in names for record in weighted(name))]
    assert small.zone() == sorted(expected, key=repr)
    assert [len(batch["Changes"]) for batch in small.route53.batches] == [1 + 4 + 1 + 4]
    assert len(small.state.records()) == 12


def test_a_name_that_is_on_the_distribution_is_taken_over_at_0_100(tmp_path: Path) -> None:
    on_cdn = [alias(target=DISTRIBUTION, kind=kind, zone=CDN_ZONE) for kind in ("A", "AAAA")]
    small = SmallEdge(tmp_path, [SOA, *on_cdn], traffic=(0, 100), declared="simple")
    small.run("adopt")
    assert small.zone() == sorted([SOA, *weighted(weights=(0, 100))], key=repr)
    small.run("release")
    assert small.zone() == sorted([SOA, *on_cdn], key=repr)


def test_hostnames_are_compared_as_dns_does_however_the_settings_write_them(
    tmp_path: Path,
) -> None:
    small = SmallEdge(tmp_path, [SOA, alias("api.example.com")], names=["API.Example.COM."])
    small.state.resources = edge(NAMES)
    small.run("adopt")
    assert small.zone() == sorted([SOA, *weighted()], key=repr)
    assert len(small.state.records()) == 4


# ---- refused ------------------------------------------------------------------------------------


def routed(kind: str = "A", identifier: str = "eu", **policy: Any) -> Fields:
    return alias(kind=kind, SetIdentifier=identifier, **policy)


REFUSED: dict[str, tuple[Sequence[Fields], Sequence[str]]] = {
    "nobody": ([], [f"Hostname {API} is without an A, AAAA or CNAME record", "nothing to adopt"]),
    "TXT alone": ([values(API, "TXT", '"x"')], ["without an A, AAAA or CNAME record"]),
    "a wildcard that a name's own TXT hides": (
        [values(API, "TXT", '"x"'), wildcard()],
        ["without an A, AAAA or CNAME record"],
    ),
    "a long TTL": (
        [values(API, "A", "192.0.2.1", ttl=3600)],
        [f"The TTL of A {API} is 3600 seconds", "wait 3600 seconds", "'{", '"TTL": 60'],
    ),
    "a CNAME of a day": ([values(API, "CNAME", BALANCER, ttl=86400)], ["is 86400 seconds"]),
    "weighted records of others": (
        [routed(Weight=3), routed(identifier="us", Weight=1)],
        [f"A of {API} is of policy weighted", "somebody else's weights"],
    ),
    "latency": ([routed(Region="eu-west-1")], ["of policy latency", "region"]),
    "geolocation": ([routed(GeoLocation={"CountryCode": "*"})], ["of policy geolocation"]),
    "geoproximity": (
        [routed(GeoProximityLocation={"AWSRegion": "eu-west-1"})],
        ["of policy geoproximity"],
    ),
    "failover": ([routed(Failover="PRIMARY", HealthCheckId="h")], ["of policy failover"]),
    "multivalue": (
        [values(API, "A", "192.0.2.1", SetIdentifier="one", MultiValueAnswer=True)],
        ["of policy multivalue answer"],
    ),
    "IP-based": (
        [routed(CidrRoutingConfig={"CollectionId": "c", "LocationName": "l"})],
        ["of policy IP-based"],
    ),
    "a traffic policy": (
        [alias(TrafficPolicyInstanceId="i")],
        ["of policy traffic policy", "traffic policy instance"],
    ),
    "a weighted member of a traffic policy": (
        [routed(Weight=1, TrafficPolicyInstanceId="i")],
        ["of policy traffic policy"],
    ),
    "a health check": (
        [alias(HealthCheckId="abc")],
        [f"A of {API} is answered by health check abc"],
    ),
    "another load balancer": (
        [alias(target="other-2.us-east-1.elb.amazonaws.com")],
        ["an alias of other-2.us-east-1.elb.amazonaws.com", "dualstack-edge:origin"],
    ),
    "another distribution": ([alias(target="d9.cloudfront.net")], ["an alias of d9.cloudfront"]),
    "a CNAME elsewhere": ([values(API, "CNAME", "away.other.test")], ["away.other.test"]),
    "a CNAME that nobody resolves": (
        [values(API, "CNAME", "gone.other.test")],
        ["cannot be compared with the load balancer: gone.other.test is not known"],
    ),
    "a CNAME of the root": ([values(API, "CNAME", ".")], [f"CNAME of {API} is .; its users"]),
    "other addresses": ([values(API, "A", "192.0.2.1", "203.0.113.7")], ["203.0.113.7"]),
    "an IPv6 address of others": (
        [alias(), values(API, "AAAA", "2001:db8:ffff::1")],
        [f"AAAA of {API} is 2001:db8:ffff::1"],
    ),
    "an alias of shared names of the zone": (
        [
            alias(target="m.example.com", zone="Z1"),
            *pair("m.example.com", "A", (BALANCER, "d9.cloudfront.net"), (99, 1)),
        ],
        ["an alias of m.example.com"],
    ),
    "a chain that turns in a circle": (
        [
            values(API, "CNAME", "x.example.com"),
            values("x.example.com", "CNAME", API),
        ],
        ["x.example.com"],
    ),
    "AAAA on cdn and A on direct": (
        [alias(), alias(target=DISTRIBUTION, kind="AAAA", zone=CDN_ZONE)],
        [f"AAAA of {API} is an alias of {DISTRIBUTION}, which is cdn", "would move its users"],
    ),
    "HTTPS beside it": (
        [alias(), values(API, "HTTPS", "1 .")],
        [f"HTTPS of {API} is beside its addresses"],
    ),
    "SVCB beside it": ([alias(), values(API, "SVCB", "1 .")], [f"SVCB of {API}"]),
    "a wildcard with MX": (
        [wildcard(), values("*.example.com", "MX", "10 mail.")],
        [f"MX of {API} is that of *.example.com", "gets nothing from a wildcard"],
    ),
    "a wildcard of others": ([wildcard(target="d9.cloudfront.net")], ["d9.cloudfront.net"]),
    "a name delegated": ([values(API, "NS", "ns.test")], [f"delegated by NS records of {API}"]),
}


@pytest.mark.parametrize(("records", "messages"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_carried_is_refused_with_a_way_out(
    tmp_path: Path, records: Sequence[Fields], messages: Sequence[str]
) -> None:
    small = SmallEdge(tmp_path, [*OTHERS, *records])
    before, text = small.zone(), small.file.read_text()
    with pytest.raises(WrongUseError) as raised:
        small.run("adopt")
    for message in messages:
        assert message in str(raised.value)
    assert all(fault.remedy for fault in raised.value.faults)
    assert (small.route53.sent, small.zone(), small.file.read_text()) == (0, before, text)
    assert not list(tmp_path.glob("*.json"))


@pytest.mark.parametrize("declared", ["none", "weighted"])
def test_weights_that_drifted_after_an_adoption_are_not_taken_for_somebody_elses(
    tmp_path: Path, declared: str
) -> None:
    drifted = [*pair(API, "A", (BALANCER, DISTRIBUTION), (99, 1)), *weighted()[2:]]
    drifted[3] = {**drifted[3], "HealthCheckId": "abc"}
    small = SmallEdge(tmp_path, [*OTHERS, *drifted], declared=declared)
    with pytest.raises(WrongUseError) as raised:
        small.run("adopt")
    assert str(raised.value) == (
        f"{API} in the zone is taken over already, with A direct of {API}, weight 99; A cdn of "
        f"{API}, weight 1; AAAA cdn of {API}, weight 0, check abc; its records have to be as the "
        "stack declares them for the state to take them. Put either right: the weights in the "
        "stack's file, or the zone with dualstack shift abort --direct; killSwitch is set after "
        "adopt."
    )


def test_a_name_below_a_delegated_one_is_refused(tmp_path: Path) -> None:
    name = "api.eu.example.com"
    small = SmallEdge(
        tmp_path, [SOA, alias(name), values("eu.example.com", "NS", "ns.test")], names=[name]
    )
    with pytest.raises(WrongUseError, match=r"delegated by NS records of eu\.example\.com"):
        small.run("adopt")


def test_protected_records_are_refused_with_the_command_that_lifts_it(tmp_path: Path) -> None:
    small = SmallEdge(tmp_path, [SOA, values(API, "CNAME", BALANCER)])
    small.route53.protections = [
        {"RecordName": "API.example.com.", "RecordType": kind} for kind in ("CNAME", "AAAA", "MX")
    ]
    with pytest.raises(WrongUseError) as raised:
        small.run("adopt")
    assert str(raised.value) == (
        f"AAAA, CNAME of {API} is under a record set protection; Route 53 refuses every change of "
        "it. Lift it, and put it back afterwards: aws route53 "
        "delete-resource-record-set-protections --hosted-zone-id Z1 --protections "
        f"RecordName={API},RecordType=AAAA RecordName={API},RecordType=CNAME"
    )
    small = SmallEdge(tmp_path, [SOA, *weighted()], declared="weighted")
    small.route53.protections = [{"RecordName": f"{API}.", "RecordType": "A"}]
    with pytest.raises(WrongUseError, match="is under a record set protection"):
        small.run("release")


def test_all_faults_of_all_names_are_told_at_once(tmp_path: Path) -> None:
    names = (API, "b.example.com", "c.example.com")
    small = SmallEdge(
        tmp_path,
        [values(API, "A", "192.0.2.1", ttl=900), alias("b.example.com", "d9.cloudfront.net")],
        names=names,
        declared="weighted",
        resources=edge(names[:2]),
    )
    with pytest.raises(WrongUseError) as raised:
        small.run("adopt")
    assert [fault.what for fault in raised.value.faults] == [
        "dualstack-edge:dns.records",
        "The deployed distribution",
        "Hostname c.example.com",
        f"The TTL of A {API}",
        "A of b.example.com",
    ]


def test_more_than_a_batch_takes_is_refused(tmp_path: Path) -> None:
    names = [f"n{n}.example.com" for n in range(220)]
    small = SmallEdge(tmp_path, [alias(name) for name in names], names=names)
    with pytest.raises(WrongUseError, match="1100 records as Route 53 counts them"):
        small.run("adopt")


@pytest.mark.parametrize(
    ("traffic", "message"),
    [((50, 50), "traffic is direct 50, cdn 50"), ((0, 100), "traffic is direct 0, cdn 100")],
)
def test_adopting_moves_nobody(tmp_path: Path, traffic: tuple[int, int], message: str) -> None:
    small = SmallEdge(tmp_path, [alias()], traffic=traffic)
    with pytest.raises(WrongUseError, match=message):
        small.run("adopt")


READY = edge(NAMES)


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        ([], "Stack prod is not deployed"),
        (READY[:3], "a stack whose deployment did not end"),
        (
            [*READY, {**READY[0], "urn": f"{READY[0]['urn']}2"}],
            r"a stack with 2 edges \(edge, edge2\)",
        ),
    ],
)
def test_a_stack_that_is_not_ready_is_refused(
    tmp_path: Path, resources: Sequence[Fields], message: str
) -> None:
    small = SmallEdge(tmp_path, [alias()], resources=resources)
    with pytest.raises(WrongUseError, match=message):
        small.run("adopt")
    assert small.route53.sent == 0


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("zone: e", "zone: x.e", r"The zone is x\.example\.com, which is none"),
        ("[api", "[other.test, api", r"other\.test; it has to be in zone example\.com"),
        ("zone: example.com", "zone: {secure: abc}", r"zone in .* is \[secret\].* in plain text"),
    ],
)
def test_settings_that_do_not_fit_are_refused(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    small = SmallEdge(tmp_path, [alias()])
    small.file.write_text(small.file.read_text().replace(old, new))
    with pytest.raises(WrongUseError, match=message):
        small.run("adopt")
    assert small.route53.sent == 0


# ---- backup and undo ----------------------------------------------------------------------------


def test_the_backup_is_for_its_owner_alone_and_says_everything(tmp_path: Path) -> None:
    serving = values(API, "CNAME", BALANCER)
    small = SmallEdge(tmp_path, [SOA, serving])
    backup = tmp_path / "b.json"
    small.run("adopt", backup=backup)
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    kept = json.loads(backup.read_text())
    kept.pop("madeAt")
    assert kept == {
        "format": 1,
        "verb": "adopt",
        "stack": "prod",
        "zoneId": "Z1",
        "zone": "example.com",
        "hostnames": [API],
        "declaredBefore": "none",
        "declaredAfter": "weighted",
        "before": [serving],
        "after": weighted(),
    }


def test_a_file_is_never_written_over(tmp_path: Path) -> None:
    small, backup = SmallEdge(tmp_path, [alias()]), tmp_path / "b.json"
    backup.write_text("mine")
    with pytest.raises(WrongUseError, match="there already; a backup is never written over"):
        small.run("adopt", backup=backup)
    assert (small.route53.sent, backup.read_text()) == (0, "mine")


def test_the_backup_of_a_run_that_was_killed_is_that_of_the_same_command_again(
    tmp_path: Path,
) -> None:
    small, backup = SmallEdge(tmp_path, [alias()]), tmp_path / "b.json"
    before, small.route53.faults = small.zone(), ["timed out before"] * 100_000
    with pytest.raises(UnclearError, match="it may have been carried out"):
        small.run("adopt", backup=backup)
    kept, small.route53.faults = backup.read_text(), []
    assert small.run("adopt", backup=backup).exit_code == 0
    assert backup.read_text() == kept
    small.run("adopt", undo=backup)
    assert small.zone() == before


def test_the_backup_of_another_exchange_is_not_written_over(tmp_path: Path) -> None:
    small, backup = SmallEdge(tmp_path, [alias()]), tmp_path / "b.json"
    small.run("adopt", backup=backup)
    small.run("adopt", undo=backup)
    small.route53.held = [dict(alias(health=True))]
    with pytest.raises(WrongUseError, match=r"The backup .*b\.json is there already"):
        small.run("adopt", backup=backup)
    assert small.zone() == [alias(health=True)]


@pytest.mark.parametrize(
    ("place", "reason"),
    [("gone/b.json", "No such file or directory"), ("/dev/full/b.json", "Not a directory")],
)
def test_without_a_place_for_the_backup_nothing_changes(
    tmp_path: Path, place: str, reason: str
) -> None:
    small = SmallEdge(tmp_path, [alias()])
    message = rf"is not writable \({reason}\); nothing changes in the zone before its backup is"
    with pytest.raises(WrongUseError, match=message):
        small.run("adopt", backup=tmp_path / place)
    assert small.route53.sent == 0


def test_a_backup_that_does_not_fit_on_the_disk_leaves_no_part_of_it(tmp_path: Path) -> None:
    small, backup = SmallEdge(tmp_path, [alias()]), tmp_path / "b.json"
    most = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, most[1]))
    try:
        with pytest.raises(WrongUseError, match=r"not writable \(File too large\)"):
            small.run("adopt", backup=backup)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, most)
        signal.signal(signal.SIGXFSZ, before)
    assert (small.route53.sent, backup.exists()) == (0, False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "not readable"),
        ("{", "Invalid JSON"),
        ("{}", "verb in .* is not set"),
        ('{"format": 2}', "format in .* is 2"),
    ],
)
def test_what_is_no_backup_is_refused(tmp_path: Path, text: str | None, message: str) -> None:
    small, backup = SmallEdge(tmp_path, [alias()]), tmp_path / "b.json"
    if text is not None:
        backup.write_text(text)
    with pytest.raises(WrongUseError, match=message):
        small.run("adopt", undo=backup)


def test_a_cname_is_not_put_back_beside_what_was_made_since(tmp_path: Path) -> None:
    small = SmallEdge(tmp_path, [values(API, "CNAME", BALANCER)])
    backup = tmp_path / "b.json"
    small.run("adopt", backup=backup)
    small.route53.held += [dict(values(API, kind, '"x"')) for kind in ("TXT", "MX")]
    sent = small.route53.sent
    with pytest.raises(WrongUseError) as raised:
        small.run("adopt", undo=backup, yes=False)
    assert str(raised.value) == (
        f"MX, TXT of {API} is in the zone since the backup was written; what it puts back is a "
        "CNAME, and a name with one has nothing else. Delete that first, or leave the name as it "
        "is."
    )
    assert small.route53.sent == sent


def test_a_backup_of_another_zone_stack_or_verb_is_refused_with_every_fault(
    tmp_path: Path,
) -> None:
    small, backup = SmallEdge(tmp_path, [alias()]), tmp_path / "b.json"
    small.run("adopt", backup=backup)
    other = json.loads(backup.read_text()) | {"verb": "release", "stack": "dev", "zoneId": "Z9"}
    backup.write_text(json.dumps(other))
    with pytest.raises(WrongUseError) as raised:
        small.run("adopt", undo=backup)
    assert [fault.value for fault in raised.value.faults] == [
        "one of dualstack release",
        "one of stack dev",
        "one of zone Z9 (example.com)",
    ]


def test_weights_that_were_changed_since_keep_it_from_being_undone(tmp_path: Path) -> None:
    small, backup = SmallEdge(tmp_path, [alias()]), tmp_path / "b.json"
    small.run("adopt", backup=backup)
    for record in small.route53.held:
        record["Weight"] = 50
    before = small.zone()
    with pytest.raises(WrongUseError, match=r"with A direct of .*, weight 50.*shift abort"):
        small.run("adopt", undo=backup)
    assert small.zone() == before


def test_the_schemas_are_documented(check_page: Callable[[str, str], None]) -> None:
    check_page("schemas/adopt.json", schema())
    check_page("schemas/release.json", schema())
