"""`dualstack sandbox`: the cloud on this machine, brought up, entered and taken down."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Generator, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import psutil
import typer

from sandbox.clouds import aws, background, digitalocean
from sandbox.clouds.background import Cloud, CloudError
from sandbox.engine import find
from sandbox.engine.find import Engine, EngineNotFoundError
from sandbox.engine.shell import STACK, Shell, exports
from sandbox.invoker import become_invoker
from sandbox.lab import command as lab_command
from sandbox.lab.command import LabSandbox
from sandbox.lab.door import LabError
from sandbox.lab.droplet import roots as droplet_roots
from sandbox.lab.droplet.roots import BootError
from sandbox.locks import held
from sandbox.tables import table_lines

if TYPE_CHECKING:
    from pulumi import automation as auto

PROJECT = Path(__file__).resolve().parent.parent
HOME_VARIABLE = "DUALSTACK_SANDBOX_HOME"
"""Environment variable that moves everything the sandbox writes; default `.sandbox`."""

CLOUDS = {"aws": aws.client_environment, "digitalocean": digitalocean.client_environment}
"""The clouds, each with what names one that runs to its clients, by its URL."""

FAILED, WRONG_USE, INTERRUPTED = 1, 2, 130
MOVE = """\
  Move one answer in a hundred, with plain pulumi and the policy packs on:
    eval "$(.venv/bin/dualstack sandbox env)"
    pulumi config set --path traffic.direct 99
    pulumi config set --path traffic.cdn 1
    pulumi up
"""
TAKE_OVER = """\
  Take over what serves the names, without a gap (docs/adopt.md):
    eval "$(.venv/bin/dualstack sandbox env)"
    .venv/bin/dualstack adopt --skip-certificate
"""
TRY_NEXT = f"""
Try next:
  make lab      puts it on the network, with clients of every kind;
                in another terminal, see whether both paths are alike:
    .venv/bin/dualstack sandbox lab enter dual-stack \\
      dualstack verify --outputs .sandbox/lab/outputs.json --echo /echo
{MOVE}\
  make down     stops it and leaves nothing behind"""
GOES_ON = "Interrupted; `make up` goes on, `make down` removes."

app = typer.Typer(
    help="A cloud on this machine, and the edge deployed to it.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object to standard output.")]


def say(line: str) -> None:
    """Tell the person who waits; never on standard output, which may be evaluated or parsed."""
    print(line, file=sys.stderr, flush=True)


@contextmanager
def interruptible() -> Generator[list[int]]:
    """Let Pulumi end first, which a terminal interrupts as well; yield what tells that it did."""
    came: list[int] = []

    def interrupt(number: int, _: FrameType | None) -> None:
        came.append(number)
        if not any(child.name() == "pulumi" for child in psutil.Process().children()):
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield came
    except KeyboardInterrupt:
        stop_with(GOES_ON, INTERRUPTED)
    except CloudError as error:
        stop_with(str(error), FAILED)
    finally:
        signal.signal(signal.SIGINT, before)


def settings_changed(project: Path) -> None:
    """Say so if the stack's file is not the committed one: `pulumi config set` writes there."""
    name = f"Pulumi.{STACK}.yaml"
    git = shutil.which("git")
    if git is None:
        return
    command = [git, "-C", project, "status", "--porcelain", "--untracked-files=no", "--", name]
    if subprocess.run(command, capture_output=True, check=False).stdout:
        say(f"{name} is not as committed; to take that back: git checkout {name}")


def stop_with(message: str, code: int) -> NoReturn:
    """Say what is wrong and end with an exit code."""
    say(message)
    raise typer.Exit(code)


def here() -> Shell:
    """Return the sandbox of this checkout."""
    return Shell(PROJECT, Path(os.environ.get(HOME_VARIABLE, PROJECT / ".sandbox")).resolve())


def ready_engine(shell: Shell) -> Engine:
    """Return the engine, with the plugins in place, or end with the reason."""
    try:
        engine = find.find(say)
    except EngineNotFoundError as error:
        stop_with(str(error), WRONG_USE)
    say(f"Engine: pulumi {engine.version}, {engine.origin} ({engine.command})")
    for cloud in shell.prepare():
        say(f"Plugin {cloud}: the official one is not installed; its stand-in is used")
    return engine


