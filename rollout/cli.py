"""The `dualstack` command.

Verbs live beside what they do and are found through the entry points `dualstack.commands`, so that
`rollout` never imports `sandbox` and a machine without the sandbox's extra still has the rest.

Exit codes: 0 done or passed; 1 the check failed; 2 wrong use or wrong configuration; 3 could not
tell.
"""

import sys
from importlib.metadata import entry_points

import typer


def build(first: str = "") -> typer.Typer:
    """Return the command with every installed verb, or with the one that is called.

    The others are not imported then: the sandbox alone takes longer to import than a small check
    takes to run.

    Args:
        first: The first word of the command line; all verbs are there where it is none of theirs.
    """
    app = typer.Typer(
        name="dualstack",
        help="A dual-stack edge for an IPv4-only API: try it, prove it, move traffic to it.",
        no_args_is_help=True,
        pretty_exceptions_show_locals=False,
        add_completion=False,
    )

    # With a callback, a lone verb stays a verb instead of becoming the command itself.
    @app.callback()
    def root() -> None:  # pyright: ignore[reportUnusedFunction] - typer keeps it
        pass

    verbs = sorted(entry_points(group="dualstack.commands"), key=lambda found: found.name)
    for verb in [found for found in verbs if found.name == first] or verbs:
        add(app, verb.load(), verb.name)
    return app


def add(app: typer.Typer, verb: typer.Typer, name: str) -> None:
    """Add a verb: a group of commands, or the one command that it is.

    Args:
        app: The command it is added to.
        verb: What its module has; with one command and no callback it is that command.
        name: What it is called.
    """
    alone = len(verb.registered_commands) == 1 and verb.registered_callback is None
    callback = verb.registered_commands[0].callback if alone else None
    if callback is None:
        app.add_typer(verb, name=name)
    else:
        app.command(name)(callback)


def main() -> None:
    """Run `dualstack`."""
    build(next(iter(sys.argv[1:]), ""))()
