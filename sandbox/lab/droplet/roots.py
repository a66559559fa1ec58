"""The Debian systems that droplets boot, each made once from Debian's packages.

A root is what DigitalOcean's image is: Debian with systemd, cloud-init, SSH and what else is on it
when a droplet starts. It is made by mmdebstrap from the packages of the machine's own apt sources,
checked by apt against Debian's keys, and kept in the user's cache. There are two trees of it:

- `bare`: without the services of a proxy. Their packages are in a `file:` repository of the tree,
  from which cloud-init installs them at boot, without a network.
- `ready`: the same with these packages installed and their services disabled, which saves each
  droplet three seconds of processor time.

A droplet never writes to either; it has an overlay. What went into a root is part of its folder's
name, so another recipe makes another root. A manifest beside the trees tells what they consist of,
and a root that differs from it is made again. It is made in a folder of another name, so that half
a root is never used.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from sandbox import invoker
from sandbox.debian import find_program
from sandbox.locks import held

SUITES: Final[Mapping[str, str]] = {"debian-12-x64": "bookworm", "debian-13-x64": "trixie"}
"""Debian's releases by the image that DigitalOcean makes of them."""

COMMAND: Final = "dualstack sandbox roots"
"""What makes the roots."""

SERVICES: Final = ("unbound", "nginx")
"""Services that the packages of a proxy bring, in the order in which Debian starts them."""

_IMAGE_PACKAGES: Final = (
    "ca-certificates",
    "cloud-init",
    "dbus",
    "iproute2",
    "openssh-server",
    "procps",
    "systemd-sysv",
)
"""What a droplet has before its user data is read, beside Debian's smallest system."""

_PROXY_PACKAGES: Final = (
    "curl",
    "dns-root-data",
    "libnginx-mod-stream",
    "nginx",
    "unattended-upgrades",
    "unbound",
)
"""What a proxy's user data asks for."""

_OWN_PACKAGES: Final = ("libnginx-mod-stream", "nginx", "nginx-common", "unbound")
"""Those of them, and of what they need, that DigitalOcean's image has not."""

_LEFT_OUT: Final = ("/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/man/*")
"""Files of packages that no program needs: a third of all."""

_TREES: Final = ("bare", "ready")

_RECIPE: Final = Path(__file__).parent / "recipe"
_KEYRING: Final = "/usr/share/keyrings/debian-archive-keyring.gpg"
_MANIFEST: Final = "manifest.json"
_POCKETS: Final = ("", "updates", "security")

_APT_OPTIONS: Final = re.compile(
    r"(Acquire::(?:https?::(?:Proxy|CaInfo|Verify-\w+)|Check-[\w-]+|Retries)) \"(.+)\";",
    re.IGNORECASE,
)
"""What of the machine's configuration of apt tells how to reach its sources."""

_STEP: Final = re.compile(
    r"I: ((?:running apt|downloading|extracting|installing)[^']*?)(?:\.\.\.)?"
)
"""How mmdebstrap tells what it does, as far as it takes time."""

Say = Callable[[str], None]
"""Takes one line for the person who waits."""


class BootError(Exception):
    """A droplet cannot be booted; the message says why and what to do."""


def cache_root() -> Path:
    """The folder that keeps roots between checkouts: `<root's cache>/dualstack-edge/roots`."""
    return invoker.cache("roots", of_root=True)


def find(image: str, cache: Path | None = None, trees: Collection[str] = _TREES) -> Path:
    """Return the folder of the root of an image.

    Args:
        image: The slug of the image, as DigitalOcean names it.
        trees: Which of its trees are looked at; default both.
        cache: Where roots are kept; default `cache_root()`.

    Raises:
        BootError: There is none, or it is not as it was made.
    """
    folder = _folder(image, cache or cache_root())
    if fault := _fault(folder, trees):
        raise BootError(_to_be_made(image, fault))
    return folder


def missing(images: Iterable[str], cache: Path | None = None) -> list[str]:
    """Return which roots droplets of these images need that were never made, a line each."""
    folders = {image: _folder(image, cache or cache_root()) for image in images if image in SUITES}
    return [
        _to_be_made(image, "missing") for image, folder in folders.items() if not folder.exists()
    ]


