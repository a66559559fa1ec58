"""Droplets booted from user data, the proxy's real one above all, with packets through them."""

import os
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from components.proxy.nginx import Proxy, file_limit
from components.proxy.user_data import user_data
from support.droplet import (
    FIRST,
    IPV6,
    LOAD_BALANCER,
    OTHER_RESERVED,
    RESERVED,
    SECOND,
    Guest,
    Site,
    wait_until,
)

_PROXY: Final = Proxy(LOAD_BALANCER, "network", connections=100)
_USER_DATA: Final = user_data(_PROXY, 0)
_TIMER: Final = ["systemctl", "enable", "--now", "reserved-ipv6.timer"]

# What the kernel calls CAP_KILL, CAP_SETGID, CAP_SETUID and CAP_NET_BIND_SERVICE, as a mask.
# Source: Linux, include/uapi/linux/capability.h.
_CAPABILITIES: Final = f"{1 << 5 | 1 << 6 | 1 << 7 | 1 << 10:016x}"


def _cloud_config(**keys: Any) -> str:
    return "#cloud-config\n" + yaml.safe_dump(keys)


def _receive(site: Site, length: int, sent: bytes) -> bytes:
    client = site.connect()
    sender = threading.Thread(target=client.sendall, args=(sent,))
    sender.start()
    received = bytearray()
    while len(received) < length and (data := client.recv(65_536)):
        received += data
    sender.join()
    client.close()
    return bytes(received)


def _master(guest: Guest) -> int:
    """Return nginx's master process, the parent of the others."""
    return min(guest.processes("nginx"))


def _status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return dict(line.split(":\t", 1) for line in lines)


def _lives(pid: int) -> bool:
    """Say whether a process is there, and not only waits to be looked after."""
    with suppress(FileNotFoundError):
        return not _status(pid)["State"].startswith("Z")
    return False


def test_a_client_over_ipv6_reaches_the_load_balancer_and_no_byte_is_altered(site: Site) -> None:
    sent = os.urandom(1_000_000)
    with site.booted(_USER_DATA, RESERVED) as guest:
        wait_until(lambda: site.reached() == FIRST)

        assert _receive(site, len(FIRST) + len(sent), sent) == FIRST.encode() + sent
        line = f"received={len(sent)} sent={len(FIRST) + len(sent)} "
        wait_until(lambda: line in guest.journal())
        assert "nginx_access: client=2001:db8:c:1::1 client_port=" in guest.journal()
        assert "cloud-init: finished, all well." in guest.journal()


def test_nginx_and_the_network_are_set_as_the_user_data_says(site: Site) -> None:
    with site.booted(_USER_DATA, RESERVED) as guest:
        status = _status(_master(guest))
        limits = Path(f"/proc/{_master(guest)}/limits").read_text(encoding="utf-8")
        root = Path(f"/proc/{guest.processes()[0]}/root")

        assert (status["CapBnd"], status["NoNewPrivs"]) == (_CAPABILITIES, "1")
        assert ["Max", "open", "files", *[str(file_limit(_PROXY))] * 2, "files"] in [
            line.split() for line in limits.splitlines()
        ]
        assert (root / "etc/hostname").read_text(encoding="utf-8") == "proxy-0\n"
        assert (root / "usr/local/sbin/reserved-ipv6").stat().st_mode & 0o777 == 0o755
        assert site.wire.setting("net/ipv4/tcp_keepalive_time") == "300"


