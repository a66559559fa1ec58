"""Break any one thing by hand, and `dualstack verify` names it."""

from dataclasses import dataclass
from typing import Final

import pytest

from support.breaking import (
    Broken,
    addresses,
    balancer,
    balancers,
    changed_records,
    filtered,
    led_astray,
    narrow,
    one_proxy,
    proxies,
    served_on_port_80,
    setting,
    simple,
    without_names,
)
from support.engine import DUALSTACK
from support.scene import ELSEWHERE, HOSTNAME, VERIFY_SECONDS, Scene
from support.shown import WALK, assert_in_order, commands, shown


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
        setting(down=("load-balancer",)),
        ("reach",),
        1,
        ("reach-connect", "direct", "IPv4", "fail"),
        ("2 of 2 addresses fail", "{balancer}: TCP: silence (timeout)"),
    ),
    "the load balancer refuses": Breakage(
        filtered("forward ip daddr {balancer's range} tcp dport 443 reject with tcp reset"),
        ("reach",),
        1,
        ("reach-connect", "direct", "IPv4", "fail"),
        ("2 of 2 addresses fail", "{balancer}: TCP: refused (refused)"),
    ),
    "behind a node of CloudFront, the load balancer refuses": Breakage(
        filtered(
            "forward ip saddr {edge ipv4} ip daddr {balancer's range} tcp dport 443 "
            "reject with tcp reset"
        ),
        ("reach",),
        1,
        ("reach-connect", "cdn", "IPv6", "fail"),
        ("1 of 2 addresses fail", "{edge ipv6}: answers 502"),
    ),
    "a node of CloudFront is down": Breakage(
        setting(down=("edge-1",)),
        ("reach",),
        1,
        ("reach-connect", "cdn", "IPv6", "fail"),
        ("1 of 2 addresses fail", "{edge ipv6}: TCP: silence (timeout)"),
    ),
    "a proxy is down": Breakage(
        setting(down=one_proxy),
        ("reach",),
        1,
        ("reach-connect", "direct", "IPv6", "fail"),
        ("1 of 2 addresses fail", "{proxy}: TCP: silence (timeout)"),
    ),
    "all proxies are down, and their AAAA records published": Breakage(
        setting(down=proxies),
        ("reach-race",),
        1,
        ("reach-race", "direct", None, "fail"),
        ("{proxy} TCP: silence (timeout): published and broken, which is worse than no IPv6",),
    ),
    "the name servers are down": Breakage(
        without_names,
        ("dns-records",),
        3,
        ("dns-authority", None, None, "unknown"),
        ("{names} did not answer",),
    ),
    "packets to the load balancer vanish after the handshake": Breakage(
        filtered("forward ip daddr {balancer's range} tcp dport 443 meta length > 100 drop"),
        ("reach",),
        1,
        ("reach-connect", "direct", "IPv4", "fail"),
        ("2 of 2 addresses fail", "{balancer}: TLS: silence (timeout)"),
    ),
    "packets from a node of CloudFront vanish after the handshake": Breakage(
        filtered("forward ip6 saddr {edge ipv6} tcp sport 443 meta length > 120 drop"),
        ("reach",),
        1,
        ("reach-connect", "cdn", "IPv6", "fail"),
        ("1 of 2 addresses fail", "{edge ipv6}: TLS: silence (timeout)"),
    ),
    "a narrow path to CloudFront is a black hole": Breakage(
        narrow(reported=False),
        ("reach-path-mtu",),
        1,
        ("reach-path-mtu", "cdn", "IPv6", "fail"),
        ("{edge ipv6}: black hole: ", "bytes to the same URL hang"),
    ),
    "a narrow path to CloudFront that says so works": Breakage(
        narrow(reported=True),
        ("reach-path-mtu",),
        0,
        ("reach-path-mtu", "cdn", "IPv6", "pass"),
        ("bytes are answered", "MTU 1280 bytes from here to that address"),
    ),
    "the load balancer serves plain HTTP, and CloudFront does not pass it on": Breakage(
        served_on_port_80,
        ("ports",),
        1,
        ("port-80", "cdn", "IPv4", "fail"),
        ("status expected 404", "came 403 (Server: CloudFront"),
    ),
    "a narrow link works": Breakage(
        setting(mtu={"dual-stack": 1280}),
        ("reach",),
        0,
        ("reach-path-mtu", "direct", "IPv6", "pass"),
        ("bytes are answered", "MTU 1280 bytes from here to that address"),
    ),
    "the load balancer's certificate ran out": Breakage(
        setting(expired_certificates=balancers),
        ("reach-certificates",),
        1,
        ("tls-certificate", "direct", "IPv4", "fail"),
        ("{balancer}: the certificate expired on 20",),
    ),
    "the load balancer's certificate ran out, and CloudFront checks it": Breakage(
        setting(expired_certificates=balancers),
        ("hazards-origin-certificate",),
        1,
        ("hazard-origin-certificate", "direct", "IPv4", "fail"),
        ("{balancer} shows", "but the certificate expired on 20"),
    ),
    "an allow list knows the clients' IPv4 networks only": Breakage(
        setting(allow=("198.18.2.0/24",)),
        ("reach",),
        1,
        ("reach-connect", "cdn", "IPv6", "fail"),
        ("2 of 2 addresses fail", "{edge ipv6}: the echo answers 403 instead of 200"),
    ),
    "an allow list knows the clients only, not the proxies": Breakage(
        setting(allow=("198.18.2.0/24",)),
        ("reach",),
        1,
        ("reach-connect", "direct", "IPv6", "fail"),
        ("2 of 2 addresses fail", "{proxy}: the echo answers 403 instead of 200"),
    ),
    "the resolver keeps answers for too long, which is noted": Breakage(
        setting(least_ttl_seconds=600),
        ("dns-records",),
        0,
        ("dns-resolver", None, "IPv4", "pass"),
        ("it keeps that for 600 s though it may for 60 s",),
    ),
    "an HTTPS record leads past the addresses": Breakage(
        changed_records(lambda records, _: [*records, simple("HTTPS", f"1 {ELSEWHERE}. alpn=h2")]),
        ("dns-records",),
        1,
        ("dns-https", None, None, "fail"),
        (f"an HTTPS record leads to {ELSEWHERE}, past the A and AAAA records",),
    ),
    "a CNAME is in the way": Breakage(
        changed_records(lambda _, scene: [simple("CNAME", f"{balancer(scene)}.")]),
        ("dns-records",),
        1,
        ("dns-cname", None, None, "fail"),
        (f"{HOSTNAME} is a CNAME for api-",),
    ),
    "an alias leads to another load balancer": Breakage(
        changed_records(led_astray),
        ("dns-weights",),
        3,
        ("dns-shares", "cdn", "IPv4", "unknown"),
        ("which neither the load balancer's nor the distribution's name nor a proxy has",),
    ),
}
"""What is broken by hand, by what it is."""


