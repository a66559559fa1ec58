"""How droplets end: shut down, killed, or never as they should be. Each boots one of its own."""

from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from components.proxy.nginx import Proxy
from components.proxy.user_data import user_data
from sandbox.lab.droplet import control_groups
from support.droplet import (
    FIRST,
    IMAGES,
    LOAD_BALANCER,
    OTHER_RESERVED,
    RESERVED,
    Guest,
    Site,
    wait_until,
)

_PROXY: Final = Proxy(LOAD_BALANCER, "network", ports=(80, 443), connections=100)
_USER_DATA: Final = user_data(_PROXY, 0)


def _cloud_config(**keys: Any) -> str:
    return "#cloud-config\n" + yaml.safe_dump(keys)


def _groups() -> set[str]:
    """Return the control groups of droplets that there are."""
    with control_groups.own_group() as own:
        return {group.name for group in own.glob(f"{control_groups.PREFIX}*")}


def _group_of(guest: Guest) -> str:
    """Return the control group of a droplet."""
    lines = Path(f"/proc/{guest.first_process}/cgroup").read_text(encoding="utf-8").splitlines()
    line = next(line for line in lines if line.startswith("0::"))
    return next(part for part in line.split("/") if part.startswith(control_groups.PREFIX))


def _lives(pid: int) -> bool:
    """Say whether a process is there, and not only waits to be looked after."""
    with suppress(OSError):
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        return "State:\tZ" not in status
    return False


@pytest.mark.parametrize("image", IMAGES)
def test_an_open_connection_may_finish_before_the_droplet_is_off(site: Site, image: str) -> None:
    # What an earlier droplet of the host configured is gone at the boot.
    site.wire.ip(f"-6 address add {OTHER_RESERVED}/128 dev lo nodad")
    site.wire.ip("-6 route replace default dev eth0")
    with site.booted(_USER_DATA, image=image) as guest:
        assert site.wire.addresses("lo") == []
        (route,) = site.wire.ip("-6 route show default")
        assert route["gateway"] == "2001:db8:d0:1::1"
        assert not guest.config.report.exists(), guest.errors()
        group = _group_of(guest)
        guest.tell(RESERVED)
        wait_until(lambda: site.reached() == FIRST)
        client = site.connect()
        assert client.recv(64).decode() == FIRST

        guest.process.terminate()
        wait_until(lambda: site.reached() == "")
        client.sendall(b"still here")
        assert client.recv(64) == b"still here"
        assert guest.process.poll() is None
        client.close()

        assert guest.process.wait(30) == 0
        assert not guest.is_ready()
        assert list(guest.config.mount_point.iterdir()) == []
        assert group not in _groups()


def test_a_droplet_that_is_killed_leaves_nothing(site: Site) -> None:
    with site.booted(_USER_DATA, RESERVED) as guest:
        assert guest.is_ready()
        processes = guest.processes()
        group = _group_of(guest)
        assert {"nginx", "unbound", "systemd"} <= {_name(pid) for pid in processes}

        guest.process.kill()

        guest.process.wait()
        wait_until(lambda: not any(_lives(pid) for pid in processes), 5)
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8")
        assert str(guest.config.mount_point) not in mounts
        assert list(guest.config.mount_point.iterdir()) == []
        assert not guest.is_ready()
        # The next droplet that starts does this, and so does the end of the lab.
        control_groups.remove_empty()
        assert group not in _groups()


def _name(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    return ""


def test_a_droplet_that_is_shut_down_while_it_boots_is_off(site: Site) -> None:
    with site.booted(_USER_DATA, RESERVED, until_ready=False) as guest:
        wait_until(lambda: guest.journal() != "", 60)

        guest.process.terminate()

        assert guest.process.wait(60) == 0
        assert not guest.is_ready()


def test_what_cloud_init_cannot_do_is_reported_and_the_droplet_runs_on(site: Site) -> None:
    config = _cloud_config(packages=["no-such-package"], runcmd=["touch /root/ran", "false"])
    with site.booted(config) as guest:
        assert guest.is_ready()
        report = guest.config.report.read_text(encoding="utf-8")
        wait_until(lambda: "no-such-package" in guest.journal())
        assert "package-update-upgrade-install" in report
        assert "scripts-user" in report.replace("_", "-")
        assert report == guest.errors()
        assert (guest.root / "root/ran").exists()
        assert guest.process.poll() is None

        guest.run("systemctl", "poweroff")
        assert guest.process.wait(60) == 1
        assert "The program cannot go on: the droplet turned itself off" in guest.errors()
