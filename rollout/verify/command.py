"""`dualstack verify`: the direct path and cdn compared, from outside, before users find out."""

import asyncio
import math
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, TypeVar

import typer
from rich.console import Console

from components.faults import Fault, shown
from rollout import edge as target
from rollout.faults import WrongUseError
from rollout.probe import ways
from rollout.probe.dns import DnsNames
from rollout.probe.http import HttpWire, TrustError
from rollout.probe.model import Check, Names, Options, Result, Surroundings, Target, Way, Wire
from rollout.requests import documents, har, openapi, requests_file
from rollout.requests import model as asked
from rollout.requests.model import Catalogue, Rule
from rollout.verify import progress, report
from rollout.verify.checks import CHECKS, hazards, opaque
from rollout.verify.checks.echo import NOT_ASKED
from rollout.verify.run import WRONG_USE, Findings, interrupted, name_of, run, silent

WIDTH: Final = 160
"""Columns of what is printed to a file or a pipe, which has no width."""

NEEDS_ECHO: Final = (
    "echo",
    "cache-answers",
    "cache-methods",
    "cache-errors",
    "cache-errors-later",
    "cache-collapsing",
)
NEEDS_REQUESTS: Final = ("opaque", "hazards-own-requests")
"""Checks that have nothing to do without an option; `hazards.NEEDS_ACCOUNT` has the others."""

RATE: Final = 50.0
"""Requests started per second where nobody says otherwise. The API has users, and its direct path
over IPv6 may be one small proxy; each request is a connection with a handshake of its own. One
hostname costs just under 1,000 of them, so two take about 40 s."""

app = typer.Typer(add_completion=False)
T = TypeVar("T")
TARGET, ASK, HOW, OUTPUT = "What to verify", "What to ask", "How", "What to print"


@dataclass(frozen=True)
class Plan:
    """Everything that a run needs to know, checked."""

    target: Target
    options: Options
    checks: tuple[Check, ...]
    catalogue: Catalogue
    only: tuple[tuple[str, ...], ...] = ()
    """Names of the checks that each `--only` stands for; empty where there is none."""


@dataclass
class State:
    """What a run has come to; it is there even when the run is interrupted."""

    findings: Findings
    ways: tuple[Way, ...] = ()


