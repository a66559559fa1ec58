"""`dualstack shift`: live traffic led back to the old path."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, NoReturn
from urllib.request import urlopen

import typer
from rich.console import Console

from components.faults import Fault, shown
from rollout.edge import dns_name
from rollout.faults import WrongUseError
from rollout.probe.dns import DnspythonClient
from rollout.records.zone import RecordsError, UnclearError
from rollout.shift.abort import AbortReport, Moved, abort_direct
from rollout.shift.abort_switch import (
    Outside,
    SwitchedEdge,
    SwitchReport,
    abort_switch,
    switch_words,
)
from rollout.shift.drained import RANGES_URL
from rollout.shift.switch_object import SwitchError
from rollout.stack_file import find_stack_file

REFUSED, WRONG_USE, COULD_NOT_TELL, INTERRUPTED = 1, 2, 3, 130

RANGES_SECONDS: Final = 15.0
"""How long AWS's published addresses may take."""

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
    switch: Annotated[
        bool,
        typer.Option(
            "--switch", help="Put the kill switch's object with S3 alone, and watch cdn drain."
        ),
    ] = False,
    stack: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            envvar="PULUMI_STACK",
            help="The stack whose file, Pulumi.NAME.yaml, says the hostnames and the zone or the "
            "object, and gets the weights of --direct. Pulumi itself is not asked.",
        ),
    ] = None,
    zone: Annotated[
        str | None,
        typer.Option(metavar="ZONE", help="By hand, with --direct: id or name of the hosted zone."),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="By hand, with --switch: address of the object."),
    ] = None,
    hostname: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="By hand: a name of the API; may be repeated."),
    ] = None,
    ip_ranges: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help=f"With --switch: a copy of {RANGES_URL}, by which addresses of CloudFront are "
            "known. Default: it is fetched.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was done as JSON.")] = False,
) -> None:
    """Lead everybody back to the old path, at once.

    --direct needs Route 53 and the credentials for it: no engine, no plugin, no backend, no lock.
    --switch needs S3 in the region of the kill switch's object, for when Route 53 takes no changes.

    Exit codes: 0 done; 1 AWS refused, and nothing was changed, or answers lead to cdn all the same;
    2 wrong use; 3 it could not be told.
    """
    errors = Console(stderr=True, emoji=False, markup=False, highlight=False)

    def watch(line: str) -> None:
        errors.print(line, soft_wrap=True)

    try:
        given = _Given(stack, zone, url, tuple(hostname or ()))
        edge = given.edge(direct=direct, switch=switch)
        import boto3.session  # noqa: PLC0415 - takes longer than everything before it

        report: AbortReport | SwitchReport
        if isinstance(edge, Moved):
            report = abort_direct(edge, boto3.session.Session(), watch)
        else:
            outside = Outside(DnspythonClient(), _ranges(ip_ranges))
            report = abort_switch(edge, boto3.session.Session, watch, outside)
    except WrongUseError as error:
        _end(watch, str(error), WRONG_USE, error)
    except UnclearError as error:
        again = f"{error}. Try again: what is done already is not done twice."
        _end(watch, again, COULD_NOT_TELL, error)
    except (RecordsError, SwitchError) as error:
        _end(watch, f"Nothing was changed: {error}", REFUSED, error)
    except KeyboardInterrupt as error:
        again = "Interrupted. Run the same command again: what is done already is not done twice."
        _end(watch, again, INTERRUPTED, error)
    for warning in report.warnings if isinstance(report, AbortReport) else report.notes:
        watch(warning)
    if as_json:
        print(report.model_dump_json(by_alias=True, indent=2))
    else:
        print(_words(report) if isinstance(report, AbortReport) else switch_words(report))
    raise typer.Exit(report.exit_code)


def _end(watch: Callable[[str], None], words: str, code: int, cause: BaseException) -> NoReturn:
    watch(words)
    raise typer.Exit(code) from cause


