"""What is broken by hand in a lab, each until the end of a context."""

import json
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Final

from sandbox.lab.dns import NAME_SERVERS
from sandbox.lab.lab_host import ROUTER
from support.engine import client
from support.scene import HOSTNAME, Scene

DUAL_STACK: Final = "dual-stack"


def balancer(scene: Scene) -> str:
    """Return the DNS name of the load balancer."""
    outputs = json.loads((scene.folder / "outputs.json").read_text())
    return next(
        record["target"]
        for record in outputs["records"]
        if (record["type"], record["setIdentifier"]) == ("A", "direct")
    )


def addresses(scene: Scene) -> dict[str, str]:
    """Return addresses by the names that the cases below have for them."""
    hosts = scene.lab.hosts
    proxy = next(host for name, host in hosts.items() if name.startswith("droplet-"))
    balancer_addresses = scene.lab.run(
        DUAL_STACK, "dig", "+short", balancer(scene), "A"
    ).stdout.split()
    return {
        "balancer": balancer_addresses[0],
        "balancer's range": f"{balancer_addresses[0].rpartition('.')[0]}.0/24",
        "edge ipv4": hosts["edge-1"].addresses[0],
        "edge ipv6": hosts["edge-1"].addresses[1],
        "proxy": proxy.addresses[-1],
        "names": NAME_SERVERS[0],
        "clients": "198.18.2.0/24",
    }


Broken = Callable[[Scene], AbstractContextManager[object]]
"""Breaks something until the end of the context."""


def setting(**settings: Any) -> Broken:
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


def proxies(scene: Scene) -> tuple[str, ...]:
    return tuple(name for name in scene.lab.hosts if name.startswith("droplet-"))


@contextmanager
def served_on_port_80(scene: Scene) -> Generator[None]:
    """Have the load balancer serve plain HTTP too, which CloudFront and the proxies do not."""
    balancers = client(scene.account, "elbv2")
    arn = balancers.describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"]
    outputs = json.loads((scene.folder / "outputs.json").read_text())
    secure = {"Certificates": [{"CertificateArn": outputs["certificateArn"]}]}
    answer = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}
    listeners = [
        balancers.create_listener(
            LoadBalancerArn=arn, Protocol=protocol, Port=port, DefaultActions=[answer], **more
        )["Listeners"][0]["ListenerArn"]
        for protocol, port, more in (("HTTPS", 443, secure), ("HTTP", 80, {}))
    ]
    try:
        scene.lab.settle()
        yield
    finally:
        for listener in listeners:
            balancers.delete_listener(ListenerArn=listener)
        scene.lab.settle()


@contextmanager
def without_names(scene: Scene) -> Generator[None]:
    """Take the name servers away while the resolver knows everything that is asked."""
    assert scene.verify("--only", "dns-records").code == 0
    with setting(down=("names",))(scene):
        yield


def one_proxy(scene: Scene) -> tuple[str, ...]:
    return proxies(scene)[:1]


def balancers(scene: Scene) -> tuple[str, ...]:
    return (balancer(scene),)


def _do(scene: Scene, *command: str) -> str:
    done = scene.lab.run(ROUTER, *command)
    assert done.returncode == 0, done.stderr
    return done.stdout


def filtered(*rules: str) -> Broken:
    """Have the router filter: `hook` and what goes through it, addresses in braces by name."""

    @contextmanager
    def broken(scene: Scene) -> Generator[None]:
        addresses_by_name = addresses(scene)
        script = "".join(
            f"  chain {hook} {{ type filter hook {hook} priority -10;\n    "
            + "\n    ".join(
                rule.partition(" ")[2].format_map(addresses_by_name)
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


def narrow(*, reported: bool) -> Broken:
    """Have a path to CloudFront over IPv6 whose middle is narrower than its ends.

    Args:
        reported: Whether the router's 'packet too big' comes through, as it should.
    """

    @contextmanager
    def broken(scene: Scene) -> Generator[None]:
        ends = [scene.lab.hosts[name].addresses[1] for name in ("edge-1", "edge-2")]
        routes = {end: _do(scene, "ip", "-6", "route", "show", end).split()[:3] for end in ends}
        silent = filtered("output icmpv6 type packet-too-big drop")
        # What the client was told of a path earlier, it remembers for ten minutes.
        scene.lab.run("dual-stack", "ip", "-6", "route", "flush", "cache").check_returncode()
        try:
            for route in routes.values():
                _do(scene, "ip", "-6", "route", "replace", *route, "mtu", "lock", "1280")
            with nullcontext() if reported else silent(scene):
                yield
        finally:
            for route in routes.values():
                _do(scene, "ip", "-6", "route", "replace", *route)

    return broken


def changed_records(
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
            scene.forget_names()

        every = route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
        before = [record for record in every if record["Name"] == f"{HOSTNAME}."]
        after = changed(before, scene)
        replace(before, after)
        try:
            yield
        finally:
            replace(after, before)

    return broken


def simple(kind: str, value: str) -> dict[str, Any]:
    return {
        "Name": f"{HOSTNAME}.",
        "Type": kind,
        "TTL": 60,
        "ResourceRecords": [{"Value": value}],
    }


def led_astray(records: list[dict[str, Any]], scene: Scene) -> list[dict[str, Any]]:
    """Return the records with direct's A leading to another load balancer."""
    own = balancer(scene)
    other = next(
        each.dns_name for each in scene.lab.deployed.load_balancers if each.dns_name != own
    )
    return [
        {**record, "AliasTarget": {**record["AliasTarget"], "DNSName": f"{other}."}}
        if (record["Type"], record.get("SetIdentifier")) == ("A", "direct")
        else record
        for record in records
    ]
