import os
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from components.proxy.nginx import Proxy, ProxyError, Resolver, nginx_conf
from components.proxy.user_data import (
    LARGEST_USER_DATA,
    droplet_files,
    size_fault,
    user_data,
)
from sandbox.debian import find_program

_GOLDEN: Final = Path(__file__).parent / "golden"
_PROXY: Final = Proxy("api-1234567890.us-east-1.elb.amazonaws.com", "application")
_ELSEWHERE: Final = replace(_PROXY, resolver=Resolver(IPv4Address("192.0.2.53")))
_SCRIPT: Final = "/usr/local/sbin/reserved-ipv6"


def test_the_whole_user_data_is_as_it_was_reviewed() -> None:
    assert user_data(_PROXY, 0) == (_GOLDEN / "user-data.yaml").read_text(encoding="utf-8")


def test_the_same_settings_give_the_same_bytes() -> None:
    assert user_data(_PROXY, 3) == user_data(replace(_PROXY), 3)


def test_what_a_proxy_writes_about_itself_is_only_its_window() -> None:
    first, last = droplet_files(_PROXY, 0), droplet_files(_PROXY, 47)

    different = {path for path in first.keys() | last.keys() if first[path] != last[path]}
    assert different == {"/etc/systemd/system/apt-daily-upgrade.timer.d/10-hour.conf"}


def test_another_resolver_makes_the_one_on_the_droplet_unnecessary() -> None:
    local, elsewhere = _config(user_data(_PROXY, 0)), _config(user_data(_ELSEWHERE, 0))

    assert set(local["packages"]) - set(elsewhere["packages"]) == {"dns-root-data", "unbound"}
    assert droplet_files(_PROXY, 0).keys() - droplet_files(_ELSEWHERE, 0).keys() == {
        "/etc/unbound/unbound.conf.d/proxy.conf"
    }
    assert "resolver 192.0.2.53:53 " in droplet_files(_ELSEWHERE, 0)["/etc/nginx/nginx.conf"]


# ---- size ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param("x" * LARGEST_USER_DATA, None, id="just fits"),
        pytest.param(
            "x" * 65_534 + "…",
            "The proxy's user data is 65,537 bytes; at most 65,536 bytes, which is DigitalOcean's "
            "limit. Serve fewer ports with one pool.",
            id="one byte too many, in UTF-8",
        ),
    ],
)
def test_the_size_is_counted_in_bytes(text: str, fault: str | None) -> None:
    result = size_fault(text)

    assert (result and str(result)) == fault


def test_user_data_that_digitalocean_would_refuse_is_not_made() -> None:
    proxy = replace(_PROXY, ports=tuple(range(1000, 1500)))

    with pytest.raises(ProxyError, match=r"The proxy's user data is [0-9,]+ bytes; at most 65,536"):
        user_data(proxy, 0)


# ---- what is in it ------------------------------------------------------------------------------

_labels = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
_proxies = st.builds(
    Proxy,
    st.lists(_labels, min_size=1, max_size=4).map(lambda labels: ".".join([*labels, "test"])),
    st.sampled_from(["classic", "network"]),
    ports=st.lists(
        st.integers(23, 65_535).filter(lambda port: port not in (53, 8100, 8101)),
        min_size=1,
        max_size=9,
        unique=True,
    ).map(tuple),
    proxy_protocol=st.booleans(),
    connections=st.integers(1, 28_000),
    idle_timeout_seconds=st.integers(351, 9_999),
    resolver=st.builds(Resolver, st.ip_addresses(), st.integers(1, 65_535)),
)


@given(_proxies, st.integers(0, 47))
def test_every_file_arrives_as_it_was_rendered(proxy: Proxy, window: int) -> None:
    config = _config(user_data(proxy, window))

    written = {file["path"]: file["content"] for file in config["write_files"]}
    assert written == droplet_files(proxy, window)
    assert written["/etc/nginx/nginx.conf"] == nginx_conf(proxy)
    assert config.keys() == _config(user_data(_PROXY, 0)).keys()
    assert config["runcmd"] == _config(user_data(_PROXY, 0))["runcmd"]


def test_only_programs_may_be_executed() -> None:
    executable = {
        file["path"]
        for file in _config(user_data(_PROXY, 0))["write_files"]
        if file["permissions"] == "0755"
    }

    assert executable == {_SCRIPT}


def test_nginx_has_our_configuration_before_it_is_installed() -> None:
    for file in _config(user_data(_PROXY, 0))["write_files"]:
        # cloud-init writes deferred files only after it has installed the packages.
        assert not file.get("defer", False)


def test_passwords_open_nothing() -> None:
    config = _config(user_data(_PROXY, 0))
    sshd = droplet_files(_PROXY, 0)["/etc/ssh/sshd_config.d/00-keys-only.conf"].splitlines()

    assert config["ssh_pwauth"] is False
    assert sshd[-3:] == [
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "PermitRootLogin prohibit-password",
    ]


# ---- what the programs of Debian say to it ------------------------------------------------------


@pytest.mark.parametrize("proxy", [_PROXY, _ELSEWHERE], ids=["own resolver", "another resolver"])
def test_cloud_init_accepts_it(proxy: Proxy, tmp_path: Path) -> None:
    path = tmp_path / "user-data"
    path.write_text(user_data(proxy, 0), encoding="utf-8")

    done = _run("cloud-init", "schema", "--config-file", path)

    assert f"Valid cloud-config: {path}" in done.stdout
    assert done.stderr == ""


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    _write_files(tmp_path)
    # nginx.service is Debian's own: what is verified is ours on top of it.
    units = ["nginx.service", "apt-daily-upgrade.timer", "reserved-ipv6.timer"]
    places = f"{tmp_path}/etc/systemd/system:/usr/lib/systemd/system:/lib/systemd/system"

    done = _run("systemd-analyze", "verify", "--man=no", *units, SYSTEMD_UNIT_PATH=places)

    assert (done.returncode, done.stderr) == (0, "")


def test_the_window_of_an_upgrade_is_one_that_systemd_understands() -> None:
    timer = droplet_files(_PROXY, 7)["/etc/systemd/system/apt-daily-upgrade.timer.d/10-hour.conf"]
    _, calendar = timer.split("OnCalendar=\nOnCalendar=")

    done = _run("systemd-analyze", "calendar", calendar.splitlines()[0])

    assert "Normalized form: *-*-* 03:30:00 UTC" in done.stdout


def test_shellcheck_accepts_the_script(tmp_path: Path) -> None:
    _write_files(tmp_path)

    done = _run("shellcheck", f"{tmp_path}{_SCRIPT}")

    assert done.stdout == ""


def test_unbound_accepts_its_configuration(tmp_path: Path) -> None:
    _write_files(tmp_path)

    done = _run("unbound-checkconf", f"{tmp_path}/etc/unbound/unbound.conf.d/proxy.conf")

    assert "no errors" in done.stdout


def _write_files(root: Path) -> None:
    for path, content in droplet_files(_PROXY, 0).items():
        file = root / path.removeprefix("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")


def _run(
    program: str, *arguments: str | Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [find_program(program), *arguments],
        env=os.environ | environment,
        check=False,
        capture_output=True,
        text=True,
    )


def _config(text: str) -> Mapping[str, Any]:
    assert text.startswith("#cloud-config\n")
    # As safe as the one in Python, and ten times as fast.
    return yaml.load(text, yaml.CSafeLoader)
