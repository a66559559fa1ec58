"""The page about the verbs of `dualstack`, made from what their own help is made of."""

import re
from collections.abc import Iterator
from typing import Any, Final

from typer.core import TyperArgument, TyperGroup
from typer.main import get_command

from rollout import cli

HEAD: Final = f"""\
# Verbs

<!-- Made from the command's own help by `make docs`; do not edit. -->

{cli.HELP}

    dualstack VERB [OPTIONS]

In a checkout the command is `.venv/bin/dualstack`. Every verb takes `-h` and `--help`.
`dualstack --version` prints the version, and `dualstack --install-completion` has the shell that it
is called from complete words.

Exit codes of every verb: 0 done or passed; 1 the check failed; 2 wrong use or wrong configuration;
3 could not tell, or the command broke.
"""


def page() -> str:
    """Return the page as Markdown."""
    return "\n".join([HEAD, *(line for verb in cli.VERBS for line in _verb(verb))])


def _verb(verb: cli.Verb) -> Iterator[str]:
    command = get_command(cli.load(verb))
    needs = f"Needs the extra `{verb.extra}`." if verb.extra else "Needs a checkout."
    context = command.make_context(f"dualstack {verb.name}", [], resilient_parsing=True)
    yield from _section(command, context, 2, needs)


def _section(command: Any, context: Any, level: int, *more: str) -> Iterator[str]:
    """Yield what is said of a command and of those below it.

    Args:
        command: What typer made; its class is one of typer's own, whose name is private.
        context: Of the command, as its own help has it.
        level: Of its heading.
        more: Paragraphs that follow its help.
    """
    yield f"{'#' * level} `{context.command_path}`\n"
    for paragraph in (*(command.help or "").split("\n\n"), *more):
        yield f"{_text(paragraph)}\n"
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    yield f"    {re.sub(r'[{}]', '', usage)}\n"
    panels: dict[str, list[str]] = {}
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None and "--help" not in parameter.opts:
            kind = "Arguments" if isinstance(parameter, TyperArgument) else "Options"
            panel = parameter.rich_help_panel or kind
            panels.setdefault(panel, []).append(_row(parameter, *record))
    for panel, rows in panels.items():
        yield "\n".join([f"| {panel} | Meaning | Default |", "| --- | --- | --- |", *rows, ""])
    if isinstance(command, TyperGroup):
        for name in command.list_commands(context):
            inner: Any = command.get_command(context, name)
            if not inner.hidden:
                below = inner.make_context(name, [], parent=context, resilient_parsing=True)
                yield from _section(inner, below, level + 1)


def _row(parameter: Any, names: str, meaning: str) -> str:
    """Return a row about an argument or option, of which typer adds facts in brackets."""
    meaning, _, facts = meaning.partition("  [")
    told = {
        name: value
        for name, _, value in (fact.partition(": ") for fact in facts.removesuffix("]").split("; "))
    }
    if "env var" in told:
        meaning += f" From the environment: `{told['env var']}`."
    default = "required" if "required" in told else told.get("default", "")
    if isinstance(parameter, TyperArgument):
        names = parameter.metavar or names
    return f"| `{names}` | {_text(meaning)} | {default} |"


def _text(words: str) -> str:
    """Return words on one line, without what Markdown or a table would read as its own."""
    return re.sub(r"([|<*])", r"\\\1", " ".join(words.split()))
