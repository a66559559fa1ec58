"""Droplets of both releases, booted from an example's user data, with packets through them.

One droplet a release for all tests of this file: each leaves it as it was. It is a bare one, so
cloud-init has installed the proxy's packages at its boot.
"""

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
import yaml

from components.proxy.nginx import Proxy, file_limit
from support.droplet import (
    FIRST,
    IMAGES,
    IPV6,
    LOAD_BALANCER,
    OTHER_RESERVED,
    RESERVED,
    SECOND,
    Guest,
    Site,
    laid_out,
    wait_until,
)

_EXAMPLES_LOAD_BALANCER: Final = "api-application.eu-central-1.elb.amazonaws.com"

# What the kernel calls CAP_KILL, CAP_SETGID, CAP_SETUID and CAP_NET_BIND_SERVICE, as a mask.
# Source: Linux, include/uapi/linux/capability.h.
_CAPABILITIES: Final = f"{1 << 5 | 1 << 6 | 1 << 7 | 1 << 10:016x}"

_FILTER: Final = "2"
"""Source: Linux, include/uapi/linux/seccomp.h, SECCOMP_MODE_FILTER."""

_TIMER_SECONDS: Final = 20.0
"""The timer runs ten seconds after its last run."""


@pytest.fixture(scope="module", params=IMAGES)
def booted(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    examples: dict[str, list[str]],
) -> Iterator[tuple[Site, Guest]]:
    """The second droplet of the example with proxies."""
    assert {name for name, user_data in examples.items() if user_data} == {"proxy"}
    user_data = examples["proxy"][1]
    with (
        laid_out(tmp_path_factory.mktemp("site"), _EXAMPLES_LOAD_BALANCER) as site,
        site.booted(user_data, RESERVED, image=request.param, bare=True) as guest,
    ):
        assert guest.is_ready(), guest.errors() + guest.journal()
        wait_until(lambda: site.reached() == FIRST)
        yield site, guest


@pytest.fixture
def site(booted: tuple[Site, Guest]) -> Site:
    return booted[0]


@pytest.fixture
def guest(booted: tuple[Site, Guest]) -> Guest:
    return booted[1]


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


def _status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return dict(line.split(":\t", 1) for line in lines)


def _fails(*command: str) -> bool:
    return subprocess.run(command, check=False, capture_output=True).returncode != 0


def _lines(guest: Guest, *words: str) -> list[int]:
    """Return where in the journal each text is first."""
    lines = guest.journal().splitlines()
    return [next(n for n, line in enumerate(lines) if word in line) for word in words]


def test_the_droplet_is_the_release_of_its_image_and_nothing_of_it_failed(guest: Guest) -> None:
    release = guest.run("sh", "-c", ". /etc/os-release; echo $ID-$VERSION_ID-x64")
    assert release.strip() == guest.config.droplet.image
    assert guest.run("ps", "-p", "1", "-o", "comm=").strip() == "systemd"
    assert guest.run("systemctl", "--failed", "--plain", "--no-legend") == ""
    assert guest.run("cloud-init", "status").strip() == "status: done"
    assert not guest.config.report.exists()
    assert guest.run("hostname").strip() == "proxy-0"


def test_cloud_init_installs_the_packages_after_our_files_and_before_our_commands(
    guest: Guest,
) -> None:
    steps = _lines(
        guest,
        "Setting up nginx-common",
        "==> Using current old file as you requested.",  # /etc/nginx/nginx.conf is ours
        "Applying /etc/sysctl.d/60-proxy.conf",
    )
    assert steps == sorted(steps)
    log = guest.run("cat", "/var/log/cloud-init.log")
    assert log.index("/etc/nginx/nginx.conf") < log.index("package-update-upgrade-install")
    for package in ("nginx", "libnginx-mod-stream", "unbound", "unattended-upgrades"):
        status = guest.run("dpkg-query", "--show", "--showformat=${db:Status-Status}", package)
        assert status == "installed"
    assert "Failed to fetch" not in guest.journal()


def test_a_client_over_ipv6_reaches_the_load_balancer_and_no_byte_is_altered(
    site: Site, guest: Guest
) -> None:
    sent = os.urandom(1_000_000)
    assert _receive(site, len(FIRST) + len(sent), sent) == FIRST.encode() + sent
    line = f"received={len(sent)} sent={len(FIRST) + len(sent)} "
    wait_until(lambda: line in guest.journal())
    (logged,) = [each for each in guest.journal().splitlines() if line in each]
    assert re.search(r" nginx_access\[\d+\]: client=2001:db8:c:1::1 client_port=", logged)


def test_every_process_of_nginx_is_hardened_as_its_drop_in_says(guest: Guest) -> None:
    processes = guest.processes("nginx")
    assert len(processes) > 1
    for pid in processes:
        status = _status(pid)
        assert (status["CapBnd"], status["NoNewPrivs"]) == (_CAPABILITIES, "1")
        assert status["Seccomp"] == _FILTER
        assert int(status["Seccomp_filters"]) > 1
    users = {_status(pid)["Uid"].split()[0] for pid in processes}
    assert users == {"0", guest.run("id", "--user", "www-data").strip()}


