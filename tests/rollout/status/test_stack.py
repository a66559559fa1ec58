"""The stack's section, from what `pulumi` prints: here it is a script with answers of its own."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from rollout.faults import WrongUseError
from rollout.pulumi_command import PulumiCommand, PulumiError
from rollout.status.reasons import NotToldError
from rollout.status.room import OwnStack, SectionFields, StatusRequest
from rollout.status.stack import Once, StackReader, length, stack_section

NOW: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
URN: Final = "urn:pulumi:prod::api::pulumi:pulumi:Stack::api-prod"
OUTPUTS: Final = {
    "hostnames": ["api.example.com"],
    "distributionId": "E1",
    "distributionDomainName": "d1.cloudfront.net",
    "traffic": {"direct": 100, "cdn": 0},
    "records": [],
}


def exported(**deployment: Any) -> dict[str, Any]:
    manifest = {"time": "2026-03-01T09:59:00.123456789+01:00"}
    return {"deployment": {"manifest": manifest, "resources": [{"urn": URN}], **deployment}}


class Pulumi:
    """A `pulumi` on PATH that answers as it is told, and refuses all else."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.backend = folder / "state"
        script = folder / "pulumi"
        script.write_text(
            f'#!/bin/sh\ncat "{folder}/$(echo "$*" | tr " " _)" 2>/dev/null && exit\n'
            'echo "error: no answer to $*" >&2; exit 255\n'
        )
        script.chmod(0o755)
        self.answer("whoami --verbose --json", {"url": f"file://{self.backend}?metadata=skip"})
        self.of_stack("stack export", exported())
        self.of_stack("stack output --json", OUTPUTS)

    def answer(self, words: str, answer: object) -> None:
        text = answer if isinstance(answer, str) else json.dumps(answer)
        name = words.split() if "--non-interactive" in words else [*words.split(), FLAG]
        (self.folder / "_".join(name)).write_text(text)

    def of_stack(self, words: str, answer: object, stack: str = "prod") -> None:
        self.answer(f"{words} {FLAG} --stack {stack}", answer)

    def lock(self, text: str) -> None:
        locks = self.backend / ".pulumi/locks/organization/api/prod"
        locks.mkdir(parents=True)
        (locks / "1.json").write_text(text)


FLAG: Final = "--non-interactive"


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pulumi:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return Pulumi(tmp_path)


def reader(
    request: StatusRequest = StatusRequest("prod"),  # noqa: B008 - frozen
    own: Mapping[str, OwnStack] | None = None,
    environment: Mapping[str, str] | None = None,
) -> StackReader:
    return StackReader(request, lambda: own or {}, environment or {})


def section(*arguments: Any, **more: Any) -> SectionFields:
    return stack_section(reader(*arguments, **more), lambda: NOW)


def test_a_stack_that_nobody_works_on_is_ok(pulumi: Pulumi) -> None:
    assert section() == {
        "state": "ok",
        "lines": [
            ("name", "prod"),
            ("state", f"file://{pulumi.backend}?metadata=skip"),
            ("last update", "2026-03-01T08:59:00Z"),
            ("since then", "3 hours"),
            ("resources", 1),
            ("pending operations", 0),
            ("locked", False),
        ],
        "notes": [],
    }


def test_what_is_half_done_locked_or_empty_needs_somebody(pulumi: Pulumi) -> None:
    operation = {"resource": {"urn": f"{URN}::edge-cdn"}, "type": "creating"}
    pulumi.of_stack("stack export", exported(pending_operations=[operation]))
    pulumi.lock('{"pid": 7, "username": "u", "hostname": "h", "timestamp": "then"}')
    told = section()
    assert told["state"] == "attention"
    assert told.get("notes") == [
        (
            "Operation on edge-cdn is creating, and was never finished; nothing may be under way "
            "between two deployments. Look at what became of it, then: pulumi refresh"
        ),
        (
            "The stack is locked by u@h, process 7, since then; one update runs at a time. Wait "
            "for it. If nobody works on it any more: pulumi cancel"
        ),
    ]
    pulumi.of_stack("stack export", {"deployment": {"manifest": {"time": ""}}})
    told = section()
    assert dict(told["lines"])["last update"] is None
    assert told.get("notes") == [
        "The stack is empty; it should have an edge. Deploy it with: pulumi up"
    ]