def _to_be_made(image: str, fault: str) -> str:
    return (
        f"The root of {image} is {fault}; droplets boot from it. Make it, as root, with: {COMMAND}"
    )


def make(
    image: str,
    say: Say,
    cache: Path | None = None,
    make_trees: Callable[[str, Path, Say], None] | None = None,
) -> Path:
    """Return the folder of the root of an image, made again if there is none that is whole.

    Args:
        image: The slug of the image.
        say: Gets a line for each step that takes time.
        cache: Where roots are kept; default `cache_root()`.
        make_trees: What makes the trees of a suite in an empty folder; default `make_trees_of`.

    Raises:
        BootError: It cannot be made; the message says why.
    """
    cache = cache or cache_root()
    folder = _folder(image, cache)
    cache.mkdir(parents=True, exist_ok=True)
    with held(cache / f"{SUITES[image]}.lock", "makes the droplets' systems", say):
        fault = _fault(folder)
        if not fault:
            return folder
        say(f"Making the root of {image} from Debian's packages, because it is {fault} …")
        _remove_old(SUITES[image], cache)
        with tempfile.TemporaryDirectory(prefix=f"{SUITES[image]}.half-", dir=cache) as half:
            made = Path(half) / "root"
            made.mkdir()
            (make_trees or make_trees_of)(SUITES[image], made, say)
            (made / _MANIFEST).write_text(json.dumps(_manifest(made), indent=1))
            made.rename(folder)
        say(f"  made: {folder}")
    return folder


