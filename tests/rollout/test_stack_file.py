"""A stack's file is read without the engine, and written with nothing but its weights changed."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from rollout.faults import WrongUseError
from rollout.records.weights import Weights
from rollout.stack_file import StackFile, find_stack_file

CHECKOUT = Path(__file__).parents[2]
BACK = Weights(100, 0)

BLOCK = """\
# what production is
config:
  dualstack-edge:hostnames: [Api.example.com., b.example.com]
  dualstack-edge:zone: example.com   # public

  dualstack-edge:traffic: # of the answers
    direct: 99  # the old path
    cdn:   1

  # more
  dualstack-edge:protect: true
"""


def stack_file(folder: Path, text: str, project: str = "name: dualstack-edge\n") -> StackFile:
    (folder / "Pulumi.yaml").write_text(project)
    (folder / "Pulumi.prod.yaml").write_text(text)
    return find_stack_file("org/project/prod", folder)


def test_names_zone_and_weights_are_read(tmp_path: Path) -> None:
    file = stack_file(tmp_path, BLOCK)
    assert (file.hostnames, file.zone, file.weights, file.is_locked) == (
        ("api.example.com", "b.example.com"),
        "example.com",
        Weights(99, 1),
        False,
    )


def test_the_stack_that_the_project_ships_is_read() -> None:
    file = find_stack_file("prod", CHECKOUT / "components")
    assert (file.zone, file.weights) == ("example.com", BACK)
    assert file.with_weights(BACK) == file.text


def test_comments_order_and_spaces_stay(tmp_path: Path) -> None:
    assert stack_file(tmp_path, BLOCK).with_weights(BACK) == BLOCK.replace(
        "direct: 99 ", "direct: 100 "
    ).replace("cdn:   1", "cdn:   0")


NAMES = "  dualstack-edge:zone: example.com\n"

FORMS = {
    "flow": f"config:\n{NAMES}  dualstack-edge:traffic: {{cdn: 7, direct: 93}} # now\n",
    "JSON": f'config:\n{NAMES}  dualstack-edge:traffic: \'{{"direct": 93, "cdn": 7}}\'\n',
    "quoted": f"config:\n{NAMES}  'dualstack-edge:traffic':\n    'direct': \"93\"\n    cdn: 7\n",
    "half": f"config:\n  dualstack-edge:traffic:\n    direct: 93\n{NAMES}",
    "own namespace": f"config:\n  traffic:\n    direct: 93\n    cdn: 7\n{NAMES}",
    "default": f"config:\n{NAMES}",
    "no config": "encryptionsalt: v1:x\n",
    "nothing": "",
    "no last line end": "encryptionsalt: v1:x",
    "windows": BLOCK.replace("\n", "\r\n"),
    "whole in JSON": '{"config": {"dualstack-edge:traffic": {"direct": 93, "cdn": 7}}}',
    "merge": "o: &t {direct: 93, cdn: 7}\nconfig:\n  dualstack-edge:traffic:\n    <<: *t\n",
    "null": f"config:\n  dualstack-edge:traffic:\n{NAMES}",
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_every_form_gets_the_weights_and_keeps_the_rest(tmp_path: Path, text: str) -> None:
    file = stack_file(tmp_path, text)
    path = tmp_path / "Pulumi.prod.yaml"
    path.write_bytes(text.encode())
    file = find_stack_file("prod", tmp_path)
    written = file.write(file.with_weights(BACK))
    assert written.weights == BACK
    assert path.read_bytes() == written.text.encode()
    before: dict[str, Any] = yaml.safe_load(text) or {}
    after: dict[str, Any] = yaml.safe_load(written.text)
    for each in (before, after):
        for key in ("dualstack-edge:traffic", "traffic"):
            each.setdefault("config", {}).pop(key, None)
    assert before == after


UNSAFE = {
    "anchor": "other: &t {direct: 93, cdn: 7}\nconfig:\n  dualstack-edge:traffic: *t\n",
    "empty config": "config: {}\n",
}


@pytest.mark.parametrize("text", UNSAFE.values(), ids=UNSAFE)
def test_what_cannot_be_changed_alone_is_left_and_the_lines_are_shown(
    tmp_path: Path, text: str
) -> None:
    file = stack_file(tmp_path, text)
    with pytest.raises(
        WrongUseError, match="by hand:\nconfig:\n  dualstack-edge:traffic:\n    dir"
    ):
        file.with_weights(BACK)
    assert file.path.read_text() == text


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    real = tmp_path / "real.yaml"
    file = stack_file(tmp_path, BLOCK)
    file.path.rename(real)
    real.chmod(0o640)
    file.path.symlink_to(real)
    file.write(file.with_weights(BACK))
    assert file.path.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert find_stack_file("prod", tmp_path).weights == BACK
    with pytest.raises(UnicodeEncodeError):
        file.write("half \ud800")
    assert find_stack_file("prod", tmp_path).weights == BACK
    assert {path.name for path in tmp_path.iterdir()} == {
        "Pulumi.prod.yaml",
        "Pulumi.yaml",
        "real.yaml",
    }


def test_what_the_stack_does_not_say_the_project_does(tmp_path: Path) -> None:
    project = (
        "name: ours\nstackConfigDir: stacks\nconfig:\n  dualstack-edge:zone: {value: example.com}\n"
        "  dualstack-edge:hostnames: {default: ['a.example.com']}\n"
    )
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks/Pulumi.prod.yaml").write_text("config: {zone: other.test}\n")
    (tmp_path / "Pulumi.yaml").write_text(project)
    file = find_stack_file("prod", tmp_path / "stacks")
    assert (file.zone, file.hostnames, file.weights) == ("example.com", ("a.example.com",), None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "config: [",
            r"Pulumi\.prod\.yaml is not readable \(.*\); it should be a file of Pulumi's",
        ),
        ("- a\n", r"is not readable \(it is no mapping\)"),
        ("config: {}\n", "dualstack-edge:hostnames in .* is not set; it should be a list of DNS"),
        ("config: {hostnames: ['-']}", r'is \["-"\]; .* in plain text. Give --zone and --hostname'),
        ("config: {hostnames: {secure: v1:x}}", r"is \[secret\]; it should be a list"),
    ],
    ids=["broken", "a list", "none", "no name", "secret"],
)
def test_what_cannot_be_read_says_what_to_give_instead(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(WrongUseError, match=message):
        _ = stack_file(tmp_path, text).hostnames


def test_a_missing_project_or_stack_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(WrongUseError, match=r"Pulumi\.yaml in /proc is not there; it should be"):
        find_stack_file("prod", Path("/proc"))
    (tmp_path / "Pulumi.yaml").write_text("name: a\n")
    with pytest.raises(WrongUseError, match=r"Pulumi\.prod\.yaml in .* is not there"):
        find_stack_file("prod", tmp_path)