def test_a_lock_that_cannot_be_read_is_one(pulumi: Pulumi) -> None:
    pulumi.lock("{")
    (note,) = list(section().get("notes", ()))
    assert note.startswith("The stack is locked by whoever wrote 1.json;")


@pytest.mark.parametrize(
    ("name", "updating", "locked"),
    [
        pytest.param("prod", True, True, id="under way"),
        pytest.param("org/prod", True, True, id="with the organisation"),
        pytest.param("prod", False, False, id="quiet"),
        pytest.param("preprod", True, False, id="another stack"),
    ],
)
def test_a_service_says_itself_who_works(
    pulumi: Pulumi, name: str, *, updating: bool, locked: bool
) -> None:
    pulumi.answer("whoami --verbose --json", {"url": "https://app.pulumi.com/org"})
    pulumi.answer("stack ls --json", [{"name": name, "updateInProgress": updating}])
    assert dict(section()["lines"])["locked"] is locked


def test_a_backend_that_tells_of_no_locks_is_unknown(pulumi: Pulumi) -> None:
    pulumi.answer("whoami --verbose --json", {"url": "gs://bucket"})
    told = section()
    assert (told["state"], dict(told["lines"])["locked"]) == ("unknown", None)
    assert told.get("notes") == [
        "Whether the stack is locked is not known: Pulumi tells of no locks in gs."
    ]


@pytest.mark.parametrize(
    ("words", "note"),
    [
        ("stack export", "pulumi stack export is refused: no answer to stack export"),
        ("stack output --json", "pulumi stack output is refused: no answer to stack output --json"),
    ],
)
def test_what_pulumi_refuses_is_unknown_and_hides_nothing_else(
    pulumi: Pulumi, words: str, note: str
) -> None:
    (pulumi.folder / "_".join([*words.split(), FLAG, "--stack", "prod"])).unlink()
    told = section()
    assert (told["state"], dict(told["lines"])["name"]) == ("unknown", "prod")
    assert told.get("notes") == [f"{note} {FLAG} --stack prod."]


def test_other_answers_than_json_are_told_of(pulumi: Pulumi) -> None:
    pulumi.of_stack("stack output --json", "warning")
    (note,) = list(section().get("notes", ()))
    assert note.startswith("pulumi stack output is answering what is no JSON")


def test_outputs_that_are_no_edge_s_are_told_of_by_the_first_fault(pulumi: Pulumi) -> None:
    pulumi.of_stack("stack output --json", {})
    (note,) = list(section().get("notes", ()))
    assert note.startswith("Output hostnames is not there;")
    with pytest.raises(NotToldError, match="see section stack"):
        reader().edge()


@pytest.mark.parametrize(
    ("settings", "traffic"),
    [
        pytest.param({"api:traffic": {"value": '{"direct": 1, "cdn": 9}'}}, (1, 9), id="set"),
        pytest.param({"api:traffic": {"value": '{"direct": 1}'}}, None, id="half"),
        pytest.param({"api:traffic": {"secret": True}}, None, id="secret"),
        pytest.param({"aws:region": {"value": "x"}}, None, id="not set"),
    ],
)
def test_the_weights_of_the_settings(
    pulumi: Pulumi, settings: object, traffic: tuple[int, int] | None
) -> None:
    pulumi.of_stack("config --json", settings)
    found = reader().settings.get()
    assert (found and (found["direct"], found["cdn"])) == traffic


