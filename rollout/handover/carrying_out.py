"""An exchange, step by step; each can be repeated, so a run that was killed is run again.

The order is: backup, batch, INSYNC, the setting, the state. Until the state has the records, a
deployment is refused or changes nothing, because what serves is not the stack's; and when it has
them, the setting says so already. Nothing here is undone on failure: what was reached stands, and
the next run goes on from there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from rollout.faults import WrongUseError
from rollout.handover import backup as backups
from rollout.handover.edge_state import EdgeState
from rollout.handover.exchange import Exchange, StateChange, import_file, import_id, state_change
from rollout.handover.pulumi_stack import StateError
from rollout.handover.situation import Stack
from rollout.records.zone import RecordsError, UnclearError, Zone
from rollout.stack_file import declared_lines


class HandoverReport(BaseModel):
    """What `dualstack adopt` or `dualstack release` is going to do, or did."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    verb: str
    undo: bool
    """Whether it puts back what was there before."""
    stack: str
    zone_id: str
    zone: str
    done: bool = False
    """Whether it was done; False: this is the plan, and nothing was changed."""
    delete: list[dict[str, Any]]
    """Records that the batch deletes, as Route 53 lists them."""
    create: list[dict[str, Any]]
    """Records that it creates."""
    declared_before: str
    """What the stack's file says in `dns.records`."""
    declared_after: str
    """What it says afterwards."""
    forget: list[str]
    """URNs of records that the state does not have afterwards."""
    take_over: list[str]
    """Ids of records that are imported into the state."""
    backup: str | None = None
    """The file with what was there before; None: nothing changes in the zone, or nothing yet."""
    change_id: str | None = None
    """Of the batch; None: none was sent."""
    insync: bool = True
    """Whether all authorities of the zone answer by it."""
    commit: str | None = None
    """Lines that have to get into the stack's file by hand; None: none have to."""
    notes: list[str] = []
    """What somebody should know who reads the plan."""
    problems: list[str] = []
    """What could not be done, and how to go on."""

    @property
    def exit_code(self) -> int:
        """0: done, or planned; 1: a step was refused; 3: it is not told that all answer by it."""
        if self.problems:
            return 1
        return 0 if self.insync else 3

    @property
    def changes_nothing(self) -> bool:
        """Whether all is as it is to be."""
        same = self.declared_before == self.declared_after
        return same and not (self.delete or self.create or self.forget or self.take_over)


@dataclass(frozen=True)
class Surfaces:
    """What an exchange acts on."""

    stack: Stack
    """The stack: its file and its state."""
    edge: EdgeState
    """The edge as the state has it."""
    zone: Zone
    """The hosted zone."""
    watch: Callable[[str], None]
    """Is called with a line for each thing that is done."""


def planned(exchange: Exchange, surfaces: Surfaces, *, undo: bool = False) -> HandoverReport:
    """Return what an exchange is going to do.

    Args:
        exchange: The exchange.
        surfaces: What it acts on.
        undo: Whether it puts back what was there before.
    """
    state = _state_change(exchange, surfaces.edge)
    return HandoverReport(
        verb=exchange.verb,
        undo=undo,
        stack=exchange.stack,
        zone_id=exchange.zone_id,
        zone=exchange.zone,
        delete=[dict(record.fields) for record in exchange.batch.before],
        create=[dict(record.fields) for record in exchange.batch.after],
        declared_before=surfaces.stack.file.declared,
        declared_after=exchange.declared_after,
        forget=list(state.forget),
        take_over=[import_id(exchange.zone_id, record) for record in state.take_over],
    )


def carry_out(
    exchange: Exchange,
    surfaces: Surfaces,
    backup: Path | None,
    now: datetime,
    report: HandoverReport,
) -> None:
    """Make an exchange.

    Args:
        exchange: The exchange.
        surfaces: What it acts on.
        backup: Where the backup goes; None: what is put back has one.
        now: The time, in UTC.
        report: Gets what was done.

    Raises:
        WrongUseError: The backup has no place; nothing was changed.
        RecordsError: Route 53 refused; nothing was changed.
        UnclearError: Route 53 gave no answer, and it cannot be told what it did.
    """
    if exchange.batch.changes:
        if backup is not None:
            backups.write(backups.backup_of(exchange, now), backup)
            report.backup = str(backup)
            surfaces.watch(f"What is there is kept in {backup}.")
        _send(exchange, surfaces, backup, report)
    report.done = True
    _write_setting(exchange, surfaces, report)
    _change_state(exchange, surfaces, report)


def _send(
    exchange: Exchange, surfaces: Surfaces, backup: Path | None, report: HandoverReport
) -> None:
    zone, watch = surfaces.zone, surfaces.watch
    watch(f"{len(exchange.batch.changes)} changes of zone {zone.id} go in one batch …")
    comment = f"dualstack {exchange.verb}{' --undo' if report.undo else ''}"
    try:
        report.change_id = zone.submit(exchange.batch, comment)
    except UnclearError:
        raise
    except RecordsError:
        if backup is not None:
            backup.unlink()  # of an exchange that was never made
        raise
    if not report.change_id:
        report.insync = False
        report.notes.append("The change was carried out; its id is not known.")
        return
    try:
        watch(f"Route 53 took it as {report.change_id}. All its name servers have to have it …")
        zone.wait(report.change_id)
    except UnclearError as error:
        report.insync = False
        report.notes.append(f"Not all name servers of the zone are known to have it: {error}.")


def _write_setting(exchange: Exchange, surfaces: Surfaces, report: HandoverReport) -> None:
    """Have the stack's file say what it declares, or tell what it should say."""
    file, declared = surfaces.stack.file, exchange.declared_after
    if file.declared == declared:
        return
    try:
        file.write(file.with_declared(declared))
        surfaces.watch(f"{file.path} says dns.records: {declared}.")
    except (OSError, WrongUseError) as error:
        report.commit = declared_lines(declared)
        report.problems.append(
            f"{file.path} still says dns.records: {file.declared}; it has to be {declared} "
            f"({error}). Write it by hand before the next pulumi up."
        )


def _change_state(exchange: Exchange, surfaces: Surfaces, report: HandoverReport) -> None:
    """Have the state know whose the records are."""
    edge, state = surfaces.edge, surfaces.stack.state
    change = _state_change(exchange, edge)
    try:
        for urn in change.forget:
            surfaces.watch(f"{urn.rpartition('::')[2]} leaves the state …")
            state.forget(urn)
        if change.take_over:
            surfaces.watch(f"{len(change.take_over)} records are imported into the state …")
            resources = import_file(edge, exchange.zone_id, change.take_over)
            state.take_over(resources, protect=edge.protected)
    except StateError as error:
        report.problems.append(
            f"The zone has the records; the state of stack {exchange.stack} does not know it yet: "
            f"{error}. Put that right and run the same command again, before any pulumi up. Where "
            "the stack is locked by a run that ended: pulumi cancel"
        )


def _state_change(exchange: Exchange, edge: EdgeState) -> StateChange:
    return state_change(edge, exchange.hostnames, exchange.after)
