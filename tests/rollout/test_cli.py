"""How verbs become commands of `dualstack`, and what it says of a verb that it cannot run."""

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from importlib.metadata import packages_distributions
from pathlib import Path
from pwd import getpwuid

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from typer.main import get_command

from rollout import cli
from rollout.cli import UnusableVerbError, Verb
from support import verbs_page

PROGRAM = """\
import sys
from rollout import cli

sys.argv = ["dualstack", *sys.argv[1:]]
for name in {missing!r}:
    sys.modules[name] = None
cli.main()
print(sorted(name for name in ("rollout.verify", "sandbox", "typer") if name in sys.modules))
"""


def dualstack(*words: str, missing: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run the command in a fresh interpreter, as if some packages were not installed."""
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(missing=missing), *words],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("verb", cli.VERBS, ids=lambda verb: verb.name)
class TestEachVerb:
    def test_the_list_says_what_its_own_help_says(self, verb: Verb) -> None:
        own = get_command(cli.load(verb)).help or ""
        assert " ".join(own.partition("\n\n")[0].split()) == verb.help
        assert f"  {verb.name}  " in cli.usage()
        assert verb.help in cli.usage(width=200)

    def test_it_adds_no_options_of_its_framework(self, verb: Verb) -> None:
        options = [name for param in get_command(cli.load(verb)).params for name in param.opts]
        assert "--install-completion" not in options

    def test_a_trace_shows_no_variables_which_may_be_secrets(self, verb: Verb) -> None:
        assert cli.load(verb).pretty_exceptions_show_locals is False

    def test_its_help_calls_it_what_the_user_called(self, verb: Verb) -> None:
        done = dualstack(verb.name, "--help")
        assert done.returncode == 0
        assert re.search(rf"Usage: dualstack {verb.name} \[OPTIONS\]", done.stdout)


def test_help_lists_every_verb_with_what_it_needs_and_imports_none() -> None:
    done = dualstack("--help")
    assert done.returncode == 0
    assert done.stdout == f"{cli.usage()}[]\n"
    wide = cli.usage(width=200)
    assert re.search(r"^  verify +Compare .* \(extra: rollout\)$", wide, re.MULTILINE)
    assert re.search(r"^  sandbox +A cloud .* \(needs a checkout\)$", wide, re.MULTILINE)


@pytest.mark.parametrize("width", [60, 80, 200])
def test_help_breaks_its_lines_between_words_and_below_their_beginning(width: int) -> None:
    usage = cli.usage(width=width)
    assert [line for line in usage.splitlines() if len(line) > width] == []
    assert usage.split() == cli.usage(width=1000).split()
    verbs = usage.partition("Verbs:\n")[2].partition("\n\n")[0].splitlines()
    assert {re.match(r"  (\S+ +| {9})", line) is not None for line in verbs} == {True}


def test_the_page_says_of_each_verb_what_its_help_says(
    check_page: Callable[[str, str], None],
) -> None:
    page = verbs_page.page()
    for verb in cli.VERBS:
        assert f"## `dualstack {verb.name}`\n\n{verb.help}\n" in page
    check_page("verbs.md", page)


class TestWhatCommandsHave:
    def test_a_version(self) -> None:
        done = dualstack("--version")
        assert re.match(r"dualstack \d+\.\d+\.\d+\S*\n", done.stdout)

    @pytest.mark.parametrize("verb", cli.VERBS, ids=lambda verb: verb.name)
    def test_a_short_option_for_the_help_of_each_verb(self, verb: Verb) -> None:
        assert dualstack(verb.name, "-h").stdout == dualstack(verb.name, "--help").stdout

    @pytest.mark.parametrize(
        ("words", "completed"),
        [
            pytest.param("dualstack v", "verify", id="a verb"),
            pytest.param("dualstack sandbox do", "down", id="a verb of a verb"),
            pytest.param("dualstack verify --dns-q", "--dns-queries", id="an option"),
        ],
    )
    def test_completion_in_a_shell(self, words: str, completed: str) -> None:
        done = subprocess.run(
            [Path(sys.executable).with_name("dualstack")],
            env={
                "_DUALSTACK_COMPLETE": "complete_bash",
                "COMP_WORDS": words,
                "COMP_CWORD": str(words.count(" ")),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.stdout.split(), done.stderr) == ([completed], "")


class TestNoTraceback:
    def breaking(
        self,
        error: BaseException,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> str:
        """Run a command that breaks; return what it says on standard error."""

        def run(_: object) -> None:
            raise error

        monkeypatch.setattr(cli, "_run", run)
        monkeypatch.setattr(cli, "_give_up_output", lambda: None)
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert ended.value.code == 3
        return capsys.readouterr().err

    @pytest.mark.parametrize("words", [("--help",), ("verify", "--help")], ids=" ".join)
    def test_output_that_is_full_or_closed(self, words: tuple[str, ...]) -> None:
        command = [Path(sys.executable).with_name("dualstack"), *words]
        with Path("/dev/full").open("wb") as full:
            done = subprocess.run(
                command, stdout=full, stderr=subprocess.PIPE, text=True, check=False
            )
        assert done.returncode == 3
        assert done.stderr == (
            "The output is not whole: No space left on device. Write it to another place.\n"
        )
        reading, writing = os.pipe()
        os.close(reading)
        done = subprocess.run(
            command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False
        )
        os.close(writing)
        assert done.returncode in {1, 3}
        assert done.stderr == ""

    def test_what_is_somebody_elses(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        error = PermissionError(13, "Permission denied", str(tmp_path / "gone" / "file"))
        own = self.breaking(error, monkeypatch, capsys)
        owner = getpwuid(os.geteuid()).pw_name
        assert own == (
            f"{tmp_path} is closed to {owner}, whose it is; it must be open. "
            f"Try: chmod u+rwX {tmp_path}\n"
        )
        monkeypatch.setattr(os, "geteuid", lambda: 54321)
        assert self.breaking(error, monkeypatch, capsys) == (
            f"{tmp_path} is {owner}'s, and closed to user 54321; this command needs it. "
            f"Run it as {owner}, or give it away: sudo chown -R 54321 {tmp_path}\n"
        )

    def test_another_refusal_of_the_system(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        error = OSError(30, "Read-only file system", "/somewhere/file")
        assert self.breaking(error, monkeypatch, capsys) == (
            "/somewhere/file cannot be used: Read-only file system. "
            "See that it can be, and try again.\n"
        )

    def test_what_nobody_foresaw_goes_into_a_file(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        printed = self.breaking(ValueError("odd\nand long"), monkeypatch, capsys)
        assert printed.startswith("dualstack broke: ValueError: odd. That is a bug of it. ")
        file = Path(re.findall(r"Report it with (\S+),", printed)[0])
        assert "in run" in file.read_text()
        file.unlink()


def test_the_short_option_shows_the_help_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["dualstack", "-h"])
    cli.main()
    assert capsys.readouterr().out == cli.usage()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param([], cli.usage(), id="no verb"),
        pytest.param(
            ["verifi"],
            "The verb is 'verifi'; one of sandbox, adopt, verify, simulate, report, shift, "
            "release, status. See: dualstack --help\n",
            id="no such verb",
        ),
    ],
)
def test_wrong_use_ends_with_2_and_says_what_would_be_right(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    message: str,
) -> None:
    monkeypatch.setattr(sys, "argv", ["dualstack", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert capsys.readouterr() == ("", message)


def test_a_verb_is_the_only_one_that_is_imported() -> None:
    done = dualstack("verify", "--help", missing=("sandbox",))
    assert done.returncode == 0, done.stderr


LISTED = """\
import json, sys
from rollout import cli

(verb,) = (verb for verb in cli.VERBS if verb.name == sys.argv[1])
cli.load(verb)
print(json.dumps(sorted(name for name in sys.modules if "." not in name)))
"""


def test_of_its_extra_the_verbs_import_at_once_all_but_what_they_list() -> None:
    project = tomllib.loads((cli.ROOMS / "pyproject.toml").read_text())["project"]
    declared = {Requirement(each).name for each in project["optional-dependencies"]["rollout"]}
    declared.remove("sniffio")  # httpcore's, at the first connection
    owners, used = packages_distributions(), set[str]()
    for verb in [verb for verb in cli.VERBS if verb.extra]:
        done = subprocess.run(
            [sys.executable, "-c", LISTED, verb.name], capture_output=True, text=True, check=True
        )
        at_once = json.loads(done.stdout)
        assert not set(verb.later) & set(at_once), verb.name
        used |= {owner for name in (*at_once, *verb.later) for owner in owners.get(name, ())}
    assert {canonicalize_name(name) for name in declared} <= set(map(canonicalize_name, used))


@pytest.mark.parametrize("package", ["typer", "scipy", "junitparser"])
def test_a_verb_without_its_extra_names_the_package_and_the_extra(package: str) -> None:
    done = dualstack("verify", "--help", missing=(package,))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"dualstack verify needs the package `{package}`, which is not installed; it comes with "
        "the extra `rollout`. Install it: pip install 'dualstack-edge[rollout]'\n"
    )


def test_the_sandbox_without_the_checkout_s_environment_says_how_to_make_it() -> None:
    done = dualstack("sandbox", "up", missing=("psutil",))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "dualstack sandbox needs the package `psutil`, which is not installed; it is in the "
        "checkout's environment. Make that: make up\n"
    )


def test_the_sandbox_outside_a_checkout_says_what_it_needs(tmp_path: Path) -> None:
    (sandbox,) = (verb for verb in cli.VERBS if verb.name == "sandbox")
    with pytest.raises(UnusableVerbError) as raised:
        cli.load(sandbox, rooms=tmp_path)
    assert str(raised.value) == (
        "dualstack sandbox needs a checkout of dualstack-edge, and this is an installed package. "
        "Clone the project, and there: make up"
    )


def test_a_module_of_our_own_that_is_missing_is_no_matter_of_extras() -> None:
    verb = Verb("nothing", "rollout.nothing", "Does nothing.", extra="rollout")
    with pytest.raises(ModuleNotFoundError, match=r"rollout\.nothing"):
        cli.load(verb)
