"""The name servers and the resolvers with real packets, each test in a network of its own."""

import asyncio
import ipaddress
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest

from sandbox.lab.deployed import Deployed
from sandbox.lab.dns import (
    NAME_SERVERS,
    health_checkers,
    name_servers,
    nat64,
    nat64_commands,
    resolver,
)
from sandbox.lab.dns.checkers import passes
from sandbox.lab.program import Program
from support.namespaces import own_network
from support.records import CDN, HOST, LEADS, LOAD_BALANCER, POOL, alias, record, soa, zone
from support.waiting import wait_until

pytestmark = pytest.mark.root

SERVER, SERVER6 = NAME_SERVERS
RESOLVER, RESOLVER6 = "198.18.3.2", "2001:db8:53:2::1"
ADDRESSES = (f"{SERVER}/32", f"{SERVER6}/128", f"{RESOLVER}/32", f"{RESOLVER6}/128")
TINY = 1e-9
"""How unlikely a sample has to be before it speaks against the weights: a test that fails once in a
billion runs is no nuisance."""


def edge(direct: int, cdn: int, *more: Mapping[str, object]) -> Deployed:
    """A zone with twins whose old path has no IPv6."""
    return Deployed(
        zones=(
            zone(
                soa(900, 86400),
                record("example.com", "NS", ["ns-1.awsdns-64.com."], 172800),
                *(
                    alias(HOST, kind, target, weight=(path, weight))
                    for kind in ("A", "AAAA")
                    for path, target, weight in (
                        ("direct", LOAD_BALANCER, direct),
                        ("cdn", CDN, cdn),
                    )
                ),
                *more,
            ),
        )
    )


def ask(name: str, kind: str, server: str = SERVER, *, tcp: bool = False) -> dns.message.Message:
    query = dns.message.make_query(name, kind, use_edns=True)
    over = dns.query.tcp if tcp else dns.query.udp
    return over(query, server, timeout=5)


def values(answer: dns.message.Message) -> list[str]:
    return sorted(str(item) for rrset in answer.answer for item in list[object](rrset))


@contextmanager
def running(
    *given: Program, log: Path = Path(os.devnull)
) -> Generator[list[subprocess.Popen[bytes]]]:
    """Run programs as the lab does, until the test is done with them."""
    started: list[subprocess.Popen[bytes]] = []
    try:
        for program in given:
            write(program)
            with log.open("ab") as output:
                started.append(subprocess.Popen(program.command, stderr=output))
            if program.ready:
                wait_until(lambda ready=program.ready: _passes(ready))
        yield started
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(10)


def write(program: Program) -> None:
    for path, text in program.files.items():
        path.write_text(text)


def _passes(command: tuple[str, ...]) -> bool:
    return subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0


def test_questions_of_another_class_are_refused(tmp_path: Path) -> None:
    program = name_servers(edge(1, 0), LEADS, {}, tmp_path)
    with own_network(ADDRESSES), running(program):
        for name in ("version.bind", "id.server", "example.com"):
            query = dns.message.make_query(name, "TXT", "CH")
            for over in (dns.query.udp, dns.query.tcp):
                answer = over(query, SERVER, timeout=5)
                assert (answer.rcode(), answer.answer) == (dns.rcode.REFUSED, [])
        assert ask("example.com", "SOA").rcode() == dns.rcode.NOERROR


