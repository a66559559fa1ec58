"""`dualstack release`: weighted records become plain ones of the path that has everybody."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from rollout.handover.exchange import Exchange
from rollout.handover.situation import Situation
from rollout.handover.verb import HandoverOptions, run_verb
from rollout.release.plan import letting_go

app = typer.Typer(add_completion=False, context_settings={"help_option_names": ["-h", "--help"]})


@app.command()
def release(
    *,
    stack: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            envvar="PULUMI_STACK",
            help="The stack. Without it, the one that is selected.",
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it. Without it, only show it.")] = False,
    undo: Annotated[
        Path | None,
        typer.Option(
            metavar="BACKUP", help="Put back what a backup has, where nobody changed it since."
        ),
    ] = None,
    backup: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Where the backup goes. Without it, a file of this folder that is named after "
            "the stack and the time.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the plan, or what was done, as JSON.")
    ] = False,
) -> None:
    """Make plain records of the stack's weighted ones, of the path that has everybody.

    Works at 100/0 and at 0/100 only. Shows what it would do, and changes nothing without --yes.
    With it: a backup, one change batch, a wait until all name servers have it, dns.records simple
    in the stack's file, and the records in the stack's state. A run that was killed is run again.

    Exit codes: 0 done, or planned; 1 refused by Route 53 or Pulumi; 2 wrong use, or users on both
    paths; 3 it could not be told what was done.
    """

    def plan(situation: Situation, _: Any) -> tuple[Exchange, Iterable[str]]:
        return letting_go(situation), ()

    run_verb("release", HandoverOptions(stack, yes, as_json, backup, undo), plan)