def test_nothing_of_this_machine_is_seen_or_changed(site: Site) -> None:
    kernel = Path("/proc/sys/kernel/pid_max").read_text(encoding="utf-8")
    keepalive = Path("/proc/sys/net/ipv4/tcp_keepalive_time").read_text(encoding="utf-8")
    setting = {"path": "/etc/sysctl.d/99-a.conf", "content": "kernel.pid_max = 4242\n"}
    text = _cloud_config(
        packages=["nginx", "libnginx-mod-stream", "unbound"],
        write_files=[setting, {"path": "/var/run/a"}, {"path": "/home/a"}],
        runcmd=["sysctl --system"],
    )
    with site.booted(text) as guest:
        root = Path(f"/proc/{guest.processes()[0]}/root")

        def below(path: str) -> list[str]:
            return sorted(found.name for found in (root / path).iterdir())

        assert below("etc/unbound/unbound.conf.d") == [
            "remote-control.conf",
            "root-auto-trust-anchor-file.conf",
            "zz-lab.conf",
        ]
        assert below("etc/nginx/modules-enabled") == ["50-mod-stream.conf"]
        assert below("etc/nginx/sites-enabled") == ["default"]
        assert below("home") == ["a"]
        assert below("tmp") == below("usr/local/bin") == below("root") == []
        assert "a" in below("run")

    assert not Path("/run/a").exists()
    assert not Path("/home/a").exists()
    assert Path("/proc/sys/kernel/pid_max").read_text(encoding="utf-8") == kernel
    path = Path("/proc/sys/net/ipv4/tcp_keepalive_time")
    assert path.read_text(encoding="utf-8") == keepalive


_REACHES: Final = """\
#!/bin/sh
for command in \
    "mount -t proc proc /mnt" \
    "mount -o remount,bind,rw /proc/sys" \
    "unshare --mount true" \
    "mknod /run/disk b 8 0" \
    "test -w /proc/sys/kernel/core_pattern" \
    "test -w /proc/sysrq-trigger" \
    "test -r /proc/1/root/" \
    "test -w /proc/sys/net/ipv4/ip_forward" \
    "ip link set lo up"
do
    if $command 2>/dev/null; then echo "$command"; fi
done
grep CapBnd /proc/self/status
echo over
"""


@pytest.mark.parametrize("prefix", ["", "+"])
@pytest.mark.parametrize("bounded", ["", "CapabilityBoundingSet=CAP_SYS_ADMIN CAP_NET_ADMIN\n"])
def test_no_process_of_a_guest_reaches_beyond_its_files_and_network(
    site: Site, prefix: str, bounded: str
) -> None:
    unit = _unit("a.service", f"Type=oneshot\n{bounded}ExecStart={prefix}/usr/local/bin/reach\n")
    script = {"path": "/usr/local/bin/reach", "content": _REACHES, "permissions": "0755"}
    text = _cloud_config(write_files=[unit, script], runcmd=["systemctl start a"])
    with site.booted(text) as guest:
        wait_until(lambda: "over" in _logged(guest, "reach"))
        *done, capabilities, _ = _logged(guest, "reach")

        assert done == ["test -w /proc/sys/net/ipv4/ip_forward", "ip link set lo up"]
        net_admin = 1 << 12
        beyond = sum(
            1 << number for number in (2, 9, 16, 17, 19, 20, 21, 22, 25, 27, 30, *range(32, 41))
        )
        assert int(capabilities.split()[1], 16) & (beyond | net_admin) == net_admin


def test_the_reserved_address_follows_what_is_assigned(site: Site) -> None:
    with site.booted(_USER_DATA) as guest:
        assert site.wire.addresses("lo") == []

        guest.tell(RESERVED)
        wait_until(lambda: site.wire.addresses("lo") == [RESERVED])
        assert site.reached() == FIRST
        assert f"reserved-ipv6: Reserved IPv6 address {RESERVED}/128 is on" in guest.journal()

        guest.tell(OTHER_RESERVED)
        wait_until(lambda: site.wire.addresses("lo") == [OTHER_RESERVED])

        guest.tell("")
        wait_until(lambda: site.wire.addresses("lo") == [])


def test_nothing_but_the_script_configures_the_reserved_address(site: Site) -> None:
    config = yaml.safe_load(_USER_DATA)
    config["runcmd"].remove(_TIMER)
    with site.booted(_cloud_config(**config), RESERVED) as guest:
        wait_until(lambda: len(guest.processes("nginx")) > 1)
        time.sleep(2)

        assert site.wire.addresses("lo") == []
        with site.connect(IPV6) as client:
            assert client.recv(64).decode() == FIRST


