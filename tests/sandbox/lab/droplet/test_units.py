"""What of systemd's units is understood, what is noted and what is refused."""

import subprocess
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.proxy.nginx import Proxy, file_limit
from components.proxy.user_data import droplet_files
from sandbox.debian import find_program
from sandbox.lab.droplet.faults import BootError
from sandbox.lab.droplet.units import (
    Command,
    Fragment,
    Service,
    Timer,
    Unit,
    filled,
    read,
    seconds,
)

_PROXY: Final = Proxy("api-1234567890.us-east-1.elb.amazonaws.com", "network")
_FILES: Final = droplet_files(_PROXY, 0)
_UNITS: Final = "/etc/systemd/system"
_DEBIAN: Final = "/usr/lib/systemd/system"


def _ours(name: str, text: str = "") -> Fragment:
    path = f"{_UNITS}/{name}"
    return Fragment(path, text or _FILES[path], ours=True)


def _debian(name: str) -> Fragment:
    path = f"{_DEBIAN}/{name}"
    return Fragment(path, Path(path).read_text(encoding="utf-8"), ours=False)


def _faults(name: str, text: str) -> tuple[str, ...]:
    with pytest.raises(BootError) as raised:
        read(name, [_ours(name, text)])
    return raised.value.faults


def test_debians_nginx_with_what_the_proxy_adds() -> None:
    unit = read("nginx.service", [_debian("nginx.service"), _ours("nginx.service.d/10-proxy.conf")])
    run = ("/usr/sbin/nginx", "-g", "daemon on; master_process on;")

    assert unit.value == Service(
        "nginx.service",
        kind="forking",
        pid_file="/run/nginx.pid",
        start_pre=(Command(("/usr/sbin/nginx", "-t", "-q", *run[1:])),),
        start=(Command(run),),
        reload=(Command((*run, "-s", "reload")),),
        stop=(
            Command(
                (
                    *("/sbin/start-stop-daemon", "--quiet", "--stop", "--retry", "QUIT/30"),
                    *("--pidfile", "/run/nginx.pid"),
                ),
                may_fail=True,
            ),
        ),
        stop_seconds=35.0,
        kill_mode="mixed",
        restart="always",
        restart_seconds=1.0,
        start_limit_seconds=0.0,
        open_files=file_limit(_PROXY),
        capabilities=("kill", "net_bind_service", "setgid", "setuid"),
        no_new_privileges=True,
        read_only=True,
        writable=("/run",),
    )
    assert unit.wanted_by == ("multi-user.target",)


def test_debians_unbound() -> None:
    helper = "/usr/libexec/unbound-helper"
    unit = read("unbound.service", [_debian("unbound.service")])

    assert unit.value == Service(
        "unbound.service",
        kind="notify",
        restart="on-failure",
        environment_files=("-/etc/default/unbound",),
        start_pre=(
            Command((helper, "chroot_setup"), may_fail=True),
            Command((helper, "root_trust_anchor_update"), may_fail=True),
        ),
        start=(Command(("/usr/sbin/unbound", "-d", "-p", "$DAEMON_OPTS")),),
        stop_post=(Command((helper, "chroot_teardown"), may_fail=True),),
        reload=(Command(("/bin/kill", "-HUP", "$MAINPID"), privileged=True),),
    )


def test_the_timer_of_the_reserved_address_and_its_service() -> None:
    timer = read("reserved-ipv6.timer", [_ours("reserved-ipv6.timer")])
    service = read("reserved-ipv6.service", [_ours("reserved-ipv6.service")])

    assert timer == Unit(
        Timer(
            "reserved-ipv6.timer",
            unit="reserved-ipv6.service",
            after_start=(0.0,),
            after_inactive=10.0,
        ),
        wanted_by=("timers.target",),
    )
    assert service == Unit(
        Service(
            "reserved-ipv6.service",
            kind="oneshot",
            start=(Command(("/usr/local/sbin/reserved-ipv6",)),),
            start_seconds=60.0,
            capabilities=("net_admin",),
            no_new_privileges=True,
            read_only=True,
            output_level=4,
            least_urgent=5,
        ),
        notes=(
            (
                "reserved-ipv6.service is not locked in by LockPersonality, "
                "MemoryDenyWriteExecute, PrivateDevices, PrivateTmp, ProtectHome, "
                "ProtectKernelModules, RestrictAddressFamilies, RestrictNamespaces, "
                "RestrictRealtime, RestrictSUIDSGID, SystemCallArchitectures."
            ),
        ),
    )


