"""The process of a plugin: how it ends."""

import subprocess
import sys
from typing import Final

SIGNALLED_ELSEWHERE: Final = """
import signal, threading, time
from sandbox.plugins.process import serve
from sandbox.plugins.random.random_package import random_package

def signal_here():
    while signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        time.sleep(0.01)
    time.sleep(0.5)
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

threading.Thread(target=signal_here, daemon=True).start()
serve(random_package(), [])
"""
"""A plugin whose SIGTERM does not interrupt the thread that waits for it."""


def test_a_signal_that_does_not_interrupt_the_wait_ends_the_plugin() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SIGNALLED_ELSEWHERE],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 0