def test_nginx_sees_only_what_its_drop_in_lets_it_see(guest: Guest) -> None:
    master = str(guest.master("nginx"))
    inside = ["nsenter", f"--target={master}", "--mount", "--root", "--"]

    def fails(command: str) -> bool:
        return _fails(*inside, "sh", "-c", command)

    assert fails("touch /etc/a 2>/dev/null")
    assert fails("touch /proc/sys/net/ipv4/ip_forward 2>/dev/null")
    assert fails("test -e /root/.ssh")
    assert (guest.root / "root/.ssh").exists()
    assert not fails("touch /run/a && rm /run/a")


def test_nginx_may_open_as_many_files_as_its_connections_need(guest: Guest) -> None:
    limits = Path(f"/proc/{guest.master('nginx')}/limits").read_text(encoding="utf-8")
    limit = str(file_limit(Proxy(LOAD_BALANCER, "application")))
    assert ["Max", "open", "files", limit, limit, "files"] in [
        line.split() for line in limits.splitlines()
    ]


def test_the_network_and_the_files_are_set_as_the_user_data_says(site: Site, guest: Guest) -> None:
    assert site.wire.setting("net/ipv4/tcp_keepalive_time") == "300"
    assert site.wire.setting("net/ipv4/ip_local_port_range").split() == ["10240", "65535"]
    for file in yaml.safe_load(guest.config.droplet.user_data)["write_files"]:
        path = guest.root / file["path"].lstrip("/")
        assert path.read_text(encoding="utf-8") == file["content"]
        assert f"{path.stat().st_mode & 0o7777:04o}" == file["permissions"]


def test_sshd_takes_keys_and_no_passwords(guest: Guest) -> None:
    settings = guest.run("sshd", "-T").splitlines()
    assert "passwordauthentication no" in settings
    assert "kbdinteractiveauthentication no" in settings
    assert "permitrootlogin without-password" in settings
    assert "ssh-ed25519 AAAA" in guest.run("cat", "/root/.ssh/authorized_keys")


def test_nothing_of_this_machine_is_seen_or_changed(guest: Guest) -> None:
    settings = ("kernel/pid_max", "fs/protected_fifos", "net/ipv4/tcp_keepalive_time")
    paths = [Path("/proc/sys", name) for name in settings]
    before = [path.read_text(encoding="utf-8") for path in paths]
    guest.run("sh", "-c", "echo kernel.pid_max=4242 > /etc/sysctl.d/99-a.conf")
    guest.run("sysctl", "--system", check=False)
    guest.run("rm", "/etc/sysctl.d/99-a.conf")
    assert [path.read_text(encoding="utf-8") for path in paths] == before
    for path in ("home", "usr/local/bin", "srv"):
        assert list((guest.root / path).iterdir()) == []
    assert guest.run("findmnt", "--noheadings", "--output", "FSTYPE", "/").strip() == "overlay"
    assert guest.run("ps", "--no-headers", "-e").count("pytest") == 0


@pytest.mark.parametrize(
    "command",
    [
        "mknod /run/disk b 8 0",
        "echo 1 > /proc/sys/kernel/sysrq",
        "echo h > /proc/sysrq-trigger",
        "date --set=2001-01-01",
        "dmesg",
        "echo 1 > /sys/kernel/profiling",
    ],
)
def test_the_kernel_and_the_hardware_of_this_machine_are_out_of_reach(
    guest: Guest, command: str
) -> None:
    init = f"--target={guest.first_process}"
    bounded = ["setpriv", f"--bounding-set={_bounding_set(guest)}", "sh", "-c", command]
    assert _fails("nsenter", init, "--all", *bounded)


def _bounding_set(guest: Guest) -> str:
    """Return the capabilities that the droplet's first process has, as `setpriv` takes them."""
    mask = int(_status(guest.first_process)["CapBnd"], 16)
    return ",".join(["-all", *(f"+cap_{n}" for n in range(64) if mask >> n & 1)])


def test_the_metadata_service_answers_in_the_droplet(guest: Guest) -> None:
    answer = guest.run("curl", "-s", "http://169.254.169.254/metadata/v1/reserved_ip/ipv6/active")
    assert answer == "true"


def test_the_timer_gives_the_droplet_the_reserved_address_that_is_assigned(
    site: Site, guest: Guest
) -> None:
    assert site.wire.addresses("lo") == [RESERVED]
    assert f"Reserved IPv6 address {RESERVED}/128 is on" in guest.journal()
    ran = guest.show("reserved-ipv6.timer", "LastTriggerUSecMonotonic")
    guest.tell(OTHER_RESERVED)
    wait_until(lambda: site.wire.addresses("lo") == [OTHER_RESERVED], _TIMER_SECONDS)
    assert guest.show("reserved-ipv6.timer", "LastTriggerUSecMonotonic") != ran

    # The script is the same for every start; the timer has been seen to.
    guest.tell("")
    _start_until(guest, lambda: site.wire.addresses("lo") == [])
    guest.tell(RESERVED)
    _start_until(guest, lambda: site.wire.addresses("lo") == [RESERVED])
    assert site.reached() == FIRST