def test_an_hour_of_the_day_is_noted_and_not_waited_for() -> None:
    name = "apt-daily-upgrade.timer"
    unit = read(name, [_debian(name), _ours(f"{name}.d/10-hour.conf")])

    assert unit.value == Timer(
        name, unit="apt-daily-upgrade.service", calendar=("*-*-* 00:00:00 UTC",)
    )
    assert unit.notes == (f"{name} is not run at *-*-* 00:00:00 UTC: no lab lives that long.",)


def test_a_later_file_empties_a_list_and_replaces_a_value() -> None:
    first = _ours("a.service", "[Service]\nExecStart=/a\nExecStop=/b\nRestartSec=1\nUnknown=1\n")
    later = _ours("a.service.d/b.conf", "[Service]\nExecStart=\nExecStart=/c\nRestartSec=2\n")
    debian = Fragment(f"{_DEBIAN}/a.service", first.text, ours=False)

    unit = read("a.service", [debian, later])

    assert unit.value == Service(
        "a.service",
        start=(Command(("/c",)),),
        stop=(Command(("/b",)),),
        restart_seconds=2.0,
    )
    assert unit.notes == ("a.service: Unknown=1 is not followed.",)


def test_comments_and_continued_lines_are_read_as_systemd_does() -> None:
    text = "# one\n[Service]\n; two\nExecStart=/a \\\n   b 'c d' \\\n \"e\" 100%%\n[X-Own]\nA=1\n"

    assert read("a.service", [_ours("a.service", text)]).value == Service(
        "a.service", start=(Command(("/a", "b", "c d", "e", "100%")),)
    )


_MEND: Final = "Write the unit with what sandbox/lab/droplet/units.py knows."


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param(
            "ExecStart=/a\nWatchdogSec=5\n",
            f'WatchdogSec= of {_UNITS}/a.service is "5"; the lab does not know what that does.',
            id="unknown directive",
        ),
        pytest.param(
            "ExecStart=/a\nnonsense\n",
            f'A line of {_UNITS}/a.service is "nonsense"; the lab does not know what that does.',
            id="no assignment",
        ),
        pytest.param(
            "ExecStart=/a\nWants=b.service\n",
            f'Wants= of {_UNITS}/a.service is "b.service"; the lab does not know what that does.',
            id="dependency",
        ),
        pytest.param(
            "ExecStart=/a\nType=dbus\n",
            'Type= of a.service is "dbus"; the lab knows simple, exec, forking, notify, oneshot.',
            id="type",
        ),
        pytest.param(
            "ExecStart=/a\nRestart=sometimes\n",
            'Restart= of a.service is "sometimes"; the lab knows no, always, on-failure, '
            "on-success.",
            id="restart",
        ),
        pytest.param(
            "ExecStart=/a\nTimeoutStopSec=soon\n",
            'TimeoutStopSec= of a.service is "soon"; it has to be a time span, as 1min 30s.',
            id="time span",
        ),
        pytest.param(
            "ExecStart=/a\nLimitNOFILE=many\n",
            'LimitNOFILE= of a.service is "many"; it has to be a number.',
            id="number",
        ),
        pytest.param(
            "ExecStart=/a\nProtectSystem=full\n",
            'ProtectSystem= of a.service is "full"; the lab knows strict.',
            id="protection",
        ),
        pytest.param(
            "ExecStart=/a\nCapabilityBoundingSet=~CAP_KILL\n",
            'CapabilityBoundingSet= of a.service is "~CAP_KILL"; it has to name capabilities.',
            id="capabilities that are taken away",
        ),
        pytest.param(
            "ExecStart=/a %i\n",
            'ExecStart= of a.service is "/a %i"; it has to be one command, its path in full, '
            "without specifiers.",
            id="specifier",
        ),
        pytest.param(
            "ExecStart=/a 'b\n",
            'ExecStart= of a.service is "/a \'b"; it has to be one command, its path in full, '
            "without specifiers.",
            id="open quote",
        ),
        pytest.param(
            "Type=simple\n",
            "ExecStart= of a.service is 0 commands; one is wanted, or more with Type=oneshot.",
            id="nothing to start",
        ),
        pytest.param(
            "ExecStart=/a\nExecStart=/b\n",
            "ExecStart= of a.service is 2 commands; one is wanted, or more with Type=oneshot.",
            id="two to start",
        ),
    ],
)
def test_what_is_not_understood_is_refused(text: str, fault: str) -> None:
    assert _faults("a.service", f"[Service]\n{text}")[0] == f"{fault} {_MEND}"