def test_answers_are_as_route_53_would_give_them(tmp_path: Path) -> None:
    deployed = edge(
        1,
        0,
        record(POOL, "AAAA", ["2001:db8:d1:1::1"], 120, weight=("one", 1)),
        alias(POOL, "AAAA", LOAD_BALANCER, weight=("none", 0)),
        alias("long.example.com", "A", LOAD_BALANCER),
        alias("long.example.com", "AAAA", POOL),
        record("\\052.w.example.com", "TXT", ['"any"'], 300),
        record("big.example.com", "TXT", [f'"{n:0200}"' for n in range(10)], 300),
        record(HOST, "HTTPS", ["1 . alpn=h2"], 300),
        delegation := record("sub.example.com", "NS", ["ns-2.awsdns-64.com."]),
    )
    x = record("x.sub.example.com", "A", ["192.0.2.9"], 30)
    sub = zone(delegation, x, name="sub.example.com")

    with own_network(ADDRESSES):
        both = Deployed(zones=(*deployed.zones, sub))
        with running(name_servers(both, LEADS, {}, tmp_path)):
            table: dict[tuple[str, str], tuple[list[str], int]] = {
                (HOST, "A"): (["198.18.0.1", "198.18.0.2"], 60),
                (HOST, "AAAA"): ([], 900),
                (HOST.upper(), "AAAA"): ([], 900),
                (HOST, "MX"): ([], 900),
                (HOST, "HTTPS"): (['1 . alpn="h2"'], 300),
                (POOL, "AAAA"): (["2001:db8:d1:1::1"], 120),
                (POOL, "A"): ([], 900),
                ("long.example.com", "A"): (["198.18.0.1", "198.18.0.2"], 60),
                ("long.example.com", "AAAA"): (["2001:db8:d1:1::1"], 120),
                ("x.w.example.com", "TXT"): (['"any"'], 300),
                ("x.sub.example.com", "A"): (["192.0.2.9"], 30),
                ("com", "NS"): ([], 60),
                (LOAD_BALANCER, "A"): (["198.18.0.1", "198.18.0.2"], 60),
                (LOAD_BALANCER, "AAAA"): ([], 60),
                (CDN, "AAAA"): (["2001:db8:cf:1::1", "2001:db8:cf:2::1"], 60),
                ("ns-1.awsdns-64.com", "AAAA"): ([SERVER6], 60),
                ("ipv4only.arpa", "A"): (["192.0.0.170", "192.0.0.171"], 60),
                ("ipv4only.arpa", "AAAA"): ([], 60),
            }
            for server in (SERVER, SERVER6):
                for tcp in (False, True):
                    answers = {key: ask(*key, server, tcp=tcp) for key in table}
                    assert {key: (values(own), _ttl(own)) for key, own in answers.items()} == table
                    assert all(own.flags & dns.flags.AA for own in answers.values())
                    assert all(own.rcode() == dns.rcode.NOERROR for own in answers.values())
                    assert all(own.edns == 0 for own in answers.values())
            assert ask("nobody.example.com", "A").rcode() == dns.rcode.NXDOMAIN
            assert ask("nobody.example.org", "A").rcode() == dns.rcode.NXDOMAIN
            cased = ask("ApI.eXample.com", "AAAA")
            assert str(cased.question[0].name) == "ApI.eXample.com."
            assert [rrset.to_text().lower() for rrset in cased.authority] == [
                (
                    "example.com. 900 in soa ns-1.awsdns-64.com. awsdns-hostmaster.amazon.com. 1 "
                    "7200 900 1209600 86400"
                )
            ]
            assert ask("big.example.com", "TXT").flags & dns.flags.TC
            assert len(values(ask("big.example.com", "TXT", tcp=True))) == 10


def _ttl(answer: dns.message.Message) -> int:
    return [*answer.answer, *answer.authority][0].ttl


def test_what_is_no_query_is_ignored(tmp_path: Path) -> None:
    with own_network(ADDRESSES), running(name_servers(edge(1, 0), LEADS, {}, tmp_path)):
        query = dns.message.make_query(HOST, "A").to_wire()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.connect((SERVER, 53))
            for wrong in (
                b"",
                b"\0" * 12,
                query[:20],
                query[:2] + b"\x80" + query[3:],
                query[:12] + b"\xff" * 20,
            ):
                client.send(wrong)
        assert values(ask(HOST, "A")) == ["198.18.0.1", "198.18.0.2"]


