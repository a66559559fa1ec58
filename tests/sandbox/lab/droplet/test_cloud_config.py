"""What user data is understood as, and what of it is refused."""

import base64
import gzip
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from components.proxy.nginx import Proxy
from components.proxy.user_data import droplet_files, user_data
from sandbox.lab.droplet.cloud_config import Command, Machine, Plan, WrittenFile, parse
from sandbox.lab.droplet.faults import BootError

_MACHINE: Final = Machine(
    frozenset({"curl", "libnginx-mod-stream", "nginx", "unbound"}),
    users=frozenset({"root", "unbound", "www-data"}),
    groups=frozenset({"root", "adm", "unbound"}),
    base_users=frozenset({"root", "www-data"}),
    base_groups=frozenset({"root", "adm"}),
)
_PROXY: Final = Proxy("api-1234567890.us-east-1.elb.amazonaws.com", "network")
_RUNS: Final = (
    "the lab runs sysctl --system, systemctl daemon-reload, or systemctl enable, enable --now, "
    "start or restart with services and timers. Put what it does into a unit that user data writes."
)


def _plan(**keys: Any) -> Plan:
    return parse("#cloud-config\n" + yaml.safe_dump(keys), _MACHINE)


def _faults(text: str) -> tuple[str, ...]:
    with pytest.raises(BootError) as raised:
        parse(text, _MACHINE)
    return raised.value.faults


def test_the_user_data_of_a_proxy_is_understood_whole() -> None:
    plan = parse(user_data(_PROXY, 3), _MACHINE)

    assert plan == Plan(
        packages=("curl", "libnginx-mod-stream", "nginx", "unbound"),
        files=tuple(
            WrittenFile(path, text.encode(), 0o755 if path.startswith("/usr/local/") else 0o644)
            for path, text in sorted(droplet_files(_PROXY, 3).items())
        ),
        commands=(
            Command("sysctl"),
            Command("daemon-reload"),
            Command("restart", ("systemd-journald.service",)),
            Command("enable", ("reserved-ipv6.timer",)),
            Command("start", ("reserved-ipv6.timer",)),
            Command("restart", ("apt-daily-upgrade.timer",)),
            Command("enable", ("nginx.service",)),
            Command("restart", ("nginx.service",)),
        ),
        notes=(
            "package_update is skipped: the lab installs nothing.",
            "package_upgrade is skipped: the lab installs nothing.",
            (
                "The package dns-root-data is not used: the lab's root is not signed, so the key "
                "of the real one opens nothing."
            ),
            "The package unattended-upgrades is not used: the lab upgrades nothing.",
        ),
    )


@pytest.mark.parametrize("text", ["", "\n", "#cloud-config", "#cloud-config\n{}\n"])
def test_user_data_without_anything_asks_for_nothing(text: str) -> None:
    assert parse(text, _MACHINE) == Plan()


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        pytest.param({"path": "/a"}, WrittenFile("/a", b""), id="no content"),
        pytest.param(
            {"path": "/a", "content": "é\n"}, WrittenFile("/a", "é\n".encode()), id="text"
        ),
        pytest.param(
            {"path": "/a", "permissions": "0600"}, WrittenFile("/a", b"", 0o600), id="mode"
        ),
        pytest.param(
            {"path": "/a", "permissions": 0o600}, WrittenFile("/a", b"", 0o600), id="mode as YAML's"
        ),
        pytest.param(
            {"path": "/a", "owner": "www-data:adm"},
            WrittenFile("/a", b"", owner="www-data:adm"),
            id="owner",
        ),
        pytest.param(
            {"path": "/a", "owner": "www-data"},
            WrittenFile("/a", b"", owner="www-data"),
            id="owner without group",
        ),
        pytest.param(
            {"path": "/a", "owner": "unbound:unbound", "defer": True},
            WrittenFile("/a", b"", owner="unbound:unbound", defer=True),
            id="owner that a package brings",
        ),
        pytest.param(
            {"path": "/a", "append": True, "defer": True},
            WrittenFile("/a", b"", append=True, defer=True),
            id="append and defer",
        ),
    ],
)
def test_a_file_is_written_as_it_says(entry: dict[str, Any], expected: WrittenFile) -> None:
    assert _plan(write_files=[entry]).files == (expected,)


