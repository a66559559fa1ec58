"""The `dualstack` command.

A verb lives beside what it does and is imported when it is called: the packages that it needs come
with an extra, which a plain install does not have, and a small check runs quicker than all verbs
are imported. So nothing but the standard library is imported here, and the verbs are listed by
name: `rollout` never imports `sandbox`, which only a checkout has.

Exit codes: 0 done or passed; 1 the check failed; 2 wrong use or wrong configuration; 3 could not
tell, or the command broke; 130 interrupted. No error of Python's is shown as a traceback: what
cannot be written, or is somebody else's, is said in a sentence, and what nobody foresaw goes into a
file.
"""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import typer

HELP: Final = "A dual-stack edge for an IPv4-only API: try it, prove it, move traffic to it."
ROOMS: Final = Path(__file__).resolve().parents[1]
"""The folder of the project's packages: the checkout, or where the wheel is installed."""

WRONG_USE, BROKEN, INTERRUPTED = 2, 3, 130
_STDERR: Final = 2
"""The greatest number of a standard file."""


@dataclass(frozen=True)
class Verb:
    """A verb of the command.

    Attributes:
        name: Its name.
        module: The module that has its `app`, a `typer.Typer`.
        help: The line that `dualstack --help` shows; the first line of the verb's own help.
        extra: The extra of this distribution that it needs; none: it needs a checkout.
        later: Packages of the extra that it imports only once a run needs them: together they take
            longer than all else that it imports.
    """

    name: str
    module: str
    help: str
    extra: str | None = None
    later: tuple[str, ...] = ()


VERBS: Final = (
    Verb("sandbox", "sandbox.cli", "A cloud on this machine, and the edge deployed to it."),
    Verb(
        "adopt",
        "rollout.adopt.command",
        "Take over what serves the hostnames as weighted records of the stack, without a gap.",
        extra="rollout",
        later=("boto3",),
    ),
    Verb(
        "verify",
        "rollout.verify.command",
        "Compare the direct path and cdn from here, over IPv4 and IPv6: requests, caches, DNS, "
        "reach.",
        extra="rollout",
        later=("boto3", "jsonref", "junitparser", "numpy", "openapi_pydantic", "scipy"),
    ),
    Verb(
        "simulate",
        "rollout.simulate.command",
        "Tell who meets a change of weight, for how long, and what a step can show.",
        extra="rollout",
        later=("numpy", "scipy"),
    ),
    Verb(
        "report",
        "rollout.report.command",
        "Write one page about the plan of a shift: shares, exposure, what each step can show.",
        extra="rollout",
        later=("jinja2", "matplotlib", "numpy", "scipy"),
    ),
    Verb(
        "shift",
        "rollout.shift.command",
        "Lead live traffic back to the old path.",
        extra="rollout",
        later=("boto3",),
    ),
    Verb(
        "release",
        "rollout.release.command",
        "Make plain records of the stack's weighted ones, of the path that has everybody.",
        extra="rollout",
        later=("boto3",),
    ),
    Verb(
        "status",
        "rollout.status.command",
        "Tell how clouds, stack, weights, certificate, distribution, proxies and lab stand.",
        extra="rollout",
    ),
)


class UnusableVerbError(Exception):
    """A verb that this install does not have, with what to do about it."""


def usage(verbs: Sequence[Verb] = VERBS, width: int = 80) -> str:
    """Return what `dualstack --help` prints.

    Args:
        verbs: The verbs.
        width: How long a line may be; of fewer than 40 columns a word might not fit in one.
    """
    from textwrap import fill  # noqa: PLC0415 - a verb that is run has no use for it

    width = max(width, 40)
    column = max(len(verb.name) for verb in verbs) + 4
    lines = [
        fill(
            f"{verb.help}{_needs(verb)}",
            width,
            initial_indent=f"  {verb.name:{column - 2}}",
            subsequent_indent=" " * column,
            break_on_hyphens=False,
        )
        for verb in verbs
    ]
    more = (fill(each, width, break_on_hyphens=False) for each in _MORE)
    usage_line = "Usage: dualstack VERB [OPTIONS]"
    return "\n".join([usage_line, "", fill(HELP, width), "", "Verbs:", *lines, "", *more, ""])


def _columns() -> int:
    """Return how wide the terminal is that this writes to."""
    try:
        return int(os.environ.get("COLUMNS", "")) or 80
    except ValueError:
        try:
            return os.get_terminal_size(sys.stdout.fileno()).columns or 80
        except OSError:
            return 80  # as the verbs' own help is, in a file


_MORE: Final = (
    "More about a verb: dualstack VERB --help",
    "Also: dualstack --version, and --install-completion for the shell that it is called from",
)

_COMPLETION: Final = ("--install-completion", "--show-completion")
_COMPLETE: Final = "_DUALSTACK_COMPLETE"
"""Set by the shell that asks what a word may become."""


def _needs(verb: Verb) -> str:
    return f" (extra: {verb.extra})" if verb.extra else " (needs a checkout)"


def load(verb: Verb, rooms: Path = ROOMS) -> "typer.Typer":
    """Import a verb.

    Args:
        verb: The verb.
        rooms: The folder of the project's packages.

    Returns:
        Its `app`: a group of commands, or the one command that the verb is.

    Raises:
        UnusableVerbError: if it needs a checkout, or a package that is not installed.
    """
    room = verb.module.partition(".")[0]
    # Whatever other package is called `sandbox` is not ours.
    if not (rooms / room).is_dir():
        raise UnusableVerbError(
            f"dualstack {verb.name} needs a checkout of dualstack-edge, and this is an installed "
            "package. Clone the project, and there: make up"
        )
    try:
        app: typer.Typer = import_module(verb.module).app
        _require(verb.later)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if (rooms / package).is_dir():
            raise
        mend = (
            f"it comes with the extra `{verb.extra}`. Install it: "
            f"pip install 'dualstack-edge[{verb.extra}]'"
            if verb.extra
            else "it is in the checkout's environment. Make that: make up"
        )
        raise UnusableVerbError(
            f"dualstack {verb.name} needs the package `{package}`, which is not installed; {mend}"
        ) from error
    return app