def _start_until(guest: Guest, is_so: Callable[[], bool]) -> None:
    def started() -> bool:
        guest.run("systemctl", "start", "reserved-ipv6.service")
        return is_so()

    wait_until(started)


def test_nothing_but_the_script_configures_the_reserved_address(site: Site, guest: Guest) -> None:
    guest.run("systemctl", "stop", "reserved-ipv6.timer")
    guest.run("ip", "-6", "address", "flush", "dev", "lo", "scope", "global")
    time.sleep(2)
    assert site.wire.addresses("lo") == []
    with site.connect(IPV6) as client:
        assert client.recv(64).decode() == FIRST
    guest.run("systemctl", "start", "reserved-ipv6.timer")
    wait_until(lambda: site.wire.addresses("lo") == [RESERVED], _TIMER_SECONDS)


def _upgrade_time(user_data: str) -> str:
    """Return the time of day of upgrades, as user data configures it."""
    (file,) = (
        file["content"]
        for file in yaml.safe_load(user_data)["write_files"]
        if "apt-daily-upgrade.timer.d" in file["path"]
    )
    return next(line for line in file.splitlines() if line.endswith("UTC")).split()[1]


def test_upgrades_are_in_the_half_hour_of_this_proxy_alone(
    guest: Guest, examples: dict[str, list[str]]
) -> None:
    times = [_upgrade_time(user_data) for user_data in examples["proxy"]]
    assert len(set(times)) == len(times) == 2
    timer = "apt-daily-upgrade.timer"
    calendar = guest.show(timer, "TimersCalendar")
    assert calendar.count("OnCalendar=") == 1
    assert f"OnCalendar=*-*-* {times[1]} UTC" in calendar
    assert guest.show(timer, "RandomizedDelayUSec") == "0"
    assert guest.show(timer, "Persistent") == "no"
    assert guest.show(timer, "ActiveState") == "active"
    assert f" {times[1]} UTC" in guest.show(timer, "NextElapseUSecRealtime")
    periodic = guest.run("apt-config", "dump")
    assert 'APT::Periodic::Unattended-Upgrade "1";' in periodic
    assert 'Unattended-Upgrade::Automatic-Reboot "true";' in periodic


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_nginx_that_ends_comes_back(site: Site, guest: Guest, number: signal.Signals) -> None:
    before = set(guest.processes("nginx"))
    restarts = int(guest.show("nginx.service", "NRestarts"))
    os.kill(guest.master("nginx"), number)
    # Said first: what is left of it may serve for a moment.
    wait_until(lambda: int(guest.show("nginx.service", "NRestarts")) > restarts)
    wait_until(lambda: not before & set(guest.processes("nginx")))
    wait_until(lambda: site.reached() == FIRST)


def test_a_load_balancer_that_changes_its_address_is_followed(site: Site) -> None:
    site.names.addresses = [SECOND]
    try:
        wait_until(lambda: all(site.reached() == SECOND for _ in range(20)))
    finally:
        site.names.addresses = [FIRST]
    wait_until(lambda: all(site.reached() == FIRST for _ in range(20)))


def test_a_reload_lets_open_connections_finish(site: Site, guest: Guest) -> None:
    client = site.connect()
    assert client.recv(64).decode() == FIRST
    master = guest.master("nginx")
    before = set(guest.processes("nginx")) - {master}

    guest.run("systemctl", "reload", "nginx")

    wait_until(lambda: bool(set(guest.processes("nginx")) - before - {master}))
    client.sendall(b"still here")
    assert client.recv(64) == b"still here"
    assert site.reached() == FIRST
    client.close()
    wait_until(lambda: not before & set(guest.processes("nginx")))
    assert guest.master("nginx") == master


def test_a_reboot_comes_back_with_its_disk_and_its_address(site: Site, guest: Guest) -> None:
    booted = "systemd[1]: Startup finish"
    first, boots = guest.first_process, guest.run("cat", "/run/lab/journal").count(booted)
    guest.run("touch", "/root/kept", "/run/lost")

    guest.run("systemctl", "reboot")

    wait_until(lambda: guest.journal().count(booted) == boots + 1, 120)
    assert guest.first_process != first
    wait_until(lambda: site.wire.addresses("lo") == [RESERVED])
    wait_until(lambda: site.reached() == FIRST)
    assert (guest.root / "root/kept").exists()
    assert not (guest.root / "run/lost").exists()
    assert guest.process.poll() is None
    (guest.root / "root/kept").unlink()