@given(st.binary())
def test_encoded_content_is_decoded(content: bytes) -> None:
    zipped = gzip.compress(content)
    coded, both = (base64.b64encode(data).decode() for data in (content, zipped))
    entries: list[dict[str, Any]] = [
        *({"content": coded, "encoding": name} for name in ("b64", "base64")),
        *({"content": zipped, "encoding": name} for name in ("gz", "gzip", " GZ ")),
        *(
            {"content": both, "encoding": f"{first}+{second}"}
            for first in ("gz", "gzip")
            for second in ("b64", "base64")
        ),
    ]
    plan = _plan(write_files=[{"path": "/a", **entry} for entry in entries])

    assert {file.content for file in plan.files} == {content}


_CLOUD_INIT: Final = """\
import sys
import yaml
from cloudinit.config.cc_write_files import write_files
write_files("lab", yaml.safe_load(sys.stdin), "root:root")
"""


@pytest.mark.root
def test_files_are_what_cloud_init_itself_writes(tmp_path: Path) -> None:
    zipped = gzip.compress(b"zipped\n")
    entries: list[dict[str, Any]] = [
        {"content": "plain é\n"},
        {"content": "plain\n", "permissions": "0755"},
        {"content": "plain\n", "permissions": 0o600, "encoding": "text/plain"},
        {"content": base64.b64encode(b"coded\n").decode(), "encoding": "b64"},
        {"content": base64.encodebytes(bytes(range(200))).decode(), "encoding": "Base64 "},
        {"content": base64.b64encode(zipped).decode(), "encoding": "gz+b64"},
        {"content": zipped, "encoding": "gzip"},
        {"content": b"\x00binary"},
        {},
    ]
    files = [{"path": f"{tmp_path}/{n}", **entry} for n, entry in enumerate(entries)]
    files.append({"path": f"{tmp_path}/0", "content": "more\n", "append": True})
    # The distribution's own Python, which cloud-init is installed for.
    command = ["/usr/bin/python3", "-I", "-c", _CLOUD_INIT]
    subprocess.run(command, input=yaml.safe_dump(files), text=True, check=True)

    expected: dict[str, tuple[bytes, int]] = {}
    for file in _plan(write_files=files).files:
        before = expected[file.path][0] if file.append else b""
        expected[file.path] = (before + file.content, file.permissions)

    written = {str(path): path for path in tmp_path.iterdir()}
    assert expected == {
        name: (path.read_bytes(), path.stat().st_mode & 0o7777) for name, path in written.items()
    }


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("sysctl --system", [Command("sysctl")]),
        (["systemctl", "daemon-reload"], [Command("daemon-reload")]),
        ("systemctl start nginx", [Command("start", ("nginx.service",))]),
        ("systemctl restart a.timer b", [Command("restart", ("a.timer", "b.service"))]),
        ("systemctl enable a", [Command("enable", ("a.service",))]),
        (
            "systemctl enable --now a",
            [Command("enable", ("a.service",)), Command("start", ("a.service",))],
        ),
        (["/usr/bin/systemctl", "start", "a"], [Command("start", ("a.service",))]),
    ],
)
def test_a_command_is_understood(entry: Any, expected: list[Command]) -> None:
    assert list(_plan(runcmd=[entry]).commands) == expected


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        ("rm -rf /", '"rm -rf /"'),
        ("systemctl restart nginx && true", '"systemctl restart nginx && true"'),
        ("systemctl restart $(hostname)", '"systemctl restart $(hostname)"'),
        ("systemctl restart 'nginx", '"systemctl restart \'nginx"'),
        ("systemctl stop nginx", '"systemctl stop nginx"'),
        ("systemctl start --no-block nginx", '"systemctl start --no-block nginx"'),
        ("systemctl start", '"systemctl start"'),
        ("systemctl start multi-user.target", '"systemctl start multi-user.target"'),
        ("systemctl restart --now nginx", '"systemctl restart --now nginx"'),
        ("sysctl -w net.ipv6.bindv6only=1", '"sysctl -w net.ipv6.bindv6only=1"'),
        (["systemctl", ["start"]], "a list"),
        (["systemctl", 1], "a list"),
        ({"a": 1}, "a mapping"),
        (None, "nothing"),
        (7, "7"),
        ("x" * 100, f'"{"x" * 59}…'),
    ],
)
def test_a_command_that_is_not_understood_is_refused(entry: Any, found: str) -> None:
    text = "#cloud-config\n" + yaml.safe_dump({"runcmd": [entry]})

    assert _faults(text) == (f"runcmd[0] is {found}; {_RUNS}",)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param(
            "#!/bin/sh\ntrue\n",
            'The first line of the user data is "#!/bin/sh"; #cloud-config is the only kind the '
            "lab boots. Write it as #cloud-config.",
            id="script",
        ),
        pytest.param(
            "#cloud-config\n- a\n",
            "The user data is a list; it has to be a mapping. Give it keys.",
            id="list",
        ),
        pytest.param(
            "#cloud-config\nusers: []\n",
            'The key "users" of the user data is not one that the lab knows; it may be '
            "disable_root, package_reboot_if_required, package_update, package_upgrade, packages, "
            "runcmd, ssh_pwauth, write_files. Leave it out, or write what it does as files and "
            "units.",
            id="unknown key",
        ),
        pytest.param(
            "#cloud-config\npackages: nginx\n",
            'packages is "nginx"; it has to be a list. Write one entry a line.',
            id="no list",
        ),
        pytest.param(
            "#cloud-config\npackages: [haproxy]\n",
            "packages[0] is haproxy, which is not on this machine; the lab installs nothing. "
            "Install it with: sudo apt-get install --no-install-recommends haproxy.",
            id="missing package",
        ),
        pytest.param(
            "#cloud-config\npackages: [[nginx, 1.22]]\n",
            "packages[0] is a list; the lab takes the name of a package, without a version. Write "
            "the name alone.",
            id="version",
        ),
        pytest.param(
            "#cloud-config\nwrite_files: [{path: etc/a}]\n",
            'write_files[0].path is "etc/a"; it has to be the path of a file from the root, '
            "without . and ... Write it in full.",
            id="relative path",
        ),
        pytest.param(
            "#cloud-config\nwrite_files: [{path: /proc/sysrq-trigger, content: h}]\n",
            'write_files[0].path is "/proc/sysrq-trigger"; what is below /dev, /proc, /sys is this '
            "machine's kernel's. Set what belongs to the network with a file of /etc/sysctl.d, and "
            "nothing else.",
            id="file of the kernel",
        ),
        pytest.param(
            "#cloud-config\nwrite_files: [{path: /a, source: {uri: 'http://a'}}]\n",
            'The key "source" of write_files[0] is not one that the lab knows; it may be append, '
            "content, defer, encoding, owner, path, permissions. Leave it out.",
            id="unknown key of a file",
        ),
        pytest.param(
            "#cloud-config\nwrite_files: [{path: /a, permissions: rw-r--r--}]\n",
            'write_files[0].permissions is "rw-r--r--"; it has to be an octal number in quotes, as '
            "'0644'. Write it so.",
            id="permissions",
        ),
        pytest.param(
            "#cloud-config\nwrite_files: [{path: /a, owner: nobody:nobody}]\n",
            'write_files[0].owner is "nobody:nobody"; it has to be a user and a group that this '
            "machine has, as in root:root. Name others.",
            id="owner",
        ),
        pytest.param(
            "#cloud-config\nwrite_files: [{path: /a, owner: 'root:unbound'}]\n",
            'write_files[0].owner is "root:unbound"; without defer, a file is written before '
            "packages bring their users and groups. Add defer: true to it, or cloud-init writes "
            "neither it nor any file after it.",
            id="owner that only a package brings",
        ),
        pytest.param(
            "#cloud-config\nwrite_files: [{path: /a, content: '%', encoding: rot13}]\n",
            'write_files[0].encoding is "rot13"; it may be text/plain, b64, base64, gz, gzip, '
            "gz+b64, gz+base64, gzip+b64, gzip+base64. Use one of them.",
            id="encoding",
        ),
        pytest.param(
            "#cloud-config\nwrite_files: [{path: /a, content: abc, encoding: b64}]\n",
            'write_files[0].content is not "b64" ("Incorrect padding"); it has to be what its '
            "encoding says. Encode it again.",
            id="content that is not what its encoding says",
        ),
        pytest.param(
            "#cloud-config\nwrite_files: [{path: /a, append: 'yes'}]\n",
            'write_files[0].append is "yes"; it may be true or false. Write one of them.',
            id="append",
        ),
    ],
)
def test_what_cannot_be_carried_out_is_refused(text: str, fault: str) -> None:
    assert _faults(text) == (fault,)


