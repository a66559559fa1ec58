"""What `adopt` and `release` have in common: options in, a plan or what was done out."""

import json
import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import typer
from rich.console import Console

from rollout.faults import WrongUseError
from rollout.handover import backup as backups
from rollout.handover.carrying_out import HandoverReport, Surfaces, carry_out, planned
from rollout.handover.edge_state import of_export
from rollout.handover.exchange import Exchange, HandoverVerb
from rollout.handover.pulumi_stack import PulumiStack, StateError, selected_stack
from rollout.handover.situation import Situation, Stack, read_situation
from rollout.handover.undo import described, undoing
from rollout.records.record_sets import RecordSet
from rollout.records.zone import RecordsError, UnclearError, Zone, find_zone
from rollout.stack_file import find_stack_file

REFUSED, WRONG_USE, COULD_NOT_TELL, INTERRUPTED = 1, 2, 3, 130

_OTHERWISE: Final = "Its hostnames, zone and dns.records have to be there in plain text."


@dataclass(frozen=True)
class HandoverOptions:
    """What the user gave."""

    stack: str | None
    """Name of the stack; None: the one that is selected."""
    yes: bool
    """Whether to do it, and not only to show it."""
    as_json: bool
    """Whether to print JSON."""
    backup: Path | None
    """Where the backup goes; None: into the current folder."""
    undo: Path | None
    """The backup to put back; None: none."""


Plan = Callable[[Situation, Any], tuple[Exchange, Iterable[str]]]
"""From the situation and a boto3 session to the exchange, and what to know of it."""


def run_verb(verb: HandoverVerb, options: HandoverOptions, plan: Plan) -> None:
    """Run a verb, print what it plans or did, and end with its exit code.

    Args:
        verb: The verb.
        options: What the user gave.
        plan: What it is about.

    Raises:
        typer.Exit: Always.
    """
    errors = Console(stderr=True, emoji=False, markup=False, highlight=False)

    def say(line: str) -> None:
        errors.print(line, soft_wrap=True)

    try:
        import boto3.session  # noqa: PLC0415 - takes longer than everything before it

        report = hand_over(verb, options, plan, boto3.session.Session(), say)
    except WrongUseError as error:
        say(str(error))
        raise typer.Exit(WRONG_USE) from error
    except UnclearError as error:
        say(f"{error}. Run the same command again: it sees what was done already.")
        raise typer.Exit(COULD_NOT_TELL) from error
    except (RecordsError, StateError) as error:
        say(f"Nothing was changed: {error}")
        raise typer.Exit(REFUSED) from error
    except KeyboardInterrupt:
        again = "Run the same command again: it sees what was done already."
        say(f"Interrupted. {again}" if options.yes else "Interrupted; nothing was changed.")
        raise typer.Exit(INTERRUPTED) from None
    for problem in report.problems:
        say(problem)
    print(report.model_dump_json(by_alias=True, indent=2) if options.as_json else words(report))
    raise typer.Exit(report.exit_code)


def hand_over(
    verb: HandoverVerb,
    options: HandoverOptions,
    plan: Plan,
    session: Any,
    watch: Callable[[str], None],
    *,
    zone_of: Callable[[Any, str], Zone] = Zone,
    stack_of: Callable[[str | None], Stack] | None = None,
) -> HandoverReport:
    """Plan an exchange, and make it where the user said yes.

    Args:
        verb: The verb.
        options: What the user gave.
        plan: What it is about.
        session: A boto3 session.
        watch: Is called with a line for each thing that is done.
        zone_of: Returns the zone of an id.
        stack_of: Returns the stack of a name; None: of the project in the current folder.

    Raises:
        WrongUseError: It cannot be done; nothing was changed.
        RecordsError: Route 53 refused; nothing was changed.
        UnclearError: Route 53 gave no answer, and it cannot be told what it did.
        StateError: The state cannot be read; nothing was changed.
    """
    now = datetime.now(UTC)
    stack = (stack_of or _stack)(options.stack)
    notes: Sequence[str] = ()
    backup: Path | None = None
    if options.undo is not None:
        kept = backups.read(options.undo)
        edge = of_export(stack.state.export(), stack.name)
        zone_id, _ = find_zone(session, stack.file.zone)
        zone = zone_of(session, zone_id)
        records = zone.records(kept.hostnames)
        exchange = undoing(kept, verb, stack.name, zone_id, records)
    else:
        situation, zone = read_situation(stack, session, zone_of)
        exchange, found = plan(situation, session)
        notes, edge = list(found), situation.edge
        backup = options.backup or backups.default_path(exchange, now, Path.cwd())
    surfaces = Surfaces(stack, edge, zone, watch)
    report = planned(exchange, surfaces, undo=options.undo is not None)
    report.notes += notes
    if options.yes:
        carry_out(exchange, surfaces, backup, now, report)
    return report


def addresses_of(name: str) -> frozenset[str]:
    """Return the addresses of a name, resolved from here.

    Raises:
        OSError: They cannot be resolved.
    """
    found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return frozenset(str(address[0]) for *_, address in found)


def _stack(name: str | None) -> Stack:
    folder = Path.cwd()
    name = name or selected_stack(folder)
    file = find_stack_file(name, folder, _OTHERWISE)
    return Stack(name, file, PulumiStack(name, folder))


def words(report: HandoverReport) -> str:
    """Return what is planned or was done, for people."""
    again = " ".join(
        (
            f"dualstack {report.verb} --stack {report.stack}",
            *(("--undo FILE",) if report.undo else ()),
            "--yes",
        )
    )
    rows = [f"Stack {report.stack}, zone {report.zone} ({report.zone_id})"]
    if report.changes_nothing:
        return "\n".join([*rows, "All is as it is to be; nothing changes.", *report.notes])
    if report.delete or report.create:
        rows.append("In one change batch:")
        rows += [f"  - {described(RecordSet(each))}" for each in report.delete]
        rows += [f"  + {described(RecordSet(each))}" for each in report.create]
    if report.declared_before != report.declared_after:
        rows.append(
            f"In the stack's file: dns.records {report.declared_before} → {report.declared_after}"
        )
    if report.forget:
        rows.append(f"In the state: {len(report.forget)} records leave it; the zone keeps them")
    if report.take_over:
        rows.append(f"In the state: {len(report.take_over)} records are imported")
    rows += report.notes
    if not report.done:
        return "\n".join([*rows, f"Nothing was changed. Do it with: {again}"])
    if report.commit:
        rows.append(f"Write these lines into the stack's file:\n{report.commit}")
    if report.backup:
        rows.append(f"To put back what was there: dualstack {report.verb} --undo {report.backup}")
    if report.problems:
        rows.append("Not all of it was done.")
    else:
        rows.append("Done. Commit the stack's file: the next pulumi up from it changes nothing.")
    return "\n".join(rows)


def schema() -> str:
    """Return the JSON schema of what both verbs print."""
    return json.dumps(HandoverReport.model_json_schema(mode="serialization"), indent=2) + "\n"
