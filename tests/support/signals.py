"""Signals as a terminal's shell leaves them, however the tests were started.

`nohup`, and a script's `&`, start a process that ignores SIGHUP and SIGINT. Whatever that process
starts ignores them too, so a test that presses Ctrl-C waits for an end that never comes.
"""

import signal
from types import FrameType


def restore() -> None:
    """Take signals that are ignored, so that what the tests start takes them by default.

    An interrupt ends the tests. A hang-up does not: `nohup` asks for that, and a handler, unlike
    "ignored", is not passed on to other programs.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _carry_on)


def _carry_on(_number: int, _frame: FrameType | None) -> None:
    pass
