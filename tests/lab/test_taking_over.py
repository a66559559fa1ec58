"""Names that serve are taken over, moved and let go, and no client of any kind notices.

The operator's machine is on the lab's network, so that `adopt` sees the distribution's certificate.
"""

import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil
import pytest

from sandbox.engine.shell import STACK
from sandbox.lab.dns import NAME_SERVERS
from support.engine import COMMAND_SECONDS, DUALSTACK, client, zone_records
from support.operator_network import on_the_network, resolving
from support.scene import CLIENTS, HOSTNAME, Scene

PROXY: Final = {"regions": ["fra1", "ams3"], "readySeconds": 120}
HOLD_SECONDS: Final = 3.0
"""How long clients ask after each change, of resolvers that know nothing of before."""

LOAD: Final = """
import socket, ssl, sys, time
name, *families = sys.argv[1:]
context = ssl.create_default_context()
while True:
    for family in families:
        number, answer, began = getattr(socket, family), b"", time.time()
        try:
            address = socket.getaddrinfo(name, 443, number, socket.SOCK_STREAM)[0][4]
            with socket.create_connection(address[:2], 5) as plain, context.wrap_socket(
                plain, server_hostname=name
            ) as sealed:
                head = ("GET /echo HTTP/1.1", f"Host: {name}", "Connection: close", "", "")
                sealed.sendall("\\r\\n".join(head).encode())
                while part := sealed.recv(65536):
                    answer += part
            said = "cdn" if b"CloudFront" in answer else "direct"
            said = said if answer.startswith(b"HTTP/1.1 200") else repr(answer[:80])
        except OSError as error:
            said = repr(error)
        print(f"{began} {family} {said}", flush=True)
    time.sleep(0.4)
"""
"""A client: for each of its families it resolves the name, connects and asks, again and again.

It does not fall back to another address or family, which would hide what fails.
"""

ASKING: Final = """
import sys, time
import dns.message, dns.query, dns.rcode
server, *names = sys.argv[1:]
while True:
    for name in names:
        for family in ("A", "AAAA"):
            began = time.time()
            try:
                answer = dns.query.udp(dns.message.make_query(name, family), server, 2)
                data = answer.answer[-1] if answer.answer else ()
                said = "answered" if len(data) else "empty"
                said = said if answer.rcode() == 0 else dns.rcode.to_text(answer.rcode())
            except Exception as error:
                said = repr(error)
            print(f"{began} {name}/{family} {said}", flush=True)
    time.sleep(0.1)
"""
"""A resolver without a cache: it asks a name server of the zone for both families all the time."""

FAMILIES: Final = {
    "ipv4-only": ("AF_INET",),
    "dual-stack": ("AF_INET", "AF_INET6"),
    "ipv6-only": ("AF_INET6",),
    "nat64-client": ("AF_INET6",),
}
OTHER: Final = "api2.example.com"


@dataclass
class Crowd:
    """Clients of every kind, and a resolver, that ask all the time."""

    scene: Scene
    logs: dict[str, Path]

    def settled(self) -> float:
        """Have the lab as deployed and caches empty, let clients ask, and return since when.

        A resolver that is told to read its configuration again forgets all that it knows, and loses
        no question: the socket stays.
        """
        self.scene.lab.settle()
        for process in psutil.Process(self.scene.lab.pid).children(recursive=True):
            if process.name() == "unbound":
                process.send_signal(1)
        time.sleep(0.5)
        since = time.time()
        time.sleep(HOLD_SECONDS)
        return since

    def said(self, since: float = 0.0) -> dict[str, list[str]]:
        """Return what each was answered, by who asked for what, one after the other."""
        said: defaultdict[str, list[str]] = defaultdict(list)
        for name, log in self.logs.items():
            whole, _, _ = log.read_text().rpartition("\n")
            for line in whole.splitlines():
                began, what, answer = line.split(" ", 2)
                if float(began) >= since:
                    said[f"{name} {what}"].append(answer)
        return dict(said)


