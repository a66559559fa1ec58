"""The `dualstack` command.

Verbs live beside what they do and are found through the entry points `dualstack.commands`, so that
`rollout` never imports `sandbox` and a machine without the sandbox's extra still has the rest.

Exit codes: 0 done or passed; 1 the check failed; 2 wrong use or wrong configuration; 3 could not
tell.
"""

from importlib.metadata import entry_points

import typer


def build() -> typer.Typer:
    """Return the command with every installed verb."""
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

    for verb in sorted(entry_points(group="dualstack.commands"), key=lambda found: found.name):
        app.add_typer(verb.load(), name=verb.name)
    return app


def main() -> None:
    """Run `dualstack`."""
    build()()
