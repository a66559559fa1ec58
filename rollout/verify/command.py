"""`dualstack verify`: the direct path and cdn compared, from outside, before users find out."""

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import typer
from rich.console import Console

from rollout.edge import Source
from rollout.faults import WrongUseError
from rollout.probe import ways
from rollout.probe.dns import DnspythonClient
from rollout.probe.http import HttpWire, TrustError
from rollout.probe.model import DnsClient, Result, Way, Wire
from rollout.verify import flags, progress, report
from rollout.verify.check import (
    LARGEST_BYTES,
    NOT_ASKED,
    SLOWEST_SECONDS,
    CheckContext,
    VerifyOptions,
)
from rollout.verify.plan import VerifyPlan, make_plan
from rollout.verify.run import WRONG_USE, Findings, interrupted, run, silent
from rollout.verify.settings import BUDGET, RATE, RequestFiles, VerifySettings

WIDTH: Final = 160
"""Columns of output to a file or a pipe, which has no width."""

app = typer.Typer(add_completion=False, context_settings={"help_option_names": ["-h", "--help"]})


@dataclass
class State:
    """The results of a run so far; they survive an interruption."""

    findings: Findings
    """The results."""
    ways: tuple[Way, ...] = ()
    """The ways that the checks use."""


@app.command()
def verify(
    *,
    outputs: flags.Outputs = None,
    stack: flags.Stack = None,
    hostname: flags.Hostname = None,
    direct: flags.Direct = None,
    cdn: flags.Cdn = None,
    proxy_address: flags.ProxyAddress = None,
    echo: flags.Echo = None,
    requests: flags.Requests = None,
    openapi_file: flags.OpenApi = None,
    har_file: flags.Har = None,
    ignore: flags.Ignore = None,
    allow_unsafe: flags.AllowUnsafe = False,
    rate: flags.Rate = RATE,
    concurrency: flags.Concurrency = 16,
    dns_queries: flags.DnsQueries = 8192,
    share_tolerance: flags.ShareTolerance = 0.05,
    slowest: flags.Slowest = SLOWEST_SECONDS,
    budget: flags.Budget = BUDGET,
    largest: flags.Largest = LARGEST_BYTES,
    account: flags.Account = False,
    ca: flags.Ca = None,
    only: flags.Only = None,
    as_json: flags.AsJson = False,
    junit: flags.Junit = None,
) -> None:
    """Compare the direct path and cdn from here, over IPv4 and IPv6: requests, caches, DNS, reach.

    Exit codes: 0 all passed; 1 something failed; 2 wrong use; 3 something could not be told.
    """
    settings = VerifySettings(
        Source(outputs, stack, tuple(hostname or ()), direct, cdn, tuple(proxy_address or ())),
        VerifyOptions(
            echo=echo,
            unsafe=allow_unsafe,
            rate=rate,
            concurrency=concurrency,
            dns_queries=dns_queries,
            share_tolerance=share_tolerance,
            budget=budget,
            account=account,
            ca=str(ca) if ca else None,
            slowest_seconds=slowest,
            largest_bytes=largest,
        ),
        RequestFiles(requests, openapi_file, har_file, tuple(ignore or ())),
        tuple(only or ()),
        junit,
    )
    raise typer.Exit(_verify(settings, as_json=as_json))


def _verify(settings: VerifySettings, *, as_json: bool) -> int:
    """Verify, print the report, and return the exit code."""
    console = Console(stderr=True, emoji=False, markup=False, highlight=False)
    options = settings.options
    try:
        plan = make_plan(settings)
        ca = Path(options.ca) if options.ca else None
        wire = HttpWire(rate=options.rate, concurrency=options.concurrency, ca=ca)
    except (WrongUseError, TrustError) as error:
        console.print(str(error), soft_wrap=True)
        return WRONG_USE
    moving = sys.stderr.isatty() and not as_json
    with progress.Moving(console) if moving else progress.Lines(console) as watch:
        outcome = carry_out(plan, DnspythonClient(), wire, watch)
    if settings.junit is not None:
        settings.junit.write_text(report.as_junit(outcome), encoding="utf-8")
    if as_json:
        print(report.as_json(outcome))
    else:
        width = None if sys.stdout.isatty() else WIDTH
        report.show(outcome, Console(width=width, emoji=False, highlight=False))
    return outcome.exit_code


def carry_out(
    plan: VerifyPlan, dns_client: DnsClient, wire: Wire, watch: progress.Shown
) -> report.Report:
    """Run a plan to its end or until it is interrupted, and return the report."""
    state = State(Findings())
    started, clock = datetime.now(UTC), time.monotonic()
    broken_off = False

    async def whole_plan() -> None:
        search = await ways.find(plan.target, dns_client, wire)
        state.ways = search.ways
        for result in search.results:
            state.findings.add("ways", result, watch)
        watch.ended("ways")
        requests = tuple(entry.request for entry in plan.catalogue.entries)
        context = CheckContext(plan.target, search.ways, plan.options, wire, dns_client, requests)
        await run(context, plan.checks, state.findings, watch)
        for result in silent(state.findings, plan.only):
            state.findings.add(result.check, result, watch)

    try:
        asyncio.run(whole_plan())
    except KeyboardInterrupt:
        broken_off = True
        state.findings.add("run", interrupted(state.findings), watch)
    order = ["ways", *(check.name for check in plan.checks), "run"]
    results, left_out = split(sorted(state.findings.results, key=lambda item: order.index(item[0])))
    return report.make(
        plan.target,
        state.ways,
        results,
        (*plan.catalogue.left_out, *left_out),
        started=started,
        seconds=time.monotonic() - clock,
        interrupted=broken_off,
    )


def split(
    results: Sequence[tuple[str, Result]],
) -> tuple[list[tuple[str, Result]], list[tuple[str, str]]]:
    """Return the results, and apart from them what was left out as the user wants it.

    The report lists what was left out on purpose, but that is no reason for 'cannot tell'.
    """
    left_out: dict[str, str] = {}
    kept: list[tuple[str, Result]] = []
    for group, result in results:
        if result.verdict == "unknown" and result.evidence.startswith(NOT_ASKED):
            left_out[result.check] = result.evidence.removeprefix(NOT_ASKED)
        else:
            kept.append((group, result))
    return kept, list(left_out.items())