def test_all_faults_are_told_at_once() -> None:
    text = """\
#cloud-config
users: []
packages: [haproxy]
write_files:
- path: a
  permissions: 9
  append: 1
- content: x
runcmd: [true, reboot]
"""
    whats = [fault.split(" is ")[0] for fault in _faults(text)]

    assert whats == [
        'The key "users" of the user data',
        "packages[0]",
        "write_files[0].path",
        "write_files[0].append",
        "write_files[1].path",
        "runcmd[0]",
        "runcmd[1]",
    ]


@pytest.mark.parametrize(
    "body",
    [
        "a: [",
        "a: !!int ''",
        "a: !!bool perhaps",
        "a: !!timestamp perhaps",
        "a: 2026-99-99",
        "a: !!python/object:os.system {}",
        "? {a: b}\n: c",
        "a: " + "[" * 5000,
        "\x00",
    ],
)
def test_what_is_not_yaml_is_refused(body: str) -> None:
    (fault,) = _faults(f"#cloud-config\n{body}\n")

    assert fault.startswith("The user data is not YAML (")


def test_an_alias_that_makes_a_list_endless_is_refused_in_one_line() -> None:
    assert _faults("#cloud-config\nruncmd: &all [*all]\n") == (f"runcmd[0] is a list; {_RUNS}",)