def test_shares_of_both_families_are_the_declared_ones(tmp_path: Path) -> None:
    queries = 1500
    pool = [record(POOL, "AAAA", [f"2001:db8:d1:{n}::1"], weight=(str(n), 1)) for n in range(1, 4)]
    other = [
        alias("two.example.com", "AAAA", POOL, weight=("direct", 60)),
        alias("two.example.com", "AAAA", CDN, weight=("cdn", 40)),
    ]
    declared = {
        (HOST, "A"): {"198.18.0.1 198.18.0.2": 0.9, "198.18.1.1 198.18.1.2": 0.1},
        (HOST, "AAAA"): {"": 0.9, "2001:db8:cf:1::1 2001:db8:cf:2::1": 0.1},
        ("two.example.com", "AAAA"): {
            "2001:db8:cf:1::1 2001:db8:cf:2::1": 0.4,
            **{f"2001:db8:d1:{n}::1": 0.2 for n in range(1, 4)},
        },
    }

    # It takes a second to import: too long for each worker that collects the tests.
    from scipy.stats import binomtest  # noqa: PLC0415

    with (
        own_network(ADDRESSES),
        running(name_servers(edge(90, 10, *pool, *other), LEADS, {}, tmp_path)),
    ):
        for key, shares in declared.items():
            drawn = Counter(_sample(*key, queries))
            assert drawn.keys() == shares.keys()
            for answer, share in shares.items():
                assert binomtest(drawn[answer], queries, share).pvalue > TINY, (key, drawn)


def _sample(name: str, kind: str, times: int) -> Iterator[str]:
    query = dns.message.make_query(name, kind).to_wire()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect((SERVER, 53))
        client.settimeout(5)
        for _ in range(times):
            client.send(query)
            yield " ".join(values(dns.message.from_wire(client.recv(4096))))


def test_changed_records_are_taken_up_without_one_lost_query(tmp_path: Path) -> None:
    with own_network(ADDRESSES):
        before, after = (
            name_servers(edge(direct, 100 - direct), LEADS, {}, tmp_path) for direct in (100, 0)
        )
        lost: list[str] = []
        seen: Counter[str] = Counter()
        done = threading.Event()

        def query_on() -> None:
            while not done.is_set():
                for tcp in (False, True):
                    try:
                        seen[" ".join(values(ask(HOST, "A", tcp=tcp)))] += 1
                    except (OSError, EOFError, dns.query.BadResponse) as error:
                        lost.append(repr(error))

        with running(before) as (process,):
            client = threading.Thread(target=query_on)
            client.start()
            try:
                for n in range(6):
                    program, address = (
                        (after, "198.18.1.1") if n % 2 == 0 else (before, "198.18.0.1")
                    )
                    write(program)
                    process.send_signal(signal.SIGHUP)
                    wait_until(lambda address=address: address in values(ask(HOST, "A")))
                time.sleep(2.5)  # until the last of the old gdnsds has ended
            finally:
                done.set()
                client.join()
        assert lost == []
        assert set(seen) == {"198.18.0.1 198.18.0.2", "198.18.1.1 198.18.1.2"}
        assert sum(seen.values()) > 100


def test_records_that_gdnsd_refuses_change_nothing(tmp_path: Path) -> None:
    with own_network(ADDRESSES):
        good = name_servers(edge(1, 0), LEADS, {}, tmp_path)
        both = [record(HOST, "CNAME", ["example.net"]), record("n.example.com", "A", ["192.0.2.3"])]
        bad = name_servers(edge(1, 0, *both), LEADS, {}, tmp_path)
        mended = name_servers(edge(1, 0, both[1]), LEADS, {}, tmp_path)
        log = tmp_path / "log"
        with running(good, log=log) as (process,):
            write(bad)
            process.send_signal(signal.SIGHUP)
            wait_until(lambda: "The configuration before stays in force" in log.read_text())
            assert values(ask("n.example.com", "A")) == []
            assert values(ask(HOST, "A")) == ["198.18.0.1", "198.18.0.2"]
            write(mended)
            process.send_signal(signal.SIGHUP)
            wait_until(lambda: values(ask("n.example.com", "A")) == ["192.0.2.3"])
            assert values(ask(HOST, "A")) == ["198.18.0.1", "198.18.0.2"]


def test_the_name_servers_end_when_gdnsd_does(tmp_path: Path) -> None:
    with (
        own_network(ADDRESSES),
        running(name_servers(edge(1, 0), LEADS, {}, tmp_path)) as (process,),
    ):
        own = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(int(own[0]), signal.SIGKILL)
        assert process.wait(10) == 1