def _ranges(file: Path | None) -> Callable[[], str]:
    """Return what reads AWS's published addresses.

    Raises:
        WrongUseError: The file cannot be read.
    """
    if file is None:
        return _fetched
    try:
        text = file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUseError(
            [
                Fault(
                    f"--ip-ranges {file}",
                    f"not readable ({error})",
                    f"it should be a copy of {RANGES_URL}",
                    "Leave it out to have it fetched.",
                )
            ]
        ) from error
    return lambda: text


def _fetched() -> str:
    with urlopen(RANGES_URL, timeout=RANGES_SECONDS) as answer:  # noqa: S310 - it is https
        return str(answer.read().decode())


@dataclass(frozen=True)
class _Given:
    """How the user names the edge."""

    stack: str | None
    zone: str | None
    url: str | None
    hostnames: tuple[str, ...]

    def edge(self, *, direct: bool, switch: bool) -> Moved | SwitchedEdge:
        """Return what is to be moved back or drained.

        Raises:
            WrongUseError: It is not said, or said twice; with every fault.
        """
        place, value = ("--url", self.url) if switch else ("--zone", self.zone)
        faults = [*_how(direct=direct, switch=switch), *self._by_hand(switch=switch)]
        if not (value or self.hostnames or self.stack):
            faults.append(
                Fault(
                    "The stack",
                    "not given",
                    "it is named by --stack or PULUMI_STACK: Pulumi is not asked which is selected",
                    f"Add --stack NAME, or {place} and --hostname.",
                )
            )
        if faults:
            raise WrongUseError(faults)
        hostnames = tuple(dict.fromkeys(map(dns_name, self.hostnames)))
        if value:
            return SwitchedEdge(hostnames, value) if switch else Moved(hostnames, value)
        otherwise = f"Give {place} and --hostname instead."
        file = find_stack_file(self.stack or "", Path.cwd(), otherwise)
        if switch:
            return SwitchedEdge(file.hostnames, file.switch_url, file.is_locked)
        return Moved(file.hostnames, file.zone, file)

    def _by_hand(self, *, switch: bool) -> Iterator[Fault]:
        """Say what is wrong with what was named by hand."""
        place, value = ("--url", self.url) if switch else ("--zone", self.zone)
        other, needless = ("--zone", self.zone) if switch else ("--url", self.url)
        if needless:
            how = "--switch" if switch else "--direct"
            yield Fault(other, "given", f"{how} does not need it", f"Leave {other} out.")
        if bool(value) != bool(self.hostnames):
            missing = "--hostname" if value else place
            allowed = f"{place} and --hostname go together"
            yield Fault(missing, "not given", allowed, f"Add {missing}.")
        for name in self.hostnames:
            try:
                dns_name(name)
            except ValueError as error:
                yield Fault("--hostname", shown(name), str(error), "Give its name in DNS.")
        if self.url and not self.url.startswith(("http://", "https://")):
            allowed = "it should be the address of the kill switch's object"
            remedy = "Give it as killSwitch.url has it, https://…"
            yield Fault("--url", shown(self.url), allowed, remedy)


def _how(*, direct: bool, switch: bool) -> Iterator[Fault]:
    if direct == switch:
        yield Fault(
            "How to abort",
            "given twice" if switch else "not given",
            "it should be --direct, or --switch where Route 53 takes no changes",
            "Keep one of them." if switch else "Add --direct.",
        )


def _words(report: AbortReport) -> str:
    """Return what was done, for people."""
    rows = [
        f"{name.family:4}  {name.hostname}: direct {name.before[0]}, cdn {name.before[1]}"
        f" → direct {name.after[0]}, cdn {name.after[1]}"
        for name in report.names
    ]
    if report.change_id is None and report.insync:
        rows.append(
            "All weights were 100 and 0 already; nothing was sent. Where they were changed in the "
            "last minutes, not all name servers may have them yet."
        )
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


def switch_schema() -> str:
    """Return the same of `--switch`, `docs/schemas/shift-abort-switch.json`."""
    return json.dumps(SwitchReport.model_json_schema(mode="serialization"), indent=2) + "\n"