def test_a_number_of_endless_digits_is_refused_in_one_line() -> None:
    text = f"#cloud-config\nruncmd: [0x{'f' * 9000}]\n"

    assert _faults(text) == (f"runcmd[0] is of the type int; {_RUNS}",)


_VALUES: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.dates(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=4,
)
_FILES: Final = st.dictionaries(
    st.sampled_from(["append", "content", "defer", "encoding", "owner", "path", "permissions"]),
    _VALUES | st.sampled_from(["/a", "gz+b64", "root:root", "0644", True]),
)
_CONFIGS: Final = st.dictionaries(
    st.sampled_from(["packages", "write_files", "runcmd", "package_update"]) | st.text(),
    _VALUES | st.lists(_VALUES, max_size=3) | st.lists(_FILES, max_size=3),
)


@given(_CONFIGS)
def test_any_configuration_is_understood_or_refused(config: Any) -> None:
    _understood_or_refused("#cloud-config\n" + yaml.dump(config))


@given(st.text())
def test_any_text_is_understood_or_refused(text: str) -> None:
    _understood_or_refused(text)
    _understood_or_refused(f"#cloud-config\n{text}")


def _understood_or_refused(text: str) -> None:
    told = _told(text)
    lines = told.splitlines()

    assert (lines[:1], len(lines) != 1) in (([], True), ([_HEADING], True))
    assert all(line.startswith("- ") and "; " in line and line.endswith(".") for line in lines[1:])


def _told(text: str) -> str:
    """Return what is told of user data that is refused, nothing of what is understood."""
    try:
        parse(text, _MACHINE)
    except BootError as error:
        return str(error)
    return ""


_HEADING: Final = "The user data cannot be booted:"
