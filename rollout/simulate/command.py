"""`dualstack simulate`: who meets a change of weight, for how long, and what a step can show."""

import json
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from rollout.faults import WrongUseError
from rollout.simulate.figures import Foretelling

if TYPE_CHECKING:
    from collections.abc import Generator

    from rollout.simulate.shares import Progress as Report

FAILED, WRONG_USE = 1, 2
PATIENCE_SECONDS: Final = 1.0
"""After so long it shows how far it is."""

app = typer.Typer(add_completion=False, context_settings={"help_option_names": ["-h", "--help"]})


@app.command()
def simulate(
    *,
    weights_before: Annotated[
        str | None,
        typer.Option("--from", metavar="DIRECT/CDN", help="The weights before, such as 100/0."),
    ] = None,
    weights_after: Annotated[
        str | None,
        typer.Option("--to", metavar="DIRECT/CDN", help="The weights after, such as 99/1."),
    ] = None,
    stack: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="In place of --from and --to: the schedule, bounds, weights, proxies and negative "
            "TTL of a stack's file, Pulumi.NAME.yaml.",
        ),
    ] = None,
    ttl: Annotated[str, typer.Option(metavar="TIME", help="TTL of the answers.")] = "60",
    negative_ttl: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="TTL of an empty AAAA. Default: the stack's, or Route 53's 900."
        ),
    ] = None,
    proxies: Annotated[
        bool, typer.Option("--proxies", help="Direct's AAAA is not empty: proxies serve it.")
    ] = False,
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME,…", help="Moments after the change to tell of, such as 60,15m."),
    ] = None,
    rate: Annotated[float, typer.Option(metavar="N", help="Requests a second, in all.")] = 100,
    errors: Annotated[
        float, typer.Option(metavar="PERCENT", help="Share of direct's requests that fail.")
    ] = 0.1,
    population: Annotated[
        str,
        typer.Option(
            metavar="NAME|FILE",
            help="Who asks: web, mobile, java, few-large-networks, flavel, busy, or a file.",
        ),
    ] = "web",
    rollback_at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Also tell what is met after a rollback at this time."),
    ] = None,
    suggest: Annotated[
        bool,
        typer.Option(
            "--suggest", help="Tell of the schedule to 100 with the fewest days under the bounds."
        ),
    ] = False,
    bound: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=N",
            help="Largest exposure of a step: requests=N, clients=PERCENT, largestRefresh=N; may "
            "be repeated. Before those of the stack.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object to standard output.")
    ] = False,
) -> None:
    """Tell who meets a change of weight, for how long, and what a step can show.

    Nothing is asked of anybody: it is worked out, by the resolvers' and clients' habits.

    Exit codes: 0 done; 1 past a bound, or no schedule stays below the bounds; 2 wrong use.
    """
    # Numpy and scipy take longer to import than all that `--help` needs.
    from rollout.simulate.printed import lines  # noqa: PLC0415
    from rollout.simulate.running import Request, figures_of  # noqa: PLC0415
    from rollout.simulate.suggestion import NoScheduleError  # noqa: PLC0415

    request = Request(
        weights_before=weights_before,
        weights_after=weights_after,
        stack=stack,
        ttl=ttl,
        negative_ttl=negative_ttl,
        proxies=proxies,
        at=at,
        rate=rate,
        errors=errors,
        population=population,
        rollback_at=rollback_at,
        suggest=suggest,
        bound=tuple(bound or ()),
    )
    told = Console(stderr=True, emoji=False, markup=False, highlight=False)
    try:
        with _progress(told) as report:
            figures = figures_of(request, report)
    except WrongUseError as error:
        told.print(str(error), soft_wrap=True)
        raise typer.Exit(WRONG_USE) from error
    except NoScheduleError as error:
        told.print(str(error), soft_wrap=True)
        raise typer.Exit(FAILED) from error
    if as_json:
        print(figures.model_dump_json(indent=2))
    else:
        console = Console(emoji=False, markup=False, highlight=False)
        for line in lines(figures, console.width if console.is_terminal else None):
            console.print(line, soft_wrap=True)
    raise typer.Exit(FAILED if figures.past_bounds else 0)


@contextmanager
def _progress(console: Console) -> "Generator[Report | None]":
    """Show how far it is, where somebody looks on and it takes longer than a second."""
    if not console.is_terminal:
        yield None
        return
    bar = Progress(
        TextColumn("caches"), BarColumn(), TextColumn("{task.percentage:.0f} %"),
        console=console, transient=True,
    )  # fmt: skip
    task = bar.add_task("caches", total=1.0)
    timer = threading.Timer(PATIENCE_SECONDS, bar.start)
    timer.daemon = True
    timer.start()
    try:
        yield lambda done, total: bar.update(task, completed=done / total)
    finally:
        timer.cancel()
        bar.stop()


def schema() -> str:
    """Return the JSON schema of what it prints, `docs/schemas/simulate.json`."""
    return json.dumps(Foretelling.model_json_schema(mode="serialization"), indent=2) + "\n"
