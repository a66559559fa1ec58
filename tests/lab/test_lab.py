"""The lab opens, follows what is deployed, and leaves nothing behind."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import psutil
import pytest
import urllib3

from sandbox.clouds.background import Cloud
from sandbox.clouds.digitalocean import TOKEN
from sandbox.lab.door import Door, LabError, NotSettledError
from sandbox.lab.lab import POLL_SECONDS, STOP_SECONDS, Lab, faults
from sandbox.lab.lab_settings import LabSettings
from support.engine import Stack, client
from support.lab import below, everybody, groups, groups_left_of, left_of, namespaces
from support.unlucky import UnluckyLab
from support.waiting import wait_until

CLIENTS = ("ipv4-only", "dual-stack", "ipv6-only", "nat64-client")
API = "https://api.example.com/echo"


def echo(lab: Door, host: str, *options: str, url: str = API) -> dict[str, Any]:
    """Return what the API received from a client."""
    done = lab.run(host, "curl", "--silent", "--show-error", "--max-time", "5", *options, url)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def of_lab(lab: Lab) -> set[str]:
    """Return the namespaces of an open lab, those of its droplets too."""
    return namespaces(below(lab.pid))


@contextmanager
def restored(account: Cloud, stack: Stack) -> Generator[Any]:
    """Have the distribution as it was, afterwards; gives it as the API does."""
    cloudfront = client(account, "cloudfront")
    number = stack.outputs()["distributionId"]
    before = cloudfront.get_distribution_config(Id=number)
    yield cloudfront.get_distribution_config(Id=number)["DistributionConfig"]
    now = cloudfront.get_distribution_config(Id=number)["ETag"]
    cloudfront.update_distribution(
        Id=number, IfMatch=now, DistributionConfig=before["DistributionConfig"]
    )


@contextmanager
def passer_by(droplets: Cloud) -> Generator[None]:
    """Have one Droplet more."""

    def send(method: str, path: str, body: object = None) -> Any:
        answer = urllib3.request(
            method,
            f"{droplets.url}/v2/{path}",
            json=body,
            headers={"Authorization": f"Bearer {TOKEN}"},
        )
        assert answer.status < 300, answer.data
        return answer.json() if answer.data else None

    body = {
        "name": "passer-by",
        "region": "fra1",
        "size": "s-1vcpu-1gb",
        "image": "debian-12-x64",
        "ipv6": True,
    }
    number = send("POST", "droplets", body)["droplet"]["id"]
    try:
        yield
    finally:
        send("DELETE", f"droplets/{number}")


def test_a_lab_opens_on_a_deployed_sandbox(stack: Stack, lab: Lab) -> None:
    assert stack.outputs()
    assert echo(lab, "ipv6-only")["method"] == "GET"


@pytest.mark.parametrize("host", CLIENTS)
def test_every_client_reaches_the_api_by_name(lab: Lab, host: str) -> None:
    assert echo(lab, host)["target"] == "/echo"


def test_the_api_sees_each_client_by_the_way_it_came(lab: Lab) -> None:
    seen = {host: echo(lab, host)["client"]["address"] for host in CLIENTS}
    droplets = {each.ipv4 for each in lab.deployed.droplets}
    assert seen["ipv4-only"] == "198.18.2.1"
    assert {seen["ipv6-only"], seen["nat64-client"], seen["dual-stack"]} <= droplets


def test_an_ipv6_only_client_reaches_no_ipv4_and_the_other_way_round(lab: Lab) -> None:
    balancer, edge = lab.hosts["load-balancer"].addresses[0], lab.hosts["edge-1"].addresses[1]

    def reached(host: str, address: str) -> int:
        resolve = f"api.example.com:443:[{address}]"
        return lab.run(host, "curl", "--silent", "--resolve", resolve, API).returncode

    no_route = 7
    assert {
        (host, address): reached(host, address)
        for host in ("ipv4-only", "dual-stack", "ipv6-only")
        for address in (balancer, edge)
    } == {
        ("ipv4-only", balancer): 0,
        ("ipv4-only", edge): no_route,
        ("dual-stack", balancer): 0,
        ("dual-stack", edge): 0,
        ("ipv6-only", balancer): no_route,
        ("ipv6-only", edge): 0,
    }


def test_a_weight_that_was_moved_moves_the_clients(
    lab: Lab, clouds: tuple[Cloud, Cloud], stack: Stack
) -> None:
    hostname = stack.outputs()["hostnames"][1]
    url = f"https://{hostname}/echo"
    assert "Via" not in dict(echo(lab, "ipv6-only", url=url)["headers"])
    route53 = client(clouds[0], "route53")
    zone = route53.list_hosted_zones()["HostedZones"][0]["Id"]
    before = [
        record
        for record in route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
        if record["Name"] == f"{hostname}." and "Weight" in record
    ]
    weights = {"direct": 0, "cdn": 100}
    after = [{**record, "Weight": weights[record.get("SetIdentifier", "")]} for record in before]

    def upsert(records: list[Any]) -> None:
        changes: list[Any] = [
            {"Action": "UPSERT", "ResourceRecordSet": record} for record in records
        ]
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})

    upsert(after)
    try:
        lab.settle()
        # Asked past the resolver, which rightly keeps what it knows for a minute.
        query = ("dig", "+short", "@2001:db8:53::1", hostname, "AAAA")
        answers = set(lab.run("ipv6-only", *query).stdout.split())
    finally:
        upsert(before)
    assert answers == {lab.hosts[name].addresses[1] for name in ("edge-1", "edge-2")}


def test_edge_nodes_take_a_changed_distribution_one_after_the_other(
    lab: Lab, clouds: tuple[Cloud, Cloud], stack: Stack
) -> None:
    # edge-1 has a change after 8 s; the last is left so much time that no load of this machine
    # brings it forward.
    lab.set(LabSettings(edge_nodes=4, propagation_seconds=32))
    lab.settle()
    cloudfront = client(clouds[0], "cloudfront")
    number = stack.outputs()["distributionId"]

    def post(node: str) -> str:
        address = lab.hosts[node].addresses[0]
        return lab.run(
            "ipv4-only",
            *("curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}"),
            *("--request", "POST", "--resolve", f"api.example.com:443:{address}", API),
        ).stdout

    assert [post("edge-1"), post("edge-4")] == ["200", "200"]
    with restored(clouds[0], stack) as config:
        methods = {"Quantity": 2, "Items": ["GET", "HEAD"]}
        config["DefaultCacheBehavior"]["AllowedMethods"] = {**methods, "CachedMethods": methods}
        etag = cloudfront.get_distribution_config(Id=number)["ETag"]
        cloudfront.update_distribution(Id=number, IfMatch=etag, DistributionConfig=config)
        wait_until(lambda: post("edge-1") == "403")
        assert post("edge-4") == "200"
        with pytest.raises(NotSettledError, match=r"a change is on its way to the edge nodes"):
            lab.settle(timeout=0)
        lab.change(propagation_seconds=0)
        lab.settle()
        assert post("edge-4") == "403"
    lab.settle()
    assert post("edge-4") == "200"


def test_a_host_that_is_down_is_silent_and_comes_back(lab: Lab) -> None:
    resolve = f"api.example.com:443:[{lab.hosts['edge-1'].addresses[1]}]"
    request = ("curl", "--silent", "--resolve", resolve, API, "--max-time")
    assert lab.run("ipv6-only", *request, "5").returncode == 0
    lab.change(down=("edge-1",))
    lab.settle()
    assert lab.run("ipv6-only", *request, "1").returncode == 28  # nobody answers
    lab.change(down=())
    lab.settle()
    assert lab.run("ipv6-only", *request, "5").returncode == 0


def test_load_balancers_change_their_addresses(lab: Lab, stack: Stack) -> None:
    target = next(
        record["target"] for record in stack.outputs()["records"] if ".elb." in record["target"]
    )
    lab.change(load_balancer_addresses={target: ("198.18.0.251",)})
    lab.settle()
    query = ("dig", "+short", "@198.18.3.1", target)
    assert lab.run("ipv4-only", *query).stdout.split() == ["198.18.0.251"]
    assert echo(lab, "ipv4-only", "--resolve", "api.example.com:443:198.18.0.251")["id"]


def test_a_droplet_that_is_destroyed_is_gone_with_its_host(
    lab: Lab, clouds: tuple[Cloud, Cloud]
) -> None:
    with passer_by(clouds[1]):
        wait_until(lambda: lab.settle() or "droplet-passer-by" in lab.hosts)
        address = lab.hosts["droplet-passer-by"].addresses[1]
        ping = ("ping", "-c", "1", "-W", "1", address)
        assert lab.run("ipv6-only", *ping).returncode == 0
    wait_until(lambda: lab.settle() or "droplet-passer-by" not in lab.hosts)
    assert lab.run("ipv6-only", *ping).returncode != 0


def test_two_labs_at_once_never_meet(lab: Lab, clouds: tuple[Cloud, Cloud], tmp_path: Path) -> None:
    with Lab.open(clouds[0].url, clouds[1].url, tmp_path) as other:
        other.settle()
        assert not of_lab(lab) & of_lab(other)
        other.change(down=("load-balancer",))
        other.settle()
        assert other.run("ipv4-only", "curl", "--silent", "--max-time", "1", API).returncode == 28
        assert echo(lab, "ipv4-only")["method"] == "GET"
        gone = of_lab(other)
    assert left_of(gone) == set()
    assert echo(lab, "ipv4-only")["method"] == "GET"


def test_what_was_not_taken_is_handed_over_again(
    lab: UnluckyLab, clouds: tuple[Cloud, Cloud]
) -> None:
    lab.refused = True
    with passer_by(clouds[1]):
        wait_until(lambda: "It takes nothing." in lab.messages)
        with pytest.raises(LabError, match=r"^It takes nothing\.$"):
            lab.settle()
        lab.refused = False
        wait_until(lambda: lab.settle() or "droplet-passer-by" in lab.hosts)
        assert lab.messages.count("It takes nothing.") == 1


def test_a_fault_that_nobody_expects_is_told_once_and_the_next_change_followed(
    lab: UnluckyLab, stack: Stack, clouds: tuple[Cloud, Cloud]
) -> None:
    messages = lab.messages
    with restored(clouds[0], stack) as config:
        lab.broken = True
        message = "What is deployed cannot be followed: KeyError('surprise')."
        wait_until(lambda: message in messages)
        cloudfront = client(clouds[0], "cloudfront")
        number = stack.outputs()["distributionId"]
        config["Restrictions"] = {
            "GeoRestriction": {"RestrictionType": "whitelist", "Quantity": 1, "Items": ["DE"]}
        }
        etag = cloudfront.get_distribution_config(Id=number)["ETag"]
        cloudfront.update_distribution(Id=number, IfMatch=etag, DistributionConfig=config)
        lab.broken = False
        # Also what the lab cannot stand in for is told as it comes, not only when it opens.
        wait_until(lambda: any(line.startswith("Not in the lab: ") for line in messages))
        assert [line for line in messages if line.startswith("Not in the lab: ")] == [
            f"Not in the lab: {line}" for line in lab.unsupported() if "estriction" in line
        ]
        assert messages.count(message) == 1


def test_a_world_that_is_stuck_ends_all_the_same(
    stack: Stack, clouds: tuple[Cloud, Cloud], tmp_path: Path
) -> None:
    assert stack.outputs()
    messages: list[str] = []
    lab = Lab.open(clouds[0].url, clouds[1].url, tmp_path, say=messages.append)
    lab.settle()
    inside = of_lab(lab)
    (world,) = [
        child
        for child in psutil.Process(lab.pid).children()
        if "sandbox.lab.world" in child.cmdline()
    ]
    world.suspend()
    time.sleep(2 * POLL_SECONDS)  # until the follower waits for an answer
    before = list(messages)
    closing = Thread(target=lab.close, daemon=True)
    closing.start()
    closing.join(3 * STOP_SECONDS)
    stuck = closing.is_alive()
    if stuck:
        world.resume()
        closing.join()
    assert not stuck
    assert left_of(inside) == set()
    assert messages == before


OPENER = """
import json, sys, time
from pathlib import Path
from sandbox.lab.lab import Lab
lab = Lab.open(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
lab.settle()
print(json.dumps([lab.pid, len(lab.hosts)]), flush=True)
time.sleep(1000)
"""


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_nothing_is_left_however_the_opener_ends(
    stack: Stack, clouds: tuple[Cloud, Cloud], tmp_path: Path, ending: signal.Signals
) -> None:
    assert stack.outputs()
    command = (sys.executable, "-c", OPENER, clouds[0].url, clouds[1].url, str(tmp_path))
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as opener:
        assert opener.stdout is not None
        pid, hosts = json.loads(opener.stdout.readline())
        pids = below(pid)
        inside, droplets = namespaces(pids), groups(pids)
        assert len(inside) > 2 * hosts  # a network each, mounts each, one numbering for all
        assert len(droplets) == 2
        opener.send_signal(ending)
    assert left_of(inside) == set()
    assert groups_left_of(droplets) == set()
    assert [pid for pid in pids if psutil.pid_exists(pid)] == []
    with pytest.raises(LabError, match=r"^No lab is open in"):
        Door.find(tmp_path)


def test_nothing_is_left_when_the_world_itself_is_killed(
    stack: Stack, clouds: tuple[Cloud, Cloud], tmp_path: Path
) -> None:
    assert stack.outputs()
    with Lab.open(clouds[0].url, clouds[1].url, tmp_path) as lab:
        lab.settle()
        inside, droplets = of_lab(lab), groups(below(lab.pid))
        assert len(droplets) == 2
        os.kill(lab.pid, signal.SIGKILL)
        assert left_of(inside) == set()
        with pytest.raises(LabError, match=r"does not answer; it has ended"):
            lab.status()
    assert groups_left_of(droplets) == set()


def test_a_command_inside_ends_with_the_one_who_runs_it(lab: Lab) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        lab.run("ipv4-only", "sleep", "987654", timeout=0.5)

    def sleeps() -> bool:
        return any(
            b"987654" in Path(f"/proc/{pid}/cmdline").read_bytes()
            for pid in everybody()
            if Path(f"/proc/{pid}/cmdline").exists()
        )

    wait_until(lambda: not sleeps())


def test_a_folder_has_one_lab_at_a_time(lab: Lab, clouds: tuple[Cloud, Cloud]) -> None:
    with pytest.raises(LabError, match=r"^A lab is open in .* already; a folder has one at a time"):
        Lab.open(clouds[0].url, clouds[1].url, lab.folder)
    assert echo(lab, "ipv4-only")["method"] == "GET"


def test_a_host_that_there_is_not_is_told_with_those_that_there_are(lab: Lab) -> None:
    with pytest.raises(LabError) as refused:
        lab.run("client", "true")
    assert str(refused.value) == (
        f"The host is client; there are {', '.join(sorted(lab.hosts))}. Name one of these."
    )


def test_a_setting_that_cannot_be_is_refused_and_changes_nothing(lab: Lab) -> None:
    with pytest.raises(LabError, match=r"^edge-nodes is 0; it is 1 to 16. Set another.$"):
        lab.change(edge_nodes=0)
    assert lab.settings == LabSettings()


def test_clouds_that_are_not_there_open_no_lab(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"^A cloud of the sandbox does not answer"):
        Lab.open("http://127.0.0.1:1", "http://127.0.0.1:1", tmp_path)
    with pytest.raises(LabError, match=r"^No lab is open in"):
        Door.find(tmp_path)


@pytest.mark.parametrize(
    ("system", "uid", "line"),
    [
        ("Darwin", 0, "The system is Darwin; the lab needs Linux. Use Debian 12 or 13."),
        ("Linux", 1000, "The user is number 1000; the lab needs root, number 0. Use sudo."),
    ],
)
def test_where_no_lab_can_be_one_line_says_why(system: str, uid: int, line: str) -> None:
    assert faults(system, uid) == [line]
