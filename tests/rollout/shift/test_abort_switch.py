"""`dualstack shift abort --switch` puts the object, and tells what the zone's servers answer."""

import json
import re
from collections.abc import Callable
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, NoCredentialsError
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from components.facts import S3_OBJECT
from rollout.shift import command
from rollout.shift.abort_switch import (
    Outside,
    SwitchedEdge,
    SwitchReport,
    abort_switch,
    switch_words,
)
from rollout.shift.switch_object import SwitchError, SwitchObject, read_url, seen
from support.draining import CDN, DIRECT, RANGES, Servers, drained_at, told

NAME = "api.example.com"
URL = "https://edge-switch.s3.eu-west-1.amazonaws.com/drain%20cdn"
OWN = "https://status.example.net/drain"
WORDS = "dualstack-edge: drain cdn"
FILE = f"""\
config:
  dualstack-edge:hostnames: [{NAME}]
  dualstack-edge:zone: example.com
  dualstack-edge:killSwitch: {{url: "{URL}"}}
"""


class SmallS3:
    """A session and its S3 at once, which takes everything or fails as it is told."""

    def __init__(self, fault: Exception | None = None) -> None:
        self._fault = fault
        self.put: list[dict[str, Any]] = []
        self.asked: list[tuple[str, str]] = []

    def client(self, service: str, *, region_name: str, config: Any) -> "SmallS3":
        assert config.connect_timeout <= 5
        self.asked.append((service, region_name))
        return self

    def put_object(self, **fields: Any) -> None:
        if self._fault:
            raise self._fault
        self.put.append(fields)


