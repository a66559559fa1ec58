"""No secret shows: not in evidence, nor in any form of the report, nor in a `repr`."""

import asyncio
import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from rollout.probe.model import SECRET_HEADERS, HttpAnswer, HttpRequest, Result, Way, WebSocketTalk
from rollout.requests import har
from rollout.requests.catalogue import Catalogue, CatalogueEntry
from rollout.requests.documents import Document
from rollout.verify import printed, report
from rollout.verify.checks import opaque
from rollout.verify.compare import compare_answer, compare_request
from rollout.verify.differences import HeaderChange
from rollout.verify.exchange import Attempt
from rollout.verify.received import ReceivedBody, ReceivedRequest, SentRequest
from rollout.verify.run import GroupResult
from support.fake_edge import CDN4, DIRECT4, HOSTNAME, TARGET, WAYS, FakeWire, answer, surroundings

SECRET = 'hush-"0123456789\\abcdef'
JSON = "application/json"
NAMES = sorted(SECRET_HEADERS)


def written(results: list[Result]) -> str:
    """Return a report in every form that it has."""
    made = report.make(
        TARGET,
        WAYS,
        [GroupResult("echo", result) for result in results],
        (),
        started=datetime(2026, 1, 2, tzinfo=UTC),
        seconds=1,
    )
    console = Console(file=io.StringIO(), width=500)
    printed.show(made, console)
    assert isinstance(console.file, io.StringIO)
    forms = (report.as_json(made), report.as_junit(made), console.file.getvalue(), repr(made))
    return "\n".join((*forms, repr(results)))


def opaque_results(entry: CatalogueEntry, speak: Any) -> list[Result]:
    async def collect() -> list[Result]:
        wire = FakeWire(speak)
        check = opaque.check(Catalogue((entry,)), (), pause_seconds=0)
        return [result async for result in check.run(surroundings(wire))]

    return asyncio.run(collect())


def test_what_logs_in_and_what_lets_into_the_origin_is_secret() -> None:
    assert {"authorization", "cookie", "set-cookie", "x-origin-secret"} <= SECRET_HEADERS


@pytest.mark.parametrize("name", NAMES)
def test_a_secret_that_differs_between_the_paths_does_not_show(name: str) -> None:
    entry = CatalogueEntry("GET /", HttpRequest("GET", "/"))

    def speak(way: Way, _: HttpRequest) -> HttpAnswer:
        return HttpAnswer(200, ((name, f"{SECRET} {way.path}"),), b"", "HTTP/1.1", 0.1)

    results = opaque_results(entry, speak)
    assert "fail" in {result.verdict for result in results}
    assert "hush" not in written(results)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("where", ["value", "key", "text", "unstable key"])
def test_a_secret_that_the_api_repeats_does_not_show(name: str, where: str) -> None:
    entry = CatalogueEntry("GET /", HttpRequest("GET", "/", ((name, SECRET),)))
    count = iter(range(1000))

    def speak(way: Way, request: HttpRequest) -> HttpAnswer:
        # Once it is sent without its credentials.
        secret = dict(request.headers).get(name, "nobody")
        if where == "text":
            return answer(200, f"{secret} at {way.path}".encode())
        body: Any = {"value": {"said": f"{secret} at {way.path}"}}.get(where)
        changing = next(count) if where == "unstable key" else 1
        body = body or {secret: changing, "path": way.path}
        if where == "key" and way.path == "cdn":
            body = {f"{secret}!": 1}
        return answer(200, json.dumps(body).encode(), Content_Type="application/json")

    results = opaque_results(entry, speak)
    assert "fail" in {result.verdict for result in results}
    assert "hush" not in written(results)


