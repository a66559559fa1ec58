"""What a preview costs, and what the layer in front of the local cloud costs.

Every figure stands beside a floor measured in the same run, alternating with it, so that a slow
machine slows both: a preview of a program without resources, and moto's server without the layer.

Run it with: make bench
"""

import os
import shutil
import socket
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
from measuring import alternate, parser, show

from sandbox.clouds import aws, background, digitalocean
from sandbox.engine import find
from sandbox.engine.shell import STACK, Shell

CHECKOUT = Path(__file__).resolve().parents[1]
ROUNDS = 7
CHANGES = 200
"""Route 53 batches a round; one alone takes about as long as the clock's noise."""


def show_medians(title: str, medians: Mapping[str, float], unit: str, scale: float) -> None:
    """Print medians and their ratio to the first, the floor."""
    floor = next(iter(medians.values()))
    columns = ("what", f"median {unit}", "ratio to the floor")
    rows = [
        (name, f"{median * scale:.2f}", f"{median / floor:.2f}") for name, median in medians.items()
    ]
    show(title, columns, rows)


def project(folder: Path, program: str) -> None:
    """Lay out a copy of the project with a program of its own."""
    folder.mkdir()
    for name in ("Pulumi.yaml", f"Pulumi.{STACK}.yaml"):
        shutil.copy(CHECKOUT / name, folder)
    for name in (".venv", "policies"):
        (folder / name).symlink_to(CHECKOUT / name)
    (folder / "__main__.py").write_text(program)


def previews(scratch: Path, clouds: Mapping[str, str], rounds: int) -> dict[str, float]:
    """Measure previews of the sandbox's stack, not yet deployed."""
    engine = find.find(print)
    edge = (CHECKOUT / "__main__.py").read_text()

    def preview(name: str, program: str, *, packs: bool) -> Callable[[], object]:
        project(scratch / name, program)
        shell = Shell(scratch / name, scratch / f"{name}-home")
        shell.prepare()
        variables = {**os.environ, **shell.environment(engine, clouds)}
        if not packs:
            del variables["PULUMI_OPTION_POLICY_PACK"]
        pulumi(scratch / name, variables, "stack", "init", STACK)
        return lambda: pulumi(scratch / name, variables, "preview")

    return alternate(
        {
            "a program without resources (floor)": preview("floor", "import pulumi", packs=False),
            "the edge, two hostnames, two proxies": preview("edge", edge, packs=False),
            "the same with the packs on": preview("packed", edge, packs=True),
        },
        rounds,
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


def changes(url: str, times: int) -> Callable[[], object]:
    """Return work that upserts one weighted record so many times."""
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
        for _ in range(times):
            route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)

    return work


def layer(url: str, rounds: int, times: int) -> dict[str, float]:
    """Measure Route 53 change batches with and without the layer, in seconds each."""
    with bare_moto() as moto_url:
        works = {"moto alone (floor)": changes(moto_url, times), "the layer": changes(url, times)}
        medians = alternate(works, rounds)
    return {name: median / times for name, median in medians.items()}


def main() -> None:
    """Measure and print."""
    short: bool = parser("Measure previews and the local cloud.").parse_args().short
    rounds, times = (1, 1) if short else (ROUNDS, CHANGES)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        try:
            account = background.start("aws", scratch / "cloud")
            droplets = background.start("digitalocean", scratch / "cloud")
            clouds = {
                **digitalocean.client_environment(droplets.url),
                **aws.client_environment(account.url),
            }
            show_medians("pulumi preview", previews(scratch, clouds, rounds), "s", 1)
            show_medians("ChangeResourceRecordSets", layer(account.url, rounds, times), "ms", 1000)
        finally:
            for name in ("aws", "digitalocean"):
                background.stop(name, scratch / "cloud")


if __name__ == "__main__":
    main()
