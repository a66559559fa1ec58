"""How a lab that is open is found, and what one that is stuck answers."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandbox.lab.door import NOTE, SOCKET, Door, LabError, start_ticks


def test_a_process_starts_when_the_machine_has_run_for_so_long_whatever_the_clock_says() -> None:
    before = time.clock_gettime(time.CLOCK_BOOTTIME)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        started = start_ticks(process.pid) / os.sysconf("SC_CLK_TCK")
        process.kill()
    assert before - 1 < started < time.clock_gettime(time.CLOCK_BOOTTIME) + 1


def test_a_process_may_have_any_name() -> None:
    script = "import pathlib; pathlib.Path('/proc/self/comm').write_text('a) S 1 (b'); "
    command = (sys.executable, "-c", f"{script}print(flush=True); input()")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        before = start_ticks(process.pid)
        assert process.stdout is not None
        process.stdout.readline()
        assert Path(f"/proc/{process.pid}/comm").read_text() == "a) S 1 (b\n"
        assert start_ticks(process.pid) == before
        process.kill()


def test_a_lab_is_the_process_that_was_noted_and_no_later_one_of_its_number(tmp_path: Path) -> None:
    own = {"pid": os.getpid(), "ticks": start_ticks(os.getpid())}
    (tmp_path / NOTE).write_text(json.dumps(own))
    assert Door.find(tmp_path).pid == os.getpid()
    for other in ({**own, "ticks": own["ticks"] - 1}, {**own, "pid": 2**22 + 1}):
        (tmp_path / NOTE).write_text(json.dumps(other))
        with pytest.raises(LabError, match=r"^No lab is open in"):
            Door.find(tmp_path)


def test_a_lab_that_does_not_answer_is_told_of_and_not_waited_for(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        # Over the folder's descriptor: a socket's path has 107 bytes at most.
        folder = os.open(tmp_path, os.O_PATH)
        silent.bind(f"/proc/self/fd/{folder}/{SOCKET}")
        os.close(folder)
        silent.listen()
        door = Door(tmp_path, os.getpid(), answer_seconds=0.2)
        with pytest.raises(LabError) as refused:
            door.wait()
    assert str(refused.value) == (
        f"The lab in {tmp_path} has not answered for 0.2 s; it is stuck. "
        f"See {tmp_path / 'world.log'}, close it, and open it again."
    )