def test_all_faults_of_a_unit_are_told_at_once() -> None:
    faults = _faults("a.service", "[Service]\nType=dbus\nExecStart=a\nUser=b\nRestartSec=c\n")

    assert [fault.split("=")[0] for fault in faults] == [
        "Type",
        "RestartSec",
        "ExecStart",
        "User",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5", 5.0),
        ("0", 0.0),
        ("1min 30s", 90.0),
        ("1min30s", 90.0),
        ("2.5 h", 9000.0),
        ("250ms", 0.25),
        ("60m", 3600.0),
        ("1d", 86_400.0),
        ("infinity", float("inf")),
        ("", None),
        ("-1", None),
        ("1 fortnight", None),
        ("1s!", None),
        ("1" * 100 + "!", None),
    ],
)
def test_a_time_span(text: str, expected: float | None) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["5", "1min 30s", "1min30s", "2.5 h", "250ms", "1d 2w", "3 us"])
def test_a_time_span_is_what_systemd_itself_reads(text: str) -> None:
    command = [find_program("systemd-analyze"), "timespan", text]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    microseconds = done.stdout.splitlines()[1].split()[-1]

    assert seconds(text) == pytest.approx(int(microseconds) / 1_000_000)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["/a", "$TWO", "b"], ["/a", "x", "y", "b"]),
        (["/a", "$NONE", "b"], ["/a", "b"]),
        (["/a", "${TWO}", "-${NONE}-"], ["/a", "x y", "--"]),
        (["/a", "p$TWO", "$$TWO"], ["/a", "p$TWO", "$TWO"]),
    ],
)
def test_variables_are_filled_in(words: list[str], expected: list[str]) -> None:
    assert filled(words, {"TWO": "x y"}) == expected


_KEYS: Final = st.sampled_from(
    [
        *("Type", "ExecStart", "ExecStop", "Restart", "RestartSec", "LimitNOFILE", "Wants", "User"),
        *("CapabilityBoundingSet", "NoNewPrivileges", "LogLevelMax", "ProtectSystem"),
        *("OnCalendar", "OnActiveSec"),
    ]
)
_VALUES: Final = st.text() | st.sampled_from(["/a", "-/a 'b'", "oneshot", "1s", "yes", "9"])


@given(
    st.lists(st.tuples(_KEYS | st.text(), _VALUES)),
    st.booleans(),
    st.sampled_from(["a.service", "a.timer"]),
)
def test_any_unit_is_understood_or_refused(
    lines: list[tuple[str, str]], ours: bool, name: str
) -> None:
    text = "[Service]\n" + "\n".join(f"{key}={value}" for key, value in lines)

    for fault in _faults_if_any(name, text, ours=ours):
        assert "; " in fault
        assert fault.endswith(".")


def _faults_if_any(name: str, text: str, *, ours: bool) -> tuple[str, ...]:
    try:
        read(name, [Fragment(f"{_UNITS}/{name}", text, ours)])
    except BootError as error:
        return error.faults
    return ()
