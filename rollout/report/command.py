"""`dualstack report`: one page about the plan of a shift."""

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from components.faults import Fault
from rollout.faults import WrongUseError

FAILED, WRONG_USE = 1, 2

app = typer.Typer(add_completion=False, context_settings={"help_option_names": ["-h", "--help"]})


@app.command()
def report(
    *,
    plan: Annotated[
        bool, typer.Option("--plan", help="About a plan: what is expected of a schedule.")
    ] = False,
    stack: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The schedule, bounds, weights, proxies and negative TTL of a stack's file, "
            "Pulumi.NAME.yaml.",
        ),
    ] = None,
    weights_before: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="DIRECT/CDN", help="In place of --stack: the weights before."
        ),
    ] = None,
    weights_after: Annotated[
        str | None,
        typer.Option("--to", metavar="DIRECT/CDN", help="And the weights after, such as 99/1."),
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
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where to write it. Default: standard output."),
    ] = None,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Write Markdown instead of HTML.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Write one JSON object instead of HTML.")
    ] = False,
) -> None:
    """Write one page about the plan of a shift: shares, exposure, what each step can show.

    The page of HTML needs nothing else: it can be mailed, and asks for nothing from anywhere.

    Exit codes: 0 done; 1 done, and the plan is past a bound; 2 wrong use.
    """
    # Numpy, scipy and matplotlib take longer to import than all that `--help` needs.
    from rollout.report.document import PlanReport  # noqa: PLC0415
    from rollout.report.pages import page_of  # noqa: PLC0415
    from rollout.simulate.running import Request, figures_of  # noqa: PLC0415

    request = Request(
        weights_before=weights_before,
        weights_after=weights_after,
        stack=stack,
        ttl="60",
        negative_ttl=None,
        proxies=False,
        at=None,
        rate=rate,
        errors=errors,
        population=population,
        rollback_at=None,
        suggest=False,
        bound=(),
    )
    # Of fonts that it lists the first time, and of folders for that; its errors are still told.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    told = Console(stderr=True, emoji=False, markup=False, highlight=False)
    faults = _faults(plan=plan, output=output, as_markdown=as_markdown, as_json=as_json)
    try:
        with told.status("Working out what is expected …"):
            figures = figures_of(request, faults=faults)
            made = PlanReport(stack=stack, figures=figures)
            kind = "json" if as_json else "markdown" if as_markdown else "html"
            page = page_of(made, kind)
    except WrongUseError as error:
        told.print(str(error), soft_wrap=True)
        raise typer.Exit(WRONG_USE) from error
    if output is None:
        print(page, end="")
    else:
        output.write_text(page, encoding="utf-8")
        print(f"The page is written: {output}")
    for text in figures.past_bounds:
        told.print(text, soft_wrap=True)
    raise typer.Exit(FAILED if figures.past_bounds else 0)


def _faults(*, plan: bool, output: Path | None, as_markdown: bool, as_json: bool) -> list[Fault]:
    """Return what is wrong with the options that say what is written, and where."""
    faults: list[Fault] = []
    if not plan:
        allowed = "it should say what the page is about, and only a plan has one yet"
        faults.append(Fault("--plan", "not given", allowed, "Add --plan."))
    if as_markdown and as_json:
        faults.append(
            Fault("--markdown", "given beside --json", "one of them is enough", "Keep one of them.")
        )
    if output is None:
        if sys.stdout.isatty() and not (as_markdown or as_json):
            faults.append(
                Fault(
                    "--output",
                    "not given, and standard output is a terminal",
                    "a page of HTML should go to a file",
                    "Write for example: --output plan.html",
                )
            )
    elif output.is_dir():
        remedy = f"Write for example: --output {output / 'plan.html'}"
        faults.append(Fault("--output", f"{output}, a folder", "it should be a file", remedy))
    elif not output.parent.is_dir():
        faults.append(
            Fault(
                "--output",
                f"{output}, in a folder that is not there",
                "its folder should be there",
                f"Make it: mkdir -p {output.parent}",
            )
        )
    return faults