def test_where_nothing_is_broken_the_zone_answers_by_the_weights_as_the_walk_shows(
    edge: Scene,
) -> None:
    (command,) = {each for each in commands(WALK) if each.endswith("--only dns")}
    entering, _, verify = command.partition(" \\\n  ")
    assert entering == ".venv/bin/dualstack sandbox lab enter dual-stack"
    words = verify.replace(".sandbox/lab/", f"{edge.folder}/").split()
    done = edge.lab.run("dual-stack", str(DUALSTACK), *words[1:], timeout=VERIFY_SECONDS)
    assert done.returncode == 0, done.stdout
    assert_in_order(shown(WALK, command), done.stdout)


@pytest.mark.parametrize("name", BREAKAGES)
def test_what_is_broken_by_hand_is_named(edge: Scene, name: str) -> None:
    breakage = BREAKAGES[name]
    addresses_by_name = addresses(edge)
    with breakage.broken(edge):
        verified = edge.verify(*(word for check in breakage.only for word in ("--only", check)))
    summary = f"{verified.evidence()}\n{verified.evidence('unknown')}\n{verified.printed}"
    assert verified.code == breakage.code, summary
    *place, verdict = breakage.result
    results = [
        result
        for result in verified.results
        if [result["check"], result.get("path"), result.get("family")] == place
    ]
    assert [result["verdict"] for result in results] == [verdict], summary
    for named in breakage.named:
        assert named.format_map(addresses_by_name) in results[0]["evidence"], summary
