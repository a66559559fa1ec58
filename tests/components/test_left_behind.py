"""What an earlier try made and the state does not know is named, with the command that takes it."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any, Final

import pulumi
import pytest
from pydantic import Secret

from components import places
from components.last_deployment import LastDeployment, of_resources
from components.lookups import OriginError, look_up
from components.lookups.account import GivenCertificate, alias_faults
from components.lookups.answers import NoAccessError
from components.lookups.digitalocean import HttpDigitalOcean, open_digitalocean
from components.lookups.left_behind import FreeAddress, Named, import_command
from components.lookups.watchers import ListedAlarm, ListedCheck
from components.places import ResourcePlace
from components.settings import Alarms, KillSwitch, Origin, Proxies, Settings, parse

if TYPE_CHECKING:
    from support.recording import MockEngine

NAME: Final = "api.example.com"
POOL: Final = Proxies(regions=("fra1",), alert_emails=("edge@example.com",), ready_seconds=0)
SETTINGS: Final = Settings(
    hostnames=(NAME,),
    zone="example.com",
    origin=Origin(load_balancer="api", kind="application"),
    proxy=POOL,
)
LABEL: Final = "dualstack-edge-prod-edge-proxy"
"""What the pool of edge `edge` is called in the account, in the mock engine's project and stack."""


def urn(*types: str, name: str) -> str:
    return f"urn:pulumi:stack::project::{'$'.join(types)}::{name}"


def component(kind: str) -> dict[str, Any]:
    return {"type": f"dualstack:index:{kind}", "outputs": {}}


EDGE: Final = "dualstack:index:DualStackEdge"
PARENTS: Final = {
    urn(EDGE, name="edge"): component("DualStackEdge"),
    **{
        urn(EDGE, f"dualstack:index:{kind}", name=name): component(kind)
        for kind, name in {
            "PassThroughDistribution": "edge-cdn",
            "Certificate": "edge-tls",
            "WeightedDns": "edge-dns",
            "ProxyDns": "edge-proxy-dns",
            "ProxyPool": "edge-proxy",
        }.items()
    },
}
TRIED: Final = of_resources("edge", PARENTS)
"""What the state has after a first try that made nothing but components."""


def has(place: ResourcePlace, **outputs: Any) -> dict[str, Any]:
    """Return what a state has of a resource."""
    return {urn(EDGE, place.type, name=place.name): {"type": place.type, "outputs": outputs}}


def looked_up(engine: "MockEngine", last: LastDeployment = TRIED, **changes: Any) -> None:
    engine.run(lambda: look_up(SETTINGS.model_copy(update=changes), None, last))


def faults(engine: "MockEngine", last: LastDeployment = TRIED, **changes: Any) -> list[str]:
    with pytest.raises(OriginError) as caught:
        looked_up(engine, last, **changes)
    return [str(fault) for fault in caught.value.faults]


def command(place: ResourcePlace, resource_id: str) -> str:
    line = import_command(place, resource_id, TRIED)
    assert line
    return line


# ---- where things are in the state --------------------------------------------------------------


def test_places_are_where_the_components_put_their_resources(engine: "MockEngine") -> None:
    from components.edge import DualStackEdge  # noqa: PLC0415 - the mock engine comes first

    switch = KillSwitch(url="https://edge-switch.s3.eu-west-1.amazonaws.com/drain")
    settings = SETTINGS.model_copy(update={"alarms": TOPIC, "kill_switch": switch})
    engine.run(lambda: DualStackEdge.of_settings("edge", settings))
    expected = [
        places.certificate("edge"),
        places.distribution("edge"),
        *(
            places.traffic_record("edge", NAME, family, path)
            for family in ("A", "AAAA")
            for path in ("direct", "cdn")
        ),
        *(places.proxy_record("edge", member) for member in ("fra1-1", "none")),
        places.firewall("edge"),
        places.vpc("edge", "fra1"),
        places.droplet("edge", "fra1-1"),
        places.address("edge", "fra1-1"),
        *(places.alert("edge", what) for what in ("cpu", "memory", "disk")),
        places.proxy_check("edge", "fra1-1"),
        places.room_check("edge", "fra1-1"),
        places.direct_check("edge"),
        places.drain_check("edge"),
        *(
            places.alarm("edge", what)
            for what in ("cdn-errors", "direct-unhealthy", "fra1-1-unhealthy", "fra1-1-full")
        ),
    ]
    registered = engine.registered
    assert expected == [
        ResourcePlace(
            registered[place.name].type,
            place.name,
            registered[place.name].parent,
            registered[place.name].provider,
        )
        for place in expected
    ]