def test_an_address_that_an_earlier_guest_configured_is_gone_at_the_next_boot(site: Site) -> None:
    site.wire.ip(f"-6 address add {OTHER_RESERVED}/128 dev lo nodad")
    site.wire.ip("-6 route replace default dev eth0")
    with site.booted(_cloud_config()):
        assert site.wire.addresses("lo") == []
        (route,) = site.wire.ip("-6 route show default")
        assert route["gateway"] == "2001:db8:d0:1::1"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_nginx_that_ends_comes_back(site: Site, number: signal.Signals) -> None:
    with site.booted(_USER_DATA, RESERVED) as guest:
        wait_until(lambda: site.reached() == FIRST)
        before = set(guest.processes("nginx"))

        os.kill(_master(guest), number)
        # Said first: what is left of it may serve for a moment, and children that die while they
        # are listed hide others (proc_pid_task_children(5)).
        told = "systemd: nginx.service: is started again in 1 s."
        wait_until(lambda: told in guest.journal())
        wait_until(lambda: not before & set(guest.processes("nginx")))
        wait_until(lambda: site.reached() == FIRST)


def test_a_load_balancer_that_changes_its_address_is_followed(site: Site) -> None:
    with site.booted(_USER_DATA, RESERVED):
        wait_until(lambda: site.reached() == FIRST)

        site.names.addresses = [SECOND]

        wait_until(lambda: all(site.reached() == SECOND for _ in range(20)))


def test_an_open_connection_may_finish_before_the_guest_ends(site: Site) -> None:
    with site.booted(_USER_DATA, RESERVED) as guest:
        wait_until(lambda: site.reached() == FIRST)
        client = site.connect()
        assert client.recv(64).decode() == FIRST

        guest.process.terminate()
        wait_until(lambda: site.reached() == "")
        client.sendall(b"still here")
        assert client.recv(64) == b"still here"
        assert guest.process.poll() is None
        client.close()

        assert guest.process.wait(10) == 0
        assert not guest.is_ready()
        assert not guest.config.mount_point.exists()


def test_a_guest_that_is_killed_leaves_nothing(site: Site) -> None:
    with site.booted(_USER_DATA, RESERVED) as guest:
        assert guest.is_ready()
        processes = guest.processes()
        assert {"nginx", "unbound"} <= {_status(pid)["Name"] for pid in processes}

        guest.process.kill()

        guest.process.wait()
        wait_until(lambda: not any(_lives(pid) for pid in processes), 5)
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8")
        assert str(guest.config.mount_point) not in mounts
        assert list(guest.config.mount_point.iterdir()) == []
        assert not guest.is_ready()


def test_user_data_that_cannot_be_booted_is_refused_before_anything_is_done(site: Site) -> None:
    with site.booted(_cloud_config(packages=["haproxy"], users=[])) as guest:
        assert guest.process.wait(10) == 2
        assert guest.errors().splitlines() == [
            "The user data cannot be booted:",
            (
                '- The key "users" of the user data is not one that the lab knows; it may be '
                "disable_root, package_reboot_if_required, package_update, package_upgrade, "
                "packages, runcmd, ssh_pwauth, write_files. Leave it out, or write what it does as "
                "files and "
                "units."
            ),
            (
                "- packages[0] is haproxy, which is not on this machine; the lab installs nothing. "
                "Install it with: sudo apt-get install --no-install-recommends haproxy."
            ),
        ]
        assert not guest.config.journal.exists()


def test_a_package_that_was_changed_on_this_machine_is_refused(site: Site) -> None:
    path = "/etc/nginx/mime.types"
    changed = site.folder / "mime.types"
    changed.write_text("types {}\n")
    text = _cloud_config(packages=["nginx"])
    with site.booted(text, changed=(changed, path)) as guest:
        assert guest.process.wait(10) == 2
        assert guest.errors().splitlines() == [
            "The packages cannot be used:",
            (
                f"- {path} is changed on this machine; the guest needs it as its package brings "
                "it. Bring it back with: sudo apt-get install --reinstall -o "
                f"Dpkg::Options::=--force-confnew $(dpkg -S {path} | cut -d: -f1)."
            ),
        ]