def refused(status: int) -> ClientError:
    answer: Any = {
        "Error": {"Code": "AccessDenied", "Message": "not you"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, "PutObject")


def abort(
    s3: SmallS3,
    servers: Servers,
    url: str = URL,
    problem: str = "",
    ranges: Callable[[], str] = lambda: RANGES,
    *,
    locked: bool = False,
) -> SwitchReport:
    outside = Outside(
        servers, ranges, lambda _: problem, clock=lambda: servers.now, sleep=servers.sleep
    )
    edge = SwitchedEdge((NAME,), url, is_locked=locked)
    return abort_switch(edge, lambda: s3, lambda _: None, outside)


def test_the_object_is_put_by_s3_of_its_region_and_cdn_is_watched_until_it_is_drained() -> None:
    s3 = SmallS3()
    report = abort(s3, drained_at(33))
    assert s3.asked == [("s3", "eu-west-1")]
    ((put),) = s3.put
    assert (put["Bucket"], put["Key"]) == ("edge-switch", "drain cdn")
    assert put["Body"].startswith(WORDS.encode())
    assert (report.put, report.drained, report.last_answer_seconds) == (True, True, 32.0)
    assert (report.exit_code, report.notes) == (0, [])
    printed = switch_words(report)
    assert "the last answer that led there came 32 seconds after the object was put" in printed
    assert "aws s3 rm 's3://edge-switch/drain cdn' --region eu-west-1" in printed


@pytest.mark.parametrize(
    ("servers", "drained", "code", "note"),
    [
        pytest.param(drained_at(0), True, 0, "does not show that the switch works", id="idle"),
        pytest.param(drained_at(120), True, 0, "It took 118 seconds, not 90", id="late"),
        pytest.param(
            drained_at(10_000), False, 1, "Answers still lead to cdn after 180 s", id="never"
        ),
        pytest.param(
            Servers(lambda _, __, ___: None), None, 3, "Too few answers to tell", id="silence"
        ),
        pytest.param(
            Servers(lambda _, kind, __: told(*DIRECT["A"]) if kind == "A" else None),
            None,
            3,
            "(AAAA of api.example.com). Look by hand",
            id="one family alone",
        ),
        pytest.param(
            Servers(lambda _, kind, __: told(CDN["AAAA"] if kind == "AAAA" else "198.18.0.1")),
            False,
            1,
            "(AAAA of api.example.com). The records may have no such health check",
            id="a check on one family",
        ),
    ],
)
def test_what_is_answered_decides_the_exit_code(
    servers: Servers, drained: bool | None, code: int, note: str
) -> None:
    report = abort(SmallS3(), servers)
    assert (report.drained, report.exit_code) == (drained, code)
    assert any(note in each for each in report.notes), report.notes
    servers.now = 0


@settings(max_examples=15)
@given(
    servers=st.sampled_from([0.0, 20.0, 10_000.0]),
    fault=st.sampled_from([None, refused(500), ConnectTimeoutError(endpoint_url=URL)]),
    known=st.booleans(),
    problem=st.sampled_from(["", "it answers 403"]),
)
def test_it_ends_with_0_only_where_enough_answers_were_seen(
    *, servers: float, fault: Exception | None, known: bool, problem: str
) -> None:
    text = RANGES if known else "{}"
    report = abort(SmallS3(fault), drained_at(servers), problem=problem, ranges=lambda: text)
    expected = None if not known else servers < 10_000
    assert report.drained == expected
    assert report.put == (None if fault else True)
    assert (report.exit_code == 0) == (report.drained is True)


@pytest.mark.parametrize("fault", [refused(403), refused(404), NoCredentialsError()])
def test_where_s3_refuses_nothing_is_watched(fault: Exception) -> None:
    servers = drained_at(0)
    with pytest.raises(SwitchError):
        abort(SmallS3(fault), servers)
    assert servers.now == 0


def test_where_s3_does_not_answer_the_answers_tell() -> None:
    report = abort(SmallS3(ConnectTimeoutError(endpoint_url=URL)), drained_at(33))
    assert (report.put, report.drained, report.exit_code) == (None, True, 0)
    assert (
        f"By hand: printf '{WORDS}' | aws s3 cp - 's3://edge-switch/drain cdn'" in report.notes[0]
    )


def test_an_object_that_nobody_can_read_is_told_of_and_watched_all_the_same() -> None:
    report = abort(SmallS3(), drained_at(10_000), problem="it answers 403")
    assert (report.exit_code, report.notes[0].partition(". ")[0]) == (1, "it answers 403")


def test_a_place_of_ones_own_is_filled_by_its_owner_and_then_watched() -> None:
    s3 = SmallS3()
    report = abort(s3, drained_at(33), OWN, "it answers 404")
    assert (s3.put, report.drained, report.exit_code) == ([], None, 3)
    printed = switch_words(report)
    assert f"Have {OWN} answer 200 with a body that begins with these words" in printed
    assert "run the same command again" in printed
    again = abort(s3, drained_at(33), OWN)
    assert (s3.put, again.drained, again.to_do, again.exit_code) == ([], True, None, 0)


def test_without_the_networks_of_cloudfront_it_cannot_be_told() -> None:
    def away() -> str:
        raise OSError("no route to host")

    report = abort(SmallS3(), drained_at(0), ranges=away)
    assert (report.put, report.exit_code) == (True, 3)
    assert "(no route to host)" in report.notes[0]
    assert "--ip-ranges" in report.notes[0]


def test_a_locked_origin_is_warned_of() -> None:
    report = abort(SmallS3(), drained_at(0), locked=True)
    assert report.notes[0].startswith("The stack's file has an originLock")


# ---- the object ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "place"),
    [
        (URL, ("edge-switch", "eu-west-1")),
        ("http://a.b.s3.ap-southeast-2.amazonaws.com/x/y", ("a.b", "ap-southeast-2")),
        ("https://edge.s3.dualstack.eu-central-1.amazonaws.com/x", ("edge", "eu-central-1")),
        ("https://edge.s3.us-gov-west-1.amazonaws.com/x", ("edge", "us-gov-west-1")),
        ("https://edge.s3.amazonaws.com/x", None),
        ("https://s3.eu-west-1.amazonaws.com/edge/x", None),
        ("https://edge.s3-website.eu-west-1.amazonaws.com/x", None),
        ("https://edge.s3.eu-west-1.amazonaws.com.example.net/x", None),
        (OWN, None),
    ],
)
def test_what_is_at_s3_of_a_region(url: str, place: tuple[str, str] | None) -> None:
    found = S3_OBJECT.fullmatch(url)
    assert (found and (found["bucket"], found["region"])) == place
    assert SwitchObject(url).is_at_s3 == bool(place)


@pytest.mark.parametrize(
    ("status", "body", "problem"),
    [
        (200, f"{WORDS}\n", ""),
        (200, f"<p>{WORDS}</p>", ""),
        (200, "", "answers 200 without the words"),
        (200, "x" * 5_120 + WORDS, "answers 200 without the words"),
        (404, WORDS, "answers 404 without the words"),
        (403, "<Error/>", "answers 403 without the words"),
    ],
)
def test_an_object_is_seen_as_a_health_checker_sees_it(
    status: int, body: str, problem: str
) -> None:
    assert problem in seen(URL, lambda _: (status, body.encode()))
    assert bool(problem) == bool(seen(URL, lambda _: (status, body.encode())))


