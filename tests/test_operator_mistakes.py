"""What an operator does wrong, each with the one message that it gets and the exit code.

A message names what was found and what to do, and is never a traceback. Here is what needs no
engine; mistakes that the engine must stop are in tests/engine (test_faults.py, test_packs.py,
test_outages.py, test_sandbox.py), and every setting's own in tests/components/test_settings.py.
"""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil
import pytest
import typer
from botocore import exceptions
from botocore.exceptions import BotoCoreError, ClientError
from semver import Version

from components.lookups import access
from components.settings import SettingsError, parse
from rollout import cli
from sandbox.cli import HOME_VARIABLE, interruptible
from sandbox.clouds.background import CloudError
from sandbox.engine import build, find

CHECKOUT: Final = Path(__file__).resolve().parents[1]

LINE: Final = re.compile(r"[^;]+ (?:is|are) .+[;:] .+\. .+", re.DOTALL)
"""`<what> is <found>; <allowed>. <what to do>.`"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The sandbox's home, in a path with spaces, of a user who is in an empty folder."""
    folder = tmp_path / "a new folder"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv(HOME_VARIABLE, str(folder / "my sandbox"))
    monkeypatch.delenv("PULUMI_STACK", raising=False)
    return folder / "my sandbox"


# ---- typed ---------------------------------------------------------------------------------------

VERIFY: Final = "verify --hostname api.example.com --direct lb.example.com --cdn d1.cloudfront.net"

TYPED: Final[dict[str, tuple[str, int, str]]] = {
    "a verb with a typo": ("verifi", 2, "The verb is 'verifi'; one of sandbox, adopt, verify, "),
    "a verb of a verb with a typo": ("sandbox upp", 2, "No such command 'upp'. Did you mean 'up'?"),
    "an option with a typo": (f"{VERIFY} --ehco /x", 2, "No such option: --ehco"),
    "an option without its value": (f"{VERIFY} --echo", 2, "'--echo' requires an argument"),
    "a check with a typo": (f"{VERIFY} --only dnz", 2, '--only is "dnz"; '),
    "a text for a number": (f"{VERIFY} --rate fast", 2, "Invalid value for '--rate'"),
    "a number that is none": (f"{VERIFY} --rate nan", 2, "--rate"),
    "a URL for a name": (
        "verify --hostname https://api.example.com/ --direct lb.example.com --cdn d.cloudfront.net",
        2,
        '--hostname is "https://api.example.com/"; ',
    ),
    "half of an edge": ("verify --hostname api.example.com", 2, "--direct is not given; "),
    "a file that is not there": ("verify --outputs gone.json", 2, "--outputs gone.json is not "),
    "a file that is cut off": ("verify --outputs half.json", 2, "--outputs half.json is not JSON"),
    "a file of something else": ("verify --outputs list.json", 2, "--outputs list.json is []; "),
    "requests that are not there": (f"{VERIFY} --requests gone.yaml", 2, "gone.yaml is not "),
    "an image with a typo": ("sandbox roots debian-11", 2, "The image is debian-11; "),
    "a shell where nothing is up": ("sandbox env", 2, "start them with: make up"),
    "a lab where nothing is up": ("sandbox lab open", 2, "Deploy first: make up"),
    "a client where no lab is open": ("sandbox lab enter ipv6-only true", 2, "No lab is open in "),
    "a setting where no lab is open": ("sandbox lab set down edge-1", 2, "make lab"),
    "nothing to take down": ("sandbox down", 0, "Nothing was up."),
    "another folder than the project's": (
        "shift abort --direct --stack prod",
        2,
        "it should be the project of the stack. Run this in the project's folder.",
    ),
}