def test_a_changed_file_that_user_data_writes_is_no_fault(site: Site) -> None:
    path = "/etc/nginx/mime.types"
    changed = site.folder / "mime.types"
    changed.write_text("types {}\n")
    written = {"path": path, "content": "types { text/plain txt; }\n"}
    text = _cloud_config(packages=["nginx"], write_files=[written])
    with site.booted(text, changed=(changed, path)) as guest:
        found = Path(f"/proc/{guest.processes()[0]}/root{path}")

        assert found.read_text(encoding="utf-8") == written["content"]


def test_a_packages_file_is_appended_to_once_it_is_there_or_not_at_all(site: Site) -> None:
    early = {"path": "/etc/nginx/mime.types", "content": "# more\n", "append": True}
    with site.booted(_cloud_config(packages=["nginx"], write_files=[early])) as guest:
        assert guest.process.wait(10) == 2
        assert guest.errors().splitlines() == [
            "The packages cannot be used:",
            (
                "- /etc/nginx/mime.types is appended to before its package brings it; a droplet "
                "then has what is appended and nothing else. Add defer: true, or write the file "
                "whole."
            ),
        ]
    late = early | {"defer": True}
    whole = {"path": "/etc/nginx/fastcgi.conf", "content": "# all\n"}
    files = [late, whole, whole | {"append": True}]
    with site.booted(_cloud_config(packages=["nginx"], write_files=files)) as guest:
        root = Path(f"/proc/{guest.processes()[0]}/root")
        types = (root / "etc/nginx/mime.types").read_text(encoding="utf-8")
        assert types.startswith("\ntypes {")
        assert types.endswith("}\n# more\n")
        assert (root / "etc/nginx/fastcgi.conf").read_text(encoding="utf-8") == "# all\n" * 2


def test_a_guest_that_is_told_to_end_while_it_boots_ends(site: Site) -> None:
    with site.booted(_USER_DATA, RESERVED, until_ready=False) as guest:
        wait_until(lambda: guest.journal() != "")

        guest.process.terminate()

        assert guest.process.wait(15) == 0
        assert not guest.is_ready()


def test_units_that_cannot_be_run_are_refused_together(site: Site) -> None:
    unit = {
        "path": "/etc/systemd/system/b.service",
        "content": "[Service]\nExecStart=/bin/true\nWatchdogSec=1\n",
    }
    commands = ["systemctl start a", "systemctl start b"]
    with site.booted(_cloud_config(write_files=[unit], runcmd=commands)) as guest:
        assert guest.process.wait(10) == 2
        assert guest.errors().splitlines() == [
            "The units cannot be run:",
            (
                "- The unit a.service is missing; neither a package nor the user data brings it. "
                "Write it with write_files."
            ),
            (
                '- WatchdogSec= of /etc/systemd/system/b.service is "1"; the lab does not know '
                "what that does. Write the unit with what sandbox/lab/droplet/units.py knows."
            ),
        ]


def _unit(name: str, text: str) -> dict[str, str]:
    return {"path": f"/etc/systemd/system/{name}", "content": f"[Service]\n{text}"}


def _logged(guest: Guest, tag: str) -> list[str]:
    """Return what was logged under a tag."""
    lines = [line.split(" ", 1)[1] for line in guest.journal().splitlines()]
    return [line.removeprefix(f"{tag}: ") for line in lines if line.startswith(f"{tag}: ")]


def _booted_with(site: Site, unit: str, command: str) -> Any:
    text = _cloud_config(write_files=[_unit("a.service", unit)], runcmd=[command])
    return site.booted(text)


def test_a_service_that_fails_too_often_is_given_up(site: Site) -> None:
    unit = "ExecStart=/bin/sh -c 'echo up; exit 3'\nRestart=on-failure\nRestartSec=10ms\n"
    with _booted_with(site, unit, "systemctl start a") as guest:
        given_up = "a.service: ended too often; it is not started again."
        wait_until(lambda: given_up in _logged(guest, "systemd"))

        assert _logged(guest, "sh") == ["up"] * 5