def test_gdnsd_ends_with_the_name_servers_whatever_they_die_of(tmp_path: Path) -> None:
    with (
        own_network(ADDRESSES),
        running(name_servers(edge(1, 0), LEADS, {}, tmp_path)) as (process,),
    ):
        own = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        assert len(own) == 2
        process.kill()
        wait_until(lambda: not any(_runs(pid) for pid in own))


def _runs(pid: str) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def test_resolvers_keep_an_empty_answer_for_as_long_as_the_soa_says(tmp_path: Path) -> None:
    with own_network(ADDRESSES):
        own = resolver("resolver", [RESOLVER, RESOLVER6], NAME_SERVERS, tmp_path)
        servers = name_servers(edge(1, 0), LEADS, {}, tmp_path)
        with running(servers, own):
            for server in (RESOLVER, RESOLVER6):
                empty = ask(HOST, "AAAA", server)
                assert values(empty) == []
                assert 890 <= _ttl(empty) <= 900
            assert 50 <= _ttl(ask(HOST, "A", RESOLVER)) <= 60
            assert values(ask("ipv4only.arpa", "AAAA", RESOLVER)) == []
            assert ask("nobody.test", "A", RESOLVER).rcode() == dns.rcode.NXDOMAIN
            assert values(ask(CDN, "AAAA", RESOLVER)) == ["2001:db8:cf:1::1", "2001:db8:cf:2::1"]


@pytest.mark.parametrize("server", NAME_SERVERS)
def test_a_resolver_asks_over_either_family(tmp_path: Path, server: str) -> None:
    with own_network(ADDRESSES):
        own = resolver("resolver", [RESOLVER], [server], tmp_path)
        with running(name_servers(edge(1, 0), LEADS, {}, tmp_path), own):
            assert values(ask(HOST, "A", RESOLVER)) == ["198.18.0.1", "198.18.0.2"]


def test_a_disobedient_resolver_keeps_answers_for_longer(tmp_path: Path) -> None:
    with own_network(ADDRESSES):
        own = resolver("resolver", [RESOLVER], NAME_SERVERS, tmp_path, least_ttl_seconds=1800)
        with running(name_servers(edge(1, 0), LEADS, {}, tmp_path), own):
            assert _ttl(ask(HOST, "A", RESOLVER)) > 1700
            assert _ttl(ask(HOST, "AAAA", RESOLVER)) > 1700


def test_dns64_makes_up_an_aaaa_only_where_there_is_none(tmp_path: Path) -> None:
    gate = "2001:db8:64:6464::/96"

    with own_network(ADDRESSES):
        own = resolver("nat64", [RESOLVER6], NAME_SERVERS, tmp_path, dns64_prefix=gate)
        more = [
            record("both.example.com", "A", ["192.0.2.1"]),
            record("both.example.com", "AAAA", ["2001:db8::1"]),
        ]
        with running(name_servers(edge(1, 0, *more), LEADS, {}, tmp_path), own):
            assert values(ask("both.example.com", "AAAA", RESOLVER6)) == ["2001:db8::1"]
            for name, ipv4 in (
                (HOST, ("198.18.0.1", "198.18.0.2")),
                ("ipv4only.arpa", ("192.0.0.170", "192.0.0.171")),
            ):
                answered = values(ask(name, "AAAA", RESOLVER6))
                base = ipaddress.ip_network(gate).network_address
                made = [str(base + int(ipaddress.IPv4Address(own))) for own in ipv4]
                assert answered == sorted(made)


def test_a_client_without_ipv4_reaches_a_server_without_ipv6_through_nat64(
    tmp_path: Path,
) -> None:
    with own_network(["198.18.0.1/32", "2001:db8:c:3::3/128"]):
        for command in nat64_commands():
            subprocess.run(command, check=True)
        with (
            running(nat64("nat64", tmp_path)),
            socket.create_server(("198.18.0.1", 8080)) as server,
            socket.socket(socket.AF_INET6) as client,
        ):
            server.settimeout(10)
            client.settimeout(10)
            client.bind(("2001:db8:c:3::3", 0))
            wait_until(lambda: _connects(client, "2001:db8:64:6464::c612:1"))
            accepted, address = server.accept()
            with accepted:
                accepted.send(b"hello")
                assert client.recv(5) == b"hello"
                assert ipaddress.ip_address(address[0]) in ipaddress.ip_network("198.18.4.0/24")


