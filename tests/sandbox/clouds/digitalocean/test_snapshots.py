"""A snapshot of the account holds all that its API shows, and another cloud goes on from it."""

from pathlib import Path
from typing import Any

from sandbox.clouds import control

COLLECTIONS = ("droplets", "reserved_ipv6", "firewalls", "tags/pool")


def deploy(cloud: Any) -> int:
    """Make one of everything; return a Droplet that is still being created."""
    vpc = cloud.vpc()["id"]
    number = cloud.droplet(tags=["pool"], vpc_uuid=vpc, user_data="#cloud-config\n")
    cloud.assign(cloud.reserve(), number)
    cloud.firewall(tags=["pool"])
    alert = {
        "type": "v1/insights/droplet/cpu",
        "description": "busy",
        "compare": "GreaterThan",
        "value": 80,
        "window": "5m",
        "entities": [],
        "tags": ["pool"],
        "alerts": {"email": ["ops@example.com"], "slack": []},
        "enabled": True,
    }
    cloud.ok("POST /v2/monitoring/alerts", alert)
    cloud.wait()
    return cloud.new_droplet(name="proxy-2", vpc_uuid=vpc)


def shown(cloud: Any) -> dict[str, Any]:
    answers = {path: cloud.ok(f"GET /v2/{path}?per_page=200") for path in COLLECTIONS}
    droplets = answers["droplets"]["droplets"]
    metadata = [f"droplets/{droplet['id']}/metadata/v1.json" for droplet in droplets]
    controls = ["settings", "scopes", *metadata]
    kept = {
        "actions": cloud.account.actions,
        "monitoring/alerts": cloud.account.alerts,
        "vpcs": cloud.account.vpcs,
    }
    for kind, keys in kept.items():
        answers |= {f"{kind}/{key}": cloud.ok(f"GET /v2/{kind}/{key}") for key in keys}
    return answers | {what: cloud.send(f"GET {control.PATH}{what}").text for what in controls}


def test_a_snapshot_is_restored_here_and_in_another_cloud(
    new_cloud: type[Any], tmp_path: Path
) -> None:
    first, second = new_cloud(snapshots=tmp_path), new_cloud(snapshots=tmp_path)
    first.settings(reserved_ip_limit=9)
    unfinished = deploy(first)
    deployed = shown(first)
    assert first.send(f"PUT {control.PATH}snapshot/deployed").json["reserved_ip_limit"] == 9

    for droplet in deployed["droplets"]["droplets"]:
        first.send(f"DELETE /v2/droplets/{droplet['id']}")
    first.wait()
    first.settings(reserved_ip_limit=2)
    changes = first.send(f"GET {control.PATH}changes").text
    assert shown(first) != deployed
    first.now -= 1
    assert first.send(f"PUT {control.PATH}restore/deployed").status == 200
    assert shown(first) == deployed
    assert first.send(f"GET {control.PATH}changes").text != changes

    second.now = first.now
    assert second.send(f"PUT {control.PATH}restore/deployed").status == 200
    assert shown(second) == deployed
    second.wait()
    assert second.show(unfinished)["status"] == "active"
    assert shown(first) == deployed
    assert first.show(unfinished)["status"] == "new"


def test_a_restored_account_gives_out_what_nobody_has(new_cloud: type[Any], tmp_path: Path) -> None:
    first, second = new_cloud(snapshots=tmp_path), new_cloud(snapshots=tmp_path)
    deploy(first)
    first.send(f"PUT {control.PATH}snapshot/deployed")
    second.send(f"PUT {control.PATH}restore/deployed")
    for cloud in (first, second):
        cloud.wait()
        number, ip = cloud.droplet(name="proxy-3"), cloud.reserve()
        cloud.assign(ip, number)
        cloud.wait()
        assert cloud.holder(ip) == number
        droplets = cloud.ok("GET /v2/droplets")["droplets"]
        assert len({droplet["id"] for droplet in droplets}) == 3
        networks = [droplet["networks"] for droplet in droplets]
        addresses = [n["ip_address"] for both in networks for n in both["v4"] + both["v6"]]
        assert len(set(addresses)) == len(addresses) == 9


def test_a_cloud_without_a_folder_keeps_no_snapshots(cloud: Any) -> None:
    for what in ("snapshot", "restore"):
        reply = cloud.send(f"PUT {control.PATH}{what}/deployed")
        assert reply.status == 404
        assert "start the cloud with --snapshots" in reply.text
