"""A hostname leaves in two deployments: its records go first, then what answers it."""

from typing import TYPE_CHECKING, Any

import pytest

from components.departure import group_of_proxies
from components.edge import DualStackEdge
from components.last_deployment import LastDeployment, of_resources
from components.lookups import OriginError, ZoneRecord
from components.lookups.leaving_names import cannot_leave, leaving_names
from components.settings import Distribution, Origin, Proxies, Settings

if TYPE_CHECKING:
    from components.arguments import DualStackEdgeArgs
    from support.recording import MockEngine

TARGET = "d111111abcdef8.cloudfront.net"
LOAD_BALANCER = "lb.eu-central-1.elb.amazonaws.com"
API, API2, NEW = "api.example.com", "api2.example.com", "new.example.com"
LAST = LastDeployment(distribution_domain_name=TARGET, aliases=(API, API2))


def cdn(name: str, target: str = TARGET, kind: str = "A") -> ZoneRecord:
    return ZoneRecord(name, kind, "cdn", 0, 0, target)


def direct(name: str, target: str = LOAD_BALANCER) -> ZoneRecord:
    return ZoneRecord(name, "AAAA", "direct", 100, 0, target)


@pytest.mark.parametrize(
    ("hostnames", "records", "last", "leaving"),
    [
        pytest.param([API, API2], [cdn(API), cdn(API2)], LAST, (), id="all stay"),
        pytest.param([API2, API], [cdn(API), cdn(API2)], LAST, (), id="in another order"),
        pytest.param([API, API2, NEW], [cdn(API), cdn(API2)], LAST, (), id="one more"),
        pytest.param([API], [cdn(API), cdn(API2)], LAST, (API2,), id="one is removed"),
        pytest.param([NEW, API2], [cdn(API), cdn(API2)], LAST, (API,), id="the first is renamed"),
        pytest.param([NEW], [cdn(API), cdn(API2)], LAST, (API, API2), id="all are renamed"),
        pytest.param([API], [cdn(API), cdn(API2, kind="AAAA")], LAST, (API2,), id="one is left"),
        pytest.param([API], [cdn(API2, TARGET.upper())], LAST, (API2,), id="in capitals"),
        pytest.param([API], [cdn(API)], LAST, (), id="its records are gone"),
        pytest.param([API], [cdn(API), direct(API2)], LAST, (), id="only direct is left"),
        pytest.param([API], [cdn(API2, "d2.cloudfront.net")], LAST, (), id="led elsewhere now"),
        pytest.param([API], [cdn("others.example.com")], LAST, (), id="a record of somebody else"),
        pytest.param([API], [cdn(API2)], LastDeployment(), (), id="a first deployment"),
        pytest.param(
            [API],
            [ZoneRecord(API2, "TXT", "", 0, 60, "")],
            LastDeployment(aliases=(API2,)),
            (),
            id="a distribution that has no name yet",
        ),
    ],
)
def test_which_names_leave(
    hostnames: list[str], records: list[ZoneRecord], last: LastDeployment, leaving: tuple[str, ...]
) -> None:
    assert leaving_names(hostnames, records, last) == leaving


def test_the_state_says_which_names_the_edge_s_own_distribution_answers() -> None:
    kind = "aws:cloudfront/distribution:Distribution"

    def distribution(name: str, **outputs: Any) -> dict[str, dict[str, Any]]:
        return {f"urn:pulumi:prod::p::{kind}::{name}": {"type": kind, "outputs": outputs}}

    resources = {
        **distribution("other-edge-cdn-distribution", domainName="d2", aliases=[NEW]),
        **distribution("edge-cdn-distribution", domainName=TARGET, aliases=[API2, API]),
    }
    last = of_resources("edge", resources)
    assert (last.distribution_domain_name, last.aliases) == (TARGET, (API, API2))
    assert of_resources("edge", distribution("edge-cdn-distribution")).aliases == ()


# ---- what has to wait ---------------------------------------------------------------------------

GROUP = f"_proxy.{API}"
SETTINGS = Settings(
    hostnames=(NEW, API2),
    zone="example.com",
    origin=Origin(load_balancer="api", kind="application"),
)


@pytest.mark.parametrize(
    ("changes", "target", "leaving", "refusal"),
    [
        pytest.param({}, LOAD_BALANCER, [API], "", id="renamed without proxies"),
        pytest.param({"proxy": Proxies(regions=("fra1",))}, GROUP, [API], "", id="with proxies"),
        pytest.param({}, GROUP, [], "", id="proxies removed, and no name leaves"),
        pytest.param(
            {},
            GROUP,
            [API],
            "dualstack-edge:proxy is not set, while answers of api.example.com lead to the "
            "proxies; set until the records of a hostname that leaves are gone: they go at the "
            "end of a deployment, at the same time as the addresses in them. Set it as it was "
            "and run pulumi up, which deletes the records of the hostname; then change it",
            id="proxies removed at the same time",
        ),
        pytest.param(
            {"distribution": Distribution(hostnames_quota=2)},
            LOAD_BALANCER,
            [API],
            "dualstack-edge:hostnames is a list of 2 names, beside 1 that leave "
            "(api.example.com); at most 2 together, which the account may have on one "
            "certificate or distribution: a name that leaves stays there until nobody is led "
            "there. Remove names first and deploy; add the new ones after another pulumi up.",
            id="more names than there may be",
        ),
        pytest.param(
            {"distribution": Distribution(hostnames_quota=1)},
            LOAD_BALANCER,
            [],
            "",
            id="a quota is no matter of names that stay",
        ),
    ],
)
def test_what_cannot_change_while_a_name_leaves(
    changes: dict[str, Any], target: str, leaving: list[str], refusal: str
) -> None:
    records = [cdn(API), direct(API, target), direct(API2, target)]
    settings = SETTINGS.model_copy(update=changes)
    assert "\n".join(map(str, cannot_leave(settings, leaving, records))) == refusal