@contextmanager
def crowd(scene: Scene) -> Generator[Crowd]:
    """Have clients ask until the end."""
    logs = {name: scene.folder / f"{name}.log" for name in (*CLIENTS, "asking")}
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for name, log in logs.items():
            if name == "asking":
                words = ("dual-stack", sys.executable, "-c", ASKING, NAME_SERVERS[1])
                words = (*words, HOSTNAME, OTHER)
            else:
                words = (name, sys.executable, "-c", LOAD, HOSTNAME, *FAMILIES[name])
            with log.open("wb") as kept:
                asks = scene.lab.command(*words)
                processes.append(subprocess.Popen(asks, stdin=subprocess.DEVNULL, stdout=kept))
        yield Crowd(scene, logs)
    finally:
        for process in processes:
            process.terminate()
            process.wait()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with on_the_network(tmp_path) as scene:
        yield scene


def test_nobody_notices_that_names_are_taken_over_moved_and_let_go(scene: Scene) -> None:
    serve_simply(scene)
    scene.deploy(proxy=PROXY, dns={"records": "none"})
    with crowd(scene) as asking:
        since = asking.settled()
        before = asking.said(since)
        without = ("ipv6-only AF_INET6", "dual-stack AF_INET6")
        assert paths(before) == {
            who: {"no name" if who in without else "direct"} for who in EVERYBODY
        }
        dualstack(scene, "adopt")
        seen = {"adopted": paths(asking.said(asking.settled()))}
        nothing_changes(scene)
        for cdn in (1, 50, 100):
            scene.deploy(traffic={"direct": 100 - cdn, "cdn": cdn})
            seen[f"at {cdn}"] = paths(asking.said(asking.settled()))
        nothing_changes(scene)
        dualstack(scene, "release")
        seen["released"] = paths(asking.said(asking.settled()))
        nothing_changes(scene)
        said = asking.said()
    assert seen["adopted"] == {who: {"direct"} for who in EVERYBODY}
    assert seen["at 100"] == seen["released"] == {who: {"cdn"} for who in EVERYBODY}
    assert min(map(len, said.values())) > 100
    assert {what: wrong for what in said if (wrong := failed_again(said[what]))} == {}


EVERYBODY: Final = tuple(f"{name} {family}" for name in CLIENTS for family in FAMILIES[name])


def paths(said: dict[str, list[str]]) -> dict[str, set[str]]:
    """Return what the clients' answers came by; of a name without an address, that."""
    return {
        who: {"no name" if "gaierror" in answer else answer for answer in said[who]}
        for who in EVERYBODY
    }


def failed_again(answers: list[str]) -> list[str]:
    """Return what went wrong once something had gone right."""
    right = ("direct", "cdn", "answered")
    first = next((place for place, each in enumerate(answers) if each in right), len(answers))
    return [each for each in answers[first:] if each not in right]


def serve_simply(scene: Scene) -> None:
    """Give both hostnames what users begin with: an alias, and a CNAME, of the load balancer."""
    route53: Any = client(scene.account, "route53")
    zone = route53.list_hosted_zones_by_name(DNSName="example.com")["HostedZones"][0]["Id"]
    www = next(each for each in zone_records(route53) if each["Name"] == "www.example.com.")
    target = www.get("AliasTarget", {"DNSName": ""})["DNSName"]
    named = {"TTL": 60, "ResourceRecords": [{"Value": target}]}
    records = [
        {**www, "Name": f"{HOSTNAME}."},
        {"Name": f"{OTHER}.", "Type": "CNAME", **named},
    ]
    changes = [{"Action": "CREATE", "ResourceRecordSet": each} for each in records]
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})
    scene.lab.settle()


def dualstack(scene: Scene, verb: str) -> None:
    """Run a verb on the operator's machine, without leaving anything out."""
    done = subprocess.run(
        resolving(scene, str(DUALSTACK), verb, "--stack", STACK, "--yes"),
        cwd=scene.stack.folder,
        env={**scene.stack.environment(), "SSL_CERT_FILE": str(scene.lab.ca)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def nothing_changes(scene: Scene) -> None:
    """Have a preview find nothing to do."""
    scene.stack.pulumi("preview", "--expect-no-changes", PULUMI_OPTION_POLICY_PACK="").must()
