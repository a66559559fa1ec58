"""The options of `dualstack verify` on the command line, with their help."""

from pathlib import Path
from typing import Annotated

import typer

_TARGET, _ASK, _HOW, _OUTPUT = "What to verify", "What to ask", "How", "What to print"

Outputs = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="The stack's outputs, as `pulumi stack output --json` prints them; - is standard "
        "input. Default: ask Pulumi for those of the stack selected in this folder.",
        rich_help_panel=_TARGET,
    ),
]
Stack = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="The stack to ask Pulumi for.", rich_help_panel=_TARGET),
]
Hostname = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        help="By hand: a name of the API; may be repeated.",
        rich_help_panel=_TARGET,
    ),
]
Direct = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="By hand: the load balancer's name.", rich_help_panel=_TARGET
    ),
]
Cdn = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="By hand: the distribution's own name, ….cloudfront.net.",
        rich_help_panel=_TARGET,
    ),
]
ProxyAddress = Annotated[
    list[str] | None,
    typer.Option(
        metavar="ADDRESS",
        help="By hand: IPv6 address of a proxy; may be repeated. Default: there are none, and "
        "the direct path has no IPv6.",
        rich_help_panel=_TARGET,
    ),
]
ProxySource = Annotated[
    list[str] | None,
    typer.Option(
        metavar="ADDRESS",
        help="IPv4 address that a proxy connects to the load balancer from, or a network of them; "
        "may be repeated. Used with --account: web ACLs and security groups see it.",
        rich_help_panel=_TARGET,
    ),
]
Echo = Annotated[
    str | None,
    typer.Option(
        metavar="PATH",
        help="Path below which the API echoes, such as /echo: everything that arrives is "
        "compared with what was sent.",
        rich_help_panel=_ASK,
    ),
]
Requests = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Your own requests, YAML or JSON.", rich_help_panel=_ASK),
]
OpenApi = Annotated[
    str | None,
    typer.Option(
        "--openapi",
        metavar="FILE",
        help="An OpenAPI document, 3.0 or 3.1: operations that have examples for their parameters.",
        rich_help_panel=_ASK,
    ),
]
Har = Annotated[
    str | None,
    typer.Option(
        "--har",
        metavar="FILE",
        help="A recording of a browser or proxy, HAR 1.2: its requests to the hostnames.",
        rich_help_panel=_ASK,
    ),
]
Ignore = Annotated[
    list[str] | None,
    typer.Option(
        metavar="RULE",
        help="What in answers does not count: header:NAME, json:/POINTER or body; may be repeated.",
        rich_help_panel=_ASK,
    ),
]
AllowUnsafe = Annotated[
    bool,
    typer.Option(
        "--allow-unsafe",
        help="Send requests too that change something each time they are sent. Each goes out "
        "several times.",
        rich_help_panel=_ASK,
    ),
]
Rate = Annotated[
    float,
    typer.Option(
        metavar="NUMBER",
        envvar="DUALSTACK_VERIFY_RATE",
        help="Requests started per second, of all checks together.",
        rich_help_panel=_HOW,
    ),
]
Concurrency = Annotated[
    int,
    typer.Option(metavar="NUMBER", help="Requests under way at once.", rich_help_panel=_HOW),
]
DnsQueries = Annotated[
    int,
    typer.Option(
        metavar="NUMBER",
        help="The most DNS queries for the records of one name and type; it stops as soon as "
        "it can tell.",
        rich_help_panel=_HOW,
    ),
]
Budget = Annotated[
    int,
    typer.Option(
        metavar="NUMBER",
        help="The most requests that your own requests may cost; what differs is asked for again "
        "on top. Addresses and variants that it does not afford are named.",
        rich_help_panel=_HOW,
    ),
]
ShareTolerance = Annotated[
    float,
    typer.Option(
        metavar="NUMBER",
        help="How far a path's share of DNS answers may be from the declared one, 0 to 1.",
        rich_help_panel=_HOW,
    ),
]
Slowest = Annotated[
    float,
    typer.Option(
        metavar="SECONDS",
        envvar="DUALSTACK_VERIFY_SLOWEST",
        help="The longest wait that is tried through the echo, up to 600; 0: none.",
        rich_help_panel=_HOW,
    ),
]
Largest = Annotated[
    int,
    typer.Option(
        metavar="BYTES",
        envvar="DUALSTACK_VERIFY_LARGEST",
        help="The largest body that is tried through the echo, up to 32 MiB; 0: none.",
        rich_help_panel=_HOW,
    ),
]
Account = Annotated[
    bool,
    typer.Option(
        "--account",
        help="Query AWS too, with the credentials of the environment, for what does not show from "
        "outside.",
        rich_help_panel=_HOW,
    ),
]
Ca = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="PEM file of the only authorities to trust. Default: those of the system.",
        rich_help_panel=_HOW,
    ),
]
Only = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CHECK",
        help="Run this check only, or those whose names begin so: cache, cache-errors; may be "
        "repeated. Default: all of them.",
        rich_help_panel=_HOW,
    ),
]
TimeLimit = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS",
        help="End after this time with a report on what was seen until then; what is not through "
        "is named and cannot be told. Default: no limit.",
        rich_help_panel=_HOW,
    ),
]
Every = Annotated[
    bool,
    typer.Option(
        "--all",
        help="List every check and every observation, also what passed and what has one cause.",
        rich_help_panel=_OUTPUT,
    ),
]
AsJson = Annotated[
    bool,
    typer.Option(
        "--json", help="Print one JSON object to standard output.", rich_help_panel=_OUTPUT
    ),
]
Junit = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Write JUnit XML too: a fail is a failure, what cannot be told an error.",
        rich_help_panel=_OUTPUT,
    ),
]
