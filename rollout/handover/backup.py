"""The records that serve, kept in a file before they are exchanged."""

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from components.faults import Fault, fault_of, path_of
from rollout.faults import WrongUseError
from rollout.handover.exchange import Declared, Exchange, HandoverVerb
from rollout.records.record_sets import RecordSet


class _KeptRecord(BaseModel):
    """A record as Route 53 lists it; what else it has stays in it."""

    model_config = ConfigDict(extra="allow")

    Name: str
    Type: str


class Backup(BaseModel):
    """What an exchange began with, and what it made of it."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    format: Literal[1] = 1
    verb: HandoverVerb
    """Which verb has made it."""
    stack: str
    zone_id: str
    zone: str
    made_at: datetime
    """When, in UTC."""
    hostnames: Annotated[list[str], Field(min_length=1)]
    """The names whose records change."""
    declared_before: Declared
    """What the stack declared before."""
    declared_after: Declared
    before: list[_KeptRecord]
    """Records of the hostnames that the exchange takes away, as Route 53 listed them."""
    after: list[_KeptRecord]
    """Records that it makes."""

    @property
    def records_before(self) -> tuple[RecordSet, ...]:
        """The records that it takes away."""
        return tuple(RecordSet(each.model_dump()) for each in self.before)

    @property
    def records_after(self) -> tuple[RecordSet, ...]:
        """The records that it makes."""
        return tuple(RecordSet(each.model_dump()) for each in self.after)


def backup_of(exchange: Exchange, now: datetime) -> Backup:
    """Return what undoes an exchange.

    Args:
        exchange: The exchange, not yet made.
        now: The time, in UTC.
    """
    fields: dict[str, Any] = {
        "verb": exchange.verb,
        "stack": exchange.stack,
        "zone_id": exchange.zone_id,
        "zone": exchange.zone,
        "made_at": now,
        "hostnames": list(
            dict.fromkeys(record.name for record in (*exchange.batch.before, *exchange.batch.after))
        ),
        "declared_before": exchange.declared_before,
        "declared_after": exchange.declared_after,
        "before": _fields(exchange.batch.before),
        "after": _fields(exchange.batch.after),
    }
    return Backup.model_validate(fields)


def default_path(exchange: Exchange, now: datetime, folder: Path) -> Path:
    """Return where a backup goes that nobody named a place for."""
    stack = exchange.stack.rpartition("/")[2]
    return folder / f"dualstack-{exchange.verb}-{stack}-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}.json"


def write(backup: Backup, path: Path) -> None:
    """Write a backup to where nothing is yet, for its owner alone, and have the disk keep it.

    One that a run before has written of the same exchange, which then was not made, stays.

    Raises:
        WrongUseError: There is another file already, or it cannot be written.
    """
    text = backup.model_dump_json(by_alias=True, indent=2) + "\n"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        if _is_same(backup, path):
            return
        allowed = "a backup is never written over another file"
        raise _no_place(path, "there already", allowed) from error
    except OSError as error:
        raise _no_place(path, *_unwritable(error)) from error
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        folder = os.open(path.resolve().parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        with suppress(OSError):
            path.unlink()  # a part of a backup is none
        raise _no_place(path, *_unwritable(error)) from error


def _is_same(backup: Backup, path: Path) -> bool:
    """Return whether a file is a backup of the same exchange, of whatever time."""
    try:
        kept = read(path)
    except WrongUseError:
        return False
    return kept.model_copy(update={"made_at": backup.made_at}) == backup


def _unwritable(error: OSError) -> tuple[str, str]:
    reason = error.strerror or str(error)
    return f"not writable ({reason})", "nothing changes in the zone before its backup is kept"


def _no_place(path: Path, value: str, allowed: str) -> WrongUseError:
    return WrongUseError(
        [Fault(f"The backup {path}", value, allowed, "Name another file with --backup FILE.")]
    )


def read(path: Path) -> Backup:
    """Return the backup in a file.

    Raises:
        WrongUseError: It is none; with every fault.
    """
    remedy = "Give the file that adopt or release has written before it changed the zone."
    try:
        return Backup.model_validate_json(path.read_bytes())
    except OSError as error:
        faults = [
            Fault(
                f"--undo {path}",
                f"not readable ({error.strerror or error})",
                "it should be a backup",
                remedy,
            )
        ]
        cause: Exception = error
    except ValidationError as error:
        faults = [
            fault_of(each, f"{path_of(each['loc']) or 'Backup'} in {path}", remedy)
            for each in error.errors()
        ]
        cause = error
    raise WrongUseError(faults) from cause


def _fields(records: Sequence[RecordSet]) -> list[dict[str, Any]]:
    return [json.loads(json.dumps(dict(record.fields))) for record in records]
