"""What it costs to start: the command, and the program's imports, in CPU.

CPU and not time, because other work on the machine disturbs it less. The floor is a Python that
does nothing, and for the program the SDKs that every program of Pulumi's for AWS imports.

Run it with: make bench
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from measuring import children_cpu_seconds, parser, show

CHECKOUT = Path(__file__).resolve().parents[1]
ROUNDS = 7
WORKS = {
    "python -c pass (floor)": (sys.executable, "-c", "pass"),
    "dualstack --help": (str(Path(sys.executable).with_name("dualstack")), "--help"),
    "import pulumi, pulumi_aws and what is used of it": (
        sys.executable,
        "-c",
        # A package of the SDK runs when it is first looked into.
        (
            "import pulumi, pulumi_aws as aws; aws.acm.Certificate, aws.cloudfront.Distribution, "
            "aws.route53.Record"
        ),
    ),
    "import components.edge": (sys.executable, "-c", "import components.edge"),
    "the same with proxies": (
        sys.executable,
        "-c",
        "import components.edge, components.proxy_pool",
    ),
}


def cpu_seconds(command: Sequence[str]) -> float:
    """Return the CPU that a command takes."""
    before = children_cpu_seconds()
    subprocess.run(command, cwd=CHECKOUT, stdout=subprocess.DEVNULL, check=True)
    return children_cpu_seconds() - before


def main() -> None:
    """Measure in turns and print the least of each: what disturbs only adds."""
    rounds = 1 if parser("Measure what it costs to start.").parse_args().short else ROUNDS
    taken = {name: [cpu_seconds(command)] for name, command in WORKS.items()}  # compiled by now
    for _ in range(rounds):
        for name, command in WORKS.items():
            taken[name].append(cpu_seconds(command))
    rows = [(name, f"{min(each) * 1000:.0f}") for name, each in taken.items()]
    show("what it costs to start", ("what", "CPU ms"), rows)


if __name__ == "__main__":
    main()
