"""`dualstack adopt`: what serves the hostnames becomes the stack's weighted records."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from rollout.adopt.account_checks import alias_conflicts, certificate_faults
from rollout.adopt.plan import adoption, notes, pending
from rollout.aws import AccountReader
from rollout.handover.exchange import Exchange
from rollout.handover.situation import Situation
from rollout.handover.verb import HandoverOptions, addresses_of, run_verb
from rollout.probe.sockets import Sockets

app = typer.Typer(add_completion=False, context_settings={"help_option_names": ["-h", "--help"]})


@app.command()
def adopt(
    *,
    stack: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            envvar="PULUMI_STACK",
            help="The stack, deployed with dns.records none. Without it, the one that is selected.",
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
    skip_certificate: Annotated[
        bool,
        typer.Option(
            "--skip-certificate",
            help="Do not look at the certificate that the distribution shows: where this machine "
            "cannot reach it.",
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the plan, or what was done, as JSON.")
    ] = False,
) -> None:
    """Take over what serves the hostnames as weighted records of the stack, without a gap.

    Shows what it would do, and changes nothing without --yes. With it: a backup, one change batch,
    a wait until all name servers have it, dns.records weighted in the stack's file, and the records
    in the stack's state. A run that was killed is run again.

    Exit codes: 0 done, or planned; 1 refused by Route 53 or Pulumi; 2 wrong use, or a name that
    cannot be taken over; 3 it could not be told what was done.
    """

    def plan(situation: Situation, session: Any) -> tuple[Exchange, Iterable[str]]:
        names = pending(situation)
        faults = list(alias_conflicts(AccountReader(session), situation.edge, names))
        if not skip_certificate:
            faults += certificate_faults(
                Sockets(), situation.edge, names, lambda: datetime.now(UTC)
            )
        return adoption(situation, addresses_of, faults), notes(situation) if names else ()

    run_verb("adopt", HandoverOptions(stack, yes, as_json, backup, undo), plan)
