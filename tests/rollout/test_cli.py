"""How verbs become commands of `dualstack`."""

import typer
from typer.testing import CliRunner

from rollout import cli


def run(verb: typer.Typer, *words: str) -> str:
    app = typer.Typer()
    app.callback()(lambda: None)
    cli.add(app, verb, "verb")
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code == 0, result.output
    return result.output


def test_a_verb_with_one_command_is_that_command() -> None:
    verb = typer.Typer()

    @verb.command()
    def anything(  # pyright: ignore[reportUnusedFunction] - typer keeps it
        count: int = 1,
    ) -> None:
        typer.echo(f"counted {count}")

    assert run(verb, "verb", "--count", "2") == "counted 2\n"


def test_a_verb_with_several_commands_is_a_group_of_them() -> None:
    verb = typer.Typer()
    for name in ("one", "two"):
        verb.command(name)(lambda: typer.echo("called"))
    assert run(verb, "verb", "two") == "called\n"


def test_every_installed_verb_is_there() -> None:
    assert CliRunner().invoke(cli.build(), ["sandbox", "--help"]).exit_code == 0


def test_a_verb_that_is_called_is_the_only_one_that_is_loaded() -> None:
    def listed(first: str) -> set[str | None]:
        app = cli.build(first)
        return {each.name for each in (*app.registered_groups, *app.registered_commands)}

    every = listed("")
    assert {"sandbox", "verify"} <= every
    assert listed("verify") == {"verify"}
    assert listed("--help") == listed("nothing") == every
