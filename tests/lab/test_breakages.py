"""Break any one thing by hand, and `dualstack verify` names it; ask it nonsense, and it says so."""

import json
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Final

import pytest
import trustme

from rollout.verify.run import WRONG_USE
from sandbox.lab.dns import NAME_SERVERS
from sandbox.lab.lab_host import ROUTER
from support.engine import DUALSTACK, client
from support.faults import MISTAKES
from support.scene import HOSTNAME, VERIFY_SECONDS, Ground, Scene, Verified, opened

DUAL_STACK: Final = "dual-stack"
CONFIG: Final[dict[str, Any]] = {
    "proxy": {"regions": ["fra1", "ams3"], "readySeconds": 0},
    "traffic": {"direct": 50, "cdn": 50},
}
"""Everything there is: both paths have both families, and some of the users."""

ELSEWHERE: Final = "elsewhere.example.com"


@pytest.fixture(scope="module")
def edge(ground: Ground, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A lab of everything there is; each test mends what it breaks."""
    with opened(ground, tmp_path_factory.mktemp("edge")) as scene:
        scene.deploy(**CONFIG)
        _name_one(scene)
        yield scene


def _name_one(scene: Scene) -> None:
    """Have verify look at one hostname: one is as good as two, in half the time."""
    path = scene.folder / "outputs.json"
    outputs = json.loads(path.read_text())
    outputs["hostnames"] = [HOSTNAME]
    path.write_text(json.dumps(outputs))


# What breaks


def _balancer(scene: Scene) -> str:
    """Return the DNS name of the load balancer."""
    outputs = json.loads((scene.folder / "outputs.json").read_text())
    return next(
        record["target"]
        for record in outputs["records"]
        if (record["type"], record["setIdentifier"]) == ("A", "direct")
    )


def _addresses(scene: Scene) -> dict[str, str]:
    """Return addresses by the names that the cases below have for them."""
    hosts = scene.lab.hosts
    proxy = next(host for name, host in hosts.items() if name.startswith("droplet-"))
    found = scene.lab.run(DUAL_STACK, "dig", "+short", _balancer(scene), "A").stdout.split()
    return {
        "balancer": found[0],
        "balancer's range": f"{found[0].rpartition('.')[0]}.0/24",
        "edge ipv4": hosts["edge-1"].addresses[0],
        "edge ipv6": hosts["edge-1"].addresses[1],
        "proxy": proxy.addresses[-1],
        "names": NAME_SERVERS[0],
        "clients": "198.18.2.0/24",
    }


Broken = Callable[[Scene], AbstractContextManager[object]]
"""Breaks something until the end of the context."""


def _set(**settings: Any) -> Broken:
    """Change settings of the lab; what is callable is asked with the scene."""

    @contextmanager
    def broken(scene: Scene) -> Generator[None]:
        before = scene.lab.settings
        scene.lab.change(
            **{name: value(scene) if callable(value) else value for name, value in settings.items()}
        )
        try:
            scene.lab.settle()
            yield
        finally:
            scene.lab.set(before)
            scene.lab.settle()

    return broken


def _proxies(scene: Scene) -> tuple[str, ...]:
    return tuple(name for name in scene.lab.hosts if name.startswith("droplet-"))


@contextmanager
def _without_names(scene: Scene) -> Generator[None]:
    """Take the name servers away while the resolver knows everything that is asked."""
    assert scene.verify("--only", "dns-records").code == 0
    with _set(down=("names",))(scene):
        yield


def _one_proxy(scene: Scene) -> tuple[str, ...]:
    return _proxies(scene)[:1]


def _balancers(scene: Scene) -> tuple[str, ...]:
    return (_balancer(scene),)


def _do(scene: Scene, *command: str) -> str:
    done = scene.lab.run(ROUTER, *command)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _filtered(*rules: str) -> Broken:
    """Have the router filter: `hook` and what goes through it, addresses in braces by name."""

    @contextmanager
    def broken(scene: Scene) -> Generator[None]:
        known = _addresses(scene)
        script = "".join(
            f"  chain {hook} {{ type filter hook {hook} priority -10;\n    "
            + "\n    ".join(
                rule.partition(" ")[2].format_map(known)
                for rule in rules
                if rule.startswith(f"{hook} ")
            )
            + "\n  }\n"
            for hook in ("forward", "output")
        )
        path = scene.folder / "breakage.nft"
        path.write_text(f"table inet breakage {{\n{script}}}\n")
        _do(scene, "nft", "--file", str(path))
        try:
            yield
        finally:
            _do(scene, "nft", "delete", "table", "inet", "breakage")

    return broken


def _narrow(*, told: bool) -> Broken:
    """Have a path to CloudFront over IPv6 whose middle is narrower than its ends.

    Args:
        told: Whether the router's 'packet too big' comes through, as it should.
    """

    @contextmanager
    def broken(scene: Scene) -> Generator[None]:
        ends = [scene.lab.hosts[name].addresses[1] for name in ("edge-1", "edge-2")]
        routes = {end: _do(scene, "ip", "-6", "route", "show", end).split()[:3] for end in ends}
        silent = _filtered("output icmpv6 type packet-too-big drop")
        # What the client was told of a path earlier, it remembers for ten minutes.
        scene.lab.run("dual-stack", "ip", "-6", "route", "flush", "cache").check_returncode()
        try:
            for route in routes.values():
                _do(scene, "ip", "-6", "route", "replace", *route, "mtu", "lock", "1280")
            with nullcontext() if told else silent(scene):
                yield
        finally:
            for route in routes.values():
                _do(scene, "ip", "-6", "route", "replace", *route)

    return broken


def _forget(scene: Scene) -> None:
    """Have the resolver forget what it knows, as it does whenever its settings change."""
    scene.lab.change(least_ttl_seconds=1)
    scene.lab.settle()
    scene.lab.change(least_ttl_seconds=0)
    scene.lab.settle()


def _records(
    changed: Callable[[list[dict[str, Any]], Scene], list[dict[str, Any]]],
) -> Broken:
    """Have other records of the hostname."""

    @contextmanager
    def broken(scene: Scene) -> Generator[None]:
        route53 = client(scene.account, "route53")
        zone = route53.list_hosted_zones_by_name(DNSName="example.com")["HostedZones"][0]["Id"]

        def replace(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> None:
            changes = [
                {"Action": action, "ResourceRecordSet": record}
                for action, records in (("DELETE", old), ("CREATE", new))
                for record in records
            ]
            route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})
            scene.lab.settle()
            _forget(scene)

        every = route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
        before = [record for record in every if record["Name"] == f"{HOSTNAME}."]
        after = changed(before, scene)
        replace(before, after)
        try:
            yield
        finally:
            replace(after, before)

    return broken


def _simple(kind: str, value: str) -> dict[str, Any]:
    return {
        "Name": f"{HOSTNAME}.",
        "Type": kind,
        "TTL": 60,
        "ResourceRecords": [{"Value": value}],
    }


def _led_astray(records: list[dict[str, Any]], scene: Scene) -> list[dict[str, Any]]:
    """Return the records with direct's A leading to another load balancer."""
    own = _balancer(scene)
    other = next(
        each.dns_name for each in scene.lab.deployed.load_balancers if each.dns_name != own
    )
    return [
        {**record, "AliasTarget": {**record["AliasTarget"], "DNSName": f"{other}."}}
        if (record["Type"], record.get("SetIdentifier")) == ("A", "direct")
        else record
        for record in records
    ]


@dataclass(frozen=True)
class Breakage:
    """Something that is broken, and how it is found."""

    broken: Broken
    only: tuple[str, ...]
    """The checks that are run."""
    code: int
    """The exit code."""
    result: tuple[str, str | None, str | None, str]
    """Check, path, family and verdict of the result that names it."""
    named: tuple[str, ...]
    """What its evidence says; addresses in braces by name."""


BREAKAGES: Final = {
    "the load balancer is down": Breakage(
        _set(down=("load-balancer",)),
        ("reach",),
        1,
        ("reach-connect", "direct", "IPv4", "fail"),
        ("2 of 2 addresses fail", "{balancer}: TCP: silence (timeout)"),
    ),
    "the load balancer refuses": Breakage(
        _filtered("forward ip daddr {balancer's range} tcp dport 443 reject with tcp reset"),
        ("reach",),
        1,
        ("reach-connect", "direct", "IPv4", "fail"),
        ("2 of 2 addresses fail", "{balancer}: TCP: refused (refused)"),
    ),
    "behind a node of CloudFront, the load balancer refuses": Breakage(
        _filtered(
            "forward ip saddr {edge ipv4} ip daddr {balancer's range} tcp dport 443 "
            "reject with tcp reset"
        ),
        ("reach",),
        1,
        ("reach-connect", "cdn", "IPv6", "fail"),
        ("1 of 2 addresses fail", "{edge ipv6}: answers 502"),
    ),
    "a node of CloudFront is down": Breakage(
        _set(down=("edge-1",)),
        ("reach",),
        1,
        ("reach-connect", "cdn", "IPv6", "fail"),
        ("1 of 2 addresses fail", "{edge ipv6}: TCP: silence (timeout)"),
    ),
    "a proxy is down": Breakage(
        _set(down=_one_proxy),
        ("reach",),
        1,
        ("reach-connect", "direct", "IPv6", "fail"),
        ("1 of 2 addresses fail", "{proxy}: TCP: silence (timeout)"),
    ),
    "all proxies are down, and their AAAA records published": Breakage(
        _set(down=_proxies),
        ("reach-race",),
        1,
        ("reach-race", "direct", None, "fail"),
        ("{proxy} TCP: silence (timeout): published and broken, which is worse than no IPv6",),
    ),
    "the name servers are down": Breakage(
        _without_names,
        ("dns-records",),
        3,
        ("dns-authority", None, None, "unknown"),
        ("{names} did not answer",),
    ),
    "packets to the load balancer vanish after the handshake": Breakage(
        _filtered("forward ip daddr {balancer's range} tcp dport 443 meta length > 100 drop"),
        ("reach",),
        1,
        ("reach-connect", "direct", "IPv4", "fail"),
        ("2 of 2 addresses fail", "{balancer}: TLS: silence (timeout)"),
    ),
    "packets from a node of CloudFront vanish after the handshake": Breakage(
        _filtered("forward ip6 saddr {edge ipv6} tcp sport 443 meta length > 120 drop"),
        ("reach",),
        1,
        ("reach-connect", "cdn", "IPv6", "fail"),
        ("1 of 2 addresses fail", "{edge ipv6}: TLS: silence (timeout)"),
    ),
    "a narrow path to CloudFront is a black hole": Breakage(
        _narrow(told=False),
        ("reach-path-mtu",),
        1,
        ("reach-path-mtu", "cdn", "IPv6", "fail"),
        ("{edge ipv6}: black hole: ", "6664 bytes hang"),
    ),
    "a narrow path to CloudFront that says so works": Breakage(
        _narrow(told=True),
        ("reach-path-mtu",),
        0,
        ("reach-path-mtu", "cdn", "IPv6", "pass"),
        ("{edge ipv6}: 6664 bytes are answered", "path MTU 1280 bytes"),
    ),
    "a narrow link works": Breakage(
        _set(mtu={"dual-stack": 1280}),
        ("reach",),
        0,
        ("reach-path-mtu", "direct", "IPv6", "pass"),
        ("{proxy}: 6664 bytes are answered", "path MTU 1280 bytes"),
    ),
    "the load balancer's certificate ran out": Breakage(
        _set(expired_certificates=_balancers),
        ("reach-certificates",),
        1,
        ("tls-certificate", "direct", "IPv4", "fail"),
        ("{balancer}: the certificate expired on 20",),
    ),
    "the load balancer's certificate ran out, and CloudFront checks it": Breakage(
        _set(expired_certificates=_balancers),
        ("hazards-origin-certificate",),
        1,
        ("hazard-origin-certificate", "direct", "IPv4", "fail"),
        ("{balancer} shows", "not trusted: TLS: certificate has expired"),
    ),
    "an allow list knows the clients' IPv4 networks only": Breakage(
        _set(allow=("198.18.2.0/24",)),
        ("reach",),
        1,
        ("reach-connect", "cdn", "IPv6", "fail"),
        ("2 of 2 addresses fail", "{edge ipv6}: the echo answers 403 instead of 200"),
    ),
    "an allow list knows the clients only, not the proxies": Breakage(
        _set(allow=("198.18.2.0/24",)),
        ("reach",),
        1,
        ("reach-connect", "direct", "IPv6", "fail"),
        ("2 of 2 addresses fail", "{proxy}: the echo answers 403 instead of 200"),
    ),
    "the resolver keeps answers for too long, which is noted": Breakage(
        _set(least_ttl_seconds=600),
        ("dns-records",),
        0,
        ("dns-resolver", None, "IPv4", "pass"),
        ("it keeps that for 600 s though it may for 60 s",),
    ),
    "an HTTPS record leads past the addresses": Breakage(
        _records(lambda records, _: [*records, _simple("HTTPS", f"1 {ELSEWHERE}. alpn=h2")]),
        ("dns-records",),
        1,
        ("dns-https", None, None, "fail"),
        (f"an HTTPS record leads to {ELSEWHERE}, past the A and AAAA records",),
    ),
    "a CNAME is in the way": Breakage(
        _records(lambda _, scene: [_simple("CNAME", f"{_balancer(scene)}.")]),
        ("dns-records",),
        1,
        ("dns-cname", None, None, "fail"),
        (f"{HOSTNAME} is a CNAME for api-",),
    ),
    "an alias leads to another load balancer": Breakage(
        _records(_led_astray),
        ("dns-weights",),
        3,
        ("dns-shares", "cdn", "IPv4", "unknown"),
        ("which neither the load balancer's nor the distribution's name nor a proxy has",),
    ),
}
"""What is broken by hand, by what it is."""


@pytest.mark.parametrize("name", BREAKAGES)
def test_what_is_broken_by_hand_is_named(edge: Scene, name: str) -> None:
    breakage = BREAKAGES[name]
    known = _addresses(edge)
    with breakage.broken(edge):
        verified = edge.verify(*(word for check in breakage.only for word in ("--only", check)))
    told = f"{verified.told()}\n{verified.told('unknown')}\n{verified.said}"
    assert verified.code == breakage.code, told
    *place, verdict = breakage.result
    results = [
        result
        for result in verified.results
        if [result["check"], result.get("path"), result.get("family")] == place
    ]
    assert [result["verdict"] for result in results] == [verdict], told
    for named in breakage.named:
        assert named.format_map(known) in results[0]["evidence"], told


# What it is asked


def _run(
    scene: Scene, *options: str, host: str = DUAL_STACK, within: tuple[str, ...] = ()
) -> Verified:
    """Run the command with nothing but some options; it is never lost for words."""
    done = scene.lab.run(
        host, *within, str(DUALSTACK), "verify", "--json", *options, timeout=VERIFY_SECONDS
    )
    assert "Traceback" not in done.stderr
    if done.returncode == WRONG_USE:
        assert done.stdout == ""
        return Verified(done.returncode, [], done.stderr)
    return Verified(done.returncode, json.loads(done.stdout)["results"], done.stderr)


WRONG_USES: Final[dict[str, tuple[str, str, str, tuple[str, ...]]]] = {
    "requests that are not YAML": (
        "--requests",
        "requests.yaml",
        "requests:\n  - path: [/echo\n",
        ("requests.yaml:3:1 is not YAML (", "; the whole file should be YAML or JSON. "),
    ),
    "requests with a path that is not encoded": (
        "--requests",
        "requests.yaml",
        "requests:\n  - path: /a b\n    methud: GET\n",
        ("requests.yaml:2:", '"/a b"; it should begin with / and be encoded', "requests.yaml:3:"),
    ),
    "an OpenAPI document that is cut off": (
        "--openapi",
        "api.json",
        '{"openapi": "3.1.0",\n "paths": {',
        ("api.json:2:", "is not JSON (", "; the whole file should be one JSON object. "),
    ),
    "a recording that is cut off": (
        "--har",
        "recording.har",
        '{"log": {"version": "1.2", "entries": [',
        ("recording.har:1:", "is not JSON (", "; the whole file should be one JSON object. "),
    ),
    "outputs that are cut off": (
        "--outputs",
        "cut-off.json",
        '{"hostnames": [',
        ("cut-off.json is not JSON (", "; it should be one object, as `pulumi stack output"),
    ),
    "outputs of something else": (
        "--outputs",
        "others.json",
        '{"hostnames": [], "url": "https://example.com"}',
        ("Output hostnames is []; ", "Output distributionDomainName is not there; "),
    ),
    "authorities that are none": (
        "--ca",
        "ca.pem",
        "no certificate",
        ("The file of trusted certificates is ", "; a PEM file with at least one certificate"),
    ),
}
"""Option, file and what is in it, and what is said."""


@pytest.mark.parametrize("name", WRONG_USES)
def test_a_file_that_is_no_use_is_wrong_use_with_the_reason(edge: Scene, name: str) -> None:
    option, file, content, named = WRONG_USES[name]
    path = edge.folder / file
    path.write_text(content)
    outputs = () if option == "--outputs" else ("--outputs", str(edge.folder / "outputs.json"))
    verified = _run(edge, *outputs, option, str(path), "--echo", "/echo")
    assert verified.code == WRONG_USE, verified.said
    for said in named:
        assert said in verified.said


def test_every_option_that_is_wrong_is_told_at_once(edge: Scene) -> None:
    verified = _run(
        edge,
        *("--hostname", "no name", "--direct", "198.18.0.1", "--only", "nothing"),
        *("--ca", str(edge.folder / "not-there.pem"), "--rate", "0"),
    )
    assert verified.code == WRONG_USE
    for said in (
        '--hostname is "no name"; it should be a DNS name such as api.example.com. ',
        '--direct is "198.18.0.1"; it should be a DNS name such as api.example.com. ',
        "--cdn is not given; ",
        '--only is "nothing"; it should be one of dns-records, ',
        "not-there.pem",
        "--rate is 0",
    ):
        assert said in verified.said


def test_a_stack_that_nothing_tells_of_is_wrong_use(edge: Scene) -> None:
    verified = _run(edge)  # no host of the lab has Pulumi
    assert verified.code == WRONG_USE
    assert "`pulumi stack output --json` is not on PATH; " in verified.said


@dataclass(frozen=True)
class Question:
    """A question without an answer, or with one that nobody likes."""

    options: tuple[str, ...]
    """Options; names in braces are those of the deployed edge."""
    code: int
    verdict: str
    named: str
    within: tuple[str, ...] = ()
    """A command that it is run by."""


BY_HAND: Final = ("--hostname", HOSTNAME, "--direct", "{balancer}", "--cdn", "{cdn}")

QUESTIONS: Final = {
    "a hostname that does not resolve": Question(
        ("--hostname", ELSEWHERE, *BY_HAND[2:], "--only", "dns-records"),
        1,
        "fail",
        f"dns-exists None None {ELSEWHERE}: the resolver answers NXDOMAIN",
    ),
    "a path's name that does not resolve": Question(
        (*BY_HAND[:3], "elb.example.net", *BY_HAND[4:], "--only", "reach-certificates"),
        3,
        "unknown",
        f"ways direct IPv4 {HOSTNAME}: elb.example.net does not resolve: its A is answered ",
    ),
    "an echo path that does not echo": Question(
        (*BY_HAND, "--echo", "/nothing", "--only", "echo"),
        3,
        "unknown",
        "Wrong use: the echo path is /nothing, which direct over IPv4 is answered 404",
    ),
    "authorities that did not sign anything here": Question(
        (*BY_HAND, "--ca", "{folder}/stranger.pem", "--only", "reach-certificates"),
        1,
        "fail",
        f"tls-certificate cdn IPv6 {HOSTNAME}: ",
    ),
    "no network": Question(
        (*BY_HAND, "--echo", "/echo", "--only", "reach", "--only", "cache-methods"),
        3,
        "unknown",
        f"by-name None IPv4 {HOSTNAME}: {HOSTNAME} does not resolve: ",
        ("unshare", "--net"),
    ),
}
"""What is asked, by what it is about."""


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_that_cannot_be_answered_never_passes(edge: Scene, name: str) -> None:
    question = QUESTIONS[name]
    outputs = json.loads((edge.folder / "outputs.json").read_text())
    (edge.folder / "stranger.pem").write_bytes(trustme.CA().cert_pem.bytes())
    known = {
        "balancer": _balancer(edge),
        "cdn": outputs["distributionDomainName"],
        "folder": edge.folder,
    }
    options = [option.format_map(known) for option in question.options]
    verified = _run(edge, *options, within=question.within)
    told = "\n".join(
        f"{result['check']} {result.get('path')} {result.get('family')} {result['hostname']}: "
        f"{result['evidence']}"
        for result in verified.results
        if result["verdict"] == question.verdict
    )
    assert verified.code == question.code, f"{told}\n{verified.said}"
    assert question.named in told, told


# Who asks


CLIENTS: Final = {
    "dual-stack": (0, "pass", "reach-connect cdn IPv6: 2001:db8:cf:"),
    "ipv4-only": (3, "unknown", "reach-connect cdn IPv6: this machine has no IPv6"),
    "ipv6-only": (3, "unknown", "reach-connect direct IPv4: this machine has no IPv4"),
    "nat64-client": (3, "pass", "reach-nat64 direct IPv6: 2001:db8:64:6464::/96: 2001:db8:64:6464"),
}
"""Exit code, and a verdict with what it is about, by who asks."""


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_tells_of_what_it_sees_and_never_passes_the_rest(edge: Scene, name: str) -> None:
    code, verdict, named = CLIENTS[name]
    verified = edge.verify("--only", "reach", "--only", "dns-records", client=name)
    assert (verified.code, verified.told()) == (code, ""), verified.said
    assert named in verified.told(verdict), verified.told(verdict)


# Whose requests


REQUESTS: Final = """
ignore: [json:/headers, json:/client]  # the echo tells who asked and by which way
requests:
  - path: /echo?b=1
  - path: /echo/status=404
    ignore: [header:X-Request-Id]
  - name: compressed
    path: /echo/encoding=gzip
    headers: {Accept-Encoding: gzip}
  - name: order
    method: POST
    path: /echo
"""


def test_a_users_own_requests_tell_of_a_header_that_is_dropped(edge: Scene) -> None:
    path = edge.folder / "own.yaml"
    path.write_text(REQUESTS)
    asked = ("--outputs", str(edge.folder / "outputs.json"), "--requests", str(path))
    whole = _run(edge, *asked, "--only", "opaque")
    assert whole.code == 0, f"{whole.told()}\n{whole.told('unknown')}"
    edge.deploy(MISTAKES["headers are dropped"].program, **CONFIG)
    try:
        _name_one(edge)
        dropped = _run(edge, *asked, "--only", "opaque")
    finally:
        edge.deploy(**CONFIG)
        _name_one(edge)
    assert dropped.code == 1, dropped.said
    # That policy forwards no query strings either.
    assert dropped.found() == {"answers compressed": {"cdn"}, "answers GET /echo?b=1": {"cdn"}}
    assert 'header:content-encoding expected "gzip", came nothing' in dropped.told()