@pytest.mark.parametrize("mistake", TYPED)
def test_what_is_typed(
    home: Path,
    mistake: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (home.parent / "half.json").write_text("{")
    (home.parent / "list.json").write_text("[]")
    words, code, message = TYPED[mistake]
    monkeypatch.setattr(sys, "argv", ["dualstack", *words.split()])
    try:
        cli.main()
        ended: object = 0
    except SystemExit as error:
        ended = error.code or 0
    printed, said = capsys.readouterr()
    assert (ended, printed) == (code, "")
    text = " ".join(re.sub(r"[│╭╮╰╯─]", " ", said).split())
    assert message in text
    assert "Traceback" not in said
    assert "dualstack broke" not in said
    assert not list(home.glob("*.json"))


def half_up(home: Path) -> None:
    """Have AWS run, as its note says, and DigitalOcean not."""
    me = psutil.Process()
    note = {"url": "http://127.0.0.1:9", "pid": me.pid, "created": me.create_time()}
    (home / "aws.json").write_text(json.dumps(note))


def torn(home: Path) -> None:
    """Have a note that was cut off."""
    (home / "aws.json").write_text('{"url": "http:')


@pytest.mark.parametrize("left", [half_up, torn])
def test_a_sandbox_that_is_half_up(
    home: Path,
    left: Callable[[Path], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    home.mkdir()
    left(home)
    monkeypatch.setattr(sys, "argv", ["dualstack", "sandbox", "env"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    message = "The sandbox's clouds are not running; start them with: make up\n"
    assert capsys.readouterr() == ("", message)


def test_a_cloud_that_does_not_start(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended, interruptible():
        raise CloudError("cloud 'aws' ended with exit code 1. The end of its log:\n  No space left")
    assert ended.value.exit_code == 1
    assert capsys.readouterr().err.endswith("The end of its log:\n  No space left\n")


# ---- set -----------------------------------------------------------------------------------------

GOOD: Final[dict[str, Any]] = {
    "hostnames": ["api.example.com"],
    "zone": "example.com",
    "origin": {"loadBalancer": "api", "kind": "application"},
}
ABROAD: Final = (
    "arn:aws:acm:eu-west-1:123456789012:certificate/0a1b2c3d-1111-2222-3333-444455556666"
)

SET: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "a key with a typo": ({"hostnmaes": ["api.example.com"]}, "hostnmaes"),
    "texts for weights": ({"traffic": {"direct": "a lot", "cdn": 0}}, "traffic.direct"),
    "one weight of two": ({"traffic": {"direct": 100, "cdn": 1}}, "traffic"),
    "a text for seconds": (
        {"origin": {**GOOD["origin"], "readTimeoutSeconds": "a minute"}},
        "origin.readTimeoutSeconds",
    ),
    "a kind with a typo": ({"origin": {"loadBalancer": "api", "kind": "aplication"}}, "origin"),
    "a hostname of a foreign zone": ({"hostnames": ["api.example.org"]}, "hostnames[0]"),
    "a certificate of another region": ({"certificateArn": ABROAD}, "certificateArn"),
    "a region that there is not": ({"proxy": {"regions": ["mars1"]}}, "proxy.regions[0]"),
}


@pytest.mark.parametrize("mistake", SET)
def test_what_is_set(mistake: str) -> None:
    changed, place = SET[mistake]
    config = {f"dualstack-edge:{key}": value for key, value in (GOOD | changed).items()}
    texts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in config.items()}
    with pytest.raises(SettingsError) as caught:
        parse(texts, stack="prod")
    (fault,) = map(str, caught.value.faults)
    assert fault.startswith(f"dualstack-edge:{place}")
    assert LINE.fullmatch(fault), fault


# ---- logged in -----------------------------------------------------------------------------------


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "GetCallerIdentity")


NOBODY: Final = "http://127.0.0.1:9"

LOGINS: Final[dict[str, tuple[BotoCoreError | ClientError, str]]] = {
    "no credentials": (exceptions.NoCredentialsError(), "The AWS login is missing; "),
    "an SSO login that ended": (exceptions.UnauthorizedSSOTokenError(), "aws sso login"),
    "a key that AWS does not know": (refused("InvalidClientTokenId"), "an access key that AWS "),
    "an endpoint where nobody answers": (
        exceptions.EndpointConnectionError(endpoint_url=NOBODY),
        f"The endpoint of AWS is {NOBODY}, where nobody answers; ",
    ),
}


@pytest.mark.parametrize("mistake", LOGINS)
def test_how_the_operator_is_logged_in(mistake: str) -> None:
    error, message = LOGINS[mistake]
    fault = str(access.refusal(error, "work", NOBODY))
    assert message in fault
    assert LINE.fullmatch(fault), fault


def test_where_the_operator_is_logged_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    account = {"Account": "123456789012", "Arn": "arn:me"}
    for fault, found in (
        (access.wrong_region(None, {}), "aws:region is not set; "),
        (
            access.wrong_region("eu-cental-1", {}, lambda _: False),
            'aws:region is "eu-cental-1"; ',
        ),
        (access.wrong_account(account, {"allowed_account_ids": ["1"]}), "account is 123456789012"),
    ):
        assert found in str(fault)
        assert LINE.fullmatch(str(fault)), str(fault)


# ---- the machine ---------------------------------------------------------------------------------


def test_an_engine_that_is_too_old_in_a_path_with_spaces(tmp_path: Path) -> None:
    command = tmp_path / "my programs" / "pulumi"
    command.parent.mkdir()
    command.write_text("#!/bin/sh\necho v3.100.0\n")
    command.chmod(0o755)
    with pytest.raises(find.EngineNotFoundError) as caught:
        find.on_path({"PATH": str(command.parent), "HOME": str(tmp_path)})
    assert f"({command}) is 3.100.0; 3.259.0 or newer. Upgrade Pulumi." in str(caught.value)


def test_no_go(tmp_path: Path) -> None:
    with pytest.raises(build.BuildError, match=r"^Go is missing on PATH; .* Install Go, or Pulumi"):
        build.build(tmp_path / "x", Version.parse("1.2.3"), print, {"PATH": str(tmp_path)})


@pytest.mark.parametrize("cloud", ["aws", "digitalocean"])
def test_a_port_that_is_taken(cloud: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-P", "-m", f"sandbox.clouds.{cloud}", "--port", str(port)],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(
        f"--port is {port}, which cannot be had on 127.0.0.1 (Address already in use); a free port "
    )
    assert LINE.fullmatch(done.stderr.strip()), done.stderr


@dataclass(frozen=True)
class Moment:
    """Ctrl-C as a module is imported: each is where a command is at some moment."""

    words: str
    module: str


INTERRUPTED: Final = {
    "as a verb starts": Moment("verify -h", "typer"),
    "as verify starts": Moment(VERIFY, "rollout.verify.command"),
    "as the sandbox is taken down": Moment("sandbox down", "psutil"),
    "before anything is up": Moment("sandbox up", "pulumi.automation"),
    "before records are led back": Moment("shift abort --direct", "rollout.shift.command"),
    "before records are taken over": Moment("adopt", "rollout.adopt.command"),
    "before records are let go": Moment("release", "rollout.release.command"),
}

PROGRAM: Final = """\
import importlib.abc, os, signal, sys

class CtrlC(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == module:
            os.kill(os.getpid(), signal.SIGINT)

from rollout import cli
sys.meta_path.insert(0, CtrlC())
module = sys.argv[1]
sys.argv[:2] = ["dualstack"]
cli.main()
"""


def run(words: str, program: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a process without a terminal."""
    command = [sys.executable, "-c", program] if program else [cli_of_this_environment()]
    return subprocess.run(
        [*command, *words.split()],
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        # The encoding of what is read is not that of the reader.
        errors="replace",
    )


def cli_of_this_environment() -> str:
    return str(Path(sys.executable).with_name("dualstack"))


@pytest.mark.parametrize("mistake", INTERRUPTED)
@pytest.mark.usefixtures("home")
def test_ctrl_c(mistake: str) -> None:
    moment = INTERRUPTED[mistake]
    done = run(f"{moment.module} {moment.words}", PROGRAM)
    assert done.returncode == 128 + signal.SIGINT, done.stderr
    assert done.stdout == ""
    assert done.stderr in {
        "",
        "Interrupted.\n",
        "Interrupted; `make up` goes on, `make down` removes.\n",
    }


WAITING: Final = {
    "adopt --stack prod": "Interrupted; nothing was changed.\n",
    "release --stack prod --yes": (
        "Interrupted. Run the same command again: it sees what was done already.\n"
    ),
    "status --stack prod": "Interrupted.\n",
}


@pytest.mark.parametrize("words", WAITING)
def test_ctrl_c_while_pulumi_is_waited_for(home: Path, words: str) -> None:
    for file in ("Pulumi.yaml", "Pulumi.prod.yaml"):
        shutil.copy(CHECKOUT / file, home.parent)
    programs = home.parent / "programs"
    programs.mkdir()
    (programs / "pulumi").write_text(
        # Once, however often it is run: a second Ctrl-C ends a program at once.
        '#!/bin/sh\nmkdir "$0.once" 2>/dev/null && kill -INT $PPID\nexec sleep 60\n'
    )
    (programs / "pulumi").chmod(0o755)
    done = run(words, PATH=f"{programs}{os.pathsep}{os.environ['PATH']}")
    assert (done.returncode, done.stdout) == (128 + signal.SIGINT, "")
    assert done.stderr == WAITING[words]


@pytest.mark.parametrize(
    "variables",
    [
        pytest.param({"LANG": "C", "LC_ALL": "C"}, id="LANG=C"),
        pytest.param({"PYTHONIOENCODING": "ascii"}, id="a terminal with ASCII alone"),
        pytest.param({"COLUMNS": "60"}, id="60 columns"),
    ],
)
@pytest.mark.parametrize(
    ("words", "shown"),
    [("--help", "--install-completion"), ("sandbox lab set -h", "propagation-seconds")],
)
def test_a_terminal_that_is_poor(words: str, shown: str, variables: dict[str, str]) -> None:
    done = run(words, **variables)
    assert (done.returncode, done.stderr) == (0, "")
    assert shown in done.stdout
    assert "\x1b" not in done.stdout
    width = int(variables.get("COLUMNS", "80"))
    assert [line for line in done.stdout.splitlines() if len(line) > width] == []


def test_output_that_nobody_reads() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        done = subprocess.run(
            [cli_of_this_environment(), "--help"],
            stdout=pipe,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.stderr == ""
    assert done.returncode in {1, 3}


@pytest.mark.parametrize(
    ("words", "code"), [("--help", 0), ("adopt --help", 0), ("release --help", 0), ("verifi", 2)]
)
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_output_that_the_caller_closed(words: str, code: int, closed: str) -> None:
    command = f"{shlex.quote(cli_of_this_environment())} {words} {closed}"
    done = subprocess.run(
        ["sh", "-c", command], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == code
    assert "dualstack broke" not in done.stderr
    assert "Traceback" not in done.stderr


AS_ANOTHER: Final = """\
import os, sys
from rollout import cli
cli.load(next(verb for verb in cli.VERBS if verb.name == "sandbox"))
import pulumi.automation
os.setgroups([]); os.setgid(65534); os.setuid(65534)
sys.argv[0] = "dualstack"
cli.main()
"""


@pytest.mark.root
def test_another_user_s_sandbox(home: Path) -> None:
    home.mkdir(mode=0o700)
    done = run("sandbox env", AS_ANOTHER)
    assert done.returncode == 3, done.stderr
    assert done.stdout == ""
    assert LINE.fullmatch(done.stderr.strip()), done.stderr
    assert "is root's, and closed to nobody; this command needs it. Run it as root" in done.stderr