def test_a_service_that_ends_well_is_not_started_again_for_failure_alone(site: Site) -> None:
    unit = "ExecStart=/bin/sh -c 'echo up'\nRestart=on-failure\nRestartSec=10ms\n"
    with _booted_with(site, unit, "systemctl start a") as guest:
        wait_until(lambda: "a.service: ended with exit code 0." in _logged(guest, "systemd"))
        time.sleep(0.3)

        assert _logged(guest, "sh") == ["up"]


def test_what_is_left_of_a_service_ends_with_it(site: Site) -> None:
    unit = "ExecStart=/bin/sh -c 'setsid sleep 1000 & sleep 0.2'\n"
    with _booted_with(site, unit, "systemctl start a") as guest:
        wait_until(lambda: guest.processes("sleep") != [])
        wait_until(lambda: "a.service: ended with exit code 0." in _logged(guest, "systemd"))

        wait_until(lambda: guest.processes("sleep") == [], 5)


def test_a_command_that_fails_is_told_and_the_guest_goes_on(site: Site) -> None:
    unit = "Type=oneshot\nExecStart=/bin/false\n"
    with _booted_with(site, unit, "systemctl start a") as guest:
        assert guest.is_ready()
        assert _logged(guest, "systemd") == [
            "a.service: did not start: /bin/false ended with exit code 1."
        ]
        assert _logged(guest, "cloud-init") == [
            "start a.service failed.",
            "finished, with failures.",
        ]


def test_a_service_stops_as_it_says(site: Site) -> None:
    unit = (
        "ExecStart=/bin/sh -c 'trap \"echo told; exit 0\" TERM; while :; do sleep 0.05; done'\n"
        "ExecStop=/bin/echo stopping\nExecStopPost=/bin/echo stopped\n"
    )
    with _booted_with(site, unit, "systemctl start a") as guest:
        guest.process.terminate()

        assert guest.process.wait(10) == 0
        said = [line.split(" ", 1)[1] for line in guest.journal().splitlines()]
        # The shell tells of its sleep, if there was one at that moment.
        said = [line for line in said if line != "sh: Terminated"]
        assert said[-3:] == ["echo: stopping", "sh: told", "echo: stopped"]


def test_a_service_that_does_not_stop_is_killed_in_time(site: Site) -> None:
    unit = (
        "ExecStart=/bin/sh -c 'trap : TERM; while :; do sleep 0.05; done'\nTimeoutStopSec=500ms\n"
    )
    with _booted_with(site, unit, "systemctl start a") as guest:
        guest.process.terminate()

        assert guest.process.wait(10) == 0
        assert "a.service: does not end and is killed." in _logged(guest, "systemd")


def test_a_service_whose_files_are_read_only_writes_only_where_it_may(site: Site) -> None:
    unit = (
        "Type=oneshot\nProtectSystem=strict\nReadWritePaths=/run\n"
        "ExecStart=/bin/sh -c 'touch /run/a && echo run; touch /etc/a || echo etc'\n"
    )
    with _booted_with(site, unit, "systemctl start a") as guest:
        assert _logged(guest, "sh") == [
            "run",
            "touch: cannot touch '/etc/a': Read-only file system",
            "etc",
        ]


def test_lines_that_a_unit_does_not_want_are_not_logged(site: Site) -> None:
    unit = (
        "Type=oneshot\nLogLevelMax=notice\nSyslogLevel=warning\n"
        'ExecStart=/bin/sh -c \'echo plain; echo "<6>info"; echo "<5>notice"\'\n'
    )
    with _booted_with(site, unit, "systemctl start a") as guest:
        assert _logged(guest, "sh") == ["plain", "notice"]


def test_files_are_appended_to_and_deferred_as_cloud_init_does(site: Site) -> None:
    files = [
        {"path": "/etc/a", "content": "one\n", "permissions": "0640", "owner": "www-data:adm"},
        {"path": "/etc/a", "content": "three\n", "append": True, "defer": True},
        {"path": "/etc/a", "content": "two\n", "append": True, "permissions": "0640"},
    ]
    with site.booted(_cloud_config(write_files=files)) as guest:
        found = Path(f"/proc/{guest.processes()[0]}/root/etc/a")

        assert found.read_text(encoding="utf-8") == "one\ntwo\nthree\n"