def test_a_command_has_the_parent_and_the_provider_as_the_state_has_them() -> None:
    provider = "pulumi:providers:aws"
    state: dict[str, dict[str, Any]] = PARENTS | {
        urn(EDGE, provider, name="edge-tls-us-east-1"): {"type": provider, "outputs": {}},
        urn("aws:s3/bucket:Bucket", name="edge-tls"): {"type": "aws:s3/bucket:Bucket"},
    }
    tls = urn(EDGE, "dualstack:index:Certificate", name="edge-tls")
    assert import_command(places.certificate("edge"), "ARN", of_resources("edge", state)) == (
        "pulumi import aws:acm/certificate:Certificate edge-tls-certificate 'ARN' "
        f"--parent 'edge-tls={tls}' "
        f"--provider 'edge-tls-us-east-1={urn(EDGE, provider, name='edge-tls-us-east-1')}' "
        "--protect=false --generate-code=false"
    )
    assert import_command(places.certificate("edge"), "ARN", TRIED) is None


@pytest.mark.parametrize(
    "last",
    [
        pytest.param(LastDeployment(edge="edge"), id="never tried"),
        pytest.param(
            of_resources("edge", PARENTS | has(places.vpc("edge", "fra1"))), id="it has another"
        ),
    ],
)
def test_there_is_no_command_where_the_state_has_no_place(last: LastDeployment) -> None:
    assert import_command(places.vpc("edge", "fra1"), "1", last) is None


# ---- what would be refused ----------------------------------------------------------------------


def test_names_that_digitalocean_gives_once_are_faults(engine: "MockEngine") -> None:
    cloud = engine.account.droplet_cloud
    cloud.vpc_list = [Named("v1", f"{LABEL}-fra1"), Named("v2", f"{LABEL}-ams3")]
    cloud.firewall_list = [Named("f1", LABEL), Named("f2", "theirs")]
    vpc, firewall = faults(engine)
    assert vpc == (
        f'VPC "{LABEL}-fra1" of DigitalOcean is there already as v1, and not in the state; a name '
        "that is free, because DigitalOcean gives it once. Delete it, if nobody uses it\n"
        "    If an earlier deployment of this stack was interrupted, take it over "
        f"(docs/recovery.md):\n    {command(places.vpc('edge', 'fra1'), 'v1')}"
    )
    assert f'Firewall "{LABEL}" of DigitalOcean is there already as f1' in firewall
    assert command(places.firewall("edge"), "f1") in firewall


def test_a_record_that_the_state_lacks_is_a_fault_with_its_command(engine: "MockEngine") -> None:
    """Also where the state has the other of its name and type."""
    mine = has(
        places.traffic_record("edge", NAME, "A", "direct"),
        name=NAME,
        type="A",
        setIdentifier="direct",
    )
    engine.account.records = [
        {"name": f"{name}.", "type": family, "setIdentifier": member, "weight": 0}
        for name, family, member in (
            (NAME, "A", "direct"),
            (NAME, "A", "cdn"),
            (f"_proxy.{NAME}", "AAAA", "none"),
            (f"_proxy.{NAME}", "AAAA", "lon1-1"),
        )
    ]
    cdn, none = faults(engine, of_resources("edge", PARENTS | mine))
    assert cdn == (
        f'Record A "cdn" of {NAME} is in the zone already, and not in the state; a record that '
        "this deployment can make: Route 53 refuses a second one. Look whose it is.\n"
        "    If an earlier deployment of this stack was interrupted, take it over "
        "(docs/recovery.md):\n    "
        + command(places.traffic_record("edge", NAME, "A", "cdn"), f"Z0EXAMPLE_{NAME}_A_cdn")
    )
    assert (
        command(places.proxy_record("edge", "none"), f"Z0EXAMPLE__proxy.{NAME}_AAAA_none") in none
    )