def _connects(client: socket.socket, address: str) -> bool:
    try:
        client.connect((address, 8080))
    except OSError:
        return False
    return True


def test_an_unhealthy_proxy_leaves_the_answers_and_comes_back(tmp_path: Path) -> None:
    proxies = {"one": "2001:db8:d1:1::1", "two": "2001:db8:d1:2::1"}
    checks = {
        name: {
            "Type": "TCP",
            "IPAddress": address,
            "Port": 443,
            "RequestInterval": 10,
            "FailureThreshold": 3,
        }
        for name, address in proxies.items()
    }
    pool = [
        record(POOL, "AAAA", [address], weight=(name, 1), check=name)
        for name, address in proxies.items()
    ]
    zones = edge(1, 0, *pool, alias(POOL, "AAAA", LOAD_BALANCER, weight=("none", 0))).zones
    deployed = Deployed(zones=zones, health_checks=checks)
    health = tmp_path / "health.json"

    with own_network((*ADDRESSES, *(f"{address}/128" for address in proxies.values()))):
        listening = {name: _listener(address) for name, address in proxies.items()}
        checking = health_checkers(deployed, RESOLVER, tmp_path, speed=50)
        servers = name_servers(deployed, LEADS, {}, tmp_path)
        with running(checking, servers) as (_, process):

            def answered(*expected: str) -> Callable[[], bool]:
                def they_are() -> bool:
                    own: dict[str, bool] = json.loads(health.read_text()) if health.exists() else {}
                    changed = name_servers(deployed, LEADS, own, tmp_path)
                    if any(path.read_text() != text for path, text in changed.files.items()):
                        write(changed)
                        process.send_signal(signal.SIGHUP)
                    answers = {" ".join(values(ask(POOL, "AAAA"))) for _ in range(40)}
                    return answers == set(expected)

                return they_are

            try:
                wait_until(answered(*proxies.values()))
                listening["one"].close()
                wait_until(answered(proxies["two"]))
                listening["two"].close()
                wait_until(answered(""))
                listening["one"] = _listener(proxies["one"])
                wait_until(answered(proxies["one"]))
            finally:
                for own in listening.values():
                    own.close()


def test_an_endpoint_that_is_named_is_checked_over_ipv4(tmp_path: Path) -> None:
    more = [
        record("both.example.com", "A", ["198.18.3.9"]),
        record("both.example.com", "AAAA", ["2001:db8:53:9::9"]),
        record("six.example.com", "AAAA", ["2001:db8:53:9::9"]),
    ]
    by_name = {"Type": "TCP", "Port": 443}

    def passed(name: str) -> bool:
        return asyncio.run(passes("it", {**by_name, "FullyQualifiedDomainName": name}, SERVER))

    with (
        own_network((*ADDRESSES, "198.18.3.9/32", "2001:db8:53:9::9/128")),
        running(name_servers(edge(1, 0, *more), LEADS, {}, tmp_path)),
    ):
        with _listener("2001:db8:53:9::9"):
            assert not passed("both.example.com")
            assert not passed("six.example.com")
            assert not passed("nobody.example.com")
        with socket.create_server(("198.18.3.9", 443)):
            assert passed("both.example.com")


def _listener(address: str) -> socket.socket:
    return socket.create_server((address, 443), family=socket.AF_INET6)


def test_the_ready_command_fails_where_nobody_answers() -> None:
    program = resolver("resolver", ["127.0.0.1"], ["127.0.0.2"], Path("lab"))
    assert program.ready[0] == sys.executable

    with own_network():
        done = subprocess.run(program.ready, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert done.stderr == "127.0.0.1 does not answer: [Errno 111] Connection refused\n"