def test_an_address_is_read_as_it_is_written() -> None:
    asked: list[str] = []

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200 if self.path.startswith("/there") else 404)
            self.end_headers()
            self.wfile.write(WORDS.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = Thread(target=partial(server.serve_forever, 0.05))
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        try:
            assert read_url(f"{url}/there%20it/is") == (200, WORDS.encode())
            assert read_url(f"{url}/away")[0] == 404
        finally:
            server.shutdown()
            thread.join()
    assert asked == ["/there%20it/is", "/away"]
    assert "cannot be read from here" in seen(f"{url}/there")


# ---- the command --------------------------------------------------------------------------------


def run(*words: str, stack: str | None = None) -> tuple[int, str]:
    done = CliRunner().invoke(command.app, words, env={"PULUMI_STACK": stack, "COLUMNS": "200"})
    return done.exit_code, done.output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--direct", "--switch"], "How to abort is given twice; it should be --direct, or"),
        (["--switch"], "Add --stack NAME, or --url and --hostname."),
        (["--switch", "--url", OWN], "--hostname is not given; --url and --hostname go together"),
        (["--switch", "--hostname", NAME], "--url is not given; --url and --hostname go"),
        (["--switch", "--hostname", NAME, "--url", "s3://x/y"], '--url is "s3://x/y"; it should'),
        (["--switch", "--zone", "Z1"], "--zone is given; --switch does not need it. Leave"),
        (["--direct", "--url", OWN], "--url is given; --direct does not need it. Leave"),
    ],
)
def test_wrong_use_says_what_to_give(words: list[str], message: str) -> None:
    code, printed = run("abort", *words)
    assert (code, message in printed) == (2, True), printed


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: dualstack-edge\n")
    (tmp_path / "Pulumi.prod.yaml").write_text(FILE)
    (tmp_path / "ip-ranges.json").write_text(RANGES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("as_json", [False, True])
def test_the_stacks_file_says_what_is_drained(
    project: Path, monkeypatch: pytest.MonkeyPatch, *, as_json: bool
) -> None:
    s3, servers = SmallS3(), drained_at(0)
    monkeypatch.setattr("boto3.session.Session", lambda: s3)
    monkeypatch.setattr(command, "DnspythonClient", lambda: servers)
    monkeypatch.setattr(
        command, "Outside", partial(Outside, seen=lambda _: "", sleep=servers.sleep)
    )
    words = ["abort", "--switch", "--ip-ranges", "ip-ranges.json"]
    code, printed = run(*words, *(["--json"] if as_json else []), stack="prod")
    assert (code, len(s3.put)) == (0, 1), printed
    if as_json:
        report = json.loads(printed[printed.index("{") :])
        assert (report["put"], report["drained"], report["url"]) == (True, True, URL)
    else:
        assert "cdn is drained" in printed
    assert (project / "Pulumi.prod.yaml").read_text() == FILE


def test_a_file_without_a_switch_says_so(project: Path) -> None:
    (project / "Pulumi.prod.yaml").write_text(FILE.partition("  dualstack-edge:killS")[0])
    code, printed = run("abort", "--switch", "--stack", "prod")
    assert code == 2
    assert "dualstack-edge:killSwitch.url in " in printed
    assert "is not set; it should be the address of the kill switch's object" in printed
    assert "Give --url and --hostname instead." in printed


def test_a_file_of_networks_that_is_not_there_is_wrong_use(project: Path) -> None:
    code, printed = run("abort", "--switch", "--stack", "prod", "--ip-ranges", str(project / "x"))
    assert (code, "it should be a copy of https://ip-ranges.amazonaws.com" in printed) == (2, True)


def test_what_s3_refuses_has_a_code_of_its_own(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("boto3.session.Session", lambda: SmallS3(refused(403)))
    code, printed = run("abort", "--switch", "--stack", "prod", "--ip-ranges", "ip-ranges.json")
    assert project
    assert (code, "Nothing was changed: An error occurred (AccessDenied)" in printed) == (1, True)


def test_the_schema_is_documented(check_page: Any) -> None:
    check_page("schemas/shift-abort-switch.json", command.switch_schema())


def test_the_page_allows_what_is_asked_and_nothing_else() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs/recovery.md").read_text()
    found = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    policies = [json.loads(text) for text in found if '"s3:' in text]
    (everybody,), (whoever_drains,) = (policy["Statement"] for policy in policies)
    assert (everybody["Principal"], everybody["Action"]) == ("*", "s3:GetObject")
    s3 = SmallS3()
    SwitchObject(URL).put(s3)
    assert whoever_drains["Action"] == "s3:PutObject"  # all that was sent: `SmallS3` has no more
    assert (
        everybody["Resource"]
        == whoever_drains["Resource"]
        == "arn:aws:s3:::example-edge-switch/drain"
    )
    assert f"printf '{WORDS}' | aws s3 cp - s3://example-edge-switch/drain" in page
    assert len(s3.put) == 1