@pytest.mark.parametrize(
    ("hostnames", "leaving", "records", "group"),
    [
        pytest.param([API], [], [], GROUP, id="after the first name"),
        pytest.param([NEW], [API], [direct(API, GROUP)], GROUP, id="while the first one leaves"),
        pytest.param([NEW], [], [direct(API2, GROUP)], f"_proxy.{NEW}", id="once it is gone"),
        pytest.param([NEW], [API], [direct(API)], f"_proxy.{NEW}", id="it led to no proxies"),
        pytest.param(
            [API], [API2], [direct(API2, GROUP), direct(API, GROUP)], GROUP, id="another leaves"
        ),
    ],
)
def test_the_group_of_the_proxies_keeps_its_name_while_a_record_that_leaves_leads_there(
    hostnames: list[str], leaving: list[str], records: list[ZoneRecord], group: str
) -> None:
    assert group_of_proxies(hostnames, leaving, records) == group


# ---- in an edge ---------------------------------------------------------------------------------

EDGE: "DualStackEdgeArgs" = {
    "hostnames": [NEW, API2],
    "zone": "example.com",
    "origin": {"load_balancer": "api", "kind": "application"},
}


def stand(engine: "MockEngine", *led: str, group: str = LOAD_BALANCER) -> None:
    """Let a distribution answer two names, and records of some lead there."""
    kind = "aws:cloudfront/distribution:Distribution"
    record = "aws:route53/record:Record"
    distribution = {"domainName": TARGET, "aliases": [API, API2]}
    engine.account.state = {
        f"urn:pulumi:prod::p::{kind}::edge-cdn-distribution": {
            "type": kind,
            "outputs": distribution,
        }
    } | {
        f"urn:pulumi:prod::p::{record}::{name}-{family}-{path}": {
            "type": record,
            "outputs": {"name": name, "type": family, "setIdentifier": path},
        }
        for name in led
        for family in ("A", "AAAA")
        for path in ("direct", "cdn")
    }
    targets = {"direct": group, "cdn": TARGET}
    engine.account.records = [
        {
            "name": f"{name}.",
            "type": "AAAA",
            "setIdentifier": path,
            "weight": 50,
            "aliasTarget": {"dnsName": f"{target}.", "hostedZoneId": "Z", "name": "x"},
        }
        for name in led
        for path, target in targets.items()
    ]


def names_of_records(engine: "MockEngine") -> set[str]:
    records = engine.of_type("aws:route53/record:Record")
    return {record.inputs["name"] for record in records if record.parent == "edge-dns"}


def test_a_name_that_leaves_loses_its_records_and_nothing_else(
    engine: "MockEngine", caplog: pytest.LogCaptureFixture
) -> None:
    stand(engine, API, API2)
    engine.run(lambda: DualStackEdge("edge", EDGE))
    assert names_of_records(engine) == {NEW, API2}
    assert engine.registered["edge-cdn-distribution"].inputs["aliases"] == [NEW, API2, API]
    certificate = engine.registered["edge-tls-certificate"].inputs
    assert certificate["domainName"] == NEW
    assert certificate["subjectAlternativeNames"] == [NEW, API2, API]
    assert engine.outputs["edge"]["hostnames"] == [NEW, API2]
    assert "Hostname api.example.com leaves: this deployment deletes its records." in caplog.text
    assert "The next pulumi up waits for that, and then removes it there." in caplog.text


def test_a_name_without_records_is_dropped_when_old_answers_are_over(
    engine: "MockEngine", monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("components.edge.ALIAS_TTL_SECONDS", 0.1)
    caplog.set_level("INFO")
    stand(engine, API2)
    engine.run(lambda: DualStackEdge("edge", EDGE))
    assert engine.registered["edge-cdn-distribution"].inputs["aliases"] == [NEW, API2]
    assert "leaves" not in caplog.text
    assert f"lead {API} to the distribution live for 0.1 s more. Waiting" in caplog.text


def test_a_renamed_first_name_renames_the_proxies_group_one_deployment_later(
    engine: "MockEngine", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("components.edge.ALIAS_TTL_SECONDS", 0)
    args: DualStackEdgeArgs = {**EDGE, "proxy": {"regions": ["fra1"], "ready_seconds": 0}}
    groups: list[set[str]] = []
    for led in ((API, API2), (API2,)):
        stand(engine, *led, group=GROUP)
        engine.run(lambda: DualStackEdge("edge", args))
        records = engine.of_type("aws:route53/record:Record")
        groups.append({item.inputs["name"] for item in records if item.parent == "edge-proxy-dns"})
    assert groups == [{GROUP}, {f"_proxy.{NEW}"}]
    stand(engine, API, API2, group=GROUP)
    with pytest.raises(OriginError, match="proxy is not set, while answers of api"):
        engine.run(lambda: DualStackEdge("edge", EDGE))
    assert engine.registered == {}
