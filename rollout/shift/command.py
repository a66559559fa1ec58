"""`dualstack shift`: live traffic led back to the old path."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from components.faults import Fault, shown
from rollout.edge import dns_name
from rollout.faults import WrongUseError
from rollout.records.zone import RecordsError, UnclearError
from rollout.shift.abort import AbortReport, Moved, abort_direct
from rollout.stack_file import find_stack_file

REFUSED, WRONG_USE, COULD_NOT_TELL = 1, 2, 3

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def shift() -> None:
    """Lead live traffic back to the old path."""


@app.command()
def abort(
    *,
    direct: Annotated[
        bool, typer.Option("--direct", help="Write the weights 100 and 0 with Route 53 alone.")
    ] = False,
    stack: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            envvar="PULUMI_STACK",
            help="The stack whose file, Pulumi.NAME.yaml, says the hostnames and the zone, and "
            "gets the weights. Pulumi itself is not asked.",
        ),
    ] = None,
    zone: Annotated[
        str | None, typer.Option(metavar="ZONE", help="By hand: id or name of the hosted zone.")
    ] = None,
    hostname: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="By hand: a name of the API; may be repeated."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was done as JSON.")] = False,
) -> None:
    """Lead everybody back to the old path, at once.

    Needs Route 53 and the credentials for it: no engine, no plugin, no backend, no lock.

    Exit codes: 0 done; 1 Route 53 refused, and nothing was changed; 2 wrong use; 3 it could not be
    told whether all name servers have it.
    """
    errors = Console(stderr=True, emoji=False, markup=False, highlight=False)
    try:
        moved = _moved(stack, zone, tuple(hostname or ()), direct=direct)
        import boto3.session  # noqa: PLC0415 - takes longer than everything before it

        report = abort_direct(
            moved, boto3.session.Session(), lambda line: errors.print(line, soft_wrap=True)
        )
    except WrongUseError as error:
        errors.print(str(error), soft_wrap=True)
        raise typer.Exit(WRONG_USE) from error
    except UnclearError as error:
        errors.print(f"{error}. Try again: what is done already is not done twice.", soft_wrap=True)
        raise typer.Exit(COULD_NOT_TELL) from error
    except RecordsError as error:
        errors.print(f"Nothing was changed: {error}", soft_wrap=True)
        raise typer.Exit(REFUSED) from error
    for warning in report.warnings:
        errors.print(warning, soft_wrap=True)
    print(report.model_dump_json(by_alias=True, indent=2) if as_json else _words(report))
    raise typer.Exit(report.exit_code)


def _moved(
    stack: str | None, zone: str | None, hostnames: tuple[str, ...], *, direct: bool
) -> Moved:
    """Return what is to be moved back.

    Raises:
        WrongUseError: It is not said, or said twice; with every fault.
    """
    faults: list[Fault] = []
    if not direct:
        faults.append(Fault("How to abort", "not given", "it should be --direct", "Add --direct."))
    by_hand = bool(zone or hostnames)
    if by_hand and not (zone and hostnames):
        missing = "--hostname" if zone else "--zone"
        faults.append(
            Fault(missing, "not given", "--zone and --hostname go together", f"Add {missing}.")
        )
    names: list[str] = []
    for name in hostnames:
        try:
            names.append(dns_name(name))
        except ValueError as error:
            faults.append(Fault("--hostname", shown(name), str(error), "Give its name in DNS."))
    if not by_hand and not stack:
        faults.append(
            Fault(
                "The stack",
                "not given",
                "it is named by --stack or PULUMI_STACK: Pulumi is not asked which is selected",
                "Add --stack NAME, or --zone and --hostname.",
            )
        )
    if faults:
        raise WrongUseError(faults)
    if zone:
        return Moved(tuple(dict.fromkeys(names)), zone)
    file = find_stack_file(stack or "", Path.cwd())
    return Moved(file.hostnames, file.zone, file)


def _words(report: AbortReport) -> str:
    """Return what was done, for people."""
    rows = [
        f"{name.family:4}  {name.hostname}: direct {name.before[0]}, cdn {name.before[1]}"
        f" → direct {name.after[0]}, cdn {name.after[1]}"
        for name in report.names
    ]
    if report.change_id is None:
        rows.append("All weights were 100 and 0 already; nothing was sent.")
    elif report.insync:
        rows.append(f"All name servers of the zone have it (change {report.change_id}).")
    rows.append(
        "Resolvers and clients keep old answers for their TTL, some for longer: keep CloudFront "
        "reachable."
    )
    if report.file:
        rows.append(f"{report.file} has these weights. Commit it: an older one undoes this.")
    if report.commit:
        rows.append(f"Write these lines into the stack's file, and commit them:\n{report.commit}")
    return "\n".join(rows)


def schema() -> str:
    """Return the JSON schema of what it prints, `docs/schemas/shift-abort.json`."""
    return json.dumps(AbortReport.model_json_schema(mode="serialization"), indent=2) + "\n"
