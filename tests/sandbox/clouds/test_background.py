"""A cloud in the background is started once, found again and ended, whatever happened meanwhile."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import psutil
import pytest

from sandbox.clouds import background, control
from support.waiting import PATIENCE_SECONDS


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    home = tmp_path / "clouds"
    yield home
    background.stop("aws", home)


def answers(url: str) -> bool:
    try:
        with urlopen(f"{url}{control.PATH}settings") as response:  # noqa: S310 loopback
            return response.status == 200
    except URLError:
        return False


def test_it_is_started_found_and_stopped(home: Path) -> None:
    assert background.find("aws", home) is None
    cloud = background.start("aws", home)
    assert cloud.url.startswith("http://127.0.0.1:")
    assert answers(cloud.url)
    assert background.find("aws", home) == cloud
    assert background.start("aws", home) == cloud
    assert background.stop("aws", home)
    assert not psutil.pid_exists(cloud.pid)
    assert not answers(cloud.url)
    assert background.find("aws", home) is None
    assert not background.stop("aws", home)
    assert {path.name for path in home.iterdir()} <= {"aws.log", "aws.lock"}


def test_it_outlives_the_one_who_started_it(home: Path) -> None:
    program = (
        "import sys, pathlib; from sandbox.clouds import background; "
        "print(background.start('aws', pathlib.Path(sys.argv[1])).pid)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(home)], check=True, capture_output=True, text=True
    )
    cloud = background.find("aws", home)
    assert cloud is not None
    assert cloud.pid == int(done.stdout)
    assert os.getsid(cloud.pid) != os.getsid(0)
    assert answers(cloud.url)


def test_one_that_has_an_owner_ends_with_it_however_it_ends(home: Path) -> None:
    with subprocess.Popen(["sleep", "600"]) as owner:
        program = (
            "import os, sys, pathlib; from sandbox.clouds import background; "
            f"os.environ['{background.OWNER_VARIABLE}'] = '{owner.pid}'; "
            "background.start('aws', pathlib.Path(sys.argv[1]))"
        )
        subprocess.run([sys.executable, "-c", program, str(home)], check=True)
        cloud = background.find("aws", home)
        assert cloud is not None
        assert answers(cloud.url)
        owner.kill()
        owner.wait()
        psutil.Process(cloud.pid).wait(timeout=PATIENCE_SECONDS)
    assert background.find("aws", home) is None


def test_of_many_who_start_it_at_once_one_does(home: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        starts = [pool.submit(background.start, "aws", home) for _ in range(4)]
    assert len({start.result() for start in starts}) == 1


def test_one_that_was_killed_is_not_found_and_can_be_started_anew(home: Path) -> None:
    first = background.start("aws", home)
    os.kill(first.pid, signal.SIGKILL)
    psutil.Process(first.pid).wait(10)
    assert background.find("aws", home) is None
    second = background.start("aws", home)
    assert second.pid != first.pid
    assert answers(second.url)


def test_one_that_is_killed_and_not_yet_reaped_is_not_found(home: Path) -> None:
    cloud = background.start("aws", home)
    os.kill(cloud.pid, signal.SIGKILL)
    os.waitid(os.P_PID, cloud.pid, os.WEXITED | os.WNOWAIT)
    assert psutil.Process(cloud.pid).status() == psutil.STATUS_ZOMBIE
    assert background.find("aws", home) is None
    assert not background.stop("aws", home)
    os.waitpid(cloud.pid, 0)


def test_a_process_that_got_the_number_of_a_dead_one_is_left_alone(home: Path) -> None:
    home.mkdir()
    mine = psutil.Process()
    note = {"url": "http://127.0.0.1:1", "pid": mine.pid, "created": mine.create_time() - 60}
    (home / "aws.json").write_text(json.dumps(note))
    assert background.find("aws", home) is None
    assert not background.stop("aws", home)
    assert not (home / "aws.json").exists()


@pytest.mark.parametrize("torn", ["", "{", '{"url": "http://127.0.0.1:1"}', "null"])
def test_a_torn_note_is_no_note(home: Path, torn: str) -> None:
    home.mkdir()
    (home / "aws.json").write_text(torn)
    assert background.find("aws", home) is None
    assert not background.stop("aws", home)


def test_one_that_does_not_start_tells_why(home: Path) -> None:
    with pytest.raises(background.CloudError) as caught:
        background.start("nowhere", home)
    assert "cloud 'nowhere' ended with exit code 1 before it listened" in str(caught.value)
    assert "No module named sandbox.clouds.nowhere" in str(caught.value)
    assert background.find("nowhere", home) is None


def test_one_that_takes_too_long_is_ended(home: Path) -> None:
    with pytest.raises(background.CloudError, match=r"does not listen after 0\.05 s"):
        background.start("aws", home, start_seconds=0.05)
    started = [
        process
        for process in psutil.Process().children()
        if process.status() != psutil.STATUS_ZOMBIE and str(home) in " ".join(process.cmdline())
    ]
    assert started == []
    assert background.find("aws", home) is None


def test_it_ends_at_once_while_clients_are_connected(home: Path) -> None:
    cloud = background.start("aws", home)
    with urlopen(f"{cloud.url}{control.PATH}settings"):  # noqa: S310 loopback
        os.kill(cloud.pid, signal.SIGTERM)
        assert psutil.Process(cloud.pid).wait(5) == 0
    assert "Traceback" not in cloud.log.read_text()
