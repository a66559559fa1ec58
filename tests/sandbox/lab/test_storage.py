"""The lab's S3 answers what everybody may read, and denies everything else."""

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.lab import storage
from sandbox.lab.deployed import Deployed, DeployedBucket
from sandbox.lab.trust import Trust
from support.deployed import planned
from support.waiting import wait_until

ODD = 'a b"c$d.txt'
BUCKET = DeployedBucket("edge-switch", "eu-west-1", {"drain": "words\n", ODD: "odd"})


def test_a_lab_without_buckets_has_no_such_host(tmp_path: Path) -> None:
    names = {host.name for host in planned(tmp_path, Deployed()).hosts}
    with_buckets = {host.name for host in planned(tmp_path, Deployed(buckets=(BUCKET,))).hosts}
    assert with_buckets - names == {"storage"}


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Path]:
    """Run the program at sockets of the file system, where no port is needed; yield their folder.

    The path of a socket has 107 bytes at most.
    """
    chain_and_key = Trust(tmp_path / "trust").issue([BUCKET.host])
    folder = tmp_path / "storage"
    folder.mkdir()
    program = storage.program(
        "storage", [BUCKET], {frozenset({BUCKET.host}): chain_and_key}, folder
    )
    with tempfile.TemporaryDirectory(prefix="s3-") as sockets:
        listens = {
            "listen 80;": f"listen unix:{sockets}/http;",
            "listen 443 ssl;": f"listen unix:{sockets}/https ssl;",
            f"listen 127.0.0.1:{storage.READY_PORT};": f"listen unix:{sockets}/ready;",
        }
        for path, text in program.files.items():
            for listen, socket in listens.items():
                text = text.replace(listen, socket)  # noqa: PLW2901 - one after the other
            path.write_text(text)
        process = subprocess.Popen(program.command, stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: curl(Path(sockets) / "ready", program.ready[-1])[0] == 204)
            yield Path(sockets)
        finally:
            process.terminate()
            process.wait(10)


def curl(socket: Path, url: str) -> tuple[int, str]:
    """Return the status and the body of an answer; 0: there was none."""
    words = ("curl", "--silent", "--insecure", "--unix-socket", str(socket))
    asked = (*words, "--write-out", "\n%{http_code}", url)
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/drain", 200, "words\n"),
        ("/a%20b%22c$d.txt", 200, "odd"),
        ("/else", 403, storage.DENIED),
        ("/", 403, storage.DENIED),
        ("/drain/more", 403, storage.DENIED),
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_what_is_there_is_answered_and_all_else_denied(
    served: Path, scheme: str, path: str, status: int, body: str
) -> None:
    assert curl(served / scheme, f"{scheme}://{BUCKET.host}{path}") == (status, body)