def test_a_record_beside_a_simple_one_is_a_fault_and_so_is_the_simple_one(
    engine: "MockEngine",
) -> None:
    engine.account.records = [
        {"name": f"{NAME}.", "type": "A", "setIdentifier": "direct", "weight": 1},
        {"name": f"{NAME}.", "type": "CNAME"},
    ]
    left, taken = faults(engine)
    assert "is in the zone already, and not in the state" in left
    assert "which has records already: CNAME;" in taken


def test_a_distribution_with_the_hostname_has_its_command() -> None:
    distributions = {NAME: ("E2", "d2.cloudfront.net")}
    (fault,) = alias_faults([NAME], [NAME], distributions, TRIED)
    assert str(fault).endswith(command(places.distribution("edge"), "E2"))


# ---- what only costs ----------------------------------------------------------------------------


def test_what_only_costs_is_a_warning(
    engine: "MockEngine", caplog: pytest.LogCaptureFixture
) -> None:
    cloud = engine.account.droplet_cloud
    cloud.droplet_list = [Named("1", f"{LABEL}-fra1-1"), Named("2", f"{LABEL}-fra1-1")]
    cloud.address_list = [FreeAddress("2001:db8::1", "fra1"), FreeAddress("2001:db8::2", "fra1")]
    cloud.alert_list = [Named("a1", f"{LABEL}: cpu above 80 %"), Named("a2", "theirs")]
    looked_up(engine)
    named = [record.getMessage() for record in caplog.records]
    first, second, address, alert = (words for words in named if "not in the state" in words)
    assert command(places.droplet("edge", "fra1-1"), "1") in first
    assert "pulumi import" not in second
    assert second.endswith("Delete it with: doctl compute droplet delete 2")
    assert command(places.address("edge", "fra1-1"), "2001:db8::1") in address
    assert command(places.alert("edge", "cpu"), "a1") in alert


def test_a_certificate_for_the_same_names_that_nobody_uses_is_a_warning(
    engine: "MockEngine", caplog: pytest.LogCaptureFixture
) -> None:
    engine.account.apis.unused = {
        "ours": GivenCertificate("PENDING_VALIDATION", (NAME,)),
        "theirs": GivenCertificate("ISSUED", (NAME, "www.example.com")),
    }
    looked_up(engine)
    (words,) = (
        record.getMessage() for record in caplog.records if "ertificate" in record.getMessage()
    )
    assert words == (
        f'Certificate "ours" for {NAME} is there already, PENDING_VALIDATION, used by nobody and '
        "not in the state; one that is used: this deployment requests another. Delete it with: "
        "aws acm delete-certificate --region us-east-1 --certificate-arn ours"
    )


TOPIC: Final = Alarms(topic_arn="arn:aws:sns:us-east-1:123456789012:edge-alarms")


