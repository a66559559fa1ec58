"""`dualstack status`: how the clouds, the stack and its edge stand, and what differs."""

import sys
import time
from datetime import UTC, datetime
from typing import Annotated, Final

import typer
from rich.console import Console

from components.faults import Fault, shown
from rollout.faults import WrongUseError
from rollout.status import report
from rollout.status.asking import ask_all, sections_of_rooms
from rollout.status.room import StatusRequest

WRONG_USE: Final = 2
SECONDS: Final = 20.0
MOST_SECONDS: Final = 600.0
"""The longest time limit; whoever looks on waits no longer."""

app = typer.Typer(add_completion=False, context_settings={"help_option_names": ["-h", "--help"]})


@app.command()
def status(
    *,
    stack: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The stack. Default: the one selected in this folder, or else the sandbox's.",
        ),
    ] = None,
    outputs: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="In place of a stack: its outputs, as `pulumi stack output --json` prints them; "
            "- is standard input.",
        ),
    ] = None,
    time_limit: Annotated[
        float,
        typer.Option(metavar="SECONDS", help="What has no answer after this time cannot be told."),
    ] = SECONDS,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object to standard output.")
    ] = False,
) -> None:
    """Tell how clouds, stack, weights, certificate, distribution, proxies and lab stand.

    Nothing changes. Exit codes: 0 all is well; 1 something is wrong or differs; 2 wrong use; 3
    something could not be told.
    """
    began, asked = time.monotonic(), datetime.now(UTC)
    request = StatusRequest(stack, outputs, time_limit)
    try:
        _check(request)
        sections = ask_all(sections_of_rooms(request), time_limit)
    except WrongUseError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(WRONG_USE) from None
    made = report.make(sections, asked=asked, seconds=time.monotonic() - began)
    if as_json:
        print(report.as_json(made))
    else:
        report.show(made, Console(emoji=False, markup=False, highlight=False))
    raise typer.Exit(made.exit_code)


def _check(request: StatusRequest) -> None:
    """Say what is wrong with the options.

    Raises:
        WrongUseError: Something is; with every fault.
    """
    faults: list[Fault] = []
    if request.stack is not None and request.outputs is not None:
        found = f"given beside --outputs {request.outputs}"
        faults.append(
            Fault(f"--stack {request.stack}", found, "one of them is enough", "Keep one of them.")
        )
    if not 0 < request.seconds <= MOST_SECONDS:
        allowed = f"it should be above 0 and at most {MOST_SECONDS:g} seconds"
        remedy = f"Leave it out for {SECONDS:g}."
        faults.append(Fault("--time-limit", shown(request.seconds), allowed, remedy))
    if faults:
        raise WrongUseError(faults)