def _require(packages: Sequence[str]) -> None:
    """Have packages that are not imported yet.

    Raises:
        ModuleNotFoundError: One of them is not installed.
    """
    for name in packages:
        if find_spec(name) is None:
            raise ModuleNotFoundError(name=name)


def main() -> None:
    """Run `dualstack`."""
    _open_what_is_closed()
    _write_what_can_be()
    try:
        try:
            _run(sys.argv[1:])
        finally:
            sys.stdout.flush()  # what cannot be written is told here, not when Python ends
    except KeyboardInterrupt:  # while it was imported
        print("Interrupted.", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except SystemExit as error:
        # A verb with an answer of its own has given it; otherwise typer ends without a word.
        if isinstance(getattr(error.__context__, "__cause__", None), KeyboardInterrupt):
            print("Interrupted.", file=sys.stderr)
        raise
    except BrokenPipeError:
        _give_up_output()
        sys.exit(BROKEN)
    except OSError as error:
        _give_up_output()
        print(_sentence(error), file=sys.stderr)
        sys.exit(BROKEN)
    except Exception as error:  # noqa: BLE001 - whatever it is, a person reads it
        print(_bug(error), file=sys.stderr)
        sys.exit(BROKEN)


def _run(words: Sequence[str]) -> None:
    """Run what the words of a command line say."""
    first = next(iter(words), "")
    verb = next((verb for verb in VERBS if verb.name == first), None)
    if _COMPLETE in os.environ or first in _COMPLETION:
        every_verb()(words[:1], prog_name="dualstack")
    elif verb is not None:
        try:
            app = load(verb)
        except UnusableVerbError as error:
            print(error, file=sys.stderr)
            sys.exit(WRONG_USE)
        app(words[1:], prog_name=f"dualstack {verb.name}")
    elif first in {"--help", "-h"}:
        print(usage(width=_columns()), end="")
    elif first == "--version":
        from importlib.metadata import version  # noqa: PLC0415 - as long as all else here

        print(f"dualstack {version('dualstack-edge')}")
    elif not first:
        print(usage(width=_columns()), end="", file=sys.stderr)
        sys.exit(WRONG_USE)
    else:
        names = ", ".join(verb.name for verb in VERBS)
        print(f"The verb is {first!r}; one of {names}. See: dualstack --help", file=sys.stderr)
        sys.exit(WRONG_USE)


def every_verb() -> "typer.Typer":
    """Return all verbs that this install has as one command, which completion walks through."""
    import typer  # noqa: PLC0415 - a verb that is run brings it

    every = typer.Typer(help=HELP)
    for verb in VERBS:
        try:
            app = load(verb)
        except UnusableVerbError:
            continue
        if app.registered_callback or app.registered_groups or len(app.registered_commands) > 1:
            every.add_typer(app, name=verb.name)
        else:
            every.command(verb.name)(app.registered_commands[0].callback or (lambda: None))
    return every


def _open_what_is_closed() -> None:
    """Have standard files, also where the caller closed some, as `>&-` does.

    What is opened next would take their numbers, and a child's output would go into it.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        os.set_inheritable(number, True)
    os.close(number)
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w")
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w")


def _write_what_can_be() -> None:
    """Let no character end a command: what a terminal lacks is `?`, and file names stay whole."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            unicode = stream.encoding.lower().replace("-", "") == "utf8"
            stream.reconfigure(errors="surrogateescape" if unicode else "replace")


def _give_up_output() -> None:
    """Have Python not try once more to write what could not be written."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())


def _sentence(error: OSError) -> str:
    """Say what the system refused."""
    if error.filename is None:
        return f"The output is not whole: {error.strerror or error}. Write it to another place."
    path = Path(os.fsdecode(error.filename))
    if not isinstance(error, PermissionError):
        return f"{path} cannot be used: {error.strerror}. See that it can be, and try again."
    there = next(each for each in (path, *path.parents) if _is_seen(each))
    owner, user = _user(there.stat().st_uid), _user(os.geteuid())
    if owner == user:
        return (
            f"{there} is closed to {user}, whose it is; it must be open. Try: chmod u+rwX {there}"
        )
    mend = f"Run it as {owner}"
    # Of a folder farther up that cannot be entered, nobody knows what else is in it.
    if there in (path, path.parent) or os.access(there, os.X_OK):
        mend += f", or give it away: sudo chown -R {os.geteuid()} {there}"
    return f"{there} is {owner}'s, and closed to {user}; this command needs it. {mend}"


def _is_seen(path: Path) -> bool:
    """Say whether something is there, and in no folder that is closed to this user."""
    try:
        return path.exists()
    except PermissionError:
        return False


def _user(number: int) -> str:
    from pwd import getpwuid  # noqa: PLC0415 - only where something is refused

    try:
        return getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


def _bug(error: Exception) -> str:
    """Write where something broke into a file, and say so."""
    import tempfile  # noqa: PLC0415 - only where something breaks
    import traceback  # noqa: PLC0415

    with tempfile.NamedTemporaryFile(
        "w", prefix="dualstack-", suffix=".txt", delete=False, encoding="utf-8"
    ) as file:
        traceback.print_exception(error, file=file)
    first = next(iter(str(error).splitlines()), "")
    return (
        f"dualstack broke: {type(error).__name__}: {first}. That is a bug of it. "
        f"Report it with {file.name}, which says where."
    )