def running_clouds(shell: Shell) -> dict[str, str]:
    """Start or find the local clouds and return the variables that name them.

    A cloud keeps its account in memory. One that was started again knows nothing of what an older
    one held, so a state that describes the older one is put away with it, and the other clouds,
    which still have what that state says, begin again with it.
    """
    if any(background.find(name, shell.home) is None for name in CLOUDS):
        if shell.state.exists() and any(shell.state.rglob("*.json")):
            say("A cloud of the last time is gone; its stacks' state goes with it.")
        for name in CLOUDS:
            background.stop(name, shell.home)
        shutil.rmtree(shell.state, ignore_errors=True)
        shell.state.mkdir(parents=True)
    with ThreadPoolExecutor(len(CLOUDS)) as pool:
        clouds = list(pool.map(partial(background.start, home=shell.home), CLOUDS))
    for cloud in clouds:
        say(f"Cloud: {cloud.name} at {cloud.url} (pid {cloud.pid}, log {cloud.log})")
    return variables_of(clouds)


def variables_of(clouds: Iterable[Cloud]) -> dict[str, str]:
    """Return the variables that name clouds that run."""
    return {
        variable: value
        for cloud in clouds
        for variable, value in CLOUDS[cloud.name](cloud.url).items()
    }


def release_dead_locks(stack: "auto.Stack", state: Path) -> None:
    """Take away the stack's lock if the process that took it is gone.

    A `pulumi` that was killed leaves its lock behind. One that still runs is left alone: the
    engine then says itself who holds it.
    """
    locks = [json.loads(lock.read_text()) for lock in state.rglob("locks/**/*.json")]
    if locks and not any(psutil.pid_exists(int(lock["pid"])) for lock in locks):
        say("The last command was killed and left its lock; it is taken away.")
        stack.cancel()


@contextmanager
def running(shell: Shell) -> Generator[tuple[dict[str, str], list[int]]]:
    """Start what is not up yet; yield what a shell needs, and what tells of an interrupt."""
    become_invoker()
    shell.home.mkdir(parents=True, exist_ok=True)
    with interruptible() as interrupted, held(shell.home / "up.lock", "starts this sandbox", say):
        engine = ready_engine(shell)
        yield shell.environment(engine, running_clouds(shell)), interrupted


@app.command()
def clouds(as_json: Json = False) -> None:
    """Start the clouds and deploy nothing, for the examples and for programs of your own."""
    with running(here()) as (variables, _):
        say(
            "The clouds are up, and nothing was deployed. Enter them, and plain pulumi works there:"
        )
        say('  eval "$(.venv/bin/dualstack sandbox env)"')
        if as_json:
            print(json.dumps(variables, indent=2))


@app.command()
def up(
    as_json: Json = False,
    with_records: Annotated[
        bool,
        typer.Option(
            "--with-records",
            help="Begin as users do: plain records lead the hostnames to the load balancer before "
            "anything is deployed, and the stack declares none of its own (dns.records none), "
            "until `dualstack adopt`.",
        ),
    ] = False,
) -> None:
    """Deploy the stack `sandbox` with the policy packs on; again, it changes nothing."""
    from pulumi import automation as auto  # noqa: PLC0415 - half of what all verbs import

    shell = here()
    with running(shell) as (variables, interrupted):
        os.environ.update(variables)
        stack = auto.create_or_select_stack(
            STACK,
            work_dir=str(shell.project),
            opts=auto.LocalWorkspaceOptions(
                # On PATH: the Automation API's `root` is of a release whose command lies in `bin`.
                pulumi_command=auto.PulumiCommand(),
                env_vars=variables,
            ),
        )
        if with_records:
            begin_with_records(stack)
        settings_changed(shell.project)
        release_dead_locks(stack, shell.state)
        try:
            result = stack.up(
                on_output=say,
                suppress_outputs=True,
                color="never" if as_json or not sys.stderr.isatty() else "always",
            )
        except auto.CommandError:
            # Everything it has to say was shown while it ran.
            if interrupted:
                stop_with(GOES_ON, INTERRUPTED)
            stop_with("The deployment stopped; what it says above is the reason.", FAILED)
    changes = {str(kind): count for kind, count in (result.summary.resource_changes or {}).items()}
    outputs = {name: output.value for name, output in sorted(result.outputs.items())}
    if as_json:
        print(json.dumps({"changes": changes, "outputs": outputs}, indent=2))
        return
    show(outputs, changes)
    home = os.path.relpath(shell.home)
    text = next_steps(outputs)
    print(text.replace(".sandbox", str(shell.home) if home.startswith("..") else home))


def next_steps(outputs: Mapping[str, Any]) -> str:
    """Return what to try: a weight is moved where there is one."""
    return TRY_NEXT if outputs.get("records") else TRY_NEXT.replace(MOVE, TAKE_OVER)


