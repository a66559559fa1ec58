"""The kill switch: whether it is on all records of cdn, is the one that is set, and has tripped."""

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from components.facts import (
    FAMILIES,
    SWITCH_INTERVAL_SECONDS,
    SWITCH_THRESHOLD,
    SWITCH_WORDS,
)
from components.faults import Fault
from rollout.aws import AccountError, AccountReader
from rollout.aws_zone import Observed, ZoneReader, zones_of
from rollout.edge import StackOutputs
from rollout.pulumi_command import PulumiError
from rollout.status.reasons import account_reason
from rollout.status.room import SectionFields, SectionNotes
from rollout.status.stack import StackReader

_DEPLOY: Final = "Deploy it: pulumi up"
_REFRESH: Final = "Have it as the stack declares it: pulumi up --refresh"
_REARM: Final = (
    "If that was meant, give cdn weight 0 first (dualstack shift abort --direct), and then take "
    "the object away: see docs/recovery.md"
)


def switch_section(reader: StackReader, account: AccountReader) -> SectionFields:
    """Compare the switch that is set with the records and the health check, and tell its state.

    Raises:
        NotToldError: The stack's outputs cannot be read.
        AccountError: Route 53 cannot be asked.
    """
    stack = reader.edge()
    notes = SectionNotes()
    url: str | None = None
    try:
        url = reader.switch_url.get()
    except PulumiError as error:
        notes.cannot_tell(f"The stack's settings cannot be read: pulumi config is {error}.")
    notes.line("settings", url or None)
    zone_reader = ZoneReader(account)
    try:
        checks = _on_records(zone_reader, stack)
    except AccountError as error:
        notes.cannot_tell(account_reason(error))
        return notes.section()
    ids = sorted(set(checks.values()) - {""})
    notes.line("health check", ids[0] if len(ids) == 1 else ids or None)
    if url is not None:
        for fault in differing(checks, url):
            notes.attend(fault)
    for check in ids:
        _tell_check(notes, zone_reader, check, url)
    return notes.section()


def _on_records(reader: ZoneReader, stack: StackOutputs) -> Mapping[str, str]:
    """Return the health check of each record of cdn, `api.example.com A`; empty: it has none."""
    known = reader.zones()
    return {
        f"{hostname} {record.type}": record.health_check
        for hostname in stack.hostnames
        for zone in zones_of(hostname, known)
        for record in reader.records(zone, hostname)
        if record.type in FAMILIES and record.set_identifier == "cdn"
    }


def differing(checks: Mapping[str, str], url: str) -> Iterator[Fault]:
    """Say which records do not have the health check that the settings want.

    Args:
        checks: The health check of each record of cdn; empty: it has none.
        url: Address of the object in the settings; empty: there is no kill switch.
    """
    having = sorted(name for name, check in checks.items() if check)
    without = sorted(name for name, check in checks.items() if not check)
    if having and not url:
        yield Fault(
            f"cdn of {', '.join(having)}",
            "decided by a health check",
            "the settings have no killSwitch",
            f"Set it, or take the check off. {_DEPLOY}",
        )
    elif url and without:
        yield Fault(
            f"cdn of {', '.join(without)}",
            "without a health check",
            "killSwitch is set",
            _REFRESH if having else _DEPLOY,
        )
    ids = sorted(set(checks.values()) - {""})
    if len(ids) > 1:
        yield Fault(
            "The records of cdn",
            f"decided by {len(ids)} health checks ({', '.join(ids)})",
            "one decides about all of them",
            _REFRESH,
        )


def wanted_check(url: str) -> Mapping[str, Any]:
    """Return what a health check of a kill switch is, as `HealthCheckConfig`."""
    parts = urlsplit(url)
    is_secure = parts.scheme == "https"
    return {
        "Type": "HTTPS_STR_MATCH" if is_secure else "HTTP_STR_MATCH",
        "FullyQualifiedDomainName": parts.hostname,
        "Port": parts.port or (443 if is_secure else 80),
        "ResourcePath": parts.path,
        "SearchString": SWITCH_WORDS,
        "Inverted": True,
        "Disabled": False,
        "RequestInterval": SWITCH_INTERVAL_SECONDS,
        "FailureThreshold": SWITCH_THRESHOLD,
    }


def _tell_check(notes: SectionNotes, reader: ZoneReader, check: str, url: str | None) -> None:
    try:
        config = reader.health_check(check)
        seen = reader.observed(check)
    except AccountError as error:
        notes.cannot_tell(f"Health check {check} is not known. {account_reason(error)}")
        notes.line("state", None)
        return
    wanted: Mapping[str, Any] = wanted_check(url) if url else {}
    for key, value in wanted.items():
        if config.get(key) != value:
            notes.attend(
                Fault(
                    f"{key} of health check {check}",
                    str(config.get(key)),
                    f"the settings make it {value}",
                    _REFRESH,
                )
            )
    _tell_state(notes, check, config, seen)


def _tell_state(notes: SectionNotes, check: str, config: Mapping[str, Any], seen: Observed) -> None:
    """Tell whether cdn is drained by a check, as far as its checkers say."""
    is_tripped = tripped(config, seen)
    notes.line("state", {True: "tripped", False: "armed", None: None}[is_tripped])
    if seen.checkers:
        notes.line("object seen by", f"{seen.healthy} of {seen.checkers} checkers")
    if is_tripped is None:
        notes.cannot_tell(
            f"Whether health check {check} drains cdn is not known: no checker has looked yet."
        )
    elif is_tripped:
        what = "its object is there" if config.get("Inverted") else "its endpoint does not answer"
        notes.attend(
            Fault(
                f"Health check {check}",
                "tripped, so that no answer leads to cdn, whatever its weight",
                what,
                _REARM,
            )
        )


def tripped(config: Mapping[str, Any], seen: Observed) -> bool | None:
    """Return whether a health check takes its records out of the answers; None: not told.

    Args:
        config: Its `HealthCheckConfig`.
        seen: What its checkers see.
    """
    if config.get("Disabled"):
        # Route 53 stops looking, and takes it for healthy; inverted, for unhealthy.
        return bool(config.get("Inverted"))
    if seen.is_healthy is None:
        return None
    return seen.is_healthy == bool(config.get("Inverted"))