def recorded(
    method: str = "GET", query: str = "", body: str = "", **headers: str
) -> CatalogueEntry:
    """Return a request as a recording has it."""
    entry = {
        "method": method,
        "url": f"https://{HOSTNAME}/cb{query}",
        "headers": [{"name": name.replace("_", "-"), "value": headers[name]} for name in headers],
        **({"postData": {"text": body}} if body else {}),
    }
    log = {"log": {"entries": [{"request": entry}]}}
    return har.read(Document("a.har", "", log), [HOSTNAME], unsafe=True).entries[0]


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(recorded(query="?code=hush%2F0123456789&a=1"), id="in a query string"),
        pytest.param(recorded(query="?a=hush+0123456789"), id="in one with a space"),
        pytest.param(recorded(X_Tenant="hush/0123456789"), id="in a header of whatever name"),
        pytest.param(recorded("POST", body="user=hush%2F0123456789&a=1"), id="in a form"),
        pytest.param(recorded("POST", body='{"a":[{"b":"hush/0123456789"}]}'), id="in JSON"),
        pytest.param(recorded("POST", body="hush/0123456789"), id="in a text"),
        pytest.param(
            CatalogueEntry("GET /", HttpRequest("GET", "/?access_token=hush%2F0123456789")),
            id="in a parameter whose name tells, of nobody's recording",
        ),
        pytest.param(
            CatalogueEntry(
                "GET /", HttpRequest("GET", "/", (("X-Access-Token", "hush/0123456789"),))
            ),
            id="in a header whose name tells",
        ),
        pytest.param(
            CatalogueEntry(
                "PUT /", HttpRequest("PUT", "/", (), b'{"login":{"password":"hush/0123456789"}}')
            ),
            id="in a member whose name tells",
        ),
    ],
)
@pytest.mark.parametrize("echoed", ["hush/0123456789", "hush%2F0123456789", "hush 0123456789"])
def test_what_was_recorded_does_not_show_where_an_answer_repeats_it(
    entry: CatalogueEntry, echoed: str
) -> None:
    if "+" in entry.request.target:
        echoed = echoed.replace("/", "+").replace("%2F", "%20")
    elif " " in echoed:
        return

    def speak(way: Way, _: HttpRequest) -> HttpAnswer:
        body = json.dumps({"you": f"{echoed} at {way.path}"}).encode()
        return answer(200, body, Location=f"/in?a={echoed}&b={way.path}", Content_Type=JSON)

    results = opaque_results(entry, speak)
    assert "fail" in {result.verdict for result in results}
    assert "hush" not in written(results)


def test_what_an_answer_itself_calls_a_secret_does_not_show() -> None:
    def speak(way: Way, _: HttpRequest) -> HttpAnswer:
        body = json.dumps({"access_token": f"hush {way.path}", "author": way.path}).encode()
        return answer(200, body, X_Session_Id=f"hush {way.path}", Content_Type=JSON)

    results = opaque_results(recorded(), speak)
    assert "hush" not in written(results)
    assert 'json:/author expected "direct", came "cdn"' in written(results)


# What a cookie's value can hold, and more; a semicolon ends it. Source: RFC 6265 section 4.1.1.
VALUES = st.characters(codec="ascii", categories=["L", "N", "P", "S"], exclude_characters=";")


@given(st.text(VALUES, min_size=6))
def test_no_cookie_that_an_answer_repeats_shows(secret: str) -> None:
    entry = CatalogueEntry("GET /", HttpRequest("GET", "/", (("Cookie", f"session={secret}"),)))

    def speak(way: Way, _: HttpRequest) -> HttpAnswer:
        return answer(200, f"<{secret}> {way.path}".encode())

    evidence = " ".join(result.evidence for result in opaque_results(entry, speak))
    # Short runs of a secret may stand in any words; as it is in JSON it may not stand at all.
    assert f"<{json.dumps(secret)[1:-1]}>" not in evidence


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("sent", "came"), [((), (SECRET,)), ((SECRET,), ()), ((SECRET,), ("hush",))]
)
def test_a_secret_that_was_altered_on_its_way_to_the_origin_does_not_show(
    name: str, sent: tuple[str, ...], came: tuple[str, ...]
) -> None:
    before = tuple((name.title(), value) for value in sent)
    after = tuple((name.title(), value) for value in came)
    echo = ReceivedRequest(
        id="1",
        method="GET",
        target="/echo",
        protocol="HTTP/1.1",
        scheme="https",
        headers=after,
        body=ReceivedBody(length=0, sha256=""),
    )
    sent_request = SentRequest("GET", "/echo", before)
    new, old = (HttpAnswer(200, side, b"", "HTTP/1.1", 0.1) for side in (after, before))
    comparisons = (
        compare_request(sent_request, echo, "direct"),
        compare_answer(new, old, "direct"),
    )
    assert all(comparison.faults for comparison in comparisons)
    faults = [fault for comparison in comparisons for fault in comparison.faults]
    results = [Result("headers", "fail", fault, HOSTNAME, "cdn", "IPv4") for fault in faults]
    assert "hush" not in written(results)


@pytest.mark.parametrize("name", NAMES)
def test_no_repr_shows_a_secret(name: str) -> None:
    headers = ((name, SECRET),)
    request = HttpRequest("GET", "/", headers, b"hush")
    got = HttpAnswer(200, headers, b"hush", "HTTP/1.1", 0.1)
    entry = CatalogueEntry("GET /", request)
    values = (
        request,
        got,
        entry,
        Catalogue((entry,)),
        WebSocketTalk(headers, ("hush",)),
        SentRequest("GET", "/", headers),
        HeaderChange(name, (SECRET,), (SECRET,)),
        Attempt(DIRECT4, request, got),
        replace(surroundings(), requests=(request,)),
        CDN4,
    )
    assert "hush" not in repr(values)