@pytest.mark.parametrize(
    ("settings", "set_to"),
    [
        ({"api:dns": {"value": '{"records": "none", "negativeTtlSeconds": 60}'}}, "none"),
        ({"api:dns": {"value": '{"negativeTtlSeconds": 60}'}}, "weighted"),
        ({"aws:region": {"value": "x"}}, "weighted"),
    ],
)
def test_the_records_of_the_settings(pulumi: Pulumi, settings: object, set_to: str) -> None:
    pulumi.of_stack("config --json", settings)
    assert reader().set_records.get() == set_to


class TestWhichStack:
    OWN: Final[Mapping[str, OwnStack]] = {
        "sandbox": {"folder": "/", "variables": {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}}
    }

    def place(
        self, request: StatusRequest, environment: Mapping[str, str] | None = None
    ) -> tuple[str | None, PulumiCommand]:
        place = reader(request, self.OWN, environment).place.get()
        return place.name, place.pulumi

    def test_the_one_that_is_named(self, pulumi: Pulumi) -> None:  # noqa: ARG002
        assert self.place(StatusRequest("prod"))[0] == "prod"
        name, command = self.place(StatusRequest("sandbox"))
        assert (name, command.folder) == ("sandbox", Path("/"))
        assert "AWS_ENDPOINT_URL" in command.variables
        assert "127.0.0.1" not in repr(command)

    def test_the_one_that_is_selected(self, pulumi: Pulumi) -> None:
        pulumi.answer("stack --show-name", "mine\n")
        assert self.place(StatusRequest()) == ("mine", PulumiCommand(seconds=20.0))

    def test_else_the_one_that_a_room_keeps(self, pulumi: Pulumi) -> None:  # noqa: ARG002
        name, command = self.place(StatusRequest())
        assert (name, command.folder) == ("sandbox", Path("/"))

    def test_in_a_shell_with_a_state_of_its_own_no_other(self, pulumi: Pulumi) -> None:  # noqa: ARG002
        shell = {"PULUMI_BACKEND_URL": "file:///elsewhere"}
        assert self.place(StatusRequest("sandbox"), shell)[1].folder is None
        with pytest.raises(PulumiError, match="refused: no answer to stack --show-name"):
            self.place(StatusRequest(), shell)

    def test_none_is_unknown(self, pulumi: Pulumi) -> None:  # noqa: ARG002
        told = section(StatusRequest())
        assert told["state"] == "unknown"
        assert "Run it where a stack is selected, or give --stack NAME" in told.get("notes", "")[0]

    def test_outputs_in_a_file_are_all_that_is_known_of_it(self, tmp_path: Path) -> None:
        file = tmp_path / "outputs.json"
        file.write_text(json.dumps(OUTPUTS))
        told = section(StatusRequest(outputs=str(file)))
        assert (told["state"], told["lines"][0]) == ("ok", ("name", None))
        assert reader(StatusRequest(outputs=str(file))).settings.get() is None
        assert reader(StatusRequest(outputs=str(file))).set_records.get() is None
        with pytest.raises(WrongUseError, match="not readable"):
            section(StatusRequest(outputs=str(tmp_path / "gone")))


def test_a_pulumi_that_is_silent_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    (tmp_path / "pulumi").write_text("#!/bin/sh\nexec sleep 60\n")
    (tmp_path / "pulumi").chmod(0o755)
    with pytest.raises(PulumiError, match="silent for 1 seconds"):
        PulumiCommand(seconds=1).answer("whoami")


def test_what_several_need_is_got_once_and_fails_once() -> None:
    calls: list[int] = []

    def work() -> int:
        calls.append(1)
        raise PulumiError("gone")

    once = Once(work)
    once.start()
    for _ in range(2):
        with pytest.raises(PulumiError, match="gone"):
            once.get()
    assert calls == [1]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0 seconds"), (1, "1 second"), (119, "1 minute"), (7200, "2 hours"), (90000, "1 day")],
)
def test_a_length_of_time_is_told_in_its_largest_unit(seconds: float, text: str) -> None:
    assert length(seconds) == text
