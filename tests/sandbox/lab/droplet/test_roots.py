"""The Debian systems that droplets boot: made once, whole or not at all."""

import os
import threading
from pathlib import Path
from typing import Final

import pytest

from sandbox.lab.droplet import roots
from sandbox.lab.droplet.roots import BootError

_IMAGE: Final = "debian-12-x64"

_STATUS: Final = """\
Package: nginx
Status: install ok installed
Version: 1.22.1-9
Architecture: all
Maintainer: nobody
Description: nothing

"""


def _make_small(suite: str, made: Path, say: roots.Say) -> None:
    """Make trees of a few files."""
    say(f"  {suite}")
    for name in ("bare", "ready"):
        admin = made / name / "var/lib/dpkg"
        admin.mkdir(parents=True)
        (admin / "status").write_text(_STATUS)
        (made / name / "sbin").symlink_to("usr/sbin")


def _make(cache: Path, messages: list[str]) -> Path:
    return roots.make(_IMAGE, messages.append, cache, _make_small)


def test_a_root_is_made_once_and_found_from_then_on(tmp_path: Path) -> None:
    messages: list[str] = []
    made = _make(tmp_path, messages)
    assert messages == [
        f"Making the root of {_IMAGE} from Debian's packages, because it is missing …",
        "  bookworm",
        f"  made: {made}",
    ]
    assert _make(tmp_path, messages) == made == roots.find(_IMAGE, tmp_path)
    assert len(messages) == 3
    assert '"nginx": "1.22.1-9"' in (made / "manifest.json").read_text()


@pytest.mark.parametrize("change", ["more", "less", "text", "rights", "manifest"])
def test_a_damaged_root_is_refused_and_made_again(tmp_path: Path, change: str) -> None:
    made = _make(tmp_path, [])
    file = made / "ready/var/lib/dpkg/status"
    match change:
        case "more":
            (made / "bare/etc").mkdir()
        case "less":
            (made / "bare/sbin").unlink()
        case "text":
            file.write_text(_STATUS.replace("nginx", "mginx"))
        case "rights":
            file.chmod(0o600)
        case _:
            (made / "manifest.json").write_text("{")
    with pytest.raises(BootError) as error:
        roots.find(_IMAGE, tmp_path)
    assert str(error.value) == (
        f"The root of {_IMAGE} is damaged; droplets boot from it. Make it, as root, with: "
        "dualstack sandbox roots"
    )
    messages: list[str] = []
    assert _make(tmp_path, messages) == roots.find(_IMAGE, tmp_path)
    assert messages[0].endswith("because it is damaged …")


def test_roots_that_were_never_made_are_named(tmp_path: Path) -> None:
    _make(tmp_path, [])
    assert roots.missing([_IMAGE, "debian-13-x64", "windows"], tmp_path) == [
        (
            "The root of debian-13-x64 is missing; droplets boot from it. Make it, as root, with: "
            "dualstack sandbox roots"
        )
    ]


def test_what_a_killed_maker_left_is_removed_and_never_used(tmp_path: Path) -> None:
    half = tmp_path / "bookworm.half-abc" / "root" / "bare"
    half.mkdir(parents=True)
    with pytest.raises(BootError, match=r"is missing"):
        roots.find(_IMAGE, tmp_path)
    _make(tmp_path, [])
    assert not half.exists()


def test_a_maker_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail(suite: str, made: Path, say: roots.Say) -> None:
        _make_small(suite, made, say)
        raise BootError("no")

    with pytest.raises(BootError, match=r"^no$"):
        roots.make(_IMAGE, lambda _: None, tmp_path, fail)
    assert [path.name for path in tmp_path.iterdir()] == ["bookworm.lock"]


def test_another_recipe_makes_another_root_and_the_old_one_goes_when_nobody_holds_it(
    tmp_path: Path,
) -> None:
    old, held = tmp_path / "bookworm-0123456789abcdef", tmp_path / "bookworm-fedcba9876543210"
    other = tmp_path / "trixie-0123456789abcdef"
    for folder in (old, held, other):
        folder.mkdir()
    descriptor = roots.hold(held)
    made = _make(tmp_path, [])
    os.close(descriptor)
    assert made.is_dir()
    assert (old.exists(), held.exists(), other.exists()) == (False, True, True)


def test_a_recipe_is_all_that_goes_in() -> None:
    bookworm, trixie = roots.recipe("bookworm"), roots.recipe("trixie")
    assert bookworm != trixie
    for word in ("cloud-init", "unbound", "datasource_list", "lab-journal", "policy-rc.d", "mask "):
        assert word in bookworm


def test_two_makers_make_one_root(tmp_path: Path) -> None:
    messages: list[str] = []
    makers = [threading.Thread(target=_make, args=(tmp_path, messages)) for _ in range(4)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    assert len(messages) == 3


def test_an_image_that_is_not_debian_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BootError) as error:
        roots.find("ubuntu-24-04-x64", tmp_path)
    assert str(error.value) == (
        "The image is ubuntu-24-04-x64; the lab boots debian-12-x64 and debian-13-x64. "
        "Use one of these."
    )


@pytest.mark.root
def test_a_package_that_is_missing_is_said(tmp_path: Path) -> None:
    fails = tmp_path / "fails"
    fails.write_text("#!/bin/sh\necho 'E: Unable to locate package cloud-init' >&2\nexit 25\n")
    fails.chmod(0o755)
    with pytest.raises(BootError) as error:
        roots.make_trees_of("bookworm", tmp_path, lambda _: None, str(fails))
    assert str(error.value) == (
        "The root cannot be made: E: Unable to locate package cloud-init. It needs the Debian "
        "packages of the release from the machine's apt sources, and 1 GB of disk. Mend that, and "
        "run dualstack sandbox roots again."
    )


@pytest.mark.root
def test_a_program_that_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(
        BootError, match=r"The program no-such-maker is missing; it is part of Debian"
    ):
        roots.make_trees_of("bookworm", tmp_path, lambda _: None, "no-such-maker")


def test_the_sources_are_the_machines_with_another_suite() -> None:
    targets = (
        "http://mirror.example/debian/ bookworm main\n"
        "http://mirror.example/debian/ bookworm-updates main\n"
        "http://mirror.example/debian/ bookworm-backports main\n"
        "http://mirror.example/debian/ bookworm non-free\n"
        "http://security.example/ bookworm-security main\n"
        "http://security.example/ bookworm-security main\n"
    )
    keyring = "[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]"
    assert roots.sources("trixie", targets) == [
        f"deb {keyring} http://mirror.example/debian/ trixie main",
        f"deb {keyring} http://mirror.example/debian/ trixie-updates main",
        f"deb {keyring} http://security.example/ trixie-security main",
    ]


def test_a_machine_without_a_source_of_debians_names_none() -> None:
    assert roots.sources("trixie", "") == []