def test_what_watches_something_of_the_stack_is_a_warning(
    engine: "MockEngine", caplog: pytest.LogCaptureFixture
) -> None:
    provider, alarms = "pulumi:providers:aws", "dualstack:index:PathAlarms"
    check = places.proxy_check("edge", "fra1-1")
    state: dict[str, dict[str, Any]] = {
        **PARENTS,
        urn(EDGE, alarms, name="edge-alarms"): component("PathAlarms"),
        urn(EDGE, provider, name="edge-alarms-us-east-1"): {"type": provider, "outputs": {}},
        **has(places.address("edge", "fra1-1"), ip="2001:db8::1"),
        **has(check, arn="arn:aws:route53:::healthcheck/c1"),
        **has(places.distribution("edge"), arn="arn:aws:cloudfront::123456789012:distribution/E1"),
    }
    last = of_resources("edge", state)
    engine.account.apis.checks = [
        ListedCheck("c1", "2001:db8::1", 443),
        ListedCheck("c2", "2001:db8::1", 8101),
        ListedCheck("c3", "2001:db8::2", 8101),
    ]
    engine.account.apis.alarm_list = [
        ListedAlarm("edge-alarms-cdn-errors-1a2b3c4", ["Global", "E1"]),
        ListedAlarm("edge-alarms-cdn-errors-5d6e7f8", ["Global", "E2"]),
        ListedAlarm("other-alarms-cdn-errors-1a2b3c4", ["Global", "E1"]),
    ]
    looked_up(engine, last, alarms=TOPIC)
    named = [
        record.getMessage()
        for record in caplog.records
        if "there already, and not in the state" in record.getMessage()
    ]
    room, errors = named
    assert room.startswith(
        "Health check c2 of 2001:db8::1, port 8101, is there already, and not in the state; one "
        "of each: this deployment makes another. Delete it with: "
        "aws route53 delete-health-check --health-check-id c2\n"
    )
    assert " edge-alarms-fra1-1-room 'c2' --parent 'edge-alarms=" in room
    assert "MetricAlarm edge-alarms-cdn-errors 'edge-alarms-cdn-errors-1a2b3c4'" in errors
    assert "--provider 'edge-alarms-us-east-1=" in errors


# ---- who is asked -------------------------------------------------------------------------------

STANDS: Final = of_resources(
    "edge",
    PARENTS
    | {
        key: value
        for place in (
            places.firewall("edge"),
            places.vpc("edge", "fra1"),
            places.droplet("edge", "fra1-1"),
            places.address("edge", "fra1-1"),
            *(places.alert("edge", what) for what in ("cpu", "memory", "disk")),
        )
        for key, value in has(place, region="fra1", size="s-1vcpu-1gb", ip="2001:db8::1").items()
    },
)


@pytest.mark.parametrize(
    ("last", "pool", "listed"),
    [
        pytest.param(STANDS, POOL, [], id="it stands"),
        pytest.param(
            STANDS,
            POOL.model_copy(update={"regions": ("fra1", "ams3")}),
            ["vpcs", "droplets", "addresses"],
            id="a region more",
        ),
        pytest.param(
            LastDeployment(edge="edge"),
            POOL.model_copy(update={"alert_emails": ()}),
            ["vpcs", "firewalls", "droplets", "addresses"],
            id="nothing stands",
        ),
        pytest.param(LastDeployment(edge="edge"), None, [], id="no proxies"),
        pytest.param(LastDeployment(edge="edge", readable=False), POOL, [], id="nobody knows"),
    ],
)
def test_digitalocean_is_asked_for_what_the_state_lacks_and_nothing_else(
    engine: "MockEngine", last: LastDeployment, pool: Proxies | None, listed: list[str]
) -> None:
    looked_up(engine, last, proxy=pool)
    assert engine.account.droplet_cloud.listed == listed


def test_an_address_that_the_stack_has_is_not_left_behind(
    engine: "MockEngine", caplog: pytest.LogCaptureFixture
) -> None:
    engine.account.droplet_cloud.address_list = [
        FreeAddress("2001:db8::1", "ams3"),
        FreeAddress("2001:db8::2", "nyc3"),
    ]
    looked_up(engine, STANDS, proxy=POOL.model_copy(update={"regions": ("fra1", "ams3")}))
    assert "is assigned to no droplet" not in caplog.text