@app.command()
def verify(
    *,
    outputs: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="The stack's outputs, as `pulumi stack output --json` prints them; - is standard "
            "input. Default: ask Pulumi for those of the stack selected in this folder.",
            rich_help_panel=TARGET,
        ),
    ] = None,
    stack: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The stack to ask Pulumi for.", rich_help_panel=TARGET),
    ] = None,
    hostname: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="By hand: a name of the API; may be repeated.",
            rich_help_panel=TARGET,
        ),
    ] = None,
    direct: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="By hand: the load balancer's name.", rich_help_panel=TARGET
        ),
    ] = None,
    cdn: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="By hand: the distribution's own name, ….cloudfront.net.",
            rich_help_panel=TARGET,
        ),
    ] = None,
    proxy_address: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ADDRESS",
            help="By hand: IPv6 address of a proxy; may be repeated. Default: there are none, and "
            "the direct path has no IPv6.",
            rich_help_panel=TARGET,
        ),
    ] = None,
    echo: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="Path below which the API echoes, such as /echo: everything that arrives is "
            "compared with what was sent.",
            rich_help_panel=ASK,
        ),
    ] = None,
    requests: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Your own requests, YAML or JSON.", rich_help_panel=ASK),
    ] = None,
    openapi_file: Annotated[
        str | None,
        typer.Option(
            "--openapi",
            metavar="FILE",
            help="An OpenAPI document, 3.0 or 3.1: operations that say with what to ask them.",
            rich_help_panel=ASK,
        ),
    ] = None,
    har_file: Annotated[
        str | None,
        typer.Option(
            "--har",
            metavar="FILE",
            help="A recording of a browser or proxy, HAR 1.2: its requests to the hostnames.",
            rich_help_panel=ASK,
        ),
    ] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RULE",
            help="What in answers does not count: header:NAME, json:/POINTER or body; may be "
            "repeated.",
            rich_help_panel=ASK,
        ),
    ] = None,
    allow_unsafe: Annotated[
        bool,
        typer.Option(
            "--allow-unsafe",
            help="Send requests too that change something each time they are sent. Each goes out "
            "several times.",
            rich_help_panel=ASK,
        ),
    ] = False,
    rate: Annotated[
        float,
        typer.Option(
            metavar="NUMBER",
            envvar="DUALSTACK_VERIFY_RATE",
            help="Requests started per second, of all checks together.",
            rich_help_panel=HOW,
        ),
    ] = RATE,
    concurrency: Annotated[
        int,
        typer.Option(metavar="NUMBER", help="Requests under way at once.", rich_help_panel=HOW),
    ] = 16,
    dns_queries: Annotated[
        int,
        typer.Option(
            metavar="NUMBER",
            help="The most DNS queries for the records of one name and type; it stops as soon as "
            "it can tell.",
            rich_help_panel=HOW,
        ),
    ] = 8192,
    share_tolerance: Annotated[
        float,
        typer.Option(
            metavar="NUMBER",
            help="How far a path's share of DNS answers may be from the declared one, 0 to 1.",
            rich_help_panel=HOW,
        ),
    ] = 0.05,
    account: Annotated[
        bool,
        typer.Option(
            "--account",
            help="Ask AWS too, with the credentials at hand, for what cannot be seen from outside.",
            rich_help_panel=HOW,
        ),
    ] = False,
    ca: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="PEM file of the only authorities to trust. Default: those of the system.",
            rich_help_panel=HOW,
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CHECK",
            help="Run this check only, or those whose names begin so: cache, cache-errors; may be "
            "repeated. Default: all of them.",
            rich_help_panel=HOW,
        ),
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", help="Print one JSON object to standard output.", rich_help_panel=OUTPUT
        ),
    ] = False,
    junit: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write JUnit XML too: a fail is a failure, what cannot be told an error.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
) -> None:
    """Compare the direct path and cdn from here, over IPv4 and IPv6: requests, caches, DNS, reach.

    Exit codes: 0 all passed; 1 something failed; 2 wrong use; 3 something could not be told.
    """
    console = Console(stderr=True, emoji=False, markup=False, highlight=False)
    source = target.Source(
        outputs, stack, tuple(hostname or ()), direct, cdn, tuple(proxy_address or ())
    )
    options = Options(
        echo=echo,
        unsafe=allow_unsafe,
        rate=rate,
        concurrency=concurrency,
        dns_queries=dns_queries,
        share_tolerance=share_tolerance,
        account=account,
        ca=str(ca) if ca else None,
    )
    files = Files(requests, openapi_file, har_file, tuple(ignore or ()), junit)
    try:
        plan = make_plan(source, options, files, tuple(only or ()))
        wire = HttpWire(rate=rate, concurrency=concurrency, ca=ca)
    except (WrongUseError, TrustError) as error:
        console.print(str(error), soft_wrap=True)
        raise typer.Exit(WRONG_USE) from error
    moving = sys.stderr.isatty() and not as_json
    with progress.Moving(console) if moving else progress.Lines(console) as watch:
        found = carry_out(plan, DnsNames(), wire, watch)
    if junit is not None:
        junit.write_text(report.as_junit(found), encoding="utf-8")
    if as_json:
        print(report.as_json(found))
    else:
        width = None if sys.stdout.isatty() else WIDTH
        report.show(found, Console(width=width, emoji=False, highlight=False))
    raise typer.Exit(found.exit_code)