def begin_with_records(stack: "auto.Stack") -> None:
    """Have plain records serve the hostnames, and the stack declare none; not where some do."""
    from pulumi import automation as auto  # noqa: PLC0415 - half of what all verbs import

    from sandbox import serving_records  # noqa: PLC0415 - boto3 takes longer than all the rest

    hostnames: list[str] = json.loads(stack.get_config("dualstack-edge:hostnames").value)
    if not serving_records.serve(hostnames):
        say("The hostnames have records already; they stay.")
        return
    stack.set_config("dualstack-edge:dns.records", auto.ConfigValue("none"), path=True)
    say(f"Plain records lead {', '.join(hostnames)} to the load balancer; dns.records is none.")


def show(outputs: Mapping[str, Any], changes: Mapping[str, int]) -> None:
    """Print what was deployed."""
    plain = [(name, _text(value)) for name, value in outputs.items() if name != "records"]
    columns = ("name", "type", "setIdentifier", "weight", "target")
    rows = [[_text(each.get(name)) for name in columns] for each in outputs.get("records", ())]
    table = table_lines(columns, rows, ("target", "setIdentifier")) if rows else ()
    kinds = [f"{kind} {count}" for kind, count in sorted(changes.items()) if kind != "same"]
    up = f"The edge is up ({', '.join(kinds)})." if kinds else ""
    state = up or "Nothing changed: the edge was up already."
    print(*table_lines(("output", "value"), plain), "", *table, state, sep="\n")


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def clouds_of(shell: Shell) -> list[Cloud]:
    """Return the sandbox's clouds that run."""
    return [cloud for cloud in (background.find(name, shell.home) for name in CLOUDS) if cloud]


@app.command()
def env(as_json: Json = False) -> None:
    """Print what a shell needs so that plain `pulumi` works on the sandbox."""
    become_invoker()
    shell = here()
    clouds = clouds_of(shell)
    if len(clouds) < len(CLOUDS):
        stop_with("The sandbox's clouds are not running; start them with: make up", WRONG_USE)
    engine = ready_engine(shell)
    variables = shell.environment(engine, variables_of(clouds))
    print(json.dumps(variables, indent=2) if as_json else exports(variables))


def surroundings() -> LabSandbox:
    """Return what a lab needs to know of the sandbox of this checkout."""
    shell = here()
    clouds = clouds_of(shell)

    def outputs() -> subprocess.CompletedProcess[str] | None:
        try:
            engine = find.find(lambda _: None)
        except EngineNotFoundError:
            return None
        return subprocess.run(
            [engine.command, "stack", "output", "--json", "--stack", STACK],
            cwd=shell.project,
            env={**os.environ, **shell.environment(engine, variables_of(clouds))},
            preexec_fn=become_invoker,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=lab_command.OUTPUT_SECONDS,
            check=False,
        )

    return LabSandbox(shell.home, {cloud.name: cloud.url for cloud in clouds}, outputs)


app.add_typer(lab_command.build(surroundings), name="lab")


@app.command()
def down(as_json: Json = False) -> None:
    """Close the lab, stop the clouds and remove everything the sandbox wrote; the caches stay."""
    shell = here()
    try:
        if lab_command.Door.close_any(shell.home / "lab"):
            say("Closed: the lab that was open.")
    except LabError as fault:
        stop_with(str(fault), FAILED)
    stopped = [name for name in CLOUDS if background.stop(name, shell.home)]
    removed = shell.home.exists()
    shutil.rmtree(shell.home, ignore_errors=True)
    if shell.home.exists():
        stop_with(f"{shell.home} is not gone; it must be yours. Remove it: sudo make down", FAILED)
    if as_json:
        print(json.dumps({"stopped": stopped, "removed": removed}))
        return
    clouds = ", ".join(stopped) or "nothing was running"
    say(f"Stopped: {clouds}. Removed: {shell.home}" if removed else "Nothing was up.")
    settings_changed(shell.project)


@app.command()
def engine() -> None:
    """Find, install or build the Pulumi engine, and print the path of its command."""
    become_invoker()
    print(ready_engine(here()).command)


@app.command()
def roots(
    images: Annotated[
        list[str] | None,
        typer.Argument(help="Which images; default: all that a proxy may have.", metavar="IMAGE"),
    ] = None,
) -> None:
    """Make the Debian systems that droplets of the lab boot, and print where each is."""
    for image in images or droplet_roots.SUITES:
        try:
            print(droplet_roots.make(image, say))
        except BootError as error:
            stop_with(str(error), WRONG_USE)