def hold(folder: Path) -> int:
    """Keep a root from being removed, as long as the descriptor that is returned is open."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


def recipe(suite: str) -> str:
    """Return what a root is made from, as a text that changes whenever that does."""
    files = {
        str(path.relative_to(_RECIPE)): (
            str(path.readlink()) if path.is_symlink() else path.read_text(encoding="utf-8")
        )
        for path in sorted(_RECIPE.rglob("*"))
        if path.is_symlink() or path.is_file()
    }
    lists = (_IMAGE_PACKAGES, _PROXY_PACKAGES, _OWN_PACKAGES, SERVICES, _LEFT_OUT)
    return json.dumps([suite, lists, files])


def sources(suite: str, targets: str) -> list[str]:
    """Return the apt sources of a suite, from those that the machine has for its own.

    Args:
        suite: Code name of the release.
        targets: What the machine's sources are: a line each of address, suite and component.

    Returns:
        Lines of a `sources.list`; none where the machine has no source of Debian's.
    """
    lines: list[str] = []
    for target in targets.splitlines():
        address, release, component = target.split()
        _, _, pocket = release.partition("-")
        if component == "main" and pocket in _POCKETS:
            name = f"{suite}-{pocket}" if pocket else suite
            lines.append(f"deb [signed-by={_KEYRING}] {address} {name} main")
    return list(dict.fromkeys(lines))


def _folder(image: str, cache: Path) -> Path:
    """Return where the root of an image is or will be.

    Raises:
        BootError: The lab has no root for it.
    """
    if image not in SUITES:
        raise BootError(
            f"The image is {image or 'missing'}; the lab boots {' and '.join(SUITES)}. "
            "Use one of these."
        )
    digest = hashlib.sha256(recipe(SUITES[image]).encode()).hexdigest()
    return cache / f"{SUITES[image]}-{digest[:16]}"


def _fault(folder: Path, trees: Collection[str] = _TREES) -> str:
    """Return what is wrong with trees of a root, empty if nothing is."""
    try:
        kept = json.loads((folder / _MANIFEST).read_text())
    except FileNotFoundError:
        return "missing"
    except ValueError:
        return "damaged"
    digests: dict[str, str] = kept.get("trees", {})
    whole = all(digests.get(name) == digest(folder / name) for name in trees)
    return "" if whole else "damaged"


def _manifest(folder: Path) -> Mapping[str, object]:
    """Return what a root consists of: packages with their versions, and a digest of each tree."""
    trees = {name: folder / name for name in _TREES}
    listed = _output(
        *("dpkg-query", f"--admindir={trees['ready'] / 'var/lib/dpkg'}", "--show"),
        "--showformat=${Package} ${Version}\n",
    )
    return {
        "packages": dict(line.split() for line in listed.splitlines()),
        "trees": {name: digest(tree) for name, tree in trees.items()},
    }


def digest(tree: Path) -> str:
    """Return a digest of a tree: of the name, kind, rights, size and time of change of each file.

    Not of what is in the files, because that takes seconds and this is asked at each boot.
    """
    checksum = hashlib.sha256()
    for line in _entries(str(tree)):
        checksum.update(line.encode(errors="surrogateescape"))
    return checksum.hexdigest()


def _entries(folder: str) -> Iterator[str]:
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda each: each.name):
            status = entry.stat(follow_symlinks=False)
            yield f"{entry.path[len(folder) :]} {status.st_mode} {status.st_uid} {status.st_gid} "
            if entry.is_dir(follow_symlinks=False):
                yield from _entries(entry.path)
                yield "..\n"
            else:
                yield f"{status.st_size} {status.st_mtime_ns}\n"


def _remove_old(suite: str, cache: Path) -> None:
    """Remove the roots of a suite that no droplet holds, and what killed makers left."""
    for folder in cache.glob(f"{suite}[-.]*"):
        if not folder.is_dir():
            continue
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            shutil.rmtree(folder)
        finally:
            os.close(descriptor)


def make_trees_of(suite: str, made: Path, say: Say, program: str = "mmdebstrap") -> None:
    """Make both trees.

    Args:
        suite: Code name of the release.
        made: Where, an empty folder.
        say: Gets a line for each step.
        program: What makes a Debian system of packages.

    Raises:
        BootError: A program is missing, or a package, or who calls is not root.
    """
    if os.geteuid() != 0:
        raise BootError(f"The user is number {os.geteuid()}; only root, number 0, can. Use sudo.")
    try:
        maker = str(find_program(program))
    except FileNotFoundError as error:
        raise BootError(str(error)) from error
    prepare = (
        f'{_RECIPE / "prepare.sh"} "$1" {_RECIPE / "files"} '
        f"'{' '.join(_PROXY_PACKAGES)}' '{' '.join(_OWN_PACKAGES)}'"
    )
    _run(
        say,
        *(maker, "--variant=minbase", f"--include={','.join(_IMAGE_PACKAGES)}"),
        # What is half written when the machine fails is made again.
        "--dpkgopt=force-unsafe-io",
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in _LEFT_OUT),
        *(f"--aptopt={option}" for option in _apt_options()),
        *(f"--customize-hook=sh {prepare}", suite, str(made / "bare")),
        *sources(suite, _targets()),
    )
    say("  installing the proxy's packages")
    before = digest(made / "bare")
    trees = (str(made / "bare"), str(made / "ready"))
    lists = (" ".join(_PROXY_PACKAGES), " ".join(SERVICES))
    _run(say, "sh", str(_RECIPE / "install.sh"), *trees, *lists)
    if digest(made / "bare") != before:
        raise BootError("The root is changed by what installs the packages; that is a mistake.")


def _targets() -> str:
    form = "--format=$(REPO_URI) $(RELEASE) $(COMPONENT)"
    return _output("apt-get", "indextargets", form, "Origin: Debian", "Created-By: Packages")


def _apt_options() -> Iterable[str]:
    """Return how the machine's apt reaches its sources."""
    lines = _output("apt-config", "dump").splitlines()
    return [f'{match[1]} "{match[2]}"' for line in lines if (match := _APT_OPTIONS.fullmatch(line))]


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _run(say: Say, *command: str) -> None:
    """Run a command that ends, with all that it started, when this process does.

    Raises:
        BootError: It failed.
    """
    alone = (
        *(str(find_program("setpriv")), "--pdeathsig", "KILL", "--"),
        *(str(find_program("unshare")), "--mount", "--pid", "--fork", "--mount-proc"),
        *("--kill-child=SIGKILL", "--"),
    )
    log_lines: list[str] = []
    with subprocess.Popen(
        [*alone, *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        for line in process.stdout or ():
            log_lines = [*log_lines[-20:], line.strip()]
            if match := _STEP.fullmatch(line.strip()):
                say(f"  {match[1]}")
    if process.returncode != 0:
        raise BootError(
            f"The root cannot be made: {' | '.join(log_lines[-5:])}. It needs the Debian packages "
            "of the release from the machine's apt sources, and 1 GB of disk. Mend that, and run "
            f"{COMMAND} again."
        )