def carry_out(plan: Plan, names: Names, wire: Wire, watch: progress.Shown) -> report.Report:
    """Run a plan until it is through or interrupted, and return the report."""
    state = State(Findings())
    started, clock = datetime.now(UTC), time.monotonic()
    broken_off = False

    async def all_of_it() -> None:
        found = await ways.find(plan.target, names, wire)
        state.ways = found.ways
        for result in found.results:
            state.findings.add("ways", result, watch)
        watch.ended("ways")
        requests = tuple(item.request for item in plan.catalogue.asked)
        around = Surroundings(plan.target, found.ways, plan.options, wire, names, requests)
        await run(around, plan.checks, state.findings, watch)
        for result in silent(state.findings, plan.only):
            state.findings.add(result.check, result, watch)

    try:
        asyncio.run(all_of_it())
    except KeyboardInterrupt:
        broken_off = True
        state.findings.add("run", interrupted(state.findings), watch)
    order = ["ways", *map(name_of, plan.checks), "run"]
    results, left_out = split(sorted(state.findings.results, key=lambda item: order.index(item[0])))
    return report.make(
        plan.target,
        state.ways,
        results,
        (*plan.catalogue.not_asked, *left_out),
        started=started,
        seconds=time.monotonic() - clock,
        interrupted=broken_off,
    )


def split(
    results: Sequence[tuple[str, Result]],
) -> tuple[list[tuple[str, Result]], list[tuple[str, str]]]:
    """Return what was found, and what was not asked because the user did not allow it.

    That something was left out on purpose is told, but it is no reason that nothing can be told.
    """
    left_out: dict[str, str] = {}
    found: list[tuple[str, Result]] = []
    for group, result in results:
        if result.verdict == "unknown" and result.evidence.startswith(NOT_ASKED):
            left_out[result.check] = result.evidence.removeprefix(NOT_ASKED)
        else:
            found.append((group, result))
    return found, list(left_out.items())


@dataclass(frozen=True)
class Files:
    """The files that the user names, and what belongs to them."""

    requests: str | None = None
    openapi: str | None = None
    har: str | None = None
    ignore: tuple[str, ...] = ()
    junit: Path | None = None


class _Faults:
    """Goes on after a fault, so that all of them are told at once."""

    def __init__(self) -> None:
        self.found: list[Fault] = []

    def kept(self, attempt: Callable[[], T]) -> T | None:
        """Return what an attempt returns, None where it finds faults, which are kept."""
        try:
            return attempt()
        except WrongUseError as error:
            self.found += error.faults
            return None


def make_plan(
    source: target.Source,
    options: Options,
    files: Files,
    only: Sequence[str],
) -> Plan:
    """Return what is to be done.

    Raises:
        WrongUseError: It cannot be done as it was asked for; with every fault.
    """
    faults = _Faults()
    faults.found += _option_faults(options, files)
    rules = faults.kept(lambda: _rules(files.ignore)) or ()
    aim = faults.kept(lambda: target.of_source(source, _read, target.pulumi_outputs))
    hostnames = aim.hostnames if aim else ()
    unsafe = options.unsafe
    catalogues: list[Catalogue] = []

    def take(name: str | None, read: Callable[[documents.Document], Catalogue]) -> None:
        if name is None:
            return
        document = faults.kept(lambda: documents.load(name))
        # Whose requests a file holds cannot be told while nobody knows the hostnames.
        catalogue = faults.kept(lambda: read(document)) if document and hostnames else None
        if catalogue:
            catalogues.append(catalogue)

    take(files.requests, lambda document: requests_file.read(document, unsafe=unsafe))
    take(files.openapi, lambda document: openapi.read(document, hostnames, unsafe=unsafe))
    take(files.har, lambda document: har.read(document, hostnames, unsafe=unsafe))
    if options.echo is not None:
        catalogues.append(asked.ROOT)
    catalogue = asked.merge(catalogues)
    known = {name_of(check): check for check in (*CHECKS, opaque.check(catalogue, rules))}
    idle = _idle(options, files)
    if not only:
        # Without any requests it says that nothing was compared.
        idle.pop("opaque", None)
    stands_for = faults.kept(lambda: _chosen(known, idle, only)) or ()
    if faults.found or aim is None:
        raise WrongUseError(faults.found)
    wanted = {name for names in stands_for for name in names} if only else known.keys() - idle
    chosen = tuple(check for name, check in known.items() if name in wanted)
    return Plan(aim, options, chosen, catalogue, stands_for)


def _read(name: str) -> str:
    return sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8-sig")


