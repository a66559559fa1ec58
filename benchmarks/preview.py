"""What a preview costs, and what the layer in front of the local cloud costs.

Every figure stands beside a floor measured in the same run, alternating with it, so that a slow
machine slows both: a preview of a program without resources, and moto's server without the layer.

Run it with: make bench
"""

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3.session
import urllib3
from rich.console import Console
from rich.table import Table

from sandbox.clouds import background
from sandbox.clouds.aws import client_environment
from sandbox.engine import find
from sandbox.engine.shell import STACK, Shell

CHECKOUT = Path(__file__).resolve().parents[1]
ROUNDS = 7
CHANGES = 200
"""Route 53 batches a round; one alone takes about as long as the clock's noise."""


def timed(work: Callable[[], object]) -> float:
    """Return how long a piece of work takes, in seconds."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def alternate(works: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Return the median time of each, measured in turns after one round that does not count."""
    for work in works.values():
        work()
    times: dict[str, list[float]] = {name: [] for name in works}
    for number in range(ROUNDS):
        print(f"  round {number + 1} of {ROUNDS}", file=sys.stderr, flush=True)
        for name, work in works.items():
            times[name].append(timed(work))
    return {name: statistics.median(taken) for name, taken in times.items()}


def show(title: str, medians: Mapping[str, float], unit: str, scale: float) -> None:
    """Print medians and their ratio to the first, the floor."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for column in ("what", f"median {unit}", "ratio to the floor"):
        table.add_column(column)
    floor = next(iter(medians.values()))
    for name, median in medians.items():
        table.add_row(name, f"{median * scale:.2f}", f"{median / floor:.2f}")
    Console(width=100).print(table, "")


def project(folder: Path, program: str) -> None:
    """Lay out a copy of the project with a program of its own."""
    folder.mkdir()
    for name in ("Pulumi.yaml", f"Pulumi.{STACK}.yaml"):
        shutil.copy(CHECKOUT / name, folder)
    for name in (".venv", "policies"):
        (folder / name).symlink_to(CHECKOUT / name)
    (folder / "__main__.py").write_text(program)


def previews(scratch: Path, cloud: background.Cloud) -> dict[str, float]:
    """Measure previews of the sandbox's stack, not yet deployed."""
    engine = find.find(print)
    edge = (CHECKOUT / "__main__.py").read_text()

    def preview(name: str, program: str, *, packs: bool) -> Callable[[], object]:
        project(scratch / name, program)
        shell = Shell(scratch / name, scratch / f"{name}-home")
        shell.prepare()
        variables = {**os.environ, **shell.environment(engine, client_environment(cloud.url))}
        if not packs:
            del variables["PULUMI_OPTION_POLICY_PACK"]
        pulumi(scratch / name, variables, "stack", "init", STACK)
        return lambda: pulumi(scratch / name, variables, "preview")

    return alternate(
        {
            "a program without resources (floor)": preview("floor", "import pulumi", packs=False),
            "the edge, two hostnames": preview("edge", edge, packs=False),
            "the same with the pack on": preview("packed", edge, packs=True),
        }
    )


def pulumi(folder: Path, variables: Mapping[str, str], *arguments: str) -> None:
    """Run `pulumi`, showing what it said only if it fails."""
    done = subprocess.run(
        ["pulumi", *arguments, "--non-interactive"],
        cwd=folder,
        env=dict(variables),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        sys.exit(done.stdout + done.stderr)


@contextmanager
def bare_moto() -> Generator[str]:
    """Serve moto alone in a process of its own, as the cloud is served."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        try:
            urllib3.request("GET", url, retries=urllib3.Retry(20, backoff_factor=0.05))
            yield url
        finally:
            server.terminate()


def changes(url: str) -> Callable[[], object]:
    """Return work that upserts one weighted record again and again."""
    session: Any = boto3.session.Session("test", "test", region_name="us-east-1")
    route53 = session.client("route53", endpoint_url=url)
    zone = route53.create_hosted_zone(
        Name="bench.example.", CallerReference=f"{time.time()}{threading.get_ident()}"
    )["HostedZone"]["Id"]
    record = {
        "Name": "api.bench.example.",
        "Type": "TXT",
        "SetIdentifier": "direct",
        "Weight": 100,
        "TTL": 60,
        "ResourceRecords": [{"Value": '"x"'}],
    }
    batch = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}

    def work() -> None:
        for _ in range(CHANGES):
            route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)

    return work


def layer(cloud: background.Cloud) -> dict[str, float]:
    """Measure Route 53 change batches with and without the layer."""
    with bare_moto() as url:
        medians = alternate({"moto alone (floor)": changes(url), "the layer": changes(cloud.url)})
    return {name: median / CHANGES for name, median in medians.items()}


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        cloud = background.start("aws", scratch / "cloud")
        try:
            show("pulumi preview", previews(scratch, cloud), "s", 1)
            show("ChangeResourceRecordSets", layer(cloud), "ms", 1000)
        finally:
            background.stop("aws", scratch / "cloud")


if __name__ == "__main__":
    main()
