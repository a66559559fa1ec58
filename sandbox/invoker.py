"""Who called root: under sudo, the engine, its cache and the sandbox's state are that user's.

Root is needed for the lab alone. The rest is done as the user who called, and what root
wrote in the user's folders is given to that user, who could not remove it otherwise.
"""

import os
import pwd
import sys
from pathlib import Path


def invoker() -> pwd.struct_passwd | None:
    """Return who called this root by sudo; None where nobody did."""
    number = os.environ.get("SUDO_UID", "")
    if sys.platform != "linux" or os.geteuid() or not number.isdecimal() or number == "0":
        return None
    return pwd.getpwuid(int(number))


def become_invoker() -> None:
    """Go on as the user who called, for good."""
    if user := invoker():
        os.initgroups(user.pw_name, user.pw_gid)
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)
        os.environ.update(HOME=user.pw_dir, USER=user.pw_name, LOGNAME=user.pw_name)
        os.environ.pop("PYTHONPYCACHEPREFIX", None)  # root's, of the Makefile


def give_to_invoker(folder: Path) -> None:
    """Give a folder and what is in it to the user who called."""
    if user := invoker():
        for root, folders, files in os.walk(folder):
            for name in ("", *folders, *files):
                path = Path(root, name)
                os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)


def cache(part: str, *, of_root: bool = False) -> Path:
    """Return a folder in which something is kept between checkouts.

    Args:
        part: What is kept: `engine`.
        of_root: Whether only root can use it, so that it is not kept in the user's cache.
    """
    from platformdirs import user_cache_path  # noqa: PLC0415 - not for the lab's door

    if user := invoker():
        home = Path(pwd.getpwuid(0).pw_dir if of_root else user.pw_dir)
        kept = None if of_root else os.environ.get("XDG_CACHE_HOME")
        return Path(kept or home / ".cache") / "dualstack-edge" / part
    return user_cache_path("dualstack-edge") / part