def _rules(texts: Sequence[str]) -> tuple[Rule, ...]:
    faults: list[Fault] = []
    rules: list[Rule] = []
    for text in texts:
        try:
            rules.append(asked.rule(text))
        except ValueError as error:
            faults.append(Fault("--ignore", shown(text), str(error), "See docs/verify.md."))
    if faults:
        raise WrongUseError(faults)
    return tuple(rules)


def _idle(options: Options, files: Files) -> dict[str, str]:
    """Return the checks that have nothing to do, each with what would give it something."""
    idle: dict[str, str] = {}
    if options.echo is None:
        idle |= dict.fromkeys(NEEDS_ECHO, "It needs --echo.")
        if not (files.requests or files.openapi or files.har):
            idle |= dict.fromkeys(NEEDS_REQUESTS, "It needs --requests, --openapi or --har.")
    else:
        idle["cache-opaque"] = "It is for an API without --echo; the other cache checks tell more."
    if not options.account:
        idle |= dict.fromkeys(hazards.NEEDS_ACCOUNT, "It needs --account.")
    return idle


def _chosen(
    known: Iterable[str], idle: Mapping[str, str], only: Sequence[str]
) -> tuple[tuple[str, ...], ...]:
    """Return the names of the checks that each `--only` stands for.

    It stands for a check, or for all whose names begin with it: `cache`, `cache-errors`. A check
    that is named itself has to have something to do, or nothing would be looked at and that would
    pass; of several that begin so, those that have are meant.

    Args:
        known: Names of all checks.
        idle: Those that have nothing to do, each with what would give it something.
        only: What the user named.

    Raises:
        WrongUseError: Nothing is called so, or it has nothing to do.
    """
    busy = [name for name in known if name not in idle]

    def of(names: Iterable[str], asked_for: str) -> tuple[str, ...]:
        return tuple(name for name in names if f"{name}-".startswith(f"{asked_for}-"))

    faults = [
        Fault(
            "--only",
            shown(name),
            f"it should be one of {', '.join(busy)}, or what several of them begin with",
            next(
                (idle[each] for each in of(idle, name)),
                "See docs/verify.md for what each of them checks.",
            ),
        )
        for name in only
        if name in idle or not of(busy, name)
    ]
    if faults:
        raise WrongUseError(faults)
    return tuple(of(busy, name) for name in only)


def _option_faults(options: Options, files: Files) -> list[Fault]:
    """Return what is wrong with options that stand alone."""
    faults: list[Fault] = []

    def refuse(wrong: bool, option: str, found: object, allowed: str, remedy: str) -> None:
        if wrong:
            faults.append(Fault(option, shown(found), allowed, remedy))

    echo = options.echo
    refuse(
        echo is not None and (not asked.is_target(echo) or "?" in echo or echo.endswith("/")),
        "--echo",
        echo,
        "it should be a path that begins with /, without one at its end and without a query string",
        "Give the path that the API echoes below, such as /echo.",
    )
    more = "Leave it out for the default."
    refuse(
        not 0 < options.rate < math.inf,
        "--rate",
        options.rate,
        "it should be a number above 0, per second",
        more,
    )
    refuse(
        options.concurrency < 1,
        "--concurrency",
        options.concurrency,
        "it should be 1 or more",
        more,
    )
    refuse(
        options.dns_queries < 1,
        "--dns-queries",
        options.dns_queries,
        "it should be 1 or more",
        more,
    )
    refuse(
        not 0 < options.share_tolerance < 1,
        "--share-tolerance",
        options.share_tolerance,
        "it should be between 0 and 1",
        more,
    )
    refuse(
        options.ca is not None and not os.access(options.ca, os.R_OK),
        "--ca",
        options.ca,
        "it should be a PEM file that can be read",
        "Leave it out to trust whom the system trusts.",
    )
    junit = files.junit
    refuse(
        junit is not None
        and (junit.is_dir() or not os.access(junit if junit.exists() else junit.parent, os.W_OK)),
        "--junit",
        str(junit),
        "it should be a file that can be written, in a folder that exists",
        "Make the folder, or name another file.",
    )
    return faults