def test_an_edge_with_a_provider_of_its_own_is_not_looked_for(engine: "MockEngine") -> None:
    import pulumi_digitalocean as digitalocean  # noqa: PLC0415 - it takes a second

    def program() -> None:
        own = digitalocean.Provider("own")
        options = pulumi.ResourceOptions(providers={"digitalocean": own})
        look_up(SETTINGS, options, LastDeployment(edge="edge"))

    engine.run(program)
    assert engine.account.droplet_cloud.listed == []


# ---- asking -------------------------------------------------------------------------------------


@pytest.fixture
def api() -> Iterator[HttpDigitalOcean]:
    """An API with two pages of droplets, and one of all else."""

    class Api(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.headers["Authorization"] != "Bearer token":
                self.send_error(401)
                return
            first = "page=1&" in self.path
            paged = first and "droplets" in self.path
            body = {
                "droplets": [{"id": 1 if first else 2, "name": "a"}],
                "vpcs": [{"id": "v", "name": "b"}],
                "firewalls": None,
                "policies": [{"uuid": "u", "description": "c"}],
                "reserved_ipv6s": [
                    {"ip": "2001:db8::1", "region_slug": "fra1", "droplet": None},
                    {"ip": "2001:db8::2", "region_slug": "fra1", "droplet": {"id": 1}},
                ],
                "links": {"pages": {"next": "…"}} if paged else {},
            }
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - their name
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Api) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield HttpDigitalOcean(f"http://127.0.0.1:{server.server_port}", "token")
        server.shutdown()
        thread.join()


def test_everything_of_a_kind_is_read(api: HttpDigitalOcean) -> None:
    assert api.droplets() == [Named("1", "a"), Named("2", "a")]
    assert api.vpcs() == [Named("v", "b")]
    assert api.firewalls() == []
    assert api.alerts() == [Named("u", "c")]
    assert api.free_addresses() == [FreeAddress("2001:db8::1", "fra1")]


def test_a_token_that_is_refused_is_no_answer(api: HttpDigitalOcean) -> None:
    with pytest.raises(NoAccessError, match="token is one that DigitalOcean refuses;"):
        HttpDigitalOcean(api.endpoint, "other").vpcs()
    with pytest.raises(NoAccessError, match="token is not set;"):
        HttpDigitalOcean(api.endpoint, "").vpcs()
    with pytest.raises(NoAccessError, match=r"API is http://127\.0\.0\.1:9, where nobody answers;"):
        HttpDigitalOcean("http://127.0.0.1:9", "any").vpcs()


def test_the_stack_s_configuration_comes_before_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("DIGITALOCEAN_TOKEN", "DIGITALOCEAN_API_URL"):
        monkeypatch.delenv(name, raising=False)
    assert open_digitalocean({}) == HttpDigitalOcean("https://api.digitalocean.com", "")
    monkeypatch.setenv("DIGITALOCEAN_ACCESS_TOKEN", "theirs")
    monkeypatch.setenv("DIGITALOCEAN_API_URL", "http://127.0.0.1:1/")
    assert open_digitalocean({}) == HttpDigitalOcean("http://127.0.0.1:1", "theirs")
    given = {"token": Secret("ours"), "apiEndpoint": "http://127.0.0.1:2"}
    assert open_digitalocean(given) == HttpDigitalOcean("http://127.0.0.1:2", "ours")


def test_the_token_is_read_and_masked() -> None:
    raw = {
        "dualstack-edge:hostnames": f'["{NAME}"]',
        "dualstack-edge:zone": "example.com",
        "dualstack-edge:origin": '{"loadBalancer": "api", "kind": "application"}',
        "digitalocean:token": "hush",
        "digitalocean:apiEndpoint": "http://127.0.0.1:2",
    }
    read = parse(raw, stack="prod")
    assert read.digitalocean == {"apiEndpoint": "http://127.0.0.1:2", "token": Secret("hush")}
    assert "hush" not in repr(read) + repr(read.digitalocean)
