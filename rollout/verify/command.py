"""`dualstack verify`: the direct path and cdn compared, from outside, before users find out."""

import contextlib
import os
import sys
from pathlib import Path

import typer
from rich.console import Console

from rollout.edge import Source
from rollout.faults import WrongUseError
from rollout.probe.dns import DnspythonClient
from rollout.probe.http import HttpWire, TrustError
from rollout.probe.model import DnsClient, Wire
from rollout.verify import flags, printed, progress, report
from rollout.verify.check import LARGEST_BYTES, SLOWEST_SECONDS, VerifyOptions
from rollout.verify.plan import VerifyPlan, make_plan
from rollout.verify.run import COULD_NOT_TELL, WRONG_USE
from rollout.verify.run_thread import Prepare, RunState, RunThread
from rollout.verify.settings import BUDGET, RATE, RequestFiles, VerifySettings
from rollout.verify.stopping import StopSignals, end_at_once, end_process

app = typer.Typer(add_completion=False, context_settings={"help_option_names": ["-h", "--help"]})


@app.command()
def verify(
    *,
    outputs: flags.Outputs = None,
    stack: flags.Stack = None,
    hostname: flags.Hostname = None,
    direct: flags.Direct = None,
    cdn: flags.Cdn = None,
    proxy_address: flags.ProxyAddress = None,
    proxy_source: flags.ProxySource = None,
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
    time_limit: flags.TimeLimit = None,
    every: flags.Every = False,
    as_json: flags.AsJson = False,
    junit: flags.Junit = None,
) -> None:
    """Compare the direct path and cdn from here, over IPv4 and IPv6: requests, caches, DNS, reach.

    Exit codes: 0 all passed; 1 something failed; 2 wrong use; 3 something could not be told.

    SIGINT, SIGTERM, SIGHUP and the time limit end it with a report on what was seen until then.
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
            proxy_sources=tuple(proxy_source or ()),
        ),
        RequestFiles(requests, openapi_file, har_file, tuple(ignore or ())),
        tuple(only or ()),
        junit,
        time_limit,
        every,
    )
    raise typer.Exit(verify_and_report(settings, lambda: _prepared(settings), as_json=as_json))


def verify_and_report(settings: VerifySettings, prepare: Prepare, *, as_json: bool) -> int:
    """Verify, print the report, and return the exit code.

    Args:
        settings: What the user set.
        prepare: Returns what is to be done, and with what.
        as_json: Whether the report is printed as JSON.
    """
    console = Console(stderr=True, emoji=False, markup=False, highlight=False)
    moving = sys.stderr.isatty() and not as_json
    with StopSignals(settings.usable_time_limit) as signals:
        with progress.Moving(console) if moving else progress.Lines(console) as watch:
            thread = RunThread(prepare, RunState(), watch)
            thread.start()
            thread.finish(signals)
        try:
            outcome = thread.report(settings.source)
        except (WrongUseError, TrustError) as error:
            console.print(str(error), soft_wrap=True)
            return WRONG_USE
        signals.writing(lambda: end_at_once(outcome.exit_code or COULD_NOT_TELL))
        code = _write(outcome, settings, console, as_json=as_json)
        end_process(thread, code)
    return code


def _prepared(settings: VerifySettings) -> tuple[VerifyPlan, DnsClient, Wire]:
    """Return what is to be done, and with what.

    Raises:
        WrongUseError: It cannot be done; with every fault.
        TrustError: The file of the authorities to trust is none.
    """
    plan = make_plan(settings)
    options = settings.options
    ca = Path(options.ca) if options.ca else None
    wire = HttpWire(rate=options.rate, concurrency=options.concurrency, ca=ca)
    return plan, DnspythonClient(), wire


def _write(
    outcome: report.Report, settings: VerifySettings, console: Console, *, as_json: bool
) -> int:
    """Write the report in every form, the file first, and return the exit code.

    A terminal that is gone, as after SIGHUP, or a pipe that nobody reads keeps no other form from
    being written. But a pass that could not be reported is none.
    """
    code, junit = outcome.exit_code, settings.junit
    if junit is not None:
        try:
            junit.write_text(report.as_junit(outcome), encoding="utf-8")
        except OSError as error:
            code = code or COULD_NOT_TELL
            with contextlib.suppress(OSError):
                console.print(f"The JUnit report could not be written ({error}).", soft_wrap=True)
    try:
        if as_json:
            print(report.as_json(outcome))
        else:
            out = Console(emoji=False, markup=False, highlight=False)
            printed.show(outcome, out, whole=settings.whole)
        sys.stdout.flush()
    except OSError:
        code = code or COULD_NOT_TELL
        # What is left in the buffer would raise again when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code
